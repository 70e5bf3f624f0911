"""The meter counts what the server checks: it is full exactly when a plan can be submitted."""

from __future__ import annotations

from typing import Any

from hypothesis import given

from lab.rules.completeness import Completeness, completeness_of
from lab.rules.workplan import read_plan
from lab.rules.workplan_content import clean_content, empty_content
from tests.rules.test_workplan import ANYTHING, FRAME, PLAN, read


def numbers(found: Completeness) -> dict[str, tuple[int, int]]:
    return {meter.section: (meter.there, meter.asked) for meter in found.meters}


def test_an_empty_plan_has_nothing_in_order() -> None:
    found = completeness_of(read_plan(empty_content(), FRAME))
    assert numbers(found) == dict.fromkeys(("summary", "activities", "milestones", "budget"), (0, 1))
    assert (found.there, found.asked, found.whole) == (0, 4, False)


def test_a_whole_plan_has_everything_in_order() -> None:
    found = completeness_of(read())
    # A list counts one, an activity six, a milestone four, a line four.
    assert numbers(found) == {"summary": (1, 1), "activities": (7, 7), "milestones": (5, 5), "budget": (13, 13)}
    assert found.whole


def test_one_thing_missing_is_one_thing_less() -> None:
    assert numbers(completeness_of(read("activities", 0, "owner", "")))["activities"] == (6, 7)
    assert numbers(completeness_of(read("budget", 0, "unit_cost", "4999")))["budget"] == (12, 13)
    assert numbers(completeness_of(read("activities", 0, "ends_on", "2026-03-01")))["activities"] == (6, 7)


@given(ANYTHING)
def test_the_meter_is_full_exactly_when_there_is_no_problem(raw: dict[str, Any]) -> None:
    reading = read_plan(clean_content(raw), FRAME)
    found = completeness_of(reading)
    assert 0 <= found.there <= found.asked
    assert found.whole is (not reading.problems)
    assert found.asked - found.there == len({problem.place for problem in reading.problems})
    assert completeness_of(read_plan(PLAN, FRAME)).whole
