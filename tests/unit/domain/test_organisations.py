"""Codes check, names have dates, and history is not rewritten."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.errors import CloudmgrError
from catalog.period import midnight
from cloudmgr.domain.organisations import (
    check_budget_unit_code,
    check_region,
    check_social_credit_code,
    credit_check_character,
    in_force,
    named_at,
    renamed,
)
from cloudmgr.domain.parties import (
    DatedName,
    Organisation,
    OrganisationKind,
    Region,
    RegionLevel,
)

CHARACTERS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
STANDARD = "91350100M000100Y43"
"""The example that GB 32100-2015 itself gives."""


def bureau(**changed: object) -> Organisation:
    return Organisation(
        id="bureau",
        kind=OrganisationKind.DEPARTMENT,
        name_zh="旧局",
        name_en="Old bureau",
        region_id="city",
        budget_unit_code="101001",
    )


def name(day: date, text: str = "新局") -> DatedName:
    return DatedName(since=midnight(day), name_zh=text, name_en=text)


def test_the_standards_own_example_checks() -> None:
    check_social_credit_code(STANDARD)


@given(
    st.text(CHARACTERS, min_size=17, max_size=17), st.integers(0, 16), st.sampled_from(CHARACTERS)
)
def test_one_wrong_character_is_always_found(body: str, place: int, other: str) -> None:
    last = credit_check_character(body)
    changed = body[:place] + other + body[place + 1 :]
    assert (credit_check_character(changed) == last) == (changed == body)


@pytest.mark.parametrize(
    "code",
    ["", STANDARD[:17], STANDARD + "0", STANDARD[:17] + "4", "I" + STANDARD[1:], STANDARD.lower()],
)
def test_what_is_no_social_credit_code_is_refused(code: str) -> None:
    with pytest.raises(CloudmgrError):
        check_social_credit_code(code)


@pytest.mark.parametrize("code", ["12", "1234567890123", "10100A"])
def test_what_is_no_budget_unit_code_is_refused(code: str) -> None:
    check_budget_unit_code("101001")
    with pytest.raises(CloudmgrError):
        check_budget_unit_code(code)


def test_a_name_counts_from_its_midnight_on() -> None:
    changed = renamed(bureau(), name(date(2026, 7, 1)))
    before = midnight(date(2026, 6, 30))
    assert named_at(changed, before).name_zh == "旧局"
    assert named_at(changed, midnight(date(2026, 7, 1))).name_zh == "新局"
    assert in_force(changed, before).name_zh == "旧局"
    assert in_force(changed, midnight(date(2026, 7, 1))).name_zh == "新局"


def test_every_name_there_was_stays_readable() -> None:
    changed = renamed(renamed(bureau(), name(date(2026, 7, 1))), name(date(2027, 1, 1), "更新局"))
    assert [each.name_zh for each in changed.names] == ["旧局", "新局", "更新局"]
    assert changed.names[0].budget_unit_code == "101001"


def test_history_is_not_rewritten() -> None:
    changed = renamed(bureau(), name(date(2026, 7, 1)))
    for day in (date(2026, 7, 1), date(2026, 5, 1)):
        with pytest.raises(CloudmgrError, match="later day"):
            renamed(changed, name(day))


def test_regions_stand_below_larger_ones() -> None:
    city = Region(id="city", name_zh="市", name_en="City", level=RegionLevel.CITY)
    check_region(RegionLevel.COUNTY, "419927", city)
    check_region(RegionLevel.CITY, "", None)
    for level, parent in ((RegionLevel.CITY, city), (RegionLevel.COUNTY, None)):
        with pytest.raises(CloudmgrError):
            check_region(level, "", parent)
    with pytest.raises(CloudmgrError):
        check_region(RegionLevel.COUNTY, "41", city)
