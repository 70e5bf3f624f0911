"""Two schedulers in two processes: one leads; when it is killed the other takes over, and nothing is lost or sent twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lab.models import Mail, Obligation, Reminder
from lab.rules.obligations import ObligationKind, Party
from lab.services import steps
from tests.conftest import Store
from tests.factories import World
from tests.faults.processes import end, lines, start, wait_for

SCHEDULER = """
import time
from lab import create_app, jobs
jobs.EVERY_SECONDS = 0.2
tick = jobs.tick
def told(app):
    print("round", *tick(app))
jobs.tick = told
app = create_app()
jobs.start(app)
print("started")
while True:
    time.sleep(1)
"""


def _rounds(folder: Path, name: str) -> int:
    return sum(line.startswith("round") for line in lines(folder, name))


def _owe(world: World, n: int, now: datetime) -> None:
    """Something due tomorrow, opened yesterday: its reminder of this morning is due now."""
    steps.owe(
        world.award, ObligationKind.REACH_MILESTONE, Party.TEAM, Party.OFFICER, now + timedelta(days=1),
        now - timedelta(days=1), key=f"milestone:{n}", title=f"Step {n}",
    )  # fmt: skip
    world.session.commit()


def _reminders(session: Session) -> int:
    found = session.scalar(select(func.count()).select_from(Reminder)) or 0
    session.rollback()
    return found


def test_one_leads_and_the_other_takes_over_after_a_kill(
    store: Store, session: Session, world_at: Callable[..., World], now: datetime, tmp_path: Path
) -> None:
    world = world_at()
    _owe(world, 1, now)
    names = ["a", "b"]
    running = {name: start(SCHEDULER, store.url, tmp_path, name) for name in names}
    try:
        for name in names:
            process = running[name]
            wait_for(
                lambda name=name, process=process: "started" in lines(tmp_path, name) or process.poll() is not None,
                f"{name} starts",
            )
            assert process.poll() is None, lines(tmp_path, name)
        wait_for(lambda: sum(_rounds(tmp_path, name) for name in names) >= 3, "somebody leads")
        leading = [name for name in names if _rounds(tmp_path, name)]
        assert len(leading) == 1, {name: lines(tmp_path, name) for name in names}
        wait_for(lambda: _reminders(session) == 1, "the first reminder")
        for kill in range(2, 5):
            leader = leading[0]
            follower = next(name for name in running if name != leader)
            running[leader].kill()
            running.pop(leader).wait(10)
            _owe(world, kill, now)
            wait_for(lambda name=follower: _rounds(tmp_path, name), f"{follower} takes over from {leader}")
            wait_for(lambda count=kill: _reminders(session) == count, f"reminder {kill}")
            leading = [follower]
            if kill < 4:
                running[f"c{kill}"] = start(SCHEDULER, store.url, tmp_path, f"c{kill}")
                wait_for(lambda kill=kill: "started" in lines(tmp_path, f"c{kill}"), "another starts")
                assert not _rounds(tmp_path, f"c{kill}"), "who comes later waits"
        mails = Counter(session.scalars(select(Mail.subject).where(Mail.to == world.lead.email)))
        assert len(mails) == 4 and set(mails.values()) == {1}, mails
        assert session.scalar(select(func.count()).where(Obligation.key.like("milestone:%"))) == 4
        failed = [
            line for name in ("a", "b", "c2", "c3") for line in lines(tmp_path, name) if line.startswith("round ")
        ]
        assert not failed, failed
    finally:
        end(*running.values())
