"""The suite against real pools: an honest one passes, each liar fails the check that names it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from cloudmgr.domain.pools import ManagementLevel
from cloudmgr.pools.conformance import monitoring
from cloudmgr.pools.conformance.probe import CheckBlocked, Probe, RunSettings
from cloudmgr.pools.conformance.report import Outcome, Report, Result
from cloudmgr.pools.conformance.suite import CHECKS, check_pool
from simulator.pool.lies import LIARS, Lie
from tests.pools.serving import FIRST_RESOURCES, client_of, serving

WHOLE_NODE = "import sys; sys.argv.insert(1, 'pools'); from cloudmgr.cli import main; main()"
POOLS_ONLY = "from cloudmgr.pools.cli import pools_app; pools_app()"
SCHEDULING, MONITORING = ManagementLevel.SCHEDULING, ManagementLevel.MONITORING

NAMES_THE_LIE = {
    Lie.NEVER_DOES: "order-ends",
    Lie.PHANTOM_SUCCESS: "resource-exists",
    Lie.DOUBLE_PROVISION: "key-repeated",
    Lie.CHANGES_SIZE: "size-as-ordered",
    Lie.FORGETS_REFERENCE: "reference-kept",
    Lie.INVENTORY_DISAGREES: "inventory-agrees",
    Lie.OTHER_OPERATION: "operation-found",
    Lie.REUSES_KEY: "key-reused",
    Lie.IGNORES_RESIZE: "resize-done",
    Lie.KEEPS_RELEASED: "release-done",
    Lie.CHANGED_BATCH: "usage-unchanged",
    Lie.LOSES_A_PAGE: "pages",
    Lie.MALFORMED_JSON: "incidents",
}
SEEN_BY_READING = {Lie.INVENTORY_DISAGREES, Lie.CHANGED_BATCH, Lie.LOSES_A_PAGE, Lie.MALFORMED_JSON}
CANNOT_BE_UNDONE = {Lie.NEVER_DOES, Lie.KEEPS_RELEASED}


def checked(url: str, level: ManagementLevel = SCHEDULING) -> Report:
    settings = RunSettings(run_id="test", patience_seconds=0.5, every_seconds=0.02)
    with httpx.Client(base_url=url, timeout=10) as http:
        probe = Probe(http, settings, sleep=time.sleep, now=time.monotonic)
        return check_pool(probe, url, level, with_token=False)


def failed(report: Report) -> list[str]:
    return [result.id for result in report.results if result.outcome is Outcome.FAILED]


def pools_check(url: str, *options: str, whole: bool = False) -> tuple[int, dict[str, Any]]:
    """`cloudmgr pools check` in its own process: its exit code and its JSON."""
    program = WHOLE_NODE if whole else POOLS_ONLY
    done = subprocess.run(
        [sys.executable, "-c", program, "check", url, "--json", *options],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, json.loads(done.stdout)


def test_an_honest_pool_passes_both_levels_on_the_command_line(tmp_path: Path) -> None:
    token = ("--token", "secret")
    with serving(tmp_path / "pool", *token, "--work", "100", whole=True) as url:
        code, report = pools_check(url, *token, "--patience", "4", whole=True)
        assert code == 0, report
        assert report["conformant"]
        assert report["reached"] == "scheduling"
        assert [result["id"] for result in report["results"]] == [check.id for check in CHECKS]
        assert all(result["evidence"] for result in report["results"])
        assert not report["left_behind"]
        code, report = pools_check(url, *token, "--level", "monitoring")
        assert code == 0, report
        assert {result["level"] for result in report["results"]} == {"monitoring"}


def test_a_run_leaves_the_pool_as_it_was(tmp_path: Path) -> None:
    with serving(tmp_path / "pool") as url, client_of(url) as client:
        before = client.resources()
        assert checked(url).conformant
        assert len(before) == FIRST_RESOURCES
        assert client.resources() == before


@pytest.mark.parametrize("lie", list(Lie))
def test_each_lie_fails_the_one_check_that_names_it(lie: Lie, tmp_path: Path) -> None:
    with serving(tmp_path / "pool", "--lie", str(lie)) as url:
        report = checked(url)
        assert failed(report) == [NAMES_THE_LIE[lie]]
        assert bool(report.left_behind) == (lie in CANNOT_BE_UNDONE)
        result = next(each for each in report.results if each.outcome is Outcome.FAILED)
        assert result.why
        assert result.evidence
        reading = checked(url, MONITORING)
        assert failed(reading) == ([NAMES_THE_LIE[lie]] if lie in SEEN_BY_READING else [])


@pytest.mark.parametrize("lie", [Lie.DOUBLE_PROVISION, Lie.PHANTOM_SUCCESS, Lie.LOSES_A_PAGE])
def test_the_command_names_the_lie_and_the_level_the_pool_still_reaches(
    lie: Lie, tmp_path: Path
) -> None:
    _check_the_command(lie, tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("lie", list(Lie))
def test_the_command_names_every_lie(lie: Lie, tmp_path: Path) -> None:
    _check_the_command(lie, tmp_path)


def _check_the_command(lie: Lie, folder: Path) -> None:
    with serving(folder / "pool", "--lie", str(lie)) as url:
        code, report = pools_check(url, "--patience", "0.5")
        assert code == 1
        names = [each["id"] for each in report["results"] if each["outcome"] == "failed"]
        assert names == [NAMES_THE_LIE[lie]]
        reached = "reporting" if lie in SEEN_BY_READING else "monitoring"
        assert report["reached"] == reached
        code, report = pools_check(url, "--level", "monitoring")
        assert (code == 0) == (reached == "monitoring")
        assert report["reached"] == reached


def test_a_lying_pool_makes_the_command_end_with_1(tmp_path: Path) -> None:
    with serving(tmp_path / "pool", "--lie", "changed-batch") as url:
        code, report = pools_check(url, "--level", "monitoring")
    assert code == 1
    assert not report["conformant"]


def test_a_pool_that_is_not_there_fails_its_first_check_and_blocks_the_rest() -> None:
    report = checked("http://127.0.0.1:9")
    assert failed(report) == ["health"]
    assert not report.conformant
    assert all(result.outcome is Outcome.BLOCKED for result in report.results[1:])


def test_a_pool_where_nothing_runs_passes_with_its_empty_days(tmp_path: Path) -> None:
    with serving(tmp_path / "pool", "--resources", "0") as url:
        assert checked(url).conformant


def test_a_pool_that_published_no_batch_has_not_shown_that_it_can() -> None:
    nothing = httpx.MockTransport(lambda sent: httpx.Response(200, json={"items": []}))
    with httpx.Client(base_url="http://pool", transport=nothing) as http:
        probe = Probe(http, RunSettings(run_id="test"), sleep=time.sleep, now=time.monotonic)
        with pytest.raises(CheckBlocked, match="no usage batch"):
            monitoring.usage(probe)


def test_an_interrupted_run_still_takes_away_what_it_made(tmp_path: Path) -> None:
    def interrupt(result: Result) -> None:
        if result.id == "size-as-ordered":
            raise KeyboardInterrupt

    with serving(tmp_path / "pool") as url, client_of(url) as client:
        with httpx.Client(base_url=url, timeout=10) as http:
            settings = RunSettings(run_id="test", every_seconds=0.02)
            probe = Probe(http, settings, sleep=time.sleep, now=time.monotonic)
            with pytest.raises(KeyboardInterrupt):
                check_pool(probe, url, SCHEDULING, with_token=False, tell=interrupt)
        assert len(client.resources()) == FIRST_RESOURCES


def test_every_lie_has_its_pool_and_its_check() -> None:
    assert set(LIARS) == set(Lie) == set(NAMES_THE_LIE)
    assert len(set(NAMES_THE_LIE.values())) == len(Lie)
    assert set(NAMES_THE_LIE.values()) <= {check.id for check in CHECKS}


def test_checks_build_only_on_checks_before_them() -> None:
    before: set[str] = set()
    for check in CHECKS:
        assert set(check.needs) <= before, check.id
        before.add(check.id)
