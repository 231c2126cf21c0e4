"""The opening stock (期初建账): what every application runs at the cut-over, by the city's rules.

Owns the expansion and its checks: each allocation stands where a request could have put it.
Deterministic: applications in the order of their file, rules in the order of theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from catalog.money import ZERO
from catalog.period import midnight
from catalog.quantity import ResourceAmount, scaled
from catalog.skus import PricingModel, Sku
from catalog.versions import CatalogVersion
from cloudmgr.cities.city import City, OpeningRule, Stand, Workload
from cloudmgr.domain.allocations import Allocation
from cloudmgr.domain.applications import Application
from cloudmgr.domain.capacity import Inventory
from cloudmgr.domain.errors import bad_city
from cloudmgr.domain.openings import Stock, count_in, opening_allocation, refusals
from cloudmgr.domain.placement import Candidate, Need
from cloudmgr.domain.quotes import Quote


@dataclass(frozen=True, slots=True, kw_only=True)
class OpeningLine:
    """One allocation to be: what, how much, where, and the rule that says so."""

    rule: OpeningRule
    application: Application
    pool_id: str
    sku: Sku
    quantity: int
    estimate_units: int
    term_end: datetime

    @property
    def resources(self) -> tuple[ResourceAmount, ...]:
        return scaled(self.sku.resources, self.quantity)


def opening_lines(city: City, catalog: CatalogVersion) -> tuple[OpeningLine, ...]:
    """Every allocation the rules give; raises `bad_city` naming the rule at fault."""
    return tuple(
        line for application in city.applications for line in _lines_of(city, catalog, application)
    )


def _lines_of(
    city: City, catalog: CatalogVersion, application: Application
) -> Iterator[OpeningLine]:
    workload = city.workload_of(application.id)
    if workload.home_pool_id is None or workload.term_end is None:
        raise bad_city(workload.place, "a system on the cloud has a home pool and a term")
    for rule in city.opening.rules:
        if not fits(rule, application, workload):
            continue
        pool_id = _pool(city, rule, workload.home_pool_id)
        sku = _sku(city, catalog, rule, workload, pool_id)
        metered = sku.model is PricingModel.METERED
        yield OpeningLine(
            rule=rule,
            application=application,
            pool_id=pool_id,
            sku=sku,
            quantity=_number(rule, "quantity", workload),
            estimate_units=_number(rule, "estimate", workload) if metered else 0,
            term_end=midnight(workload.term_end + timedelta(days=1)),
        )


def fits(rule: OpeningRule, application: Application, workload: Workload) -> bool:
    """Whether a rule gives an application something; empty conditions fit everything."""
    return (
        workload.scale in rule.sku
        and (not rule.zones or application.zone in rule.zones)
        and (not rule.archetypes or workload.archetype in rule.archetypes)
        and (not rule.mlps_levels or application.mlps_level in rule.mlps_levels)
        and (not rule.dr_modes or application.dr_mode in rule.dr_modes)
        and (not rule.application_ids or application.id in rule.application_ids)
    )


def _pool(city: City, rule: OpeningRule, home: str) -> str:
    if rule.stand is Stand.HOME:
        return home
    if rule.stand is Stand.REMOTE:
        return city.opening.remote_pool_id
    if home not in city.opening.pairs:
        raise bad_city(f"{rule.place}, field pool", f"{home} has no pair in another data centre")
    return city.opening.pairs[home]


def _sku(
    city: City, catalog: CatalogVersion, rule: OpeningRule, workload: Workload, pool_id: str
) -> Sku:
    stack = next(pool.stack for pool in city.pools if pool.id == pool_id)
    try:
        sku_id = rule.sku[workload.scale].format_map(city.opening.words.get(stack, {}))
    except KeyError as error:
        raise bad_city(
            f"{rule.place}, field sku", f"no word {error} for the stack {stack}"
        ) from error
    if not catalog.has(sku_id):
        raise bad_city(f"{rule.place}, field sku", f"the catalog has no item {sku_id!r}")
    return catalog.sku(sku_id)


def _number(rule: OpeningRule, field: str, workload: Workload) -> int:
    found = (rule.quantity if field == "quantity" else rule.estimate).get(workload.scale, 0)
    if found < 1:
        raise bad_city(f"{rule.place}, field {field}", f"say how much a {workload.scale} one has")
    return found


def allocations_of(
    city: City,
    lines: tuple[OpeningLine, ...],
    quotes: list[Quote],
    next_id: Callable[[], str],
) -> tuple[tuple[Allocation, ...], dict[str, Inventory]]:
    """The lines as running allocations, and the inventories with them counted in.

    Raises `bad_city` with the rule and the filter of placement that refuses a line.
    """
    inventories = {each.id: each for each in city.inventories}
    priced = {(quote.pool_id, quote.sku_id): quote for quote in quotes}
    allocations = []
    for number, line in enumerate(lines, start=1):
        quote = priced.get((line.pool_id, line.sku.id))
        _check_place(city, line, inventories, quote)
        inventories = count_in(inventories, line.pool_id, line.resources)
        assert quote is not None  # the filter `contract` has refused it otherwise
        allocations.append(_allocation(city, line, quote, next_id(), number))
    return tuple(allocations), inventories


def _check_place(
    city: City, line: OpeningLine, inventories: dict[str, Inventory], quote: Quote | None
) -> None:
    pool = next(each for each in city.pools if each.id == line.pool_id)
    need = Need(
        application=line.application,
        stacks=line.sku.stacks,
        amounts=line.resources,
    )
    candidate = Candidate(
        pool=pool,
        inventories=tuple(each for each in inventories.values() if each.pool_id == pool.id),
        monthly_price=None if quote is None else ZERO,
        contract_id=None if quote is None else quote.contract_id,
    )
    refused = refusals(need, candidate)
    if refused:
        raise bad_city(
            line.rule.place,
            f"{pool.id} cannot take {line.quantity} x {line.sku.id} of {line.application.id}: "
            f"refused by {refused[0]}",
        )


def _allocation(city: City, line: OpeningLine, quote: Quote, id: str, number: int) -> Allocation:
    stock = Stock(
        department_id=line.application.department_id,
        application_id=line.application.id,
        pool_id=line.pool_id,
        provider_id=quote.provider_id,
        contract_id=quote.contract_id,
        sku_id=line.sku.id,
        quantity=line.quantity,
        resources=line.resources,
        estimate_units=line.estimate_units,
        provider_resource_id=f"{line.pool_id}-{number:05d}",
        term_end=line.term_end,
    )
    return opening_allocation(stock, id, city.opens_at)
