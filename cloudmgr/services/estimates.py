"""What a request would cost and whether it fits: the numbers shown before anybody signs.

Reserves nothing. Uses the very functions that bill."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from catalog.money import ZERO, Yuan, total
from cloudmgr.domain.allocations import Allocation
from cloudmgr.domain.applications import Application
from cloudmgr.domain.approvals import dearest
from cloudmgr.domain.requests import (
    RequestKind,
    RequestLine,
    RequestState,
    ResourceRequest,
    Shortage,
)
from cloudmgr.domain.workdays import add_workdays
from cloudmgr.services.commitments import budget_chain, line_commitment
from cloudmgr.services.estimates_shortages import (
    QuotaView,
    asked_units,
    budget_warnings,
    capacity_warnings,
    quota_views,
    quota_warnings,
)
from cloudmgr.services.placements import monthly_of, none_takes, ranked_pools, suits
from cloudmgr.services.policies import policy_now
from cloudmgr.services.world import Ge, World

SPLITTING_WINDOW = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateView:
    """One pool for one line: its monthly price or the filter that refused it, and why."""

    line: int
    pool_id: str
    monthly_price: Yuan | None
    refused_by: str | None
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LineView:
    """A line at its dearest candidate (null: no pool has a price): what all of it costs a full
    month, what it adds to what runs, and what it would commit of this fiscal year."""

    line: int
    pool_id: str | None
    monthly_price: Yuan | None
    added: Yuan
    commitment: Yuan


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """Monthly price at the dearest candidates, the threshold basis, what would be committed of
    this fiscal year's budget, what is left of it (null: none is set), how full quotas would be,
    and what would refuse the last approval if it came today."""

    request_id: str
    monthly_price: Yuan
    threshold_price: Yuan
    commitment: Yuan
    over_budget: bool
    budget_left: Yuan | None
    candidates: tuple[CandidateView, ...]
    lines: tuple[LineView, ...] = ()
    quota_percent: int | None = None
    quotas: tuple[QuotaView, ...] = ()
    warnings: tuple[Shortage, ...] = ()


def estimate(world: World, request: ResourceRequest, now: datetime) -> Estimate:
    """Price every line at its dearest candidate and compare with the budget of the year."""
    priced = _all_priced(world, request, now)
    monthly = total(each.monthly for each in priced)
    commitment = total(each.commitment for each in priced)
    chain = budget_chain(world, request.department_id, now)
    left = min((budget.left for budget in chain), default=None)
    asked = asked_units(world, request, now)
    quotas = quota_views(world, request, asked)
    views = tuple(view for each in priced for view in each.views)
    return Estimate(
        request_id=request.id,
        monthly_price=monthly,
        threshold_price=monthly + recent_increases(world, request, now),
        commitment=commitment,
        over_budget=left is not None and commitment > 0 and commitment > left,
        budget_left=left,
        candidates=views,
        lines=tuple(
            LineView(
                line=line.line,
                pool_id=each.pool_id,
                monthly_price=each.full,
                added=each.monthly,
                commitment=each.commitment,
            )
            for line, each in zip(request.lines, priced, strict=True)
        ),
        quota_percent=max((q.percent for q in quotas if q.percent is not None), default=None),
        quotas=quotas,
        warnings=(
            *quota_warnings(world, request, asked),
            *_capacity_warnings(world, request, views, now),
            *budget_warnings(request, chain, commitment, now),
        ),
    )


def require_candidates(request: ResourceRequest, found: Estimate) -> None:
    """Raise `no_pool` for a line that no pool could take even with room to spare (admission)."""
    if request.kind is RequestKind.RELEASE:
        return
    for line in request.lines:
        refused = {
            view.pool_id: view.refused_by for view in found.candidates if view.line == line.line
        }
        if not suits(refused.values()):
            raise none_takes(line, refused)


def priced(world: World, request: ResourceRequest, now: datetime) -> ResourceRequest:
    """The request with its numbers as they are now; raises `no_pool` where no pool could ever
    take a line."""
    found = estimate(world, request, now)
    require_candidates(request, found)
    return with_numbers(request, found, world.get(Application, request.application_id))


def with_numbers(
    request: ResourceRequest, found: Estimate, application: Application
) -> ResourceRequest:
    """The request with all that the chain's conditions look at."""
    return replace(
        request,
        monthly_price=found.monthly_price,
        threshold_price=found.threshold_price,
        over_budget=found.over_budget,
        quota_percent=found.quota_percent,
        zone=application.zone,
        xinchuang=application.xinchuang,
        important=application.important,
        warnings=found.warnings,
    )


