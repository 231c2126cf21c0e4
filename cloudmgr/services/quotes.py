"""Quotes as commands: submitted by the provider, accepted or refused by the authority."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from catalog.period import is_midnight
from catalog.tiers import Tier
from cloudmgr.domain.access import Actor, Role
from cloudmgr.domain.contracts import Contract, require_cover
from cloudmgr.domain.errors import not_midnight, sku_retired
from cloudmgr.domain.lifecycle import advance
from cloudmgr.domain.quotes import Quote, QuoteState
from cloudmgr.services.commands import Command, handles, require_in
from cloudmgr.services.pricing import price_book, sku_at
from cloudmgr.services.world import World, next_id


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmitQuote(Command):
    """Quote a Sku in a pool under a contract, effective at a future Shanghai midnight."""

    contract_id: str
    pool_id: str
    sku_id: str
    tiers: tuple[Tier, ...]
    effective_from: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DecideQuote(Command):
    """Put a submitted quote in force, superseding the one before it, or refuse it."""

    quote_id: str
    accepted: bool


@handles(Role.PROVIDER)
def submit_quote(world: World, command: SubmitQuote, actor: Actor, now: datetime) -> Quote:
    contract = world.get(Contract, command.contract_id)
    require_in(actor, contract.provider_id, "Contract", contract.id, Role.PROVIDER)
    if not is_midnight(command.effective_from) or command.effective_from <= now:
        raise not_midnight(command.effective_from.isoformat())
    require_cover(contract, command.pool_id, command.sku_id, command.effective_from)
    if sku_at(world, command.sku_id, command.effective_from).retired:
        raise sku_retired(command.sku_id)
    price_book(world).check_quote(command.sku_id, command.tiers, command.effective_from)
    return world.put(
        Quote(
            id=next_id(world, "QT"),
            provider_id=contract.provider_id,
            contract_id=contract.id,
            pool_id=command.pool_id,
            sku_id=command.sku_id,
            tiers=command.tiers,
            effective_from=command.effective_from,
            state=QuoteState.SUBMITTED,
        )
    )


@handles(Role.AUTHORITY)
def decide_quote(world: World, command: DecideQuote, actor: Actor, now: datetime) -> Quote:
    quote = world.get(Quote, command.quote_id)
    if not command.accepted:
        return world.put(advance(quote, QuoteState.REFUSED))
    if quote.effective_from <= now:
        raise not_midnight(quote.effective_from.isoformat())
    price_book(world).check_quote(quote.sku_id, quote.tiers, quote.effective_from)
    accepted = advance(quote, QuoteState.IN_FORCE)
    for other in world.find(
        Quote, pool_id=quote.pool_id, sku_id=quote.sku_id, state=QuoteState.IN_FORCE
    ):
        world.put(advance(other, QuoteState.SUPERSEDED))
    return world.put(accepted)
