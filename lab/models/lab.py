"""The innovation lab: boot camps and who of the team attended."""

from __future__ import annotations

from datetime import date

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from lab.models.base import Base, instant, name, pk, short, text
from lab.models.person import Person


class BootCamp(Base):
    """A boot camp of an award's prototyping, planned from the call's calendar; ``key`` is the call's."""

    __tablename__ = "boot_camp"
    __table_args__ = (UniqueConstraint("award_id", "key"),)
    id: Mapped[pk]
    award_id: Mapped[int] = mapped_column(ForeignKey("award.id"))
    key: Mapped[short]
    planned_on: Mapped[date]
    held_on: Mapped[date | None]
    note: Mapped[text] = mapped_column(default="")
    recorded_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    recorded_at: Mapped[instant | None]
    attendance: Mapped[list[Attendance]] = relationship(lazy="raise_on_sql")


class Attendance(Base):
    """A team member who was there, under the name they had."""

    __tablename__ = "attendance"
    __table_args__ = (UniqueConstraint("boot_camp_id", "person_id"),)
    id: Mapped[pk]
    boot_camp_id: Mapped[int] = mapped_column(ForeignKey("boot_camp.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    name: Mapped[name]
    person: Mapped[Person] = relationship(lazy="raise_on_sql")


class MentorNote(Base):
    """What a mentor keeps in mind about an award, for mentors and officers alone. Appended, never edited."""

    __tablename__ = "mentor_note"
    id: Mapped[pk]
    award_id: Mapped[int] = mapped_column(ForeignKey("award.id"), index=True)
    author_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    body: Mapped[text]
    at: Mapped[instant]
    author: Mapped[Person] = relationship(lazy="raise_on_sql")
