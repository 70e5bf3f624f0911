"""What the scheduler runs. One leader among all processes does the rounds; the others wait to take over.

Jobs live in memory and scan rows, so nothing is lost by a kill: whatever was due is found again by the next round.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import IO

from apscheduler.schedulers.background import BackgroundScheduler
from flask import Flask
from sqlalchemy import text
from sqlalchemy.engine import Connection

from lab import clock, outbox
from lab.extensions import db, reading_only
from lab.models import Heartbeat
from lab.services import clause_duties, diligence, form_keys, passkeys, recovery, reminders, throttle, upload, workplan

EVERY_SECONDS = 15
SWEEP_EVERY_HOURS = 6
LOCK_NUMBER = 20210504
KEYS_KEPT = timedelta(days=7)


class Leadership:
    """The right to run the rounds: an advisory lock on PostgreSQL, a locked file beside SQLite. Freed when the process dies."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.file: IO[str] | None = None
        self.connection: Connection | None = None

    def held(self) -> bool:
        """Whether this process leads, taking the lead if nobody has it."""
        # The engine's own address: it has made a relative path absolute, the same for every process.
        url = db.engine.url
        if url.get_backend_name() == "sqlite":
            return self._file(Path(f"{url.database}.scheduler"))
        return self._advisory()

    def _file(self, path: Path) -> bool:
        if self.file is not None:
            return True
        file = path.open("a")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return False
        self.file = file
        return True

    def _advisory(self) -> bool:
        if self.connection is not None:
            try:
                self.connection.execute(text("select 1"))
                self.connection.commit()
                return True
            except Exception:
                # The connection is gone and the lock with it: it must be won again.
                self.app.logger.warning("the scheduler lost its database connection and its lead")
                lost, self.connection = self.connection, None
                lost.invalidate()
                lost.close()
        connection = db.engine.connect()
        won = bool(connection.execute(text("select pg_try_advisory_lock(:n)"), {"n": LOCK_NUMBER}).scalar())
        connection.commit()
        if won:
            self.connection = connection
        else:
            connection.close()
        return won


def _deliver(app: Flask) -> None:
    config = app.extensions["lab_config"]
    sender = outbox.SmtpSender(config.smtp_url) if config.smtp_url else None
    outbox.deliver(db.session(), sender, config.mail_from, clock.now(), clock.wall)


def _tidy(app: Flask) -> None:
    form_keys.forget(clock.wall() - KEYS_KEPT)
    throttle.forget_full(clock.wall())
    recovery.tidy(clock.now())
    passkeys.forget_challenges(clock.wall())


STEPS: tuple[tuple[str, Callable[[Flask], object]], ...] = (
    ("expired gates", lambda app: workplan.flag_expired(clock.now())),
    ("expired documents", lambda app: diligence.flag_expired(clock.now())),
    ("records kept", lambda app: clause_duties.release_records(clock.now())),
    ("reminders", lambda app: reminders.sweep(clock.now())),
    ("forgotten passwords", lambda app: recovery.answer_resets(clock.now(), clock.wall())),
    ("mail", _deliver),
    ("what is over", _tidy),
)


def tick(app: Flask) -> list[str]:
    """One round of every step; one that fails is logged and the others still run. Returns the names of those that failed."""
    failed = []
    with app.app_context():
        reading_only.set(False)
        for name, step in STEPS:
            try:
                step(app)
            except Exception:
                app.logger.exception("scheduler: %s failed", name)
                failed.append(name)
            finally:
                # A step that only read has left its transaction open, and with it SQLite's write lock.
                db.session.rollback()
        db.session.merge(Heartbeat(name="scheduler", at=clock.wall(), note=", ".join(failed)))
        db.session.commit()
    return failed


def start(app: Flask) -> BackgroundScheduler:
    """Start the scheduler in this process: a round at once and every quarter of a minute, while it leads."""
    leadership = Leadership(app)

    def round_if_leading() -> None:
        with app.app_context():
            leads = leadership.held()
        if leads:
            tick(app)

    def sweep_if_leading() -> None:
        with app.app_context():
            if leadership.held():
                reading_only.set(True)
                upload.sweep_files(app.extensions["lab_files"], clock.wall())

    scheduler = BackgroundScheduler(
        timezone="UTC", job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
    )
    scheduler.add_job(round_if_leading, "interval", seconds=EVERY_SECONDS, next_run_time=clock.wall(), id="round")
    scheduler.add_job(sweep_if_leading, "interval", hours=SWEEP_EVERY_HOURS, id="files")
    scheduler.start()
    app.logger.info("scheduler started in process %s", os.getpid())
    return scheduler
