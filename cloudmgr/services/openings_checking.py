"""All rows of an opening together: do they fit each other, the pools and the limits?

Owns which rows are faults and which are warnings. What runs is a fact, so more than a quota or a
budget allows is a warning that stops growth, as everywhere; what cannot be (no room in the pool,
no price, another stack) is a fault, and one fault keeps the whole workbook out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from catalog.money import ZERO, total
from catalog.period import local_day
from catalog.quantity import ResourceClass, scaled
from cloudmgr.domain.allocations import Allocation
from cloudmgr.domain.budget import Budget, budget_id
from cloudmgr.domain.capacity import Inventory
from cloudmgr.domain.openings import (
    OpeningBudget,
    OpeningContract,
    OpeningPayment,
    OpeningQuota,
    OpeningResource,
    OpeningSheet,
    count_in,
    refusals,
)
from cloudmgr.domain.placement import Candidate, Need
from cloudmgr.domain.quota import UNLIMITED, Quota, quota_id
from cloudmgr.domain.rating import sku_at
from cloudmgr.services.openings_names import Ledger
from cloudmgr.services.openings_rows import Draft, Reader, contract_to_be
from cloudmgr.services.openings_sheets import TITLES
from cloudmgr.services.world import World
from cloudmgr.sheets.reading import RowFault, SheetRow

IMPOSSIBLE = frozenset({"life", "stack", "contract", "capacity"})
"""Filters whose refusal is a fault: the resource cannot run there. The others say where it should
not run (zone, protection level, …), which people then mend."""

_ORDER = {name: place for place, each in enumerate(OpeningSheet) for name in (each, TITLES[each])}


@dataclass(slots=True)
class Checked:
    """Good rows in the order of the sheets, and every fault found."""

    drafts: list[Draft] = field(default_factory=list)
    faults: list[RowFault] = field(default_factory=list)

    def of(self, sheet: OpeningSheet) -> list[Draft]:
        return [draft for draft in self.drafts if draft.sheet is sheet]


def check_rows(
    world: World, rows: Mapping[OpeningSheet, Iterable[SheetRow]], ledger: Ledger
) -> Checked:
    """Check a workbook's rows against a node as of the cut-over; stores nothing."""
    reader = Reader(ledger, dict(ledger.contracts))
    found = Checked()
    for sheet in OpeningSheet:
        seen: dict[object, SheetRow] = {}
        for row in rows.get(sheet, ()):
            draft = reader.read(sheet, row)
            key = _key(sheet, row)
            if key in seen:
                why = f"row {seen[key].number} is about the same"
                reader.faults.append(row.fault("", why))
            seen.setdefault(key, row)
            if draft is None and sheet is OpeningSheet.CONTRACTS:
                reader.unreadable.add(row.values.get("number"))
            if draft is not None:
                found.drafts.append(draft)
                if isinstance(draft.content, OpeningContract):
                    made = contract_to_be(
                        draft.content, f"new/{draft.content.number}", ledger.cut_over
                    )
                    reader.contracts[made.number] = made
    found.faults = reader.faults
    running = found.of(OpeningSheet.RUNNING)
    found.faults += [
        *_prices(running),
        *_known_numbers(world, running),
        *_room(world, ledger, running),
        *_limits(world, ledger, found),
        *_money(world, ledger, found),
        *_paid(reader, found),
    ]
    return found


def in_order(faults: Iterable[RowFault]) -> list[RowFault]:
    """Faults as people walk through the workbook: sheet by sheet, row by row."""
    return sorted(faults, key=lambda each: (_ORDER.get(each.sheet, 0), each.row))


def _key(sheet: OpeningSheet, row: SheetRow) -> object:
    """What two rows of a sheet may not share."""
    columns = {
        OpeningSheet.CONTRACTS: ("number",),
        OpeningSheet.RUNNING: ("pool", "number"),
        OpeningSheet.QUOTAS: ("scope", "scope_of", "resource_class"),
        OpeningSheet.BUDGETS: ("payer", "department", "year"),
        OpeningSheet.PAYMENTS: ("contract", "payer", "department", "voucher_number"),
    }[sheet]
    found = tuple(row.values.get(each) for each in columns)
    return found if found[0] is not None else row.number


