"""Bodies become canonical rows, or are refused with the place that is wrong."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.errors import CloudmgrError
from cloudmgr.domain.metering import LARGEST_VALUE, MeterReading
from cloudmgr.usage.batches import READING_SCHEMA, BatchFormat, batch_of, canonical, read_batch
from tests.support.usage import (
    START,
    arrow_body,
    at,
    json_lines_body,
    parquet_body,
    reading,
    readings_of,
    table_of,
)

SOME = [
    reading(resource="al-2", value=7),
    reading(resource="al-1", value=5),
    reading(resource="al-2", meter="cdn_mib", time=at(5), value=0),
]

GOOD = '{"resource":"a","meter":"m","time":"2026-01-01T00:00:00Z","value":1}'

any_readings = st.lists(
    st.builds(
        MeterReading,
        resource=st.sampled_from(["al-1", "al-2", "al-3", "资源"]),
        meter=st.sampled_from(["egress_mib", "cdn_mib", "steam"]),
        time=st.integers(-10, 50_000).map(lambda minutes: at(minutes)),
        value=st.integers(-5, 2**62),
    ),
    max_size=30,
)


def refusal(body: bytes, form: BatchFormat, **options: Any) -> CloudmgrError:
    with pytest.raises(CloudmgrError) as refused:
        read_batch(body, form, **options)
    assert (refused.value.code, refused.value.status) == ("bad_batch", 422)
    return refused.value


def values_of(column: pa.Array) -> list[int | None]:
    rows = len(column)
    table = table_of([SOME[0]] * rows).set_column(3, "value", column)
    found: list[int | None] = canonical(table).column("value").to_pylist()
    return found


@given(any_readings)
def test_the_same_rows_are_the_same_batch_however_they_are_sent(
    readings: list[MeterReading],
) -> None:
    table = table_of(readings)
    sent = [
        batch_of(table),
        read_batch(parquet_body(table), BatchFormat.PARQUET),
        read_batch(parquet_body(table, use_dictionary=False), BatchFormat.PARQUET),
        read_batch(arrow_body(table), BatchFormat.ARROW),
        read_batch(json_lines_body(readings), BatchFormat.JSON_LINES),
    ]
    assert len({batch.digest for batch in sent}) == 1
    for batch in sent:
        assert batch.rows.schema == READING_SCHEMA
        assert readings_of(batch.rows) == readings
        assert batch.sent == len(readings)


@given(any_readings, any_readings)
def test_other_rows_are_another_batch(
    readings: list[MeterReading], others: list[MeterReading]
) -> None:
    same = batch_of(table_of(readings)).digest == batch_of(table_of(others)).digest
    assert same == (readings == others)


def test_the_order_of_the_rows_is_part_of_the_digest() -> None:
    assert batch_of(table_of(SOME)).digest != batch_of(table_of(SOME[::-1])).digest


def test_a_missing_value_is_another_batch_than_zero() -> None:
    table = table_of(SOME)
    without = table.set_column(3, "value", pa.array([7, 5, None], pa.int64()))
    assert batch_of(table).digest != batch_of(without).digest


def test_dictionaries_with_repeated_and_unused_entries_read_like_plain_text() -> None:
    texts = pa.array(["al-1", "unused", "al-2", "al-2", None])
    column = pa.DictionaryArray.from_arrays(pa.array([3, 0, 2], pa.int8()), texts)
    table = table_of(SOME).set_column(0, "resource", column)
    assert canonical(table).equals(canonical(table_of(SOME)))


@pytest.mark.parametrize("kind", [pa.large_string(), pa.string_view()])
def test_other_kinds_of_text_read_like_plain_text(kind: pa.DataType) -> None:
    table = table_of(SOME)
    other = table.set_column(0, "resource", table.column("resource").cast(kind))
    assert canonical(other).equals(canonical(table))


def test_a_table_of_many_chunks_reads_like_one_of_one() -> None:
    chunked = pa.concat_tables([canonical(table_of([row])) for row in SOME])
    assert canonical(chunked).equals(canonical(table_of(SOME)))


def test_the_order_of_the_columns_does_not_matter() -> None:
    table = table_of(SOME)
    assert batch_of(table.select(["value", "time", "meter", "resource"])).digest == (
        batch_of(table).digest
    )


def test_fractions_end_at_the_reader_and_never_lift_a_value_above_zero() -> None:
    assert values_of(pa.array([0.0, 1.999, 7.0, -0.5])) == [0, 1, 7, -1]


@pytest.mark.parametrize("kind", [pa.float32(), pa.float64()])
def test_what_is_missing_or_not_finite_has_no_value(kind: pa.DataType) -> None:
    numbers = np.array([1, np.nan, np.inf, -np.inf], dtype=kind.to_pandas_dtype())
    assert values_of(pa.array(numbers, kind)) == [1, None, None, None]
    assert values_of(pa.array([None, 2.0], kind)) == [None, 2]


@pytest.mark.parametrize("kind", [pa.int8(), pa.uint16(), pa.int64(), pa.uint64()])
def test_integers_of_any_width_are_taken(kind: pa.DataType) -> None:
    assert values_of(pa.array([3, None, 100], kind)) == [3, None, 100]


@pytest.mark.parametrize(
    "column", [pa.array([2**64 - 1], pa.uint64()), pa.array([1e300]), pa.array([2.0**63])]
)
def test_a_value_beyond_64_bits_stays_absurdly_large(column: pa.Array) -> None:
    (value,) = values_of(column)
    assert value is not None
    assert value > LARGEST_VALUE


def test_a_value_below_64_bits_stays_negative() -> None:
    (value,) = values_of(pa.array([-1e300]))
    assert value is not None
    assert value < 0


def test_what_is_below_a_second_ends_at_the_reader() -> None:
    table = table_of([reading(time=START + timedelta(seconds=1, microseconds=999_999))])
    assert readings_of(canonical(table))[0].time == START + timedelta(seconds=1)


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_timestamps_of_any_unit_and_zone_are_the_same_instant(unit: str) -> None:
    table = table_of(SOME)
    times = table.column("time").cast(pa.timestamp(unit, tz="Asia/Shanghai"))
    assert batch_of(table.set_column(2, "time", times)).digest == batch_of(table).digest


def test_json_times_may_have_any_offset() -> None:
    eight = timezone(timedelta(hours=8))
    line = GOOD.replace("2026-01-01T00:00:00Z", START.astimezone(eight).isoformat())
    (row,) = readings_of(read_batch(line.encode(), BatchFormat.JSON_LINES).rows)
    assert row.time == START == datetime(2025, 12, 31, 16, tzinfo=UTC)


def test_json_values_that_are_no_whole_numbers_are_treated_like_those_of_arrow() -> None:
    values = ["1.999", "-0.5", "NaN", "Infinity", "null", "1e300", str(10**40), "2.0"]
    body = "\n".join(GOOD.replace('"value":1', f'"value":{value}') for value in values)
    found = read_batch(body.encode(), BatchFormat.JSON_LINES).rows.column("value").to_pylist()
    assert found[:5] == [1, -1, None, None, None]
    assert found[5] > LARGEST_VALUE
    assert found[6] > LARGEST_VALUE
    assert found[7] == 2


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("", "not a JSON object"),
        ("{", "not a JSON object"),
        ("[1]", "exactly resource, meter, time and value"),
        (GOOD.replace('"value":1', '"value":1,"unit":"KiB"'), "exactly resource"),
        (GOOD.replace(',"value":1', ""), "exactly resource"),
        (GOOD.replace('"a"', "1"), "resource is not text"),
        (GOOD.replace('"a"', '"\\ud800"'), "resource is not valid Unicode"),
        (GOOD.replace('"value":1', '"value":"1"'), "value is not a number"),
        (GOOD.replace('"value":1', '"value":true'), "value is not a number"),
        (GOOD.replace("00Z", "00"), "time has no time zone"),
        (GOOD.replace("2026-01-01T", "yesterday "), "time is not a moment"),
        (GOOD.replace('"2026-01-01T00:00:00Z"', "1767225600"), "time is not a moment"),
        (GOOD.replace('"a"', '""'), "resource must have 1 to 200 bytes"),
        (GOOD.replace('"m"', f'"{"m" * 201}"'), "meter must have 1 to 200 bytes"),
        ("\xff", "not a JSON object"),
        ("[" * 100_000, "not a JSON object"),
    ],
)
def test_a_line_that_cannot_be_read_is_named(line: str, why: str) -> None:
    body = f"{GOOD}\n{line}\n{GOOD}\n".encode("latin-1")
    error = refusal(body, BatchFormat.JSON_LINES)
    assert error.details["where"] in ("line 2", "row 2")
    assert why in error.message


def test_a_sending_of_no_rows_is_a_batch() -> None:
    assert read_batch(b"", BatchFormat.JSON_LINES).sent == 0
    assert read_batch(parquet_body(table_of([])), BatchFormat.PARQUET).sent == 0


@pytest.mark.parametrize(
    ("name", "column", "where"),
    [
        ("resource", pa.array(["al-1", None, "al-3"]), "row 2"),
        ("resource", pa.array(["al-1", "al-2", ""]), "row 3"),
        ("resource", pa.array([1, 2, 3]), "column resource"),
        ("meter", pa.array(["m", None, "m"]).dictionary_encode(), "row 2"),
        (
            "meter",
            pa.DictionaryArray.from_arrays(pa.array([0, 0, 1]), pa.array(["m", None])),
            "row 3",
        ),
        ("time", pa.array([START, START, None], pa.timestamp("us", tz="UTC")), "row 3"),
        ("time", pa.array([0, 0, 2**62], pa.timestamp("s", tz="UTC")), "row 3"),
        ("time", pa.array([0, 0, 0], pa.timestamp("s")), "column time"),
        ("time", pa.array([0, 0, 0]), "column time"),
        ("value", pa.array(["1", "2", "3"]), "column value"),
        ("value", pa.array([True, True, True]), "column value"),
    ],
)
def test_a_column_that_cannot_be_read_is_named(name: str, column: pa.Array, where: str) -> None:
    table = table_of(SOME)
    index = table.column_names.index(name)
    error = refusal(arrow_body(table.set_column(index, name, column)), BatchFormat.ARROW)
    assert error.details["where"] == where


@pytest.mark.parametrize("form", [BatchFormat.PARQUET, BatchFormat.ARROW])
def test_missing_or_further_columns_are_refused(form: BatchFormat) -> None:
    write = parquet_body if form is BatchFormat.PARQUET else arrow_body
    table = table_of(SOME)
    for name in table.column_names:
        assert "send exactly" in refusal(write(table.drop_columns(name)), form).message
    more = table.append_column("unit", pa.array(["KiB"] * 3))
    assert "unit" in refusal(write(more), form).message


@pytest.mark.parametrize("form", [BatchFormat.PARQUET, BatchFormat.ARROW])
def test_a_body_cut_short_anywhere_is_refused(form: BatchFormat) -> None:
    write = parquet_body if form is BatchFormat.PARQUET else arrow_body
    body = write(table_of(SOME))
    for length in range(len(body)):
        refusal(body[:length], form)


def test_an_arrow_stream_cut_between_two_of_its_messages_is_refused() -> None:
    table = table_of(SOME)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table, max_chunksize=1)
        stream_so_far = sink.tell()
        stream.write_table(table)
    refusal(bytes(sink.getvalue())[:stream_so_far], BatchFormat.ARROW)


@settings(max_examples=200)
@given(st.data(), st.sampled_from([BatchFormat.PARQUET, BatchFormat.ARROW]))
def test_a_damaged_body_is_read_or_refused_and_nothing_else(
    data: st.DataObject, form: BatchFormat
) -> None:
    write = parquet_body if form is BatchFormat.PARQUET else arrow_body
    body = bytearray(write(table_of(SOME)))
    position = data.draw(st.integers(0, len(body) - 1))
    body[position] ^= data.draw(st.integers(1, 255))
    codes = []
    try:
        read_batch(bytes(body), form)
    except CloudmgrError as error:
        codes.append(error.code)
    assert codes in ([], ["bad_batch"])


@pytest.mark.parametrize("form", list(BatchFormat))
def test_a_batch_of_too_many_rows_is_refused(form: BatchFormat) -> None:
    bodies = {
        BatchFormat.PARQUET: parquet_body(table_of(SOME)),
        BatchFormat.ARROW: arrow_body(table_of(SOME)),
        BatchFormat.JSON_LINES: json_lines_body(SOME),
    }
    assert read_batch(bodies[form], form, max_rows=3).sent == 3
    assert "several batches" in refusal(bodies[form], form, max_rows=2).message


def test_a_parquet_body_of_too_many_rows_is_refused_before_it_is_unpacked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    body = parquet_body(table_of(SOME))
    monkeypatch.delattr(pq, "ParquetFile")
    assert "several batches" in refusal(body, BatchFormat.PARQUET, max_rows=2).message
