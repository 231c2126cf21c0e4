"""Laws over random months with their own prices and readings: what is measured is billed, what is
billed is posted, and nothing of it moves by doing it again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.errors import CloudmgrError
from catalog.money import amount, total
from catalog.period import midnight
from catalog.skus import PricingModel
from cloudmgr.domain.allocations import Allocation, SegmentMode
from cloudmgr.domain.audit import verify
from cloudmgr.domain.billing import Credit, Statement
from cloudmgr.domain.lines import LineKind, RatedLine
from cloudmgr.domain.metering import MeterReading
from cloudmgr.domain.policy import Proration
from cloudmgr.domain.usage import UsageBatch
from cloudmgr.services.closing import close_period
from cloudmgr.services.memory import MemoryNode
from cloudmgr.services.periods import ClosePeriod
from cloudmgr.services.statements import (
    ObjectionDecision,
    ObjectToStatement,
    ResolveObjection,
)
from cloudmgr.services.usage import IngestUsage, hourly_sums
from cloudmgr.usage.engine import DuckDbEngine
from cloudmgr.usage.lake import MemoryLake
from tests.support.billed import check_sums
from tests.support.billing_world import (
    FINANCE,
    OTHER_USER,
    PROVIDER,
    USER,
    a_policy,
    close,
    do,
    later_quote,
    owned,
    put_world,
)
from tests.support.money import JANUARY, a_segment, at
from tests.support.supply import a_pool
from tests.support.usage import batch

START = JANUARY.period.start
ENGINE = DuckDbEngine(threads=1, memory_limit_mib=256)
SKUS = (("vm", "vm-4c"), ("disk",), ("egress",), ("move",))
"""Skus a resource may be resized between."""
PRICES = {"vm": 120, "vm-4c": 200}
"""Ceilings in yuan of the Skus whose prices change."""
LATE = at("02-20")
"""After the close: too late for January's bill."""


@dataclass(frozen=True)
class MonthPlan:
    """What happens in a January: resources, price changes, readings by the day they are sent."""

    stock: tuple[Allocation, ...]
    prices: tuple[tuple[str, int, int], ...]
    sent: tuple[tuple[datetime, tuple[MeterReading, ...]], ...]


@st.composite
def resources(draw: st.DrawFn, number: int) -> Allocation:
    """Delivered before or in January, on trial or charged, resized, stopped, perhaps released.
    The first is a metered one."""
    skus = draw(st.sampled_from(SKUS)) if number else ("egress",)
    days = sorted(draw(st.sets(st.integers(-20, 30), min_size=1, max_size=4)))
    moments = [START + timedelta(days=day, minutes=draw(st.integers(0, 1439))) for day in days]
    segments = [
        replace(
            a_segment("01-01", draw(st.integers(1, 9)), draw(st.sampled_from(skus))),
            start=moment,
            mode=draw(st.sampled_from(list(SegmentMode))),
        )
        for moment in moments
    ]
    made = owned(
        *segments,
        id=f"AL-{number}",
        department_id=draw(st.sampled_from(("dep", "self"))),
        end=draw(st.sampled_from((None, "01-31 12:15", "02-10"))),
    )
    if made.ended_at is not None and made.ended_at <= moments[-1]:
        return replace(made, ended_at=moments[-1] + timedelta(hours=7))
    return made


@st.composite
def plans(draw: st.DrawFn) -> MonthPlan:
    stock = tuple(draw(resources(number)) for number in range(draw(st.integers(1, 4))))
    changes = st.tuples(st.sampled_from(tuple(PRICES)), st.integers(2, 31), st.integers(1, 100))
    prices = draw(st.lists(changes, max_size=4, unique_by=lambda each: each[:2]))
    metered = [each.id for each in stock if each.sku_id == "egress"]
    readings = st.builds(
        MeterReading,
        resource=st.sampled_from(metered),
        meter=st.just("egress_mib"),
        time=st.integers(0, 31 * 288 - 1).map(lambda k: START + k * timedelta(minutes=5)),
        value=st.integers(0, 60_000),
    )
    sent = st.tuples(
        st.sampled_from((at("02-01 08:00"), at("02-03"), LATE)),
        st.lists(readings, max_size=30).map(tuple),
    )
    return MonthPlan(stock, tuple(prices), tuple(draw(st.lists(sent, max_size=4))))


