"""Who may give which command: the registry's roles at every route, and foreign things not found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from cloudmgr.api.edge import Edge
from cloudmgr.domain.access import SEPARATED, Role
from cloudmgr.domain.parties import RoleGrant, User
from cloudmgr.services.commands import HANDLERS, Handler
from cloudmgr.services.parties import GrantRole
from cloudmgr.services.sessions import token_id
from tests.api.conftest import Lived
from tests.api.test_lists import everything
from tests.support.api import Api, application, done, filled, operations, refused, secret_of
from tests.support.meeting import both, meeting_at

COMMANDS = {handler.name: handler for handler in HANDLERS.values()}

SOMEBODY = {
    Role.DEPARTMENT_USER: "d01.user",
    Role.DEPARTMENT_LEAD: "d01.lead",
    Role.COUNTY_REVIEWER: "d41.reviewer",
    Role.AUTHORITY: "authority.a",
    Role.TECHNICAL_REVIEWER: "tech.a",
    Role.OPERATING_COMPANY: "opco.a",
    Role.PROVIDER: "prov1.a",
    Role.ASSESSOR: "assessor.a",
    Role.FINANCE: "finance.a",
    Role.PLANNER: "tech.planner",
    Role.SYSTEM_ADMIN: "authority.sysadmin",
    Role.SECURITY_ADMIN: "authority.secadmin",
    Role.AUDIT_ADMIN: "authority.auditadmin",
}


def example(operation: str) -> Any:
    """The body that the document shows for a command; None when it takes none."""
    document = application().openapi()
    method, path = operations()[operation]
    content = document["paths"][path][method.lower()].get("requestBody", {}).get("content", {})
    schema = content.get("application/json", {}).get("schema")
    if schema is None:
        return None
    if "examples" in schema:
        return schema["examples"][0]
    named = schema.get("$ref") or schema["anyOf"][0]["$ref"]
    examples = document["components"]["schemas"][named.rpartition("/")[2]]["examples"]
    return examples[0]


def anywhere(operation: str) -> tuple[str, str]:
    """Method and path of an operation about things that do not exist."""
    method, path = operations()[operation]
    return method, filled(path, **dict.fromkeys(_names(path), "absent"))


def _names(path: str) -> list[str]:
    return [part.strip("{}") for part in path.split("/") if part.startswith("{")]


def secured() -> list[str]:
    paths = application().openapi()["paths"]
    return [op["operationId"] for ops in paths.values() for op in ops.values() if "security" in op]


def test_every_role_has_somebody_here() -> None:
    assert set(SOMEBODY) == set(Role)


def test_only_signing_in_and_what_the_node_is_are_open_to_strangers() -> None:
    signing_in = {"log_in", "log_in_by_cookie", "get_sign_on", "get_sign_on_callback"}
    assert set(operations()) - set(secured()) == signing_in | {"get_node"}


@pytest.mark.parametrize("operation", secured())
def test_a_stranger_is_told_to_sign_in_at_every_route(lived: Lived, operation: str) -> None:
    method, path = anywhere(operation)
    refused(lived.api.request(method, path, json=example(operation)), 401, "unauthenticated")


@pytest.mark.parametrize("handler", COMMANDS.values(), ids=COMMANDS.keys())
def test_a_command_is_for_its_roles_only(lived: Lived, handler: Handler) -> None:
    method, path = anywhere(handler.name)
    for role in set(Role) - handler.roles:
        answer = lived.api.request(method, path, SOMEBODY[role], **_body(handler.name))
        problem = refused(answer, 403, "forbidden")
        assert problem["command"] == handler.name
        for allowed in handler.roles:
            assert allowed in problem["detail"]


def _body(operation: str) -> dict[str, Any]:
    if operation == "ingest_usage":
        row = '{"resource":"r","meter":"m","time":"2026-01-01T00:00:00Z","value":1}'
        return {"content": row, "headers": {"Content-Type": "application/x-ndjson"}}
    return {"json": example(operation)}


@pytest.mark.parametrize(
    "handler",
    [each for each in COMMANDS.values() if Role.FINANCE in each.roles and not each.everybody],
    ids=lambda handler: handler.name,
)
def test_a_countys_finance_office_gives_no_command_of_the_citys(
    lived: Lived, handler: Handler
) -> None:
    method, path = anywhere(handler.name)
    answer = lived.api.request(method, path, "finance-xiayi.a", **_body(handler.name))
    if handler.counties:
        assert answer.status_code != 403
    else:
        refused(answer, 403, "forbidden")


Foreign = Callable[[Lived], tuple[dict[str, str], dict[str, Any] | None]]
"""The ids of a thing of d01, d41, d03 or prov1, and the body of a command about it."""


def _thing(path: str, name: str, body: Any = None, **where: str) -> Foreign:
    """The first record of a list as the thing a command is about."""

    def found(lived: Lived) -> tuple[dict[str, str], dict[str, Any] | None]:
        return {name: lived.api.items(path, "finance.a", limit=500, **where)[0]["id"]}, body

    return found


def _of_d01(body: dict[str, Any] | None = None) -> Foreign:
    return _thing("requests", "request_id", body, department_id="d01")


def _given(ids: dict[str, str], body: dict[str, Any] | None = None) -> Foreign:
    return lambda lived: (ids, body)


def _foreign_file(lived: Lived) -> tuple[dict[str, str], dict[str, Any] | None]:
    """A file that somebody else sent, as what shall be imported."""
    return {}, {"file_id": everything(lived.api, "files")[0]["id"], "check_only": True}


def _foreign_budgets(lived: Lived) -> tuple[dict[str, str], dict[str, Any] | None]:
    return {}, {"file_id": everything(lived.api, "files")[0]["id"]}


STATEMENT = {"statement_id": "ST-2026-01/d03"}
BY_PROV1 = {"provider_id": "prov1"}

FOREIGN: list[tuple[str, str, Foreign]] = [
    ("draft_request", "d02.user", _given({}, {**example("draft_request"), "department_id": "d01"})),
    ("submit_request", "d02.user", _of_d01()),
    ("sign_request", "d02.lead", _of_d01({"decision": "approve"})),
    ("sign_request", "d42.reviewer",
     _thing("requests", "request_id", {"decision": "reject"}, department_id="d41")),
    ("resubmit_request", "d02.lead", _of_d01()),
    ("withdraw_request", "d02.lead", _of_d01({"reason": "not ours"})),
    ("edit_draft", "d02.user", _of_d01({"reason": "not ours"})),
    ("attach_file", "d02.user", _of_d01(example("attach_file"))),
    ("detach_file", "d02.user", _thing("attachments", "attachment_id", department_id="d01")),
    ("delegate_signing", "d02.lead", _given({}, {**example("delegate_signing")})),
    ("revoke_delegation", "d02.user", _thing("delegations", "delegation_id")),
    ("confirm_delivery", "d02.user", _of_d01({"accepted": True})),
    ("rate_service", "d02.user", _of_d01({"stars": 1})),
    ("register_application", "d02.user",
     _given({}, {**example("register_application"), "department_id": "d01"})),
    ("update_application", "d02.user",
     _given({"application_id": "A01"}, example("update_application"))),
    ("change_application_status", "d02.user",
     _given({"application_id": "A01"}, example("change_application_status"))),
    ("retire_application", "d02.user",
     _given({"application_id": "A01"}, example("retire_application"))),
    ("register_machine_room", "d02.user",
     _given({}, {**example("register_machine_room"), "department_id": "d01"})),
    ("update_machine_room", "d02.user",
     _thing("machine-rooms", "machine_room_id", example("update_machine_room"),
            department_id="d01")),
    ("dispose_machine_room", "d02.user",
     _thing("machine-rooms", "machine_room_id", example("dispose_machine_room"),
            department_id="d01")),
    ("register_network", "d02.user",
     _given({}, {**example("register_network"), "department_id": "d01"})),
    ("update_network", "d02.user",
     _thing("networks", "network_id", example("update_network"), department_id="d01")),
    ("integrate_network", "d02.user",
     _thing("networks", "network_id", example("integrate_network"), department_id="d01")),
    ("import_applications", "d02.user", _foreign_file),
    ("import_machine_rooms", "d02.user", _foreign_file),
    ("import_networks", "d02.user", _foreign_file),
    ("accept_trial", "d02.user", _thing("allocations", "allocation_id", department_id="d01")),
    ("stop_allocation", "d02.user", _thing("allocations", "allocation_id", department_id="d01")),
    ("start_allocation", "d02.user", _thing("allocations", "allocation_id", department_id="d01")),
    ("scale_allocation", "d02.user",
     _thing("allocations", "allocation_id", {"quantity": 2}, department_id="d01")),
    ("scale_allocation", "prov2.a",
     _thing("allocations", "allocation_id", {"quantity": 2}, **BY_PROV1)),
    ("schedule_allocation", "d02.user",
     _thing("allocations", "allocation_id", {"weekly": []}, department_id="d01")),
    ("ask_trial_extension", "d02.user",
     _thing("allocations", "allocation_id", {"reason": "not ours"}, department_id="d01")),
    ("confirm_statement", "d04.user", _given(STATEMENT)),
    ("confirm_statement", "d41.lead", _given(STATEMENT)),
    ("object_to_statement", "d04.lead",
     _given(STATEMENT, {"line_ids": ["RL-2026-01/ALC-00000001/001"], "reason": "not ours"})),
    ("submit_quote", "prov2.a",
     _given({}, {**example("submit_quote"), "contract_id": "HT-2025-01"})),
    ("draft_quote", "prov2.a",
     _given({}, {**example("draft_quote"), "contract_id": "HT-2025-01"})),
    ("send_quote", "prov2.a", _thing("quotes", "quote_id", **BY_PROV1)),
    ("withdraw_quote", "prov2.a",
     _thing("quotes", "quote_id", {"reason": "not ours"}, **BY_PROV1)),
    ("end_quote", "prov2.a", _thing("quotes", "quote_id", example("end_quote"), **BY_PROV1)),
    ("comment_on_proposal", "prov2.a",
     _thing("proposals", "proposal_id", example("comment_on_proposal"))),
    ("set_inventory", "prov2.a", _given({"pool_id": "kunpeng-a"}, example("set_inventory"))),
    ("state_pool_makeup", "prov2.a",
     _given({"pool_id": "kunpeng-a"}, example("state_pool_makeup"))),
    ("state_site_facts", "prov1.a",
     _given({"site_id": "site-remote"}, example("state_site_facts"))),
    ("submit_pool_report", "prov2.a",
     _given({"pool_id": "police-a"}, example("submit_pool_report"))),
    ("deliver_by_list", "prov2.a",
     _thing("work-orders", "work_order_id", example("deliver_by_list"), **BY_PROV1)),
    ("register_certificate", "prov2.a", _given({}, example("register_certificate"))),
    ("register_certificate", "d02.user",
     _given({}, {**example("register_certificate"), "subject_kind": "application",
                 "subject_id": "A01"})),
    ("declare_replica", "d02.user", _given({}, example("declare_replica"))),
    ("withdraw_replica", "d02.user",
     _thing("continuity/replicas", "replica_id", {"reason": "not ours"}, application_id="A01")),
    ("plan_drill", "d02.user",
     _given({}, {**example("plan_drill"), "application_id": "A01"})),
    ("record_drill", "d02.user",
     _thing("drills", "drill_id", example("record_drill"), department_id="d01")),
    ("cancel_drill", "d02.user",
     _thing("drills", "drill_id", {"reason": "not ours"}, department_id="d01")),
    ("accept_work_order", "prov2.a", _thing("work-orders", "work_order_id", **BY_PROV1)),
    ("complete_work_order", "prov2.a",
     _thing("work-orders", "work_order_id", {"deliveries": []}, **BY_PROV1)),
    ("refuse_work_order", "prov2.a",
     _thing("work-orders", "work_order_id", {"reason": "no"}, **BY_PROV1)),
    ("report_incident", "prov2.a",
     _given({}, {"pool_id": "kunpeng-a", "severity": "major", "description": "theirs is down"})),
    ("acknowledge_incident", "prov2.a", _thing("incidents", "incident_id", **BY_PROV1)),
    ("restore_incident", "prov2.a",
     _thing("incidents", "incident_id", {"cause": "none"}, **BY_PROV1)),
    ("appeal_assessment", "prov2.a",
     _thing("assessments", "assessment_id", {"text": "too good"}, **BY_PROV1)),
    ("confirm_settlement", "prov2.a", _thing("settlements", "settlement_id", **BY_PROV1)),
    ("record_invoice", "prov2.a",
     _thing("settlements", "settlement_id", example("record_invoice"), **BY_PROV1)),
    ("record_invoice", "opco.a",
     _thing("settlements", "settlement_id", example("record_invoice"), payee_id="prov1")),
    ("resolve_drift", "prov2.a",
     _thing("drift-findings", "finding_id", {"reason": "not ours"}, **BY_PROV1)),
    ("confirm_opening_line", "prov2.a", _thing("opening-lines", "line_id", **BY_PROV1)),
    ("object_opening_line", "d02.user",
     _thing("opening-lines", "line_id", {"reason": "not ours"}, department_id="d01")),
    ("ingest_usage", "prov2.a", _given({"pool_id": "kunpeng-a", "batch_id": "b-1"})),
    ("subscribe_webhook", "d02.lead", _given({}, example("subscribe_webhook"))),
    ("edit_webhook", "d02.lead",
     _thing("webhooks", "webhook_id", {"label": "mine"}, organisation_id="d01")),
    ("renew_webhook_secret", "prov2.a",
     _thing("webhooks", "webhook_id", organisation_id="prov1")),
    ("pause_webhook", "d02.lead", _thing("webhooks", "webhook_id", organisation_id="d01")),
    ("resume_webhook", "d02.lead", _thing("webhooks", "webhook_id", organisation_id="d01")),
    ("remove_webhook", "tech.a", _thing("webhooks", "webhook_id", organisation_id="d01")),
    ("ping_webhook", "prov2.a", _thing("webhooks", "webhook_id", organisation_id="prov1")),
    ("redeliver_webhook", "d02.lead",
     _thing("webhook-deliveries", "delivery_id", topic="webhook_ping")),
    ("read_notification", "d02.lead", _thing("notifications", "notification_id")),
    ("revoke_token", "d02.user", _given({"token_id": token_id(secret_of("d01.user"))})),
    ("import_budgets", "finance-xiayi.a", _foreign_budgets),
    ("record_budget_change", "finance-xiayi.a",
     _given({}, {**example("record_budget_change"), "payer_id": "finance-yucheng"})),
]  # fmt: skip
"""Command, who gives it with the right role in the wrong organisation, and what it is about."""

NOBODY_IS_FOREIGN = {
    "register_organisation", "register_user", "grant_role", "move_clock",  # administrators
    "register_region", "rename_organisation", "import_organisations",
    "merge_organisations", "split_organisation", "hand_over_applications",  # the authority
    "cancel_reorganisation", "set_adoption_target",
    "revoke_role", "deactivate_user", "reactivate_user", "reset_password", "link_subject",
    "change_password", "issue_token", "log_out",  # everybody's, about one's own account
    "read_notifications",
    "register_contract", "amend_contract", "terminate_contract",  # the authority
    "decide_quote", "publish_assessment", "resolve_appeal",
    "score_assessment", "register_pool", "move_pool", "set_quota", "move_quota",
    "close_incident",  # its centre
    "register_site", "edit_site", "edit_pool", "record_conformance", "change_management_level",
    "plan_migration_wave", "revise_migration_wave", "revoke_certificate",
    "decide_trial_extension", "reclaim_temporary",
    "declare_protected_period", "cancel_protected_period",
    "record_backup_agreement",
    "connect_pool", "pause_pool", "decide_pool_order", "retry_message",
    "cancel_job", "hurry_job",
    "wait_for_quotes", "go_on_with_review",
    "dispatch_request", "import_opening", "replace_opening", "edit_opening_line",  # the desk
    "sign_opening", "drop_opening", "confirm_opening_lines",  # the last counts one's own lines only
    "draft_proposal", "edit_proposal", "rebase_proposal", "open_proposal", "return_proposal",
    "co_sign_proposal", "publish_proposal", "drop_proposal",
    "draft_policy", "edit_policy", "return_policy", "co_sign_policy", "publish_policy",
    "drop_policy",
    "turn_fiscal_year", "close_period", "resolve_objection", "draft_settlements",
    "decide_coefficient",
    "review_settlement", "request_payment", "record_payment",  # the city's finance
}  # fmt: skip
"""Commands of the city's offices, which act for all, and those about one's own account."""


def test_every_command_of_one_organisation_is_tried_from_another() -> None:
    tried = {name for name, _, _ in FOREIGN}
    assert tried | NOBODY_IS_FOREIGN | {"upload_file"} == set(COMMANDS)  # a form, tried below
    assert not tried & NOBODY_IS_FOREIGN


@pytest.mark.parametrize(
    ("operation", "login", "foreign"), FOREIGN, ids=[f"{name} by {who}" for name, who, _ in FOREIGN]
)
def test_a_command_about_a_foreign_thing_finds_nothing(
    lived: Lived, operation: str, login: str, foreign: Foreign
) -> None:
    ids, body = foreign(lived)
    method, path = operations()[operation]
    more = {"json": body} if operation != "ingest_usage" else _body(operation)
    problem = refused(
        lived.api.request(method, filled(path, **ids), login, **more), 404, "not_found"
    )
    if not ids:
        return
    name, id = next(iter(ids.items()))
    absent = lived.api.request(method, filled(path, **{**ids, name: "absent"}), login, **more)
    assert absent.json()["detail"].replace("absent", id) == problem["detail"]


def test_a_file_is_not_sent_in_the_name_of_another_organisation(lived: Lived) -> None:
    sent = {"files": {"file": ("a.csv", b"a,b\n", "text/csv")}}
    for organisation in ("d01", "absent"):
        named = {"data": {"organisation_id": organisation}}
        answer = lived.api.request("POST", "files", "d02.user", **sent, **named)
        problem = refused(answer, 404, "not_found")
        assert f"'{organisation}'" in problem["detail"]


def test_the_owner_is_not_refused_where_the_stranger_is(lived: Lived) -> None:
    """The table above would also pass if everybody were refused."""
    order = lived.api.items("work-orders", "prov1.a")[0]["id"]
    again = lived.api.give("accept_work_order", "prov1.a", work_order_id=order)
    refused(again, 409, "illegal_transition")
    statement = lived.api.give("confirm_statement", "d03.user", statement_id="ST-2026-01/d03")
    refused(statement, 409, "illegal_transition")


def test_no_person_holds_two_of_the_three_administrators_roles(own_city: Api) -> None:
    body = {"login": "one.person", "name": "一人", "password": "a long pass phrase"}
    person = done(own_city.post("users", "authority.sysadmin", body))["id"]
    path = f"users/{person}/roles"
    grant = {"role": "system_admin", "organisation_id": "authority"}
    answer = own_city.post(path, "authority.secadmin", grant)
    refused(answer, 409, "password_not_own")  # whoever set it could act as the administrator
    with own_city.node.transaction() as world:
        world.put(replace(world.get(User, person), password_due=False))
    done(own_city.post(path, "authority.secadmin", grant))
    second = {"role": "audit_admin", "organisation_id": "authority"}
    refused(own_city.post(path, "authority.secadmin", second), 409, "separation_of_duties")


def test_two_grants_at_once_do_not_make_one_person_two_administrators(
    own_city: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    edge = Edge(own_city.node)
    meeting_at(monkeypatch, "cloudmgr.services.parties.check_separation")

    def grant(role: Role) -> Callable[[], Any]:
        command = GrantRole(user_id="authority.a", role=role, organisation_id="authority")
        secret = secret_of("authority.secadmin")
        return lambda: edge.perform(secret, command, key=None, request_id="")

    results = both(grant(Role.SYSTEM_ADMIN), grant(Role.AUDIT_ADMIN))
    assert [getattr(each, "code", "done") for each in results].count("separation_of_duties") == 1
    with own_city.node.reading() as world:
        held = {each.role for each in world.find(RoleGrant, user_id="authority.a", revoked=False)}
    assert len(held & SEPARATED) == 1
