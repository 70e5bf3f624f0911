"""Deadlines: whole days in the call's time zone, ending at midnight there (guide §8); results are UTC instants."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from dateutil.relativedelta import relativedelta

# The guide says Geneva where the time zone database says Zurich.
_CITIES = {"Europe/Zurich": "Geneva"}


def city(time_zone: str) -> str:
    """The city that stands for a time zone."""
    return _CITIES.get(time_zone, time_zone.rsplit("/", 1)[-1].replace("_", " "))


def end_of_day(day: date, time_zone: str) -> datetime:
    """The instant (UTC) at which ``day`` ends in ``time_zone``: the midnight that follows it.

    A thing handed in strictly before it is in time. Days of 23 and 25 hours end where the wall clock says.
    """
    return datetime.combine(day + timedelta(days=1), time(), ZoneInfo(time_zone)).astimezone(UTC)


def last_day(due_at: datetime, time_zone: str) -> date:
    """The calendar day in ``time_zone`` that a deadline ends: the inverse of :func:`end_of_day`."""
    return (due_at - timedelta(microseconds=1)).astimezone(ZoneInfo(time_zone)).date()


def local_day(at: datetime, time_zone: str) -> date:
    """The calendar day in ``time_zone`` at instant ``at``."""
    return at.astimezone(ZoneInfo(time_zone)).date()


def days_after(day: date, days: int, time_zone: str) -> datetime:
    """The end of the ``days``-th day after ``day``, as a UTC instant."""
    return end_of_day(day + timedelta(days=days), time_zone)


def add_months(day: date, months: int) -> date:
    """``day`` some months later; a day that the month lacks becomes its last (31 January + 1 month = 28 or 29 February)."""
    return day + relativedelta(months=months)


def paused_time(pauses: Iterable[tuple[datetime, datetime]]) -> timedelta:
    """Total length of the pauses, counting overlaps once. Each is (from, to), UTC."""
    total, reach = timedelta(), None
    for start, end in sorted(pauses):
        begin = start if reach is None else max(start, reach)
        if end > begin:
            total += end - begin
            reach = end
    return total


def gate_deadline(
    notice_on: date,
    days: int,
    time_zone: str,
    pauses: Iterable[tuple[datetime, datetime]] = (),
    extension_days: int = 0,
) -> datetime:
    """The workplan's deadline (guide §6): the end of day ``days`` after the notice, midnight in ``time_zone``.

    Finished ``pauses`` (reviews by the ILO, suspensions) push it by their length, rounded up to the end of the day they
    reach, so that every deadline is a midnight; ``extension_days`` are added as calendar days. Returns UTC.
    """
    due = days_after(notice_on, days + extension_days, time_zone)
    paused = paused_time(pauses)
    if not paused:
        return due
    return end_of_day(last_day(due + paused, time_zone), time_zone)
