"""Where the real traces lie: CLOUDMGR_SHARED_DATA, or shared/data beside the project.

They are never copied into the project, and a machine without them cannot fetch them.
"""

from __future__ import annotations

import os
from pathlib import Path

from tests.support.skips import SHARED_DATA, missing

PROJECT = Path(__file__).resolve().parents[2]


def shared_data() -> Path | None:
    """The folder of the real traces, or None when it is not on this machine."""
    named = os.environ.get("CLOUDMGR_SHARED_DATA")
    folder = Path(named) if named else PROJECT.parent / "shared" / "data"
    return folder if folder.is_dir() else None


def require_shared_data(*parts: str) -> Path:
    """A file or folder of the shared data; skips with one line where it is not."""
    folder = shared_data()
    wanted = folder.joinpath(*parts) if folder else None
    if wanted is not None and wanted.exists():
        return wanted
    return missing(
        SHARED_DATA,
        f"{'/'.join(parts) or 'the folder'} is not here; set CLOUDMGR_SHARED_DATA or put it in "
        "../shared/data",
    )
