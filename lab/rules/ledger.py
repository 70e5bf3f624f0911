"""What finance records of the bank: a transfer at its rate, and money that came back. Both amounts are kept, nothing is changed."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from lab.rules.errors import Invalid
from lab.rules.money import Money, MoneyError, parse_amount, parse_number, quantum, rounded
from lab.rules.text import N_, M, Message

MAX_REFERENCE = 120
# Rates of weak currencies have many decimals: 1 IDR is 0.0000187 KWD.
_RATE = re.compile(r"\d{1,9}([.,]\d{1,12})?")


@dataclass(frozen=True)
class Books:
    """What an entry is held against: currencies, the references used before for entries of the kind, and the days it may bear.

    Days are in the call's time zone; ``today`` is the last that is possible. ``elsewhere`` is the project of another award
    that a payment with this reference was made on: None when there is none, empty when the reader may not know which.
    """

    currency: str
    local_currency: str
    references: Collection[str]
    not_before: date
    today: date
    elsewhere: str | None = None


@dataclass(frozen=True)
class Transfer:
    """A transfer as the bank made it: ``amount`` in the award's currency, ``local_amount`` in the one that it is paid in."""

    amount: Decimal
    local_amount: Decimal
    rate: Decimal
    reference: str
    value_on: date


def plain(amount: Decimal, currency: str) -> str:
    """An amount with its currency, the same in every language: “30000.00 USD”."""
    return f"{rounded(amount, currency)} {currency}"


def read_sent(
    amount: Decimal, reference: str, rate: str, local_amount: str, value_on: date | None, books: Books
) -> Transfer:
    """The payment of ``amount`` (award's currency) as the bank made it. Raises Invalid with every wrong field.

    The local amount is what the bank paid. Where amount × rate is an exact sum of the local currency, only that sum passes;
    where it is not, the bank rounds it up or down: either neighbour passes, nothing else. In the award's own currency the rate
    is 1.
    """
    problems: dict[str, Message] = {}
    clean = _reference(reference, books, problems)
    at = _read(problems, "rate", lambda: _rate(rate, books))
    local = _read(problems, "local_amount", lambda: _local(local_amount, books))
    _check_day(value_on, books, problems)
    if at is not None and local is not None:
        _check_sum(amount, at, local, books, problems)
    if problems:
        raise Invalid(problems)
    assert at is not None and local is not None and value_on is not None
    return Transfer(amount, local, at, clean, value_on)


def read_bounced(paid: Transfer, reference: str, value_on: date | None, books: Books) -> Transfer:
    """A payment that the bank sent back whole: the same amounts at the same rate, with the reference and the value date of its
    return. Raises Invalid by field."""
    problems: dict[str, Message] = {}
    clean = _reference(reference, books, problems)
    _check_day(value_on, books, problems)
    if problems:
        raise Invalid(problems)
    assert value_on is not None
    return replace(paid, reference=clean, value_on=value_on)


def read_return(
    amount: str, reference: str, value_on: date | None, rate: str, local_amount: str, unspent: Decimal, books: Books
) -> Transfer:
    """Money that came back, ``amount`` typed in the award's currency, as the bank received it. Raises Invalid by field.

    At most ``unspent`` can come back: paid − returned − spent by accepted reports. Rate and local amount are held against each
    other as in :func:`read_sent`; only in the award's own currency may they be empty, which means 1 and the same amount.
    """
    problems: dict[str, Message] = {}
    clean = _reference(reference, books, problems)
    back = _read(problems, "amount", lambda: parse_amount(amount, books.currency))
    same = books.currency == books.local_currency
    at = _read(problems, "rate", lambda: _rate(rate.strip() or ("1" if same else ""), books))
    if same and not local_amount.strip():
        local = back
    else:
        local = _read(problems, "local_amount", lambda: _local(local_amount, books))
    _check_day(value_on, books, problems)
    if back is not None and back <= 0:
        problems["amount"] = M(N_("Give the amount that came back: it is more than zero."))
    elif back is not None and back > unspent:
        problems["amount"] = M(
            N_(
                "%(typed)s is more than is unspent, which is %(unspent)s: record at most that. If more came back, the accepted "
                "reports count too much as spent: ask the programme officer first."
            ),
            typed=Money(back, books.currency),
            unspent=Money(max(unspent, Decimal(0)), books.currency),
        )
    elif back is not None and at is not None and local is not None:
        _check_sum(back, at, local, books, problems)
    if problems:
        raise Invalid(problems)
    assert back is not None and at is not None and local is not None and value_on is not None
    return Transfer(back, local, at, clean, value_on)


