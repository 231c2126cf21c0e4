"""The authorisation matrix: how far a role reaches with an operation, and what that answers.

Owns the rule for commands, which authorisation itself asks, and what each reach means for one's
own and for a foreign thing. Which records are whose is `reading`'s and each handler's.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from cloudmgr.domain.access import OFFICES, Actor, Grant, Role


class Reach(StrEnum):
    """How far an operation reaches for whoever holds a role."""

    FORBIDDEN = "forbidden"
    NOTHING = "nothing"
    OWN = "own"
    ALL = "all"


class Answer(StrEnum):
    """What an operation answers about a thing; ALLOWED is whatever the thing's state then says."""

    ALLOWED = "allowed"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    EMPTY = "empty"


@dataclass(frozen=True, slots=True)
class Cell:
    """A role, held in the city or in a county, and how far it reaches."""

    role: Role
    county: bool
    reach: Reach


@dataclass(frozen=True, slots=True)
class Row:
    """An operation with the reach of every role. `signed_in`: strangers are told to sign in;
    `command`: it changes something; `listing`: it shows many things, so that what is not seen is
    left out where single things are not found."""

    operation: str
    command: bool
    listing: bool
    signed_in: bool
    cells: tuple[Cell, ...]


PLACES: tuple[tuple[Role, bool], ...] = tuple(
    (role, county) for county in (False, True) for role in Role
)
"""Every role, in the city and in a county."""


def answer(reach: Reach, *, own: bool, listing: bool) -> Answer:
    """What is answered about one's own or a foreign thing."""
    if reach is Reach.FORBIDDEN:
        return Answer.FORBIDDEN
    if reach is Reach.ALL or (reach is Reach.OWN and own):
        return Answer.ALLOWED
    return Answer.EMPTY if listing else Answer.NOT_FOUND


def command_reach(
    grant: Grant, roles: Collection[Role], *, counties: bool, own: Collection[Role]
) -> Reach:
    """How far a command reaches by one grant. An office of the city acts for all, but for the
    roles in `own`; everybody else within the organisation or county of the grant."""
    if grant.role not in roles:
        return Reach.FORBIDDEN
    if not grant.for_city:
        return Reach.OWN if counties else Reach.FORBIDDEN
    return Reach.ALL if grant.role in OFFICES and grant.role not in own else Reach.OWN


def holder(role: Role, county: bool) -> Actor:
    """Somebody with one role and nothing of their own, as rules are asked about them."""
    grant = Grant(role, "probe", region_id="county" if county else "city", county=county)
    return Actor(user_id="probe", grants=(grant,))
