"""Proposals as commands: heard, co-signed by finance, published once, and nobody signs twice."""

from __future__ import annotations

from dataclasses import replace

import pytest

from catalog.document import write_document
from catalog.errors import CloudmgrError
from catalog.period import Month
from catalog.prices import Price
from cloudmgr.domain.access import Role
from cloudmgr.domain.approvals import Decision
from cloudmgr.domain.catalogs import PublishedCatalog
from cloudmgr.domain.parties import RoleGrant
from cloudmgr.domain.proposals import (
    ChangeAction,
    Proposal,
    ProposalComment,
    ProposalContent,
    ProposalState,
    ProposedChange,
)
from cloudmgr.domain.requests import RequestKind
from cloudmgr.services.catalogs import CatalogFormat, catalog_file
from cloudmgr.services.files import UploadFile
from cloudmgr.services.pricing import catalog_version, price_book
from cloudmgr.services.proposals import (
    CommentOnProposal,
    CoSignProposal,
    DropProposal,
    EditProposal,
    OpenProposal,
    PublishProposal,
    RebaseProposal,
    ReturnProposal,
)
from cloudmgr.services.rating import preview
from cloudmgr.services.reading import page, read
from cloudmgr.services.requests import SignRequest, SubmitRequest
from tests.support.assessments import at
from tests.support.catalogs import a_ceiling, a_sku
from tests.support.proposals import (
    FEBRUARY,
    a_proposal,
    a_publication,
    a_reprice,
    co_signed,
    drafted,
    heard,
    published,
)
from tests.support.requests import a_line, completed, running, signed_until, submitted
from tests.support.requests import drafted as drafted_request
from tests.support.worlds import Town, a_town


@pytest.fixture
def town() -> Town:
    return a_town()


def price(town: Town, moment: str) -> Price:
    with town.reading() as world:
        return price_book(world).price_at("vm", "x86", at(moment))


def ceiling(town: Town, moment: str, sku_id: str = "vm") -> str:
    with town.reading() as world:
        return f"{price_book(world).ceiling_at(sku_id, at(moment))[0].unit_price:.2f}"


def a_grant(user_id: str, role: Role, organisation_id: str) -> RoleGrant:
    id = f"{user_id}/{role}"
    return RoleGrant(id=id, user_id=user_id, role=role, organisation_id=organisation_id)


def test_a_proposal_is_heard_co_signed_and_published_and_holds_from_its_midnight(
    town: Town,
) -> None:
    done = published(town)
    assert done.state is ProposalState.PUBLISHED
    head = town.look(PublishedCatalog, done.version_id)
    assert (head.document_number, head.effective_from) == ("test 2", FEBRUARY)
    assert ceiling(town, "01-31 23:59") == "1000.00"
    assert ceiling(town, "02-01 00:00") == "850.00"


def test_people_are_told_at_the_midnight_it_begins(town: Town) -> None:
    done = published(town)
    town.wait("01-31 23:59")
    assert "catalog_in_force" not in {each.topic for each in town.messages}
    town.wait("02-01 00:00")
    told = [each for each in town.messages if each.topic == "catalog_in_force"]
    assert [(each.subject, each.at) for each in told] == [(done.version_id, FEBRUARY)]


def test_who_may_do_what(town: Town) -> None:
    assert town.code(a_proposal(), "treasury.a") == "forbidden"
    assert town.code(a_proposal(), "prv.engineer") == "forbidden"
    proposal = heard(town)
    sign = CoSignProposal(proposal_id=proposal.id)
    assert town.code(sign, "bureau.a") == "forbidden"
    assert town.code(sign, "county-treasury.a") == "forbidden"
    town.give(sign, "treasury.a")
    assert town.code(a_publication(proposal), "desk.b") == "forbidden"


def test_an_author_signs_nothing_of_his_proposal(town: Town) -> None:
    proposal = drafted(town, by="bureau.a")
    edit = EditProposal(
        proposal_id=proposal.id, title="again", reason="again", changes=(a_reprice(to="800.00"),)
    )
    town.give(edit, "bureau.b")
    opened = town.give(OpenProposal(proposal_id=proposal.id), "bureau.a")
    town.wait(opened.comments_until)
    town.give(CoSignProposal(proposal_id=proposal.id), "treasury.a")
    for author in ("bureau.a", "bureau.b"):
        assert town.code(a_publication(proposal), author) == "same_person"


