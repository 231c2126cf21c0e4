"""Exact ratios of scores, weights and coefficients: fractions that never came from a float.

Owns how they are read (`"0.95"`, `"19/20"`, an integer) and shown. Money is `catalog.money`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, Any

from catalog.errors import CloudmgrError, Invalid
from catalog.money import round_half_away

# People write few digits; a fraction that was computed from many counts needs many.
_WRITTEN = re.compile(r"-?([0-9]{1,18}(\.[0-9]{1,18})?|[0-9]{1,400}/[0-9]{1,400})")


def ratio(value: object) -> Fraction:
    """`value` as an exact fraction; raises `bad_ratio` for floats and for what is no ratio."""
    if isinstance(value, bool) or not isinstance(value, Fraction | int | str):
        raise _bad_ratio(value)
    if isinstance(value, str) and not _WRITTEN.fullmatch(value):
        raise _bad_ratio(value)
    try:
        return Fraction(value)
    except ZeroDivisionError as error:
        raise _bad_ratio(value) from error


def ratio_text(value: Fraction, places: int = 4) -> str:
    """A ratio for people, rounded to `places` decimals, without needless zeros."""
    whole, _, decimals = f"{round_half_away(value, places):f}".partition(".")
    kept = decimals.rstrip("0")
    return f"{whole}.{kept}" if kept else whole


def _bad_ratio(value: object) -> Invalid:
    return Invalid(
        "bad_ratio",
        f'{value!r} is not an exact ratio; write it as a string, such as "0.95" or "19/20"',
    )


@dataclass(frozen=True, slots=True)
class ExactRatio:
    """Field rule of `Ratio`: every edge refuses floats, JSON carries strings."""

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        from pydantic_core import PydanticCustomError, core_schema

        def validate(value: Any) -> Fraction:
            try:
                return ratio(value)
            except CloudmgrError as error:
                raise PydanticCustomError("bad_ratio", "{why}", {"why": error.message}) from error

        return core_schema.no_info_plain_validator_function(
            validate,
            serialization=core_schema.plain_serializer_function_ser_schema(
                str, return_schema=core_schema.str_schema(), when_used="json"
            ),
        )

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        return {"type": "string", "pattern": f"^{_WRITTEN.pattern}$", "examples": ["19/20"]}


Ratio = Annotated[Fraction, ExactRatio()]
