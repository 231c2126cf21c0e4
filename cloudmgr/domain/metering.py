"""What readings are and mean: meters, quarantine reasons, usage records, repeated batches.

Owns the definitions of the nearest rank, of coverage and of what a repeated batch is. The fast
versions live in `cloudmgr.usage` and are pinned to these by tests; prices live in `rating`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from fractions import Fraction
from types import MappingProxyType

from catalog.period import Month, Period
from cloudmgr.domain.errors import bad_value, batch_changed

SAMPLING_SECONDS = 300
"""How often a pool samples unless it says otherwise [sample]."""

LARGEST_VALUE = 2**40
"""The largest reading, in base units. A month has 2 678 400 seconds, so even a sample every
second sums to less than 2^63 and no engine's 64-bit sum can overflow; more is a broken meter."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class MeterKind(StrEnum):
    """A gauge is a level at an instant and is judged; deltas add up and are billed."""

    GAUGE = "gauge"
    DELTA = "delta"


@dataclass(frozen=True, slots=True)
class Meter:
    """What is measured: a whole number of `unit` per reading."""

    id: str
    kind: MeterKind
    unit: str
    label_zh: str
    label_en: str


_G, _D = MeterKind.GAUGE, MeterKind.DELTA

METERS: tuple[Meter, ...] = (
    Meter("cpu_millicores", _G, "millicore", "处理器使用量", "Processor use"),
    Meter("memory_used_mib", _G, "MiB", "内存使用量", "Memory in use"),
    Meter("gpu_millicards", _G, "1/1000 card", "GPU使用量", "GPU use"),
    Meter("storage_used_gib", _G, "GiB", "存储使用量", "Storage in use"),
    Meter("bandwidth_kbps", _G, "kbit/s", "带宽使用量", "Bandwidth in use"),
    Meter("cpu_millicore_minutes", _D, "millicore-minute", "处理器用时", "Processor time used"),
    Meter("egress_mib", _D, "MiB", "互联网流出流量", "Internet egress traffic"),
    Meter("object_egress_mib", _D, "MiB", "对象存储公网流出流量", "Object storage egress"),
    Meter("cdn_mib", _D, "MiB", "内容分发流量", "CDN traffic"),
    Meter("object_requests", _D, "request", "对象存储请求", "Object storage requests"),
    Meter("log_ingest_mib", _D, "MiB", "日志写入量", "Logs ingested"),
    Meter("api_calls", _D, "call", "接口调用次数", "API calls"),
    Meter("model_tokens", _D, "token", "模型调用词元", "Model tokens"),
    Meter("sms_messages", _D, "message", "短信条数", "Text messages sent"),
)

METERS_BY_ID = MappingProxyType({meter.id: meter for meter in METERS})


def meter_of(meter_id: str) -> Meter:
    """The meter of that id; raises `bad_value` naming those there are."""
    if meter_id not in METERS_BY_ID:
        raise bad_value("meter", f"{meter_id!r} is not one of {', '.join(METERS_BY_ID)}")
    return METERS_BY_ID[meter_id]


class QuarantineReason(StrEnum):
    """Why a reading does not count. Where several apply, the first in this order is given."""

    UNKNOWN_RESOURCE = "unknown_resource"
    UNKNOWN_METER = "unknown_meter"
    WRONG_METER = "wrong_meter"
    NOT_FINITE = "not_finite"
    NEGATIVE = "negative"
    TOO_LARGE = "too_large"
    IN_FUTURE = "in_future"
    OUTSIDE_LIFE = "outside_life"
    DUPLICATE_ROW = "duplicate_row"

    @property
    def label_zh(self) -> str:
        return _REASON_LABELS[self][0]

    @property
    def label_en(self) -> str:
        return _REASON_LABELS[self][1]


