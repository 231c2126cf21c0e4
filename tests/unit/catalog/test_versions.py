"""Publishing, dating and comparing catalogs."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from catalog.errors import Invalid, NotFound
from catalog.period import midnight
from catalog.versions import CatalogVersion, Change, ChangeKind, diff, publish, version_at
from tests.support.catalogs import a_ceiling, a_sku, a_standard, a_version, tiers

JAN, JUL = date(2026, 1, 1), date(2026, 7, 1)
NOW = midnight(date(2026, 3, 1)) + timedelta(hours=9)


def test_a_version_is_in_force_from_its_midnight_until_the_next() -> None:
    both = (a_version(id="v2", day=JUL), a_version())
    assert version_at(both, midnight(JAN)).id == "v1"
    assert version_at(both, midnight(JUL) - timedelta(seconds=1)).id == "v1"
    assert version_at(both, midnight(JUL)).id == "v2"
    with pytest.raises(NotFound) as refused:
        version_at(both, midnight(JAN) - timedelta(seconds=1))
    assert refused.value.code == "unknown_catalog_version"


def test_a_version_takes_effect_at_a_shanghai_midnight_only() -> None:
    fields = {
        "id": "v1",
        "document_number": "test",
        "kind": a_standard().kind,
        "skus": (),
        "standards": (),
        "ceilings": (),
    }
    with pytest.raises(Invalid, match="bad_effective_date"):
        CatalogVersion(effective_from=midnight(JAN) + timedelta(hours=8), **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changed", "where"),
    [
        ({"skus": (a_sku(), a_sku())}, "Sku vm"),
        ({"ceilings": (a_ceiling(), a_ceiling())}, "ceiling of vm"),
        ({"standards": (a_standard(), a_standard())}, "standard standard"),
        ({"standards": ()}, "Sku vm, field standard_id"),
        ({"ceilings": (a_ceiling(sku_id="gpu"),)}, "ceiling of gpu"),
        ({"ceilings": (a_ceiling(at=tiers((0, "2.00"), (9, "1.00"))),)}, "ceiling of vm"),
    ],
)
def test_parts_that_do_not_fit_together_are_refused(changed: dict[str, Any], where: str) -> None:
    with pytest.raises(Invalid) as refused:
        a_version(**changed)
    assert refused.value.code == "bad_catalog"
    assert where in refused.value.message


def test_asking_for_an_unknown_sku_says_where_to_look() -> None:
    with pytest.raises(NotFound, match="catalog show") as refused:
        a_version().sku("gpu")
    assert refused.value.code == "unknown_sku"


def test_publishing_adds_a_version_and_changes_none() -> None:
    old, new = a_version(), a_version(id="v2", day=JUL)
    assert publish((old,), new, now=NOW) == (old, new)


@pytest.mark.parametrize(
    ("day", "now"),
    [
        (date(2026, 2, 1), NOW),
        (date(2026, 3, 1), NOW),
        (date(2026, 3, 1), midnight(date(2026, 3, 1))),
        (JAN, midnight(date(2025, 12, 1))),
        (date(2025, 12, 20), midnight(date(2025, 12, 1))),
    ],
)
def test_a_version_takes_effect_in_the_future_and_after_every_published_one(
    day: date, now: datetime
) -> None:
    with pytest.raises(Invalid) as refused:
        publish((a_version(),), a_version(id="v2", day=day), now=now)
    assert refused.value.code == "bad_effective_date"


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"id": "v1"}, "field id"),
        ({"document_number": " "}, "field document_number"),
        ({"skus": (), "ceilings": ()}, "Sku vm"),
        ({"skus": (a_sku(unit_zh="核"),)}, "field unit_zh"),
        ({"skus": (a_sku(resources=()),)}, "field resources"),
        ({"skus": (a_sku(meter_units_per_unit=60),)}, "field meter_units_per_unit"),
    ],
)
def test_what_live_allocations_stand_on_cannot_be_pulled_away(
    changed: dict[str, Any], field: str
) -> None:
    fields: dict[str, Any] = {"id": "v2", "day": JUL} | changed
    with pytest.raises(Invalid) as refused:
        publish((a_version(),), a_version(**fields), now=NOW)
    assert refused.value.code == "bad_catalog"
    assert field in refused.value.message


def test_a_sku_retires_instead_of_vanishing() -> None:
    retired = a_version(id="v2", day=JUL, skus=(a_sku(retired=True),))
    assert publish((a_version(),), retired, now=NOW)[-1].sku("vm").retired


def told(changes: tuple[Change, ...]) -> list[tuple[str, str, str, str, str]]:
    return [(each.kind, each.id, each.field, each.before, each.after) for each in changes]


def test_a_catalog_does_not_differ_from_itself() -> None:
    assert diff(a_version(), a_version(id="v2", day=JUL)) == ()


def test_a_diff_names_what_was_added_repriced_restated_and_retired() -> None:
    before = a_version(
        skus=(a_sku(), a_sku(id="disk"), a_sku(id="tape")),
        ceilings=(a_ceiling(), a_ceiling(sku_id="disk", at="0.30")),
    )
    after = a_version(
        id="v2",
        day=JUL,
        skus=(
            a_sku(),
            a_sku(id="disk", retired=True),
            a_sku(id="gpu"),
            a_sku(id="tape", name_en="LTO"),
        ),
        ceilings=(a_ceiling(at="95"), a_ceiling(sku_id="disk", at="0.30"), a_ceiling(sku_id="gpu")),
        standards=(a_standard(restore_minutes=120),),
    )
    assert told(diff(before, after)) == [
        (ChangeKind.RETIRED, "disk", "retired", "no", "yes"),
        (ChangeKind.ADDED, "gpu", "ceiling", "-", "100.00"),
        (ChangeKind.RESTATED, "tape", "name_en", "VM", "LTO"),
        (ChangeKind.REPRICED, "vm", "ceiling", "100.00", "95.00"),
        (ChangeKind.RESTATED, "standard", "restore_minutes", "240", "120"),
    ]
    assert [each.sample for each in diff(before, after)] == [False, True, False, True, True]


def test_a_diff_read_backwards_removes_what_was_added() -> None:
    more = a_version(skus=(a_sku(), a_sku(id="gpu")), standards=(a_standard(), a_standard(id="x")))
    assert told(diff(more, a_version())) == [
        (ChangeKind.REMOVED, "gpu", "ceiling", "-", "-"),
        (ChangeKind.REMOVED, "x", "availability", "99.9 %", "-"),
    ]
