"""One-time keys: a form sent twice has one effect, and the second sending gets the first one's answer."""

from __future__ import annotations

from flask import Flask, flash, g, redirect, request, url_for
from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from werkzeug.wrappers import Response

from lab import clock
from lab.extensions import db
from lab.models import FormKey

FIELD = "form_key"


def claim() -> Response | None:
    """Before a POST: take the form's key within the transaction of its effect; a used one is answered as before.

    The key is kept only if the effect commits, so a form that was refused can be mended and sent again. A second
    sending that arrives meanwhile waits here for the first (SQLite's write lock, PostgreSQL's unique index).
    """
    key = request.form.get(FIELD, "")[:64] if request.method == "POST" else ""
    if not key:
        return None
    person_id = current_user.id if current_user.is_authenticated else None
    try:
        if db.session.get(FormKey, key) is None:
            db.session.add(FormKey(key=key, person_id=person_id, path=request.path[:300], at=clock.wall()))
            db.session.flush()
            g.form_key = key
            return None
    except IntegrityError:
        db.session.rollback()
    return _same_answer(key, person_id)


def _same_answer(key: str, person_id: int | None) -> Response:
    found = db.session.execute(select(FormKey.answer, FormKey.person_id).where(FormKey.key == key)).one()
    db.session.rollback()
    flash(_("This was done already: nothing was done twice."), "info")
    answer = found.answer if found.person_id == person_id else ""
    return redirect(answer or url_for("home.index"), 303)


def remember(response: Response) -> Response:
    """After it: note where the answer led, for a second sending."""
    key = g.pop("form_key", None)
    if key is not None and response.status_code in (302, 303):
        db.session.execute(update(FormKey).where(FormKey.key == key).values(answer=response.location[:500]))
        db.session.commit()
    return response


def register(app: Flask) -> None:
    """After the door and the CSRF check."""
    app.before_request(claim)
    app.after_request(remember)