def test_nobody_signs_twice(town: Town) -> None:
    town.keep(a_grant("treasury.a", Role.AUTHORITY, "bureau"))
    proposal = co_signed(town)
    assert town.code(a_publication(proposal), "treasury.a") == "same_person"
    town.keep(a_grant("desk.a", Role.FINANCE, "treasury"))
    other = heard(town)
    assert town.code(CoSignProposal(proposal_id=other.id), "desk.a") == "same_person"


def test_nothing_is_signed_before_people_were_heard(town: Town) -> None:
    proposal = drafted(town)
    sign = CoSignProposal(proposal_id=proposal.id)
    assert town.code(sign, "treasury.a") == "illegal_transition"
    town.give(OpenProposal(proposal_id=proposal.id), "desk.a")
    assert town.code(sign, "treasury.a") == "comments_open"
    assert town.code(a_publication(proposal), "bureau.a") == "illegal_transition"


def test_comments_are_taken_for_the_working_days_of_the_policy_at_least(town: Town) -> None:
    proposal = drafted(town)
    soon = OpenProposal(proposal_id=proposal.id, comments_until=at("01-19 00:00"))
    assert town.code(soon, "desk.a") == "bad_value"
    opened = town.give(OpenProposal(proposal_id=proposal.id), "desk.a")
    assert opened.comments_until == at("01-20 00:00"), "ten working days after Monday, 5 January"


def test_a_comment_is_read_by_the_offices_and_by_whoever_made_it(town: Town) -> None:
    proposal = drafted(town)

    def say(organisation_id: str) -> CommentOnProposal:
        return CommentOnProposal(
            proposal_id=proposal.id, organisation_id=organisation_id, text="too low", sku_id="vm"
        )

    assert town.code(say("prv"), "prv.engineer") == "not_found", "a draft is the offices'"
    town.give(OpenProposal(proposal_id=proposal.id), "desk.a")
    town.give(say("prv"), "prv.engineer")
    town.give(say("health"), "health.user")
    assert town.code(say("prv"), "rival.engineer") == "not_found"
    with town.reading() as world:
        seen = {
            login: [
                each.organisation_id
                for each in page(world, town.actor(login), ProposalComment).items
            ]
            for login in ("prv.engineer", "health.user", "rival.engineer", "treasury.a")
        }
    assert seen == {
        "prv.engineer": ["prv"],
        "health.user": ["health"],
        "rival.engineer": [],
        "treasury.a": ["prv", "health"],
    }
    town.wait("01-20 00:00")
    assert town.code(say("prv"), "prv.engineer") == "comments_over"


def test_a_draft_is_seen_by_the_offices_only(town: Town) -> None:
    proposal = drafted(town)
    for kind in (Proposal, ProposalContent):
        with town.reading() as world:
            assert read(world, town.actor("centre.a"), kind, proposal.id)
            for login in ("health.user", "prv.engineer", "county-health.reviewer"):
                with pytest.raises(CloudmgrError, match="not_found"):
                    read(world, town.actor(login), kind, proposal.id)
    town.give(OpenProposal(proposal_id=proposal.id), "desk.a")
    with town.reading() as world:
        assert read(world, town.actor("health.user"), ProposalContent, proposal.id).changes


