"""Bitbrains files, made here in the archive's own form, quirks included."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from simulator.traces.base import TraceChunk, TraceError
from simulator.traces.registry import open_trace
from tests.simulator.traces.builders import FIXTURES
from tests.support.shared_data import require_shared_data

TRACE = FIXTURES / "bitbrains"
SEPTEMBER = TRACE / "2030-9"
FIRST_S = 1914451200  # 2030-09-01T00:00:00Z


def read(path: Path) -> list[TraceChunk]:
    return list(open_trace(path, "bitbrains").chunks())


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return Path(shutil.copy(SEPTEMBER / "2.csv", tmp_path))


def edited(file: Path, line: int, text: str) -> Path:
    lines = file.read_text().splitlines()
    lines[line - 1] = text
    file.write_text("\n".join(lines) + "\n")
    return file


def refusal(path: Path) -> TraceError:
    with pytest.raises(TraceError) as refused:
        read(path)
    assert refused.value.code == "bad_trace"
    return refused.value


def test_vms_come_by_number_not_by_letter() -> None:
    assert [chunk.vms for chunk in read(SEPTEMBER)] == [("2",), ("10",)]


def test_times_are_seconds_whatever_the_header_says_and_lie_on_the_grid() -> None:
    ten = read(SEPTEMBER)[1]
    assert ten.time_ms.tolist() == [FIRST_S * 1000, (FIRST_S + 300) * 1000]


def test_use_is_cores_times_percent() -> None:
    ten = read(SEPTEMBER)[1]
    assert ten.size_mcores.tolist() == [2000, 2000]
    assert ten.used_ucores.tolist() == [250_000, 1_000_000]
    assert ten.share_ppm().tolist() == [125_000, 500_000]


def test_of_a_repeated_timestamp_or_bin_the_larger_value_of_each_column_stands() -> None:
    two = read(SEPTEMBER)[0]
    assert ((two.time_ms // 1000 - FIRST_S) // 300).tolist() == [0, 1, 4]
    assert two.used_ucores.tolist() == [400_000, 1_200_000, 200_000]
    assert two.extras["memory_used_gib"].tolist() == [0.5, 2.0, 0.5]
    assert two.extras["net_kib_s"].tolist() == [2.0, 9.5, 0.0]
    assert two.repeated == 2


def test_months_beside_each_other_are_read_in_their_order_as_one_vm() -> None:
    two, ten = read(TRACE)
    assert two.vms == ("2",)
    assert ten.vms == ("10",)
    assert (np.diff(two.time_ms) > 0).all()
    assert two.size_mcores.tolist() == [4000, 4000, 4000, 8000]


def test_one_file_is_a_trace_of_one_vm() -> None:
    assert [chunk.vms for chunk in read(SEPTEMBER / "10.csv")] == [("10",)]


def test_a_line_with_missing_fields_is_refused_with_its_number(file: Path) -> None:
    error = refusal(edited(file, 4, "1914451504;\t4;\t10400.0;\t2080.0"))
    assert error.details["line"] == 4
    assert "4 fields instead of 11" in error.message


@pytest.mark.parametrize(
    ("line", "cell"),
    [(2, "soon"), (3, "-1"), (4, "nan"), (5, "1914451797000"), (6, "1914451797.5"), (3, "")],
)
def test_a_time_that_is_none_is_refused_with_its_line(file: Path, line: int, cell: str) -> None:
    rest = file.read_text().splitlines()[line - 1].split(";", 1)[1]
    assert refusal(edited(file, line, f"{cell};{rest}")).details["line"] == line


@pytest.mark.parametrize(("column", "cell"), [(1, "0"), (4, "-0.5"), (4, "nan"), (6, "much")])
def test_a_value_that_cannot_be_is_refused_with_its_line(
    file: Path, column: int, cell: str
) -> None:
    cells = file.read_text().splitlines()[4].split(";\t")
    cells[column] = cell
    assert refusal(edited(file, 5, ";\t".join(cells))).details["line"] == 5


def test_a_blank_line_is_refused_with_its_number(file: Path) -> None:
    assert refusal(edited(file, 3, "")).details["line"] == 3


@pytest.mark.parametrize("cut", [1, 2, 3, 30, 60])
def test_a_file_cut_short_anywhere_is_refused_at_its_last_line(file: Path, cut: int) -> None:
    file.write_bytes(file.read_bytes()[:-cut])
    assert refusal(file).details["line"] == 6


def test_a_file_with_only_its_header_is_refused(file: Path) -> None:
    file.write_text(file.read_text().splitlines()[0] + "\n")
    assert refusal(file).details["line"] == 2


def test_another_header_is_refused(file: Path) -> None:
    assert refusal(edited(file, 1, "time;cpu")).details["line"] == 1


def test_a_folder_with_other_files_is_refused(file: Path) -> None:
    (file.parent / "notes.txt").write_text("hello")
    with pytest.raises(TraceError, match=r"N\.csv"):
        open_trace(file.parent, "bitbrains")


@pytest.mark.shared_data
def test_the_raw_files_agree_with_the_prepared_long_form() -> None:
    """odd.parquet was made from the same archive and rounded to two decimals."""
    folder = require_shared_data("bitbrains-rnd")
    prepared = {c.vms[0]: c for c in open_trace(folder / "odd.parquet", "long").chunks()}
    for raw in read(folder / "raw" / "2013-7"):
        theirs, n = prepared[raw.vms[0]], len(raw)
        assert theirs.time_ms[:n].tolist() == raw.time_ms.tolist()
        assert theirs.size_mcores[:n].tolist() == raw.size_mcores.tolist()
        assert np.abs(theirs.used_ucores[:n] - raw.used_ucores).max() <= 5_000
