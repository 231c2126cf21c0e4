"""Rated lines (计费明细): what each one says, and how its amount follows from its own figures.

Owns the record only; which lines a month has is `rating`, what corrects them `corrections`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import ClassVar

from catalog.money import UnitPrice, Yuan, price_of
from catalog.skus import PricingModel
from cloudmgr.domain.lifecycle import Lifecycle, lifecycle
from cloudmgr.domain.values import Value


class LineKind(StrEnum):
    """What a line is; `TRIAL` and `STOPPED` are shown at zero price."""

    CHARGE = "charge"
    TRIAL = "trial"
    STOPPED = "stopped"
    ONE_OFF = "one_off"
    ADJUSTMENT = "adjustment"
    WAIVER = "waiver"
    DISCOUNT = "discount"


class LineState(StrEnum):
    DRAFT = "draft"
    ISSUED = "issued"


@dataclass(frozen=True, slots=True, kw_only=True)
class RatedLine(Value):
    """计费明细: `amount` = (quantity / per_unit) x fraction x unit_price, rounded once to the fen.

    `quantity` counts Sku units of a recurring or one-off line and meter base units of a metered
    one, `per_unit` of which are priced as one. `month` is the statement's, `served_month` the one
    whose service it bills; they differ for corrections, which name the line they correct.
    """

    month: str
    served_month: str
    statement_id: str | None
    kind: LineKind
    model: PricingModel
    department_id: str
    application_id: str
    region_id: str
    payer_id: str
    provider_id: str
    payee_id: str
    contract_id: str
    pool_id: str
    allocation_id: str
    sku_id: str
    quote_id: str
    catalog_version_id: str
    start: datetime
    end: datetime
    quantity: int
    per_unit: int
    fraction: str
    tier_from: int
    unit_price: UnitPrice
    amount: Yuan
    corrects: str | None = None
    credit_note_id: str | None = None
    state: LineState = LineState.DRAFT
    LIFECYCLE: ClassVar[Lifecycle] = lifecycle(
        "RatedLine",
        {LineState.DRAFT: ("草稿", (LineState.ISSUED,)), LineState.ISSUED: ("已出账", ())},
    )


def line_amount(quantity: int, per_unit: int, fraction: str, price: Decimal) -> Decimal:
    """The amount of a line by its own figures, in yuan; how every line explains itself."""
    return price_of(Fraction(quantity, per_unit), Fraction(fraction), price)
