"""The rehearsal's clock: moved by the system administrator, forward, and never in production."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from cloudmgr.domain.access import Role
from cloudmgr.domain.node import NODE_ID, NodeSettings
from cloudmgr.domain.parties import (
    Organisation,
    OrganisationKind,
    Region,
    RegionLevel,
    RoleGrant,
    User,
)
from cloudmgr.store.migrate import upgrade
from cloudmgr.store.world import SqlNode
from cloudmgr.usage.lake import MemoryLake
from tests.support.api import Api, done, give_tokens, refused
from tests.support.january import a_draft, sign, submit


def move(api: Api, to: str, login: str | None = "authority.sysadmin") -> httpx.Response:
    return api.request("PUT", "rehearsal/clock", login, json={"now": to})


def test_the_clock_stands_where_it_was_moved_and_everything_is_dated_by_it(own_city: Api) -> None:
    moved = done(move(own_city, "2026-01-05T10:00:00+08:00"))
    assert moved["now"] == "2026-01-05T02:00:00Z"
    assert done(own_city.get("node"))["now"] == "2026-01-05T02:00:00Z"
    request = a_draft(own_city)
    read = done(own_city.get(f"requests/{request}", "d01.user"))
    assert read["created_at"] == "2026-01-05T02:00:00Z"


def test_what_falls_due_on_the_way_is_done_at_its_own_instant(own_city: Api) -> None:
    """An approved request that nobody dispatches expires after 15 working days."""
    done(move(own_city, "2026-01-05T10:00:00+08:00"))
    request = a_draft(own_city)
    submit(own_city, request)
    due = sign(own_city, request, "d01.lead", "opco.a", "tech.a")["due_at"]
    moved = done(move(own_city, "2026-02-20T10:00:00+08:00"))
    assert moved["dues_run"] >= 2, "the expiry, and the end of January"
    read = done(own_city.get(f"requests/{request}", "d01.user"))
    assert (read["state"], read["ended_at"]) == ("expired", due)
    assert done(own_city.get("periods/2026-01", "d01.user"))["state"] == "grace"


def test_the_clock_does_not_go_back(own_city: Api) -> None:
    done(move(own_city, "2026-01-05T10:00:00+08:00"))
    problem = refused(move(own_city, "2026-01-05T09:59:59+08:00"), 409, "clock_backwards")
    assert "2026-01-05T02:00:00+00:00" in problem["detail"]
    assert done(own_city.get("node"))["now"] == "2026-01-05T02:00:00Z"


def test_the_clock_moved_to_where_it_stands_does_nothing_again(own_city: Api) -> None:
    done(move(own_city, "2026-02-20T10:00:00+08:00"))
    assert done(move(own_city, "2026-02-20T10:00:00+08:00"))["dues_run"] == 0


@pytest.mark.parametrize(
    "login", ["d01.user", "finance.a", "authority.a", "authority.secadmin", "authority.auditadmin"]
)
def test_nobody_but_the_system_administrator_moves_the_clock(city: Api, login: str) -> None:
    refused(move(city, "2026-01-05T10:00:00+08:00", login), 403, "forbidden")
    refused(move(city, "2026-01-05T10:00:00+08:00", None), 401, "unauthenticated")


@pytest.mark.parametrize(
    "to", ["2026-01-05T10:00:00", "soon", "", "2026-02-30T00:00:00Z", "9999-12-31T23:59:59-12:00"]
)
def test_the_clock_is_moved_to_an_instant_with_its_offset(city: Api, to: str) -> None:
    problem = refused(move(city, to), 422, "malformed")
    assert problem["faults"][0]["where"] == "body.now"


def test_moving_the_clock_is_audited_with_the_request_id(own_city: Api) -> None:
    body = {"now": "2026-01-05T10:00:00+08:00"}
    headers = {"X-Request-Id": "tick-1"}
    done(
        own_city.request("PUT", "rehearsal/clock", "authority.sysadmin", json=body, headers=headers)
    )
    event = done(own_city.get("audit-events", "authority.auditadmin"))[-1]
    assert (event["command"], event["request_id"]) == ("move_clock", "tick-1")
    assert event["role"] == "system_admin"


@pytest.fixture
def production(tmp_path: Path) -> Iterator[Api]:
    """A node made for production, with its system administrator."""
    url = f"sqlite:///{tmp_path / 'node.db'}"
    upgrade(url)
    node = SqlNode(url, MemoryLake())
    made = datetime(2026, 1, 1, tzinfo=UTC)
    with node.transaction() as world:
        world.put(NodeSettings(id=NODE_ID, rehearsal=False, city="", created_at=made))
        world.put(Region(id="r", name_zh="市", name_en="City", level=RegionLevel.CITY))
        world.put(
            Organisation(
                id="office",
                kind=OrganisationKind.AUTHORITY,
                name_zh="数据局",
                name_en="Data bureau",
                region_id="r",
            )
        )
        world.put(User(id="root", login="root", name="管理员"))
        world.put(
            RoleGrant(id="g", user_id="root", role=Role.SYSTEM_ADMIN, organisation_id="office")
        )
        give_tokens(world, datetime.now(UTC))
    with Api(node) as api:
        yield api
    node.close()


def test_a_production_node_refuses_to_have_its_clock_moved(production: Api) -> None:
    refused(move(production, "2126-01-05T10:00:00+08:00", "root"), 409, "rehearsal_only")
    with production.node.reading() as world:
        assert world.get(NodeSettings, NODE_ID).clock is None


def test_a_production_node_has_the_machines_time(production: Api) -> None:
    told = done(production.get("node"))
    assert (told["rehearsal"], told["city"]) == (False, "")
    assert abs(datetime.fromisoformat(told["now"]) - datetime.now(UTC)).total_seconds() < 60
