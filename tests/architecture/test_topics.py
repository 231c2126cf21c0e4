"""Every topic that is emitted is in the table of topics, and nothing else is.

A topic that the table does not know reaches nobody, silently; one that nobody emits promises news
that never come.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from cloudmgr.domain.notifications_topics import TOPICS
from cloudmgr.domain.quotes import QuoteState
from tests.architecture.sources import Function, Module, functions, modules

FORMATTED = {
    "quote_{}": {QuoteState.SUBMITTED, QuoteState.IN_FORCE, QuoteState.REFUSED},
}
"""Topics that end in a state, and the states that are told of."""


def emitted(module: Module) -> Iterator[str]:
    """The topics that a module emits; those that are `owed` stand as `owed:name`."""
    for _, function in functions(module.tree):
        for call in _calls(function, "Message"):
            topic = next((each.value for each in call.keywords if each.arg == "topic"), None)
            if topic is not None:
                yield from _values(module, function, topic)


def _calls(tree: ast.AST, name: str) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name:
            yield node


def _values(module: Module, function: Function, node: ast.expr) -> Iterator[str]:
    """What an expression may be: its texts, the constant it names, or what callers give."""
    if isinstance(node, ast.Constant):
        yield str(node.value)
    elif isinstance(node, ast.IfExp):
        yield from _values(module, function, node.body)
        yield from _values(module, function, node.orelse)
    elif isinstance(node, ast.JoinedStr):
        parts = (p.value if isinstance(p, ast.Constant) else "{}" for p in node.values)
        form = "".join(map(str, parts))
        yield from (form.format(each) for each in FORMATTED[form])
    elif isinstance(node, ast.Name) and node.id.isupper():
        yield f"owed:{node.id}"
    elif isinstance(node, ast.Name) and node.id in (names := [a.arg for a in function.args.args]):
        at_home = function.name.startswith("_")
        for other in (module,) if at_home else (module, *modules("cloudmgr")):
            yield from _given(other, function, names.index(node.id))
    elif isinstance(node, ast.Name):
        for each in ast.walk(function):
            if isinstance(each, ast.Assign) and node.id in map(ast.unparse, each.targets):
                yield from _values(module, function, each.value)
    elif isinstance(node, ast.Attribute):
        return  # a message that is stored and copied, as the outbox does
    else:
        raise AssertionError(f"{module.path}: say the topic as a text: {ast.unparse(node)}")


def _given(module: Module, helper: Function, place: int) -> Iterator[str]:
    """What the callers of a helper give it; one whose name begins with _ is called at home."""
    for where, caller in functions(module.tree):
        for call in _calls(caller, helper.name):
            if where != helper.name:
                yield from _values(module, caller, call.args[place])


def all_emitted() -> set[str]:
    found = {topic for module in modules("cloudmgr") for topic in emitted(module)}
    return {topic for topic in found if not topic.startswith("owed:")}


def test_every_topic_that_is_emitted_is_in_the_table() -> None:
    missing = all_emitted() - set(TOPICS)
    assert not missing, f"say in domain/notifications_topics.py who is told of {sorted(missing)}"


def test_every_topic_of_the_table_is_emitted() -> None:
    silent = set(TOPICS) - all_emitted()
    assert not silent, f"nobody emits {sorted(silent)}"


@pytest.mark.parametrize("topic", TOPICS.values(), ids=lambda topic: topic.name)
def test_every_topic_says_something_in_both_languages_to_somebody(topic: object) -> None:
    each = TOPICS[topic.name]  # type: ignore[attr-defined]
    assert each.audiences
    for chinese in (each.title_zh, each.text_zh):
        assert re.search("[\u4e00-\u9fff]", chinese) or chinese.startswith("{before}")
    for english in (each.title_en, each.text_en):
        assert english.isascii()
    assert _fields(each.text_zh) == _fields(each.text_en), "both languages say the same"


def _fields(text: str) -> set[str]:
    return set(re.findall(r"{(\w+)}", text)) - {"until"}


def test_topics_are_found_through_helpers_choices_and_formats() -> None:
    source = """
def _tell(world, topic, at):
    world.outbox(Message(topic=topic, subject="", payload={}, at=at))

def act(world, at):
    name = "one" if at else "two"
    _tell(world, name, at)
    world.outbox(Message(topic=f"quote_{at}", subject="", payload={}, at=at))
    world.outbox(Message(topic=OWN, subject="", payload={}, at=at))
"""
    found = set(emitted(Module("sample.py", ast.parse(source), 9)))
    assert found == {"one", "two", "owed:OWN"} | {
        f"quote_{state}" for state in FORMATTED["quote_{}"]
    }
