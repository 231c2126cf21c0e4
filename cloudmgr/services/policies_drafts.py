"""Policy versions as commands: drafted, co-signed by finance, published under a document number
from a future midnight on. A version takes effect by its date; nothing is switched.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from catalog.period import is_midnight, local_day, utc
from cloudmgr.domain.access import Actor, Role
from cloudmgr.domain.errors import bad_value, base_overtaken, not_midnight
from cloudmgr.domain.lifecycle import advance, advance_from
from cloudmgr.domain.parties import Organisation, Region
from cloudmgr.domain.policy import Policy
from cloudmgr.domain.policy_drafts import PAPER, PolicyDraft, PolicyDraftState, check_policy
from cloudmgr.domain.proposals import check_other_person
from cloudmgr.domain.timers import Timer
from cloudmgr.services import codec, timers
from cloudmgr.services.commands import Command, handles
from cloudmgr.services.reading import open_to_all, visible_by
from cloudmgr.services.world import Message, World, next_id

WRITERS = (Role.AUTHORITY, Role.OPERATING_COMPANY, Role.TECHNICAL_REVIEWER)


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftPolicy(Command):
    """Propose other rules: `changes` by the policy's own fields, the rest stays as in force.

    A record among them (`clocks`) may name only what changes in it; a list is given whole.
    """

    title: str
    reason: str
    changes: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class EditPolicy(Command):
    """Change a draft further, on the version published last; the editor becomes an author."""

    draft_id: str
    title: str
    reason: str
    changes: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class CoSignPolicy(Command):
    """Finance signs beside the operator."""

    draft_id: str
    opinion: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnPolicy(Command):
    """Take a co-signed draft back; its signature is void."""

    draft_id: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishPolicy(Command):
    """Publish a co-signed draft under its document number, from a future Shanghai midnight.

    `kind` is `sample` while the figures are sample parameters (示例参数).
    """

    draft_id: str
    document_number: str
    effective_from: datetime
    kind: str = "published"


@dataclass(frozen=True, slots=True, kw_only=True)
class DropPolicy(Command):
    """Give a draft up, with a reason."""

    draft_id: str
    reason: str


@handles(*WRITERS)
def draft_policy(world: World, command: DraftPolicy, actor: Actor, now: datetime) -> PolicyDraft:
    """Raises `bad_value` for a field that no policy has, or a rule that cannot work."""
    base = latest_policy(world)
    return world.put(
        PolicyDraft(
            id=next_id(world, "PD"),
            title=_said(command.title, "title"),
            reason=_said(command.reason, "reason"),
            base_policy_id=base.id,
            terms=_changed(world, base, command.changes),
            author_ids=(actor.user_id,),
            drafted_at=now,
        )
    )


@handles(*WRITERS)
def edit_policy(world: World, command: EditPolicy, actor: Actor, now: datetime) -> PolicyDraft:
    draft = world.get(PolicyDraft, command.draft_id)
    if draft.state is not PolicyDraftState.DRAFT:
        advance_from(draft, (PolicyDraftState.DRAFT,), PolicyDraftState.DRAFT)
    base = latest_policy(world)
    return world.put(
        replace(
            draft,
            title=_said(command.title, "title"),
            reason=_said(command.reason, "reason"),
            base_policy_id=base.id,
            terms=_changed(world, base, command.changes),
            author_ids=tuple(dict.fromkeys((*draft.author_ids, actor.user_id))),
        )
    )


@handles(Role.FINANCE)
def co_sign_policy(world: World, command: CoSignPolicy, actor: Actor, now: datetime) -> PolicyDraft:
    """Raises `same_person` for one of its authors, `base_overtaken`."""
    draft = world.get(PolicyDraft, command.draft_id)
    check_other_person(actor.user_id, draft.author_ids)
    signed = advance(
        draft,
        PolicyDraftState.CO_SIGNED,
        co_signer_id=actor.user_id,
        co_signed_at=now,
        opinion=command.opinion,
    )
    _check_base(world, draft)
    return world.put(signed)


@handles(Role.FINANCE, *WRITERS)
def return_policy(world: World, command: ReturnPolicy, actor: Actor, now: datetime) -> PolicyDraft:
    draft = world.get(PolicyDraft, command.draft_id)
    return world.put(
        advance(
            draft,
            PolicyDraftState.DRAFT,
            co_signer_id="",
            co_signed_at=None,
            opinion="",
            outcome=_said(command.reason, "reason"),
        )
    )


@handles(Role.AUTHORITY)
def publish_policy(
    world: World, command: PublishPolicy, actor: Actor, now: datetime
) -> PolicyDraft:
    """Raises `same_person`, `base_overtaken`, `not_midnight`; `bad_value` for a date that does not
    follow the last version's."""
    world.lock((Policy, "latest"))  # of two at once the second sees the first
    draft = world.get(PolicyDraft, command.draft_id)
    check_other_person(actor.user_id, (*draft.author_ids, draft.co_signer_id))
    done = advance(draft, PolicyDraftState.PUBLISHED, publisher_id=actor.user_id, published_at=now)
    base = _check_base(world, draft)
    begins = utc(command.effective_from)
    if not is_midnight(begins) or begins <= now:
        raise not_midnight(command.effective_from.isoformat())
    if begins <= base.effective_from:
        raise bad_value("effective_from", f"{base.id} takes effect then or later")
    policy = replace(
        draft.terms,
        id=f"policy-{local_day(begins).isoformat()}",
        version=0,
        effective_from=begins,
        document_number=_said(command.document_number, "document_number"),
        kind=_said(command.kind, "kind"),
    )
    _check(world, policy)
    world.put(policy)
    timers.schedule(world, "policy_in_force", policy.id, begins)
    payload = {"policy_id": policy.id, "draft_id": draft.id}
    world.outbox(Message(topic="policy_published", subject=policy.id, payload=payload, at=now))
    return world.put(replace(done, policy_id=policy.id))


