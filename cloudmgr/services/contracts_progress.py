"""How far contracts are used up, for people and as warnings: run rate by the price function, what
was settled and paid, what is left and how long it lasts.

Owns gathering the figures; the projection is `domain.contracts_progress`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from catalog.errors import CloudmgrError
from catalog.money import ZERO, Yuan, total
from catalog.period import Month, local_day
from cloudmgr.domain.access import Actor, Role
from cloudmgr.domain.allocations import RUNNING, Allocation
from cloudmgr.domain.contracts import BillingStart, Contract, ContractState, PriceLink
from cloudmgr.domain.contracts_progress import (
    Outlook,
    WarningKind,
    days_left,
    threshold_reached,
    used_up_on,
)
from cloudmgr.domain.quotes import Quote, QuoteState
from cloudmgr.domain.settlement import Settlement, SettlementState
from cloudmgr.domain.timers import Timer
from cloudmgr.services import timers
from cloudmgr.services.placements import monthly_of
from cloudmgr.services.policies import policy_now
from cloudmgr.services.pricing import price_book
from cloudmgr.services.reading import visible
from cloudmgr.services.world import Message, World

UNBOUND = (SettlementState.DRAFTED, SettlementState.HELD)
_OF_DEPARTMENTS = (Role.DEPARTMENT_USER, Role.DEPARTMENT_LEAD)
ENDED = (ContractState.EXPIRED, ContractState.TERMINATED)


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractProgress:
    """合同执行进度: what a contract's allocations cost a month at today's prices, and how long what
    is left of the total lasts at that rate from `settled_until` on.

    `uncovered_allocations` run and were delivered under it, but no contract prices them any more.
    """

    contract_id: str
    number: str
    state: ContractState
    starts_at: datetime
    ends_at: datetime
    days_left: int
    quoted_skus: int
    live_allocations: int
    uncovered_allocations: int
    monthly_run_rate: Yuan
    total: Yuan
    settled: Yuan
    paid: Yuan
    left: Yuan
    instalments_due: Yuan | None
    settled_until: datetime
    needed_until_end: Yuan
    lasts_to_the_end: bool
    used_up_on: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractWarning:
    """合同预警: a term that ends soon, a total that will not last, or resources that run on after
    their contract has ended."""

    contract_id: str
    number: str
    provider_id: str
    kind: WarningKind
    days_left: int
    threshold_days: int | None
    left: Yuan
    needed_until_end: Yuan
    used_up_on: date | None
    uncovered_allocations: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractCard:
    """What departments, too, may know of a contract. Its total is announced when it is signed; what
    of it is settled, paid or left is between the city and the provider."""

    id: str
    number: str
    name: str
    provider_id: str
    payee_id: str
    state: ContractState
    starts_at: datetime
    ends_at: datetime
    days_left: int
    total: Yuan
    price_link: PriceLink
    billing_start: BillingStart
    pool_ids: tuple[str, ...]
    sku_ids: tuple[str, ...]


@dataclass(slots=True)
class _Running:
    """What runs under a contract."""

    live: int = 0
    uncovered: int = 0
    monthly: Decimal = ZERO
    since: datetime | None = None
    prices: dict[tuple[str, str, int, int], tuple[Decimal, str | None]] = field(
        default_factory=dict
    )


def progress(world: World, contract: Contract, now: datetime) -> ContractProgress:
    """Where a contract stands at `now`."""
    running = _running(world, contract, now)
    settlements = [
        each
        for each in world.find(Settlement, contract_id=contract.id)
        if each.state not in UNBOUND
    ]
    until = _settled_until(contract, settlements, running.since, now)
    outlook = Outlook(
        left=contract.left,
        monthly=running.monthly,
        settled_until=until,
        ends_at=contract.ends_at,
    )
    quotes = world.find(Quote, contract_id=contract.id, state=QuoteState.IN_FORCE)
    return ContractProgress(
        contract_id=contract.id,
        number=contract.number,
        state=contract.state,
        starts_at=contract.starts_at,
        ends_at=contract.ends_at,
        days_left=days_left(now, contract.ends_at),
        quoted_skus=len({(each.pool_id, each.sku_id) for each in quotes}),
        live_allocations=running.live,
        uncovered_allocations=running.uncovered,
        monthly_run_rate=running.monthly,
        total=contract.total,
        settled=contract.settled,
        paid=contract.opening_paid + total(each.paid for each in settlements),
        left=contract.left,
        instalments_due=contract.instalment_rule.due_by(local_day(now)),
        settled_until=until,
        needed_until_end=outlook.needed,
        lasts_to_the_end=outlook.lasts,
        used_up_on=used_up_on(contract.left, running.monthly, until),
    )


def warnings(world: World, actor: Actor, now: datetime) -> tuple[ContractWarning, ...]:
    """Every warning about the contracts the actor sees, soonest ends first."""
    found = [
        warning
        for contract in _seen(world, actor)
        for warning in _warnings_of(world, contract, now)
    ]
    return tuple(sorted(found, key=lambda each: (each.days_left, each.contract_id, each.kind)))


def seen_cards(world: World, actor: Actor) -> dict[str, Any] | None:
    """Of which contracts the actor sees the card, as `reading.visible` tells it."""
    scope: dict[str, Any] | None = visible(world, actor, Contract)
    if scope is None and (actor.has(*_OF_DEPARTMENTS) or actor.counties):
        return {}
    return scope


def cards(world: World, actor: Actor, now: datetime) -> tuple[ContractCard, ...]:
    """All contracts for the city's offices and for departments, a provider's own for a provider."""
    scope: dict[str, Any] | None = seen_cards(world, actor)
    found = () if scope is None else world.find(Contract, **scope)
    return tuple(
        ContractCard(
            id=each.id,
            number=each.number,
            name=each.name,
            provider_id=each.provider_id,
            payee_id=each.payee_id,
            state=each.state,
            starts_at=each.starts_at,
            ends_at=each.ends_at,
            days_left=days_left(now, each.ends_at),
            total=each.total,
            price_link=each.price_link,
            billing_start=each.billing_start,
            pool_ids=each.pool_ids,
            sku_ids=each.sku_ids,
        )
        for each in found
    )


def schedule_warnings(world: World, contract: Contract, now: datetime) -> None:
    """Let people be warned as the term runs out, and every month while the total will not last."""
    timers.cancel(world, "contract_warning", contract.id)
    for days in policy_now(world, now).contract_warning_days:
        at = contract.ends_at - timedelta(days=days)
        if at > now:
            timers.schedule(world, "contract_warning", contract.id, at, note=str(days))
    _schedule_check(world, contract, now)


@timers.on_timer("contract_warning")
def warn_of_end(world: World, timer: Timer, at: datetime) -> None:
    """A threshold before the end of the term is reached."""
    contract = world.get(Contract, timer.subject_id)
    _say(world, "contract_term_ending", progress(world, contract, at), at)


@timers.on_timer("contract_check")
def check_total(world: World, timer: Timer, at: datetime) -> None:
    """A month has begun: does what is left still last to the end of the term?"""
    contract = world.get(Contract, timer.subject_id)
    if at >= contract.ends_at:
        return
    found = progress(world, contract, at)
    if not found.lasts_to_the_end:
        _say(world, "contract_total_running_out", found, at)
    _schedule_check(world, contract, at)


def _schedule_check(world: World, contract: Contract, now: datetime) -> None:
    next_month = Month.of(max(now, contract.starts_at)).next().period.start
    timers.schedule(world, "contract_check", contract.id, next_month)


def _say(world: World, topic: str, found: ContractProgress, at: datetime) -> None:
    payload = {
        "contract_id": found.contract_id,
        "days_left": found.days_left,
        "left": str(found.left),
        "needed_until_end": str(found.needed_until_end),
        "used_up_on": found.used_up_on.isoformat() if found.used_up_on else None,
    }
    world.outbox(Message(topic=topic, subject=found.contract_id, payload=payload, at=at))


def _warnings_of(world: World, contract: Contract, now: datetime) -> Iterable[ContractWarning]:
    found = progress(world, contract, now)
    threshold = threshold_reached(found.days_left, policy_now(world, now).contract_warning_days)
    kinds = []
    if contract.state not in ENDED and threshold is not None:
        kinds.append(WarningKind.TERM_ENDING)
    if contract.state not in ENDED and not found.lasts_to_the_end:
        kinds.append(WarningKind.TOTAL_RUNNING_OUT)
    if found.uncovered_allocations:
        kinds.append(WarningKind.RUNNING_WITHOUT_CONTRACT)
    for kind in kinds:
        yield ContractWarning(
            contract_id=contract.id,
            number=contract.number,
            provider_id=contract.provider_id,
            kind=kind,
            days_left=found.days_left,
            threshold_days=threshold if kind is WarningKind.TERM_ENDING else None,
            left=found.left,
            needed_until_end=found.needed_until_end,
            used_up_on=found.used_up_on,
            uncovered_allocations=found.uncovered_allocations,
        )


def _seen(world: World, actor: Actor) -> tuple[Contract, ...]:
    scope: dict[str, Any] | None = visible(world, actor, Contract)
    return () if scope is None else world.find(Contract, **scope)


def _running(world: World, contract: Contract, now: datetime) -> _Running:
    """What runs in the contract's pools and is priced by it now; each size is priced once."""
    found = _Running()
    for allocation in world.stream(Allocation, pool_id=contract.pool_ids, state=RUNNING):
        key = (
            allocation.pool_id, allocation.sku_id, allocation.quantity, allocation.estimate_units
        )  # fmt: skip
        if key not in found.prices:
            found.prices[key] = _priced(world, allocation, now)
        monthly, contract_id = found.prices[key]
        if contract_id == contract.id:
            found.live += 1
            found.monthly += monthly
            began = allocation.delivered_at or now
            found.since = min(found.since or began, began)
        elif contract_id is None and allocation.contract_id == contract.id:
            found.uncovered += 1
    return found


def _priced(world: World, allocation: Allocation, now: datetime) -> tuple[Decimal, str | None]:
    """A month at today's price, and the contract that gives it; None where none does."""
    try:
        price = price_book(world).price_at(allocation.sku_id, allocation.pool_id, now)
    except CloudmgrError as error:
        if error.code not in ("no_price", "no_ceiling"):
            raise
        return ZERO, None
    return monthly_of(allocation, world, now), price.contract_id


def _settled_until(
    contract: Contract,
    settlements: Iterable[Settlement],
    since: datetime | None,
    now: datetime,
) -> datetime:
    """Up to when what was served is settled: the end of the last cycle with a binding settlement,
    else the first delivery that still runs."""
    ends = [Month.parse(each.months[-1]).period.end for each in settlements]
    if ends:
        return max(ends)
    return max(contract.starts_at, since or now)
