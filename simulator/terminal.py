"""How commands speak: one JSON object on stdout, everything else on stderr, refusals as code
and sentence with exit status 1. Owns that convention; what is said belongs to the commands."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from catalog.errors import CloudmgrError


def say(result: Mapping[str, Any], *, as_json: bool) -> None:
    """Print a result: one JSON object, or a line per value."""
    if as_json:
        sys.stdout.write(json.dumps(result, ensure_ascii=False) + "\n")
        return
    width = max(len(key) for key in result)
    for key, value in result.items():
        sys.stdout.write(f"{key:<{width}}  {value}\n")


@contextmanager
def refusals(*, as_json: bool) -> Iterator[None]:
    """Turn a refusal into exit status 1, its code and its sentence."""
    try:
        yield
    except CloudmgrError as error:
        if as_json:
            refusal = {"code": error.code, "message": error.message}
            sys.stdout.write(json.dumps(refusal, ensure_ascii=False) + "\n")
        else:
            sys.stderr.write(f"{error.code}: {error.message}\n")
        raise SystemExit(1) from error
