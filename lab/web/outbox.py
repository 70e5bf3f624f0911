"""The outbox: what was written to whom, and whether it left. For administrators."""

from __future__ import annotations

import re
from typing import Any

from flask import Blueprint, render_template, request
from flask_babel import gettext as _

from lab.extensions import db
from lab.queries import outbox
from lab.queries.outbox import MailState
from lab.rules.permissions import Action
from lab.rules.text import N_
from lab.web.access import config, door
from lab.web.award import pages
from lab.web.scanner import scanner_state
from lab.web.words import say

bp = Blueprint("outbox", __name__)
STATES: dict[MailState, str] = {
    MailState.QUEUED: N_("waiting"),
    MailState.SENT: N_("sent"),
    MailState.KEPT: N_("kept here"),
    MailState.FAILED: N_("failed"),
}
TONES = {MailState.QUEUED: "info", MailState.SENT: "good", MailState.KEPT: "plain", MailState.FAILED: "bad"}
# The links with which somebody chooses a password, and so becomes whoever the mail is written to.
_KEYS = re.compile(r"\S+/(?:invitation|reset|account/address)/\S+")
_KEYS_OF_ACCOUNTS = re.compile(r"\S+/(?:reset|account/address)/\S+")


def _readable(body: str) -> tuple[str, bool]:
    """The text of a mail for an administrator, and whether a link was left out of it.

    An administrator looks after accounts and has no part in the programme: with an officer's or a lead's single-use link
    they could enter as that person. Where a mail server delivers, they have no need of it, and it is left out. Without a
    server (a first installation) this page is the only way that an invitation reaches anybody, so those stay; in the
    demonstration, which is nobody's, all do.
    """
    settings = config()
    if settings.demo:
        return body, False
    keys = _KEYS if settings.smtp_url else _KEYS_OF_ACCOUNTS
    shown, left_out = keys.subn(f"[{_('link left out')}]", body)
    return shown, left_out > 0


def _chosen_state() -> str:
    wanted = request.args.get("state", "")
    return wanted if wanted in {state.value for state in MailState} else ""


@door(bp, "/outbox", Action.SEE_OUTBOX)
def index() -> str:
    """The mails, newest first."""
    state = _chosen_state()
    found = outbox.list_mails(db.session(), state, request.args.get("page", 1, type=int))
    lines = [
        {"mail": mail, "tone": TONES[MailState(mail.state)], "state": say(STATES[MailState(mail.state)])}
        for mail in found.rows
    ]
    return render_template(
        "outbox/index.html",
        lines=lines,
        total=found.total,
        state=state,
        states=[(value.value, say(label)) for value, label in STATES.items()],
        delivers=bool(config().smtp_url),
        scanner=scanner_state(),
        page=pages("outbox.index", found.number, found.pages, state=state),
    )


@door(bp, "/outbox/<int:mail_id>", Action.SEE_OUTBOX)
def show(mail_id: int) -> Any:
    """One mail."""
    mail = outbox.get_mail(db.session(), mail_id)
    body, left_out = _readable(mail.body)
    state = MailState(mail.state)
    return render_template(
        "outbox/show.html", mail=mail, body=body, left_out=left_out, tone=TONES[state], state=say(STATES[state])
    )
