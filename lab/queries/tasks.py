"""What somebody owes and is owed, over all their awards, in a fixed number of statements."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, false, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session, contains_eager

from lab.models import Award, Call, Obligation, Organisation
from lab.rules.facts import TEAM, Actor, Role, Stage
from lab.rules.obligations import ObligationState, Party

SHOWN = 30


@dataclass(frozen=True)
class Owed:
    """Open obligations, soonest first, at most ``SHOWN``, and how many there are in all."""

    first: list[Obligation]
    total: int


def _stands_for(actor: Actor, column: InstrumentedAttribute[str]) -> ColumnElement[bool]:
    """Whether ``actor`` stands for the party in ``column`` on the obligation's award."""
    teams = [award_id for award_id, roles in actor.awards.items() if roles & TEAM]
    mentored = [award_id for award_id, roles in actor.awards.items() if Role.MENTOR in roles]
    # Only what this person is: a part that nobody can meet still costs a look at every open obligation.
    parts: list[ColumnElement[bool]] = []
    if teams:
        parts.append(and_(column == Party.TEAM, Obligation.award_id.in_(teams)))
    if mentored:
        parts.append(and_(column == Party.MENTOR, Obligation.award_id.in_(mentored)))
    if actor.committees:
        parts.append(and_(column == Party.COMMITTEE, Award.call_id.in_(actor.committees)))
    if Role.OFFICER in actor.programme:
        parts.append(and_(column == Party.OFFICER, Award.officer_id == actor.person_id))
    if Role.FINANCE in actor.programme:
        parts.append(column == Party.FINANCE)
    return or_(false(), *parts)


def _owed(session: Session, condition: ColumnElement[bool]) -> Owed:
    # All are counted, and put in order, by their numbers alone; whole rows are read only of those that are shown.
    # A suspended award stands still: what is owed on it can be done again once it goes on.
    found = (
        select(Obligation.id, func.count().over().label("total"))
        .join(Award)
        .where(Obligation.state == ObligationState.OPEN, Award.stage != Stage.SUSPENDED, condition)
        .order_by(Obligation.due_at, Obligation.id)
        .limit(SHOWN)
        .subquery()
    )
    rows = session.execute(
        select(Obligation, found.c.total)
        .join(found, found.c.id == Obligation.id)
        .join(Award, Award.id == Obligation.award_id)
        .options(contains_eager(Obligation.award).load_only(Award.code, Award.project, Award.call_id))
        .order_by(Obligation.due_at, Obligation.id)
    ).all()
    return Owed([row[0] for row in rows], rows[0][1] if rows else 0)


def owed_by(session: Session, actor: Actor) -> Owed:
    """What ``actor`` owes."""
    return _owed(session, _stands_for(actor, Obligation.debtor))


def owed_to(session: Session, actor: Actor) -> Owed:
    """What others owe ``actor``."""
    return _owed(session, and_(_stands_for(actor, Obligation.creditor), ~_stands_for(actor, Obligation.debtor)))


def awards_of(session: Session, actor: Actor, limit: int = 12) -> list[tuple[Award, str]]:
    """The awards that ``actor`` has a part in, those that go on first, with the organisation's name."""
    mine: list[ColumnElement[bool]] = [Award.id.in_(actor.awards), Award.call_id.in_(actor.committees)]
    if Role.OFFICER in actor.programme:
        mine.append(Award.officer_id == actor.person_id)
    query = (
        select(Award, Organisation.legal_name)
        .join(Organisation)
        .where(or_(*mine))
        .order_by(Award.ended_at.is_not(None), Award.stage_since.desc(), Award.id)
        .limit(limit)
    )
    return [(award, name) for award, name in session.execute(query)]


def calls_of(session: Session, call_ids: Collection[int]) -> dict[int, Call]:
    """The calls with these ids, in one statement."""
    return {call.id: call for call in session.scalars(select(Call).where(Call.id.in_(call_ids)))}
