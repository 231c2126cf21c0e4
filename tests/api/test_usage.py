"""Batches of readings over HTTP: three formats, once each, whole or not at all."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from typing import Any

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.api.conftest import Lived
from tests.support.api import Api, done, refused
from tests.support.january import move_clock

PARQUET = "application/vnd.apache.parquet"
ARROW = "application/vnd.apache.arrow.stream"
LINES = "application/x-ndjson"
WHEN = datetime(2026, 1, 5, 2, 0, tzinfo=UTC)


@pytest.fixture
def running(own_city: Api) -> Api:
    """A city a few days old, whose allocations may have readings."""
    move_clock(own_city, "2026-01-07T10:00:00+08:00")
    return own_city


def machine(api: Api) -> str:
    """An allocation of prov1 that has a processor to measure."""
    found = api.items("allocations", "prov1.a", limit=500, pool_id="kunpeng-a")
    return str(next(each["id"] for each in found if each["sku_id"].startswith("vm-")))


def rows(api: Api, value: int = 1500) -> list[dict[str, Any]]:
    """A reading that counts, and one of a resource nobody knows."""
    return [
        {"resource": resource, "meter": "cpu_millicores", "time": WHEN, "value": value}
        for resource in (machine(api), "nobody")
    ]


def table(readings: list[dict[str, Any]]) -> pa.Table:
    return pa.table(
        {
            "resource": pa.array([each["resource"] for each in readings], pa.string()),
            "meter": pa.array([each["meter"] for each in readings], pa.string()),
            "time": pa.array([each["time"] for each in readings], pa.timestamp("us", tz="UTC")),
            "value": pa.array([each["value"] for each in readings], pa.int64()),
        }
    )


def encoded(kind: str, readings: list[dict[str, Any]]) -> bytes:
    if kind == LINES:
        lines = [{**each, "time": each["time"].isoformat()} for each in readings]
        return b"\n".join(json.dumps(line).encode() for line in lines)
    out = io.BytesIO()
    if kind == PARQUET:
        pq.write_table(table(readings), out)
    else:
        with pa.ipc.new_stream(out, table(readings).schema) as stream:
            stream.write_table(table(readings))
    return out.getvalue()


def send(
    api: Api,
    content: bytes,
    kind: str = LINES,
    *,
    batch: str = "b-1",
    login: str | None = "prov1.a",
    pool: str = "kunpeng-a",
) -> httpx.Response:
    path = f"pools/{pool}/usage-batches/{batch}"
    return api.request("PUT", path, login, content=content, headers={"Content-Type": kind})


@pytest.mark.parametrize("kind", [PARQUET, ARROW, LINES])
def test_a_batch_is_received_in_each_format(running: Api, kind: str) -> None:
    received = done(send(running, encoded(kind, rows(running)), kind))
    assert (received["sent"], received["accepted"], received["quarantined"]) == (2, 1, 1)
    assert [reason["rows"] for reason in received["reasons"]] == [1]
    assert running.items("usage-batches", "prov1.a") == [received]
    assert running.items("usage-batches", "prov2.a") == []


def test_the_same_readings_in_another_format_are_the_same_batch(running: Api) -> None:
    first = done(send(running, encoded(PARQUET, rows(running)), PARQUET))
    again = send(running, encoded(LINES, rows(running)), LINES + "; charset=utf-8")
    assert done(again) == first
    assert len(running.items("usage-batches", "prov1.a")) == 1


def test_other_readings_under_a_used_batch_id_are_refused(running: Api) -> None:
    first = done(send(running, encoded(LINES, rows(running))))
    changed = send(running, encoded(LINES, rows(running, value=9999)))
    assert "new batch id" in refused(changed, 409, "batch_changed")["detail"]
    assert running.items("usage-batches", "prov1.a") == [first]


def test_corrections_come_under_a_new_batch_id(running: Api) -> None:
    done(send(running, encoded(LINES, rows(running))))
    second = done(send(running, encoded(LINES, rows(running, value=9999)), batch="b-2"))
    assert second["sequence"] == 2


@pytest.mark.parametrize("kind", ["application/json", "text/csv", "", "application/octet-stream"])
def test_a_format_that_is_not_read_is_named_with_those_that_are(running: Api, kind: str) -> None:
    problem = refused(send(running, b"x", kind), 415, "unsupported_media_type")
    for good in (PARQUET, ARROW, LINES):
        assert good in problem["detail"]


@pytest.mark.parametrize("kind", [PARQUET, ARROW])
@pytest.mark.parametrize("cut", [1, 8, 200])
def test_a_body_cut_short_is_refused_whole(running: Api, kind: str, cut: int) -> None:
    problem = refused(send(running, encoded(kind, rows(running))[:-cut], kind), 422, "bad_batch")
    assert "nothing of it was taken" in problem["detail"]
    assert running.items("usage-batches", "prov1.a") == []


def test_json_lines_cut_short_name_the_line(running: Api) -> None:
    problem = refused(send(running, encoded(LINES, rows(running))[:-10]), 422, "bad_batch")
    assert problem["where"] == "line 2"


def test_an_empty_body_is_no_batch(running: Api) -> None:
    refused(send(running, b""), 422, "bad_batch")


def test_an_empty_table_is_one(running: Api) -> None:
    received = done(send(running, encoded(PARQUET, []), PARQUET))
    assert (received["sent"], received["accepted"], received["quarantined"]) == (0, 0, 0)


def test_a_stranger_is_told_so_before_anything_is_read(running: Api) -> None:
    async def never() -> Any:
        raise AssertionError("nobody was to read this")
        yield b""

    path = "pools/kunpeng-a/usage-batches/b-1"
    for headers in ({"Content-Type": PARQUET}, {"Content-Type": "text/csv"}, {}):
        answer = running.request("PUT", path, content=never(), headers=headers)
        refused(answer, 401, "unauthenticated")
        unknown = {**headers, "Authorization": "Bearer nobody-made-this"}
        refused(
            running.request("PUT", path, content=never(), headers=unknown), 401, "unauthenticated"
        )


def test_another_providers_pool_is_not_found_and_a_department_sends_nothing(running: Api) -> None:
    content = encoded(LINES, rows(running))
    refused(send(running, content, login="prov2.a"), 404, "not_found")
    refused(send(running, content, pool="nowhere"), 404, "not_found")
    refused(send(running, content, login="d01.user"), 403, "forbidden")


@pytest.mark.parametrize("batch", ["a b", "a%2Fb", "%E6%89%B9", "x" * 121])
def test_a_batch_id_that_is_no_file_name_is_refused(running: Api, batch: str) -> None:
    answer = send(running, encoded(LINES, rows(running)), batch=batch)
    assert answer.status_code in (404, 422)
    assert answer.headers["content-type"] == "application/problem+json"
    assert running.items("usage-batches", "prov1.a") == []


def test_two_providers_may_choose_the_same_batch_id(running: Api) -> None:
    mine = done(send(running, encoded(LINES, rows(running)), batch="2026-01-05"))
    content = encoded(LINES, rows(running)[1:])
    received = done(send(running, content, batch="2026-01-05", login="prov2.a", pool="hygon-a"))
    assert (mine["pool_id"], received["pool_id"]) == ("kunpeng-a", "hygon-a")
    assert running.items("usage-batches", "prov2.a") == [received]


def test_a_batch_is_read_back_by_its_own_provider_only(lived: Lived) -> None:
    batch = lived.api.items("usage-batches", "prov1.a")[0]
    assert done(lived.api.get(f"usage-batches/{batch['id']}", "prov1.b")) == batch
    refused(lived.api.get(f"usage-batches/{batch['id']}", "prov2.a"), 404, "not_found")
