"""Contracts as commands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from catalog.money import Yuan
from catalog.period import utc
from cloudmgr.domain.access import Actor, Role
from cloudmgr.domain.contracts import BillingStart, Contract, PriceLink
from cloudmgr.domain.errors import bad_value
from cloudmgr.domain.parties import Organisation, OrganisationKind
from cloudmgr.domain.pools import ResourcePool
from cloudmgr.services.commands import Command, handles
from cloudmgr.services.world import World, next_id


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterContract(Command):
    """Register a signed service contract with what it covers, its term and total."""

    number: str
    name: str
    provider_id: str
    payee_id: str
    procurement_method: str
    signatories: tuple[str, ...]
    starts_at: datetime
    ends_at: datetime
    total: Yuan
    price_link: PriceLink
    billing_start: BillingStart
    pool_ids: tuple[str, ...]
    sku_ids: tuple[str, ...] = ()


@handles(Role.AUTHORITY)
def register_contract(
    world: World, command: RegisterContract, actor: Actor, now: datetime
) -> Contract:
    provider = world.get(Organisation, command.provider_id)
    world.get(Organisation, command.payee_id)
    if provider.kind is not OrganisationKind.PROVIDER:
        raise bad_value("provider_id", f"{provider.id} is not a provider")
    starts_at, ends_at = utc(command.starts_at), utc(command.ends_at)
    if ends_at <= starts_at:
        raise bad_value("ends_at", "the term ends after it starts")
    if command.total <= 0:
        raise bad_value("total", "a contract has a positive total")
    if not command.pool_ids:
        raise bad_value("pool_ids", "a contract covers at least one pool")
    for pool_id in command.pool_ids:
        if world.get(ResourcePool, pool_id).provider_id != provider.id:
            raise bad_value("pool_ids", f"{pool_id} is not a pool of {provider.id}")
    return world.put(
        Contract(
            id=next_id(world, "CT"),
            number=command.number,
            name=command.name,
            provider_id=command.provider_id,
            payee_id=command.payee_id,
            procurement_method=command.procurement_method,
            signatories=command.signatories,
            starts_at=starts_at,
            ends_at=ends_at,
            total=command.total,
            price_link=command.price_link,
            billing_start=command.billing_start,
            pool_ids=command.pool_ids,
            sku_ids=command.sku_ids,
        )
    )
