"""The last approval binds quota, capacity and budget together or not at all; nothing ever leaks."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import Phase, given, settings

from catalog.errors import CloudmgrError
from catalog.money import amount
from cloudmgr.domain.allocations import Reservation, ReservationState
from cloudmgr.domain.approvals import Decision
from cloudmgr.domain.budget import Budget, BudgetChangeKind, BudgetCommitment
from cloudmgr.domain.capacity import Inventory
from cloudmgr.domain.quota import UNLIMITED, Quota, QuotaScope
from cloudmgr.domain.requests import RequestKind, RequestState, ResourceRequest
from cloudmgr.services.budgets import RecordBudgetChange
from cloudmgr.services.pools import SetInventory
from cloudmgr.services.quotas import SetQuota
from cloudmgr.services.requests import SignRequest, WithdrawRequest
from tests.support.players import FINAL, STEPS, Player, Step
from tests.support.requests import (
    a_line,
    allocation_of,
    approved,
    check_conserved,
    completed,
    delivered,
    dispatched,
    done,
    orders,
    resubmitted,
    running,
    signed,
    signed_until,
    signer_of,
    submitted,
)
from tests.support.supply import VCPU
from tests.support.worlds import Town, a_town

S = RequestState
COUNTERS = (Inventory, Quota, Budget)


@pytest.fixture
def town() -> Town:
    return a_town()


def waiting(town: Town, *lines: Any, step: str = "technical", **how: Any) -> ResourceRequest:
    return signed_until(town, submitted(town, *lines, **how), step)


def last_refusal(town: Town, request: ResourceRequest) -> CloudmgrError:
    """The refusal of the last signature, which must leave everything as it was."""
    before = town.snapshot()
    sign = SignRequest(request_id=request.id, decision=Decision.APPROVE)
    refusal = town.refusal(sign, signer_of(request))
    assert town.snapshot() == before
    return refusal


def set_limit(town: Town, scope_id: str, limit: int | None) -> None:
    town.change(town.look(Quota, f"{scope_id}/VCPU"), limit_units=limit)


# --- each limit -----------------------------------------------------------------------------


def test_the_last_signature_holds_quota_on_every_ancestor_pool_and_budget(town: Town) -> None:
    request = approved(town, a_line(quantity=5))
    assert town.look(Inventory, "x86/VCPU").held == 10
    assert town.look(Inventory, "x86/MEMORY_MIB").held == 20480
    for scope_id in ("health", "city"):
        assert town.look(Quota, f"{scope_id}/VCPU").reserved == 10
    assert town.look(Quota, "city/MEMORY_MIB").reserved == 20480
    amounts = [row.amount for row in town.all(BudgetCommitment, source_id=request.id)]
    for id in ("treasury/health/2026", "treasury/-/2026"):
        assert town.look(Budget, id).committed == sum(amounts, Decimal(0)) > 0
    assert town.look(Budget, "treasury/transport/2026").committed == 0


@pytest.mark.parametrize(
    ("department", "scope", "limit"),
    [("health", "health", 9), ("health", "city", 9), ("county-health", "county", 9)],
)
def test_a_quota_is_checked_on_every_ancestor(
    town: Town, department: str, scope: str, limit: int
) -> None:
    request = waiting(town, a_line(quantity=5), department=department)
    set_limit(town, scope, limit)
    refusal = last_refusal(town, request)
    assert refusal.code == "quota_exceeded"
    assert (refusal.details["scope"], refusal.details["free"]) == (scope, 9)


def test_an_applications_own_quota_counts_too(town: Town) -> None:
    quota = SetQuota(
        scope=QuotaScope.APPLICATION, scope_id="health-app", resource_class=VCPU, limit_units=9
    )
    town.give(quota, "centre.a")
    refusal = last_refusal(town, waiting(town, a_line(quantity=5)))
    assert refusal.details["scope"] == "health-app"


def test_a_quota_nobody_has_set_is_an_error_and_not_zero(town: Town) -> None:
    request = waiting(town)
    set_limit(town, "health", None)
    set_limit(town, "city", None)
    assert last_refusal(town, request).code == "quota_not_set"


def test_full_pools_refuse_with_the_reason_of_each(town: Town) -> None:
    request = waiting(town, a_line(quantity=5))
    for pool_id in ("x86", "kunpeng"):
        full = SetInventory(pool_id=pool_id, resource_class=VCPU, total=9)
        town.give(full, "centre.a")
    refusal = last_refusal(town, request)
    assert refusal.code == "no_pool"
    assert "kunpeng refused by capacity, x86 refused by capacity" in refusal.message


def test_the_lines_of_one_request_do_not_count_the_same_room_twice(town: Town) -> None:
    town.give(SetInventory(pool_id="kunpeng", resource_class=VCPU, total=9), "centre.a")
    lines = [a_line(line=n, sku_id="vm-kp", quantity=q) for n, q in ((1, 3), (2, 2))]
    assert last_refusal(town, waiting(town, *lines)).code == "no_pool"
    assert approved(town, lines[0]).state is S.APPROVED


@pytest.mark.parametrize("budget", ["treasury/health/2026", "treasury/-/2026"])
def test_a_budget_is_checked_on_the_department_and_its_payer(town: Town, budget: str) -> None:
    request = waiting(town)
    town.change(town.look(Budget, budget), approved=Decimal("10000.00"))
    request = signed(town, request)  # over budget by now: finance is asked first
    assert request.awaiting_step == "finance"
    refusal = last_refusal(town, request)
    assert refusal.code == "budget_exceeded"
    assert refusal.details["budget"] == budget
    raised = RecordBudgetChange(
        payer_id="treasury",
        department_id="health" if "health" in budget else None,
        year=2026,
        kind=BudgetChangeKind.ADD,
        amount=Decimal("10000.00"),
        document_number="test 2",
    )
    town.give(raised, "treasury.a")
    assert signed(town, request).state is S.APPROVED


def test_without_any_budget_of_the_year_nothing_is_approved(town: Town) -> None:
    request = waiting(town)
    for budget in town.all(Budget):
        del town.records[Budget][budget.id]
    assert last_refusal(town, request).code == "budget_not_set"


def test_an_over_committed_department_may_still_shrink(town: Town) -> None:
    allocation = running(town, a_line(quantity=3))
    town.change(town.look(Budget, "treasury/health/2026"), approved=Decimal("1.00"))
    line = a_line(quantity=1, allocation_id=allocation.id)
    assert completed(town, line, kind=RequestKind.CHANGE).state is S.COMPLETED


# --- one allocation, one request ------------------------------------------------------------


@pytest.mark.parametrize("second", [k for k in RequestKind if not k.creates])
@pytest.mark.parametrize("first", [k for k in RequestKind if not k.creates])
def test_two_requests_never_work_on_one_allocation(
    town: Town, first: RequestKind, second: RequestKind
) -> None:
    """Two changes would each count their increase from the same size, and it would add up."""
    allocation = running(town, a_line(quantity=2))

    def line(kind: RequestKind, quantity: int) -> Any:
        wanted = quantity if kind is RequestKind.CHANGE else 2
        return a_line(quantity=wanted, allocation_id=allocation.id)

    ahead = approved(town, line(first, 4), kind=first)
    behind = waiting(town, line(second, 6), kind=second)
    refusal = last_refusal(town, behind)
    assert (refusal.code, refusal.details) == ("allocation_busy", {"request": ahead.id})
    done(town, orders(town, dispatched(town, ahead))[0])
    assert last_refusal(town, behind).code == "allocation_busy", "delivered, not yet confirmed"
    town.give(WithdrawRequest(request_id=behind.id, reason="r"), "health.user")
    check_conserved(town)


def test_a_request_whose_target_changed_meanwhile_is_refused(town: Town) -> None:
    allocation = running(town, a_line(quantity=2))
    renewal = waiting(town, a_line(quantity=2, allocation_id=allocation.id), kind=RequestKind.RENEW)
    completed(town, a_line(quantity=3, allocation_id=allocation.id), kind=RequestKind.CHANGE)
    assert last_refusal(town, renewal).code == "bad_value"
    again = resubmitted(
        town,
        signed(town, renewal, Decision.RETURN),
        a_line(quantity=3, allocation_id=allocation.id),
    )
    assert signed(town, signed(town, again)).state is S.APPROVED


def test_a_request_whose_target_was_released_meanwhile_is_refused(town: Town) -> None:
    allocation = running(town)
    change = waiting(town, a_line(quantity=2, allocation_id=allocation.id), kind=RequestKind.CHANGE)
    completed(town, a_line(allocation_id=allocation.id), kind=RequestKind.RELEASE)
    assert last_refusal(town, change).code == "bad_value"


# --- nothing leaks --------------------------------------------------------------------------


# Half as many examples as elsewhere, for they are long; to make one smaller would take minutes.
@settings(max_examples=settings().max_examples // 2, phases=(Phase.explicit, Phase.generate))
@given(STEPS)
def test_whatever_people_do_the_counters_say_what_the_records_add_up_to(
    steps: list[Step],
) -> None:
    player = Player()
    for step in steps:
        player.step(*step)
        check_conserved(player.town)
    player.finish()
    town = player.town
    check_conserved(town)
    assert {request.state for request in town.all(ResourceRequest)} <= FINAL | {S.DRAFT}
    assert not town.all(Reservation, state=ReservationState.HELD)
    assert all(each.held == 0 for each in town.all(Inventory))
    assert all(each.reserved == 0 for each in town.all(Quota))


def test_a_life_of_every_kind_leaves_nothing_behind(town: Town) -> None:
    for kind in (RequestKind.NEW, RequestKind.MIGRATE_IN, RequestKind.TEMPORARY):
        allocation = running(town, a_line(quantity=2), kind=kind)
        completed(
            town,
            a_line(sku_id="vm-large", quantity=4, allocation_id=allocation.id),
            kind=RequestKind.CHANGE,
        )
        line = a_line(sku_id="vm-large", quantity=4, allocation_id=allocation.id)
        moved = allocation_of(town, completed(town, line, kind=RequestKind.RELOCATE))
        line = replace(line, allocation_id=moved.id)
        completed(town, line, kind=RequestKind.RENEW)
        assert delivered(town, line, kind=RequestKind.RELEASE)
        town.wait("12-30 00:00")
        town.now = a_town().now
    assert all(each.allocated == each.held == 0 for each in town.all(Inventory))
    assert all(each.committed == 0 for each in town.all(Quota))


# --- many lines at once ---------------------------------------------------------------------


def test_five_hundred_lines_are_bound_together_or_not_at_all(town: Town) -> None:
    for quota in town.all(Quota):
        town.change(quota, limit_units=UNLIMITED)
    for budget in town.all(Budget):
        town.change(budget, approved=amount("99000000.00"))
    lines = [a_line(line=number, pool_id="x86") for number in range(1, 501)]
    inventory = town.look(Inventory, "x86/VCPU")
    town.change(town.look(Inventory, "x86/MEMORY_MIB"), total=10_000_000)
    town.change(inventory, total=999)  # of 1000: the last line does not fit
    request = submitted(town, *lines)
    while request.awaiting_step != "head":
        request = signed(town, request)
    command = SignRequest(request_id=request.id, decision=Decision.APPROVE)
    assert town.code(command, "bureau.a") == "no_pool"
    assert not town.all(Reservation)
    check_conserved(town)
    town.change(inventory, total=1000)
    assert signed(town, request).state is RequestState.APPROVED
    assert len(town.all(Reservation)) == 500
    check_conserved(town)
