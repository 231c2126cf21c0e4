"""The days on which a relocated resource runs at both places, and who bears them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from catalog.money import total
from catalog.period import Month
from cloudmgr.domain.allocations import Allocation, AllocationState
from cloudmgr.domain.budget import BudgetCommitment, CommitmentState
from cloudmgr.domain.capacity import Inventory
from cloudmgr.domain.lines import LineKind, RatedLine
from cloudmgr.domain.quota import Quota
from cloudmgr.domain.requests import ParallelPayer, RequestKind, RequestState, ResourceRequest
from cloudmgr.services.allocations import StopAllocation
from cloudmgr.services.provisioning import AcceptTrial
from cloudmgr.services.rating import MonthRating
from tests.support.assessments import at
from tests.support.requests import (
    a_line,
    allocation_of,
    approved,
    check_conserved,
    confirmed,
    delivered,
    dispatched,
    done,
    look,
    orders,
    running,
    submitted,
)
from tests.support.worlds import Town, a_town

S = RequestState
USER = "health.user"
TEMPORARY, RENEW, RELEASE = RequestKind.TEMPORARY, RequestKind.RENEW, RequestKind.RELEASE


@pytest.fixture
def town() -> Town:
    return a_town()


def refresh(town: Town, allocation: Allocation) -> Allocation:
    found: Allocation = town.look(Allocation, allocation.id)
    return found


def relocated(
    town: Town, payer: ParallelPayer, days: int = 10
) -> tuple[Allocation, Allocation, ResourceRequest]:
    """Three VMs, charged since 5 January at 900, delivered at the new place on the 20th at 950 and
    confirmed the day after. Returns old, new and the request."""
    old = running(town, a_line(quantity=3))
    town.give(AcceptTrial(allocation_id=old.id), USER)
    line = a_line(quantity=3, allocation_id=old.id, parallel_days=days, parallel_payer=payer)
    request = dispatched(town, approved(town, line, kind=RequestKind.RELOCATE))
    town.wait("01-20 10:00")
    done(town, *orders(town, request))
    town.wait("01-21 10:00")
    request = confirmed(town, look(town, request))
    return refresh(town, old), allocation_of(town, request), request


def lines_of(town: Town, allocation: Allocation) -> tuple[RatedLine, ...]:
    with town.reading() as world:
        return MonthRating(world, Month(2026, 1)).rate([allocation]).lines


def test_both_places_run_for_the_days_and_the_quota_counts_once(town: Town) -> None:
    old, new, _ = relocated(town, ParallelPayer.DEPARTMENT)
    assert (old.state, old.parallel_until, old.relocated_to) == (
        AllocationState.ACTIVE,
        at("01-30 00:00"),
        new.id,
    )

    def counters() -> tuple[int, int, int]:
        here: Inventory = town.look(Inventory, "x86/VCPU")
        there: Inventory = town.look(Inventory, "kunpeng/VCPU")
        limit: Quota = town.look(Quota, "health/VCPU")
        return here.allocated, there.allocated, limit.allocated

    assert counters() == (6, 6, 6)
    check_conserved(town)
    town.wait("01-30 00:00")
    ended = refresh(town, old)
    assert (ended.state, ended.ended_at) == (AllocationState.RELEASED, at("01-30 00:00"))
    assert counters() == (0, 6, 6)
    check_conserved(town)


@pytest.mark.parametrize(
    ("payer", "given", "billed"),
    [
        # 3 x 900 / 31: 15 days alone, 10 days beside the new place.
        (ParallelPayer.DEPARTMENT, None, "2177.42"),
        (ParallelPayer.PAYER, LineKind.WAIVER, "1306.45"),
        (ParallelPayer.PROVIDER, LineKind.DISCOUNT, "1306.45"),
    ],
)
def test_who_bears_the_parallel_days_stands_in_the_lines(
    town: Town, payer: ParallelPayer, given: LineKind | None, billed: str
) -> None:
    old, _, _ = relocated(town, payer)
    town.wait("01-31 00:00")
    lines = lines_of(town, refresh(town, old))
    assert total(line.amount for line in lines) == Decimal(billed)
    borne = [line for line in lines if line.kind in (LineKind.WAIVER, LineKind.DISCOUNT)]
    if given is None:
        assert not borne
        return
    (line,) = borne
    charge = next(each for each in lines if each.kind is LineKind.CHARGE and each != line
                  and each.start == line.start)  # fmt: skip
    assert (line.kind, line.start, line.end) == (given, at("01-20 00:00"), at("01-30 00:00"))
    assert line.amount == -charge.amount == Decimal("-870.97")


def test_the_parallel_days_are_committed_unless_the_provider_bears_them(town: Town) -> None:
    """Approved on Monday the 5th, so planned from the 13th on: ten days of 2 700 yuan a month."""

    def committed(payer: ParallelPayer) -> Decimal:
        other = a_town()
        _, new, _ = relocated(other, payer)
        rows = other.all(BudgetCommitment, allocation_id=new.id, month="2026-01")
        return total(row.amount for row in rows if row.state is CommitmentState.COMMITTED)

    borne = committed(ParallelPayer.PROVIDER)
    assert committed(ParallelPayer.DEPARTMENT) - borne == Decimal("870.97")
    assert committed(ParallelPayer.PAYER) == committed(ParallelPayer.DEPARTMENT)


def test_what_is_leaving_is_not_worked_on_any_more(town: Town) -> None:
    old, _, _ = relocated(town, ParallelPayer.PROVIDER)
    assert town.code(StopAllocation(allocation_id=old.id), USER) == "allocation_leaving"
    with pytest.raises(Exception, match="successor"):
        submitted(town, a_line(quantity=3, allocation_id=old.id), kind=RELEASE)


def test_confirmed_after_the_days_are_over_the_old_place_ends_where_they_did(town: Town) -> None:
    old = running(town, a_line(quantity=3))
    line = a_line(
        quantity=3,
        allocation_id=old.id,
        parallel_days=1,
        parallel_payer=ParallelPayer.PROVIDER,
    )
    request = delivered(town, line, kind=RequestKind.RELOCATE)
    town.wait("01-09 10:00")
    confirmed(town, request)
    ended = refresh(town, old)
    assert (ended.state, ended.ended_at) == (AllocationState.RELEASED, at("01-06 00:00"))
    check_conserved(town)


@pytest.mark.parametrize(
    ("kind", "terms"),
    [
        (RequestKind.RELOCATE, {"parallel_days": 5}),
        (RequestKind.RELOCATE, {"parallel_payer": ParallelPayer.PAYER}),
        (RequestKind.RENEW, {"parallel_days": 5, "parallel_payer": ParallelPayer.PAYER}),
        (RequestKind.RELOCATE, {"parallel_days": 16, "parallel_payer": ParallelPayer.PAYER}),
    ],
    ids=["nobody bears them", "no days", "no relocation", "more than policy allows"],
)
def test_parallel_days_are_of_a_relocation_borne_by_somebody_and_not_too_many(
    town: Town, kind: RequestKind, terms: dict[str, Any]
) -> None:
    old = running(town)
    with pytest.raises(Exception, match="parallel"):
        submitted(town, a_line(allocation_id=old.id, **terms), kind=kind)
