"""Batches from the pools: taken once, from the pool that runs it, for as long as it runs."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from catalog.errors import CloudmgrError
from catalog.period import Month
from cloudmgr.domain.allocations import Allocation
from cloudmgr.domain.metering import MeterReading
from cloudmgr.domain.requests import RequestKind
from cloudmgr.domain.usage import UsageBatch
from cloudmgr.services.commands import perform
from cloudmgr.services.pricing import keep_catalog
from cloudmgr.services.usage import IngestUsage, coverage, hourly_sums, manifest, pool_hourly_cpu
from tests.support.assessments import at
from tests.support.catalogs import a_version
from tests.support.requests import (
    a_line,
    allocation_of,
    approved,
    completed,
    delivered,
    running,
)
from tests.support.supply import CEILINGS, SKUS
from tests.support.usage import batch, reading
from tests.support.worlds import Town, a_town

JANUARY, FEBRUARY = Month(2026, 1), Month(2026, 2)
CPU = "cpu_millicores"


@pytest.fixture
def town() -> Town:
    """A machine `ALC-00000001` in x86, running since Monday 09:00; it is Tuesday evening."""
    town = a_town()
    running(town)
    town.wait("01-06 20:00")
    return town


def sample(when: str = "01-06 10:00", value: int = 500, **how: Any) -> MeterReading:
    fields = {"resource": "ALC-00000001", "meter": CPU, **how}
    return reading(time=at(when), value=value, **fields)


def send(*readings: MeterReading, id: str = "B-1", pool: str = "x86") -> IngestUsage:
    return IngestUsage(batch_id=id, pool_id=pool, batch=batch(*readings))


def reasons(received: UsageBatch) -> dict[str, int]:
    return {each.reason: each.rows for each in received.reasons}


def test_a_pool_sends_its_own_readings(town: Town) -> None:
    received = town.give(send(sample()), "prv.engineer")
    assert (received.sent, received.accepted, received.quarantined) == (1, 1, 0)
    assert received.provider_id == "prv"


def test_nobody_sends_for_anothers_pool(town: Town) -> None:
    assert town.code(send(sample()), "rival.engineer") == "not_found"
    assert town.code(send(sample(), pool="nowhere"), "prv.engineer") == "not_found"
    assert town.code(send(sample()), "centre.a") == "forbidden"


def test_the_same_batch_twice_changes_nothing(town: Town) -> None:
    first = town.give(send(sample()), "prv.engineer")
    before = town.snapshot()
    assert town.give(send(sample()), "prv.engineer") == first
    assert town.snapshot() == before
    with town.reading() as world:
        assert manifest(world) == first.partitions


def test_other_contents_under_a_used_id_are_refused(town: Town) -> None:
    town.give(send(sample()), "prv.engineer")
    assert town.code(send(sample(value=501)), "prv.engineer") == "batch_changed"


def test_two_pools_may_use_the_same_name_for_a_batch(town: Town) -> None:
    town.give(send(sample()), "prv.engineer")
    other = town.give(send(sample(), pool="kunpeng"), "rival.engineer")
    assert reasons(other) == {"unknown_resource": 1}, "the machine runs in another pool"
    assert len(town.all(UsageBatch)) == 2


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (sample("01-05 08:59"), "outside_life"),
        (sample("01-06 20:01"), "in_future"),
        (sample(value=-1), "negative"),
        (sample(resource="ALC-00000099"), "unknown_resource"),
        (sample(meter="egress_mib"), "wrong_meter"),
    ],
)
def test_a_reading_that_does_not_count_is_kept_apart_with_its_reason(
    town: Town, bad: MeterReading, reason: str
) -> None:
    received = town.give(send(sample(), bad), "prv.engineer")
    assert (received.accepted, received.quarantined) == (1, 1)
    assert reasons(received) == {reason: 1}


def test_readings_count_from_the_delivery_on_although_nobody_confirmed_it(town: Town) -> None:
    waiting = approved(town)
    resource = allocation_of(town, waiting).id
    early = town.give(send(sample("01-06 19:00", resource=resource)), "prv.engineer")
    assert reasons(early) == {"unknown_resource": 1}
    resource = allocation_of(town, delivered(town)).id
    later = sample("01-06 20:00", resource=resource)
    town.wait("01-06 21:00")
    assert town.give(send(later, id="B-2"), "prv.engineer").accepted == 1


def test_readings_end_with_the_billing_of_a_release(town: Town) -> None:
    line = a_line(allocation_id="ALC-00000001")
    completed(town, line, kind=RequestKind.RELEASE)
    town.wait("01-07 09:00")
    inside, outside = sample("01-06 19:59"), sample("01-06 20:00")
    assert reasons(town.give(send(inside, outside), "prv.engineer")) == {"outside_life": 1}


def test_a_changed_machine_keeps_the_meters_of_all_it_ever_was(town: Town) -> None:
    line = a_line(sku_id="traffic", allocation_id="ALC-00000001", estimate_units=10)
    completed(town, line, kind=RequestKind.CHANGE)
    town.wait("01-07 09:00")
    both = (sample(), sample("01-06 21:00", meter="egress_mib"))
    assert town.give(send(*both), "prv.engineer").accepted == 2


# --- what is read back ----------------------------------------------------------------------


def test_billed_use_is_summed_by_the_hour(town: Town) -> None:
    traffic = running(town, a_line(sku_id="traffic", estimate_units=10)).id
    town.wait("01-07 09:00")
    sent = [
        sample(when, value, resource=traffic, meter="egress_mib")
        for when, value in (("01-06 21:05", 3), ("01-06 21:10", 4), ("01-06 23:00", 5))
    ]
    town.give(send(*sent, sample()), "prv.engineer")
    with town.reading() as world:
        sums = hourly_sums(world, JANUARY)
        assert sums == {traffic: ((at("01-06 21:00"), 7), (at("01-06 23:00"), 5))}
        assert hourly_sums(world, JANUARY, ["ALC-00000001"]) == {}
        assert hourly_sums(world, FEBRUARY) == {}


def test_a_pools_use_is_the_sum_of_its_machines_hourly_means(town: Town) -> None:
    second = running(town).id
    elsewhere = running(town, a_line(sku_id="vm-kp")).id
    town.wait("01-07 09:00")
    town.give(
        send(
            sample("01-06 21:00", 100),
            sample("01-06 21:05", 300),
            sample("01-06 21:00", 50, resource=second),
        ),
        "prv.engineer",
    )
    town.give(send(sample("01-06 21:00", 7, resource=elsewhere), pool="kunpeng"), "rival.engineer")
    with town.reading() as world:
        assert pool_hourly_cpu(world, JANUARY) == {
            "kunpeng": ((at("01-06 21:00"), 7),),
            "x86": ((at("01-06 21:00"), 250),),
        }
        assert pool_hourly_cpu(world, FEBRUARY) == {}


def test_coverage_compares_what_came_with_what_was_due(town: Town) -> None:
    running(town, a_line(sku_id="setup"))  # has no meter
    town.give(send(sample("01-06 10:00"), sample("01-06 10:05")), "prv.engineer")
    with town.reading() as world:
        # A sample every five minutes from Monday 5 January 09:00 to the month's end.
        due = (26 * 24 + 15) * 12
        assert coverage(world, JANUARY) == {"ALC-00000001": (2, due)}
        assert coverage(world, FEBRUARY) == {"ALC-00000001": (0, 28 * 24 * 12)}
        assert coverage(world, Month(2025, 12)) == {}


def test_an_item_that_came_into_the_catalog_during_the_month_is_covered_too(town: Town) -> None:
    fresh = replace(SKUS[0], id="vm-new")
    ceilings = (*CEILINGS, replace(CEILINGS[0], sku_id="vm-new"))
    version = a_version(id="v2", day=date(2026, 1, 3), skus=(*SKUS, fresh), ceilings=ceilings)
    with town.transaction() as world:
        keep_catalog(world, version, town.now)
    machine = town.all(Allocation)[0]
    town.change(machine, sku_id="vm-new")
    with town.reading() as world:
        assert machine.id in coverage(world, JANUARY)


def test_a_batch_of_a_command_that_failed_counts_for_nothing(town: Town) -> None:
    engineer = town.actor("prv.engineer")

    def fails() -> None:
        with town.transaction() as world:
            perform(world, send(sample()), engineer, town.now)
            raise CloudmgrError("later", "something else went wrong")

    with pytest.raises(CloudmgrError, match="later"):
        fails()
    with town.reading() as world:
        assert manifest(world) == ()
        assert coverage(world, JANUARY)["ALC-00000001"][0] == 0
    assert town.give(send(sample()), "prv.engineer").accepted == 1
    with town.reading() as world:
        assert coverage(world, JANUARY)["ALC-00000001"][0] == 1
