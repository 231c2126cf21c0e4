"""Drafts of the next policy version: co-signed by finance beside the operator, then published.

Owns states, what differs and what no version may say. What a version means is `policy`; who would
pay more or less under it is asked by a trial calculation (试算), which takes `terms` as it stands.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar

from cloudmgr.domain.approvals_chain import check_chain
from cloudmgr.domain.errors import bad_value
from cloudmgr.domain.lifecycle import Lifecycle, lifecycle
from cloudmgr.domain.policy import Policy
from cloudmgr.domain.values import Value

PAPER = frozenset({"id", "version", "effective_from", "document_number", "kind"})
"""Fields of a version that its publication gives; nobody drafts them."""


class PolicyDraftState(StrEnum):
    DRAFT = "draft"
    CO_SIGNED = "co_signed"
    PUBLISHED = "published"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyDraft(Value):
    """政策调整稿: the whole policy as it shall read, on top of `base_policy_id`.

    `terms` still carries the base's paper and date. None of `author_ids` signs it.
    """

    title: str
    reason: str
    base_policy_id: str
    terms: Policy
    author_ids: tuple[str, ...]
    drafted_at: datetime
    co_signer_id: str = ""
    co_signed_at: datetime | None = None
    opinion: str = ""
    publisher_id: str = ""
    published_at: datetime | None = None
    policy_id: str = ""
    outcome: str = ""
    state: PolicyDraftState = PolicyDraftState.DRAFT
    LIFECYCLE: ClassVar[Lifecycle] = lifecycle(
        "PolicyDraft",
        {
            PolicyDraftState.DRAFT: (
                "起草",
                (PolicyDraftState.CO_SIGNED, PolicyDraftState.DROPPED),
            ),
            PolicyDraftState.CO_SIGNED: (
                "已会签",
                (PolicyDraftState.PUBLISHED, PolicyDraftState.DRAFT, PolicyDraftState.DROPPED),
            ),
            PolicyDraftState.PUBLISHED: ("已发布", ()),
            PolicyDraftState.DROPPED: ("已撤销", ()),
        },
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyChange:
    """One figure or rule that differs, by its place in the policy."""

    field: str
    before: str
    after: str


def policy_changes(before: Policy, after: Policy) -> tuple[PolicyChange, ...]:
    """What differs between two versions, but for their papers."""
    names = (each.name for each in fields(Policy) if each.name not in PAPER)
    return tuple(
        change
        for name in names
        for change in _differences(name, getattr(before, name), getattr(after, name))
    )


def check_policy(policy: Policy) -> None:
    """Raise `bad_value` for a chain that cannot be signed, or a clock that runs backwards."""
    check_chain(policy.chain)
    if policy.settlement_cycle_months not in (1, 2, 3, 4, 6, 12):
        raise bad_value("settlement_cycle_months", "cycles divide the year: 1, 2, 3, 4, 6 or 12")
    for each in fields(policy.clocks):
        found = getattr(policy.clocks, each.name)
        if min(found if isinstance(found, tuple) else (found,), default=0) < 0:
            raise bad_value(f"clocks.{each.name}", "a clock is 0 or more")
    for each in fields(policy.allocations):
        found = getattr(policy.allocations, each.name)
        if min(found if isinstance(found, tuple) else (found,), default=0) < 0:
            raise bad_value(f"allocations.{each.name}", "a number of days or times is 0 or more")
    regions = [rule.region_id for rule in policy.payers]
    if len(regions) != len(set(regions)):
        raise bad_value("payers", "a region has one payer rule")


def _differences(name: str, before: Any, after: Any) -> Iterator[PolicyChange]:
    if before == after:
        return
    if is_dataclass(before) and is_dataclass(after) and type(before) is type(after):
        for each in fields(before):
            old, new = getattr(before, each.name), getattr(after, each.name)
            yield from _differences(f"{name}.{each.name}", old, new)
        return
    yield PolicyChange(field=name, before=_text(before), after=_text(after))


def _text(value: Any) -> str:
    """A rule as people read it: lists by their items, records by what they name."""
    if isinstance(value, tuple):
        return "; ".join(_text(each) for each in value) or "-"
    if is_dataclass(value):
        told = ((each.name, getattr(value, each.name)) for each in fields(value))
        return ", ".join(f"{name} {_text(each)}" for name, each in told if each not in (None, ()))
    return "-" if value is None else str(value)
