"""What a pool is made of, and how much of it is domestic (国产化率): computed, never typed in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from cloudmgr.domain.errors import bad_value
from cloudmgr.domain.ratios import Ratio


class Part(StrEnum):
    """The layers that have to become domestic."""

    CHIP = "chip"
    OPERATING_SYSTEM = "operating_system"
    DATABASE = "database"


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """So many units of a product in one layer: processors, installed systems, instances."""

    part: Part
    product: str
    domestic: bool
    units: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DomesticShare:
    """国产化率 of one layer; None where nothing of the layer is known."""

    part: Part
    units: int
    domestic_units: int
    share: Ratio | None


def check_makeup(makeup: Iterable[Component]) -> None:
    """Raise `bad_value` for a component without a name or units, or one named twice."""
    seen = set()
    for each in makeup:
        if not each.product.strip() or each.units < 1:
            raise bad_value("makeup", "a component has a product and at least one unit")
        if (each.part, each.product) in seen:
            raise bad_value("makeup", f"{each.product} stands twice among the {each.part}s")
        seen.add((each.part, each.product))


def domestic_shares(makeup: Iterable[Component]) -> tuple[DomesticShare, ...]:
    """Per layer, in the order of `Part`."""
    known = tuple(makeup)
    found = []
    for part in Part:
        units = sum(each.units for each in known if each.part is part)
        domestic = sum(each.units for each in known if each.part is part and each.domestic)
        found.append(
            DomesticShare(
                part=part,
                units=units,
                domestic_units=domestic,
                share=Fraction(domestic, units) if units else None,
            )
        )
    return tuple(found)


def domestic_share(makeup: Iterable[Component]) -> Fraction | None:
    """The pool's own share: that of its least domestic layer, for a domestic chip under a foreign
    database is not domestic. None until every layer is known."""
    shares = [each.share for each in domestic_shares(makeup)]
    return None if None in shares else min(share for share in shares if share is not None)
