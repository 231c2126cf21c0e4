"""Quotes as commands: drafted and submitted by the provider, accepted or refused by the authority.

A quote replaces the one before it from its own first midnight on, whenever it is accepted.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from catalog.errors import CloudmgrError
from catalog.period import is_midnight, utc
from catalog.tiers import Tier, Tiers
from cloudmgr.domain.access import Actor, Role
from cloudmgr.domain.allocations import RUNNING, Allocation, AllocationState
from cloudmgr.domain.capacity import Inventory
from cloudmgr.domain.contracts import Contract, require_cover
from cloudmgr.domain.errors import bad_value, not_midnight, quote_in_use, sku_retired
from cloudmgr.domain.lifecycle import advance, advance_from
from cloudmgr.domain.quotes import Quote, QuoteState, check_raise
from cloudmgr.services.commands import Command, handles, require_in
from cloudmgr.services.policies import policy_now
from cloudmgr.services.pricing import price_book, sku_at
from cloudmgr.services.world import Message, World, next_id


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftQuote(Command):
    """Write a quote down; nobody sees it but the provider and the city's offices."""

    contract_id: str
    pool_id: str
    sku_id: str
    tiers: tuple[Tier, ...]
    effective_from: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SendQuote(Command):
    """Submit a drafted quote."""

    quote_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmitQuote(Command):
    """Quote a Sku in a pool under a contract, effective at a future Shanghai midnight."""

    contract_id: str
    pool_id: str
    sku_id: str
    tiers: tuple[Tier, ...]
    effective_from: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawQuote(Command):
    """Take a quote back before it is decided, with a reason."""

    quote_id: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DecideQuote(Command):
    """Put a submitted quote in force, superseding the one before it, or refuse it with a reason."""

    quote_id: str
    accepted: bool
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndQuote(Command):
    """Sell a Sku in a pool no longer from a future midnight on; refused while any of it lives."""

    quote_id: str
    effective_to: datetime
    reason: str


@handles(Role.PROVIDER)
def draft_quote(world: World, command: DraftQuote, actor: Actor, now: datetime) -> Quote:
    return world.put(_written(world, command, actor))


@handles(Role.PROVIDER)
def send_quote(world: World, command: SendQuote, actor: Actor, now: datetime) -> Quote:
    """Raises as `submit_quote` does."""
    quote = _own(world, command.quote_id, actor)
    sent = advance_from(quote, (QuoteState.DRAFT,), QuoteState.SUBMITTED, submitted_at=now)
    return _submitted(world, sent, now)


@handles(Role.PROVIDER)
def submit_quote(world: World, command: SubmitQuote, actor: Actor, now: datetime) -> Quote:
    """Raises `not_midnight`, `not_covered`, `sku_retired`, `quote_over_ceiling` and
    `raised_too_soon`."""
    written = _written(world, command, actor)
    return _submitted(world, advance(written, QuoteState.SUBMITTED, submitted_at=now), now)


@handles(Role.PROVIDER)
def withdraw_quote(world: World, command: WithdrawQuote, actor: Actor, now: datetime) -> Quote:
    quote = _own(world, command.quote_id, actor)
    reason = _said(command.reason)
    return world.put(advance(quote, QuoteState.WITHDRAWN, reason=reason, decided_at=now))


@handles(Role.AUTHORITY)
def decide_quote(world: World, command: DecideQuote, actor: Actor, now: datetime) -> Quote:
    """Raises `not_midnight` when the quote's beginning has passed, `not_covered` when its contract
    will have ended by then, `sku_retired`, `quote_over_ceiling`, `raised_too_soon` where it has
    become a raise meanwhile, and `competing_quotes` when another one in force begins at the same
    midnight."""
    quote = world.get(Quote, command.quote_id)
    if not command.accepted:
        refused = advance(quote, QuoteState.REFUSED, reason=_said(command.reason), decided_at=now)
        return _told(world, refused, now)
    accepted = advance(quote, QuoteState.IN_FORCE, reason=command.reason, decided_at=now)
    _check(world, quote, now)
    for other in world.find(
        Quote, pool_id=quote.pool_id, sku_id=quote.sku_id, state=QuoteState.IN_FORCE
    ):
        if other.effective_from < quote.effective_from:
            world.put(advance(other, QuoteState.SUPERSEDED))
    stored = _told(world, accepted, now)
    price_book(world)  # refuses two that begin together, before anybody needs a price
    return stored


