"""Copies as they are asked for, placed, delivered and declared; and the list of gaps."""

from __future__ import annotations

from typing import Any

import pytest

from cloudmgr.domain.applications import DeploymentStatus, DrMode
from cloudmgr.domain.continuity import GapKind, Replica, ReplicaRole
from cloudmgr.domain.requests import RequestKind
from cloudmgr.services.continuity import DeclareReplica, WithdrawReplica, find_gaps
from tests.support.assessments import at
from tests.support.requests import a_line, completed, drafted, running, submitted
from tests.support.sites import a_town_of_three_sites, an_agreement
from tests.support.worlds import Town, an_application


def a_town_with(mode: DrMode, *, agreed: bool = True) -> Town:
    town = a_town_of_three_sites(agreed=agreed)
    application = an_application()
    town.change(application, state=DeploymentStatus.ON_CLOUD, dr_mode=mode)
    return town


def gaps(town: Town, who: str = "centre.a") -> list[tuple[str, GapKind]]:
    with town.reading() as world:
        found = find_gaps(world, town.actor(who), town.now)
    return [(gap.application_id, gap.kind) for gap in found]


def a_copy(primary: str, role: ReplicaRole, **changed: Any) -> Any:
    return a_line(primary_id=primary, replica_role=role, **changed)


def declare(primary: str, copy: str, **changed: Any) -> DeclareReplica:
    fields: dict[str, Any] = {"role": ReplicaRole.REPLICA} | changed
    return DeclareReplica(primary_id=primary, allocation_id=copy, **fields)


def test_a_replica_goes_to_the_other_site_of_the_city_and_closes_the_gap_when_delivered() -> None:
    town = a_town_with(DrMode.SAME_CITY_ACTIVE)
    primary = running(town, a_line(pool_id="x86"))
    assert gaps(town) == [("health-app", GapKind.MISSING_REPLICA)]
    copy = running(town, a_copy(primary.id, ReplicaRole.REPLICA))
    assert copy.pool_id == "mirror"
    (declared,) = town.all(Replica)
    assert (declared.primary_id, declared.allocation_id) == (primary.id, copy.id)
    assert gaps(town) == []


def test_the_choice_names_the_filter_and_how_far_the_copy_stands() -> None:
    town = a_town_with(DrMode.SAME_CITY_ACTIVE)
    primary = running(town, a_line(pool_id="x86"))
    at_home = a_copy(primary.id, ReplicaRole.REPLICA, pool_id="x86")
    with pytest.raises(Exception, match="x86 refused by separation"):
        submitted(town, at_home)
    request = completed(town, a_copy(primary.id, ReplicaRole.REPLICA))
    assert "21 km from site" in request.placement[0]


def test_a_remote_backup_goes_to_the_partner_city_under_an_agreement_in_force() -> None:
    town = a_town_with(DrMode.REMOTE_BACKUP, agreed=False)
    primary = running(town, a_line(pool_id="x86"))
    wanted = a_copy(primary.id, ReplicaRole.BACKUP)
    with pytest.raises(Exception, match="vault refused by agreement"):
        submitted(town, wanted)
    town.give(an_agreement(), "bureau.a")
    assert running(town, wanted).pool_id == "vault"
    assert gaps(town) == []


def test_an_agreement_that_ends_is_told_and_leaves_a_gap_until_it_is_renewed() -> None:
    town = a_town_with(DrMode.REMOTE_BACKUP)
    primary = running(town, a_line(pool_id="x86"))
    running(town, a_copy(primary.id, ReplicaRole.BACKUP))
    town.wait("12-31 00:00")
    assert gaps(town) == [("health-app", GapKind.AGREEMENT_EXPIRED)]
    assert "backup_agreement_expired" in {each.topic for each in town.messages}
    renewed = an_agreement(
        number="test agreement 2",
        starts_at=at("12-30 00:00"),
        ends_at=at("12-31 00:00").replace(year=2027),
    )
    town.give(renewed, "centre.a")
    assert gaps(town) == []


def test_an_agreement_renewed_in_time_is_told_to_nobody() -> None:
    town = a_town_with(DrMode.REMOTE_BACKUP)
    end = at("12-31 00:00").replace(year=2027)
    town.give(an_agreement(number="test agreement 2", ends_at=end), "bureau.a")
    town.wait("12-31 00:00")
    assert "backup_agreement_expired" not in {each.topic for each in town.messages}


