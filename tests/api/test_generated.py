"""Requests made up from the OpenAPI document, by Schemathesis: whatever is sent, the node answers
as the document says and never with an error of its own.

Each operation is tried on a city with a January behind it by people of very different rights; ids
are mostly of things that exist, else nothing but "not found" would be met. Every command is undone
after its answer, so each request meets the same city and a red run is red again.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.api.conftest import Lived
from tests.api.test_roles import COMMANDS, SOMEBODY, example
from tests.support.api import Api, application, bearer, operations, secret_of
from tests.support.things import LISTS, ids_of, list_of
from tests.support.undone import UndoneNode

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]

PEOPLE = ("authority.sysadmin", "authority.a", "d01.user", "prov1.a")

NOT_SENT = {
    "move_clock": "a wild instant runs centuries of month ends; the rehearsal's tests move it",
    "get_sign_on": "needs a provider to sign on with; its tests start one",
    "get_sign_on_callback": "needs a provider to sign on with; its tests start one",
}
"""Operations that are not made up requests for, and why."""

FEW, MANY = 2, 8
"""Examples of each operation: for every run, and for the long one."""


@schemathesis.serializer(
    "application/vnd.apache.parquet", "application/vnd.apache.arrow.stream", "application/x-ndjson"
)
def as_it_is(context: Any, value: Any) -> bytes:
    """A batch of readings is bytes whatever the format."""
    return value if isinstance(value, bytes) else str(value).encode()


@cache
def schema() -> Any:
    return schemathesis.openapi.from_dict(application().openapi())


@cache
def made_up(operation: str, mode: GenerationMode) -> st.SearchStrategy[Any]:
    method, path = operations()[operation]
    strategy: st.SearchStrategy[Any] = schema()[path][method].as_strategy(mode)
    return strategy


@pytest.fixture(scope="session")
def undone(lived: Lived) -> Iterator[Api]:
    with Api(UndoneNode(lived.api.node)) as api:  # type: ignore[arg-type]
        yield api


@pytest.fixture(scope="session")
def known(lived: Lived) -> dict[str, tuple[str, ...]]:
    """List -> ids that are there."""
    wanted = set(LISTS.values()) | {
        found
        for _, path in operations().values()
        for found in [list_of(path, "id"), list_of(path, "a")]
        if found
    }
    return {path: ids_of(lived.api, path, "authority.auditadmin") for path in sorted(wanted)}


def test_everything_in_the_document_is_sent_but_what_says_why() -> None:
    assert set(SENT) | set(NOT_SENT) == set(operations())
    assert not set(SENT) & set(NOT_SENT)


SENT = sorted(set(operations()) - set(NOT_SENT))


@pytest.mark.parametrize("operation", SENT)
def test_made_up_requests_are_answered_as_the_document_says(
    undone: Api,
    known: dict[str, tuple[str, ...]],
    operation: str,
    request: pytest.FixtureRequest,
) -> None:
    few = 1 if "[pg" in request.node.name else FEW
    try_out(undone, known, operation, few, 20260101)


@pytest.mark.long
@pytest.mark.parametrize("operation", SENT)
def test_many_made_up_requests_are_answered_as_the_document_says(
    undone: Api, known: dict[str, tuple[str, ...]], operation: str
) -> None:
    try_out(undone, known, operation, MANY, 20260102)


def try_out(
    api: Api, known: dict[str, tuple[str, ...]], operation: str, examples: int, start: int
) -> None:
    """Send made-up requests for one operation; each answer must be one that is documented."""

    @seed(start)
    @settings(
        max_examples=examples,
        derandomize=False,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        verbosity=Verbosity.quiet,
    )
    @given(st.data(), st.integers(0, 2**32))
    def sent(data: st.DataObject, luck: int) -> None:
        mode = GenerationMode.NEGATIVE if luck % 4 == 0 else GenerationMode.POSITIVE
        case = data.draw(made_up(operation, mode))
        dice = random.Random(luck)
        if mode is GenerationMode.POSITIVE:
            like_the_example(case, operation, dice)
        with_known_ids(case, known, dice)
        answer = send(api, case, somebody(operation, dice))
        case.validate_response(answer, checks=CHECKS)

    sent()


def somebody(operation: str, dice: random.Random) -> str:
    """One of very different people; for a command mostly one who may give it."""
    able = (
        [SOMEBODY[role] for role in sorted(COMMANDS[operation].roles)]
        if (operation in COMMANDS)
        else []
    )
    return dice.choice(able if able and dice.random() < 0.7 else PEOPLE)


def like_the_example(case: Any, operation: str, dice: random.Random) -> None:
    """In half of the cases the example of the document with one field made up: wholly made-up
    bodies seldom get as far as the records."""
    shown = example(operation) if isinstance(case.body, dict) and case.media_type else None
    if not isinstance(shown, dict) or not shown or dice.random() < 0.5:
        return
    made = copy.deepcopy(shown)
    if case.body:
        field = dice.choice(sorted(case.body))
        made[field] = case.body[field]
    case.body = made


def with_known_ids(case: Any, known: dict[str, tuple[str, ...]], dice: random.Random) -> None:
    """Put ids of things that exist in the place of most made-up ones."""
    for name in case.path_parameters or {}:
        there = known.get(list_of(case.operation.full_path, name) or "")
        if there and dice.random() < 0.8:
            case.path_parameters[name] = dice.choice(there)
    for part in (case.query, case.body):
        _replace(part, known, dice)


def _replace(part: Any, known: dict[str, tuple[str, ...]], dice: random.Random) -> None:
    if isinstance(part, list):
        for each in part:
            _replace(each, known, dice)
    if not isinstance(part, dict):
        return
    for name, value in part.items():
        there = known.get(LISTS.get(name, ""))
        if there and isinstance(value, str) and dice.random() < 0.8:
            part[name] = dice.choice(there)
        elif there and isinstance(value, list) and dice.random() < 0.8:
            part[name] = [dice.choice(there) for _ in value]
        else:
            _replace(value, known, dice)


def send(api: Api, case: Any, login: str) -> Any:
    prepared = requests.Request(**case.as_transport_kwargs(base_url="http://node")).prepare()
    headers = {**dict(prepared.headers), **bearer(secret_of(login))}
    sent: dict[str, Any] = {"content": prepared.body} if prepared.body is not None else {}
    url = str(prepared.url).removeprefix("http://node")
    return api.request(str(prepared.method), url, None, headers=headers, **sent)
