"""What a skipped test does to the run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CONFTEST = """
from tests.support.skips import SkipLedger

def pytest_configure(config):
    config.pluginmanager.register(SkipLedger())
"""


def _run(folder: Path, test: str, *, ci: bool) -> subprocess.CompletedProcess[str]:
    (folder / "conftest.py").write_text(CONFTEST)
    (folder / "test_it.py").write_text(test)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "CI": "true" if ci else ""}
    command = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(folder))
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


BARE_SKIP = "import pytest\n\ndef test_it():\n    pytest.skip('no browser here')\n"
TRACES_SKIP = (
    "from tests.support.skips import SHARED_DATA, missing\n\n"
    "def test_it():\n    missing(SHARED_DATA, 'not beside the project')\n"
)


def test_at_a_desk_a_skip_is_one_line_that_says_what_is_missing(tmp_path: Path) -> None:
    done = _run(tmp_path, BARE_SKIP, ci=False)
    assert done.returncode == 0
    assert "skipped 1: no browser here" in done.stdout.splitlines()


@pytest.mark.parametrize(("test", "code"), [(BARE_SKIP, 1), (TRACES_SKIP, 0)])
def test_ci_fails_on_every_skip_but_that_of_an_optional_part(
    tmp_path: Path, test: str, code: int
) -> None:
    done = _run(tmp_path, test, ci=True)
    assert done.returncode == code
    assert ("CI fails because a required part was skipped" in done.stdout) == bool(code)
    assert done.stdout.splitlines()[-1].startswith("1 skipped in ")
