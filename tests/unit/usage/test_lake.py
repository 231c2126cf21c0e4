"""One contract that every usage lake keeps, and what only files can go wrong with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import ibis
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.errors import CloudmgrError
from catalog.period import Period
from cloudmgr.domain.metering import MeterReading, nearest_rank
from cloudmgr.usage.engine import DuckDbEngine, Session
from cloudmgr.usage.lake import DirectoryLake, MemoryLake, UsageLake, Written
from cloudmgr.usage.partitions import pool_and_day, same_days
from cloudmgr.usage.quarantine import QUARANTINE_SCHEMA, split
from cloudmgr.usage.rollup import COUNT_SCHEMA, HOURLY_SCHEMA, MONTHLY_SCHEMA
from tests.support.usage import JANUARY, NOW, START, at, batch, life, lives, reading, readings_of

ENGINE = DuckDbEngine(threads=1, memory_limit_mib=256)
RESOURCES = ("al-1", "al-2", "al-3")
METERS = ("egress_mib", "cdn_mib")
LIVES = lives(*(life(resource=id, meters=METERS) for id in RESOURCES))


def send(lake: UsageLake, batch_id: str, *readings: MeterReading) -> Written:
    """What the service does with a batch, short of its records."""
    parts = split(batch(*readings).rows, pool_id="pool-a", lives=LIVES, now=NOW)
    return lake.write(batch_id, "pool-a", parts.accepted, parts.quarantined)


def months(lake: UsageLake, partitions: Sequence[str], **options: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = lake.rollup_month(partitions, JANUARY, **options).to_pylist()
    return found


def meant(batches: Sequence[Sequence[MeterReading]]) -> list[dict[str, Any]]:
    """The month in plain Python: later batches replace, then each series is added up."""
    latest: dict[tuple[Any, ...], int] = {}
    for readings in batches:
        own: dict[tuple[Any, ...], int] = {}
        for row in readings:
            own.setdefault((row.resource, row.meter, row.time), row.value)
        latest |= own
    series: dict[tuple[str, str], list[int]] = {}
    for (resource, meter, time), value in sorted(latest.items()):
        if JANUARY.period.contains(time):
            series.setdefault((resource, meter), []).append(value)
    return [
        {
            "resource": resource,
            "meter": meter,
            "sum": sum(values),
            "count": len(values),
            "max": max(values),
            "p95": nearest_rank(values, 95),
            "p99": nearest_rank(values, 99),
        }
        for (resource, meter), values in series.items()
    ]


def readings_by_resource(series: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """How many readings each resource has, whatever the meter."""
    counts = Counter[str]()
    for each in series:
        counts[each["resource"]] += each["count"]
    return [{"resource": id, "count": counts[id]} for id in sorted(counts)]


any_batches = st.lists(
    st.lists(
        st.builds(
            MeterReading,
            resource=st.sampled_from(RESOURCES),
            meter=st.sampled_from(METERS),
            # Around a midnight and around the end of the month, so that days and months meet.
            time=st.one_of(
                st.integers(1430, 1450).map(at),
                st.integers(-10, 10).map(lambda minutes: at(minutes, days=31)),
            ),
            value=st.integers(0, 99),
        ),
        max_size=25,
    ),
    max_size=5,
)


@settings(max_examples=25, deadline=None)
@given(any_batches)
def test_both_lakes_give_the_month_that_the_domain_means(
    batches: list[list[MeterReading]],
) -> None:
    with TemporaryDirectory() as folder:
        lakes: list[UsageLake] = [MemoryLake(ENGINE), DirectoryLake(Path(folder), ENGINE)]
        answers = []
        for lake in lakes:
            sent = [send(lake, f"b-{n}", *rows) for n, rows in enumerate(batches)]
            manifest = [name for written in sent for name in written.partitions]
            hours = lake.rollup_hours(manifest, JANUARY.period)
            assert months(lake, manifest) == meant(batches)
            counted = lake.count_readings(manifest, JANUARY.period)
            assert counted.to_pylist() == readings_by_resource(meant(batches))
            totals = hours.group_by(["resource", "meter"]).aggregate(
                [("sum", "sum"), ("count", "sum"), ("max", "max")]
            )
            assert sorted(totals.rename_columns(MONTHLY_SCHEMA.names[:5]).to_pylist(), key=str) == (
                sorted(
                    ({k: row[k] for k in MONTHLY_SCHEMA.names[:5]} for row in meant(batches)),
                    key=str,
                )
            )
            answers.append((sent, hours))
        assert answers[0] == answers[1]


@pytest.fixture(params=["memory", "directory"])
def lake(request: pytest.FixtureRequest, tmp_path: Path) -> UsageLake:
    return MemoryLake(ENGINE) if request.param == "memory" else DirectoryLake(tmp_path, ENGINE)


def forget(lake: UsageLake, name: str) -> None:
    """Lose what is stored under a name."""
    if isinstance(lake, MemoryLake):
        del lake._tables[name]
    else:
        assert isinstance(lake, DirectoryLake)
        (lake._root / name).unlink()


class TestEveryLake:
    def test_keeps_readings_by_pool_and_shanghai_day(self, lake: UsageLake) -> None:
        written = send(lake, "b-1", reading(time=at(1439)), reading(time=at(1440)))
        assert [str(pool_and_day(name)[1]) for name in written.partitions] == [
            "2026-01-01",
            "2026-01-02",
        ]
        assert written.quarantine_path is None

    def test_gives_hours_that_begin_in_utc_in_order(self, lake: UsageLake) -> None:
        written = send(
            lake,
            "b-1",
            reading(resource="al-2", value=9),
            reading(time=at(60), value=5),
            reading(time=at(59), value=4),
            reading(value=1),
        )
        found = lake.rollup_hours(written.partitions, JANUARY.period)
        assert found.schema == HOURLY_SCHEMA
        assert [tuple(row.values()) for row in found.to_pylist()] == [
            ("al-1", "egress_mib", START, 5, 2, 4),
            ("al-1", "egress_mib", at(60), 5, 1, 5),
            ("al-2", "egress_mib", START, 9, 1, 9),
        ]

    def test_counts_only_the_hours_and_months_asked_for(self, lake: UsageLake) -> None:
        written = send(lake, "b-1", reading(), reading(time=at(60)), reading(time=at(days=31)))
        hour = Period(START, START + timedelta(hours=1))
        assert lake.rollup_hours(written.partitions, hour).num_rows == 1
        assert lake.count_readings(written.partitions, hour).to_pylist() == [
            {"resource": "al-1", "count": 1}
        ]
        assert months(lake, written.partitions)[0]["count"] == 2
        february = lake.rollup_month(written.partitions, JANUARY.next())
        assert february.column("count").to_pylist() == [1]

    def test_counts_only_the_meters_and_resources_asked_for(self, lake: UsageLake) -> None:
        rows = [reading(resource=id, meter=meter) for id in RESOURCES for meter in METERS]
        names = send(lake, "b-1", *rows).partitions

        def series(**options: Any) -> list[tuple[str, str]]:
            return [(row["resource"], row["meter"]) for row in months(lake, names, **options)]

        assert series(meters=["cdn_mib"]) == [(id, "cdn_mib") for id in RESOURCES]
        assert series(resources={"al-3", "al-9"}) == [("al-3", "cdn_mib"), ("al-3", "egress_mib")]
        assert series(meters=["egress_mib"], resources=["al-1"]) == [("al-1", "egress_mib")]
        assert series(meters=[]) == series(resources=[]) == []
        hours = lake.rollup_hours(names, JANUARY.period, meters=["cdn_mib"], resources=["al-1"])
        assert hours.num_rows == 1

    def test_lets_the_last_batch_of_the_manifest_win(self, lake: UsageLake) -> None:
        first = send(lake, "b-1", reading(value=1), reading(time=at(5), value=10)).partitions
        second = send(lake, "b-2", reading(value=2)).partitions
        third = send(lake, "a-3", reading(value=0)).partitions
        assert [row["sum"] for row in months(lake, first + second)] == [12]
        assert [row["sum"] for row in months(lake, first + second + third)] == [10]
        assert [row["sum"] for row in months(lake, third + second + first)] == [11]

    def test_counts_nothing_that_no_manifest_names(self, lake: UsageLake) -> None:
        first = send(lake, "b-1", reading(value=1)).partitions
        send(lake, "b-2", reading(value=2), reading(time=at(5)))
        assert [(row["sum"], row["count"]) for row in months(lake, first)] == [(1, 1)]

    def test_never_gives_an_id_of_a_failed_attempt_the_contents_of_another(
        self, lake: UsageLake
    ) -> None:
        attempt = send(lake, "b-1", reading(value=1)).partitions
        changed = send(lake, "b-1", reading(value=2)).partitions
        assert [row["sum"] for row in months(lake, attempt)] == [1]
        assert [row["sum"] for row in months(lake, changed)] == [2]

    def test_gives_the_same_names_and_figures_for_the_same_batch_again(
        self, lake: UsageLake
    ) -> None:
        first = send(lake, "b-1", reading(value=1), reading(value=-1))
        assert send(lake, "b-1", reading(value=1), reading(value=-1)) == first
        assert [row["count"] for row in months(lake, first.partitions)] == [1]

    def test_gives_empty_tables_where_there_is_nothing(self, lake: UsageLake) -> None:
        written = send(lake, "b-1")
        assert written == Written((), None)
        assert lake.rollup_month((), JANUARY).equals(MONTHLY_SCHEMA.empty_table())
        assert lake.rollup_hours((), JANUARY.period).equals(HOURLY_SCHEMA.empty_table())
        assert lake.count_readings((), JANUARY.period).equals(COUNT_SCHEMA.empty_table())
        names = send(lake, "b-2", reading()).partitions
        empty = Period(START, START)
        assert lake.rollup_hours(names, empty).equals(HOURLY_SCHEMA.empty_table())
        assert lake.rollup_month(names, JANUARY.next()).equals(MONTHLY_SCHEMA.empty_table())

    def test_keeps_what_was_quarantined_with_its_reasons(self, lake: UsageLake) -> None:
        good, bad, unknown = reading(), reading(value=-3), reading(resource="al-9")
        written = send(lake, "b-1", bad, good, unknown)
        assert written.quarantine_path is not None
        held = lake.quarantined(written.quarantine_path)
        assert held.schema == QUARANTINE_SCHEMA
        assert readings_of(held) == [bad, unknown]
        assert held.column("reason").to_pylist() == ["negative", "unknown_resource"]
        assert held.column("row").to_pylist() == [1, 3]
        assert [row["count"] for row in months(lake, written.partitions)] == [1]

    def test_keeps_a_batch_of_which_nothing_counts(self, lake: UsageLake) -> None:
        written = send(lake, "b-1", reading(value=-3))
        assert written.partitions == ()
        assert written.quarantine_path is not None

    def test_recomputes_a_late_batch_from_its_own_days_alone(self, lake: UsageLake) -> None:
        manifest: tuple[str, ...] = ()
        for day in range(3):
            manifest += send(lake, f"b-{day}", reading(time=at(days=day), value=1)).partitions
        before = lake.rollup_hours(manifest, JANUARY.period)
        late = send(lake, "late", reading(time=at(30, days=1), value=7)).partitions
        stale = same_days(manifest + late, late)
        for untouched in set(manifest) - set(stale):
            forget(lake, untouched)
        again = lake.rollup_hours(stale, JANUARY.period)
        assert again.column("hour").to_pylist() == [at(days=1)]
        assert again.column("sum").to_pylist() == [8]
        assert before.column("sum").to_pylist() == [1, 1, 1]

    def test_names_what_it_has_lost(self, lake: UsageLake) -> None:
        written = send(lake, "b-1", reading(), reading(value=-1))
        (name,) = written.partitions
        assert written.quarantine_path is not None
        forget(lake, name)
        forget(lake, written.quarantine_path)
        with pytest.raises(CloudmgrError) as refused:
            lake.rollup_month(written.partitions, JANUARY)
        assert refused.value.code == "lake_damaged"
        assert refused.value.details["partition"] == name
        with pytest.raises(CloudmgrError, match="lake_damaged"):
            lake.quarantined(written.quarantine_path)

    def test_refuses_ids_that_would_lead_out_of_it(self, lake: UsageLake) -> None:
        with pytest.raises(CloudmgrError, match="batch_id"):
            send(lake, "../b-1", reading())
        with pytest.raises(CloudmgrError, match="names no partition"):
            lake.rollup_month(["../../secret.parquet"], JANUARY)

    def test_answers_several_threads_at_once(self, lake: UsageLake) -> None:
        names = send(lake, "b-1", *(reading(time=at(n), value=n) for n in range(60))).partitions
        with ThreadPoolExecutor(4) as threads:
            answers = list(threads.map(lambda _: months(lake, names), range(8)))
        assert all(answer == answers[0] for answer in answers)
        assert answers[0][0]["sum"] == sum(range(60))


@dataclass
class WatchedEngine:
    """An engine that remembers which files it was asked to read."""

    read: list[str] = field(default_factory=list)

    @contextmanager
    def session(self) -> Iterator[Session]:
        with ENGINE.session() as session:
            yield WatchedSession(session, self.read)


@dataclass
class WatchedSession:
    inner: Session
    read: list[str]

    def from_parquet(self, paths: Sequence[str], schema: pa.Schema) -> ibis.Table:
        self.read += [Path(path).parent.name for path in paths]
        return self.inner.from_parquet(paths, schema)

    def from_arrow(self, table: pa.Table) -> ibis.Table:
        return self.inner.from_arrow(table)

    def run(self, expression: ibis.Table) -> pa.Table:
        return self.inner.run(expression)


def test_a_rollup_opens_only_the_days_it_needs(tmp_path: Path) -> None:
    engine = WatchedEngine()
    lake = DirectoryLake(tmp_path, engine)
    manifest = send(lake, "b-1", *(reading(time=at(days=day)) for day in range(40))).partitions
    two_days = Period(START + timedelta(days=3), START + timedelta(days=5))
    lake.rollup_hours(manifest, two_days)
    assert sorted(engine.read) == ["day=2026-01-04", "day=2026-01-05"]
    engine.read.clear()
    lake.rollup_month(manifest, JANUARY)
    assert len(engine.read) == 31


def test_files_of_a_crashed_writer_are_not_seen(tmp_path: Path) -> None:
    lake = DirectoryLake(tmp_path, ENGINE)
    (name,) = send(lake, "b-1", reading()).partitions
    (tmp_path / name).with_name(".b-2.parquet.1-1.tmp").write_bytes(b"PAR1 half a file")
    (tmp_path / name).with_name("b-2-orphan.parquet").write_bytes(b"no Parquet at all")
    assert months(lake, [name])[0]["count"] == 1


def test_a_write_that_fails_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "no space left")

    lake = DirectoryLake(tmp_path, ENGINE)
    monkeypatch.setattr(pq, "write_table", full)
    with pytest.raises(OSError, match="no space left"):
        send(lake, "b-1", reading())
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


@pytest.mark.parametrize("keep", [0, 4, 200])
def test_a_damaged_file_is_named(tmp_path: Path, keep: int) -> None:
    lake = DirectoryLake(tmp_path, ENGINE)
    written = send(lake, "b-1", reading(), reading(value=-1), reading(time=at(days=1)))
    assert written.quarantine_path is not None
    damaged = written.partitions[1]
    for name in (damaged, written.quarantine_path):
        (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:keep])
    with pytest.raises(CloudmgrError) as refused:
        lake.rollup_month(written.partitions, JANUARY)
    assert refused.value.code == "lake_damaged"
    assert refused.value.details["partition"] == damaged
    with pytest.raises(CloudmgrError, match="lake_damaged"):
        lake.quarantined(written.quarantine_path)


def test_the_name_of_its_folder_is_never_taken_for_a_column(tmp_path: Path) -> None:
    lake = DirectoryLake(tmp_path / "value=9" / "it's", ENGINE)
    names = send(lake, "b-1", reading(value=5)).partitions
    assert months(lake, names)[0]["sum"] == 5


def test_a_directory_is_readable_by_another_node(tmp_path: Path) -> None:
    names = send(DirectoryLake(tmp_path, ENGINE), "b-1", reading(value=5)).partitions
    assert months(DirectoryLake(tmp_path, ENGINE), names)[0]["sum"] == 5
