"""The schema: built from nothing by the migrations, the same as the models, and with the guards that only the database can give."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import CheckConstraint, inspect, select, text
from sqlalchemy.exc import DatabaseError, IntegrityError
from sqlalchemy.orm import Session

from lab import create_app
from lab.config import Config
from lab.extensions import db, reading_only
from lab.models import Base, BudgetLine, Call, Event, LedgerEntry, Milestone, Tranche
from lab.rules.facts import Stage
from lab.services import steps
from lab.services.calls import definition_hash
from tests.conftest import POSTGRES, Store
from tests.factories import World

GUARDED = ("event", "ledger_entry")


@pytest.fixture
def fresh(store: Store, tmp_path: Path) -> Iterator[Flask]:
    """An application on a database with nothing in it."""
    url = f"sqlite:///{tmp_path / 'fresh.db'}"
    if store.kind == "postgresql":
        # The migrations name no schema, so a schema of its own stands for an empty database.
        url = f"{POSTGRES}{'&' if '?' in POSTGRES else '?'}options=-csearch_path%3Dfresh"
    app = create_app(
        Config(secret_key="x" * 40, database_url=url, files=str(tmp_path / "files"), testing=True, scheduler=False)
    )
    with app.app_context():
        reading_only.set(False)
        _schema(store, "drop schema if exists fresh cascade", "create schema fresh")
        yield app
        db.session.remove()
        db.engine.dispose()
        _schema(store, "drop schema if exists fresh cascade")
        db.engine.dispose()


def _schema(store: Store, *statements: str) -> None:
    if store.kind == "postgresql":
        with db.engine.begin() as connection:
            for statement in statements:
                connection.execute(text(statement))


def _tables() -> set[str]:
    with db.engine.connect() as connection:
        return set(inspect(connection).get_table_names()) - {"alembic_version"}


def _guards(store: Store) -> int:
    question = {
        "sqlite": "select count(*) from sqlite_master where type = 'trigger'",
        "postgresql": "select count(distinct tgname) from pg_trigger join pg_class on pg_class.oid = tgrelid "
        "where not tgisinternal and relnamespace = 'fresh'::regnamespace",
    }[store.kind]
    with db.engine.connect() as connection:
        return int(connection.execute(text(question)).scalar_one())


def test_up_from_nothing_down_to_nothing_and_up_again(fresh: Flask, store: Store) -> None:
    assert _tables() == set()
    for _ in range(2):
        upgrade()
        assert _tables() == {table.name for table in Base.metadata.sorted_tables}
        assert _guards(store) == 8
        downgrade(revision="base")
        assert _tables() == set()
        assert _guards(store) == 0


def test_a_second_upgrade_changes_nothing(fresh: Flask) -> None:
    upgrade()
    upgrade()
    assert _tables() == {table.name for table in Base.metadata.sorted_tables}


def test_the_migrated_schema_is_the_models(fresh: Flask) -> None:
    upgrade()
    with db.engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True, "target_metadata": Base.metadata}
        )
        assert compare_metadata(context, Base.metadata) == []


def test_a_call_that_was_stored_before_asks_for_no_activity_with_a_line(fresh: Flask) -> None:
    upgrade(revision="0002")
    body = {"code": "old", "stages": {"workplan_days": 21}}
    row = {"d": json.dumps(body), "h": definition_hash(body), "at": "2026-01-05 00:00:00"}
    with db.engine.begin() as connection:
        statement = "insert into call (code, definition, definition_hash, loaded_at) values ('old', :d, :h, :at)"
        connection.execute(text(statement), row)
    upgrade(revision="0003")
    with db.engine.connect() as connection:
        definition, digest = connection.execute(select(Call.definition, Call.definition_hash)).one()
    assert definition == {**body, "workplan": {"lines_need_activity": False}}
    assert digest == definition_hash(definition), "the same file loaded again changes nothing"
    downgrade(revision="0002")
    with db.engine.connect() as connection:
        assert connection.execute(select(Call.definition, Call.definition_hash)).one() == (body, definition_hash(body))


def test_milestones_and_lines_of_plans_approved_before_are_called_by_their_order(fresh: Flask) -> None:
    """As rules.workplan_content.named calls the rows of plans that were written before rows had ids."""
    upgrade(revision="0002")
    statements = (
        "insert into organisation (id, legal_name, kind, country, registered_on) values (1, 'A', 'ngo', 'EC', '2001-01-01')",
        "insert into person (id, name, email, fs_uniquifier, language, time_zone, active, created_at)"
        " values (1, 'O', 'o@example.org', 'x', 'en', 'UTC', true, '2026-01-05 00:00:00')",
        "insert into call (id, code, definition, definition_hash, loaded_at) values (1, 'old', '{}', 'x', '2026-01-05 00:00:00')",
        "insert into award (id, call_id, number, code, project, summary, prize, amount, currency, local_currency, language,"
        " organisation_id, officer_id, notice_on, stage, stage_since, created_at, revision) values (1, 1, 1, 'old-1', 'P', '', 'first', 300000000,"
        " 'USD', 'USD', 'es', 1, 1, '2026-01-05', 'agreement', '2026-01-05 00:00:00', '2026-01-05 00:00:00', 0)",
        "insert into milestone (award_id, number, title, proof, due_on, evidence) values (1, 2, 'M', 'P', '2026-05-15', '')",
        "insert into budget_line (award_id, number, category, description, quantity, unit_cost, amount, own)"
        " values (1, 3, 'staff', 'D', '1', 10000, 10000, false)",
    )
    with db.engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))
    upgrade(revision="0003")
    with db.engine.connect() as connection:
        assert connection.execute(select(Milestone.item, Milestone.stage)).one() == ("n2", "")
        assert connection.execute(select(BudgetLine.item, BudgetLine.activity, BudgetLine.stage)).one() == (
            "n3",
            "",
            "",
        )
    downgrade(revision="0002")
    with db.engine.connect() as connection:
        assert connection.execute(text("select title from milestone")).scalar_one() == "M"


def test_check_constraints_are_migrated_too(fresh: Flask) -> None:
    """Alembic does not compare them."""
    upgrade()
    with db.engine.connect() as connection:
        found = inspect(connection)
        for table in Base.metadata.sorted_tables:
            wanted = {str(c.name) for c in table.constraints if isinstance(c, CheckConstraint)}
            assert {c["name"] for c in found.get_check_constraints(table.name)} == wanted, table.name


@pytest.fixture
def kept(session: Session, world_at: Callable[..., World], now: datetime) -> World:
    """A world with an event and a payment in it."""
    world = world_at(Stage.PROTOTYPING)
    steps.record(world.award, "lesson_written", world.actor(world.lead), now, title="A lesson")
    tranche = session.query(Tranche).filter_by(award_id=world.award.id).one()
    steps.enter(_payment(world, tranche.id, now), world.award)
    session.commit()
    return world


def _payment(world: World, tranche_id: int | None, now: datetime, **changed: object) -> LedgerEntry:
    values: dict[str, object] = {
        "tranche_id": tranche_id, "kind": "payment", "amount": Decimal(30000), "currency": "USD",
        "local_amount": Decimal(30000), "local_currency": "USD", "rate": Decimal(1), "reference": "R1",
        "value_on": date(2026, 3, 2), "by": world.finance.id, "at": now,
    }  # fmt: skip
    return LedgerEntry(**{**values, **changed})


@pytest.mark.parametrize("table", GUARDED)
@pytest.mark.parametrize(
    "statement",
    ["update {} set hash = 'forged'", "update {} set id = id", "delete from {}", "delete from {} where 1=1"],
)
def test_the_database_refuses_to_change_what_happened(
    session: Session, kept: World, table: str, statement: str
) -> None:
    before = session.execute(text(f"select count(*), max(hash) from {table}")).one()
    assert before[0] > 0
    with pytest.raises(DatabaseError, match="append-only"):
        session.execute(text(statement.format(table)))
    session.rollback()
    assert session.execute(text(f"select count(*), max(hash) from {table}")).one() == before


@pytest.mark.parametrize("table", GUARDED)
def test_replacing_or_truncating_is_refused_as_well(session: Session, kept: World, store: Store, table: str) -> None:
    if store.kind == "sqlite":
        # REPLACE deletes the row in the way without firing its delete trigger, unless recursive triggers are on.
        statement = f"insert or replace into {table} select * from {table}"
    else:
        statement = f"truncate {table} cascade"
    before = session.execute(text(f"select count(*) from {table}")).scalar_one()
    with pytest.raises(DatabaseError, match="append-only"):
        session.execute(text(statement))
    session.rollback()
    assert session.execute(text(f"select count(*) from {table}")).scalar_one() == before > 0


def test_one_payment_a_tranche_and_none_without(session: Session, kept: World, now: datetime) -> None:
    tranche = session.query(Tranche).filter_by(award_id=kept.award.id).one()
    for wrong in (
        {"tranche_id": tranche.id},
        {"tranche_id": None},
        {"tranche_id": tranche.id, "kind": "return"},
        {"tranche_id": None, "kind": "return", "amount": Decimal(0)},
        {"tranche_id": None, "kind": "return", "amount": Decimal(-1)},
        {"tranche_id": None, "kind": "gift"},
    ):
        with pytest.raises(IntegrityError):
            steps.enter(_payment(kept, **{"now": now, **wrong}), kept.award)
        session.rollback()


def test_two_events_cannot_have_one_place(session: Session, kept: World, now: datetime) -> None:
    first = session.query(Event).filter_by(award_id=kept.award.id).first()
    assert first is not None
    session.add(
        Event(
            stream=first.stream, seq=first.seq, award_id=kept.award.id, kind="lesson_written", at=now, details={},
            previous_hash=first.previous_hash, hash="0" * 64,
        )
    )  # fmt: skip
    with pytest.raises(IntegrityError):
        session.flush()


def test_foreign_keys_hold(session: Session, kept: World) -> None:
    with pytest.raises(IntegrityError):
        session.execute(text("update award set call_id = 999999"))
    session.rollback()
    with pytest.raises(IntegrityError):
        session.execute(text("delete from organisation"))
    session.rollback()


def test_how_sqlite_is_spoken_to(app: Flask, store: Store) -> None:
    if store.kind != "sqlite":
        return
    with app.app_context(), db.engine.connect() as first, db.engine.connect() as second:
        for connection in (first, second):
            asked = {
                name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
                for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout", "recursive_triggers")
            }
            # synchronous 2 is FULL.
            assert asked == {
                "journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 15000, "recursive_triggers": 1,
            }  # fmt: skip
            connection.rollback()


def test_foreign_keys_are_on_again_after_a_migration(fresh: Flask, store: Store) -> None:
    upgrade()
    if store.kind == "sqlite":
        with db.engine.connect() as connection:
            assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1


def test_a_call_and_checks_from_before_negotiated_agreements_are_kept(fresh: Flask) -> None:
    upgrade(revision="0003")
    body = '{"due_diligence": [{"key": "a", "label": {}}], "clauses": [{"key": "b"}]}'
    with db.engine.begin() as connection:
        connection.execute(
            text(
                "insert into call (code, definition, definition_hash, loaded_at) values ('c', :body, 'x', '2026-01-01 00:00:00')"
            ),
            {"body": body},
        )
    upgrade(revision="0004")
    with db.engine.connect() as connection:
        definition, digest = connection.execute(text("select definition, definition_hash from call")).one()
    assert "document" in str(definition) and "obligations" in str(definition) and len(digest) == 64
    downgrade(revision="0003")
    with db.engine.connect() as connection:
        assert "obligations" not in str(connection.execute(text("select definition from call")).scalar_one())
        assert "check_file" not in inspect(connection).get_table_names()
