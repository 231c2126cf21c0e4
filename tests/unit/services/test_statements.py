"""What may happen to a statement after it was issued, and what it does to the money."""

from __future__ import annotations

from decimal import Decimal

import pytest

from catalog.errors import CloudmgrError
from catalog.money import amount, total
from cloudmgr.domain.access import Actor
from cloudmgr.domain.billing import BillingPeriod, Credit, CreditNote, Statement, StatementState
from cloudmgr.domain.journal import PostingSet, trial_balance
from cloudmgr.domain.lines import LineKind, LineState, RatedLine
from cloudmgr.services.commands import Command
from cloudmgr.services.memory import MemoryNode
from cloudmgr.services.statements import (
    ConfirmStatement,
    ObjectionDecision,
    ObjectToStatement,
    ResolveObjection,
)
from tests.support.billing_world import (
    FINANCE,
    GRACE_OVER,
    OTHER_USER,
    USER,
    a_node,
    close,
    do,
    owned,
    pass_time,
)
from tests.support.money import a_segment, at

ID = "ST-2026-01/dep"
LINE = "RL-2026-01/AL-1/001"
NOON = at("02-06 12:00")


def issued() -> MemoryNode:
    """Statements of January: `dep` 200.00 + 75.00 (a disk), `self` 100.00."""
    node = a_node(
        owned(a_segment("2025-12-01", 2)),
        owned(a_segment("2025-12-01", 100, "disk"), id="AL-2"),
        owned(a_segment("2025-12-01"), id="AL-3", department_id="self"),
    )
    close(node)
    return node


def statement(node: MemoryNode, id: str = ID) -> Statement:
    with node.reading() as world:
        return world.get(Statement, id)


def refusal(node: MemoryNode, command: Command, actor: Actor = USER) -> str:
    with pytest.raises(CloudmgrError) as refused:
        do(node, command, actor, NOON)
    return refused.value.code


def objected(node: MemoryNode) -> Statement:
    command = ObjectToStatement(statement_id=ID, line_ids=(LINE,), reason="one was off")
    result: Statement = do(node, command, USER, NOON)
    return result


def credit(value: str, line_id: str = LINE) -> ResolveObjection:
    return ResolveObjection(
        statement_id=ID,
        decision=ObjectionDecision.CREDIT,
        reason="checked: it was",
        credits=(Credit(line_id, amount(value)),),
    )


def test_a_department_confirms_its_statement_and_is_not_reminded() -> None:
    node = issued()
    confirmed = do(node, ConfirmStatement(statement_id=ID), USER, NOON)
    assert confirmed.state is StatementState.CONFIRMED
    assert (confirmed.confirmed_by, confirmed.confirmed_at, confirmed.deemed) == (
        "user",
        NOON,
        False,
    )
    pass_time(node, at("03-01"))
    assert not [m for m in node.messages if m.topic == "statement_reminder" and m.subject == ID]
    assert statement(node) == confirmed


def test_silence_counts_as_confirmation_after_two_reminders_and_is_marked() -> None:
    node = issued()
    pass_time(node, at("02-12 23:59"))
    assert statement(node).state is StatementState.ISSUED
    pass_time(node, at("02-20"))
    deemed = statement(node)
    assert (deemed.state, deemed.deemed) == (StatementState.CONFIRMED, True)
    assert deemed.confirmed_at == at("02-13") == deemed.due_at
    reminders = [m for m in node.messages if m.topic == "statement_reminder" and m.subject == ID]
    # 5 Feb + 2 and + 4 working days
    assert [m.at for m in reminders] == [at("02-10"), at("02-12")]


def test_another_departments_statement_is_not_found() -> None:
    node = issued()
    assert refusal(node, ConfirmStatement(statement_id=ID), OTHER_USER) == "not_found"
    command = ObjectToStatement(statement_id=ID, line_ids=(LINE,), reason="not mine")
    assert refusal(node, command, OTHER_USER) == "not_found"


def test_a_statement_is_confirmed_once() -> None:
    node = issued()
    do(node, ConfirmStatement(statement_id=ID), USER, NOON)
    assert refusal(node, ConfirmStatement(statement_id=ID)) == "illegal_transition"


def test_an_objection_holds_its_own_lines_only() -> None:
    node = issued()
    held = objected(node)
    assert held.state is StatementState.OBJECTED
    assert held.holds(LINE)
    assert not held.holds("RL-2026-01/AL-2/001")
    pass_time(node, at("03-01"))
    assert statement(node).state is StatementState.OBJECTED


