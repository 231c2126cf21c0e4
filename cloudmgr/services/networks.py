"""Private networks as commands: entered, kept up to date, integrated into the extranet."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from catalog.period import local_day
from cloudmgr.domain.access import Actor
from cloudmgr.domain.errors import bad_value
from cloudmgr.domain.networks import PrivateNetwork, check_network
from cloudmgr.services.applications import OWNERS
from cloudmgr.services.commands import Command, handles
from cloudmgr.services.organisations import living_department, require_ledger
from cloudmgr.services.world import World, next_id


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterNetwork(Command):
    """Enter a department's private network (专网)."""

    code: str
    name_zh: str
    name_en: str
    department_id: str
    purpose: str = ""
    bandwidth_mbps: int | None = None
    classified: bool = False
    integrate_by: date | None = None
    in_use_from: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateNetwork(Command):
    """Say anew what is known of a network; what is left out is taken to be not set."""

    network_id: str
    code: str
    name_zh: str
    name_en: str
    purpose: str = ""
    bandwidth_mbps: int | None = None
    classified: bool = False
    integrate_by: date | None = None
    in_use_from: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IntegrateNetwork(Command):
    """The network became part of the government extranet on a day."""

    network_id: str
    integrated_on: date
    document_number: str


@handles(*OWNERS)
def register_network(
    world: World, command: RegisterNetwork, actor: Actor, now: datetime
) -> PrivateNetwork:
    """Raises `already_exists` for a code that another network has."""
    require_ledger(actor, command.department_id, "Organisation", command.department_id)
    living_department(world, command.department_id)
    network = PrivateNetwork(id=next_id(world, "NET"), **_said(command))
    check_network(network)
    return world.put(network)


@handles(*OWNERS)
def update_network(
    world: World, command: UpdateNetwork, actor: Actor, now: datetime
) -> PrivateNetwork:
    changed = replace(_own(world, command.network_id, actor), **_said(command))
    check_network(changed)
    return world.put(changed)


@handles(*OWNERS)
def integrate_network(
    world: World, command: IntegrateNetwork, actor: Actor, now: datetime
) -> PrivateNetwork:
    """Raises `bad_value` for a day to come or without a document."""
    present = _own(world, command.network_id, actor)
    if command.integrated_on > local_day(now):
        raise bad_value("integrated_on", "what is to come is no fact yet; set `integrate_by`")
    if not command.document_number.strip():
        raise bad_value("document_number", "name the paper that says so (文号)")
    return world.put(
        replace(
            present,
            integrated_on=command.integrated_on,
            document_number=command.document_number,
        )
    )


def _own(world: World, id: str, actor: Actor) -> PrivateNetwork:
    network = world.get(PrivateNetwork, id)
    require_ledger(actor, network.department_id, "PrivateNetwork", id)
    return network


def _said(command: RegisterNetwork | UpdateNetwork) -> dict[str, Any]:
    fields = type(command).__dataclass_fields__
    return {name: getattr(command, name) for name in fields if name != "network_id"}
