"""Noting who was refused what, after the request has been undone and before it is answered."""

from __future__ import annotations

from flask import current_app, g, request
from sqlalchemy.exc import SQLAlchemyError

from lab import clock
from lab.extensions import db, reading_only
from lab.queries.security_events import refusals_lately
from lab.rules.errors import LabError, NotAllowed, NotFound
from lab.rules.security_events import REFUSALS_A_MINUTE, SecurityEventKind, refusal_details
from lab.services.security_events import note_refusal
from lab.web.access import DECLARED, actor
from lab.web.whereabouts import place


def refused_action(error: LabError) -> str:
    """What was refused to a person; empty when nobody was refused anything, as for an address that leads nowhere.

    An award or call that somebody may not know of is answered like one that does not exist. The difference is that the
    door has found it: its scope is known then.
    """
    if isinstance(error, NotAllowed):
        return str(error.action)
    hidden = isinstance(error, NotFound) and error.what == "award" and g.get("scope") is not None
    return str(DECLARED.get(request.endpoint or "", "")) if hidden else ""


def note(error: LabError) -> None:
    """Note ``error`` as a security event if it is a refusal, in a transaction of its own. Never fails the answer."""
    action = refused_action(error)
    if not action:
        return
    # A page is answered to somebody who only reads: this alone is written.
    mode = reading_only.set(True)
    try:
        db.session.rollback()
        who, wall, where = actor(), clock.wall(), place()
        already = refusals_lately(db.session(), who.person_id, where.address, wall)
        db.session.rollback()
        if already < REFUSALS_A_MINUTE:
            reading_only.set(False)
            details = refusal_details(request.method, already)
            note_refusal(SecurityEventKind.REFUSED, who, wall, where, subject_id=None, action=action, **details)
    except SQLAlchemyError:
        db.session.rollback()
        current_app.logger.exception("the refusal of %s at %s could not be noted", action, request.path)
    finally:
        reading_only.reset(mode)
