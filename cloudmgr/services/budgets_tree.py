"""Which budgets stand above which, and sums on all of a chain at once, always under their locks.

A chain leads from a department's own budget over those of the departments above it to the payer's.
It is told by the budgets themselves (`parent_id`), so that what was committed is released from
the same ones, whatever has been reorganised since.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal

from catalog.money import ZERO, total
from catalog.period import Month
from cloudmgr.domain import budget as budgets
from cloudmgr.domain.budget import Budget, budget_id
from cloudmgr.domain.parties import Organisation
from cloudmgr.services.policies import superiors_of, units_below
from cloudmgr.services.world import World


def line_of_ids(
    world: World, payer_id: str, department_id: str | None, year: int
) -> tuple[str, ...]:
    """The ids a department's budgets may have, its own first, the payer's last."""
    above = (department_id, *superiors_of(world, department_id)) if department_id else ()
    return tuple(budget_id(payer_id, each, year) for each in (*above, None))


def chain_ids(world: World, payer_id: str, department_id: str | None, year: int) -> tuple[str, ...]:
    """The ids of the budgets that exist, nearest first; empty where nobody has set any."""
    ids = line_of_ids(world, payer_id, department_id, year)
    nearest = next((id for id in ids if world.seek(Budget, id) is not None), None)
    return () if nearest is None else chain_from(world, nearest)


def chain_from(world: World, id: str) -> tuple[str, ...]:
    """An existing budget and those above it."""
    chain: list[str] = []
    above: str | None = id
    while above is not None and above not in chain:
        budget = world.seek(Budget, above)
        if budget is None:
            break
        chain.append(above)
        above = budget.parent_id
    return tuple(chain)


def lock_chains(
    world: World, year: int, departments: Iterable[tuple[str, str]], *, also: Iterable[str] = ()
) -> dict[str, tuple[str, ...]]:
    """Take the budgets of (payer, department) pairs, by their names and in one go: one that is
    being made meanwhile is waited for. `also` are the ids of budgets whose chains are taken with
    them. Returns the chain of each department."""
    pairs = tuple(departments)
    wanted = {
        id
        for payer_id, department_id in pairs
        for id in (
            *line_of_ids(world, payer_id, department_id, year),
            *chain_ids(world, payer_id, department_id, year),
        )
    }
    wanted.update(id for each in also for id in chain_from(world, each))
    world.lock(*((Budget, id) for id in wanted))
    return {d: chain_ids(world, payer_id, d, year) for payer_id, d in pairs}


def below_ids(world: World, payer_id: str, department_id: str | None, year: int) -> tuple[str, ...]:
    """The budgets that a budget not made yet might come to stand right above."""
    if department_id is None:
        found = world.find(Budget, parent_id=budget_id(payer_id, None, year))
    else:
        units = units_below(world, (department_id,))[1:]
        found = world.find(Budget, payer_id=payer_id, year=year, department_id=units)
    return tuple(each.id for each in found)


def new_budget(world: World, payer_id: str, department_id: str | None, year: int) -> Budget:
    """A budget that does not exist yet, not put: under the nearest one above it, over those that
    stood right under that one, whose sums it begins with. All of them are locked."""
    if department_id is not None:
        world.get(Organisation, department_id)
    id, *above = line_of_ids(world, payer_id, department_id, year)
    parent_id = next((each for each in above if world.seek(Budget, each) is not None), None)
    if parent_id is None and above:
        parent_id = above[-1]
    found = [world.get(Budget, each) for each in below_ids(world, payer_id, department_id, year)]
    below = [
        world.put(replace(each, parent_id=id))
        for each in found
        if each.parent_id in (id, parent_id)
    ]
    return Budget(
        id=id,
        payer_id=payer_id,
        department_id=department_id,
        parent_id=parent_id,
        year=year,
        document_number="",
        project_code="",
        fund_source="",
        committed=total(each.committed for each in below),
        due=total(each.due for each in below),
        paid=total(each.paid for each in below),
    )


class MonthlySums:
    """What amounts come to on each budget of their chains, kept by month for the advances."""

    def __init__(self) -> None:
        self._sums: dict[str, dict[Month, Decimal]] = defaultdict(lambda: defaultdict(lambda: ZERO))

    def add(self, chain: Sequence[str], month: Month, amount: Decimal) -> None:
        for id in chain:
            self._sums[id][month] += amount

    @property
    def ids(self) -> frozenset[str]:
        return frozenset(self._sums)

    def of(self, id: str) -> Decimal:
        return total(self._sums[id].values()) if id in self._sums else ZERO

    def early(self, budget: Budget) -> Decimal:
        """The part of the budget's sum that counts against its advance."""
        months = self._sums[budget.id].items() if budget.id in self._sums else ()
        return budgets.early_part(budget, months)

    def commit(self, world: World) -> None:
        """Add the sums to the budgets, which are locked."""
        for id in sorted(self._sums):
            budget = world.get(Budget, id)
            world.put(budgets.commit(budget, self.of(id), self.early(budget)))

    def release(self, world: World) -> None:
        """Take the sums from the budgets again."""
        for id in sorted(self._sums):
            budget = world.get(Budget, id)
            world.put(budgets.release(budget, self.of(id), self.early(budget)))
