"""The month that `make run` shows: played once into a folder, from then on served and read back.

Owns the folder's note (`month.json`), which tells a month played to its end from one that was
interrupted; only what the note claims is ever removed.
"""

from __future__ import annotations

import fcntl
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from catalog.errors import Conflict

DATABASE = "cloudmgr.db"
NOTE = "month.json"
LOCK = "month.lock"
KEPT = ("seed", "traces", "commands", "wall_s")
"""What the node cannot tell about a play; everything else is read back from it."""


@contextmanager
def held(data: Path) -> Iterator[None]:
    """The folder for us alone; raises `data_in_use` while another month is shown from it."""
    data.mkdir(parents=True, exist_ok=True)
    with (data / LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise Conflict(
                "data_in_use",
                f"another `simulator month` plays or serves {data}; stop it, or give another "
                "folder with --data",
            ) from error
        yield


def told_before(data: Path, asked: dict[str, Any]) -> dict[str, Any] | None:
    """What a finished play of the folder came to; None where there is none, or half of one.

    Raises `data_exists` for a node we did not make and for a month of another seed or trace.
    """
    if not (data / DATABASE).exists():
        return None
    note = _note(data)
    if note is None:
        raise Conflict(
            "data_exists",
            f"{data} holds a node that was not made here; serve it with `cloudmgr serve --data "
            f"{data}`, or give another folder with --data",
        )
    if note["told"] is None:
        return None
    if note["asked"] != asked:
        raise Conflict(
            "data_exists",
            f"{data} holds the month of {_text(note['asked'])}; remove the folder to play "
            f"{_text(asked)}, or give another with --data",
        )
    kept: dict[str, Any] = {name: note["told"][name] for name in KEPT}
    return kept


def begin(data: Path, asked: dict[str, Any]) -> bool:
    """Make the folder ready for a play; True when half a play had to be cleared away."""
    interrupted = (data / DATABASE).exists()
    for file in data.glob(f"{DATABASE}*"):
        file.unlink()
    shutil.rmtree(data / "lake", ignore_errors=True)
    _write(data, asked, None)
    return interrupted


def finish(data: Path, asked: dict[str, Any], told: dict[str, Any]) -> None:
    """Note that the play came to its end."""
    _write(data, asked, told)


def _note(data: Path) -> dict[str, Any] | None:
    try:
        note: dict[str, Any] = json.loads((data / NOTE).read_text())
    except FileNotFoundError:
        return None
    return note


def _write(data: Path, asked: dict[str, Any], told: dict[str, Any] | None) -> None:
    text = json.dumps({"asked": asked, "told": told}, ensure_ascii=False, indent=1)
    unfinished = data / f"{NOTE}.new"
    unfinished.write_text(text + "\n")
    unfinished.replace(data / NOTE)


def _text(asked: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in asked.items() if value is not None)
