"""Mails as people read them: a text file of ``templates/mail``, in the reader's own language, into the outbox."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache
from zoneinfo import ZoneInfo

from flask_babel import force_locale, format_currency, format_date, format_decimal, get_locale, gettext, ngettext
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from lab import outbox
from lab.config import ROOT
from lab.models import Award, Person
from lab.queries.people import people_of
from lab.rules.calendar import city, local_day
from lab.rules.calls import text
from lab.rules.languages import formats_of
from lab.rules.money import Money
from lab.rules.obligations import Party
from lab.rules.text import Message
from lab.services.links import absolute
from lab.services.steps import session


@cache
def _environment() -> Environment:
    # Plain text: nothing to escape. Of its own, because the pages' environment reads the request.
    made = Environment(
        loader=FileSystemLoader(ROOT / "templates" / "mail"),
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        undefined=StrictUndefined,
        autoescape=False,
    )
    made.install_gettext_callables(gettext, ngettext, newstyle=True)  # type: ignore[attr-defined]
    made.filters["day"] = _day
    made.filters["say"] = _say
    made.filters["moment"] = _moment
    return made


def _day(value: date, time_zone: str = "UTC") -> str:
    """A calendar day; of an instant the day that it is in ``time_zone``, the reader's: never that of who causes the mail."""
    if isinstance(value, datetime):
        value = local_day(value, time_zone)
    return str(format_date(value, "long"))


def _moment(due_at: datetime, time_zone: str) -> str:
    """The last minute of a deadline in one zone."""
    local = (due_at - timedelta(minutes=1)).astimezone(ZoneInfo(time_zone))
    day, time = format_date(local.date(), "long"), local.strftime("%H:%M")
    return str(gettext("%(day)s, %(time)s in %(city)s", day=day, time=time, city=city(time_zone)))


def _say(message: Message | str) -> str:
    if isinstance(message, str):
        return str(gettext(message)) if message else ""
    params = {name: _param(value) for name, value in message.params.items()}
    return str(gettext(message.msgid, **params) if params else gettext(message.msgid))


def _param(value: object) -> str:
    if isinstance(value, Message | str):
        return _say(value)
    if isinstance(value, Mapping):
        return text(value, get_locale().language)
    if isinstance(value, Money):
        return str(format_currency(value.amount, value.currency, "¤¤ #,##0.00"))
    if isinstance(value, Decimal):
        return str(format_decimal(value))
    return _day(value) if isinstance(value, date) else str(value)


def write(person: Person, template: str, now: datetime, *, to: str = "", **context: object) -> None:
    """Queue the mail ``template`` to ``person`` in their language, at ``to`` if not at their address. Its first paragraph
    is the subject."""
    with force_locale(formats_of(person.language)):
        whole = _environment().get_template(f"{template}.txt").render(person=person, **context)
    subject, _, body = whole.strip().partition("\n\n")
    outbox.queue(
        session(), to=to or person.email, subject=subject, body=body.strip() + "\n", now=now, person_id=person.id
    )


def tell(award: Award, party: Party, news: Message, path: str, now: datetime, reason: str = "") -> None:
    """Mail what happened on ``award`` to everybody who stands for ``party``; ``path`` is the page that shows it."""
    for person in people_of(session(), award, party):
        write(person, "news", now, award=award, news=news, reason=reason.strip(), link=absolute(path))