@handles(*WRITERS)
def drop_policy(world: World, command: DropPolicy, actor: Actor, now: datetime) -> PolicyDraft:
    draft = world.get(PolicyDraft, command.draft_id)
    reason = _said(command.reason, "reason")
    return world.put(advance(draft, PolicyDraftState.DROPPED, outcome=reason))


@timers.on_timer("policy_in_force")
def tell_policy_in_force(world: World, timer: Timer, at: datetime) -> None:
    payload = {"policy_id": timer.subject_id}
    world.outbox(Message(topic="policy_in_force", subject=timer.subject_id, payload=payload, at=at))


def latest_policy(world: World) -> Policy:
    """The version published last, in force or to come; raises `bad_value` when there is none."""
    found = world.find(Policy)
    if not found:
        raise bad_value("policy", "no policy is published yet; load the first one")
    return max(found, key=lambda policy: (policy.effective_from, policy.id))


def _check_base(world: World, draft: PolicyDraft) -> Policy:
    latest = latest_policy(world)
    if draft.base_policy_id != latest.id:
        raise base_overtaken(draft.id, draft.base_policy_id, latest.id)
    return latest


def _changed(world: World, base: Policy, changes: dict[str, Any]) -> Policy:
    """The base with the fields given; raises `bad_value` or `malformed` for what does not fit."""
    told = codec.dump(base)
    for name, given in changes.items():
        if name in PAPER or name not in told:
            known = ", ".join(sorted(set(told) - PAPER))
            raise bad_value(f"changes.{name}", f"a policy is changed in: {known}")
        merges = isinstance(given, dict) and isinstance(told[name], dict)
        told[name] = {**told[name], **given} if merges else given
    policy = codec.load(Policy, told)
    _require_known(told, codec.dump(policy), "changes")
    if policy == base:
        raise bad_value("changes", "nothing differs from the version published last")
    _check(world, policy)
    return policy


def _require_known(given: Any, read: Any, where: str) -> None:
    """Raise `bad_value` for a name that was not read: a misspelt one would count for nothing."""
    if isinstance(given, dict) and isinstance(read, dict):
        for name, value in given.items():
            if name not in read:
                raise bad_value(f"{where}.{name}", f"is unknown; known are {', '.join(read)}")
            _require_known(value, read[name], f"{where}.{name}")
    elif isinstance(given, list) and isinstance(read, list):
        for number, (value, found) in enumerate(zip(given, read, strict=True)):
            _require_known(value, found, f"{where}[{number}]")


def _check(world: World, policy: Policy) -> None:
    check_policy(policy)
    for rule in policy.payers:
        if world.seek(Region, rule.region_id) is None:
            raise bad_value("payers", f"there is no region {rule.region_id}")
        if rule.payer_id is not None and world.seek(Organisation, rule.payer_id) is None:
            raise bad_value("payers", f"there is no organisation {rule.payer_id}")


def _said(text: str, field: str) -> str:
    if not text.strip():
        raise bad_value(field, "it must not be empty")
    return text.strip()


open_to_all(Policy)
visible_by(PolicyDraft, lambda world, actor: None)
