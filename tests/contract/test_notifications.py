"""People and webhooks are told in the commit that marks a message reached, in every world."""

from __future__ import annotations

from typing import Any

import pytest

from cloudmgr.domain import outbox as life
from cloudmgr.domain.access import Role
from cloudmgr.domain.node import NODE_ID, NodeSettings
from cloudmgr.domain.notifications import Notification
from cloudmgr.domain.outbox import OutboxMessage
from cloudmgr.domain.parties import Organisation, OrganisationKind, RoleGrant, User
from cloudmgr.domain.webhooks import DeliveryState, WebhookDelivery
from cloudmgr.services import outbox
from cloudmgr.services.commands import perform
from cloudmgr.services.notifications import ReadNotifications, notify
from cloudmgr.services.outbox import ALL_TOPICS, receives
from cloudmgr.services.sessions import actor_of
from cloudmgr.services.webhooks import (
    WEBHOOK_DELIVERY,
    SubscribeWebhook,
    record_deliveries,
)
from cloudmgr.services.worker import Worker
from cloudmgr.services.world import Message
from tests.contract.conftest import NodeUnderTest
from tests.contract.samples import NOON, region
from tests.contract.workshop import Machine, a_shop, forget_everybody, give

PEOPLE = ("a", "b", "c")


@pytest.fixture(autouse=True)
def only_these_listen(monkeypatch: pytest.MonkeyPatch) -> None:
    forget_everybody(monkeypatch)
    monkeypatch.setattr(outbox, "OWED", {WEBHOOK_DELIVERY})
    receives(ALL_TOPICS, name="inbox")(notify)
    receives(ALL_TOPICS, name="webhooks")(record_deliveries)


@pytest.fixture
def office(node: NodeUnderTest) -> NodeUnderTest:
    """An authority of three people, with a webhook."""
    with node.transaction() as world:
        world.put(NodeSettings(id=NODE_ID, rehearsal=False, city="test", created_at=NOON))
        world.put(region("city"))
        kind = OrganisationKind.AUTHORITY
        world.put(Organisation(id="bureau", kind=kind, name_zh="", name_en="", region_id="city"))
        for name in PEOPLE:
            world.put(User(id=name, login=name, name=name))
            world.put(
                RoleGrant(id=name, user_id=name, role=Role.AUTHORITY, organisation_id="bureau")
            )
    give(
        node,
        SubscribeWebhook(
            organisation_id="bureau", label="oa", url="https://oa.example", secret="cmw_s"
        ),
    )
    return node


def say(node: Any, *subjects: str) -> None:
    with node.transaction() as world:
        for id in subjects:
            payload = {"policy_id": id}
            world.outbox(Message(topic="policy_in_force", subject=id, payload=payload, at=NOON))


def counted(node: Any) -> tuple[int, int, int]:
    """Notifications, deliveries, and messages that are to bring deliveries out."""
    with node.reading() as world:
        return (
            len(world.find(Notification)),
            len(world.find(WebhookDelivery, state=DeliveryState.WAITING)),
            len(world.find(OutboxMessage, topic=WEBHOOK_DELIVERY)),
        )


def test_a_worker_that_dies_before_it_marks_a_message_reached_has_told_nobody(
    office: NodeUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the next one tells each person, and records each delivery, exactly once."""
    machine = Machine()
    shop = a_shop(office, machine)
    say(office, "p-1")

    def dies(message: OutboxMessage, receiver: str) -> OutboxMessage:
        raise KeyboardInterrupt

    with monkeypatch.context() as power:
        power.setattr(life, "reach", dies)
        with pytest.raises(KeyboardInterrupt):
            Worker(shop, "first").run_until_idle()
    assert counted(office) == (0, 0, 0)
    assert not Worker(shop, "second").run_once(), "the dead one's lease still holds"
    machine.goes_on(61)
    Worker(shop, "second").run_until_idle()
    assert counted(office) == (3, 1, 1)
    machine.goes_on(3600)
    Worker(shop, "third").run_until_idle()
    assert counted(office) == (3, 1, 1)


def test_news_stand_in_the_order_of_the_messages_and_are_read_up_to_one(
    office: NodeUnderTest,
) -> None:
    say(office, *(f"p-{number:02d}" for number in range(12)))
    Worker(a_shop(office, Machine()), "w").run_until_idle()
    with office.reading() as world:
        mine = world.find(Notification, user_id="a")
        people = {each.user_id for each in world.find(Notification)}
    assert [each.subject for each in mine] == [f"p-{number:02d}" for number in range(12)]
    assert people == set(PEOPLE)
    with office.transaction() as world:
        me = actor_of(world, "a")
        perform(world, ReadNotifications(up_to_id=mine[4].id), me, NOON)
    with office.reading() as world:
        assert len(world.find(Notification, read=True)) == 5
        assert {each.user_id for each in world.find(Notification, read=True)} == {"a"}
