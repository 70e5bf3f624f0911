"""The health page: well, each thing that can be unwell, and nothing that a stranger should not read."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from lab import clock, jobs
from lab.files import StoreUnwell
from lab.models import Heartbeat
from lab.scanner import Scanner
from tests.conftest import counted
from tests.web.pages import PageClient

ClientFor = Callable[..., PageClient]
WELL = {"database": "ok", "files": "ok", "scheduler": "ok"}


def _beat(session: Session, age: timedelta = timedelta(), note: str = "") -> None:
    session.merge(Heartbeat(name="scheduler", at=clock.wall() - age, note=note))
    session.commit()


def _checks(client: PageClient, status: int) -> dict[str, str]:
    answer = client.get("/healthz")
    assert answer.status_code == status and answer.mimetype == "application/json"
    body = answer.get_json()
    assert body["status"] == ("ok" if status == 200 else "unwell")
    assert answer.headers["Cache-Control"] == "no-store"
    checks: dict[str, str] = body["checks"]
    return checks


def test_well(app: Flask, session: Session, client_for: ClientFor) -> None:
    _beat(session)
    with counted(app) as seen:
        assert _checks(client_for(None), 200) == WELL
    assert len(seen) == 2 and all(statement.lower().startswith("select") for statement in seen)


def test_the_moved_clock_does_not_matter(session: Session, client_for: ClientFor, at: Callable[[str], None]) -> None:
    at("+400d")
    _beat(session)
    assert _checks(client_for(None), 200) == WELL


def test_a_round_of_the_scheduler_makes_it_well(app: Flask, session: Session, client_for: ClientFor) -> None:
    assert _checks(client_for(None), 503) == WELL | {"scheduler": "has not started yet"}
    session.rollback()
    assert jobs.tick(app) == []
    assert _checks(client_for(None), 200) == WELL


@pytest.mark.parametrize(
    ("age", "note", "told"),
    [
        (timedelta(minutes=2, seconds=5), "", "has stopped"),
        (timedelta(minutes=1, seconds=50), "", "ok"),
        (timedelta(), "reminders, mail", "failed in its last round: reminders, mail"),
    ],
)
def test_the_scheduler(session: Session, client_for: ClientFor, age: timedelta, note: str, told: str) -> None:
    _beat(session, age, note)
    assert _checks(client_for(None), 200 if told == "ok" else 503) == WELL | {"scheduler": told}


def test_files(app: Flask, session: Session, client_for: ClientFor, monkeypatch: pytest.MonkeyPatch) -> None:
    _beat(session)

    def broken() -> None:
        raise StoreUnwell("the disk at /secret/place is full")

    monkeypatch.setattr(app.extensions["lab_files"], "check", broken)
    assert _checks(client_for(None), 503) == WELL | {"files": "cannot be written"}


def test_a_virus_scanner_is_told_of_once_it_is_set_up(
    app: Flask, session: Session, client_for: ClientFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    _beat(session)
    monkeypatch.setitem(app.extensions, "lab_scanner", Scanner("unix:/nowhere/secret.ctl"))
    assert _checks(client_for(None), 503) == WELL | {"scanner": "does not answer"}
    monkeypatch.setattr(Scanner, "answers", lambda self: True)
    assert _checks(client_for(None), 200) == WELL | {"scanner": "ok"}


def test_a_database_that_does_not_answer(
    session: Session, client_for: ClientFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    _beat(session)

    def gone(*args: object) -> None:
        raise OperationalError("select 1", {}, Exception("host=secret password=secret"))

    monkeypatch.setattr("sqlalchemy.orm.Session.execute", gone)
    monkeypatch.setattr("sqlalchemy.orm.Session.scalars", gone)
    checks = _checks(client_for(None), 503)
    assert checks == {
        "database": "does not answer", "files": "ok", "scheduler": "not known while the database does not answer",
    }  # fmt: skip
