"""The city's dated policy: every figure that decides a clock, a payer or an amount.

All shipped figures are sample parameters (示例参数) and say so by `kind`. What is assessed and
how it is weighed is `assessment.AssessmentScheme`, dated the same way.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from cloudmgr.domain.approvals import ChainStep
from cloudmgr.domain.attachments import AttachmentRule
from cloudmgr.domain.continuity import NO_CONTINUITY_RULES, ContinuityRules
from cloudmgr.domain.errors import bad_value
from cloudmgr.domain.policy_allocations import SAMPLE_ALLOCATION_RULES, AllocationRules
from cloudmgr.domain.policy_pools import NO_POOL_RULES, PoolRules
from cloudmgr.domain.sessions import SignInRules
from cloudmgr.domain.values import Value


class Proration(StrEnum):
    DAY = "day"
    SECOND = "second"
    HALF_MONTH = "half_month"
    WHOLE_MONTH = "whole_month"


@dataclass(frozen=True, slots=True, kw_only=True)
class Clocks:
    """Limits in working days unless the name says otherwise."""

    acceptance_workdays: int = 3
    review_workdays: int = 2
    provisioning_workdays: int = 5
    approved_expiry_workdays: int = 15
    failed_hold_workdays: int = 10
    silence_workdays: int = 5
    reminder_workdays: tuple[int, ...] = (2, 4)
    ratification_workdays: int = 3
    grace_workdays: int = 3
    publicity_workdays: int = 5
    appeal_workdays: int = 5
    comment_workdays: int = 10
    trial_days: int = 30
    temporary_days: int = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class PayerRule:
    """Who pays for a region's departments; without a payer each department pays itself."""

    region_id: str
    payer_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy(Value):
    """One dated version of the policy, with its basis document (依据文号)."""

    effective_from: datetime
    document_number: str
    kind: str
    proration: Proration
    settlement_cycle_months: int
    clocks: Clocks
    payers: tuple[PayerRule, ...]
    chain: tuple[ChainStep, ...]
    charge_storage_when_stopped: bool = True
    sign_in: SignInRules = SignInRules()  # noqa: RUF009 (it is frozen)
    contract_warning_days: tuple[int, ...] = (180, 90, 30)
    supplement_percent: int = 10
    attachments: tuple[AttachmentRule, ...] = ()
    idle_window_days: int = 30
    idle_cpu_percent: int = 10
    advance_months: int = 3
    pools: PoolRules = NO_POOL_RULES
    continuity: ContinuityRules = NO_CONTINUITY_RULES
    allocations: AllocationRules = SAMPLE_ALLOCATION_RULES

    def payer_of(self, region_id: str, department_id: str, above: Sequence[str] = ()) -> str:
        """The organisation that pays for a department of the region; where the policy does not
        name the region, as for the nearest one of those `above` it."""
        for id in (region_id, *above):
            for rule in self.payers:
                if rule.region_id == id:
                    return rule.payer_id or department_id
        raise bad_value("payers", f"policy {self.id} names no payer rule for region {region_id}")


def policy_at(policies: Iterable[Policy], moment: datetime) -> Policy:
    """The version in force: the latest that is effective at `moment`."""
    in_force = [policy for policy in policies if policy.effective_from <= moment]
    if not in_force:
        raise bad_value("policy", f"no policy is in force at {moment.isoformat()}")
    return max(in_force, key=lambda policy: (policy.effective_from, policy.id))
