"""docs/glossary.md tells the truth: names stand where it says, and its unused words are unused."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from tests.architecture.sources import PACKAGES, ROOT, modules

GLOSSARY = ROOT / "docs" / "glossary.md"
NOT_YET = "not yet"
UNUSED = "## Words we do not use"
CODE = re.compile(r"`([^`]+)`")


@dataclass(frozen=True, slots=True)
class Word:
    """A row of the glossary: names, and the files that define them; none when not yet."""

    names: tuple[str, ...]
    files: tuple[str, ...]


def _rows(text: str) -> Iterator[list[str]]:
    """The cells of every table row but heads and rules."""
    lines = text.splitlines()
    for line, below in zip(lines, [*lines[1:], ""], strict=True):
        if line.startswith("|") and not line.startswith("|--") and not below.startswith("|--"):
            yield [cell.strip() for cell in line.strip("|").split("|")]


def words(text: str) -> list[Word]:
    """The glossary's names; raises ValueError where the last cell is neither files nor not yet."""
    found = []
    for _, names, _, where in _rows(text.partition(UNUSED)[0]):
        files = tuple(CODE.findall(where))
        if not files and where != NOT_YET:
            raise ValueError(f"{names}: say in which file it stands, or {NOT_YET!r}")
        found.append(Word(tuple(CODE.findall(names)), files))
    return found


def unused(text: str) -> set[str]:
    """The words of the last table."""
    return {word for row in _rows(text.partition(UNUSED)[2]) for word in CODE.findall(row[0])}


def defined(tree: ast.Module) -> Iterator[str]:
    """Names of classes, functions, fields, members and variables that a module defines."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.arg):
            yield node.arg


def banned(name: str, words: set[str]) -> bool:
    """Whether a defined name is a CamelCase word, or has a lower-case word in it."""
    parts = f"_{name.lower()}_"
    return name in words or any(f"_{word}_" in parts for word in words if word.islower())


def test_every_name_stands_in_the_file_the_glossary_gives() -> None:
    known = {module.path: set(defined(module.tree)) for module in modules(*PACKAGES)}
    lost = [
        f"{name} in {' or '.join(word.files)}"
        for word in words(GLOSSARY.read_text(encoding="utf-8"))
        for name in word.names
        if word.files and not any(name in known.get(file, ()) for file in word.files)
    ]
    assert not lost, f"mend docs/glossary.md or the code: {lost}"


def test_every_file_the_glossary_gives_exists() -> None:
    files = {file for word in words(GLOSSARY.read_text(encoding="utf-8")) for file in word.files}
    assert not {file for file in files if not (ROOT / file).is_file()}


def test_nothing_is_called_not_yet_that_is_there() -> None:
    planned = {
        name
        for word in words(GLOSSARY.read_text(encoding="utf-8"))
        for name in word.names
        if not word.files
    }
    there = {
        f"{node.name} in {module.path}"
        for module in modules("catalog", "cloudmgr")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ClassDef) and node.name in planned
    }
    assert not there, f"give their file in docs/glossary.md: {there}"


def test_words_the_glossary_rules_out_name_nothing() -> None:
    ruled_out = unused(GLOSSARY.read_text(encoding="utf-8"))
    assert {"Request", "tenant"} <= ruled_out
    found = {
        f"{name} in {module.path}"
        for module in modules(*PACKAGES)
        for name in defined(module.tree)
        if banned(name, ruled_out)
    }
    assert not found, f"docs/glossary.md says what to call them: {found}"


def test_a_ruled_out_word_is_seen_inside_a_name_but_not_inside_a_word() -> None:
    ruled_out = {"Request", "tenant", "client_id"}
    assert banned("Request", ruled_out)
    assert banned("tenant_id", ruled_out)
    assert banned("default_client_id", ruled_out)
    assert not banned("ResourceRequest", ruled_out)
    assert not banned("lieutenant", ruled_out)
