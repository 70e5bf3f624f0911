"""A call for solutions as loaded from its file, and its steering committee."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from lab.models.base import Base, instant, pk, short


class Call(Base):
    """The definition is kept whole, as ``lab.rules.calls.to_json`` gives it; ``code`` finds it again."""

    __tablename__ = "call"
    id: Mapped[pk]
    code: Mapped[str] = mapped_column(String(80), unique=True)
    definition: Mapped[dict[str, Any]]
    definition_hash: Mapped[str] = mapped_column(String(64))
    loaded_at: Mapped[instant]


class CommitteeMember(Base):
    """A seat on a call's steering committee."""

    __tablename__ = "committee_member"
    __table_args__ = (UniqueConstraint("call_id", "person_id"),)
    id: Mapped[pk]
    call_id: Mapped[int] = mapped_column(ForeignKey("call.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    role: Mapped[short] = mapped_column(default="committee")
