"""Connected pools over HTTP: who sees and does what, and what is refused."""

from __future__ import annotations

import pytest

from tests.api.conftest import Lived
from tests.support.api import Api, done, refused

READER = "finance.a"
HERE = {"url": "https://pool.example/a/", "credential": "kunpeng-a"}


def test_a_pool_is_connected_by_the_technical_reviewer_and_read_from_then_on(
    own_city: Api,
) -> None:
    path = "pools/kunpeng-a/connection"
    for login in ("prov1.a", "d01.user", "authority.a"):
        refused(own_city.post(path, login, HERE), 403, "forbidden")
    connection = done(own_city.post(path, "tech.a", HERE))
    assert connection["url"] == "https://pool.example/a"
    assert connection["contact"] == "unknown"
    again = done(own_city.post(path, "tech.a", {**HERE, "key_prefix": "b-"}))
    assert again["key_prefix"] == "b-"
    jobs = own_city.items("jobs", READER, subject="kunpeng-a")
    assert sorted(job["kind"] for job in jobs) == [
        "pool_drift",
        "pool_health",
        "pool_incidents",
        "pool_inventory",
        "pool_usage",
    ]
    assert {job["state"] for job in jobs} == {"queued"}
    drift = done(own_city.get("pools/kunpeng-a/drift", READER))
    assert drift == {
        "pool_id": "kunpeng-a",
        "compared_at": None,
        "problem": "",
        "findings": [],
    }


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "ftp://pool.example"},
        {"url": "https://user:secret@pool.example"},
        {"url": "https://pool.example/?token=secret"},
        {"url": "https://pool.example", "credential": "../../etc/passwd"},
        {"url": "https://pool.example", "key_prefix": "a/b"},
    ],
)
def test_an_address_with_secrets_and_a_credential_with_a_path_are_refused(
    city: Api, wrong: dict[str, str]
) -> None:
    refused(city.post("pools/kunpeng-b/connection", "tech.a", wrong), 422, "bad_value")


def test_a_reporting_pool_has_nothing_to_connect(city: Api) -> None:
    refused(city.post("pools/police-a/connection", "tech.a", HERE), 422, "bad_value")


def test_a_provider_sees_its_own_pools_and_a_department_none(lived: Lived) -> None:
    lists = ("pool-connections", "pool-orders", "pool-alarms", "drift-findings")
    for path in lists:
        assert {each["pool_id"] for each in lived.api.items(path, READER)} == {"kunpeng-a"}
        assert lived.api.items(path, "prov1.a")
        assert not lived.api.items(path, "prov2.a")
        assert not lived.api.items(path, "d01.user")
    for path in ("jobs", "outbox-messages"):
        assert lived.api.items(path, READER)
        for login in ("prov1.a", "d01.user"):
            assert not lived.api.items(path, login)


def test_the_drift_of_a_pool_is_its_offices_and_its_providers_affair(lived: Lived) -> None:
    path = "pools/kunpeng-a/drift"
    (finding,) = done(lived.api.get(path, READER))["findings"]
    assert (finding["kind"], finding["reference"]) == ("unknown_here", "STRANGE")
    assert done(lived.api.get(path, "prov1.a"))["findings"] == [finding]
    refused(lived.api.get(path, "prov2.a"), 404, "not_found")
    assert done(lived.api.get(path, "d01.user"))["findings"] == []


def test_a_job_is_hurried_and_cancelled_once(own_city: Api) -> None:
    done(own_city.post("pools/kunpeng-a/connection", "tech.a", HERE))
    job = own_city.items("jobs", READER, kind="pool_drift")[0]["id"]
    assert done(own_city.post(f"jobs/{job}/hurry", "tech.a"))["due_at"] is None
    cancel = {"reason": "it is compared by hand"}
    refused(own_city.post(f"jobs/{job}/cancellation", "d01.user", cancel), 403, "forbidden")
    assert done(own_city.post(f"jobs/{job}/cancellation", "tech.a", cancel))["state"] == "cancelled"
    again = own_city.post(f"jobs/{job}/cancellation", "tech.a", cancel)
    refused(again, 409, "illegal_transition")
    refused(own_city.post(f"jobs/{job}/hurry", "tech.a"), 409, "illegal_transition")


def test_only_a_dead_letter_is_retried(lived: Lived) -> None:
    message = lived.api.items("outbox-messages", READER, state="queued")[0]["id"]
    answer = lived.api.post(f"outbox-messages/{message}/retry", "tech.a")
    refused(answer, 409, "illegal_transition")
