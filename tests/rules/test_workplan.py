"""What a plan lacks is told all at once, each at its place; the budget adds up to the cent or not at all."""

from __future__ import annotations

import copy
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.rules.workplan import MAX_ROWS, MAX_TEXT, Frame, Reading, clean_content, empty_content, read_plan

FRAME = Frame(Decimal("30000.00"), "USD", frozenset({"staff", "equipment"}), date(2026, 2, 23), date(2027, 11, 23))
PLAN: dict[str, Any] = {
    "summary": "Stock on a phone.",
    "activities": [
        {
            "title": "Interviews",
            "owner": "Ana",
            "starts_on": "2026-04-01",
            "ends_on": "2026-04-30",
            "deliverable": "Report",
        }
    ],
    "milestones": [{"title": "Needs known", "proof": "Report", "due_on": "2026-05-15"}],
    "budget": [
        {"category": "staff", "description": "Developers", "quantity": "4", "unit_cost": "5000.00", "own": ""},
        {"category": "equipment", "description": "Phones", "quantity": "10", "unit_cost": "1000.00", "own": ""},
        {"category": "staff", "description": "Our time", "quantity": "1", "unit_cost": "2500.00", "own": "1"},
    ],
}


def read(*path_and_value: object, plan: dict[str, Any] | None = None, frame: Frame = FRAME) -> Reading:
    """The plan with one value changed: ``read("budget", 0, "unit_cost", "4999.99")``."""
    content = copy.deepcopy(plan or PLAN)
    if path_and_value:
        *path, last, value = path_and_value
        target: Any = content
        for step in path:
            target = target[step]
        target[last] = value
    return read_plan(clean_content(content), frame)


def told(reading: Reading) -> list[tuple[str, str]]:
    return [(problem.place, str(problem.message)) for problem in reading.problems]


def test_a_whole_plan_has_no_problem_and_own_contributions_are_apart() -> None:
    reading = read()
    assert reading.problems == ()
    assert (reading.granted, reading.own) == (Decimal("30000.00"), Decimal("2500.00"))
    assert [line.amount for line in reading.lines] == [Decimal("20000.00"), Decimal("10000.00"), Decimal("2500.00")]


@pytest.mark.parametrize(
    ("cost", "words"),
    [("4999.9975", "too many decimals"), ("5000.01", "0.04 USD above"), ("4999.99", "0.04 USD below")],
)
def test_a_budget_that_does_not_add_up(cost: str, words: str) -> None:
    assert any(words in text for _place, text in told(read("budget", 0, "unit_cost", cost)))


@pytest.mark.parametrize(
    ("cost", "words"), [("2000.01", "0.01 USD above the award"), ("1999.99", "0.01 USD below the award")]
)
def test_one_cent_off_is_refused(cost: str, words: str) -> None:
    content = copy.deepcopy(PLAN)
    content["budget"].append(
        {"category": "staff", "description": "Travel", "quantity": "1", "unit_cost": cost, "own": ""}
    )
    content["budget"][0]["unit_cost"] = "4500"
    assert [place for place, text in told(read(plan=content)) if words in text] == ["budget"]


def test_an_own_contribution_never_makes_up_for_the_grant() -> None:
    reading = read("budget", 1, "own", "1")
    assert [place for place, text in told(reading) if "10000.00 USD below" in text] == ["budget"]


def test_an_empty_plan_is_told_everything_it_lacks() -> None:
    assert [place for place, _text in told(read_plan(empty_content(), FRAME))] == [
        "summary",
        "activities",
        "milestones",
        "budget",
    ]