def _content(draft: Draft) -> OpeningResource:
    assert isinstance(draft.content, OpeningResource)
    return draft.content


def _prices(running: Iterable[Draft]) -> Iterator[RowFault]:
    """One price for an item in a pool, whatever the row."""
    first: dict[tuple[str, str], Draft] = {}
    for draft in running:
        content = _content(draft)
        other = first.setdefault((content.pool_id, content.sku_id), draft)
        if _content(other).tiers != content.tiers:
            yield draft.row.fault("协议单价", f"row {other.row.number} gives it another price")
        if _content(other).contract_number != content.contract_number:
            yield draft.row.fault("合同编号", f"row {other.row.number} names another contract")


def _known_numbers(world: World, running: Iterable[Draft]) -> Iterator[RowFault]:
    """A resource that is in the books already is not brought in again."""
    drafts = {(_content(each).pool_id, _content(each).number): each for each in running}
    pools = tuple({pool_id for pool_id, _ in drafts})
    if not pools:
        return
    for allocation in world.stream(Allocation, pool_id=pools):
        draft = drafts.get((allocation.pool_id, allocation.provider_resource_id))
        if draft is not None:
            yield draft.row.fault("资源编号", f"it is allocation {allocation.id} already")


def _room(world: World, ledger: Ledger, running: Iterable[Draft]) -> Iterator[RowFault]:
    """Where every resource stands, counted in one by one in the order of the rows."""
    inventories: dict[str, dict[str, Inventory]] = defaultdict(dict)
    for each in world.find(Inventory):
        inventories[each.pool_id][each.id] = each
    for draft in running:
        content = _content(draft)
        sku = sku_at(ledger.book.versions, content.sku_id, ledger.cut_over)
        amounts = scaled(sku.resources, content.quantity)
        need = Need(
            application=ledger.applications[content.application_id],
            stacks=sku.stacks,
            amounts=amounts,
            grows=False,
        )
        candidate = Candidate(
            pool=ledger.pools[content.pool_id],
            inventories=tuple(inventories[content.pool_id].values()),
            monthly_price=ZERO,
            contract_id=content.contract_number,
        )
        refused = refusals(need, candidate)
        for name in refused:
            if name not in IMPOSSIBLE:
                draft.warnings.append(f"placement_{name}")
        stops = next((name for name in refused if name in IMPOSSIBLE), None)
        if stops == "capacity":
            short = _short(inventories[content.pool_id], content.pool_id, need)
            yield draft.row.fault("数量", f"{content.pool_id} has no room: {short}")
        elif stops is not None:
            yield draft.row.fault("资源池", f"{content.pool_id} cannot run it: {stops}")
        else:
            inventories[content.pool_id] = count_in(
                inventories[content.pool_id], content.pool_id, amounts
            )
        if content.term_ends_on is not None and content.term_ends_on < local_day(ledger.cut_over):
            draft.warnings.append("past_its_term")


def _short(inventories: Mapping[str, Inventory], pool_id: str, need: Need) -> str:
    free = {each.resource_class: each.free for each in inventories.values()}
    return ", ".join(
        f"{max(free.get(each.resource_class, 0), 0)} {each.resource_class} free, {each.units} asked"
        for each in need.amounts
        if each.units > free.get(each.resource_class, 0)
    )


def _limits(world: World, ledger: Ledger, found: Checked) -> Iterator[RowFault]:
    """Quotas form a tree; what runs beyond one is told and stops growth."""
    counters = {each.id: each for each in world.find(Quota)}
    limits: dict[str, int | None] = {id: each.limit_units for id, each in counters.items()}
    rows: dict[str, Draft] = {}
    for draft in found.of(OpeningSheet.QUOTAS):
        content = draft.content
        assert isinstance(content, OpeningQuota)
        id = quota_id(content.scope_id, content.resource_class)
        limits[id] = content.limit_units
        rows[id] = draft
    for id, limit in limits.items():
        scope_id, _, resource_class = id.rpartition("/")
        above = next(
            (
                each
                for each in _above(ledger, scope_id, resource_class)
                if limits.get(each) not in (None, UNLIMITED)
            ),
            None,
        )
        if limit is None or above is None or not (id in rows or above in rows):
            continue
        most = limits[above]
        assert most is not None
        if limit == UNLIMITED or limit > most:
            draft = rows.get(id) or rows[above]
            yield draft.row.fault("上限", f"{id} would exceed the {most} of {above}")
    _over_quota(ledger, found, counters, limits)


