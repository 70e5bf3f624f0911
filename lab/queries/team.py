"""The people of an award: lead, members and mentors."""

from __future__ import annotations

from sqlalchemy import case, select
from sqlalchemy.orm import Session, joinedload

from lab.models import Award, TeamMember
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
