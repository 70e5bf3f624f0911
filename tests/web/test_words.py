"""How things are said to a reader: their language, their time zone, dates, numbers and money as they write them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from flask import Flask
from flask_babel import refresh
from flask_login import login_user
from sqlalchemy.orm import Session

from lab import clock
from lab.models import Person
from lab.rules.money import Money
from lab.rules.text import M
from lab.web import words
from tests.factories import person

DEADLINE = datetime(2026, 3, 16, 23, tzinfo=UTC)


@pytest.fixture
def reading(app: Flask, session: Session) -> Callable[..., object]:
    """``with reading("es", "America/Guayaquil"):`` a request of somebody who reads that and lives there."""

    @contextmanager
    def read(language: str = "en", time_zone: str = "Europe/Zurich") -> Iterator[Person]:
        reader = person(session, language=language, time_zone=time_zone)
        session.commit()
        with app.test_request_context("/"):
            login_user(reader)
            # The context that the test has pushed already remembers the reader before.
            refresh()
            yield reader

    return read


@pytest.mark.parametrize(
    ("language", "currency", "amount", "said"),
    [
        ("en", "USD", "30000.0000", "USD 30,000.00"),
        ("es", "USD", "30000.0000", "USD 30.000,00"),
        ("pt", "BRL", "1234.5", "BRL 1.234,50"),
        ("en", "CLP", "30000.0000", "CLP 30,000"),
        ("en", "KWD", "1.5", "KWD 1.500"),
        ("en", "USD", "0.0100", "USD 0.01"),
        ("en", "USD", "-2.5", "-USD 2.50"),
    ],
)
def test_money_at_its_currency_s_decimals(
    reading: Callable[..., Iterator[Person]], language: str, currency: str, amount: str, said: str
) -> None:
    with reading(language):  # type: ignore[attr-defined]
        assert words.money(Decimal(amount), currency).replace("\xa0", " ").replace("\u202f", " ") == said
        assert words.money(None, currency) == "–"


def test_a_sentence_says_its_values_as_the_reader_writes_them(reading: Callable[..., Iterator[Person]]) -> None:
    message = M(
        "%(day)s %(sum)s %(n)s %(inner)s %(stage)s %(none)s",
        day=date(2026, 3, 2), sum=Money(Decimal("1234.5000"), "USD"), n=Decimal("0.5000"), inner=M("of %(k)s", k=3),
        stage="Pilot", none="",
    )  # fmt: skip
    with reading("es"):  # type: ignore[attr-defined]
        assert words.say(message).replace("\xa0", " ") == "2 mar 2026 USD 1.234,50 0,5 of 3 Pilot "
    with reading("en"):  # type: ignore[attr-defined]
        assert words.say(message).replace("\xa0", " ") == "2 Mar 2026 USD 1,234.50 0.5 of 3 Pilot "
        assert words.say("") == "" and words.say(None) == ""
        assert words.sentence([M("One."), "Two."]) == "One. Two."


@pytest.mark.parametrize(
    ("zone", "said"),
    [("Europe/Zurich", "17 Mar 2026"), ("America/Guayaquil", "16 Mar 2026"), ("Pacific/Auckland", "17 Mar 2026")],
)
def test_the_day_of_an_instant_is_the_reader_s(reading: Callable[..., Iterator[Person]], zone: str, said: str) -> None:
    with reading("en", zone):  # type: ignore[attr-defined]
        assert words.day(datetime(2026, 3, 16, 23, 30, tzinfo=UTC)) == said
        assert words.day(date(2026, 3, 16)) == "16 Mar 2026", "a day is that day everywhere"
        assert words.day(None) == "–"


def test_an_instant_is_said_in_the_reader_s_zone(reading: Callable[..., Iterator[Person]]) -> None:
    at = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)
    for zone, said in (("Europe/Zurich", "01:30"), ("America/Guayaquil", "19:30"), ("Asia/Kathmandu", "06:15")):
        with reading("en", zone):  # type: ignore[attr-defined]
            assert said in words.instant(at)
    assert words.instant(None) == "–"


@pytest.mark.parametrize(
    ("left", "label", "tone"),
    [
        (timedelta(days=14, hours=5), "14 days left", "calm"),
        (timedelta(days=4), "4 days left", "calm"),
        (timedelta(days=4) - timedelta(seconds=1), "3 days left", "soon"),
        (timedelta(days=2), "2 days left", "soon"),
        (timedelta(days=2) - timedelta(seconds=1), "47 hours left", "soon"),
        (timedelta(hours=1), "1 hour left", "soon"),
        (timedelta(minutes=59), "less than an hour left", "soon"),
        (timedelta(seconds=1), "less than an hour left", "soon"),
        (timedelta(), "late since today", "late"),
        (timedelta(seconds=-1), "late since today", "late"),
        (timedelta(days=-1), "1 day late", "late"),
        (timedelta(days=-9, hours=-23), "9 days late", "late"),
    ],
)
def test_how_long_there_is(
    reading: Callable[..., Iterator[Person]], monkeypatch: pytest.MonkeyPatch, left: timedelta, label: str, tone: str
) -> None:
    monkeypatch.setattr(clock, "now", lambda: DEADLINE - left)
    with reading():  # type: ignore[attr-defined]
        shown = words.due(DEADLINE)
    assert (shown.label, shown.tone) == (label, tone)


@pytest.mark.parametrize(
    ("due_at", "zone", "reader", "geneva"),
    [
        (DEADLINE, "Europe/Zurich", "16 Mar 2026, 23:59 in Geneva", ""),
        (DEADLINE, "America/Guayaquil", "16 Mar 2026, 17:59 in Guayaquil", "16 Mar 2026, 23:59 in Geneva"),
        (DEADLINE, "Asia/Tokyo", "17 Mar 2026, 07:59 in Tokyo", "16 Mar 2026, 23:59 in Geneva"),
        # The 21st days on which summer time begins and ends.
        (datetime(2027, 3, 28, 22, tzinfo=UTC), "Europe/Zurich", "28 Mar 2027, 23:59 in Geneva", ""),
        (
            datetime(2026, 10, 25, 23, tzinfo=UTC), "America/Guayaquil", "25 Oct 2026, 17:59 in Guayaquil",
            "25 Oct 2026, 23:59 in Geneva",
        ),
    ],
)  # fmt: skip
def test_a_deadline_in_the_reader_s_time_and_the_call_s(
    reading: Callable[..., Iterator[Person]], due_at: datetime, zone: str, reader: str, geneva: str
) -> None:
    with reading("en", zone):  # type: ignore[attr-defined]
        shown = words.due(due_at)
    assert (shown.reader, shown.geneva) == (reader, geneva)


@pytest.mark.parametrize(
    ("cookie", "accept", "language"),
    [
        ("", "", "en"),
        ("", "pt-BR,pt;q=0.9,en;q=0.5", "pt"),
        ("es", "fr", "es"),
        ("de", "fr", "fr"),
        ("", "de", "en"),
        ("../etc", "xx;q=nonsense", "en"),
    ],
)
def test_the_language_before_signing_in(app: Flask, cookie: str, accept: str, language: str) -> None:
    headers = {"Accept-Language": accept, **({"Cookie": f"language={cookie}"} if cookie else {})}
    with app.test_request_context("/", headers=headers):
        assert words.locale() == language
        assert words.time_zone() == "Europe/Zurich"
        assert words.page_language() == "en", "until the language is translated"


def test_the_account_s_language_goes_before_the_browser_s(reading: Callable[..., Iterator[Person]]) -> None:
    with reading("fr", "America/Lima"):  # type: ignore[attr-defined]
        assert (words.locale(), words.time_zone()) == ("fr", "America/Lima")


def test_numbers_without_needless_zeros(reading: Callable[..., Iterator[Person]]) -> None:
    with reading("es"):  # type: ignore[attr-defined]
        assert words.number(Decimal("12.5000")) == "12,5"
        assert words.number(Decimal("40000.0000")) == "40.000"
        assert words.number(3) == "3" and words.number(None) == "–"
        assert words.percent(Decimal("0.456")).replace("\xa0", " ") == "46 %"
