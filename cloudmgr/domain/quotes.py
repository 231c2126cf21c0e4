"""Quotes (报价/协议价): a provider's price for a Sku in a pool under a contract."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from catalog.prices import QuotedPrice, Tier

from cloudmgr.domain.contracts import Contract
from cloudmgr.domain.lifecycle import Lifecycle, lifecycle
from cloudmgr.domain.values import Value


class QuoteState(StrEnum):
    DRAFT = "draft"
    SUBMITTED = "submitted"
    IN_FORCE = "in_force"
    SUPERSEDED = "superseded"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote(Value):
    """报价: never above the ceiling in force; effective at a future Shanghai midnight."""

    provider_id: str
    contract_id: str
    pool_id: str
    sku_id: str
    tiers: tuple[Tier, ...]
    effective_from: datetime
    effective_to: datetime | None = None
    source_kind: str = "quote"
    state: QuoteState = QuoteState.DRAFT
    LIFECYCLE: ClassVar[Lifecycle] = lifecycle(
        "Quote",
        {
            QuoteState.DRAFT: ("草稿", (QuoteState.SUBMITTED, QuoteState.WITHDRAWN)),
            QuoteState.SUBMITTED: (
                "已报送",
                (QuoteState.IN_FORCE, QuoteState.REFUSED, QuoteState.WITHDRAWN),
            ),
            QuoteState.IN_FORCE: ("执行中", (QuoteState.SUPERSEDED,)),
            QuoteState.SUPERSEDED: ("已被替代", ()),
            QuoteState.REFUSED: ("已退回", ()),
            QuoteState.WITHDRAWN: ("已撤回", ()),
        },
        QuoteState.DRAFT,
        QuoteState.SUBMITTED,
        QuoteState.IN_FORCE,
    )


PRICING_STATES = (QuoteState.IN_FORCE, QuoteState.SUPERSEDED)
"""Quotes that price some moment: a superseded one still prices the past."""


def quoted_price(quote: Quote, contract: Contract) -> QuotedPrice:
    """The quote as the price book reads it, with its contract's price link."""
    return QuotedPrice(
        quote_id=quote.id,
        contract_id=contract.id,
        pool_id=quote.pool_id,
        sku_id=quote.sku_id,
        tiers=quote.tiers,
        effective_from=quote.effective_from,
        effective_to=quote.effective_to,
        price_link=contract.price_link.value,
    )
