"""Who somebody is: the actor behind a request, and the people a mail goes to."""

from __future__ import annotations

from collections import defaultdict

from sqlalchemy import Integer, cast, null, select, union_all
from sqlalchemy.orm import Session

from lab.models import Award, CommitteeMember, Person, ProgrammeRole, TeamMember
from lab.rules.facts import Actor, Role
from lab.rules.obligations import Party


def actor_for(session: Session, person: Person) -> Actor:
    """The roles that ``person`` holds now, in one statement."""
    nothing = cast(null(), Integer)
    rows = session.execute(
        union_all(
            select(ProgrammeRole.role, nothing.label("award"), nothing.label("call")).where(
                ProgrammeRole.person_id == person.id
            ),
            select(TeamMember.role, TeamMember.award_id, nothing).where(
                TeamMember.person_id == person.id, TeamMember.until.is_(None)
            ),
            select(CommitteeMember.role, nothing, CommitteeMember.call_id).where(
                CommitteeMember.person_id == person.id
            ),
        )
    ).all()
    programme: set[Role] = set()
    awards: dict[int, set[Role]] = defaultdict(set)
    committees: set[int] = set()
    for role, award_id, call_id in rows:
        if award_id is not None:
            awards[award_id].add(Role(role))
        elif call_id is not None:
            committees.add(call_id)
        else:
            programme.add(Role(role))
    return Actor(
        person_id=person.id,
        name=person.name,
        programme=frozenset(programme),
        awards={award_id: frozenset(roles) for award_id, roles in awards.items()},
        committees=frozenset(committees),
    )


def people_of(session: Session, award: Award, party: Party) -> list[Person]:
    """The active people who stand for ``party`` on ``award``: for the team its lead, for the officer the award's own."""
    query = select(Person).where(Person.active)
    match party:
        case Party.OFFICER:
            query = query.where(Person.id == award.officer_id)
        case Party.FINANCE:
            query = query.join(ProgrammeRole).where(ProgrammeRole.role == Role.FINANCE)
        case Party.COMMITTEE:
            query = query.join(CommitteeMember, CommitteeMember.person_id == Person.id).where(
                CommitteeMember.call_id == award.call_id
            )
        case Party.TEAM | Party.MENTOR:
            role = Role.LEAD if party is Party.TEAM else Role.MENTOR
            query = query.join(TeamMember, TeamMember.person_id == Person.id).where(
                TeamMember.award_id == award.id, TeamMember.role == role, TeamMember.until.is_(None)
            )
    return list(session.scalars(query.order_by(Person.id)))
