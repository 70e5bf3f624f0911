"""What every test stands on: a migrated database (SQLite always, PostgreSQL when its URL is given), the app, a linted client."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import event, text
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from lab import clock, create_app
from lab.config import Config
from lab.extensions import db, reading_only
from lab.models import Base, Person
from lab.rules.facts import Stage
from tests.factories import World, build_world
from tests.web.pages import PageClient

POSTGRES = os.environ.get("LAB_TEST_POSTGRES_URL", "")
DATABASES = ["sqlite", *(["postgresql"] if POSTGRES else [])]
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


class Store:
    """One database, migrated once; emptied between tests without migrating again."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.kind = kind
        self.live, self.empty = folder / "lab.db", folder / "empty.db"
        self.url = f"sqlite:///{self.live}" if kind == "sqlite" else POSTGRES

    def migrate(self, app: Flask) -> None:
        with app.app_context():
            if self.kind == "postgresql":
                with db.engine.begin() as connection:
                    connection.execute(text("drop schema public cascade"))
                    connection.execute(text("create schema public"))
            upgrade()
            db.engine.dispose()
        if self.kind == "sqlite":
            shutil.copy(self.live, self.empty)

    def wipe(self, app: Flask) -> None:
        with app.app_context():
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


@pytest.fixture(scope="session", params=DATABASES)
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Store:
    return Store(request.param, tmp_path_factory.mktemp(request.param))


@pytest.fixture(scope="session")
def session_app(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    config = Config(
        secret_key="only-for-tests-" + "x" * 32,
        database_url=store.url,
        files=str(tmp_path_factory.mktemp("files")),
        base_url="http://localhost",
        testing=True,
        scheduler=False,
        upload_limit_mb=3,
    )
    if store.kind == "postgresql":
        assert make_url(store.url).database, "LAB_TEST_POSTGRES_URL names a database that the tests may empty"
    app = create_app(config)
    app.test_client_class = PageClient
    store.migrate(app)
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def app(session_app: Flask, store: Store) -> Iterator[Flask]:
    """The application with an empty database and the clock at noon of 2 March 2026 (UTC); no context is pushed."""
    store.wipe(session_app)
    clock.move(NOON.isoformat())
    reading_only.set(False)
    yield session_app
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
            client.sign_in(person.fs_uniquifier)
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
def world_at(session: Session) -> Callable[..., World]:
    """``world_at(Stage.PILOT)``: one award at a stage with everybody around it, committed."""

    def build(stage: Stage = Stage.WORKPLAN, **options: object) -> World:
        return build_world(session, stage, **options)  # type: ignore[arg-type]

    return build
