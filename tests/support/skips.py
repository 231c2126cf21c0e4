"""What happens where a part some tests need is missing: one line at a desk, a failure in CI.

Owns that rule and the count of what was skipped. Finding a part (a server, a browser, traces) is
left to the module of that part, which calls `missing()` when it finds none.
"""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from typing import NoReturn

import pytest


@dataclass(frozen=True, slots=True)
class Part:
    """Something outside the project; `required_in_ci` parts may not be skipped there."""

    name: str
    required_in_ci: bool


POSTGRESQL = Part("PostgreSQL", required_in_ci=True)
# Nobody may redistribute the traces, so a fresh machine cannot fetch them.
SHARED_DATA = Part("real traces", required_in_ci=False)

OPTIONAL = (SHARED_DATA,)


def in_ci() -> bool:
    return os.environ.get("CI", "").lower() in {"1", "true", "yes"}


def missing(part: Part, why: str) -> NoReturn:
    """Skip the test with one line that says what is missing; in CI fail it if it is required."""
    if part.required_in_ci and in_ci():
        pytest.fail(f"{part.name} is missing, and CI requires it: {why}", pytrace=False)
    pytest.skip(_reason(part, why))


def _reason(part: Part, why: str) -> str:
    return f"{part.name} is missing: {why}"


class SkipLedger:
    """Pytest plugin: counts skips by reason, prints them, and in CI allows only optional ones."""

    def __init__(self) -> None:
        self.reasons: Counter[str] = Counter()

    @property
    def unexcused(self) -> tuple[str, ...]:
        """Reasons that CI does not accept: every skip but that of an optional part."""
        starts = tuple(_reason(part, "") for part in OPTIONAL)
        return tuple(reason for reason in sorted(self.reasons) if not reason.startswith(starts))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._count(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        self._count(report)

    def _count(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        if not report.skipped or hasattr(report, "wasxfail"):
            return
        why = report.longrepr
        text = str(why[2]) if isinstance(why, tuple) else str(why)
        self.reasons[text.removeprefix("Skipped: ")] += 1

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if in_ci() and self.unexcused:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        for reason, count in sorted(self.reasons.items()):
            terminalreporter.write_line(f"skipped {count}: {reason}")
        if in_ci() and self.unexcused:
            terminalreporter.write_line(
                "CI fails because a required part was skipped: " + "; ".join(self.unexcused)
            )
