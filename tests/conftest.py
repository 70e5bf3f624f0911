"""What every test stands on: a migrated database (SQLite always, PostgreSQL when its URL is given), the app, a linted client."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from _pytest.terminal import TerminalReporter
from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import create_engine, event, func, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from lab import clock, create_app
from lab.config import Config
from lab.extensions import db, reading_only
from lab.models import Base, Person
from lab.rules.facts import Stage
from tests.browser import browser
from tests.factories import World
from tests.faults import table
from tests.kept import Rows, Worlds
from tests.units import Units, longest_first
from tests.web.pages import PageClient

__all__ = ["browser"]


WORKER = os.environ.get("PYTEST_XDIST_WORKER", "")


def _own_database() -> str:
    """The URL of PostgreSQL's test database; a worker of several makes one of its own beside it, so that none disturbs another."""
    given = os.environ.get("LAB_TEST_POSTGRES_URL", "")
    if not (given and WORKER):
        return given
    shared = make_url(given)
    own = shared.set(database=f"{shared.database}_{WORKER}")
    engine = create_engine(shared, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f'drop database if exists "{own.database}" with (force)'))
        connection.execute(text(f'create database "{own.database}"'))
    engine.dispose()
    return own.render_as_string(hide_password=False)


POSTGRES = _own_database()
DATABASES = ["sqlite", *(["postgresql"] if POSTGRES else [])]
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def _sequences() -> list[str]:
    """What numbers PostgreSQL's rows, a sequence a table."""
    tables = Base.metadata.sorted_tables
    return [f'"{table.name}_id_seq"' for table in tables if "id" in table.c]


class Store:
    """One database and its application, migrated once; emptied between tests without migrating again."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.kind = kind
        self.live, self.empty = folder / "lab.db", folder / "empty.db"
        self.url = f"sqlite:///{self.live}" if kind == "sqlite" else POSTGRES
        if kind == "postgresql":
            assert make_url(self.url).database, "LAB_TEST_POSTGRES_URL names a database that the tests may empty"
        config = Config(
            secret_key="only-for-tests-" + "x" * 32,
            database_url=self.url,
            files=str(folder / "files"),
            base_url="http://localhost",
            testing=True,
            scheduler=False,
            upload_limit_mb=3,
        )
        self.app = create_app(config)
        self.app.test_client_class = PageClient
        # What a password costs is measured by the attacks, on servers that spend what the product does.
        self.app.extensions["security"].pwd_context.update(
            argon2__rounds=1, argon2__memory_cost=8, argon2__parallelism=1
        )
        self.worlds = Worlds()
        # The demonstration, once a test has played it.
        self.demo: Rows | None = None
        self._migrate()

    def _migrate(self) -> None:
        with self.app.app_context():
            if self.kind == "postgresql":
                with db.engine.begin() as connection:
                    connection.execute(text("drop schema public cascade"))
                    connection.execute(text("create schema public"))
            upgrade()
            db.engine.dispose()
        if self.kind == "sqlite":
            shutil.copy(self.live, self.empty)

    def wipe(self) -> None:
        with self.app.app_context():
            db.session.remove()
            db.engine.dispose()
            if self.kind == "sqlite":
                for suffix in ("-wal", "-shm"):
                    self.live.with_name(self.live.name + suffix).unlink(missing_ok=True)
                shutil.copy(self.empty, self.live)
                return
            # Replica mode switches the append-only triggers off: the test database's superuser may, the application may not.
            with db.engine.begin() as connection:
                tables = reversed(Base.metadata.sorted_tables)
                deletes = "; ".join(f'delete from "{table.name}"' for table in tables)
                connection.execute(text(f"set local session_replication_role = replica; {deletes}"))
                # Numbered from one again, as the embedded database is.
                connection.execute(select(*(func.setval(name, 1, False) for name in _sequences())))


@pytest.fixture(scope="session")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Store]]:
    """The stores by the kind of their database, each made when first asked for and kept: files ask for one and the other in turn."""
    made: dict[str, Store] = {}

    def of(kind: str) -> Store:
        if kind not in made:
            made[kind] = Store(kind, tmp_path_factory.mktemp(kind))
        return made[kind]

    yield of
    for store in made.values():
        with store.app.app_context():
            db.engine.dispose()


@pytest.fixture(scope="session", params=DATABASES)
def store(request: pytest.FixtureRequest, stores: Callable[[str], Store]) -> Store:
    return stores(request.param)


@pytest.fixture
def app(store: Store) -> Iterator[Flask]:
    """The application with an empty database and the clock at noon of 2 March 2026 (UTC); no context is pushed."""
    store.wipe()
    clock.move(NOON.isoformat())
    reading_only.set(False)
    yield store.app
    clock.move("")


@pytest.fixture
def session(app: Flask) -> Iterator[Session]:
    """A database session inside a pushed application context, as services have it. Commit what a request should see."""
    with app.app_context():
        yield db.session()
        db.session.rollback()


@pytest.fixture
def now(app: Flask) -> datetime:
    """The clock's noon."""
    return NOON


@pytest.fixture
def client_for(app: Flask) -> Callable[[Person | None], PageClient]:
    """A client signed in as a person (None: nobody), which lints every page it gets."""

    def make(person: Person | None) -> PageClient:
        client = app.test_client()
        assert isinstance(client, PageClient)
        if person is not None:
            client.sign_in(person.id)
        return client

    return make


@pytest.fixture
def at() -> Iterator[Callable[[str], None]]:
    """Move the clock: ``at("2026-03-28T22:00:00+00:00")``; it goes on running from there."""
    yield clock.move
    clock.move("")


@contextmanager
def counted(app: Flask) -> Iterator[list[str]]:
    """The SQL statements executed inside the block."""
    seen: list[str] = []

    def note(connection: object, cursor: object, statement: str, *rest: object) -> None:
        seen.append(statement)

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)
        seen[:] = [s for s in seen if not s.upper().startswith(("BEGIN", "PRAGMA", "SAVEPOINT"))]


@pytest.fixture
def world_at(session: Session, store: Store) -> Callable[..., World]:
    """``world_at(Stage.PILOT)``: one award at a stage with everybody around it, committed."""

    def build(stage: Stage = Stage.WORKPLAN, **options: object) -> World:
        return store.worlds.build(session, stage, **options)

    return build


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Half as many again as there are processors: journeys wait for their browser half of the time."""
    cores = len(os.sched_getaffinity(0))
    return cores + cores // 2


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Units | None:
    """Units in place of files; another way of dealing out stays what it is."""
    return Units(config, log) if config.getoption("dist") == "loadfile" else None


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if WORKER:
        longest_first(items)


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    """Print the table of attacks. From here, as the process that prints knows no other conftest when several run the tests."""
    reports = [report for found in terminalreporter.stats.values() for report in found]
    lines = table.lines(
        table.Row(**value)
        for report in reports
        if getattr(report, "when", "") == "call"
        for name, value in report.user_properties
        if name == table.PROPERTY
    )
    if lines:
        terminalreporter.section("attacks")
        for line in lines:
            terminalreporter.write_line(line)
