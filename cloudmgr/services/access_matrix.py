"""The authorisation matrix as data: what every operation answers to every role.

Commands are rows by their registration, reads by declaring here what they look at. How far a read
reaches is found by asking its own rule about somebody with one role, so the matrix cannot say
anything else than what is done.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import cache
from typing import Any

from cloudmgr.domain.access import Actor, Grant, Role
from cloudmgr.domain.access_matrix import PLACES, Cell, Reach, Row, holder
from cloudmgr.domain.errors import forbidden
from cloudmgr.domain.parties import Organisation, OrganisationKind
from cloudmgr.domain.values import Value
from cloudmgr.services.commands import HANDLERS, Handler
from cloudmgr.services.memory import MemoryNode
from cloudmgr.services.reading import visible
from cloudmgr.services.world import World

Scope = Callable[[World, Actor], dict[str, Any] | None]
"""Under which conditions something is the actor's to see, as `reading.visible` tells it."""

_ORDER = (Reach.FORBIDDEN, Reach.NOTHING, Reach.OWN, Reach.ALL)


@dataclass(frozen=True, slots=True)
class Look:
    """A read: who may look at all, and at which kinds of records one must see something of."""

    operation: str
    kinds: tuple[type[Value], ...] = ()
    scope: Scope | None = None
    allowed: Callable[[Actor], bool] | None = None
    roles: frozenset[Role] = frozenset()
    listing: bool = False
    signed_in: bool = True

    def authorise(self, actor: Actor) -> None:
        """Raise `forbidden` for whoever may not look at all."""
        if self.allowed is not None and not self.allowed(actor):
            raise forbidden(self.operation, self.roles)

    def reach(self, actor: Actor) -> Reach:
        """How far the actor sees; their own records need not exist yet."""
        if self.allowed is not None and not self.allowed(actor):
            return Reach.FORBIDDEN
        with _probe().reading() as world:
            scopes = [visible(world, actor, kind) for kind in self.kinds]
            if self.scope is not None:
                scopes.append(self.scope(world, actor))
        return min((_reach(scope) for scope in scopes), key=_ORDER.index, default=Reach.ALL)


LOOKS: dict[str, Look] = {}


def look(
    operation: str,
    *kinds: type[Value],
    scope: Scope | None = None,
    allowed: Callable[[Actor], bool] | None = None,
    roles: Collection[Role] = (),
    listing: bool = False,
    signed_in: bool = True,
) -> Look:
    """Declare a read. `kinds` are those of whose records one must see something, or whose records
    it shows; `allowed` with the `roles` it tells of, where others are refused altogether."""
    assert operation not in LOOKS, f"{operation} is declared twice"
    made = Look(operation, kinds, scope, allowed, frozenset(roles), listing, signed_in)
    LOOKS[operation] = made
    return made


def city_offices(actor: Actor) -> bool:
    """Roles that read the whole city's things, held in an office of the city."""
    return actor.city_wide


def matrix() -> tuple[Row, ...]:
    """Every operation, in the order of names."""
    rows = [_of_command(handler) for handler in HANDLERS.values()]
    rows += [_of_look(found) for found in LOOKS.values()]
    return tuple(sorted(rows, key=lambda row: row.operation))


def _of_command(handler: Handler) -> Row:
    cells = tuple(
        Cell(
            role,
            county,
            Reach.FORBIDDEN if role in handler.deputies else handler.reach(_grant(role, county)),
        )
        for role, county in PLACES
    )
    return Row(handler.name, command=True, listing=False, signed_in=True, cells=cells)


def _of_look(found: Look) -> Row:
    cells = tuple(Cell(role, county, found.reach(holder(role, county))) for role, county in PLACES)
    return Row(
        found.operation,
        command=False,
        listing=found.listing,
        signed_in=found.signed_in,
        cells=cells,
    )


@cache
def _probe() -> MemoryNode:
    """A node with one department in a county: a county's offices see by its departments."""
    node = MemoryNode()
    with node.transaction() as world:
        world.put(
            Organisation(
                id="probe",
                kind=OrganisationKind.DEPARTMENT,
                name_zh="单位",
                name_en="Department",
                region_id="county",
            )
        )
    return node


def _grant(role: Role, county: bool) -> Grant:
    return holder(role, county).grants[0]


def _reach(scope: dict[str, Any] | None) -> Reach:
    if scope is None:
        return Reach.NOTHING
    return Reach.OWN if scope else Reach.ALL
