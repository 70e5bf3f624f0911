"""Mails as people read them: a text file of ``templates/mail``, in the reader's own language, into the outbox."""

from __future__ import annotations

from datetime import date, datetime
from functools import cache

from flask_babel import force_locale, format_date, gettext, ngettext
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from lab import outbox
from lab.config import ROOT
from lab.models import Award, Person
from lab.queries.people import people_of
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
    made.filters["day"] = lambda value: format_date(value, "long")
    made.filters["say"] = _say
    return made


def _say(message: Message | str) -> str:
    if isinstance(message, str):
        return gettext(message) if message else ""
    params = {name: format_date(value, "long") if isinstance(value, date) else str(value) for name, value in message.params.items()}
    return gettext(message.msgid, **params) if params else gettext(message.msgid)


def write(person: Person, template: str, now: datetime, **context: object) -> None:
    """Queue the mail ``template`` to ``person`` in their language. Its first line is the subject."""
    with force_locale(person.language):
        whole = _environment().get_template(f"{template}.txt").render(person=person, **context)
    subject, _, body = whole.strip().partition("\n")
    outbox.queue(session(), to=person.email, subject=subject, body=body.strip() + "\n", now=now, person_id=person.id)


def tell(award: Award, party: Party, news: Message, path: str, now: datetime, reason: str = "") -> None:
    """Mail what happened on ``award`` to everybody who stands for ``party``; ``path`` is the page that shows it."""
    for person in people_of(session(), award, party):
        write(person, "news", now, award=award, news=news, reason=reason.strip(), link=absolute(path))
