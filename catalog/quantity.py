"""Quantities in integer base units of a resource class. Owns the units; prices live elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from catalog.errors import bad_quantity


class ResourceClass(StrEnum):
    """What a pool has and an allocation takes, each in the base unit its name ends in."""

    VCPU = "VCPU"
    MEMORY_MIB = "MEMORY_MIB"
    STORAGE_GIB_STANDARD = "STORAGE_GIB_STANDARD"
    STORAGE_GIB_SSD = "STORAGE_GIB_SSD"
    STORAGE_GIB_OBJECT = "STORAGE_GIB_OBJECT"
    STORAGE_GIB_BACKUP = "STORAGE_GIB_BACKUP"
    GPU = "GPU"
    BANDWIDTH_MBPS = "BANDWIDTH_MBPS"
    PUBLIC_IP = "PUBLIC_IP"
    LICENCE = "LICENCE"


@dataclass(frozen=True, slots=True, order=True)
class ResourceAmount:
    """`units` base units of `resource_class`; never negative."""

    resource_class: ResourceClass
    units: int

    def __post_init__(self) -> None:
        whole(self.units, at_least=0)


def whole(value: object, *, at_least: int = 1) -> int:
    """Return `value` if it is an integer of at least `at_least`, else raise `bad_quantity`."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise bad_quantity(value, "it must be a whole number of base units")
    if value < at_least:
        raise bad_quantity(value, f"it must be at least {at_least}")
    return value


def scaled(amounts: Iterable[ResourceAmount], factor: int) -> tuple[ResourceAmount, ...]:
    """Each amount times `factor` (a count of Sku units)."""
    whole(factor, at_least=0)
    return tuple(ResourceAmount(a.resource_class, a.units * factor) for a in amounts)


def summed(amounts: Iterable[ResourceAmount]) -> tuple[ResourceAmount, ...]:
    """One amount per resource class, ordered by class; zero sums are left out."""
    sums: dict[ResourceClass, int] = {}
    for each in amounts:
        sums[each.resource_class] = sums.get(each.resource_class, 0) + each.units
    return from_mapping(sums)


def from_mapping(units: Mapping[ResourceClass, int]) -> tuple[ResourceAmount, ...]:
    """A mapping class -> units as ordered amounts without zeros."""
    return tuple(ResourceAmount(rc, units[rc]) for rc in sorted(units) if units[rc])
