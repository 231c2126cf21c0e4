"""What a department does with what runs: stop, start, scale, plan a week."""

from __future__ import annotations

from datetime import time

import pytest

from cloudmgr.domain.allocations import Allocation, AllocationState, SegmentMode
from cloudmgr.domain.allocations_elastic import ElasticTerms, ScheduleAction, ScheduleEntry
from cloudmgr.domain.budget import BudgetCommitment, CommitmentState
from cloudmgr.domain.capacity import Inventory
from cloudmgr.domain.outbox import OutboxMessage
from cloudmgr.domain.pools import PoolState, ResourcePool
from cloudmgr.domain.quota import Quota
from cloudmgr.domain.requests import RequestKind
from cloudmgr.services.allocations import (
    StartAllocation,
    StopAllocation,
)
from cloudmgr.services.allocations_elastic import ScaleAllocation, ScheduleAllocation
from cloudmgr.services.protected_periods import CancelProtectedPeriod, DeclareProtectedPeriod
from cloudmgr.services.provisioning import AcceptTrial
from cloudmgr.services.requests import DispatchRequest
from tests.support.assessments import at
from tests.support.requests import (
    a_line,
    allocation_of,
    approved,
    check_conserved,
    completed,
    drafted,
    running,
)
from tests.support.worlds import Town, a_town

CHARGED, STOPPED, TRIAL = SegmentMode.CHARGED, SegmentMode.STOPPED, SegmentMode.TRIAL
USER = "health.user"


@pytest.fixture
def town() -> Town:
    return a_town()


def now_is(town: Town, allocation: Allocation) -> Allocation:
    found: Allocation = town.look(Allocation, allocation.id)
    return found


def elastic(town: Town, *weekly: ScheduleEntry, quantity: int = 2) -> Allocation:
    """Accepted, 1 to 6 units of 2 vCPU each."""
    bounds = ElasticTerms(least=1, most=6, weekly=weekly)
    return accepted(town, running(town, a_line(quantity=quantity, elastic=bounds)))


def accepted(town: Town, allocation: Allocation) -> Allocation:
    done: Allocation = town.give(AcceptTrial(allocation_id=allocation.id), USER)
    return done


def scale(town: Town, allocation: Allocation, quantity: int, by: str = USER) -> Allocation:
    command = ScaleAllocation(allocation_id=allocation.id, quantity=quantity)
    done: Allocation = town.give(command, by)
    return done


def refusal(town: Town, allocation: Allocation, quantity: int, by: str = USER) -> str:
    return town.code(ScaleAllocation(allocation_id=allocation.id, quantity=quantity), by)


def vcpus(town: Town) -> tuple[int, int, int]:
    """Allocated in the pool, and on the department's and the city's quota."""
    ids = ("health/VCPU", "city/VCPU")
    counters: list[Quota] = [town.look(Quota, id) for id in ids]
    inventory: Inventory = town.look(Inventory, "x86/VCPU")
    return (inventory.allocated, *(each.allocated for each in counters))  # type: ignore[return-value]


def topics(town: Town) -> list[str]:
    return [each.topic for each in town.all(OutboxMessage)]


def entry(weekday: int, hour: int, quantity: int | None = None, **changed: object) -> ScheduleEntry:
    action = ScheduleAction.SCALE if quantity is not None else changed["action"]
    return ScheduleEntry(weekday=weekday, at=time(hour), action=action, quantity=quantity)  # type: ignore[arg-type]


# --- stop and start -------------------------------------------------------------------------


def test_what_is_stopped_keeps_its_capacity_and_starts_again(town: Town) -> None:
    allocation = accepted(town, running(town, a_line(quantity=3)))
    before = vcpus(town)
    town.wait("01-10 12:00")
    town.give(StopAllocation(allocation_id=allocation.id), USER)
    assert now_is(town, allocation).state is AllocationState.STOPPED
    assert vcpus(town) == before
    town.wait("01-20 12:00")
    town.give(StartAllocation(allocation_id=allocation.id), USER)
    segments = now_is(town, allocation).segments
    assert [(each.start, each.mode) for each in segments[-2:]] == [
        (at("01-10 12:00"), STOPPED),
        (at("01-20 12:00"), CHARGED),
    ]
    assert vcpus(town) == before
    check_conserved(town)


