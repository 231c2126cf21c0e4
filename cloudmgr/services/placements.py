"""Candidate pools of a request's lines, gathered from the world and ranked by the domain."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from catalog.errors import CloudmgrError, no_price
from catalog.quantity import ResourceAmount, ResourceClass, from_mapping, scaled
from catalog.skus import PricingModel, Sku
from cloudmgr.domain.allocations import RUNNING, Allocation, require_staying
from cloudmgr.domain.applications import Application
from cloudmgr.domain.assessment import Assessment, AssessmentState
from cloudmgr.domain.capacity import Inventory
from cloudmgr.domain.continuity import BackupAgreement, agreed
from cloudmgr.domain.errors import bad_value, no_pool, not_found, sku_retired
from cloudmgr.domain.parties import Organisation
from cloudmgr.domain.placement import Candidate, Need, Ranked, capacity, rank
from cloudmgr.domain.policy_pools import PoolRules, SettlementRoute
from cloudmgr.domain.pools import ResourcePool, Site
from cloudmgr.domain.quotes import Quote
from cloudmgr.domain.rating import monthly_price
from cloudmgr.domain.requests import RequestKind, RequestLine, ResourceRequest, check_lines
from cloudmgr.services.certificates import certified_pools
from cloudmgr.services.continuity import apart_from
from cloudmgr.services.off_catalog import agreed_lines
from cloudmgr.services.policies import continuity_rules, payer_of, pool_rules, region_of
from cloudmgr.services.pricing import ending_quotes, price_book, sku_at
from cloudmgr.services.world import World


def checked_lines(
    world: World, kind: RequestKind, lines: tuple[RequestLine, ...], application: Application
) -> tuple[RequestLine, ...]:
    """The lines as they go into a request: checked, and with the running allocation's expected use
    and bounds where a line names none. Raises as `check_lines` and `check_targets` do."""
    check_lines(kind, lines)
    lines = agreed_lines(world, kind, lines, application)
    check_targets(world, kind, lines, application)
    lines = tuple(_as_it_runs(world, line) for line in lines)
    check_lines(kind, lines)
    return lines


def _as_it_runs(world: World, line: RequestLine) -> RequestLine:
    if line.allocation_id is None:
        return line
    held = world.get(Allocation, line.allocation_id)
    return replace(
        line,
        estimate_units=line.estimate_units or held.estimate_units,
        elastic=line.elastic or held.elastic,
    )


def check_targets(
    world: World, kind: RequestKind, lines: tuple[RequestLine, ...], application: Application
) -> None:
    """Raise unless lines that work on something name running allocations of the application, and
    keep Sku and quantity where the kind is no change. Raises `not_found` or `bad_value`."""
    for line in lines:
        if line.allocation_id is None:
            continue
        allocation = world.seek(Allocation, line.allocation_id)
        if allocation is None or allocation.application_id != application.id:
            raise not_found("Allocation", line.allocation_id)
        if allocation.state not in RUNNING:
            raise bad_value(
                f"lines[{line.line}].allocation_id",
                f"{allocation.id} is {allocation.state} and cannot be worked on",
            )
        if kind is not RequestKind.CHANGE and line.sku_id != allocation.sku_id:
            raise bad_value(
                f"lines[{line.line}].sku_id", f"a {kind} keeps the Sku {allocation.sku_id}"
            )
        require_staying(allocation)
        scaled_since = allocation.elastic is not None  # the binding takes the size of its moment
        kept = line.quantity == allocation.quantity or scaled_since
        if kind is not RequestKind.CHANGE and not kept:
            raise bad_value(
                f"lines[{line.line}].quantity",
                f"a {kind} keeps the quantity {allocation.quantity}; ask for a change to alter it",
            )


def require_sold(world: World, line: RequestLine, kind: RequestKind, now: datetime) -> Sku:
    """The line's Sku; raises `sku_retired` when something new is asked of a retired one, and
    `bad_value` for a metered one without the use it is expected to have."""
    sku = sku_at(world, line.sku_id, now)
    if sku.retired and kind.creates:
        raise sku_retired(sku.id)
    if line.elastic and line.elastic.most > 1 and sku.model is not PricingModel.RECURRING:
        raise bad_value(
            f"lines[{line.line}].elastic", f"{sku.id} is not billed by size and time; it has none"
        )
    if sku.model is PricingModel.METERED and kind.creates and not line.estimate_units:
        raise bad_value(
            f"lines[{line.line}].estimate_units",
            f"{sku.id} is billed by use; say how many {sku.unit_en} a month are expected",
        )
    return sku


def ranked_pools(
    world: World, request: ResourceRequest, line: RequestLine, now: datetime
) -> tuple[Ranked, ...]:
    """Every pool for one line, best first, refused ones last with the filter that refused.

    A line on a running allocation has its own pool as the only candidate, except a relocation.
    """
    application = world.get(Application, request.application_id)
    sku = require_sold(world, line, request.kind, now)
    held = world.get(Allocation, line.allocation_id) if line.allocation_id else None
    relocating = request.kind is RequestKind.RELOCATE
    need = _need(world, request, line, application, sku, held, now)
    pools = world.find(ResourcePool)
    if held and not relocating:
        pools = (world.get(ResourcePool, held.pool_id),)
    elif line.pool_id is not None:
        pools = (world.get(ResourcePool, line.pool_id),)
    gathered = _Gathered(world, pools, application, need.rules, now)
    return rank(need, [_candidate(pool, gathered, sku, line, held, now) for pool in pools])


def _need(
    world: World,
    request: ResourceRequest,
    line: RequestLine,
    application: Application,
    sku: Sku,
    held: Allocation | None,
    now: datetime,
) -> Need:
    relocating = request.kind is RequestKind.RELOCATE
    creates = request.kind.creates or relocating
    amounts = pool_amounts(sku, line, request.kind, held)
    rules = pool_rules(world, now)
    return Need(
        application=application,
        stacks=sku.stacks,
        amounts=amounts,
        grows=bool(amounts) or creates,
        creates=creates,
        not_pool_id=held.pool_id if held and relocating else None,
        region_id=region_of(world, application.department_id).id
        if rules.region_uses and creates
        else "",
        pool_kinds=(line.pool_kind,) if line.pool_kind else (),
        apart=apart_from(world, application, line, now) if creates else (),
        rules=rules,
        separation=continuity_rules(world, now).separation,
    )


def choose(world: World, request: ResourceRequest, line: RequestLine, now: datetime) -> Ranked:
    """The best pool for a line; raises `no_pool` with every refusal named."""
    ranked = ranked_pools(world, request, line, now)
    if not ranked or ranked[0].refused_by is not None:
        raise none_takes(line, {each.pool_id: each.refused_by for each in ranked})
    return ranked[0]


def suits(refused_by: Iterable[str | None]) -> bool:
    """Whether any of these refusals lets a pool take the line, today or when it has room again."""
    return any(each in (None, capacity.__name__) for each in refused_by)


def none_takes(line: RequestLine, refused_by: Mapping[str, str | None]) -> CloudmgrError:
    """The refusal that names which filter kept the line out of which pool."""
    why = ", ".join(f"{pool_id} refused by {filter}" for pool_id, filter in refused_by.items())
    return no_pool(line.line, why or "there are no pools")


def pool_amounts(
    sku: Sku, line: RequestLine, kind: RequestKind, held: Allocation | None
) -> tuple[ResourceAmount, ...]:
    """What the line takes of its pool in addition: the size, a change's increase, or nothing."""
    if kind in (RequestKind.RENEW, RequestKind.RELEASE):
        return ()
    wanted = scaled(sku.resources, line.quantity)
    if kind is not RequestKind.CHANGE or held is None:
        return wanted
    return increase(wanted, held.resources)


