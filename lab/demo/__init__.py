"""The demonstration: a programme made by calling the services as its people would, with dates relative to today."""

from __future__ import annotations

import tomllib
from datetime import date

from flask import Flask
from flask_security.utils import verify_password
from sqlalchemy import func, select, update

from lab import clock
from lab.config import ROOT
from lab.demo import village, winners
from lab.demo.people import ACCOUNTS, ADMIN, GENEVA, STAFF, Account
from lab.demo.play import Play, Story, perform
from lab.extensions import db, reading_only
from lab.models import Call, Heartbeat, Mail, Person
from lab.rules.facts import SYSTEM, Role
from lab.rules.passwords import normalized
from lab.services import calls, people, reminders, workplan

__all__ = ["ACCOUNTS", "Account", "is_empty", "is_loaded", "load_if_empty", "password_holds", "was_cut_off"]

# One row says that a demonstration is here, from before its first act; it says "loaded" once the last one is done.
MARK = "demonstration"
LOADING, LOADED = "loading", "loaded"
CALLS = ROOT / "lab" / "calls"
BEGAN_DAYS_AGO = 420
# Before the first notice there is nothing to remind anybody of.
SCHEDULER_DAYS = 330


def is_empty() -> bool:
    """Whether there is nothing at all: no call, nobody."""
    return not db.session.scalar(select(func.count(Call.id))) and not db.session.scalar(select(func.count(Person.id)))


def _mark() -> str | None:
    return db.session.scalar(select(Heartbeat.note).where(Heartbeat.name == MARK))


def is_loaded() -> bool:
    """Whether this database holds the demonstration, whole."""
    return _mark() == LOADED


def was_cut_off() -> bool:
    """Whether a load began here and did not end."""
    return _mark() == LOADING


def password_holds(password: str) -> bool:
    """Whether the demonstration was loaded with ``password``, as far as its administrator has not changed it since."""
    kept = db.session.scalar(select(Person.password).where(Person.email == ADMIN))
    return kept is not None and bool(verify_password(normalized(password), kept))


def load_if_empty(app: Flask) -> bool:
    """Load the demonstration into an empty database, if this is one, and say whether that was done.

    Data that is there is never touched, and without ``LAB_DEMO`` nothing is loaded.
    """
    config = app.extensions["lab_config"]
    reading_only.set(False)
    if not config.demo or not is_empty():
        return False
    _set_mark(LOADING)
    play = Play(clock.now(), config.demo_password, app.extensions["lab_files"])
    perform(
        [
            _programme(play),
            winners.ecuador(play),
            winners.brazil(play),
            *(s(play) for s in village.STORIES),
            _scheduler(play),
        ]
    )
    # What was written in the past has been read by then: a mail server must not send it all today.
    db.session.execute(update(Mail).where(Mail.state == "queued").values(state="kept", sent_at=Mail.created_at))
    _set_mark(LOADED)
    return True


def _set_mark(note: str) -> None:
    db.session.merge(Heartbeat(name=MARK, at=clock.wall(), note=note))
    db.session.commit()


def _programme(play: Play) -> Story:
    """The two calls and the programme's own people."""
    began: date = play.ago(BEGAN_DAYS_AGO)
    now = yield play.at(began, 8)
    calls.load_call(SYSTEM, now, _call("e-formalisation-2021"))
    calls.load_call(SYSTEM, now, village.call_data(play, _call("demonstration")))
    people.first_administrator(SYSTEM, now, "Adam Admin", ADMIN)
    now = yield play.at(began, 9)
    play.arrive(now, ADMIN, "en", GENEVA)
    for email, (name, role, _zone) in STAFF.items():
        for code in (winners.CALL, village.CALL) if role is Role.COMMITTEE else ("",):
            people.invite_staff(play.who(ADMIN), now, name, email, role, code)
    now = yield play.at(began, 11)
    for email, (_name, _role, zone) in STAFF.items():
        play.arrive(now, email, "en", zone)


def _call(name: str) -> dict[str, object]:
    return tomllib.loads((CALLS / f"{name}.toml").read_text(encoding="utf-8"))


def _scheduler(play: Play) -> Story:
    """The scheduler's rounds, one a day: reminders have gone when they were due, and none is left over for today."""
    for days in range(SCHEDULER_DAYS, -1, -1):
        now = yield play.at(play.ago(days), 8)
        workplan.flag_expired(now)
        reminders.sweep(now)
