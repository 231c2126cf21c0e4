"""The OpenAPI document is the contract: complete, with examples that work, true to the answers."""

from __future__ import annotations

import re
from collections import Counter
from html import unescape
from typing import Any, get_type_hints

import pytest
from fastapi.routing import APIRoute, iter_route_contexts
from pydantic import TypeAdapter

from cloudmgr.domain.audit import AuditEvent
from cloudmgr.services import codec
from cloudmgr.services.commands import HANDLERS
from tests.api.conftest import Lived
from tests.api.test_lists import LISTS, READER
from tests.support.api import Api, application, done, operations

OWN_ROUTES = {
    "ingest_usage": "its body is Parquet, Arrow or JSON lines",
    "close_period": "it commits page by page",
    "move_clock": "it is a PUT: the same instant twice is one move",
    "issue_token": "its answer holds a secret, which is kept nowhere, not even under a key",
    "subscribe_webhook": "its answer holds a secret, told once",
    "renew_webhook_secret": "its answer holds a secret, told once",
    "change_password": "said twice it is refused: the old password is no longer right",
    "log_out": "it takes a browser's cookies back, and the second time there is no session",
}
"""Commands whose route is not made by `command_route`, and why; each still has exactly one."""

LOOKS_BY_POST = {
    "log_in": "a password does not belong into an address",
    "log_in_by_cookie": "a password does not belong into an address",
    "get_request_preview": "a request that is not written yet is too long for an address",
}
"""Operations that change no record and yet are no GET, and why."""

FORMS = {"upload_file": "its example would be a file"}
"""Operations whose body is a form, which shows no example, and why."""


def described() -> list[tuple[str, str, dict[str, Any]]]:
    """(method, path, operation) of everything in the document."""
    return [
        (method, path, operation)
        for path, methods in application().openapi()["paths"].items()
        for method, operation in methods.items()
    ]


ALL = described()
NAMES = [operation["operationId"] for _, _, operation in ALL]


def test_every_operation_has_a_name_of_its_own() -> None:
    assert [name for name, count in Counter(NAMES).items() if count > 1] == []
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)+", name) for name in NAMES)


def test_every_command_has_exactly_one_route_and_every_other_route_only_reads() -> None:
    commands = {handler.name for handler in HANDLERS.values()}
    assert commands - set(NAMES) == set()
    assert set(OWN_ROUTES) <= commands
    rest = set(NAMES) - commands
    signing_in = {"log_in", "log_in_by_cookie"}
    assert {name for name in rest if not name.startswith(("list_", "get_"))} == signing_in
    assert {name for name in rest if method_of(name) != "get"} == set(LOOKS_BY_POST)


def method_of(name: str) -> str:
    return next(method for method, _, operation in ALL if operation["operationId"] == name)


@pytest.mark.parametrize(("method", "path", "operation"), ALL, ids=NAMES)
def test_every_operation_says_what_it_does_and_how_it_refuses(
    method: str, path: str, operation: dict[str, Any]
) -> None:
    assert operation["summary"]
    assert operation["description"]
    assert operation["tags"]
    assert path.startswith("/api/v1/")
    refusals = {code for code in operation["responses"] if code.startswith("4")}
    if "security" in operation:
        assert "401" in refusals
    if "{" in path:
        assert refusals >= {"404", "422"}
    for code in refusals:
        content = operation["responses"][code]["content"]
        assert content == {
            "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
        }


@pytest.mark.parametrize("name", [handler.name for handler in HANDLERS.values()])
def test_every_command_says_who_may_give_it_and_how_it_conflicts(name: str) -> None:
    operation = next(each for _, _, each in ALL if each["operationId"] == name)
    handler = next(each for each in HANDLERS.values() if each.name == name)
    assert {"403", "409", "422"} <= set(operation["responses"])
    told = operation["description"].partition("Roles: ")[2].partition(".")[0].split(", ")
    assert told == (["everybody"] if handler.everybody else sorted(handler.roles))


def test_every_command_but_those_that_say_why_takes_a_key() -> None:
    for _, _, operation in ALL:
        headers = {
            each["name"] for each in operation.get("parameters", ()) if each["in"] == "header"
        }
        command = operation["operationId"] in {handler.name for handler in HANDLERS.values()}
        keyed = command and operation["operationId"] not in OWN_ROUTES
        assert ("Idempotency-Key" in headers) is keyed, operation["operationId"]


def bodies() -> list[tuple[str, Any, list[dict[str, Any]]]]:
    """(operation, model, examples in the document) of every JSON body."""
    schemas = application().openapi()["components"]["schemas"]
    found = []
    for context in iter_route_contexts(application().routes):
        route = context.original_route
        if isinstance(route, APIRoute) and route.body_field is not None:
            model = route.body_field.field_info.annotation
            named = next(name for name in re.findall(r"\w+", repr(model)) if name in schemas)
            shown = schemas[named].get("examples") or _beside(str(route.operation_id))
            found.append((str(route.operation_id), model, shown))
    return [each for each in found if each[0] not in FORMS]


