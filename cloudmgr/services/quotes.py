"""Quotes as commands: submitted by the provider, accepted or refused by the authority.

A quote replaces the one before it from its own first midnight on, whenever it is accepted.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from catalog.errors import CloudmgrError
from catalog.period import is_midnight, utc
from catalog.tiers import Tier, Tiers
from cloudmgr.domain.access import Actor, Role
from cloudmgr.domain.contracts import Contract, require_cover
from cloudmgr.domain.errors import not_midnight, sku_retired
from cloudmgr.domain.lifecycle import advance
from cloudmgr.domain.quotes import Quote, QuoteState, check_raise
from cloudmgr.services.commands import Command, handles, require_in
from cloudmgr.services.policies import policy_now
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
    """Raises `not_midnight`, `not_covered`, `sku_retired`, `quote_over_ceiling` and
    `raised_too_soon`."""
    contract = world.get(Contract, command.contract_id)
    require_in(actor, contract.provider_id, "Contract", contract.id, Role.PROVIDER)
    if not is_midnight(command.effective_from) or command.effective_from <= now:
        raise not_midnight(command.effective_from.isoformat())
    require_cover(contract, command.pool_id, command.sku_id, command.effective_from)
    if sku_at(world, command.sku_id, command.effective_from).retired:
        raise sku_retired(command.sku_id)
    price_book(world).check_quote(command.sku_id, command.tiers, command.effective_from)
    quote = Quote(
        id=next_id(world, "QT"),
        provider_id=contract.provider_id,
        contract_id=contract.id,
        pool_id=command.pool_id,
        sku_id=command.sku_id,
        tiers=command.tiers,
        effective_from=utc(command.effective_from),
        state=QuoteState.SUBMITTED,
    )
    replaced = _price_replaced(world, quote)
    if replaced is not None:
        check_raise(quote, replaced, now, policy_now(world, now).settlement_cycle_months)
    return world.put(quote)


@handles(Role.AUTHORITY)
def decide_quote(world: World, command: DecideQuote, actor: Actor, now: datetime) -> Quote:
    """Raises `not_midnight` when the quote's beginning has passed, `not_covered` when its contract
    will have ended by then, `quote_over_ceiling`, and `competing_quotes` when another one in force
    begins at the same midnight."""
    quote = world.get(Quote, command.quote_id)
    if not command.accepted:
        return world.put(advance(quote, QuoteState.REFUSED))
    if quote.effective_from <= now:
        raise not_midnight(quote.effective_from.isoformat())
    contract = world.get(Contract, quote.contract_id)
    require_cover(contract, quote.pool_id, quote.sku_id, quote.effective_from)
    price_book(world).check_quote(quote.sku_id, quote.tiers, quote.effective_from)
    for other in world.find(
        Quote, pool_id=quote.pool_id, sku_id=quote.sku_id, state=QuoteState.IN_FORCE
    ):
        if other.effective_from < quote.effective_from:
            world.put(advance(other, QuoteState.SUPERSEDED))
    accepted = world.put(advance(quote, QuoteState.IN_FORCE))
    price_book(world)  # refuses two that begin together, before anybody needs a price
    return accepted


def _price_replaced(world: World, quote: Quote) -> Tiers | None:
    """What would be in force at the quote's beginning without it; None for a first price."""
    try:
        return price_book(world).price_at(quote.sku_id, quote.pool_id, quote.effective_from).tiers
    except CloudmgrError as error:
        if error.code not in ("no_price", "no_ceiling"):
            raise
        return None
