"""Laws over random months: lines = statements = journal, and doing it again changes nothing."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from catalog.money import ZERO, amount, total
from catalog.period import Month
from cloudmgr.domain.allocations import Allocation, SegmentMode
from cloudmgr.domain.billing import BillingPeriod, Credit, Statement, StatementState
from cloudmgr.domain.budget import Budget
from cloudmgr.domain.journal import PostingSet
from cloudmgr.domain.lines import LineKind, RatedLine
from cloudmgr.domain.policy import Proration
from cloudmgr.domain.rating import HourlySums
from cloudmgr.domain.settlement import Settlement, SettlementState
from cloudmgr.services.memory import MemoryNode
from cloudmgr.services.settlements import (
    ConfirmSettlement,
    DraftSettlements,
    ReviewSettlement,
)
from cloudmgr.services.settlements_payment import RecordInvoice, RecordPayment, RequestPayment
from cloudmgr.services.statements import (
    ObjectionDecision,
    ObjectToStatement,
    ResolveObjection,
)
from cloudmgr.services.world import World
from tests.support.billed import check_sums
from tests.support.billing_world import (
    FINANCE,
    PROVIDER,
    SECOND_FINANCE,
    USER,
    a_node,
    a_policy,
    close,
    do,
    owned,
    pass_time,
    put_score,
)
from tests.support.money import a_segment, at, hours

MODES = st.sampled_from(list(SegmentMode))
SKUS = st.sampled_from(("vm", "vm-4c", "disk", "egress"))
DAYS = st.integers(min_value=1, max_value=31)


@st.composite
def allocations(draw: st.DrawFn) -> tuple[Allocation, ...]:
    """Up to five resources of two departments with resizes, trials, stops and ends in January."""
    made = []
    for index in range(draw(st.integers(1, 5))):
        sku_id = draw(SKUS)
        days = sorted(draw(st.sets(DAYS, min_size=1, max_size=4)))
        hour = draw(st.integers(0, 23))
        segments = [
            a_segment(f"01-{day:02d} {hour:02d}:30", draw(st.integers(1, 9)), sku_id, draw(MODES))
            for day in days
        ]
        end = draw(st.none() | st.integers(days[-1], 31))
        made.append(
            owned(
                *segments,
                id=f"AL-{index}",
                department_id=draw(st.sampled_from(("dep", "self"))),
                end=f"01-{end:02d} 23:45" if end else None,
            )
        )
    return tuple(made)


def usage(world: World, month: Month, ids: Collection[str]) -> Mapping[str, HourlySums]:
    """Metered resources use 3 000 MiB an hour of two days, enough for the second tier."""
    start = f"{month}-10 00:00"
    return {id: hours(start, *(3000 for _ in range(48))) for id in ids}


def closed(stock: tuple[Allocation, ...], proration: Proration = Proration.DAY) -> MemoryNode:
    node = a_node(*stock, policy=a_policy(proration=proration))
    close(node, usage=usage)
    return node


@given(allocations(), st.sampled_from(list(Proration)))
def test_lines_are_statements_are_journal(
    stock: tuple[Allocation, ...], proration: Proration
) -> None:
    check_sums(closed(stock, proration))


@given(allocations())
def test_the_same_month_closed_twice_is_the_same_month(stock: tuple[Allocation, ...]) -> None:
    one, other = closed(stock), closed(stock)
    with one.reading() as first, other.reading() as second:
        for kind in (BillingPeriod, RatedLine, Statement, PostingSet, Budget):
            assert first.find(kind) == second.find(kind)


@given(allocations(), st.integers(1, 3))
def test_the_size_of_pages_changes_nothing(stock: tuple[Allocation, ...], size: int) -> None:
    one, other = closed(stock), a_node(*stock)
    close(other, usage=usage, page_size=size)
    with one.reading() as first, other.reading() as second:
        assert first.find(RatedLine) == second.find(RatedLine)
        assert first.find(Statement) == second.find(Statement)


@given(allocations(), allocations())
def test_corrections_bring_a_month_to_what_a_fresh_close_gives(
    known: tuple[Allocation, ...], truth: tuple[Allocation, ...]
) -> None:
    node = closed(known)
    with node.transaction() as world:
        for allocation in truth:
            held = world.seek(Allocation, allocation.id)
            owner = held.department_id if held else allocation.department_id
            renewed = replace(allocation, department_id=owner, version=held.version if held else 0)
            if held is None or held.state == allocation.state:
                world.put(renewed)
    with node.reading() as world:
        after = tuple(replace(each, version=0) for each in world.find(Allocation))
    close(node, "2026-02", at("03-06"), usage=usage)
    check_sums(node)
    fresh = closed(after)
    with node.reading() as mended, fresh.reading() as right:
        for department in ("dep", "self"):
            assert total(
                line.amount
                for line in mended.find(RatedLine, served_month="2026-01", department_id=department)
            ) == total(line.amount for line in right.find(RatedLine, department_id=department))


@given(allocations(), st.integers(0, 100), st.integers(6000, 10000))
def test_through_objection_settlement_and_payment_everything_still_adds_up(
    stock: tuple[Allocation, ...], percent: int, score: int
) -> None:
    node = closed(stock)
    credited = object_and_credit(node, percent)
    check_sums(node)
    close(node, "2026-02", at("03-06"), usage=usage)
    pass_time(node, at("03-30"))
    check_sums(node)
    put_score(node, f"{Decimal(score).scaleb(-2):.2f}")
    drafted = do(node, DraftSettlements(cycle="2026-01"), FINANCE, at("03-30"))
    for settlement in drafted:
        pay(node, settlement)
    assert do(node, DraftSettlements(cycle="2026-01"), FINANCE, at("03-30")) == ()
    check_sums(node)
    with node.reading() as world:
        served = world.find(RatedLine, served_month="2026-01")
        # A waiver is the payer's and lowers nobody's gross.
        owed = [line for line in served if line.kind is not LineKind.WAIVER]
        assert total(each.lines_total for each in drafted) == total(x.amount for x in owed)
    assert credited == -total(x.amount for x in served if x.kind is LineKind.ADJUSTMENT)


def object_and_credit(node: MemoryNode, percent: int) -> Decimal:
    """Object to the dearest line of `dep` and give back a share of it; returns what."""
    with node.reading() as world:
        lines = world.find(RatedLine, department_id="dep")
    dearest = max(lines, key=lambda line: (line.amount, line.id), default=None)
    if dearest is None or not dearest.amount:
        return ZERO
    statement_id = dearest.statement_id or ""
    do(
        node,
        ObjectToStatement(statement_id=statement_id, line_ids=(dearest.id,), reason="off"),
        USER,
        at("02-06"),
    )
    back = amount(f"{dearest.amount * percent / 100:.2f}")
    credit = bool(back)
    answered = do(
        node,
        ResolveObjection(
            statement_id=statement_id,
            decision=ObjectionDecision.CREDIT if credit else ObjectionDecision.REFUSE,
            reason="looked into it",
            credits=(Credit(dearest.id, back),) if credit else (),
        ),
        FINANCE,
        at("02-09"),
    )
    assert answered.state is StatementState.CONFIRMED
    return back


def pay(node: MemoryNode, settlement: Settlement) -> None:
    """From the draft to the last voucher, in two payments."""
    id, now = settlement.id, at("03-30")
    do(node, ConfirmSettlement(settlement_id=id), PROVIDER, now)
    do(node, ConfirmSettlement(settlement_id=id), FINANCE, now)
    do(node, ReviewSettlement(settlement_id=id), SECOND_FINANCE, now)
    payable = settlement.payable or ZERO
    do(
        node,
        RecordInvoice(
            settlement_id=id,
            number=id,
            issued_on=at("03-30").date(),
            tax_rate=Decimal("0.06"),
            net=payable,
            tax=ZERO,
            total=payable,
        ),
        PROVIDER,
        now,
    )
    do(node, RequestPayment(settlement_id=id), FINANCE, now)
    half = amount(f"{payable / 2:.2f}")
    parts = [part for part in (half, payable - half) if part] or [ZERO]
    for number, part in enumerate(parts):
        command = RecordPayment(settlement_id=id, voucher_number=f"V{number}", amount=part)
        paid = do(node, command, FINANCE, now)
    assert paid.state is SettlementState.PAID
