"""Proposals as commands: drafted, opened for comments, co-signed by finance, published or dropped.

A published version takes effect by its date alone: the price book reads it, nothing is switched.
Everybody reads an open proposal; a comment is read by the offices and by the organisation that
made it, because what a provider says of a price is nobody else's to see.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from catalog.period import local_day, utc
from catalog.skus import FigureKind
from catalog.versions import CatalogVersion, publish
from cloudmgr.domain.access import Actor, Role
from cloudmgr.domain.allocations import RUNNING, Allocation, AllocationState
from cloudmgr.domain.catalogs import PublishedCatalog
from cloudmgr.domain.errors import bad_value, ceiling_needed
from cloudmgr.domain.lifecycle import advance, advance_from
from cloudmgr.domain.parties import Organisation
from cloudmgr.domain.proposals import (
    OPEN_STATES,
    Proposal,
    ProposalComment,
    ProposalContent,
    ProposalState,
    ProposedChange,
    amended,
    check_base,
    check_commenting,
    check_heard,
    check_other_person,
)
from cloudmgr.domain.quotes import Quote, QuoteState
from cloudmgr.domain.timers import Timer
from cloudmgr.domain.workdays import add_workdays
from cloudmgr.services import timers
from cloudmgr.services.catalogs import uploaded_changes
from cloudmgr.services.commands import Command, handles, require_in
from cloudmgr.services.off_catalog import adopt, check_candidates
from cloudmgr.services.policies import policy_now
from cloudmgr.services.pricing import catalog_version, catalog_versions, keep_catalog
from cloudmgr.services.reading import read, visible_by
from cloudmgr.services.world import Message, World, next_id

WRITERS = (Role.AUTHORITY, Role.OPERATING_COMPANY, Role.TECHNICAL_REVIEWER)
COMMENTERS = (
    Role.PROVIDER,
    Role.DEPARTMENT_USER,
    Role.DEPARTMENT_LEAD,
    Role.COUNTY_REVIEWER,
    Role.FINANCE,
    *WRITERS,
)
MAX_CHANGES = 5000


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftProposal(Command):
    """Propose changes to the latest catalog, or a whole catalog sent before as TOML or XLSX."""

    title: str
    reason: str
    changes: tuple[ProposedChange, ...] = ()
    file_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EditProposal(Command):
    """Write a draft anew; whoever edits it becomes one of its authors."""

    proposal_id: str
    title: str
    reason: str
    changes: tuple[ProposedChange, ...] = ()
    file_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RebaseProposal(Command):
    """Put a draft's changes on the catalog published last."""

    proposal_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenProposal(Command):
    """Open a draft for comments, at least for the working days of the policy."""

    proposal_id: str
    comments_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CommentOnProposal(Command):
    """Say something about an open proposal for an organisation, or about one Sku of it."""

    proposal_id: str
    organisation_id: str
    text: str
    sku_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnProposal(Command):
    """Take a proposal back to draft; its signature is void and comments are asked again."""

    proposal_id: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CoSignProposal(Command):
    """Finance signs beside the operator, once the comments are in."""

    proposal_id: str
    opinion: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishProposal(Command):
    """Publish a co-signed proposal under its document number, from a future Shanghai midnight."""

    proposal_id: str
    document_number: str
    effective_from: datetime
    kind: FigureKind = FigureKind.CEILING
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DropProposal(Command):
    """Give a proposal up, with a reason."""

    proposal_id: str
    reason: str


@handles(*WRITERS)
def draft_proposal(world: World, command: DraftProposal, actor: Actor, now: datetime) -> Proposal:
    """Raises `bad_change`, `bad_catalog`, `ceiling_needed`, and `bad_rows` for a file."""
    base = _latest(world)
    changes = _changes(world, base, command.changes, command.file_id, actor)
    proposal = Proposal(
        id=next_id(world, "CP"),
        title=_said(command.title, "title"),
        reason=_said(command.reason, "reason"),
        base_version_id=base.id,
        change_count=len(changes),
        author_ids=(actor.user_id,),
        drafted_at=now,
        file_id=command.file_id,
    )
    world.put(ProposalContent(id=proposal.id, changes=changes))
    return world.put(proposal)


@handles(*WRITERS)
def edit_proposal(world: World, command: EditProposal, actor: Actor, now: datetime) -> Proposal:
    proposal = _in_draft(world.get(Proposal, command.proposal_id))
    base = catalog_version(world, proposal.base_version_id)
    changes = _changes(world, base, command.changes, command.file_id, actor)
    world.put(replace(world.get(ProposalContent, proposal.id), changes=changes))
    return world.put(
        replace(
            proposal,
            title=_said(command.title, "title"),
            reason=_said(command.reason, "reason"),
            change_count=len(changes),
            file_id=command.file_id,
            author_ids=_with_author(proposal, actor),
        )
    )


