"""The folder of `make run`: what is played once is served again, and nothing else is touched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from catalog.errors import Conflict
from simulator.city import month as folder

ASKED = {"seed": 1, "traces": None, "format": None}
TOLD: dict[str, Any] = {
    "seed": 1,
    "traces": {"format": "archetypes"},
    "commands": 3,
    "wall_s": 1.5,
    "billed_total": "12.00",
}


def play_into(data: Path, *, to_the_end: bool = True) -> None:
    with folder.held(data):
        folder.begin(data, ASKED)
        (data / "cloudmgr.db").write_text("a node")
        (data / "lake").mkdir()
        if to_the_end:
            folder.finish(data, ASKED, TOLD)


def refusal(data: Path, asked: dict[str, Any] = ASKED) -> Conflict:
    with pytest.raises(Conflict) as refused:
        folder.told_before(data, asked)
    return refused.value


def test_a_new_folder_has_nothing_to_tell(tmp_path: Path) -> None:
    assert folder.told_before(tmp_path / "new", ASKED) is None


def test_a_finished_play_tells_what_the_node_cannot(tmp_path: Path) -> None:
    play_into(tmp_path)
    told = folder.told_before(tmp_path, ASKED)
    assert told == {name: TOLD[name] for name in ("seed", "traces", "commands", "wall_s")}


def test_half_a_play_is_cleared_away_and_begun_again(tmp_path: Path) -> None:
    play_into(tmp_path, to_the_end=False)
    (tmp_path / "cloudmgr.db-wal").touch()
    (tmp_path / "notes.txt").write_text("mine")
    assert folder.told_before(tmp_path, ASKED) is None
    assert folder.begin(tmp_path, ASKED)
    assert {each.name for each in tmp_path.iterdir()} == {"month.json", "month.lock", "notes.txt"}


def test_a_node_that_was_not_made_here_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "cloudmgr.db").write_text("somebody's node")
    assert refusal(tmp_path).code == "data_exists"
    assert "cloudmgr serve" in refusal(tmp_path).message


def test_another_month_is_not_shown_for_the_one_asked_for(tmp_path: Path) -> None:
    play_into(tmp_path)
    refused = refusal(tmp_path, {**ASKED, "seed": 2})
    assert refused.code == "data_exists"
    assert "the month of seed 1" in refused.message


def test_a_folder_is_held_by_one_at_a_time(tmp_path: Path) -> None:
    with folder.held(tmp_path), pytest.raises(Conflict) as refused, folder.held(tmp_path):
        pass
    assert refused.value.code == "data_in_use"
    with folder.held(tmp_path):
        pass
