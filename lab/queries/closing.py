"""What an award's closing page shows: the items ticked, the lessons, and the money that should have come back."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from lab.models import Award, Check, Lesson
from lab.queries.awards import facts_of
from lab.rules.facts import AwardFacts

CHECKLIST = "closing"


@dataclass(frozen=True)
class ClosingState:
    """The award's facts, its ticked items by key (with who ticked them), and its lessons, oldest first."""

    facts: AwardFacts
    checks: dict[str, Check]
    lessons: list[Lesson]


def closing_of(session: Session, award: Award) -> ClosingState:
    """Everything that closing reads of the award, in a fixed number of statements."""
    checks = session.scalars(
        select(Check)
        .where(Check.award_id == award.id, Check.checklist == CHECKLIST, Check.closed_at.is_(None))
        .options(joinedload(Check.author))
    )
    lessons = session.scalars(
        select(Lesson).where(Lesson.award_id == award.id).options(joinedload(Lesson.author)).order_by(Lesson.id)
    )
    return ClosingState(facts_of(session, award), {check.key: check for check in checks}, list(lessons))
