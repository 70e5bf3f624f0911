"""Documents of due diligence that run out before the agreement is signed: the officer owes a new check, and is told."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import String, cast, exists, select

from lab.models import Award, Check, Obligation
from lab.queries.awards import definition_of, facts_of, get_award
from lab.rules.agreement import DUE_DILIGENCE
from lab.rules.calendar import days_after, local_day
from lab.rules.calls import text
from lab.rules.facts import SYSTEM, Stage
from lab.rules.obligations import ObligationKind as Kind
from lab.rules.obligations import Party
from lab.rules.text import N_, M
from lab.services.letters import tell
from lab.services.steps import owe, record, session

PREFIX = "expired:"


def flag_expired(now: datetime) -> int:
    """Ask the officer to clear again what a document no longer shows, once for each document, and return how many.

    For the scheduler. Only between the gate and the second signature; the item itself is open from the document's last
    midnight on, whoever looks (``queries.awards.facts_of``).
    """
    asked = exists().where(Obligation.award_id == Award.id, Obligation.key == PREFIX + cast(Check.id, String))
    # A day more than UTC's, for zones that are ahead of it; the facts then say which day has ended in the call's.
    query = (
        select(Award.code)
        .join(Check, Check.award_id == Award.id)
        .where(
            Award.stage == Stage.AGREEMENT,
            Check.checklist == DUE_DILIGENCE,
            Check.closed_at.is_(None),
            Check.expires_on < now.date() + timedelta(days=1),
            ~asked,
        )
        .distinct()
    )
    found = 0
    for code in session().scalars(query).all():
        found += _flag(get_award(session(), code, lock=True), now)
        session().commit()
    return found


def _flag(award: Award, now: datetime) -> int:
    if Stage(award.stage) is not Stage.AGREEMENT:
        return 0
    definition = definition_of(award)
    due = days_after(local_day(now, definition.time_zone), definition.stages.review_days, definition.time_zone)
    found = 0
    for document in facts_of(session(), award, now).expired_documents:
        key = PREFIX + str(_standing_id(award, document.key))
        if session().scalar(select(Obligation.id).where(Obligation.award_id == award.id, Obligation.key == key)):
            continue
        title = text(document.label, award.language)
        owe(award, Kind.RENEW_DOCUMENT, Party.OFFICER, Party.TEAM, due, now, key=key, title=title)
        record(award, "document_expired", SYSTEM, now, item=document.key, until=document.until.isoformat())
        news = M(
            N_(
                "Due diligence is open again: the document for “%(item)s” was valid until %(day)s. Nothing can be signed until the officer has cleared the item with a new one."
            ),
            item=document.label,
            day=document.until,
        )
        for party in (Party.OFFICER, Party.TEAM):
            tell(award, party, news, f"/awards/{award.code}/agreement#due-diligence", now)
        found += 1
    return found


def _standing_id(award: Award, key: str) -> int | None:
    return session().scalar(
        select(Check.id).where(
            Check.award_id == award.id, Check.checklist == DUE_DILIGENCE, Check.key == key, Check.closed_at.is_(None)
        )
    )
