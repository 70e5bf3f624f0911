"""Mail: queued inside the transaction that causes it, delivered after it by the scheduler."""

from __future__ import annotations

import smtplib
from datetime import datetime, timedelta
from email.message import EmailMessage
from typing import Protocol
from urllib.parse import unquote, urlsplit
from uuid import uuid4

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from lab.models import Mail

LEASE = timedelta(minutes=2)
PAUSES = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=2), timedelta(hours=12))


def queue(session: Session, *, to: str, subject: str, body: str, now: datetime, person_id: int | None = None) -> None:
    """Put a mail into the outbox of the running transaction: it leaves if that commits. ``now`` is UTC."""
    session.add(
        Mail(
            message_id=f"<{uuid4().hex}@innovation-lab-tracker>",
            person_id=person_id,
            to=to,
            subject=" ".join(subject.split())[:300],
            body=body,
            state="queued",
            created_at=now,
            next_try_at=now,
        )
    )


class Sender(Protocol):
    """Delivers one message or raises OSError or smtplib.SMTPException."""

    def send(self, message: EmailMessage) -> None: ...


class SmtpSender:
    """A connection a message to the server of ``smtp://user:password@host:port`` (``smtps`` for TLS from the start)."""

    def __init__(self, url: str) -> None:
        self.parts = urlsplit(url)

    def send(self, message: EmailMessage) -> None:
        """Raises smtplib.SMTPException or OSError."""
        kind = smtplib.SMTP_SSL if self.parts.scheme == "smtps" else smtplib.SMTP
        port = self.parts.port or (465 if self.parts.scheme == "smtps" else 25)
        with kind(self.parts.hostname or "", port, timeout=15) as server:
            if self.parts.username:
                if self.parts.scheme == "smtp":
                    server.starttls()
                server.login(unquote(self.parts.username), unquote(self.parts.password or ""))
            server.send_message(message)


def deliver(session: Session, sender: Sender | None, mail_from: str, now: datetime, wall: datetime, batch: int = 50) -> int:
    """Deliver up to ``batch`` queued mails and return how many left; without a sender they are kept for the administrator.

    Each is claimed with a lease in a transaction of its own, so a slow server holds no lock and two senders do not
    send the same mail. ``now`` is the programme's instant, ``wall`` the real one that leases run on.
    """
    if sender is None:
        session.execute(update(Mail).where(Mail.state == "queued").values(state="kept", sent_at=now))
        session.commit()
        return 0
    due = select(Mail.id).where(
        Mail.state == "queued", Mail.next_try_at <= now, or_(Mail.lease_until.is_(None), Mail.lease_until < wall)
    )
    sent = 0
    for mail_id in session.scalars(due.order_by(Mail.id).limit(batch)).all():
        claimed = session.execute(
            update(Mail)
            .where(Mail.id == mail_id, Mail.state == "queued", or_(Mail.lease_until.is_(None), Mail.lease_until < wall))
            .values(lease_until=wall + LEASE, attempts=Mail.attempts + 1)
        )
        session.commit()
        if claimed.rowcount == 1:  # type: ignore[attr-defined]
            sent += _deliver_one(session, mail_id, sender, mail_from, now)
    return sent


def _deliver_one(session: Session, mail_id: int, sender: Sender, mail_from: str, now: datetime) -> int:
    mail = session.get_one(Mail, mail_id)
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = mail_from, mail.to, mail.subject
    message["Message-ID"], message["Date"] = mail.message_id, mail.created_at
    message.set_content(mail.body)
    session.commit()
    try:
        sender.send(message)
    except (OSError, smtplib.SMTPException) as error:
        mail.error = f"{type(error).__name__}: {error}"[:500]
        if mail.attempts > len(PAUSES):
            mail.state = "failed"
        else:
            mail.next_try_at = now + PAUSES[mail.attempts - 1]
        mail.lease_until = None
        session.commit()
        return 0
    mail.state, mail.sent_at, mail.lease_until, mail.error = "sent", now, None, ""
    session.commit()
    return 1
