"""The opening's commands in a terminal: write the workbook, check one, write a city out as one."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import openpyxl
import pytest

from cloudmgr.cli import main
from cloudmgr.services.openings_sheets import TITLES


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["cloudmgr", *map(str, arguments)])
    with pytest.raises(SystemExit) as left:
        main()
    return int(left.value.code or 0)


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("node")
    with pytest.MonkeyPatch.context() as patched:
        patched.delenv("CLOUDMGR_DATABASE_URL", raising=False)
        assert run(patched, "init", "--city", "reference", "--data", folder) == 0
    return folder


def test_the_template_is_written_and_its_examples_are_told_fault_by_fault(
    node: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = tmp_path / "opening.xlsx"
    assert run(monkeypatch, "opening", "template", file) == 0
    assert openpyxl.load_workbook(file).sheetnames[:5] == list(TITLES.values())
    capsys.readouterr()
    check = ("opening", "check", file, "--data", node, "--cut-over", "2026-02-01")
    assert run(monkeypatch, *check) == 1
    told = capsys.readouterr().err
    assert "在用资源 2 用云单位: there is no department '示例单位'" in told
    assert run(monkeypatch, *check, "--json") == 1
    assert json.loads(capsys.readouterr().out)["code"] == "bad_rows"


def test_a_city_written_out_is_found_to_be_in_its_own_books_already(
    node: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = tmp_path / "city.xlsx"
    assert run(monkeypatch, "opening", "export", file, "--data", node) == 0
    capsys.readouterr()
    assert run(monkeypatch, "opening", "check", file, "--data", node, "--json") == 1
    faults = json.loads(capsys.readouterr().out)["faults"]
    assert ("合同", 2, "合同编号") in {(e["sheet"], e["row"], e["column"]) for e in faults}
