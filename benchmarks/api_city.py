"""A large city for the API's benchmark: the reference city, its allocations many times over, and a
long audit chain behind it. All of it synthetic; copied straight into PostgreSQL."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from itertools import cycle, islice

import psycopg
from sqlalchemy.engine import URL

from cloudmgr.cities.load import load_city
from cloudmgr.domain.allocations import Allocation
from cloudmgr.domain.applications import Application
from cloudmgr.domain.audit import AuditEvent, link
from cloudmgr.domain.parties import Token, User
from cloudmgr.services.sessions import token_id
from cloudmgr.store.migrate import upgrade
from cloudmgr.store.world import SqlNode
from cloudmgr.usage.lake import MemoryLake

BATCH = 10_000
AUDIT_COLUMNS = tuple(field.name for field in fields(AuditEvent))


@dataclass(frozen=True)
class Ground:
    """What the clients need to know of the city: whom to ask as, and for what."""

    departments: tuple[str, ...]  # logins of the departments' users, with their systems
    applications: dict[str, tuple[str, str]]  # login -> (department, application)
    allocations: dict[str, tuple[str, ...]]  # login -> some of its own
    office: str
    auditor: str
    all_allocations: tuple[str, ...]
    events: int


def secret_of(login: str) -> str:
    """The bearer token that everybody holds here."""
    return hashlib.sha256(f"benchmark {login}".encode()).hexdigest()


def build(url: URL, allocations: int, events: int) -> Ground:
    """Load, copy and count; returns what the clients will ask about."""
    text = url.render_as_string(hide_password=False)
    upgrade(text)
    node = SqlNode(text, MemoryLake(), durable=False)
    with node.transaction() as world:
        load_city(world, "reference")
        now = world.audit_events(limit=1)[0].at
        world.put_many(
            Token(
                id=token_id(secret_of(user.login)),
                user_id=user.id,
                label="benchmark",
                created_at=now,
                expires_at=now + timedelta(days=3660),
            )
            for user in world.find(User)
        )
        stock = world.find(Allocation)
    copies = _copies(stock, allocations - len(stock))
    while some := list(islice(copies, BATCH)):
        with node.transaction() as world:
            world.put_many(some)
    with node.reading() as world:
        last = world.audit_head()
        ground = _ground(world.find(Application), world.find(Allocation), events)
    node.close()
    plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as connection:
        _append_events(connection, last, events, now)
        connection.execute("ANALYZE")
    return ground


def _copies(stock: tuple[Allocation, ...], wanted: int) -> Iterator[Allocation]:
    for number, each in zip(range(wanted), cycle(stock), strict=False):
        yield replace(each, id=f"ALC-B{number:08d}", version=0)


def _append_events(
    connection: psycopg.Connection[tuple[object, ...]],
    last: AuditEvent | None,
    events: int,
    at: datetime,
) -> None:
    """A chain that verifies, as long as a few years of a city's work."""
    columns = ", ".join(f'"{name}"' for name in AUDIT_COLUMNS)
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY audit_event ({columns}) FROM STDIN") as copy,
    ):
        while last is None or last.sequence < events:
            last = link(
                previous=last,
                at=at,
                user_id="benchmark",
                role="system",
                command="draft_request",
                subject=f"ResourceRequest/REQ-B{last.sequence % 50_000 if last else 0:08d}",
                before="",
                after="",
                request_id="",
            )
            copy.write_row([getattr(last, name) for name in AUDIT_COLUMNS])


def _ground(
    applications: tuple[Application, ...], allocations: tuple[Allocation, ...], events: int
) -> Ground:
    systems: dict[str, tuple[str, str]] = {}
    for system in applications:
        running = system.mlps_level in (2, 3) and not (system.classified or system.xinchuang)
        if running and system.approval_document and system.security_check_passed:
            systems.setdefault(f"{system.department_id}.user", (system.department_id, system.id))
    own: dict[str, list[str]] = {login: [] for login in systems}
    for each in allocations:
        some = own.get(f"{each.department_id}.user")
        if some is not None and len(some) < 200:
            some.append(each.id)
    logins = tuple(sorted(login for login in systems if own[login]))
    return Ground(
        departments=logins,
        applications={login: systems[login] for login in logins},
        allocations={login: tuple(own[login]) for login in logins},
        office="authority.a",
        auditor="authority.auditadmin",
        all_allocations=tuple(each.id for each in allocations),
        events=events,
    )