_REASON_LABELS = MappingProxyType(
    {
        QuarantineReason.UNKNOWN_RESOURCE: ("资源不存在", "no such resource in this pool"),
        QuarantineReason.UNKNOWN_METER: ("计量项不存在", "no such meter"),
        QuarantineReason.WRONG_METER: ("资源没有该计量项", "the resource has no such meter"),
        QuarantineReason.NOT_FINITE: ("数值缺失或非有限", "the value is missing or not finite"),
        QuarantineReason.NEGATIVE: ("数值为负", "the value is negative"),
        QuarantineReason.TOO_LARGE: ("数值过大", "the value is impossibly large"),
        QuarantineReason.IN_FUTURE: ("时间在未来", "the time lies in the future"),
        QuarantineReason.OUTSIDE_LIFE: ("不在资源使用期内", "outside the life of the resource"),
        QuarantineReason.DUPLICATE_ROW: ("批次内重复", "repeated within the batch"),
    }
)


@dataclass(frozen=True, slots=True, order=True)
class MeterReading:
    """采样: one raw sample; `time` is the start of its sampling interval."""

    resource: str
    meter: str
    time: datetime
    value: int


@dataclass(frozen=True, slots=True, order=True)
class HourlyUsage:
    """What was read of a resource's meter in the hour that begins at `hour` (UTC)."""

    resource: str
    meter: str
    hour: datetime
    sum: int
    count: int
    max: int


@dataclass(frozen=True, slots=True, order=True)
class MonthlyUsage:
    """用量: what was read of a resource's meter in a billing month.

    `count` readings came of the `expected`; percentiles are nearest ranks on the readings.
    """

    resource: str
    meter: str
    month: Month
    sum: int
    count: int
    max: int
    p95: int
    p99: int
    expected: int

    @property
    def mean(self) -> Fraction:
        """The exact mean of the readings, in the meter's unit."""
        return Fraction(self.sum, self.count)

    @property
    def coverage(self) -> Fraction:
        """The share of the expected samples that came, at most 1; 1 where none was expected."""
        if not self.expected:
            return Fraction(1)
        return Fraction(min(self.count, self.expected), self.expected)


def nearest_rank_index(count: int, percent: int) -> int:
    """The 1-based rank ceil(percent x count / 100), at least 1; raises `bad_value`."""
    if count < 1:
        raise bad_value("values", "a percentile needs at least one value")
    if not 0 <= percent <= 100:
        raise bad_value("percent", f"{percent} does not lie in 0..100")
    return max(1, (count * percent + 99) // 100)


def nearest_rank(values: Sequence[int], percent: int) -> int:
    """The smallest value that at least `percent` % of `values` do not exceed (nearest rank).

    Always one of the values, never interpolated, so every engine gives the same integer.
    """
    return sorted(values)[nearest_rank_index(len(values), percent) - 1]


def expected_samples(life: Period, month: Month, sampling_seconds: int = SAMPLING_SECONDS) -> int:
    """How many sampling instants (multiples of the interval since 1970 UTC) fall into both."""
    if sampling_seconds < 1:
        raise bad_value("sampling_seconds", f"{sampling_seconds} is not at least 1 second")
    alive = life.overlap(month.period)
    if alive is None:
        return 0
    return _samples_before(alive.end, sampling_seconds) - _samples_before(
        alive.start, sampling_seconds
    )


def _samples_before(moment: datetime, sampling_seconds: int) -> int:
    """Sampling instants in [1970, moment)."""
    return -((_EPOCH - moment) // timedelta(seconds=sampling_seconds))


class BatchVerdict(StrEnum):
    """What to do with a batch: take it, or answer as before and change nothing."""

    NEW = "new"
    REPEATED = "repeated"


def decide_batch(batch_id: str, known_digest: str | None, digest: str) -> BatchVerdict:
    """Compare a batch with the digest already kept under its id, None when there is none.

    The same contents again are `REPEATED`; others under a used id raise `batch_changed`.
    """
    if known_digest is None:
        return BatchVerdict.NEW
    if known_digest == digest:
        return BatchVerdict.REPEATED
    raise batch_changed(batch_id)
