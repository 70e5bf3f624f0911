"""Mails that Flask-Security asks for are written by us and go through the outbox, so that a known address takes no longer
than an unknown one."""

from __future__ import annotations

from typing import Any

from flask import url_for
from flask_security.mail_util import MailUtil

from lab import clock
from lab.extensions import db
from lab.services.letters import write
from lab.services.links import absolute

RESET = "security/email/reset_instructions"


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
        """Queue the link for a new password, the only mail that is switched on, and commit: its views commit nothing else."""
        if template != RESET:
            raise LookupError(f"no mail of ours stands for {template}")
        # Its own link is built on the Host header, which whoever asks may forge; ours on the configured address.
        link = absolute(url_for("security.reset_password", token=kwargs["reset_token"]))
        write(kwargs["user"], "password_reset", clock.now(), link=link)
        db.session.commit()