@handles(*WRITERS)
def rebase_proposal(world: World, command: RebaseProposal, actor: Actor, now: datetime) -> Proposal:
    """Raises `bad_change` where a change no longer fits the catalog published meanwhile."""
    proposal = _in_draft(world.get(Proposal, command.proposal_id))
    base = _latest(world)
    _check_changes(world, base, world.get(ProposalContent, proposal.id).changes)
    return world.put(
        replace(proposal, base_version_id=base.id, author_ids=_with_author(proposal, actor))
    )


@handles(*WRITERS)
def open_proposal(world: World, command: OpenProposal, actor: Actor, now: datetime) -> Proposal:
    proposal = world.get(Proposal, command.proposal_id)
    check_base(proposal, _latest(world).id)
    if not proposal.change_count:
        raise bad_value("changes", "a proposal without a change has nothing to comment on")
    least = add_workdays(now, policy_now(world, now).clocks.comment_workdays)
    until = least if command.comments_until is None else utc(command.comments_until)
    if until < least:
        raise bad_value("comments_until", f"comments are taken until {least.isoformat()} at least")
    world.outbox(_message("proposal_opened", proposal, now))
    timers.schedule(world, "proposal_heard", proposal.id, until)
    return world.put(advance(proposal, ProposalState.COMMENTING, comments_until=until))


@handles(*COMMENTERS, counties=True)
def comment_on_proposal(
    world: World, command: CommentOnProposal, actor: Actor, now: datetime
) -> ProposalComment:
    """Raises `comments_over` when none are taken, `unknown_sku` for one in neither version."""
    require_in(actor, command.organisation_id, "Organisation", command.organisation_id, *COMMENTERS)
    world.get(Organisation, command.organisation_id)
    proposal = read(world, actor, Proposal, command.proposal_id)
    check_commenting(proposal, now)
    if command.sku_id:
        proposed_version(world, proposal).sku(command.sku_id)
    return world.put(
        ProposalComment(
            id=next_id(world, "CC"),
            proposal_id=proposal.id,
            round=proposal.round,
            organisation_id=command.organisation_id,
            user_id=actor.user_id,
            text=_said(command.text, "text"),
            sku_id=command.sku_id,
            at=now,
        )
    )


@handles(Role.FINANCE, *WRITERS)
def return_proposal(world: World, command: ReturnProposal, actor: Actor, now: datetime) -> Proposal:
    proposal = world.get(Proposal, command.proposal_id)
    timers.cancel(world, "proposal_heard", proposal.id)
    world.outbox(_message("proposal_returned", proposal, now))
    return world.put(
        advance(
            proposal,
            ProposalState.DRAFT,
            round=proposal.round + 1,
            comments_until=None,
            co_signer_id="",
            co_signed_at=None,
            opinion="",
            outcome=_said(command.reason, "reason"),
        )
    )


@handles(Role.FINANCE)
def co_sign_proposal(
    world: World, command: CoSignProposal, actor: Actor, now: datetime
) -> Proposal:
    """Raises `comments_open`, `base_overtaken`, and `same_person` for one of its authors."""
    proposal = world.get(Proposal, command.proposal_id)
    check_other_person(actor.user_id, proposal.author_ids)
    check_heard(proposal, now)
    moved = advance(
        proposal,
        ProposalState.CO_SIGNED,
        co_signer_id=actor.user_id,
        co_signed_at=now,
        opinion=command.opinion,
    )
    check_base(proposal, _latest(world).id)
    world.outbox(_message("proposal_co_signed", proposal, now))
    return world.put(moved)


@handles(Role.AUTHORITY)
def publish_proposal(
    world: World, command: PublishProposal, actor: Actor, now: datetime
) -> Proposal:
    """Raises `base_overtaken`, `same_person`, `bad_effective_date`, `ceiling_needed`."""
    world.lock((PublishedCatalog, "latest"))  # of two at once the second sees the first
    proposal = world.get(Proposal, command.proposal_id)
    check_other_person(actor.user_id, (*proposal.author_ids, proposal.co_signer_id))
    moved = advance(proposal, ProposalState.PUBLISHED, publisher_id=actor.user_id, published_at=now)
    check_base(proposal, _latest(world).id)
    effective_from = utc(command.effective_from)
    version = replace(
        proposed_version(world, proposal),
        id=local_day(effective_from).isoformat(),
        document_number=_said(command.document_number, "document_number"),
        effective_from=effective_from,
        kind=command.kind,
        note=command.note,
    )
    publish(catalog_versions(world), version, now=now)
    _check_ceilings(world, version)
    keep_catalog(world, version, now)
    changes = world.get(ProposalContent, proposal.id).changes
    adopt(world, ((each.candidate_id, each.subject) for each in changes if each.candidate_id))
    timers.schedule(world, "catalog_in_force", version.id, effective_from)
    world.outbox(_message("catalog_published", proposal, now, version.id))
    return world.put(replace(moved, version_id=version.id))


