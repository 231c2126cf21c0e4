"""Builders of small catalogs and quotes for tests; every argument by name."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from typing import Any

from catalog.money import unit_price
from catalog.period import midnight
from catalog.prices import PriceLink, QuotedPrice
from catalog.quantity import ResourceAmount, ResourceClass
from catalog.skus import Category, FigureKind, PricingModel, Sku
from catalog.standards import CreditTier, ServiceStandard
from catalog.tiers import Ceiling, Tier, Tiers, flat
from catalog.versions import CatalogVersion


def tiers(*pairs: tuple[int, str]) -> Tiers:
    return tuple(Tier(quantity, unit_price(price)) for quantity, price in pairs)


def a_standard(*, id: str = "standard", **changed: Any) -> ServiceStandard:
    fields: dict[str, Any] = {
        "id": id,
        "name_zh": "标准",
        "name_en": "Standard",
        "availability": Fraction("0.999"),
        "response_minutes": 30,
        "restore_minutes": 240,
        "delivery_working_days": 5,
        "credit_tiers": (
            CreditTier(below=Fraction("0.999"), share=Fraction("0.1")),
            CreditTier(below=Fraction("0.99"), share=Fraction("0.3")),
        ),
        "kind": FigureKind.SAMPLE,
        "source": "a test",
        "year": "2026",
    }
    return ServiceStandard(**(fields | changed))


def a_sku(*, id: str = "vm", model: PricingModel = PricingModel.RECURRING, **changed: Any) -> Sku:
    fields: dict[str, Any] = {
        "id": id,
        "name_zh": "云主机",
        "name_en": "VM",
        "category": Category.COMPUTE,
        "unit_zh": "台",
        "unit_en": "VM",
        "model": model,
        "standard_id": "standard",
        "resources": (ResourceAmount(ResourceClass.VCPU, 2),),
        "meter": "cpu_millicores",
    }
    return Sku(**(fields | changed))


def a_ceiling(*, sku_id: str = "vm", at: Tiers | str = "100.00") -> Ceiling:
    return Ceiling(
        sku_id=sku_id,
        tiers=flat(at) if isinstance(at, str) else at,
        kind=FigureKind.SAMPLE,
        source="a test",
        year="2026",
    )


def a_version(
    *,
    id: str = "v1",
    day: date = date(2026, 1, 1),
    skus: tuple[Sku, ...] | None = None,
    ceilings: tuple[Ceiling, ...] | None = None,
    standards: tuple[ServiceStandard, ...] | None = None,
    document_number: str = "test 1",
) -> CatalogVersion:
    """A version with one VM at 100 yuan, unless told otherwise."""
    return CatalogVersion(
        id=id,
        document_number=document_number,
        effective_from=midnight(day),
        kind=FigureKind.SAMPLE,
        skus=(a_sku(),) if skus is None else skus,
        standards=(a_standard(),) if standards is None else standards,
        ceilings=(a_ceiling(),) if ceilings is None else ceilings,
    )


def a_quote(
    *,
    id: str = "q1",
    sku_id: str = "vm",
    pool_id: str = "pool",
    at: Tiers | str = "90.00",
    day: date = date(2026, 1, 1),
    until: date | None = None,
    link: PriceLink = "fixed",
    contract_id: str = "contract",
) -> QuotedPrice:
    return QuotedPrice(
        quote_id=id,
        contract_id=contract_id,
        pool_id=pool_id,
        sku_id=sku_id,
        tiers=flat(at) if isinstance(at, str) else at,
        effective_from=midnight(day),
        effective_to=None if until is None else midnight(until),
        price_link=link,
    )
