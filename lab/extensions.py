"""The extensions, made once and bound to an application in ``create_app``; and how the databases are spoken to."""

from __future__ import annotations

import sqlite3
from contextvars import ContextVar
from typing import Any, cast

from flask_babel import Babel
from flask_bootstrap import Bootstrap5
from flask_compress import Compress
from flask_migrate import Migrate
from flask_security.core import RoleMixin
from flask_security.datastore import SQLAlchemyUserDatastore
from flask_sqlalchemy import SQLAlchemy
from flask_wtf.csrf import CSRFProtect
from sqlalchemy import Engine, event
from sqlalchemy.engine import Connection

from lab.models import Base, Person, ProgrammeRole

db = SQLAlchemy(metadata=Base.metadata)
migrate = Migrate()
csrf = CSRFProtect()
babel = Babel()
bootstrap = Bootstrap5()
compress = Compress()
# Roles are ours (rules.permissions): Flask-Security wants a class for its own and never asks it anything.
user_datastore = SQLAlchemyUserDatastore(db, Person, cast(type[RoleMixin], ProgrammeRole))

# A GET only reads; everything else takes SQLite's write lock at once, so that a read-modify-write is never lost.
reading_only: ContextVar[bool] = ContextVar("reading_only", default=False)


@event.listens_for(Engine, "connect")
def _on_connect(connection: Any, record: Any) -> None:
    if not isinstance(connection, sqlite3.Connection):
        return
    connection.isolation_level = None
    cursor = connection.cursor()
    # recursive_triggers: without it INSERT OR REPLACE would delete a row behind the back of the append-only trigger.
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "busy_timeout=15000",
        "recursive_triggers=ON",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


@event.listens_for(Engine, "begin")
def _on_begin(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN" if reading_only.get() else "BEGIN IMMEDIATE")
