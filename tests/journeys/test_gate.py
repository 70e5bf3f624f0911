"""The gate in the browser: rows that refer to each other while they are typed, and a clock that goes on while a page is open."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, Route, expect
from sqlalchemy.orm import Session

from lab.rules.facts import Stage
from tests.factories import World
from tests.journeys.conftest import PASSWORD, Site, Visitor
from tests.journeys.test_nothing_is_lost import world_with_passwords

__all__ = ["world_with_passwords"]
Visit = Callable[..., Visitor]


# What scripts do does not hang on the database.
@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_choices_follow_what_is_typed_and_hours_go_by(
    session: Session, world_with_passwords: Callable[..., World], site: Site, visit: Visit
) -> None:
    world = world_with_passwords(Stage.WORKPLAN)
    code, lead = world.code, str(world.lead.email)
    session.rollback()
    visitor = visit()
    visitor.sign_in(lead, PASSWORD)
    page = visitor.go(f"/awards/{code}/workplan/edit")
    page.fill("[name=milestones-0-title]", "Needs known")
    page.get_by_role("button", name="Add a milestone").click()
    page.fill("[name=milestones-1-title]", "Tutors trained")
    choice = page.locator("[name=activities-0-milestone]")
    page.fill("[name=activities-0-title]", "Train tutors")
    choice.select_option(label="Tutors trained")
    page.fill("[name=milestones-1-title]", "Forty tutors trained")
    expect(choice.locator("option:checked")).to_have_text("Forty tutors trained")
    row = page.locator("#row-milestones-0")
    row.locator("summary", has_text="Row").click()
    row.get_by_role("button", name="Remove").click()
    expect(choice.locator("option", has_text="Needs known")).to_have_count(0)
    page.get_by_role("button", name="Save the draft").last.click()
    visitor.sees("Draft saved.")
    expect(page.locator("[name=activities-0-milestone] option:checked")).to_have_text("Forty tutors trained")
    visitor.check()

    page.clock.install()
    visitor.go(f"/awards/{code}")
    ticking, hours = _clock(page)
    assert re.search(
        rf"^{hours // 24} days? {hours % 24} hours? left$|^{hours // 24} days? left$", ticking.inner_text()
    )
    page.clock.fast_forward((hours % 24 + 2) * 3600 * 1000)
    expect(ticking).to_have_text(re.compile(rf"^{hours // 24 - 1} days 2[123] hours left$"))
    page.clock.fast_forward(hours * 3600 * 1000)
    expect(ticking).to_have_text("The time is up: reload the page")


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_hours_that_pass_before_the_clocks_script_has_come_are_counted(
    session: Session, world_with_passwords: Callable[..., World], site: Site, visit: Visit
) -> None:
    world = world_with_passwords(Stage.WORKPLAN)
    code, lead = world.code, str(world.lead.email)
    session.rollback()
    visitor = visit()
    page = visitor.sign_in(lead, PASSWORD)
    held: list[Route] = []
    page.route("**/countdown.js", lambda route: held.append(route))
    page.clock.install()
    with page.expect_request("**/countdown.js"):
        visitor.go(f"/awards/{code}")
    ticking, hours = _clock(page)
    page.clock.fast_forward((hours % 24 + 2) * 3600 * 1000)
    expect(ticking).not_to_have_attribute("data-started", "yes")
    held[0].continue_()
    expect(ticking).to_have_text(re.compile(rf"^{hours // 24 - 1} days 2[123] hours left$"))


def _clock(page: Page) -> tuple[Locator, int]:
    """The clock on the page, and how many whole hours the server says are left."""
    found = page.locator("[data-countdown]")
    return found, int(found.get_attribute("data-countdown") or 0) // 3600
