"""`simulator traces convert` and `inspect` as people and machines call them."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyarrow import parquet
from typer.testing import CliRunner, Result

from simulator.traces.cli import app
from simulator.traces.registry import open_trace
from simulator.traces.shares import load_shares
from tests.simulator.traces.builders import (
    DAY,
    FIRST,
    FIXTURES,
    long_csv,
    long_parquet,
    planetlab_day,
    planetlab_file,
    readings,
)

BITBRAINS = FIXTURES / "bitbrains"
SMALL = FIXTURES / "long" / "small.csv"


def call(*args: object) -> Result:
    return CliRunner().invoke(app, [str(arg) for arg in args])


def answer(*args: object) -> dict[str, Any]:
    """The one JSON object a command prints."""
    result = call(*args, "--json")
    said: dict[str, Any] = json.loads(result.stdout)
    return said


def test_inspect_counts_what_is_there_and_what_is_not(tmp_path: Path) -> None:
    rows = readings("a", [0.1] * 95 + [0.5] * 4 + [1.5])
    rows += readings("a", [0.1], start=FIRST + timedelta(seconds=99 * 300 + 60))
    rows += readings("a", [0.1], start=FIRST + timedelta(seconds=104 * 300))
    file = long_parquet(tmp_path / "t.parquet", rows)
    said = answer("inspect", file, "--format", "long")
    assert (said["vms"], said["samples"], said["interval_s"]) == (1, 102, 300)
    assert (said["start"], said["end"]) == ("2030-01-01T00:00:00Z", "2030-01-01T08:40:00Z")
    assert (said["gaps"], said["repeated_timestamps"], said["over_size"]) == (4, 1, 1)
    assert (said["cpu_p95_pct"], said["cpu_max_pct"]) == (10.0, 100.0)
    assert said["cpu_mean_pct"] == round((97 * 10 + 4 * 50 + 100) / 102, 4)
    assert said["bytes"] == file.stat().st_size
    assert said["digest"].startswith("sha256:")
    assert said["format"] == "long"


@pytest.mark.parametrize(("low", "p95"), [(94, 50.0), (95, 10.0), (96, 10.0)])
def test_the_95th_percentile_is_what_95_percent_do_not_exceed(
    tmp_path: Path, low: int, p95: float
) -> None:
    rows = readings("a", [0.1] * low + [0.5] * (100 - low))
    said = answer("inspect", long_parquet(tmp_path / "t.parquet", rows), "--format", "long")
    assert said["cpu_p95_pct"] == p95


def test_inspect_counts_readings_merged_by_the_reader() -> None:
    said = answer("inspect", BITBRAINS / "2030-9", "--format", "bitbrains")
    assert (said["vms"], said["samples"], said["gaps"]) == (2, 5, 2)
    assert said["repeated_timestamps"] == 2


def test_inspect_reads_as_a_list_for_people(tmp_path: Path) -> None:
    result = call("inspect", planetlab_day(tmp_path / "20300105"), "--format", "planetlab")
    assert "vms                  2" in result.stdout.splitlines()


@pytest.mark.parametrize(
    ("make", "format"),
    [
        (lambda folder: planetlab_day(folder / "20300105"), "planetlab"),
        (lambda folder: BITBRAINS, "bitbrains"),
        (lambda folder: SMALL, "long"),
    ],
)
def test_every_format_converts_to_the_long_form_without_loss(
    tmp_path: Path, make: Callable[[Path], Path], format: str
) -> None:
    source, out = make(tmp_path), tmp_path / "out.parquet"
    said = answer("convert", source, "--format", format, "--out", out)
    assert said["rows"] == parquet.read_metadata(out).num_rows
    before = readings_by_vm(source, format)
    assert readings_by_vm(out, "long") == before
    assert said["vms"] == len(before)
    assert not list(tmp_path.glob("*.partial"))


def readings_by_vm(path: Path, format: str) -> dict[str, list[tuple[float, ...]]]:
    """Every reading of a trace; an unknown extra is -1, because NaN equals nothing."""
    found: dict[str, list[tuple[float, ...]]] = {}
    for chunk in open_trace(path, format).chunks():
        columns = [chunk.time_ms, chunk.size_mcores, chunk.used_ucores]
        columns += [np.nan_to_num(chunk.extras[name], nan=-1) for name in sorted(chunk.extras)]
        for vm, rows in chunk.by_vm():
            mine = zip(*(column[rows].tolist() for column in columns), strict=True)
            found.setdefault(vm, []).extend(mine)
    return found


def test_a_converted_trace_gives_the_same_shares(tmp_path: Path) -> None:
    day, out = planetlab_day(tmp_path / "20300105"), tmp_path / "out.parquet"
    call("convert", day, "--format", "planetlab", "--out", out)
    before, after = load_shares(day, "planetlab"), load_shares(out, "long")
    assert after.names == before.names
    assert after.flat_ppm.tobytes() == before.flat_ppm.tobytes()


def test_a_converted_file_has_the_columns_of_the_long_form(tmp_path: Path) -> None:
    out = tmp_path / "out.parquet"
    call("convert", BITBRAINS, "--format", "bitbrains", "--out", out)
    schema = parquet.read_schema(out)
    assert schema.names == [
        *("vm", "time", "vcpu", "cpu_used_cores"),
        *("memory_gib", "memory_used_gib", "net_kib_s"),
    ]
    assert str(schema.field("time").type) == "timestamp[ms, tz=UTC]"


def test_parquet_may_go_to_standard_output(tmp_path: Path) -> None:
    result = call("convert", SMALL, "--format", "long", "--out", "-")
    (tmp_path / "piped.parquet").write_bytes(result.stdout_bytes)
    assert parquet.read_metadata(tmp_path / "piped.parquet").num_rows == 4


def test_standard_output_cannot_carry_both(tmp_path: Path) -> None:
    said = answer("convert", SMALL, "--format", "long", "--out", "-")
    assert said["code"] == "bad_output"


def test_a_refused_trace_leaves_no_file_behind(tmp_path: Path) -> None:
    good = "a,2030-01-01T00:00:00Z,1,0.5"
    source = long_csv(tmp_path / "t.csv", [good, good, good.replace("0.5", "-1")])
    out = tmp_path / "out" / "made.parquet"
    out.parent.mkdir()
    assert answer("convert", source, "--format", "long", "--out", out)["code"] == "bad_trace"
    assert not list(out.parent.iterdir())


def test_an_output_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    said = answer("convert", SMALL, "--format", "long", "--out", tmp_path / "no" / "out.parquet")
    assert said["code"] == "bad_output"


@pytest.mark.parametrize("command", [("inspect",), ("convert", "--out", "never.parquet")])
def test_refusals_are_a_code_and_a_sentence_with_exit_status_1(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    cut = tmp_path / "20300105"
    planetlab_file(cut, "vm", [5] * (DAY - 1))
    for path, format, code in (
        (SMALL, "excel", "unknown_trace_format"),
        (tmp_path / "nowhere", "long", "trace_not_found"),
        (cut, "planetlab", "bad_trace"),
    ):
        call_it = (*command[:1], path, "--format", format, *command[1:])
        with_json, plain = call(*call_it, "--json"), call(*call_it)
        said = json.loads(with_json.stdout)
        assert (with_json.exit_code, plain.exit_code) == (1, 1)
        assert set(said) == {"code", "message"}
        assert said["code"] == code
        assert plain.stdout == ""
        assert plain.stderr == f"{code}: {said['message']}\n"


def test_an_unknown_format_is_refused_with_the_known_ones() -> None:
    said = answer("inspect", SMALL, "--format", "excel")
    assert "bitbrains, long, planetlab" in said["message"]
