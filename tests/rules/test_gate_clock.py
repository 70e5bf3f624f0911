"""The gate's clock: under any order of what can happen, over both changes of the clocks, it only ever moves onward."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.rules.calendar import gate_deadline
from lab.rules.gate_clock import ClockState, Extension, GateClock, GateTerms, Pause, PauseCause, days_to_add, gate_clock

GENEVA = ZoneInfo("Europe/Zurich")
TERMS = GateTerms(date(2026, 2, 23), 21, "Europe/Zurich")
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
REVIEW, SUSPENSION = PauseCause.REVIEW, PauseCause.SUSPENSION


def days(number: float) -> timedelta:
    return timedelta(days=number)


def test_it_runs_to_the_midnight_after_the_last_day() -> None:
    clock = gate_clock(TERMS, NOON)
    assert clock.state is ClockState.RUNNING and clock.still_since is None
    assert clock.deadline == datetime(2026, 3, 16, 23, tzinfo=UTC)
    assert (clock.left, clock.late) == (timedelta(days=14, hours=11), timedelta())
    assert gate_clock(TERMS, clock.deadline - timedelta(microseconds=1)).state is ClockState.RUNNING
    at_midnight = gate_clock(TERMS, clock.deadline)
    assert (at_midnight.state, at_midnight.left) == (ClockState.EXPIRED, timedelta())


def test_what_is_left_is_frozen_in_a_review_and_there_again_after_it() -> None:
    began = NOON + days(3)
    review = Pause(REVIEW, began, None)
    for later in (0, 0.5, 2, 40):
        clock = gate_clock(TERMS, began + days(later), [review])
        assert (clock.state, clock.left, clock.still_since) == (
            ClockState.IN_REVIEW,
            timedelta(days=11, hours=11),
            began,
        )
        assert review.length(began + days(later)) == days(later)
    back = gate_clock(TERMS, began + days(2.25), [replace(review, ended_at=began + days(2.25))])
    assert back.state is ClockState.RUNNING
    # Six hours of the review go beyond a midnight: the team gets that day whole.
    assert back.deadline == datetime(2026, 3, 19, 23, tzinfo=UTC) and back.left >= timedelta(days=11, hours=11)


def test_a_suspension_in_a_review_that_outlasts_it() -> None:
    began = NOON + days(1)
    pauses = [Pause(REVIEW, began, began + days(3)), Pause(SUSPENSION, began + days(2), None)]
    clock = gate_clock(TERMS, began + days(9), pauses)
    assert (clock.state, clock.still_since) == (ClockState.SUSPENDED, began)
    assert clock.left == gate_clock(TERMS, began).left


def test_once_it_has_run_out_an_extension_sets_it_going_again() -> None:
    late = gate_clock(TERMS, datetime(2026, 3, 18, 23, tzinfo=UTC))
    assert (late.state, late.left, late.late) == (ClockState.EXPIRED, timedelta(), days(2))
    more = [Extension(4, "Floods", "Olivia", NOON + days(16)), Extension(3, "Holidays", "Olivia", NOON + days(1))]
    clock = gate_clock(TERMS, datetime(2026, 3, 18, 23, tzinfo=UTC), (), more)
    assert (clock.state, clock.left, clock.days_added) == (ClockState.RUNNING, days(5), 7)
    assert [extension.reason for extension in clock.extensions] == ["Holidays", "Floods"]


@pytest.mark.parametrize(
    ("now", "least", "most"),
    [
        ("2026-03-10T12:00:00", 1, 60),
        ("2026-03-16T22:59:59", 1, 60),
        # Midnight in Geneva: the day after the last one has begun.
        ("2026-03-16T23:00:00", 1, 61),
        ("2026-03-20T12:00:00", 4, 64),
        # Summer time has begun.
        ("2026-04-15T21:59:59", 30, 90),
        ("2026-04-15T22:00:00", 31, 91),
    ],
)
def test_the_days_that_bring_the_deadline_behind_today(now: str, least: int, most: int) -> None:
    at, deadline = datetime.fromisoformat(now).replace(tzinfo=UTC), gate_clock(TERMS, NOON).deadline
    assert days_to_add(deadline, at, TERMS.time_zone) == (least, most)
    assert gate_deadline(TERMS.notice_on, TERMS.days, TERMS.time_zone, (), least) > at
    assert least == 1 or gate_deadline(TERMS.notice_on, TERMS.days, TERMS.time_zone, (), least - 1) <= at


def test_behind_the_gate_it_is_passed() -> None:
    assert gate_clock(TERMS, NOON, passed=True).state is ClockState.PASSED


@pytest.mark.parametrize(
    ("notice_on", "deadline"),
    [(date(2027, 3, 7), datetime(2027, 3, 28, 22, tzinfo=UTC)), (date(2026, 10, 4), datetime(2026, 10, 25, 23, tzinfo=UTC))],
)  # fmt: skip
def test_on_the_days_on_which_the_clocks_change(notice_on: date, deadline: datetime) -> None:
    clock = gate_clock(replace(TERMS, notice_on=notice_on), deadline - timedelta(hours=26))
    # The last day has 23 or 25 hours; what is left is true time.
    assert (clock.deadline, clock.left) == (deadline, timedelta(hours=26))


# Any order of what can happen -----------------------------------------------------------------------------------------

ACTS = st.tuples(
    st.sampled_from(["submit", "review", "extend", "suspend", "resume"]),
    st.integers(0, 9 * 24 * 60),  # minutes since the last
    st.integers(1, 60),  # days, of an extension
)
NOTICES = st.one_of(
    st.dates(date(2021, 1, 1), date(2030, 12, 1)),
    # Weeks before each change of the clocks, so that the gate lies across it.
    st.integers(0, 40).map(lambda n: date(2027, 3, 28) - timedelta(days=n)),
    st.integers(0, 40).map(lambda n: date(2026, 10, 25) - timedelta(days=n)),
)


@dataclass
class Gate:
    """An award at the gate as its people move it: what is not their turn does nothing."""

    terms: GateTerms
    now: datetime
    reviews: list[Pause] = field(default_factory=list)
    suspensions: list[Pause] = field(default_factory=list)
    extensions: list[Extension] = field(default_factory=list)

    def clock(self, later: timedelta = timedelta()) -> GateClock:
        return gate_clock(self.terms, self.now + later, [*self.reviews, *self.suspensions], self.extensions)

    def act(self, what: str, more: int) -> None:
        state = self.clock().state
        suspended, reviewed = state is ClockState.SUSPENDED, bool(self.reviews) and self.reviews[-1].ended_at is None
        if what == "submit" and state is ClockState.RUNNING:
            self.reviews.append(Pause(REVIEW, self.now, None))
        elif what == "review" and reviewed and not suspended:
            self.reviews[-1] = replace(self.reviews[-1], ended_at=self.now)
        elif what == "suspend" and not suspended:
            self.suspensions.append(Pause(SUSPENSION, self.now, None))
        elif what == "resume" and suspended:
            self.suspensions[-1] = replace(self.suspensions[-1], ended_at=self.now)
        elif what == "extend":
            self.extensions.append(Extension(more, "Reason", "Officer", self.now))


def plainly(gate: Gate) -> datetime:
    """The deadline counted by hand: minute by minute which of them were stood still, then day by day to a midnight."""
    still: set[int] = set()
    origin = datetime(2020, 1, 1, tzinfo=UTC)
    for pause in (*gate.reviews, *gate.suspensions):
        if pause.ended_at is not None:
            first, last = (
                (pause.began_at - origin) // timedelta(minutes=1),
                (pause.ended_at - origin) // timedelta(minutes=1),
            )
            still.update(range(first, last))  # fmt: skip
    day = gate.terms.notice_on
    for _ in range(gate.terms.days + sum(extension.days for extension in gate.extensions) + 1):
        day += timedelta(days=1)

    def midnight() -> datetime:
        return datetime.combine(day, time(), GENEVA).astimezone(UTC)

    wanted = midnight() + timedelta(minutes=len(still))
    while midnight() < wanted:
        day += timedelta(days=1)
    return midnight()


@given(NOTICES, st.integers(1, 30), st.lists(ACTS, max_size=12))
def test_whatever_happens_the_deadline_only_moves_onward_and_is_what_a_plain_count_gives(
    notice_on: date, given_days: int, acts: list[tuple[str, int, int]]
) -> None:
    start = datetime.combine(notice_on, time(9), GENEVA).astimezone(UTC)
    gate = Gate(GateTerms(notice_on, given_days, "Europe/Zurich"), start)
    before = gate.clock()
    for what, minutes, more in acts:
        gate.now += timedelta(minutes=minutes)
        waited = gate.clock()
        assert waited.deadline == before.deadline, "time alone moves no deadline"
        if waited.state in (ClockState.RUNNING, ClockState.EXPIRED):
            assert waited.left == max(before.left - timedelta(minutes=minutes), timedelta())
        else:
            assert waited.left == before.left, "it stands still"
        gate.act(what, more)
        clock = gate.clock()
        assert clock.deadline >= waited.deadline
        # Pauses are rounded up to a midnight together, so a second one can use up the rest of the day that the first
        # had given; nothing that anybody does takes more than that from the team.
        assert clock.left > waited.left - timedelta(hours=25)
        if len(both := [*gate.reviews, *gate.suspensions]) < 2:
            assert clock.left >= waited.left
        assert clock.deadline == plainly(gate)
        ended = [(pause.began_at, pause.ended_at) for pause in both if pause.ended_at is not None]
        assert clock.deadline == gate_deadline(notice_on, given_days, "Europe/Zurich", ended, clock.days_added)
        before = clock


@given(NOTICES, st.lists(ACTS, max_size=8), st.integers(0, 100_000), st.integers(0, 100_000))
def test_between_two_looks_at_a_running_clock_there_is_never_more_left(
    notice_on: date, acts: list[tuple[str, int, int]], one: int, more: int
) -> None:
    start = datetime.combine(notice_on, time(9), GENEVA).astimezone(UTC)
    gate = Gate(GateTerms(notice_on, 21, "Europe/Zurich"), start)
    for what, minutes, extra in acts:
        gate.now += timedelta(minutes=minutes)
        gate.act(what, extra)
    first, second = gate.clock(timedelta(minutes=one)), gate.clock(timedelta(minutes=one + more))
    assert second.left <= first.left and second.deadline == first.deadline
    assert (second.state is ClockState.EXPIRED) or second.state is first.state
