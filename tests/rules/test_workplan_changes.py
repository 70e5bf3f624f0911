"""What changed between two plans: by value, by item, and the same told from either side."""

from __future__ import annotations

import copy
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from lab.rules.workplan_changes import ChangeKind, ItemChange, changes, total_changes
from lab.rules.workplan_content import ROW_FIELDS, clean_content
from tests.factories import PLAN

IDS = st.sampled_from(["a1", "b2", "c3", "d4", "e5"])
CELLS = {
    "quantity": st.sampled_from(["1", "1.0", "2", "1 000", "two", ""]),
    "unit_cost": st.sampled_from(["1", "1.00", "1,00", "5000.00", ""]),
    "starts_on": st.sampled_from(["2026-04-01", "2026-05-01", "soon", ""]),
    "own": st.sampled_from(["", "1"]),
    "title": st.sampled_from(["x", "y", " x ", "z\r\nz", "z\nz"]),
    "description": st.sampled_from(["x", "y"]),
}


def rows(section: str) -> st.SearchStrategy[list[dict[str, str]]]:
    cells = {name: CELLS.get(name, st.sampled_from(["x", "y"])) for name in ROW_FIELDS[section] if name != "id"}
    row = st.fixed_dictionaries({"id": IDS, **cells})
    return st.lists(row, max_size=4, unique_by=lambda one: one["id"])


PLANS = st.fixed_dictionaries(
    {"summary": st.sampled_from(["", "One", " One", "Two"]), **{section: rows(section) for section in ROW_FIELDS}}
)


def applied(plan: dict[str, Any], found: tuple[ItemChange, ...]) -> dict[str, Any]:
    """The plan with the changes made in it."""
    made = copy.deepcopy(clean_content(plan))
    for change in found:
        if change.section == "summary":
            made["summary"] = change.fields[0].after
            continue
        section: Any = made[change.section]
        if change.kind is ChangeKind.NEW:
            assert change.after is not None
            section.append(dict(change.after))
        elif change.kind is ChangeKind.REMOVED:
            section.remove(change.before)
        else:
            row = next(row for row in section if row["id"] == change.id)
            assert row == change.before
            row.update({field.name: field.after for field in change.fields})
    return made


@given(PLANS)
def test_a_plan_does_not_differ_from_itself_however_its_rows_are_ordered(plan: dict[str, Any]) -> None:
    moved = plan | {section: plan[section][::-1] for section in ROW_FIELDS}
    assert changes(plan, plan) == changes(plan, moved) == ()
    assert total_changes(plan, moved, "USD") == ()


@given(PLANS, PLANS)
def test_the_changes_made_in_one_plan_give_the_other(one: dict[str, Any], other: dict[str, Any]) -> None:
    made = applied(one, changes(one, other))
    assert changes(made, other) == ()
    for section in ROW_FIELDS:
        ids = [{row["id"] for row in plan[section]} for plan in (made, other)]
        assert ids[0] == ids[1]


@given(PLANS, PLANS)
def test_told_from_the_other_side_new_is_removed_and_before_is_after(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    swapped = {ChangeKind.NEW: ChangeKind.REMOVED, ChangeKind.REMOVED: ChangeKind.NEW}
    there = {
        (c.place, swapped.get(c.kind, c.kind), tuple((f.name, f.after, f.before) for f in c.fields))
        for c in changes(one, other)
    }
    back = {(c.place, c.kind, tuple((f.name, f.before, f.after) for f in c.fields)) for c in changes(other, one)}
    assert there == back
    totals = {(c.category, c.after, c.before) for c in total_changes(one, other, "USD")}
    assert totals == {(c.category, c.before, c.after) for c in total_changes(other, one, "USD")}


def test_another_spelling_of_the_same_is_no_change() -> None:
    plan = copy.deepcopy(PLAN)
    plan["summary"] += " \r\n"
    plan["budget"][0] |= {"quantity": "4.0", "unit_cost": "5 000,00"}
    plan["activities"][0]["title"] += " "
    assert changes(PLAN, plan) == ()


def test_each_field_before_and_after_and_what_the_categories_come_to() -> None:
    plan = copy.deepcopy(PLAN)
    plan["summary"] = "Another"
    plan["activities"].insert(0, plan["activities"][0] | {"id": "a2", "title": "Second"})
    plan["milestones"][0] |= {"due_on": "2026-06-01", "stage": "pilot"}
    plan["budget"][0]["quantity"] = "5"
    del plan["budget"][1]
    found = changes(PLAN, plan)
    assert [(c.place, c.kind) for c in found] == [
        ("summary", "changed"), ("activities:a2", "new"), ("milestones:m1", "changed"), ("budget:b1", "changed"),
        ("budget:b2", "removed"),
    ]  # fmt: skip
    assert [(f.name, f.before, f.after) for f in found[2].fields] == [
        ("stage", "prototyping", "pilot"), ("due_on", "2026-05-15", "2026-06-01"),
    ]  # fmt: skip
    assert [(c.category, c.before, c.after) for c in total_changes(PLAN, plan, "USD")] == [
        ("staff", Decimal(20000), Decimal(25000)),
        ("equipment", Decimal(10000), Decimal(0)),
        ("", Decimal(30000), Decimal(25000)),
    ]


def test_plans_kept_before_their_rows_had_ids_are_matched_by_their_order() -> None:
    old = {key: [dict(row, id="") for row in PLAN[key]] if key != "summary" else PLAN[key] for key in PLAN}
    for section in ROW_FIELDS:
        for row in old[section]:
            row.pop("id")
    assert changes(old, clean_content(old)) == ()
