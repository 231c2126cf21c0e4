"""Amending and terminating contracts (补充协议, 终止协议) as commands; every change is a record.

What may be changed, and from when, is `domain.contracts`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from catalog.money import Yuan
from catalog.period import Month, is_midnight, shanghai, utc
from cloudmgr.domain.access import Actor, Role
from cloudmgr.domain.contracts import (
    AmendedField,
    Contract,
    ContractAmendment,
    InstalmentRule,
    PriceLink,
    change_terms,
    check_instalments,
    raise_total,
)
from cloudmgr.domain.errors import bad_value, contract_ended, not_midnight
from cloudmgr.domain.quotes import opens_cycle
from cloudmgr.domain.timers import Timer
from cloudmgr.services import timers
from cloudmgr.services.commands import Command, handles
from cloudmgr.services.contracts import require_payee, require_pools, require_skus, schedule_life
from cloudmgr.services.policies import policy_now
from cloudmgr.services.world import Message, World, next_id


@dataclass(frozen=True, slots=True, kw_only=True)
class AmendContract(Command):
    """Record a signed supplement of a contract: what it names changes, the rest stays.

    A later end, a higher total, more pools and items hold at once; another payee from
    `effective_at`, the start of a billing month to come; another price link from the start of a
    settlement cycle to come.
    """

    contract_id: str
    document_number: str
    reason: str = ""
    ends_at: datetime | None = None
    total: Yuan | None = None
    instalment_rule: InstalmentRule | None = None
    add_pool_ids: tuple[str, ...] = ()
    add_sku_ids: tuple[str, ...] = ()
    payee_id: str | None = None
    price_link: PriceLink | None = None
    effective_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TerminateContract(Command):
    """End a contract before its term is over, at a Shanghai midnight to come."""

    contract_id: str
    document_number: str
    reason: str
    ends_at: datetime


@handles(Role.AUTHORITY)
def amend_contract(
    world: World, command: AmendContract, actor: Actor, now: datetime
) -> ContractAmendment:
    """Raises `contract_ended` (a total may still be raised, for what is not settled yet),
    `supplement_over_limit`, `bad_value`, `not_found`."""
    world.lock((Contract, command.contract_id))
    present = world.get(Contract, command.contract_id)
    _check_document(command.document_number)
    extends = command.ends_at is not None
    lasting = (command.add_pool_ids, command.add_sku_ids, command.payee_id, command.price_link)
    ended = now >= present.ends_at or (extends and present.termination_document)
    if ended and (extends or any(lasting)):
        raise contract_ended(present.id, present.ends_at.isoformat())
    changed = _with_coverage(world, _with_money(world, present, command, now), command)
    if command.ends_at is not None:
        if utc(command.ends_at) <= present.ends_at:
            raise bad_value("ends_at", "an extended term ends later; use a termination otherwise")
        changed = replace(changed, ends_at=utc(command.ends_at))
    changed = _with_terms(world, changed, command, now)
    effective_at = utc(command.effective_at) if command.effective_at else now
    if changed == present:
        raise bad_value("contract", "say what the amendment changes")
    stored = world.put(changed)
    if extends:
        schedule_life(world, stored, now)
    return _record(world, present, stored, command, actor, now, effective_at)


@handles(Role.AUTHORITY)
def terminate_contract(
    world: World, command: TerminateContract, actor: Actor, now: datetime
) -> ContractAmendment:
    """Raises `contract_ended`, `not_midnight`, and `bad_value` for an end that is not earlier."""
    world.lock((Contract, command.contract_id))
    present = world.get(Contract, command.contract_id)
    _check_document(command.document_number)
    if not command.reason.strip():
        raise bad_value("reason", "say why the contract ends before its term")
    if now >= present.ends_at:
        raise contract_ended(present.id, present.ends_at.isoformat())
    ends_at = utc(command.ends_at)
    if not is_midnight(ends_at) or ends_at <= now:
        raise not_midnight(command.ends_at.isoformat())
    if not present.starts_at < ends_at < present.ends_at:
        raise bad_value("ends_at", "a termination ends the contract inside its term")
    stored = world.put(
        replace(present, ends_at=ends_at, termination_document=command.document_number)
    )
    schedule_life(world, stored, now)
    return _record(world, present, stored, command, actor, now, ends_at)


@timers.on_timer("contract_terms")
def terms_change(world: World, timer: Timer, at: datetime) -> None:
    """An agreed payee or price link begins to hold."""
    world.lock((Contract, timer.subject_id))
    contract = world.get(Contract, timer.subject_id)
    terms = contract.terms_at(at)
    world.put(replace(contract, payee_id=terms.payee_id, price_link=terms.price_link))


def _check_document(number: str) -> None:
    if not number.strip():
        raise bad_value("document_number", "an amendment names its document (文号)")


def _with_money(
    world: World, contract: Contract, command: AmendContract, now: datetime
) -> Contract:
    changed = contract
    if command.total is not None:
        limit = policy_now(world, now).supplement_percent
        changed = raise_total(changed, command.total, limit)
    rule = command.instalment_rule or changed.instalment_rule
    check_instalments(rule, changed.total)
    return replace(changed, instalment_rule=rule)


def _with_coverage(world: World, contract: Contract, command: AmendContract) -> Contract:
    require_pools(world, contract.provider_id, command.add_pool_ids)
    require_skus(world, command.add_sku_ids)
    if command.add_sku_ids and not contract.sku_ids:
        raise bad_value("add_sku_ids", "the contract covers the whole catalog already")
    return replace(
        contract,
        pool_ids=tuple(dict.fromkeys((*contract.pool_ids, *command.add_pool_ids))),
        sku_ids=tuple(dict.fromkeys((*contract.sku_ids, *command.add_sku_ids))),
    )


def _with_terms(
    world: World, contract: Contract, command: AmendContract, now: datetime
) -> Contract:
    """Who is paid and how prices follow change at a start of a month or cycle to come."""
    if command.payee_id is None and command.price_link is None:
        if command.effective_at is not None:
            raise bad_value("effective_at", "only a payee or price link begins at a later date")
        return contract
    if command.payee_id is not None:
        require_payee(world, command.payee_id)
    at = utc(command.effective_at) if command.effective_at is not None else None
    if at is None or at <= now or at != Month.of(at).period.start:
        raise bad_value("effective_at", "it is the start of a billing month to come")
    if not contract.term.contains(at):
        raise bad_value("effective_at", "it lies inside the contract's term")
    months = policy_now(world, now).settlement_cycle_months
    if command.price_link is not None and not opens_cycle(Month.of(at), months):
        raise bad_value("effective_at", "a price link changes at the start of a settlement cycle")
    changed = change_terms(contract, at, payee_id=command.payee_id, price_link=command.price_link)
    timers.schedule(world, "contract_terms", contract.id, at, note=at.isoformat())
    return changed


_SHOWN = ("ends_at", "total", "instalment_rule", "pool_ids", "sku_ids", "payee_id", "price_link")


def _record(
    world: World,
    before: Contract,
    after: Contract,
    command: AmendContract | TerminateContract,
    actor: Actor,
    now: datetime,
    effective_at: datetime,
) -> ContractAmendment:
    changes = tuple(
        AmendedField(field, old, new)
        for field in _SHOWN
        if (old := _shown(before, field, effective_at))
        != (new := _shown(after, field, effective_at))
    )
    amendment = world.put(
        ContractAmendment(
            id=next_id(world, "CTA"),
            contract_id=after.id,
            provider_id=after.provider_id,
            sequence=len(world.find(ContractAmendment, contract_id=after.id)) + 1,
            document_number=command.document_number,
            reason=command.reason,
            changes=changes,
            effective_at=effective_at,
            recorded_at=now,
            recorded_by=actor.user_id,
        )
    )
    payload = {"contract_id": after.id, "amendment_id": amendment.id}
    world.outbox(Message(topic="contract_amended", subject=after.id, payload=payload, at=now))
    return amendment


def _shown(contract: Contract, field: str, at: datetime) -> str:
    """One term as people read it, as of an instant."""
    if field in ("payee_id", "price_link"):
        return str(getattr(contract.terms_at(at), field))
    value = getattr(contract, field)
    if isinstance(value, datetime):
        return shanghai(value).isoformat()
    if isinstance(value, InstalmentRule):
        parts = (f"{each.label} {each.due_on} {each.amount}" for each in value.instalments)
        return "; ".join((str(value.basis), *parts))
    if isinstance(value, tuple):
        return ", ".join(value)
    return str(value)
