"""Each department pays for its own days, and whatever is reorganised, nothing is lost or counted
twice."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.money import total
from catalog.period import DAY, Month
from cloudmgr.domain.allocations import Allocation
from cloudmgr.domain.applications import Application
from cloudmgr.domain.budget import Budget, BudgetCommitment
from cloudmgr.domain.lines import RatedLine
from cloudmgr.domain.parties import Organisation
from cloudmgr.domain.quota import Quota
from cloudmgr.domain.reorganisations import (
    Transfer,
    check_transfers,
    share_before,
)
from cloudmgr.domain.requests import RequestKind
from cloudmgr.domain.values import Value
from cloudmgr.services.rating import MonthRating
from cloudmgr.services.rating import preview as bill_preview
from cloudmgr.services.reorganisations import (
    Part,
    SplitOrganisation,
)
from cloudmgr.services.reorganisations_moves import FOLLOWS, HERE, STAYS, WITH_THE_REST
from cloudmgr.store import tables
from cloudmgr.store.mapper import ROWS
from tests.support.reorganisations import (
    FEBRUARY_END,
    carried_out,
    hand_over,
    merge,
    second_system,
)
from tests.support.requests import (
    a_line,
    approved,
    check_conserved,
    running,
)
from tests.support.worlds import Town, a_town


@pytest.fixture
def town() -> Town:
    return a_town()


# --- the bill -------------------------------------------------------------------------------


def lines_of(town: Town, month: str = "2026-03") -> tuple[RatedLine, ...]:
    with town.reading() as world:
        rated = MonthRating(world, Month.parse(month), lambda *_: {}).rate(town.all(Allocation))
        assert not rated.unpriced
        return rated.lines


def test_each_department_is_billed_for_its_own_days(town: Town) -> None:
    running(town, a_line(quantity=2))
    town.wait(FEBRUARY_END)
    (whole,) = lines_of(town)
    carried_out(town, merge())
    first, second = lines_of(town)
    assert (first.department_id, first.fraction) == ("health", "10/31")
    assert (second.department_id, second.fraction) == ("transport", "21/31")
    assert Fraction(first.fraction) + Fraction(second.fraction) == Fraction(whole.fraction)
    assert abs(first.amount + second.amount - whole.amount) <= Decimal("0.01")
    assert {each.payer_id for each in (first, second)} == {"treasury"}


def test_the_bill_preview_of_the_department_that_gave_shows_its_days(town: Town) -> None:
    running(town)
    town.wait(FEBRUARY_END)
    carried_out(town, hand_over())
    with town.reading() as world:
        march = Month(2026, 3)
        own = bill_preview(world, march, "health", lambda *_: {})
        theirs = bill_preview(world, march, "transport", lambda *_: {})
    assert [each.fraction for each in (*own, *theirs)] == ["10/31", "21/31"]


def test_the_month_of_the_change_commits_to_each_its_days(town: Town) -> None:
    running(town, a_line(quantity=2))
    town.wait(FEBRUARY_END)
    carried_out(town, merge())
    rows = Counter[tuple[str, str]]()
    for row in town.all(BudgetCommitment, month="2026-03"):
        rows[row.department_id, row.month] += int(row.amount * 100)
    whole = rows["health", "2026-03"] + rows["transport", "2026-03"]
    assert rows["health", "2026-03"] == round(Fraction(whole) * Fraction(10, 31))
    assert {each.department_id for each in town.all(BudgetCommitment, month="2026-04")} == {
        "transport"
    }


# --- laws -----------------------------------------------------------------------------------

moves = st.lists(
    st.tuples(
        st.sampled_from(("merge", "hand_over", "split")),
        st.permutations(("health", "transport", "county-health")),
        st.integers(1, 60),
    ),
    min_size=1,
    max_size=3,
)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 3), min_size=1, max_size=3), st.booleans(), moves)
def test_nothing_is_lost_or_counted_twice_whatever_is_reorganised(
    sizes: list[int], waiting: bool, steps: list[tuple[str, tuple[str, ...], int]]
) -> None:
    town = a_town()
    second_system(town)
    departments = ("health", "transport", "county-health")
    for department, size in zip(departments, sizes, strict=False):
        running(town, a_line(quantity=size), department=department)
    if waiting:
        approved(town, a_line(quantity=2), kind=RequestKind.NEW)
    total_vcpu = town.look(Quota, "city/VCPU").committed
    money = total(each.approved for each in town.all(Budget) if each.department_id)
    committed = total(each.committed for each in town.all(Budget) if each.department_id is None)
    for kind, (giver, taker, _), days in steps:
        day = (town.now + days * DAY).date()
        apps = tuple(each.id for each in town.all(Application, department_id=giver))
        if town.look(Organisation, giver).ended_at or town.look(Organisation, taker).ended_at:
            continue
        if kind != "merge" and not apps:
            continue
        command = {
            "merge": merge(giver, into=taker, effective_from=day),
            "hand_over": hand_over(
                *apps[:1], from_department_id=giver, to_department_id=taker, effective_from=day
            ),
            "split": SplitOrganisation(
                department_id=giver,
                parts=(Part(to_department_id=taker, application_ids=apps[:1]),),
                effective_from=day,
                document_number="test",
            ),
        }[kind]
        carried_out(town, command)
        check_conserved(town)
    if not waiting:  # an approval that nobody ordered expires and frees what it held
        assert town.look(Quota, "city/VCPU").committed == total_vcpu
        assert committed == total(
            each.committed for each in town.all(Budget) if each.department_id is None
        )
    assert money == total(each.approved for each in town.all(Budget) if each.department_id)


@given(st.integers(0, 10**9), st.integers(0, 31), st.integers(0, 40), st.integers(1, 31))
def test_a_share_and_the_rest_are_the_whole(fen: int, start: int, at_day: int, end: int) -> None:
    whole = Decimal(fen).scaleb(-2)
    march = Month(2026, 3).period.start
    share = share_before(whole, *(march + each * DAY for each in (start, at_day, end)))
    assert 0 <= share <= whole
    if at_day >= end > start:
        assert share == whole


def test_transfers_that_contradict_each_other_are_refused() -> None:
    everything = Transfer(from_department_id="a", to_department_id="b")
    with pytest.raises(Exception, match="nothing is left"):
        check_transfers((everything, replace(everything, to_department_id="c")))
    some = Transfer(from_department_id="a", to_department_id="b", application_ids=("x",))
    with pytest.raises(Exception, match="one department only"):
        check_transfers((some, replace(some, to_department_id="c")))


def test_every_kind_with_a_department_is_said_to_move_or_to_stay() -> None:
    assert tables.NOUNS
    known: set[type[Value]] = {*FOLLOWS, *HERE, *STAYS, *WITH_THE_REST}
    kinds = {kind for kind in ROWS if "department_id" in kind.__dataclass_fields__}
    assert kinds == known, "say in reorganisations_moves what becomes of these"
