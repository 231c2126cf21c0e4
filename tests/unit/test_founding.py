"""A production node begins with a city, its authority and three administrators, and no more."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from catalog.errors import CloudmgrError
from cloudmgr.domain.access import SEPARATED
from cloudmgr.domain.audit import AuditDigest, sm3, verify
from cloudmgr.domain.billing import BillingPeriod
from cloudmgr.domain.parties import User
from cloudmgr.services.commands import perform
from cloudmgr.services.founding import Founding, found_city, make_node
from cloudmgr.services.memory import MemoryNode
from cloudmgr.services.parties import RegisterUser
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