def test_agreements_are_about_a_partners_site_and_made_by_the_city() -> None:
    town = a_town_of_three_sites()
    assert town.code(an_agreement(site_id="second"), "bureau.a") == "bad_value"
    assert town.code(an_agreement(ends_at=at("01-01 00:00")), "bureau.a") == "bad_value"
    assert town.code(an_agreement(), "health.user") == "forbidden"


def test_what_runs_already_is_declared_by_its_department() -> None:
    town = a_town_with(DrMode.SAME_CITY_ACTIVE)
    primary, copy = (running(town, a_line(pool_id=each)) for each in ("x86", "mirror"))
    assert town.code(declare(primary.id, copy.id), "transport.user") == "not_found"
    assert town.code(declare(primary.id, primary.id), "health.user") == "bad_value"
    made = town.give(declare(primary.id, copy.id), "health.user")
    assert gaps(town) == []
    assert town.code(declare(primary.id, copy.id), "health.user") == "bad_value", "already one"
    withdraw = WithdrawReplica(replica_id=made.id, reason="switched off")
    assert town.code(withdraw, "transport.user") == "not_found"
    town.give(withdraw, "health.user")
    assert gaps(town) == [("health-app", GapKind.MISSING_REPLICA)]
    assert town.code(withdraw, "health.user") == "bad_value"


def test_a_copy_of_another_application_is_none() -> None:
    town = a_town_with(DrMode.SAME_CITY_ACTIVE)
    primary = running(town, a_line(pool_id="x86"))
    foreign = running(town, a_line(pool_id="mirror"), department="transport")
    assert town.code(declare(primary.id, foreign.id), "centre.a") == "bad_value"
    of_theirs = a_copy(foreign.id, ReplicaRole.REPLICA)
    with pytest.raises(Exception, match="there is no Allocation"):
        submitted(town, of_theirs)


def test_a_copy_at_the_same_site_is_a_gap() -> None:
    town = a_town_with(DrMode.SAME_CITY_ACTIVE)
    primary, copy = (running(town, a_line(pool_id="x86")) for _ in range(2))
    town.give(declare(primary.id, copy.id), "health.user")
    assert gaps(town) == [("health-app", GapKind.SAME_SITE)]


def test_a_copy_that_was_released_counts_no_more() -> None:
    town = a_town_with(DrMode.SAME_CITY_ACTIVE)
    primary = running(town, a_line(pool_id="x86"))
    copy = running(town, a_copy(primary.id, ReplicaRole.REPLICA))
    completed(town, a_line(allocation_id=copy.id), kind=RequestKind.RELEASE)
    assert gaps(town) == [("health-app", GapKind.MISSING_REPLICA)]


def test_a_primary_that_is_relocated_keeps_its_copy_and_its_distance() -> None:
    town = a_town_with(DrMode.SAME_CITY_ACTIVE)
    primary = running(town, a_line(pool_id="x86"))
    running(town, a_copy(primary.id, ReplicaRole.REPLICA))
    moved = running(town, a_line(allocation_id=primary.id), kind=RequestKind.RELOCATE)
    assert moved.pool_id == "kunpeng", "the other pool of its site; `mirror` holds the copy"
    assert gaps(town) == []


def test_a_line_names_a_primary_with_a_role_and_only_where_something_begins() -> None:
    town = a_town_with(DrMode.SAME_CITY_ACTIVE)
    primary = running(town, a_line(pool_id="x86"))
    for line, kind in (
        (a_line(primary_id=primary.id), RequestKind.NEW),
        (a_line(replica_role=ReplicaRole.REPLICA), RequestKind.NEW),
        (
            a_copy(primary.id, ReplicaRole.REPLICA, allocation_id=primary.id),
            RequestKind.RENEW,
        ),
    ):
        with pytest.raises(Exception, match="copy"):
            drafted(town, line, kind=kind)


def test_everybody_sees_the_gaps_of_their_own() -> None:
    town = a_town_with(DrMode.SAME_CITY_ACTIVE)
    assert gaps(town, "health.user") == [("health-app", GapKind.MISSING_REPLICA)]
    assert gaps(town, "transport.user") == []
    assert gaps(town, "prv.engineer") == []
    with town.reading() as world:
        actor = town.actor("transport.user")
        assert find_gaps(world, actor, town.now, "health") == ()
        assert len(find_gaps(world, town.actor("bureau.a"), town.now, "health")) == 1
