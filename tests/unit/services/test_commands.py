"""Performing a command: who may, what the audit says of it, and that a key answers once."""

from __future__ import annotations

import importlib
import pkgutil
from contextlib import nullcontext
from dataclasses import replace
from datetime import datetime

import pytest

from catalog.errors import CloudmgrError
from cloudmgr import services
from cloudmgr.domain import audit
from cloudmgr.domain.access import SYSTEM, Actor, Grant, Role
from cloudmgr.domain.approvals import Decision
from cloudmgr.domain.quota import QuotaScope
from cloudmgr.domain.requests import ResourceRequest
from cloudmgr.services import commands
from cloudmgr.services.clock import MoveClock
from cloudmgr.services.codec import digest
from cloudmgr.services.commands import (
    HANDLERS,
    Command,
    handles,
    perform,
    perform_once,
    require_city_office,
    require_in,
    require_region,
    snake,
)
from cloudmgr.services.quotas import SetQuota
from cloudmgr.services.requests import DispatchRequest, SignRequest, SubmitRequest
from cloudmgr.services.world import World
from tests.support.assessments import at
from tests.support.requests import a_draft, drafted, submitted
from tests.support.supply import VCPU
from tests.support.worlds import Town, a_town, perform_as

KEY = "a-key-of-mine"


@pytest.fixture
def town() -> Town:
    return a_town()


def once(town: Town, command: Command, by: str = "health.user", key: str = KEY) -> ResourceRequest:
    with town.transaction() as world:
        answer: ResourceRequest = perform_once(world, command, town.actor(by), town.now, key=key)
        return answer


# --- who may --------------------------------------------------------------------------------


def test_a_command_needs_one_of_its_roles(town: Town) -> None:
    refusal = town.refusal(a_draft(), "prv.engineer")
    assert refusal.code == "forbidden"
    assert "department_user" in refusal.message
    assert not town.all(ResourceRequest)


def test_the_node_itself_may_do_anything(town: Town) -> None:
    with town.transaction() as world:
        perform(world, MoveClock(now=at("01-06 09:00")), SYSTEM, town.now)
    assert town.events[-1].role == "system"
    impostor = Actor("system", ())
    with pytest.raises(CloudmgrError, match="forbidden"):
        town.do(MoveClock(now=at("01-07 09:00")), impostor, town.now)


OF_A_COUNTY = {
    role: Actor("someone", (Grant(role, "office", "county", county=True),)) for role in Role
}
FOR_COUNTIES = {
    "sign_request",
    "delegate_signing",
    "revoke_delegation",
    "record_budget_change",
    "import_budgets",
    "comment_on_proposal",
    "upload_file",
}


OWN_ACCOUNT = {"change_password", "issue_token", "revoke_token", "log_out"} | {
    "read_notification",
    "read_notifications",
}
"""Commands that everybody gives, for they are about one's own account."""


def all_handlers() -> list[commands.Handler]:
    """Of every service, whichever the other tests have loaded."""
    for module in pkgutil.iter_modules(services.__path__):
        importlib.import_module(f"{services.__name__}.{module.name}")
    known = (each for each in HANDLERS.values() if each.command.__module__.startswith("cloudmgr."))
    return sorted(known, key=lambda handler: handler.name)


@pytest.mark.parametrize("handler", all_handlers(), ids=lambda handler: handler.name)
def test_a_countys_office_gives_no_command_that_is_the_citys(handler: commands.Handler) -> None:
    """Else a county's finance person could close the city's month or pay its settlements."""
    if handler.everybody:
        assert handler.name in OWN_ACCOUNT
        return
    for role in handler.roles - {Role.DEPARTMENT_USER, Role.DEPARTMENT_LEAD, Role.PROVIDER}:
        if role is Role.COUNTY_REVIEWER or handler.counties:
            assert handler.name in FOR_COUNTIES
            continue
        with pytest.raises(CloudmgrError, match="forbidden"):
            handler.authorise(OF_A_COUNTY[role])


def test_what_is_foreign_is_not_told_from_what_is_not_there() -> None:
    user = Actor("clerk", (Grant(Role.DEPARTMENT_USER, "health", "city"),))
    require_in(user, "health", "Thing", "T-1", Role.DEPARTMENT_USER)
    for organisation, role in (("transport", Role.DEPARTMENT_USER), ("health", Role.PROVIDER)):
        with pytest.raises(CloudmgrError, match="not_found"):
            require_in(user, organisation, "Thing", "T-1", role)
    require_in(SYSTEM, "anywhere", "Thing", "T-1")


