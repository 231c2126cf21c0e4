"""`catalog validate | diff | show`: reads catalogs and prints them; changes nothing.

Owns the printing. `--json` prints one JSON object on stdout; a bad catalog gives its sentence on
stderr and exit code 1. Mounted by the node's command line.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from catalog.errors import CloudmgrError
from catalog.load import CURRENT, find_version, load_catalog, shipped_versions
from catalog.period import local_day
from catalog.skus import SAMPLE_MARK, FigureKind, Sku
from catalog.tiers import Ceiling, price_text, tiers_text
from catalog.versions import CatalogVersion, diff, text

app = typer.Typer(
    name="catalog", help="Validate, compare and show catalogs of services.", no_args_is_help=True
)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]
_PLAIN_WIDTH = 240


@app.command()
def validate(
    path: Annotated[
        Path | None, typer.Argument(help="A catalog folder; all shipped versions without it.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Read catalogs and say whether they are sound."""
    with _refusals(as_json):
        versions = shipped_versions() if path is None else (load_catalog(path),)
        facts = [_summary(version) for version in versions]
    if as_json:
        _print_json({"ok": True, "versions": facts})
        return
    columns = ("version", "in force from", "document", "Skus", "metered", "one-off", "retired")
    table = Table(*columns, "no ceiling", "list prices", "sample ceilings")
    for fact in facts:
        table.add_row(
            fact["id"],
            fact["effective_from"],
            _marked(fact["document_number"], fact["sample"]),
            *(str(fact[name]) for name in _COUNTS),
        )
    _print(table)


@app.command("diff")
def diff_command(
    a: Annotated[str, typer.Argument(help="Version id or catalog folder: before.")],
    b: Annotated[str, typer.Argument(help="Version id or catalog folder: after.")],
    as_json: Json = False,
) -> None:
    """Show what changes from one catalog to another."""
    with _refusals(as_json):
        before, after = find_version(a), find_version(b)
    changes = diff(before, after)
    if as_json:
        rows = [
            {name: getattr(change, name) for name in change.__dataclass_fields__}
            for change in changes
        ]
        _print_json({"from": before.id, "to": after.id, "changes": rows})
        return
    table = Table("change", "item", "name", "field", "from", "to", "mark")
    for change in changes:
        mark = SAMPLE_MARK if change.sample else ""
        name = f"{change.name_zh} {change.name_en}"
        table.add_row(
            change.kind.value, change.id, name, change.field, change.before, change.after, mark
        )
    _print(table)


@app.command()
def show(
    sku: Annotated[str | None, typer.Argument(help="A Sku id; all Skus without it.")] = None,
    version: Annotated[str, typer.Option(help="Version id or catalog folder.")] = CURRENT,
    as_json: Json = False,
) -> None:
    """Show the Skus of a catalog, or all about one."""
    with _refusals(as_json):
        found = find_version(version)
        chosen = found.sku(sku) if sku else None
    if as_json:
        facts: dict[str, Any] = {"version": _summary(found)}
        if chosen:
            _print_json(facts | {"sku": _facts(found, chosen)})
        else:
            _print_json(facts | {"skus": [_facts(found, each) for each in found.skus]})
    elif chosen:
        _print(_card(found, chosen))
    else:
        _print(_overview(found))


_COUNTS = ("skus", "metered", "one_off", "retired", "no_ceiling", "list_prices", "sample_ceilings")


def _summary(version: CatalogVersion) -> dict[str, Any]:
    models = Counter(sku.model.value for sku in version.skus)
    return {
        "id": version.id,
        "document_number": version.document_number,
        "effective_from": local_day(version.effective_from).isoformat(),
        "sample": version.kind is FigureKind.SAMPLE,
        "note": version.note,
        "skus": len(version.skus),
        "by_category": dict(Counter(sku.category.value for sku in version.skus)),
        "recurring": models["recurring"],
        "metered": models["metered"],
        "one_off": models["one_off"],
        "retired": sum(sku.retired for sku in version.skus),
        "no_ceiling": sum(version.ceiling_of(sku.id) is None for sku in version.skus),
        "list_prices": sum(len(sku.sources) for sku in version.skus),
        "sample_ceilings": sum(each.kind is FigureKind.SAMPLE for each in version.ceilings),
    }


