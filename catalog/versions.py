"""Published states of the catalog: immutable, dated, and comparable.

Owns `CatalogVersion`, what may be published after what, and the diff people read. Prices that
providers quote under a version are `catalog.prices`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import datetime
from enum import StrEnum
from fractions import Fraction

from catalog.errors import (
    Invalid,
    bad_catalog,
    bad_effective_date,
    unknown_catalog_version,
    unknown_sku,
)
from catalog.period import is_midnight, shanghai, utc
from catalog.quantity import ResourceAmount
from catalog.skus import Figure, FigureKind, Flavor, Sku
from catalog.standards import CreditTier, ServiceStandard, share_text
from catalog.tiers import Ceiling, checked, price_text, tiers_text


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogVersion:
    """One published catalog, in force from `effective_from` (a Shanghai midnight, in UTC).

    `kind` is `SAMPLE` while the document behind it is a sample. Raises `bad_catalog` when its
    parts do not fit together, `bad_effective_date` for a date that is no midnight.
    """

    id: str
    document_number: str
    effective_from: datetime
    kind: FigureKind
    skus: tuple[Sku, ...]
    standards: tuple[ServiceStandard, ...]
    ceilings: tuple[Ceiling, ...]
    note: str = ""
    _skus: dict[str, Sku] = field(init=False, repr=False, compare=False)
    _standards: dict[str, ServiceStandard] = field(init=False, repr=False, compare=False)
    _ceilings: dict[str, Ceiling] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "effective_from", utc(self.effective_from))
        if not is_midnight(self.effective_from):
            raise bad_effective_date(_local(self.effective_from), "it is not midnight in Shanghai")
        object.__setattr__(self, "_skus", {sku.id: sku for sku in self.skus})
        object.__setattr__(self, "_standards", {each.id: each for each in self.standards})
        object.__setattr__(self, "_ceilings", {each.sku_id: each for each in self.ceilings})
        for where, why in _misfits(self):
            raise bad_catalog(where, why)

    def sku(self, sku_id: str) -> Sku:
        """The Sku of that id, retired or not; raises `unknown_sku`."""
        try:
            return self._skus[sku_id]
        except KeyError:
            raise unknown_sku(sku_id, self.id) from None

    def has(self, sku_id: str) -> bool:
        return sku_id in self._skus

    def standard_of(self, sku_id: str) -> ServiceStandard:
        """The service standard a Sku promises; raises `unknown_sku`."""
        return self._standards[self.sku(sku_id).standard_id]

    def ceiling_of(self, sku_id: str) -> Ceiling | None:
        """The ceiling of a Sku, or None when this version sets none."""
        return self._ceilings.get(sku_id)

    def ladder(self, family: str) -> tuple[Flavor, ...]:
        """The sizes of a family one may still ask for, smallest first."""
        sizes = (s for s in self.skus if isinstance(s, Flavor) and s.family == family)
        return tuple(
            sorted((s for s in sizes if not s.retired), key=lambda s: (s.vcpus, s.memory_mib, s.id))
        )


class ChangeKind(StrEnum):
    """What a new version does to a Sku or a standard."""

    ADDED = "added"
    REPRICED = "repriced"
    RESTATED = "restated"
    RETIRED = "retired"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One line of a diff. `subject` is `sku` or `standard`; `sample` marks sample figures."""

    kind: ChangeKind
    subject: str
    id: str
    name_zh: str
    name_en: str
    field: str
    before: str
    after: str
    sample: bool


def version_at(versions: tuple[CatalogVersion, ...], moment: datetime) -> CatalogVersion:
    """The version in force at an instant; raises `unknown_catalog_version` before the first."""
    ordered = sorted(versions, key=lambda version: version.effective_from)
    index = bisect_right([version.effective_from for version in ordered], utc(moment)) - 1
    if index < 0:
        raise unknown_catalog_version(
            f"in force at {_local(moment)}", ", ".join(each.id for each in ordered) or "none"
        )
    return ordered[index]


def publish(
    versions: tuple[CatalogVersion, ...], version: CatalogVersion, *, now: datetime
) -> tuple[CatalogVersion, ...]:
    """The published versions with `version` after them; nothing published ever changes.

    Raises `bad_effective_date` unless it takes effect after `now` and after every published one,
    and `bad_catalog` when its id is used, it names no document, a Sku vanishes (it may only
    retire) or changes what it is (it needs a new id: live allocations are priced by the old one).
    """
    date = _local(version.effective_from)
    if version.effective_from <= utc(now):
        raise bad_effective_date(date, "it must be a future midnight in Shanghai")
    if not version.document_number.strip():
        raise bad_catalog(f"version {version.id}, field document_number", "it must not be empty")
    for other in versions:
        if other.id == version.id:
            raise bad_catalog(f"version {version.id}, field id", "this id is already published")
        if other.effective_from >= version.effective_from:
            raise bad_effective_date(date, f"version {other.id} takes effect then or later")
    if versions:
        check_successor(max(versions, key=lambda each: each.effective_from), version)
    return (*versions, version)


def check_successor(last: CatalogVersion, version: CatalogVersion) -> None:
    """Raise `bad_catalog` when a Sku of `last` vanishes or becomes something else in `version`."""
    for sku in last.skus:
        _still_the_same(sku, version)


