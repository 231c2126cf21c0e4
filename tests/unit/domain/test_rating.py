"""Hand-worked bills. January 2026 has 31 days; every amount is worked in a comment beside it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from catalog.errors import Conflict
from catalog.money import total
from cloudmgr.domain.allocations import SegmentMode
from cloudmgr.domain.policy import Proration
from cloudmgr.domain.rating import line_amount, monthly_price
from tests.support.catalogs import a_quote, tiers
from tests.support.money import (
    EGRESS,
    EGRESS_TIERS,
    FEBRUARY,
    MOVE,
    SKUS,
    VM,
    a_book,
    a_catalog,
    a_context,
    a_segment,
    at,
    bill,
    hours,
    quotes,
    rated,
)

TRIAL, STOPPED = SegmentMode.TRIAL, SegmentMode.STOPPED


def test_a_full_month_costs_quantity_times_price() -> None:
    # 3 x 31/31 x 100.00 = 300.00
    (line,) = rated(a_segment("2025-11-20", 3))
    assert bill((line,)) == [("charge", "vm", 3, "31/31", "100", "300.00")]
    assert (line.start, line.end) == (at("01-01"), at("02-01"))


def test_a_line_names_everything_it_stands_on() -> None:
    (line,) = rated(a_segment("2025-11-20"))
    assert line.id == "RL-2026-01/AL-1/001"
    assert (line.contract_id, line.quote_id, line.catalog_version_id) == ("contract", "q-vm", "v1")
    assert (line.region_id, line.payer_id, line.payee_id) == ("city", "city-finance", "prv")
    assert (line.month, line.served_month, line.statement_id) == ("2026-01", "2026-01", None)


def test_the_first_day_counts_and_the_last_does_not() -> None:
    # 10 Jan 14:00 to 20 Jan 09:00: 10..19 Jan = 10 days; 100 x 10/31 = 32.258... -> 32.26
    found = rated(a_segment("01-10 14:00"), end="01-20 09:00")
    assert bill(found) == [("charge", "vm", 1, "10/31", "100", "32.26")]


def test_what_opens_and_closes_in_one_day_bills_nothing() -> None:
    assert rated(a_segment("01-10 08:00"), end="01-10 18:00") == ()


def test_a_release_at_midnight_does_not_bill_the_day_it_begins() -> None:
    # 1..15 Jan = 15 days; 100 x 15/31 = 48.387... -> 48.39
    found = rated(a_segment("2025-12-01"), end="01-16")
    assert bill(found) == [("charge", "vm", 1, "15/31", "100", "48.39")]


def test_a_resize_counts_from_its_day() -> None:
    # 2 x 14/31 x 100 = 90.322... -> 90.32; 5 x 17/31 x 100 = 274.193... -> 274.19
    found = rated(a_segment("2025-12-01", 2), a_segment("01-15 16:30", 5))
    assert bill(found) == [
        ("charge", "vm", 2, "14/31", "100", "90.32"),
        ("charge", "vm", 5, "17/31", "100", "274.19"),
    ]


def test_of_several_resizes_in_a_day_the_last_counts() -> None:
    # 1 x 14/31 x 100 = 45.161... -> 45.16; 4 x 17/31 x 190 = 416.774... -> 416.77
    found = rated(
        a_segment("2025-12-01"), a_segment("01-15 09:00", 9), a_segment("01-15 17:00", 4, "vm-4c")
    )
    assert bill(found) == [
        ("charge", "vm", 1, "14/31", "100", "45.16"),
        ("charge", "vm-4c", 4, "17/31", "190", "416.77"),
    ]


def test_a_resize_to_the_same_size_makes_no_cut() -> None:
    found = rated(a_segment("2025-12-01", 2), a_segment("01-15", 2))
    assert bill(found) == [("charge", "vm", 2, "31/31", "100", "200.00")]


def test_a_new_quote_cuts_the_line_at_its_midnight() -> None:
    # 100 x 20/31 = 64.516... -> 64.52; 88.888888 x 11/31 = 31.5412... -> 31.54
    book = a_book(more=(a_quote(id="q2", sku_id="vm", at="88.888888", day=date(2026, 1, 21)),))
    found = rated(a_segment("2025-12-01"), context=a_context(book=book))
    assert bill(found) == [
        ("charge", "vm", 1, "20/31", "100", "64.52"),
        ("charge", "vm", 1, "11/31", "88.888888", "31.54"),
    ]
    assert [line.quote_id for line in found] == ["q-vm", "q2"]


def test_a_new_quote_at_the_same_price_still_makes_a_line_of_its_own() -> None:
    # 100 x 20/31 = 64.52; 100 x 11/31 = 35.48
    book = a_book(more=(a_quote(id="q2", sku_id="vm", at="100.00", day=date(2026, 1, 21)),))
    found = rated(a_segment("2025-12-01"), context=a_context(book=book))
    assert [(line.quote_id, f"{line.amount}") for line in found] == [
        ("q-vm", "64.52"),
        ("q2", "35.48"),
    ]


def test_a_lowered_ceiling_binds_a_contract_that_follows_it_and_no_fixed_one() -> None:
    # 100 x 9/31 = 29.032... -> 29.03; 80 x 22/31 = 56.774... -> 56.77
    versions = (a_catalog(), a_catalog(id="v2", day=date(2026, 1, 10), ceilings={"vm": "80.00"}))
    follow = a_context(book=a_book(versions=versions, link="follow_ceiling"))
    assert bill(rated(a_segment("2025-12-01"), context=follow)) == [
        ("charge", "vm", 1, "9/31", "100", "29.03"),
        ("charge", "vm", 1, "22/31", "80", "56.77"),
    ]
    fixed = a_context(book=a_book(versions=versions))
    assert bill(rated(a_segment("2025-12-01"), context=fixed)) == [
        ("charge", "vm", 1, "31/31", "100", "100.00")
    ]


def test_a_catalog_version_that_changes_no_price_makes_no_cut() -> None:
    versions = (a_catalog(), a_catalog(id="v2", day=date(2026, 1, 10)))
    found = rated(
        a_segment("2025-12-01"),
        context=a_context(book=a_book(versions=versions, link="follow_ceiling")),
    )
    assert bill(found) == [("charge", "vm", 1, "31/31", "100", "100.00")]
    assert found[0].catalog_version_id == "v1"


def test_trial_days_are_shown_at_zero_price() -> None:
    # trial 5..19 Jan = 15 days free; 2 x 12/31 x 100 = 77.419... -> 77.42
    found = rated(a_segment("01-05 11:00", 2, mode=TRIAL), a_segment("01-20", 2))
    assert bill(found) == [
        ("trial", "vm", 2, "15/31", "0", "0.00"),
        ("charge", "vm", 2, "12/31", "100", "77.42"),
    ]


def test_a_stopped_vm_is_not_charged_but_its_storage_is() -> None:
    # VM: 100 x 10/31 = 32.258... -> 32.26, then stopped; disk: 100 x 0.75 = 75.00
    vm = rated(a_segment("2025-12-01"), a_segment("01-11", mode=STOPPED))
    assert bill(vm) == [
        ("charge", "vm", 1, "10/31", "100", "32.26"),
        ("stopped", "vm", 1, "21/31", "0", "0.00"),
    ]
    disk = (a_segment("2025-12-01", 100, "disk"), a_segment("01-11", 100, "disk", STOPPED))
    assert bill(rated(*disk)) == [("charge", "disk", 100, "31/31", "0.75", "75.00")]
    policy = a_context(charge_storage_when_stopped=False)
    assert bill(rated(*disk, context=policy)) == [
        # 100 x 10/31 x 0.75 = 24.193... -> 24.19
        ("charge", "disk", 100, "10/31", "0.75", "24.19"),
        ("stopped", "disk", 100, "21/31", "0", "0.00"),
    ]


def test_a_version_that_no_longer_charges_what_is_stopped_cuts_the_line() -> None:
    free = tuple(
        type(sku)(**{f: getattr(sku, f) for f in sku.__dataclass_fields__}
                  | {"charged_when_stopped": False})
        for sku in SKUS
    )  # fmt: skip
    versions = (a_catalog(), a_catalog(id="v2", day=date(2026, 1, 21), skus=free))
    found = rated(
        a_segment("2025-12-01", 100, "disk", STOPPED),
        context=a_context(book=a_book(versions=versions)),
    )
    # 100 x 20/31 x 0.75 = 48.387... -> 48.39
    assert bill(found) == [
        ("charge", "disk", 100, "20/31", "0.75", "48.39"),
        ("stopped", "disk", 100, "11/31", "0", "0.00"),
    ]


def test_a_half_fen_rounds_away_from_zero_and_once_per_line() -> None:
    # February 2026 has 28 days: 1 x 7/28 x 0.02 = 0.005 -> 0.01
    book = a_book(base=(a_quote(id="q", sku_id="vm", at="0.02"),))
    context = a_context(month=FEBRUARY, book=book)
    (line,) = rated(a_segment("02-22"), context=context)
    assert (line.fraction, line.amount) == ("7/28", Decimal("0.01"))
    assert line_amount(1, 1, "-7/28", line.unit_price) == Decimal("-0.01")


def test_what_ended_before_or_begins_after_the_month_has_no_lines() -> None:
    assert rated(a_segment("2025-11-01"), end="01-01") == ()
    assert rated(a_segment("02-01")) == ()


def test_by_seconds_a_month_is_divided_exactly() -> None:
    # 10 Jan 12:00 to 11 Jan 12:00: 86 400 / 2 678 400 x 100 = 3.2258... -> 3.23
    context = a_context(proration=Proration.SECOND)
    found = rated(a_segment("01-10 12:00"), end="01-11 12:00", context=context)
    assert bill(found) == [("charge", "vm", 1, "86400/2678400", "100", "3.23")]
    # even minutes count: 60 s of 100 000 VMs: 100 000 x 60/2678400 x 100 = 224.0143... -> 224.01
    short = rated(a_segment("01-10 08:00", 100_000), end="01-10 08:01", context=context)
    assert bill(short) == [("charge", "vm", 100_000, "60/2678400", "100", "224.01")]


def test_by_halves_a_begun_half_counts_whole() -> None:
    # 3..13 Jan touches the first half only: 1/2 x 100 = 50.00
    context = a_context(proration=Proration.HALF_MONTH)
    assert bill(rated(a_segment("01-03"), end="01-14", context=context)) == [
        ("charge", "vm", 1, "1/2", "100", "50.00")
    ]
    # grown on 20 Jan: first half 2 x 1/2, second as it ends 5 x 1/2
    assert bill(rated(a_segment("2025-12-01", 2), a_segment("01-20", 5), context=context)) == [
        ("charge", "vm", 2, "1/2", "100", "100.00"),
        ("charge", "vm", 5, "1/2", "100", "250.00"),
    ]
    # unchanged over both halves it is one line
    assert bill(rated(a_segment("2025-12-01"), context=context)) == [
        ("charge", "vm", 1, "2/2", "100", "100.00")
    ]


def test_by_months_a_begun_month_counts_whole_at_its_last_charged_day() -> None:
    context = a_context(proration=Proration.WHOLE_MONTH)
    assert bill(rated(a_segment("01-31 23:00"), context=context)) == [
        ("charge", "vm", 1, "1/1", "100", "100.00")
    ]
    stopped = (a_segment("2025-12-01", 2), a_segment("01-05", 2, mode=STOPPED))
    assert bill(rated(*stopped, context=context)) == [("charge", "vm", 2, "1/1", "100", "200.00")]
    # released on the 1st: the last day does not count, so the month is not begun
    assert rated(a_segment("2025-12-01"), end="01-01 10:00", context=context) == ()


def test_a_month_of_trial_is_free_under_every_proration() -> None:
    for proration in Proration:
        (line,) = rated(a_segment("2025-12-20", mode=TRIAL), context=a_context(proration=proration))
        assert (line.kind, line.amount) == ("trial", Decimal("0.00"))


def test_metered_use_is_priced_by_graduated_tiers() -> None:
    # 700 GiB: 100 x 0.80 = 80.00; 400 x 0.60 = 240.00; 200 x 0.50 = 100.00
    found = rated(
        a_segment("2025-12-01", 1, "egress"), usage=hours("01-03 10:00", 300 * 1024, 400 * 1024)
    )
    assert bill(found) == [
        ("charge", "egress", 100 * 1024, "1/1", "0.8", "80.00"),
        ("charge", "egress", 400 * 1024, "1/1", "0.6", "240.00"),
        ("charge", "egress", 200 * 1024, "1/1", "0.5", "100.00"),
    ]
    assert [line.tier_from for line in found] == [0, 100, 500]
    assert {line.per_unit for line in found} == {1024}


def test_parts_of_a_unit_are_billed_exactly() -> None:
    # 1 MiB = 1/1024 GiB x 0.80 = 0.00078 -> 0.00; 700 MiB x 0.80 / 1024 = 0.546875 -> 0.55
    (line,) = rated(a_segment("2025-12-01", 1, "egress"), usage=hours("01-03 10:00", 699, 1))
    assert (line.quantity, line.amount) == (700, Decimal("0.55"))


def test_tiers_accumulate_across_price_changes() -> None:
    # before 16 Jan: 90 GiB in the first tier x 0.80 = 72.00
    # after: 10 more fill the first tier x 0.70 = 7.00, the next 20 x 0.40 = 8.00
    # from 20 Jan: 120 GiB are used, so 5 more cost 5 x 0.30 = 1.50
    cheaper, cheapest = tiers((0, "0.70"), (100, "0.40")), tiers((0, "0.60"), (100, "0.30"))
    book = a_book(
        more=(
            a_quote(id="q2", sku_id="egress", at=cheaper, day=date(2026, 1, 16)),
            a_quote(id="q3", sku_id="egress", at=cheapest, day=date(2026, 1, 20)),
        )
    )
    usage = (
        *hours("01-15 23:00", 90 * 1024),
        *hours("01-16 00:00", 30 * 1024),
        *hours("01-21 00:00", 5 * 1024),
    )
    found = rated(a_segment("2025-12-01", 1, "egress"), context=a_context(book=book), usage=usage)
    assert bill(found) == [
        ("charge", "egress", 90 * 1024, "1/1", "0.8", "72.00"),
        ("charge", "egress", 10 * 1024, "1/1", "0.7", "7.00"),
        ("charge", "egress", 20 * 1024, "1/1", "0.4", "8.00"),
        ("charge", "egress", 5 * 1024, "1/1", "0.3", "1.50"),
    ]


def test_a_ceiling_that_lowers_only_a_higher_tier_still_cuts_metered_use() -> None:
    lower = tiers((0, "0.80"), (100, "0.30"))
    versions = (a_catalog(), a_catalog(id="v2", day=date(2026, 1, 16), ceilings={"egress": lower}))
    context = a_context(book=a_book(versions=versions, link="follow_ceiling"))
    # first half: 100 x 0.80 = 80.00 and 100 x 0.60 = 60.00; then 100 x 0.30 = 30.00
    usage = (*hours("01-10", 200 * 1024), *hours("01-20", 100 * 1024))
    found = rated(a_segment("2025-12-01", 1, "egress"), context=context, usage=usage)
    assert [f"{line.amount}" for line in found] == ["80.00", "60.00", "30.00"]


def test_metered_use_in_a_trial_is_shown_free_and_fills_no_tier() -> None:
    # 150 GiB in the trial at 0; then 50 GiB x 0.80 = 40.00, still in the first tier
    found = rated(
        a_segment("01-02", 1, "egress", TRIAL),
        a_segment("01-10", 1, "egress"),
        usage=(*hours("01-05", 150 * 1024), *hours("01-11", 50 * 1024)),
    )
    assert bill(found) == [
        ("trial", "egress", 150 * 1024, "1/1", "0", "0.00"),
        ("charge", "egress", 50 * 1024, "1/1", "0.8", "40.00"),
    ]


def test_the_hour_in_which_a_trial_ends_is_billed() -> None:
    found = rated(
        a_segment("01-02", 1, "egress", TRIAL),
        a_segment("01-10 10:30", 1, "egress"),
        usage=hours("01-10 09:00", 1024, 1024),
    )
    assert [(line.kind.value, line.quantity) for line in found] == [
        ("trial", 1024),
        ("charge", 1024),
    ]


def test_readings_after_the_billing_end_are_not_billed() -> None:
    found = rated(
        a_segment("2025-12-01", 1, "egress"),
        end="01-10 10:00",
        usage=hours("01-10 09:00", 1024, 4096),
    )
    assert [line.quantity for line in found] == [1024]


def test_a_metered_resource_without_use_has_no_line() -> None:
    assert rated(a_segment("2025-12-01", 1, "egress")) == ()


def test_a_one_off_is_billed_in_the_month_billing_begins_only() -> None:
    # 2 x 3000.00 = 6000.00
    segment = a_segment("01-20 15:00", 2, "move")
    assert bill(rated(segment)) == [("one_off", "move", 2, "1/1", "3000", "6000.00")]
    assert rated(segment, context=a_context(month=FEBRUARY)) == ()
    waiting = (a_segment("01-20", 2, "move", TRIAL), a_segment("02-10", 2, "move"))
    assert rated(*waiting) == ()
    assert len(rated(*waiting, context=a_context(month=FEBRUARY))) == 1


def test_no_price_is_an_error_and_never_zero() -> None:
    late = a_book(base=quotes(day=date(2026, 1, 10)))
    with pytest.raises(Conflict) as refused:
        rated(a_segment("2025-12-01"), context=a_context(book=late))
    assert refused.value.code == "no_price"
    with pytest.raises(Conflict):
        rated(a_segment("2025-12-01", mode=TRIAL), context=a_context(book=late))
    with pytest.raises(Conflict):
        rated(a_segment("01-02", 1, "move"), context=a_context(book=late))


def test_the_monthly_price_is_a_full_month_of_the_bill() -> None:
    book = a_book()
    price = book.price_at("vm", "pool", at("01-15"))
    (line,) = rated(a_segment("2025-12-01", 3))
    assert monthly_price(VM, 3, price) == line.amount == Decimal("300.00")
    egress = book.price_at("egress", "pool", at("01-15"))
    billed = rated(a_segment("2025-12-01", 1, "egress"), usage=hours("01-03", 700 * 1024))
    # 80.00 + 240.00 + 100.00
    assert monthly_price(EGRESS, 1, egress, estimate_units=700) == Decimal("420.00")
    assert total(line.amount for line in billed) == Decimal("420.00")
    assert monthly_price(MOVE, 1, book.price_at("move", "pool", at("01-15"))) == Decimal("3000.00")
    assert egress.tiers == EGRESS_TIERS
