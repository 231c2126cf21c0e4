"""Frozen values as JSON and back, by their annotations. Used by stores, API, audit and driver.

Money leaves as strings and comes back only from strings; dates as ISO 8601. pydantic does the
work, so that every edge refuses the same malformed input with the same words.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError

from catalog.errors import CloudmgrError, Invalid

T = TypeVar("T")


_adapters: dict[Any, TypeAdapter[Any]] = {}


def adapter(kind: Any) -> TypeAdapter[Any]:
    """The adapter of a type, made once."""
    found = _adapters.get(kind)
    if found is None:
        found = _adapters[kind] = TypeAdapter(kind)
    return found


def dump(value: Any, kind: Any | None = None) -> Any:
    """A value as JSON-ready Python: dicts, lists, strings, integers, booleans, None.

    Raises `float_money` or `bad_amount` for money that is not exact.
    """
    try:
        return adapter(kind or type(value)).dump_python(value, mode="json")
    except PydanticSerializationError as error:
        if isinstance(error.__cause__, CloudmgrError):
            raise error.__cause__ from None
        raise


def load(kind: type[T], data: Any) -> T:
    """A value from JSON-ready Python; raises `Invalid` naming the field that does not fit."""
    try:
        loaded: T = adapter(kind).validate_python(data)
    except ValidationError as error:
        raise invalid(error) from error
    return loaded


def invalid(error: ValidationError) -> CloudmgrError:
    """The first fault as our error; a money fault keeps its own code."""
    faults = error.errors(include_url=False, include_context=False, include_input=False)
    first = faults[0]
    where = ".".join(str(part) for part in first["loc"]) or "body"
    kept = first["type"] in ("float_money", "bad_amount")
    return Invalid(
        str(first["type"]) if kept else "malformed",
        f"{where}: {first['msg']}",
        faults=[
            {"where": ".".join(str(p) for p in fault["loc"]), "why": fault["msg"]}
            for fault in faults[:20]
        ],
    )


def canonical(data: Any) -> str:
    """One text per content: sorted keys, no spaces."""
    return json.dumps(data, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def digest(*values: Any) -> str:
    """SHA-256 over the canonical JSON of the values; the empty string for none."""
    if not values:
        return ""
    text = canonical([None if value is None else dump(value) for value in values])
    return hashlib.sha256(text.encode()).hexdigest()


def text(data: Any) -> str:
    """JSON text of JSON-ready data, in the order given."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))
