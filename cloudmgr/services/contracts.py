"""Contracts as commands, and the one question everything asks of them: is this covered now?

Owns registering a contract, its life by the calendar, and finding the contract something stands
under. Amendments are `contracts_amendments`, how far one is used up `contracts_progress`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from catalog.errors import CloudmgrError
from catalog.money import Yuan
from catalog.period import utc
from cloudmgr.domain.access import Actor, Role
from cloudmgr.domain.allocations import Allocation
from cloudmgr.domain.contracts import (
    BY_CYCLE,
    BillingStart,
    Contract,
    ContractState,
    InstalmentRule,
    PriceLink,
    check_instalments,
    require_cover,
    state_at_first,
)
from cloudmgr.domain.errors import already_exists, bad_value
from cloudmgr.domain.lifecycle import advance
from cloudmgr.domain.parties import Organisation, OrganisationKind
from cloudmgr.domain.pools import ResourcePool
from cloudmgr.domain.requests import RequestKind, ResourceRequest
from cloudmgr.domain.timers import Timer
from cloudmgr.services import timers
from cloudmgr.services.commands import Command, handles
from cloudmgr.services.contracts_progress import schedule_warnings
from cloudmgr.services.pricing import price_book
from cloudmgr.services.world import Message, World, next_id

PAYEES = (OrganisationKind.PROVIDER, OrganisationKind.OPERATING_COMPANY)


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
    instalment_rule: InstalmentRule = BY_CYCLE


@handles(Role.AUTHORITY)
def register_contract(
    world: World, command: RegisterContract, actor: Actor, now: datetime
) -> Contract:
    """Raises `already_exists` for a used number, `not_found`, `unknown_sku` and `bad_value`."""
    provider = world.get(Organisation, command.provider_id)
    if provider.kind is not OrganisationKind.PROVIDER:
        raise bad_value("provider_id", f"{provider.id} is not a provider")
    if not command.number.strip():
        raise bad_value("number", "a contract has a number (合同编号)")
    require_payee(world, command.payee_id)
    starts_at, ends_at = utc(command.starts_at), utc(command.ends_at)
    if ends_at <= starts_at:
        raise bad_value("ends_at", "the term ends after it starts")
    if command.total <= 0:
        raise bad_value("total", "a contract has a positive total")
    check_instalments(command.instalment_rule, command.total)
    if not command.pool_ids:
        raise bad_value("pool_ids", "a contract covers at least one pool")
    require_pools(world, provider.id, command.pool_ids)
    require_skus(world, command.sku_ids)
    world.lock((Contract, f"number/{command.number}"))  # two may register the same at once
    if world.find(Contract, number=command.number):
        raise already_exists("Contract", command.number)
    contract = Contract(
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
        instalment_rule=command.instalment_rule,
        state=state_at_first(starts_at, now),
    )
    return put_contract(world, contract, now)


def put_contract(world: World, contract: Contract, now: datetime) -> Contract:
    """Store a new contract, with what will happen to it."""
    stored = world.put(contract)
    schedule_life(world, stored, now)
    return stored


def schedule_life(world: World, contract: Contract, now: datetime) -> None:
    """Let a contract begin, if it has not, end by itself, and people be warned before it does; a
    changed term replaces the end and the warnings."""
    if contract.state is ContractState.SIGNED:
        timers.schedule(world, "contract_start", contract.id, contract.starts_at)
    timers.schedule(world, "contract_end", contract.id, max(contract.ends_at, now))
    schedule_warnings(world, contract, now)


@timers.on_timer("contract_start")
def contract_starts(world: World, timer: Timer, at: datetime) -> None:
    """Its term begins."""
    contract = _locked(world, timer.subject_id)
    if contract.state is ContractState.SIGNED:
        world.put(advance(contract, ContractState.IN_FORCE))


@timers.on_timer("contract_end")
def contract_ends(world: World, timer: Timer, at: datetime) -> None:
    """Its term is over, by the calendar or because it was terminated."""
    contract = _locked(world, timer.subject_id)
    terminated = bool(contract.termination_document)
    to = ContractState.TERMINATED if terminated else ContractState.EXPIRED
    if contract.state is ContractState.SIGNED and not terminated:
        contract = world.put(advance(contract, ContractState.IN_FORCE))
    world.put(advance(contract, to))
    world.outbox(
        Message(
            topic="contract_ended",
            subject=contract.id,
            payload={"contract_id": contract.id, "state": str(to)},
            at=at,
        )
    )


def require_payee(world: World, payee_id: str) -> None:
    """Raise `not_found`, or `bad_value` for one who is neither provider nor operating company."""
    if world.get(Organisation, payee_id).kind not in PAYEES:
        raise bad_value("payee_id", f"{payee_id} is neither a provider nor an operating company")


def require_pools(world: World, provider_id: str, pool_ids: tuple[str, ...]) -> None:
    """Raise `not_found`, or `bad_value` for a pool of somebody else."""
    for pool_id in pool_ids:
        if world.get(ResourcePool, pool_id).provider_id != provider_id:
            raise bad_value("pool_ids", f"{pool_id} is not a pool of {provider_id}")


def require_skus(world: World, sku_ids: tuple[str, ...]) -> None:
    """Raise `bad_value` for an item that no catalog knows."""
    if not sku_ids:
        return
    versions = price_book(world).versions
    for sku_id in sku_ids:
        if not any(version.has(sku_id) for version in versions):
            raise bad_value("sku_ids", f"no catalog has the item {sku_id!r}")


def contract_in_force(
    world: World, contract_id: str, pool_id: str, sku_id: str, now: datetime
) -> Contract:
    """The contract something stands under now: the one it was bound to, else the one that has
    taken over the Sku in that pool with a price of its own.

    Raises `not_covered` when neither is in force.
    """
    bound = world.get(Contract, contract_id)
    if bound.covers(pool_id, sku_id, now):
        return bound
    try:
        price = price_book(world).price_at(sku_id, pool_id, now)
    except CloudmgrError as error:
        if error.code not in ("no_price", "no_ceiling"):
            raise
    else:
        successor = world.get(Contract, price.contract_id)
        if successor.covers(pool_id, sku_id, now):
            return successor
    require_cover(bound, pool_id, sku_id, now)
    return bound


def require_contracts(world: World, request: ResourceRequest, now: datetime) -> None:
    """Raise `not_covered` unless every line of a bound request stands under a contract in force.

    What gives something back is not held up by a contract that has ended.
    """
    if request.kind is RequestKind.RELEASE:
        return
    for line in request.lines:
        if line.contract_id is not None and line.pool_id is not None:
            contract_in_force(world, line.contract_id, line.pool_id, line.sku_id, now)


def take_over(world: World, request: ResourceRequest, now: datetime) -> None:
    """What is delivered under a contract that took over stands under that one from now on; raises
    `not_covered` as `require_contracts`."""
    if request.kind is RequestKind.RELEASE:
        return
    for line in request.lines:
        if line.contract_id is None or line.pool_id is None or line.allocation_id is None:
            continue
        found = contract_in_force(world, line.contract_id, line.pool_id, line.sku_id, now)
        allocation = world.get(Allocation, line.allocation_id)
        if allocation.contract_id == line.contract_id != found.id:
            world.put(replace(allocation, contract_id=found.id))


def _locked(world: World, contract_id: str) -> Contract:
    world.lock((Contract, contract_id))
    return world.get(Contract, contract_id)
