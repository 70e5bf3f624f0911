"""Deadlines end at midnight in the call's time zone, on days of 23 and 25 hours too."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.rules.calendar import add_months, days_after, end_of_day, gate_deadline, last_day, paused_time

GENEVA = "Europe/Zurich"
ZONES = st.sampled_from([GENEVA, "America/Guayaquil", "America/Sao_Paulo", "Pacific/Apia", "Asia/Kathmandu", "UTC"])
DAYS = st.dates(date(2021, 1, 1), date(2030, 12, 31))
INSTANTS = st.datetimes(datetime(2021, 1, 1), datetime(2030, 12, 31), timezones=st.just(UTC))
PAUSES = st.lists(
    st.tuples(INSTANTS, st.timedeltas(timedelta(0), timedelta(days=60))).map(lambda p: (p[0], p[0] + p[1])), max_size=5
)


@pytest.mark.parametrize(
    ("notice_on", "deadline"),
    [
        # Twenty-one days that end on the day on which summer time begins: the day has 23 hours.
        (date(2027, 3, 7), datetime(2027, 3, 28, 22, tzinfo=UTC)),
        # The day before: still winter time.
        (date(2027, 3, 6), datetime(2027, 3, 27, 23, tzinfo=UTC)),
        # ... and on which it ends: the day has 25 hours.
        (date(2026, 10, 4), datetime(2026, 10, 25, 23, tzinfo=UTC)),
        (date(2026, 10, 3), datetime(2026, 10, 24, 22, tzinfo=UTC)),
        # Over the end of February in a leap year.
        (date(2028, 2, 8), datetime(2028, 2, 29, 23, tzinfo=UTC)),
    ],
)
def test_the_21st_day_ends_at_midnight_in_geneva(notice_on: date, deadline: datetime) -> None:
    assert gate_deadline(notice_on, 21, GENEVA) == deadline
    assert last_day(deadline, GENEVA) == notice_on + timedelta(days=21)


@given(DAYS, st.integers(1, 60), ZONES, PAUSES, st.integers(0, 90))
def test_a_deadline_is_always_a_midnight_of_the_call(
    notice_on: date, days: int, zone: str, pauses: list[tuple[datetime, datetime]], extra: int
) -> None:
    deadline = gate_deadline(notice_on, days, zone, pauses, extra)
    local = deadline.astimezone(ZoneInfo(zone))
    # A midnight that the clocks skip (São Paulo, once) is the first instant of its day.
    assert local.time() == time() or end_of_day(last_day(deadline, zone), zone) == deadline
    assert deadline >= days_after(notice_on, days, zone)


@given(DAYS, st.integers(1, 60), ZONES, PAUSES, st.integers(0, 90), st.integers(0, 30))
def test_more_days_or_more_pauses_never_bring_it_forward(
    notice_on: date, days: int, zone: str, pauses: list[tuple[datetime, datetime]], extra: int, more: int
) -> None:
    deadline = gate_deadline(notice_on, days, zone, pauses, extra)
    assert gate_deadline(notice_on, days, zone, pauses, extra + more) >= deadline
    assert gate_deadline(notice_on, days + more, zone, pauses, extra) >= deadline
    assert gate_deadline(notice_on + timedelta(days=more), days, zone, pauses, extra) >= deadline
    assert gate_deadline(notice_on, days, zone, pauses[:1], extra) <= deadline


@given(PAUSES)
def test_overlapping_pauses_count_once(pauses: list[tuple[datetime, datetime]]) -> None:
    total = paused_time(pauses)
    assert total == paused_time([*pauses, *pauses]) == paused_time(reversed(pauses))
    assert total <= sum((end - start for start, end in pauses), timedelta())


def test_a_review_of_some_hours_gives_the_rest_of_the_day_back() -> None:
    review = (datetime(2026, 3, 10, 9, tzinfo=UTC), datetime(2026, 3, 12, 10, tzinfo=UTC))
    plain = gate_deadline(date(2026, 2, 23), 21, GENEVA)
    assert plain == datetime(2026, 3, 16, 23, tzinfo=UTC)
    # Two days and an hour: the third day that it reaches into is theirs as well.
    assert gate_deadline(date(2026, 2, 23), 21, GENEVA, [review]) == datetime(2026, 3, 19, 23, tzinfo=UTC)


def test_a_month_without_the_day_ends_on_its_last() -> None:
    assert add_months(date(2027, 1, 31), 1) == date(2027, 2, 28)
    assert add_months(date(2028, 1, 31), 1) == date(2028, 2, 29)
    assert add_months(date(2028, 2, 29), 12) == date(2029, 2, 28)
