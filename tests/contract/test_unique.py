"""Fields a kind calls UNIQUE: no two records have the same value, in memory and on both databases,
whoever is first among processes."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from cloudmgr.domain.errors import Conflict
from cloudmgr.domain.parties import Region, User
from cloudmgr.store.world import SqlNode
from tests.contract.conftest import NodeUnderTest
from tests.contract.samples import region

ROOT = Path(__file__).resolve().parents[2]
PROCESSES = 4


def user(id: str, login: str | None = None, subject: str | None = None) -> User:
    return User(id=id, login=login or id, name=id, oidc_subject=subject)


def test_a_second_record_with_the_value_is_refused_and_the_first_stays(
    node: NodeUnderTest,
) -> None:
    with node.transaction() as world:
        world.put(user("first", "wang"))
    with node.transaction() as world:
        with pytest.raises(Conflict, match="already_exists: another User"):
            world.put(user("second", "wang"))
        world.put(region("after"))  # the transaction goes on
    with node.reading() as world:
        assert [each.id for each in world.find(User)] == ["first"]
        assert world.find(Region)


def test_a_taken_id_is_told_as_such(node: NodeUnderTest) -> None:
    with node.transaction() as world:
        world.put(user("first", "wang"))
        with pytest.raises(Conflict, match="already_exists: User 'first'"):
            world.put(user("first", "li"))


def test_a_change_to_a_value_that_another_has_is_refused(node: NodeUnderTest) -> None:
    with node.transaction() as world:
        world.put(user("first", subject="s-1"))
        held = world.put(user("second", subject="s-2"))
    with node.transaction() as world:
        with pytest.raises(Conflict, match="already_exists: another User"):
            world.put(replace(held, oidc_subject="s-1"))
        kept = world.put(replace(held, name="renamed"))
    with node.reading() as world:
        assert world.get(User, "second") == kept
        assert kept.oidc_subject == "s-2"


def test_a_value_given_up_is_free_again(node: NodeUnderTest) -> None:
    with node.transaction() as world:
        held = world.put(user("first", subject="s-1"))
        world.put(replace(held, oidc_subject=None))
        world.put(user("second", subject="s-1"))


def test_no_value_is_nobodys(node: NodeUnderTest) -> None:
    with node.transaction() as world:
        world.put_many([user("first"), user("second"), user("third")])


def test_of_many_at_once_all_or_none_are_stored(node: NodeUnderTest) -> None:
    with node.transaction() as world:
        world.put(user("first", "wang"))
        for fresh in (
            [user("a"), user("b", "wang"), user("c")],
            [user("a", "li"), user("b", "li")],
        ):
            with pytest.raises(Conflict, match="already_exists: another User"):
                world.put_many(fresh)
        with pytest.raises(Conflict, match="already_exists: User 'first'"):
            world.put_many([user("d"), user("first", "zhao")])
    with node.reading() as world:
        assert [each.id for each in world.find(User)] == ["first"]


REGISTER = """
import sys
from cloudmgr.domain.errors import Conflict
from cloudmgr.domain.parties import User
from cloudmgr.services.world import next_id
from cloudmgr.store.world import SqlNode
from cloudmgr.usage.lake import MemoryLake

url, name = sys.argv[1:]
node = SqlNode(url, MemoryLake(), durable=False)
for number in range(20):
    try:
        with node.transaction() as world:
            world.put(User(id=next_id(world, name), login=f"login-{number}", name=name))
        print("made")
    except Conflict as refused:
        assert refused.code == "already_exists", refused
node.close()
"""


def test_of_processes_that_register_one_login_at_once_one_does(url: str, sql: SqlNode) -> None:
    crowd = [
        subprocess.Popen(
            [sys.executable, "-c", REGISTER, url, f"P{number}"],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(PROCESSES)
    ]
    told = [each.communicate(timeout=120) for each in crowd]
    assert [each.returncode for each in crowd] == [0] * PROCESSES, told
    assert sum(out.count("made") for out, _ in told) == 20
    with sql.reading() as world:
        assert sorted(each.login for each in world.find(User)) == sorted(
            f"login-{number}" for number in range(20)
        )
