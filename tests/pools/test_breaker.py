"""When the circuit breaker lets calls go, on a clock of its own."""

from __future__ import annotations

from cloudmgr.pools.breaker import Breaker


class Clock:
    """Seconds that pass only when a test says so."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def broken(clock: Clock) -> Breaker:
    breaker = Breaker(clock, failures=3, open_seconds=10.0)
    for _ in range(3):
        assert breaker.admit()
        breaker.failed()
    return breaker


def test_it_opens_after_so_many_failures_in_a_row() -> None:
    breaker = broken(Clock())
    assert breaker.is_open
    assert not breaker.admit()


def test_a_success_between_failures_keeps_it_closed() -> None:
    breaker = Breaker(Clock(), failures=3, open_seconds=10.0)
    for _ in range(4):
        breaker.failed()
        breaker.failed()
        breaker.succeeded()
    assert breaker.admit()


def test_after_the_wait_one_probe_goes_and_the_others_wait_on() -> None:
    clock = Clock()
    breaker = broken(clock)
    clock.seconds = 10.0
    assert breaker.admit()
    assert not breaker.admit()


def test_a_good_probe_closes_it_and_a_bad_one_opens_it_again_at_once() -> None:
    clock = Clock()
    breaker = broken(clock)
    clock.seconds = 10.0
    assert breaker.admit()
    breaker.failed()
    clock.seconds = 19.0
    assert not breaker.admit()
    clock.seconds = 20.0
    assert breaker.admit()
    breaker.succeeded()
    assert breaker.admit()
    assert breaker.admit()


def test_a_probe_that_never_reports_blocks_nobody_for_ever() -> None:
    clock = Clock()
    breaker = broken(clock)
    clock.seconds = 10.0
    assert breaker.admit()
    clock.seconds = 20.0
    assert breaker.admit()