def test_only_the_department_stops_its_resource_and_only_one_that_is_in_use(town: Town) -> None:
    allocation = running(town)
    stop = StopAllocation(allocation_id=allocation.id)
    assert town.code(stop, USER) == "illegal_transition", "in its trial"
    accepted(town, allocation)
    assert town.code(stop, "transport.user") == "not_found"
    town.give(stop, USER)
    assert town.code(stop, USER) == "illegal_transition"


def test_what_is_stopped_can_be_released(town: Town) -> None:
    allocation = accepted(town, running(town, a_line(quantity=3)))
    town.give(StopAllocation(allocation_id=allocation.id), USER)
    completed(town, a_line(quantity=3, allocation_id=allocation.id), kind=RequestKind.RELEASE)
    assert now_is(town, allocation).state is AllocationState.RELEASED
    check_conserved(town)


# --- elastic --------------------------------------------------------------------------------


def test_scaling_inside_the_bounds_needs_no_request_and_counts_at_once(town: Town) -> None:
    allocation = elastic(town)
    assert vcpus(town) == (4, 4, 4)
    town.wait("01-10 10:00")
    scale(town, allocation, 5)
    assert vcpus(town) == (10, 10, 10)
    town.wait("01-12 10:00")
    scale(town, allocation, 1)
    assert vcpus(town) == (2, 2, 2)
    steps = [(each.start, each.quantity) for each in now_is(town, allocation).segments]
    assert steps[-2:] == [(at("01-10 10:00"), 5), (at("01-12 10:00"), 1)]
    check_conserved(town)


def test_the_provider_tells_what_it_has_scaled_and_no_other_provider(town: Town) -> None:
    allocation = elastic(town)
    assert scale(town, allocation, 4, by="prv.engineer").quantity == 4
    assert refusal(town, allocation, 3, by="rival.engineer") == "not_found"
    assert refusal(town, allocation, 3, by="transport.user") == "not_found"


@pytest.mark.parametrize("quantity", [0, 7])
def test_outside_the_bounds_a_request_is_needed(town: Town, quantity: int) -> None:
    allocation = elastic(town)
    assert refusal(town, allocation, quantity) == "outside_bounds"
    assert refusal(town, accepted(town, running(town)), 2) == "outside_bounds", "it has none"


def test_scaling_up_is_capped_by_quota_capacity_and_the_pools_state(town: Town) -> None:
    allocation = elastic(town)
    town.change(town.look(Quota, "health/VCPU"), limit_units=7)
    assert refusal(town, allocation, 4) == "quota_exceeded"
    assert scale(town, allocation, 3).quantity == 3
    town.change(town.look(Quota, "health/VCPU"), limit_units=60)
    town.change(town.look(Inventory, "x86/VCPU"), total=7)
    assert refusal(town, allocation, 4) == "capacity_exceeded"
    town.change(town.look(Inventory, "x86/VCPU"), total=100)
    town.change(town.look(Inventory, "x86/MEMORY_MIB"), total=3 * 4096)
    assert refusal(town, allocation, 4) == "capacity_exceeded", "every class must have room"
    town.change(town.look(Inventory, "x86/MEMORY_MIB"), total=400_000)
    town.change(town.look(ResourcePool, "x86"), state=PoolState.RESTRICTED)
    assert refusal(town, allocation, 4) == "pool_closed"
    assert scale(town, allocation, 2).quantity == 2, "less is always possible"
    check_conserved(town)


