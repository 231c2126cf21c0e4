"""Indicators read from orders, incidents and ratings: what counts, when, and "not set"."""

from __future__ import annotations

from fractions import Fraction

import pytest

from catalog.errors import CloudmgrError
from cloudmgr.domain.incidents import Severity
from cloudmgr.domain.indicators import Measured
from cloudmgr.domain.measures import MEASURES, measure
from cloudmgr.domain.measures_records import ProviderRecords
from cloudmgr.domain.workorders import WorkOrderAction
from tests.support.assessments import (
    a_definition,
    a_rating,
    an_allocation,
    an_incident,
    an_order,
    at,
    records,
    sku_terms,
)
from tests.support.catalogs import a_standard


def read(indicator_id: str, found: ProviderRecords, *, limit: int | None = None) -> Measured:
    return MEASURES[indicator_id](a_definition(id=indicator_id, limit_minutes=limit), found)


ORDERS = (
    an_order(id="WO-1", request_id="REQ-1", due="01-12 00:00", done="01-09 16:00"),
    an_order(id="WO-2", request_id="REQ-2", due="01-12 00:00", done="01-12 00:00"),
    an_order(id="WO-3", request_id="REQ-3", due="01-12 00:00", done="01-12 00:01"),
    an_order(id="WO-4", request_id="REQ-4", due="01-20 00:00"),
    an_order(id="WO-5", request_id="REQ-5", due="01-20 00:00", done="01-15 09:00", refused=True),
    an_order(id="WO-6", request_id="REQ-6", due="02-03 00:00", done="01-30 09:00"),
)


def test_orders_due_in_the_cycle_count_when_done_by_their_due_date() -> None:
    found = read("provisioning_on_time", records(work_orders=ORDERS))
    assert found.value == Fraction(2, 5)
    assert found.evidence == (
        "2 of 5 work orders done by their due date (late or refused: WO-3, WO-4, WO-5)"
    )


def test_an_order_is_judged_in_the_cycle_of_its_due_date_only() -> None:
    february = records(work_orders=ORDERS, months=(records().months[0].next(),))
    assert read("provisioning_on_time", february).value == 1


def test_migrations_are_judged_apart_from_other_orders() -> None:
    found = records(work_orders=ORDERS, migration_request_ids=("REQ-1", "REQ-3"))
    assert read("migrations_on_time", found).value == Fraction(1, 2)
    assert read("provisioning_on_time", found).value == Fraction(1, 3)


def test_without_orders_nothing_is_set() -> None:
    found = read("migrations_on_time", records(work_orders=ORDERS))
    assert found.value is None
    assert found.evidence == "0 of 0 migration orders done by their due date"


def test_answering_counts_desk_time_over_a_weekend() -> None:
    # Friday 9 January 2026, 17:00; 120 minutes of desk time end on Monday at 10:30.
    in_time = an_order(id="WO-1", opened="01-09 17:00", accepted="01-12 10:30")
    late = an_order(id="WO-2", opened="01-09 17:00", accepted="01-12 10:31")
    silent = an_order(id="WO-3", opened="01-09 17:00")
    refused = an_order(id="WO-4", opened="01-09 17:00", done="01-12 09:10", refused=True)
    found = read(
        "work_order_acceptance_time",
        records(work_orders=(in_time, late, silent, refused)),
        limit=120,
    )
    assert found.value == Fraction(2, 4)
    assert found.evidence.endswith("(late: WO-2, WO-3)")


def test_an_answer_due_after_the_cycle_is_judged_in_the_next() -> None:
    # Friday 30 January, 17:00: the 120 minutes end on Monday 2 February.
    late = an_order(opened="01-30 17:00")
    assert read("work_order_acceptance_time", records(work_orders=(late,)), limit=120).value is None


def test_an_indicator_that_needs_a_limit_says_so() -> None:
    with pytest.raises(CloudmgrError, match="field limit_minutes: it is needed here"):
        read("work_order_acceptance_time", records(work_orders=ORDERS))


def test_a_delivery_sent_back_to_the_provider_was_not_accepted_at_once() -> None:
    found = read(
        "first_time_acceptance",
        records(
            work_orders=(
                an_order(id="WO-1", request_id="REQ-1", done="01-10 10:00"),
                an_order(id="WO-2", request_id="REQ-2", done="01-10 10:00"),
                an_order(
                    id="WO-3",
                    request_id="REQ-2",
                    opened="01-13 10:00",
                    done="01-14 10:00",
                    action=WorkOrderAction.REWORK,
                ),
                an_order(id="WO-4", request_id="REQ-3", done="01-10 10:00", refused=True),
            )
        ),
    )
    assert found.value == Fraction(1, 2)
    assert found.evidence == "1 of 2 deliveries accepted at once (sent back: REQ-2)"


