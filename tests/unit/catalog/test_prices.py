"""One price at every instant, or a refusal: ceilings, quotes, links (DOMAIN.md 3)."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.errors import CloudmgrError, Conflict, Invalid
from catalog.money import from_fen
from catalog.period import Month, Period, midnight
from catalog.prices import Price, PriceBook, PriceLink, QuotedPrice
from catalog.skus import PricingModel
from catalog.tiers import Tiers, flat
from catalog.versions import CatalogVersion
from tests.support.catalogs import a_ceiling, a_quote, a_sku, a_version, tiers

JAN, APR, JUL = date(2026, 1, 1), date(2026, 4, 1), date(2026, 7, 1)


def at(day: date, hours: int = 12) -> datetime:
    return midnight(day) + timedelta(hours=hours)


def book(*quotes: QuotedPrice, versions: tuple[CatalogVersion, ...] | None = None) -> PriceBook:
    return PriceBook(versions=versions or (a_version(),), quotes=quotes)


def three_ceilings(first: str, second: str, third: str) -> tuple[CatalogVersion, ...]:
    days = {"v1": (JAN, first), "v2": (APR, second), "v3": (JUL, third)}
    return tuple(
        a_version(id=id, day=day, ceilings=(a_ceiling(at=price),))
        for id, (day, price) in days.items()
    )


def unit_prices(found: PriceBook, *days: date) -> list[str]:
    return [f"{found.price_at('vm', 'pool', at(day)).unit_price:.2f}" for day in days]


def test_a_price_names_its_contract_quote_and_catalog_version() -> None:
    price = book(a_quote()).price_at("vm", "pool", at(JAN))
    assert (price.contract_id, price.quote_id, price.catalog_version_id) == ("contract", "q1", "v1")
    assert price.unit_price == Decimal("90.00")


@pytest.mark.parametrize(
    ("sku", "pool", "day"),
    [("vm", "pool", date(2025, 12, 31)), ("vm", "other", JAN), ("gpu", "pool", JAN)],
)
def test_a_sku_without_a_price_is_refused_with_sku_pool_and_moment(
    sku: str, pool: str, day: date
) -> None:
    early = a_version(day=date(2025, 1, 1))
    with pytest.raises(Conflict) as refused:
        book(a_quote(), versions=(early,)).price_at(sku, pool, at(day))
    assert refused.value.code == "no_price"
    assert refused.value.details["sku"] == sku
    assert refused.value.details["pool"] == pool
    assert refused.value.details["moment"].startswith(day.isoformat())


def test_a_quote_begins_at_its_midnight_and_ends_before_its_last() -> None:
    found = book(a_quote(day=date(2026, 2, 1), until=date(2026, 3, 1)))
    first, last = midnight(date(2026, 2, 1)), midnight(date(2026, 3, 1))
    assert found.price_at("vm", "pool", first).quote_id == "q1"
    assert found.price_at("vm", "pool", last - timedelta(microseconds=1)).quote_id == "q1"
    for outside in (first - timedelta(microseconds=1), last):
        with pytest.raises(Conflict, match="no_price"):
            found.price_at("vm", "pool", outside)


def test_a_later_quote_supersedes_the_earlier_from_its_effective_date() -> None:
    found = book(a_quote(id="q2", at="80.00", day=APR), a_quote())
    assert unit_prices(found, JAN, date(2026, 3, 31), APR) == ["90.00", "90.00", "80.00"]


def test_a_superseded_quote_does_not_come_back_when_its_successor_ends() -> None:
    found = book(a_quote(), a_quote(id="q2", at="80.00", day=APR, until=JUL))
    with pytest.raises(Conflict, match="no_price"):
        found.price_at("vm", "pool", at(JUL))


def test_a_lowered_ceiling_binds_a_following_contract_and_a_restored_one_restores_its_quote() -> (
    None
):
    versions = three_ceilings("100.00", "70.00", "100.00")
    found = book(a_quote(link="follow_ceiling"), versions=versions)
    assert unit_prices(found, JAN, APR, JUL) == ["90.00", "70.00", "90.00"]


def test_a_fixed_contract_keeps_its_price_under_a_lowered_ceiling() -> None:
    found = book(a_quote(), versions=three_ceilings("100.00", "70.00", "100.00"))
    assert unit_prices(found, JAN, APR, JUL) == ["90.00", "90.00", "90.00"]


def test_a_following_price_is_the_lower_tier_by_tier() -> None:
    egress = a_sku(id="egress", model=PricingModel.METERED, meter="egress_mib")
    ceiling = a_ceiling(sku_id="egress", at=tiers((0, "0.40"), (1000, "0.35")))
    version = a_version(skus=(egress,), ceilings=(ceiling,))
    quote = a_quote(sku_id="egress", link="follow_ceiling", at=tiers((0, "0.45"), (100, "0.30")))
    found = book(quote, versions=(version,)).price_at("egress", "pool", at(JAN))
    assert found.tiers == tiers((0, "0.40"), (100, "0.30"))


def test_a_following_quote_without_a_ceiling_has_no_price() -> None:
    bare = a_version(ceilings=())
    with pytest.raises(Conflict) as refused:
        book(a_quote(link="follow_ceiling"), versions=(bare,)).price_at("vm", "pool", at(JAN))
    assert refused.value.code == "no_ceiling"


def test_before_the_first_catalog_nothing_is_priced() -> None:
    quote = a_quote(day=date(2025, 6, 1))
    with pytest.raises(Conflict, match="no_ceiling"):
        book(quote).price_at("vm", "pool", at(date(2025, 12, 31)))


def test_the_ceiling_is_that_of_the_version_in_force() -> None:
    found = book(versions=three_ceilings("100.00", "70.00", "80.00"))
    last_of_march = midnight(APR) - timedelta(seconds=1)
    assert found.ceiling_at("vm", last_of_march) == flat("100.00")
    assert found.ceiling_at("vm", midnight(APR)) == flat("70.00")
    for sku, moment in (("gpu", at(JAN)), ("vm", at(date(2025, 12, 31)))):
        with pytest.raises(Conflict) as refused:
            found.ceiling_at(sku, moment)
        assert refused.value.code == "no_ceiling"


def test_a_quote_above_its_ceiling_is_refused_and_one_at_it_is_not() -> None:
    found = book(versions=three_ceilings("100.00", "70.00", "100.00"))
    found.check_quote("vm", flat("100.00"), at(JAN))
    for price, day in (("100.000001", JAN), ("70.01", APR)):
        with pytest.raises(Conflict) as refused:
            found.check_quote("vm", flat(price), at(day))
        assert refused.value.code == "quote_over_ceiling"
        assert refused.value.details["quoted"] == price


@pytest.mark.parametrize(
    ("quoted", "over"),
    [
        (tiers((0, "0.50"), (100, "0.40")), None),
        (tiers((0, "0.40")), None),
        (tiers((0, "0.50")), "0.50"),
        (tiers((0, "0.50"), (101, "0.40")), "0.50"),
        (tiers((0, "0.40"), (500, "0.41")), "0.41"),
    ],
)
def test_graduated_quotes_are_compared_at_every_breakpoint_of_either(
    quoted: Tiers, over: str | None
) -> None:
    egress = a_sku(id="egress", model=PricingModel.METERED, meter="egress_mib")
    ceiling = a_ceiling(sku_id="egress", at=tiers((0, "0.50"), (100, "0.40")))
    found = book(versions=(a_version(skus=(egress,), ceilings=(ceiling,)),))
    if over is None:
        found.check_quote("egress", quoted, at(JAN))
        return
    with pytest.raises(Conflict) as refused:
        found.check_quote("egress", quoted, at(JAN))
    assert refused.value.details["quoted"] == over


def test_a_recurring_sku_is_not_quoted_in_tiers() -> None:
    with pytest.raises(Invalid, match="bad_tiers"):
        book().check_quote("vm", tiers((0, "90.00"), (10, "80.00")), at(JAN))


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"effective_from": at(JAN)}, "bad_effective_date"),
        ({"effective_to": at(APR)}, "bad_effective_date"),
        ({"effective_to": midnight(JAN)}, "bad_effective_date"),
        ({"price_link": "loose"}, "bad_price_link"),
        ({"tiers": ()}, "bad_tiers"),
    ],
)
def test_a_malformed_quote_is_refused(changed: dict[str, Any], code: str) -> None:
    good = a_quote()
    fields = {name: getattr(good, name) for name in good.__dataclass_fields__}
    with pytest.raises(Invalid) as refused:
        QuotedPrice(**(fields | changed))
    assert refused.value.code == code


def test_two_quotes_that_begin_together_are_refused() -> None:
    with pytest.raises(Conflict) as refused:
        book(a_quote(), a_quote(id="q2"))
    assert refused.value.code == "competing_quotes"


def test_two_versions_that_begin_together_are_refused() -> None:
    with pytest.raises(Invalid, match="bad_effective_date"):
        PriceBook(versions=(a_version(), a_version(id="v2")), quotes=())


YEAR = Period(midnight(JAN), midnight(date(2027, 1, 1)))


def test_a_version_that_changes_nothing_for_a_sku_makes_no_cut() -> None:
    found = book(a_quote(link="follow_ceiling"), versions=three_ceilings("100", "95", "70"))
    segments = found.segments("vm", "pool", YEAR)
    assert [(part.start, f"{price.unit_price:.2f}") for part, price in segments] == [
        (midnight(JAN), "90.00"),
        (midnight(JUL), "70.00"),
    ]
    assert [price.catalog_version_id for _, price in segments] == ["v1", "v3"]


def test_a_new_quote_at_the_same_price_makes_a_cut() -> None:
    segments = book(a_quote(), a_quote(id="q2", day=APR)).segments("vm", "pool", YEAR)
    assert [price.quote_id for _, price in segments] == ["q1", "q2"]


def test_an_uncovered_part_is_refused_with_its_first_moment() -> None:
    found = book(a_quote(until=APR), a_quote(id="q2", day=JUL))
    with pytest.raises(Conflict) as refused:
        found.segments("vm", "pool", YEAR)
    assert refused.value.code == "no_price"
    assert refused.value.details["moment"] == "2026-04-01T00:00:00+08:00"


def test_what_begins_when_a_period_ends_makes_no_cut_in_it() -> None:
    first_quarter = Period(midnight(JAN), midnight(APR))
    for found in (book(a_quote(), a_quote(id="q2", day=APR)), book(a_quote(until=APR))):
        assert [part for part, _ in found.segments("vm", "pool", first_quarter)] == [first_quarter]


def test_an_empty_period_has_no_segments_even_without_a_price() -> None:
    assert book().segments("vm", "pool", Period(at(JAN), at(JAN))) == ()


days = st.integers(0, 400).map(lambda n: date(2025, 12, 1) + timedelta(days=n))
fen = st.integers(1, 20_000).map(lambda each: flat(from_fen(each)))


@st.composite
def any_book(draw: st.DrawFn) -> PriceBook:
    starts = draw(st.sets(days, max_size=4))
    versions = tuple(
        a_version(
            id=f"v{n}", day=day, ceilings=(a_ceiling(at=draw(fen)),) if draw(st.booleans()) else ()
        )
        for n, day in enumerate(sorted(starts | {date(2025, 6, 1)}))
    )
    links: list[PriceLink] = ["fixed", "follow_ceiling"]
    quotes = []
    for n, day in enumerate(draw(st.sets(days, max_size=5))):
        length = draw(st.none() | st.integers(1, 200))
        until = None if length is None else day + timedelta(days=length)
        link = draw(st.sampled_from(links))
        quotes.append(a_quote(id=f"q{n}", at=draw(fen), day=day, until=until, link=link))
    return PriceBook(versions=versions, quotes=tuple(quotes))


def told(found: PriceBook, moment: datetime) -> Any:
    try:
        price = found.price_at("vm", "pool", moment)
    except CloudmgrError as error:
        return error.code
    return price.tiers, price.quote_id, price.contract_id


def cut(found: PriceBook, period: Period) -> tuple[tuple[Period, Price], ...] | CloudmgrError:
    try:
        return found.segments("vm", "pool", period)
    except CloudmgrError as error:
        return error


@given(any_book(), days, st.integers(0, 80), st.integers(0, 23))
def test_segments_tile_the_period_are_maximal_and_agree_with_price_at(
    found: PriceBook, day: date, length: int, hour: int
) -> None:
    period = Period(at(day, hour), at(day, hour) + timedelta(days=length))
    segments = cut(found, period)
    if isinstance(segments, CloudmgrError):
        first = datetime.fromisoformat(segments.details["moment"])
        assert period.contains(first)
        assert told(found, first) == segments.code
        assert first == period.start or not isinstance(told(found, first - timedelta(hours=1)), str)
        return
    if not period.empty:
        assert (segments[0][0].start, segments[-1][0].end) == (period.start, period.end)
    for (one, _), (other, _) in pairwise(segments):
        assert one.end == other.start
        assert told(found, one.start) != told(found, other.start)
    for part, price in segments:
        for moment in (part.start, part.start + (part.end - part.start) / 2):
            assert told(found, moment) == (price.tiers, price.quote_id, price.contract_id)


@given(any_book(), days)
def test_a_price_in_force_follows_its_link_and_never_exceeds_what_was_quoted(
    found: PriceBook, day: date
) -> None:
    try:
        price = found.price_at("vm", "pool", at(day))
    except CloudmgrError:
        return
    quote = next(each for each in found.quotes if each.quote_id == price.quote_id)
    expected = quote.tiers[0].unit_price
    if quote.price_link == "follow_ceiling":
        expected = min(expected, found.ceiling_at("vm", at(day))[0].unit_price)
    assert price.unit_price == expected
    later = [each for each in found.quotes if quote.effective_from < each.effective_from <= at(day)]
    assert not later


def test_january_is_one_segment_under_one_quote() -> None:
    january = Month.parse("2026-01").period
    assert [part for part, _ in book(a_quote()).segments("vm", "pool", january)] == [january]
