"""Two people, one plan: what one of them left alone never stands in the other's way, and nothing that was typed is lost."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given

from lab.rules.workplan_changes import changes
from lab.rules.workplan_content import MAX_ROWS, ROW_FIELDS, clean_content
from lab.rules.workplan_merge import NOTHING, Clash, base_of, merge, read_base
from tests.factories import PLAN
from tests.rules.test_workplan_changes import PLANS


def changed(section: str, at: int, **fields: str) -> dict[str, Any]:
    plan = copy.deepcopy(PLAN)
    plan[section][at] |= fields
    return plan


def without(section: str, at: int) -> dict[str, Any]:
    plan = copy.deepcopy(PLAN)
    del plan[section][at]
    return plan


def with_row(section: str, at: int, **fields: str) -> dict[str, Any]:
    plan = copy.deepcopy(PLAN)
    plan[section].insert(at, dict.fromkeys(ROW_FIELDS[section], "") | fields)
    return plan


@given(PLANS, PLANS)
def test_against_a_side_that_changed_nothing_the_other_comes_out(old: dict[str, Any], new: dict[str, Any]) -> None:
    base, cleaned = base_of(old), clean_content(new)
    ours = merge(base, new, old)
    assert (ours.content, ours.clashes) == (cleaned, ()), "as it was typed, to the letter"
    theirs = merge(base, old, new)
    assert theirs.clashes == () and changes(theirs.content, cleaned) == ()
    for section in ROW_FIELDS:
        assert [row["id"] for row in theirs.content[section]] == [row["id"] for row in cleaned[section]]  # type: ignore[attr-defined]
    same = merge(NOTHING, new, new)
    assert (same.content, same.clashes) == (cleaned, ()), "two who wrote the same agree, wherever they began"


@given(PLANS, PLANS, PLANS)
def test_whatever_either_side_wrote_is_in_the_plan_or_asked_about(
    old: dict[str, Any], mine: dict[str, Any], theirs: dict[str, Any]
) -> None:
    base = base_of(old)
    found = merge(base, mine, theirs)
    for side, name in ((mine, "mine"), (theirs, "theirs")):
        for change in changes(old, side):
            asked = [c for c in found.clashes if (c.section, c.id) == (change.section, change.id)]
            if change.after is None and change.section != "summary":
                rows = {row["id"] for row in found.content[change.section]}
                assert change.id not in rows or asked, (name, change)
                continue
            if change.section == "summary":
                now: Any = {"summary": found.content["summary"]}
            else:
                now = next(row for row in found.content[change.section] if row["id"] == change.id)
            wanted: Any = {field.name: field.after for field in change.fields} or change.after
            for field, text in wanted.items():
                kept = changes(one(change.section, now, field), one(change.section, {**now, field: text}, field)) == ()
                assert kept or field in {c.name for c in asked}, (name, change, field)


def one(section: str, row: dict[str, str], field: str) -> dict[str, Any]:
    """A plan with one field in it, to compare by meaning."""
    if section == "summary":
        return {"summary": row["summary"]}
    # A word that keeps the row, in another field.
    other = next(
        name for name in ROW_FIELDS[section] if name not in ("id", field, "own", "stage", "milestone", "activity")
    )
    return {section: [{"id": "x", other: "x", field: row[field]}]}


@given(PLANS, PLANS, PLANS)
def test_the_two_sides_clash_over_the_same_whoever_comes_second(
    old: dict[str, Any], mine: dict[str, Any], theirs: dict[str, Any]
) -> None:
    def places(clashes: tuple[Clash, ...]) -> set[tuple[str, str, str]]:
        return {(clash.section, clash.id, clash.name) for clash in clashes}

    one, other = merge(base_of(old), mine, theirs), merge(base_of(old), theirs, mine)
    assert places(one.clashes) == places(other.clashes)
    # What is asked about is asked once: whoever began from what is stored now is not asked again.
    assert merge(base_of(theirs), one.content, theirs).clashes == ()


@given(PLANS)
def test_a_base_is_read_as_it_was_written(plan: dict[str, Any]) -> None:
    assert read_base(base_of(plan).text) == base_of(plan)


@pytest.mark.parametrize("text", ["", "x", "null", "[]", "{}", "[" * 5000, '{"summary":"","activities":[["a1","x"]],"milestones":[],"budget":[]}',
                                  '{"summary":"","activities":7,"milestones":[],"budget":[]}', '{"summary":"","activities":[[]],"milestones":[],"budget":[]}'])  # fmt: skip
def test_what_is_no_base_is_none(text: str) -> None:
    assert read_base(text) is None


def test_changes_to_different_fields_of_one_row_are_both_taken() -> None:
    mine, theirs = changed("activities", 0, title="Visit firms"), changed("activities", 0, owner="Luis")
    found = merge(base_of(PLAN), mine, theirs)
    assert found.clashes == ()
    assert found.content["activities"][0] | {"title": "Visit firms", "owner": "Luis"} == found.content["activities"][0]


def test_another_spelling_is_no_change() -> None:
    mine, theirs = changed("budget", 0, unit_cost="5 000"), changed("budget", 0, unit_cost="4999.00")
    found = merge(base_of(PLAN), mine, theirs)
    assert (found.content["budget"][0]["unit_cost"], found.clashes) == ("4999.00", ())


def test_one_field_changed_by_both_is_asked_about_and_mine_stands_meanwhile() -> None:
    mine, theirs = changed("budget", 1, quantity="9", description="Tablets"), changed("budget", 1, quantity="8")
    found = merge(base_of(PLAN), mine, theirs)
    (clash,) = found.clashes
    assert (clash.section, clash.id, clash.name) == ("budget", "b2", "quantity")
    assert clash.mine is not None and clash.theirs is not None
    assert (clash.mine["quantity"], clash.theirs["quantity"]) == ("9", "8")
    assert (found.content["budget"][1]["quantity"], found.content["budget"][1]["description"]) == ("9", "Tablets")


def test_a_row_removed_by_one_and_left_alone_by_the_other_is_gone() -> None:
    for mine, theirs in ((without("budget", 0), PLAN), (PLAN, without("budget", 0))):
        found = merge(base_of(PLAN), mine, theirs)
        assert [row["id"] for row in found.content["budget"]] == ["b2", "b3"] and found.clashes == ()


@pytest.mark.parametrize("removed_by_me", [True, False])
def test_a_row_removed_by_one_and_changed_by_the_other_stays_and_is_asked_about(removed_by_me: bool) -> None:
    sides = without("budget", 0), changed("budget", 0, quantity="5")
    found = merge(base_of(PLAN), *(sides if removed_by_me else sides[::-1]))
    (clash,) = found.clashes
    assert (clash.section, clash.id, clash.name) == ("budget", "b1", "")
    assert (clash.mine is None) is removed_by_me and (clash.theirs is None) is not removed_by_me
    assert found.content["budget"][0]["quantity"] == "5"


def test_rows_added_by_both_are_both_there_where_they_were_added() -> None:
    mine = with_row("budget", 3, id="mine", description="Travel")
    mine["budget"].insert(1, dict.fromkeys(ROW_FIELDS["budget"], "") | {"id": "mine2", "description": "Food"})
    theirs = with_row("budget", 3, id="theirs", description="Rent")
    found = merge(base_of(PLAN), mine, theirs)
    assert [row["id"] for row in found.content["budget"]] == ["b1", "mine2", "b2", "b3", "theirs", "mine"]


def test_rows_stand_as_the_side_that_moved_them_has_them() -> None:
    moved = copy.deepcopy(PLAN)
    moved["budget"].reverse()
    for mine, theirs in ((moved, changed("budget", 0, quantity="5")), (changed("budget", 0, quantity="5"), moved)):
        found = merge(base_of(PLAN), mine, theirs)
        assert [row["id"] for row in found.content["budget"]] == ["b3", "b2", "b1"]
        assert found.content["budget"][2]["quantity"] == "5" and found.clashes == ()


def test_without_a_base_all_that_differs_is_asked_about_and_no_row_goes() -> None:
    found = merge(
        NOTHING, changed("activities", 0, title="Mine"), with_row("budget", 0, id="new", description="Theirs")
    )
    assert [(clash.section, clash.name) for clash in found.clashes] == [("activities", "title")]
    assert [row["id"] for row in found.content["budget"]] == ["new", "b1", "b2", "b3"]


def test_two_full_plans_are_too_much_together_and_nothing_is_cut_off() -> None:
    def full(letter: str) -> dict[str, Any]:
        rows = [{"id": f"{letter}{n}", "title": "x", "owner": "y"} for n in range(MAX_ROWS - 100)]
        return {"activities": [*rows, *({"id": f"z{n}", "title": "z"} for n in range(90))]}

    found = merge(base_of({"activities": full("a")["activities"][100:]}), full("a"), full("b"))
    assert found.full == ("activities",) and len(found.content["activities"]) == 290
