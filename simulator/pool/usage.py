"""The readings a simulated pool publishes: one batch a day, the same bytes whenever it is asked.

A value follows from seed, resource and moment alone, and what a resource was at a past moment does
not change, so a finished day can be worked out again at any time.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from catalog.period import SHANGHAI
from cloudmgr.domain.metering import SAMPLING_SECONDS
from cloudmgr.domain.pools_interface import UsageFile
from cloudmgr.services import codec
from simulator.pool.state import Kept

MEDIA_TYPE = "application/x-ndjson"


@dataclass(frozen=True, slots=True)
class Day:
    """A published batch and its bytes."""

    file: UsageFile
    content: bytes


def day_of(moment: datetime) -> date:
    """The day in Asia/Shanghai."""
    return moment.astimezone(SHANGHAI).date()


def readings(pool_id: str, seed: int, day: date, resources: Iterable[Kept]) -> Day:
    """Processor use of every resource that ran on `day`, in millicores, oldest first."""
    midnight = datetime.combine(day, time(), SHANGHAI).astimezone(UTC)
    step = timedelta(seconds=SAMPLING_SECONDS)
    moments = [midnight + step * n for n in range(timedelta(days=1) // step)]
    lines = [
        _line(kept, vcpu, moment, seed)
        for kept in resources
        for moment in moments
        if (vcpu := _vcpu(kept, moment))
    ]
    content = "".join(lines).encode()
    file = UsageFile(
        id=f"{pool_id}-{day.isoformat()}",
        day=day,
        media_type=MEDIA_TYPE,
        rows=len(lines),
        size_bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
    )
    return Day(file, content)


def _vcpu(kept: Kept, moment: datetime) -> int:
    """What it had then; 0 before its life and after it."""
    if kept.released_at is not None and moment >= kept.released_at:
        return 0
    return next((sized.vcpu for sized in reversed(kept.sizes) if sized.since <= moment), 0)


def _line(kept: Kept, vcpu: int, moment: datetime, seed: int) -> str:
    chance = zlib.crc32(f"{seed} {kept.resource.id} {moment.isoformat()}".encode())
    row = {
        "resource": kept.resource.reference,
        "meter": "cpu_millicores",
        "time": moment.isoformat(),
        "value": vcpu * 10 * (5 + chance % 60),  # 5 % to 64 % of what it has
    }
    return codec.text(row) + "\n"
