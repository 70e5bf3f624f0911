"""Money: decimals in a currency with that currency's own number of minor units (USD 2, CLP 0, KWD 3)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache

from babel.numbers import get_currency_precision, list_currencies

from lab.rules.text import N_, M, Message

_PLAIN = re.compile(r"\d{1,13}([.,]\d{1,6})?")
# Spaces that do not break, wide (U+00A0) and narrow (U+202F), are what other programs group digits with.
_GAPS = "[ ’'\\u00a0\\u202f]"
_GROUPED = re.compile(rf"\d{{1,3}}({_GAPS}\d{{3}}){{1,3}}([.,]\d{{1,6}})?")


class MoneyError(ValueError):
    """An amount that cannot be read; ``message`` says why and what to type instead."""

    def __init__(self, message: Message) -> None:
        self.message = message
        super().__init__(str(message))


def is_currency(code: str) -> bool:
    """Whether ``code`` is a currency the world knows (ISO 4217, as CLDR lists it)."""
    return code in list_currencies()


def minor_units(currency: str) -> int:
    """How many decimals ``currency`` has."""
    return get_currency_precision(currency)


@lru_cache(maxsize=512)
def quantum(currency: str) -> Decimal:
    """The smallest amount of ``currency``."""
    return Decimal(1).scaleb(-minor_units(currency))


def rounded(amount: Decimal, currency: str) -> Decimal:
    """``amount`` rounded half up to the minor units of ``currency``."""
    return amount.quantize(quantum(currency), ROUND_HALF_UP)


@dataclass(frozen=True)
class Money:
    """An amount as a value of a Message: said at the decimals of its currency, however many the database keeps."""

    amount: Decimal
    currency: str

    def __str__(self) -> str:
        return f"{rounded(self.amount, self.currency)} {self.currency}"


def parse_number(text: str) -> Decimal:
    """A non-negative number as people type it: ``1234.5``, ``1234,5`` or ``1 234,5``. Raises MoneyError.

    ``1.234`` and ``1,234`` are read as a decimal sign with three decimals; a currency with fewer then refuses them,
    so that a thousands separator is never taken for a decimal sign in silence.
    """
    typed = text.strip()
    if not (_PLAIN.fullmatch(typed) or _GROUPED.fullmatch(typed)):
        raise MoneyError(
            M(
                N_("“%(typed)s” is not an amount: type digits, with a point for decimals, such as 1250.50."),
                typed=typed[:40],
            )
        )
    return Decimal(re.sub(_GAPS, "", typed).replace(",", "."))


def parse_amount(text: str, currency: str) -> Decimal:
    """An amount of ``currency`` as typed, at its own number of decimals. Raises MoneyError when it has more."""
    number = parse_number(text)
    value = number.quantize(quantum(currency))
    # Three digits after a comma or point may be a thousand: they are refused even when they are zeros.
    decimals = len(re.split(r"[.,]", text.strip())[1]) if re.search(r"[.,]", text) else 0
    if value != number or (decimals == 3 and minor_units(currency) < 3):
        raise MoneyError(
            M(
                N_(
                    "“%(typed)s” has too many decimals: amounts in %(currency)s have %(units)s. Leave out thousands separators."
                ),
                typed=text.strip()[:40],
                currency=currency,
                units=minor_units(currency),
            )
        )
    return value
