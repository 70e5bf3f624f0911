"""Winning organisations and the bank accounts they are paid into."""

from __future__ import annotations

from datetime import date

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from lab.models.base import Base, instant, name, pk, short


class Organisation(Base):
    """The lead organisation of an award."""

    __tablename__ = "organisation"
    id: Mapped[pk]
    legal_name: Mapped[name] = mapped_column(unique=True)
    kind: Mapped[short]
    country: Mapped[str] = mapped_column(String(2))
    registered_on: Mapped[date]


class BankAccount(Base):
    """An account as entered; a change is a new row, and the newest counts. Verified by finance, never by who entered it."""

    __tablename__ = "bank_account"
    id: Mapped[pk]
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    holder: Mapped[name]
    bank: Mapped[name]
    number: Mapped[str] = mapped_column(String(80))
    swift: Mapped[str] = mapped_column(String(11), default="")
    currency: Mapped[str] = mapped_column(String(3))
    entered_by: Mapped[int] = mapped_column(ForeignKey("person.id"))
    entered_at: Mapped[instant]
    verified_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    verified_at: Mapped[instant | None]
