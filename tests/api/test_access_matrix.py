"""The authorisation matrix, cell by cell over HTTP: every operation, every role in the city and in
a county, one's own and a foreign thing.

The matrix says what must be answered; a foreign thing must be answered word for word as one that
does not exist. Commands are undone after their answer, so all cells meet the same city.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import httpx
import pytest

from cloudmgr.domain.access_matrix import Answer, Cell, Reach, Row, answer
from cloudmgr.services.access_matrix import matrix
from tests.api.conftest import Lived
from tests.api.test_roles import example
from tests.support.api import PASSWORD, Api, done, filled, operations, refused
from tests.support.matrix import (
    EVERYBODY,
    NOBODY_IN_PARTICULAR,
    Somebody,
    Things,
    named,
    thing_list,
)
from tests.support.undone import UndoneNode

READER = "authority.auditadmin"
"""Sees all there is to see, but for what is somebody's own."""

ABSENT = "absent-1"

ROWS = {row.operation: row for row in matrix()}

SENT_OTHERWISE = {
    "get_sign_on", "get_sign_on_callback", "log_in", "log_in_by_cookie",  # for strangers
}  # fmt: skip


NOT_BY_ITS_PATH = {"revoke_role": "its body says which role, which this person may not hold"}
"""Commands whose thing is not the one that the path leads to."""


def test_the_matrix_has_every_operation_of_the_document_and_no_other() -> None:
    assert set(ROWS) == set(operations())


def test_the_matrix_can_be_read_by_whoever_is_signed_in(city: Api) -> None:
    told = done(city.get("authorisation-matrix", "d01.user"))
    assert {row["operation"]: len(row["cells"]) for row in told} == dict.fromkeys(ROWS, 26)


@pytest.fixture(scope="session")
def things(lived: Lived) -> Iterator[Things]:
    with Api(UndoneNode(lived.api.node)) as api:  # type: ignore[arg-type]
        yield Things(api, READER)


@pytest.mark.parametrize("who", EVERYBODY, ids=lambda who: who.login)
def test_every_operation_answers_a_role_as_the_matrix_says(
    things: Things, who: Somebody, request: pytest.FixtureRequest
) -> None:
    wrong = []
    asked = sorted(ROWS.keys() & set(operations()) - SENT_OTHERWISE)
    if "[pg" in request.node.name:  # the rules are the same; a sample shows that the answers are
        asked = asked[EVERYBODY.index(who) % 9 :: 9]
    for operation in asked:
        row = ROWS[operation]
        cell = next(c for c in row.cells if (c.role, c.county) == (who.role, who.county))
        faults = cell_faults(things, who, row, cell)
        wrong += [f"{operation} by {who.login} ({cell.reach}): {told}" for told in faults]
    assert not wrong, "\n".join(wrong)


def cell_faults(things: Things, who: Somebody, row: Row, cell: Cell) -> Iterator[str]:
    """What is not as the matrix says about a thing of one's own, a foreign one and none."""
    _, path = operations()[row.operation]
    where = thing_list(path) if row.operation not in NOT_BY_ITS_PATH else None
    absent = _send(things.api, row.operation, path, who, ABSENT)
    if cell.reach is Reach.FORBIDDEN:
        if (absent.status_code, absent.json()["code"]) != (403, "forbidden"):
            yield f"an absent thing: {_told(absent)}"
        return
    if where is None:
        yield from _faults(row, answer(cell.reach, own=True, listing=row.listing), absent)
        return
    own: str | None = None
    foreign: str | None = None
    if cell.reach is Reach.ALL:
        own = things.any(where)
    else:
        foreign = things.foreign(row.operation, where, who)
        if cell.reach is Reach.OWN:
            own = things.own(row.operation, where, who)
    for id, is_own in ((own, True), (foreign, False)):
        if id is None:
            continue
        told = _send(things.api, row.operation, path, who, id)
        expected = answer(cell.reach, own=is_own, listing=row.listing)
        unknown = _same(told, absent, id)
        if (expected is Answer.NOT_FOUND) != unknown:
            yield f"{'own' if is_own else 'foreign'} {id}: {_told(told)}; absent: {_told(absent)}"
        elif expected is Answer.ALLOWED and told.status_code in (401, 403):
            yield f"own {id}: {_told(told)}"


def _faults(row: Row, expected: Answer, told: httpx.Response) -> Iterator[str]:
    """What is wrong with an answer that is about no particular thing."""
    if told.status_code in (401, 403) or told.status_code >= 500:
        yield _told(told)
    if row.listing and not told.is_success:
        yield _told(told)
    if expected is Answer.EMPTY and told.headers["content-type"] == "application/json":
        found = told.json()
        if (found["items"] if isinstance(found, dict) else found) != []:
            yield f"something is listed: {_told(told)}"


def _same(told: httpx.Response, absent: httpx.Response, id: str) -> bool:
    """Whether a thing is answered as one that does not exist."""
    return (
        told.status_code == absent.status_code == 404
        and told.text.replace(id, ABSENT) == absent.text
        and _plain(told) == _plain(absent)
    )


def _plain(answer: httpx.Response) -> dict[str, str]:
    return {name: text for name, text in answer.headers.items() if name != "content-length"}


def _told(answer: httpx.Response) -> str:
    return f"{answer.status_code} {answer.text[:160]}"


def _send(
    api: Api, operation: str, path: str, who: Somebody | str | None, id: str
) -> httpx.Response:
    method, _ = operations()[operation]
    ids = named(path, id) or {}
    more = body_of(operation)
    login = who.login if isinstance(who, Somebody) else who
    if operation == "comment_on_proposal" and isinstance(who, Somebody):  # in its own name
        more = {"json": {**more["json"], "organisation_id": who.organisation}}
    return api.request(method, filled(path, **ids), login, **more)


@cache
def body_of(operation: str) -> dict[str, Any]:
    """A body that the operation takes, as the client sends it."""
    if operation == "ingest_usage":
        row = '{"resource":"r","meter":"m","time":"2026-01-01T00:00:00Z","value":1}'
        return {"content": row, "headers": {"Content-Type": "application/x-ndjson"}}
    if operation == "upload_file":
        return {"files": {"file": ("a.csv", b"a,b\n", "text/csv")}}
    if operation == "change_password":
        return {"json": {"old_password": PASSWORD, "new_password": "another, longer one"}}
    if operations()[operation][0] == "GET":
        return {}
    return {"json": example(operation)}


@pytest.mark.parametrize("operation", sorted(set(operations()) - SENT_OTHERWISE))
def test_a_stranger_learns_nothing(things: Things, operation: str) -> None:
    _, path = operations()[operation]
    told = _send(things.api, operation, path, None, ABSENT)
    if ROWS[operation].signed_in:
        refused(told, 401, "unauthenticated")
    else:
        done(told)


def test_who_holds_no_role_gives_no_command_but_about_the_own_account(things: Things) -> None:
    for operation, row in ROWS.items():
        _, path = operations()[operation]
        told = _send(things.api, operation, path, NOBODY_IN_PARTICULAR, ABSENT)
        if all(cell.reach is Reach.FORBIDDEN for cell in row.cells):
            refused(told, 403, "forbidden")
