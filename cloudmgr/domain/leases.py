"""Leases: work that one worker at a time holds, and how long it rests after a failure.

A lease is a token and an end. Whoever holds it writes it into the record and checks it at each
commit; when the end has passed, another worker may write its own token over it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Lease:
    """Who holds a piece of work, and until when unless it is prolonged."""

    token: str
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """Rest after failures in a row: doubling from `first_seconds`, never over `longest_seconds`;
    after `attempts` failures whoever may give up does."""

    first_seconds: int = 5
    longest_seconds: int = 600
    attempts: int = 10

    def rest(self, failures: int) -> timedelta:
        """After `failures` in a row, at least one."""
        # A day is 2^17 seconds: larger powers only make large numbers.
        doubled = self.first_seconds * 2 ** min(failures - 1, 17)
        return timedelta(seconds=min(self.longest_seconds, doubled))
