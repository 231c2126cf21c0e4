"""A month of the reference city, played in memory: what is in it, and what it depends on."""

from __future__ import annotations

import json
from typing import Any

from catalog.load import find_version
from catalog.money import amount, total
from catalog.skus import PricingModel
from cloudmgr.cities.opening import opening_lines
from cloudmgr.domain.allocations import Allocation
from cloudmgr.domain.audit import verify
from cloudmgr.domain.journal import PostingSet, trial_balance
from cloudmgr.domain.lines import LineState, RatedLine
from cloudmgr.domain.requests import RequestKind
from cloudmgr.domain.settlement import Settlement, SettlementState
from cloudmgr.services.memory import MemoryNode
from simulator.city.demand import shares_for
from tests.support.plays import flat_shares, january, play_on, the_city


def told() -> dict[str, Any]:
    return january()[1]


def node() -> MemoryNode:
    return january()[0]


def test_the_same_seed_gives_the_same_bytes_twice() -> None:
    again = MemoryNode()
    repeated = play_on(again, shares_for(the_city(), seed=1))
    assert json.dumps(repeated) == json.dumps(told())
    assert again.records == node().records
    assert again.events[-1].hash == node().events[-1].hash


def test_another_seed_gives_another_month() -> None:
    other = january(seed=2)[1]
    for part in ("requests", "statements", "settlements", "billed_total"):
        assert other[part] != told()[part]


def test_another_trace_gives_another_bill_and_other_scores() -> None:
    """The city as it is, but every machine runs at four fifths of its size all the time."""
    busy = play_on(MemoryNode(), flat_shares(80))
    assert busy["billed_total"] != told()["billed_total"]
    assert busy["scores"] != told()["scores"]
    assert busy["settlements"] != told()["settlements"]


def test_the_city_begins_with_hundreds_of_allocations_and_adds_requests_of_every_kind() -> None:
    assert len(opening_lines(the_city(), find_version(the_city().catalog_id))) >= 400
    assert sum(told()["requests"].values()) >= 120
    assert set(told()["request_kinds"]) == {str(kind) for kind in RequestKind}
    assert told()["departments"] == 46
    assert told()["allocations"] >= 400


def test_requests_end_in_more_ways_than_one() -> None:
    assert {"completed", "rejected", "withdrawn"} <= set(told()["requests"])
    assert told()["deemed"] > 0


def test_at_least_four_metered_skus_are_billed() -> None:
    with node().reading() as world:
        lines = world.find(RatedLine, model=PricingModel.METERED)
    assert len({line.sku_id for line in lines if line.amount > 0}) >= 4


def test_every_reading_sent_is_accepted_or_quarantined() -> None:
    rows = told()["usage_rows"]
    assert rows["sent"] == rows["accepted"] + rows["quarantined"] > 1_000_000
    assert rows["quarantined"] > 0


def test_lines_statements_and_journal_say_the_same_sum() -> None:
    with node().reading() as world:
        lines = world.find(RatedLine, state=LineState.ISSUED)
        balances = trial_balance(world.find(PostingSet))
        settlements = world.find(Settlement)
    billed = total(line.amount for line in lines)
    assert billed == total(amount(each) for each in told()["statements"].values())
    assert billed == amount(told()["billed_total"])
    assert told()["journal_balance"] == "0.00" == f"{total(balances.values()):f}"
    receivable = total(sum_ for name, sum_ in balances.items() if name.startswith("Receivable:"))
    # A payer owes what is billed and not yet paid; what a score withholds stays with the payer.
    assert receivable == billed - total(each.paid for each in settlements)


def test_every_settlement_of_the_month_is_paid_by_its_score() -> None:
    with node().reading() as world:
        settlements = world.find(Settlement)
    assert {each.state for each in settlements} == {SettlementState.PAID}
    gross = total(amount(each["gross"]) for each in told()["settlements"].values())
    payable = total(amount(each["payable"]) for each in told()["settlements"].values())
    deduction = total(amount(each["deduction"]) for each in told()["settlements"].values())
    assert gross - deduction == payable == amount(told()["settled_total"])
    assert deduction > 0
    assert set(told()["scores"]) == set(told()["settlements"])


def test_allocations_carry_their_number_in_the_order_of_making() -> None:
    """Allocation i follows trace i mod n: the numbers run from 1 without a gap."""
    with node().reading() as world:
        ids = [each.id for each in world.find(Allocation)]
    assert ids == [f"ALC-{number:08d}" for number in range(1, len(ids) + 1)]


def test_the_audit_chain_holds_to_its_end() -> None:
    assert verify(iter(node().events)) == told()["audit_events"]
