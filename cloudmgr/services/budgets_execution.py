"""How a year's money is used: stages, and the execution rate (预算执行率) against the calendar."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from catalog.money import Yuan
from catalog.period import local_day
from cloudmgr.domain.access import Actor
from cloudmgr.domain.budget import Advance, Budget, calendar_share
from cloudmgr.domain.ratios import Ratio
from cloudmgr.services.reading import read
from cloudmgr.services.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetStage:
    """One budget: what is committed, due, paid and left of it.

    `execution_rate` is paid ÷ approved, exact (null while nothing is approved); `behind_calendar`
    the calendar's share less that, negative where more is paid than the year is old.
    """

    budget_id: str
    parent_id: str | None
    department_id: str | None
    depth: int
    approved: Yuan
    advance: Advance | None
    committed: Yuan
    due: Yuan
    paid: Yuan
    left: Yuan
    execution_rate: Ratio | None
    behind_calendar: Ratio | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetExecution:
    """A budget and all below it, each before those below it; the part of its year that is over."""

    year: int
    calendar_share: Ratio
    stages: tuple[BudgetStage, ...]


def execution_of(world: World, actor: Actor, id: str, now: datetime) -> BudgetExecution:
    """For whoever may read the budget; raises `not_found` otherwise."""
    budget = read(world, actor, Budget, id)
    share = calendar_share(budget.year, local_day(now))
    stages: list[BudgetStage] = []

    def tell(each: Budget, depth: int) -> None:
        rate = each.execution_rate
        stages.append(
            BudgetStage(
                budget_id=each.id,
                parent_id=each.parent_id,
                department_id=each.department_id,
                depth=depth,
                approved=each.approved,
                advance=each.advance,
                committed=each.committed,
                due=each.due,
                paid=each.paid,
                left=each.left,
                execution_rate=rate,
                behind_calendar=None if rate is None else share - rate,
            )
        )
        for below in world.find(Budget, parent_id=each.id):
            tell(below, depth + 1)

    tell(budget, 0)
    return BudgetExecution(year=budget.year, calendar_share=share, stages=tuple(stages))