def test_an_overtaken_proposal_is_rebased_before_it_is_signed(town: Town) -> None:
    slow = heard(town, a_reprice(sku_id="traffic", to="0.90"))
    published(town, begins=at("03-01 00:00"))
    sign = CoSignProposal(proposal_id=slow.id)
    assert town.code(sign, "treasury.a") == "base_overtaken"
    rebase = RebaseProposal(proposal_id=slow.id)
    assert town.code(rebase, "desk.a") == "illegal_transition"
    back = town.give(ReturnProposal(proposal_id=slow.id, reason="overtaken"), "desk.a")
    assert (back.state, back.round, back.comments_until) == (ProposalState.DRAFT, 2, None)
    town.give(rebase, "desk.b")
    opened = town.give(OpenProposal(proposal_id=slow.id), "desk.a")
    town.wait(opened.comments_until)
    town.give(sign, "treasury.a")
    town.give(a_publication(slow, begins=at("04-01 00:00")), "bureau.a")
    assert ceiling(town, "04-01 00:00", "traffic") == "0.90"
    assert ceiling(town, "04-01 00:00", "vm") == "850.00", "what was published before stays"


def test_a_change_that_no_longer_fits_is_named_when_rebasing(town: Town) -> None:
    slow = drafted(town, ProposedChange(action=ChangeAction.RETIRE, sku_id="setup"))
    published(town, ProposedChange(action=ChangeAction.RETIRE, sku_id="setup"))
    refusal = town.refusal(RebaseProposal(proposal_id=slow.id), "desk.a")
    assert refusal.code == "bad_change"
    assert "change 1" in refusal.message


def test_going_back_voids_the_signature(town: Town) -> None:
    signed = co_signed(town)
    back = town.give(ReturnProposal(proposal_id=signed.id, reason="recount"), "bureau.a")
    assert (back.co_signer_id, back.co_signed_at) == ("", None)
    assert town.code(a_publication(signed), "bureau.b") == "illegal_transition"


def test_a_second_publication_finds_the_first(town: Town) -> None:
    one, other = co_signed(town), co_signed(town, a_reprice(to="800.00"))
    town.give(a_publication(one, begins=at("03-01 00:00")), "bureau.a")
    late = a_publication(other, begins=at("04-01 00:00"))
    assert town.code(late, "bureau.a") == "base_overtaken"
    again = a_publication(one, begins=at("05-01 00:00"))
    assert town.code(again, "bureau.b") == "illegal_transition"


@pytest.mark.parametrize("begins", ["01-01 00:00", "03-01 00:01"])
def test_it_begins_at_a_future_midnight(town: Town, begins: str) -> None:
    signed = co_signed(town)
    command = a_publication(signed, begins=at(begins))
    assert town.code(command, "bureau.a") == "bad_effective_date"


def test_it_is_published_under_a_document(town: Town) -> None:
    signed = co_signed(town)
    bare = PublishProposal(proposal_id=signed.id, document_number=" ", effective_from=FEBRUARY)
    assert town.code(bare, "bureau.a") == "bad_value"


def test_what_is_dropped_is_over_and_says_why(town: Town) -> None:
    proposal = heard(town)
    assert town.code(DropProposal(proposal_id=proposal.id, reason=" "), "desk.a") == "bad_value"
    dropped = town.give(DropProposal(proposal_id=proposal.id, reason="no need"), "desk.a")
    assert (dropped.state, dropped.outcome) == (ProposalState.DROPPED, "no need")
    assert town.code(CoSignProposal(proposal_id=proposal.id), "treasury.a") == "illegal_transition"


NEW = a_sku(id="queue", name_zh="消息队列", resources=())


@pytest.mark.parametrize(
    "change",
    [
        ProposedChange(action=ChangeAction.ADD),
        ProposedChange(action=ChangeAction.ADD, sku=a_sku(id="vm")),
        ProposedChange(action=ChangeAction.ADD, sku=replace(NEW, id="off-catalog-1")),
        ProposedChange(action=ChangeAction.ADD, sku=replace(NEW, standard_id="none")),
        ProposedChange(action=ChangeAction.ADD, sku=NEW, ceiling=a_ceiling(sku_id="vm")),
        ProposedChange(action=ChangeAction.REPRICE, sku_id="vm"),
        ProposedChange(action=ChangeAction.REPRICE, sku_id="gone", ceiling=a_ceiling()),
        ProposedChange(action=ChangeAction.RESTATE, sku_id="vm"),
        ProposedChange(action=ChangeAction.RETIRE, sku_id="gone"),
    ],
)
def test_a_change_that_makes_no_sense_is_refused_by_its_number(
    town: Town, change: ProposedChange
) -> None:
    refusal = town.refusal(a_proposal(a_reprice(), change), "desk.a")
    assert (refusal.code, refusal.details["change"]) == ("bad_change", 2)


