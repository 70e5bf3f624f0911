"""The editor's buttons without a script: each keeps every word that was typed, and changes rows as it says."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from bs4 import BeautifulSoup, Tag
from flask import Flask
from sqlalchemy.orm import Session

from lab.rules.workplan_content import clean_content
from tests.conftest import counted
from tests.factories import PLAN, World
from tests.web.pages import PageClient
from tests.web.test_workplan import draft, flat, main, path, words

Clients = Callable[..., PageClient]
TYPED = {**PLAN, "summary": "Typed a moment ago"}


@pytest.fixture
def world(world_at: Callable[..., World]) -> World:
    return world_at()


def press(client: PageClient, world: World, do: str, revision: int = 0, **more: str) -> Any:
    return client.submit(path(world, "/edit"), flat(TYPED, revision, do=do) | more)


def names(plan: Any, section: str = "budget", field: str = "description") -> list[str]:
    return [row[field] for row in plan[section]]


@pytest.mark.parametrize(
    ("do", "anchor", "lines"),
    [
        ("copy:budget:1", "row-budget-2", ["Developers", "Phones for tests", "Phones for tests", "Our own time"]),
        ("up:budget:2", "row-budget-1", ["Developers", "Our own time", "Phones for tests"]),
        ("down:budget:0", "row-budget-1", ["Phones for tests", "Developers", "Our own time"]),
        ("up:budget:0", "row-budget-0", ["Developers", "Phones for tests", "Our own time"]),
        ("down:budget:2", "row-budget-2", ["Developers", "Phones for tests", "Our own time"]),
        ("split:budget:1", "row-budget-2", ["Developers", "Phones for tests", "Phones for tests", "Our own time"]),
        ("remove:budget:1", "budget", ["Developers", "Our own time"]),
    ],
)
def test_a_row_is_acted_on(
    session: Session, world: World, client_for: Clients, do: str, anchor: str, lines: list[str]
) -> None:
    client = client_for(world.member)
    answer = press(client, world, do)
    assert answer.status_code == 303 and answer.location == path(world, f"/edit#{anchor}")
    page = client.page(answer.location)
    assert page.find(id=anchor), "the anchor leads to the row"
    kept: Any = draft(session, world).draft
    assert names(kept) == lines and kept["summary"] == "Typed a moment ago"
    assert len({row["id"] for row in kept["budget"]}) == len(lines)
    others = clean_content(TYPED)
    assert (kept["activities"], kept["milestones"]) == (others["activities"], others["milestones"])


def test_a_split_line_comes_to_the_same(session: Session, world: World, client_for: Clients) -> None:
    press(client_for(world.lead), world, "split:budget:1")
    kept: Any = draft(session, world).draft
    assert [row["quantity"] for row in kept["budget"]] == ["4", "5", "5", "1"]


def test_what_cannot_be_split_is_said_and_kept(session: Session, world: World, client_for: Clients) -> None:
    client = client_for(world.lead)
    answer = press(client, world, "split:budget:1", **{"budget-1-quantity": "some"})
    page = client.page(answer.location)
    assert "Give the line a quantity and a unit cost first" in words(page)
    assert names(draft(session, world).draft, field="quantity") == ["4", "some", "1"]


@pytest.mark.parametrize("do", ["copy:budget:99", "split:activities:0", "up:moon:1", "copy:budget:²", "dance:budget:0", "copy:budget:-1", "down:budget:" + "9" * 5000])  # fmt: skip
def test_a_strange_button_changes_no_row(session: Session, world: World, client_for: Clients, do: str) -> None:
    assert press(client_for(world.lead), world, do).status_code == 303
    assert draft(session, world).draft == clean_content(TYPED)


def test_rows_pasted_into_the_box_are_added_and_the_others_stay_there(
    session: Session, world: World, client_for: Clients
) -> None:
    client = client_for(world.lead)
    cells = "staff\tTravel\t2\t1.000,50\t\t\tInterview firms\nstaff\tBad\tabc\t1\n"
    answer = press(client, world, "paste:budget", **{"paste-budget": cells})
    assert answer.status_code == 422
    page = main(answer.text)
    box = page.find("textarea", {"name": "paste-budget"})
    assert isinstance(box, Tag) and box.text.strip("\n") == "staff\tBad\tabc\t1"
    assert "Row 2: “abc” is not a number." in words(page.find(id="paste-budget-error"))
    kept: Any = draft(session, world).draft
    assert names(kept)[-1] == "Travel" and kept["budget"][-1]["unit_cost"] == "1000.50"
    assert kept["budget"][-1]["activity"] == kept["activities"][0]["id"]
    revision = page.select_one("input[name=revision]")
    assert revision is not None and revision["value"] == str(draft(session, world).draft_revision)
    good = press(client, world, "paste:milestones", 1, **{"paste-milestones": "Half way\tPilot\t31/12/2026\tA report"})
    assert good.status_code == 303 and good.location.endswith("#row-milestones-1")
    assert draft(session, world).draft["milestones"][1]["due_on"] == "2026-12-31"


@pytest.mark.parametrize("do", ["save", "submit", "copy:budget:0", "paste:activities"])
def test_cells_in_a_box_that_was_forgotten_are_not_lost(
    session: Session, world: World, client_for: Clients, do: str
) -> None:
    answer = press(client_for(world.lead), world, do, **{"paste-budget": "staff\tTravel\t2\t1"})
    page = main(answer.text)
    assert "staff\tTravel\t2\t1" in page.find("textarea", {"name": "paste-budget"}).text  # type: ignore[union-attr]
    assert "not in the plan yet" in words(page.find(id="paste-budget-error"))
    assert draft(session, world).draft["summary"] == "Typed a moment ago"


def test_cells_are_read_for_the_page_and_nothing_is_stored(session: Session, world: World, client_for: Clients) -> None:
    client = client_for(world.lead)
    form = flat(TYPED, section="budget", start="quantity", cells="3\t2.500,00\t\tsí\tInterview firms\nx\t1\n")
    found = client.submit(path(world, "/paste"), form).json
    assert found["rows"] == [
        {"quantity": "3", "unit_cost": "2500.00", "own": "1", "activity": PLAN["activities"][0]["id"]}
    ]
    assert found["left"] == "x\t1\n" and "Row 2" in found["troubles"][0]
    assert draft(session, world).draft_revision == 0
    assert client.submit(path(world, "/paste"), {"section": "moon", "cells": "x"}).status_code == 422


def test_sums_by_category_and_stage_stand_beside_the_budget(
    session: Session, world: World, client_for: Clients
) -> None:
    client = client_for(world.lead)
    plan = copy.deepcopy(PLAN)
    plan["budget"][0]["activity"] = ""
    client.submit(path(world, "/edit"), flat(plan, do="save"))
    page = client.page(path(world, "/edit"))

    def sums(key: str) -> list[str]:
        row = page.find("tr", {"data-sum": key})
        assert isinstance(row, Tag), key
        return [words(cell).replace("\xa0", " ") for cell in row.find_all("td")]

    assert sums("category:staff") == ["20,000.00", "2,500.00"]
    assert sums("category:equipment")[0] == "10,000.00"
    assert sum(float(sums(key)[0].replace(",", "")) for key in ("stage:prototyping", "stage:pilot", "stage:")) == 30000
    assert float(sums("stage:")[0].replace(",", "")) >= 20000


def test_every_button_of_a_row_has_a_name_of_its_own(world: World, client_for: Clients) -> None:
    client = client_for(world.lead)
    client.submit(path(world, "/edit"), flat(PLAN, do="save"))
    page = BeautifulSoup(client.get(path(world, "/edit")).text, "html.parser")
    menus = [words(menu.summary) for menu in page.select("main form .row-menu")]
    assert len(menus) == len(set(menus)) >= 5 and "Phones for tests" in " ".join(menus)


def test_the_editor_costs_the_same_for_ten_times_the_rows(app: Flask, world: World, client_for: Clients) -> None:
    client = client_for(world.lead)
    found = []
    for times in (1, 20):
        plan = {**PLAN, "budget": [{**row, "id": ""} for row in PLAN["budget"] * times]}
        client.submit(path(world, "/edit"), flat(plan, len(found), do="save"))
        with counted(app) as seen:
            client.page(path(world, "/edit"))
        found.append(len(seen))
    assert found[0] == found[1] <= 12


def test_rows_of_one_title_are_told_apart_where_they_are_chosen(world: World, client_for: Clients) -> None:
    client = client_for(world.lead)
    press(client, world, "copy:milestones:0")
    page = client.page(path(world, "/edit"))
    options = [words(option) for option in page.select("[name=activities-0-milestone] option")]
    assert options == ["Choose …", "Needs known (Milestone 1)", "Needs known (Milestone 2)"]
    assert [words(option) for option in page.select("[name=budget-0-activity] option")][1:] == ["Interview firms"]
    missing = page.select_one("#missing a")
    assert missing is not None and "No activity leads to this milestone" in words(missing)
    assert page.find(id=str(missing["href"])[1:]), "the link leads to the row"
