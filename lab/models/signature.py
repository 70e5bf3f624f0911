"""Who is to sign a grant agreement, and the document that both sides have signed."""

from __future__ import annotations

from sqlalchemy import ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from lab.models.base import Base, instant, name, pk, short


class Signatory(Base):
    """Who was named to sign for a side: an account, or somebody without one. The last one named stands."""

    __tablename__ = "signatory"
    id: Mapped[pk]
    award_id: Mapped[int] = mapped_column(ForeignKey("award.id"), index=True)
    side: Mapped[short]
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    name: Mapped[name]
    function: Mapped[str] = mapped_column(String(300))
    named_by: Mapped[int] = mapped_column(ForeignKey("person.id"))
    named_at: Mapped[instant]


class SignedPdf(Base):
    """The document as it was when the second side had signed: its bytes, and their SHA-256, which anybody can compare."""

    __tablename__ = "signed_pdf"
    id: Mapped[pk]
    award_id: Mapped[int] = mapped_column(ForeignKey("award.id"), index=True)
    version_id: Mapped[int] = mapped_column(ForeignKey("version.id"), unique=True)
    sha256: Mapped[str] = mapped_column(String(64))
    body: Mapped[bytes] = mapped_column(LargeBinary(), deferred=True)
    made_at: Mapped[instant]
