"""How things are said to the reader: their language, their time zone, money and dates by Babel."""

from __future__ import annotations

import zoneinfo
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache, lru_cache
from typing import Any
from uuid import uuid4

from babel.dates import format_date, format_time, format_timedelta
from babel.numbers import format_currency, format_decimal, format_percent
from babel.units import format_unit
from flask import Flask, current_app, g, has_request_context, request
from flask_babel import get_locale, get_translations
from flask_login import current_user

from lab import clock
from lab.rules.calendar import city, local_day
from lab.rules.calls import text
from lab.rules.languages import LANGUAGES, formats_of
from lab.rules.money import Money
from lab.rules.text import Message

TRANSLATED = frozenset({"en"})


def locale() -> str:
    """The reader's language: their account's, else the one they chose, else their browser's."""
    if has_request_context():
        if current_user.is_authenticated:
            return str(current_user.language)
        chosen = request.cookies.get(current_app.config["LAB_LANGUAGE_COOKIE"], "")
        return chosen if chosen in LANGUAGES else request.accept_languages.best_match(list(LANGUAGES)) or "en"
    return str(g.get("mail_language", "en"))


def formats() -> str:
    """The locale of the reader's dates and numbers."""
    return formats_of(locale())


def time_zone() -> str:
    """The reader's time zone; Geneva's before they signed in."""
    if has_request_context():
        # Asked for at each deadline of a list: the person is looked up once, not for each thing asked of them.
        reader = current_user._get_current_object()
        if reader.is_authenticated:
            return str(reader.time_zone)
    return str(g.get("mail_time_zone", "Europe/Zurich"))


def page_language() -> str:
    """The language that the page's own words are in: the reader's once it is translated, English until then."""
    return locale() if locale() in TRANSLATED else "en"


def _catalogue() -> Any:
    """The translations into the language that is spoken now, looked for once: flask_babel does so at each word of a page."""
    kept, language = g.get("catalogue"), get_locale()
    if kept is None or kept[0] is not language:
        kept = g.catalogue = (language, get_translations())
    return kept[1]


def gettext(text: str, /, **values: object) -> str:
    """flask_babel's, for what is said often on a page."""
    said: str = _catalogue().ugettext(text)
    return said % values if values else said


def ngettext(one: str, many: str, num: int, /, **values: object) -> str:
    """The same of a sentence with a number in it."""
    said: str = _catalogue().ungettext(one, many, num)
    return said % {"num": num, **values}


def say(message: object) -> str:
    """A rule's message, or a marked text, in the reader's language. Decimals, dates and inner messages are formatted."""
    if not isinstance(message, Message):
        return str(gettext(str(message))) if message else ""
    params = {name: _param(value) for name, value in message.params.items()}
    return str(gettext(message.msgid, **params) if params else gettext(message.msgid))


def _param(value: object) -> str:
    if isinstance(value, Message):
        return say(value)
    if isinstance(value, Mapping):
        # A text of the call, in the reader's language.
        return text(value, locale())
    if isinstance(value, Money):
        return money(value.amount, value.currency)
    if isinstance(value, Decimal):
        return number(value)
    if isinstance(value, date):
        return day(value)
    return str(gettext(value)) if isinstance(value, str) and value else str(value)


def money(amount: Decimal | None, currency: str) -> str:
    """An amount with its currency, at the currency's own decimals; a dash for none."""
    if amount is None:
        return "–"
    return _amount(amount, currency, str(get_locale()))


# Budgets and payment plans say the same sums again and again.
@lru_cache(maxsize=4096)
def _amount(amount: Decimal, currency: str, language: str) -> str:
    return str(format_currency(amount, currency, "¤¤ #,##0.00", locale=language))


def number(value: Decimal | int | None) -> str:
    """A number without needless zeros."""
    return "–" if value is None else str(format_decimal(value, locale=get_locale()))


def percent(share: Decimal | None) -> str:
    """A share as whole percent."""
    return "–" if share is None else str(format_percent(share, format="#,##0 %", locale=get_locale()))