def test_the_budget_commits_the_most_of_the_bounds(town: Town) -> None:
    """Six units at 900 yuan, whatever runs; scaling commits nothing more."""
    allocation = elastic(town)

    def february() -> list[str]:
        rows = town.all(BudgetCommitment, allocation_id=allocation.id, month="2026-02")
        return [str(row.amount) for row in rows if row.state is CommitmentState.COMMITTED]

    assert february() == ["5400.00"]
    scale(town, allocation, 6)
    assert february() == ["5400.00"]
    check_conserved(town)


def test_nothing_is_scaled_while_a_bound_request_works_on_it(town: Town) -> None:
    allocation = elastic(town)
    bounds = ElasticTerms(least=1, most=8)
    line = a_line(quantity=8, allocation_id=allocation.id, elastic=bounds)
    approved(town, line, kind=RequestKind.CHANGE)
    assert refusal(town, allocation, 3) == "allocation_busy"


def test_a_change_gives_other_bounds_and_one_beyond_the_old_asks_for_them(town: Town) -> None:
    allocation = elastic(town)
    with pytest.raises(Exception, match="other bounds"):
        drafted(town, a_line(quantity=8, allocation_id=allocation.id), kind=RequestKind.CHANGE)
    bounds = ElasticTerms(least=2, most=9)
    line = a_line(quantity=8, allocation_id=allocation.id, elastic=bounds)
    changed = allocation_of(town, completed(town, line, kind=RequestKind.CHANGE))
    assert (changed.quantity, changed.elastic) == (8, bounds)
    assert scale(town, changed, 9).quantity == 9
    check_conserved(town)


def test_a_release_of_what_was_scaled_since_frees_what_runs_then(town: Town) -> None:
    allocation = elastic(town, quantity=2)
    draft = drafted(town, a_line(quantity=2, allocation_id=allocation.id), kind=RequestKind.RELEASE)
    scale(town, allocation, 6)
    assert draft.lines[0].quantity == 2
    completed(town, a_line(quantity=2, allocation_id=allocation.id), kind=RequestKind.RELEASE)
    assert vcpus(town) == (0, 0, 0)
    check_conserved(town)


# --- the week -------------------------------------------------------------------------------


def test_the_approved_week_runs_by_itself_at_its_minutes(town: Town) -> None:
    """Monday 5 January is the delivery; on Tuesdays at 8 six units, on Wednesdays at 20 one."""
    allocation = elastic(town, entry(2, 8, 6), entry(3, 20, 1))
    town.wait("01-06 07:59")
    assert now_is(town, allocation).quantity == 2
    town.wait("01-14 00:00")
    steps = [(each.start, each.quantity) for each in now_is(town, allocation).segments]
    assert steps[-3:] == [
        (at("01-06 08:00"), 6),
        (at("01-07 20:00"), 1),
        (at("01-13 08:00"), 6),
    ]
    check_conserved(town)


def test_a_department_plans_stops_and_starts_without_bounds(town: Town) -> None:
    allocation = accepted(town, running(town))
    week = (entry(5, 20, action=ScheduleAction.STOP), entry(1, 7, action=ScheduleAction.START))
    town.give(ScheduleAllocation(allocation_id=allocation.id, weekly=week), USER)
    town.wait("01-10 00:00")
    assert now_is(town, allocation).state is AllocationState.STOPPED
    town.wait("01-12 08:00")
    assert now_is(town, allocation).state is AllocationState.ACTIVE
    town.give(ScheduleAllocation(allocation_id=allocation.id, weekly=()), USER)
    town.wait("01-31 00:00")
    assert now_is(town, allocation).state is AllocationState.ACTIVE, "the plan was ended"


@pytest.mark.parametrize(
    "week",
    [
        (entry(1, 8, 3),),
        (entry(8, 8, action=ScheduleAction.STOP),),
        (entry(1, 8, action=ScheduleAction.STOP), entry(1, 8, action=ScheduleAction.START)),
        (ScheduleEntry(weekday=1, at=time(8), action=ScheduleAction.STOP, quantity=2),),
        (ScheduleEntry(weekday=1, at=time(8, 0, 30), action=ScheduleAction.STOP),),
    ],
    ids=["no bounds", "no weekday", "one minute twice", "a stop with units", "seconds"],
)
def test_a_week_that_cannot_be_kept_is_refused(town: Town, week: tuple[ScheduleEntry, ...]) -> None:
    allocation = accepted(town, running(town))
    command = ScheduleAllocation(allocation_id=allocation.id, weekly=week)
    assert town.code(command, USER) == "bad_value"


