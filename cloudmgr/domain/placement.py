"""Choosing a pool: filters, then weighers, each small and named. The answer carries its reasons.

Owns the choice among candidates; gathering them (prices, free capacity, scores) is the services'.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from catalog.money import round_half_away
from catalog.quantity import ResourceAmount
from cloudmgr.domain.applications import Application
from cloudmgr.domain.capacity import Inventory
from cloudmgr.domain.continuity_sites import (
    SAMPLE_SEPARATION,
    Place,
    SeparationRules,
    metres_between,
    misplaced,
)
from cloudmgr.domain.policy_pools import NO_POOL_RULES, PoolRules, SettlementRoute
from cloudmgr.domain.pools import PoolKind, PoolState, ResourcePool, Site


@dataclass(frozen=True, slots=True)
class Apart:
    """A site that holds the primary of what is placed, or its copies, and how it must stand to
    them."""

    site: Site
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What one line asks of a pool, and the policy it is asked under.

    `grows` is false for what runs there and takes nothing new, `creates` where no allocation
    begins. An empty `region_id` or `pool_kinds` leaves that open.
    """

    application: Application
    stacks: tuple[str, ...]
    amounts: tuple[ResourceAmount, ...]
    grows: bool = True
    creates: bool = True
    not_pool_id: str | None = None
    region_id: str = ""
    pool_kinds: tuple[PoolKind, ...] = ()
    apart: tuple[Apart, ...] = ()
    rules: PoolRules = NO_POOL_RULES
    separation: SeparationRules = SAMPLE_SEPARATION


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A pool with what is free in it, its monthly price for the line and its latest score.

    `certified`: its cloud security certificate is in force. `agreed`: its site is ours, or its
    partner city's agreement is in force. `route`: which way the money would go.
    """

    pool: ResourcePool
    inventories: tuple[Inventory, ...]
    monthly_price: Decimal | None
    contract_id: str | None
    score: Decimal | None = None
    site: Site | None = None
    certified: bool = True
    agreed: bool = True
    route: SettlementRoute = SettlementRoute.DIRECT


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """A candidate that passed, with its weight and why; or one that failed, with the filter."""

    pool_id: str
    weight: Fraction
    reasons: tuple[str, ...]
    refused_by: str | None = None
    monthly_price: Decimal | None = None
    contract_id: str | None = None
    route: SettlementRoute = SettlementRoute.DIRECT


Filter = Callable[[Need, Candidate], bool]


def life(need: Need, candidate: Candidate) -> bool:
    """No new allocation on a retiring pool, no growth on a restricted one; what shrinks or stays
    may do so until the pool is empty."""
    if candidate.pool.state in (PoolState.RESTRICTED, PoolState.RETIRING):
        return not need.grows
    return candidate.pool.state is PoolState.ONBOARDED


def zone(need: Need, candidate: Candidate) -> bool:
    return need.application.zone in candidate.pool.zones


def kind(need: Need, candidate: Candidate) -> bool:
    """Of a kind the line asks for: a backup centre, a cryptography pool."""
    return not need.pool_kinds or candidate.pool.kind in need.pool_kinds


def region(need: Need, candidate: Candidate) -> bool:
    """Where the policy lets the applicant's region use pools of this one, in both directions."""
    if not need.region_id or candidate.site is None:
        return True
    return need.rules.may_use(need.region_id, candidate.site.region_id)


def certificate(need: Need, candidate: Candidate) -> bool:
    """Nothing begins in a pool whose cloud security certificate is not in force, where the policy
    asks for one; what runs there stays and may change."""
    return candidate.certified or not need.creates or not need.rules.require_certificate


def agreement(need: Need, candidate: Candidate) -> bool:
    """Nothing begins at a partner city's site without an agreement in force."""
    return candidate.agreed or not need.creates


def separation(need: Need, candidate: Candidate) -> bool:
    """A copy stands on another site than its primary, as far away as its role asks."""
    if candidate.site is None:
        return not need.apart
    return all(
        misplaced(apart.site, candidate.site, apart.place, need.separation) is None
        for apart in need.apart
    )


