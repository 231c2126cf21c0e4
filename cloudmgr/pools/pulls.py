"""What is pulled from connected pools, again and again: health, inventory, usage, incidents, drift.

Each is a recurring job with a cursor and ends where it was interrupted. Pages are fetched between
transactions; what a page says is taken over in one commit with the cursor behind it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta

from cloudmgr.domain.access import SYSTEM
from cloudmgr.domain.drift import Difference, DriftKind
from cloudmgr.domain.jobs import Job
from cloudmgr.domain.pools import PoolState, ResourcePool
from cloudmgr.domain.pools_connection import Contact, PoolConnection
from cloudmgr.domain.pools_interface import HealthStatus, PoolResource, UsageFile
from cloudmgr.domain.usage import UsageBatch, usage_batch_id
from cloudmgr.pools.client import PoolClient
from cloudmgr.pools.drift import Drift, Expected, expected_of, find_drift
from cloudmgr.pools.errors import PoolError, broke_interface
from cloudmgr.pools.outside import Pools
from cloudmgr.services.commands import perform
from cloudmgr.services.drift import Expectations, expectations, keep_findings
from cloudmgr.services.jobs import note, runs
from cloudmgr.services.leases import Held
from cloudmgr.services.pools_connection import take_contact, take_inventory, take_occurrences
from cloudmgr.services.usage import IngestUsage
from cloudmgr.usage.batches import BatchFormat, read_batch

LATE_DAYS = 7
"""A batch that a pool publishes late is looked for this many days back; what is known costs
nothing but its line in the list."""
BATCH_PATTERN = r"[A-Za-z0-9._-]{1,120}"
"""A batch's id names a file of the lake."""


@runs("pool_health")
def pull_health(held: Held[Job], pools: Pools) -> None:
    connection = _connection(held)
    if connection is None:
        return
    try:
        with pools.client(connection) as client:
            told = client.health()
        contact = Contact.OK if told.status is HealthStatus.OK else Contact.DEGRADED
        problem = ""
    except PoolError as error:
        contact, problem = Contact.SILENT, error.message
    with held.transaction() as world:
        take_contact(world, connection.pool_id, contact, problem, held.shop.now(world))


@runs("pool_inventory")
def pull_inventory(held: Held[Job], pools: Pools) -> None:
    connection = _connection(held)
    if connection is None:
        return
    with pools.client(connection) as client:
        told = client.inventory()
    with held.transaction() as world:
        take_inventory(world, connection.pool_id, told, held.shop.now(world))


@runs("pool_usage")
def pull_usage(held: Held[Job], pools: Pools) -> None:
    """The cursor is the latest day of which everything listed was taken."""
    connection = _connection(held)
    if connection is None:
        return
    with pools.client(connection) as client:
        since = _day(held.record.cursor)
        files = client.usage(since - timedelta(days=LATE_DAYS) if since else None)
        for number, file in enumerate(files, start=1):
            _take_batch(held, client, connection.pool_id, file)
            last_of_day = number == len(files) or files[number].day != file.day
            cursor = file.day.isoformat() if last_of_day else held.record.cursor
            with held.transaction() as world:
                later = max(cursor, held.record.cursor)
                note(world, held, cursor=later, done_units=number, total_units=len(files))


@runs("pool_incidents")
def pull_incidents(held: Held[Job], pools: Pools) -> None:
    """The cursor is the latest change told; what changed at that very moment is told again."""
    connection = _connection(held)
    if connection is None:
        return
    cursor = held.record.cursor
    with pools.client(connection) as client:
        told = client.incidents(datetime.fromisoformat(cursor) if cursor else None)
    in_order = sorted(told, key=lambda each: (each.changed_at, each.id))
    for number, each in enumerate(in_order, start=1):
        with held.transaction() as world:
            take_occurrences(world, connection.pool_id, (each,), held.shop.now(world))
            at = each.changed_at.isoformat()
            note(world, held, cursor=at, done_units=number, total_units=len(in_order))


@runs("pool_drift")
def pull_drift(held: Held[Job], pools: Pools) -> None:
    """Compare what the pool lists with what we expected before *and* after it was listed: what
    changed meanwhile is not looked at."""
    connection = _connection(held)
    if connection is None:
        return
    pool_id = connection.pool_id
    with held.transaction() as world:
        before = expectations(world, pool_id)
    with pools.client(connection) as client:
        there = client.resources()
    with held.transaction() as world:
        after = expectations(world, pool_id)
        seen = tuple(_differences(find_drift(there, *_settled(pool_id, before, after))))
        keep_findings(world, pool_id, seen, held.shop.now(world))


def _connection(held: Held[Job]) -> PoolConnection | None:
    """How to reach the job's pool; None while nothing is to be asked of it."""
    with held.shop.node.reading() as world:
        connection = world.seek(PoolConnection, held.record.subject)
        if connection is None or connection.paused:
            return None
        retired = world.get(ResourcePool, connection.pool_id).state is PoolState.RETIRED
    return None if retired else connection


def _take_batch(held: Held[Job], client: PoolClient, pool_id: str, file: UsageFile) -> None:
    """Fetch and ingest one batch, unless it is known. A broken batch stops those behind it: the
    job says so until the pool mends it."""
    if not re.fullmatch(BATCH_PATTERN, file.id):
        raise broke_interface(client.where, f"batch {file.id!r} does not match {BATCH_PATTERN}")
    with held.shop.node.reading() as world:
        if world.seek(UsageBatch, usage_batch_id(pool_id, file.id)) is not None:
            return
    content = client.usage_content(file)
    try:
        form = BatchFormat(file.media_type)
    except ValueError as error:
        raise broke_interface(client.where, f"{file.media_type!r} is no form of a batch") from error
    batch = read_batch(content, form)
    with held.transaction() as world:
        command = IngestUsage(batch_id=file.id, pool_id=pool_id, batch=batch)
        perform(world, command, SYSTEM, held.shop.now(world))


def _settled(
    pool_id: str, before: Expectations, after: Expectations
) -> tuple[tuple[Expected, ...], frozenset[str]]:
    """What was expected all the time, and what nothing can be said about."""
    first = {each.reference: each for each in expected_of(before.allocations, pool_id)}
    last = {each.reference: each for each in expected_of(after.allocations, pool_id)}
    moved = {
        reference
        for reference in first.keys() | last.keys()
        if first.get(reference) != last.get(reference)
    }
    return tuple(last.values()), before.under_way | after.under_way | moved


def _differences(found: Drift) -> Iterator[Difference]:
    for missing in found.missing_there:
        yield Difference(
            kind=DriftKind.MISSING_THERE,
            reference=missing.reference,
            resource_id=missing.resource_id,
            ours=missing.amounts,
        )
    for unknown in found.unknown_here:
        yield _unknown(unknown)
    for other in found.different_size:
        yield Difference(
            kind=DriftKind.DIFFERENT_SIZE,
            reference=other.reference,
            resource_id=other.resource_id,
            ours=other.ours,
            theirs=other.theirs,
        )


def _unknown(resource: PoolResource) -> Difference:
    return Difference(
        kind=DriftKind.UNKNOWN_HERE,
        reference=resource.reference,
        resource_id=resource.id,
        theirs=resource.amounts,
    )


def _day(cursor: str) -> date | None:
    return date.fromisoformat(cursor) if cursor else None
