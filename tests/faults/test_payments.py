"""Payments released by many at once, sent twice, and killed on their way: each is made once, or not at all, and the books agree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from lab.models import Event, LedgerEntry, Tranche
from lab.queries.audit import disagreements, read_chains
from lab.rules.disbursement import PAID
from lab.rules.facts import Stage
from tests.conftest import Store
from tests.factories import START, World, add_account
from tests.faults.processes import end, lines, start, wait_for
from tests.faults.table import Figure

CLIENTS, THREADS, PAYMENTS = 4, 4, 40
KILLS, KILLED_PAYMENTS = 200, 60
RELEASER = """
import random, sys, threading
from lab import clock, create_app
from lab.extensions import db
from lab.models import Person
from lab.queries.people import actor_for
from lab.rules.errors import LabError
from lab.services import disbursement

code, person_id, threads, payments, me = sys.argv[1], *map(int, sys.argv[2:])
app = create_app()
print("ready")
sys.stdin.readline()

def release(thread):
    numbers = list(range(1, payments + 1))
    random.Random(f"{me} {thread}").shuffle(numbers)
    for number in numbers:
        with app.app_context():
            actor = actor_for(db.session(), db.session.get_one(Person, person_id))
            db.session.commit()
            today = clock.now().date()
            try:
                disbursement.record_sent(actor, clock.now(), code, number, f"R-{me}-{thread}-{number}", "1", "100.00", today)
                sys.stdout.write(f"sent {number}\\n")
            except LabError as error:
                db.session.rollback()
                sys.stdout.write(f"refused {error}\\n")

running = [threading.Thread(target=release, args=(n,)) for n in range(threads)]
for one in running: one.start()
for one in running: one.join()
print("done")
"""
# Children are forked, so that two hundred of them cost no more than what they do; each is killed at its own instant.
KILLED = """
import os, random, signal, sys, time
from lab import clock, create_app
from lab.extensions import db
from lab.models import Person, Tranche
from lab.queries.people import actor_for
from lab.services import disbursement
from sqlalchemy import select

code, award_id, officer_id, finance_id, kills = sys.argv[1], *map(int, sys.argv[2:])
app = create_app()

def release(most=None):
    with app.app_context():
        officer, finance = (actor_for(db.session(), db.session.get_one(Person, one)) for one in (officer_id, finance_id))
        rows = db.session.execute(select(Tranche.number, Tranche.state).where(Tranche.award_id == award_id).order_by(Tranche.number)).all()
        db.session.commit()
        for number, state in [row for row in rows if row.state in ("planned", "proposed", "authorised")][:most]:
            if state == "planned":
                disbursement.propose(officer, clock.now(), code, number)
                state = "proposed"
            if state == "proposed":
                disbursement.authorise(finance, clock.now(), code, number)
                state = "authorised"
            if state == "authorised":
                today = clock.now().date()
                disbursement.record_sent(finance, clock.now(), code, number, f"K-{number}", "1", "100.00", today)

# Once before: children then know the statements, and are killed at work and not while they get ready.
release(1)
with app.app_context():
    db.engine.dispose()
chance = random.Random(2021)
for n in range(kills):
    child = os.fork()
    if not child:
        try:
            release()
        except BaseException as error:
            print(f"wrong {error!r}")
        os._exit(0)
    time.sleep(chance.uniform(0.0, 0.08))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    print("killed")
print("done")
"""


def _planned(world: World, number: int, state: str) -> None:
    """``number`` payments of 100 each, all in ``state``."""
    account = add_account(world)
    session = world.session
    first = session.scalars(select(Tranche).where(Tranche.award_id == world.award.id)).one()
    first.amount = Decimal(100)
    session.add_all(
        [
            Tranche(award_id=world.award.id, number=n, key="", amount=Decimal(100), currency="USD", state="planned")
            for n in range(2, number + 1)
        ]
    )
    session.flush()
    if state == "authorised":
        for tranche in session.scalars(select(Tranche).where(Tranche.award_id == world.award.id)):
            tranche.state, tranche.account_id = "authorised", account.id
            tranche.proposed_by, tranche.proposed_at = world.officer.id, START
            tranche.authorised_by, tranche.authorised_at = world.finance.id, START
    session.commit()


def _agree(session: Session, award_id: int) -> int:
    """The number of payments made, after payments, releases, ledger and audit have been found to be the same."""
    session.rollback()
    states = Counter(session.scalars(select(Tranche.state).where(Tranche.award_id == award_id)))
    made = sum(states[state] for state in PAID)
    entries = session.scalars(select(LedgerEntry.tranche_id).where(LedgerEntry.award_id == award_id)).all()
    events = session.scalars(
        select(Event.id).where(Event.award_id == award_id, Event.kind == "payment_sent")
    ).all()  # fmt: skip
    assert made == len(entries) == len(set(entries)) == len(events)
    assert not disagreements(session)
    assert not [chains.broken for chains in read_chains(session) if chains.broken]
    session.rollback()
    return made


def test_sixteen_clients_release_forty_payments(
    store: Store, session: Session, world_at: Callable[..., World], tmp_path: Path, figure: Figure
) -> None:
    world = world_at(Stage.PROTOTYPING)
    _planned(world, PAYMENTS, "authorised")
    award_id, code, finance = world.award.id, world.code, str(world.finance.id)
    session.rollback()
    names = [f"client-{n}" for n in range(CLIENTS)]
    running = [
        start(RELEASER, store.url, tmp_path, name, code, finance, str(THREADS), str(PAYMENTS), str(n), talk=True)
        for n, name in enumerate(names)
    ]
    try:
        for name in names:
            wait_for(lambda name=name: "ready" in lines(tmp_path, name), f"{name} starts")
        for process in running:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.close()
        for process in running:
            process.wait(240)
    finally:
        end(*running)
    said = [line for name in names for line in lines(tmp_path, name)]
    assert said.count("done") == CLIENTS
    sent = Counter(line for line in said if line.startswith("sent"))
    assert sorted(sent) == sorted(f"sent {n}" for n in range(1, PAYMENTS + 1)) and set(sent.values()) == {1}
    refused = Counter(line for line in said if line.startswith("refused"))
    assert sum(refused.values()) == CLIENTS * THREADS * PAYMENTS - PAYMENTS
    assert set(refused) == {"refused This payment is already at another step: Sent."}
    figure(
        "payments: made of 40 by 16 clients at once",
        tried=len(said) - 2 * CLIENTS,
        got=_agree(session, award_id),
        bar=PAYMENTS,
    )


@pytest.mark.parametrize("kills", [KILLS])
def test_killed_while_payments_are_released(
    store: Store, session: Session, world_at: Callable[..., World], tmp_path: Path, figure: Figure, kills: int
) -> None:
    world = world_at(Stage.PROTOTYPING)
    _planned(world, KILLED_PAYMENTS, "planned")
    award_id = world.award.id
    args = world.code, *(str(number) for number in (award_id, world.officer.id, world.finance.id, kills))
    session.rollback()
    process = start(KILLED, store.url, tmp_path, "killed", *args)
    try:
        process.wait(300)
    finally:
        end(process)
    said = Counter(lines(tmp_path, "killed"))
    assert said == {"killed": kills, "done": 1}, said
    assert _agree(session, award_id) > 0
    figure("payments: kills after which the books disagree", tried=kills, wrong=disagreements(session))
