"""What counts, what is held back and why; nothing is lost between the two."""

from __future__ import annotations

from datetime import timedelta

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.errors import CloudmgrError
from cloudmgr.domain.metering import (
    LARGEST_VALUE,
    METERS_BY_ID,
    MeterReading,
    QuarantineReason,
)
from cloudmgr.usage.batches import READING_SCHEMA, batch_of
from cloudmgr.usage.quarantine import (
    QUARANTINE_SCHEMA,
    ResourceLife,
    ResourceLives,
    split,
)
from tests.support.usage import (
    NOW,
    START,
    at,
    batch,
    life,
    lives,
    reading,
    readings_of,
    table_of,
)

SECOND = timedelta(seconds=1)


def reason_of(row: MeterReading, *known: ResourceLife) -> QuarantineReason | None:
    parts = split(batch(row).rows, pool_id="pool-a", lives=lives(*known), now=at(600))
    assert parts.accepted.num_rows + parts.quarantined.num_rows == 1
    return next(iter(parts.reasons), None)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (reading(), None),
        (reading(value=0), None),
        (reading(value=LARGEST_VALUE), None),
        (reading(time=at(600)), None),
        (reading(resource="al-9"), QuarantineReason.UNKNOWN_RESOURCE),
        (reading(meter="steam"), QuarantineReason.UNKNOWN_METER),
        (reading(meter="cdn_mib"), QuarantineReason.WRONG_METER),
        (reading(value=-1), QuarantineReason.NEGATIVE),
        (reading(value=LARGEST_VALUE + 1), QuarantineReason.TOO_LARGE),
        (reading(time=at(600) + SECOND), QuarantineReason.IN_FUTURE),
        (reading(time=START - SECOND), QuarantineReason.OUTSIDE_LIFE),
    ],
)
def test_each_row_counts_or_is_held_back_for_its_reason(
    row: MeterReading, reason: QuarantineReason | None
) -> None:
    assert reason_of(row) is reason


def test_a_life_is_half_open() -> None:
    short = life(start=at(5), end=at(10))
    assert reason_of(reading(time=at(5) - SECOND), short) is QuarantineReason.OUTSIDE_LIFE
    assert reason_of(reading(time=at(5)), short) is None
    assert reason_of(reading(time=at(10) - SECOND), short) is None
    assert reason_of(reading(time=at(10)), short) is QuarantineReason.OUTSIDE_LIFE


def test_a_life_that_begins_within_a_second_does_not_hold_that_second() -> None:
    half = life(start=at(5) + SECOND / 2, end=at(10) + SECOND / 2)
    assert reason_of(reading(time=at(5)), half) is QuarantineReason.OUTSIDE_LIFE
    assert reason_of(reading(time=at(5) + SECOND), half) is None
    assert reason_of(reading(time=at(10)), half) is None


def test_a_value_that_is_not_finite_is_held_back() -> None:
    table = table_of([reading()]).set_column(3, "value", pa.array([float("nan")]))
    parts = split(batch_of(table).rows, pool_id="pool-a", lives=lives(), now=NOW)
    assert parts.reasons == {QuarantineReason.NOT_FINITE: 1}
    assert parts.quarantined.column("value").to_pylist() == [None]


def test_another_pools_resource_is_as_unknown_as_none() -> None:
    assert reason_of(reading(), life(pool_id="pool-b")) is QuarantineReason.UNKNOWN_RESOURCE


def test_with_no_resources_at_all_every_row_is_unknown() -> None:
    rows = batch(reading()).rows
    parts = split(rows, pool_id="pool-a", lives=ResourceLives.of(()), now=NOW)
    assert parts.reasons == {QuarantineReason.UNKNOWN_RESOURCE: 1}


def test_a_resource_may_have_several_meters() -> None:
    both = life(meters=("egress_mib", "cdn_mib"))
    assert reason_of(reading(meter="egress_mib"), both) is None
    assert reason_of(reading(meter="cdn_mib"), both) is None
    assert reason_of(reading(meter="api_calls"), both) is QuarantineReason.WRONG_METER


def test_of_rows_repeated_within_a_batch_the_first_counts() -> None:
    rows = batch(
        reading(value=1), reading(time=at(5), value=2), reading(value=3), reading(value=4)
    ).rows
    parts = split(rows, pool_id="pool-a", lives=lives(), now=NOW)
    assert [row.value for row in readings_of(parts.accepted)] == [1, 2]
    assert [row.value for row in readings_of(parts.quarantined)] == [3, 4]
    assert parts.quarantined.column("reason").to_pylist() == ["duplicate_row"] * 2
    assert parts.quarantined.column("row").to_pylist() == [3, 4]


