"""Whatever is handed in and judged: a document with a draft and numbered versions, and the threads that hang on them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from lab.models.base import Base, instant, name, pk, short, text
from lab.models.person import Person


class Document(Base):
    """One workplan, agreement, report or prototype of an award. ``draft`` is what is being written, as typed."""

    __tablename__ = "document"
    __table_args__ = (UniqueConstraint("award_id", "kind", "number"),)
    id: Mapped[pk]
    award_id: Mapped[int] = mapped_column(ForeignKey("award.id"))
    kind: Mapped[short]
    number: Mapped[int] = mapped_column(default=1)
    title: Mapped[name] = mapped_column(default="")
    state: Mapped[short]
    draft: Mapped[dict[str, Any]]
    draft_revision: Mapped[int] = mapped_column(default=0)
    draft_saved_at: Mapped[instant | None]
    draft_saved_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    versions: Mapped[list[Version]] = relationship(
        lazy="raise_on_sql", order_by="Version.number", back_populates="document"
    )


class Version(Base):
    """A submitted version. Its content never changes; the reviewer's decision is written beside it once."""

    __tablename__ = "version"
    __table_args__ = (UniqueConstraint("document_id", "number"),)
    id: Mapped[pk]
    document_id: Mapped[int] = mapped_column(ForeignKey("document.id"))
    number: Mapped[int]
    content: Mapped[dict[str, Any]]
    content_hash: Mapped[str] = mapped_column(String(64))
    submitted_by: Mapped[int] = mapped_column(ForeignKey("person.id"))
    submitted_at: Mapped[instant]
    decision: Mapped[short | None]
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    decided_at: Mapped[instant | None]
    reason: Mapped[text] = mapped_column(default="")
    document: Mapped[Document] = relationship(lazy="raise_on_sql", back_populates="versions")
    submitter: Mapped[Person] = relationship(lazy="raise_on_sql", foreign_keys=[submitted_by])
    decider: Mapped[Person | None] = relationship(lazy="raise_on_sql", foreign_keys=[decided_by])


class Thread(Base):
    """A talk about one section of one version: a request for changes, or a mentor's feedback."""

    __tablename__ = "thread"
    id: Mapped[pk]
    award_id: Mapped[int] = mapped_column(ForeignKey("award.id"), index=True)
    version_id: Mapped[int] = mapped_column(ForeignKey("version.id"), index=True)
    section: Mapped[short]
    kind: Mapped[short]
    opened_by: Mapped[int] = mapped_column(ForeignKey("person.id"))
    opened_at: Mapped[instant]
    resolved_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    resolved_at: Mapped[instant | None]
    comments: Mapped[list[Comment]] = relationship(lazy="raise_on_sql", order_by="Comment.id")


class Comment(Base):
    """One contribution to a thread; never edited."""

    __tablename__ = "comment"
    id: Mapped[pk]
    thread_id: Mapped[int] = mapped_column(ForeignKey("thread.id"), index=True)
    author_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    body: Mapped[text]
    at: Mapped[instant]
    author: Mapped[Person] = relationship(lazy="raise_on_sql")
