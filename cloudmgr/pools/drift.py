"""Drift: where what a pool has and what we think differ. Owns the comparison; it changes nothing.

Asking the pool is `client`, saying what should be there belongs to the caller, and what is done
about a difference to people.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from catalog.quantity import ResourceAmount, summed
from cloudmgr.domain.allocations import Allocation, AllocationState
from cloudmgr.domain.pools_interface import PoolResource

_RUNNING = (AllocationState.TRIAL, AllocationState.ACTIVE, AllocationState.STOPPED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a pool should have for one allocation; `resource_id` is empty until it told us."""

    reference: str
    resource_id: str
    amounts: tuple[ResourceAmount, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DifferentSize:
    """Both have it, in sizes that differ; amounts one per class, in base units."""

    reference: str
    resource_id: str
    ours: tuple[ResourceAmount, ...]
    theirs: tuple[ResourceAmount, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """Each list in order of reference, then of the pool's id."""

    missing_there: tuple[Expected, ...]
    unknown_here: tuple[PoolResource, ...]
    different_size: tuple[DifferentSize, ...]

    @property
    def none(self) -> bool:
        return not (self.missing_there or self.unknown_here or self.different_size)


def find_drift(
    there: Iterable[PoolResource], ours: Iterable[Expected], under_way: Collection[str] = ()
) -> Drift:
    """Compare what a pool lists with what it should have.

    References in `under_way` have an order whose end we do not know: nothing is said about them.
    A resource is ours when its reference is, and its id where we know one; a second one under the
    same reference is unknown here.
    """
    left: dict[str, list[PoolResource]] = defaultdict(list)
    for resource in sorted(there, key=lambda each: (each.reference, each.id)):
        if resource.reference not in under_way:
            left[resource.reference].append(resource)
    missing: list[Expected] = []
    different: list[DifferentSize] = []
    for expected in sorted(ours, key=lambda each: (each.reference, each.resource_id)):
        if expected.reference in under_way:
            continue
        same = left[expected.reference]
        match = next((each for each in same if _is(each, expected)), None)
        if match is None:
            missing.append(expected)
            continue
        same.remove(match)
        if summed(expected.amounts) != summed(match.amounts):
            different.append(_different(expected, match))
    unknown = [resource for reference in sorted(left) for resource in left[reference]]
    return Drift(
        missing_there=tuple(missing), unknown_here=tuple(unknown), different_size=tuple(different)
    )


def expected_of(allocations: Iterable[Allocation], pool_id: str) -> tuple[Expected, ...]:
    """What a pool should have: everything delivered there, accepted and not released.

    What is still reserved has no size of its own yet; its reference belongs in `under_way`.
    """
    return tuple(
        Expected(
            reference=each.id,
            resource_id=each.provider_resource_id,
            amounts=each.resources,
        )
        for each in allocations
        if each.pool_id == pool_id and each.state in _RUNNING
    )


def _different(expected: Expected, found: PoolResource) -> DifferentSize:
    return DifferentSize(
        reference=found.reference,
        resource_id=found.id,
        ours=summed(expected.amounts),
        theirs=summed(found.amounts),
    )


def _is(resource: PoolResource, expected: Expected) -> bool:
    return expected.resource_id in ("", resource.id)
