"""The ledger's sums on a few notes."""

from __future__ import annotations

import pytest

from simulator.consolidation.metrics import Ledger, measure, new_ledger, note_host, note_vm


def ledger() -> Ledger:
    return new_ledger(1, 1, idle_is_on=False)


def host(to: Ledger, now: float, *, short: bool = False, on: bool = True) -> None:
    note_host(to.host_note[0], to.host_sum[0], now, short, on)


def vm(to: Ledger, now: float, given: float, wanted: float, *, moving: bool = False) -> None:
    note_vm(to.vm_note[0], to.vm_sum[0], now, given, wanted, moving)


def test_time_in_shortage_is_a_part_of_active_time_only() -> None:
    book = ledger()
    for now, short, on in ((0, True, True), (30, False, True), (100, True, False), (500, 0, 1)):
        host(book, float(now), short=bool(short), on=bool(on))
    assert measure(book).slatah == pytest.approx(30 / 100)


def test_of_several_notes_at_one_instant_the_last_counts() -> None:
    book = ledger()
    host(book, 0.0, short=True)
    host(book, 0.0, short=False)
    host(book, 10.0)
    host(book, 10.0, on=False)
    host(book, 10.0)
    host(book, 20.0)
    assert measure(book).slatah == 0.0
    assert measure(book).host_shutdowns == 0


def test_every_change_from_on_to_off_is_a_shutdown() -> None:
    book = ledger()
    for now, on in enumerate((True, False, False, True, False)):
        host(book, float(now), on=on)
    assert measure(book).host_shutdowns == 2


def test_a_host_that_was_never_used_counts_once() -> None:
    book = ledger()
    assert measure(book).host_shutdowns == 0
    for now in range(3):
        host(book, float(now), on=False)
        assert measure(book).host_shutdowns == 1


def test_only_what_migrating_vms_lack_degrades() -> None:
    book = ledger()
    vm(book, 0.0, 50, 100)
    vm(book, 10.0, 90, 100, moving=True)
    vm(book, 30.0, 100, 100)
    vm(book, 40.0, 0, 0)
    assert measure(book).pdm == pytest.approx(10 * 20 / (100 * 40))
