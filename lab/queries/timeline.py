"""What happened on an award, newest first, a page at a time."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from lab.models import Event

PAGE = 50


@dataclass(frozen=True)
class Timeline:
    """A page of events with their actors; ``number`` counts from 1."""

    events: list[Event]
    total: int
    number: int

    @property
    def pages(self) -> int:
        """How many pages there are; one for an empty timeline."""
        return max(1, -(-self.total // PAGE))


def list_events(session: Session, award_id: int, number: int = 1) -> Timeline:
    """Page ``number`` of the award's events, in two statements."""
    total = session.scalar(select(func.count()).select_from(Event).where(Event.award_id == award_id)) or 0
    number = max(1, min(number, -(-total // PAGE)))
    query = (
        select(Event)
        .where(Event.award_id == award_id)
        .order_by(Event.seq.desc())
        .limit(PAGE)
        .offset((number - 1) * PAGE)
        .options(joinedload(Event.actor))
    )
    return Timeline(list(session.scalars(query)), total, number)