@handles(*WRITERS)
def drop_proposal(world: World, command: DropProposal, actor: Actor, now: datetime) -> Proposal:
    proposal = world.get(Proposal, command.proposal_id)
    timers.cancel(world, "proposal_heard", proposal.id)
    dropped = advance(proposal, ProposalState.DROPPED, outcome=_said(command.reason, "reason"))
    return world.put(dropped)


@timers.on_timer("proposal_heard")
def comments_are_in(world: World, timer: Timer, at: datetime) -> None:
    world.outbox(_message("proposal_heard", world.get(Proposal, timer.subject_id), at))


@timers.on_timer("catalog_in_force")
def tell_in_force(world: World, timer: Timer, at: datetime) -> None:
    """The version prices from this midnight by its date; people and machines are told."""
    payload = {"catalog_version_id": timer.subject_id}
    world.outbox(
        Message(topic="catalog_in_force", subject=timer.subject_id, payload=payload, at=at)
    )


def proposed_version(world: World, proposal: Proposal) -> CatalogVersion:
    """The catalog as it would be, on the proposal's own base."""
    base = catalog_version(world, proposal.base_version_id)
    return amended(base, world.get(ProposalContent, proposal.id).changes)


def _changes(
    world: World,
    base: CatalogVersion,
    changes: tuple[ProposedChange, ...],
    file_id: str | None,
    actor: Actor,
) -> tuple[ProposedChange, ...]:
    """What is proposed: the changes given, or what the file changes of the base."""
    if file_id is not None:
        if changes:
            raise bad_value("changes", "send either changes or a file with the whole catalog")
        changes = uploaded_changes(world, base, file_id, actor)
    if len(changes) > MAX_CHANGES:
        raise bad_value("changes", f"a proposal has at most {MAX_CHANGES} changes")
    _check_changes(world, base, changes)
    return changes


def _check_changes(world: World, base: CatalogVersion, changes: tuple[ProposedChange, ...]) -> None:
    check_candidates(world, (each.candidate_id for each in changes if each.candidate_id))
    _check_ceilings(world, amended(base, changes))


def _check_ceilings(world: World, version: CatalogVersion) -> None:
    """Raise `ceiling_needed` when something quoted or in use would have no ceiling."""
    bare = tuple(sku.id for sku in version.skus if version.ceiling_of(sku.id) is None)
    if not bare:
        return
    quoted = {each.sku_id for each in world.find(Quote, sku_id=bare, state=QuoteState.IN_FORCE)}
    live = (*RUNNING, AllocationState.RESERVED)
    used = {each.sku_id for each in world.find(Allocation, sku_id=bare, state=live)}
    if quoted | used:
        raise ceiling_needed(quoted | used)


def _latest(world: World) -> CatalogVersion:
    versions = catalog_versions(world)
    if not versions:
        raise bad_value("catalog", "no catalog is published yet; load the first one")
    return versions[-1]


def _in_draft(proposal: Proposal) -> Proposal:
    """The proposal, if it may still be written on; else `illegal_transition`."""
    if proposal.state is not ProposalState.DRAFT:
        advance_from(proposal, (ProposalState.DRAFT,), ProposalState.DRAFT)
    return proposal


def _with_author(proposal: Proposal, actor: Actor) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*proposal.author_ids, actor.user_id)))


def _said(text: str, field: str) -> str:
    if not text.strip():
        raise bad_value(field, "it must not be empty")
    return text.strip()


def _message(topic: str, proposal: Proposal, at: datetime, version_id: str = "") -> Message:
    payload = {"proposal_id": proposal.id, "catalog_version_id": version_id}
    return Message(topic=topic, subject=proposal.id, payload=payload, at=at)


def _open_ids(world: World, actor: Actor) -> dict[str, tuple[str, ...]]:
    return {"id": tuple(each.id for each in world.find(Proposal, state=OPEN_STATES))}


visible_by(Proposal, lambda world, actor: {"state": OPEN_STATES})
visible_by(ProposalContent, _open_ids)
visible_by(
    ProposalComment,
    lambda world, actor: {"organisation_id": tuple(sorted(actor.organisations()))},
)