def _above(ledger: Ledger, scope_id: str, resource_class: str) -> Iterator[str]:
    scope = ledger.parents.get(scope_id)
    while scope is not None:
        yield quota_id(scope, ResourceClass(resource_class))
        scope = ledger.parents.get(scope)


def _over_quota(
    ledger: Ledger,
    found: Checked,
    counters: Mapping[str, Quota],
    limits: Mapping[str, int | None],
) -> None:
    """Warn on the row that goes over a limit, and where nobody has set one up to the root."""
    runs: dict[str, int] = {id: each.committed for id, each in counters.items()}
    for draft in found.of(OpeningSheet.RUNNING):
        content = _content(draft)
        sku = sku_at(ledger.book.versions, content.sku_id, ledger.cut_over)
        for amount in scaled(sku.resources, content.quantity):
            own = quota_id(content.application_id, amount.resource_class)
            chain = (own, *_above(ledger, content.application_id, str(amount.resource_class)))
            if all(limits.get(id) is None for id in chain):
                draft.warnings.append(f"quota_not_set {amount.resource_class}")
            for id in chain:
                runs[id] = runs.get(id, 0) + amount.units
                limit = limits.get(id)
                if limit is not None and limit != UNLIMITED and runs[id] > limit:
                    draft.warnings.append(f"quota_exceeded {id}")


def _money(world: World, ledger: Ledger, found: Checked) -> Iterator[RowFault]:
    """Budgets made once, below their payer's, and one for every department that runs something."""
    known = {each.id: each.approved for each in world.find(Budget)}
    drafts: dict[str, Draft] = {}
    for draft in found.of(OpeningSheet.BUDGETS):
        content = draft.content
        assert isinstance(content, OpeningBudget)
        id = budget_id(content.payer_id, content.department_id, content.year)
        if id in known:
            yield draft.row.fault("付款方", f"budget {id} is in the books already")
        drafts[id] = draft
    shares: dict[str, list[Decimal]] = defaultdict(list)
    for draft in drafts.values():
        content = draft.content
        assert isinstance(content, OpeningBudget)
        above = budget_id(content.payer_id, None, content.year)
        if content.department_id is not None:
            shares[above].append(content.approved)
            if above not in drafts and above not in known:
                draft.warnings.append("payer_without_budget")
    for above, each in shares.items():
        payer = drafts.get(above)
        own = payer.content if payer is not None else None
        if payer and isinstance(own, OpeningBudget) and total(each) > own.approved:
            payer.warnings.append(f"departments_exceed {total(each)}")
    year = local_day(ledger.cut_over).year
    for draft in found.of(OpeningSheet.RUNNING):
        department_id = _content(draft).department_id
        payer_id = ledger.payer_of(department_id)
        chain = (budget_id(payer_id, department_id, year), budget_id(payer_id, None, year))
        if not any(id in known or id in drafts for id in chain):
            why = f"no budget of {year} covers {department_id}; add one to the sheet 预算"
            yield draft.row.fault("用云单位", why)


def _paid(reader: Reader, found: Checked) -> Iterator[RowFault]:
    """What was paid so far stays within the contract's total."""
    paid: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for draft in found.of(OpeningSheet.PAYMENTS):
        content = draft.content
        assert isinstance(content, OpeningPayment)
        paid[content.contract_number] += content.amount
        left = reader.contracts[content.contract_number].left
        if paid[content.contract_number] > left:
            yield draft.row.fault("金额", f"{content.contract_number} has {left} yuan left only")
