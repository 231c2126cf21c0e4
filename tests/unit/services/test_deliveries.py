"""What a confirmed delivery changes, kind by kind, from the draft to the counters."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import pytest

from catalog.money import total
from cloudmgr.domain.allocations import Allocation, AllocationState, SegmentMode
from cloudmgr.domain.budget import BudgetCommitment, CommitmentState
from cloudmgr.domain.capacity import Inventory
from cloudmgr.domain.contracts import BillingStart, Contract
from cloudmgr.domain.quota import Quota
from cloudmgr.domain.requests import RequestKind, RequestState, ResourceRequest
from cloudmgr.services.provisioning import AcceptTrial
from tests.support.assessments import at
from tests.support.requests import (
    a_line,
    allocation_of,
    approved,
    check_conserved,
    completed,
    confirmed,
    delivered,
    dispatched,
    done,
    look,
    orders,
    running,
)
from tests.support.worlds import Town, a_town

S = RequestState
TRIAL, CHARGED = SegmentMode.TRIAL, SegmentMode.CHARGED


@pytest.fixture
def town() -> Town:
    return a_town()


def inventory(town: Town, pool_id: str = "x86") -> Inventory:
    found: Inventory = town.look(Inventory, f"{pool_id}/VCPU")
    return found


def quota(town: Town, scope_id: str = "health") -> Quota:
    found: Quota = town.look(Quota, f"{scope_id}/VCPU")
    return found


def refresh(town: Town, allocation: Allocation) -> Allocation:
    found: Allocation = town.look(Allocation, allocation.id)
    return found


def committed(town: Town, allocation: Allocation) -> dict[str, Decimal]:
    """Yuan by month."""
    rows = town.all(BudgetCommitment, allocation_id=allocation.id, state=CommitmentState.COMMITTED)
    return {
        month: total(row.amount for row in rows if row.month == month)
        for month in {row.month for row in rows}
    }


def slowly(
    town: Town, kind: RequestKind, allocation: Allocation, confirmed_at: str, **line: int | str
) -> ResourceRequest:
    """Approved now, delivered on 20 January 10:00 and confirmed when it is said."""
    how = {"sku_id": allocation.sku_id, "quantity": allocation.quantity, **line}
    wanted = a_line(allocation_id=allocation.id, **how)  # type: ignore[arg-type]
    request = dispatched(town, approved(town, wanted, kind=kind))
    town.wait("01-20 10:00")
    for order in orders(town, request):
        done(town, order)
    town.wait(confirmed_at)
    request = look(town, request)
    return request if request.state is S.COMPLETED else confirmed(town, request)


# --- new, migrate in, temporary -------------------------------------------------------------


@pytest.mark.parametrize("kind", [RequestKind.NEW, RequestKind.MIGRATE_IN])
def test_something_new_begins_with_a_trial(town: Town, kind: RequestKind) -> None:
    allocation = running(town, a_line(quantity=3, term_months=12), kind=kind)
    assert allocation.state is AllocationState.TRIAL
    assert [each.mode for each in allocation.segments] == [TRIAL]
    assert allocation.term_end == at("01-05 00:00").replace(year=2027)
    assert (inventory(town).allocated, inventory(town).held) == (6, 0)
    assert (quota(town).allocated, quota(town, "city").allocated) == (6, 6)
    check_conserved(town)


def test_a_contract_that_bills_from_delivery_charges_the_trial(town: Town) -> None:
    town.change(town.look(Contract, "contract-x86"), billing_start=BillingStart.DELIVERY)
    allocation = running(town)
    assert allocation.state is AllocationState.TRIAL
    assert [each.mode for each in allocation.segments] == [CHARGED]


def test_a_term_ends_on_the_last_day_of_a_shorter_month(town: Town) -> None:
    town.wait("01-31 10:00")
    allocation = running(town, a_line(term_months=1))
    assert allocation.term_end == at("02-28 00:00")


def test_the_test_resources_of_a_temporary_request_last_fifteen_days(town: Town) -> None:
    allocation = running(town, kind=RequestKind.TEMPORARY)
    assert (allocation.temporary, allocation.term_end) == (True, at("01-20 00:00"))
    assert allocation.state is AllocationState.ACTIVE, "without a trial"
    town.wait("03-01 00:00")
    assert refresh(town, allocation).state is AllocationState.ACTIVE, "nothing stops by itself"


# --- change ---------------------------------------------------------------------------------


def test_a_larger_size_holds_its_increase_only_and_counts_from_its_delivery(town: Town) -> None:
    allocation = running(town, a_line(quantity=2))
    line = a_line(sku_id="vm-large", quantity=3, allocation_id=allocation.id)
    request = approved(town, line, kind=RequestKind.CHANGE)
    assert (inventory(town).held, quota(town).reserved) == (8, 8), "12 wanted, 4 run"
    request = dispatched(town, request)
    town.wait("01-20 10:00")
    done(town, *orders(town, request))
    town.wait("01-21 11:00")
    confirmed(town, look(town, request))
    changed = refresh(town, allocation)
    assert (changed.sku_id, changed.quantity) == ("vm-large", 3)
    assert [(each.start, each.quantity) for each in changed.segments] == [
        (at("01-05 09:00"), 2),
        (at("01-20 10:00"), 3),
    ]
    assert (inventory(town).allocated, quota(town, "city").allocated) == (12, 12)
    check_conserved(town)


def test_a_smaller_size_frees_at_its_confirmation(town: Town) -> None:
    allocation = running(town, a_line(quantity=3))
    line = a_line(quantity=1, allocation_id=allocation.id)
    request = approved(town, line, kind=RequestKind.CHANGE)
    assert (inventory(town).held, inventory(town).allocated) == (0, 6)
    done(town, *orders(town, dispatched(town, request)))
    confirmed(town, look(town, request))
    assert (inventory(town).allocated, quota(town).allocated) == (2, 2)
    check_conserved(town)


def test_a_change_inside_the_trial_leaves_its_end_alone(town: Town) -> None:
    allocation = running(town)
    slowly(town, RequestKind.CHANGE, allocation, "01-20 11:00", quantity=2)
    town.wait("02-10 09:00")
    assert [(each.mode, each.quantity) for each in refresh(town, allocation).segments] == [
        (TRIAL, 1),
        (TRIAL, 2),
        (CHARGED, 2),
    ]


def test_a_trial_accepted_between_delivery_and_confirmation_stays_a_trial_until_then(
    town: Town,
) -> None:
    allocation = running(town)
    line = a_line(quantity=2, allocation_id=allocation.id)
    request = delivered(town, line, kind=RequestKind.CHANGE)
    town.wait("01-06 10:00")
    town.give(AcceptTrial(allocation_id=allocation.id), "health.user")
    town.wait("01-07 10:00")
    confirmed(town, request)
    found = refresh(town, allocation).segments
    assert [(each.start, each.mode, each.quantity) for each in found] == [
        (at("01-05 09:00"), TRIAL, 2),
        (at("01-06 10:00"), CHARGED, 2),
    ]


# --- renew, relocate ------------------------------------------------------------------------


def test_a_renewal_adds_its_months_to_the_term_and_takes_nothing(town: Town) -> None:
    allocation = running(town, a_line(quantity=2, term_months=3))
    assert allocation.term_end == at("04-05 00:00")
    before = inventory(town)
    line = a_line(quantity=2, allocation_id=allocation.id, term_months=6)
    completed(town, line, kind=RequestKind.RENEW)
    assert refresh(town, allocation).term_end == at("10-05 00:00")
    assert inventory(town).allocated == before.allocated
    check_conserved(town)


def test_a_relocation_holds_both_pools_and_the_quota_once(town: Town) -> None:
    old = running(town, a_line(quantity=3))
    line = a_line(quantity=3, allocation_id=old.id)
    request = approved(town, line, kind=RequestKind.RELOCATE)
    assert (inventory(town, "x86").allocated, inventory(town, "kunpeng").held) == (6, 6)
    assert (quota(town).allocated, quota(town).reserved) == (6, 0)
    check_conserved(town)
    request = dispatched(town, request)
    town.wait("01-20 10:00")
    done(town, *orders(town, request))
    town.wait("01-21 10:00")
    confirmed(town, look(town, request))
    new, left = allocation_of(town, request), refresh(town, old)
    assert (new.pool_id, new.relocated_from, new.state) == (
        "kunpeng",
        old.id,
        AllocationState.ACTIVE,
    )
    assert (left.state, left.ended_at) == (AllocationState.RELEASED, at("01-20 10:00"))
    assert new.delivered_at == left.ended_at, "no day is billed twice or not at all"
    assert new.term_end == old.term_end
    assert (inventory(town, "x86").allocated, inventory(town, "kunpeng").allocated) == (0, 6)
    assert quota(town).allocated == 6
    check_conserved(town)


def test_what_was_committed_for_the_old_place_stands_for_the_new_one(town: Town) -> None:
    """900 yuan a month were committed, the new place costs 950: the rest comes on top."""
    old = running(town)
    assert set(committed(town, old).values()) >= {Decimal("900.00")}
    request = completed(town, a_line(allocation_id=old.id), kind=RequestKind.RELOCATE)
    assert committed(town, old) == {}
    months = committed(town, allocation_of(town, request))
    assert {months[f"2026-{month:02d}"] for month in range(2, 13)} == {Decimal("950.00")}
    check_conserved(town)


def test_what_was_relocated_can_be_relocated_back_and_released(town: Town) -> None:
    old = running(town, a_line(quantity=2))
    there = completed(town, a_line(quantity=2, allocation_id=old.id), kind=RequestKind.RELOCATE)
    new = allocation_of(town, there)
    back = completed(town, a_line(quantity=2, allocation_id=new.id), kind=RequestKind.RELOCATE)
    home = allocation_of(town, back)
    assert home.pool_id == "x86"
    completed(town, a_line(quantity=2, allocation_id=home.id), kind=RequestKind.RELEASE)
    assert inventory(town, "x86").allocated == inventory(town, "kunpeng").allocated == 0
    assert quota(town).committed == 0
    check_conserved(town)


def test_the_expected_use_of_a_metered_item_goes_along(town: Town) -> None:
    allocation = running(town, a_line(sku_id="traffic", estimate_units=500))
    moved = completed(
        town, a_line(sku_id="traffic", allocation_id=allocation.id), kind=RequestKind.RELOCATE
    )
    assert allocation_of(town, moved).estimate_units == 500


# --- release --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("confirmed_at", "billing_end"),
    [
        # Approved on Monday 5 January: five working days end with the 12th.
        ("01-20 11:00", at("01-13 00:00")),
        ("01-22 09:00", at("01-13 00:00")),
    ],
)
def test_a_late_release_is_billed_until_the_provisioning_clock_ends(
    town: Town, confirmed_at: str, billing_end: datetime
) -> None:
    allocation = running(town, a_line(quantity=2))
    slowly(town, RequestKind.RELEASE, allocation, confirmed_at)
    ended = refresh(town, allocation)
    assert (ended.state, ended.ended_at) == (AllocationState.RELEASED, billing_end)
    check_conserved(town)


def test_a_prompt_release_is_billed_until_its_completion(town: Town) -> None:
    allocation = running(town)
    town.wait("01-08 10:00")
    line = a_line(allocation_id=allocation.id)
    request = delivered(town, line, kind=RequestKind.RELEASE)
    assert inventory(town).allocated == 2, "capacity frees at completion"
    town.wait("01-09 15:00")
    confirmed(town, request)
    assert refresh(town, allocation).ended_at == at("01-09 15:00")
    assert inventory(town).allocated == 0
    assert quota(town).committed == 0


def test_a_released_trial_does_not_end_again(town: Town) -> None:
    allocation = running(town)
    completed(town, a_line(allocation_id=allocation.id), kind=RequestKind.RELEASE)
    town.wait("03-01 00:00")
    assert refresh(town, allocation).state is AllocationState.RELEASED


def test_a_release_frees_the_budget_of_the_months_to_come(town: Town) -> None:
    allocation = running(town)
    completed(town, a_line(allocation_id=allocation.id), kind=RequestKind.RELEASE)
    rows = town.all(BudgetCommitment, allocation_id=allocation.id)
    states = {row.month: row.state for row in rows}
    assert states.pop("2026-01") is CommitmentState.COMMITTED, "the statement ends this month's"
    assert set(states.values()) == {CommitmentState.RELEASED}
    check_conserved(town)
