"""Compiled numeric kernels: one decorator, and where their machine code is kept.

Owns the choice of compiler (numba) and its cache. A kernel stays an ordinary Python function of
arrays and numbers; with NUMBA_DISABLE_JIT=1 the same lines run uncompiled.

numba keys its cache by the file of the outermost function only, and would serve machine code
with an old inner function or constant in it. Here the cache's folder is named after the text of
every module in the kernel's own folder and of those all kernels may import constants from; a
test holds kernels to that.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

import numba

F = TypeVar("F", bound=Callable[..., Any])
_HERE = Path(__file__).resolve().parent
SHARED = (_HERE / "kernels.py", _HERE / "traces" / "base.py")


def compiled(function: F) -> F:
    """Compile at the first call and keep the machine code; strict IEEE arithmetic.

    Division by zero gives infinity or NaN as in numpy. Reading an array out of a tuple costs an
    atomic reference count each time, so hot loops take their arrays into locals first.
    """
    folder = Path(function.__code__.co_filename).resolve().parent
    setattr(numba.config, "CACHE_DIR", str(_cache_folder(folder)))  # noqa: B010
    return cast(F, numba.njit(cache=True, fastmath=False, error_model="numpy")(function))


@cache
def _cache_folder(folder: Path) -> Path:
    """Beside the sources where that may be written, otherwise among temporary files."""
    digest = hashlib.sha256(f"{numba.__version__}\0{folder}".encode())
    for file in (*sorted(folder.glob("*.py")), *SHARED):
        digest.update(file.name.encode() + b"\0" + file.read_bytes())
    home = _HERE / "__pycache__"
    if not os.access(home if home.exists() else _HERE, os.W_OK):
        home = Path(tempfile.gettempdir()) / f"cloudmgr-kernels-{os.getuid()}"
    return home / f"kernels-{digest.hexdigest()[:16]}"