def test_rework_done_in_a_later_cycle_is_no_delivery_of_that_cycle() -> None:
    orders = (
        an_order(id="WO-1", request_id="REQ-1", done="01-30 10:00"),
        an_order(id="WO-2", request_id="REQ-1", done="02-03 10:00", action=WorkOrderAction.REWORK),
    )
    january = records(work_orders=orders)
    february = records(work_orders=orders, months=(january.months[0].next(),))
    assert read("first_time_acceptance", january).value == 0
    assert read("first_time_acceptance", february).value is None


def test_a_request_in_two_pools_is_one_delivery() -> None:
    both = tuple(an_order(id=id, request_id="REQ-1", done="01-10 10:00") for id in ("WO-1", "WO-2"))
    assert read("first_time_acceptance", records(work_orders=both)).denominator == 1


STRICT = sku_terms(sku_id="db", standard=a_standard(response_minutes=5, restore_minutes=60))


def test_incidents_are_judged_by_the_strictest_standard_they_touch() -> None:
    found = records(
        terms=(sku_terms(), STRICT),
        allocations=(an_allocation(id="AL-1"), an_allocation(id="AL-2", sku_id="db")),
        incidents=(
            an_incident(id="INC-1", acknowledged="01-10 10:30", restored="01-10 14:00"),
            an_incident(
                id="INC-2",
                allocation_ids=("AL-1", "AL-2"),
                acknowledged="01-10 10:06",
                restored="01-10 11:01",
            ),
        ),
    )
    acknowledged = read("incident_acknowledgement", found)
    restored = read("incident_restoration", found)
    assert (acknowledged.value, restored.value) == (Fraction(1, 2), Fraction(1, 2))
    assert acknowledged.evidence.endswith("(late: INC-2)")


def test_an_unanswered_incident_is_late_and_one_that_touches_nothing_has_the_general_limit() -> (
    None
):
    found = records(
        incidents=(
            an_incident(id="INC-1", allocation_ids=()),
            an_incident(id="INC-2", allocation_ids=(), acknowledged="01-10 10:15"),
        )
    )
    assert read("incident_acknowledgement", found, limit=15).value == Fraction(1, 2)


def test_without_incidents_reaction_is_not_set_but_no_critical_one_is_a_good_zero() -> None:
    quiet = records(allocations=(an_allocation(),))
    assert read("incident_acknowledgement", quiet).value is None
    assert read("incident_restoration", quiet).value is None
    assert read("critical_incidents", quiet).value == 0


def test_critical_incidents_of_the_cycle_are_counted() -> None:
    found = records(
        allocations=(an_allocation(),),
        incidents=(
            an_incident(id="INC-1", severity=Severity.CRITICAL),
            an_incident(id="INC-2", severity=Severity.MAJOR),
            an_incident(id="INC-3", severity=Severity.CRITICAL, opened="02-01 00:00"),
        ),
    )
    assert read("critical_incidents", found).value == 1


def test_where_nothing_ran_no_incident_is_not_set() -> None:
    before = an_allocation(start="02-01 00:00")
    assert read("critical_incidents", records(allocations=(before,))).value is None


def test_satisfaction_is_the_mean_of_the_stars_given_in_the_cycle() -> None:
    found = records(
        ratings=(
            a_rating(request_id="REQ-1", stars=5),
            a_rating(request_id="REQ-2", stars=4),
            a_rating(request_id="REQ-3", stars=1, given="02-01 00:00"),
        )
    )
    assert read("satisfaction", found).value == Fraction(9, 2)


def test_a_rating_has_one_to_five_stars() -> None:
    for stars in (0, 6):
        with pytest.raises(CloudmgrError, match=r"does not lie in 1\.\.5"):
            a_rating(stars=stars)


def test_manual_indicators_wait_for_people_and_unknown_ones_are_refused() -> None:
    manual = a_definition(id="evacuation_drill", computed=False)
    (found,) = measure((manual,), records())
    assert (found.value, found.evidence) == (None, "no value was entered")
    with pytest.raises(CloudmgrError, match="the node does not compute it"):
        measure((a_definition(id="mood"),), records())


def test_a_cycle_of_three_months_is_one_period() -> None:
    january = records().months[0]
    quarter = records(months=(january, january.plus(1), january.plus(2)))
    assert quarter.in_cycle(at("03-31 23:59"))
    assert not quarter.in_cycle(at("04-01 00:00"))