@handles(Role.PROVIDER)
def end_quote(world: World, command: EndQuote, actor: Actor, now: datetime) -> Quote:
    """Raises `quote_in_use` while anything lives that it prices, `not_midnight`."""
    quote = _own(world, command.quote_id, actor)
    if quote.state is not QuoteState.IN_FORCE:
        advance_from(quote, (QuoteState.IN_FORCE,), QuoteState.SUPERSEDED)
    end = utc(command.effective_to)
    if not is_midnight(end) or end <= max(now, quote.effective_from):
        raise not_midnight(command.effective_to.isoformat())
    # Nothing is bound in the pool meanwhile: an approval takes the same counters.
    world.lock(*((Inventory, each.id) for each in world.find(Inventory, pool_id=quote.pool_id)))
    live = (*RUNNING, AllocationState.RESERVED)
    used = world.find(Allocation, pool_id=quote.pool_id, sku_id=quote.sku_id, state=live)
    if used:
        raise quote_in_use(quote.id, quote.sku_id, quote.pool_id, len(used))
    return world.put(replace(quote, effective_to=end, reason=_said(command.reason)))


def _written(world: World, command: DraftQuote | SubmitQuote, actor: Actor) -> Quote:
    contract = world.get(Contract, command.contract_id)
    require_in(actor, contract.provider_id, "Contract", contract.id, Role.PROVIDER)
    return Quote(
        id=next_id(world, "QT"),
        provider_id=contract.provider_id,
        contract_id=contract.id,
        pool_id=command.pool_id,
        sku_id=command.sku_id,
        tiers=command.tiers,
        effective_from=utc(command.effective_from),
    )


def _submitted(world: World, quote: Quote, now: datetime) -> Quote:
    _check(world, quote, now)
    return _told(world, quote, now)


def _check(world: World, quote: Quote, now: datetime) -> None:
    """Whether it may be in force from its beginning on, when it is sent and when it is accepted;
    a raise is counted from the day it was sent."""
    if not is_midnight(quote.effective_from) or quote.effective_from <= now:
        raise not_midnight(quote.effective_from.isoformat())
    contract = world.get(Contract, quote.contract_id)
    require_cover(contract, quote.pool_id, quote.sku_id, quote.effective_from)
    if sku_at(world, quote.sku_id, quote.effective_from).retired:
        raise sku_retired(quote.sku_id)
    price_book(world).check_quote(quote.sku_id, quote.tiers, quote.effective_from)
    replaced = _price_replaced(world, quote)
    if replaced is not None:
        cycle_months = policy_now(world, now).settlement_cycle_months
        check_raise(quote, replaced, quote.submitted_at or now, cycle_months)


def _own(world: World, id: str, actor: Actor) -> Quote:
    quote = world.get(Quote, id)
    require_in(actor, quote.provider_id, "Quote", id, Role.PROVIDER)
    return quote


def _said(reason: str) -> str:
    if not reason.strip():
        raise bad_value("reason", "say why, so that the next quote can be better")
    return reason.strip()


def _told(world: World, quote: Quote, now: datetime) -> Quote:
    payload = {"quote_id": quote.id, "provider_id": quote.provider_id}
    world.outbox(Message(topic=f"quote_{quote.state}", subject=quote.id, payload=payload, at=now))
    return world.put(quote)


def _price_replaced(world: World, quote: Quote) -> Tiers | None:
    """What would be in force at the quote's beginning without it; None for a first price."""
    try:
        return price_book(world).price_at(quote.sku_id, quote.pool_id, quote.effective_from).tiers
    except CloudmgrError as error:
        if error.code not in ("no_price", "no_ceiling"):
            raise
        return None