def test_an_objection_names_lines_of_the_statement_and_a_reason() -> None:
    node = issued()
    for line_ids, reason in (
        ((LINE,), " "),
        ((), "why"),
        ((LINE, LINE), "why"),
        (("RL-2026-01/AL-3/001",), "why"),
    ):
        command = ObjectToStatement(statement_id=ID, line_ids=line_ids, reason=reason)
        assert refusal(node, command) == "bad_value"


def test_an_objection_may_be_taken_back() -> None:
    node = issued()
    objected(node)
    confirmed = do(node, ConfirmStatement(statement_id=ID), USER, NOON)
    assert confirmed.state is StatementState.CONFIRMED
    assert not confirmed.holds(LINE)


def test_a_credit_note_gives_back_in_the_earliest_open_month_and_names_what_it_corrects() -> None:
    node = issued()
    objected(node)
    answered = do(node, credit("50.00"), FINANCE, NOON)
    assert answered.state is StatementState.CONFIRMED
    with node.reading() as world:
        note = world.get(CreditNote, answered.credit_note_id)
        (line,) = world.find(RatedLine, credit_note_id=note.id)
        assert world.get(BillingPeriod, note.month).state == "open"
    assert (note.month, note.total) == ("2026-02", Decimal("50.00"))
    assert (line.month, line.served_month, line.corrects) == ("2026-02", "2026-01", LINE)
    assert (line.kind, line.amount, line.state) == (
        LineKind.ADJUSTMENT,
        Decimal("-50.00"),
        LineState.DRAFT,
    )
    assert statement(node).total == Decimal("275.00")  # issued means immutable


def test_the_next_statement_carries_the_credit_and_the_journal_with_it() -> None:
    node = issued()
    objected(node)
    do(node, credit("50.00"), FINANCE, NOON)
    close(node, "2026-02", at("03-06"))
    # February: 200.00 + 75.00 - 50.00
    assert statement(node, "ST-2026-02/dep").total == Decimal("225.00")
    with node.reading() as world:
        balances = trial_balance(world.find(PostingSet))
    assert balances["Receivable:city-finance:dep"] == Decimal("500.00")
    assert total(balances.values()) == 0


def test_a_credit_is_not_taken_back_by_a_correction() -> None:
    node = a_node(owned(a_segment("01-02", 2)))
    close(node)
    objected(node)
    do(node, credit("50.00"), FINANCE, NOON)
    close(node, "2026-02", at("03-06"))
    close(node, "2026-03", at("04-08"))
    with node.reading() as world:
        assert [line.kind for line in world.find(RatedLine, month="2026-03")] == [LineKind.CHARGE]


def test_a_debit_charges_more() -> None:
    node = issued()
    objected(node)
    do(node, credit("-12.30"), FINANCE, NOON)
    with node.reading() as world:
        (line,) = world.find(RatedLine, kind=LineKind.ADJUSTMENT)
    assert (line.amount, line.fraction) == (Decimal("12.30"), "1/1")


def test_a_refusal_needs_a_reason_and_gives_nothing() -> None:
    node = issued()
    objected(node)
    refuse = ResolveObjection(
        statement_id=ID, decision=ObjectionDecision.REFUSE, reason="it was running"
    )
    assert refusal(node, ResolveObjection(statement_id=ID, decision=refuse.decision, reason=""),
                   FINANCE) == "bad_value"  # fmt: skip
    answered = do(node, refuse, FINANCE, NOON)
    assert (answered.state, answered.answer, answered.credit_note_id) == (
        StatementState.CONFIRMED,
        "it was running",
        None,
    )
    with node.reading() as world:
        assert not world.find(CreditNote)


def test_no_more_is_given_back_than_a_line_objected_to_charged() -> None:
    node = issued()
    objected(node)
    assert refusal(node, credit("200.01"), FINANCE) == "bad_value"
    assert refusal(node, credit("1.00", "RL-2026-01/AL-2/001"), FINANCE) == "bad_value"
    assert refusal(node, credit("0.00"), FINANCE) == "bad_value"
    do(node, credit("200.00"), FINANCE, NOON)


def test_nobody_answers_an_objection_that_was_not_made() -> None:
    assert refusal(issued(), credit("1.00"), FINANCE) == "bad_value"


def test_departments_do_not_answer_their_own_objection() -> None:
    node = issued()
    objected(node)
    assert refusal(node, credit("1.00"), USER) == "forbidden"


def test_the_department_is_told_when_its_statement_is_there() -> None:
    node = issued()
    told = [m for m in node.messages if m.topic == "statement_issued"]
    assert [m.subject for m in told] == [ID, "ST-2026-01/self"]
    assert {m.at for m in told} == {GRACE_OVER}
