"""Webhooks decided without a node: addresses, signatures, who hears what, a delivery's life."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta

import pytest

from catalog.errors import CloudmgrError
from cloudmgr.domain.notifications_topics import TOPICS
from cloudmgr.domain.parties import OrganisationKind
from cloudmgr.domain.webhooks import (
    Answer,
    DeliveryState,
    WebhookDelivery,
    begin,
    body_of,
    check_address,
    check_url,
    deliver_again,
    headers_of,
    hears,
    settle,
    signature,
)

NOW = datetime(2026, 3, 2, 1, tzinfo=UTC)
LATER = NOW + timedelta(seconds=10)


def a_delivery(**changed: object) -> WebhookDelivery:
    fields: dict[str, object] = {
        "id": "MSG-1.WHK-1",
        "webhook_id": "WHK-1",
        "organisation_id": "health",
        "message_id": "MSG-1",
        "topic": "statement_issued",
        "subject": "ST-1",
        "body": '{"id":"MSG-1.WHK-1"}',
        "at": NOW,
    }
    return WebhookDelivery(**(fields | changed))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "url",
    [
        "https://oa.example/cloud",
        "https://oa.example:8443/cloud?x=1",
        "https://10.1.2.3/cloud",
        "https://[fd00::1]/cloud",
    ],
)
def test_https_to_a_plainly_written_host_is_taken_also_on_an_offices_own_network(url: str) -> None:
    check_url(url, loopback=False)


@pytest.mark.parametrize(
    "url",
    [
        "http://oa.example/cloud",
        "ftp://oa.example/",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "https:///nohost",
        "https://user@oa.example/",
        "https://oa.example:pass@127.0.0.1/",
        "https://oa.example\\@127.0.0.1/",
        "https://oa.example/#there",
        "https://oa.example:0/",
        "https://oa.example:99999/",
        "https://oa .example/",
        "https://oa.example/\nHost: other",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://localhost/",
        "https://a.localhost/",
        "https://169.254.169.254/latest",
        "https://[fe80::1]/",
        "https://0.0.0.0/",
        "https://224.0.0.1/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0x7f.1/",
        "https://127.1/",
        "https://0177.0.0.1/",
        "https://政务.example/",
        "https://" + "a" * 500 + ".example/",
        "",
    ],
)
def test_an_address_in_disguise_or_without_protection_is_refused(url: str) -> None:
    with pytest.raises(CloudmgrError, match="no delivery can go") as refusal:
        check_url(url, loopback=False)
    assert refusal.value.code == "bad_webhook_url"


def test_this_machine_is_let_by_setting_only_and_nothing_else_with_it() -> None:
    for url in ("http://127.0.0.1:9000/", "http://localhost/", "https://[::1]/"):
        check_url(url, loopback=True)
    for url in ("http://oa.example/", "http://10.0.0.1/", "https://169.254.169.254/"):
        with pytest.raises(CloudmgrError):
            check_url(url, loopback=True)


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "::1", "::ffff:127.0.0.1", "169.254.1.1", "fe80::1%eth0", "0.0.0.0"]
)
def test_a_name_may_not_lead_to_this_machine_or_its_neighbours(address: str) -> None:
    with pytest.raises(CloudmgrError):
        check_address(address, loopback=False)
    check_address("10.0.0.1", loopback=False)


def test_a_signature_is_of_the_time_and_the_very_body() -> None:
    made = signature("cmw_secret", 1772413200, '{"a":"字"}')
    expected = hmac.new(b"cmw_secret", '1772413200.{"a":"字"}'.encode(), hashlib.sha256)
    assert made == f"v1={expected.hexdigest()}"
    assert signature("cmw_secret", 1772413201, '{"a":"字"}') != made
    assert signature("cmw_other", 1772413200, '{"a":"字"}') != made


def test_headers_name_the_delivery_the_same_at_every_attempt() -> None:
    first, second = begin(a_delivery(), NOW), begin(begin(a_delivery(), NOW), LATER)
    one, two = headers_of(first, "s", 1), headers_of(second, "s", 2)
    assert one["Cloudmgr-Delivery"] == two["Cloudmgr-Delivery"] == "MSG-1.WHK-1"
    assert (one["Cloudmgr-Attempt"], two["Cloudmgr-Attempt"]) == ("1", "2")
    assert one["Cloudmgr-Signature"] != two["Cloudmgr-Signature"]


def test_a_body_says_which_node_it_comes_from_and_whether_it_is_a_rehearsal() -> None:
    body = json.loads(
        body_of(
            "MSG-1.WHK-1",
            topic="statement_issued",
            subject="ST-1",
            payload={"department_id": "health"},
            at=NOW,
            city="reference",
            rehearsal=True,
        )
    )
    assert body["rehearsal"] is True
    assert body["city"] == "reference"
    assert datetime.fromisoformat(body["at"]) == NOW


@pytest.mark.parametrize(
    ("kind", "topic", "owner", "heard"),
    [
        (OrganisationKind.DEPARTMENT, "statement_issued", True, True),
        (OrganisationKind.DEPARTMENT, "statement_issued", False, False),
        (OrganisationKind.PROVIDER, "statement_issued", True, False),
        (OrganisationKind.PROVIDER, "pool_alarm", True, True),
        (OrganisationKind.PROVIDER, "pool_alarm", False, False),
        (OrganisationKind.PROVIDER, "catalog_in_force", False, True),
        (OrganisationKind.DEPARTMENT, "policy_published", True, False),
        (OrganisationKind.DATA_CENTRE, "statement_issued", False, True),
        (OrganisationKind.FINANCE, "sign_in_blocked", True, False),
    ],
)
def test_a_machine_hears_of_its_own_organisations_things(
    kind: OrganisationKind, topic: str, owner: bool, heard: bool
) -> None:
    assert hears(kind, TOPICS[topic], owner=owner, wanted=()) is heard
    assert not hears(kind, TOPICS[topic], owner=owner, wanted=("another",))


def test_failures_in_a_row_end_in_a_dead_delivery_that_can_be_sent_again() -> None:
    delivery = a_delivery()
    for failures in (1, 2):
        delivery = settle(begin(delivery, NOW), Answer(503), NOW, LATER, attempts=3)
        assert (delivery.state, delivery.failures) == (DeliveryState.WAITING, failures)
        assert delivery.due_at == LATER
    dead = settle(begin(delivery, NOW), Answer(None, "no answer"), NOW, LATER, attempts=3)
    assert (dead.state, dead.attempts, dead.problem) == (DeliveryState.DEAD, 3, "no answer")
    again = settle(begin(deliver_again(dead), NOW), Answer(204), LATER, LATER, attempts=3)
    assert (again.state, again.attempts, again.failures) == (DeliveryState.DELIVERED, 4, 0)
    assert again.delivered_at == LATER


@pytest.mark.parametrize("status", [199, 301, 302, 308, 404, 500])
def test_only_an_answer_of_two_hundred_and_some_counts_as_delivered(status: int) -> None:
    failed = settle(begin(a_delivery(), NOW), Answer(status), NOW, LATER, attempts=3)
    assert failed.state is DeliveryState.WAITING
    assert str(status) in failed.problem


def test_what_is_still_on_its_way_is_not_sent_twice_by_a_person() -> None:
    with pytest.raises(CloudmgrError, match="illegal_transition"):
        deliver_again(a_delivery())
