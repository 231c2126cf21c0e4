"""The pages for people say what is true: their commands exist and take what they are given, and
every code that a table explains can be answered.

Somebody who copies a command from a page and is told that there is no such thing trusts no page.
"""

from __future__ import annotations

import ast
import json
import re
import shlex
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
import typer.main

from cloudmgr.cli import app
from tests.architecture.sources import ROOT, modules
from tests.support.api import application

PAGES = [*sorted((ROOT / "docs").rglob("*.md")), ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
PEOPLE = [page for page in PAGES if page.parent.name in ("en", "zh") or "operators" in page.name]
CODE_HEADS = ("code", "refusal", "代码", "拒绝代码")


@cache
def described() -> dict[str, tuple[set[str], dict[str, Any]]]:
    """By operation id: the names of its parameters, and the schema of its JSON body."""
    document = application().openapi()
    schemas = document["components"]["schemas"]
    found = {}
    for methods in document["paths"].values():
        for operation in methods.values():
            names = {each["name"] for each in operation.get("parameters", ())}
            body: dict[str, Any] = {}
            for media, content in operation.get("requestBody", {}).get("content", {}).items():
                schema = content.get("schema", {})
                schema = next((each for each in schema.get("anyOf", ()) if "$ref" in each), schema)
                schema = schemas.get(schema.get("$ref", "").rpartition("/")[2], schema)
                if media == "application/json":
                    body = schema
                else:
                    names |= set(schema.get("properties", ()))
            found[operation["operationId"]] = (names, body)
    return found


def commands() -> Iterator[tuple[str, list[str]]]:
    """(page, words) of every `cloudmgr …` in a block of shell or between backticks."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL):
            yield from ((page.name, each) for each in _lines(block))
        for inline in re.findall(r"`(cloudmgr [^`\n]+)`", text):
            yield page.name, shlex.split(inline)


def _lines(block: str) -> Iterator[list[str]]:
    """The commands of a block; one goes on over lines while a quotation is open."""
    held = ""
    for line in block.splitlines():
        held = f"{held} {line}" if held else line
        held = re.sub(r"(^|\s)#\s.*$", "", held)
        if held.count("'") % 2:
            continue
        words, held = shlex.split(held, comments=True), ""
        if words and words[0].removeprefix(".venv/bin/") == "cloudmgr":
            yield words


CALLS = [(page, words) for page, words in commands() if words[1:2] == ["call"] and len(words) > 2]
OTHERS = [(page, words) for page, words in commands() if words[1:2] != ["call"]]


def given(words: list[str], option: str) -> list[str]:
    return [words[at + 1] for at, word in enumerate(words[:-1]) if word == option]


@pytest.mark.parametrize(("page", "words"), CALLS, ids=lambda each: str(each)[:60])
def test_a_call_on_a_page_is_one_that_the_node_takes(page: str, words: list[str]) -> None:
    operation = words[2]
    if operation == "OPERATION":
        return
    assert operation in described(), f"{page}: the node has no operation {operation!r}"
    names, body = described()[operation]
    assert {each.partition("=")[0] for each in given(words, "--param")} <= names
    for text in given(words, "--json"):
        told = json.loads(text.replace("[…]", "[]"))
        assert set(told) <= set(body["properties"]), f"{page}: {operation}"
        assert set(body.get("required", ())) <= set(told), f"{page}: {operation}"


@pytest.mark.parametrize(("page", "words"), OTHERS, ids=lambda each: str(each)[:60])
def test_a_command_on_a_page_is_one_that_the_command_line_has(page: str, words: list[str]) -> None:
    command: Any = typer.main.get_command(app)
    rest = words[1:]
    while rest and hasattr(command, "commands"):
        if rest[0] in ("|", "…") or rest[0].startswith(("-", "[")):
            break
        assert rest[0] in command.commands, f"{page}: there is no command {' '.join(words)}"
        command = command.commands[rest.pop(0)]
    options = {option for each in command.params for option in each.opts}
    told = {each.strip("[]") for each in rest if each.strip("[").startswith("--")}
    assert told <= {*options, "--help"}, f"{page}: {' '.join(words)}"


def test_operations_that_a_page_names_exist() -> None:
    """Between backticks, with a verb of the API in front: `accept_trial`, `get_me`."""
    verbs = {name.partition("_")[0] for name in described()}
    fields = _words_of_schemas()
    for page in PEOPLE:
        told = set(re.findall(r"`([a-z]+(?:_[a-z]+)+)`", page.read_text(encoding="utf-8")))
        for word in told - set(described()) - codes() - fields:
            assert word.partition("_")[0] not in verbs, f"{page.name}: {word} is no operation"


def _words_of_schemas() -> set[str]:
    """Fields and values that may stand on a page as well as operations do."""
    text = json.dumps(application().openapi()["components"]["schemas"])
    return set(re.findall(r'"([a-z]+(?:_[a-z]+)+)"', text))


@cache
def codes() -> frozenset[str]:
    """Every code that an error is made with, in the two trees of errors and the admission rules."""
    found = set()
    for module in modules("catalog", "cloudmgr/domain"):
        for node in ast.walk(module.tree):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            first = node.args[0]
            errors = module.path.endswith("errors.py")
            admission = isinstance(node.func, ast.Name) and node.func.id == "not_admitted"
            if (errors or admission) and isinstance(first, ast.Constant):
                found.add(str(first.value))
    return frozenset(found)


def explained() -> Iterator[tuple[str, str]]:
    """(page, code) of every code in the first column of a table of refusals."""
    for page in PEOPLE:
        inside = False
        for line in page.read_text(encoding="utf-8").splitlines():
            cells = [each.strip() for each in line.strip("|").split("|")]
            if not line.startswith("|"):
                inside = False
            elif cells[0] in CODE_HEADS:
                inside = True
            elif inside:
                yield from ((page.name, code) for code in re.findall(r"`(\w+)`", cells[0]))


def test_every_code_that_a_page_explains_can_be_answered() -> None:
    told = list(explained())
    assert len(told) > 60, "the tables of refusals were not found"
    assert [(page, code) for page, code in told if code not in codes()] == []


def test_both_languages_explain_the_same_and_show_the_same_commands() -> None:
    for chinese, english in (("用云单位.md", "departments.md"), ("财政.md", "finance.md")):
        for told in (
            lambda name: {code for page, code in explained() if page == name},
            lambda name: [words[2] for page, words in CALLS if page == name],
        ):
            assert told(chinese) == told(english)
