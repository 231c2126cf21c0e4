"""The share of its size that an allocation follows: grid, gaps, repeats, whole days."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from time import perf_counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.errors import CloudmgrError, Invalid
from simulator.traces.base import DAY_SAMPLES, PPM, TraceChunk
from simulator.traces.registry import file_digest, open_trace
from simulator.traces.shares import ShareGrid, TraceShares, load_shares
from tests.simulator.traces.builders import (
    DAY,
    FIRST,
    Row,
    long_parquet,
    planetlab_day,
    readings,
)
from tests.support.shared_data import require_shared_data

FIRST_MS = int(FIRST.timestamp() * 1000)


def shares_of(tmp_path: Path, *groups: list[Row], needed: int | None = None) -> TraceShares:
    return load_shares(long_parquet(tmp_path / "t.parquet", *groups), "long", samples_needed=needed)


def counting(days: int, *, extra: int = 0) -> list[float]:
    """A different share in every sample of some days."""
    return [k / 10_000 for k in range(days * DAY + extra)]


def test_a_share_is_millionths_of_the_size_rounded_down_and_at_most_all(tmp_path: Path) -> None:
    used = [1.0, 3.5, 0.0, 0.000001, *[0.5] * DAY]
    (shares,) = shares_of(tmp_path, readings("a", used, size=3)).shares_ppm
    assert shares[:5].tolist() == [333_333, 1_000_000, 0, 0, 166_666]


def test_allocation_i_follows_trace_i_mod_n(tmp_path: Path) -> None:
    trace = shares_of(tmp_path, readings("a", [0.1] * DAY), readings("b", [0.2] * DAY))
    assert [trace.share_at(i, 0) for i in range(5)] == [100_000, 200_000] * 2 + [100_000]


def test_a_short_trace_repeats_its_whole_days_only(tmp_path: Path) -> None:
    trace = shares_of(tmp_path, readings("a", counting(2, extra=100)))
    assert trace.periods.tolist() == [2 * DAY]
    assert trace.share_at(0, 2 * DAY - 1) == (2 * DAY - 1) * 100
    assert trace.share_at(0, 2 * DAY) == 0
    assert trace.window(0, 2 * DAY - 1, 3).tolist() == [57_500, 0, 100]
    assert trace.share_at(0, 7 * DAY + 5) == trace.share_at(0, DAY + 5)


def test_each_trace_repeats_after_its_own_days(tmp_path: Path) -> None:
    one, two = readings("a", counting(1)), readings("b", counting(2))
    trace = shares_of(tmp_path, one, two)
    assert [trace.share_at(i, DAY + 3) for i in (0, 1)] == [300, (DAY + 3) * 100]


def test_a_trace_shorter_than_a_day_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="287 samples") as refused:
        shares_of(tmp_path, readings("a", [0.5] * DAY), readings("b", [0.5] * (DAY - 1)))
    assert refused.value.code == "trace_too_short"
    assert refused.value.details == {"vm": "b", "samples": 287}


def test_a_gap_repeats_the_sample_before_it_and_sample_0_is_the_first_reading(
    tmp_path: Path,
) -> None:
    rows = readings("a", [0.1, 0.2, 0.3]) + readings(
        "a", [0.4] * DAY, start=FIRST + timedelta(minutes=30)
    )
    late = readings("b", [0.5] * DAY, start=FIRST + timedelta(days=3))
    trace = shares_of(tmp_path, rows, late)
    assert trace.window(0, 0, 7).tolist() == [x * 100_000 for x in (1, 2, 3, 3, 3, 3, 4)]
    assert trace.share_at(1, 0) == 500_000


def test_of_readings_in_one_sample_the_larger_share_stands_across_row_groups(
    tmp_path: Path,
) -> None:
    first = readings("a", [0.1, 0.7, 0.2], step_s=100)
    rest = readings("a", [0.3] * DAY, start=FIRST + timedelta(seconds=299))
    trace = shares_of(tmp_path, first, rest)
    assert trace.window(0, 0, 2).tolist() == [700_000, 300_000]


def test_interleaved_vms_are_told_apart(tmp_path: Path) -> None:
    a, b = readings("a", counting(1)), readings("b", [0.5] * DAY)
    mixed = [row for pair in zip(b, a, strict=True) for row in pair]
    trace = shares_of(tmp_path, mixed[:100], mixed[100:])
    assert trace.names == ("b", "a")
    assert trace.shares_ppm[1].tolist() == [k * 100 for k in range(DAY)]


def test_a_cut_trace_gives_the_same_samples_and_refuses_those_beyond(tmp_path: Path) -> None:
    rows = readings("a", counting(3))
    whole, cut = shares_of(tmp_path, rows), shares_of(tmp_path, rows, needed=300)
    assert cut.horizon == 300
    assert len(cut.flat_ppm) == 300
    assert cut.window(0, 0, 300).tolist() == whole.window(0, 0, 300).tolist()
    with pytest.raises(Invalid) as refused:
        cut.window(0, 1, 300)
    assert refused.value.code == "bad_trace_window"


def test_a_cut_beyond_the_end_of_every_trace_is_no_cut(tmp_path: Path) -> None:
    trace = shares_of(tmp_path, readings("a", counting(1)), needed=31 * DAY)
    assert trace.horizon is None
    assert trace.share_at(0, 100 * DAY + 1) == 100


def test_a_cut_inside_a_gap_repeats_the_sample_before_it(tmp_path: Path) -> None:
    rows = readings("a", [0.1]) + readings("a", [0.2] * DAY, start=FIRST + timedelta(days=1))
    assert shares_of(tmp_path, rows, needed=100).window(0, 0, 100).tolist() == [100_000] * 100


@given(
    lengths=st.lists(st.integers(DAY, 3 * DAY), min_size=1, max_size=4),
    start=st.integers(0, 5000),
    count=st.integers(0, 700),
    indices=st.lists(st.integers(0, 20), min_size=1, max_size=6),
)
def test_a_block_is_the_index_rule_applied_cell_by_cell(
    lengths: list[int], start: int, count: int, indices: list[int]
) -> None:
    trace = grid_of([np.arange(n) % 1000 * (j + 1) for j, n in enumerate(lengths)])
    block = trace.block(indices, start, count)
    assert block.shape == (len(indices), count)
    assert block.dtype == np.int64
    for row, i in zip(block, indices, strict=True):
        j = i % len(lengths)
        period = lengths[j] // DAY * DAY
        assert row.tolist() == [k % period % 1000 * (j + 1) for k in range(start, start + count)]


def grid_of(used: list[np.ndarray[tuple[int], np.dtype[np.int64]]]) -> TraceShares:
    grid = ShareGrid()
    for j, values in enumerate(used):
        n = len(values)
        grid.add(
            TraceChunk(
                vms=(str(j),),
                vm=np.zeros(n, dtype=np.int32),
                time_ms=FIRST_MS + np.arange(n, dtype=np.int64) * 300_000,
                size_mcores=np.full(n, 1000, dtype=np.int64),
                used_ucores=values.astype(np.int64),
            )
        )
    return grid.shares(grid.names, digest="", format="test")


def test_negative_samples_and_allocations_are_refused(tmp_path: Path) -> None:
    trace = shares_of(tmp_path, readings("a", [0.5] * DAY))
    for i, k in ((-1, 0), (0, -1)):
        with pytest.raises(CloudmgrError, match="outside"):
            trace.share_at(i, k)


def test_the_digest_is_of_the_files_whatever_part_is_loaded(tmp_path: Path) -> None:
    day = planetlab_day(tmp_path / "20300105")
    digest = load_shares(day, "planetlab").digest
    assert digest == load_shares(day, "planetlab", samples_needed=5).digest
    assert digest == file_digest(open_trace(day, "planetlab"))
    first = day / "a_example_org"
    first.write_text("8\n" + first.read_text().split("\n", 1)[1])
    assert load_shares(day, "planetlab").digest != digest


def test_a_recorded_trace_is_not_called_synthetic(tmp_path: Path) -> None:
    trace = load_shares(planetlab_day(tmp_path / "20300105"), "planetlab")
    assert (trace.synthetic, trace.label) == (False, "录得数据 recorded")


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("where", "format", "vms"),
    [("bitbrains-rnd/odd.parquet", "long", 250), ("planetlab/20110303", "planetlab", 1052)],
)
def test_a_months_shares_of_the_real_traces_load_quickly(where: str, format: str, vms: int) -> None:
    started = perf_counter()
    trace = load_shares(
        require_shared_data(*where.split("/")), format, samples_needed=31 * DAY_SAMPLES
    )
    wall_s = perf_counter() - started
    block = trace.block(range(450), 0, 31 * DAY_SAMPLES)
    assert len(trace) == vms
    assert block.min() >= 0
    assert block.max() <= PPM
    assert wall_s < 4.0, "1.5 s on an idle machine; the tests share theirs"
