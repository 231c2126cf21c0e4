"""What the catalog sells: `Sku`, and `Flavor`, a bundle of processors and memory.

Owns the shape of an item and the mark of every figure's origin. What it may cost is
`catalog.tiers` and `catalog.prices`; how well it must run is `catalog.standards`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from catalog.errors import bad_catalog
from catalog.money import UnitPrice, unit_price
from catalog.quantity import ResourceAmount, ResourceClass, whole

STACKS = ("x86", "kunpeng", "hygon")
XINCHUANG_STACKS = ("kunpeng", "hygon")
SAMPLE_MARK = "示例参数"
_ID = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_METER = re.compile(r"[a-z][a-z0-9_]*")


class PricingModel(StrEnum):
    """How a Sku turns into money."""

    RECURRING = "recurring"
    METERED = "metered"
    ONE_OFF = "one_off"


class Category(StrEnum):
    """The catalog's chapters."""

    COMPUTE = "compute"
    COMPUTE_XINCHUANG = "compute_xinchuang"
    MEMORY = "memory"
    STORAGE = "storage"
    NETWORK = "network"
    SECURITY = "security"
    BACKUP_DR = "backup_dr"
    DATABASE = "database"
    MIDDLEWARE = "middleware"
    GPU = "gpu"
    OPERATIONS = "operations"


class FigureKind(StrEnum):
    """Where a figure comes from; `SAMPLE` shows as 示例参数 wherever a person reads it."""

    CEILING = "ceiling"
    LIST = "list"
    SAMPLE = "sample"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A published unit price in yuan per Sku unit, for comparison; never billed."""

    value: UnitPrice
    kind: FigureKind
    source: str
    year: str
    note: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "value", unit_price(self.value))


@dataclass(frozen=True, slots=True, kw_only=True)
class Sku:
    """One item the catalog prices (计费项).

    `resources` are taken from a pool by one unit. `meter` names the readings that follow the
    item: what a metered one is billed by (`meter_units_per_unit` base units make one Sku unit),
    what any other is judged by. `item_source` says who publishes the item, if not we;
    `sources` are published prices of it. Empty `stacks` means any. Raises `bad_catalog`.
    """

    id: str
    name_zh: str
    name_en: str
    category: Category
    unit_zh: str
    unit_en: str
    model: PricingModel
    standard_id: str
    resources: tuple[ResourceAmount, ...] = ()
    meter: str | None = None
    meter_units_per_unit: int = 1
    service_standard: str = ""
    xinchuang: bool = False
    stacks: tuple[str, ...] = ()
    charged_when_stopped: bool = False
    retired: bool = False
    item_source: str = ""
    sources: tuple[Figure, ...] = ()

    def __post_init__(self) -> None:
        for field, why in _faults(self):
            raise bad_catalog(f"Sku {self.id}, field {field}", why)
        whole(self.meter_units_per_unit)

    def units_of(self, resource_class: ResourceClass) -> int:
        """Base units of one class that one unit of this Sku takes; 0 when it takes none."""
        return sum(a.units for a in self.resources if a.resource_class is resource_class)

    @property
    def vcpus(self) -> int:
        return self.units_of(ResourceClass.VCPU)

    @property
    def memory_mib(self) -> int:
        return self.units_of(ResourceClass.MEMORY_MIB)


@dataclass(frozen=True, slots=True, kw_only=True)
class Flavor(Sku):
    """A bundle of vCPUs and memory sold as one thing; it can be resized within its `family`."""

    family: str


def _faults(sku: Sku) -> Iterator[tuple[str, str]]:
    """Every (field, why) that makes a Sku unusable."""
    if not _ID.fullmatch(sku.id):
        yield "id", f"{sku.id!r} must be lower-case words joined by hyphens"
    for field in ("name_zh", "name_en", "unit_zh", "unit_en", "standard_id"):
        if not getattr(sku, field).strip():
            yield field, "it must not be empty"
    if sku.meter is not None and not _METER.fullmatch(sku.meter):
        yield "meter", f"{sku.meter!r} must be lower-case words joined by underscores"
    if sku.model is PricingModel.METERED and sku.meter is None:
        yield "meter", "a metered Sku names the meter it is billed by"
    if not set(sku.stacks) <= set(STACKS):
        yield "stacks", f"each one is one of {', '.join(STACKS)}"
    if sku.xinchuang and not (sku.stacks and set(sku.stacks) <= set(XINCHUANG_STACKS)):
        yield "xinchuang", "a Xinchuang Sku runs on kunpeng or hygon only; name the stacks"
    classes = [each.resource_class for each in sku.resources]
    if len(classes) != len(set(classes)):
        yield "resources", "each resource class appears once"
    if isinstance(sku, Flavor):
        if not sku.family:
            yield "family", "a Flavor belongs to a family of sizes"
        if not (sku.vcpus and sku.memory_mib):
            yield "resources", "a Flavor takes VCPU and MEMORY_MIB"
