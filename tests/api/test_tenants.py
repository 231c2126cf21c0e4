"""Who sees what: a department its own, a county its county's, a provider its own, the city all.

Every list route is walked for every kind of reader, so a list added later is held to the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from cloudmgr.domain.proposals import OPEN_STATES
from tests.api.conftest import Lived
from tests.api.test_lists import GETS, LISTS, READER, everything
from tests.support.api import Api, application, done, refused

OPEN = {
    "list_policy", "list_backup_agreement",
    "list_region", "list_organisation", "list_site", "list_published_catalog",
    "list_assessment_scheme", "list_billing_period", "list_opening",
    "list_adoption_target", "list_protected_period",
}  # fmt: skip
"""What has no owner; everybody who is signed in reads it."""

PERSONAL = {"list_token", "list_notification", "list_role_grant"}
"""What is each person's own; the common reader does not see the whole of it either."""

OFFERED = {"list_resource_pool", "list_quote"}
"""What departments choose from; between providers it is a secret."""

Item = dict[str, Any]
Owns = Callable[[Item], bool]


def _department(*ids: str) -> Owns:
    return lambda item: item["department_id"] in ids


REQUESTS_OF = {"d01": "city_request", "d41": "county_request"}


def owns(reader: str, lived: Lived) -> dict[str, Owns]:
    """The lists a reader finds something in, and what makes a record of it theirs."""
    organisation = reader.partition(".")[0]
    mine: dict[str, Owns] = {}
    grants = everything(lived.api, LISTS["list_role_grant"], organisation_id=organisation)
    colleagues = {each["user_id"] for each in grants}
    mine["list_person"] = lambda item: item["id"] in colleagues
    for operation in (
        "list_stored_file",
        "list_webhook",
        "list_webhook_delivery",
        "list_delegation",
        "list_proposal_comment",
    ):
        mine[operation] = lambda item: bool(item["organisation_id"] == organisation)
    if reader.endswith(".user"):  # who may not manage machines does not see them
        del mine["list_webhook"], mine["list_webhook_delivery"]
    mine["list_proposal"] = lambda item: item["state"] in OPEN_STATES
    return {**mine, **_of_kind(reader, lived)}


def _of_kind(reader: str, lived: Lived) -> dict[str, Owns]:
    """What a department's, a county's or a provider's people find by the fields of records."""
    organisation, _, post = reader.partition(".")
    if organisation.startswith("prov"):
        return _provider(organisation, lived)
    department = {"finance-xiayi": "d41", "finance-yucheng": "d42"}.get(organisation, organisation)
    schemas = application().openapi()["components"]["schemas"]
    lists = [each for each in LISTS if "department_id" in _record(each, schemas)["properties"]]
    mine = dict.fromkeys(lists, _department(department))
    systems = {
        each["id"]
        for each in everything(lived.api, LISTS["list_application"], department_id=department)
    }
    scopes = {department, *systems}
    if post == "reviewer" or organisation.startswith("finance"):
        scopes.add({"d41": "xiayi", "d42": "yucheng"}[department])
    mine["list_quota"] = lambda item: item["scope_id"] in scopes
    if department in REQUESTS_OF:
        request = getattr(lived.january, REQUESTS_OF[department])
        mine["list_approval"] = lambda item: bool(item["request_id"] == request)
    if organisation.startswith("finance"):
        mine["list_budget"] = lambda item: bool(item["payer_id"] == organisation)
        mine["list_settlement"] = mine["list_budget"]
    budgets = {
        each["id"]
        for each in everything(lived.api, LISTS["list_budget"])
        if mine["list_budget"](each)
    }
    mine["list_budget_change"] = lambda item: bool(item["budget_id"] in budgets)
    return mine


def _provider(provider: str, lived: Lived) -> dict[str, Owns]:
    def by_provider(item: Item) -> bool:
        return bool(item["provider_id"] == provider)

    pools = {
        each["id"]
        for each in everything(lived.api, LISTS["list_resource_pool"], provider_id=provider)
    }
    fields = application().openapi()["components"]["schemas"]
    mine = {
        operation: by_provider
        for operation in LISTS
        if "provider_id" in _record(operation, fields)["properties"]
    }
    return mine | {"list_inventory": lambda item: item["pool_id"] in pools}


