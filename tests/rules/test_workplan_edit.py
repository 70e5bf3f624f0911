"""The editor's buttons change rows and never the sum; pasted cells are read whole rows at a time, or left."""

from __future__ import annotations

import copy
from collections.abc import Callable
from decimal import Decimal
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.rules.errors import Refused
from lab.rules.money import rounded
from lab.rules.workplan import read_plan
from lab.rules.workplan_cells import Choices
from lab.rules.workplan_content import MAX_ROWS, clean_content
from lab.rules.workplan_edit import (
    by_category,
    by_stage,
    copy_row,
    halves,
    move_row,
    paste_rows,
    remove_row,
    split_line,
)
from tests.rules.test_workplan import FRAME, PLAN

CHOICES = Choices(
    "USD", {"staff": {"en": "Staff", "es": "Personal"}, "equipment": {"en": "Equipment"}},
    {"activities": {"a1": "Interviews"}, "milestones": {"m1": "Needs known"}},
)  # fmt: skip


def names() -> Callable[[], str]:
    numbers = count(1)
    return lambda: f"new{next(numbers)}"


def plan() -> dict[str, Any]:
    return clean_content(copy.deepcopy(PLAN))


@given(
    st.decimals("0.000001", 10_000, places=6) | st.integers(1, 10_000).map(Decimal),
    st.decimals("0.01", 100_000, places=2),
    st.sampled_from(["USD", "JPY", "KWD"]),
)
def test_two_halves_come_to_the_same_to_the_last_cent(quantity: Decimal, cost: Decimal, currency: str) -> None:
    cost = rounded(cost, currency)
    found = halves(quantity, cost, currency)
    if found is None:
        return
    one, other = found
    assert one + other == quantity and one >= other > 0
    assert rounded(one * cost, currency) + rounded(other * cost, currency) == rounded(quantity * cost, currency)


