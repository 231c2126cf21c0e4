"""Quotas: a limit counts on every ancestor; not set is not zero."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.errors import CloudmgrError
from cloudmgr.domain.quota import (
    UNLIMITED,
    Quota,
    Standing,
    check,
    headroom,
    moved_limits,
    post,
    release,
    reserve,
    set_limit,
    unreserve,
)
from tests.support.supply import VCPU
from tests.support.worlds import a_quota


def chain(own: int | None, city: int | None, *, committed: int = 0) -> tuple[Quota, Quota]:
    return (
        a_quota(scope_id="health", limit_units=own),
        a_quota(scope_id="city", parent_id=None, limit_units=city, allocated=committed),
    )


def refusal(quotas: tuple[Quota, ...], units: int) -> CloudmgrError:
    with pytest.raises(CloudmgrError) as refused:
        check(quotas, VCPU, units, "health")
    return refused.value


def test_nothing_set_up_to_the_root_is_an_error_and_not_a_limit_of_zero() -> None:
    assert refusal(chain(None, None), 1).code == "quota_not_set"
    assert refusal((), 1).code == "quota_not_set"


def test_unlimited_is_explicit() -> None:
    check(chain(None, UNLIMITED), VCPU, 10**9, "health")
    check(chain(UNLIMITED, None), VCPU, 10**9, "health")


def test_not_set_means_no_own_limit() -> None:
    check(chain(None, 10), VCPU, 10, "health")
    assert refusal(chain(None, 10), 11).code == "quota_exceeded"


def test_every_ancestor_is_checked_and_the_first_one_over_is_named() -> None:
    refused = refusal(chain(10, 12, committed=5), 8)
    assert refused.code == "quota_exceeded"
    assert refused.details == {"resource_class": "VCPU", "scope": "city", "free": 7, "asked": 8}
    assert refusal(chain(7, 12, committed=5), 8).details["scope"] == "health"


def test_below_what_is_committed_growth_stops_but_what_asks_for_nothing_goes_on() -> None:
    own = a_quota(limit_units=4, allocated=3, reserved=3)
    assert own.left == -2
    check((own,), VCPU, 0, "health")
    assert refusal((own,), 1).details["free"] == 0


def test_a_limit_may_be_lowered_below_what_is_committed() -> None:
    assert set_limit(a_quota(allocated=50), 10, None).limit_units == 10


@pytest.mark.parametrize("asked", [UNLIMITED, 11])
def test_a_childs_limit_does_not_exceed_its_parents(asked: int) -> None:
    parent = a_quota(scope_id="city", parent_id=None, limit_units=10)
    with pytest.raises(CloudmgrError, match="limit_above_parent"):
        set_limit(a_quota(), asked, parent)
    assert set_limit(a_quota(), 10, parent).limit_units == 10
    assert set_limit(a_quota(), None, parent).limit_units is None


@pytest.mark.parametrize("limit", [None, UNLIMITED])
def test_a_parent_without_a_limit_allows_any(limit: int | None) -> None:
    parent = a_quota(scope_id="city", parent_id=None, limit_units=limit)
    assert set_limit(a_quota(), 10**6, parent).limit_units == 10**6
    assert set_limit(a_quota(), UNLIMITED, parent).left is None


@given(steps=st.lists(st.tuples(st.sampled_from("rpul"), st.integers(0, 30)), max_size=30))
def test_whatever_happens_committed_and_left_are_the_limit(steps: list[tuple[str, int]]) -> None:
    own = a_quota(limit_units=60)
    for step, units in steps:
        left = own.left
        assert left is not None
        if step == "r" and units <= left:
            own = reserve(own, units)
        elif step == "p":
            own = post(own, min(units, own.reserved))
        elif step == "u":
            own = unreserve(own, min(units, own.reserved))
        elif step == "l":
            own = release(own, min(units, own.allocated))
        assert own.committed + (own.left or 0) == 60
        assert min(own.reserved, own.allocated) >= 0


def quota(scope_id: str, limit: int | None, allocated: int = 0) -> Quota:
    return a_quota(scope_id=scope_id, limit_units=limit, allocated=allocated)


def test_the_tightest_of_the_chain_is_named_and_the_nearest_of_equals() -> None:
    own, department, region = quota("app", 10, 4), quota("dep", 9, 4), quota("city", 100, 95)
    found = headroom(own, (department, region), VCPU)
    assert (found.headroom_units, found.tight_scope_id) == (5, "dep")
    assert (found.limit_units, found.committed, found.standing) == (10, 4, Standing.LIMITED)
    over = headroom(own, (quota("dep", 3, 4),), VCPU)
    assert (over.headroom_units, over.tight_scope_id) == (0, "dep"), (
        "nothing, not less than nothing"
    )


def test_without_any_limit_it_is_unlimited_or_not_set() -> None:
    def standing(*limits: int | None) -> Standing:
        above = [quota(f"s{index}", limit) for index, limit in enumerate(limits)]
        found = headroom(None, above, VCPU)
        assert (found.headroom_units, found.tight_scope_id) == (None, None)
        return found.standing

    assert standing() is Standing.NOT_SET
    assert standing(None, None) is Standing.NOT_SET
    assert standing(None, UNLIMITED) is Standing.UNLIMITED


@given(st.lists(st.tuples(st.integers(-1, 50), st.integers(0, 60)), min_size=1, max_size=5))
def test_headroom_is_exactly_what_a_check_lets_pass(scopes: list[tuple[int, int]]) -> None:
    chain = [quota(f"s{index}", *each) for index, each in enumerate(scopes)]
    found = headroom(chain[0], chain[1:], VCPU)
    room = found.headroom_units
    check(chain, VCPU, 1_000 if room is None else room, "s0")
    if room is not None:
        with pytest.raises(CloudmgrError, match="quota_exceeded"):
            check(chain, VCPU, room + 1, "s0")


def test_only_an_unused_limit_moves() -> None:
    assert moved_limits(quota("a", 10, 4), quota("b", 5, 9), 6) == (4, 11)
    with pytest.raises(CloudmgrError) as refused:
        moved_limits(quota("a", 10, 4), quota("b", 5), 7)
    assert (refused.value.code, refused.value.details["free"]) == ("quota_exceeded", 6)
    for giver, taker in ((None, 5), (UNLIMITED, 5), (5, None), (5, UNLIMITED)):
        with pytest.raises(CloudmgrError, match="bad_value"):
            moved_limits(quota("a", giver), quota("b", taker), 1)
