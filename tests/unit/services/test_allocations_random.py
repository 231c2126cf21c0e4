"""Whatever is done to what runs, in whatever order: capacity and quota are conserved, and nothing
is left of either when all is gone."""

from __future__ import annotations

from datetime import time
from functools import cache

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from catalog.errors import CloudmgrError
from cloudmgr.domain.allocations import RUNNING, Allocation
from cloudmgr.domain.allocations_elastic import ElasticTerms, ScheduleAction, ScheduleEntry
from cloudmgr.domain.capacity import Inventory
from cloudmgr.domain.quota import Quota
from cloudmgr.domain.requests import ParallelPayer, RequestKind
from cloudmgr.services.allocations import StartAllocation, StopAllocation
from cloudmgr.services.allocations_elastic import ScaleAllocation, ScheduleAllocation
from cloudmgr.services.allocations_reclaim import ReclaimTemporary
from tests.support.players import EXPECTED, KINDS, Player, Step
from tests.support.requests import a_line, check_conserved, completed, running, submitted
from tests.support.worlds import Town, a_town

REFUSED = EXPECTED | {
    "allocation_leaving", "capacity_exceeded", "not_overdue", "opened_by_the_city",
    "outside_bounds", "own_submission",
}  # fmt: skip
STEPS = st.lists(
    st.tuples(st.integers(0, 13), st.integers(0, 7), st.integers(1, 9), KINDS),
    min_size=15,
    max_size=30,
)
BOUNDS = ElasticTerms(
    least=1,
    most=8,
    weekly=(
        ScheduleEntry(weekday=2, at=time(8), action=ScheduleAction.SCALE, quantity=7),
        ScheduleEntry(weekday=4, at=time(20), action=ScheduleAction.SCALE, quantity=1),
        ScheduleEntry(weekday=5, at=time(20), action=ScheduleAction.STOP),
        ScheduleEntry(weekday=1, at=time(7), action=ScheduleAction.START),
    ),
)


@cache
def _lived_in() -> Town:
    town = a_town()
    for department in ("health", "county-health"):
        running(town, a_line(quantity=2, elastic=BOUNDS), a_line(line=2), department=department)
        running(town, kind=RequestKind.TEMPORARY, department=department)
    return town


class Keeper(Player):
    """Somebody who also stops, starts, scales, plans, relocates side by side and takes back."""

    def __init__(self) -> None:
        super().__init__(_lived_in().twin())

    def step(self, what: int, which: int, size: int, kind: RequestKind) -> None:
        moves = (
            self.ask, self.go_on, self.go_on, self.go_on, self.refuse, self.wait, self.wait,
            self.set, self.stop, self.start, self.scale, self.scale, self.move, self.take_back,
        )  # fmt: skip
        try:
            moves[what](which, size, kind)
        except CloudmgrError as error:
            if error.code not in REFUSED:
                raise

    def _one(self, which: int) -> Allocation:
        running_now = self.town.all(Allocation, state=RUNNING)
        return running_now[which % len(running_now)]

    def _user(self, allocation: Allocation) -> str:
        return f"{allocation.department_id}.user"

    def stop(self, which: int, size: int, kind: RequestKind) -> None:
        one = self._one(which)
        self.town.give(StopAllocation(allocation_id=one.id), self._user(one))

    def start(self, which: int, size: int, kind: RequestKind) -> None:
        one = self._one(which)
        self.town.give(StartAllocation(allocation_id=one.id), self._user(one))

    def scale(self, which: int, size: int, kind: RequestKind) -> None:
        one = self._one(which)
        if size == 9:
            plan = ScheduleAllocation(allocation_id=one.id, weekly=BOUNDS.weekly[2:])
            self.town.give(plan, self._user(one))
        else:
            command = ScaleAllocation(allocation_id=one.id, quantity=size)
            self.town.give(command, self._user(one))

    def move(self, which: int, size: int, kind: RequestKind) -> None:
        """A relocation with parallel days, up to its delivery or beyond."""
        one = self._one(which)
        line = a_line(
            sku_id=one.sku_id,
            quantity=one.quantity,
            allocation_id=one.id,
            parallel_days=size,
            parallel_payer=list(ParallelPayer)[size % 3],
        )
        how = {"kind": RequestKind.RELOCATE, "department": one.department_id}
        (completed if which % 2 else submitted)(self.town, line, **how)

    def take_back(self, which: int, size: int, kind: RequestKind) -> None:
        one = self._one(which)
        self.town.give(ReclaimTemporary(allocation_id=one.id, reason="r"), "centre.a")


@settings(max_examples=5, phases=(Phase.explicit, Phase.generate))
@given(steps=STEPS)
def test_nothing_done_to_what_runs_leaks_capacity_or_quota(steps: list[Step]) -> None:
    keeper = Keeper()
    for step in steps:
        keeper.step(*step)
        check_conserved(keeper.town)


@settings(max_examples=4, phases=(Phase.explicit, Phase.generate))
@given(steps=STEPS)
def test_when_everything_is_released_nothing_is_held(steps: list[Step]) -> None:
    keeper = Keeper()
    for step in steps:
        keeper.step(*step)
    keeper.finish()
    town = keeper.town
    town.wait("12-31 09:00")  # what was moved has left by then
    for allocation in town.all(Allocation, state=RUNNING):
        line = a_line(
            sku_id=allocation.sku_id, quantity=allocation.quantity, allocation_id=allocation.id
        )
        department = allocation.department_id
        completed(town, line, kind=RequestKind.RELEASE, department=department)
    assert not any(each.committed for each in town.all(Quota))
    assert not any(each.held or each.allocated for each in town.all(Inventory))
    check_conserved(town)
