"""Reads what providers bring: pools, their inventory, contracts and the rules of their quotes."""

from __future__ import annotations

from collections.abc import Container
from fractions import Fraction
from pathlib import Path

from catalog.errors import CloudmgrError
from catalog.money import exact
from catalog.quantity import ResourceAmount, ResourceClass
from catalog.skus import STACKS, Category
from cloudmgr.cities.city import Offer, QuoteRule
from cloudmgr.cities.records import CityRecord, all_known, keyed, known, rows, toml
from cloudmgr.domain.applications import Zone
from cloudmgr.domain.capacity import Inventory, inventory_id
from cloudmgr.domain.contracts import BillingStart, Contract, PriceLink
from cloudmgr.domain.parties import Organisation, OrganisationKind
from cloudmgr.domain.pools import ManagementLevel, PoolKind, PoolState, ResourcePool

INVENTORY_COLUMNS = ("pool", "resource_class", "total", "reserved", "allocation_ratio_percent")


def read_pools(
    path: Path, organisations: dict[str, Organisation], sites: Container[str]
) -> tuple[dict[str, ResourcePool], tuple[Offer, ...]]:
    """The pools by id, and what each of them sells."""
    providers = _of_kind(organisations, OrganisationKind.PROVIDER)
    departments = _of_kind(organisations, OrganisationKind.DEPARTMENT)
    pools: dict[str, ResourcePool] = {}
    offers = []
    document = toml(path)
    document.only("pools")
    for record in document.items("pools", "pool"):
        record.only(
            "id", "name_zh", "name_en", "provider", "site", "kind", "stack", "zones", "mlps",
            "management", "departments", "state", "exit_on", "offers", "without", "also",
            "can_become_domestic", "expansion_limits",
        )  # fmt: skip
        id = keyed(record.text("id"), pools, record)
        pools[id] = ResourcePool(
            id=id,
            name_zh=record.text("name_zh"),
            name_en=record.text("name_en"),
            provider_id=known(record, "provider", "provider", providers),
            site_id=known(record, "site", "site", sites),
            kind=record.choice("kind", PoolKind),
            stack=known(record, "stack", "stack", STACKS),
            zones=record.many("zones", Zone),
            mlps_level=record.whole("mlps"),
            management_level=record.choice("management", ManagementLevel),
            department_ids=all_known(record, "departments", "department", departments),
            state=_state(record),
            exit_at=record.midnight("exit_on") if "exit_on" in record.values else None,
            can_become_domestic=record.truth("can_become_domestic", default=True),
            expansion_limits=_limits(record.part("expansion_limits")),
        )
        offers.append(
            Offer(
                pool_id=id,
                categories=record.many("offers", Category),
                without=record.many("without", str),
                also=record.many("also", str),
            )
        )
    return pools, tuple(offers)


def _limits(record: CityRecord) -> tuple[ResourceAmount, ...]:
    record.only(*ResourceClass)
    return tuple(ResourceAmount(ResourceClass(key), record.whole(key)) for key in record.values)


def _state(record: CityRecord) -> PoolState:
    return record.choice("state", PoolState) if record.text("state", "") else PoolState.ONBOARDED


def read_inventories(path: Path, pools: Container[str]) -> dict[str, Inventory]:
    """What each pool has, in physical base units; nothing is allocated yet."""
    found: dict[str, Inventory] = {}
    for record in rows(path, INVENTORY_COLUMNS):
        pool_id = known(record, "pool", "pool", pools)
        resource_class = record.choice("resource_class", ResourceClass)
        id = keyed(inventory_id(pool_id, resource_class), found, record)
        ratio = record.whole("allocation_ratio_percent")
        if not 100 <= ratio <= 1600:
            raise record.fault("allocation_ratio_percent", "over-commit is 100 to 1600 percent")
        found[id] = Inventory(
            id=id,
            pool_id=pool_id,
            resource_class=resource_class,
            total=record.whole("total"),
            reserved=record.whole("reserved"),
            allocation_ratio_percent=ratio,
        )
        if found[id].free < 0:
            raise record.fault("reserved", "more is reserved than offered")
    return found


def read_contracts(
    path: Path, organisations: dict[str, Organisation], pools: dict[str, ResourcePool]
) -> tuple[dict[str, Contract], tuple[QuoteRule, ...]]:
    """The contracts by id, and the share of the ceiling each charges."""
    contracts: dict[str, Contract] = {}
    quotes = []
    document = toml(path)
    document.only("contracts")
    for record in document.items("contracts", "contract"):
        record.only(
            "id", "number", "name", "provider", "payee", "procurement_method", "signatories",
            "starts", "ends", "total", "settled", "price_link", "billing_start", "pools",
            "percent", "categories",
        )  # fmt: skip
        id = keyed(record.text("id"), contracts, record)
        contract = contracts[id] = _contract(record, id, organisations, pools)
        for pool_id in contract.pool_ids:
            if pools[pool_id].provider_id != contract.provider_id:
                raise record.fault("pools", f"{pool_id} is not a pool of {contract.provider_id}")
        shares = record.part("categories")
        shares.only(*Category)
        quotes.append(
            QuoteRule(
                contract_id=id,
                share=_percent(record, "percent"),
                by_category={Category(key): _percent(shares, key) for key in shares.values},
            )
        )
    return contracts, tuple(quotes)


def _contract(
    record: CityRecord,
    id: str,
    organisations: dict[str, Organisation],
    pools: dict[str, ResourcePool],
) -> Contract:
    providers = _of_kind(organisations, OrganisationKind.PROVIDER)
    starts_at, ends_at = record.midnight("starts"), record.midnight("ends")
    if ends_at <= starts_at:
        raise record.fault("ends", "the term ends after it starts")
    contract = Contract(
        id=id,
        number=record.text("number"),
        name=record.text("name"),
        provider_id=known(record, "provider", "provider", providers),
        payee_id=known(record, "payee", "organisation", organisations),
        procurement_method=record.text("procurement_method"),
        signatories=record.many("signatories", str),
        starts_at=starts_at,
        ends_at=ends_at,
        total=record.yuan("total"),
        price_link=record.choice("price_link", PriceLink),
        billing_start=record.choice("billing_start", BillingStart),
        pool_ids=all_known(record, "pools", "pool", pools),
        settled=record.yuan("settled"),
        opening_paid=record.yuan("settled"),
    )
    if contract.left <= 0:
        raise record.fault("settled", "nothing of the total is left")
    return contract


def _percent(record: CityRecord, field: str) -> Fraction:
    """A percentage of the ceiling, above 0 and at most 100, as a share."""
    try:
        percent = exact(record.text(field), 6)
    except CloudmgrError as error:
        raise record.fault(field, error.message) from error
    if not 0 < percent <= 100:
        raise record.fault(field, "a quote is above 0 % and never above the ceiling (100 %)")
    return Fraction(percent) / 100


def _of_kind(organisations: dict[str, Organisation], kind: OrganisationKind) -> frozenset[str]:
    return frozenset(each.id for each in organisations.values() if each.kind is kind)
