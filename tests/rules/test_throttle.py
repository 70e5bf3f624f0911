"""Tries are counted before they cost anything, whoever makes them, and never shut an owner out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.rules import throttle
from lab.rules.throttle import LIMITS, Bucket, Limit, Trial, Try, tries

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
LIMIT = Limit(3, timedelta(minutes=1))


def test_a_burst_and_then_one_at_a_time() -> None:
    full_at = NOW
    for _ in range(3):
        full_at, wait = throttle.take(full_at, LIMIT, NOW)
        assert wait == timedelta()
    refused, wait = throttle.take(full_at, LIMIT, NOW)
    assert (refused, wait) == (full_at, timedelta(minutes=1))
    full_at, wait = throttle.take(full_at, LIMIT, NOW + timedelta(minutes=1))
    assert wait == timedelta()
    assert throttle.take(full_at, LIMIT, NOW + timedelta(seconds=61))[1] == timedelta(seconds=59)


def test_a_rest_fills_the_bucket_and_not_more() -> None:
    full_at = NOW
    later = NOW + timedelta(days=30)
    for taken in range(5):
        full_at, wait = throttle.take(full_at, LIMIT, later)
        assert (wait > timedelta()) == (taken >= 3)


def test_a_try_given_back_can_be_used_again() -> None:
    full_at = NOW
    for _ in range(3):
        full_at, _wait = throttle.take(full_at, LIMIT, NOW)
    assert throttle.take(throttle.give_back(full_at, LIMIT), LIMIT, NOW)[1] == timedelta()


@given(st.lists(st.integers(0, 600), min_size=1, max_size=60), st.integers(1, 8), st.integers(1, 120))
def test_never_more_than_the_burst_and_what_time_has_brought(gaps: list[int], burst: int, every: int) -> None:
    """The plain model: within any stretch of time, at most the burst and one for every full pause in it."""
    limit, now, full_at, taken = Limit(burst, timedelta(seconds=every)), NOW, NOW, []
    for gap in gaps:
        now += timedelta(seconds=gap)
        full_at, wait = throttle.take(full_at, limit, now)
        if wait == timedelta():
            taken.append(now)
        else:
            assert throttle.take(full_at, limit, now + wait)[1] == timedelta(), "the wait told is enough"
            assert throttle.take(full_at, limit, now + wait - timedelta(microseconds=1))[1] > timedelta(), "and needed"
    for first in range(len(taken)):
        for last in range(first, len(taken)):
            stretch = (taken[last] - taken[first]).total_seconds()
            assert last - first + 1 <= burst + stretch // every


def test_a_strange_browser_counts_for_the_account_and_the_address_a_known_one_for_itself() -> None:
    strange = tries(Trial.SIGN_IN, "ana@example.org", "192.0.2.7")
    assert {item.bucket for item in strange} == {Bucket.PAIR, Bucket.ACCOUNT, Bucket.ADDRESS}
    known = tries(Trial.SIGN_IN, "ana@example.org", "192.0.2.7", "d1")
    assert {item.bucket for item in known} == {Bucket.DEVICE}
    assert not {item.key for item in strange} & {item.key for item in known}, "a stranger cannot use up the owner's"


@pytest.mark.parametrize("trial", Trial)
def test_keys_differ_by_what_by_whom_and_from_where(trial: Trial) -> None:
    keys = {Try(trial, bucket, subject).key for bucket in Bucket for subject in ("a", "b")}
    assert len(keys) == 2 * len(Bucket)
    assert all(key != "a" and len(key) == 64 for key in keys)


def test_a_password_is_not_to_be_guessed_by_waiting() -> None:
    """What the limits allow in a year, from everywhere, is far below the fewest guesses that a password withstands."""
    limit = LIMITS[Trial.SIGN_IN, Bucket.ACCOUNT]
    assert limit.burst + timedelta(days=365) / limit.every < 10**6
    code = LIMITS[Trial.SECOND_FACTOR, Bucket.ACCOUNT]
    assert (code.burst + timedelta(days=30) / code.every) * 3 / 10**6 < 0.02


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("192.0.2.1", "192.0.2.2", False),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
        ("", "not an address", False),
    ],
)
def test_a_customer_of_a_provider_is_one_network(one: str, other: str, same: bool) -> None:
    """With a /64 to choose from, whoever tries would never be from the same address twice."""
    for bucket in (Bucket.PAIR, Bucket.ADDRESS):
        keys = [
            next(item.key for item in tries(Trial.SIGN_IN, "a", address) if item.bucket is bucket)
            for address in (one, other)
        ]
        assert (keys[0] == keys[1]) == same