def test_a_row_that_is_held_back_does_not_make_a_good_one_a_repetition() -> None:
    rows = batch(reading(value=-1), reading(value=3)).rows
    parts = split(rows, pool_id="pool-a", lives=lives(), now=NOW)
    assert [row.value for row in readings_of(parts.accepted)] == [3]
    assert parts.reasons == {QuarantineReason.NEGATIVE: 1}


def test_the_same_time_of_other_series_is_no_repetition() -> None:
    known = [
        life(resource=resource, meters=("egress_mib", "cdn_mib")) for resource in ("al-1", "al-2")
    ]
    rows = batch(
        *(
            reading(resource=each.resource, meter=meter)
            for meter in ("cdn_mib", "egress_mib")
            for each in known
        )
    ).rows
    parts = split(rows, pool_id="pool-a", lives=lives(*known), now=NOW)
    assert parts.accepted.num_rows == 4


def test_a_resource_named_twice_or_with_an_unknown_meter_is_refused() -> None:
    for wrong in ((life(), life()), (life(meters=("steam",)),), (life(start=at(days=-9999)),)):
        with pytest.raises(CloudmgrError) as refused:
            ResourceLives.of(wrong)
        assert refused.value.code == "bad_value"


KNOWN = (
    life(resource="al-1", meters=("egress_mib", "cdn_mib"), end=at(30)),
    life(resource="al-2", meters=("egress_mib",), start=at(20)),
    life(resource="al-3", pool_id="pool-b"),
)

any_rows = st.lists(
    st.builds(
        MeterReading,
        resource=st.sampled_from(["al-1", "al-2", "al-3", "al-4"]),
        meter=st.sampled_from(["egress_mib", "cdn_mib", "steam"]),
        time=st.integers(-1, 9).map(lambda fives: at(5 * fives)),
        value=st.sampled_from([-1, 0, 1, 2, LARGEST_VALUE + 1]),
    ),
    max_size=60,
)


def judged_one_by_one(rows: list[MeterReading]) -> list[QuarantineReason | None]:
    """The rule in plain Python: the meaning that the fast split must have."""
    lives = {each.resource: each for each in KNOWN if each.pool_id == "pool-a"}
    seen: set[tuple[object, ...]] = set()
    found: list[QuarantineReason | None] = []
    for row in rows:
        known = lives.get(row.resource)
        series = (row.resource, row.meter, row.time)
        if known is None:
            found.append(QuarantineReason.UNKNOWN_RESOURCE)
        elif row.meter not in METERS_BY_ID:
            found.append(QuarantineReason.UNKNOWN_METER)
        elif row.meter not in known.meters:
            found.append(QuarantineReason.WRONG_METER)
        elif row.value < 0:
            found.append(QuarantineReason.NEGATIVE)
        elif row.value > LARGEST_VALUE:
            found.append(QuarantineReason.TOO_LARGE)
        elif row.time > at(40):
            found.append(QuarantineReason.IN_FUTURE)
        elif not known.period.contains(row.time):
            found.append(QuarantineReason.OUTSIDE_LIFE)
        elif series in seen:
            found.append(QuarantineReason.DUPLICATE_ROW)
        else:
            seen.add(series)
            found.append(None)
    return found


@given(any_rows)
def test_the_split_is_the_rule_and_accepted_plus_quarantined_is_what_was_sent(
    rows: list[MeterReading],
) -> None:
    parts = split(batch(*rows).rows, pool_id="pool-a", lives=lives(*KNOWN), now=at(40))
    reasons = judged_one_by_one(rows)
    held = [index for index, reason in enumerate(reasons) if reason is not None]
    assert parts.accepted.schema == READING_SCHEMA
    assert parts.quarantined.schema == QUARANTINE_SCHEMA
    assert readings_of(parts.accepted) == [
        row for row, reason in zip(rows, reasons, strict=True) if reason is None
    ]
    assert readings_of(parts.quarantined) == [rows[index] for index in held]
    assert parts.quarantined.column("row").to_pylist() == [index + 1 for index in held]
    assert parts.quarantined.column("reason").to_pylist() == [reasons[index] for index in held]
    assert sum(parts.reasons.values()) == len(held)


def test_times_millennia_apart_are_still_told_apart() -> None:
    old = life(resource="al-1", start=at(), end=at(days=2_900_000))
    many = [life(resource=f"x-{i}") for i in range(3)]
    rows = batch(
        *(reading(time=at(days=days)) for days in (0, 2_899_999, 0)),
        *(reading(resource=each.resource) for each in many),
    ).rows
    far = at(days=2_900_000)
    parts = split(rows, pool_id="pool-a", lives=lives(old, *many), now=far)
    assert parts.quarantined.column("row").to_pylist() == [3]
