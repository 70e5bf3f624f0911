"""The scheduler's rounds: every step its turn, whatever the others do; one leader; a beat that says what failed."""

from __future__ import annotations

import threading
import time
import tomllib
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from lab import clock, jobs
from lab.extensions import db
from lab.models import Event, FormKey, Heartbeat, Mail, Obligation
from lab.rules.facts import SYSTEM
from lab.services.calls import load_call
from tests.conftest import Store
from tests.factories import CALL_FILE, World


def beat(app: Flask) -> tuple[datetime, str] | None:
    with app.app_context():
        found = db.session.get(Heartbeat, "scheduler")
        return (found.at, found.note) if found else None


def test_a_round_does_everything_that_is_due(
    app: Flask, session: Session, world_at: Callable[..., World], at: Callable[[str], None]
) -> None:
    world = world_at()
    old, young = clock.wall() - timedelta(days=8), clock.wall() - timedelta(days=6)
    for key, when in (("old", old), ("young", young)):
        session.add(FormKey(key=key, path="/", at=when))
    session.commit()
    # An hour after eight on the day after the deadline, the end of 16 March in Geneva.
    at("2026-03-17T09:00:00+01:00")
    assert jobs.tick(app) == []
    session.expire_all()
    asked = session.scalars(select(Obligation.state).where(Obligation.kind == "decide_expiry")).all()
    assert asked == ["open", "open"], "both awards of the world are late"
    to = set(session.scalars(select(Mail.to).where(Mail.state == "kept")))
    assert world.lead.email in to
    assert session.scalars(select(FormKey.key)).all() == ["young"]
    session.rollback()
    found = beat(app)
    assert found is not None and abs(found[0] - clock.wall()) < timedelta(seconds=20), "on the wall clock"
    assert found[1] == ""
    before = session.scalars(select(Mail.id)).all()
    session.rollback()
    assert jobs.tick(app) == []
    assert session.scalars(select(Mail.id)).all() == before, "nothing twice"


def _steps(*pairs: tuple[str, Callable[[Flask], object]]) -> tuple[tuple[str, Callable[[Flask], object]], ...]:
    return pairs


