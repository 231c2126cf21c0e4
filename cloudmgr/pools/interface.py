"""The pool interface as JSON: reading strictly what a pool sends, writing what we send.

The values and their rules stand in `domain.pools_interface`; pydantic makes the schemas of them,
so that the published document, the client and the conformance suite hold pools to the same words.
"""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import ValidationError

from catalog.errors import CloudmgrError
from cloudmgr.pools.errors import broke_interface
from cloudmgr.services import codec

T = TypeVar("T")


def read(kind: type[T], body: bytes, where: str) -> T:
    """A value from a JSON body; raises `PoolBrokeInterface` with the field that does not fit.

    Strict: "8" is no number. Fields that version 1.0 does not know are passed over, so that a
    pool of a later minor version can be read.
    """
    try:
        value: T = codec.adapter(kind).validate_json(body, strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        field = ".".join(map(str, first["loc"])) or "body"
        raise broke_interface(where, f"{field}: {first['msg']}") from error
    except CloudmgrError as error:  # a rule of the value itself
        raise broke_interface(where, error.message) from error
    return value


def write(value: Any) -> Any:
    """A value as JSON-ready Python."""
    return codec.dump(value)
