"""Signatures under the frozen text of a grant agreement."""

from __future__ import annotations

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from lab.models.base import Base, instant, name, pk, short
from lab.models.person import Person


class Signature(Base):
    """One side's signature: who, the name they typed, when, from which address, and the hash of the text they signed."""

    __tablename__ = "signature"
    __table_args__ = (UniqueConstraint("version_id", "side"),)
    id: Mapped[pk]
    award_id: Mapped[int] = mapped_column(ForeignKey("award.id"), index=True)
    version_id: Mapped[int] = mapped_column(ForeignKey("version.id"))
    side: Mapped[short]
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    typed_name: Mapped[name]
    text_hash: Mapped[str] = mapped_column(String(64))
    address: Mapped[str] = mapped_column(String(45), default="")
    at: Mapped[instant]
    person: Mapped[Person] = relationship(lazy="raise_on_sql")
