"""Departments merge, split and hand over at a midnight: all of it moves, nothing is lost, and each
pays for its own days."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from catalog.money import amount
from catalog.period import midnight
from cloudmgr.domain.allocations import Allocation, Reservation, ReservationState
from cloudmgr.domain.applications import Application
from cloudmgr.domain.budget import Budget, BudgetChange, BudgetChangeKind
from cloudmgr.domain.parties import Organisation, OrganisationKind, RoleGrant
from cloudmgr.domain.pools import ResourcePool
from cloudmgr.domain.quota import Quota
from cloudmgr.domain.reorganisations import (
    Reorganisation,
)
from cloudmgr.domain.requests import RequestState
from cloudmgr.services.parties import RegisterOrganisation
from cloudmgr.services.reorganisations import (
    CancelReorganisation,
    preview,
)
from cloudmgr.services.requests import SubmitRequest
from cloudmgr.services.sessions import actor_of
from tests.support.reorganisations import (
    APRIL,
    FEBRUARY_END,
    carried_out,
    hand_over,
    merge,
    planned,
    second_system,
    split,
    sums,
)
from tests.support.requests import (
    a_line,
    approved,
    check_conserved,
    completed,
    confirmed,
    delivered,
    drafted,
    look,
    running,
    signed,
    signed_until,
    submitted,
)
from tests.support.worlds import Town, a_town


@pytest.fixture
def town() -> Town:
    return a_town()


def test_a_merged_department_ends_and_all_of_it_is_the_others(town: Town) -> None:
    allocation = running(town, a_line(quantity=3))
    town.wait(FEBRUARY_END)
    before = sums(town)
    done = carried_out(town, merge())
    ended = town.look(Organisation, "health")
    assert (ended.ended_at, ended.successor_id) == (done.effective_at, "transport")
    assert town.look(Application, "health-app").department_id == "transport"
    assert town.look(Allocation, allocation.id).department_id == "transport"
    assert sums(town) == before
    check_conserved(town)


def test_its_peoples_roles_end_with_it_and_the_others_stay(town: Town) -> None:
    town.wait(FEBRUARY_END)
    (moved,) = carried_out(town, merge()).moved
    assert set(moved.grant_ids) == {
        each.id for each in town.all(RoleGrant, organisation_id="health")
    }
    with town.reading() as world:
        assert not actor_of(world, "health.user", town.now).grants
        assert actor_of(world, "transport.user", town.now).grants


def test_it_happens_at_its_midnight_and_not_before(town: Town) -> None:
    town.wait(FEBRUARY_END)
    made = planned(town, merge())
    town.wait("03-10 23:59")
    assert town.look(Organisation, "health").ended_at is None
    town.wait("03-11 00:00")
    assert (
        town.look(Organisation, "health").ended_at
        == made.effective_at
        == midnight(date(2026, 3, 11))
    )


@pytest.mark.parametrize(
    "how",
    [
        {"effective_from": date(2026, 1, 5)},
        {"document_number": " "},
        {"into": "health"},
        {"into": "treasury"},
    ],
)
def test_what_cannot_be_is_refused(town: Town, how: dict[str, Any]) -> None:
    assert town.code(merge(**how), "bureau.a") == "bad_value"


def test_who_may_record_one(town: Town) -> None:
    for login in ("health.lead", "centre.a", "treasury.a", "prv.engineer", "bureau.system"):
        assert town.code(merge(), login) == "forbidden"


def test_a_department_ends_once(town: Town) -> None:
    first = planned(town, merge())
    assert town.code(merge(into="county-health"), "bureau.a") == "reorganisation_overlaps"
    assert town.code(hand_over(), "bureau.a") == "reorganisation_overlaps"
    cancel = CancelReorganisation(reorganisation_id=first.id, reason="withdrawn")
    town.give(cancel, "bureau.a")
    carried_out(town, merge(into="transport"))
    assert town.code(merge(), "bureau.a") == "organisation_ended"
    assert town.code(cancel, "bureau.a") == "illegal_transition"


def test_a_cancelled_one_moves_nothing(town: Town) -> None:
    made = planned(town, merge())
    town.give(CancelReorganisation(reorganisation_id=made.id, reason="withdrawn"), "bureau.a")
    town.wait(APRIL)
    assert town.look(Organisation, "health").ended_at is None


def test_only_the_systems_named_are_handed_over(town: Town) -> None:
    second_system(town)
    one = running(town, a_line(quantity=2))
    town.wait(FEBRUARY_END)
    before = sums(town)
    done = carried_out(town, hand_over("health-app"))
    assert town.look(Application, "health-two").department_id == "health"
    assert town.look(Organisation, "health").ended_at is None
    (moved,) = done.moved
    assert moved.application_ids == ("health-app",)
    assert moved.allocation_ids == (one.id,)
    assert sums(town) == before
    check_conserved(town)
    quota = town.look(Quota, "transport/VCPU")
    assert quota.allocated == 4
    assert (town.look(Quota, "health/VCPU").limit_units, quota.limit_units) == (56, 64)


def test_money_goes_along_as_a_recorded_move(town: Town) -> None:
    running(town, a_line(quantity=2))
    town.wait(FEBRUARY_END)
    (moved,) = carried_out(town, hand_over()).moved
    (money,) = moved.budgets
    assert money.committed == money.approved > 0
    gave, took = town.all(BudgetChange, kind=BudgetChangeKind.MOVE)
    assert {gave.amount, took.amount} == {-money.approved, money.approved}
    assert {gave.budget_id, took.budget_id} == {money.from_budget_id, money.to_budget_id}
    assert gave.document_number == "test reform 2"
    assert (
        town.look(Budget, "treasury/health/2026").left
        == town.look(Budget, "treasury/health/2026").approved
        - town.look(Budget, "treasury/health/2026").committed
    )


def test_more_money_goes_along_where_the_document_says_so(town: Town) -> None:
    running(town, a_line())
    town.wait(FEBRUARY_END)
    carried_out(town, hand_over(budget=amount("100000.00")))
    assert town.look(Budget, "treasury/transport/2026").approved == Decimal("600000.00")
    assert town.look(Budget, "treasury/health/2026").approved == Decimal("400000.00")


def test_a_new_department_gets_its_budget_and_its_limits_from_the_old_one(town: Town) -> None:
    second_system(town)
    running(town, a_line(quantity=2))
    fresh = town.give(
        RegisterOrganisation(
            kind=OrganisationKind.DEPARTMENT, name_zh="新局", name_en="New", region_id="city"
        ),
        "bureau.a",
    )
    town.wait(FEBRUARY_END)
    before = sums(town)
    carried_out(town, split(fresh.id))
    assert town.look(Budget, f"treasury/{fresh.id}/2026").committed > 0
    assert town.look(Quota, f"{fresh.id}/VCPU").limit_units == 4
    after = sums(town)
    assert {**after, "payers": 0} == {**before, "payers": 0}
    check_conserved(town)


def test_a_department_that_ends_in_a_split_leaves_the_rest_to_the_last_part(town: Town) -> None:
    second_system(town)
    running(town, a_line())
    fresh = town.give(
        RegisterOrganisation(
            kind=OrganisationKind.DEPARTMENT, name_zh="新局", name_en="New", region_id="city"
        ),
        "bureau.a",
    )
    town.wait(FEBRUARY_END)
    carried_out(town, split(fresh.id, ends=True))
    assert town.look(Application, "health-app").department_id == fresh.id
    assert town.look(Application, "health-two").department_id == "transport"
    assert town.look(Organisation, "health").successor_id == "transport"
    check_conserved(town)


def test_what_others_run_may_not_be_handed_over(town: Town) -> None:
    assert town.code(hand_over("transport-app"), "bureau.a") == "bad_value"
    assert town.code(hand_over("nothing"), "bureau.a") == "not_found"


def test_requests_go_along_and_those_being_signed_are_sent_back_first(town: Town) -> None:
    draft = drafted(town)
    at_unit = submitted(town)
    in_review = signed_until(town, submitted(town), "technical")
    held = approved(town, a_line(quantity=2))
    finished = completed(town)
    (moved,) = carried_out(town, merge(effective_from=date(2026, 1, 6))).moved
    states = {
        each: look(town, request).state
        for each, request in (
            ("draft", draft),
            ("unit", at_unit),
            ("review", in_review),
            ("held", held),
            ("finished", finished),
        )
    }
    assert states == {
        "draft": RequestState.DRAFT,
        "unit": RequestState.DRAFT,
        "review": RequestState.RETURNED,
        "held": RequestState.APPROVED,
        "finished": RequestState.COMPLETED,
    }
    assert set(moved.returned_request_ids) == {at_unit.id, in_review.id}
    assert {look(town, each).department_id for each in (draft, at_unit, in_review, held)} == {
        "transport"
    }
    assert look(town, finished).department_id == "health"  # a paper of its time
    (reservation,) = town.all(Reservation, state=ReservationState.HELD)
    assert reservation.department_id == "transport"
    check_conserved(town)
    again = town.give(SubmitRequest(request_id=draft.id), "transport.user")
    assert signed(town, again).state is not RequestState.DRAFT


def test_what_was_approved_is_delivered_to_the_new_department(town: Town) -> None:
    request = delivered(town, a_line(quantity=2))
    carried_out(town, merge(effective_from=date(2026, 1, 6)))
    assert confirmed(town, look(town, request)).state is RequestState.COMPLETED
    check_conserved(town)
    assert town.look(Quota, "transport/VCPU").allocated == 4
    assert town.look(Quota, "health/VCPU").committed == 0


def test_a_county_department_takes_over_into_its_own_countys_money(town: Town) -> None:
    running(town, a_line(quantity=2))
    town.wait(FEBRUARY_END)
    (moved,) = carried_out(town, hand_over(to_department_id="county-health")).moved
    (money,) = moved.budgets
    assert town.look(Budget, "treasury/-/2026").approved == Decimal("900000.00") - money.approved
    county = town.look(Budget, "county-treasury/-/2026")
    assert county.approved == Decimal("900000.00") + money.approved
    assert county.committed == money.committed
    assert town.look(Quota, "county/VCPU").allocated == 4
    check_conserved(town)


def test_a_pool_for_named_departments_serves_who_takes_over(town: Town) -> None:
    running(town)
    town.change(town.look(ResourcePool, "x86"), department_ids=("health",))
    town.wait(FEBRUARY_END)
    (moved,) = carried_out(town, hand_over()).moved
    assert moved.pool_ids == ("x86",)
    assert town.look(ResourcePool, "x86").department_ids == ("health", "transport")


def test_a_preview_says_what_will_move_and_changes_nothing(town: Town) -> None:
    second_system(town)
    running(town, a_line(quantity=2))
    held = approved(town, a_line())
    town.wait(FEBRUARY_END)
    made = planned(town, merge())
    before = town.snapshot()
    with town.reading() as world:
        foreseen = preview(world, made)
    assert town.snapshot() == before
    town.wait(made.effective_at)
    done = town.look(Reorganisation, made.id)
    assert done.moved == foreseen
    assert held.id in foreseen[0].request_ids or look(town, held).state is RequestState.EXPIRED
    with town.reading() as world:
        assert preview(world, done) == done.moved
