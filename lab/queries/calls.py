"""Calls: by code, and for choosing one."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lab.models import Award, Call, CommitteeMember, Person
from lab.rules.errors import NotFound


def id_of(session: Session, code: str) -> int:
    """The id of the call with ``code``. Raises NotFound."""
    found = session.scalar(select(Call.id).where(Call.code == code))
    if found is None:
        raise NotFound("call")
    return found


def get_call(session: Session, code: str) -> Call:
    """The call with ``code``. Raises NotFound."""
    found = session.scalars(select(Call).where(Call.code == code)).one_or_none()
    if found is None:
        raise NotFound("call")
    return found


def all_calls(session: Session) -> list[tuple[Call, int]]:
    """Every call with its number of awards, newest first, in one statement."""
    query = (
        select(Call, func.count(Award.id))
        .outerjoin(Award)
        .group_by(Call.id)
        .order_by(Call.loaded_at.desc(), Call.id.desc())
    )
    return [(call, number) for call, number in session.execute(query)]


def committee_of(session: Session, call_id: int) -> list[Person]:
    """The members of the call's steering committee, by name, in one statement."""
    query = select(Person).join(CommitteeMember, CommitteeMember.person_id == Person.id)
    return list(session.scalars(query.where(CommitteeMember.call_id == call_id).order_by(Person.name, Person.id)))
