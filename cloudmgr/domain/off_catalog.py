"""Agreements outside the catalog (一事一议): a request line with its own quoted price and a reason.

An agreement is a Sku and a price of its own, for one request under one contract, so that the same
functions price, commit and bill it; nobody else can ask for it. It is a candidate for the next
catalog version until one adopts it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from catalog.money import UnitPrice, unit_price
from catalog.quantity import ResourceAmount
from catalog.skus import Category, PricingModel, Sku
from catalog.tiers import flat
from catalog.versions import CatalogVersion
from cloudmgr.domain.catalogs import OFF_CATALOG
from cloudmgr.domain.errors import bad_value
from cloudmgr.domain.lifecycle import Lifecycle, lifecycle
from cloudmgr.domain.quotes import Quote, QuoteState
from cloudmgr.domain.values import Value


@dataclass(frozen=True, slots=True, kw_only=True)
class OffCatalogTerms:
    """What is asked for beside the catalog, quoted by the provider of a pool under a contract.

    `standard_id` names the service standard of the catalog that it shall keep; `quotation_file_id`
    the provider's paper.
    """

    name_zh: str
    description: str
    reason: str
    unit_zh: str
    unit_price: UnitPrice
    model: PricingModel
    standard_id: str
    pool_id: str
    contract_id: str
    name_en: str = ""
    unit_en: str = ""
    category: Category = Category.OPERATIONS
    resources: tuple[ResourceAmount, ...] = ()
    charged_when_stopped: bool = False
    quotation_file_id: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "unit_price", unit_price(self.unit_price))


class OffCatalogState(StrEnum):
    OFFERED = "offered"
    APPROVED = "approved"
    ADOPTED = "adopted"


@dataclass(frozen=True, slots=True, kw_only=True)
class OffCatalogItem(Value):
    """一事一议: an agreement; its id is that of its Sku, `quote_id` the price it is billed by.

    Offered it prices the request that asks for it; approved with the request it is a candidate for
    the catalog; `adopted_as` names the Sku that a later version sells instead.
    """

    terms: OffCatalogTerms
    department_id: str
    application_id: str
    provider_id: str
    pool_id: str
    contract_id: str
    quote_id: str
    effective_from: datetime
    request_id: str = ""
    line: int = 0
    adopted_as: str = ""
    state: OffCatalogState = OffCatalogState.OFFERED
    LIFECYCLE: ClassVar[Lifecycle] = lifecycle(
        "OffCatalogItem",
        {
            OffCatalogState.OFFERED: ("已报价", (OffCatalogState.APPROVED,)),
            OffCatalogState.APPROVED: ("已批准", (OffCatalogState.ADOPTED,)),
            OffCatalogState.ADOPTED: ("已入目录", ()),
        },
    )


def check_terms(line: int, terms: OffCatalogTerms) -> None:
    """Raise `bad_value` naming the line's field that is missing or cannot be agreed on."""
    for field in ("name_zh", "description", "reason", "unit_zh"):
        if not getattr(terms, field).strip():
            raise bad_value(f"lines[{line}].off_catalog.{field}", "it must not be empty")
    if terms.model is PricingModel.METERED:
        raise bad_value(
            f"lines[{line}].off_catalog.model",
            "what is billed by use needs a meter in the catalog; propose it as an item",
        )
    if terms.unit_price <= 0:
        raise bad_value(f"lines[{line}].off_catalog.unit_price", "quote a price above 0")


def sku_of(item: OffCatalogItem) -> Sku:
    """The agreement as what is priced: it cannot be asked for by anybody else."""
    terms = item.terms
    return Sku(
        id=item.id,
        name_zh=terms.name_zh,
        name_en=terms.name_en or terms.name_zh,
        category=terms.category,
        unit_zh=terms.unit_zh,
        unit_en=terms.unit_en or terms.unit_zh,
        model=terms.model,
        standard_id=terms.standard_id,
        resources=terms.resources,
        service_standard=terms.description,
        charged_when_stopped=terms.charged_when_stopped,
        item_source="一事一议",
    )


def quote_of(item: OffCatalogItem) -> Quote:
    """The agreement's price as a quote in force; it follows no ceiling, for it has none."""
    return Quote(
        id=item.quote_id,
        provider_id=item.provider_id,
        contract_id=item.contract_id,
        pool_id=item.pool_id,
        sku_id=item.id,
        tiers=flat(item.terms.unit_price),
        effective_from=item.effective_from,
        source_kind=OFF_CATALOG,
        state=QuoteState.IN_FORCE,
    )


def with_agreements(
    versions: tuple[CatalogVersion, ...], skus: Iterable[Sku]
) -> tuple[CatalogVersion, ...]:
    """The versions as bills read them: each also knows the agreements' Skus, with a standard that
    it may have lost since. None of them gets a ceiling."""
    more = tuple(skus)
    if not more:
        return versions
    standards = {each.id: each for version in versions for each in version.standards}
    wanted = {sku.standard_id for sku in more}
    return tuple(
        replace(
            version,
            skus=(*version.skus, *more),
            standards=(
                *version.standards,
                *(
                    standards[id]
                    for id in sorted(wanted - {each.id for each in version.standards})
                    if id in standards
                ),
            ),
        )
        for version in versions
    )
