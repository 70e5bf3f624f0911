"""The clock: what moves it, that it goes on running, and what it refuses to be moved to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from lab import clock
from lab.models.base import Instant

AT = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _put_back() -> object:
    yield
    clock.move("")


@pytest.mark.parametrize(
    ("spec", "shift"),
    [
        ("+21d", timedelta(days=21)),
        ("-3h", timedelta(hours=-3)),
        ("+15m", timedelta(minutes=15)),
        ("+0d", timedelta()),
        ("2026-03-02T12:00:00Z", timedelta()),
        ("2026-03-02T12:00:00+00:00", timedelta()),
        # Noon in Geneva is eleven o'clock UTC in winter and ten in summer.
        ("2026-03-02T12:00:00+01:00", timedelta(hours=-1)),
        ("2026-03-29T12:00:00+02:00", timedelta(days=27, hours=-2)),
    ],
)
def test_offsets_and_instants(spec: str, shift: timedelta) -> None:
    assert clock.read_shift(spec, AT) == shift


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("2026-03-02T12:00:00", "no time zone"),
        ("2026-03-02", "no time zone"),
        ("2026-02-30T12:00:00Z", "neither"),
        ("21d", "neither"),
        ("+21", "neither"),
        ("+21w", "neither"),
        ("+ 21d", "neither"),
        ("+123456d", "neither"),
        ("now", "neither"),
        ("+99999d", "2000 to 2100"),
        ("-99999d", "2000 to 2100"),
        # Neither fits a datetime in UTC.
        ("0001-01-01T00:00:00+14:00", "2000 to 2100"),
        ("9999-12-31T23:59:59-12:00", "2000 to 2100"),
    ],
)
def test_what_is_no_shift(spec: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        clock.read_shift(spec, AT)


def test_a_moved_clock_goes_on_running_and_the_wall_does_not_move() -> None:
    assert not clock.is_moved()
    clock.move("2027-03-28T00:59:59+01:00")
    first = clock.now()
    assert clock.is_moved()
    assert timedelta(0) <= first - datetime(2027, 3, 27, 23, 59, 59, tzinfo=UTC) < timedelta(seconds=5)
    assert clock.now() > first
    assert abs(clock.wall() - datetime.now(UTC)) < timedelta(seconds=5)
    clock.move("")
    assert not clock.is_moved() and abs(clock.now() - clock.wall()) < timedelta(seconds=5)


def test_a_shift_that_is_refused_leaves_the_clock_where_it_was() -> None:
    clock.move("+1d")
    with pytest.raises(ValueError, match="neither"):
        clock.move("yesterday")
    assert timedelta(hours=23) < clock.now() - clock.wall() <= timedelta(days=1, seconds=1)


def test_instants_are_aware_and_in_utc() -> None:
    for instant in (clock.now(), clock.wall()):
        assert instant.tzinfo is UTC


def test_no_column_takes_a_naive_instant() -> None:
    from sqlalchemy.dialects import postgresql, sqlite

    column = Instant()
    for dialect in (sqlite.dialect(), postgresql.dialect()):
        with pytest.raises(ValueError, match="naive"):
            column.process_bind_param(AT.replace(tzinfo=None), dialect)
        local = datetime.fromisoformat("2026-03-02T13:00:00+01:00")
        kept = column.process_bind_param(local, dialect)
        back = column.process_result_value(kept, dialect)
        assert back == AT and back.tzinfo is UTC
