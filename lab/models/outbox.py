"""Mails, queued in the transaction that caused them and delivered after it."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from lab.models.base import Base, instant, name, pk, short, text


class Mail(Base):
    """One mail to one address. ``state``: queued, sent, kept (no mail server) or failed; a lease keeps two senders apart."""

    __tablename__ = "mail"
    __table_args__ = (Index("ix_mail_queue", "state", "next_try_at"),)
    id: Mapped[pk]
    message_id: Mapped[str] = mapped_column(String(120), unique=True)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    to: Mapped[str] = mapped_column(String(254))
    subject: Mapped[name]
    body: Mapped[text]
    state: Mapped[short]
    created_at: Mapped[instant]
    next_try_at: Mapped[instant]
    lease_until: Mapped[instant | None]
    attempts: Mapped[int] = mapped_column(default=0)
    sent_at: Mapped[instant | None]
    error: Mapped[text] = mapped_column(default="")
