"""Every skipped test says which part of the machine is missing, through one function."""

from __future__ import annotations

import ast

import pytest

from tests.architecture.sources import dotted, imported_names, modules

THE_ONE_PLACE = "tests/support/skips.py"
SKIPS = (
    "pytest.skip",
    "pytest.importorskip",
    "pytest.mark.skip",
    "pytest.mark.skipif",
    "pytest.mark.xfail",
    "pytest.xfail",
    "unittest.skip",
)


def offences(tree: ast.Module) -> list[str]:
    """Every `line: name` that skips on its own, or expects a failure."""
    names = imported_names(tree)
    called = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    return [
        f"{node.lineno}: {name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute | ast.Name) and id(node) not in called
        if (name := dotted(node, names)) in SKIPS
    ]


def test_tests_skip_only_through_the_one_function_that_says_what_is_missing() -> None:
    found = {
        module.path: lines
        for module in modules("tests")
        if module.path != THE_ONE_PLACE and (lines := offences(module.tree))
    }
    assert not found, f"call tests.support.skips.missing instead: {found}"


@pytest.mark.parametrize(
    "source",
    [
        "import pytest\npytest.skip('later')",
        "from pytest import skip\nskip('later')",
        "import pytest\n@pytest.mark.skipif(True, reason='')\ndef test_it(): ...",
        "import pytest\nnp = pytest.importorskip('numpy')",
        "import pytest\n@pytest.mark.xfail\ndef test_it(): ...",
    ],
)
def test_each_way_to_skip_is_seen(source: str) -> None:
    assert offences(ast.parse(source))
