"""Reorganisations for tests: commands with what they need, carried out in a small city."""

from __future__ import annotations

from datetime import date
from typing import Any

from catalog.money import total
from cloudmgr.domain.budget import Budget, BudgetCommitment
from cloudmgr.domain.quota import Quota
from cloudmgr.domain.reorganisations import (
    Reorganisation,
    ReorganisationState,
)
from cloudmgr.services.reorganisations import (
    HandOverApplications,
    MergeOrganisations,
    Part,
    SplitOrganisation,
)
from tests.support.worlds import Town, an_application

MIDDLE = "2026-03-11"
FEBRUARY_END, APRIL = "02-28 10:00", "04-01 09:00"


def merge(*departments: str, into: str = "transport", **how: Any) -> MergeOrganisations:
    fields: dict[str, Any] = {
        "department_ids": departments or ("health",),
        "into_department_id": into,
        "effective_from": date.fromisoformat(MIDDLE),
        "document_number": "test reform 1",
    }
    return MergeOrganisations(**(fields | how))


def hand_over(*applications: str, **how: Any) -> HandOverApplications:
    fields: dict[str, Any] = {
        "from_department_id": "health",
        "to_department_id": "transport",
        "application_ids": applications or ("health-app",),
        "effective_from": date.fromisoformat(MIDDLE),
        "document_number": "test reform 2",
    }
    return HandOverApplications(**(fields | how))


def planned(town: Town, command: Any) -> Reorganisation:
    found: Reorganisation = town.give(command, "bureau.a")
    return found


def carried_out(town: Town, command: Any) -> Reorganisation:
    """Recorded now, and its midnight is over."""
    made = planned(town, command)
    town.wait(max(made.effective_at, town.now))
    found: Reorganisation = town.look(Reorganisation, made.id)
    assert found.state is ReorganisationState.CARRIED_OUT
    return found


def second_system(town: Town, department_id: str = "health") -> None:
    town.keep(
        an_application(
            department_id=department_id, id=f"{department_id}-two", code=f"{department_id}-two"
        )
    )


def sums(town: Town) -> dict[str, Any]:
    """What no reorganisation inside one region may change."""
    budgets = town.all(Budget)
    top = [each for each in budgets if each.department_id is None]
    below = [each for each in budgets if each.department_id is not None]
    quotas = town.all(Quota)
    regions = {each.id: each.committed for each in quotas if each.scope == "region"}
    return {
        "regions": regions,
        "departments": sum(each.committed for each in quotas if each.scope == "department"),
        "limits": sum(
            each.limit_units or 0 for each in quotas if each.scope == "department" and each.limited
        ),
        "payers": {each.id: (each.approved, each.committed, each.due) for each in top},
        "approved": total(each.approved for each in below),
        "committed": total(each.committed for each in below),
        "rows": total(each.amount for each in town.all(BudgetCommitment, state="committed")),
    }


def split(to: str, *, ends: bool = False) -> SplitOrganisation:
    return SplitOrganisation(
        department_id="health",
        parts=(
            Part(to_department_id=to, application_ids=("health-app",)),
            *((Part(to_department_id="transport"),) if ends else ()),
        ),
        effective_from=date.fromisoformat(MIDDLE),
        document_number="test reform 3",
        ends=ends,
    )
