"""The clock of the gate (guide §6): it runs while the team holds its plan, and stands still while the ILO does or suspends.

It never lapses an award: once it has run out, the officer owes a decision (``ObligationKind.DECIDE_EXPIRY``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from lab.rules.calendar import gate_deadline, last_day, local_day

# As many days as the officer adds at once, counted from the deadline or from today, whichever is later.
MAX_EXTENSION = 60


class ClockState(StrEnum):
    """What the clock does now."""

    RUNNING = "running"
    IN_REVIEW = "in_review"
    SUSPENDED = "suspended"
    EXPIRED = "expired"
    PASSED = "passed"


class PauseCause(StrEnum):
    """Why the clock stood still."""

    REVIEW = "review"
    SUSPENSION = "suspension"


@dataclass(frozen=True)
class Pause:
    """A time in which the clock stood still, UTC; ``ended_at`` is None while it does."""

    cause: PauseCause
    began_at: datetime
    ended_at: datetime | None

    def length(self, now: datetime) -> timedelta:
        """How long it lasted, or has lasted until ``now``."""
        return (self.ended_at or now) - self.began_at


@dataclass(frozen=True)
class Extension:
    """Calendar days that the officer ``by`` added at an instant, and why."""

    days: int
    reason: str
    by: str
    at: datetime


@dataclass(frozen=True)
class GateClock:
    """The clock at an instant. ``deadline`` is a midnight of the call's time zone, as UTC.

    ``left`` is the team's time: to the deadline while it runs, frozen since ``still_since`` while it stands still,
    zero once it has run out. ``late`` is how long ago that was. Pauses and extensions are in the order they came.
    """

    state: ClockState
    deadline: datetime
    left: timedelta
    late: timedelta
    still_since: datetime | None
    pauses: tuple[Pause, ...]
    extensions: tuple[Extension, ...]

    @property
    def days_added(self) -> int:
        """How many days all extensions have added."""
        return sum(extension.days for extension in self.extensions)


@dataclass(frozen=True)
class GateTerms:
    """What the clock starts from: the day of the notice, how many days the call gives, and its time zone."""

    notice_on: date
    days: int
    time_zone: str


def gate_clock(
    terms: GateTerms,
    now: datetime,
    pauses: Sequence[Pause] = (),
    extensions: Sequence[Extension] = (),
    *,
    passed: bool = False,
) -> GateClock:
    """The clock at ``now``, from everything that happened until then; ``passed`` once the plan is approved.

    Finished pauses and extensions move the deadline (see :func:`lab.rules.calendar.gate_deadline`), always onward. A
    pause that goes on freezes what is left. Once it ends, the deadline is later by the length of all pauses together,
    rounded up to a midnight once: what is left then differs from what was frozen by less than a day.
    """
    pauses = tuple(sorted(pauses, key=lambda pause: pause.began_at))
    days = sum(extension.days for extension in extensions)

    def deadline_at(at: datetime) -> datetime:
        ended = [(p.began_at, p.ended_at) for p in pauses if p.ended_at is not None and p.ended_at <= at]
        return gate_deadline(terms.notice_on, terms.days, terms.time_zone, ended, days)

    going_on = [pause for pause in pauses if pause.ended_at is None]
    since = _still_since(pauses, going_on)
    deadline = deadline_at(now)
    left = deadline - now if since is None else deadline_at(since) - since
    late = max(-left, timedelta())
    if passed:
        state = ClockState.PASSED
    elif going_on:
        suspended = any(pause.cause is PauseCause.SUSPENSION for pause in going_on)
        state = ClockState.SUSPENDED if suspended else ClockState.IN_REVIEW
    else:
        state = ClockState.RUNNING if left > timedelta() else ClockState.EXPIRED
    ordered = tuple(sorted(extensions, key=lambda extension: extension.at))
    return GateClock(state, deadline, max(left, timedelta()), late, since, pauses, ordered)


def _still_since(pauses: Sequence[Pause], going_on: Sequence[Pause]) -> datetime | None:
    """Since when the clock has stood still without a break: a suspension may begin in a review and outlast it.

    A pause that ended in the very instant is over: it has had its effect on the deadline.
    """
    if not going_on:
        return None
    since = min(pause.began_at for pause in going_on)
    for pause in sorted(pauses, key=lambda pause: pause.began_at, reverse=True):
        if pause.ended_at is not None and pause.began_at < since < pause.ended_at:
            since = pause.began_at
    return since


def days_to_add(deadline: datetime, now: datetime, time_zone: str) -> tuple[int, int]:
    """The fewest days that bring ``deadline`` (UTC) behind ``now``, at least one; and the most that are added at once."""
    late = max(0, (local_day(now, time_zone) - last_day(deadline, time_zone)).days)
    return max(1, late), late + MAX_EXTENSION


@dataclass(frozen=True)
class ReviewClock:
    """The ILO's own time for a version: ``left`` of ``days`` whole days, or how ``late`` it is; one of the two is zero."""

    due_at: datetime
    days: int
    left: timedelta
    late: timedelta


def review_clock(opened_at: datetime, due_at: datetime, time_zone: str, now: datetime) -> ReviewClock:
    """The clock of a review that was asked for at ``opened_at`` and is owed by ``due_at`` (UTC)."""
    days = (last_day(due_at, time_zone) - local_day(opened_at, time_zone)).days
    return ReviewClock(due_at, days, max(due_at - now, timedelta()), max(now - due_at, timedelta()))
