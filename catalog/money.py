"""Exact yuan. Owns the only rounding of the product; knows nothing of what is priced.

Amounts have 2 decimals (fen), unit prices 6. Both are `Decimal` made from strings or integers;
a float raises. `Yuan` and `UnitPrice` annotate fields, so that every edge (JSON, TOML, database)
applies the same rule by reading the annotation.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Any

from catalog.errors import bad_amount, bad_quantity, float_money

FEN = Decimal("0.01")
ZERO = Decimal("0.00")
AMOUNT_PLACES = 2
PRICE_PLACES = 6
_LARGEST = Decimal(10) ** 13
# Decimal itself would also read "1_000", " 5 ", "1e3" and the digits of every script.
_WRITTEN = re.compile(r"-?[0-9]+(\.[0-9]+)?")


@dataclass(frozen=True, slots=True)
class Exact:
    """Field rule: a Decimal with at most `places` decimals, never from a float."""

    places: int

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        """JSON carries money as strings; the schema says so and refuses everything else."""
        from pydantic_core import PydanticCustomError, core_schema

        from catalog.errors import CloudmgrError

        def validate(value: Any) -> Decimal:
            try:
                return exact(value, self.places)
            except CloudmgrError as error:
                raise PydanticCustomError(error.code, "{why}", {"why": error.message}) from error

        return core_schema.no_info_plain_validator_function(
            validate,
            serialization=core_schema.plain_serializer_function_ser_schema(
                lambda value: f"{exact(value, self.places):f}",
                return_schema=core_schema.str_schema(),
                when_used="json",
            ),
        )

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        return {
            "type": "string",
            "pattern": rf"^-?\d{{1,13}}(\.\d{{1,{self.places}}})?$",
            "examples": ["128.000000" if self.places == PRICE_PLACES else "1280.00"],
        }


Yuan = Annotated[Decimal, Exact(AMOUNT_PLACES)]
UnitPrice = Annotated[Decimal, Exact(PRICE_PLACES)]


def exact(value: object, places: int) -> Decimal:
    """Return `value` as a Decimal with exactly `places` decimals.

    Accepts strings, integers and Decimals. Raises `float_money` for floats and `bad_amount`
    for anything that would have to be rounded, is not finite or is 10^13 yuan and more.
    """
    if isinstance(value, float):
        raise float_money(value)
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise bad_amount(value, 'write it as a string of digits, such as "12.30"')
    if isinstance(value, str) and not _WRITTEN.fullmatch(value):
        raise bad_amount(value, 'write digits with at most one point, such as "12.30"')
    number = Decimal(value)
    if not number.is_finite():
        raise bad_amount(value, "it must be finite")
    if abs(number) >= _LARGEST:
        raise bad_amount(value, "it must be below 10 000 000 000 000 yuan")
    quantised = number.quantize(Decimal(1).scaleb(-places))
    if quantised != number:
        raise bad_amount(value, f"it has more than {places} decimals")
    return quantised if quantised else abs(quantised)


def amount(value: object) -> Decimal:
    """An amount in yuan with 2 decimals; see `exact` for errors."""
    return exact(value, AMOUNT_PLACES)


def unit_price(value: object) -> Decimal:
    """A unit price in yuan with 6 decimals; see `exact` for errors."""
    return exact(value, PRICE_PLACES)


def round_half_away(value: Fraction, places: int = AMOUNT_PLACES) -> Decimal:
    """Round an exact rational to `places` decimals, half away from zero.

    Symmetric on purpose: the rounding of a reversal is the exact negative (DOMAIN.md 8).
    """
    scale = 10**places
    doubled = abs(value) * scale * 2
    whole = (doubled.numerator + doubled.denominator) // (2 * doubled.denominator)
    return Decimal(whole if value >= 0 else -whole).scaleb(-places) if whole else _zero(places)


def _zero(places: int) -> Decimal:
    return Decimal(0).scaleb(-places)


def price_of(quantity: Fraction | int, fraction: Fraction, price: Decimal) -> Decimal:
    """quantity x time fraction x unit price, rounded once to the fen: the product's only price.

    A float among them raises: Fraction would take its binary noise for exact.
    """
    if isinstance(price, float):
        raise float_money(price)
    if isinstance(quantity, float) or isinstance(fraction, float):
        raise bad_quantity((quantity, fraction), "billed quantities are integers or fractions")
    return round_half_away(Fraction(quantity) * fraction * Fraction(price))


def total(amounts: Iterable[Decimal]) -> Decimal:
    """Add amounts that are already rounded to the fen."""
    return sum(amounts, ZERO)


def to_fen(value: Decimal) -> int:
    """An amount as integer fen; raises `bad_amount` when it has fractions of a fen."""
    return int(amount(value).scaleb(AMOUNT_PLACES))


def from_fen(fen: int) -> Decimal:
    """Integer fen as an amount in yuan; raises `float_money` for a float."""
    if isinstance(fen, float):
        raise float_money(fen)
    return Decimal(fen).scaleb(-AMOUNT_PLACES).quantize(FEN)
