"""How what runs comes to its end: reminders, overdue resources taken back, release papers."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest

from cloudmgr.domain.access import Actor
from cloudmgr.domain.allocations import Allocation, AllocationState
from cloudmgr.domain.allocations_papers import ReleasePapers, ReleaseRecord
from cloudmgr.domain.approvals import Decision
from cloudmgr.domain.capacity import Inventory
from cloudmgr.domain.outbox import OutboxMessage
from cloudmgr.domain.policy import Policy
from cloudmgr.domain.policy_allocations import AllocationRules
from cloudmgr.domain.requests import RequestKind, RequestState, ResourceRequest
from cloudmgr.domain.workorders import Delivery, WorkOrder, WorkOrderState
from cloudmgr.services.allocations import StopAllocation
from cloudmgr.services.allocations_reclaim import ReclaimTemporary
from cloudmgr.services.allocations_terms import past_term
from cloudmgr.services.files import UploadFile
from cloudmgr.services.protected_periods import DeclareProtectedPeriod
from cloudmgr.services.provisioning import AcceptTrial, CompleteWorkOrder, ConfirmDelivery
from cloudmgr.services.requests import SignRequest, WithdrawRequest
from tests.support.assessments import at
from tests.support.requests import (
    a_line,
    accepted,
    approved,
    check_conserved,
    completed,
    confirmed,
    dispatched,
    done,
    engineer_of,
    look,
    orders,
    running,
    signed,
    submitted,
)
from tests.support.worlds import Town, a_town

S = RequestState
USER = "health.user"
TEMPORARY, RENEW, RELEASE = RequestKind.TEMPORARY, RequestKind.RENEW, RequestKind.RELEASE


@pytest.fixture
def town() -> Town:
    return a_town()


def rules(town: Town, **changed: Any) -> None:
    town.change(town.look(Policy, "policy"), allocations=AllocationRules(**changed))


def refresh(town: Town, allocation: Allocation) -> Allocation:
    found: Allocation = town.look(Allocation, allocation.id)
    return found


def said(town: Town, *topics: str) -> list[tuple[str, datetime]]:
    return [(each.topic, each.at) for each in town.all(OutboxMessage) if each.topic in topics]


def listed(town: Town, *, temporary: bool, by: str = "centre.a") -> list[str]:
    with town.reading() as world:
        actor: Actor = town.actor(by)
        page = past_term(world, actor, town.now, temporary=temporary)
    return [each.id for each in page.items]


# --- terms ----------------------------------------------------------------------------------


def test_production_is_reminded_of_its_end_and_runs_on_as_a_finding(town: Town) -> None:
    rules(town, term_reminder_days=(30, 7))
    allocation = running(town, a_line(term_months=3))
    assert allocation.term_end == at("04-05 00:00")
    town.wait("04-04 00:00")
    assert said(town, "term_reminder") == [
        ("term_reminder", at("03-06 00:00")),
        ("term_reminder", at("03-29 00:00")),
    ]
    assert listed(town, temporary=False) == []
    town.wait("05-01 09:00")
    assert said(town, "allocation_past_term") == [("allocation_past_term", at("04-05 00:00"))]
    assert refresh(town, allocation).state is AllocationState.ACTIVE
    assert listed(town, temporary=False) == [allocation.id]
    assert listed(town, temporary=False, by="transport.user") == []
    assert listed(town, temporary=True) == []


def test_a_renewal_takes_it_off_the_list_and_reminds_of_the_new_end(town: Town) -> None:
    rules(town, term_reminder_days=(7,))
    allocation = running(town, a_line(term_months=1))
    town.wait("02-10 09:00")
    assert listed(town, temporary=False) == [allocation.id]
    completed(town, a_line(allocation_id=allocation.id, term_months=6), kind=RENEW)
    assert listed(town, temporary=False) == []
    town.wait("08-04 00:00")
    assert said(town, "term_reminder")[-1] == ("term_reminder", at("07-29 00:00"))


def test_what_is_stopped_is_reminded_all_the_same(town: Town) -> None:
    rules(town, term_reminder_days=(7,))
    allocation = running(town, a_line(term_months=3))
    town.give(AcceptTrial(allocation_id=allocation.id), USER)
    town.give(StopAllocation(allocation_id=allocation.id), USER)
    town.wait("04-06 00:00")
    assert len(said(town, "term_reminder", "allocation_past_term")) == 2
    assert listed(town, temporary=False) == [allocation.id]


# --- temporary resources --------------------------------------------------------------------


def test_a_temporary_resource_is_noticed_renewed_once_and_then_overdue(town: Town) -> None:
    allocation = running(town, kind=TEMPORARY)
    assert allocation.term_end == at("01-20 00:00")
    town.wait("01-19 09:00")
    assert [moment for _, moment in said(town, "temporary_expiry_notice")] == [
        at("01-15 00:00"),
        at("01-18 00:00"),
    ]
    completed(town, a_line(allocation_id=allocation.id), kind=RENEW)
    renewed = refresh(town, allocation)
    assert (renewed.term_end, renewed.renewals) == (at("02-04 00:00"), 1), "15 days, not months"
    with pytest.raises(Exception, match="no more"):
        submitted(town, a_line(allocation_id=allocation.id), kind=RENEW)
    town.wait("02-05 09:00")
    assert said(town, "temporary_overdue") == [("temporary_overdue", at("02-04 00:00"))]
    assert listed(town, temporary=True) == [allocation.id]
    assert listed(town, temporary=True, by=USER) == [allocation.id]
    assert refresh(town, allocation).state is AllocationState.ACTIVE, "people decide"
    check_conserved(town)


def test_policy_may_allow_no_renewal_of_temporary_resources(town: Town) -> None:
    rules(town, temporary_renewals=0)
    allocation = running(town, kind=TEMPORARY)
    with pytest.raises(Exception, match="no more"):
        submitted(town, a_line(allocation_id=allocation.id), kind=RENEW)


def overdue(town: Town) -> Allocation:
    allocation = running(town, kind=TEMPORARY)
    town.wait("01-26 09:00")
    return allocation


def reclaim(town: Town, allocation: Allocation, by: str = "centre.a") -> ResourceRequest:
    command = ReclaimTemporary(allocation_id=allocation.id, reason="nobody answers")
    opened: ResourceRequest = town.give(command, by)
    return opened


def test_an_overdue_resource_is_taken_back_through_a_release_that_others_sign(town: Town) -> None:
    allocation = overdue(town)
    request = reclaim(town, allocation)
    assert (request.kind, request.state, request.awaiting_step) == (
        RELEASE,
        S.SUBMITTED,
        "acceptance",
    )
    request = signed(town, request)
    opened_by = SignRequest(request_id=request.id, decision=Decision.APPROVE)
    assert town.code(opened_by, "centre.a") == "own_submission"
    request = town.give(opened_by, "centre.b")
    assert request.state is S.APPROVED
    withdraw = WithdrawRequest(request_id=request.id, reason="we still need it")
    assert town.code(withdraw, USER) == "opened_by_the_city"
    done(town, *orders(town, dispatched(town, request)))
    town.wait("02-09 00:00")
    assert look(town, request).state is S.COMPLETED
    assert look(town, request).deemed, "silence does not hold it up"
    assert refresh(town, allocation).state is AllocationState.RELEASED
    inventory: Inventory = town.look(Inventory, "x86/VCPU")
    assert inventory.allocated == 0
    check_conserved(town)


def test_only_what_is_temporary_and_overdue_is_taken_back_and_by_one_release(town: Town) -> None:
    def code(allocation: Allocation, by: str = "centre.a") -> str:
        return town.code(ReclaimTemporary(allocation_id=allocation.id, reason="r"), by)

    lasting = running(town, a_line(term_months=1))
    allocation = running(town, kind=TEMPORARY)
    assert code(allocation) == "not_overdue"
    town.wait("03-02 09:00")
    assert code(lasting) == "not_overdue"
    assert code(allocation, "health.user") == "forbidden"
    reclaim(town, allocation)
    assert code(allocation, "centre.b") == "allocation_busy"


def test_nothing_is_taken_back_in_a_protected_period(town: Town) -> None:
    allocation = overdue(town)
    period = DeclareProtectedPeriod(
        title="重保",
        document_number="test 7",
        reason="a congress",
        starts_at=at("01-26 00:00"),
        ends_at=at("02-02 00:00"),
        application_ids=("health-app",),
    )
    town.give(period, "bureau.a")
    command = ReclaimTemporary(allocation_id=allocation.id, reason="r")
    assert town.code(command, "centre.a") == "protected_period"
    town.wait("02-02 09:00")
    assert reclaim(town, allocation).state is S.SUBMITTED


# --- release papers -------------------------------------------------------------------------


def certificate(town: Town, by: str = "prv.engineer") -> str:
    command = UploadFile(name="erasure.txt", data=b"erased", organisation_id=by.split(".")[0])
    return str(town.give(command, by).id)


def papers(town: Town, **changed: Any) -> ReleasePapers:
    fields: dict[str, Any] = {
        "data_handed_to": "the department's own archive",
        "data_handed_on": date(2026, 1, 5),
        "erasure_file_id": changed.pop("erasure_file_id", None) or certificate(town),
        "billing_ends_on": date(2026, 1, 30),
    }
    return ReleasePapers(**(fields | changed))


def to_release(town: Town) -> tuple[Allocation, WorkOrder]:
    """A release whose order the provider has taken on."""
    rules(town, release_papers_required=True)
    allocation = running(town, a_line(quantity=2))
    line = a_line(quantity=2, allocation_id=allocation.id)
    request = dispatched(town, approved(town, line, kind=RELEASE))
    (order,) = orders(town, request)
    return allocation, accepted(town, order)


def closing(order: WorkOrder, given: ReleasePapers | None) -> CompleteWorkOrder:
    return CompleteWorkOrder(
        work_order_id=order.id, deliveries=(Delivery(1, "vm-1", papers=given),)
    )


def test_a_release_is_not_completed_before_its_three_papers_are_there(town: Town) -> None:
    _, order = to_release(town)
    assert town.code(closing(order, None), engineer_of(order)) == "release_papers_missing"
    nothing = papers(town, data_handed_to=" ")
    refused = town.refusal(closing(order, nothing), engineer_of(order))
    assert "数据移交" in refused.message
    assert "数据清除证明" not in refused.message
    stored: WorkOrder = town.look(WorkOrder, order.id)
    assert stored.state is WorkOrderState.ACCEPTED


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"data_handed_on": date(2026, 2, 1)}, "bad_value"),
        ({"billing_ends_on": date(2025, 12, 31)}, "bad_value"),
        ({"erasure_file_id": "FILE-99999999"}, "not_found"),
    ],
    ids=["in the future", "before the approval", "no such file"],
)
def test_papers_that_cannot_be_right_are_refused(
    town: Town, changed: dict[str, Any], code: str
) -> None:
    _, order = to_release(town)
    assert town.code(closing(order, papers(town, **changed)), engineer_of(order)) == code


def test_another_providers_certificate_is_no_certificate(town: Town) -> None:
    _, order = to_release(town)
    theirs = papers(town, erasure_file_id=certificate(town, "rival.engineer"))
    assert town.code(closing(order, theirs), engineer_of(order)) == "not_found"


def test_the_papers_are_kept_and_completed_with_the_release(town: Town) -> None:
    allocation, order = to_release(town)
    town.give(closing(order, papers(town)), engineer_of(order))
    record: ReleaseRecord = town.look(ReleaseRecord, f"{order.request_id}/1")
    assert (record.allocation_id, record.completed_at) == (allocation.id, None)
    town.wait("01-07 10:00")
    town.give(ConfirmDelivery(request_id=order.request_id, accepted=True), USER)
    record = town.look(ReleaseRecord, record.id)
    assert record.billing_end == refresh(town, allocation).ended_at == at("01-07 10:00")
    check_conserved(town)


def test_a_provider_may_stop_billing_earlier_than_the_rule_says(town: Town) -> None:
    allocation, order = to_release(town)
    town.give(closing(order, papers(town, billing_ends_on=date(2026, 1, 6))), engineer_of(order))
    town.wait("01-09 10:00")
    town.give(ConfirmDelivery(request_id=order.request_id, accepted=True), USER)
    assert refresh(town, allocation).ended_at == at("01-07 00:00")


def test_the_papers_of_a_release_stand_when_it_is_sent_back_for_rework(town: Town) -> None:
    allocation, order = to_release(town)
    town.give(closing(order, papers(town)), engineer_of(order))
    back = ConfirmDelivery(request_id=order.request_id, accepted=False, reason="a disk is left")
    request = town.give(back, USER)
    (rework,) = orders(town, request)
    accepted(town, rework)
    town.give(closing(rework, None), engineer_of(order))
    confirmed(town, look(town, request))
    assert refresh(town, allocation).state is AllocationState.RELEASED


def test_what_is_no_release_takes_no_release_papers(town: Town) -> None:
    request = dispatched(town, approved(town))
    (order,) = orders(town, request)
    accepted(town, order)
    assert town.code(closing(order, papers(town)), engineer_of(order)) == "bad_value"
