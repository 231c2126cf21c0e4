"""The part of the policy that pools are run by: what onboarding asks, over-commit, waterlines, who
may use whose pools, which way money goes, and how much price, room and score weigh.

Every figure here is a sample parameter (示例参数) that a city dates and replaces.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from catalog.quantity import ResourceClass
from cloudmgr.domain.pools import PoolKind

LEAST_RATIO_PERCENT, MOST_RATIO_PERCENT = 100, 1600
"""What an over-commit can be at all; a policy's bounds lie inside."""


class OnboardingCheck(StrEnum):
    """What a pool shows before it is onboarded (纳管检查)."""

    INVENTORY = "inventory"
    CONTRACT = "contract"
    CONFORMANCE = "conformance"
    CERTIFICATES = "certificates"


@dataclass(frozen=True, slots=True, kw_only=True)
class RatioBounds:
    """What over-commit a class may have in pools of a kind; of every kind where none is named."""

    resource_class: ResourceClass
    least_percent: int
    most_percent: int
    pool_kind: PoolKind | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Waterline:
    """The share of what is offered that shall stay free (预留水位); of every class where none is
    named."""

    percent: int
    resource_class: ResourceClass | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionUse:
    """Pools of one region serve only the departments of these regions."""

    pool_region_id: str
    user_region_ids: tuple[str, ...]


class SettlementRoute(StrEnum):
    """Whose money goes where when a region uses another's pool."""

    DIRECT = "direct"
    VIA_POOL_REGION = "via_pool_region"


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteRule:
    """A route for what fits: the pool's region, the payer's region, the contract; None fits all."""

    route: SettlementRoute
    pool_region_id: str | None = None
    payer_region_id: str | None = None
    contract_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacementWeights:
    """How much price, free capacity and the latest score count; what nobody has scored yet is
    taken for `assumed_score`."""

    price: int = 50
    balance: int = 30
    score: int = 20
    assumed_score: int = 75


SAMPLE_WEIGHTS = PlacementWeights()


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolRules:
    """What a policy says of pools; nothing named means no rule of its own."""

    onboarding: tuple[OnboardingCheck, ...] = ()
    require_certificate: bool = False
    certificate_warning_days: tuple[int, ...] = (90, 30, 7)
    ratio_bounds: tuple[RatioBounds, ...] = ()
    waterlines: tuple[Waterline, ...] = ()
    region_uses: tuple[RegionUse, ...] = ()
    routes: tuple[RouteRule, ...] = ()
    weights: PlacementWeights = SAMPLE_WEIGHTS

    def ratio_bounds_of(self, resource_class: ResourceClass, kind: PoolKind) -> tuple[int, int]:
        """The least and the most over-commit in percent; a rule for the kind goes before others."""
        fitting = [
            bounds
            for bounds in self.ratio_bounds
            if bounds.resource_class is resource_class and bounds.pool_kind in (None, kind)
        ]
        if not fitting:
            return LEAST_RATIO_PERCENT, MOST_RATIO_PERCENT
        bounds = max(fitting, key=lambda each: each.pool_kind is not None)
        return bounds.least_percent, bounds.most_percent

    def waterline_percent(self, resource_class: ResourceClass) -> int | None:
        """What shall stay free of a class, in percent of what is offered; None is "not set"."""
        fitting = [
            line for line in self.waterlines if line.resource_class in (None, resource_class)
        ]
        if not fitting:
            return None
        return max(fitting, key=lambda each: each.resource_class is not None).percent

    def may_use(self, user_region_id: str, pool_region_id: str) -> bool:
        """Whether departments of a region may have something in pools of another. A region serves
        itself always, and everybody where no rule names it."""
        if user_region_id == pool_region_id:
            return True
        rules = [use for use in self.region_uses if use.pool_region_id == pool_region_id]
        return not rules or any(user_region_id in use.user_region_ids for use in rules)

    def route_of(
        self, *, payer_region_id: str, pool_region_id: str, contract_id: str | None
    ) -> SettlementRoute:
        """Which way the money goes: the first rule that fits, else direct."""
        if payer_region_id == pool_region_id:
            return SettlementRoute.DIRECT
        for rule in self.routes:
            if (
                rule.pool_region_id in (None, pool_region_id)
                and rule.payer_region_id in (None, payer_region_id)
                and rule.contract_id in (None, contract_id)
            ):
                return rule.route
        return SettlementRoute.DIRECT


NO_POOL_RULES = PoolRules()
