"""What an application must have elsewhere, where that is, and what is missing of it."""

from __future__ import annotations

from typing import Any

import pytest

from cloudmgr.domain.applications import Application, DeploymentStatus, DrMode
from cloudmgr.domain.continuity import (
    BackupAgreement,
    ContinuityRules,
    DrLevelTerms,
    DrModeTerms,
    GapKind,
    Replica,
    ReplicaRole,
    Standing,
    agreed,
    gaps_of,
    needs_of,
    obligations_of,
    place_of,
)
from cloudmgr.domain.continuity_sites import Place, SeparationRules, metres_between, misplaced
from tests.support.assessments import at
from tests.support.sites import FAR, SECOND, a_site
from tests.support.worlds import an_application

HOME = a_site()
RULES = ContinuityRules(
    levels=(
        DrLevelTerms(level=5, source="test", rto_minutes=60, rpo_minutes=10),
        DrLevelTerms(level=2, source="test"),
    ),
    modes=(
        DrModeTerms(mode=DrMode.SAME_CITY_ACTIVE, source="test", rto_minutes=30, rpo_minutes=5),
    ),
)


def active(**changed: Any) -> Application:
    fields: dict[str, Any] = {
        "dr_mode": DrMode.SAME_CITY_ACTIVE,
        "dr_level": 5,
        "state": DeploymentStatus.ON_CLOUD,
    }
    return an_application(**(fields | changed))


def a_replica(**changed: Any) -> Replica:
    fields: dict[str, Any] = {
        "id": "REP-1",
        "primary_id": "AL-1",
        "allocation_id": "AL-2",
        "role": ReplicaRole.REPLICA,
        "application_id": "health-app",
        "department_id": "health",
        "declared_by": "health.user",
        "declared_at": at("01-05 09:00"),
    }
    return Replica(**(fields | changed))


def standing(site: Any = SECOND, *, agreed: bool = True, **replica: Any) -> Standing:
    return Standing(replica=a_replica(**replica), primary_site=HOME, site=site, agreed=agreed)


def kinds(*standings: Standing, rules: ContinuityRules = RULES, **how: Any) -> list[GapKind]:
    return [gap.kind for gap in gaps_of(active(**how), standings, rules)]


def test_distances_agree_with_the_great_circle_to_a_thousandth() -> None:
    # By the haversine formula, worked out apart from the code.
    assert abs(metres_between(HOME, SECOND) - 21_495) < 22
    assert abs(metres_between(HOME, FAR) - 324_180) < 325
    assert metres_between(HOME, HOME) == 0
    assert metres_between(HOME, SECOND) == metres_between(SECOND, HOME)


def test_the_date_line_is_no_distance() -> None:
    west, east = a_site(east=59_999_000), a_site(id="b", east=-299_999_000)
    assert metres_between(west, east) < 300


@pytest.mark.parametrize(
    ("site", "place", "wrong"),
    [
        (HOME, Place.SAME_CITY, "same_site"),
        (a_site(id="next door", north=1000), Place.SAME_CITY, "too_close"),
        (SECOND, Place.SAME_CITY, None),
        (FAR, Place.SAME_CITY, "too_far"),
        (HOME, Place.REMOTE, "same_site"),
        (SECOND, Place.REMOTE, "too_close"),
        (FAR, Place.REMOTE, None),
    ],
)
def test_a_copy_stands_as_far_away_as_its_place_asks(
    site: Any, place: Place, wrong: str | None
) -> None:
    found = misplaced(HOME, site, place, SeparationRules())
    assert (found and found[0]) == wrong


def test_the_mode_says_which_copies_an_application_owes() -> None:
    assert [(each.role, each.place) for each in obligations_of(active(), RULES)] == [
        (ReplicaRole.REPLICA, Place.SAME_CITY)
    ]
    remote = active(dr_mode=DrMode.REMOTE_BACKUP)
    assert [(each.role, each.place) for each in obligations_of(remote, RULES)] == [
        (ReplicaRole.BACKUP, Place.REMOTE)
    ]
    assert obligations_of(active(dr_mode=DrMode.LOCAL_BACKUP), RULES) == ()


def test_a_policy_may_ask_a_remote_backup_from_a_level_on() -> None:
    rules = ContinuityRules(remote_backup_from_level=5)
    assert len(obligations_of(active(), rules)) == 2
    assert len(obligations_of(active(dr_level=4), rules)) == 1


def test_what_is_not_on_the_cloud_yet_owes_nothing_but_is_placed_as_it_will() -> None:
    planned = active(state=DeploymentStatus.PLANNED)
    assert obligations_of(planned, RULES) == ()
    assert needs_of(planned, RULES)
    assert place_of(ReplicaRole.REPLICA, planned, RULES) is Place.SAME_CITY
    assert place_of(ReplicaRole.BACKUP, planned, RULES) is None


def test_a_copy_at_the_right_place_closes_every_gap() -> None:
    assert kinds(standing()) == []
    assert kinds(standing(HOME), standing(SECOND)) == []


def test_no_copy_is_a_gap_and_a_backup_is_no_replica() -> None:
    assert kinds() == [GapKind.MISSING_REPLICA]
    assert kinds(standing(role=ReplicaRole.BACKUP)) == [GapKind.MISSING_REPLICA]


def test_a_running_replica_serves_as_a_backup_too() -> None:
    assert kinds(standing(FAR), dr_mode=DrMode.REMOTE_BACKUP, dr_level=2) == []


def test_what_is_wrong_with_each_copy_is_said() -> None:
    assert kinds(standing(HOME), standing(FAR)) == [GapKind.SAME_SITE, GapKind.TOO_FAR]


def test_a_partners_site_without_an_agreement_is_a_gap() -> None:
    found = gaps_of(
        active(dr_mode=DrMode.REMOTE_BACKUP, dr_level=2), [standing(FAR, agreed=False)], RULES
    )
    assert [gap.kind for gap in found] == [GapKind.AGREEMENT_EXPIRED]
    assert "partner city" in found[0].finding


def test_a_promise_weaker_than_the_level_is_a_gap_and_the_copys_own_goes_before_the_modes() -> None:
    slow = (DrModeTerms(mode=DrMode.SAME_CITY_ACTIVE, source="t", rto_minutes=61, rpo_minutes=11),)
    rules = ContinuityRules(levels=RULES.levels, modes=slow)
    assert kinds(standing(), rules=rules) == [GapKind.RTO_NOT_MET, GapKind.RPO_NOT_MET]
    assert kinds(standing(rto_minutes=60), rules=rules) == [GapKind.RPO_NOT_MET]
    assert kinds(standing(rto_minutes=60, rpo_minutes=10), rules=rules) == []


def test_figures_nobody_set_are_no_gap() -> None:
    assert kinds(standing(rto_minutes=9999), dr_level=2) == []
    assert kinds(standing(), rules=ContinuityRules()) == []


def test_an_agreement_holds_from_its_start_up_to_its_end() -> None:
    agreement = BackupAgreement(
        id="AGR-1",
        number="1",
        partner_city="partner city",
        site_id="far",
        starts_at=at("02-01 00:00"),
        ends_at=at("03-01 00:00"),
        scope="data",
        mutual=True,
    )
    assert not agreed(FAR, [agreement], at("01-31 23:59"))
    assert agreed(FAR, [agreement], at("02-01 00:00"))
    assert not agreed(FAR, [agreement], at("03-01 00:00"))
    assert agreed(HOME, [], at("02-01 00:00"))
