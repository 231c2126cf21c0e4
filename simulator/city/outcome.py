"""What a play came to: one JSON-ready object, and the same as a table for people.

Everything is read back through the driver, as an office would read it; nothing is kept aside.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

from catalog.money import ZERO, total
from catalog.period import Month
from catalog.quantity import ResourceClass
from cloudmgr.domain.access import Role
from cloudmgr.domain.allocations import RUNNING, Allocation
from cloudmgr.domain.assessment import Assessment
from cloudmgr.domain.billing import Statement
from cloudmgr.domain.capacity import Inventory
from cloudmgr.domain.journal import PostingSet, trial_balance
from cloudmgr.domain.requests import ResourceRequest
from cloudmgr.domain.settlement import Settlement
from cloudmgr.domain.usage import UsageBatch
from simulator.city.play import Played
from simulator.city.stage import Stage


def outcome(played: Played) -> dict[str, Any]:
    """Money as strings, counts as integers; keys are a contract (`simulator city --json`)."""
    shares = played.meters.shares
    return {
        "seed": played.stage.seed,
        "traces": {
            "format": shares.format,
            "count": len(shares),
            "digest": shares.digest,
            "synthetic": shares.synthetic,
        },
        **read_back(played.stage, played.months),
        "commands": played.stage.commands,
        "wall_s": round(played.wall_s, 3),
    }


def read_back(stage: Stage, played: Sequence[Month]) -> dict[str, Any]:
    """What a node says of months that were played on it, by whomever and whenever."""
    months = {str(month) for month in played}
    finance, auditor = stage.login(Role.FINANCE), stage.login(Role.AUDIT_ADMIN)
    requests = stage.find(finance, ResourceRequest)
    allocations = stage.find(finance, Allocation)
    batches = stage.find(finance, UsageBatch)
    statements = [s for s in stage.find(finance, Statement) if s.month in months]
    settlements = [s for s in stage.find(finance, Settlement) if s.cycle in months]
    balance = trial_balance(stage.find(finance, PostingSet))
    return {
        "city": stage.city.id,
        "months": sorted(months),
        "departments": len({each.department_id for each in statements}),
        "requests": _counted(Counter(str(each.state) for each in requests)),
        "request_kinds": _counted(Counter(str(each.kind) for each in requests)),
        "deemed": sum(r.deemed for r in requests) + sum(s.deemed for s in statements),
        "allocations": len(allocations),
        "allocations_by_state": _counted(Counter(str(each.state) for each in allocations)),
        "running": sum(each.state in RUNNING for each in allocations),
        "usage_rows": {
            "sent": sum(each.sent for each in batches),
            "accepted": sum(each.accepted for each in batches),
            "quarantined": sum(each.quarantined for each in batches),
        },
        "pools": _pools(stage, finance),
        "billed_total": _text(total(each.total for each in statements)),
        "statements": _by_department(statements),
        "statement_states": _counted(Counter(str(each.state) for each in statements)),
        "scores": _scores(stage, finance, months),
        "settlements": _by_provider(settlements),
        "settled_total": _text(total(each.payable or ZERO for each in settlements)),
        "journal_balance": _text(total(balance.values())),
        "audit_events": stage.driver.audit_events(auditor),
    }


def _by_department(statements: list[Statement]) -> dict[str, str]:
    sums: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for each in statements:
        sums[each.department_id] += each.total
    return {department: _text(sums[department]) for department in sorted(sums)}


def _by_provider(settlements: list[Settlement]) -> dict[str, dict[str, Any]]:
    """Sums over payers, contracts and months; one coefficient where they all share it."""
    found: dict[str, dict[str, Any]] = {}
    for provider in sorted({each.provider_id for each in settlements}):
        own = [each for each in settlements if each.provider_id == provider]
        coefficients = sorted({str(each.coefficient) for each in own})
        found[provider] = {
            "gross": _text(total(each.gross for each in own)),
            "coefficient": coefficients[0] if len(coefficients) == 1 else coefficients,
            "deduction": _text(total(each.deduction or ZERO for each in own)),
            "payable": _text(total(each.payable or ZERO for each in own)),
            "paid": _text(total(each.paid for each in own)),
            "states": _counted(Counter(str(each.state) for each in own)),
        }
    return found


def _scores(stage: Stage, login: str, months: set[str]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for each in stage.find(login, Assessment):
        if each.cycle in months:
            score = None if each.score is None else str(each.score)
            found.setdefault(each.provider_id, {})[each.cycle] = score
    return dict(sorted(found.items()))


def _pools(stage: Stage, login: str) -> dict[str, dict[str, Any]]:
    inventories = {each.id: each for each in stage.find(login, Inventory)}
    found: dict[str, dict[str, Any]] = {}
    for pool in stage.city.pools:
        vcpu = inventories.get(f"{pool.id}/{ResourceClass.VCPU}")
        if vcpu is None:
            continue
        found[pool.id] = {
            "vcpu_offered": vcpu.offered,
            "vcpu_allocated": vcpu.allocated,
            "vcpu_held": vcpu.held,
            "vcpu_free": vcpu.free,
            "allocated_percent": _percent(vcpu.allocated_share),
        }
    return found


def _percent(share: Fraction) -> str:
    tenths = round(share * 1000)
    return f"{tenths // 10}.{tenths % 10}"


def _counted(counts: Counter[str]) -> dict[str, int]:
    return dict(sorted(counts.items()))


def _text(amount: Decimal) -> str:
    return f"{amount:f}"
