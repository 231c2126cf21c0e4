"""The one reader of catalogs: a folder of TOML and CSV in, a `CatalogVersion` out.

Owns the file formats (described in catalog/data/README.md). A fault names file, item and field;
money that is not written as a string is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache, partial
from pathlib import Path

from catalog.errors import CloudmgrError, Invalid, bad_catalog, unknown_catalog_version
from catalog.fields import Record, read_csv, read_toml
from catalog.period import midnight
from catalog.quantity import ResourceAmount, ResourceClass
from catalog.skus import Category, Figure, FigureKind, Flavor, PricingModel, Sku
from catalog.standards import CreditTier, ServiceStandard
from catalog.tiers import Ceiling, Tier, Tiers, flat
from catalog.versions import CatalogVersion

DATA = Path(__file__).parent / "data"
# The version in force in the reference month, January 2026; there is no clock down here.
CURRENT = "2026-01-01"

SKU_COLUMNS = (
    "id", "name_zh", "name_en", "category", "unit_zh", "unit_en", "model", "resources", "meter",
    "meter_units_per_unit", "standard_id", "service_standard", "xinchuang", "stacks", "family",
    "charged_when_stopped", "retired", "item_source",
)  # fmt: skip
LIST_PRICE_COLUMNS = ("sku_id", "value", "source", "note")


@dataclass(frozen=True, slots=True)
class _Source:
    """Where figures come from; without a kind, where items and units do, but no figures."""

    kind: FigureKind | None
    title: str
    year: str


@dataclass(slots=True)
class _Parts:
    """A catalog while it is read; an amendment starts from its base's parts."""

    sources: dict[str, _Source] = field(default_factory=dict)
    standards: dict[str, ServiceStandard] = field(default_factory=dict)
    skus: dict[str, Sku] = field(default_factory=dict)
    figures: dict[str, tuple[Figure, ...]] = field(default_factory=dict)
    ceilings: dict[str, Ceiling] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)


def load_catalog(path: Path | None = None) -> CatalogVersion:
    """Read a catalog folder (or its version.toml); None is the shipped current version.

    Raises `bad_catalog` with file, item and field.
    """
    if path is None:
        return next(each for each in shipped_versions() if each.id == CURRENT)
    folder = path.parent if path.name == "version.toml" else path
    return _read(folder, ())[0]


@cache
def shipped_versions() -> tuple[CatalogVersion, ...]:
    """Every catalog version in the package, by effective date."""
    folders = (each.parent for each in DATA.glob("*/version.toml"))
    return tuple(sorted((load_catalog(each) for each in folders), key=lambda v: v.effective_from))


def find_version(wanted: str) -> CatalogVersion:
    """A shipped version by its id, else the catalog in a folder of that name.

    Raises `unknown_catalog_version` when there is neither, `bad_catalog` as `load_catalog`.
    """
    for version in shipped_versions():
        if version.id == wanted:
            return version
    if not Path(wanted).exists():
        known = ", ".join(version.id for version in shipped_versions())
        raise unknown_catalog_version(wanted, f"{known}, or a catalog folder")
    return load_catalog(Path(wanted))


def _read(folder: Path, above: tuple[Path, ...]) -> tuple[CatalogVersion, _Parts]:
    head = read_toml(folder / "version.toml")
    head.only("id", "document_number", "effective_from", "kind", "note", "amends", "sources")
    base = head.text("amends", "")
    parts, before = _Parts(), None
    if base:
        if folder in above:
            raise head.fault("amends", "the catalogs amend each other in a circle")
        before, parts = _read(folder.parent / base, (*above, folder))
    effective_from = midnight(head.day("effective_from"))
    if before is not None and effective_from <= before.effective_from:
        raise head.fault("effective_from", f"must lie after that of {before.id}, which it amends")
    parts.sources |= _sources(head)
    for name, read in _FILES.items():
        path = folder / name
        if path.exists() or (not base and name != "list_prices.csv"):
            read(path, parts)
    return _assembled(head, effective_from, parts), parts


def _sources(head: Record) -> dict[str, _Source]:
    found = {}
    for key, values in head.table("sources").items():
        if not isinstance(values, dict):
            raise head.fault(f"sources.{key}", "it must be a table with kind, title and year")
        record = Record(f"{head.place} (source {key})", values)
        record.only("kind", "title", "year")
        kind = record.choice("kind", FigureKind) if "kind" in values else None
        found[key] = _Source(kind, record.text("title"), record.text("year"))
    return found


