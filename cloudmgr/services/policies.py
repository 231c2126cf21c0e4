"""The policy in force. Owns the lookup only; publishing a version with its trial calculation is
part of the catalog office's work."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from cloudmgr.domain.continuity import ContinuityRules
from cloudmgr.domain.parties import Organisation, OrganisationKind, Region
from cloudmgr.domain.policy import Policy, policy_at
from cloudmgr.domain.policy_allocations import AllocationRules
from cloudmgr.domain.policy_pools import PoolRules
from cloudmgr.services.world import World


def policy_now(world: World, now: datetime) -> Policy:
    """The dated policy version in force at `now`; raises `bad_value` when there is none."""
    return policy_at(world.derived("policies", (Policy,), lambda: world.find(Policy)), now)


def pool_rules(world: World, now: datetime) -> PoolRules:
    """What the policy in force says of pools; nothing of its own where none is in force yet."""
    policy = _in_force(world, now)
    return policy.pools if policy else PoolRules()


def continuity_rules(world: World, now: datetime) -> ContinuityRules:
    """What the policy in force says of continuity, as `pool_rules`."""
    policy = _in_force(world, now)
    return policy.continuity if policy else ContinuityRules()


def allocation_rules(world: World, now: datetime) -> AllocationRules:
    """What the policy in force says of running resources, as `pool_rules`."""
    policy = _in_force(world, now)
    return policy.allocations if policy else AllocationRules()


def kind_of_policy(world: World, now: datetime) -> str:
    """Whether what was in force were sample parameters (示例参数); empty where nothing was."""
    policy = _in_force(world, now)
    return policy.kind if policy else ""


def _in_force(world: World, now: datetime) -> Policy | None:
    """A node takes pools and certificates in before its first policy begins."""
    policies = world.derived("policies", (Policy,), lambda: world.find(Policy))
    begun = [policy for policy in policies if policy.effective_from <= now]
    return policy_at(begun, now) if begun else None


def payer_of(world: World, department_id: str, now: datetime) -> str:
    """Who pays for a department at `now`, by its region's rule."""
    department = world.get(Organisation, department_id)
    above = regions_above(world, department.region_id)
    return policy_now(world, now).payer_of(department.region_id, department_id, above)


def regions_above(world: World, region_id: str) -> tuple[str, ...]:
    """The regions above a region, nearest first."""
    above: list[str] = []
    parent_id = world.get(Region, region_id).parent_id
    while parent_id is not None and parent_id not in above:
        above.append(parent_id)
        parent_id = world.get(Region, parent_id).parent_id
    return tuple(above)


def superiors_of(world: World, department_id: str) -> tuple[str, ...]:
    """The departments above a department, nearest first: a unit below a bureau has its bureau.

    Other offices above it (an authority) have no quota or budget a department could use up.
    """
    above: list[str] = []
    department = world.seek(Organisation, department_id)
    parent_id = department.parent_id if department else None
    while parent_id is not None and parent_id not in (*above, department_id):
        parent = world.get(Organisation, parent_id)
        if parent.kind is not OrganisationKind.DEPARTMENT:
            break
        above.append(parent_id)
        parent_id = parent.parent_id
    return tuple(above)


def units_below(world: World, department_ids: Iterable[str]) -> tuple[str, ...]:
    """The departments and everything below them, each once."""
    found = list(dict.fromkeys(department_ids))
    for department_id in found:
        units = world.find(Organisation, parent_id=department_id, kind=OrganisationKind.DEPARTMENT)
        found.extend(unit.id for unit in units if unit.id not in found)
    return tuple(found)


def region_of(world: World, department_id: str) -> Region:
    return world.get(Region, world.get(Organisation, department_id).region_id)
