"""The cut-over: confirmed lines become contracts, quotes, limits, money and running resources.

Owns the order and that all of it happens or nothing; the caller's transaction is the whole of it.
The counters move by the same steps as a delivery's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from catalog.money import ZERO
from catalog.period import DAY, Month, local_day, midnight
from catalog.quantity import ResourceAmount, ResourceClass, from_mapping, scaled
from cloudmgr.domain import budget as budgets
from cloudmgr.domain import quota
from cloudmgr.domain.access import SYSTEM
from cloudmgr.domain.allocations import Allocation
from cloudmgr.domain.billing import BillingPeriod
from cloudmgr.domain.budget import Budget, BudgetChangeKind, budget_id
from cloudmgr.domain.capacity import Inventory
from cloudmgr.domain.contracts import Contract, carry_in
from cloudmgr.domain.lifecycle import advance
from cloudmgr.domain.openings import (
    Opening,
    OpeningBudget,
    OpeningContract,
    OpeningLine,
    OpeningLineState,
    OpeningPayment,
    OpeningQuota,
    OpeningResource,
    OpeningSheet,
    OpeningState,
    Stock,
    enter,
    opening_allocation,
    running_units,
)
from cloudmgr.domain.quota import Quota, QuotaScope, quota_id
from cloudmgr.domain.quotes import Quote, QuoteState
from cloudmgr.services.allocations_terms import watch_terms
from cloudmgr.services.binding import step_pool
from cloudmgr.services.budgets import RecordBudgetChange, record_budget_change
from cloudmgr.services.commitments import commit_opening
from cloudmgr.services.contracts import put_contract
from cloudmgr.services.openings_checking import check_rows, in_order
from cloudmgr.services.openings_names import Ledger, ledger_of
from cloudmgr.services.openings_rows import contract_to_be
from cloudmgr.services.openings_sheets import TITLES, values_of
from cloudmgr.services.periods import open_period
from cloudmgr.services.pricing import sku_at
from cloudmgr.services.quotas import SetQuota, set_quota
from cloudmgr.services.world import Scope, World, next_id
from cloudmgr.sheets.reading import RowFault, SheetRow

CURRENT = (OpeningLineState.WAITING, OpeningLineState.CONFIRMED, OpeningLineState.OBJECTED)


@dataclass(frozen=True, slots=True)
class Ready:
    """What would go live now: the lines, those left out and why, and the faults that stop it."""

    ledger: Ledger
    lines: tuple[OpeningLine, ...]
    left_out: tuple[tuple[OpeningLine, str], ...]
    faults: tuple[RowFault, ...]

    def of(self, sheet: OpeningSheet) -> tuple[OpeningLine, ...]:
        return tuple(line for line in self.lines if line.sheet is sheet)


def current_lines(world: World, opening_id: str) -> tuple[OpeningLine, ...]:
    """The lines of the present round, in the order of the sheets and rows."""
    order = list(OpeningSheet)
    lines = world.find(OpeningLine, opening_id=opening_id, state=CURRENT)
    return tuple(sorted(lines, key=lambda each: (order.index(each.sheet), each.row)))


def rows_of(lines: Iterable[OpeningLine]) -> dict[OpeningSheet, list[SheetRow]]:
    """Lines as the rows they were, references by id."""
    found: dict[OpeningSheet, list[SheetRow]] = defaultdict(list)
    for line in lines:
        row = SheetRow(TITLES[line.sheet], line.row, values_of(line.content))
        found[line.sheet].append(row)
    return found


def ready(world: World, opening: Opening) -> Ready:
    """Check the confirmed lines against the node as it is now; stores nothing."""
    ledger = ledger_of(world, opening.cut_over)
    confirmed, left_out = _chosen(current_lines(world, opening.id))
    checked = check_rows(world, rows_of(confirmed), ledger)
    return Ready(ledger, tuple(confirmed), tuple(left_out), tuple(in_order(checked.faults)))


def _chosen(
    lines: tuple[OpeningLine, ...],
) -> tuple[list[OpeningLine], list[tuple[OpeningLine, str]]]:
    """The lines that go live, and those that do not: not confirmed, or under such a contract."""
    chosen, left_out = [], []
    out = {
        line.contract.number
        for line in lines
        if line.contract is not None and line.state is not OpeningLineState.CONFIRMED
    }
    for line in lines:
        about = line.resource or line.payment
        if line.state is not OpeningLineState.CONFIRMED:
            left_out.append((line, "not confirmed by both sides"))
        elif about is not None and about.contract_number in out:
            left_out.append((line, f"contract {about.contract_number} is left out"))
        else:
            chosen.append(line)
    return chosen, left_out


def lock_books(world: World, lines: Iterable[OpeningLine], ledger: Ledger) -> None:
    """Take the counters that a cut-over moves: pools and limits in one go, as an approval does."""
    scopes: list[Scope] = [(Inventory, each.id) for each in world.find(Inventory)]
    above: set[str] = set()
    for line in lines:
        scope = line.resource.application_id if line.resource else None
        scope = line.quota.scope_id if line.quota else scope
        while scope is not None and scope not in above:
            above.add(scope)
            scope = ledger.parents.get(scope)
    wide = above - set(ledger.applications)
    scopes += [(Quota, quota_id(each, of)) for each in wide for of in ResourceClass]
    own = world.find(Quota, scope=QuotaScope.APPLICATION)
    scopes += [(Quota, each.id) for each in own if each.scope_id in above]
    world.lock(*scopes)


def go_live(world: World, opening: Opening, found: Ready, now: datetime) -> Opening:
    """Put everything that is ready; nothing before the cut-over is billed, whenever this runs."""
    at = opening.cut_over
    became: dict[str, str] = {}
    contracts = _put_contracts(world, found, at, became)
    _put_quotes(world, found, contracts, at)
    _put_quotas(world, found, at, became)
    _put_budgets(world, found, at, became)
    _put_running(world, found, contracts, at, became)
    _put_payments(world, found, contracts, at, became)
    if world.seek(BillingPeriod, str(Month.of(at))) is None:
        open_period(world, Month.of(at), at)
    for line in found.lines:
        world.put(advance(line, OpeningLineState.LIVE, record_id=became.get(line.id)))
    for line, why in found.left_out:
        world.put(advance(line, OpeningLineState.LEFT_OUT, left_out_because=why))
    return world.put(advance(opening, OpeningState.LIVE, live_at=now))


def _put_contracts(
    world: World, found: Ready, at: datetime, became: dict[str, str]
) -> dict[str, Contract]:
    """The contracts by number: those of the node and the new ones."""
    contracts = dict(found.ledger.contracts)
    for line in found.of(OpeningSheet.CONTRACTS):
        assert isinstance(line.content, OpeningContract)
        made = contract_to_be(line.content, next_id(world, "CT"), at)
        contracts[made.number] = put_contract(world, made, at)
        became[line.id] = made.id
    return contracts


def _put_quotes(world: World, found: Ready, contracts: dict[str, Contract], at: datetime) -> None:
    """One quote in force from the cut-over for every price that no quote says yet."""
    priced: dict[tuple[str, str], OpeningResource] = {}
    for line in found.of(OpeningSheet.RUNNING):
        content = line.content
        assert isinstance(content, OpeningResource)
        if not content.quoted:
            priced.setdefault((content.pool_id, content.sku_id), content)
    world.put_many(
        [
            Quote(
                id=next_id(world, "QT"),
                provider_id=contracts[content.contract_number].provider_id,
                contract_id=contracts[content.contract_number].id,
                pool_id=content.pool_id,
                sku_id=content.sku_id,
                tiers=content.tiers,
                effective_from=at,
                source_kind="opening",
                state=QuoteState.IN_FORCE,
            )
            for content in priced.values()
        ]
    )


def _put_quotas(world: World, found: Ready, at: datetime, became: dict[str, str]) -> None:
    """Limits from the root down, so that a child meets its parent's."""
    ledger = found.ledger

    def depth(line: OpeningLine) -> int:
        assert line.quota is not None
        scope, steps = ledger.parents.get(line.quota.scope_id), 0
        while scope is not None:
            scope, steps = ledger.parents.get(scope), steps + 1
        return steps

    for line in sorted(found.of(OpeningSheet.QUOTAS), key=depth):
        assert isinstance(line.content, OpeningQuota)
        command = SetQuota(
            scope=line.content.scope,
            scope_id=line.content.scope_id,
            resource_class=line.content.resource_class,
            limit_units=line.content.limit_units,
        )
        became[line.id] = set_quota(world, command, SYSTEM, at).id


