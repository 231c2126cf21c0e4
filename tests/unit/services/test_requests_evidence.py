"""What an approver sees: before and after, present use, what is open, who signed and who may."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest

from cloudmgr.domain.approvals import Decision, Standing
from cloudmgr.domain.billing import Statement, StatementState, StatementTitle
from cloudmgr.domain.budget import Budget
from cloudmgr.domain.errors import CloudmgrError
from cloudmgr.domain.requests import RequestKind, ResourceRequest
from cloudmgr.services.requests_evidence import evidence, seen_request
from cloudmgr.services.requests_evidence_values import Evidence
from cloudmgr.services.usage import CPU_METER, IngestUsage
from tests.support.assessments import at
from tests.support.requests import (
    a_line,
    allocation_of,
    completed,
    delivered,
    look,
    resubmitted,
    running,
    signed,
    signed_until,
    submitted,
)
from tests.support.usage import batch, reading
from tests.support.worlds import Town, a_town


@pytest.fixture
def town() -> Town:
    return a_town()


def shown(town: Town, request: ResourceRequest) -> Evidence:
    before = town.snapshot()
    with town.reading() as world:
        found = evidence(world, look(town, request), town.now)
    assert town.snapshot() == before
    return found


def use(town: Town, *, millicores: dict[str, int], since: datetime, hours: int = 4) -> None:
    """Every allocation used so much CPU, read once an hour."""
    rows = [
        reading(resource=id, meter=CPU_METER, time=since + timedelta(hours=hour), value=value)
        for id, value in millicores.items()
        for hour in range(hours)
    ]
    command = IngestUsage(batch_id=f"b-{since:%m%d}", pool_id="x86", batch=batch(*rows))
    taken = town.give(command, "prv.engineer")
    assert taken.quarantined == 0, taken


def test_quota_and_budget_are_shown_before_and_after(town: Town) -> None:
    running(town, a_line(quantity=5))
    request = submitted(town, a_line(quantity=10, pool_id="x86"))
    found = shown(town, request)
    assert found.estimate is not None
    vcpus = [each for each in found.estimate.quotas if each.resource_class == "VCPU"]
    assert [(q.scope_id, q.limit_units, q.committed, q.asked, q.after) for q in vcpus] == [
        ("health", 60, 10, 20, 30),
        ("city", 150, 10, 20, 30),
    ]
    assert [q.percent for q in vcpus] == [50, 20]
    for view in found.budgets:
        budget = town.look(Budget, view.budget_id)
        assert (view.approved, view.committed, view.left) == (
            budget.approved,
            budget.committed,
            budget.left,
        )
        assert view.left_after == budget.left - found.estimate.commitment
    assert [view.department_id for view in found.budgets] == ["health", None]


def test_what_runs_idle_is_named_and_what_nobody_measured_is_not_judged(town: Town) -> None:
    ids = [running(town, a_line(quantity=2, pool_id="x86")).id for _ in range(4)]
    theirs = running(town, a_line(pool_id="x86"), department="transport")
    town.wait("02-20 09:00")
    recent, long_ago = at("02-10 00:00"), at("01-10 00:00")
    quiet, busy, edge, unread = ids  # 4 vCPU each: a tenth is 400 millicores
    use(town, millicores={quiet: 399, busy: 3000, edge: 400, theirs.id: 1}, since=recent)
    use(town, millicores={unread: 1}, since=long_ago)
    found = shown(town, submitted(town)).present_use
    assert (found.allocations, found.vcpus) == (4, 16)
    assert (found.idle, found.idle_vcpus) == ((quiet,), 4)
    assert found.without_readings == (unread,)
    by_id = {view.allocation_id: view for view in found.each}
    assert set(by_id) == set(ids), "another department's use is not shown"
    assert by_id[busy].cpu_mean_share == Fraction(3, 4)
    assert (by_id[unread].cpu_mean_millicores, by_id[unread].idle) == (None, None)
    assert (by_id[quiet].readings, by_id[edge].idle) == (4, False)


def test_without_any_reading_nothing_is_called_idle(town: Town) -> None:
    allocation = running(town)
    found = shown(town, submitted(town)).present_use
    assert (found.idle, found.without_readings) == ((), (allocation.id,))


def test_what_is_open_about_the_applicant_is_listed(town: Town) -> None:
    temporary = running(town, kind=RequestKind.TEMPORARY)
    lasting = running(town, a_line(term_months=1))
    other = running(town, kind=RequestKind.TEMPORARY, department="transport")
    assert shown(town, submitted(town)).findings == ()
    town.change(temporary, term_end=at("01-20 00:00"))
    town.change(other, term_end=at("01-20 00:00"))
    town.now = at("02-10 09:00")
    town.walk(a_statement(StatementState.OBJECTED))
    waiting = delivered(town)
    found = shown(town, submitted(town)).findings
    assert [(each.code, each.subject) for each in found] == [
        ("temporary_overdue", temporary.id),
        ("term_overdue", lasting.id),
        ("statement_objected", "ST-1"),
        ("delivery_unconfirmed", waiting.id),
    ]


def a_statement(state: StatementState) -> Statement:
    return Statement(
        id="ST-1",
        department_id="health",
        payer_id="treasury",
        month="2026-01",
        title=StatementTitle.CONFIRMATION,
        total=Decimal("1.00"),
        line_count=1,
        issued_at=at("02-05 00:00"),
        due_at=at("02-12 00:00"),
        budgeted=True,
        state=state,
    )


def test_signatures_of_all_rounds_stand_there_with_names_and_the_steps_that_follow(
    town: Town,
) -> None:
    request = signed(town, signed_until(town, submitted(town), "technical"), Decision.RETURN)
    request = resubmitted(town, request)
    found = shown(town, request)
    assert [(each.round, each.step, each.decision) for each in found.signatures] == [
        (1, "acceptance", "approve"),
        (1, "technical", "return"),
        (1, "unit", "approve"),
        (2, "unit", "approve"),
    ]
    assert found.signatures[0].signer.name == "desk.a"
    assert [(each.step, each.done, each.waiting) for each in found.steps] == [
        ("acceptance", False, True),
        ("technical", False, False),
    ]
    assert [(each.signer.user_id, each.standing) for each in found.signers] == [
        ("desk.a", Standing.STEP),
        ("desk.b", Standing.STEP),
    ]


def test_what_was_bound_is_not_counted_twice(town: Town) -> None:
    request = completed(town)
    found = shown(town, request)
    assert found.estimate is None
    assert found.not_estimated is not None
    assert found.not_estimated.code == "already_bound"
    assert all(view.asked == 0 for view in found.budgets)
    assert found.present_use.allocations == 1
    assert allocation_of(town, request).id in found.present_use.without_readings


def test_providers_and_foreign_departments_see_nothing_of_it(town: Town) -> None:
    request = submitted(town)
    with town.reading() as world:
        for login in ("health.user", "health.lead", "desk.a", "treasury.b"):
            assert seen_request(world, town.actor(login), request.id, town.now) == request
        for login in ("transport.lead", "prv.engineer", "rival.engineer", "county-centre.a"):
            with pytest.raises(CloudmgrError, match="not_found"):
                seen_request(world, town.actor(login), request.id, town.now)
