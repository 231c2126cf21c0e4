"""Findings of drift (偏差): where what a pool has and what we think differ. Owns a finding's life
and which finding a difference is; comparing is `cloudmgr.pools.drift`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from catalog.quantity import ResourceAmount
from cloudmgr.domain.lifecycle import Lifecycle, advance, lifecycle
from cloudmgr.domain.values import Value


class DriftKind(StrEnum):
    """`missing_there`: we bill it, the pool has it not; `unknown_here`: the other way round."""

    MISSING_THERE = "missing_there"
    UNKNOWN_HERE = "unknown_here"
    DIFFERENT_SIZE = "different_size"


class DriftState(StrEnum):
    OPEN = "open"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One difference as it is seen now: amounts one per class, in base units."""

    kind: DriftKind
    reference: str
    resource_id: str
    ours: tuple[ResourceAmount, ...] = ()
    theirs: tuple[ResourceAmount, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftFinding(Value):
    """偏差记录: a difference, from when it was first seen until it was gone (`gone_at`).

    A person resolves it with a reason, or it resolves itself when it is gone. What a person has
    resolved and is still there is not found again while it stays the same.
    """

    pool_id: str
    provider_id: str
    kind: DriftKind
    reference: str
    resource_id: str
    ours: tuple[ResourceAmount, ...]
    theirs: tuple[ResourceAmount, ...]
    found_at: datetime
    gone_at: datetime | None = None
    resolved_at: datetime | None = None
    resolved_by: str = ""
    reason: str = ""
    state: DriftState = DriftState.OPEN
    LIFECYCLE: ClassVar[Lifecycle] = lifecycle(
        "DriftFinding",
        {
            DriftState.OPEN: ("待处理", (DriftState.RESOLVED,)),
            DriftState.RESOLVED: ("已处理", ()),
        },
    )

    @property
    def difference(self) -> Difference:
        return Difference(
            kind=self.kind,
            reference=self.reference,
            resource_id=self.resource_id,
            ours=self.ours,
            theirs=self.theirs,
        )


def resolve(finding: DriftFinding, by: str, reason: str, now: datetime) -> DriftFinding:
    """A person has dealt with it, or says why it may stay."""
    return advance(finding, DriftState.RESOLVED, resolved_at=now, resolved_by=by, reason=reason)


def end(finding: DriftFinding, now: datetime) -> DriftFinding:
    """The difference is no longer there; an open finding resolves itself."""
    gone = replace(finding, gone_at=now)
    if finding.state is DriftState.RESOLVED:
        return gone
    return advance(gone, DriftState.RESOLVED, resolved_at=now, reason="gone")


@dataclass(frozen=True, slots=True)
class Change:
    """What a comparison changes: differences not yet known, findings that are over."""

    fresh: tuple[Difference, ...]
    gone: tuple[DriftFinding, ...]


def change(present: Iterable[DriftFinding], seen: Iterable[Difference]) -> Change:
    """Compare the findings that are not gone with what is seen now, in the order seen."""
    now = dict.fromkeys(seen)
    known = {finding.difference: finding for finding in present}
    return Change(
        fresh=tuple(each for each in now if each not in known),
        gone=tuple(finding for each, finding in known.items() if each not in now),
    )