@pytest.mark.parametrize(
    ("region", "county", "thing_of", "passes"),
    [
        ("city", False, "city", True),
        ("city", False, "county", True),
        ("county", True, "county", True),
        ("county", True, "city", False),
        ("other", True, "county", False),
    ],
)
def test_an_office_acts_for_its_region(
    region: str, county: bool, thing_of: str, passes: bool
) -> None:
    officer = Actor("officer", (Grant(Role.FINANCE, "office", region, county=county),))
    with nullcontext() if passes else pytest.raises(CloudmgrError, match="not_found"):
        require_region(officer, thing_of, "Thing", "T-1", Role.FINANCE)
    with pytest.raises(CloudmgrError, match="not_found") if county else nullcontext():
        require_city_office(officer, "Thing", "T-1", Role.FINANCE)


# --- the audit ------------------------------------------------------------------------------


def test_every_command_appends_one_event_of_what_it_changed(town: Town) -> None:
    request = drafted(town)
    (event,) = town.events
    assert (event.sequence, event.at, event.user_id, event.role) == (
        1,
        town.now,
        "health.user",
        "department_user",
    )
    assert (event.command, event.subject) == ("draft_request", f"ResourceRequest/{request.id}")
    assert (event.before, event.after) == ("", digest(request))
    submitted_one = town.give(SubmitRequest(request_id=request.id), "health.user")
    assert town.events[1].before != ""
    assert town.events[1].previous == event.hash
    assert submitted_one.version == 2


def test_a_refused_command_leaves_no_event(town: Town) -> None:
    request = submitted(town)
    length = len(town.events)
    town.refusal(SubmitRequest(request_id=request.id), "health.user")
    assert len(town.events) == length
    assert audit.verify(town.events) == length


def test_the_event_names_the_role_by_which_the_command_was_given(town: Town) -> None:
    both = Actor("both", (Grant(Role.AUTHORITY, "b", "city"), Grant(Role.FINANCE, "t", "city")))
    limit = SetQuota(
        scope=QuotaScope.DEPARTMENT, scope_id="health", resource_class=VCPU, limit_units=50
    )
    technical = replace(both, grants=(*both.grants, Grant(Role.TECHNICAL_REVIEWER, "c", "city")))
    with town.transaction() as world:
        perform(world, limit, technical, town.now)
    assert town.events[-1].role == "technical_reviewer"


# --- repeating a command --------------------------------------------------------------------


def test_the_same_key_and_body_answer_as_before_and_change_nothing(town: Town) -> None:
    first = once(town, a_draft())
    before, events = town.snapshot(), len(town.events)
    town.now = at("01-07 09:00")
    assert once(town, a_draft()) == first
    assert town.snapshot() == before
    assert len(town.events) == events


def test_a_repeated_signature_signs_once(town: Town) -> None:
    request = submitted(town)
    sign = SignRequest(request_id=request.id, decision=Decision.APPROVE)
    assert once(town, sign, "health.lead") == once(town, sign, "health.lead")
    assert town.code(sign, "health.lead") == "not_your_step", "a new one is refused"


def test_another_body_under_a_used_key_is_refused(town: Town) -> None:
    once(town, a_draft())
    with pytest.raises(CloudmgrError) as refused:
        once(town, replace(a_draft(), reason="another"))
    assert refused.value.code == "idempotency_conflict"
    assert len(town.all(ResourceRequest)) == 1


def test_a_key_belongs_to_a_person_and_a_command(town: Town) -> None:
    request = once(town, a_draft())
    assert once(town, a_draft(), by="health.both") != request
    assert once(town, SubmitRequest(request_id=request.id)).id == request.id
    assert once(town, a_draft(), key="another-key").id != request.id


def test_a_refusal_is_not_remembered(town: Town) -> None:
    request = drafted(town)
    dispatch = DispatchRequest(request_id=request.id)
    for _ in range(2):
        with pytest.raises(CloudmgrError, match="illegal_transition"):
            once(town, dispatch, "desk.a")
    assert not town.all(commands.IdempotencyRecord)


# --- the registry ---------------------------------------------------------------------------


def test_a_commands_name_is_its_operation() -> None:
    assert snake("SubmitRequest") == "submit_request"
    names = [handler.name for handler in HANDLERS.values()]
    assert len(names) == len(set(names))


def test_a_command_has_one_handler() -> None:
    def another(
        world: World, command: SubmitRequest, actor: Actor, now: datetime
    ) -> ResourceRequest:
        raise NotImplementedError

    with pytest.raises(AssertionError, match="two handlers"):
        handles(Role.DEPARTMENT_USER)(another)


def test_two_commands_of_one_transaction_are_two_events(town: Town) -> None:
    with town.transaction() as world:
        request = perform_as(town, world, a_draft(), "health.user")
        perform_as(town, world, SubmitRequest(request_id=request.id), "health.user")
    assert [event.command for event in town.events] == ["draft_request", "submit_request"]
    assert audit.verify(town.events) == 2
