"""What a pool has against what we think: every difference is found, and none is made up."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from catalog.quantity import ResourceAmount, ResourceClass
from cloudmgr.domain.pools_interface import PoolResource
from cloudmgr.pools.drift import Drift, Expected, find_drift

SIZE = (
    ResourceAmount(ResourceClass.VCPU, 2),
    ResourceAmount(ResourceClass.MEMORY_MIB, 4096),
)


def theirs(reference: str, id: str | None = None, vcpu: int = 2) -> PoolResource:
    return PoolResource(
        id=id or f"R-{reference}",
        reference=reference,
        sku_id="vm-x86-2c4g",
        quantity=1,
        amounts=(ResourceAmount(ResourceClass.VCPU, vcpu), SIZE[1]),
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
    )


def ours(reference: str, id: str = "") -> Expected:
    return Expected(reference=reference, resource_id=id, amounts=SIZE)


def test_the_same_on_both_sides_is_no_drift() -> None:
    assert find_drift([theirs("A"), theirs("B")], [ours("B"), ours("A", "R-A")]).none


def test_the_order_in_which_a_size_names_its_classes_does_not_matter() -> None:
    turned = replace(theirs("A"), amounts=SIZE[::-1])
    assert find_drift([turned], [ours("A")]).none


def test_each_kind_of_difference_is_listed_under_its_name() -> None:
    drift = find_drift([theirs("B", vcpu=4), theirs("C")], [ours("A"), ours("B")])
    assert [each.reference for each in drift.missing_there] == ["A"]
    assert [each.reference for each in drift.unknown_here] == ["C"]
    (different,) = drift.different_size
    assert different.reference == "B"
    assert ResourceAmount(ResourceClass.VCPU, 4) in different.theirs
    assert ResourceAmount(ResourceClass.VCPU, 2) in different.ours


def test_a_resource_provisioned_twice_is_unknown_the_second_time() -> None:
    drift = find_drift([theirs("A", "R-1"), theirs("A", "R-2")], [ours("A", "R-2")])
    assert [each.id for each in drift.unknown_here] == ["R-1"]
    assert not drift.missing_there


def test_another_resource_under_our_reference_is_not_the_one_we_know() -> None:
    drift = find_drift([theirs("A", "R-9")], [ours("A", "R-1")])
    assert [each.resource_id for each in drift.missing_there] == ["R-1"]
    assert [each.id for each in drift.unknown_here] == ["R-9"]


def test_nothing_is_said_about_what_is_under_way() -> None:
    there, mine = [theirs("A", vcpu=4), theirs("B")], [ours("A"), ours("C")]
    assert find_drift(there, mine, {"A", "B", "C"}) == Drift(
        missing_there=(), unknown_here=(), different_size=()
    )


REFERENCES = st.lists(st.sampled_from("ABCDEF"), unique=True)


@given(REFERENCES, st.lists(st.sampled_from("ABCDEF")), st.sets(st.sampled_from("ABCDEF")))
def test_everything_on_either_side_is_matched_or_listed_once(
    mine: list[str], there: list[str], under_way: set[str]
) -> None:
    resources = [theirs(name, f"R-{n}") for n, name in enumerate(there)]
    drift = find_drift(resources, [ours(name) for name in mine], under_way)
    counted = [name for name in there if name not in under_way]
    expected = [name for name in mine if name not in under_way]
    matched = len(expected) - len(drift.missing_there)
    assert matched + len(drift.unknown_here) == len(counted)
    assert {each.reference for each in drift.missing_there} == set(expected) - set(counted)
