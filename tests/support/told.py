"""People and machines that are told: webhooks of three organisations, and what they and the people
have heard. A worker would bring it; here its receivers are called, and nothing is sent outside."""

from __future__ import annotations

from cloudmgr.domain.outbox import OutboxMessage
from cloudmgr.services.notifications import notify
from cloudmgr.services.webhooks import record_deliveries
from tests.support.api import Api, done

HEARD = 3
"""Messages of a topic that are brought to people."""


def webhooks_and_news(api: Api) -> None:
    for organisation, login in (
        ("d01", "d01.lead"),
        ("prov1", "prov1.a"),
        ("finance", "finance.a"),
    ):
        body = {"organisation_id": organisation, "label": "test", "url": "https://oa.example/cloud"}
        made = done(api.give("subscribe_webhook", login, body))["webhook"]
        done(api.give("ping_webhook", login, {}, webhook_id=made["id"]))
    with api.node.transaction() as world:
        for topic in ("assessment_published", "statement_issued"):
            for message in world.find(OutboxMessage, topic=topic, limit=HEARD):
                notify(world, message, message.at)
                record_deliveries(world, message, message.at)
