"""Where the real traces are. They are never copied into the project."""

from __future__ import annotations

import os
from pathlib import Path

from tests.support.skips import SHARED_DATA, missing

VARIABLE = "CLOUDMGR_SHARED_DATA"
ROOT = Path(__file__).resolve().parents[2]


def folder() -> Path:
    """The folder named by CLOUDMGR_SHARED_DATA, else ../shared/data beside the project."""
    named = os.environ.get(VARIABLE)
    found = Path(named) if named else ROOT.parent / "shared" / "data"
    if not found.is_dir():
        missing(SHARED_DATA, f"{VARIABLE} is not set and there is no ../shared/data")
    return found
