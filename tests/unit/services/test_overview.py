"""The overview of a month: every figure is that of the records, and nothing unknown is zero."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from fractions import Fraction

import pytest

from catalog.errors import CloudmgrError
from catalog.period import Month
from catalog.quantity import ResourceClass
from cloudmgr.domain.assessment import AssessmentState
from cloudmgr.domain.billing import BillingPeriod, PeriodState, StatementState
from cloudmgr.domain.requests import RequestKind, RequestState
from cloudmgr.domain.settlement import SettlementState
from cloudmgr.services.memory import MemoryNode
from cloudmgr.services.overview import audit_length, known_months, latest_month, month_overview
from cloudmgr.services.overview_values import DepartmentOverview, MonthOverview
from tests.support.assessments import at
from tests.support.overview import (
    JANUARY,
    NOW,
    a_played_node,
    a_policy,
    a_pool,
    a_settings,
    a_settlement,
    an_assessment,
    an_inventory,
    put,
)


@pytest.fixture
def node() -> MemoryNode:
    return a_played_node()


def overview(node: MemoryNode, month: Month = JANUARY, now: datetime = NOW) -> MonthOverview:
    with node.reading() as world:
        return month_overview(world, month, now)


def department(found: MonthOverview, id: str) -> DepartmentOverview:
    return next(each for each in found.departments if each.department.id == id)


def test_departments_come_dearest_first_and_those_without_a_statement_last(
    node: MemoryNode,
) -> None:
    found = overview(node).departments
    assert [each.department.id for each in found] == ["d2", "d1", "d3"]
    assert [each.total for each in found] == [Decimal("2000000.11"), Decimal("1234567.89"), None]
    assert [each.deemed for each in found] == [True, False, False]
    assert [each.state for each in found] == [
        StatementState.CONFIRMED,
        StatementState.CONFIRMED,
        None,
    ]


def test_the_bill_is_the_sum_of_the_months_statements_only(node: MemoryNode) -> None:
    assert overview(node).billed == Decimal("3234568.00")
    assert overview(node, JANUARY.next()).billed == Decimal("5.00")


def test_a_month_without_statements_has_no_bill_rather_than_a_bill_of_nothing(
    node: MemoryNode,
) -> None:
    put(node, BillingPeriod(id="2026-03"))
    found = overview(node, Month(2026, 3))
    assert found.billed is None
    assert found.settled is None
    assert found.cpu_mean_share is None


def test_a_department_is_told_with_its_region(node: MemoryNode) -> None:
    assert department(overview(node), "d3").region.name_zh == "样例县"


def test_systems_are_those_of_the_ledger_and_allocations_those_that_run_at_the_months_end(
    node: MemoryNode,
) -> None:
    january, february = overview(node), overview(node, JANUARY.next())
    assert (january.applications, department(january, "d1").applications) == (3, 2)
    assert department(january, "d1").allocations == 2
    assert department(january, "d2").allocations == 0, "one ended before, one begins after"
    assert department(february, "d2").allocations == 1


def test_while_a_month_lasts_what_runs_is_what_runs_now(node: MemoryNode) -> None:
    assert department(overview(node, now=at("01-19 23:00")), "d2").allocations == 1
    assert department(overview(node, now=at("01-20 00:00")), "d2").allocations == 0


def test_requests_are_counted_in_the_month_they_were_entered(node: MemoryNode) -> None:
    found = overview(node).requests
    assert found.total == 3
    assert found.by_state == {
        RequestState.COMPLETED: 1,
        RequestState.REJECTED: 1,
        RequestState.IN_REVIEW: 1,
    }
    assert found.by_kind == {
        RequestKind.NEW: {RequestState.COMPLETED: 1, RequestState.IN_REVIEW: 1},
        RequestKind.CHANGE: {RequestState.REJECTED: 1},
    }
    assert overview(node, JANUARY.next()).requests.total == 1


def test_a_pools_capacity_is_its_inventory(node: MemoryNode) -> None:
    pool = overview(node).pools[0]
    assert pool.vcpu is not None
    assert pool.memory_mib is not None
    assert (pool.vcpu.total, pool.vcpu.offered, pool.vcpu.free) == (10, 20, 20 - 2 - 3 - 8)
    assert (pool.vcpu.reserved, pool.vcpu.held, pool.vcpu.allocated) == (2, 3, 8)
    assert pool.vcpu.allocated_share == Fraction(8, 20)
    assert pool.memory_mib.allocated_share == Fraction(1, 4)
    assert overview(node).vcpu_allocated_share == Fraction(8, 20)


def test_cpu_use_is_the_hourly_sum_of_a_pool_over_its_physical_cores(node: MemoryNode) -> None:
    found = overview(node)
    cpu = found.pools[0].cpu
    assert cpu is not None
    # Hours of 1000 + 2000 and 3000 + 2000 millicores on 10 physical cores.
    assert (cpu.hours, cpu.mean_millicores) == (2, Fraction(4000))
    assert cpu.peak_millicores == 5000
    assert (cpu.mean_share, cpu.peak_share) == (Fraction(2, 5), Fraction(1, 2))
    assert found.cpu_mean_share == Fraction(2, 5), "a pool without readings stays out"


def test_a_pool_without_capacity_or_readings_says_so(node: MemoryNode) -> None:
    pool = overview(node).pools[1]
    assert (pool.vcpu, pool.memory_mib, pool.cpu) == (None, None, None)


def test_the_largest_pool_comes_first(node: MemoryNode) -> None:
    put(
        node,
        a_pool("pool-0", "p1"),
        an_inventory("pool-0", ResourceClass.VCPU, 4),
        an_inventory("pool-2", ResourceClass.VCPU, 90),
    )
    assert [each.pool.id for each in overview(node).pools] == ["pool-2", "pool-1", "pool-0"]


def test_a_score_is_shown_with_its_exact_coefficient_and_working(node: MemoryNode) -> None:
    first, second = overview(node).assessments
    assert first.coefficient == Fraction(59, 60)  # 0.95 + 10/15 x 0.05
    assert "0.983333" in first.working
    assert second.coefficient is None
    assert "held" in second.working


def test_an_assessment_not_scored_yet_has_neither_coefficient_nor_held_payment(
    node: MemoryNode,
) -> None:
    put(node, an_assessment("p1", None, state=AssessmentState.OPEN))
    first = overview(node).assessments[0]
    assert (first.coefficient, first.working) == (None, "")


def test_a_providers_settlements_are_added_up_over_payers(node: MemoryNode) -> None:
    first = overview(node).settlements[0]
    assert (first.papers, first.gross, first.paid) == (2, Decimal("4000.00"), Decimal("100.00"))
    assert first.coefficient == Fraction(59, 60)
    # 3000 x 1/60 and 1000 x 1/60, each rounded to the fen.
    assert first.deduction == Decimal("50.00") + Decimal("16.67")
    assert first.payable == first.gross - first.deduction
    assert first.states == {SettlementState.CONFIRMED: 2}


def test_a_true_up_replaces_what_it_trues_up(node: MemoryNode) -> None:
    put(node, a_settlement("p1", "3600.00", "85.00", sequence=2, settled_before="2950.00"))
    first = overview(node).settlements[0]
    assert (first.papers, first.gross) == (3, Decimal("4600.00"))
    assert first.deduction == Decimal("60.00") + Decimal("16.67")
    assert first.payable == Decimal("4600.00") - Decimal("76.67")


def test_while_one_payment_is_held_a_providers_payable_is_not_known(node: MemoryNode) -> None:
    put(node, a_settlement("p1", "1000.00", "59.00", payer_id="county-finance"))
    found = overview(node)
    first = found.settlements[0]
    assert (first.deduction, first.payable, first.coefficient) == (None, None, None)
    assert first.gross == Decimal("4000.00")
    assert found.settled is None


def test_what_is_settled_adds_the_providers_that_are_decided(node: MemoryNode) -> None:
    found = overview(node)
    assert found.settled == found.settlements[0].payable
    assert found.settlements[1].payable is None
    assert found.paid == Decimal("100.00")


def test_batches_of_the_month_add_up(node: MemoryNode) -> None:
    usage = overview(node).usage
    assert (usage.batches, usage.sent, usage.accepted, usage.quarantined) == (1, 7, 4, 3)
    assert overview(node, JANUARY.next()).usage.batches == 0


def test_the_journal_balances_and_every_audit_event_is_counted(node: MemoryNode) -> None:
    found = overview(node)
    assert found.journal_balance == Decimal("0.00")
    assert found.audit_events == 5


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 7, 8, 9, 100])
def test_an_audit_chain_of_any_length_is_counted(count: int) -> None:
    node = MemoryNode()
    with node.transaction() as world:
        for _ in range(count):
            world.audit(at=NOW, user_id="u", role="r", command="c", subject="s", request_id="")
        assert audit_length(world) == count


def test_sample_parameters_are_marked_and_others_are_not(node: MemoryNode) -> None:
    assert overview(node).sample
    put(node, a_policy(kind="published"))
    assert not overview(node).sample


def test_rehearsal_is_told(node: MemoryNode) -> None:
    assert overview(node).rehearsal
    put(node, a_settings(rehearsal=False))
    assert not overview(node).rehearsal


def test_a_month_that_has_not_begun_is_not_found(node: MemoryNode) -> None:
    with pytest.raises(CloudmgrError) as refused:
        overview(node, Month(2031, 5))
    assert refused.value.code == "not_found"


def test_the_latest_month_is_the_last_closed_one_else_the_first_one_open() -> None:
    node = MemoryNode()
    with node.reading() as world:
        assert latest_month(world) is None
    put(node, BillingPeriod(id="2026-01", state=PeriodState.GRACE), BillingPeriod(id="2026-02"))
    with node.reading() as world:
        assert latest_month(world) == JANUARY
    put(node, BillingPeriod(id="2026-01", state=PeriodState.CLOSED))
    put(node, BillingPeriod(id="2026-02", state=PeriodState.CLOSED), BillingPeriod(id="2026-03"))
    with node.reading() as world:
        assert latest_month(world) == JANUARY.next()
        assert [str(month) for month in known_months(world)] == ["2026-01", "2026-02", "2026-03"]


def test_reading_an_overview_changes_nothing(node: MemoryNode) -> None:
    before = {kind: dict(records) for kind, records in node.records.items() if records}
    overview(node)
    assert {kind: dict(records) for kind, records in node.records.items() if records} == before
