"""Lifecycles nobody can bypass: only `advance()` changes the state of a value that exists.

Making a new value in its first state is fine, also by copying another under a new id, and the
world checks that it is a first state.
"""

from __future__ import annotations

import ast

import pytest

from tests.architecture.sources import PACKAGES, modules

ADVANCE = "cloudmgr/domain/lifecycle.py"
COPIERS = {"replace", "_replace", "__replace__", "model_copy", "evolve", "values"}
SETTERS = {"setattr", "object.__setattr__"}


def offences(tree: ast.Module) -> list[str]:
    """Every `line: code` that gives an existing value another state."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and (_copies_state(node) or _sets_state(node)):
            found.append(f"{node.lineno}: {ast.unparse(node)}")
        elif isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(_is_state(target) for target in targets):
                found.append(f"{node.lineno}: {ast.unparse(node)}")
    return found


def _copies_state(call: ast.Call) -> bool:
    function = call.func
    name = function.attr if isinstance(function, ast.Attribute) else ast.unparse(function)
    keywords = {keyword.arg for keyword in call.keywords}
    given = "state" in keywords and "id" not in keywords
    in_mapping = any(
        isinstance(part, ast.Constant) and part.value == "state"
        for keyword in call.keywords
        if keyword.arg in {None, "update"} and isinstance(keyword.value, ast.Dict)
        for part in keyword.value.keys
    )
    return name in COPIERS and (given or in_mapping)


def _sets_state(call: ast.Call) -> bool:
    named = len(call.args) > 1 and isinstance(call.args[1], ast.Constant)
    return ast.unparse(call.func) in SETTERS and named and ast.literal_eval(call.args[1]) == "state"


def _is_state(target: ast.expr) -> bool:
    """`x.state = ...`, but not an object's own attribute of that name."""
    own = isinstance(target, ast.Attribute) and ast.unparse(target.value) == "self"
    return isinstance(target, ast.Attribute) and target.attr == "state" and not own


def test_only_advance_changes_a_state() -> None:
    found = {
        module.path: lines
        for module in modules(*PACKAGES)
        if module.path != ADVANCE and (lines := offences(module.tree))
    }
    assert not found, f"use cloudmgr.domain.lifecycle.advance: {found}"


@pytest.mark.parametrize(
    "source",
    [
        "replace(request, state=RequestState.APPROVED)",
        "dataclasses.replace(request, reason='', state=to)",
        "replace(request, **{'state': to})",
        "row.model_copy(update={'state': to})",
        "update(requests).values(state=to)",
        "request.state = to",
        "object.__setattr__(request, 'state', to)",
        "setattr(row, 'state', to)",
    ],
)
def test_each_way_around_it_is_seen(source: str) -> None:
    assert offences(ast.parse(source))


@pytest.mark.parametrize(
    "source",
    [
        "Allocation(id=id, state=AllocationState.ACTIVE)",
        "replace(line, id=f'{line.id}-1', state=LineState.DRAFT)",
        "world.find(Timer, state=TimerState.PENDING)",
        "advance(timer, TimerState.DONE)",
        "text.replace('state', 'status')",
        "app.state.node = node",
    ],
)
def test_first_states_and_questions_are_fine(source: str) -> None:
    assert not offences(ast.parse(source))
