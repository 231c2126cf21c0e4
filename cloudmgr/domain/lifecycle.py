"""The one way to change a state: `advance()`, checked against the noun's table of moves.

Owns the mechanism; each noun declares its own table beside its values (`LIFECYCLE`). Worlds check
every put against the same table, so a state can not be written around it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, ClassVar, Protocol, TypeVar, runtime_checkable

from cloudmgr.domain.errors import illegal_transition


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """States of a noun: its label in Chinese and the states that may follow.

    `initial` lists the states in which a record may be stored for the first time.
    """

    noun: str
    labels: Mapping[str, str]
    moves: Mapping[str, frozenset[str]]
    initial: frozenset[str]

    def allows(self, now: str, to: str) -> bool:
        return to in self.moves[now]

    def final(self, state: str) -> bool:
        return not self.moves[state]

    def require(self, id: str, now: str, to: str) -> None:
        """Raise `illegal_transition` naming both states unless `now` -> `to` is in the table."""
        if not self.allows(now, to):
            raise illegal_transition(self.noun, id, now, to, self.moves[now])


def lifecycle(
    noun: str, table: Mapping[StrEnum, tuple[str, tuple[StrEnum, ...]]], *initial: StrEnum
) -> Lifecycle:
    """Build a lifecycle from {state: (label, next states)}; initial is the first by default."""
    return Lifecycle(
        noun=noun,
        labels={str(state): label for state, (label, _) in table.items()},
        moves={str(state): frozenset(map(str, to)) for state, (_, to) in table.items()},
        initial=frozenset(map(str, initial or (next(iter(table)),))),
    )


@runtime_checkable
class Stateful(Protocol):
    """A value whose `state` moves along its class's table."""

    LIFECYCLE: ClassVar[Lifecycle]

    @property
    def id(self) -> str: ...

    @property
    def state(self) -> StrEnum: ...


S = TypeVar("S", bound=Stateful)


def advance(value: S, to: StrEnum, /, **changes: Any) -> S:
    """Return `value` in state `to` with `changes` applied; raises `illegal_transition`."""
    value.LIFECYCLE.require(value.id, str(value.state), str(to))
    return replace(value, state=to, **changes)  # type: ignore[type-var]


def advance_from(value: S, sources: Collection[StrEnum], to: StrEnum, /, **changes: Any) -> S:
    """As `advance`, for a move that is meant for some states only of those the table would allow:
    a delivery is sent back to `provisioning`, a request that was never approved is not."""
    table = value.LIFECYCLE
    if value.state not in sources:
        others = table.moves[str(value.state)] - {str(to)}
        raise illegal_transition(table.noun, value.id, str(value.state), str(to), others)
    return advance(value, to, **changes)
