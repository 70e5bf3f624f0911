"""Mail: leaves only if its transaction commits, once, whatever the server does; and says so when it cannot."""

from __future__ import annotations

import smtplib
import socket
from collections.abc import Iterator
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from lab import clock, outbox
from lab.extensions import db
from lab.models import Mail

FROM = "Innovation Lab Tracker <lab@example.org>"


def queue(session: Session, now: datetime, to: str = "ana@team.example", **changed: Any) -> int:
    outbox.queue(
        session, now=now, **{"to": to, "subject": "Gracias, Lucía", "body": "Un saludo,\nel equipo\n", **changed}
    )
    session.commit()
    return session.scalars(select(Mail.id).order_by(Mail.id.desc())).first() or 0


def deliver(session: Session, sender: outbox.Sender | None, now: datetime, wall: datetime | None = None) -> int:
    return outbox.deliver(session, sender, FROM, now, (lambda: wall) if wall else clock.wall)


def the(session: Session, mail_id: int) -> Mail:
    return session.get_one(Mail, mail_id, populate_existing=True)


class Inbox:
    """What a server took, and what it answers to the next messages (nothing: it takes them)."""

    def __init__(self) -> None:
        self.taken: list[EmailMessage] = []
        self.to: list[str] = []
        self.answers: list[str] = []
        self.rcpt_answers: list[str] = []
        self.login: tuple[bytes, bytes] | None = None

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if self.rcpt_answers:
            return self.rcpt_answers.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.answers:
            return self.answers.pop(0)
        parsed = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(parsed, EmailMessage)
        self.taken.append(parsed)
        self.to.extend(envelope.rcpt_tos)
        return "250 taken"

    def authenticate(self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.login = (data.login, data.password)
        return AuthResult(success=data.password == b"p@ss")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def server() -> Iterator[tuple[Inbox, str]]:
    inbox = Inbox()
    controller = Controller(inbox, hostname="127.0.0.1", port=_free_port())
    controller.start()
    yield inbox, f"smtp://127.0.0.1:{controller.port}"
    controller.stop()


class Fails:
    """A sender that raises what it is given, one a message, and then takes them."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.sent: list[EmailMessage] = []

    def send(self, message: EmailMessage) -> None:
        if self.errors:
            raise self.errors.pop(0)
        self.sent.append(message)


REFUSED = smtplib.SMTPRecipientsRefused({"ana@team.example": (450, b"try again later")})


def test_without_a_server_mails_are_kept_and_stay_kept(session: Session, now: datetime) -> None:
    mail_id = queue(session, now)
    assert deliver(session, None, now) == 0
    assert (the(session, mail_id).state, the(session, mail_id).sent_at) == ("kept", now)
    assert deliver(session, Fails(), now + timedelta(days=1)) == 0, "a server that comes later is not sent old mails"


def test_a_real_server_gets_it_as_it_was_written(session: Session, now: datetime, server: tuple[Inbox, str]) -> None:
    inbox, url = server
    mail_id = queue(session, now)
    assert deliver(session, outbox.SmtpSender(url), now) == 1
    (message,) = inbox.taken
    assert inbox.to == ["ana@team.example"]
    assert (message["From"], message["To"], message["Subject"]) == (FROM, "ana@team.example", "Gracias, Lucía")
    assert message.get_content().replace("\r\n", "\n") == "Un saludo,\nel equipo\n"
    assert message["Date"].datetime == now
    mail = the(session, mail_id)
    assert message["Message-ID"] == mail.message_id
    assert (mail.state, mail.sent_at, mail.lease_until, mail.attempts, mail.error) == ("sent", now, None, 1, "")
    assert deliver(session, outbox.SmtpSender(url), now) == 0
    assert len(inbox.taken) == 1


def test_a_mail_whose_transaction_rolls_back_never_leaves(session: Session, now: datetime) -> None:
    outbox.queue(session, to="ana@team.example", subject="No", body="No", now=now)
    session.flush()
    session.rollback()
    sender = Fails()
    assert deliver(session, sender, now) == 0
    assert sender.sent == [] and session.scalars(select(Mail)).all() == []


def test_a_server_that_refuses_for_now_is_asked_again_after_each_pause(
    session: Session, now: datetime, server: tuple[Inbox, str]
) -> None:
    inbox, url = server
    sender = outbox.SmtpSender(url)
    inbox.rcpt_answers = ["450 mailbox busy"]
    inbox.answers = ["451 local error"]
    mail_id = queue(session, now)
    assert deliver(session, sender, now) == 0
    mail = the(session, mail_id)
    assert (mail.state, mail.attempts, mail.next_try_at) == ("queued", 1, now + outbox.PAUSES[0])
    assert "mailbox busy" in mail.error and mail.lease_until is None
    assert deliver(session, sender, mail.next_try_at - timedelta(seconds=1)) == 0
    assert the(session, mail_id).attempts == 1, "not before the pause is over"
    again = the(session, mail_id).next_try_at
    assert deliver(session, sender, again) == 0
    assert the(session, mail_id).next_try_at == again + outbox.PAUSES[1]
    assert deliver(session, sender, the(session, mail_id).next_try_at) == 1
    assert (the(session, mail_id).state, the(session, mail_id).error) == ("sent", "")
    assert len(inbox.taken) == 1


def test_a_mail_refused_after_the_last_pause_has_failed_and_says_why(session: Session, now: datetime) -> None:
    mail_id = queue(session, now)
    sender = Fails(*[REFUSED] * 10)
    at, tries = now, 0
    while the(session, mail_id).state == "queued":
        at = the(session, mail_id).next_try_at
        deliver(session, sender, at)
        tries += 1
    mail = the(session, mail_id)
    assert (mail.state, mail.attempts, tries) == ("failed", 6, 1 + len(outbox.PAUSES))
    assert at == now + sum(outbox.PAUSES, timedelta())
    assert "SMTPRecipientsRefused" in mail.error and "try again later" in mail.error
    assert deliver(session, Fails(), at + timedelta(days=9)) == 0, "it is not tried any more"


@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError("nobody there"),
        TimeoutError("thirty seconds"),
        socket.gaierror("no such host"),
        smtplib.SMTPServerDisconnected("gone"),
        smtplib.SMTPConnectError(421, b"too many connections"),
        smtplib.SMTPAuthenticationError(535, b"wrong password"),
    ],
)
def test_a_server_that_is_down_costs_no_mail_its_life(session: Session, now: datetime, error: Exception) -> None:
    first, second = queue(session, now), queue(session, now)
    for minute in range(20):
        sender = Fails(error, error)
        deliver(session, sender, now + timedelta(minutes=2 * minute))
        assert len(sender.errors) == 1, "the next mail is not tried at a server that is not there"
    mail = the(session, first)
    assert (mail.state, mail.attempts) == ("queued", 0) and type(error).__name__ in mail.error
    assert deliver(session, Fails(), now + timedelta(hours=1)) == 2
    assert {the(session, n).state for n in (first, second)} == {"sent"}


def test_a_real_server_that_is_not_there(session: Session, now: datetime) -> None:
    mail_id = queue(session, now)
    assert deliver(session, outbox.SmtpSender(f"smtp://127.0.0.1:{_free_port()}"), now) == 0
    assert (the(session, mail_id).state, "refused" in the(session, mail_id).error.lower()) == ("queued", True)


def test_a_mail_taken_without_a_good_bye_was_taken(session: Session, now: datetime, server: tuple[Inbox, str]) -> None:
    inbox, url = server

    async def quits(*_args: Any) -> str:
        return "421 closing at once"

    inbox.handle_QUIT = quits  # type: ignore[attr-defined]
    queue(session, now)
    assert deliver(session, outbox.SmtpSender(url), now) == 1
    assert deliver(session, outbox.SmtpSender(url), now + timedelta(hours=1)) == 0
    assert len(inbox.taken) == 1


def test_the_sender_signs_in_with_what_the_address_says(
    monkeypatch: pytest.MonkeyPatch, session: Session, now: datetime
) -> None:
    inbox = Inbox()
    controller = Controller(
        inbox, hostname="127.0.0.1", port=_free_port(), authenticator=inbox.authenticate, auth_require_tls=False
    )
    controller.start()
    secured: list[bool] = []
    monkeypatch.setattr(smtplib.SMTP, "starttls", lambda self: secured.append(True))
    try:
        queue(session, now)
        sender = outbox.SmtpSender(f"smtp://lab%40host:p%40ss@127.0.0.1:{controller.port}")
        assert deliver(session, sender, now) == 1
    finally:
        controller.stop()
    assert inbox.login == (b"lab@host", b"p@ss")
    assert secured == [True], "a password is sent encrypted only"


def test_a_lease_keeps_two_senders_apart(app: Flask, session: Session, now: datetime) -> None:
    """The second looks while the first is speaking to its server."""
    mail_id = queue(session, now)
    wall = clock.wall()
    second = Fails()

    class First(Fails):
        def send(self, message: EmailMessage) -> None:
            with app.app_context():
                deliver(db.session(), second, now, wall + timedelta(seconds=20))
            super().send(message)

    first = First()
    assert deliver(session, first, now, wall) == 1
    assert (len(first.sent), len(second.sent)) == (1, 0)
    assert the(session, mail_id).state == "sent"


def test_the_lease_of_each_mail_begins_when_it_is_taken(app: Flask, session: Session, now: datetime) -> None:
    """A round that has gone on for some time still holds the mail it is at."""
    queue(session, now)
    queue(session, now)
    start = clock.wall()
    walls = [start + timedelta(seconds=n) for n in (0, 0, 0, 25, 26)]
    leases: list[timedelta] = []

    class Looks(Fails):
        def send(self, message: EmailMessage) -> None:
            with app.app_context():
                lease = db.session.scalars(select(Mail.lease_until).where(Mail.lease_until.is_not(None))).one()
                db.session.rollback()
            assert lease is not None
            leases.append(lease - start)

    times = iter(walls)
    assert outbox.deliver(session, Looks(), FROM, now, lambda: next(times)) == 2
    assert leases == [outbox.LEASE, outbox.LEASE + timedelta(seconds=26)]


def test_a_mail_of_a_sender_that_died_is_taken_over(session: Session, now: datetime) -> None:
    mail_id = queue(session, now)
    wall = clock.wall()
    the(session, mail_id).lease_until = wall + outbox.LEASE
    session.commit()
    assert deliver(session, Fails(), now, wall + outbox.LEASE) == 0
    assert deliver(session, Fails(), now, wall + outbox.LEASE + timedelta(seconds=1)) == 1


def test_a_slow_server_does_not_keep_a_round_for_ever(session: Session, now: datetime) -> None:
    for _ in range(5):
        queue(session, now)
    start = clock.wall()
    ticks = iter(range(0, 1000, 9))
    sender = Fails()
    outbox.deliver(session, sender, FROM, now, lambda: start + timedelta(seconds=next(ticks)))
    assert 1 <= len(sender.sent) < 5
    deliver(session, sender, now)
    assert len(sender.sent) == 5


@pytest.mark.parametrize(
    "to",
    [
        "ana@team.example\nBcc: all@team.example",
        "ana@team.example\r\n\r\nHello",
        "ana@team.example, eve@evil.example",
        "Ana <ana@team.example>, eve@evil.example",
        "",
        "nobody",
    ],
)
def test_an_address_cannot_bring_headers_or_further_people(
    session: Session, now: datetime, server: tuple[Inbox, str], to: str
) -> None:
    inbox, url = server
    broken, good = queue(session, now, to=to), queue(session, now)
    deliver(session, outbox.SmtpSender(url), now)
    assert inbox.to == ["ana@team.example"], "the one behind it has left all the same"
    assert (the(session, broken).state, the(session, good).state) == ("failed", "sent")
    assert the(session, broken).error
    assert inbox.taken[0]["Bcc"] is None


def test_a_subject_cannot_bring_headers(session: Session, now: datetime, server: tuple[Inbox, str]) -> None:
    inbox, url = server
    queue(session, now, subject="Hello\r\nBcc: eve@evil.example\r\n\r\nBody" + "x" * 400)
    deliver(session, outbox.SmtpSender(url), now)
    (message,) = inbox.taken
    assert message["Subject"].startswith("Hello Bcc: eve@evil.example Body") and len(message["Subject"]) == 300
    assert message["Bcc"] is None and inbox.to == ["ana@team.example"]


def test_only_what_is_due_and_at_most_a_batch(session: Session, now: datetime) -> None:
    later = queue(session, now + timedelta(hours=1))
    for _ in range(3):
        queue(session, now)
    sender = Fails()
    assert outbox.deliver(session, sender, FROM, now, clock.wall, batch=2) == 2
    assert outbox.deliver(session, sender, FROM, now, clock.wall, batch=2) == 1
    assert the(session, later).state == "queued"


def test_no_lock_is_held_while_a_server_is_spoken_to(app: Flask, session: Session, now: datetime) -> None:
    queue(session, now)

    class Writes(Fails):
        def send(self, message: EmailMessage) -> None:
            # Another connection writes the same row meanwhile; a lock would make this wait for ever.
            with app.app_context():
                db.session.scalars(select(Mail)).one().body = "seen"
                db.session.commit()

    assert deliver(session, Writes(), now) == 1
    assert session.scalars(select(Mail).execution_options(populate_existing=True)).one().body == "seen"
