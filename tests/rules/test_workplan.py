"""What a plan lacks is told all at once, each at its place; the budget adds up to the cent or not at all."""

from __future__ import annotations

import copy
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.rules.completeness import completeness_of
from lab.rules.workplan import Frame, Reading, read_plan
from lab.rules.workplan_content import MAX_ROWS, MAX_TEXT, ROW_FIELDS, clean_content, empty_content

FRAME = Frame(
    Decimal("30000.00"), "USD", frozenset({"staff", "equipment"}), date(2026, 2, 23), date(2027, 11, 23), date(2026, 11, 23)
)  # fmt: skip
PLAN: dict[str, Any] = {
    "summary": "Stock on a phone.",
    "activities": [
        {
            "id": "a1",
            "title": "Interviews",
            "owner": "Ana",
            "starts_on": "2026-04-01",
            "ends_on": "2026-04-30",
            "deliverable": "Report",
            "milestone": "m1",
        }
    ],
    "milestones": [
        {"id": "m1", "stage": "prototyping", "title": "Needs known", "proof": "Report", "due_on": "2026-05-15"}
    ],
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


@pytest.mark.parametrize(("leads_to", "words"), [("", "Choose the milestone"), ("m9", "no longer in the plan")])
def test_an_activity_names_the_milestone_that_it_leads_to(leads_to: str, words: str) -> None:
    (activity, text), (milestone, _text) = told(read("activities", 0, "milestone", leads_to))
    assert (activity, words in text) == ("activities-0-milestone", True)
    assert milestone == "milestones-0-title", "which nothing leads to then"


def test_a_milestone_that_no_activity_leads_to_is_told() -> None:
    plan = copy.deepcopy(PLAN)
    plan["milestones"].append(plan["milestones"][0] | {"id": "m2"})
    reading = read(plan=plan)
    assert told(reading) == [
        ("milestones-1-title", "No activity leads to this milestone: choose it at an activity, or remove it.")
    ]
    assert not completeness_of(reading).whole
    plan["activities"].append(plan["activities"][0] | {"id": "a2", "milestone": "m2"})
    assert told(read(plan=plan)) == []
    # Without any activity that is what is missing.
    assert [place for place, _text in told(read(plan=plan | {"activities": []}))] == ["activities"]


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
        (("milestones", 0, "stage"), "", "milestones-0-stage", "Choose the stage"),
        (("milestones", 0, "stage"), "lab", "milestones-0-stage", "Choose the stage"),
        (("milestones", 0, "due_on"), "2026-11-24", "milestones-0-due_on", "from 2026-02-23 to 2026-11-23"),
        (("milestones", 0, "due_on"), "2027-11-24", "milestones-0-due_on", "from 2026-02-23 to 2027-11-23"),
        (("budget", 0, "activity"), "a9", "budget-0-activity", "no longer in the plan"),
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


def test_a_milestone_of_the_pilot_has_until_its_ceiling() -> None:
    content = copy.deepcopy(PLAN)
    content["milestones"][0] |= {"stage": "pilot", "due_on": "2027-11-23"}
    assert read(plan=content).problems == ()
    content["milestones"][0] |= {"stage": "prototyping", "due_on": "2026-11-23"}
    assert read(plan=content).problems == (), "the last day of prototyping counts"


def test_lines_name_their_activity_where_the_call_asks_for_it() -> None:
    frame = replace(FRAME, lines_need_activity=True)
    found = told(read(frame=frame))
    assert [place for place, text in found if "this call asks for one" in text] == [
        f"budget-{n}-activity" for n in range(3)
    ]
    content = copy.deepcopy(PLAN)
    for row in content["budget"]:
        row["activity"] = "a1"
    assert read(plan=content, frame=frame).problems == ()


def test_a_milestone_without_a_day_can_be_referred_to_already() -> None:
    places = [place for place, _text in told(read("milestones", 0, "due_on", ""))]
    assert places == ["milestones-0-due_on"]


def test_currencies_keep_their_own_minor_units() -> None:
    yen = replace(FRAME, amount=Decimal(30000), currency="JPY")
    assert read("budget", 0, "unit_cost", "5000", plan=_whole(PLAN), frame=yen).problems == ()
    assert "have 0" in str(read("budget", 0, "unit_cost", "5000.5", plan=_whole(PLAN), frame=yen).problems[0].message)


def _whole(plan: dict[str, Any]) -> dict[str, Any]:
    return {**plan, "budget": [{**row, "unit_cost": row["unit_cost"].removesuffix(".00")} for row in plan["budget"]]}


def test_cleaning_drops_empty_rows_and_unknown_fields_and_nothing_that_was_typed() -> None:
    raw = {
        "summary": "  Kept as typed ",
        "activities": [{"title": " ", "owner": ""}, {"title": "Half", "colour": "red"}, "no row"][:2],
        "milestones": [{"id": "m1", "stage": "pilot"}],
        "budget": [{"own": "1", "activity": "a1"}, {"unit_cost": "twelve"}],
        "extra": "no",
    }
    content = clean_content(raw)
    assert content["summary"] == "  Kept as typed "
    assert content["activities"] == [dict.fromkeys(ROW_FIELDS["activities"], "") | {"id": "n1", "title": "Half"}]
    assert content["budget"] == [dict.fromkeys(ROW_FIELDS["budget"], "") | {"id": "n1", "unit_cost": "twelve"}]
    assert set(content) == {"summary", "activities", "milestones", "budget"}


def _ids(content: dict[str, object], section: str) -> list[str]:
    rows = content[section]
    assert isinstance(rows, list)
    return [row["id"] for row in rows]


def test_rows_keep_their_ids_and_get_the_first_free_one_where_they_have_none() -> None:
    ids = ["n2", "", "n2", "Not-an-id", "a" * 13, "é", "zz"]
    content = clean_content({"milestones": [{"id": name, "title": "m"} for name in ids]})
    assert _ids(content, "milestones") == ["n2", "n1", "n3", "n4", "n5", "n6", "zz"]


def test_a_plan_that_was_kept_before_rows_had_ids_is_read() -> None:
    new = {"id", "stage", "milestone", "activity"}
    old: dict[str, Any] = {"summary": PLAN["summary"]}
    for section in ROW_FIELDS:
        old[section] = [{name: cell for name, cell in row.items() if name not in new} for row in PLAN[section]]
    reading = read_plan(old, FRAME)
    assert [row.id for row in (*reading.activities, *reading.milestones)] == ["n1", "n1"]
    assert [line.id for line in reading.lines] == ["n1", "n2", "n3"]
    assert reading.granted == Decimal("30000.00")


def test_rows_refer_to_each_other() -> None:
    reading = read()
    assert (reading.activities[0].milestone, reading.milestones[0].stage) == ("m1", "prototyping")
    assert reading.titles == {"activities": {"a1": "Interviews"}, "milestones": {"m1": "Needs known"}}


CELLS = st.text(max_size=30)
ANYTHING = st.fixed_dictionaries(
    {
        "summary": CELLS,
        **{
            section: st.lists(st.dictionaries(st.sampled_from(fields), CELLS), max_size=4)
            for section, fields in ROW_FIELDS.items()
        },
    }
)


@given(ANYTHING)
def test_whatever_is_typed_is_read_without_an_error(raw: dict[str, Any]) -> None:
    content = clean_content(raw)
    assert clean_content(content) == content
    for section in ROW_FIELDS:
        assert len(set(_ids(content, section))) == len(_ids(content, section))
    assert read_plan(content, FRAME).problems


@given(st.lists(st.decimals(Decimal("0.01"), Decimal(9999), places=2), min_size=1, max_size=12))
def test_lines_that_add_up_exactly_are_taken_and_a_cent_more_is_not(costs: list[Decimal]) -> None:
    budget = [{"category": "staff", "description": "Line", "quantity": "1", "unit_cost": str(cost)} for cost in costs]
    for extra, fine in ((Decimal(0), True), (Decimal("0.01"), False), (Decimal("-0.01"), False)):
        frame = replace(FRAME, amount=sum(costs, extra))
        assert (not read_plan(clean_content({**PLAN, "budget": budget}), frame).problems) is fine


def test_there_is_an_end_to_rows_and_text() -> None:
    content = clean_content({"summary": "x" * (MAX_TEXT + 1), "milestones": [{"title": "m"}] * (MAX_ROWS + 1)})
    assert len(str(content["summary"])) == MAX_TEXT
    assert isinstance(content["milestones"], list)
    assert len(content["milestones"]) == MAX_ROWS


def test_a_line_that_comes_to_nothing_is_told() -> None:
    line = {
        "id": "b1",
        "category": "staff",
        "description": "A third of a cent",
        "quantity": "0.333",
        "unit_cost": "0.01",
    }
    found = read_plan(clean_content({"budget": [line]}), FRAME).problems
    assert "comes to nothing" in next(
        str(problem.message) for problem in found if problem.place == "budget-0-unit_cost"
    )
