"""Reads an assessment scheme from TOML, so that a city's rules are data and never code.

Figures stay exact: TOML's decimals are read as text. What makes a scheme sound is checked by the
domain; here a fault is given its file and table.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import fields
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from catalog.errors import CloudmgrError
from catalog.period import midnight
from cloudmgr.domain.assessment_scores import AssessmentScheme, DimensionWeight, Veto
from cloudmgr.domain.errors import bad_scheme
from cloudmgr.domain.indicators import SCORING_KINDS, IndicatorDefinition, Step, Steps
from cloudmgr.services import codec

T = TypeVar("T")
REFERENCE = Path(__file__).parent / "reference" / "scheme.toml"


@cache
def reference_scheme() -> AssessmentScheme:
    """The sample scheme that ships with the reference city (示例参数)."""
    return read_scheme(REFERENCE)


def read_scheme(path: Path) -> AssessmentScheme:
    """A scheme from its TOML file; raises `bad_scheme` naming file, table and field."""
    shown = f"{path.parent.name}/{path.name}"
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"), parse_float=str)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise bad_scheme(shown, f"cannot be read: {error}") from error
    _only(AssessmentScheme, document, shown)
    indicators = _tables(document, "indicators", shown)
    for number, table in enumerate(indicators, start=1):
        where = f"{shown}, indicator {table.get('id') or f'number {number}'}"
        _check_scoring(table, where)
        _load(IndicatorDefinition, table, where)
    vetoes = _tables(document, "vetoes", shown)
    for number, table in enumerate(vetoes, start=1):
        _load(Veto, table, f"{shown}, veto {number}")
    return _load(
        AssessmentScheme,
        {
            **document,
            "effective_from": _midnight(document.get("effective_from"), shown),
            "dimensions": _dimensions(document.get("dimensions"), shown),
            "indicators": indicators,
            "vetoes": vetoes,
        },
        shown,
    )


def _load(kind: type[T], table: Mapping[str, Any], where: str) -> T:
    """The value, every fault told with its place."""
    _only(kind, table, where)
    try:
        return codec.load(kind, table)
    except CloudmgrError as error:
        raise bad_scheme(where, error.message) from error


def _only(kind: type[Any], table: Mapping[str, Any], where: str) -> None:
    """Refuse fields the kind does not have: a misspelt one would silently count for nothing."""
    known = [field.name for field in fields(kind) if field.name != "version"]
    for name in table:
        if name not in known:
            raise bad_scheme(
                f"{where}, field {name}", f"is unknown; the fields are {', '.join(known)}"
            )


def _check_scoring(table: Mapping[str, Any], where: str) -> None:
    """Load the scoring by its own kind first, so that the fault is that kind's and no other's."""
    scoring = table.get("scoring")
    kind = scoring.get("kind") if isinstance(scoring, dict) else None
    if not isinstance(scoring, dict) or kind not in SCORING_KINDS:
        raise bad_scheme(
            f"{where}, field scoring", f"name its kind: one of {', '.join(SCORING_KINDS)}"
        )
    place = f"{where}, scoring {kind}"
    loaded = _load(SCORING_KINDS[kind], scoring, place)
    if isinstance(loaded, Steps):
        for step in scoring["steps"]:
            _only(Step, step, place)


def _dimensions(table: object, shown: str) -> list[dict[str, Any]]:
    """`dimension = weight` as the scheme keeps it."""
    where = f"{shown}, dimensions"
    if not isinstance(table, dict):
        raise bad_scheme(where, "give every dimension's weight in the table [dimensions]")
    found = [{"dimension": name, "weight": weight} for name, weight in table.items()]
    for each in found:
        _load(DimensionWeight, each, f"{where}, {each['dimension']}")
    return found


def _tables(document: Mapping[str, Any], name: str, shown: str) -> list[dict[str, Any]]:
    found = document.get(name, [])
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise bad_scheme(f"{shown}, {name}", f"write each one as a table [[{name}]]")
    return found


def _midnight(day: object, shown: str) -> datetime:
    if isinstance(day, datetime) or not isinstance(day, date):
        raise bad_scheme(
            f"{shown}, field effective_from", f"{day!r} is not a date; write 2026-01-01 unquoted"
        )
    return midnight(day)