def mlps(need: Need, candidate: Candidate) -> bool:
    return candidate.pool.mlps_level >= need.application.mlps_level


def xinchuang(need: Need, candidate: Candidate) -> bool:
    return candidate.pool.xinchuang or not need.application.xinchuang


def stack(need: Need, candidate: Candidate) -> bool:
    return not need.stacks or candidate.pool.stack in need.stacks


def admitted_departments(need: Need, candidate: Candidate) -> bool:
    """Industry pools take the departments they were built for only."""
    allowed = candidate.pool.department_ids
    return not allowed or need.application.department_id in allowed


def contract(need: Need, candidate: Candidate) -> bool:
    """Covered by a contract in force with a price."""
    return candidate.monthly_price is not None


def elsewhere(need: Need, candidate: Candidate) -> bool:
    """A relocation leaves the pool it comes from."""
    return candidate.pool.id != need.not_pool_id


def capacity(need: Need, candidate: Candidate) -> bool:
    free = {inventory.resource_class: inventory.free for inventory in candidate.inventories}
    return all(free.get(amount.resource_class, 0) >= amount.units for amount in need.amounts)


FILTERS: tuple[Filter, ...] = (
    life,
    zone,
    kind,
    mlps,
    xinchuang,
    stack,
    admitted_departments,
    region,
    certificate,
    agreement,
    separation,
    contract,
    elsewhere,
    capacity,
)


def rank(need: Need, candidates: Sequence[Candidate]) -> tuple[Ranked, ...]:
    """All candidates: those that pass by falling weight, then those refused, each with reasons.

    Ties go to the smaller pool id.
    """
    passed, refused = [], []
    for candidate in candidates:
        stopper = next((f.__name__ for f in FILTERS if not f(need, candidate)), None)
        if stopper is None:
            passed.append(candidate)
        else:
            refused.append(
                Ranked(
                    pool_id=candidate.pool.id,
                    weight=Fraction(0),
                    reasons=(f"refused by {stopper}",),
                    refused_by=stopper,
                    monthly_price=candidate.monthly_price,
                )
            )
    cheapest = min((c.monthly_price for c in passed if c.monthly_price is not None), default=None)
    ranked = [_weigh(need, candidate, cheapest) for candidate in passed]
    ranked.sort(key=lambda each: (-each.weight, each.pool_id))
    return (*ranked, *sorted(refused, key=lambda each: each.pool_id))


def _weigh(need: Need, candidate: Candidate, cheapest: Decimal | None) -> Ranked:
    weights = need.rules.weights
    price = candidate.monthly_price or Decimal(0)
    cheap = Fraction(cheapest or 0) / Fraction(price) if price else Fraction(1)
    room = _room(need, candidate)
    scored = weights.assumed_score if candidate.score is None else candidate.score
    weight = weights.price * cheap + weights.balance * room + weights.score * Fraction(scored) / 100
    reasons = [
        f"price {price} yuan a month ({_percent(cheap)} of the best)",
        f"free {_percent(room)} of the scarcest class",
        f"score {candidate.score}"
        if candidate.score is not None
        else f"score not set ({weights.assumed_score} assumed)",
    ]
    if candidate.site is not None:
        reasons.extend(
            f"{metres_between(apart.site, candidate.site) // 1000} km from {apart.site.id}"
            for apart in need.apart
        )
    if candidate.route is not SettlementRoute.DIRECT:
        reasons.append("settled by way of the pool's region")
    return Ranked(
        pool_id=candidate.pool.id,
        weight=weight,
        reasons=tuple(reasons),
        monthly_price=candidate.monthly_price,
        contract_id=candidate.contract_id,
        route=candidate.route,
    )


def _room(need: Need, candidate: Candidate) -> Fraction:
    """What is free of the scarcest class the line takes; all where it takes none."""
    taken = {amount.resource_class for amount in need.amounts}
    return min(
        (
            Fraction(max(inventory.free, 0), inventory.offered)
            for inventory in candidate.inventories
            if inventory.offered and inventory.resource_class in taken
        ),
        default=Fraction(1),
    )


def _percent(share: Fraction) -> str:
    return f"{round_half_away(share * 100, places=1)} %"
