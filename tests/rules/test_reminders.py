"""The ladder: each rung at eight in the morning of the call, the newest only, never from before the thing was owed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.rules.calendar import end_of_day
from lab.rules.calls import ReminderLadder
from lab.rules.obligations import Party
from lab.rules.reminders import due_rung, rung_at, rungs, told

GENEVA = "Europe/Zurich"
LADDER = ReminderLadder(
    before=(14, 7, 3, 1), on_day=True, after=(1, 3, 7), officer_after_days=3, committee_after_days=14
)
DUE = end_of_day(date(2026, 3, 16), GENEVA)
LONG_AGO = DUE - timedelta(days=100)
MINUTE = timedelta(minutes=1)


def test_the_rungs_of_the_default_ladder_and_the_days_on_which_others_are_told() -> None:
    assert rungs(LADDER) == (-14, -7, -3, -1, 0, 1, 3, 7, 14)
    quiet = ReminderLadder(before=(), on_day=False, after=(), officer_after_days=3, committee_after_days=14)
    assert rungs(quiet) == (3, 14)


@pytest.mark.parametrize(
    ("last_day", "rung", "zone", "at"),
    [
        # Winter time: eight is seven in UTC.
        (date(2026, 3, 16), -1, GENEVA, datetime(2026, 3, 15, 7, tzinfo=UTC)),
        (date(2026, 3, 16), 0, GENEVA, datetime(2026, 3, 16, 7, tzinfo=UTC)),
        (date(2026, 3, 16), 1, GENEVA, datetime(2026, 3, 17, 7, tzinfo=UTC)),
        # Summer time begins on 28 March 2027 and ends on 25 October 2026: eight stays eight.
        (date(2027, 3, 28), -1, GENEVA, datetime(2027, 3, 27, 7, tzinfo=UTC)),
        (date(2027, 3, 28), 0, GENEVA, datetime(2027, 3, 28, 6, tzinfo=UTC)),
        (date(2026, 10, 25), -1, GENEVA, datetime(2026, 10, 24, 6, tzinfo=UTC)),
        (date(2026, 10, 25), 0, GENEVA, datetime(2026, 10, 25, 7, tzinfo=UTC)),
        # Over the end of February of a leap year.
        (date(2028, 3, 1), -1, GENEVA, datetime(2028, 2, 29, 7, tzinfo=UTC)),
        (date(2026, 3, 16), 0, "America/Lima", datetime(2026, 3, 16, 13, tzinfo=UTC)),
    ],
)
def test_a_rung_is_at_eight_in_the_morning_of_the_call(last_day: date, rung: int, zone: str, at: datetime) -> None:
    assert rung_at(end_of_day(last_day, zone), rung, zone) == at


@pytest.mark.parametrize(
    ("now", "rung"),
    [
        (datetime(2026, 3, 2, 6, 59, tzinfo=UTC), None),
        (datetime(2026, 3, 2, 7, tzinfo=UTC), -14),
        (datetime(2026, 3, 9, 6, 59, tzinfo=UTC), -14),
        (datetime(2026, 3, 9, 7, tzinfo=UTC), -7),
        (datetime(2026, 3, 16, 7, tzinfo=UTC), 0),
        (datetime(2026, 3, 16, 23, tzinfo=UTC), 0),
        (datetime(2026, 3, 17, 7, tzinfo=UTC), 1),
        (datetime(2026, 3, 30, 5, 59, tzinfo=UTC), 7),
        # The thirtieth is in summer time.
        (datetime(2026, 3, 30, 6, tzinfo=UTC), 14),
        (datetime(2027, 3, 30, 6, tzinfo=UTC), 14),
    ],
)
def test_the_newest_rung_that_has_come(now: datetime, rung: int | None) -> None:
    assert due_rung(DUE, LONG_AGO, LADDER, GENEVA, (), now) == rung


def test_each_once_and_what_an_outage_missed_is_folded() -> None:
    now = rung_at(DUE, -1, GENEVA)
    assert due_rung(DUE, LONG_AGO, LADDER, GENEVA, {-14}, now) == -1, "minus seven and minus three are folded into it"
    assert due_rung(DUE, LONG_AGO, LADDER, GENEVA, {-14, -1}, now) is None
    assert due_rung(DUE, LONG_AGO, LADDER, GENEVA, {-1}, now + timedelta(hours=23)) is None
    assert due_rung(DUE, LONG_AGO, LADDER, GENEVA, {-1}, now + timedelta(days=1)) == 0
    # A clock that was put back does not bring an earlier rung.
    assert due_rung(DUE, LONG_AGO, LADDER, GENEVA, {0}, now) is None


def test_nothing_from_before_it_was_owed() -> None:
    opened = rung_at(DUE, -3, GENEVA) + MINUTE
    assert due_rung(DUE, opened, LADDER, GENEVA, (), opened) is None
    assert due_rung(DUE, opened, LADDER, GENEVA, (), rung_at(DUE, -1, GENEVA)) == -1
    assert due_rung(DUE, opened - MINUTE, LADDER, GENEVA, (), opened) == -3


@given(
    st.lists(st.timedeltas(timedelta(days=-20), timedelta(days=20)), min_size=1, max_size=40),
    st.timedeltas(timedelta(days=-40), timedelta(days=2)),
)
def test_however_often_the_sweep_runs_each_rung_is_sent_once_and_in_order(
    sweeps: list[timedelta], opened: timedelta
) -> None:
    sent: list[int] = []
    for offset in sorted(sweeps):
        rung = due_rung(DUE, DUE + opened, LADDER, GENEVA, sent, DUE + offset)
        if rung is not None:
            sent.append(rung)
            assert DUE + opened <= rung_at(DUE, rung, GENEVA) <= DUE + offset
    assert sent == sorted(set(sent))


@pytest.mark.parametrize(
    ("rung", "others"),
    [
        (-14, set()),
        (0, set()),
        (1, set()),
        (3, {Party.OFFICER}),
        (7, {Party.OFFICER}),
        (14, {Party.OFFICER, Party.COMMITTEE}),
    ],
)
@pytest.mark.parametrize("owner", Party)
def test_who_is_told(owner: Party, rung: int, others: set[Party]) -> None:
    assert told(owner, rung, LADDER) == {owner} | others
