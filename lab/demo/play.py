"""How the demonstration is played: its people act through the services, each at their own instant in the past."""

from __future__ import annotations

import re
import secrets
from collections.abc import Generator, Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from heapq import heappop, heappush
from io import BytesIO
from zoneinfo import ZoneInfo

from sqlalchemy import select

from lab.demo.people import GENEVA
from lab.extensions import db
from lab.files import FileStore
from lab.models import Mail, Person
from lab.queries.people import actor_for
from lab.rules.calendar import local_day
from lab.rules.facts import Actor
from lab.services import people, signing, upload

FILE_LIMIT = 1024 * 1024
# A story yields the instant (UTC) of its next act, and is told when that has come.
Story = Generator[datetime, datetime, None]


def perform(stories: Iterable[Story]) -> None:
    """Play the stories side by side, so that everything happens in the order of its instants.

    Raises ValueError when a story turns back in time.
    """
    waiting: list[tuple[datetime, int, Story]] = []
    for number, story in enumerate(stories):
        heappush(waiting, (next(story), number, story))
    while waiting:
        now, number, story = heappop(waiting)
        try:
            following = story.send(now)
        except StopIteration:
            continue
        if following < now:
            raise ValueError(f"{story!r} turns back from {now} to {following}")
        heappush(waiting, (following, number, story))


class Play:
    """What every story stands on: today's date, the known password, the file store. ``now`` is the instant of loading (UTC)."""

    def __init__(self, now: datetime, password: str, store: FileStore) -> None:
        self.now, self.password, self.store = now, password, store
        self.today = local_day(now, GENEVA)

    def at(self, day: date, hour: int = 10) -> datetime:
        """The hour of ``day`` in Geneva, never after the instant of loading."""
        moment = datetime.combine(day, time(hour), ZoneInfo(GENEVA)).astimezone(UTC)
        return min(moment, self.now)

    def ago(self, days: int) -> date:
        """The day that many days before today."""
        return self.today - timedelta(days=days)

    def who(self, email: str) -> Actor:
        """Somebody as the services take them, with the roles they hold now."""
        return actor_for(db.session(), db.session.scalars(select(Person).where(Person.email == email)).one())

    def arrive(self, now: datetime, email: str, language: str, time_zone: str, *, known: bool = True) -> None:
        """Somebody follows the link in their newest mail. Whoever is not ``known`` gets a password that nobody knows."""
        mails = db.session.scalars(select(Mail.body).where(Mail.to == email).order_by(Mail.id.desc()))
        token = next(found[1] for body in mails if (found := re.search(r"/invitation/(\S+)", body)))
        name = db.session.scalars(select(Person.name).where(Person.email == email)).one()
        password = self.password if known else secrets.token_urlsafe(24)
        people.accept_invitation(now, now, token, password, name, language, time_zone)

    def files(self, now: datetime, who: str, code: str, place: str, files: Mapping[str, str]) -> list[int]:
        """Hand in small text files, name → text, at a place of an award. Returns their ids."""
        # The demonstration's own sentences: nothing in them for a virus scanner.
        intake = upload.Intake(self.store, FILE_LIMIT, None, now)
        return [
            upload.keep_file(
                self.who(who), now, code, place, name, BytesIO(text.encode()), intake
            )
            for name, text in files.items()
        ]  # fmt: skip

    def paper(self, now: datetime, who: Actor, code: str, side: str, typed: signing.Typed, scan: bytes) -> None:
        """Record a signed paper with its ``scan``, a PNG."""
        intake = upload.Intake(self.store, FILE_LIMIT, None, now)
        file = ("signed-agreement.png", BytesIO(scan))
        signing.record_paper(who, now, code, side, typed, file, intake, "192.0.2.10")
