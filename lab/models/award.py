"""An award, its team, and the small records that its stages leave: suspensions, extensions, checklists, decisions, lessons."""

from __future__ import annotations

from datetime import date

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy import text as text_of
from sqlalchemy.orm import Mapped, mapped_column, relationship

from lab.models.base import Base, amount, instant, name, pk, short, text
from lab.models.call import Call
from lab.models.organisation import Organisation
from lab.models.person import Person


class Award(Base):
    """One winner of one call. ``stage`` is set by ``services.stages.move`` alone; ``revision`` counts the changes.

    ``suspended_from`` is the stage in which the award left its path, by suspension or by its early end.
    ``prototyping_until`` and ``pilot_until`` are last days that an amendment set.
    """

    __tablename__ = "award"
    __table_args__ = (UniqueConstraint("call_id", "number"), Index("ix_award_stage", "stage"))
    id: Mapped[pk]
    code: Mapped[str] = mapped_column(String(80), unique=True)
    call_id: Mapped[int] = mapped_column(ForeignKey("call.id"))
    number: Mapped[int]
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    officer_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    project: Mapped[name]
    summary: Mapped[text] = mapped_column(default="")
    prize: Mapped[short]
    amount: Mapped[amount]
    currency: Mapped[str] = mapped_column(String(3))
    local_currency: Mapped[str] = mapped_column(String(3))
    language: Mapped[str] = mapped_column(String(2), default="en")
    notice_on: Mapped[date]
    stage: Mapped[short]
    suspended_from: Mapped[short | None]
    stage_since: Mapped[instant]
    prototyping_on: Mapped[date | None]
    prototyping_until: Mapped[date | None]
    pilot_on: Mapped[date | None]
    pilot_until: Mapped[date | None]
    ended_at: Mapped[instant | None]
    revision: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[instant]
    call: Mapped[Call] = relationship(lazy="raise_on_sql")
    organisation: Mapped[Organisation] = relationship(lazy="raise_on_sql")
    officer: Mapped[Person] = relationship(lazy="raise_on_sql")


class TeamMember(Base):
    """A person's place on an award: lead, member or mentor; ``until`` set means they left."""

    __tablename__ = "team_member"
    __table_args__ = (UniqueConstraint("award_id", "person_id", "role"),)
    id: Mapped[pk]
    award_id: Mapped[int] = mapped_column(ForeignKey("award.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    role: Mapped[short]
    since: Mapped[instant]
    until: Mapped[instant | None]
    person: Mapped[Person] = relationship(lazy="raise_on_sql")


class Suspension(Base):
    """From when to when the award was suspended, and why."""

    __tablename__ = "suspension"
    id: Mapped[pk]
    award_id: Mapped[int] = mapped_column(ForeignKey("award.id"), index=True)
    began_at: Mapped[instant]
    ended_at: Mapped[instant | None]
    reason: Mapped[text]


class Extension(Base):
    """Days that an officer added to the workplan's deadline, with the reason."""

    __tablename__ = "extension"
    id: Mapped[pk]
    award_id: Mapped[int] = mapped_column(ForeignKey("award.id"), index=True)
    days: Mapped[int]
    reason: Mapped[text]
    by: Mapped[int] = mapped_column(ForeignKey("person.id"))
    at: Mapped[instant]


class Check(Base):
    """An item of a call's checklist (``due_diligence`` or ``closing``) found to be in order, with what shows it.

    ``expires_on`` is the last day of the document that shows it. A row is never deleted: reopened, or cleared again with
    a newer document, it is closed; an item has one row at most that is not.
    """

    __tablename__ = "award_check"
    __table_args__ = (
        Index(
            "uq_award_check_standing",
            "award_id",
            "checklist",
            "key",
            unique=True,
            sqlite_where=text_of("closed_at IS NULL"),
            postgresql_where=text_of("closed_at IS NULL"),
        ),
    )
    id: Mapped[pk]
    award_id: Mapped[int] = mapped_column(ForeignKey("award.id"))
    checklist: Mapped[short]
    key: Mapped[short]
    note: Mapped[text]
    by: Mapped[int] = mapped_column(ForeignKey("person.id"))
    at: Mapped[instant]
    expires_on: Mapped[date | None]
    closed_at: Mapped[instant | None]
    closed_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    author: Mapped[Person] = relationship(lazy="raise_on_sql", foreign_keys=[by])
    closer: Mapped[Person | None] = relationship(lazy="raise_on_sql", foreign_keys=[closed_by])
    files: Mapped[list[CheckFile]] = relationship(lazy="raise_on_sql", order_by="CheckFile.upload_id")


class CheckFile(Base):
    """A file that is evidence of a cleared item, for good."""

    __tablename__ = "check_file"
    check_id: Mapped[int] = mapped_column(ForeignKey("award_check.id"), primary_key=True)
    upload_id: Mapped[int] = mapped_column(ForeignKey("upload.id"), primary_key=True)


class Decision(Base):
    """A decision of the steering committee on an award; with ``version_id`` on that version of an amendment, which it
    ``agrees`` to or not."""

    __tablename__ = "decision"
    id: Mapped[pk]
    award_id: Mapped[int] = mapped_column(ForeignKey("award.id"), index=True)
    title: Mapped[name]
    body: Mapped[text]
    by: Mapped[int] = mapped_column(ForeignKey("person.id"))
    at: Mapped[instant]
    version_id: Mapped[int | None] = mapped_column(ForeignKey("version.id"))
    agrees: Mapped[bool | None]
    author: Mapped[Person] = relationship(lazy="raise_on_sql")


class Lesson(Base):
    """A lesson learned (guide §11)."""

    __tablename__ = "lesson"
    id: Mapped[pk]
    award_id: Mapped[int] = mapped_column(ForeignKey("award.id"), index=True)
    title: Mapped[name]
    body: Mapped[text]
    by: Mapped[int] = mapped_column(ForeignKey("person.id"))
    at: Mapped[instant]
    author: Mapped[Person] = relationship(lazy="raise_on_sql")
