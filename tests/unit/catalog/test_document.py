"""A catalog sent as one TOML document reads back as the very same catalog, faults by row."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.document import read_document, write_document
from catalog.errors import CloudmgrError
from catalog.load import shipped_versions
from catalog.tables import surviving
from catalog.versions import CatalogVersion, diff
from tests.support.catalogs import a_ceiling, a_sku, a_standard, a_version, tiers


@pytest.mark.parametrize("version", shipped_versions(), ids=lambda each: each.id)
def test_every_shipped_catalog_reads_back_equal(version: CatalogVersion) -> None:
    back, faults = read_document(write_document(version))
    assert not faults
    assert back == version
    assert not diff(version, back)


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1).map(str.strip).filter(bool))
def test_any_text_survives(name: str) -> None:
    version = a_version(skus=(a_sku(name_zh=name, service_standard=name),))
    assert read_document(write_document(version)) == (version, ())


def test_every_figure_stands_with_its_source() -> None:
    text = write_document(a_version())
    ceiling = text.partition("[[ceilings]]")[2]
    for line in ('unit_price = "100.00"', 'kind = "sample"', 'source = "a test"', 'year = "2026"'):
        assert line in ceiling


def faults_of(text: str) -> list[tuple[str, int, str]]:
    version, faults = read_document(text)
    assert version is None
    return [(each.table, each.number, each.column) for each in faults]


def test_every_fault_is_told_with_its_table_row_and_column() -> None:
    text = write_document(a_version(skus=(a_sku(), a_sku(id="disk"))))
    text = text.replace('id = "disk"', 'id = "Disk"').replace('"100.00"', "100.0")
    text = text.replace("restore_minutes = 240", 'restore_minutes = "soon"')
    found = faults_of(text)
    assert ("standards", 1, "restore_minutes") in found
    assert ("skus", 2, "id") in found
    assert ("ceilings", 1, "unit_price") in found


def test_a_misspelt_field_or_table_is_no_empty_one() -> None:
    text = write_document(a_version())
    assert ("skus", 1, "modell") in faults_of(text.replace("model =", "modell ="))
    assert ("ceiling", 1, "") in faults_of(text.replace("[[ceilings]]", "[[ceiling]]"))


def test_what_does_not_fit_together_is_placed_at_its_row() -> None:
    text = write_document(a_version(ceilings=(a_ceiling(at=tiers((0, "1.00"))),)))
    assert faults_of(text.replace('sku_id = "vm"', 'sku_id = "vn"')) == [("ceilings", 1, "sku")]


def test_what_is_no_toml_is_refused_with_its_line() -> None:
    with pytest.raises(CloudmgrError, match="line 2"):
        read_document("id = 1\n=")


def test_a_catalog_that_would_not_read_back_is_no_catalog() -> None:
    assert surviving(a_version()) == a_version()
    padded = a_version(skus=(replace(a_sku(), name_zh=" 云主机"),))
    with pytest.raises(CloudmgrError, match="spaces"):
        surviving(padded)
    with pytest.raises(CloudmgrError, match="control"):
        surviving(a_version(skus=(replace(a_sku(), name_zh="云\x07主机"),)))
    third = a_version(standards=(a_standard(availability=Fraction(2, 3), credit_tiers=()),))
    with pytest.raises(CloudmgrError, match="six decimals"):
        surviving(third)
