"""What an amendment of the agreement changed, kept as it was applied."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from lab.models.base import Base, instant, pk, short


class AppliedAmendment(Base):
    """The award's terms before and after an accepted amendment (``rules.amendment.terms_to_json``); never changed."""

    __tablename__ = "applied_amendment"
    id: Mapped[pk]
    award_id: Mapped[int] = mapped_column(ForeignKey("award.id"), index=True)
    version_id: Mapped[int] = mapped_column(ForeignKey("version.id"), unique=True)
    kind: Mapped[short]
    before: Mapped[dict[str, Any]]
    after: Mapped[dict[str, Any]]
    at: Mapped[instant]
