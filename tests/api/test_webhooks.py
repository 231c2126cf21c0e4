"""Webhooks and the inbox over HTTP: a secret told once, pages of one's own, what is refused."""

from __future__ import annotations

import pytest

from cloudmgr.domain.webhooks import WebhookSecret
from tests.api.conftest import Lived
from tests.support.api import Api, done, refused


def subscribe(api: Api, **changed: object) -> dict[str, object]:
    body = {"organisation_id": "d05", "label": "oa", "url": "https://oa.example/x", **changed}
    made: dict[str, object] = done(api.give("subscribe_webhook", "d05.lead", body))
    return made


def test_a_secret_is_told_once_and_shown_nowhere_again(city: Api) -> None:
    made = subscribe(city)
    secret, webhook = str(made["secret"]), made["webhook"]
    assert secret.startswith("cmw_")
    assert isinstance(webhook, dict)
    path = f"webhooks/{webhook['id']}"
    renewed = done(city.post(f"{path}/secret", "d05.lead"))
    assert renewed["secret"] != secret
    ping = done(city.post(f"{path}/ping", "d05.lead"))
    for shown in (
        city.get(path, "d05.lead"),
        city.get("webhooks", "d05.lead"),
        city.get(f"webhook-deliveries/{ping['id']}", "d05.lead"),
    ):
        assert secret not in shown.text
        assert renewed["secret"] not in shown.text
    with city.node.reading() as world:  # it is kept, for it has to sign
        assert world.get(WebhookSecret, webhook["id"]).secret == renewed["secret"]


@pytest.mark.parametrize(
    "url", ["http://oa.example/", "https://a:b@oa.example/", "http://127.0.0.1:1/", "gopher://x/"]
)
def test_an_unsafe_address_is_refused_with_its_reason(city: Api, url: str) -> None:
    body = {"organisation_id": "d05", "label": "oa", "url": url}
    refused(city.give("subscribe_webhook", "d05.lead", body), 422, "bad_webhook_url")


def test_a_webhook_is_paused_resumed_and_removed(city: Api) -> None:
    webhook = subscribe(city, topics=["statement_issued"])["webhook"]
    assert isinstance(webhook, dict)
    path = f"webhooks/{webhook['id']}"
    assert done(city.post(f"{path}/pause", "d05.lead"))["state"] == "paused"
    refused(city.post(f"{path}/ping", "d05.lead"), 409, "webhook_not_active")
    assert done(city.post(f"{path}/resume", "d05.lead"))["state"] == "active"
    assert done(city.post(f"{path}/removal", "d05.lead"))["state"] == "removed"
    refused(city.post(f"{path}/resume", "d05.lead"), 409, "illegal_transition")
    refused(city.post(f"{path}/pause", "d06.lead"), 404, "not_found")


def test_whoever_subscribes_can_read_what_there_is_to_hear(city: Api) -> None:
    topics = {each["name"]: each for each in done(city.get("notifications/topics", "d05.lead"))}
    assert topics["statement_issued"]["webhooks"]
    for name, topic in topics.items():
        body = {"organisation_id": "d05", "label": "oa", "url": "https://oa.example/x"}
        if not topic["webhooks"]:
            asked = city.give("subscribe_webhook", "d05.lead", {**body, "topics": [name]})
            refused(asked, 422, "bad_value")


def test_people_page_through_their_own_news_and_mark_them_read(lived: Lived) -> None:
    api = lived.api
    mine = api.items("notifications", "d01.lead", limit=1)
    assert mine
    assert {each["user_id"] for each in mine} == {"d01.lead"}
    unread = done(api.get("notifications/unread", "d01.lead"))
    assert unread == {"unread": len([each for each in mine if not each["read"]]), "more": False}
    last = mine[-1]["id"]
    done(api.post("notifications/read", "d01.lead", {"up_to_id": last}))
    assert done(api.get("notifications/unread", "d01.lead"))["unread"] == 0
    assert api.items("notifications", "d01.lead", read="false") == []
    for other in ("authority.a", "d02.lead"):
        refused(api.get(f"notifications/{last}", other), 404, "not_found")
        refused(api.post(f"notifications/{last}/read", other), 404, "not_found")
