"""Sentences that rules hand out: an English msgid and what fills its places."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from lab.rules.money import Money
from lab.rules.text import N_, M, Message


def test_a_message_says_its_values() -> None:
    message = M(
        N_("%(day)s: %(amount)s for %(whom)s"), day=date(2026, 3, 2), amount=Money(Decimal("5"), "USD"), whom=M("all")
    )
    assert str(message) == "2026-03-02: 5.00 USD for all"


def test_a_percent_sign_without_values_is_a_percent_sign() -> None:
    assert str(M("100 % sure")) == "100 % sure"


def test_messages_are_compared_by_what_they_say() -> None:
    assert M("%(n)s", n=1) == Message("%(n)s", {"n": 1}) != M("%(n)s", n=2)