def _still_the_same(old: Sku, version: CatalogVersion) -> None:
    if not version.has(old.id):
        raise bad_catalog(f"version {version.id}, Sku {old.id}", "retire it; it cannot vanish")
    new = version.sku(old.id)
    for name in ("model", "unit_zh", "unit_en", "resources", "meter", "meter_units_per_unit"):
        if getattr(old, name) != getattr(new, name):
            raise bad_catalog(
                f"version {version.id}, Sku {old.id}, field {name}",
                "a published Sku stays what it is; retire it and add one with a new id",
            )


def diff(a: CatalogVersion, b: CatalogVersion) -> tuple[Change, ...]:
    """What changes from `a` to `b`, Skus first, each by id; empty when nothing does."""
    changes: list[Change] = []
    for sku_id in sorted({s.id for s in a.skus} | {s.id for s in b.skus}):
        changes.extend(_sku_changes(a, b, sku_id))
    for standard_id in sorted({s.id for s in a.standards} | {s.id for s in b.standards}):
        changes.extend(_standard_changes(a, b, standard_id))
    return tuple(changes)


def _sku_changes(a: CatalogVersion, b: CatalogVersion, sku_id: str) -> Iterator[Change]:
    old, new = a._skus.get(sku_id), b._skus.get(sku_id)
    was, now = a.ceiling_of(sku_id), b.ceiling_of(sku_id)
    sample = any(each.kind is FigureKind.SAMPLE for each in (was, now) if each)
    if new is None or old is None:
        kind = ChangeKind.REMOVED if new is None else ChangeKind.ADDED
        yield _change(kind, old or new, "ceiling", was, now, sample)
        return
    if new.retired and not old.retired:
        yield _change(ChangeKind.RETIRED, new, "retired", False, True)
    if (was and was.tiers) != (now and now.tiers):
        yield _change(ChangeKind.REPRICED, new, "ceiling", was, now, sample)
    for name, before, after in _differences(old, new):
        if not (name == "retired" and after):
            yield _change(ChangeKind.RESTATED, new, name, before, after)


def _standard_changes(a: CatalogVersion, b: CatalogVersion, standard_id: str) -> Iterator[Change]:
    old, new = a._standards.get(standard_id), b._standards.get(standard_id)
    if new is None or old is None:
        kind = ChangeKind.REMOVED if new is None else ChangeKind.ADDED
        was, now = (each and each.availability for each in (old, new))
        yield _change(kind, old or new, "availability", was, now, _is_sample(old, new))
        return
    for name, before, after in _differences(old, new):
        yield _change(ChangeKind.RESTATED, new, name, before, after, _is_sample(old, new))


def _is_sample(*standards: ServiceStandard | None) -> bool:
    return any(each.kind is FigureKind.SAMPLE for each in standards if each)


def _differences(old: object, new: object) -> Iterator[tuple[str, object, object]]:
    """(field, before, after) where two frozen values of one id differ."""
    for name in dict.fromkeys((*_fields_of(old), *_fields_of(new))):
        before, after = getattr(old, name, None), getattr(new, name, None)
        if before != after:
            yield name, before, after


def _fields_of(value: object) -> tuple[str, ...]:
    return tuple(each.name for each in fields(value)) if is_dataclass(value) else ()


def _change(
    kind: ChangeKind,
    item: Sku | ServiceStandard | None,
    name: str,
    before: object,
    after: object,
    sample: bool = False,
) -> Change:
    assert item is not None  # one of the two versions has it, or it would not be compared
    return Change(
        kind=kind,
        subject="sku" if isinstance(item, Sku) else "standard",
        id=item.id,
        name_zh=item.name_zh,
        name_en=item.name_en,
        field=name,
        before=text(before),
        after=text(after),
        sample=sample,
    )


def text(value: object) -> str:
    """A catalog value as people read it in a diff; nothing is `-`."""
    match value:
        case None | "" | ():
            return "-"
        case bool():
            return "yes" if value else "no"
        case Fraction():
            return share_text(value)
        case Ceiling():
            return tiers_text(value.tiers)
        case Figure():
            return f"{price_text(value.value)} ({value.kind.value}, {value.source}, {value.year})"
        case ResourceAmount():
            return f"{value.resource_class.value}:{value.units}"
        case CreditTier():
            return f"below {share_text(value.below)}: {share_text(value.share)}"
        case tuple():
            return "; ".join(text(each) for each in value)
        case _:
            return str(value)


def _misfits(version: CatalogVersion) -> Iterator[tuple[str, str]]:
    """Every (where, why) in which the parts of a version do not fit together."""
    yield from _repeated("Sku", (sku.id for sku in version.skus))
    yield from _repeated("standard", (each.id for each in version.standards))
    yield from _repeated("ceiling of", (each.sku_id for each in version.ceilings))
    for sku in version.skus:
        if sku.standard_id not in version._standards:
            yield f"Sku {sku.id}, field standard_id", f"no standard {sku.standard_id} is defined"
    for ceiling in version.ceilings:
        where = f"ceiling of {ceiling.sku_id}"
        if not version.has(ceiling.sku_id):
            yield f"{where}, field sku", "no such Sku is defined"
            continue
        try:
            checked(ceiling.tiers, version.sku(ceiling.sku_id).model)
        except Invalid as error:
            yield f"{where}, field tiers", error.message


def _repeated(what: str, ids: Iterable[str]) -> Iterator[tuple[str, str]]:
    for each, count in Counter(ids).items():
        if count > 1:
            yield f"{what} {each}, field id", f"it is defined {count} times"


def _local(moment: datetime) -> str:
    return shanghai(moment).isoformat()
