"""The settlement coefficient (结算系数) of a score, exact and with its working shown.

Owns the bands and what they make of a score (DOMAIN.md 9); the score is `scorecards`, what is
paid by the coefficient `settlement`. All shipped bands are sample parameters (示例参数).
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from cloudmgr.domain.assessment import Score
from cloudmgr.domain.errors import bad_value
from cloudmgr.domain.ratios import Ratio, ratio, ratio_text

_PLACES = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """Scores from `floor` up to below `top` run linearly from `low` to `high`."""

    floor: Score
    top: Score
    low: Ratio
    high: Ratio


SAMPLE_BANDS: tuple[Band, ...] = (
    Band(floor=Decimal("90.00"), top=Decimal("100.00"), low=ratio(1), high=ratio(1)),
    Band(floor=Decimal("75.00"), top=Decimal("90.00"), low=ratio("0.95"), high=ratio(1)),
    Band(floor=Decimal("60.00"), top=Decimal("75.00"), low=ratio("0.80"), high=ratio("0.95")),
)
"""[sample] >= 90 -> 1; 75-90 linear 0.95 -> 1.00; 60-75 linear 0.80 -> 0.95; below 60 held."""


@dataclass(frozen=True, slots=True)
class Coefficient:
    """The exact coefficient and how it came about; None where payment is held (暂停支付)."""

    value: Ratio | None
    working: str


def coefficient(score: Decimal | None, bands: tuple[Band, ...] = SAMPLE_BANDS) -> Coefficient:
    """The coefficient of a published score (0..100, 2 decimals): the exact fraction of it.

    No score, and a score below every band, hold the payment for a decision.
    """
    if score is None:
        return Coefficient(None, "no score: nothing could be judged; payment is held")
    if score != score.quantize(Decimal("0.01")) or not 0 <= score <= 100:
        raise bad_value("score", f"{score} is not a published score of 0 to 100 with 2 decimals")
    for band in sorted(bands, key=lambda band: band.floor, reverse=True):
        if score >= band.floor:
            return _within(score, band)
    lowest = min(band.floor for band in bands)
    return Coefficient(None, f"{score} is below {lowest}; payment is held")


def decided(value: Fraction, reason: str) -> Coefficient:
    """A coefficient that two people set because payment was held; 0 to 1."""
    if not 0 <= value <= 1:
        raise bad_value("coefficient", f"{value} is not between 0 and 1")
    if not reason.strip():
        raise bad_value("reason", "a decided coefficient needs a reason")
    return Coefficient(value, f"decided: {_shown(value)}; {reason}")


def _within(score: Decimal, band: Band) -> Coefficient:
    if band.low == band.high:
        return Coefficient(band.low, f"{score} is at least {band.floor}: {_shown(band.low)}")
    above, width = Fraction(score) - Fraction(band.floor), Fraction(band.top - band.floor)
    rise = band.high - band.low
    value = band.low + above / width * rise
    working = (
        f"{score} lies in {band.floor} to {band.top}: {ratio_text(band.low)} + "
        f"({score} - {band.floor}) / {ratio_text(width)} x {ratio_text(rise)} = {_shown(value)}"
    )
    return Coefficient(value, working)


def _shown(value: Fraction) -> str:
    text = ratio_text(value, _PLACES)
    return text if Fraction(text) == value else f"{text} (exactly {value})"
