"""One-time keys: a form sent twice has one effect, and the second sending gets the first one's answer."""

from __future__ import annotations

from time import sleep

from flask import Flask, abort, flash, g, redirect, request, url_for
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.wrappers import Response

from lab import clock
from lab.extensions import reading_only
from lab.services import form_keys
from lab.web.access import UPLOADS

FIELD = "form_key"
WAITS, WAIT_SECONDS = 40, 0.05


def claim() -> Response | None:
    """Before a POST: take the form's key within the transaction of its effect; a used one is answered as before.

    The key is kept only if the effect commits, so a form that was refused can be mended and sent again. A second
    sending that arrives meanwhile waits here for the first (SQLite's write lock, PostgreSQL's unique index).
    A form with a file claims later, by :func:`claim_now`: moving the file to its store must not hold a lock.
    """
    return None if request.endpoint in UPLOADS else _claim()


def claim_now() -> None:
    """The same for a form with a file, called within the transaction that keeps it. Ends the request when the key was used."""
    answer = _claim()
    if answer is not None:
        abort(answer)


def _claim() -> Response | None:
    key = request.form.get(FIELD, "")[:64] if request.method == "POST" else ""
    if not key:
        return None
    person_id = current_user.id if current_user.is_authenticated else None
    if form_keys.take(key, person_id, request.path, clock.wall()):
        g.form_key = key
        return None
    return _same_answer(key, person_id)


def _same_answer(key: str, person_id: int | None) -> Response:
    answer = _answer(key, person_id)
    flash(_("It is done. Your form came in twice and counted once."), "info")
    return redirect(answer or url_for("home.index"), 303)


def _answer(key: str, person_id: int | None) -> str:
    """Where the first sending led; it is noted a moment after the effect, which may be now."""
    reading_only.set(True)
    for _try in range(WAITS):
        found = form_keys.answer_of(key, person_id)
        if found != "":
            return found or ""
        sleep(WAIT_SECONDS)
    return ""


def remember(response: Response) -> Response:
    """After it: note where the answer led, for a second sending."""
    key = g.pop("form_key", None)
    if key is not None and response.status_code in (302, 303):
        form_keys.note_answer(key, response.location)
    return response


def register(app: Flask) -> None:
    """After the door and the CSRF check."""
    app.before_request(claim)
    app.after_request(remember)
