"""Two people publish at once, each in a process of his own: one version follows, never two."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from cloudmgr.domain.catalogs import PublishedCatalog
from cloudmgr.domain.policy import Policy
from cloudmgr.services.policies_drafts import CoSignPolicy, DraftPolicy
from cloudmgr.store.world import SqlNode
from tests.support.assessments import at
from tests.support.proposals import a_reprice, co_signed
from tests.support.stored_town import StoredTown, move_in
from tests.support.worlds import Town, a_town

ROOT = Path(__file__).resolve().parents[2]
FEBRUARY, MARCH = "2026-02-01T00:00:00+08:00", "2026-03-01T00:00:00+08:00"


@pytest.fixture
def town() -> Town:
    return a_town()


def both(url: str, folder: Path, *papers: tuple[str, str, str]) -> list[str]:
    """What each of (login, paper, date) was told; all of them began together."""
    go = folder / "go"
    crowd = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.contract.publishing", url, str(go), *paper],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        for paper in papers
    ]
    for each in crowd:
        assert each.stdout is not None
        assert each.stdout.readline() == "ready\n"
    go.touch()
    told = [each.communicate(timeout=120)[0].strip() for each in crowd]
    assert [each.returncode for each in crowd] == [0] * len(crowd)
    return sorted(told)


def test_of_two_catalogs_published_at_once_one_follows(
    town: Town, url: str, sql: SqlNode, tmp_path: Path
) -> None:
    papers = [co_signed(town), co_signed(town, a_reprice(to="800.00"))]
    stored = moved(town, sql)
    told = both(
        url,
        tmp_path,
        ("bureau.a", papers[0].id, "2026-04-01T00:00:00+08:00"),
        ("bureau.b", papers[1].id, "2026-05-01T00:00:00+08:00"),
    )
    assert told == ["base_overtaken", "published"]
    assert len(stored.all(PublishedCatalog)) == 2


def test_one_catalog_published_twice_at_once_is_published_once(
    town: Town, url: str, sql: SqlNode, tmp_path: Path
) -> None:
    paper = co_signed(town).id
    stored = moved(town, sql)
    told = both(url, tmp_path, ("bureau.a", paper, FEBRUARY), ("bureau.b", paper, MARCH))
    assert told == ["illegal_transition", "published"]
    assert len(stored.all(PublishedCatalog)) == 2


def test_of_two_policies_published_at_once_one_follows(
    town: Town, url: str, sql: SqlNode, tmp_path: Path
) -> None:
    papers = []
    for days in (3, 4):
        changes = {"clocks": {"review_workdays": days}}
        draft = town.give(DraftPolicy(title="t", reason="r", changes=changes), "desk.a")
        town.give(CoSignPolicy(draft_id=draft.id), "treasury.a")
        papers.append(draft.id)
    stored = moved(town, sql)
    told = both(url, tmp_path, ("bureau.a", papers[0], FEBRUARY), ("bureau.b", papers[1], MARCH))
    assert told == ["base_overtaken", "published"]
    assert len(stored.all(Policy)) == 2


def moved(town: Town, sql: SqlNode) -> StoredTown:
    assert town.now <= at("03-31 00:00")
    return move_in(town, sql)