def _read_standards(path: Path, parts: _Parts) -> None:
    found: dict[str, ServiceStandard] = {}
    document = read_toml(path)
    document.only("standards")
    for number, values in enumerate(document.tables("standards"), start=1):
        record = Record(f"{document.place} (standard {number}: {values.get('id')})", values)
        record.only(
            "id", "name_zh", "name_en", "availability", "response_minutes", "restore_minutes",
            "delivery_working_days", "credits", "source",
        )  # fmt: skip
        standard = _standard(record, parts)
        _place(record, "standard", standard.id, found, parts)
        found[standard.id] = standard
    parts.standards |= found


def _standard(record: Record, parts: _Parts) -> ServiceStandard:
    kind, title, year = _figures_from(record, parts)
    tiers: list[CreditTier] = []
    for values in record.tables("credits"):
        tier = Record(f"{record.place}, credit tier {len(tiers) + 1}", values)
        tier.only("below", "share")
        tiers.append(credit_tier(tier))
    with _located(record):
        return standard_of(record, tuple(tiers), kind, title, year)


def credit_tier(record: Record) -> CreditTier:
    return CreditTier(below=record.share("below"), share=record.share("share"))


def standard_of(
    record: Record, tiers: tuple[CreditTier, ...], kind: FigureKind, source: str, year: str
) -> ServiceStandard:
    """The standard a record describes; credit tiers and origin are found by the caller."""
    return ServiceStandard(
        id=record.text("id"),
        name_zh=record.text("name_zh"),
        name_en=record.text("name_en"),
        availability=record.share("availability"),
        response_minutes=record.whole("response_minutes"),
        restore_minutes=record.whole("restore_minutes"),
        delivery_working_days=record.whole("delivery_working_days"),
        credit_tiers=tiers,
        kind=kind,
        source=source,
        year=year,
    )


def _read_skus(path: Path, parts: _Parts) -> None:
    found: dict[str, Sku] = {}
    for record in read_csv(path, SKU_COLUMNS):
        sku = _sku(record, parts)
        _place(record, "Sku", sku.id, found, parts)
        found[sku.id] = sku
    parts.skus |= found


def _sku(record: Record, parts: _Parts) -> Sku:
    item = _cited(record, "item_source", parts) if record.text("item_source", "") else None
    with _located(record):
        return sku_of(record, f"{item.title} ({item.year})" if item else "")


def sku_of(record: Record, item_source: str) -> Sku:
    """The Sku or Flavor a record describes; who publishes the item is found by the caller."""
    family = record.text("family", "")
    made: Callable[..., Sku] = partial(Flavor, family=family) if family else Sku
    return made(
        id=record.text("id"),
        name_zh=record.text("name_zh"),
        name_en=record.text("name_en"),
        category=record.choice("category", Category),
        unit_zh=record.text("unit_zh"),
        unit_en=record.text("unit_en"),
        model=record.choice("model", PricingModel),
        standard_id=record.text("standard_id"),
        resources=_resources(record),
        meter=record.text("meter", "") or None,
        meter_units_per_unit=record.whole("meter_units_per_unit", 1),
        service_standard=record.text("service_standard", ""),
        xinchuang=record.flag("xinchuang"),
        stacks=record.words("stacks"),
        charged_when_stopped=record.flag("charged_when_stopped"),
        retired=record.flag("retired"),
        item_source=item_source,
    )


def _resources(record: Record) -> tuple[ResourceAmount, ...]:
    """`VCPU:2 MEMORY_MIB:4096` as amounts."""
    amounts = []
    for word in record.words("resources"):
        name, _, units = word.partition(":")
        if name not in list(ResourceClass):
            raise record.fault("resources", f"{name!r} is no resource class")
        if not units.isascii() or not units.isdigit():
            raise record.fault("resources", f"{word!r} is not written as {name}:8")
        amounts.append(ResourceAmount(ResourceClass(name), int(units)))
    return tuple(amounts)