def looked_at_again(world: World, request: ResourceRequest, now: datetime) -> ResourceRequest:
    """As `priced` before the last signature: what has grown since counts, what has shrunk does
    not, so that steps are only ever added."""
    found = estimate(world, request, now)
    application = world.get(Application, request.application_id)
    full = [each for each in (request.quota_percent, found.quota_percent) if each is not None]
    return replace(
        request,
        monthly_price=max(request.monthly_price, found.monthly_price),
        threshold_price=max(request.threshold_price, found.threshold_price),
        over_budget=request.over_budget or found.over_budget,
        quota_percent=max(full, default=None),
        zone=application.zone,
        xinchuang=request.xinchuang or application.xinchuang,
        important=request.important or application.important,
    )


@dataclass(frozen=True, slots=True)
class _Priced:
    """A line at its dearest candidate: what it adds a month, and commits this fiscal year."""

    monthly: Decimal = ZERO
    commitment: Decimal = ZERO
    views: tuple[CandidateView, ...] = ()
    full: Decimal | None = None
    pool_id: str | None = None


def _all_priced(world: World, request: ResourceRequest, now: datetime) -> list[_Priced]:
    """Every line priced; of many lines that ask for the same, the first is worked out."""
    known: dict[RequestLine, _Priced] = {}
    found = []
    for line in request.lines:
        alike = replace(line, line=0)
        if alike not in known:
            known[alike] = _priced(world, request, line, now)
        one = known[alike]
        views = tuple(replace(view, line=line.line) for view in one.views)
        found.append(replace(one, views=views))
    return found


def _priced(world: World, request: ResourceRequest, line: RequestLine, now: datetime) -> _Priced:
    if request.kind is RequestKind.RELEASE:
        return _Priced()
    ranked = ranked_pools(world, request, line, now)
    views = tuple(
        CandidateView(
            line=line.line,
            pool_id=each.pool_id,
            monthly_price=each.monthly_price,
            refused_by=each.refused_by,
            reasons=each.reasons,
        )
        for each in ranked
    )
    # A pool that is full today may have room at the last signature; it counts when all are full.
    fitting = [each for each in ranked if each.refused_by is None]
    fitting = fitting or [each for each in ranked if suits((each.refused_by,))]
    prices = {
        each.pool_id: each.monthly_price for each in fitting if each.monthly_price is not None
    }
    if not prices:
        return _Priced(views=views)
    full = dearest(prices.values())
    pool_id = next(id for id, price in prices.items() if price == full)
    held = None
    if line.allocation_id and not request.kind.creates:
        held = world.get(Allocation, line.allocation_id)
    present = ZERO
    if request.kind is RequestKind.CHANGE and held is not None:
        present = monthly_of(held, world, now)
    commitment = line_commitment(
        world,
        request=request,
        line=replace(line, pool_id=pool_id),
        held=held,
        start=add_workdays(now, policy_now(world, now).clocks.provisioning_workdays),
        now=now,
    )
    return _Priced(max(full - present, ZERO), commitment, views, full, pool_id)


def _capacity_warnings(
    world: World, request: ResourceRequest, views: tuple[CandidateView, ...], now: datetime
) -> tuple[Shortage, ...]:
    """Lines that pools would take but for what runs there, or for the lines before them."""
    if request.kind is RequestKind.RELEASE:
        return ()
    ranked: dict[int, dict[str, str | None]] = {line.line: {} for line in request.lines}
    for view in views:
        ranked[view.line][view.pool_id] = view.refused_by
    return capacity_warnings(world, request, ranked, now)


def recent_increases(world: World, request: ResourceRequest, now: datetime) -> Decimal:
    """Monthly price of what else was added to the application by approvals of the last 30 days."""
    recent = world.find(
        ResourceRequest,
        application_id=request.application_id,
        approved_at=Ge(now - SPLITTING_WINDOW),
    )
    undone = (RequestState.WITHDRAWN, RequestState.EXPIRED, RequestState.CANCELLED)
    return total(
        other.monthly_price
        for other in recent
        if other.id != request.id
        and (other.kind.creates or other.kind is RequestKind.CHANGE)
        and other.state not in undone
    )
