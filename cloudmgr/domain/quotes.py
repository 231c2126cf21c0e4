"""Quotes (报价/协议价): a provider's price for a Sku in a pool under a contract, and when a raise
may begin. Which price is in force is `catalog.prices`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar

from catalog.period import Month
from catalog.prices import QuotedPrice
from catalog.tiers import Tier, Tiers, breakpoints, rate_at
from cloudmgr.domain.contracts import Contract
from cloudmgr.domain.errors import raised_too_soon
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
    """报价: never above the ceiling in force; effective at a future Shanghai midnight.

    `reason` says why it was refused, withdrawn or ended; one that was ended stays in force until
    `effective_to`.
    """

    provider_id: str
    contract_id: str
    pool_id: str
    sku_id: str
    tiers: tuple[Tier, ...]
    effective_from: datetime
    effective_to: datetime | None = None
    source_kind: str = "quote"
    submitted_at: datetime | None = None
    decided_at: datetime | None = None
    reason: str = ""
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


RAISE_NOTICE_DAYS = 30
"""Sample parameter (示例参数): how long ahead a raise is quoted; a cut begins at any midnight."""


def check_raise(quote: Quote, present: Tiers, now: datetime, cycle_months: int) -> None:
    """Raise `raised_too_soon` when a quote above the price it would replace, at any quantity,
    begins otherwise than with a settlement cycle at least 30 days ahead."""
    compared = breakpoints(quote.tiers, present)
    if all(rate_at(quote.tiers, each) <= rate_at(present, each) for each in compared):
        return
    earliest = earliest_raise(now, cycle_months)
    begins = Month.of(quote.effective_from)
    with_a_cycle = begins.period.start == quote.effective_from and opens_cycle(begins, cycle_months)
    if not with_a_cycle or quote.effective_from < earliest.period.start:
        raise raised_too_soon(
            quote.sku_id, quote.pool_id, RAISE_NOTICE_DAYS, earliest.first.isoformat()
        )


def earliest_raise(now: datetime, cycle_months: int) -> Month:
    """The first month of the first settlement cycle that begins at least 30 days ahead."""
    ahead = now + timedelta(days=RAISE_NOTICE_DAYS)
    month = Month.of(ahead)
    while month.period.start < ahead or not opens_cycle(month, cycle_months):
        month = month.next()
    return month


def opens_cycle(month: Month, cycle_months: int) -> bool:
    """Whether a settlement cycle of the calendar year begins with the month."""
    return (month.month - 1) % cycle_months == 0


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
