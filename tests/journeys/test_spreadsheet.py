"""The plan by thumb and by spreadsheet: rows copied, split, moved and pasted on a phone; a workbook out, changed, and in again."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from playwright.sync_api import FilePayload, Locator, Page, expect
from sqlalchemy import select
from sqlalchemy.orm import Session

from lab.models import Award, Document
from lab.services import workplan
from tests import workbooks as books
from tests.factories import PLAN, World
from tests.journeys.conftest import ONE_DATABASE, Site, Visitor
from tests.web.pages import PageClient

pytestmark = ONE_DATABASE

PASTE = """([selector, text]) => {
  const target = document.querySelector(selector);
  const data = new DataTransfer();
  data.setData("text/plain", text);
  target.focus();
  target.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
}"""
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@pytest.fixture
def world(world_at: Callable[..., World], now: datetime) -> World:
    world = world_at()
    workplan.save_draft(world.actor(world.lead), now, world.code, PLAN, 0)
    return world


def _lead(visit: Callable[..., Visitor], site: Site, client: PageClient, session: Session, **options: Any) -> Visitor:
    """The lead at a browser, signed in already."""
    client.token()  # a first cookie
    cookie = client.get_cookie("session")
    assert cookie is not None
    session.rollback()
    visitor = visit(**options)
    visitor.context.add_cookies([{"name": "session", "value": cookie.value, "url": site.base}])
    return visitor


def _draft(session: Session, code: str) -> Any:
    # A transaction that is left open would hold the write lock that the server needs.
    session.rollback()
    found = session.scalars(
        select(Document.draft).join(Award, Award.id == Document.award_id).where(Award.code == code)
    ).one()
    session.rollback()
    return found


def _lines(page: Page) -> Locator:
    return page.locator("[data-rows=new-line] > fieldset")


def _said(page: Page, name: str) -> list[str]:
    return [field.input_value() for field in _lines(page).locator(f"[name$=-{name}]").all()]


def _act(page: Page, line: int, button: str) -> None:
    row = _lines(page).nth(line)
    row.locator(".row-menu summary").click()
    row.get_by_role("button", name=button).click()


def _narrow(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


def _sum(page: Page, key: str) -> Locator:
    return page.locator(f"tr[data-sum='{key}'] [data-sum-granted]")


@pytest.mark.parametrize("javascript", [True, False])
def test_rows_by_thumb(
    session: Session, world: World, client_for: Callable[..., PageClient], site: Site, visit: Callable[..., Visitor],
    javascript: bool,
) -> None:  # fmt: skip
    code = world.code
    visitor = _lead(visit, site, client_for(world.lead), session, javascript=javascript, width=360)
    page = visitor.go(f"/awards/{code}/workplan/edit")
    page.wait_for_load_state("networkidle")
    assert _narrow(page)
    page.locator("#row-budget-0 .row-menu summary").click()
    for button in page.locator("#row-budget-0 .row-menu :is(summary, button)").all():
        box = button.bounding_box()
        assert box is not None and box["height"] >= 44, button.inner_text()
    assert _narrow(page), "the menu opens inside the page"
    visitor.shot(f"row-menu-{javascript}")
    page.locator("#row-budget-0 .row-menu summary").click()

    page.locator("#budget-0-description").fill("Two developers")
    _act(page, 1, "Split in two")
    expect(_lines(page)).to_have_count(4)
    assert _said(page, "quantity") == ["4", "5", "5", "1"]
    _act(page, 3, "Move up")
    expect(_lines(page).nth(2).locator("[name$=-description]")).to_have_value("Our own time")
    _act(page, 0, "Copy")
    expect(_lines(page)).to_have_count(5)
    assert _said(page, "description")[:2] == ["Two developers", "Two developers"]
    expect(page.locator("[data-total-output]")).to_have_text("USD 50,000.00")
    expect(_sum(page, "category:staff")).to_have_text("40,000.00")
    _act(page, 1, "Remove")
    expect(_lines(page)).to_have_count(4)
    expect(page.locator("[data-total-output]")).to_have_text("USD 30,000.00")
    assert [field.get_attribute("name") for field in page.locator("[name$=-unit_cost]").all()][:4] == [
        f"budget-{n}-unit_cost" for n in range(4)
    ]
    assert _narrow(page)
    page.get_by_role("button", name="Save the draft").click()
    visitor.sees("Draft saved.")
    visitor.check()
    kept = _draft(session, code)
    assert [row["description"] for row in kept["budget"]] == ["Two developers", "Phones for tests", "Our own time", "Phones for tests"]  # fmt: skip
    assert len({row["id"] for row in kept["budget"]}) == 4


def test_copied_milestones_are_told_apart_at_once(
    session: Session, world: World, client_for: Callable[..., PageClient], site: Site, visit: Callable[..., Visitor]
) -> None:
    code = world.code
    page = _lead(visit, site, client_for(world.lead), session, width=360).go(f"/awards/{code}/workplan/edit")
    page.wait_for_load_state("networkidle")
    row = page.locator("#row-milestones-0")
    row.locator(".row-menu summary").click()
    row.get_by_role("button", name="Copy").click()
    options = page.locator("[name=activities-0-milestone] option")
    expect(options).to_have_text(["Choose …", "Needs known (Milestone 1)", "Needs known (Milestone 2)"])
    expect(page.locator("#missing")).to_contain_text("No activity leads to this milestone")
    page.fill("[name=milestones-1-title]", "Half way")
    expect(options).to_have_text(["Choose …", "Needs known", "Half way"])
    page.select_option("[name=activities-0-milestone]", label="Half way")
    expect(page.locator("#missing a")).to_have_attribute("href", "#milestones-0-title")


def test_cells_pasted_into_a_row(
    session: Session, world: World, client_for: Callable[..., PageClient], site: Site, visit: Callable[..., Visitor]
) -> None:
    code = world.code
    visitor = _lead(visit, site, client_for(world.lead), session, width=360)
    page = visitor.go(f"/awards/{code}/workplan/edit")
    page.wait_for_load_state("networkidle")
    cells = "Travel\t3\t1.000,50\r\nVenue\t1\t250\r\nNonsense\tabc\t1\r\n"
    page.evaluate(PASTE, ["#budget-2-description", cells])
    expect(_lines(page)).to_have_count(4)
    assert _said(page, "description") == ["Developers", "Phones for tests", "Travel", "Venue"]
    assert _said(page, "unit_cost")[2:] == ["1000.50", "250.00"]
    box = page.get_by_label("Rows to add").locator("visible=true")
    expect(box).to_have_value("Nonsense\tabc\t1\n")
    expect(page.locator("#paste-budget-error")).to_contain_text("Row 3: “abc” is not a number.")
    visitor.check()
    assert _narrow(page)
    # One cell is pasted as the browser does it.
    page.evaluate(PASTE, ["#budget-0-description", "one cell"])
    assert _said(page, "description")[0] == "Developers"
    box.fill("staff\tMentoring\t2\t10")
    page.get_by_role("button", name="Add these rows").locator("visible=true").click()
    expect(_lines(page)).to_have_count(5)
    assert _said(page, "description")[4] == "Mentoring"
    visitor.check()
    assert [row["description"] for row in _draft(session, code)["budget"]][2:] == ["Travel", "Venue", "Mentoring"]


@pytest.mark.parametrize("javascript", [True, False])
def test_a_workbook_out_changed_and_in_again(
    session: Session, world: World, client_for: Callable[..., PageClient], site: Site, visit: Callable[..., Visitor],
    javascript: bool,
) -> None:  # fmt: skip
    code = world.code
    visitor = _lead(visit, site, client_for(world.lead), session, javascript=javascript)
    page = visitor.go(f"/awards/{code}/workplan/edit")
    before = _draft(session, code)
    page.get_by_role("link", name="Fill in offline, in Excel").click()
    visitor.check()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download as Excel").click()
    file = Path(download.value.path()).read_bytes()
    assert openpyxl.load_workbook(io.BytesIO(file))["Budget"]["C2"].value == "Developers"

    def change(book: Any) -> None:
        budget = book["Budget"]
        budget["E2"] = 4000
        budget["B5"], budget["C5"], budget["D5"], budget["E5"] = budget["B3"].value, "Training", "1", "4.000,00"

    def mistaken(book: Any) -> None:
        change(book)
        book["Budget"]["D3"] = "abc"

    _upload(page, books.changed(file, mistaken))
    expect(page.locator(".error-summary")).to_contain_text("Budget!D3: “abc” is not a number.")
    visitor.check()
    assert _draft(session, code) == before, "nothing has changed"
    _upload(page, books.changed(file, change))
    visitor.sees("What the workbook would change")
    visitor.sees("Training")
    visitor.shot(f"workbook-{javascript}")
    visitor.press("Take it over into the draft")
    visitor.sees("The plan of the workbook is taken over into your draft.")
    assert _said(page, "unit_cost") == ["4000.00", "1000.00", "2500.00", "4000.00"]
    assert [row["description"] for row in _draft(session, code)["budget"]][3] == "Training"


def _upload(page: Page, file: bytes) -> None:
    page.locator("input[type=file]").set_input_files(FilePayload(name="plan.xlsx", mimeType=XLSX, buffer=file))
    page.get_by_role("button", name="Read the workbook").click()
    page.wait_for_load_state()
