"""How far sites are from each other, and whether a copy stands where it should.

Exact to about a thousandth within some hundred kilometres, in whole numbers: the earth as a sphere
and the piece between two sites as flat.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from math import isqrt

from cloudmgr.domain.pools import Site

METRES_PER_DEGREE = 111_195
"""Of a great circle, by the mean radius of the earth of 6 371 008.8 m (IUGG 1980)."""

_MICRO = 10**6
_PI = Fraction(355, 113)
_TERMS = 8


class Place(StrEnum):
    """Where a copy stands, seen from its primary: 同城 or 异地."""

    SAME_CITY = "same_city"
    REMOTE = "remote"


@dataclass(frozen=True, slots=True, kw_only=True)
class SeparationRules:
    """Distances in metres: sample parameters (示例参数), no city publishes them."""

    same_city_least_metres: int = 10_000
    same_city_most_metres: int = 100_000
    remote_least_metres: int = 300_000


SAMPLE_SEPARATION = SeparationRules()


def metres_between(one: Site, other: Site) -> int:
    """The distance of two sites, down to a whole metre."""
    north = Fraction(one.latitude_microdegrees - other.latitude_microdegrees, _MICRO)
    degrees_east = one.longitude_microdegrees - other.longitude_microdegrees
    degrees_east = (degrees_east + 180 * _MICRO) % (360 * _MICRO) - 180 * _MICRO
    middle = Fraction(one.latitude_microdegrees + other.latitude_microdegrees, 2 * _MICRO)
    east = Fraction(degrees_east, _MICRO) * _cosine(middle)
    squared = (north * north + east * east) * METRES_PER_DEGREE**2
    return isqrt(int(squared))


def misplaced(
    primary: Site, copy: Site, place: Place, rules: SeparationRules
) -> tuple[str, str] | None:
    """Why a copy does not stand where it should: a short name and a sentence; None if it does."""
    if primary.id == copy.id:
        return "same_site", f"it stands at {copy.id} like its primary; move it to another site"
    metres = metres_between(primary, copy)
    least, most = rules.remote_least_metres, None
    if place is Place.SAME_CITY:
        least, most = rules.same_city_least_metres, rules.same_city_most_metres
    if metres < least:
        return "too_close", f"{metres // 1000} km from its primary, at least {least // 1000} asked"
    if most is not None and metres > most:
        return "too_far", f"{metres // 1000} km from its primary, at most {most // 1000} allowed"
    return None


def _cosine(degrees: Fraction) -> Fraction:
    """By its series; an angle on the earth needs no more terms."""
    square = (degrees * _PI / 180) ** 2
    found = term = Fraction(1)
    for index in range(1, _TERMS):
        term = -term * square / (2 * index * (2 * index - 1))
        found += term
    return found
