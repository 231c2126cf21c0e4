"""From the closed cycle to the treasury's voucher: who may do what, and what it moves."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

from catalog.money import amount
from cloudmgr.domain.access import Actor
from cloudmgr.domain.allocations import Allocation, SegmentMode
from cloudmgr.domain.billing import Statement, StatementState
from cloudmgr.domain.contracts import Contract
from cloudmgr.domain.incidents import Incident, Severity
from cloudmgr.domain.lines import LineKind
from cloudmgr.domain.quotes import Quote
from cloudmgr.domain.settlement import SettlementState
from cloudmgr.services.settlements import (
    ConfirmSettlement,
    DecideCoefficient,
    ReviewSettlement,
)
from cloudmgr.services.statements import (
    ConfirmStatement,
    ObjectionDecision,
    ObjectToStatement,
    ResolveObjection,
)
from tests.support.billing_world import (
    FINANCE,
    OPERATOR,
    OTHER_PROVIDER,
    PROVIDER,
    SECOND_FINANCE,
    USER,
    a_contract,
    a_node,
    close,
    do,
    owned,
    pass_time,
    put_score,
)
from tests.support.money import a_segment, at, rated
from tests.support.settling import (
    DRAFT,
    ID,
    LATER,
    balances,
    closed,
    confirmed,
    draft,
    refusal,
    settled,
)


def test_a_settlement_is_gross_times_the_coefficient() -> None:
    node = closed()
    (made,) = draft(node)
    assert made.id == ID
    assert (made.gross, made.coefficient) == (Decimal("275.00"), Fraction(39, 40))
    # 275.00 x 1/40 = 6.875 -> 6.88
    assert (made.deduction, made.payable) == (Decimal("6.88"), Decimal("268.12"))
    assert made.state is SettlementState.DRAFTED
    assert made.working.startswith("82.50 lies in 75.00 to 90.00")


def test_drafting_again_makes_nothing_new() -> None:
    node = closed()
    draft(node)
    assert draft(node) == ()


def test_nothing_is_settled_before_the_month_is_closed_and_the_score_final() -> None:
    node = a_node(owned(a_segment("2025-12-01")))
    assert refusal(node, DRAFT) == "period_not_closed"
    close(node)
    pass_time(node, LATER)
    assert refusal(node, DRAFT) == "assessment_not_final"
    put_score(node, "80.00", final=False)
    assert refusal(node, DRAFT) == "assessment_not_final"


def test_lines_nobody_confirmed_wait() -> None:
    node = a_node(owned(a_segment("2025-12-01")))
    close(node)
    put_score(node, "95.00")
    assert do(node, DRAFT, FINANCE, at("02-06")) == ()
    pass_time(node, LATER)
    assert [each.gross for each in draft(node)] == [Decimal("100.00")]


def test_lines_objected_to_wait_and_are_settled_by_a_second_paper() -> None:
    node = a_node(
        owned(a_segment("2025-12-01", 2)),
        owned(a_segment("2025-12-01", 100, "disk"), id="AL-2"),
    )
    close(node)
    put_score(node, "82.50")
    line = "RL-2026-01/AL-1/001"
    objection = ObjectToStatement(statement_id="ST-2026-01/dep", line_ids=(line,), reason="off")
    do(node, objection, USER, at("02-06"))
    (first,) = draft(node)
    # only the disk: 75.00 x 1/40 = 1.875 -> 1.88
    assert (first.gross, first.payable) == (Decimal("75.00"), Decimal("73.12"))
    do(
        node,
        ResolveObjection(
            statement_id="ST-2026-01/dep", decision=ObjectionDecision.REFUSE, reason="it ran"
        ),
        FINANCE,
        LATER,
    )
    (second,) = draft(node)
    assert (second.sequence, second.gross) == (2, Decimal("275.00"))
    # 268.12 in all, less the 73.12 of the first
    assert (second.settled_before, second.payable) == (Decimal("73.12"), Decimal("195.00"))
    confirmed(node, first.id)
    confirmed(node, second.id)
    assert balances(node)["Deductions:city-finance"] == Decimal("-6.88")
    assert balances(node)["Payable:prv"] == Decimal("-268.12")


def test_interrupted_resources_give_service_credits_on_their_lines() -> None:
    node = closed(score="95.00")
    with node.transaction() as world:
        world.put(
            Incident(
                id="INC-1",
                provider_id="prv",
                pool_id="pool",
                allocation_ids=("AL-1",),
                severity=Severity.MAJOR,
                description="power",
                reported_by="prv",
                opened_at=at("01-10 00:00"),
                restored_at=at("01-10 10:00"),
            )
        )
    (made,) = draft(node)
    # 10 h of 744 h: 98.66 % is below 99 %: 30 % of 200.00 = 60.00
    assert (made.service_credits, made.gross) == (Decimal("60.00"), Decimal("215.00"))
    assert made.payable == Decimal("215.00")
    confirmed(node)
    assert balances(node)["Payable:prv"] == Decimal("-215.00")


def test_what_the_payer_waives_lowers_no_gross() -> None:
    node = a_node(owned(a_segment("2025-12-01", 2)))
    (line,) = rated(a_segment("2025-12-01", 2))
    waiver = replace(
        line, id="RL-2026-01/AL-1/W", kind=LineKind.WAIVER, fraction="-1/4", amount=amount("-50")
    )
    with node.transaction() as world:
        world.put(waiver)
    close(node)
    pass_time(node, LATER)
    put_score(node, "95.00")
    (made,) = draft(node)
    assert made.gross == Decimal("200.00")
    assert balances(node) == {
        "Payable:prv": Decimal("-200.00"),
        "Receivable:city-finance:dep": Decimal("150.00"),
        "Subsidy:city-finance": Decimal("50.00"),
    }


def test_both_sides_confirm_by_different_people() -> None:
    node = closed()
    draft(node)
    half = do(node, ConfirmSettlement(settlement_id=ID), PROVIDER, LATER)
    assert (half.state, half.provider_confirmed_by) == (SettlementState.DRAFTED, "seller")
    assert refusal(node, ConfirmSettlement(settlement_id=ID), PROVIDER) == "not_confirmed"
    both = Actor("seller", FINANCE.grants)
    assert refusal(node, ConfirmSettlement(settlement_id=ID), both) == "same_person"
    whole = do(node, ConfirmSettlement(settlement_id=ID), OPERATOR, LATER)
    assert (whole.state, whole.payer_confirmed_by) == (SettlementState.CONFIRMED, "ops")


def test_another_providers_settlement_is_not_found() -> None:
    node = closed()
    draft(node)
    assert refusal(node, ConfirmSettlement(settlement_id=ID), OTHER_PROVIDER) == "not_found"
    assert refusal(node, ConfirmSettlement(settlement_id=ID), USER) == "forbidden"


def test_a_confirmation_counts_against_the_contract_and_is_posted() -> None:
    node = closed()
    draft(node)
    confirmed(node)
    with node.reading() as world:
        assert world.get(Contract, "contract").settled == Decimal("268.12")
    assert balances(node) == {
        "Deductions:city-finance": Decimal("-6.88"),
        "Payable:prv": Decimal("-268.12"),
        "Receivable:city-finance:dep": Decimal("275.00"),
    }


def test_no_settlement_exceeds_its_contract() -> None:
    node = closed(contract=a_contract(total=amount("268.11")))
    draft(node)
    do(node, ConfirmSettlement(settlement_id=ID), PROVIDER, LATER)
    assert refusal(node, ConfirmSettlement(settlement_id=ID)) == "contract_total_exceeded"
    assert settled(node).state is SettlementState.DRAFTED


def test_a_confirmed_settlement_settles_the_statements_it_stands_on() -> None:
    node = closed()
    with node.transaction() as world:
        world.put(owned(a_segment("02-01"), id="AL-9"))
    draft(node)
    with node.reading() as world:
        assert world.get(Statement, "ST-2026-01/dep").state is StatementState.CONFIRMED
    confirmed(node)
    with node.reading() as world:
        assert world.get(Statement, "ST-2026-01/dep").state is StatementState.SETTLED
    assert refusal(node, ConfirmStatement(statement_id="ST-2026-01/dep"), USER) == (
        "illegal_transition"
    )


def test_a_statement_is_settled_with_the_last_of_its_contracts() -> None:
    node = a_node(
        owned(a_segment("2025-12-01")), owned(a_segment("2025-12-01"), id="AL-2", pool_id="pool-2")
    )
    with node.transaction() as world:
        world.put(a_contract(id="contract-2", pool_ids=("pool-2",)))
        world.put(replace(world.get(Quote, "q-vm"), id="q2", version=0,
                          contract_id="contract-2", pool_id="pool-2"))  # fmt: skip
    close(node)
    pass_time(node, LATER)
    put_score(node, "95.00")
    for made, state in zip(
        draft(node), (StatementState.CONFIRMED, StatementState.SETTLED), strict=True
    ):
        confirmed(node, made.id)
        with node.reading() as world:
            assert world.get(Statement, "ST-2026-01/dep").state is state


def test_a_confirmed_statement_of_nothing_is_settled_with_the_draft() -> None:
    node = a_node(owned(a_segment("01-05", mode=SegmentMode.TRIAL)))
    close(node)
    pass_time(node, LATER)
    assert draft(node) == ()
    with node.reading() as world:
        assert world.get(Statement, "ST-2026-01/dep").state is StatementState.SETTLED


def test_a_low_score_holds_the_payment_until_two_people_decide() -> None:
    node = closed(score="59.99")
    (held,) = draft(node)
    assert (held.state, held.payable, held.coefficient) == (SettlementState.HELD, None, None)
    assert draft(node) == ()
    assert refusal(node, ConfirmSettlement(settlement_id=ID)) == "illegal_transition"
    decide = DecideCoefficient(settlement_id=ID, coefficient=Fraction(7, 10), reason="agreed cut")
    proposed = do(node, decide, FINANCE, LATER)
    assert (proposed.state, proposed.proposed_by) == (SettlementState.HELD, "fin")
    assert refusal(node, decide, FINANCE) == "same_person"
    done = do(node, decide, SECOND_FINANCE, LATER)
    # 275.00 x 3/10 = 82.50
    assert (done.state, done.deduction, done.payable) == (
        SettlementState.DRAFTED,
        Decimal("82.50"),
        Decimal("192.50"),
    )
    assert done.working == "decided: 0.7; agreed cut"
    assert draft(node) == ()
    assert confirmed(node).state is SettlementState.CONFIRMED


def test_another_figure_is_a_new_proposal() -> None:
    node = closed(score=None)
    draft(node)
    for actor, share in ((FINANCE, Fraction(7, 10)), (SECOND_FINANCE, Fraction(8, 10))):
        decide = DecideCoefficient(settlement_id=ID, coefficient=share, reason="talks")
        assert do(node, decide, actor, LATER).state is SettlementState.HELD
    assert settled(node).proposed_by == "fin2"


def test_who_confirmed_does_not_review() -> None:
    node = closed()
    draft(node)
    confirmed(node)
    assert refusal(node, ReviewSettlement(settlement_id=ID), FINANCE) == "same_person"
    reviewed = do(node, ReviewSettlement(settlement_id=ID), SECOND_FINANCE, LATER)
    assert reviewed.state is SettlementState.FINANCE_REVIEWED


def test_a_settlement_that_comes_to_another_sum_is_trued_up() -> None:
    node = closed(score="90.00")
    (first,) = draft(node)
    confirmed(node, first.id)
    with node.transaction() as world:
        # only now it is known that one VM was off from 11 January; February's close corrects it
        known = world.get(Allocation, "AL-1")
        world.put(owned(a_segment("2025-12-01", 2), a_segment("01-11"), version=known.version))
    close(node, "2026-02", at("03-06"))
    pass_time(node, at("03-30"))
    (again,) = draft(node)
    # fresh January: 64.52 + 67.74 + 75.00 = 207.26, of which 275.00 are settled
    assert (again.gross, again.payable) == (Decimal("207.26"), Decimal("-67.74"))
