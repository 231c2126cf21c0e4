"""Graduated unit prices, and the ceilings made of them.

Owns what a tuple of tiers means: each tranche of a quantity at its own tier's price (DOMAIN.md 3).
Who quotes and from when is `catalog.prices`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

from catalog.errors import bad_tiers
from catalog.money import UnitPrice, unit_price
from catalog.quantity import whole
from catalog.skus import FigureKind, PricingModel


@dataclass(frozen=True, slots=True, order=True)
class Tier:
    """From `from_quantity` Sku units upward, each unit costs `unit_price` yuan, tax included."""

    from_quantity: int
    unit_price: UnitPrice

    def __post_init__(self) -> None:
        whole(self.from_quantity, at_least=0)
        object.__setattr__(self, "unit_price", unit_price(self.unit_price))
        if self.unit_price < 0:
            raise bad_tiers(f"a unit price of {self.unit_price} yuan is negative")


Tiers = tuple[Tier, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ceiling:
    """The most a provider may quote for a Sku (上限价格), and where the figure comes from."""

    sku_id: str
    tiers: Tiers
    kind: FigureKind
    source: str
    year: str
    note: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "tiers", checked(self.tiers))


def flat(price: object) -> Tiers:
    """One tier from 0: the price of a recurring or one-off Sku."""
    return (Tier(0, unit_price(price)),)


def checked(tiers: Iterable[Tier], model: PricingModel | None = None) -> Tiers:
    """The tiers as a tuple if they start at 0 and ascend, and suit `model`; else `bad_tiers`."""
    found = tuple(tiers)
    if not found or found[0].from_quantity != 0:
        raise bad_tiers("the first tier must begin at quantity 0")
    for lower, upper in pairwise(found):
        if upper.from_quantity <= lower.from_quantity:
            raise bad_tiers(
                f"the tier from {upper.from_quantity} follows the one from {lower.from_quantity}"
            )
    if model is not None and model is not PricingModel.METERED and len(found) > 1:
        raise bad_tiers(f"a {model.value} price has {len(found)} tiers")
    return found


def rate_at(tiers: Tiers, quantity: int) -> Decimal:
    """The unit price of the unit that begins at `quantity`, in yuan."""
    rate = tiers[0].unit_price
    for tier in tiers:
        if tier.from_quantity > quantity:
            break
        rate = tier.unit_price
    return rate


def lower_of(one: Tiers, other: Tiers) -> Tiers:
    """At every breakpoint of either, the lower unit price; equal neighbours become one tier."""
    merged: list[Tier] = []
    for at in breakpoints(one, other):
        rate = min(rate_at(one, at), rate_at(other, at))
        if not merged or merged[-1].unit_price != rate:
            merged.append(Tier(at, rate))
    return tuple(merged)


def breakpoints(one: Tiers, other: Tiers) -> tuple[int, ...]:
    """Every quantity at which either list changes its price, ascending."""
    return tuple(sorted({tier.from_quantity for tier in (*one, *other)}))


def tranches(tiers: Tiers, used: Fraction, more: Fraction) -> Iterator[tuple[Fraction, Decimal]]:
    """Split the Sku units from `used` to `used + more` by tier: (quantity, unit price) each.

    `used` is what the resource x Sku x month consumed before (DOMAIN.md 8); nothing is rounded.
    """
    end = used + more
    for index, tier in enumerate(tiers):
        last = index + 1 == len(tiers)
        upper = end if last else min(end, Fraction(tiers[index + 1].from_quantity))
        lower = max(used, Fraction(tier.from_quantity))
        if lower < upper:
            yield upper - lower, tier.unit_price


def tiers_text(tiers: Tiers) -> str:
    """Tiers for people: `0.80`, or `0.80; from 1024: 0.60`, in yuan."""
    first, *rest = tiers
    later = [f"; from {tier.from_quantity}: {price_text(tier.unit_price)}" for tier in rest]
    return price_text(first.unit_price) + "".join(later)


def price_text(price: Decimal) -> str:
    """A unit price without needless zeros, but never fewer than 2 decimals."""
    whole_part, _, decimals = f"{price:f}".partition(".")
    return f"{whole_part}.{decimals.rstrip('0').ljust(2, '0')}"