def lived(plan: MonthPlan, proration: Proration = Proration.DAY) -> MemoryNode:
    """January as planned, closed; what is sent late is sent after that."""
    node = MemoryNode(MemoryLake(ENGINE))
    with node.transaction() as world:
        put_world(world, plan.stock, policy=a_policy(proration=proration))
        world.put(a_pool(id="pool"))
        for sku_id, day, percent in plan.prices:
            price = f"{PRICES[sku_id] * percent / 100:.2f}"
            effective = midnight(JANUARY.first.replace(day=day))
            later_quote(world, sku_id=sku_id, price=price, effective_from=effective)
    for number, (moment, readings) in enumerate(plan.sent):
        if moment < LATE:
            send(node, number, moment, readings)
    close(node, usage=hourly_sums)
    for number, (moment, readings) in enumerate(plan.sent):
        if moment == LATE:
            send(node, number, moment, readings)
    return node


def send(
    node: MemoryNode, number: int, moment: datetime, readings: tuple[MeterReading, ...]
) -> None:
    command = IngestUsage(batch_id=f"b-{number}", pool_id="pool", batch=batch(*readings))
    do(node, command, PROVIDER, moment)


def measured(node: MemoryNode) -> dict[str, int]:
    """The units of each resource that had come in by the close."""
    with node.reading() as world:
        in_time = [
            name
            for each in sorted(world.find(UsageBatch), key=lambda each: each.sequence)
            for name in each.partitions
            if each.received_at < LATE
        ]
    rows = node.usage.rollup_month(in_time, JANUARY).to_pylist()
    return {row["resource"]: row["sum"] for row in rows if row["sum"]}


@given(plans(), st.sampled_from(list(Proration)))
def test_whatever_happens_in_a_month_its_lines_are_its_statements_are_its_journal(
    plan: MonthPlan, proration: Proration
) -> None:
    node = lived(plan, proration)
    check_sums(node)
    close(node, "2026-02", at("03-06"), usage=hourly_sums)
    check_sums(node)
    assert verify(iter(node.events)) == len(node.events)


@given(plans())
def test_every_unit_that_was_measured_in_time_stands_in_one_line(plan: MonthPlan) -> None:
    """Also what is not charged: trials and stops are shown with their use, at no price. What
    somebody else bears is shown a second time, as what he gives."""
    node = lived(plan)
    with node.reading() as world:
        lines = world.find(RatedLine, model=PricingModel.METERED, served_month="2026-01")
    shown: dict[str, int] = {}
    for line in lines:
        if line.kind in (LineKind.WAIVER, LineKind.DISCOUNT):
            continue
        shown[line.allocation_id] = shown.get(line.allocation_id, 0) + line.quantity
    assert shown == measured(node)


@given(plans())
def test_closing_again_changes_nothing(plan: MonthPlan) -> None:
    node = lived(plan)
    before = {kind: dict(records) for kind, records in node.records.items()}
    with pytest.raises(CloudmgrError) as refused:
        close_period(node, ClosePeriod(month="2026-01"), FINANCE, LATE)
    assert refused.value.code == "period_closed"
    assert {kind: dict(records) for kind, records in node.records.items()} == before
    assert lived(plan).records == node.records


@given(plans(), st.integers(1, 100), st.integers(0, 99))
def test_objections_move_what_they_credit_and_nothing_else(
    plan: MonthPlan, percent: int, pick: int
) -> None:
    node = lived(plan)
    with node.reading() as world:
        statements = {each.id: each for each in world.find(Statement)}
        charged = [line for line in world.find(RatedLine) if line.amount > 0]
    if not charged:
        return
    line = charged[pick % len(charged)]
    back = amount(f"{line.amount * percent / 100:.2f}")
    object_to(node, line, back)
    check_sums(node)
    with node.reading() as world:
        after = {each.id: each for each in world.find(Statement)}
        given = [each for each in world.find(RatedLine) if each.kind is LineKind.ADJUSTMENT]
    assert {id: each.total for id, each in after.items()} == {
        id: each.total for id, each in statements.items()
    }
    close(node, "2026-02", at("03-06"), usage=hourly_sums)
    check_sums(node)
    assert -total(each.amount for each in given) == back


def object_to(node: MemoryNode, line: RatedLine, back: Decimal) -> None:
    """A department objects to a line, and finance gives so much of it back."""
    statement_id = line.statement_id or ""
    user = USER if line.department_id == "dep" else OTHER_USER
    objection = ObjectToStatement(statement_id=statement_id, line_ids=(line.id,), reason="off")
    do(node, objection, user, at("02-06"))
    answer = ResolveObjection(
        statement_id=statement_id,
        decision=ObjectionDecision.CREDIT if back else ObjectionDecision.REFUSE,
        reason="looked into it",
        credits=(Credit(line.id, back),) if back else (),
    )
    do(node, answer, FINANCE, at("02-09"))
