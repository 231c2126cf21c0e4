"""Kernels depend on nothing their cache does not look at."""

from __future__ import annotations

import ast

from simulator.kernels import SHARED
from tests.architecture.sources import ROOT, modules

OUTSIDE = ("numpy", "math", "typing", "collections", "dataclasses", "__future__", "catalog")


def test_a_module_with_kernels_imports_only_what_the_cache_is_keyed_by() -> None:
    shared = {file.relative_to(ROOT).as_posix() for file in SHARED}
    found = []
    for module in modules("simulator"):
        imports = [node for node in ast.walk(module.tree) if isinstance(node, ast.ImportFrom)]
        names = {alias.name for node in imports for alias in node.names}
        if "compiled" not in names:
            continue
        own = module.path.rpartition("/")[0]
        for node in imports:
            source = str(node.module)
            path = source.replace(".", "/") + ".py"
            near = path.rpartition("/")[0] == own
            if not near and path not in shared and not source.startswith(OUTSIDE):
                found.append(f"{module.path}: {source}")
    assert not found, f"add these to simulator.kernels.SHARED or import less: {found}"
