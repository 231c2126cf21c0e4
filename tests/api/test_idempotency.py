"""A command repeated under its key answers as before and does nothing again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from cloudmgr.api.edge import Edge
from cloudmgr.domain.requests import RequestKind, RequestLine, ResourceRequest
from cloudmgr.services import codec
from cloudmgr.services.commands import IdempotencyRecord
from cloudmgr.services.parties import RegisterUser
from cloudmgr.services.requests import DraftRequest
from tests.support.api import Api, done, refused, secret_of
from tests.support.january import KUNPENG_VM, a_draft, submit

BODY: dict[str, Any] = {
    "department_id": "d01",
    "application_id": "A01",
    "kind": "new",
    "reason": "more citizens use it",
    "lines": [{"line": 1, "sku_id": KUNPENG_VM, "quantity": 1}],
}


def drafts(api: Api, login: str = "d01.user") -> int:
    return len(api.items("requests", login, limit=500))


def events(api: Api) -> int:
    return len(done(api.get("audit-events", "authority.auditadmin", limit=1000)))


def test_the_same_key_and_body_answer_as_before_and_change_nothing(city: Api) -> None:
    first = city.post("requests", "d01.user", BODY, key="draft-of-monday")
    before = (drafts(city), events(city))
    again = city.post("requests", "d01.user", BODY, key="draft-of-monday")
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert first.status_code == 201
    assert (drafts(city), events(city)) == before


def test_without_a_key_every_command_counts(city: Api) -> None:
    first = done(city.post("requests", "d01.user", BODY))
    assert done(city.post("requests", "d01.user", BODY))["id"] != first["id"]


def test_the_order_of_a_bodys_fields_makes_no_other_body(city: Api) -> None:
    first = city.post("requests", "d01.user", BODY, key="in-any-order")
    turned = dict(reversed(BODY.items()))
    assert city.post("requests", "d01.user", turned, key="in-any-order").json() == first.json()


def test_another_body_under_a_used_key_is_refused(city: Api) -> None:
    done(city.post("requests", "d01.user", BODY, key="two-bodies"))
    before = drafts(city)
    answer = city.post("requests", "d01.user", {**BODY, "reason": "another"}, key="two-bodies")
    assert "two-bodies" in refused(answer, 409, "idempotency_conflict")["detail"]
    assert drafts(city) == before


def test_another_thing_under_a_used_key_is_refused_too(city: Api) -> None:
    one, other = a_draft(city), a_draft(city)
    path = "requests/{}/submission"
    done(city.post(path.format(one), "d01.user", key="submit-it"))
    answer = city.post(path.format(other), "d01.user", key="submit-it")
    refused(answer, 409, "idempotency_conflict")


def test_a_key_is_a_persons_own(city: Api) -> None:
    mine = done(city.post("requests", "d01.user", BODY, key="key-of-many"))
    other = {**BODY, "department_id": "d02", "application_id": "A10"}
    theirs = done(city.post("requests", "d02.user", other, key="key-of-many"))
    assert theirs["department_id"] == "d02"
    assert theirs["id"] != mine["id"]


def test_a_key_is_of_one_route(city: Api) -> None:
    request = done(city.post("requests", "d01.user", BODY, key="key-of-routes"))["id"]
    submitted = city.post(f"requests/{request}/submission", "d01.user", key="key-of-routes")
    assert done(submitted)["state"] == "unit_signing"


def test_a_refused_command_does_not_use_its_key_up(city: Api) -> None:
    bad = {**BODY, "application_id": "A10"}
    refused(city.post("requests", "d01.user", bad, key="second-try"), 404, "not_found")
    done(city.post("requests", "d01.user", BODY, key="second-try"))


def test_a_repeated_answer_is_the_one_given_then_not_how_things_stand_now(city: Api) -> None:
    first = city.post("requests", "d01.user", BODY, key="as-it-was")
    submit(city, done(first)["id"])
    again = city.post("requests", "d01.user", BODY, key="as-it-was")
    assert again.json() == first.json()
    assert again.json()["state"] == "draft"


def test_a_key_does_not_spare_the_token(city: Api) -> None:
    done(city.post("requests", "d01.user", BODY, key="with-a-token"))
    refused(city.post("requests", None, BODY, key="with-a-token"), 401, "unauthenticated")


def test_two_at_once_under_one_key_are_one_command(own_city: Api) -> None:
    edge = Edge(own_city.node)
    command = DraftRequest(
        department_id="d01",
        application_id="A01",
        kind=RequestKind.NEW,
        reason="twice at once",
        lines=(RequestLine(line=1, sku_id=KUNPENG_VM, quantity=1),),
    )

    def give(_: int) -> ResourceRequest:
        answer: ResourceRequest = edge.perform(
            secret_of("d01.user"), command, key="at-the-same-time", request_id=""
        )
        return answer

    with ThreadPoolExecutor(8) as many:
        answers = list(many.map(give, range(8)))
    assert len({answer.id for answer in answers}) == 1
    assert drafts(own_city) == 1


def test_what_a_key_leaves_behind_tells_nothing_of_a_body_without_the_key(city: Api) -> None:
    """A body may hold a password; its plain digest in the database could be guessed against."""
    body = {"login": "careful.user", "name": "谨慎", "password": "correct horse battery"}
    done(city.post("users", "authority.sysadmin", body, key="register-once"))
    with city.node.reading() as world:
        kept = world.find(IdempotencyRecord, command="register_user")
    assert len(kept) == 1
    assert kept[0].body_digest != codec.digest(RegisterUser(**body))
    assert "register-once" not in repr(kept)
    other = {**body, "password": "another pass phrase"}
    answer = city.post("users", "authority.sysadmin", other, key="register-once")
    refused(answer, 409, "idempotency_conflict")
