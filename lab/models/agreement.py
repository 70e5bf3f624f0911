"""The grant agreement: how its clauses were worded, what was said about them, and the signatures under the frozen text."""

from __future__ import annotations

from datetime import date

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from lab.models.base import Base, instant, name, pk, short
from lab.models.base import text as long_text
from lab.models.person import Person
from lab.models.upload import Upload


class Signature(Base):
    """One side's signature under the text with ``text_hash``; never changed.

    Given electronically ``person`` is who signed; on paper, who recorded it, while ``typed_name`` is who signed.
    ``number`` counts a side's records: a paper may be followed by another before the agreement is in force, and the
    last one stands. ``time_zone`` was the person's at that instant; ``file_hash`` is the scan's SHA-256.
    """

    __tablename__ = "signature"
    __table_args__ = (UniqueConstraint("version_id", "side", "number"),)
    id: Mapped[pk]
    award_id: Mapped[int] = mapped_column(ForeignKey("award.id"), index=True)
    version_id: Mapped[int] = mapped_column(ForeignKey("version.id"))
    side: Mapped[short]
    number: Mapped[int] = mapped_column(default=1)
    method: Mapped[short] = mapped_column(default="electronic")
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    typed_name: Mapped[name]
    function: Mapped[name] = mapped_column(default="")
    text_hash: Mapped[str] = mapped_column(String(64))
    address: Mapped[str] = mapped_column(String(45), default="")
    at: Mapped[instant]
    time_zone: Mapped[short] = mapped_column(default="Europe/Zurich")
    signed_on: Mapped[date | None]
    upload_id: Mapped[int | None] = mapped_column(ForeignKey("upload.id"))
    file_hash: Mapped[str] = mapped_column(String(64), default="")
    person: Mapped[Person] = relationship(lazy="raise_on_sql")
    upload: Mapped[Upload | None] = relationship(lazy="raise_on_sql")


class ClauseRevision(Base):
    """How a clause of the draft was worded from ``at`` on. Number 1 is the call's template with the award's facts in it."""

    __tablename__ = "clause_revision"
    __table_args__ = (UniqueConstraint("award_id", "key", "number"),)
    id: Mapped[pk]
    award_id: Mapped[int] = mapped_column(ForeignKey("award.id"))
    key: Mapped[short]
    number: Mapped[int]
    text: Mapped[long_text]
    by: Mapped[int] = mapped_column(ForeignKey("person.id"))
    at: Mapped[instant]
    author: Mapped[Person] = relationship(lazy="raise_on_sql")


class ClauseComment(Base):
    """One contribution to the talk about a clause, made while it had the wording ``revision``; never edited.

    ``proposal`` is a wording that its author would like; ``settles``: with it the talk is at rest, until somebody writes again.
    """

    __tablename__ = "clause_comment"
    id: Mapped[pk]
    award_id: Mapped[int] = mapped_column(ForeignKey("award.id"), index=True)
    key: Mapped[short]
    revision: Mapped[int]
    author_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    side: Mapped[short]
    body: Mapped[long_text]
    proposal: Mapped[long_text] = mapped_column(default="")
    settles: Mapped[bool] = mapped_column(default=False)
    at: Mapped[instant]
    author: Mapped[Person] = relationship(lazy="raise_on_sql")
