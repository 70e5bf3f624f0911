"""What happened, appended and never edited: the database itself refuses UPDATE and DELETE."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from lab.models.base import Base, instant, pk, short
from lab.models.person import Person


class Event(Base):
    """A past-tense fact. Each stream (an award, or the programme) is numbered and chained by hash."""

    __tablename__ = "event"
    __table_args__ = (UniqueConstraint("stream", "seq"),)
    id: Mapped[pk]
    stream: Mapped[short]
    seq: Mapped[int]
    award_id: Mapped[int | None] = mapped_column(ForeignKey("award.id"), index=True)
    kind: Mapped[short]
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    at: Mapped[instant]
    details: Mapped[dict[str, Any]]
    previous_hash: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))
    actor: Mapped[Person | None] = relationship(lazy="raise_on_sql")
