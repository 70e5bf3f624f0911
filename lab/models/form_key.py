"""One-time keys of unsafe forms: the same key again gives the same answer and no second effect."""

from __future__ import annotations

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from lab.models.base import Base, instant


class FormKey(Base):
    """A key that was used, by whom, and where its answer sent the browser."""

    __tablename__ = "form_key"
    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    path: Mapped[str] = mapped_column(String(300))
    answer: Mapped[str] = mapped_column(String(500), default="")
    at: Mapped[instant] = mapped_column(index=True)
