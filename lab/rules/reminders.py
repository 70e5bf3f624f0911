"""Which reminder of an obligation is due now, and who gets it. Plain: one newest rung at a time, each once."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from lab.rules.calendar import last_day
from lab.rules.calls import ReminderLadder
from lab.rules.obligations import Party

DECENT_HOUR = time(8)


def rungs(ladder: ReminderLadder) -> tuple[int, ...]:
    """The ladder's days relative to the last day, ascending, with the days on which others are told."""
    return tuple(sorted({*ladder.rungs(), ladder.officer_after_days, ladder.committee_after_days}))


def rung_at(due_at: datetime, rung: int, time_zone: str) -> datetime:
    """The instant (UTC) of ``rung``: eight in the morning in ``time_zone``, ``rung`` days from the last day."""
    day = last_day(due_at, time_zone) + timedelta(days=rung)
    return datetime.combine(day, DECENT_HOUR, ZoneInfo(time_zone)).astimezone(UTC)


def due_rung(
    due_at: datetime, opened_at: datetime, ladder: ReminderLadder, time_zone: str, sent: Collection[int], now: datetime
) -> int | None:
    """The newest rung whose instant has come since the obligation was opened, unless it or a later one was sent already.

    Older rungs that were missed (an outage) are folded into it.
    """
    passed = [rung for rung in rungs(ladder) if opened_at <= rung_at(due_at, rung, time_zone) <= now]
    if not passed or any(rung >= passed[-1] for rung in sent):
        return None
    return passed[-1]


def told(owner: Party, rung: int, ladder: ReminderLadder) -> frozenset[Party]:
    """Who gets the mail of ``rung``: the owner; from the call's days late the officer, then the committee as well."""
    parties = {owner}
    if rung >= ladder.officer_after_days:
        parties.add(Party.OFFICER)
    if rung >= ladder.committee_after_days:
        parties.add(Party.COMMITTEE)
    return frozenset(parties)
