"""Guesses counted in windows, passwords that may be chosen, and the proof bound to a session."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.errors import Forbidden, Invalid, TooMany
from cloudmgr.domain.sessions import (
    SignInAttempts,
    SignInRules,
    attempts_of_address,
    attempts_of_login,
    blocked_until,
    check_attempts,
    check_csrf,
    check_new_password,
    count_failure,
    csrf_token,
)

NOON = datetime(2026, 3, 2, 4, tzinfo=UTC)
RULES = SignInRules(failures_per_login=3, window_minutes=10, block_minutes=20)


def failed(*minutes: int, rules: SignInRules = RULES) -> SignInAttempts:
    """What is held after failures at minutes past noon."""
    held = None
    for minute in minutes:
        held = count_failure(held, "login/x", 3, rules, NOON + timedelta(minutes=minute))
    assert held is not None
    return held


def end(held: SignInAttempts | None, minute: int) -> int | None:
    """The minute a block ends at, as seen at a minute."""
    until = blocked_until(held, 3, RULES, NOON + timedelta(minutes=minute))
    return None if until is None else (until - NOON) // timedelta(minutes=1)


def test_the_third_failure_in_the_window_blocks_for_the_time_of_the_block() -> None:
    assert end(failed(0, 1), 1) is None
    assert end(failed(0, 1, 2), 2) == 22
    assert end(failed(0, 1, 2), 21) == 22
    assert end(failed(0, 1, 2), 22) is None


def test_failures_far_apart_are_not_added_up() -> None:
    """An office of hundreds behind one address mistypes all day."""
    assert failed(0, 9, 10).failures == 1
    assert end(failed(*range(0, 600, 6)), 600) is None


def test_a_failure_that_was_on_its_way_does_not_end_the_block() -> None:
    assert end(failed(0, 8, 9, 12), 13) == 32


def test_after_a_block_the_count_begins_anew() -> None:
    assert failed(0, 1, 2, 22).failures == 1


@given(st.lists(st.integers(0, 5), min_size=1, max_size=60))
def test_nobody_is_looked_at_oftener_than_the_rules_allow(gaps: list[int]) -> None:
    """In any window at most the limit, and one more of the window before."""
    held, looked, minute = None, [], 0
    for gap in gaps:
        minute += gap
        now = NOON + timedelta(minutes=minute)
        if blocked_until(held, 3, RULES, now) is None:
            held = count_failure(held, "login/x", 3, RULES, now)
            looked.append(minute)
    for first in looked:
        assert len([each for each in looked if first <= each < first + 10]) <= 2 * 3 - 1


def test_the_longer_of_two_blocks_is_told_in_whole_seconds() -> None:
    by_login, by_address = failed(0, 0, 0), failed(5, 5, 5)
    rules = SignInRules(
        failures_per_login=3, failures_per_address=3, window_minutes=10, block_minutes=20
    )
    now = NOON + timedelta(minutes=6, milliseconds=1)
    with pytest.raises(TooMany) as refused:
        check_attempts(by_login, by_address, rules, now)
    assert refused.value.details["retry_after"] == 19 * 60
    assert "1140 seconds" in refused.value.message
    check_attempts(None, None, rules, now)


def test_a_login_is_kept_as_a_digest_of_it_however_it_is_written() -> None:
    assert attempts_of_login("Wang") == attempts_of_login("wANG") != attempts_of_login("wang2")
    assert "wang" not in attempts_of_login("wang")
    assert attempts_of_login("\ud800")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("10.1.1.1", "10.1.1.2", False),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:10.1.1.1", "10.1.1.1", True),
        ("fe80::1%eth0", "fe80::1%eth1", True),
        ("a unix socket", "a unix socket", True),
        ("", "10.1.1.1", False),
    ],
)
def test_an_address_is_one_machine_or_one_site_of_ipv6(one: str, other: str, same: bool) -> None:
    assert (attempts_of_address(one) == attempts_of_address(other)) is same


@pytest.mark.parametrize("password", ["123456789", "x" * 401, "Wang.Fang.01", ""])
def test_a_password_is_long_enough_and_not_the_login(password: str) -> None:
    with pytest.raises(Invalid):
        check_new_password(password, "wang.fang.01", SignInRules())
    check_new_password("1234567890", "wang.fang.01", SignInRules())


def test_a_proof_is_good_for_its_own_session_only() -> None:
    check_csrf("one secret", csrf_token("one secret"))
    for told in (None, "", "one secret", csrf_token("another secret"), "\udcff"):
        with pytest.raises(Forbidden, match="csrf_failed"):
            check_csrf("one secret", told)


def test_rules_under_which_nobody_could_sign_in_are_refused() -> None:
    for name in SignInRules.__dataclass_fields__:
        with pytest.raises(Invalid, match=name):
            SignInRules(**{name: 0})
