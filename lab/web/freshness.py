"""Proving again to be there before money, a bank account, a role or what protects an account changes.

Whoever has not signed in lately is asked for the password on a page that holds all that was typed: sent together with
it, the form goes on as if nothing had come between.
"""

from __future__ import annotations

from typing import Any

from flask import Flask, render_template, request

from lab import clock
from lab.extensions import db
from lab.forms.base import TryForm
from lab.forms.sign_in import ConfirmForm
from lab.queries.second_factor import factors_of
from lab.rules.errors import TooMany
from lab.services import passkeys, sign_ins
from lab.web import reader
from lab.web.access import FRESH, actor
from lab.web.attempts import attempt
from lab.web.whereabouts import place

# The page's own fields; everything else belongs to the form that waits.
_OWN = frozenset({"confirm_password", "confirm_passkey", "csrf_token"})


def ask() -> Any:
    """Before an unsafe request to a route that wants it: let on, or answer with the page that asks."""
    if request.endpoint not in FRESH or request.method in ("GET", "HEAD", "OPTIONS") or reader.fresh():
        return None
    typed, passkey = "confirm_password" in request.form, request.form.get("confirm_passkey", "")
    form = ConfirmForm(formdata=request.form if typed else None)
    given = TryForm() if passkey else form
    waits: list[TooMany] = []

    def act() -> str:
        try:
            if passkey:
                return passkeys.confirm(actor(), reader.sign_in_id(), passkey[:20_000], clock.wall(), place())
            return sign_ins.confirm(
                actor(), reader.sign_in_id(), form.confirm_password.data or "", clock.wall(), place()
            )
        except TooMany as error:
            waits.append(error)
            raise

    token = attempt(given, act) if typed or passkey else None
    if token is not None:
        reader.renew(token)
        return None
    if given is not form:
        form.form_errors.extend(given.form_errors)
    page = render_template(
        "sign_in/confirm.html",
        form=form,
        waiting=_waiting(),
        path=request.full_path.rstrip("?"),
        options=_passkey_options(),
    )
    return page, 429 if waits else 403


def _passkey_options() -> str:
    """What the button for a passkey needs; empty for somebody who has none."""
    known = factors_of(db.session(), actor().person_id or 0).credential_ids
    if not known or not passkeys.site().possible:
        return ""
    return passkeys.options_to_give(passkeys.CONFIRM, str(reader.sign_in_id()), known, clock.wall())


def _waiting() -> list[tuple[str, str]]:
    """The fields of the form that waits, in their order."""
    return [(name, value) for name, value in request.form.items(multi=True) if name not in _OWN]


def register(app: Flask) -> None:
    """After the CSRF check, before the one-time key is taken."""
    app.before_request(ask)