def _read(problems: dict[str, Message], field: str, read: Callable[[], Decimal]) -> Decimal | None:
    try:
        return read()
    except MoneyError as error:
        problems[field] = error.message
        return None


def _local(typed: str, books: Books) -> Decimal:
    if not typed.strip():
        raise MoneyError(M(N_("Give the amount in %(currency)s that the bank states."), currency=books.local_currency))
    return parse_amount(typed, books.local_currency)


def _rate(typed: str, books: Books) -> Decimal:
    text = typed.strip()
    if not text:
        raise MoneyError(
            M(
                N_("Give the bank's rate: how many %(local)s one %(currency)s gives, such as 5.4321."),
                local=books.local_currency,
                currency=books.currency,
            )
        )
    try:
        rate = Decimal(text.replace(",", ".")) if _RATE.fullmatch(text) else parse_number(text)
    except MoneyError:
        rate = Decimal(0)
    if rate <= 0:
        raise MoneyError(
            M(
                N_("“%(typed)s” is not a rate: type how many %(local)s one %(currency)s gives, such as 5.4321."),
                typed=text[:40],
                local=books.local_currency,
                currency=books.currency,
            )
        )
    return rate


def clean_reference(typed: str) -> str:
    """A bank's reference as it is kept: without needless spaces."""
    return " ".join(typed.split())


def _reference(typed: str, books: Books, problems: dict[str, Message]) -> str:
    reference = clean_reference(typed)
    if not reference or len(reference) > MAX_REFERENCE:
        problems["reference"] = M(
            N_("Give the bank's reference of the transfer, in at most %(limit)s characters."), limit=MAX_REFERENCE
        )
    elif reference in books.references:
        problems["reference"] = M(
            N_("“%(reference)s” is in the ledger already: give this transfer's own reference."), reference=reference
        )
    elif books.elsewhere:
        problems["reference"] = M(
            N_("“%(reference)s” is the reference of a payment of “%(project)s”: give this transfer's own reference."),
            reference=reference,
            project=books.elsewhere,
        )
    elif books.elsewhere is not None:
        problems["reference"] = M(
            N_("“%(reference)s” is the reference of another award's payment: give this transfer's own reference."),
            reference=reference,
        )
    return reference


def _check_day(value_on: date | None, books: Books, problems: dict[str, Message]) -> None:
    if value_on is None:
        problems["value_on"] = M(N_("Give the value date that the bank states."))
    elif value_on > books.today:
        problems["value_on"] = M(
            N_("%(day)s is in the future: record the transfer once the bank has made it."), day=value_on
        )
    elif value_on < books.not_before:
        problems["value_on"] = M(
            N_("%(day)s is too early: money cannot have moved before %(earliest)s."),
            day=value_on,
            earliest=books.not_before,
        )


def _check_sum(amount: Decimal, rate: Decimal, local: Decimal, books: Books, problems: dict[str, Message]) -> None:
    same = books.currency == books.local_currency
    if same and rate != 1:
        problems["rate"] = M(
            N_("The award is paid in its own currency, %(currency)s: the rate is 1."), currency=books.currency
        )
        return
    # Less than a minor unit away from the product are its neighbours, or the product alone where it is exact.
    if abs(local - amount * rate) >= quantum(books.local_currency):
        problems["local_amount"] = M(
            N_("%(typed)s does not match: %(amount)s at %(rate)s make %(expected)s. Correct the amount or the rate."),
            typed=Money(local, books.local_currency),
            amount=Money(amount, books.currency),
            rate=f"{rate:f}",
            expected=Money(rounded(amount * rate, books.local_currency), books.local_currency),
        )