def quota_amounts(
    sku: Sku, line: RequestLine, kind: RequestKind, held: Allocation | None
) -> tuple[ResourceAmount, ...]:
    """As `pool_amounts`, but a relocation holds both pools and the quota once."""
    if kind is RequestKind.RELOCATE:
        return ()
    return pool_amounts(sku, line, kind, held)


def increase(
    wanted: tuple[ResourceAmount, ...], held: tuple[ResourceAmount, ...]
) -> tuple[ResourceAmount, ...]:
    """wanted - held per class where it is positive."""
    has = {amount.resource_class: amount.units for amount in held}
    more: dict[ResourceClass, int] = {
        amount.resource_class: max(amount.units - has.get(amount.resource_class, 0), 0)
        for amount in wanted
    }
    return from_mapping(more)


def latest_scores(world: World) -> dict[str, Decimal]:
    """The last final score of each provider, for the weigher."""
    scores: dict[str, Decimal] = {}
    for assessment in world.find(Assessment, state=AssessmentState.FINAL):
        if assessment.score is not None:
            scores[assessment.provider_id] = assessment.score
    return scores


class _Gathered:
    """What every candidate of a line is asked for, read once for all of them."""

    def __init__(
        self,
        world: World,
        pools: Iterable[ResourcePool],
        application: Application,
        rules: PoolRules,
        now: datetime,
    ) -> None:
        self.book = price_book(world)
        # What ends is sold to nobody new: a quote with live allocations cannot end.
        self.ending = world.derived("ending_quotes", (Quote,), lambda: ending_quotes(world))
        self.scores = latest_scores(world)
        self.room = _inventories(world, pools)
        self.sites = world.derived(
            "sites", (Site,), lambda: {site.id: site for site in world.find(Site)}
        )
        self.certified = certified_pools(world, now) if rules.require_certificate else None
        self.agreements = world.derived(
            "agreements", (BackupAgreement,), lambda: world.find(BackupAgreement)
        )
        self.rules = rules
        self._payer_region = _payer_region(world, application, now) if rules.routes else None

    def route(self, site: Site | None, contract_id: str | None) -> SettlementRoute:
        if site is None or self._payer_region is None:
            return SettlementRoute.DIRECT
        return self.rules.route_of(
            payer_region_id=self._payer_region,
            pool_region_id=site.region_id,
            contract_id=contract_id,
        )


