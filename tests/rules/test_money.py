"""Amounts: exact, at the decimals of their currency, and never read otherwise than they were meant."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.rules.money import Money, MoneyError, is_currency, minor_units, parse_amount, parse_number, quantum, rounded

# USD has cents, CLP nothing behind the point, KWD thousandths.
CURRENCIES = st.sampled_from(["USD", "BRL", "CLP", "JPY", "KWD"])


@pytest.mark.parametrize(("currency", "units", "smallest"), [("USD", 2, "0.01"), ("CLP", 0, "1"), ("KWD", 3, "0.001")])
def test_every_currency_has_its_own_decimals(currency: str, units: int, smallest: str) -> None:
    assert (minor_units(currency), quantum(currency)) == (units, Decimal(smallest))


def test_currencies_the_world_knows() -> None:
    assert is_currency("USD") and is_currency("BRL")
    for wrong in ("usd", "ZZZ", "", "US", "DOLLAR"):
        assert not is_currency(wrong)


@pytest.mark.parametrize(
    ("typed", "currency", "value"),
    [
        ("1234.50", "USD", "1234.50"),
        ("1234,5", "USD", "1234.50"),
        (" 30000 ", "USD", "30000.00"),
        ("30 000", "USD", "30000.00"),
        ("30'000.05", "USD", "30000.05"),
        ("30’000", "CLP", "30000"),
        ("30\u202f000,25", "BRL", "30000.25"),
        ("1\u00a0234\u00a0567", "CLP", "1234567"),
        ("1.234", "KWD", "1.234"),
        ("0", "USD", "0.00"),
        ("0.000000", "USD", "0.00"),
    ],
)
def test_how_people_type_amounts(typed: str, currency: str, value: str) -> None:
    read = parse_amount(typed, currency)
    assert str(read) == value


@pytest.mark.parametrize(
    ("typed", "currency"),
    [
        # A thousand, or one and a bit? Not decided in silence.
        ("1.234", "USD"),
        ("1,234", "USD"),
        ("1.000", "USD"),
        ("30,000", "CLP"),
        ("1.5", "CLP"),
        ("0.001", "USD"),
        ("1.2345", "KWD"),
        ("1,234.50", "USD"),
        ("1.234,50", "USD"),
        ("12 34", "USD"),
        ("1 2345", "USD"),
        ("-5", "USD"),
        ("+5", "USD"),
        ("1e5", "USD"),
        ("5 USD", "USD"),
        ("USD 5", "USD"),
        ("", "USD"),
        (".", "USD"),
        ("5.", "USD"),
        (".5", "USD"),
        ("NaN", "USD"),
        ("Infinity", "USD"),
        ("12345678901234", "USD"),
        ("1_000", "USD"),
    ],
)
def test_what_is_refused_says_what_to_type(typed: str, currency: str) -> None:
    with pytest.raises(MoneyError) as refused:
        parse_amount(typed, currency)
    assert "such as 1250.50" in str(refused.value) or "too many decimals" in str(refused.value)
    assert f"“{typed}”" in str(refused.value)


def test_a_long_text_is_not_thrown_back_whole() -> None:
    with pytest.raises(MoneyError) as refused:
        parse_number("x" * 5000)
    assert len(str(refused.value)) < 200


@given(st.integers(0, 10**12), CURRENCIES)
def test_an_amount_written_out_is_read_back(minor: int, currency: str) -> None:
    amount = Decimal(minor).scaleb(-minor_units(currency))
    assert parse_amount(f"{amount:f}", currency) == amount
    assert parse_amount(f"{amount:f}".replace(".", ","), currency) == amount


@given(st.decimals(0, 10**9, allow_nan=False, places=6), CURRENCIES)
def test_rounding_moves_less_than_the_smallest_amount_and_half_goes_up(amount: Decimal, currency: str) -> None:
    result = rounded(amount, currency)
    assert abs(result - amount) <= quantum(currency) / 2
    assert rounded(result, currency) == result
    assert rounded(quantum(currency) * Decimal("1.5"), currency) == quantum(currency) * 2
    assert rounded(quantum(currency) * Decimal("2.5"), currency) == quantum(currency) * 3


@pytest.mark.parametrize(
    ("amount", "currency", "said"),
    [("0.0100", "USD", "0.01 USD"), ("30000.0000", "CLP", "30000 CLP"), ("1.5", "KWD", "1.500 KWD")],
)
def test_a_sentence_says_an_amount_at_its_currency_s_decimals(amount: str, currency: str, said: str) -> None:
    assert str(Money(Decimal(amount), currency)) == said
