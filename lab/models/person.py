"""People and the links by which they are invited. What they may do hangs on their roles, here and on awards and calls."""

from __future__ import annotations

from flask_security.core import UserMixin
from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from lab.models.base import Base, instant, name, pk, short


class Person(Base, UserMixin):
    """Somebody with an account. No password yet means invited and not arrived."""

    __tablename__ = "person"
    id: Mapped[pk]
    email: Mapped[str] = mapped_column(String(254), unique=True)
    name: Mapped[name]
    password: Mapped[str | None] = mapped_column(String(255))
    active: Mapped[bool] = mapped_column(default=True)
    fs_uniquifier: Mapped[str] = mapped_column(String(64), unique=True)
    language: Mapped[str] = mapped_column(String(2), default="en")
    time_zone: Mapped[short] = mapped_column(default="Europe/Zurich")
    created_at: Mapped[instant]
    programme_roles: Mapped[list[ProgrammeRole]] = relationship(lazy="raise")


class ProgrammeRole(Base):
    """A role over the whole programme: officer, finance or admin."""

    __tablename__ = "programme_role"
    __table_args__ = (UniqueConstraint("person_id", "role"),)
    id: Mapped[pk]
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    role: Mapped[short]


class Invitation(Base):
    """A single-use link by mail; only the hash of its token is kept. Expires at ``expires_at``, or earlier if revoked.

    ``purpose``: ``join`` (a first password), ``password`` (another one), ``help`` (the same, after somebody of the
    programme helped), ``email`` (confirms ``email`` as the person's address).
    """

    __tablename__ = "invitation"
    id: Mapped[pk]
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    invited_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[instant]
    expires_at: Mapped[instant]
    used_at: Mapped[instant | None]
    revoked_at: Mapped[instant | None]
    purpose: Mapped[short] = mapped_column(default="join")
    email: Mapped[str | None] = mapped_column(String(254))