def test_a_published_item_stays_what_it_is(town: Town) -> None:
    with town.reading() as world:
        vm = catalog_version(world, "v1").sku("vm")
    other = ProposedChange(action=ChangeAction.RESTATE, sku=replace(vm, unit_zh="个"))
    assert town.code(a_proposal(other), "desk.a") == "bad_catalog"


def test_a_new_item_needs_no_ceiling_until_it_is_quoted_but_a_quoted_one_keeps_its(
    town: Town,
) -> None:
    published(town, ProposedChange(action=ChangeAction.ADD, sku=NEW))
    assert town.look(PublishedCatalog, "2026-02-01").sku_count == 6


@pytest.mark.parametrize("form", CatalogFormat)
def test_a_whole_catalog_sent_as_a_file_becomes_its_changes(
    town: Town, form: CatalogFormat
) -> None:
    with town.reading() as world:
        base = catalog_version(world, "v1")
    retired = tuple(replace(sku, retired=sku.id == "setup") for sku in base.skus)
    whole = replace(base, skus=(*retired, NEW))
    file = catalog_file(whole, form)
    stored = town.give(UploadFile(name=file.name, data=file.data), "desk.a")
    command = replace(a_proposal(), changes=(), file_id=stored.id)
    proposal = town.give(command, "desk.a")
    changes = town.look(ProposalContent, proposal.id).changes
    assert [(each.action, each.subject) for each in changes] == [
        (ChangeAction.RETIRE, "setup"),
        (ChangeAction.ADD, "queue"),
    ]
    assert changes[1].sku == NEW


def test_a_whole_catalog_cannot_leave_things_out(town: Town) -> None:
    with town.reading() as world:
        base = catalog_version(world, "v1")
    less = replace(base, skus=base.skus[1:], ceilings=base.ceilings[1:])
    data = write_document(less).encode()
    stored = town.give(UploadFile(name="catalog.toml", data=data), "desk.a")
    command = replace(a_proposal(), changes=(), file_id=stored.id)
    refusal = town.refusal(command, "desk.a")
    assert refusal.code == "bad_change"
    assert "retired" in refusal.message


def test_a_faulty_file_names_every_row(town: Town) -> None:
    with town.reading() as world:
        text = write_document(catalog_version(world, "v1"))
    text = text.replace('"0.50"', "0.5").replace('"1000.00"', '"dear"')
    stored = town.give(UploadFile(name="catalog.toml", data=text.encode()), "desk.a")
    refusal = town.refusal(replace(a_proposal(), changes=(), file_id=stored.id), "desk.a")
    assert refusal.code == "bad_rows"
    rows = {(each["sheet"], each["row"], each["column"]) for each in refusal.details["faults"]}
    assert ("ceilings", 1, "unit_price") in rows


def test_a_retired_item_is_asked_for_no_more_and_what_lives_of_it_goes_on(town: Town) -> None:
    allocation = running(town, kind=RequestKind.TEMPORARY)
    waiting = signed_until(town, submitted(town), "technical")
    published(town, ProposedChange(action=ChangeAction.RETIRE, sku_id="vm"))
    assert drafted_request(town), "it is sold until its midnight"
    town.wait("02-01 00:00")
    sign = SignRequest(request_id=waiting.id, decision=Decision.APPROVE)
    assert town.code(sign, "centre.a") == "sku_retired", "nothing new, however long it waited"
    fresh = drafted_request(town)
    assert town.code(SubmitRequest(request_id=fresh.id), "health.user") == "sku_retired"
    more = a_line(quantity=2, allocation_id=allocation.id)
    grown = completed(town, more, kind=RequestKind.CHANGE)
    assert grown.state == "completed"
    with town.reading() as world:
        lines = preview(world, Month(2026, 3), "health")
    assert [(each.sku_id, each.quantity, str(each.amount)) for each in lines] == [
        ("vm", 2, "1800.00")
    ]
