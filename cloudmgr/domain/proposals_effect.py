"""What a catalog version would change for what runs: the document people read before they sign.

Owns adding up; prices before and after come from the price book, changes from `catalog.versions`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from catalog.money import Yuan, total
from catalog.versions import CatalogVersion, Change, ChangeKind, diff
from cloudmgr.domain.allocations import Allocation

_MOVING = ("ceiling", "charged_when_stopped")
"""Fields of a Sku whose change may move what running allocations cost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectLine:
    """One line of the diff with the live allocations it touches and what they cost a month.

    Where the change moves no price, they cost the same before and after.
    """

    kind: ChangeKind
    subject: str
    id: str
    name_zh: str
    name_en: str
    field: str
    before: str
    after: str
    sample: bool
    allocations: int
    monthly_before: Yuan
    monthly_after: Yuan


@dataclass(frozen=True, slots=True, kw_only=True)
class MoneyShift:
    """What the touched allocations of somebody cost a full month, before and after."""

    id: str
    allocations: int
    monthly_before: Yuan
    monthly_after: Yuan
    change: Yuan


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogEffect:
    """影响测算: the diff of two versions and the monthly money of live allocations it touches,
    priced at `at`. `unpriced` are allocations that have no price under one of them."""

    from_version_id: str
    to_version_id: str
    at: datetime
    lines: tuple[EffectLine, ...]
    by_department: tuple[MoneyShift, ...]
    by_provider: tuple[MoneyShift, ...]
    total: MoneyShift
    unpriced: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Touched:
    """A live allocation whose Sku or standard changes, and its month under both versions."""

    allocation: Allocation
    before: Decimal
    after: Decimal


def touched_skus(a: CatalogVersion, b: CatalogVersion) -> frozenset[str]:
    """Every Sku of `b` that changes, or whose promised standard does."""
    changes = diff(a, b)
    standards = {each.id for each in changes if each.subject == "standard"}
    changed = {each.id for each in changes if each.subject == "sku"}
    return frozenset(changed | {sku.id for sku in b.skus if sku.standard_id in standards})


def effect_of(
    a: CatalogVersion,
    b: CatalogVersion,
    at: datetime,
    touched: Sequence[Touched],
    unpriced: Iterable[str] = (),
) -> CatalogEffect:
    """The document: every change with what it touches, and the sums by who pays and who earns."""
    by_sku: dict[str, list[Touched]] = defaultdict(list)
    for each in touched:
        by_sku[each.allocation.sku_id].append(each)
    return CatalogEffect(
        from_version_id=a.id,
        to_version_id=b.id,
        at=at,
        lines=tuple(_line(change, _meant(change, b, by_sku)) for change in diff(a, b)),
        by_department=_shifts(touched, "department_id"),
        by_provider=_shifts(touched, "provider_id"),
        total=_shift("total", touched),
        unpriced=tuple(sorted(unpriced)),
    )


def _meant(
    change: Change, b: CatalogVersion, by_sku: Mapping[str, Sequence[Touched]]
) -> list[Touched]:
    if change.subject == "sku":
        return list(by_sku.get(change.id, ()))
    promising = (sku.id for sku in b.skus if sku.standard_id == change.id)
    return [each for sku_id in promising for each in by_sku.get(sku_id, ())]


def _line(change: Change, meant: Sequence[Touched]) -> EffectLine:
    before = total(each.before for each in meant)
    moves = change.subject == "sku" and change.field in _MOVING
    return EffectLine(
        kind=change.kind,
        subject=change.subject,
        id=change.id,
        name_zh=change.name_zh,
        name_en=change.name_en,
        field=change.field,
        before=change.before,
        after=change.after,
        sample=change.sample,
        allocations=len(meant),
        monthly_before=before,
        monthly_after=total(each.after for each in meant) if moves else before,
    )


def _shifts(touched: Iterable[Touched], whose: str) -> tuple[MoneyShift, ...]:
    found: dict[str, list[Touched]] = defaultdict(list)
    for each in touched:
        found[getattr(each.allocation, whose)].append(each)
    return tuple(_shift(id, found[id]) for id in sorted(found))


def _shift(id: str, touched: Sequence[Touched]) -> MoneyShift:
    before = total(each.before for each in touched)
    after = total(each.after for each in touched)
    return MoneyShift(
        id=id,
        allocations=len(touched),
        monthly_before=before,
        monthly_after=after,
        change=after - before,
    )
