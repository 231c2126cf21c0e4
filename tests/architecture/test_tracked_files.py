"""What may be in the repository: what we wrote, and nothing of the machine it was written on."""

from __future__ import annotations

import re
import subprocess

import pytest

from tests.architecture.sources import ROOT

# Composed, so that this file does not contain what it looks for.
SLASH = "/"
MACHINE_PATHS = tuple(
    SLASH + path for path in ("work/", "tmp/bash", "root/", "opt/pypi", "opt/wheels", "Users/")
)
# /home/<somebody>/, but not the word in prose.
HOMES = re.compile(SLASH + r"home/\w+/")
INDEXES = re.compile(
    r"index-" + r"url|find-" + r"links|trusted-" + r"host"
    r"|https?://[^\s\"']*" + SLASH + r"simple\b"
    r"|pypi\." + r"org/simple|files\.python" + r"hosted\.org|registry\.npm" + r"js\.org"
    r"|npm" + r"mirror\.com|mirrors?\.[a-z]+\.(?:com|edu)"
)
TRACE_SUFFIXES = (".parquet", ".arrow", ".feather", ".zip", ".gz", ".zst", ".xz", ".7z", ".tar")
LARGEST_FILE_KIB = 512
# Readings somebody made up to show a reader each quirk of a format.
INVENTED = "tests/simulator/traces/fixtures/"
LARGEST_INVENTED_KIB = 64
# Longer runs of bare numbers than this are measurements, not something a person wrote.
LONGEST_NUMBER_RUN = 100
BARE_NUMBERS = re.compile(r"[\d.,;\s+-]+")


def machine_words(text: str) -> list[str]:
    """Paths of one machine and addresses of package indexes in a text."""
    found = [path for path in MACHINE_PATHS if re.search(rf"(?<![\w.]){path}", text)]
    return found + HOMES.findall(text) + INDEXES.findall(text)


def looks_like_a_trace(name: str, content: bytes) -> str:
    """Why a file must be somebody's data, or an empty string."""
    if name.startswith(INVENTED):
        over = len(content) > LARGEST_INVENTED_KIB * 1024
        return f"larger than {LARGEST_INVENTED_KIB} KiB" if over else ""
    if name.endswith(TRACE_SUFFIXES):
        return "an archive or a columnar file"
    if len(content) > LARGEST_FILE_KIB * 1024:
        return f"larger than {LARGEST_FILE_KIB} KiB"
    run = 0
    for line in content.decode("utf-8", errors="replace").splitlines():
        run = run + 1 if line.strip() and BARE_NUMBERS.fullmatch(line) else 0
        if run > LONGEST_NUMBER_RUN:
            return f"more than {LONGEST_NUMBER_RUN} lines of bare numbers"
    return ""


def _project_files() -> list[str]:
    """Tracked files and those about to be; ignored ones are nobody's business."""
    command = ("git", "ls-files", "--cached", "--others", "--exclude-standard", "-z")
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    names = [name for name in done.stdout.split("\0") if name]
    return sorted(name for name in set(names) if (ROOT / name).is_file())


def test_no_file_names_a_path_of_this_machine_or_a_package_index() -> None:
    found = {}
    for name in _project_files():
        text = (ROOT / name).read_text(encoding="utf-8", errors="replace")
        if words := machine_words(text):
            found[name] = words
    assert not found, found


def test_no_trace_data_is_in_the_repository() -> None:
    found = {
        name: why
        for name in _project_files()
        if (why := looks_like_a_trace(name, (ROOT / name).read_bytes()))
    }
    assert not found, found


@pytest.mark.parametrize(
    "text",
    [
        f"cd {SLASH}work/main",
        f'DATA = "{SLASH}root/.cache"',
        f"{SLASH}home/somebody/project",
        "pip install --extra-index-" + "url file:x",
        "https://example.org" + f"{SLASH}simple/numpy",
        "https://registry.npm" + "js.org/htmx.org",
    ],
)
def test_each_trace_of_a_machine_is_seen(text: str) -> None:
    assert machine_words(text)


def test_words_that_only_look_like_paths_are_fine() -> None:
    looks = f"docs{SLASH}work/plan.md and .{SLASH}root/x and /srv/cloudmgr, a simple rule"
    assert not machine_words(looks)


def test_measurements_are_told_from_what_people_write() -> None:
    planetlab = b"24\n34\n" * 144
    assert looks_like_a_trace("tests/data/vm_1", planetlab)
    assert looks_like_a_trace("tests/data/odd.parquet", b"PAR1")
    assert looks_like_a_trace("catalog/data/skus.csv", b"x" * (LARGEST_FILE_KIB * 1024 + 1))
    assert looks_like_a_trace(f"{INVENTED}vm_1", b"24\n" * (LARGEST_INVENTED_KIB * 1024))
    assert not looks_like_a_trace(f"{INVENTED}vm_1", planetlab)
    assert not looks_like_a_trace("catalog/data/skus.csv", b"sku,price\nvcpu,12.00\n" * 200)