def day(value: date | None, style: str = "medium") -> str:
    """A calendar day; of an instant the day that it is where the reader is."""
    if value is None:
        return "–"
    if isinstance(value, datetime):
        value = local_day(value, time_zone())
    return str(format_date(value, style, locale=get_locale()))


def instant(value: datetime | None) -> str:
    """An instant in the reader's time zone."""
    if value is None:
        return "–"
    local = value.astimezone(zoneinfo.ZoneInfo(time_zone()))
    return f"{day(local.date())}, {format_time(local.time(), 'short', locale=get_locale())}"


def ago(value: datetime) -> str:
    """How long ago, in words."""
    return str(format_timedelta(value - clock.now(), add_direction=True, locale=get_locale()))


def span(length: timedelta) -> str:
    """A length of time in whole days and hours: “3 days 4 hours”; less than an hour is said to be that."""
    hours = int(length.total_seconds() // 3600)
    parts = [("duration-day", hours // 24), ("duration-hour", hours % 24)]
    language = str(get_locale())
    said = [format_unit(value, unit, "long", locale=language) for unit, value in parts if value]
    return " ".join(said) or str(gettext("less than an hour"))


@cache
def time_zone_names() -> tuple[str, ...]:
    """Every time zone that a person can choose."""
    return tuple(
        sorted(
            name
            for name in zoneinfo.available_timezones()
            if "/" in name and not name.startswith(("Etc/", "posix", "right"))
        )
    )


def moment(due_at: datetime, zone: str) -> str:
    """The last minute of a deadline in one zone: “12 Jan 2027, 23:59 in Geneva”."""
    written, time, place = _last_minute(due_at, zone, str(get_locale()))
    return gettext("%(day)s, %(time)s in %(city)s", day=written, time=time, city=place)


# Lists of duties say the same few deadlines again and again, to everybody.
@lru_cache(maxsize=4096)
def _last_minute(due_at: datetime, zone: str, language: str) -> tuple[str, str, str]:
    local = (due_at - timedelta(minutes=1)).astimezone(zoneinfo.ZoneInfo(zone))
    written: str = format_date(local.date(), "medium", locale=language)
    return written, str(format_time(local.time(), "HH:mm", locale=language)), city(zone)


@dataclass(frozen=True)
class Due:
    """A deadline as shown: how long, when for the reader, when for the call, and how pressing (calm, soon, late, paused)."""

    label: str
    reader: str
    geneva: str
    tone: str


def due(due_at: datetime, call_zone: str = "Europe/Zurich") -> Due:
    """How a deadline is shown to the reader."""
    left = due_at - clock.now()
    if left.total_seconds() <= 0:
        days = (-left).days
        label = ngettext("%(num)d day late", "%(num)d days late", days) if days else gettext("late since today")
        tone = "late"
    elif left < timedelta(days=2):
        hours = int(left.total_seconds() // 3600)
        label = (
            ngettext("%(num)d hour left", "%(num)d hours left", hours) if hours else gettext("less than an hour left")
        )
        tone = "soon"
    else:
        label = ngettext("%(num)d day left", "%(num)d days left", left.days)
        tone = "soon" if left < timedelta(days=4) else "calm"
    own = time_zone()
    return Due(label, moment(due_at, own), moment(due_at, call_zone) if call_zone != own else "", tone)


def sentence(messages: Iterable[object]) -> str:
    """Several messages in a row."""
    return " ".join(say(message) for message in messages)


def register_gettext(app: Flask) -> None:
    """Give the templates our way to their translations, in place of flask_babel's."""
    app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined]
        gettext=lambda text: _catalogue().ugettext(text),
        ngettext=lambda one, many, count: _catalogue().ungettext(one, many, count),
        newstyle=True,
    )


def register(app: Flask) -> None:
    """Give the templates their words."""
    filters: dict[str, Callable[..., str]] = {
        "say": say, "money": money, "number": number, "percent": percent, "day": day, "instant": instant, "ago": ago,
        "city": city,
    }  # fmt: skip
    for name, function in filters.items():
        app.add_template_filter(function, name)
    app.add_template_global(due, "due")
    app.add_template_global(moment, "moment")
    app.add_template_global(lambda: uuid4().hex, "new_form_key")
