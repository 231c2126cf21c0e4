"""What a node pulls from connected pools: figures, readings, health, alarms, and drift."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from catalog.quantity import ResourceClass
from cloudmgr.domain.capacity import Inventory, inventory_id
from cloudmgr.domain.drift import DriftFinding, DriftKind, DriftState
from cloudmgr.domain.jobs import Job, JobState
from cloudmgr.domain.pools import ManagementLevel, ResourcePool
from cloudmgr.domain.pools_connection import PULLS, Contact, PoolAlarm, PoolConnection
from cloudmgr.domain.pools_interface import ProvisionOrder, ResizeOrder
from cloudmgr.domain.usage import UsageBatch
from cloudmgr.pools import pulls
from cloudmgr.services.drift import ResolveDrift, keep_findings
from cloudmgr.services.jobs import CancelJob
from cloudmgr.services.pools_connection import ConnectPool, PausePool
from simulator.pool.lies import Lie
from tests.pools.serving import an_order, client_of, free_port, serving
from tests.pools.works import Works, a_working_town, connected, pool_of, there
from tests.support.requests import approved, confirmed, dispatched


@pytest.fixture
def town(tmp_path: Path) -> Works:
    return a_working_town(tmp_path)


def job(town: Works, kind: str) -> Job:
    (found,) = town.all(Job, kind=kind)
    return found


def later(town: Works) -> None:
    """Two hours pass, and what recurs runs again."""
    town.machine.now += timedelta(hours=2)
    town.work()


def test_a_pool_at_monitoring_level_is_read_and_never_ordered_from(
    town: Works, tmp_path: Path
) -> None:
    level = ManagementLevel.MONITORING
    town.change(town.look(ResourcePool, "x86"), management_level=level)
    with serving(tmp_path / "pool", "--id", "x86") as url:
        town.give(ConnectPool(pool_id="x86", url=url), "centre.a")
        request = dispatched(town, approved(town))
        town.work()
        assert {each.kind for each in town.all(Job) if each.runs == 1} == set(PULLS)
        assert {each.reference[:12] for each in (e for r in there(url).values() for e in r)} == {
            "x86-EARLIER-"
        }
        inventory = town.look(Inventory, inventory_id("x86", ResourceClass.VCPU))
        assert inventory.total == 2_000, "as reported"
        assert inventory.held > 0, "what is held stays"
        assert town.look(PoolConnection, "x86").contact is Contact.OK
        (alarm,) = town.all(PoolAlarm)
        assert alarm.external_id == "AL-00000001"
        assert len(town.all(UsageBatch)) == 2
        assert town.all(DriftFinding, kind=DriftKind.UNKNOWN_HERE, state=DriftState.OPEN)
        assert request.id


def test_the_same_again_changes_nothing(town: Works, tmp_path: Path) -> None:
    with serving(tmp_path / "pool", "--id", "x86") as url:
        connected(town, url)
        town.work()
        kinds = (Inventory, PoolAlarm, UsageBatch, DriftFinding, PoolConnection)
        before = [town.all(kind) for kind in kinds]
        events = len(town.events)
        later(town)
        assert job(town, "pool_usage").runs == 2
        assert [town.all(kind) for kind in kinds] == before
        assert len(town.events) == events


def test_a_pool_that_is_gone_is_seen_to_be_silent_and_comes_back(
    town: Works, tmp_path: Path
) -> None:
    connected(town, f"http://127.0.0.1:{free_port()}")
    town.work()
    connection = town.look(PoolConnection, "x86")
    assert connection.contact is Contact.SILENT
    assert "does not answer" in connection.problem
    usage = job(town, "pool_usage")
    assert (usage.state, usage.failures) == (JobState.QUEUED, 1)
    assert usage.problem.startswith(("pool_unreachable", "pool_circuit_open"))
    with pool_of(town, tmp_path / "pool"):
        later(town)
        assert town.look(PoolConnection, "x86").contact is Contact.OK
    told = [each.payload["contact"] for each in town.messages if each.topic == "pool_contact"]
    assert told == ["silent", "ok"]


def test_usage_goes_on_behind_the_batches_already_taken(
    town: Works, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    take = pulls._take_batch

    def cut_short(held: object, client: object, pool_id: str, file: object) -> None:
        asked.append(file.id)  # type: ignore[attr-defined]
        if len(asked) == 2:
            raise ZeroDivisionError("killed between two batches")
        take(held, client, pool_id, file)  # type: ignore[arg-type]

    monkeypatch.setattr(pulls, "_take_batch", cut_short)
    with serving(tmp_path / "pool", "--id", "x86") as url:
        connected(town, url)
        town.work()
        assert len(town.all(UsageBatch)) == 1
        assert job(town, "pool_usage").cursor == "2026-01-01"
        later(town)
        assert len(town.all(UsageBatch)) == 2
        assert job(town, "pool_usage").cursor == "2026-01-02"


def test_a_batch_that_changes_under_its_id_is_not_taken(town: Works, tmp_path: Path) -> None:
    with serving(tmp_path / "pool", "--id", "x86", "--lie", str(Lie.CHANGED_BATCH)) as url:
        connected(town, url)
        with client_of(url) as client:
            for file in client.usage():  # the first answer is honest, every second one lies
                client.usage_content(file)
        town.work()
        assert not town.all(UsageBatch)
        assert "pool_broke_interface" in job(town, "pool_usage").problem


def test_a_paused_pool_and_a_cancelled_pull_ask_nothing(town: Works, tmp_path: Path) -> None:
    with serving(tmp_path / "pool", "--id", "x86") as url:
        connected(town, url)
        town.give(PausePool(pool_id="x86", paused=True), "centre.a")
        pull = CancelJob(job_id=job(town, "pool_health").id, reason="no more")
        town.give(pull, "bureau.system")
        town.work()
        assert not town.all(UsageBatch)
        assert town.look(PoolConnection, "x86").contact is Contact.UNKNOWN
        connected(town, url)
        later(town)
        assert len(town.all(UsageBatch)) == 2
        assert town.look(PoolConnection, "x86").contact is Contact.OK, "connecting asks anew"


# --- drift ----------------------------------------------------------------------------------


def a_running_town(town: Works) -> None:
    """Two machines run."""
    for _ in range(2):
        request = dispatched(town, approved(town))
        town.work()
        confirmed(town, request)


def findings(town: Works, **where: object) -> list[tuple[str, str]]:
    return [(str(each.kind), str(each.state)) for each in town.all(DriftFinding, **where)]


def test_both_sides_alike_have_no_drift_while_work_is_under_way(
    town: Works, tmp_path: Path
) -> None:
    with pool_of(town, tmp_path / "pool"):
        a_running_town(town)
    with pool_of(town, tmp_path / "pool", "--work", "60000"):
        dispatched(town, approved(town))
        later(town)
        later(town)
        assert job(town, "pool_drift").failures == 0
        assert findings(town) == []


def test_each_kind_of_drift_is_found_once_and_resolves_itself_when_it_is_gone(
    town: Works, tmp_path: Path
) -> None:
    with pool_of(town, tmp_path / "pool") as url:
        a_running_town(town)
        with client_of(url) as client:
            mine = client.resources()
            client.provision("strange", an_order("STRANGE"), sent_before=False)
            client.release("behind-our-back", mine[0].id, sent_before=False)
            size = an_order(mine[1].reference, vcpu=7)
            client.resize("larger", mine[1].id, a_size(size), sent_before=False)
        later(town)
        later(town)
        assert sorted(findings(town)) == [
            ("different_size", "open"),
            ("missing_there", "open"),
            ("unknown_here", "open"),
        ]
        strange = next(r for r in there(url)["STRANGE"])
        with client_of(url) as client:
            client.release("away", strange.id, sent_before=False)
        later(town)
        (gone,) = town.all(DriftFinding, kind=DriftKind.UNKNOWN_HERE)
        assert (gone.state, gone.reason, gone.resolved_by) == (DriftState.RESOLVED, "gone", "")


def a_size(order: ProvisionOrder) -> ResizeOrder:
    return ResizeOrder(sku_id=order.sku_id, quantity=order.quantity, amounts=order.amounts)


def test_what_a_person_resolved_is_found_again_only_when_it_was_gone_between(
    town: Works, tmp_path: Path
) -> None:
    with pool_of(town, tmp_path / "pool") as url:
        with client_of(url) as client:
            client.provision("one", an_order("STRANGE"), sent_before=False)
        later(town)
        (finding,) = town.all(DriftFinding)
        resolve = ResolveDrift(finding_id=finding.id, reason="a test machine of the provider")
        assert town.code(ResolveDrift(finding_id=finding.id, reason=" "), "centre.a") == "bad_value"
        assert town.code(resolve, "rival.engineer") == "not_found"
        town.give(resolve, "centre.a")
        later(town)
        assert findings(town) == [("unknown_here", "resolved")]
        assert town.look(DriftFinding, finding.id).resolved_by == "centre.a"
        with town.transaction() as world:
            assert keep_findings(world, "x86", (), town.now) == ()
        later(town)
        assert findings(town) == [("unknown_here", "resolved"), ("unknown_here", "open")]
