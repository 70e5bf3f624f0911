"""The people of an award: lead, members and mentors."""

from __future__ import annotations

from sqlalchemy import case, select
from sqlalchemy.orm import Session, joinedload

from lab.models import Award, Person, TeamMember
from lab.rules.errors import NotFound
from lab.rules.facts import Role, Stage

_ORDER = case({Role.LEAD: 0, Role.MEMBER: 1, Role.MENTOR: 2}, value=TeamMember.role, else_=3)


def team_of(session: Session, award_id: int) -> list[TeamMember]:
    """Everybody who has a place on the award now, the lead first, in one statement with their accounts."""
    query = select(TeamMember).where(TeamMember.award_id == award_id, TeamMember.until.is_(None))
    return list(session.scalars(query.order_by(_ORDER, TeamMember.id).options(joinedload(TeamMember.person))))


def prizes_taken(session: Session) -> set[tuple[int, str]]:
    """(call id, prize) of every award that did not lapse: what cannot be won again."""
    rows = session.execute(select(Award.call_id, Award.prize).where(Award.stage != Stage.LAPSED))
    return {(call_id, prize) for call_id, prize in rows}


def person_on_award(session: Session, award_id: int, person_id: int) -> Person:
    """Somebody who has a place on the award now. Raises NotFound for everybody else."""
    found = session.scalars(
        select(Person)
        .join(TeamMember, TeamMember.person_id == Person.id)
        .where(TeamMember.award_id == award_id, TeamMember.person_id == person_id, TeamMember.until.is_(None))
        .limit(1)
    ).first()
    if found is None:
        raise NotFound("person")
    return found
