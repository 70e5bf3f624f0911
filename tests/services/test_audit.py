"""``flask --app app audit verify``: it names the first row that is not as it was written, and where books and plan disagree."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from lab.models import Event, LedgerEntry
from tests.conftest import Store
from tests.factories import World
from tests.services.test_disbursement import authorise, confirm, propose, ready, send
from tests.services.test_payment_decisions import decide

WorldAt = Callable[..., World]


def verify(app: Flask) -> tuple[int, str, str]:
    done = app.test_cli_runner().invoke(args=["audit", "verify"])
    return done.exit_code, done.stdout, done.stderr


def tamper(world: World, store: Store, statement: str, **values: Any) -> None:
    """What somebody could do who holds the database itself, past its guards."""
    session = world.session
    if store.kind == "postgresql":
        session.execute(text("set local session_replication_role = replica"))
    else:
        for trigger in session.scalars(text("select name from sqlite_master where type = 'trigger'")).all():
            session.execute(text(f'drop trigger "{trigger}"'))
    session.execute(text(statement), values)
    session.commit()


@pytest.fixture
def paid(world_at: WorldAt) -> World:
    world = ready(world_at)
    decide(world, "adjust", amount="29000")
    for step in (propose, authorise):
        step(world)
    send(world, local="29000.00")
    confirm(world)
    world.session.commit()
    return world


def test_untouched_it_is_whole(app: Flask, paid: World) -> None:
    code, said, wrong = verify(app)
    assert (code, wrong) == (0, "")
    assert "ledger_entry: 1 rows in 1 chains" in said and "agree" in said


@pytest.mark.parametrize(
    ("table", "statement", "said"),
    [
        (
            "event",
            "update event set kind = 'payment_received' where stream = :s and seq = :n",
            "no longer what was written",
        ),
        ("event", "update event set actor_id = null where stream = :s and seq = :n", "no longer what was written"),
        ("event", "update event set previous_hash = hash where stream = :s and seq = :n", "does not follow"),
        ("event", "delete from event where stream = :s and seq = :n", "it is missing"),
    ],
)
def test_the_first_row_that_was_touched_is_named(
    app: Flask, store: Store, paid: World, table: str, statement: str, said: str
) -> None:
    stream = f"award:{paid.award.id}"
    tamper(paid, store, statement, s=stream, n=3)
    # A later one too: the first is named, once for its chain.
    tamper(paid, store, "update event set kind = 'x' where stream = :s and seq = 5", s=stream)
    code, _out, wrong = verify(app)
    lines = [line for line in wrong.splitlines() if line.startswith(table)]
    assert code == 1 and len(lines) == 1
    assert lines[0].startswith(f"event, {stream}, row 3: ") and said in lines[0]


@pytest.mark.parametrize("column", ["amount", "local_amount", "rate", "reference", "value_on", "currency", "by"])
def test_no_part_of_the_ledger_can_be_changed_unseen(app: Flask, store: Store, paid: World, column: str) -> None:
    values = {
        "rate": "'2'",
        "reference": "'ILO-78'",
        "value_on": "'2026-03-11'",
        "currency": "'EUR'",
        "by": str(paid.lead.id),
    }
    tamper(paid, store, f'update ledger_entry set "{column}" = {values.get(column, "10000")}')
    code, _out, wrong = verify(app)
    assert code == 1 and f"ledger_entry, award:{paid.award.id}, row 1: it is no longer what was written" in wrong


def test_a_payment_without_its_entry_is_told(app: Flask, store: Store, paid: World) -> None:
    tamper(paid, store, "delete from ledger_entry")
    code, _out, wrong = verify(app)
    assert code == 1
    assert f"{paid.code}: 1 payments are sent, the ledger has 0, and 1 are told in events" in wrong


def test_a_plan_beyond_the_award_is_told(app: Flask, store: Store, paid: World) -> None:
    tamper(paid, store, "insert into tranche (award_id, number, key, amount, currency, state) values (:a, 9, '', 10010000, 'USD', 'planned')", a=paid.award.id)  # fmt: skip
    code, _out, wrong = verify(app)
    assert code == 1 and f"{paid.code}: paid and planned make 30001.00, more than the award of 30000" in wrong


def test_there_is_something_to_verify(paid: World) -> None:
    assert paid.session.query(Event).count() >= 5 and paid.session.query(LedgerEntry).count() == 1
