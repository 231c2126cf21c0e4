"""The long form in CSV and Parquet, and how it refuses rows."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from simulator.traces.base import TraceChunk, TraceError
from simulator.traces.registry import open_trace
from tests.simulator.traces.builders import FIRST, FIXTURES, Row, long_csv, long_parquet, readings

SMALL = FIXTURES / "long" / "small.csv"
FIRST_MS = int(FIRST.timestamp() * 1000)


def read(path: Path) -> list[TraceChunk]:
    return list(open_trace(path, "long").chunks())


def refusal(path: Path) -> TraceError:
    with pytest.raises(TraceError) as refused:
        read(path)
    assert refused.value.code == "bad_trace"
    return refused.value


def test_a_csv_row_is_a_reading_with_its_offset_and_what_it_lacks_is_nan() -> None:
    (chunk,) = read(SMALL)
    assert [chunk.vms[i] for i in chunk.vm] == ["10", "9", "10", "9"]
    assert (chunk.time_ms - FIRST_MS).tolist() == [0, 0, 300_000, 300_000]
    assert chunk.size_mcores.tolist() == [2000, 4000, 2000, 4000]
    assert chunk.used_ucores.tolist() == [500_000, 1_000_000, 3_000_000, 1]
    assert chunk.share_ppm().tolist() == [250_000, 250_000, 1_000_000, 0]
    memory = chunk.extras["memory_used_gib"]
    assert memory[[0, 2, 3]].tolist() == [1.5, 2.0, 2.0]
    assert np.isnan(memory[1])


def test_vms_are_numbered_by_number_or_else_as_met() -> None:
    reader = open_trace(SMALL, "long")
    assert reader.order(["10", "9"]) == ("9", "10")
    assert reader.order(["db", "app", "9"]) == ("db", "app", "9")


def test_only_cpu_columns_are_read_when_asked() -> None:
    (chunk,) = open_trace(SMALL, "long").chunks(extras=False)
    assert not chunk.extras


@pytest.mark.parametrize("kind", [pa.int16(), pa.string(), pa.dictionary(pa.int32(), pa.string())])
def test_parquet_names_may_be_numbers_text_or_a_dictionary(
    tmp_path: Path, kind: pa.DataType
) -> None:
    name = 3 if kind == pa.int16() else "3"
    path = long_parquet(tmp_path / "t.parquet", readings(name, [0.5, 0.25], size=2), vm=kind)
    (chunk,) = read(path)
    assert chunk.vms == ("3",)
    assert chunk.share_ppm().tolist() == [250_000, 125_000]


def test_a_value_kept_in_single_precision_means_its_decimals(tmp_path: Path) -> None:
    """0.03 as a 32-bit float is a little less; its share of two cores is still 15 000 ppm."""
    used = float(np.float32(0.03))
    (chunk,) = read(long_parquet(tmp_path / "t.parquet", readings("a", [used], size=2)))
    assert chunk.share_ppm().tolist() == [15_000]


def test_each_row_group_is_a_part_of_the_stream(tmp_path: Path) -> None:
    path = long_parquet(tmp_path / "t.parquet", readings("a", [1]), readings("b", [1]))
    assert [chunk.part for chunk in read(path)] == [1, 2]
    assert open_trace(path, "long").parts == 2


def test_a_folder_of_parts_is_one_trace(tmp_path: Path) -> None:
    long_parquet(tmp_path / "part-1.parquet", readings("a", [1]))
    long_csv(tmp_path / "part-2.csv", ["b,2030-01-01T00:00:00Z,1,0.5"])
    assert [chunk.vms for chunk in read(tmp_path)] == [("a",), ("b",)]


GOOD = "a,2030-01-01T00:00:00Z,2,0.5"


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("a,2030-01-01T00:05:00,2,0.5", "offset"),
        ("a,yesterday,2,0.5", "offset"),
        (",2030-01-01T00:05:00Z,2,0.5", "vm is empty"),
        ("a,,2,0.5", "time"),
        ("a,2030-01-01T00:05:00Z,0,0.5", "vcpu"),
        ("a,2030-01-01T00:05:00Z,2,-0.5", "cpu_used_cores"),
        ("a,2030-01-01T00:05:00Z,2,nan", "cpu_used_cores"),
        ("a,2030-01-01T00:05:00Z,2,", "cpu_used_cores"),
        ("a,2030-01-01T00:05:00Z,2,lots", "'lots'"),
        ("a,2030-01-01T00:05:00Z,2", "3 fields instead of 4"),
        ("a,2029-12-31T23:55:00Z,2,0.5", "sort"),
    ],
)
def test_a_bad_csv_row_is_refused_with_its_line(tmp_path: Path, row: str, says: str) -> None:
    error = refusal(long_csv(tmp_path / "t.csv", [GOOD, GOOD, row, GOOD]))
    assert error.details["line"] == 4
    assert says in error.message


def test_a_bad_row_far_down_a_csv_keeps_its_line(tmp_path: Path) -> None:
    """Beyond the first block of the parser."""
    rows = [GOOD] * 400_000
    rows[399_998] = GOOD.replace("0.5", "-1")
    assert refusal(long_csv(tmp_path / "t.csv", rows)).details["line"] == 400_000


def test_a_csv_cut_short_is_refused_even_where_the_row_still_reads(tmp_path: Path) -> None:
    file = long_csv(tmp_path / "t.csv", [GOOD, "a,2030-01-01T00:05:00Z,2,0.25"])
    file.write_bytes(file.read_bytes()[:-2])
    error = refusal(file)
    assert error.details["line"] == 3
    assert "cut short" in error.message


def test_missing_columns_are_named(tmp_path: Path) -> None:
    error = refusal(long_csv(tmp_path / "t.csv", ["a,2"], head="vm,vcpu"))
    assert "time, cpu_used_cores" in error.message


@pytest.mark.parametrize(
    ("row", "says"),
    [
        (("b", None, 1.0, 0.5), "time is empty"),
        ((None, FIRST, 1.0, 0.5), "vm is empty"),
        (("b", FIRST, 0.0, 0.5), "vcpu"),
        (("b", FIRST, 1.0, float("nan")), "cpu_used_cores"),
        (("b", FIRST, 1.0, float("inf")), "cpu_used_cores"),
        (("a", FIRST - timedelta(minutes=5), 1.0, 0.5), "sort"),
    ],
)
def test_a_bad_parquet_row_is_refused_with_row_group_and_row(
    tmp_path: Path, row: Row, says: str
) -> None:
    second: list[Row] = [("b", FIRST, 1.0, 0.5), row]
    error = refusal(long_parquet(tmp_path / "t.parquet", readings("a", [1, 1]), second))
    assert (error.details["row_group"], error.details["row"]) == (2, 2)
    assert says in error.message


@pytest.mark.parametrize("kept", [0.0, 0.3, 0.9, 0.999])
def test_a_parquet_file_cut_short_is_refused(tmp_path: Path, kept: float) -> None:
    whole = long_parquet(tmp_path / "whole.parquet", readings("a", [0.5] * 300))
    cut = tmp_path / "cut.parquet"
    cut.write_bytes(whole.read_bytes()[: int(whole.stat().st_size * kept)])
    assert "fetch the file again" in refusal(cut).message


def test_damage_inside_a_parquet_file_is_refused(tmp_path: Path) -> None:
    file = long_parquet(tmp_path / "t.parquet", readings("a", [k / 300 for k in range(300)]))
    content = bytearray(file.read_bytes())
    content[4:1500] = bytes(1496)
    file.write_bytes(content)
    assert "damaged" in refusal(file).message


def test_times_without_a_zone_are_refused(tmp_path: Path) -> None:
    rows: list[Row] = [("a", datetime(2030, 1, 1), 1.0, 0.5)]
    error = refusal(long_parquet(tmp_path / "t.parquet", rows, zone=None))
    assert "time zone" in error.message
