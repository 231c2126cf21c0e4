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
from cloudmgr.domain.pools import PoolState, ResourcePool


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What one line asks of a pool. `grows` is false for what runs there and takes nothing new."""

    application: Application
    stacks: tuple[str, ...]
    amounts: tuple[ResourceAmount, ...]
    grows: bool = True
    not_pool_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A pool with what is free in it, its monthly price for the line and its latest score."""

    pool: ResourcePool
    inventories: tuple[Inventory, ...]
    monthly_price: Decimal | None
    contract_id: str | None
    score: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """A candidate that passed, with its weight and why; or one that failed, with the filter."""

    pool_id: str
    weight: Fraction
    reasons: tuple[str, ...]
    refused_by: str | None = None
    monthly_price: Decimal | None = None
    contract_id: str | None = None


Filter = Callable[[Need, Candidate], bool]


def life(need: Need, candidate: Candidate) -> bool:
    """No new allocation on a retiring pool, no growth on a restricted one; what shrinks or stays
    may do so until the pool is empty."""
    if candidate.pool.state in (PoolState.RESTRICTED, PoolState.RETIRING):
        return not need.grows
    return candidate.pool.state is PoolState.ONBOARDED


def zone(need: Need, candidate: Candidate) -> bool:
    return need.application.zone in candidate.pool.zones


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
    mlps,
    xinchuang,
    stack,
    admitted_departments,
    contract,
    elsewhere,
    capacity,
)

PRICE_WEIGHT, BALANCE_WEIGHT, SCORE_WEIGHT = 50, 30, 20
"""Sample parameters (示例参数): how much price, free capacity and the latest score count."""

ASSUMED_SCORE = 75
"""Sample parameter (示例参数): what a provider nobody has scored yet is taken for."""


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
    price = candidate.monthly_price or Decimal(0)
    cheap = Fraction(cheapest or 0) / Fraction(price) if price else Fraction(1)
    room = min(
        (
            Fraction(max(inventory.free, 0), inventory.offered)
            for inventory in candidate.inventories
            if inventory.offered
            and any(a.resource_class == inventory.resource_class for a in need.amounts)
        ),
        default=Fraction(1),
    )
    standing = Fraction(ASSUMED_SCORE if candidate.score is None else candidate.score) / 100
    weight = PRICE_WEIGHT * cheap + BALANCE_WEIGHT * room + SCORE_WEIGHT * standing
    return Ranked(
        pool_id=candidate.pool.id,
        weight=weight,
        reasons=(
            f"price {price} yuan a month ({_percent(cheap)} of the best)",
            f"free {_percent(room)} of the scarcest class",
            f"score {candidate.score}"
            if candidate.score is not None
            else f"score not set ({ASSUMED_SCORE} assumed)",
        ),
        monthly_price=candidate.monthly_price,
        contract_id=candidate.contract_id,
    )


def _percent(share: Fraction) -> str:
    return f"{round_half_away(share * 100, places=1)} %"
