"""The command line of the catalog: what it prints, and how it refuses."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from catalog.cli import app
from catalog.load import DATA, load_catalog


def run(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


def facts(*words: str) -> dict[str, Any]:
    result = run(*words, "--json")
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


@pytest.fixture
def spoilt(tmp_path: Path) -> Path:
    folder = Path(shutil.copytree(DATA / "2026-01-01", tmp_path / "2026-01-01"))
    path = folder / "ceilings.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('vm-x86-2c4g = "144.00"', "vm-x86-2c4g = 144.0"), encoding="utf-8")
    return folder


def test_validate_accepts_what_is_shipped_and_counts_it() -> None:
    versions = facts("validate")["versions"]
    assert [each["id"] for each in versions] == ["2026-01-01", "2026-07-01"]
    assert versions[0]["skus"] == len(load_catalog().skus)
    assert versions[0]["no_ceiling"] == 0
    assert "示例参数" in run("validate").stdout


def test_validate_refuses_a_float_with_its_sentence_and_exit_code_1(spoilt: Path) -> None:
    result = run("validate", str(spoilt))
    assert result.exit_code == 1
    assert "ceilings.toml" in result.stderr
    assert "vm-x86-2c4g" in result.stderr
    assert result.stdout == ""


def test_a_refusal_as_json_is_one_object_with_its_code(spoilt: Path) -> None:
    result = run("validate", str(spoilt), "--json")
    assert result.exit_code == 1
    refused = json.loads(result.stdout)
    assert (refused["ok"], refused["code"]) == (False, "bad_catalog")


def test_diff_shows_the_change_from_and_to_with_the_mark() -> None:
    changes = {each["id"]: each for each in facts("diff", "2026-01-01", "2026-07-01")["changes"]}
    change = changes["vm-x86-2c4g"]
    assert (change["kind"], change["before"], change["after"], change["sample"]) == (
        "repriced",
        "144.00",
        "136.80",
        True,
    )
    line = next(
        line
        for line in run("diff", "2026-01-01", "2026-07-01").stdout.splitlines()
        if "vm-x86-2c4g" in line
    )
    for part in ("repriced", "144.00", "136.80", "示例参数"):
        assert part in line


def test_diff_of_a_folder_with_a_shipped_version() -> None:
    assert facts("diff", str(DATA / "2026-01-01"), "2026-01-01")["changes"] == []


def test_diff_with_an_unknown_version_names_the_known_ones() -> None:
    result = run("diff", "2026-01-01", "2031-01-01")
    assert result.exit_code == 1
    assert "unknown_catalog_version" in result.stderr
    assert "2026-07-01" in result.stderr


def test_show_lists_every_sku_with_its_marked_ceiling() -> None:
    lines = run("show").stdout.splitlines()
    for sku in load_catalog().skus:
        line = next(line for line in lines if f" {sku.id} " in line)
        assert "示例参数" in line
    assert len(facts("show")["skus"]) == len(load_catalog().skus)


def test_show_of_one_sku_gives_every_figure_with_its_origin() -> None:
    sku = facts("show", "vm-x86-2c4g")["sku"]
    assert sku["ceiling"]["tiers"] == [{"from": 0, "unit_price": "144.00"}]
    assert sku["ceiling"]["sample"] is True
    assert sku["list_prices"][0]["value"] == "160.00"
    assert sku["list_prices"][0]["kind"] == "list"
    assert sku["list_prices"][0]["source"]
    assert sku["standard"]["sample"] is True
    shown = run("show", "vm-x86-2c4g").stdout
    for part in ("144.00 示例参数", "160.00", "天翼云", "东莞市政务云平台建设", "99.95 %"):
        assert part in shown


def test_show_reads_another_version_by_option() -> None:
    assert facts("show", "vm-x86-2c4g", "--version", "2026-07-01")["sku"]["ceiling"]["tiers"] == [
        {"from": 0, "unit_price": "136.80"}
    ]


def test_show_of_an_unknown_sku_is_refused() -> None:
    result = run("show", "vm-x86-3c4g")
    assert result.exit_code == 1
    assert "unknown_sku" in result.stderr
