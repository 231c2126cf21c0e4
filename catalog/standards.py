"""What a Sku promises: availability, response, restoration, delivery, and credits when it fails.

Owns the promise and its credit tiers; whether it was kept is judged by the node.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from catalog.errors import bad_catalog
from catalog.skus import FigureKind


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditTier:
    """Availability of a month below `below` gives back `share` of the affected line (0 to 1)."""

    below: Fraction
    share: Fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceStandard:
    """The promise behind Skus (服务标准).

    `availability` is a share of the month, limits are minutes and working days. `kind` and
    `source` mark all its figures. Credit tiers descend in `below`, ascend in `share`.
    """

    id: str
    name_zh: str
    name_en: str
    availability: Fraction
    response_minutes: int
    restore_minutes: int
    delivery_working_days: int
    credit_tiers: tuple[CreditTier, ...]
    kind: FigureKind
    source: str
    year: str

    def __post_init__(self) -> None:
        for field, why in _faults(self):
            raise bad_catalog(f"standard {self.id}, field {field}", why)

    def credit_share(self, availability: Fraction) -> Fraction:
        """The share of the affected line to give back for a month's measured availability."""
        return max(
            (tier.share for tier in self.credit_tiers if availability < tier.below),
            default=Fraction(0),
        )


def share_text(share: Fraction) -> str:
    """A share as a percentage without needless zeros: `99.95 %`; a fraction where none is exact."""
    percent = share * 100
    for places in range(7):
        if (percent * 10**places).denominator == 1:
            scaled = int(percent * 10**places)
            whole, rest = divmod(scaled, 10**places)
            return f"{whole}.{rest:0{places}d} %" if places else f"{whole} %"
    return f"{share} of 1"


def _faults(standard: ServiceStandard) -> Iterator[tuple[str, str]]:
    """Every (field, why) that makes a standard unusable."""
    for field in ("id", "name_zh", "name_en", "source", "year"):
        if not getattr(standard, field).strip():
            yield field, "it must not be empty"
    for field in ("response_minutes", "restore_minutes", "delivery_working_days"):
        if getattr(standard, field) < 0:
            yield field, "it must not be negative"
    if not 0 < standard.availability <= 1:
        yield "availability", "it is a share above 0 and at most 1"
    above, least = None, Fraction(0)
    for tier in standard.credit_tiers:
        if tier.below > standard.availability or (above is not None and tier.below >= above):
            yield "credits", "no tier lies above the promise, and each lies below the one before"
        if not least < tier.share <= 1:
            yield "credits", "shares ascend from above 0 and never exceed the line itself"
        above, least = tier.below, tier.share
