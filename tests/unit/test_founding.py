"""A production node begins with a city, its authority and three administrators, and no more."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from catalog.errors import CloudmgrError
from catalog.load import find_version
from cloudmgr.cities.read import find_city
from cloudmgr.domain.access import SEPARATED
from cloudmgr.domain.audit import AuditDigest, sm3, verify
from cloudmgr.domain.billing import BillingPeriod
from cloudmgr.domain.parties import User
from cloudmgr.services.commands import perform
from cloudmgr.services.founding import (
    FirstRules,
    Founding,
    found_city,
    make_node,
    put_first_rules,
)
from cloudmgr.services.memory import MemoryNode
from cloudmgr.services.parties import RegisterUser
from cloudmgr.services.policies import policy_now
from cloudmgr.services.pricing import catalog_versions
from cloudmgr.services.sessions import actor_of, check_password

NOW = datetime(2026, 11, 20, 2, tzinfo=UTC)
PEOPLE = (("sys", "first-pass-1"), ("sec", "first-pass-2"), ("aud", "first-pass-3"))


def founded(people: tuple[tuple[str, str], ...] = PEOPLE) -> MemoryNode:
    node = MemoryNode()
    with node.transaction() as world:
        make_node(world, AuditDigest.SM3, NOW)
        found_city(world, Founding("示例市", "Sample City", people), NOW)
    return node


def test_three_people_hold_the_three_separate_roles_and_must_change_their_passwords() -> None:
    node = founded()
    with node.transaction() as world:
        roles = {login: {g.role for g in actor_of(world, login).grants} for login, _ in PEOPLE}
        assert set().union(*roles.values()) == SEPARATED
        assert all(len(held) == 1 for held in roles.values())
        assert all(user.password_due for user in world.find(User))
        assert check_password(world, "sys", "first-pass-1").id == "sys"
        assert [period.id for period in world.find(BillingPeriod)] == ["2026-11"]


def test_the_system_administrator_registers_the_next_person() -> None:
    node = founded()
    with node.transaction() as world:
        command = RegisterUser(login="finance", name="Finance", password="a-long-password-9")
        perform(world, command, actor_of(world, "sys"), NOW)
        with pytest.raises(CloudmgrError) as refused:
            perform(world, command, actor_of(world, "aud"), NOW)
    assert refused.value.code == "forbidden"


def test_one_person_cannot_be_two_of_the_three() -> None:
    with pytest.raises(CloudmgrError, match="three people"):
        founded((PEOPLE[0], PEOPLE[0], PEOPLE[1]))


def test_the_chain_begins_in_the_digest_asked_for() -> None:
    assert verify(founded().events, sm3) == 1


def test_the_first_rules_are_put_once_and_the_next_are_drafted_on_them() -> None:
    node = founded()
    city = find_city("reference")
    rules = FirstRules(
        policy=city.policy, catalog=find_version(city.catalog_id), scheme=city.scheme
    )
    with node.transaction() as world:
        put = put_first_rules(world, rules, NOW)
        assert policy_now(world, NOW).id == city.policy.id
        assert [each.id for each in catalog_versions(world)] == [city.catalog_id]
        events = [each.subject for each in node.events if each.command == "put_first_rules"]
        assert tuple(events) == put
        with pytest.raises(CloudmgrError) as refused:
            put_first_rules(world, FirstRules(scheme=replace(city.scheme, id="second")), NOW)
    assert refused.value.code == "already_exists"


def test_first_rules_rest_on_a_paper_and_begin_at_a_midnight() -> None:
    policy = find_city("reference").policy
    late = replace(policy, effective_from=policy.effective_from.replace(minute=1))
    for wrong in (late, replace(policy, document_number=" ")):
        node = founded()
        with node.transaction() as world, pytest.raises(CloudmgrError) as refused:
            put_first_rules(world, FirstRules(policy=wrong), NOW)
        assert refused.value.code == "bad_value"
        assert refused.value.details["field"] in {"effective_from", "document_number"}
