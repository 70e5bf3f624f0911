"""Codes as people type them, recovery codes, names, what may be taken away, sites, and challenges."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.rules import second_factor as rules

AT = datetime(2026, 3, 2, 12, tzinfo=UTC)
KEY = b"k" * 32


@pytest.mark.parametrize(
    "typed", ["123456", " 123 456 ", "123-456", "12 34 56", "１２３４５６", "123\u2013456", "123\u00a0456"]
)
def test_a_code_is_read_however_it_is_spaced(typed: str) -> None:
    assert rules.clean_code(typed) == "123456"


@pytest.mark.parametrize("typed", ["", "12345", "1234567", "12345a", "-12345", "٣٤٥٦٧٨", "12.456", "1" * 10_000])
def test_what_is_no_code_is_none(typed: str) -> None:
    assert rules.clean_code(typed) == ""


@given(st.integers(min_value=0, max_value=2**60 - 1))
def test_every_recovery_code_is_read_as_it_was_made(number: int) -> None:
    code = rules.recovery_code(number)
    assert len(code) == rules.RECOVERY_LENGTH
    for typed in (code, rules.grouped(code), rules.grouped(code).lower(), f" {code[:6]} {code[6:]}\n"):
        assert rules.clean_recovery_code(typed) == code


@given(st.integers(0, 2**60 - 1), st.integers(0, 2**60 - 1))
def test_two_numbers_make_two_codes(one: int, other: int) -> None:
    assert (rules.recovery_code(one) == rules.recovery_code(other)) == (one == other)


def test_look_alikes_are_read_as_what_they_look_like() -> None:
    assert rules.clean_recovery_code("OoIi-lL23-4567") == "001111234567"
    assert not set("OILU") & set(rules.SIGNS)
    assert len(set(rules.SIGNS)) == 32, "twelve of them are 60 bits"


@pytest.mark.parametrize("typed", ["", "ABCD-EFGH-JKM", "ABCD-EFGH-JKMNP", "ABCD-EFGH-JKM!", "UUUU-UUUU-UUUU"])
def test_what_is_no_recovery_code_is_none(typed: str) -> None:
    assert rules.clean_recovery_code(typed) == ""


def test_three_or_fewer_are_few() -> None:
    assert [rules.few_left(n) for n in (10, 4, 3, 0)] == [False, False, True, True]


@pytest.mark.parametrize(
    ("required", "factors", "stays"), [(True, 1, True), (True, 2, False), (False, 1, False), (False, 2, False)]
)
def test_the_last_factor_of_somebody_of_whom_one_is_asked_stays(required: bool, factors: int, stays: bool) -> None:
    assert (rules.last_stays(required, factors) is not None) == stays


def test_names() -> None:
    assert rules.clean_name("  My \n phone ") == "My phone"
    assert rules.name_problem("Phone", []) is None
    assert rules.name_problem("x" * rules.MAX_NAME, []) is None
    for name, taken in (("", []), ("x" * (rules.MAX_NAME + 1), []), ("phone", ["Phone"])):
        assert rules.name_problem(name, taken) is not None


def test_a_free_name() -> None:
    assert rules.free_name("Firefox on Linux", []) == "Firefox on Linux"
    assert rules.free_name("Firefox", ["firefox", "Firefox 2"]) == "Firefox 3"
    assert rules.name_problem(rules.free_name("x" * 200, ["x" * 75]), []) is None


@pytest.mark.parametrize(
    ("address", "host", "origin", "possible"),
    [
        ("https://lab.example.org", "lab.example.org", "https://lab.example.org", True),
        ("https://Lab.example.org:443/lab", "lab.example.org", "https://lab.example.org", True),
        ("https://lab.example.org:8443", "lab.example.org", "https://lab.example.org:8443", True),
        ("http://localhost:5000", "localhost", "http://localhost:5000", True),
        ("http://localhost:80", "localhost", "http://localhost", True),
        ("http://lab.example.org", "lab.example.org", "http://lab.example.org", False),
        ("http://127.0.0.1:5000", "127.0.0.1", "http://127.0.0.1:5000", False),
        ("https://[2001:db8::1]:8443", "2001:db8::1", "https://[2001:db8::1]:8443", False),
    ],
)
def test_what_a_passkey_is_bound_to(address: str, host: str, origin: str, possible: bool) -> None:
    assert rules.site_of(address) == rules.Site(host, origin, possible)


def _challenge() -> bytes:
    return rules.made_challenge(KEY, "add", "7", b"n" * rules.NONCE_BYTES, AT)


def test_a_challenge_is_for_one_purpose_one_browser_and_one_key() -> None:
    made = _challenge()
    assert len(made) <= 64, "what its column takes"
    assert rules.challenge_made_at(KEY, "add", "7", made) == AT
    for key, purpose, whose in ((b"x" * 32, "add", "7"), (KEY, "prove", "7"), (KEY, "add", "8"), (KEY, "add", "")):
        assert rules.challenge_made_at(key, purpose, whose, made) is None


@given(st.integers(0, 55), st.integers(1, 255))
def test_no_byte_of_a_challenge_can_be_changed(place: int, by: int) -> None:
    made = bytearray(_challenge())
    made[place] ^= by
    assert rules.challenge_made_at(KEY, "add", "7", bytes(made)) is None


@pytest.mark.parametrize("challenge", [b"", b"x", b"x" * 24, b"x" * 56, b"x" * 1000])
def test_what_was_not_made_here_is_no_challenge(challenge: bytes) -> None:
    assert rules.challenge_made_at(KEY, "add", "7", challenge) is None


def test_five_minutes() -> None:
    assert not rules.too_old(AT, AT + timedelta(minutes=5))
    assert rules.too_old(AT, AT + timedelta(minutes=5, seconds=1))
