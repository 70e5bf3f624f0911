"""Everything due, and the reminders that were sent of it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from lab.models.award import Award
from lab.models.base import Base, instant, pk, short


class Obligation(Base):
    """``debtor`` owes ``kind`` to ``creditor`` by ``due_at`` (UTC). ``key`` names the thing: one open row an award and key."""

    __tablename__ = "obligation"
    __table_args__ = (
        Index(
            "uq_obligation_open",
            "award_id",
            "key",
            unique=True,
            sqlite_where=text("state = 'open'"),
            postgresql_where=text("state = 'open'"),
        ),
        Index("ix_obligation_due", "state", "due_at"),
    )
    id: Mapped[pk]
    award_id: Mapped[int] = mapped_column(ForeignKey("award.id"), index=True)
    kind: Mapped[short]
    key: Mapped[str] = mapped_column(String(80))
    debtor: Mapped[short]
    creditor: Mapped[short]
    params: Mapped[dict[str, Any]]
    due_at: Mapped[instant]
    opened_at: Mapped[instant]
    state: Mapped[short]
    closed_at: Mapped[instant | None]
    award: Mapped[Award] = relationship(lazy="raise_on_sql")


class Reminder(Base):
    """A reminder that went into the outbox: once for an obligation, its due instant, a rung and a person."""

    __tablename__ = "reminder"
    __table_args__ = (UniqueConstraint("obligation_id", "due_at", "rung", "person_id"),)
    id: Mapped[pk]
    obligation_id: Mapped[int] = mapped_column(ForeignKey("obligation.id"))
    due_at: Mapped[instant]
    rung: Mapped[int]
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    at: Mapped[instant]
