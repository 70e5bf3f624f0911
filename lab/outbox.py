"""Mail: queued inside the transaction that causes it, delivered after it by the scheduler."""

from __future__ import annotations

import smtplib
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from typing import Protocol
from urllib.parse import unquote, urlsplit
from uuid import uuid4

from sqlalchemy import ColumnElement, CursorResult, and_, or_, select, update
from sqlalchemy.orm import Session

from lab.models import Mail

# Longer than one delivery can take from a server that answers at all.
LEASE = timedelta(minutes=5)
PAUSES = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=2), timedelta(hours=12))
# A round gives way after this, so that a slow server does not keep the scheduler from its other steps.
ROUND = timedelta(seconds=30)
TIMEOUT_SECONDS = 45
# What a server says of the one mail. Every other error is the server's own, and no mail is given up for it.
REFUSALS = (
    smtplib.SMTPRecipientsRefused,
    smtplib.SMTPSenderRefused,
    smtplib.SMTPDataError,
    smtplib.SMTPNotSupportedError,
)


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
    """Delivers one message or raises OSError, of which smtplib's errors are a kind."""

    def send(self, message: EmailMessage) -> None: ...


class SmtpSender:
    """A connection a message to the server of ``smtp://user:password@host:port`` (``smtps`` for TLS from the start)."""

    def __init__(self, url: str) -> None:
        self.parts = urlsplit(url)

    def send(self, message: EmailMessage) -> None:
        """Raises OSError, of which smtplib's errors are a kind."""
        kind = smtplib.SMTP_SSL if self.parts.scheme == "smtps" else smtplib.SMTP
        port = self.parts.port or (465 if self.parts.scheme == "smtps" else 25)
        server = kind(self.parts.hostname or "", port, timeout=TIMEOUT_SECONDS)
        try:
            if self.parts.username:
                if self.parts.scheme == "smtp":
                    server.starttls()
                server.login(unquote(self.parts.username), unquote(self.parts.password or ""))
            server.send_message(message)
        finally:
            # A server that takes the mail and then says no good-bye has still taken it.
            with suppress(OSError):
                server.quit()
            server.close()


def deliver(
    session: Session,
    sender: Sender | None,
    mail_from: str,
    now: datetime,
    wall: Callable[[], datetime],
    batch: int = 50,
) -> int:
    """Deliver up to ``batch`` queued mails and return how many left; without a sender they are kept for the administrator.

    Each is claimed with a lease in a transaction of its own, so a slow server holds no lock and two senders do not
    send the same mail. ``now`` is the programme's instant, ``wall`` tells the real one, which leases run on.
    """
    if sender is None:
        session.execute(update(Mail).where(Mail.state == "queued").values(state="kept", sent_at=now))
        session.commit()
        return 0
    began, sent = wall(), 0
    due = select(Mail.id).where(Mail.next_try_at <= now, _free(began)).order_by(Mail.id).limit(batch)
    mail_ids = session.scalars(due).all()
    session.commit()
    for mail_id in mail_ids:
        if wall() - began >= ROUND:
            break
        mail = _claimed(session, mail_id, wall())
        if mail is None:
            continue
        if not _deliver_one(session, mail, sender, mail_from, now):
            break
        sent += mail.state == "sent"
        session.commit()
    return sent


def _free(wall: datetime) -> ColumnElement[bool]:
    return and_(Mail.state == "queued", or_(Mail.lease_until.is_(None), Mail.lease_until < wall))


def _claimed(session: Session, mail_id: int, wall: datetime) -> Mail | None:
    """The mail, leased to this sender alone; None when another has it."""
    found = session.execute(
        update(Mail).where(Mail.id == mail_id, _free(wall)).values(lease_until=wall + LEASE, attempts=Mail.attempts + 1)
    )
    assert isinstance(found, CursorResult)
    session.commit()
    return session.get_one(Mail, mail_id, populate_existing=True) if found.rowcount == 1 else None


def _message(mail: Mail, mail_from: str) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = mail_from, Address(addr_spec=mail.to), mail.subject
    message["Message-ID"], message["Date"] = mail.message_id, mail.created_at
    message.set_content(mail.body)
    return message


def _deliver_one(session: Session, mail: Mail, sender: Sender, mail_from: str, now: datetime) -> bool:
    """Try one leased mail and note what came of it. False when the server is not to be had: the others need not be tried."""
    try:
        message = _message(mail, mail_from)
    except Exception as error:
        # Whatever is wrong with it, it must not stand in the way of those behind it.
        return _note(session, mail, error, failed=True)
    session.commit()
    try:
        sender.send(message)
    except REFUSALS as error:
        return _note(session, mail, error, failed=mail.attempts > len(PAUSES), next_try_at=_after(mail, now))
    except OSError as error:
        mail.attempts -= 1
        _note(session, mail, error, failed=False, next_try_at=now + PAUSES[0])
        return False
    mail.state, mail.sent_at, mail.lease_until, mail.error = "sent", now, None, ""
    session.commit()
    return True


def _after(mail: Mail, now: datetime) -> datetime:
    return now + PAUSES[min(mail.attempts, len(PAUSES)) - 1]


def _note(session: Session, mail: Mail, error: Exception, *, failed: bool, next_try_at: datetime | None = None) -> bool:
    mail.error = f"{type(error).__name__}: {error}"[:500]
    mail.state = "failed" if failed else "queued"
    mail.next_try_at = next_try_at or mail.next_try_at
    mail.lease_until = None
    session.commit()
    return True
