"""The month's close: when it may happen, what it issues, that it can stop and go on anywhere."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from catalog.errors import CloudmgrError, Conflict
from catalog.money import total
from cloudmgr.domain.access import Actor, Grant, Role
from cloudmgr.domain.allocations import Allocation, SegmentMode
from cloudmgr.domain.billing import (
    BillingPeriod,
    PeriodState,
    Statement,
    StatementState,
    StatementTitle,
)
from cloudmgr.domain.journal import PostingSet, trial_balance
from cloudmgr.domain.lines import LineKind, LineState, RatedLine
from cloudmgr.domain.policy import PayerRule
from cloudmgr.services.closing import close_period
from cloudmgr.services.commands import perform
from cloudmgr.services.memory import MemoryNode
from cloudmgr.services.periods import ClosePeriod, close_step
from cloudmgr.services.rating import preview
from tests.support.billing_world import (
    FINANCE,
    GRACE_OVER,
    a_contract,
    a_node,
    a_policy,
    close,
    do,
    later_quote,
    no_usage,
    owned,
    pass_time,
)
from tests.support.money import FEBRUARY, JANUARY, a_segment, at, hours

CLOSE_JANUARY = ClosePeriod(month="2026-01")


def two_departments() -> MemoryNode:
    """300.00 of `dep` all month; 2 VMs of `self` from 10 Jan: 2 x 22/31 x 100 = 141.94."""
    return a_node(
        owned(a_segment("2025-12-01", 3)),
        owned(a_segment("01-10", 2), id="AL-2", department_id="self"),
    )


def records(node: MemoryNode) -> dict[str, object]:
    """Everything a close makes, as one comparable value."""
    with node.reading() as world:
        kinds = (BillingPeriod, RatedLine, Statement, PostingSet)
        return {kind.__name__: world.find(kind) for kind in kinds}


def killed_in_a_step(node: MemoryNode) -> None:
    with node.transaction() as world:
        close_step(world, CLOSE_JANUARY, GRACE_OVER, page_size=2, usage=no_usage)
        raise RuntimeError("killed before the commit")


def refusal(node: MemoryNode, month: str = "2026-01", now: str = "02-05") -> str:
    with pytest.raises(CloudmgrError) as refused:
        close_period(node, ClosePeriod(month=month), FINANCE, at(now), usage=no_usage)
    return refused.value.code


def test_a_month_ends_by_itself_and_the_next_one_opens() -> None:
    node = two_departments()
    pass_time(node, at("02-01"))
    with node.reading() as world:
        january, february = world.find(BillingPeriod)
    assert (january.id, january.state) == ("2026-01", PeriodState.GRACE)
    # 1 Feb 2026 is a Sunday: three working days are Monday to Wednesday
    assert january.grace_until == at("02-05")
    assert (february.id, february.state) == ("2026-02", PeriodState.OPEN)


def test_a_month_cannot_be_closed_while_it_runs_or_in_its_grace() -> None:
    node = two_departments()
    assert refusal(node, now="01-20") == "grace_running"
    pass_time(node, at("02-04 23:59"))
    assert refusal(node, now="02-04 23:59") == "grace_running"


def test_a_closed_month_cannot_be_closed_again() -> None:
    node = two_departments()
    close(node)
    assert refusal(node) == "period_closed"


def test_months_are_closed_in_their_order() -> None:
    node = two_departments()
    pass_time(node, at("03-06"))
    assert refusal(node, month="2026-02", now="03-06") == "period_not_closed"


def test_only_finance_closes() -> None:
    node = two_departments()
    pass_time(node, GRACE_OVER)
    user = Actor("user", (Grant(Role.DEPARTMENT_USER, "dep"),))
    with pytest.raises(CloudmgrError) as refused:
        close_period(node, CLOSE_JANUARY, user, GRACE_OVER, usage=no_usage)
    assert refused.value.code == "forbidden"


def test_closing_issues_one_statement_per_department_with_its_lines() -> None:
    node = two_departments()
    period = close(node)
    assert period.state is PeriodState.CLOSED
    assert (period.line_count, period.total) == (2, Decimal("441.94"))
    with node.reading() as world:
        dep, own = world.find(Statement)
        lines = world.find(RatedLine)
    assert (dep.department_id, dep.payer_id, dep.total) == (
        "dep",
        "city-finance",
        Decimal("300.00"),
    )
    assert (own.department_id, own.payer_id, own.total) == ("self", "self", Decimal("141.94"))
    assert {line.state for line in lines} == {LineState.ISSUED}
    assert [line.statement_id for line in lines] == [dep.id, own.id]
    assert dep.state is StatementState.ISSUED
    # 5 Feb + 5 working days: 6, 9, 10, 11, 12 Feb
    assert dep.due_at == at("02-13")


def test_a_statement_is_titled_by_who_pays() -> None:
    node = two_departments()
    close(node)
    with node.reading() as world:
        dep, own = world.find(Statement)
    assert dep.title is StatementTitle.CONFIRMATION
    assert dep.title.label_zh == "用云费用确认单"
    assert own.title is StatementTitle.STATEMENT


def test_closing_posts_what_is_owed_and_the_journal_balances() -> None:
    node = two_departments()
    close(node)
    with node.reading() as world:
        balances = trial_balance(world.find(PostingSet))
    assert balances == {
        "Payable:prv": Decimal("-441.94"),
        "Receivable:city-finance:dep": Decimal("300.00"),
        "Receivable:self:self": Decimal("141.94"),
    }
    assert total(balances.values()) == 0


def test_a_close_leaves_one_audit_event_at_its_start_and_one_with_the_digest_at_its_end() -> None:
    node = two_departments()
    period = close(node)
    events = [event for event in node.events if "close" in event.command]
    assert [event.command for event in events] == ["begin_close_period", "close_period"]
    assert events[-1].subject == f"BillingPeriod/2026-01#{period.digest}"


def test_the_digest_is_that_of_the_lines() -> None:
    same, other = close(two_departments()), close(a_node(owned(a_segment("2025-12-01", 4))))
    assert close(two_departments()).digest == same.digest != other.digest


def test_interrupted_anywhere_a_close_gives_the_same_records() -> None:
    def many() -> MemoryNode:
        return a_node(
            *(owned(a_segment("01-05", i + 1), id=f"AL-{i:02d}") for i in range(7)),
        )

    undisturbed = many()
    close(undisturbed, page_size=2)
    steps = 0
    while True:
        node = many()
        pass_time(node, GRACE_OVER)
        for _ in range(steps):
            with node.transaction() as world:
                period = close_step(world, CLOSE_JANUARY, GRACE_OVER, page_size=2, usage=no_usage)
        if steps and period.state is PeriodState.CLOSED:
            break
        with pytest.raises(RuntimeError):
            killed_in_a_step(node)
        close_period(node, CLOSE_JANUARY, FINANCE, GRACE_OVER, usage=no_usage, page_size=2)
        assert records(node) == records(undisturbed)
        steps += 1
    assert steps == 6  # begin, pages of 2 + 2 + 2 + 1, issue


def test_the_page_size_changes_no_line() -> None:
    def closed(page_size: int) -> object:
        node = two_departments()
        close(node, page_size=page_size)
        made = records(node)
        return made["RatedLine"], made["Statement"], made["PostingSet"]

    assert closed(1) == closed(2) == closed(1000)


def test_in_one_transaction_the_close_is_the_same() -> None:
    paged, whole = two_departments(), two_departments()
    close(paged)
    pass_time(whole, GRACE_OVER)
    do(whole, CLOSE_JANUARY, FINANCE, GRACE_OVER)
    assert records(paged) == records(whole)


def test_resources_without_a_price_stop_the_close_and_all_are_listed() -> None:
    node = a_node(
        owned(a_segment("2025-12-01"), id="AL-1"),
        owned(a_segment("2025-12-01"), id="AL-2", pool_id="nowhere"),
        owned(a_segment("2025-12-01"), id="AL-3"),
        owned(a_segment("2025-12-01", sku_id="vm-4c"), id="AL-4", pool_id="nowhere"),
    )
    pass_time(node, GRACE_OVER)
    with pytest.raises(Conflict) as refused:
        close_period(node, CLOSE_JANUARY, FINANCE, GRACE_OVER, usage=no_usage, page_size=1)
    assert refused.value.code == "unpriced"
    assert [each.partition(":")[0] for each in refused.value.details["resources"]] == [
        "AL-2",
        "AL-4",
    ]
    with node.reading() as world:
        assert world.get(BillingPeriod, "2026-01").state is PeriodState.GRACE
        assert not world.find(Statement)


def test_a_contract_that_has_ended_prices_nothing() -> None:
    node = a_node(owned(a_segment("2025-12-01")), contract=a_contract(ends_at=at("01-20")))
    pass_time(node, GRACE_OVER)
    assert refusal(node) == "unpriced"


def test_a_department_with_a_trial_only_gets_a_statement_of_zero() -> None:
    node = a_node(owned(a_segment("01-05", mode=SegmentMode.TRIAL)))
    close(node)
    with node.reading() as world:
        (statement,) = world.find(Statement)
        assert (statement.total, statement.line_count) == (Decimal("0.00"), 1)
        assert not world.find(PostingSet)


def test_metered_use_is_billed_from_the_hourly_sums() -> None:
    asked: list[tuple[str, ...]] = []

    def usage(world, month, allocations):  # type: ignore[no-untyped-def]
        asked.append(tuple(allocations))
        return {"AL-2": hours("01-10 10:00", 10 * 1024)}

    node = a_node(
        owned(a_segment("2025-12-01")), owned(a_segment("2025-12-01", sku_id="egress"), id="AL-2")
    )
    period = close(node, usage=usage)
    # 100.00 + 10 GiB x 0.80 = 108.00
    assert period.total == Decimal("108.00")
    assert asked == [("AL-2",)]


def test_who_pays_is_policy_at_the_months_last_instant() -> None:
    later = a_policy(
        id="policy-2",
        effective_from=at("01-31 12:00"),
        payers=(
            PayerRule(region_id="city", payer_id=None),
            PayerRule(region_id="county", payer_id=None),
        ),
    )
    node = two_departments()
    with node.transaction() as world:
        world.put(later)
    close(node)
    with node.reading() as world:
        dep, _ = world.find(Statement)
    assert dep.payer_id == "dep"


def test_a_department_without_a_budget_is_billed_and_marked() -> None:
    node = a_node(owned(a_segment("2025-12-01")), budgets=False)
    close(node)
    with node.reading() as world:
        (statement,) = world.find(Statement)
    assert statement.total == Decimal("100.00")
    assert not statement.budgeted


def test_a_preview_shows_what_the_close_will_bill_and_stores_nothing() -> None:
    node = two_departments()
    with node.reading() as world:
        shown = preview(world, JANUARY, "self", no_usage)
        assert not world.find(RatedLine)
    close(node)
    with node.reading() as world:
        billed = world.find(RatedLine, department_id="self")
    assert [(each.id, each.amount) for each in shown] == [(each.id, each.amount) for each in billed]


def test_what_was_recorded_too_late_is_corrected_in_the_next_month() -> None:
    node = a_node(owned(a_segment("2025-12-01", 2)))
    close(node)
    with node.transaction() as world:
        # only in February it is known that one of two was released, as a resize of 11 January
        known = world.get(Allocation, "AL-1")
        world.put(owned(a_segment("2025-12-01", 2), a_segment("01-11", 1), version=known.version))
    close(node, "2026-02", at("03-06"))
    with node.reading() as world:
        lines = world.find(RatedLine, month="2026-02")
        january = world.find(RatedLine, served_month="2026-01")
        statement = world.get(Statement, "ST-2026-02/dep")
    assert [(line.kind, line.fraction, line.amount) for line in lines] == [
        (LineKind.CHARGE, "28/28", Decimal("100.00")),
        # -200.00, then 2 x 10/31 x 100 = 64.52 and 1 x 21/31 x 100 = 67.74
        (LineKind.ADJUSTMENT, "-31/31", Decimal("-200.00")),
        (LineKind.ADJUSTMENT, "10/31", Decimal("64.52")),
        (LineKind.ADJUSTMENT, "21/31", Decimal("67.74")),
    ]
    assert {line.corrects for line in lines if line.kind is LineKind.ADJUSTMENT} == {
        "RL-2026-01/AL-1/001"
    }
    with node.reading() as world:
        shown = preview(world, FEBRUARY, "dep", no_usage)
    assert [line.amount for line in shown] == [line.amount for line in lines]
    # what January comes to is what a fresh close would have billed: 64.52 + 67.74
    assert total(line.amount for line in january) == Decimal("132.26")
    assert statement.total == Decimal("100.00") + Decimal("132.26") - Decimal("200.00")


def test_a_month_that_was_right_is_not_corrected() -> None:
    node = a_node(owned(a_segment("01-10", 2), a_segment("01-20", 3)))
    close(node)
    close(node, "2026-02", at("03-06"))
    with node.reading() as world:
        assert [line.kind for line in world.find(RatedLine, month="2026-02")] == [LineKind.CHARGE]


def test_what_was_delivered_but_confirmed_after_the_close_is_billed_in_the_next_month() -> None:
    node = a_node(owned(a_segment("2025-12-01")))
    close(node)
    with node.transaction() as world:
        world.put(owned(a_segment("01-22"), id="AL-2"))
    close(node, "2026-02", at("03-06"))
    with node.reading() as world:
        late = world.find(RatedLine, allocation_id="AL-2")
    # 22..31 January: 10/31 x 100 = 32.26, and February
    assert sorted((line.served_month, line.amount) for line in late) == [
        ("2026-01", Decimal("32.26")),
        ("2026-02", Decimal("100.00")),
    ]
    assert {line.month for line in late} == {"2026-02"}


def test_a_quote_for_later_prices_the_later_month() -> None:
    node = a_node(owned(a_segment("2025-12-01")))
    with node.transaction() as world:
        later_quote(world, sku_id="vm", price="80.00", effective_from=FEBRUARY.period.start)
    assert close(node).total == Decimal("100.00")
    assert close(node, "2026-02", at("03-06")).total == Decimal("80.00")


def test_closing_is_a_command_like_any_other() -> None:
    node = two_departments()
    pass_time(node, GRACE_OVER)
    with node.transaction() as world:
        with pytest.raises(CloudmgrError) as refused:
            perform(world, CLOSE_JANUARY, Actor("nobody"), GRACE_OVER)
        assert refused.value.code == "forbidden"
        assert perform(world, CLOSE_JANUARY, FINANCE, GRACE_OVER + timedelta(hours=1)).closed_at
