"""What a pool owes from the monitoring level (监测级) on: everything that is read.

Each function is one check and raises `CheckFailed` with what the pool did instead.
"""

from __future__ import annotations

import hashlib
from collections import Counter

from cloudmgr.domain.errors import Invalid
from cloudmgr.domain.pools_interface import (
    LIMIT_ITEMS,
    UNKNOWN_CODE,
    OccurrencePage,
    PoolHealth,
    PoolInventory,
    PoolResource,
    UsageFile,
    UsagePage,
)
from cloudmgr.pools.conformance.probe import CheckBlocked, CheckFailed, Probe
from cloudmgr.pools.exchange import escaped
from cloudmgr.usage.batches import BatchFormat, read_batch

PAGED_RESOURCES = 20
"""So many resources are read one a page; a longer list in pages of a tenth."""
STEADY_ATTEMPTS = 4
"""A pool in use changes between two reads; one agreement in so many is enough."""


def health(probe: Probe) -> None:
    told = probe.read(PoolHealth, "/health")
    if told.interface.partition(".")[0] != "1":
        raise CheckFailed(f"it speaks version {told.interface} instead of 1.x")


def token(probe: Probe) -> None:
    answer = probe.send("GET", "/health", headers={"Authorization": ""})
    if answer.status != 401:
        raise CheckFailed(f"without a token it answered {answer.status} instead of 401")


def inventory(probe: Probe) -> None:
    told = probe.read(PoolInventory, "/inventory")
    twice = [each for each, n in Counter(c.resource_class for c in told.classes).items() if n > 1]
    if twice:
        raise CheckFailed(f"these classes stand in it twice: {', '.join(twice)}")


def resources(probe: Probe) -> None:
    ids = Counter(each.id for each in probe.resources())
    twice = [id for id, count in ids.items() if count > 1]
    if twice:
        raise CheckFailed(f"these are listed twice: {', '.join(twice[:5])}")
    for id in list(ids)[:1]:
        if probe.resource(id) is None:
            raise CheckFailed(f"{id} is listed and cannot be read")


def unknown(probe: Probe) -> None:
    path = f"/resources/{probe.settings.reference}-none"
    probe.refused(probe.send("GET", path), 404, UNKNOWN_CODE)


def pages(probe: Probe) -> None:
    for _ in range(STEADY_ATTEMPTS):
        whole = {each.id for each in probe.resources()}
        small = 1 if len(whole) <= PAGED_RESOURCES else min(len(whole) // 10, LIMIT_ITEMS - 1)
        paged = [each.id for each in probe.resources(limit=small)]
        if len(paged) == len(set(paged)) and set(paged) == whole:
            return
        probe.pause()
    lost, more = whole - set(paged), set(paged) - whole
    raise CheckFailed(
        f"pages of {small} lose {len(lost)} resources, repeat {len(paged) - len(set(paged))} and "
        f"show {len(more)} others"
    )


def inventory_agrees(probe: Probe) -> None:
    for _ in range(STEADY_ATTEMPTS):
        told = {each: n for each, n in _allocated(probe).items() if n}
        summed = _summed(probe.resources())
        if told == summed:
            return
        probe.pause()
    raise CheckFailed(f"allocated by the inventory {_shown(told)}, by the list {_shown(summed)}")


def incidents(probe: Probe) -> None:
    page = probe.read(OccurrencePage, "/incidents", limit=LIMIT_ITEMS)
    for each in page.items:
        if each.restored_at is not None and each.restored_at < each.opened_at:
            raise CheckFailed(f"{each.id} was restored before it began")


def usage(probe: Probe) -> None:
    files = _files(probe)
    if not files:
        raise CheckBlocked("it lists no usage batch; let it publish a day and check again")
    probe.found.file = file = files[-1]
    probe.found.content = content = _content(probe, file)
    _as_listed(file, content)
    try:
        batch = read_batch(content, BatchFormat(file.media_type))
    except ValueError as error:
        raise CheckFailed(f"{file.media_type!r} is no form of a batch") from error
    except Invalid as error:
        raise CheckFailed(f"batch {file.id} cannot be read: {error.message}") from error
    if batch.sent != file.rows:
        raise CheckFailed(f"batch {file.id} has {batch.sent} rows, listed are {file.rows}")


def usage_unchanged(probe: Probe) -> None:
    file = probe.found.file
    assert file is not None
    listed = {each.id: each for each in _files(probe)}
    if listed.get(file.id) != file:
        raise CheckFailed(f"batch {file.id} is listed otherwise than a moment ago")
    if _content(probe, file) != probe.found.content:
        raise CheckFailed(f"batch {file.id} has other bytes when it is fetched again")


def _files(probe: Probe) -> list[UsageFile]:
    found: list[UsageFile] = []
    query: dict[str, str | int] = {"limit": LIMIT_ITEMS}
    while True:
        page = probe.read(UsagePage, "/usage", **query)
        found += page.items
        if page.next_cursor is None:
            return found
        if query.get("cursor") == page.next_cursor:
            raise CheckFailed(f"the list comes back to cursor {page.next_cursor!r}")
        query["cursor"] = page.next_cursor


def _content(probe: Probe, file: UsageFile) -> bytes:
    answer = probe.send("GET", f"/usage/{escaped(file.id)}")
    if answer.status != 200:
        raise CheckFailed(f"batch {file.id} answered {answer.status} instead of 200")
    return answer.body


def _as_listed(file: UsageFile, content: bytes) -> None:
    digest = hashlib.sha256(content).hexdigest()
    if (len(content), digest) != (file.size_bytes, file.sha256):
        raise CheckFailed(
            f"batch {file.id} has {len(content)} bytes with digest {digest}, listed are "
            f"{file.size_bytes} with {file.sha256}"
        )


def _allocated(probe: Probe) -> dict[str, int]:
    told = probe.read(PoolInventory, "/inventory")
    return {str(name): count for name, count in told.allocated().items()}


def _summed(listed: tuple[PoolResource, ...]) -> dict[str, int]:
    sums: Counter[str] = Counter()
    for resource in listed:
        for amount in resource.amounts:
            sums[str(amount.resource_class)] += amount.units
    return {name: count for name, count in sums.items() if count}


def _shown(sums: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(sums.items())) or "nothing"