def _facts(version: CatalogVersion, sku: Sku) -> dict[str, Any]:
    """A Sku, its ceiling and its standard as JSON; money as strings."""
    facts: dict[str, Any] = {
        "id": sku.id,
        "name_zh": sku.name_zh,
        "name_en": sku.name_en,
        "category": sku.category.value,
        "unit_zh": sku.unit_zh,
        "unit_en": sku.unit_en,
        "model": sku.model.value,
        "resources": {each.resource_class.value: each.units for each in sku.resources},
        "meter": sku.meter,
        "meter_units_per_unit": sku.meter_units_per_unit,
        "service_standard": sku.service_standard,
        "xinchuang": sku.xinchuang,
        "stacks": list(sku.stacks),
        "charged_when_stopped": sku.charged_when_stopped,
        "retired": sku.retired,
        "item_source": sku.item_source,
    }
    facts["list_prices"] = [
        {"value": price_text(each.value), **_origin(each.kind, each.source, each.year, each.note)}
        for each in sku.sources
    ]
    ceiling, standard = version.ceiling_of(sku.id), version.standard_of(sku.id)
    facts["ceiling"] = ceiling and {
        "tiers": [
            {"from": tier.from_quantity, "unit_price": price_text(tier.unit_price)}
            for tier in ceiling.tiers
        ],
        **_origin(ceiling.kind, ceiling.source, ceiling.year, ceiling.note),
    }
    facts["standard"] = {
        "id": standard.id,
        "availability": text(standard.availability),
        "response_minutes": standard.response_minutes,
        "restore_minutes": standard.restore_minutes,
        "delivery_working_days": standard.delivery_working_days,
        "credits": [
            {"below": text(each.below), "share": text(each.share)} for each in standard.credit_tiers
        ],
        **_origin(standard.kind, standard.source, standard.year, ""),
    }
    return facts


def _origin(kind: FigureKind, source: str, year: str, note: str) -> dict[str, Any]:
    return {
        "kind": kind.value,
        "sample": kind is FigureKind.SAMPLE,
        "source": source,
        "year": year,
        "note": note,
    }


def _overview(version: CatalogVersion) -> Table:
    day = local_day(version.effective_from)
    title = f"{version.id} · {_marked(version.document_number, _sample(version))} · from {day}"
    table = Table("Sku", "名称", "name", "unit", "model", "ceiling 上限价格", title=title)
    table.add_column("list price")
    for sku in version.skus:
        listed = price_text(sku.sources[0].value) if sku.sources else ""
        name = f"{sku.name_zh} (retired)" if sku.retired else sku.name_zh
        table.add_row(
            sku.id, name, sku.name_en, sku.unit_zh, sku.model.value,
            _ceiling_text(version.ceiling_of(sku.id)), listed,
        )  # fmt: skip
    return table


def _card(version: CatalogVersion, sku: Sku) -> Table:
    """Everything about one Sku, a row per fact, every figure with its origin."""
    standard = version.standard_of(sku.id)
    table = Table("field", "value", title=f"{sku.name_zh} {sku.name_en} · {version.id}")
    for name in ("id", "category", "model", "unit_zh", "resources", "stacks", "xinchuang", "meter"):
        table.add_row(name, text(getattr(sku, name)))
    table.add_row("meter units per unit", str(sku.meter_units_per_unit))
    table.add_row("charged when stopped", _marked(text(sku.charged_when_stopped), True))
    table.add_row("retired", text(sku.retired))
    table.add_row("service", text(sku.service_standard))
    table.add_row("item source", text(sku.item_source))
    ceiling = version.ceiling_of(sku.id)
    table.add_row("ceiling 上限价格", _ceiling_text(ceiling))
    if ceiling:
        table.add_row("ceiling source", f"{ceiling.source}, {ceiling.year}: {ceiling.note}")
    for figure in sku.sources:
        table.add_row(f"{figure.kind.value} price", f"{text(figure)} {figure.note}")
    promise = (
        f"availability {text(standard.availability)}, response {standard.response_minutes} min, "
        f"restored in {standard.restore_minutes} min, delivered in "
        f"{standard.delivery_working_days} working days; credits: {text(standard.credit_tiers)}"
    )
    marked = _marked(promise, standard.kind is FigureKind.SAMPLE)
    table.add_row(f"standard {standard.id}", marked)
    return table


def _ceiling_text(ceiling: Ceiling | None) -> str:
    if ceiling is None:
        return "-"
    return _marked(tiers_text(ceiling.tiers), ceiling.kind is FigureKind.SAMPLE)


def _sample(version: CatalogVersion) -> bool:
    return version.kind is FigureKind.SAMPLE


def _marked(shown: str, sample: bool) -> str:
    return f"{shown} {SAMPLE_MARK}" if sample else shown


@contextmanager
def _refusals(as_json: bool) -> Iterator[None]:
    """A refusal as its sentence on stderr, as JSON on stdout when asked, and exit code 1."""
    try:
        yield
    except CloudmgrError as error:
        if as_json:
            _print_json({"ok": False, "code": error.code, "message": error.message})
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error


def _print_json(value: dict[str, Any]) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2))


def _print(table: Table) -> None:
    """Into a terminal at its width, into a pipe wide enough to lose nothing."""
    width = None if sys.stdout.isatty() else _PLAIN_WIDTH
    Console(width=width, markup=False).print(table)