def _beside(operation: str) -> list[dict[str, Any]]:
    """Examples that stand at the operation, of a body that is a value of ours."""
    body = next(o for _, _, o in ALL if o["operationId"] == operation)["requestBody"]
    shown: list[dict[str, Any]] = next(iter(body["content"].values()))["schema"].get("examples", [])
    return shown


@pytest.mark.parametrize(
    ("operation", "model", "examples"), bodies(), ids=[name for name, *_ in bodies()]
)
def test_every_body_has_an_example_that_its_own_model_takes(
    operation: str, model: Any, examples: list[dict[str, Any]]
) -> None:
    assert examples, f"{operation} shows no example"
    for example in examples:
        TypeAdapter(model).validate_python(example)


def test_the_examples_speak_of_things_the_reference_city_has(city: Api) -> None:
    """Whoever tries the document out on a sample city gets an answer, not a riddle."""
    ids = {
        "department_id": "organisations", "provider_id": "organisations",
        "payee_id": "organisations", "payer_id": "organisations",
        "organisation_id": "organisations", "region_id": "regions", "site_id": "sites",
        "pool_id": "pools", "application_id": "applications", "contract_id": "contracts",
    }  # fmt: skip
    known = {path: {i["id"] for i in city.items(path, READER, limit=500)} for path in ids.values()}
    content = done(city.get("catalogs/2026-01-01/content", READER))
    skus = {sku["id"] for sku in content["skus"]}
    for operation, _, examples in bodies():
        for field, value in _fields(examples):
            if field in ids:
                assert value in known[ids[field]], f"{operation}: {field} {value}"
            if field == "sku_id":
                assert value in skus, f"{operation}: {field} {value}"


def _fields(value: Any) -> list[tuple[str, Any]]:
    """Every (name, value) in a JSON value, however deep."""
    if isinstance(value, list):
        return [pair for each in value for pair in _fields(each)]
    if not isinstance(value, dict):
        return []
    return [*value.items(), *(pair for each in value.values() for pair in _fields(each))]


KINDS: dict[str, Any] = {
    str(context.original_route.operation_id): context.original_route.response_model
    for context in iter_route_contexts(application().routes)
    if isinstance(context.original_route, APIRoute)
}


@pytest.mark.parametrize("operation", LISTS)
def test_a_list_answers_with_what_the_document_says(lived: Lived, operation: str) -> None:
    """The answer does not pass the framework's own check, so it is made here."""
    kind = get_type_hints(KINDS[operation])["items"].__args__[0]
    for item in lived.api.items(LISTS[operation], READER, limit=500):
        assert codec.dump(codec.load(kind, item)) == item


def test_the_audit_answers_with_what_the_document_says(lived: Lived) -> None:
    for event in done(lived.api.get("audit-events", "authority.auditadmin", limit=1000)):
        assert codec.dump(codec.load(AuditEvent, event)) == event


MONEY = re.compile(r"\^-\?\\d\{1,13\}")


def money_fields() -> set[str]:
    """Every property that the document calls money, and nowhere anything else."""
    found: set[str] = set()
    other: set[str] = set()
    for schema in application().openapi()["components"]["schemas"].values():
        for name, rule in schema.get("properties", {}).items():
            rules = [rule, *rule.get("anyOf", ())]
            money = any(MONEY.match(each.get("pattern", "")) for each in rules)
            (found if money else other).add(name)
    return found - other


def test_money_is_text_wherever_it_stands(lived: Lived) -> None:
    """That nothing is a float at all is checked by `done` on every answer of these tests, and
    here of the overview, which counts states by names that are money elsewhere."""
    done(lived.api.get("months/2026-01/overview", READER))
    names = money_fields()
    assert {"gross", "amount", "unit_price", "monthly_price", "payable"} <= names
    answers = [lived.api.items(path, READER, limit=500) for path in LISTS.values()]
    answers.append([done(lived.api.get("trial-balance", READER))])
    request = lived.january.city_request
    answers.append([done(lived.api.get(f"requests/{request}/estimate", READER))])
    met = set()
    for name, value in _fields(answers):
        if name in names and value is not None and not isinstance(value, list | dict):
            assert isinstance(value, str), f"{name} is {value!r}"
            assert re.fullmatch(r"-?\d+\.\d{2,6}", value), f"{name} is {value}"
            met.add(name)
    assert len(met) > len(names) / 2


def test_the_documentation_page_loads_nothing_from_outside(city: Api) -> None:
    page = city.get("/docs")
    assert page.status_code == 200
    loaded = re.findall(r'(?:src|href)="([^"]+)"', unescape(page.text))
    assert loaded
    for address in loaded:
        assert address.startswith("/"), address
        assert city.get(address).status_code == 200


def test_the_document_is_the_same_for_everybody(city: Api) -> None:
    document = done(city.get("/openapi.json"))
    assert document["openapi"].startswith("3.1")
    assert {o["operationId"] for ops in document["paths"].values() for o in ops.values()} == set(
        operations()
    )
