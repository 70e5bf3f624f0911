"""Files that people handed in; the bytes are in the file store under ``key``, the name they had is data."""

from __future__ import annotations

from sqlalchemy import BigInteger, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from lab.models.base import Base, instant, name, pk, short
from lab.models.person import Person


class Upload(Base):
    """One file of one award. ``place`` says what it belongs to (``boot_camp:3``, ``prototype``, ``report:final_report:1``,
    ``diligence:KEY`` of an item).

    ``scanned_at`` is when a virus scanner found nothing in it; None when none was configured.
    """

    __tablename__ = "upload"
    id: Mapped[pk]
    award_id: Mapped[int] = mapped_column(ForeignKey("award.id"), index=True)
    place: Mapped[str] = mapped_column(String(60))
    name: Mapped[name]
    kind: Mapped[short]
    size: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(String(64))
    key: Mapped[str] = mapped_column(String(80), unique=True)
    uploaded_by: Mapped[int] = mapped_column(ForeignKey("person.id"))
    uploaded_at: Mapped[instant]
    removed_at: Mapped[instant | None]
    scanned_at: Mapped[instant | None]
    uploader: Mapped[Person] = relationship(lazy="raise_on_sql")
