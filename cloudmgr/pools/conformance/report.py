"""What a run of the suite found: one result per check, with the exchanges that prove it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from cloudmgr.domain.pools import ManagementLevel
from cloudmgr.services import codec


class Outcome(StrEnum):
    """`blocked`: a check it builds on did not pass, or there was nothing to look at."""

    PASSED = "passed"
    FAILED = "failed"
    BLOCKED = "blocked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One request and what came back; bodies are cut for reading, `status` 0 is no answer."""

    method: str
    path: str
    key: str | None
    sent: str
    status: int
    received: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One named check."""

    id: str
    level: ManagementLevel
    asks: str
    outcome: Outcome
    why: str = ""
    evidence: tuple[Exchange, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All checks of a level in the order they ran, and what the run could not take away again."""

    url: str
    level: ManagementLevel
    results: tuple[Result, ...]
    left_behind: tuple[str, ...] = ()

    @property
    def conformant(self) -> bool:
        """Everything was shown. What was not looked at was not shown."""
        return all(result.outcome is Outcome.PASSED for result in self.results)

    @property
    def reached(self) -> ManagementLevel:
        """The highest level all of whose checks passed; a reporting pool owes nothing by API."""
        reached = ManagementLevel.REPORTING
        for level in (ManagementLevel.MONITORING, ManagementLevel.SCHEDULING):
            asked = [each for each in self.results if each.level is level]
            if not asked or any(each.outcome is not Outcome.PASSED for each in asked):
                break
            reached = level
        return reached

    def count(self, outcome: Outcome) -> int:
        return sum(result.outcome is outcome for result in self.results)

    def as_json(self) -> dict[str, Any]:
        verdict = {"conformant": self.conformant, "reached": str(self.reached)}
        return {**verdict, **codec.dump(self)}