def test_one_step_that_fails_does_not_stop_the_others(
    app: Flask, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    done: list[str] = []

    def breaks_the_session(app: Flask) -> None:
        db.session.execute(text("select * from no_such_table"))

    def breaks(app: Flask) -> None:
        raise RuntimeError("by itself")

    def works(app: Flask) -> None:
        db.session.add(FormKey(key=f"step-{len(done)}", path="/", at=clock.wall()))
        db.session.commit()
        done.append("works")

    monkeypatch.setattr(
        jobs, "STEPS", _steps(("one", breaks_the_session), ("two", works), ("three", breaks), ("four", works))
    )
    assert jobs.tick(app) == ["one", "three"]
    assert done == ["works", "works"]
    found = beat(app)
    assert found is not None and found[1] == "one, three"
    assert "scheduler: one failed" in caplog.text and "by itself" in caplog.text
    monkeypatch.setattr(jobs, "STEPS", _steps(("two", works)))
    jobs.tick(app)
    found = beat(app)
    assert found is not None and found[1] == "", "the next good round takes the note away"


def test_what_a_failed_step_wrote_is_not_kept_by_the_next(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    def half(app: Flask) -> None:
        db.session.add(FormKey(key="half", path="/", at=clock.wall()))
        db.session.flush()
        raise RuntimeError("in the middle")

    monkeypatch.setattr(jobs, "STEPS", _steps(("half", half), ("whole", lambda app: db.session.commit())))
    assert jobs.tick(app) == ["half"]
    with app.app_context():
        assert db.session.scalars(select(FormKey)).all() == []


def test_a_step_that_only_reads_leaves_no_lock_behind(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    free: list[bool] = []

    def reads(app: Flask) -> None:
        db.session.scalars(select(Mail)).all()

    def looks(app: Flask) -> None:
        with db.engine.connect() as other:
            if other.dialect.name == "sqlite":
                # On a connection of its own, and without waiting.
                other.connection.driver_connection.execute("PRAGMA busy_timeout=0")  # type: ignore[union-attr]
            other.execute(text("delete from form_key"))
            other.commit()
            if other.dialect.name == "sqlite":
                other.connection.driver_connection.execute("PRAGMA busy_timeout=15000")  # type: ignore[union-attr]
        free.append(True)

    monkeypatch.setattr(jobs, "STEPS", _steps(("reads", reads), ("looks", looks)))
    assert jobs.tick(app) == []
    assert free == [True]


@pytest.fixture
def leaders(app: Flask) -> Iterator[Callable[[], jobs.Leadership]]:
    made: list[jobs.Leadership] = []

    def make() -> jobs.Leadership:
        made.append(jobs.Leadership(app))
        return made[-1]

    yield make
    for leadership in made:
        resign(leadership)


def resign(leadership: jobs.Leadership) -> None:
    if leadership.file is not None:
        leadership.file.close()
        leadership.file = None
    if leadership.connection is not None:
        leadership.connection.invalidate()
        leadership.connection.close()
        leadership.connection = None


def test_only_one_leads_and_the_next_takes_over(app: Flask, leaders: Callable[[], jobs.Leadership]) -> None:
    first, second = leaders(), leaders()
    with app.app_context():
        assert first.held() and first.held()
        assert not second.held() and not second.held()
        resign(first)
        assert second.held()
        assert not first.held()


def test_a_leader_that_lost_its_connection_has_lost_its_lead(
    app: Flask, store: Store, leaders: Callable[[], jobs.Leadership], caplog: pytest.LogCaptureFixture
) -> None:
    if store.kind != "postgresql":
        return
    first, second = leaders(), leaders()
    with app.app_context():
        assert first.held()
        assert first.connection is not None
        pid = first.connection.execute(text("select pg_backend_pid()")).scalar()
        first.connection.commit()
        db.session.execute(text("select pg_terminate_backend(:pid, 5000)"), {"pid": pid})
        db.session.commit()
        assert second.held()
        assert not first.held()
        assert "lost its database connection" in caplog.text
        resign(second)
        assert first.held(), "and can win it again"


def test_leading_does_not_stand_in_the_way_of_the_programme_s_events(
    app: Flask, session: Session, leaders: Callable[[], jobs.Leadership], now: datetime
) -> None:
    """Both take an advisory lock on PostgreSQL: were it the same one, loading a call would wait for the scheduler to die."""
    assert leaders().held()
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("set local lock_timeout = '2s'"))
    assert load_call(SYSTEM, now, tomllib.loads(CALL_FILE.read_text(encoding="utf-8"))) == "created"
    assert session.scalars(select(Event.stream)).all() == ["programme"]


def test_the_job_runs_at_once_and_again_while_it_leads(
    app: Flask, monkeypatch: pytest.MonkeyPatch, leaders: Callable[[], jobs.Leadership]
) -> None:
    rounds: list[str] = []
    third = threading.Event()

    def count(app: Flask) -> list[str]:
        rounds.append(threading.current_thread().name)
        if len(rounds) >= 3:
            third.set()
        return []

    monkeypatch.setattr(jobs, "EVERY_SECONDS", 0.1)
    monkeypatch.setattr(jobs, "tick", count)
    own, rival = leaders(), leaders()
    monkeypatch.setattr(jobs, "Leadership", lambda app: own)
    scheduler = jobs.start(app)
    try:
        assert third.wait(10), rounds
        assert scheduler.get_job("round").max_instances == 1
        with app.app_context():
            assert not rival.held()
    finally:
        scheduler.shutdown(wait=True)


def test_a_process_that_does_not_lead_does_nothing(
    app: Flask, monkeypatch: pytest.MonkeyPatch, leaders: Callable[[], jobs.Leadership]
) -> None:
    rounds: list[int] = []
    asked = threading.Event()
    with app.app_context():
        assert leaders().held()

    class Asks(jobs.Leadership):
        def held(self) -> bool:
            found = super().held()
            asked.set()
            return found

    monkeypatch.setattr(jobs, "EVERY_SECONDS", 0.05)
    monkeypatch.setattr(jobs, "tick", lambda app: rounds.append(1))
    monkeypatch.setattr(jobs, "Leadership", Asks)
    scheduler = jobs.start(app)
    try:
        assert asked.wait(10)
        time.sleep(0.3)
    finally:
        scheduler.shutdown(wait=True)
    assert rounds == []