def _put_budgets(world: World, found: Ready, at: datetime, became: dict[str, str]) -> None:
    """Payers' own budgets first, then those of their departments."""
    lines = found.of(OpeningSheet.BUDGETS)
    for line in sorted(lines, key=lambda each: each.department_id is not None):
        content = line.content
        assert isinstance(content, OpeningBudget)
        command = RecordBudgetChange(
            payer_id=content.payer_id,
            department_id=content.department_id,
            year=content.year,
            kind=BudgetChangeKind.INITIAL,
            amount=content.approved,
            document_number=content.document_number,
        )
        made = record_budget_change(world, command, SYSTEM, at)
        world.put(replace(made, project_code=content.project_code, fund_source=content.fund_source))
        became[line.id] = made.id


def _put_running(
    world: World,
    found: Ready,
    contracts: dict[str, Contract],
    at: datetime,
    became: dict[str, str],
) -> None:
    """What runs, counted in on pools, limits and budgets."""
    allocations = []
    for line in found.of(OpeningSheet.RUNNING):
        content = line.content
        assert isinstance(content, OpeningResource)
        made = _allocation(world, content, contracts[content.contract_number], at)
        allocations.append(made)
        became[line.id] = made.id
    if not allocations:
        return
    _count_in(world, found.ledger, allocations)
    world.put_many(allocations)
    watch_terms(world, allocations, at)
    commit_opening(world, allocations, local_day(at).year, at)