def test_a_planned_step_that_is_refused_is_told_and_the_week_goes_on(town: Town) -> None:
    allocation = elastic(town, entry(2, 8, 6), entry(3, 8, 3))
    town.change(town.look(Quota, "health/VCPU"), limit_units=8)
    town.wait("01-07 09:00")
    assert now_is(town, allocation).quantity == 3, "Tuesday's six were too many"
    assert topics(town).count("schedule_refused") == 1
    check_conserved(town)


def test_a_released_resource_keeps_no_week(town: Town) -> None:
    allocation = elastic(town, entry(2, 8, 6))
    completed(town, a_line(quantity=2, allocation_id=allocation.id), kind=RequestKind.RELEASE)
    town.wait("02-01 00:00")
    assert now_is(town, allocation).state is AllocationState.RELEASED
    assert "schedule_refused" not in topics(town)


# --- protected periods ----------------------------------------------------------------------


def protect(town: Town, until: str = "01-20 00:00", **changed: object) -> str:
    fields = {
        "title": "重保",
        "document_number": "test 7",
        "reason": "a congress",
        "starts_at": at("01-05 00:00"),
        "ends_at": at(until),
        **changed,
    }
    period = town.give(DeclareProtectedPeriod(**fields), "bureau.a")  # type: ignore[arg-type]
    return str(period.id)


def test_nothing_is_scaled_down_in_a_protected_period_and_everything_up(town: Town) -> None:
    allocation = elastic(town)
    period = protect(town)
    assert refusal(town, allocation, 1) == "protected_period"
    assert scale(town, allocation, 3).quantity == 3
    town.give(CancelProtectedPeriod(period_id=period, reason="called off"), "bureau.a")
    assert scale(town, allocation, 1).quantity == 1


def test_a_protected_period_refuses_downsizing_and_relocation_where_it_holds(town: Town) -> None:
    allocation = accepted(town, running(town, a_line(quantity=3)))
    protect(town, department_ids=("health",))
    for kind, quantity in ((RequestKind.CHANGE, 2), (RequestKind.RELOCATE, 3)):
        line = a_line(quantity=quantity, allocation_id=allocation.id)
        with pytest.raises(Exception, match="protected period"):
            approved(town, line, kind=kind)
    larger = a_line(quantity=4, allocation_id=allocation.id)
    approved(town, larger, kind=RequestKind.CHANGE)
    county = running(town, a_line(quantity=2), department="county-health")
    line = a_line(quantity=1, allocation_id=county.id)
    approved(town, line, kind=RequestKind.CHANGE, department="county-health")


def test_what_was_approved_before_waits_until_the_protected_period_is_over(town: Town) -> None:
    allocation = accepted(town, running(town, a_line(quantity=3)))
    line = a_line(quantity=1, allocation_id=allocation.id)
    request = approved(town, line, kind=RequestKind.CHANGE)
    protect(town, until="01-08 00:00")
    assert town.code(DispatchRequest(request_id=request.id), "desk.b") == "protected_period"
    town.wait("01-08 09:00")
    town.give(DispatchRequest(request_id=request.id), "desk.b")


@pytest.mark.parametrize("who", ["health.user", "treasury.a", "prv.engineer"])
def test_only_the_citys_offices_declare_a_protected_period(town: Town, who: str) -> None:
    command = DeclareProtectedPeriod(
        title="t",
        document_number="1",
        reason="r",
        starts_at=at("01-06 00:00"),
        ends_at=at("01-07 00:00"),
    )
    assert town.code(command, who) == "forbidden"
