"""The laws that hold for whatever was billed: lines = statements = periods = journal."""

from __future__ import annotations

from catalog.money import ZERO, total
from cloudmgr.domain.billing import BillingPeriod, Statement
from cloudmgr.domain.budget import Budget
from cloudmgr.domain.journal import PostingSet, trial_balance
from cloudmgr.domain.lines import LineKind, LineState, RatedLine, line_amount
from cloudmgr.domain.settlement import Settlement
from cloudmgr.services.memory import MemoryNode


def check_sums(node: MemoryNode) -> None:
    """Lines = statements = periods = journal, every line by its own figures."""
    with node.reading() as world:
        lines = world.find(RatedLine, state=LineState.ISSUED)
        statements = world.find(Statement)
        periods = world.find(BillingPeriod)
        balances = trial_balance(world.find(PostingSet))
        settled = world.find(Settlement)
        due = total(each.due for each in world.find(Budget) if each.department_id)
    for line in lines:
        exact = line_amount(line.quantity, line.per_unit, line.fraction, line.unit_price)
        assert line.amount == exact
    billed = total(line.amount for line in lines)
    for statement in statements:
        own = [line for line in lines if line.statement_id == statement.id]
        assert statement.total == total(line.amount for line in own)
        assert statement.line_count == len(own)
    assert total(each.total for each in statements) == billed == due
    assert total(each.total for each in periods) == billed
    assert total(balances.values()) == ZERO
    bound = [each for each in settled if each.confirmed_at]
    paid = total(each.paid for each in bound)
    withheld = total(each.withheld for each in bound)
    owed = total(line.amount for line in lines if line.kind is not LineKind.WAIVER)
    assert balances.get("Payable:prv", ZERO) == -owed + withheld + paid
    receivable = total(v for k, v in balances.items() if k.startswith("Receivable:"))
    assert receivable == billed - paid
    assert not any(v for k, v in balances.items() if k.startswith("Cash:"))
