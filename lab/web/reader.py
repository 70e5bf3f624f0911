"""Who reads: the person behind a browser's cookie, by the table of sign-ins. A cookie alone, copied, is worth nothing later."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Any

from flask import Flask, current_app, g, request, session
from itsdangerous import BadSignature, URLSafeSerializer
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.wrappers import Request, Response

from lab import clock
from lab.config import Config
from lab.extensions import db, reading_only
from lab.queries import people, sign_ins
from lab.queries.sign_ins import Found
from lab.rules.sign_in import SEEN_EVERY, SignInFacts, Standing, is_fresh, standing
from lab.services import sign_ins as service
from lab.services.invitations import token_hash
from lab.services.sign_ins import Entered

TOKEN = "sign_in"
DEVICES_KEPT = 5
YEAR = timedelta(days=365)


def _config() -> Config:
    found: Config = current_app.extensions["lab_config"]
    return found


def found() -> Found | None:
    """The sign-in behind this request and whose it is, also while its second factor is still to be given."""
    if "sign_in" not in g:
        token = session.get(TOKEN)
        g.sign_in = (
            sign_ins.find(db.session(), token_hash(token), _config().sign_in_limits, clock.wall())
            if isinstance(token, str)
            else None
        )
    result: Found | None = g.sign_in
    return result


def facts() -> SignInFacts | None:
    """The sign-in of this request; None for somebody who is not signed in."""
    current = found()
    return current.facts if current else None


def sign_in_id() -> int:
    """The sign-in's number, on a page for people who are signed in."""
    current = facts()
    assert current is not None, "only behind the door"
    return current.id


def reader_standing() -> Standing | None:
    """What the sign-in of this request is good for; None without one."""
    current = found()
    if current is None:
        return None
    if "standing" not in g:
        actor = people.actor_for(db.session(), current.person)
        g.standing = standing(current.facts, actor, _config().second_factor)
        if g.standing is not Standing.PROVE:
            g.actor = actor
    result: Standing = g.standing
    return result


def fresh() -> bool:
    """Whether the reader has proved to be there recently."""
    current = facts()
    return current is not None and is_fresh(current, _config().sign_in_limits, clock.wall())


def _load(_request: Request) -> Any:
    """For Flask-Login: the person, once everything that is asked of them was given."""
    current = found()
    if current is None or reader_standing() is Standing.PROVE:
        return None
    return current.person


def remember(entered: Entered) -> None:
    """Give the browser a new sign-in, and nothing of what it had before: a session that was planted in it ends here."""
    told = session.get("_flashes")
    session.clear()
    session[TOKEN] = entered.token
    session.permanent = entered.lasting
    if told:
        session["_flashes"] = told
    forget_reader()


def renew(token: str) -> None:
    """The same sign-in goes on under a new token."""
    session[TOKEN] = token


def forget_reader() -> None:
    """Whom this request knew as its reader may be somebody else now."""
    for name in ("sign_in", "standing", "actor", "_login_user", "csrf_token"):
        g.pop(name, None)


def forget() -> None:
    """Take the sign-in out of the browser."""
    session.clear()
    forget_reader()


def _devices() -> URLSafeSerializer:
    return URLSafeSerializer(current_app.config["SECRET_KEY"], salt="device")


def _known() -> dict[str, str]:
    """Who has signed in from this browser: address → the device's name for that account."""
    try:
        kept = _devices().loads(request.cookies.get(current_app.config["LAB_DEVICE_COOKIE"], ""))
    except BadSignature:
        return {}
    return kept if isinstance(kept, dict) else {}


def device_of(email: str) -> str:
    """The name of this browser for the account of ``email``; empty if nobody entered that account from it."""
    name = _known().get(email.strip().lower(), "")
    return name if isinstance(name, str) else ""


def know_device(response: Response) -> Response:
    """After a sign-in that is complete: this browser is its owner's, and has tries of its own from now on."""
    email = g.pop("entered_email", "")
    if email:
        others = {who: name for who, name in _known().items() if who != email}
        newest = dict(list(others.items())[-(DEVICES_KEPT - 1) :]) | {email: device_of(email) or secrets.token_hex(8)}
        response.set_cookie(
            current_app.config["LAB_DEVICE_COOKIE"],
            _devices().dumps(newest),
            max_age=int(YEAR.total_seconds()),
            httponly=True,
            samesite="Lax",
            secure=current_app.config["SESSION_COOKIE_SECURE"],
            path="/",
        )
    return response


def note_seen(response: Response) -> Response:
    """After a request: when its sign-in was last used, now and then. It must not make the page fail."""
    current: Found | None = g.get("sign_in")
    wall = clock.wall()
    if current is not None and wall - current.facts.seen_at > SEEN_EVERY and response.status_code < 500:
        db.session.rollback()
        reading_only.set(False)
        try:
            service.seen(current.facts.id, wall)
        except SQLAlchemyError:
            current_app.logger.exception("the last use of a sign-in was not noted")
            db.session.rollback()
    return response


def register(app: Flask) -> None:
    """Hang it on; Flask-Login asks it who reads."""
    app.after_request(know_device)
    app.after_request(note_seen)


def bind(app: Flask) -> None:
    """Replace Flask-Security's loaders, which believe a cookie, or a token in the address, by the table."""
    manager = app.login_manager  # type: ignore[attr-defined]
    manager.user_loader(lambda _id: None)
    manager.request_loader(_load)