@given(st.integers(2, 100_000), st.decimals("0.01", 100_000, places=2))
def test_whole_numbers_are_split_into_whole_numbers(quantity: int, cost: Decimal) -> None:
    found = halves(Decimal(quantity), cost, "USD")
    assert found == (Decimal(quantity - quantity // 2), Decimal(quantity // 2))


def test_the_smallest_line_is_split_without_a_cent_more_or_refused() -> None:
    assert halves(Decimal(1), Decimal("0.01"), "USD") == (Decimal("0.6"), Decimal("0.4"))
    assert halves(Decimal("0.000001"), Decimal(1), "USD") is None
    content = plan()
    content["budget"][0]["quantity"] = "0.000001"
    with pytest.raises(Refused, match="too small"):
        split_line(content, 0, "USD", names())
    content["budget"][0]["quantity"] = "many"
    with pytest.raises(Refused, match="quantity and a unit cost first"):
        split_line(content, 0, "USD", names())


def test_split_keeps_the_plan_s_sum_and_everything_else_of_the_line() -> None:
    content = plan()
    after = split_line(content, 0, "USD", names())
    one, other = after["budget"][:2]
    assert (one["quantity"], other["quantity"], other["id"]) == ("2", "2", "new1")
    assert {**one, "id": "", "quantity": ""} == {**other, "id": "", "quantity": ""}
    assert read_plan(after, FRAME).granted == read_plan(content, FRAME).granted
    assert content == plan(), "nothing is changed in place"


@given(st.data())
def test_moving_loses_no_row_and_stays_inside(data: st.DataObject) -> None:
    content = plan()
    at = data.draw(st.integers(0, len(content["budget"]) - 1))
    by = data.draw(st.sampled_from([-1, 1]))
    after = move_row(content, "budget", at, by)["budget"]
    assert sorted(row["id"] for row in after) == sorted(row["id"] for row in content["budget"])
    place = min(len(after) - 1, max(0, at + by))
    assert after[place] == content["budget"][at]
    assert move_row({"budget": after}, "budget", place, -by)["budget"] == content["budget"] or place == at


def test_copying_and_removing() -> None:
    content = plan()
    after = copy_row(content, "activities", 0, names())
    assert after["activities"][1] == content["activities"][0] | {"id": "new1"}
    assert remove_row(after, "activities", 1) == content
    full = {**content, "activities": content["activities"] * MAX_ROWS}
    with pytest.raises(Refused, match="up to 200 rows"):
        copy_row(full, "activities", 0, names())


def test_sums_by_category_and_by_stage() -> None:
    content = plan()
    content["milestones"] = [{"id": "m1", "stage": "pilot", "title": "x", "proof": "", "due_on": ""}]
    content["activities"] = [
        # Its days are not given yet: the line that hangs on it is placed all the same.
        {"id": "a1", "title": "y", "owner": "", "starts_on": "", "ends_on": "", "deliverable": "", "milestone": "m1"}
    ]
    content["budget"][0]["activity"] = "a1"
    content["budget"][2]["activity"] = "gone"
    content["budget"][1]["category"] = "gold"
    reading = read_plan(content, FRAME)
    categories = by_category(reading, ["staff", "equipment"])
    assert list(categories) == ["staff", "equipment", ""]
    assert (categories["staff"].granted, categories["staff"].own) == (Decimal(20000), Decimal(2500))
    assert categories["equipment"].granted == 0 and categories[""].granted == Decimal(10000)
    stages = by_stage(content, reading)
    assert (stages["pilot"].granted, stages["prototyping"].granted) == (Decimal(20000), Decimal(0))
    assert (stages[""].granted, stages[""].own) == (Decimal(10000), Decimal(2500))


def test_pasted_lines_in_the_workbook_s_order() -> None:
    found = paste_rows("budget", "Personal\tDevelopers\t4\t1.234,50\t=C1*D1\tsí\tInterviews\r\nequipment\tPhones\t2\t10\r\n\r\n", CHOICES)  # fmt: skip
    assert found.troubles == () and found.left == ""
    assert found.rows[0] == {
        "category": "staff", "description": "Developers", "quantity": "4", "unit_cost": "1234.50", "own": "1", "activity": "a1",
    }  # fmt: skip
    assert found.rows[1] == {"category": "equipment", "description": "Phones", "quantity": "2", "unit_cost": "10.00"}


def test_pasted_with_headings_in_another_language_and_order() -> None:
    found = paste_rows("activities", "Hasta\tActividad\tMía\n30/04/2026\tEntrevistas\tnada\n", CHOICES)
    assert found.rows == ({"ends_on": "2026-04-30", "title": "Entrevistas"},)


def test_pasted_from_a_cell_on() -> None:
    found = paste_rows("milestones", "15/05/2026\tReport\n16/05/2026\tTwo\n", CHOICES, start="due_on")
    assert found.fields == ("due_on", "proof")
    assert [row["due_on"] for row in found.rows] == ["2026-05-15", "2026-05-16"]
    assert paste_rows("budget", "Phones\t2\t10", CHOICES).rows[0]["description"] == "Phones"


def test_what_cannot_be_read_is_said_by_its_row_and_left() -> None:
    text = 'staff\tGood\t1\t1\nstaff\tBad\tabc\t1\nGold\tBad\t1\t1\nstaff\t"Two\nlines, ""quoted"""\t1\t1\n'
    found = paste_rows("budget", text, CHOICES)
    assert [row["description"] for row in found.rows] == ["Good", 'Two\nlines, "quoted"']
    assert [str(trouble).split(":")[0] for trouble in found.troubles] == ["Row 2", "Row 3"]
    assert found.left == "staff\tBad\tabc\t1\nGold\tBad\t1\t1\n"
    again = paste_rows("budget", found.left, CHOICES)
    assert again.rows == () and again.left == found.left


def test_there_is_no_room_for_more_rows_than_a_plan_holds() -> None:
    found = paste_rows("budget", "staff\tx\t1\t1\n" * 5, CHOICES, room=3)
    assert len(found.rows) == 3 and found.left.count("\n") == 2
    assert "no room" in str(found.troubles[0])


@given(st.sampled_from(["activities", "milestones", "budget"]), st.text(alphabet='ab1.,/\t\n\r" -=', max_size=80))
def test_whatever_is_pasted_is_read_or_left(section: str, text: str) -> None:
    found = paste_rows(section, text, CHOICES)
    assert bool(found.troubles) == bool(found.left.strip())
