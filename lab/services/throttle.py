"""Counting tries in the database, so that all processes count together."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from math import ceil

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from lab.models import Throttle
from lab.rules import throttle as rules
from lab.rules.errors import TooMany
from lab.rules.throttle import Bucket, Try
from lab.services.steps import session


def _rows(tries: Iterable[Try], wall: datetime) -> list[tuple[Try, Throttle]]:
    """The rows of ``tries``, made and locked, in the order of their keys: two processes never wait for each other."""
    ordered = sorted(tries, key=lambda item: item.key)
    insert = postgresql_insert if session().get_bind().dialect.name == "postgresql" else sqlite_insert
    new = insert(Throttle).values([{"key": item.key, "full_at": wall} for item in ordered])
    # A row that is there is locked by being set to what it is: the scheduler may be forgetting it at this moment.
    session().execute(new.on_conflict_do_update(index_elements=[Throttle.key], set_={"key": new.excluded.key}))
    rows = session().scalars(
        select(Throttle)
        .where(Throttle.key.in_([item.key for item in ordered]))
        .execution_options(populate_existing=True)
    )
    found = {row.key: row for row in rows}
    return [(item, found[item.key]) for item in ordered]


def take(tries: Iterable[Try], wall: datetime) -> None:
    """Count one try in every bucket, before it is looked at, and commit: it stands whatever comes of it.

    ``wall`` is the real instant (UTC). Raises TooMany, and counts nothing, when one of the buckets is used up.
    """
    rows = _rows(tries, wall)
    counted = [(row, *rules.take(row.full_at, item.limit, wall)) for item, row in rows]
    wait = max(wait for _row, _after, wait in counted)
    if wait > timedelta():
        session().rollback()
        raise TooMany(ceil(wait.total_seconds()))
    for row, after, _wait in counted:
        row.full_at = after
    session().commit()


def forgive(tries: Iterable[Try], wall: datetime) -> None:
    """What was tried succeeded: its own bucket is full again, and those shared with others get their one try back.

    In the running transaction; the caller commits.
    """
    for item, row in _rows(tries, wall):
        own = item.bucket in (Bucket.PAIR, Bucket.DEVICE)
        row.full_at = wall if own else rules.give_back(row.full_at, item.limit)


def forget_full(wall: datetime) -> None:
    """Forget the buckets that are full again. Commits."""
    # Not those that somebody's try holds locked, in an order of its own.
    full = select(Throttle.key).where(Throttle.full_at < wall).with_for_update(skip_locked=True)
    session().execute(delete(Throttle).where(Throttle.key.in_(full)))
    session().commit()