def _read_list_prices(path: Path, parts: _Parts) -> None:
    found: dict[str, tuple[Figure, ...]] = {}
    for record in read_csv(path, LIST_PRICE_COLUMNS):
        sku_id = record.text("sku_id")
        if sku_id not in parts.skus:
            raise record.fault("sku_id", f"no Sku {sku_id} is defined")
        kind, title, year = _figures_from(record, parts)
        figure = Figure(
            value=record.money("value"),
            kind=kind,
            source=title,
            year=year,
            note=record.text("note", ""),
        )
        found[sku_id] = (*found.get(sku_id, ()), figure)
    parts.figures |= found


def _read_ceilings(path: Path, parts: _Parts) -> None:
    found: dict[str, Ceiling] = {}
    document = read_toml(path)
    document.only("ceilings")
    for number, values in enumerate(document.tables("ceilings"), start=1):
        group = Record(f"{document.place} (group {number})", values)
        group.only("source", "rule", "unit_price", "tiers")
        kind, title, year = _figures_from(group, parts)
        rule = group.text("rule")
        for record, tiers in _ceiling_tiers(group):
            sku_id = record.text("sku")
            _place(record, "ceiling of", sku_id, found, parts)
            with _located(record):
                found[sku_id] = Ceiling(
                    sku_id=sku_id,
                    tiers=tiers,
                    kind=kind,
                    source=title,
                    year=year,
                    note=rule,
                )
    parts.ceilings |= found


def _ceiling_tiers(group: Record) -> Iterator[tuple[Record, Tiers]]:
    for sku_id, price in group.table("unit_price").items():
        record = Record(f"{group.place}, {sku_id}", {"sku": sku_id, "unit_price": price})
        yield record, flat(record.money("unit_price"))
    for sku_id in group.table("tiers"):
        tiers: list[Tier] = []
        for values in Record(group.place, group.table("tiers")).tables(sku_id):
            tier = Record(f"{group.place}, {sku_id}, tier {len(tiers) + 1}", values)
            tier.only("from", "unit_price")
            tiers.append(Tier(tier.whole("from"), tier.money("unit_price")))
        yield Record(f"{group.place}, {sku_id}", {"sku": sku_id}), tuple(tiers)


def _assembled(head: Record, effective_from: datetime, parts: _Parts) -> CatalogVersion:
    skus = (replace(sku, sources=parts.figures.get(sku.id, ())) for sku in parts.skus.values())
    try:
        return CatalogVersion(
            id=head.text("id"),
            document_number=head.text("document_number"),
            effective_from=effective_from,
            kind=head.choice("kind", FigureKind),
            skus=tuple(skus),
            standards=tuple(parts.standards.values()),
            ceilings=tuple(parts.ceilings.values()),
            note=head.text("note", ""),
        )
    except Invalid as error:
        item = str(error.details.get("where", "")).partition(",")[0]
        raise bad_catalog(parts.places.get(item, head.place), error.message) from error


def _cited(record: Record, name: str, parts: _Parts) -> _Source:
    key = record.text(name)
    if key not in parts.sources:
        known = ", ".join(parts.sources) or "none"
        raise record.fault(name, f"no source {key!r} in version.toml; known are {known}")
    return parts.sources[key]


def _figures_from(record: Record, parts: _Parts) -> tuple[FigureKind, str, str]:
    """Kind, title and year of the source a figure cites."""
    source = _cited(record, "source", parts)
    if source.kind is None:
        raise record.fault("source", "it gives items and units only, no figures")
    return source.kind, source.title, source.year


def _place(record: Record, what: str, item_id: str, found: Container[str], parts: _Parts) -> None:
    """Remember where an item stands; refuse the second one in a file."""
    if item_id in found:
        first = parts.places[f"{what} {item_id}"]
        raise record.fault("id", f"{item_id} is already defined in {first}")
    parts.places[f"{what} {item_id}"] = record.place


@contextmanager
def _located(record: Record) -> Iterator[None]:
    """Put the file and item in front of what a value says about itself."""
    try:
        yield
    except CloudmgrError as error:
        if error.details.get("where", "").startswith(record.place):
            raise
        raise bad_catalog(record.place, error.message) from error


_FILES = {
    "standards.toml": _read_standards,
    "skus.csv": _read_skus,
    "list_prices.csv": _read_list_prices,
    "ceilings.toml": _read_ceilings,
}
