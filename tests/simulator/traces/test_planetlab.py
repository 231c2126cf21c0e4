"""PlanetLab day folders, made here in the format of the real ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.traces.base import TraceChunk, TraceError
from simulator.traces.registry import open_trace
from tests.simulator.traces.builders import DAY, planetlab_day, planetlab_file
from tests.support.shared_data import require_shared_data


def read(path: Path) -> list[TraceChunk]:
    return list(open_trace(path, "planetlab").chunks())


def test_vms_come_by_file_name_and_percent_becomes_part_of_one_core(tmp_path: Path) -> None:
    a, b = read(planetlab_day(tmp_path / "20300105"))
    assert (a.vms, b.vms) == (("a_example_org",), ("b_example_org",))
    assert a.used_ucores[:3].tolist() == [1_000_000, 70_000, 70_000]
    assert a.share_ppm()[:2].tolist() == [1_000_000, 70_000]
    assert b.share_ppm()[[0, 1, 100, 101]].tolist() == [0, 10_000, 1_000_000, 0]
    assert set(b.size_mcores.tolist()) == {1000}


def test_the_folder_name_is_the_day_and_samples_are_five_minutes_apart(tmp_path: Path) -> None:
    chunk = read(planetlab_day(tmp_path / "20300105"))[0]
    assert chunk.time_ms[0] == 1893801600_000  # 2030-01-05T00:00:00Z
    assert chunk.time_ms[1] - chunk.time_ms[0] == 300_000
    assert len(chunk) == DAY


def test_a_folder_that_is_no_date_has_no_clock_and_says_so(tmp_path: Path) -> None:
    reader = open_trace(planetlab_day(tmp_path / "99999999"), "planetlab")
    assert "none" in reader.clock
    assert next(reader.chunks()).time_ms[0] == 0


def test_hidden_files_are_not_vms(tmp_path: Path) -> None:
    day = planetlab_day(tmp_path / "20300105")
    (day / ".listing").write_text("not a trace")
    assert len(read(day)) == 2


@pytest.mark.parametrize("line", ["101", "-1", "7.5", "", "x", "1e1", "٣"])
def test_a_line_that_is_no_percentage_is_refused_with_file_and_line(
    tmp_path: Path, line: str
) -> None:
    day = planetlab_day(tmp_path / "20300105")
    planetlab_file(day, "c_bad", [5] * 16 + [line] + [5] * (DAY - 17))
    with pytest.raises(TraceError) as refused:
        read(day)
    assert refused.value.code == "bad_trace"
    assert refused.value.details["file"].endswith("c_bad")
    assert refused.value.details["line"] == 17


@pytest.mark.parametrize(("lines", "shown_at"), [(287, 288), (289, 289), (0, 1), (3, 4)])
def test_a_file_of_another_length_than_a_day_is_refused(
    tmp_path: Path, lines: int, shown_at: int
) -> None:
    day = tmp_path / "20300105"
    planetlab_file(day, "cut", [5] * lines)
    with pytest.raises(TraceError, match="fetch the file again") as refused:
        read(day)
    assert refused.value.details["line"] == shown_at


def test_a_folder_without_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match="no files"):
        open_trace(tmp_path, "planetlab")


@pytest.mark.shared_data
def test_the_real_day_has_1052_vms_in_the_order_of_their_names() -> None:
    chunks = read(require_shared_data("planetlab", "20110303"))
    names = [chunk.vms[0] for chunk in chunks]
    assert len(names) == 1052
    assert names == sorted(names)