def _record(operation: str, schemas: dict[str, Any]) -> dict[str, Any]:
    """The schema of what a list lists."""
    page = application().openapi()["paths"][LISTS[operation]]["get"]["responses"]["200"]
    name = page["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
    item = schemas[name]["properties"]["items"]["items"]["$ref"].rpartition("/")[2]
    found: dict[str, Any] = schemas[item]
    return found


def _nobodys(item: Item) -> bool:
    return False


READERS = ("d01.user", "d02.lead", "d41.user", "d41.reviewer", "finance-xiayi.a", "prov1.a",
           "prov3.b", "prov5.a")  # fmt: skip


@pytest.mark.parametrize("reader", READERS)
def test_no_list_shows_a_reader_what_belongs_to_another(lived: Lived, reader: str) -> None:
    mine = owns(reader, lived)
    open_to_me = OPEN if reader.startswith("prov") else OPEN | OFFERED
    for operation, path in LISTS.items():
        whole = everything(lived.api, path)
        seen = lived.api.items(path, reader, limit=500)
        if operation in PERSONAL:
            assert {item["user_id"] for item in seen} <= {reader}, operation
            continue
        if operation in open_to_me:
            in_force = [i for i in whole if i.get("state") not in ("submitted", "refused")]
            assert seen == (in_force if operation == "list_quote" else whole), operation
            continue
        belongs = mine.get(operation, _nobodys)
        assert seen == [item for item in whole if belongs(item)], operation


@pytest.mark.parametrize("reader", ["d01.user", "d41.reviewer", "finance-xiayi.a", "prov1.a"])
def test_the_walk_over_the_lists_meets_own_and_foreign_records(lived: Lived, reader: str) -> None:
    """Else the walk above would pass on empty lists."""
    met = 0
    for operation in owns(reader, lived):
        whole = everything(lived.api, LISTS[operation])
        seen = lived.api.items(LISTS[operation], reader, limit=500)
        met += bool(seen) and len(seen) < len(whole)
    assert met >= 8


@pytest.mark.parametrize("reader", READERS)
def test_a_foreign_record_is_told_as_if_it_were_not_there(lived: Lived, reader: str) -> None:
    checked = 0
    for path, single in GETS.items():
        seen = {item["id"] for item in lived.api.items(path, reader, limit=500)}
        foreign = [item["id"] for item in everything(lived.api, path) if item["id"] not in seen]
        if not foreign:
            continue
        told = refused(lived.api.get(single.replace("{id}", foreign[0]), reader), 404, "not_found")
        absent = lived.api.get(single.replace("{id}", "absent-1"), reader).json()
        assert told == absent | {"detail": absent["detail"].replace("absent-1", foreign[0])}
        checked += 1
    assert checked >= 5


def test_a_filter_for_a_foreign_department_finds_nothing(lived: Lived) -> None:
    assert lived.api.items("statements", READER, department_id="d03") != []
    assert lived.api.items("statements", "d04.user", department_id="d03") == []
    assert lived.api.items("statements", "d42.reviewer", department_id="d41") == []
    assert lived.api.items("lines", "prov2.a", provider_id="prov1") == []


def test_a_fourth_department_does_not_read_the_thirds_statement(lived: Lived) -> None:
    own = done(lived.api.get("statements/ST-2026-01/d03", "d03.user"))
    assert own["department_id"] == "d03"
    for stranger in ("d04.user", "d04.lead", "d41.reviewer", "finance-xiayi.a", "prov1.a"):
        answer = lived.api.get("statements/ST-2026-01/d03", stranger)
        refused(answer, 404, "not_found")
        assert own["total"] not in answer.text


def test_the_price_of_a_foreign_request_is_not_told(lived: Lived) -> None:
    path = f"requests/{lived.january.city_request}/estimate"
    assert done(lived.api.get(path, "d01.user"))["request_id"] == lived.january.city_request
    for stranger in ("d02.user", "d41.reviewer", "prov1.a"):
        refused(lived.api.get(path, stranger), 404, "not_found")


@pytest.mark.parametrize(
    ("path", "code"),
    [("audit-events", "forbidden"), ("trial-balance", "forbidden"),
     ("months/2026-01/overview", "forbidden")],
)  # fmt: skip
@pytest.mark.parametrize(
    "reader", ["d01.user", "d41.reviewer", "finance-xiayi.a", "prov1.a", "authority.sysadmin"]
)
def test_what_is_of_the_whole_city_is_for_its_offices(
    lived: Lived, path: str, code: str, reader: str
) -> None:
    refused(lived.api.get(path, reader), 403, code)


@pytest.mark.parametrize("path", ["trial-balance", "months/2026-01/overview"])
@pytest.mark.parametrize("reader", ["finance.a", "authority.a", "tech.a", "opco.a", "assessor.a"])
def test_the_offices_of_the_city_read_what_is_of_the_whole_city(
    lived: Lived, path: str, reader: str
) -> None:
    done(lived.api.get(path, reader))


def test_the_audit_is_read_by_the_audit_administrator_only(lived: Lived) -> None:
    events = done(lived.api.get("audit-events", "authority.auditadmin", limit=1000))
    assert [event["sequence"] for event in events] == list(range(1, len(events) + 1))
    for office in ("finance.a", "authority.a", "tech.a", "authority.secadmin"):
        refused(lived.api.get("audit-events", office), 403, "forbidden")


def test_the_audit_goes_on_behind_a_sequence(lived: Lived) -> None:
    whole = done(lived.api.get("audit-events", "authority.auditadmin", limit=1000))
    page = done(lived.api.get("audit-events", "authority.auditadmin", after=3, limit=2))
    assert page == whole[3:5]
    end = done(lived.api.get("audit-events", "authority.auditadmin", after=len(whole)))
    assert end == []


def test_an_offer_is_between_its_provider_and_the_city_until_it_is_in_force(own_city: Api) -> None:
    offer = {
        "contract_id": "HT-2025-03",
        "pool_id": "x86-a",
        "sku_id": "vm-x86-4c8g",
        "tiers": [{"from_quantity": 0, "unit_price": "1.000000"}],
        "effective_from": "2026-02-01T00:00:00+08:00",
    }
    quote = done(own_city.post("quotes", "prov3.a", offer))["id"]
    for stranger in ("d01.user", "prov1.a", "d41.reviewer"):
        refused(own_city.get(f"quotes/{quote}", stranger), 404, "not_found")
        assert own_city.items("quotes", stranger, state="submitted") == []
    assert done(own_city.get(f"quotes/{quote}", "authority.a"))["state"] == "submitted"
    done(own_city.post(f"quotes/{quote}/decision", "authority.a", {"accepted": True}))
    assert done(own_city.get(f"quotes/{quote}", "d01.user"))["state"] == "in_force"
    refused(own_city.get(f"quotes/{quote}", "prov1.a"), 404, "not_found")
