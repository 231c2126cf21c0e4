"""What may be sold, and in what shape."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from catalog.errors import Invalid
from catalog.quantity import ResourceAmount, ResourceClass
from catalog.skus import Category, Figure, FigureKind, Flavor, PricingModel
from tests.support.catalogs import a_sku

VCPU, MEMORY = ResourceClass.VCPU, ResourceClass.MEMORY_MIB


def a_flavor(**changed: Any) -> Flavor:
    fields: dict[str, Any] = {
        "id": "vm-x86-4c8g",
        "name_zh": "云主机 4c8g",
        "name_en": "VM 4c8g",
        "category": Category.COMPUTE,
        "unit_zh": "台",
        "unit_en": "VM",
        "model": PricingModel.RECURRING,
        "standard_id": "vm",
        "resources": (ResourceAmount(VCPU, 4), ResourceAmount(MEMORY, 8192)),
        "family": "vm-x86",
    }
    return Flavor(**(fields | changed))


def test_a_flavor_is_a_sku_whose_shape_can_be_read() -> None:
    flavor = a_flavor()
    assert (flavor.vcpus, flavor.memory_mib) == (4, 8192)
    assert flavor.units_of(ResourceClass.GPU) == 0


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"id": "VM 2c4g"}, "id"),
        ({"name_zh": " "}, "name_zh"),
        ({"unit_en": ""}, "unit_en"),
        ({"meter": "CPU use"}, "meter"),
        ({"model": PricingModel.METERED, "meter": None}, "meter"),
        ({"stacks": ("sparc",)}, "stacks"),
        ({"xinchuang": True, "stacks": ("x86", "kunpeng")}, "xinchuang"),
        ({"xinchuang": True}, "xinchuang"),
        ({"resources": (ResourceAmount(VCPU, 1), ResourceAmount(VCPU, 2))}, "resources"),
    ],
)
def test_a_sku_that_makes_no_sense_is_refused_with_its_field(
    changed: dict[str, Any], field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        a_sku(**changed)
    assert refused.value.code == "bad_catalog"
    assert f"field {field}" in refused.value.message


@pytest.mark.parametrize("changed", [{"family": ""}, {"resources": (ResourceAmount(VCPU, 4),)}])
def test_a_flavor_needs_a_family_and_both_vcpus_and_memory(changed: dict[str, Any]) -> None:
    with pytest.raises(Invalid, match="Flavor"):
        a_flavor(**changed)


def test_a_meter_needs_at_least_one_reading_unit_per_sku_unit() -> None:
    with pytest.raises(Invalid, match="bad_quantity"):
        a_sku(meter_units_per_unit=0)


def test_a_published_price_is_never_a_float() -> None:
    def figure(value: Any) -> Figure:
        return Figure(value=value, kind=FigureKind.LIST, source="a page", year="2023")

    assert figure("0.35").value == Decimal("0.350000")
    with pytest.raises(Invalid, match="float_money"):
        figure(0.35)