def _payer_region(world: World, application: Application, now: datetime) -> str:
    payer = payer_of(world, application.department_id, now)
    return world.get(Organisation, payer).region_id


def _inventories(world: World, pools: Iterable[ResourcePool]) -> dict[str, tuple[Inventory, ...]]:
    """What each pool has, by one question for all of them."""
    found: dict[str, list[Inventory]] = {pool.id: [] for pool in pools}
    for each in world.find(Inventory, pool_id=tuple(found)):
        found[each.pool_id].append(each)
    return {pool_id: tuple(each) for pool_id, each in found.items()}


def _candidate(
    pool: ResourcePool,
    gathered: _Gathered,
    sku: Sku,
    line: RequestLine,
    held: Allocation | None,
    now: datetime,
) -> Candidate:
    lives = held is not None and (held.sku_id, held.pool_id) == (sku.id, pool.id)
    try:
        price = gathered.book.price_at(sku.id, pool.id, now)
        if price.quote_id in gathered.ending and not lives:
            raise no_price(sku.id, pool.id, now.isoformat())
        monthly: Decimal | None = monthly_price(
            sku, line.most, price, estimate_units=line.estimate_units
        )
        contract_id: str | None = price.contract_id
    except CloudmgrError as error:
        if error.code not in ("no_price", "no_ceiling"):
            raise
        monthly, contract_id = None, None
    site = gathered.sites.get(pool.site_id)
    return Candidate(
        pool=pool,
        inventories=gathered.room[pool.id],
        monthly_price=monthly,
        contract_id=contract_id,
        score=gathered.scores.get(pool.provider_id),
        site=site,
        certified=gathered.certified is None or pool.id in gathered.certified,
        agreed=site is None or agreed(site, gathered.agreements, now),
        route=gathered.route(site, contract_id),
    )


def monthly_of(allocation: Allocation, world: World, now: datetime) -> Decimal:
    """What a running allocation costs a full month at today's price."""
    sku = sku_at(world, allocation.sku_id, now)
    if sku.model is PricingModel.ONE_OFF:
        return Decimal("0.00")
    price = price_book(world).price_at(sku.id, allocation.pool_id, now)
    return monthly_price(sku, allocation.most, price, estimate_units=allocation.estimate_units)
