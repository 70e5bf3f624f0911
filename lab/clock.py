"""The only reader of the wall clock. ``LAB_NOW`` moves it, in the demonstration and in tests only."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_OFFSET = re.compile(r"([+-])(\d{1,5})([dhm])")
_UNITS = {"d": "days", "h": "hours", "m": "minutes"}
_shift = timedelta()
# The clock can be moved within these years: deadlines are computed from it, and have to stay instants.
YEARS = range(2000, 2101)


def wall() -> datetime:
    """The real instant (UTC), whatever ``LAB_NOW`` says: for leases and heartbeats between processes."""
    return datetime.now(UTC)


def now() -> datetime:
    """The programme's instant (UTC): the real one, moved by ``LAB_NOW``."""
    return wall() + _shift


def read_shift(spec: str, at: datetime) -> timedelta:
    """How far ``spec`` moves the clock: an offset (``+21d``, ``-3h``, ``+15m``) or an ISO instant with its zone.

    ``at`` is the instant (UTC) that an offset counts from. Raises ValueError with the remedy when it is neither, or
    leads out of the years 2000 to 2100.
    """
    offset = _OFFSET.fullmatch(spec)
    if offset:
        size = timedelta(**{_UNITS[offset[3]]: int(offset[2])})
        shift = -size if offset[1] == "-" else size
    else:
        shift = _instant(spec) - at
    if (at + shift).year not in YEARS:
        raise ValueError(f"{spec!r} leads to the year {(at + shift).year}: stay within {YEARS[0]} to {YEARS[-1]}")
    return shift


def _instant(spec: str) -> datetime:
    try:
        instant = datetime.fromisoformat(spec)
    except ValueError:
        raise ValueError(
            f"{spec!r} is neither an instant such as 2026-03-28T12:00:00+01:00 nor an offset such as +21d"
        ) from None
    if instant.tzinfo is None:
        raise ValueError(f"{spec!r} has no time zone: write for example {spec}+01:00 or {spec}Z")
    if instant.year not in YEARS:
        raise ValueError(f"{spec!r} is in the year {instant.year}: stay within {YEARS[0]} to {YEARS[-1]}")
    return instant.astimezone(UTC)


def move(spec: str) -> None:
    """Move the clock to, or by, ``spec``; an empty one puts it back. It goes on running from there."""
    global _shift
    _shift = read_shift(spec, wall()) if spec else timedelta()


def is_moved() -> bool:
    """Whether the clock shows another time than the real one."""
    return _shift != timedelta()
