"""Security events as they are read: the log an administrator looks through, and everybody's own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, func, or_, select
from sqlalchemy.orm import Session, aliased, joinedload

from lab.models import Person, SecurityEvent
from lab.rules.security_events import REFUSALS_A_MINUTE, SecurityEventKind

PAGE = 50
# What leaves at once; the filters lead to the rest.
EXPORT_LIMIT = 50_000


@dataclass(frozen=True)
class Filters:
    """What the log is narrowed to; what is empty narrows nothing.

    ``who`` is looked for in the names and addresses of who did it and whose account it was, and in the address typed by
    somebody who did not get in. ``address`` begins the network address. ``since`` (included) and ``until`` (not) are
    instants.
    """

    kind: str = ""
    who: str = ""
    address: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class Events:
    """A page of the log, newest first. ``before`` leads to the next, older page: None on the last."""

    rows: list[SecurityEvent]
    before: int | None


def _of(text: str) -> ColumnElement[bool]:
    people = select(Person.id).where(
        or_(*(func.lower(column).contains(text.lower(), autoescape=True) for column in (Person.name, Person.email)))
    )
    return or_(
        SecurityEvent.actor_id.in_(people),
        SecurityEvent.subject_id.in_(people),
        func.lower(SecurityEvent.details["email"].as_string()).contains(text.lower(), autoescape=True),
    )


def _narrowed(query: Select[Any], filters: Filters) -> Select[Any]:
    if filters.kind:
        query = query.where(SecurityEvent.kind == filters.kind)
    if filters.who:
        query = query.where(_of(filters.who))
    if filters.address:
        query = query.where(func.lower(SecurityEvent.address).startswith(filters.address.lower(), autoescape=True))
    if filters.since is not None:
        query = query.where(SecurityEvent.at >= filters.since)
    if filters.until is not None:
        query = query.where(SecurityEvent.at < filters.until)
    return query.order_by(SecurityEvent.at.desc(), SecurityEvent.id.desc())


def list_events(session: Session, filters: Filters, before: int | None = None) -> Events:
    """A page of the events that match, older than the event ``before``, in one statement however many there are."""
    query = _narrowed(select(SecurityEvent), filters)
    if before is not None:
        at = select(SecurityEvent.at).where(SecurityEvent.id == before).scalar_subquery()
        query = query.where(
            or_(SecurityEvent.at < at, and_(SecurityEvent.at == at, SecurityEvent.id < before)),
        )
    people = joinedload(SecurityEvent.actor), joinedload(SecurityEvent.subject)
    rows = list(session.scalars(query.options(*people).limit(PAGE + 1)))
    return Events(rows[:PAGE], rows[PAGE - 1].id if len(rows) > PAGE else None)


def stream_events(session: Session, filters: Filters) -> Iterator[Row[Any]]:
    """The newest events that match, up to the limit, row by row: at, kind, names and addresses of actor and subject,
    network address, action, path, details.
    """
    actor, subject = aliased(Person), aliased(Person)
    query = (
        select(
            SecurityEvent.at, SecurityEvent.kind,
            actor.name.label("actor_name"), actor.email.label("actor_email"),
            subject.name.label("subject_name"), subject.email.label("subject_email"),
            SecurityEvent.address, SecurityEvent.action, SecurityEvent.path, SecurityEvent.details,
        )
        .join(actor, actor.id == SecurityEvent.actor_id, isouter=True)
        .join(subject, subject.id == SecurityEvent.subject_id, isouter=True)
    )  # fmt: skip
    return iter(session.execute(_narrowed(query, filters).limit(EXPORT_LIMIT).execution_options(yield_per=500)))


def own_events(session: Session, person_id: int, limit: int) -> list[SecurityEvent]:
    """The newest events about that person's own account, with who did them, in one statement."""
    query = (
        select(SecurityEvent)
        .where(SecurityEvent.subject_id == person_id)
        .options(joinedload(SecurityEvent.actor))
        .order_by(SecurityEvent.at.desc(), SecurityEvent.id.desc())
    )
    return list(session.scalars(query.limit(limit)))


def refusals_lately(session: Session, actor_id: int | None, address: str, wall: datetime) -> int:
    """How many refusals of that actor at that network address were noted within the last minute; the limit at most."""
    query = select(SecurityEvent.id).where(
        SecurityEvent.kind == SecurityEventKind.REFUSED,
        SecurityEvent.at > wall - timedelta(minutes=1),
        SecurityEvent.actor_id == actor_id,
        SecurityEvent.address == address,
    )
    return session.scalar(select(func.count()).select_from(query.limit(REFUSALS_A_MINUTE).subquery())) or 0