@pytest.mark.parametrize(
    ("path", "value", "place", "words"),
    [
        (("summary",), " ", "summary", "Write a summary"),
        (("activities", 0, "title"), "", "activities-0-title", "Name the activity"),
        (("activities", 0, "owner"), "", "activities-0-owner", "who"),
        (("activities", 0, "starts_on"), "soon", "activities-0-starts_on", "is not a date"),
        (("activities", 0, "starts_on"), "2026-02-22", "activities-0-starts_on", "outside the award"),
        (("activities", 0, "ends_on"), "2026-03-31", "activities-0-ends_on", "before it starts"),
        (("activities", 0, "ends_on"), "2027-11-24", "activities-0-ends_on", "outside the award"),
        (("activities", 0, "deliverable"), "", "activities-0-deliverable", "what comes out"),
        (("milestones", 0, "proof"), "", "milestones-0-proof", "prove"),
        (("milestones", 0, "due_on"), "2026-02-30", "milestones-0-due_on", "is not a date"),
        (("milestones", 0, "due_on"), "", "milestones-0-due_on", "due"),
        (("budget", 2, "category"), "gold", "budget-2-category", "Choose a category"),
        (("budget", 2, "description"), "", "budget-2-description", "Describe"),
        (("budget", 2, "quantity"), "0", "budget-2-quantity", "greater than zero"),
        (("budget", 2, "quantity"), "-1", "budget-2-quantity", "is not an amount"),
        (("budget", 2, "unit_cost"), "1,000", "budget-2-unit_cost", "thousands separators"),
        (("budget", 2, "unit_cost"), "", "budget-2-unit_cost", "Give the unit cost"),
    ],
)
def test_each_wrong_field_is_named_with_its_remedy(
    path: tuple[object, ...], value: str, place: str, words: str
) -> None:
    found = told(read(*path, value))
    assert [(p, words in text) for p, text in found] == [(place, True)]


def test_currencies_keep_their_own_minor_units() -> None:
    yen = Frame(Decimal(30000), "JPY", FRAME.categories, FRAME.earliest, FRAME.latest)
    assert read("budget", 0, "unit_cost", "5000", plan=_whole(PLAN), frame=yen).problems == ()
    assert "have 0" in str(read("budget", 0, "unit_cost", "5000.5", plan=_whole(PLAN), frame=yen).problems[0].message)


def _whole(plan: dict[str, Any]) -> dict[str, Any]:
    return {**plan, "budget": [{**row, "unit_cost": row["unit_cost"].removesuffix(".00")} for row in plan["budget"]]}


def test_cleaning_drops_empty_rows_and_unknown_fields_and_nothing_that_was_typed() -> None:
    raw = {
        "summary": "  Kept as typed ",
        "activities": [{"title": " ", "owner": ""}, {"title": "Half", "colour": "red"}, "no row"][:2],
        "budget": [{"own": "1"}, {"unit_cost": "twelve"}],
        "extra": "no",
    }
    content = clean_content(raw)
    assert content["summary"] == "  Kept as typed "
    assert content["activities"] == [{"title": "Half", "owner": "", "starts_on": "", "ends_on": "", "deliverable": ""}]
    assert content["budget"] == [{"category": "", "description": "", "quantity": "", "unit_cost": "twelve", "own": ""}]
    assert set(content) == {"summary", "activities", "milestones", "budget"}


CELLS = st.text(max_size=30)
ANYTHING = st.fixed_dictionaries(
    {
        "summary": CELLS,
        "activities": st.lists(
            st.dictionaries(st.sampled_from(["title", "owner", "starts_on", "ends_on", "deliverable"]), CELLS),
            max_size=4,
        ),
        "milestones": st.lists(st.dictionaries(st.sampled_from(["title", "proof", "due_on"]), CELLS), max_size=4),
        "budget": st.lists(
            st.dictionaries(st.sampled_from(["category", "description", "quantity", "unit_cost", "own"]), CELLS),
            max_size=4,
        ),
    }
)


@given(ANYTHING)
def test_whatever_is_typed_is_read_without_an_error(raw: dict[str, Any]) -> None:
    content = clean_content(raw)
    assert clean_content(content) == content
    assert read_plan(content, FRAME).problems


@given(st.lists(st.decimals(Decimal("0.01"), Decimal(9999), places=2), min_size=1, max_size=12))
def test_lines_that_add_up_exactly_are_taken_and_a_cent_more_is_not(costs: list[Decimal]) -> None:
    budget = [{"category": "staff", "description": "Line", "quantity": "1", "unit_cost": str(cost)} for cost in costs]
    for extra, fine in ((Decimal(0), True), (Decimal("0.01"), False), (Decimal("-0.01"), False)):
        frame = Frame(sum(costs, extra), "USD", FRAME.categories, FRAME.earliest, FRAME.latest)
        assert (not read_plan(clean_content({**PLAN, "budget": budget}), frame).problems) is fine


def test_there_is_an_end_to_rows_and_text() -> None:
    content = clean_content({"summary": "x" * (MAX_TEXT + 1), "milestones": [{"title": "m"}] * (MAX_ROWS + 1)})
    assert len(str(content["summary"])) == MAX_TEXT
    assert isinstance(content["milestones"], list)
    assert len(content["milestones"]) == MAX_ROWS
