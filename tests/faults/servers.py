"""The real server: gunicorn with several workers on a migrated database of its own, with the demonstration in it."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote
from uuid import uuid4

from flask import Flask
from flask_migrate import upgrade
from flask_security.utils import hash_password
from sqlalchemy import delete, func, select, text
from sqlalchemy.orm import Session

from lab import clock, create_app, demo
from lab.config import ROOT, Config
from lab.extensions import db, reading_only
from lab.models import Base, Person, Throttle
from tests.faults.client import Client

PASSWORD, OTHER_PASSWORD = "prototype-2021", "quarry Bishop-lantern 47 orchid velvet"
SECRET = "only-for-tests-" + "x" * 32
# In the test store's database, beside its tables: those are emptied between tests, these are not.
SCHEMA = "attacked"
WORKERS, THREADS = 4, 4
# Rows of these say that somebody was here; they change by reading and by being refused.
TRACES = frozenset({"sign_in", "security_event", "throttle", "form_key", "challenge", "heartbeat"})


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """The server, its database and its folder of files, as an attacker finds them and as we look at them afterwards."""

    def __init__(self, kind: str, folder: Path, postgres: str = "", workers: int = WORKERS) -> None:
        self.kind, self.folder, self.workers = kind, folder, workers
        self.files, self.hashes_file, self.log = folder / "files", folder / "hashes", folder / "log"
        self.url = f"sqlite:///{folder / 'lab.db'}"
        if kind == "postgresql":
            self.url = f"{postgres}?options={quote(f'-csearch_path={SCHEMA}')}"
        self.port = free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        self.app = self._app()
        self.process: subprocess.Popen[bytes] | None = None

    def _app(self) -> Flask:
        config = Config(
            secret_key=SECRET, database_url=self.url, files=str(self.files), base_url=self.base, demo=True,
            scheduler=False, demo_password=PASSWORD,
        )  # fmt: skip
        return create_app(config)

    def fill(self) -> None:
        """Migrate the database and play the demonstration in it; all of its people can sign in, with its password."""
        clock.move("")
        with self.app.app_context():
            reading_only.set(False)
            if self.kind == "postgresql":
                with db.engine.begin() as connection:
                    connection.execute(text(f"drop schema if exists {SCHEMA} cascade"))
                    connection.execute(text(f"create schema {SCHEMA}"))
            upgrade()
            assert demo.load_if_empty(self.app)
            hashed = hash_password(PASSWORD)
            for person in db.session.scalars(select(Person).where(Person.password.is_not(None))):
                person.password = hashed
            db.session.commit()
            db.session.remove()

    def take_over(self, other: Server) -> None:
        """Begin where the other server stands now: a copy of its embedded database and of its files."""
        assert self.kind == other.kind == "sqlite"
        with (
            closing(sqlite3.connect(other.folder / "lab.db")) as source,
            closing(sqlite3.connect(self.folder / "lab.db")) as mine,
        ):
            source.backup(mine)
        shutil.copytree(other.files, self.files, dirs_exist_ok=True)

    def start(self) -> None:
        """Start it, and wait until it answers."""
        spool = self.folder / "spool"
        spool.mkdir(exist_ok=True)
        given = {name: value for name, value in os.environ.items() if not name.startswith("LAB_")}
        environ = given | {
            "LAB_SECRET_KEY": SECRET, "LAB_DATABASE_URL": self.url, "LAB_FILES": str(self.files), "LAB_SCHEDULER": "0",
            "LAB_DEMO": "1", "LAB_PORT": str(self.port), "LAB_BASE_URL": self.base, "TMPDIR": str(spool),
            "HASHES_FILE": str(self.hashes_file),
        }  # fmt: skip
        command = [
            sys.executable, "-m", "gunicorn", "-w", str(self.workers), "-b", f"127.0.0.1:{self.port}", "--worker-class", "gthread",
            "--threads", str(THREADS), "--log-level", "warning", "tests.faults.counting:app",
        ]  # fmt: skip
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command, cwd=ROOT, env=environ, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )
        end = time.monotonic() + 60
        while True:
            assert self.process.poll() is None and time.monotonic() < end, f"no answer: {self.log.read_text()[-3000:]}"
            try:
                if self.client().get("/login").status == 200 and len(self.pids()) == self.workers:
                    break
            except OSError:
                time.sleep(0.1)
        self._warm()

    def _warm(self) -> None:
        """Every worker has answered, and knows the hash of a password that nobody has, before anything is measured."""
        began = self.hashes()
        for tried in range(1, 500):
            self.client().sign_in("nobody@example.org", "nobody's password")
            if self.hashes() - began - tried >= self.workers:
                break
            if tried % 8 == 0:
                self.long_after()
        self.long_after()

    def stop(self) -> None:
        """Stop it with all of its workers, and let go of the database."""
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait(10)
            self.process = None
        with self.app.app_context():
            if self.kind == "postgresql":
                with db.engine.begin() as connection:
                    connection.execute(text(f"drop schema if exists {SCHEMA} cascade"))
            db.engine.dispose()

    def client(self, address: str = "") -> Client:
        """Somebody who has not signed in, at a network address of their own or at this one."""
        return Client(self.port, address)

    def enter(self, email: str, password: str = PASSWORD) -> Client:
        """Somebody who has just signed in."""
        client = self.client()
        answer = client.sign_in(email, password)
        assert answer.status == 303, f"{email}: {answer.status} {answer.text.partition('<main')[2][:2000]}"
        return client

    @contextmanager
    def rows(self) -> Iterator[Session]:
        """The server's database, behind its back; what was changed is committed at the end."""
        with self.app.app_context():
            reading_only.set(False)
            try:
                yield db.session()
                db.session.commit()
            finally:
                db.session.remove()

    def newcomers(self, number: int, name: str = "Newcomer") -> list[str]:
        """That many new people who have joined and have no part in anything; their addresses."""
        mark = uuid4().hex[:8]
        emails = [f"{name.casefold()}-{mark}-{n}@example.org" for n in range(number)]
        with self.rows() as session:
            hashed = hash_password(PASSWORD)
            for email in emails:
                session.add(
                    Person(
                        name=f"{name} {mark}", email=email, password=hashed, active=True, fs_uniquifier=uuid4().hex,
                        language="en", time_zone="Europe/Zurich", created_at=clock.now(),
                    )
                )  # fmt: skip
        return emails

    def long_after(self) -> None:
        """As if nobody had tried anything for hours: every try is available again."""
        with self.rows() as session:
            session.execute(delete(Throttle))

    def counts(self) -> dict[str, int]:
        """How many rows each table has, but for those in which traces are kept."""
        with self.rows() as session:
            return {
                table.name: session.scalar(select(func.count()).select_from(table)) or 0
                for table in Base.metadata.sorted_tables
                if table.name not in TRACES
            }

    def contents(self) -> dict[str, list[tuple[object, ...]]]:
        """Everything that the tables hold, but for those in which traces are kept."""
        with self.rows() as session:
            return {
                table.name: sorted((tuple(row) for row in session.execute(select(table))), key=repr)
                for table in Base.metadata.sorted_tables
                if table.name not in TRACES
            }

    def hashes(self) -> int:
        """How many password hashes the workers have computed so far."""
        return self.hashes_file.stat().st_size

    def pids(self) -> list[int]:
        """The workers' processes."""
        assert self.process is not None
        pid = self.process.pid
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def resident(self) -> dict[int, int]:
        """The memory (bytes) that each worker has resident."""
        return {pid: _status(pid, "VmRSS") for pid in self.pids()}

    def peak(self) -> dict[int, int]:
        """The most memory (bytes) that each worker ever had resident since :meth:`forget_peak`."""
        return {pid: _status(pid, "VmHWM") for pid in self.pids()}

    def forget_peak(self) -> None:
        """Begin to measure the most memory anew."""
        for pid in self.pids():
            Path(f"/proc/{pid}/clear_refs").write_text("5")

    def cpu_seconds(self) -> float:
        """The workers' processor time so far."""
        ticks = 0
        for pid in self.pids():
            fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def tree(self) -> set[str]:
        """Every file under the server's folder, but for the database and the log."""
        return {
            str(path.relative_to(self.folder))
            for path in self.folder.rglob("*")
            if path.is_file() and path.parent != self.folder
        }


def _status(pid: int, what: str) -> int:
    line = next(x for x in Path(f"/proc/{pid}/status").read_text().splitlines() if x.startswith(what))
    return int(line.split()[1]) * 1024
