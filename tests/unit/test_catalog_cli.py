"""`cloudmgr catalog export | import`: out as a file, back as the changes that were made in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook
from typer.testing import CliRunner, Result

from catalog.errors import CloudmgrError
from catalog.load import load_catalog, shipped_versions
from catalog.versions import CatalogVersion
from cloudmgr.catalog_cli import catalog_app
from cloudmgr.services.catalogs import CatalogFormat, catalog_file, read_catalog


def run(*words: object) -> Result:
    return CliRunner().invoke(catalog_app, [str(word) for word in words])


def changes(*words: object) -> list[dict[str, Any]]:
    result = run("import", *words, "--json")
    assert result.exit_code == 0, result.output
    found: list[dict[str, Any]] = json.loads(result.stdout)["changes"]
    return found


@pytest.mark.parametrize("form", CatalogFormat)
@pytest.mark.parametrize("version", shipped_versions(), ids=lambda each: each.id)
def test_every_shipped_catalog_reads_back_equal(
    version: CatalogVersion, form: CatalogFormat
) -> None:
    file = catalog_file(version, form)
    assert read_catalog(file.name, file.data) == version


@pytest.mark.parametrize("form", CatalogFormat)
def test_what_is_exported_imports_without_a_change(form: CatalogFormat, tmp_path: Path) -> None:
    file = tmp_path / f"catalog.{form}"
    assert run("export", "2026-01-01", file).exit_code == 0
    assert changes(file) == []
    assert {each["kind"] for each in changes(file, "--base", "2026-01-01")} == set()


def test_a_price_mended_in_a_spreadsheet_is_one_change(tmp_path: Path) -> None:
    file = tmp_path / "catalog.xlsx"
    run("export", "2026-01-01", file)
    book = load_workbook(file)
    sheet = book["ceilings"]
    row = next(r for r in sheet.iter_rows() if r[0].value == load_catalog().ceilings[0].sku_id)
    row[2].value = 1.5  # as a spreadsheet keeps what people type
    book.save(file)
    (change,) = changes(file)
    assert (change["id"], change["field"], change["after"]) == (row[0].value, "ceiling", "1.50")


def test_every_bad_cell_is_told_by_sheet_row_and_column(tmp_path: Path) -> None:
    file = tmp_path / "catalog.xlsx"
    run("export", "2026-01-01", file)
    book = load_workbook(file)
    book["ceilings"]["C4"].value = "dear"
    book["skus"]["I5"].value = ""
    book["standards"]["D3"].value = "2"
    book.save(file)
    refusal = run("import", file).exception
    assert isinstance(refusal, CloudmgrError)
    assert refusal.code == "bad_rows"
    told = {(each["sheet"], each["row"], each["column"]) for each in refusal.details["faults"]}
    assert told == {("ceilings", 4, "上限价格")}, "cells first, then what they mean"
    book["ceilings"]["C4"].value = "1.00"
    book.save(file)
    refusal = run("import", file).exception
    assert isinstance(refusal, CloudmgrError)
    assert ("standards", 3, "availability") in {
        (each["sheet"], each["row"], each["column"]) for each in refusal.details["faults"]
    }


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("export", "never", "a.toml"), "unknown_catalog_version"),
        (("export", "2026-01-01", "a.csv"), "bad_value"),
        (("import", "absent.toml"), "bad_file"),
        (("export", "2026-01-01", "a.toml", "--url", "http://127.0.0.1:9"), "bad_value"),
        (
            ("export", "2026-01-01", "a.toml", "--url", "http://127.0.0.1:9", "--token", "x"),
            "node_unreachable",
        ),
    ],
)
def test_what_cannot_be_done_is_refused(words: tuple[str, ...], code: str) -> None:
    refusal = run(*words).exception
    assert isinstance(refusal, CloudmgrError)
    assert refusal.code == code
