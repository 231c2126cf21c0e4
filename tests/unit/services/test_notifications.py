"""The inbox: who is told of what, once each, and who reads what."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from cloudmgr.domain.notifications import (
    NOT_SAID,
    Notification,
    Topic,
    notification,
    outside_payload,
)
from cloudmgr.domain.notifications_topics import TOPICS
from cloudmgr.domain.outbox import MessageState, OutboxMessage
from cloudmgr.domain.parties import Organisation, RoleGrant, User
from cloudmgr.services.leases import Workshop
from cloudmgr.services.notifications import ReadNotification, ReadNotifications, unread_of
from cloudmgr.services.reading import page
from cloudmgr.services.sessions import actor_of
from cloudmgr.services.worker import Worker
from cloudmgr.services.world import Message
from tests.support.assessments import at
from tests.support.requests import submitted
from tests.support.worlds import Town, a_town


@pytest.fixture
def town() -> Town:
    return a_town()


def say(town: Town, topic: str, subject: str = "S-1", **payload: Any) -> None:
    with town.transaction() as world:
        world.outbox(Message(topic=topic, subject=subject, payload=payload, at=town.now))


def work(town: Town) -> None:
    shop = Workshop(node=town, clock=lambda: town.now)
    Worker(shop, "w").run_until_idle()


def told(town: Town, topic: str) -> list[str]:
    return sorted(each.user_id for each in town.all(Notification, topic=topic))


def test_a_department_hears_of_its_own_statement_and_no_other_department_does(town: Town) -> None:
    say(town, "statement_issued", department_id="health", total="1.00")
    work(town)
    assert told(town, "statement_issued") == ["health.both", "health.lead", "health.user"]


def test_a_countys_finance_hears_of_its_departments_statements_only(town: Town) -> None:
    say(town, "statement_issued", department_id="county-health", total="1.00")
    work(town)
    assert "county-treasury.a" in told(town, "statement_issued")
    assert "treasury.a" not in told(town, "statement_issued"), "the city's is not of that county"


def test_the_citys_offices_are_told_and_a_countys_of_the_same_kind_are_not(town: Town) -> None:
    say(town, "pool_contact", pool_id="x86", contact="lost")
    work(town)
    heard = told(town, "pool_contact")
    assert {"centre.a", "desk.a", "prv.engineer"} <= set(heard)
    assert not {"county-centre.a", "rival.engineer", "health.user"} & set(heard)


def test_signers_named_in_the_message_are_told_and_nobody_else(town: Town) -> None:
    request = submitted(town)
    work(town)
    heard = list(town.all(Notification, topic="signature_asked"))
    assert {each.user_id for each in heard} == {
        name
        for message in town.all(OutboxMessage, topic="signature_asked")
        for name in message.payload["user_ids"]
    }
    assert heard
    assert all(request.id in each.text_zh and request.id in each.text_en for each in heard)


def test_who_has_left_or_lost_the_role_is_told_nothing(town: Town) -> None:
    town.change(town.look(User, "health.user"), active=False)
    grants = town.all(RoleGrant, user_id="health.lead")
    town.change(grants[0], revoked=True)
    grants = town.all(RoleGrant, user_id="health.both")
    for grant in grants:
        town.change(grant, valid_until=town.now)
    say(town, "delivery_uncovered", department_id="health", request_id="R-1")
    work(town)
    assert not [each for each in told(town, "delivery_uncovered") if each.startswith("health")]


def test_whoever_answers_for_an_ended_department_is_told_in_its_place(town: Town) -> None:
    town.change(town.look(Organisation, "health"), ended_at=town.now, successor_id="transport")
    say(town, "statement_issued", department_id="health", total="1.00")
    work(town)
    assert "transport.user" in told(town, "statement_issued")


def test_a_message_brought_twice_tells_nobody_twice_and_late_comers_are_still_told(
    town: Town,
) -> None:
    say(town, "policy_in_force", "policy-1", policy_id="policy-1")
    work(town)
    (message,) = town.all(OutboxMessage, topic="policy_in_force")
    first = told(town, "policy_in_force")
    with town.transaction() as world:  # as if the commit that marked it reached had been lost
        again = world.get(OutboxMessage, message.id)
        world.put_many(
            [replace(again, id="MSG-again", version=0, reached=(), state=MessageState.QUEUED)]
        )
        for each in world.find(Notification, message_id=message.id)[1:]:
            world.put(replace(each, message_id="MSG-again"))
    work(town)
    heard = Counter(each.user_id for each in town.all(Notification, message_id="MSG-again"))
    assert heard == dict.fromkeys(first, 1)


def test_a_topic_without_readers_at_work_is_no_fault(town: Town) -> None:
    say(town, "statement_issued", department_id="nobody-there")
    say(town, "unheard_of_topic")
    work(town)
    assert {each.state for each in town.all(OutboxMessage)} == {MessageState.SENT}
    assert not town.all(Notification)


def test_everybody_reads_their_own_only_the_citys_offices_too(town: Town) -> None:
    say(town, "policy_in_force", "policy-1", policy_id="policy-1")
    work(town)
    with town.reading() as world:
        mine = page(world, actor_of(world, "bureau.a"), Notification)
        assert {each.user_id for each in mine.items} == {"bureau.a"}
        assert unread_of(world, actor_of(world, "bureau.a")).unread == 1
    theirs = town.all(Notification, user_id="treasury.a")[0]
    assert town.code(ReadNotification(notification_id=theirs.id), "bureau.a") == "not_found"


def test_reading_up_to_one_leaves_what_came_later_and_keeps_the_first_time(town: Town) -> None:
    for number in range(3):
        say(town, "policy_in_force", f"policy-{number}", policy_id=f"policy-{number}")
    work(town)
    first, second, third = town.all(Notification, user_id="bureau.a")
    read = town.give(ReadNotification(notification_id=first.id), "bureau.a")
    done = town.give(ReadNotifications(up_to_id=second.id), "bureau.a")
    assert (done.marked, done.more) == (1, False)
    assert town.look(Notification, first.id).read_at == read.read_at
    assert not town.look(Notification, third.id).read
    assert not [each for each in town.all(Notification, user_id="bureau.b") if each.read]


@pytest.mark.parametrize("topic", TOPICS.values(), ids=lambda topic: topic.name)
def test_a_payload_that_says_less_leaves_a_dash_and_stops_no_message(topic: Topic) -> None:
    told = notification(
        topic, "a", message_id="MSG-1", subject="S-1", payload={}, at=at("01-05 09:00")
    )
    for text in (told.text_zh, told.text_en):
        assert "{" not in text
        assert "S-1" in text or NOT_SAID in text


def test_nothing_but_ids_and_a_few_facts_leaves_the_node() -> None:
    payload = {
        "department_id": "health",
        "pool_ids": ["a"],
        "user_ids": ["somebody"],
        "principal_id": "somebody",
        "total": "12.00",
        "score": "99",
        "before": "a name",
        "kind": "merge",
        "left": "1.00",
    }
    assert outside_payload(payload) == {
        "department_id": "health",
        "kind": "merge",
        "pool_ids": ["a"],
    }
