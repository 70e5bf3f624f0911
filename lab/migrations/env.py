"""How migrations run: on the application's own engine, and on SQLite with foreign keys off until they are checked at the end."""

from __future__ import annotations

from alembic import context
from flask import current_app
from sqlalchemy import text

from lab.models import Base

engine = current_app.extensions["migrate"].db.engine


def run() -> None:
    """Apply the migrations in one transaction."""
    with engine.connect() as connection:
        sqlite = connection.dialect.name == "sqlite"
        if sqlite:
            # Outside a transaction, where SQLite takes this pragma: a table rebuilt with keys on would delete its children.
            connection.connection.driver_connection.execute("PRAGMA foreign_keys=OFF")
        context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True, compare_type=True)
        with context.begin_transaction():
            context.run_migrations()
            if sqlite:
                broken = connection.execute(text("PRAGMA foreign_key_check")).all()
                if broken:
                    raise RuntimeError(f"migration left rows without their parent: {broken[:5]}")
        if sqlite:
            connection.commit()
            connection.connection.driver_connection.execute("PRAGMA foreign_keys=ON")


run()
