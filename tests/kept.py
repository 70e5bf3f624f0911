"""Worlds built once: their rows are kept, and written into the empty database of a later test instead of being built anew."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import Connection, Table, exists, func, insert, or_, select
from sqlalchemy.orm import Session

from lab.models import Base
from lab.rules.facts import Stage
from tests.factories import World, build_world

_ANYTHING = select(or_(*(exists(select(table)) for table in Base.metadata.sorted_tables)))


class Rows:
    """Everything that a database held when they were read."""

    def __init__(self, connection: Connection) -> None:
        found = {
            table: [dict(row) for row in connection.execute(select(table)).mappings()]
            for table in Base.metadata.sorted_tables
        }
        self._tables: dict[Table, list[dict[str, Any]]] = {table: rows for table, rows in found.items() if rows}

    def write(self, connection: Connection) -> None:
        """Put them into an empty database; what is added afterwards is numbered on from them."""
        for table, rows in self._tables.items():
            connection.execute(insert(table), rows)
        if connection.dialect.name == "postgresql":
            numbered = (
                func.setval(func.pg_get_serial_sequence(table.name, "id"), max(row["id"] for row in rows))
                for table, rows in self._tables.items()
                if "id" in table.c
            )
            connection.execute(select(*numbered))


@dataclass
class _Kept:
    """A world as rows, and whom and what it names by class and id."""

    rows: Rows
    named: dict[str, tuple[type[Any], int]]


class Worlds:
    """The worlds of one database by what they were asked to be."""

    def __init__(self) -> None:
        self._kept: dict[tuple[object, ...], _Kept] = {}

    def build(self, session: Session, stage: Stage, **options: Any) -> World:
        """As :func:`build_world` does it; in a database that holds something already, beside that and by building it."""
        if session.scalar(_ANYTHING):
            return build_world(session, stage, **options)
        key = (stage, *sorted(options.items()))
        if key in self._kept:
            return _write(self._kept[key], session)
        world = build_world(session, stage, **options)
        self._kept[key] = _read(world)
        # Reading has begun a transaction, and what follows begins its own.
        return world.again()


def _read(world: World) -> _Kept:
    named = {field.name: getattr(world, field.name) for field in fields(world) if field.name != "session"}
    return _Kept(Rows(world.session.connection()), {name: (type(row), row.id) for name, row in named.items()})


def _write(kept: _Kept, session: Session) -> World:
    kept.rows.write(session.connection())
    named = {name: session.get_one(kind, number) for name, (kind, number) in kept.named.items()}
    return World(session=session, **named).again()
