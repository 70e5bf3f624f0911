"""The outbox as an administrator reads it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import func, select
from sqlalchemy.orm import Session, defer

from lab.models import Mail
from lab.rules.errors import NotFound

PAGE = 50


class MailState(StrEnum):
    """Where a mail is: waiting for delivery, sent, kept here for want of a mail server, or given up."""

    QUEUED = "queued"
    SENT = "sent"
    KEPT = "kept"
    FAILED = "failed"


@dataclass(frozen=True)
class Mails:
    """A page of mails without their bodies: ``total`` match in all; ``number`` counts from 1."""

    rows: list[Mail]
    total: int
    number: int

    @property
    def pages(self) -> int:
        """How many pages there are; one for an empty list."""
        return max(1, -(-self.total // PAGE))


def list_mails(session: Session, state: str = "", number: int = 1) -> Mails:
    """Page ``number`` of the mails in ``state`` (empty: all), newest first, in two statements."""
    query = select(Mail)
    if state:
        query = query.where(Mail.state == state)
    total = session.scalar(select(func.count()).select_from(query.with_only_columns(Mail.id).subquery())) or 0
    number = max(1, min(number, -(-total // PAGE)))
    page = query.order_by(Mail.id.desc()).limit(PAGE).offset((number - 1) * PAGE)
    return Mails(list(session.scalars(page.options(defer(Mail.body)))), total, number)


def get_mail(session: Session, mail_id: int) -> Mail:
    """One mail. Raises NotFound."""
    found = session.get(Mail, mail_id)
    if found is None:
        raise NotFound("mail")
    return found


def newest_to(session: Session, address: str) -> Mail | None:
    """The mail that was queued last to ``address``."""
    return session.scalars(select(Mail).where(Mail.to == address).order_by(Mail.id.desc()).limit(1)).one_or_none()
