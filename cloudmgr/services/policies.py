"""The policy in force. Owns the lookup only; publishing a version with its trial calculation is
part of the catalog office's work."""

from __future__ import annotations

from datetime import datetime

from cloudmgr.domain.parties import Organisation, Region
from cloudmgr.domain.policy import Policy, policy_at
from cloudmgr.services.world import World


def policy_now(world: World, now: datetime) -> Policy:
    """The dated policy version in force at `now`; raises `bad_value` when there is none."""
    return policy_at(world.derived("policies", (Policy,), lambda: world.find(Policy)), now)


def payer_of(world: World, department_id: str, now: datetime) -> str:
    """Who pays for a department at `now`, by its region's rule."""
    department = world.get(Organisation, department_id)
    return policy_now(world, now).payer_of(department.region_id, department_id)


def region_of(world: World, department_id: str) -> Region:
    return world.get(Region, world.get(Organisation, department_id).region_id)
