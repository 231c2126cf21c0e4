"""`advance()` is the only way from one state to another, and it follows the noun's table."""

from __future__ import annotations

from enum import StrEnum

import pytest

from catalog.errors import CloudmgrError
from cloudmgr.domain.allocations import Allocation, Reservation
from cloudmgr.domain.lifecycle import Lifecycle, advance, advance_from, lifecycle
from cloudmgr.domain.pools import PoolState, ResourcePool
from cloudmgr.domain.quotes import Quote
from cloudmgr.domain.requests import ResourceRequest
from cloudmgr.domain.timers import Timer
from cloudmgr.domain.workorders import WorkOrder
from tests.support.supply import a_pool

NOUNS = (Allocation, Quote, Reservation, ResourcePool, ResourceRequest, Timer, WorkOrder)


def test_a_move_of_the_table_changes_the_state_and_what_comes_with_it() -> None:
    pool = advance(a_pool(), PoolState.RETIRING, exit_at=None, name_en="Old")
    assert (pool.state, pool.name_en) == (PoolState.RETIRING, "Old")


def test_an_illegal_move_is_refused_with_both_states_and_the_ways_out() -> None:
    with pytest.raises(CloudmgrError) as refused:
        advance(a_pool(), PoolState.RETIRED)
    assert refused.value.code == "illegal_transition"
    assert refused.value.details == {"state": "onboarded", "to": "retired"}
    assert "can become: restricted, retiring" in refused.value.message


def test_a_final_state_says_that_it_is_final() -> None:
    with pytest.raises(CloudmgrError, match="none, it is final"):
        advance(a_pool(state=PoolState.RETIRED), PoolState.ONBOARDED)


def test_a_state_does_not_become_itself() -> None:
    with pytest.raises(CloudmgrError, match="illegal_transition"):
        advance(a_pool(), PoolState.ONBOARDED)


def test_a_move_may_be_meant_for_some_of_the_states_the_table_allows() -> None:
    pool = a_pool(state=PoolState.RESTRICTED)
    only_onboarded = (PoolState.ONBOARDED,)
    with pytest.raises(CloudmgrError) as refused:
        advance_from(pool, only_onboarded, PoolState.RETIRING)
    assert refused.value.details == {"state": "restricted", "to": "retiring"}
    assert refused.value.message.endswith("can become: onboarded")
    assert advance_from(a_pool(), only_onboarded, PoolState.RETIRING).state is PoolState.RETIRING


class Light(StrEnum):
    RED = "red"
    GREEN = "green"


def test_the_first_state_of_a_table_is_the_initial_one_unless_others_are_named() -> None:
    table: dict[StrEnum, tuple[str, tuple[StrEnum, ...]]] = {
        Light.RED: ("红", (Light.GREEN,)),
        Light.GREEN: ("绿", ()),
    }
    assert lifecycle("Light", table).initial == {"red"}
    assert lifecycle("Light", table, Light.GREEN).initial == {"green"}
    assert lifecycle("Light", table).final("green")
    assert not lifecycle("Light", table).final("red")


@pytest.mark.parametrize("noun", NOUNS, ids=lambda noun: noun.__name__)
def test_every_table_names_every_state_once_with_a_label_and_leads_to_an_end(noun: type) -> None:
    table: Lifecycle = noun.LIFECYCLE  # type: ignore[attr-defined]
    states = {str(each) for each in type(noun.__dataclass_fields__["state"].default)}  # type: ignore[attr-defined]
    assert set(table.moves) == set(table.labels) == states
    assert all(table.labels.values())
    assert all(to <= states for to in table.moves.values())
    ends = {state for state in states if table.final(state)}
    assert ends
    reached = set(table.initial)
    for _ in states:
        reached |= {to for state in reached for to in table.moves[state]}
    assert reached == states, "a state nobody can come to"