def _allocation(
    world: World, content: OpeningResource, contract: Contract, at: datetime
) -> Allocation:
    sku = sku_at(world, content.sku_id, at)
    ends_on = content.term_ends_on
    stock = Stock(
        department_id=content.department_id,
        application_id=content.application_id,
        pool_id=content.pool_id,
        provider_id=contract.provider_id,
        contract_id=contract.id,
        sku_id=content.sku_id,
        quantity=content.quantity,
        resources=scaled(sku.resources, content.quantity),
        estimate_units=content.estimate_units,
        provider_resource_id=content.number,
        term_end=midnight(ends_on + DAY) if ends_on is not None else None,
    )
    return opening_allocation(stock, next_id(world, "ALC"), at)


def _count_in(world: World, ledger: Ledger, allocations: Iterable[Allocation]) -> None:
    """Each counter once, by the sum of what it takes."""
    running = tuple(allocations)
    taken: dict[str, dict[ResourceClass, int]] = defaultdict(lambda: defaultdict(int))
    for allocation in running:
        for amount in allocation.resources:
            taken[allocation.pool_id][amount.resource_class] += amount.units
    for pool_id in sorted(taken):
        amounts: tuple[ResourceAmount, ...] = from_mapping(dict(taken[pool_id]))
        step_pool(world, pool_id, amounts, enter)
    for (scope_id, resource_class), units in sorted(running_units(running, ledger.parents).items()):
        counter = world.seek(Quota, quota_id(scope_id, resource_class))
        if counter is not None:
            world.put(quota.post(quota.reserve(counter, units), units))


def _put_payments(
    world: World,
    found: Ready,
    contracts: dict[str, Contract],
    at: datetime,
    became: dict[str, str],
) -> None:
    """Paid so far: on the contract always, on the budgets of the year it was paid in."""
    paid: dict[str, Decimal] = defaultdict(lambda: ZERO)
    spent: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for line in found.of(OpeningSheet.PAYMENTS):
        content = line.content
        assert isinstance(content, OpeningPayment)
        contract_id = contracts[content.contract_number].id
        paid[contract_id] += content.amount
        for id in _budgets_of(world, content):
            spent[id] += content.amount
        became[line.id] = contract_id
    world.lock(*((Contract, id) for id in paid))
    for id in sorted(paid):
        world.put(carry_in(world.get(Contract, id), paid[id]))
    world.lock(*((Budget, id) for id in spent))
    for id in sorted(spent):
        due = budgets.post_due(world.get(Budget, id), ZERO, spent[id])
        world.put(budgets.pay(due, spent[id]))


def _budgets_of(world: World, payment: OpeningPayment) -> tuple[str, ...]:
    """The budget a payment was made from and those above it, as far as they are in the books."""
    year = payment.paid_on.year
    wanted: str | None = budget_id(payment.payer_id, payment.department_id, year)
    if world.seek(Budget, str(wanted)) is None:
        wanted = budget_id(payment.payer_id, None, year)
    chain: list[str] = []
    while wanted is not None and (budget := world.seek(Budget, wanted)) is not None:
        chain.append(budget.id)
        wanted = budget.parent_id
    return tuple(chain)
