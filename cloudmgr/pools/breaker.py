"""A circuit breaker: a pool that keeps failing is left alone, then probed by one call at a time.

Owns counting and when a call may go; what counts as a failure is the client's.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock


class Breaker:
    """Closed until `failures` in a row, then open for `open_seconds`, then one probe at a time.

    `now` is a clock of seconds that never goes back. A probe that never reports (its thread died)
    blocks nobody for ever: the next one may go after another `open_seconds`.
    """

    def __init__(
        self, now: Callable[[], float], *, failures: int = 5, open_seconds: float = 30.0
    ) -> None:
        self._now = now
        self._failures = failures
        self._open_seconds = open_seconds
        self._in_a_row = 0
        self._open_until: float | None = None
        self._lock = Lock()

    @property
    def is_open(self) -> bool:
        """Whether a call would be turned away now."""
        with self._lock:
            return self._open_until is not None and self._now() < self._open_until

    def admit(self) -> bool:
        """Whether a call may go; after the wait it is the probe, and others wait on."""
        with self._lock:
            if self._open_until is None:
                return True
            if self._now() < self._open_until:
                return False
            self._open_until = self._now() + self._open_seconds
            return True

    def succeeded(self) -> None:
        with self._lock:
            self._in_a_row = 0
            self._open_until = None

    def failed(self) -> None:
        with self._lock:
            self._in_a_row += 1
            if self._in_a_row >= self._failures:
                self._open_until = self._now() + self._open_seconds
