"""Puts a sample city into an empty world: one transaction, all counters right, one audit event.

Owns the order in which things are put. What they are is read by `read` and expanded by `offers`,
`opening` and `limits`; the amounts a budget commits are made by the services that bill.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from pwdlib.hashers.argon2 import Argon2Hasher

from catalog.load import find_version
from catalog.money import Yuan, total
from catalog.period import Month, utc
from catalog.versions import CatalogVersion
from cloudmgr.cities.city import City, Person
from cloudmgr.cities.limits import budgets_of, quotas_of
from cloudmgr.cities.offers import quotes_of
from cloudmgr.cities.opening import OpeningLine, allocations_of, opening_lines
from cloudmgr.cities.put_continuity import put_continuity
from cloudmgr.cities.read import find_city
from cloudmgr.domain.access import SYSTEM
from cloudmgr.domain.allocations import Allocation
from cloudmgr.domain.audit import AuditDigest
from cloudmgr.domain.node import NODE_ID, NodeSettings
from cloudmgr.domain.parties import OrganisationKind, RoleGrant, User, check_separation
from cloudmgr.domain.values import Value
from cloudmgr.services.allocations_terms import watch_terms
from cloudmgr.services.audit import begin_heads
from cloudmgr.services.commitments import commit_opening
from cloudmgr.services.contracts import schedule_life
from cloudmgr.services.periods import open_period
from cloudmgr.services.placements import monthly_of
from cloudmgr.services.pricing import keep_catalog
from cloudmgr.services.world import World, next_id


@dataclass(frozen=True, slots=True, kw_only=True)
class CityLoaded:
    """What a load has put; `monthly` is what the opening stock costs a full month, in yuan."""

    city: str
    cut_over: datetime
    counts: dict[str, int]
    monthly: Yuan


def load_city(
    world: World,
    name: str,
    now: datetime | None = None,
    audit_digest: AuditDigest = AuditDigest.SHA256,
) -> CityLoaded:
    """Load a shipped city by its name; raises `unknown_city` or `bad_city`.

    Without `now` the node is said to be made at the cut-over, where its clock stands.
    """
    return put_city(world, find_city(name), now, audit_digest)


def put_city(
    world: World,
    city: City,
    now: datetime | None = None,
    audit_digest: AuditDigest = AuditDigest.SHA256,
) -> CityLoaded:
    """Put everything of a city into an empty world, a rehearsal whose clock stands at the
    cut-over; raises `bad_city` when its rules do not fit together."""
    catalog = find_version(city.catalog_id)
    keep_catalog(world, catalog, city.opens_at)
    _put_settings(world, city, now or city.opens_at, audit_digest)
    _put_parties(world, city)
    lines = opening_lines(city, catalog)
    stock, counts = _put_supply(world, city, catalog, lines)
    world.put_many([city.policy])
    watch_terms(world, stock, city.opens_at)
    counts |= put_continuity(world, city, stock, lines)
    for contract in city.contracts:
        schedule_life(world, contract, city.opens_at)
    world.put_many([city.scheme])
    counts |= _put_limits(world, city, stock)
    open_period(world, Month.of(city.opens_at), city.opens_at)
    begin_heads(world, city.opens_at)
    world.audit(
        at=city.opens_at,
        user_id=SYSTEM.user_id,
        role="system",
        command="load_city",
        subject=f"city/{city.id}",
        request_id="",
    )
    return CityLoaded(
        city=city.id,
        cut_over=city.opens_at,
        counts=_sizes(city) | counts,
        monthly=_monthly(world, stock, city.opens_at),
    )


def _sizes(city: City) -> dict[str, int]:
    return {
        "regions": len(city.regions),
        "departments": len(city.organisations_of(OrganisationKind.DEPARTMENT)),
        "organisations": len(city.organisations),
        "users": len(city.people),
        "applications": len(city.applications),
        "sites": len(city.sites),
        "pools": len(city.pools),
        "contracts": len(city.contracts),
        "machine_rooms": len(city.ledgers.machine_rooms),
        "networks": len(city.ledgers.networks),
    }


def _put_settings(world: World, city: City, now: datetime, digest: AuditDigest) -> None:
    world.put_many(
        [
            NodeSettings(
                id=NODE_ID,
                rehearsal=True,
                city=city.id,
                created_at=utc(now),
                clock=city.opens_at,
                audit_digest=digest,
            )
        ]
    )


def _put_parties(world: World, city: City) -> None:
    users, grants = _people(city)
    for values in (city.regions, city.organisations, users, grants, city.sites):
        world.put_many(values)
    world.put_many(city.applications)
    ledgers = city.ledgers
    for records in (ledgers.machine_rooms, ledgers.networks, ledgers.targets):
        world.put_many(records)


def _people(city: City) -> tuple[list[User], list[RoleGrant]]:
    """Everybody with the sample password, hashed once; the salt is the city's name, so that a
    load gives the same bytes twice. Rehearsals only: nobody's real password is hashed here, and
    what is published with the city is no safer for being slow to try."""
    salt = hashlib.sha256(city.id.encode()).digest()[:16]
    quick = Argon2Hasher(time_cost=1, memory_cost=64, parallelism=1)
    password_hash = quick.hash(city.sample_password, salt=salt)
    users = [
        User(id=each.login, login=each.login, name=each.name, password_hash=password_hash)
        for each in city.people
    ]
    return users, [grant for each in city.people for grant in _grants(each)]


def _grants(person: Person) -> Iterable[RoleGrant]:
    for index, role in enumerate(person.roles):
        check_separation(person.login, person.roles[:index], role)
        yield RoleGrant(
            id=f"{person.login}/{role}/{person.organisation_id}",
            user_id=person.login,
            role=role,
            organisation_id=person.organisation_id,
        )


def _put_supply(
    world: World, city: City, catalog: CatalogVersion, lines: tuple[OpeningLine, ...]
) -> tuple[tuple[Allocation, ...], dict[str, int]]:
    quotes = quotes_of(city, catalog, _series(world, "QT"))
    stock, inventories = allocations_of(city, lines, quotes, _series(world, "ALC"))
    groups: tuple[Iterable[Value], ...] = (
        city.pools,
        inventories.values(),
        city.contracts,
        quotes,
        stock,
    )
    for values in groups:
        world.put_many(values)
    return stock, {"quotes": len(quotes), "allocations": len(stock)}


def _put_limits(world: World, city: City, stock: tuple[Allocation, ...]) -> dict[str, int]:
    quotas = quotas_of(city, stock)
    budgets, changes = budgets_of(city, _series(world, "BC"))
    world.put_many(quotas)
    world.put_many(budgets)
    world.put_many(changes)
    commit_opening(world, stock, city.cut_over.year, city.opens_at)
    return {"quotas": len(quotas), "budgets": len(budgets)}


def _monthly(world: World, stock: tuple[Allocation, ...], now: datetime) -> Decimal:
    return total(monthly_of(allocation, world, now) for allocation in stock)


def _series(world: World, prefix: str) -> Callable[[], str]:
    return lambda: next_id(world, prefix)
