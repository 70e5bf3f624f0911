"""Mails that Flask-Security writes go through the outbox, so that a known address takes no longer than an unknown one."""

from __future__ import annotations

from typing import Any

from flask_security.mail_util import MailUtil

from lab import clock, outbox
from lab.extensions import db


class OutboxMailUtil(MailUtil):
    """Queues instead of sending."""

    def send_mail(
        self,
        template: str,
        subject: str,
        recipient: str | tuple[str, str],
        sender: str | tuple[str, str],
        body: str | None,
        html: str | None,
        **kwargs: Any,
    ) -> None:
        """Queue the mail and commit: Flask-Security's own views commit nothing else here."""
        to = recipient if isinstance(recipient, str) else recipient[1]
        outbox.queue(db.session(), to=to, subject=str(subject), body=body or "", now=clock.now())
        db.session.commit()
