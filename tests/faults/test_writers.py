"""Many writers on one award at once: no event is lost, and the chain of hashes is unbroken."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from lab.models import Event
from lab.rules.events import GENESIS, chain_hash
from tests.conftest import Store
from tests.factories import World
from tests.faults.processes import end, lines, start, wait_for

PROCESSES, THREADS, EACH = 4, 2, 25
WRITER = """
import sys, threading
from lab import clock, create_app
from lab.extensions import db
from lab.models import Person
from lab.queries.people import actor_for
from lab.rules.permissions import Action
from lab.services import steps

code, person_id, threads, each = sys.argv[1], *map(int, sys.argv[2:])
app = create_app()
print("ready")
sys.stdin.readline()

def write(thread):
    for n in range(each):
        with app.app_context():
            actor = actor_for(db.session(), db.session.get_one(Person, person_id))
            db.session.commit()
            award = steps.award_for(actor, Action.WRITE_LESSON, code)
            steps.record(award, "lesson_written", actor, clock.now(), title=f"{thread} {n}")
            db.session.commit()

running = [threading.Thread(target=write, args=(n,)) for n in range(threads)]
for one in running: one.start()
for one in running: one.join()
print("done")
"""


def test_two_hundred_events_by_eight_writers(
    store: Store, session: Session, world_at: Callable[..., World], tmp_path: Path
) -> None:
    world = world_at()
    stream, code, lead = f"award:{world.award.id}", world.code, str(world.lead.id)
    before = len(session.scalars(select(Event.id).where(Event.stream == stream)).all())
    session.rollback()
    names = [f"writer-{n}" for n in range(PROCESSES)]
    running = [
        start(WRITER, store.url, tmp_path, name, code, lead, str(THREADS), str(EACH), talk=True) for name in names
    ]
    try:
        for name in names:
            wait_for(lambda name=name: "ready" in lines(tmp_path, name), f"{name} starts")
        for process in running:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.close()
        for name, process in zip(names, running, strict=True):
            process.wait(120)
            assert lines(tmp_path, name)[-2:] == ["ready", "done"]
    finally:
        end(*running)
    rows = session.scalars(select(Event).where(Event.stream == stream).order_by(Event.seq)).all()
    assert [row.seq for row in rows] == list(range(1, before + PROCESSES * THREADS * EACH + 1))
    previous = GENESIS
    for row in rows:
        fields = {"kind": row.kind, "actor": row.actor_id, "at": row.at.isoformat(), "details": row.details}
        assert row.previous_hash == previous
        assert row.hash == chain_hash(previous, {"stream": stream, "seq": row.seq, **fields})
        previous = row.hash
