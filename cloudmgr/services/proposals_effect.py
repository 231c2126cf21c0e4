"""The effect of a version on what runs, asked of the world: for a proposal and for two published
versions, as a value and as a workbook. Stores nothing; prices are the price book's."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from catalog.errors import CloudmgrError
from catalog.money import ZERO
from catalog.period import local_day
from catalog.prices import PriceBook
from catalog.skus import SAMPLE_MARK, PricingModel
from catalog.versions import CatalogVersion
from cloudmgr.domain.access import Actor
from cloudmgr.domain.allocations import RUNNING, Allocation, AllocationState
from cloudmgr.domain.parties import Organisation
from cloudmgr.domain.proposals import Proposal
from cloudmgr.domain.proposals_effect import (
    CatalogEffect,
    EffectLine,
    MoneyShift,
    Touched,
    effect_of,
    touched_skus,
)
from cloudmgr.domain.rating import monthly_price
from cloudmgr.services.pricing import catalog_version, price_book
from cloudmgr.services.proposals import proposed_version
from cloudmgr.services.reading import read, visible
from cloudmgr.services.world import World
from cloudmgr.sheets.columns import CellKind, Column
from cloudmgr.sheets.writing import Sheet, write_book

_UNPRICED = ("no_price", "no_ceiling", "unknown_sku")


def proposal_effect(world: World, actor: Actor, proposal_id: str, now: datetime) -> CatalogEffect:
    """What a proposal would change today, against its base. Whoever sees only some allocations
    sees the money of those."""
    proposal = read(world, actor, Proposal, proposal_id)
    base = catalog_version(world, proposal.base_version_id)
    version = replace(proposed_version(world, proposal), id=proposal.version_id or proposal.id)
    return _effect(world, actor, base, version, max(now, base.effective_from))


def version_effect(
    world: World, actor: Actor, a_id: str, b_id: str, now: datetime
) -> CatalogEffect:
    """What changes from one published version to another, priced when the later holds."""
    a, b = catalog_version(world, a_id), catalog_version(world, b_id)
    return _effect(world, actor, a, b, max(now, a.effective_from, b.effective_from))


def _effect(
    world: World, actor: Actor, a: CatalogVersion, b: CatalogVersion, at: datetime
) -> CatalogEffect:
    book = price_book(world)
    before, after = book.under(a, at), book.under(b, at)
    touched, unpriced = [], []
    for allocation in _live(world, actor, touched_skus(a, b)):
        try:
            costs = (_monthly(allocation, each, at) for each in (before, after))
            touched.append(Touched(allocation, *costs))
        except CloudmgrError as error:
            if error.code not in _UNPRICED:
                raise
            unpriced.append(f"{allocation.id}: {error.message}")
    return effect_of(a, b, at, touched, unpriced)


def _live(world: World, actor: Actor, sku_ids: Iterable[str]) -> tuple[Allocation, ...]:
    scope = visible(world, actor, Allocation)
    wanted = tuple(sorted(sku_ids))
    if scope is None or not wanted:
        return ()
    where: dict[str, Any] = {**scope, "state": RUNNING, "sku_id": wanted}
    return world.find(Allocation, **where)


def _monthly(allocation: Allocation, book: PriceBook, at: datetime) -> Decimal:
    """A full month of the allocation as it runs; what was paid once costs nothing more."""
    (version,) = book.versions
    sku = version.sku(allocation.sku_id)
    stopped = allocation.state is AllocationState.STOPPED and not sku.charged_when_stopped
    if stopped or sku.model is PricingModel.ONE_OFF:
        return ZERO
    price = book.price_at(sku.id, allocation.pool_id, at)
    return monthly_price(sku, allocation.quantity, price, estimate_units=allocation.estimate_units)


def effect_workbook(world: World, effect: CatalogEffect) -> bytes:
    """The document as XLSX: the changes, and who pays and earns how much more or less."""
    names = {each.id: each.name_zh for each in world.find(Organisation)}
    above = (
        f"目录调整影响测算 {effect.from_version_id} → {effect.to_version_id}",
        f"按 {local_day(effect.at).isoformat()} 在用资源的月费测算",
    )
    return write_book(
        (
            Sheet("变更", _LINE_COLUMNS, [_line(each) for each in effect.lines], above=above),
            Sheet("用云单位", _SHIFT_COLUMNS, _sums(effect.by_department, effect, names)),
            Sheet("云服务商", _SHIFT_COLUMNS, _sums(effect.by_provider, effect, names)),
            Sheet("无价格", (_UNPRICED_COLUMN,), [{"unpriced": each} for each in effect.unpriced]),
        )
    )


def _line(line: EffectLine) -> dict[str, object]:
    cells = {column.name: getattr(line, column.name) for column in _LINE_COLUMNS[:-1]}
    return cells | {"mark": SAMPLE_MARK if line.sample else ""}


def _sums(
    shifts: tuple[MoneyShift, ...], effect: CatalogEffect, names: dict[str, str]
) -> list[dict[str, object]]:
    rows = []
    for shift in (*shifts, effect.total):
        cells = {column.name: getattr(shift, column.name, "") for column in _SHIFT_COLUMNS}
        rows.append(cells | {"name": names.get(shift.id, "合计")})
    return rows


def _money(name: str, title_zh: str) -> Column:
    return Column(name=name, title_zh=title_zh, kind=CellKind.DECIMAL)


_LINE_COLUMNS = (
    Column(name="kind", title_zh="变更"),
    Column(name="id", title_zh="编号", width=28),
    Column(name="name_zh", title_zh="名称", width=28),
    Column(name="field", title_zh="项目"),
    Column(name="before", title_zh="原值", width=28),
    Column(name="after", title_zh="新值", width=28),
    Column(name="allocations", title_zh="在用资源数", kind=CellKind.WHOLE),
    _money("monthly_before", "原月费(元)"),
    _money("monthly_after", "新月费(元)"),
    Column(name="mark", title_zh="标注"),
)
_SHIFT_COLUMNS = (
    Column(name="id", title_zh="编号"),
    Column(name="name", title_zh="名称", width=28),
    Column(name="allocations", title_zh="在用资源数", kind=CellKind.WHOLE),
    _money("monthly_before", "原月费(元)"),
    _money("monthly_after", "新月费(元)"),
    _money("change", "增减(元)"),
)
_UNPRICED_COLUMN = Column(name="unpriced", title_zh="无价格的在用资源", width=80)
