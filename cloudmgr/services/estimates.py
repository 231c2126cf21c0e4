"""What a request would cost and whether it fits: the numbers shown before anybody signs.

Reserves nothing. Uses the very functions that bill."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from catalog.money import ZERO, Yuan, total
from cloudmgr.domain.allocations import Allocation
from cloudmgr.domain.approvals import dearest
from cloudmgr.domain.budget import Budget
from cloudmgr.domain.requests import RequestKind, RequestState, ResourceRequest
from cloudmgr.services.commitments import budget_chain
from cloudmgr.services.placements import monthly_of, ranked_pools
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
class Estimate:
    """Monthly price at the dearest candidates, the threshold basis, and the budget left."""

    request_id: str
    monthly_price: Yuan
    threshold_price: Yuan
    over_budget: bool
    budget_left: Yuan | None
    candidates: tuple[CandidateView, ...]


def estimate(world: World, request: ResourceRequest, now: datetime) -> Estimate:
    """Price every line at its dearest candidate and compare with the budget of the year."""
    views: list[CandidateView] = []
    prices: list[Decimal] = []
    for line in request.lines:
        if request.kind is RequestKind.RELEASE:
            prices.append(ZERO)
            continue
        ranked = ranked_pools(world, request, line, now)
        views.extend(
            CandidateView(
                line=line.line,
                pool_id=each.pool_id,
                monthly_price=each.monthly_price,
                refused_by=each.refused_by,
                reasons=each.reasons,
            )
            for each in ranked
        )
        full = dearest(
            each.monthly_price
            for each in ranked
            if each.refused_by is None and each.monthly_price is not None
        )
        present = ZERO
        if request.kind is RequestKind.CHANGE and line.allocation_id:
            present = monthly_of(world.get(Allocation, line.allocation_id), world, now)
        prices.append(max(full - present, ZERO))
    monthly = total(prices)
    left = budget_left(world, request.department_id, now)
    return Estimate(
        request_id=request.id,
        monthly_price=monthly,
        threshold_price=monthly + recent_increases(world, request, now),
        over_budget=left is not None and monthly > left,
        budget_left=left,
        candidates=tuple(views),
    )


def recent_increases(world: World, request: ResourceRequest, now: datetime) -> Decimal:
    """Monthly price of the application's other requests approved in the last 30 days."""
    recent = world.find(
        ResourceRequest,
        application_id=request.application_id,
        approved_at=Ge(now - SPLITTING_WINDOW),
    )
    undone = (RequestState.WITHDRAWN, RequestState.EXPIRED, RequestState.CANCELLED)
    return total(
        other.monthly_price
        for other in recent
        if other.id != request.id and other.state not in undone
    )


def budget_left(world: World, department_id: str, now: datetime) -> Decimal | None:
    """The least that is left on the department's budget chain; None when no budget is set."""
    chain: tuple[Budget, ...] = budget_chain(world, department_id, now)
    return min((budget.left for budget in chain), default=None)
