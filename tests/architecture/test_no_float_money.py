"""No floats in the catalog and the domain, and one place that rounds.

SQLite keeps decimals as floats, and `round()` goes to the even neighbour: both lose fen silently.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.architecture.sources import dotted, imported_names, modules

EXACT = ("catalog", "cloudmgr/domain")
ROUNDS = "catalog/money.py"
JOINS_PATHS = "catalog/load.py"
RATIONAL = ("Fraction", "Decimal", "Ratio", "Yuan", "UnitPrice")
# The functions of `math` that stay among integers and rationals.
WHOLE_MATH = {"math.floor", "math.ceil", "math.gcd", "math.lcm", "math.isqrt", "math.prod"}


def offences(tree: ast.Module, *, path: str = "") -> list[str]:
    """Every `line: why` where a float could come to be, or something is rounded."""
    names = imported_names(tree)
    refusals = set(_refusals(tree))
    checks = set(_checks(tree))
    rationals = _rationals(tree)
    found = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.expr | ast.AugAssign):
            continue
        why = ""
        if isinstance(node, ast.Constant) and isinstance(node.value, float):
            why = f"float literal {node.value}; write Decimal or Fraction of a string"
        elif isinstance(node, ast.Name) and node.id == "float" and id(node) not in refusals:
            why = "float"
        elif isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Div):
            exact = path == JOINS_PATHS or _exact_division(node, rationals)
            why = "" if exact else "an inexact /; write Fraction(a, b)"
        elif isinstance(node, ast.Attribute) and _float_math(dotted(node, names)):
            why = f"{dotted(node, names)} returns a float"
        elif path != ROUNDS and _rounding(node) and id(node) not in checks:
            why = "rounding; money.round_half_away is the only one"
        if why:
            found.append(f"{node.lineno}: {why}")
    return found


def _refusals(tree: ast.Module) -> Iterator[int]:
    """Names inside the second argument of isinstance: how floats are turned away."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "isinstance":
            yield from (id(name) for name in ast.walk(node.args[1]))


def _checks(tree: ast.Module) -> Iterator[int]:
    """Calls that are compared at once: they ask whether something is round, and round nothing."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            yield from (id(side) for side in (node.left, *node.comparators))


def _exact_division(node: ast.BinOp | ast.AugAssign, rationals: set[str]) -> bool:
    """Whether `/` visibly divides rationals or joins a path; two integers would make a float."""
    sides = (node.left, node.right) if isinstance(node, ast.BinOp) else (node.target, node.value)
    return any(
        ast.unparse(part) in RATIONAL
        or (isinstance(part, ast.Name) and part.id in rationals)
        or (isinstance(part, ast.Attribute) and part.attr in rationals)
        or (isinstance(part, ast.Constant) and isinstance(part.value, str))
        for side in sides
        for part in ast.walk(side)
    )


def _rationals(tree: ast.Module) -> set[str]:
    """Names of arguments, fields and variables that visibly hold a rational or a Decimal."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.arg) and node.annotation and _mentions_rational(node.annotation):
            found.add(node.arg)
        elif isinstance(node, ast.AnnAssign) and _mentions_rational(node.annotation):
            found.add(ast.unparse(node.target))
        elif isinstance(node, ast.Assign) and _mentions_rational(node.value):
            names = (part for target in node.targets for part in ast.walk(target))
            found |= {name.id for name in names if isinstance(name, ast.Name)}
    return found


def _mentions_rational(node: ast.expr) -> bool:
    return any(isinstance(part, ast.Name) and part.id in RATIONAL for part in ast.walk(node))


def _float_math(name: str) -> bool:
    return name.startswith(("math.", "statistics.")) and name not in WHOLE_MATH


def _rounding(node: ast.expr | ast.AugAssign) -> bool:
    if not isinstance(node, ast.Call):
        return False
    if isinstance(node.func, ast.Name):
        return node.func.id == "round"
    return isinstance(node.func, ast.Attribute) and node.func.attr in {"quantize", "__round__"}


def test_the_catalog_and_the_domain_have_no_floats_and_round_in_one_place() -> None:
    found = {
        module.path: lines
        for module in modules(*EXACT)
        if (lines := offences(module.tree, path=module.path))
    }
    assert not found, found


@pytest.mark.parametrize(
    "source",
    [
        "share = 0.5",
        "def rate(share: float) -> None: ...",
        "share = float(text)",
        "share = used / total",
        "used /= total",
        "def share(used: int, total: int) -> Fraction: return used / total",
        "import math\nmath.sqrt(2)",
        "import statistics\nstatistics.mean(values)",
        "amount = round(value, 2)",
        "amount = value.quantize(FEN)",
    ],
)
def test_each_way_to_lose_exactness_is_seen(source: str) -> None:
    assert offences(ast.parse(source))


@pytest.mark.parametrize(
    "source",
    [
        "if score != score.quantize(FEN): raise bad_value('score')",
        "above, width = Fraction(score), Fraction(top)\nshare = above / width",
        "if isinstance(value, float): raise float_money(value)",
        "share = Fraction(used) / total",
        "def half(share: Fraction) -> Fraction: return share / 2",
        "class Linear:\n    floor: Ratio\ndef at(line, units): return units / line.floor",
        "file = folder / 'prices.csv'",
        "whole = used // total",
        "import math\nmath.ceil(share)",
    ],
)
def test_what_stays_exact_is_fine(source: str) -> None:
    assert not offences(ast.parse(source))
