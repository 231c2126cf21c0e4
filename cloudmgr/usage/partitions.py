"""Names of the lake's files: one per pool, Shanghai day and batch.

Owns what a name says and which names belong together; it opens nothing. A manifest is a tuple
of names in the order of their batches.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date

from catalog.period import DAY, Month, Period, local_day
from cloudmgr.domain.errors import bad_value

_SAFE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_NAME = re.compile(r"pool=([^/]+)/day=(\d{4}-\d{2}-\d{2})/[^/]+\.parquet")


def partition_name(pool_id: str, day: date, batch_id: str, digest: str) -> str:
    """The name of one batch's readings of one day.

    The digest of the content is part of it, so that an attempt that failed and another with
    other contents never share a file. Raises `bad_value` for ids that are no file names.
    """
    return f"pool={_safe(pool_id, 'pool_id')}/day={day}/{_file_name(batch_id, digest)}"


def quarantine_name(pool_id: str, batch_id: str, digest: str) -> str:
    """The name of one batch's quarantined rows; see `partition_name`."""
    return f"quarantine/pool={_safe(pool_id, 'pool_id')}/{_file_name(batch_id, digest)}"


def pool_and_day(partition: str) -> tuple[str, date]:
    """What a partition's name says; raises `bad_value` for anything that is not one."""
    found = _NAME.fullmatch(partition)
    if found is None:
        raise bad_value("partition", f"{partition!r} names no partition of the lake")
    return found[1], date.fromisoformat(found[2])


def within(partitions: Sequence[str], period: Period) -> tuple[str, ...]:
    """Those whose day shares something with the period, in the order given."""
    if period.empty:
        return ()
    first, last = local_day(period.start), local_day(period.end - DAY.resolution)
    return tuple(name for name in partitions if first <= pool_and_day(name)[1] <= last)


def same_days(partitions: Sequence[str], written: Iterable[str]) -> tuple[str, ...]:
    """All of the pools and days of `written`: what a late batch's hours are rolled up from."""
    touched = {pool_and_day(name) for name in written}
    return tuple(name for name in partitions if pool_and_day(name) in touched)


def same_months(partitions: Sequence[str], written: Iterable[str]) -> tuple[str, ...]:
    """All of the pools and billing months of `written`: what its months are rolled up from."""
    touched = {_pool_and_month(name) for name in written}
    return tuple(name for name in partitions if _pool_and_month(name) in touched)


def ranked(partitions: Sequence[str]) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """Split a manifest into the files alone in their pool and day, and the ranks of the others.

    The k-th rank holds the k-th file of each pool and day that has several, so that only those
    are searched for repeated readings.
    """
    files: dict[tuple[str, date], list[str]] = {}
    for name in partitions:
        files.setdefault(pool_and_day(name), []).append(name)
    alone = tuple(names[0] for names in files.values() if len(names) == 1)
    shared = [names for names in files.values() if len(names) > 1]
    depth = max((len(names) for names in shared), default=0)
    return alone, tuple(
        tuple(names[rank] for names in shared if rank < len(names)) for rank in range(depth)
    )


def _pool_and_month(partition: str) -> tuple[str, Month]:
    pool_id, day = pool_and_day(partition)
    return pool_id, Month(day.year, day.month)


def _file_name(batch_id: str, digest: str) -> str:
    return f"{_safe(batch_id, 'batch_id')}-{digest[:16]}.parquet"


def _safe(id: str, field: str) -> str:
    if _SAFE_ID.fullmatch(id) is None:
        raise bad_value(
            field,
            f"{id!r} must be 1 to 100 of A-Z a-z 0-9 . _ - and begin with a letter or a digit",
        )
    return id
