"""Whether the application can do its work, for whoever watches over it. Says what is unwell, and nothing else."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import Blueprint, current_app, jsonify

from lab import clock
from lab.extensions import db
from lab.queries import health
from lab.rules.permissions import Action
from lab.web.access import door
from lab.web.scanner import scanner, scanner_state

bp = Blueprint("health", __name__)
OK = "ok"
# The scheduler leaves a sign of life every quarter of a minute; eight missed ones are no accident.
STALE = timedelta(minutes=2)


def _database() -> str:
    try:
        health.ping(db.session())
    except Exception:
        current_app.logger.warning("health: the database does not answer", exc_info=True)
        return "does not answer"
    return OK


def _files() -> str:
    try:
        current_app.extensions["lab_files"].check()
    except Exception:
        current_app.logger.warning("health: the store of files is unwell", exc_info=True)
        return "cannot be written"
    return OK


def _scheduler() -> str:
    """Judged by its sign of life on the wall clock, whichever process gave it: this one may run no scheduler itself."""
    found = health.heartbeat(db.session(), "scheduler")
    if found is None:
        return "has not started yet"
    if clock.wall() - found.at > STALE:
        return "has stopped"
    return f"failed in its last round: {found.note}" if found.note else OK


@door(bp, "/healthz", Action.PUBLIC)
def healthz() -> Any:
    """200 once database, files, scheduler and (if one is set up) virus scanner are well; 503 with what is not."""
    checks = {"database": _database(), "files": _files()}
    if scanner() is not None:
        checks["scanner"] = OK if scanner_state() == "well" else "does not answer"
    checks["scheduler"] = _scheduler() if checks["database"] == OK else "not known while the database does not answer"
    well = all(found == OK for found in checks.values())
    return jsonify(status=OK if well else "unwell", checks=checks), 200 if well else 503
