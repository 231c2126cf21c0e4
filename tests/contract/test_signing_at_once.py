"""Two people at the same request in the same instant: one is served, the other told why not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from cloudmgr.domain.approvals import Approval
from cloudmgr.domain.requests import RequestState, ResourceRequest
from cloudmgr.store.world import SqlNode
from tests.support.requests import check_conserved, drafted, look, signed_until, submitted
from tests.support.stored_town import StoredTown, move_in
from tests.support.worlds import a_town

ROOT = Path(__file__).resolve().parents[2]
TIMES = 3


@pytest.fixture
def town(sql: SqlNode) -> StoredTown:
    return move_in(a_town(), sql)


def at_once(url: str, request: ResourceRequest, *people: tuple[str, str]) -> list[str]:
    """What each of those who (do something, by their login) was told, in their order."""
    crowd = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.contract.signer", url, does, request.id, login],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for does, login in people
    ]
    for each in crowd:
        assert each.stdout is not None
        assert each.stdout.readline() == "ready\n", each.communicate()[1]
    for each in crowd:
        assert each.stdin is not None
        each.stdin.write("go\n")
        each.stdin.flush()
    said = [each.communicate(timeout=60) for each in crowd]
    assert [each.returncode for each in crowd] == [0] * len(crowd), said
    return [out.strip() for out, _ in said]


def test_of_two_signatures_on_one_step_one_counts_and_one_is_told_it_is_not_its_turn(
    url: str, town: StoredTown
) -> None:
    for _ in range(TIMES):
        request = signed_until(town, submitted(town), "technical")
        said = at_once(url, request, ("approve", "centre.a"), ("approve", "centre.b"))
        assert sorted(said) == ["approved", "not_your_step"]
        assert len(town.all(Approval, request_id=request.id, step="technical")) == 1
    check_conserved(town)


def test_a_signature_and_a_refusal_at_once_do_not_both_count(url: str, town: StoredTown) -> None:
    for _ in range(TIMES):
        request = signed_until(town, submitted(town), "acceptance")
        said = at_once(url, request, ("approve", "desk.a"), ("reject", "desk.b"))
        assert sorted(said) in (["in_review", "not_your_step"], ["not_accepted", "not_your_step"])
    check_conserved(town)


def test_one_person_who_clicks_twice_signs_once(url: str, town: StoredTown) -> None:
    request = signed_until(town, submitted(town), "acceptance")
    said = at_once(url, request, ("approve", "desk.a"), ("approve", "desk.a"))
    assert sorted(said) == ["in_review", "not_your_step"]


def test_a_withdrawal_while_the_last_signature_binds_holds_nothing_in_the_end(
    url: str, town: StoredTown
) -> None:
    for _ in range(TIMES):
        request = signed_until(town, submitted(town), "technical")
        said = at_once(url, request, ("approve", "centre.a"), ("withdraw", "health.user"))
        # Whoever comes first: what was approved is withdrawn, what was withdrawn is not signed.
        assert said in (["approved", "withdrawn"], ["not_your_step", "withdrawn"])
        assert look(town, request).state is RequestState.WITHDRAWN
        check_conserved(town)


def test_of_two_submissions_at_once_the_second_is_told_where_it_stands(
    url: str, town: StoredTown
) -> None:
    request = drafted(town)
    said = at_once(url, request, ("submit", "health.user"), ("submit", "health.both"))
    assert sorted(said) == ["illegal_transition", "unit_signing"]
