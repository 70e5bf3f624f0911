"""The gate's review in the browser: the officer at a desk, the team on a phone; asked, answered, compared, approved."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime

import pytest
from flask_security.utils import hash_password
from playwright.sync_api import Locator, Page, expect
from sqlalchemy.orm import Session

from tests.factories import World
from tests.journeys.conftest import ONE_DATABASE, PASSWORD, Site, Visitor
from tests.web.test_workplan import submitted

pytestmark = ONE_DATABASE

ASKED = {"Interview firms": "Whom do you visit?", "Needs known": "Known to whom?", "Staff": "Split the staff line."}


@pytest.fixture
def at_review(session: Session, world_at: Callable[..., World], now: datetime) -> World:
    """A plan in its first review, and people who can sign in."""
    world = world_at()
    submitted(world, now)
    world.lead.password = world.officer.password = hash_password(PASSWORD)
    session.commit()
    return world


def box(page: Page, item: str) -> Locator:
    """The box for a comment on an item, by its name or its beginning."""
    name = re.compile(f"^Comment on this: {re.escape(item)}")
    return page.locator("details").filter(has=page.get_by_text(name))


def test_asked_on_three_items_answered_in_threads_compared_and_approved(
    session: Session, at_review: World, site: Site, visit: Callable[..., Visitor]
) -> None:
    plan = f"/awards/{at_review.code}/workplan"
    emails = [str(person.email) for person in (at_review.officer, at_review.lead)]
    session.rollback()
    officer, lead = visit(width=1280), visit(width=360)
    for visitor, email in zip((officer, lead), emails, strict=True):
        visitor.sign_in(email)
    # Three comments at once; a refusal loses none of them.
    page = officer.go(f"{plan}/review")
    for item, text in ASKED.items():
        box(page, item).locator("summary").click()
        box(page, item).get_by_role("textbox").fill(text)
    officer.shot("review-asking")
    officer.press("Approve")
    officer.sees("You wrote a comment here")
    for item, text in ASKED.items():
        expect(box(page, item).get_by_role("textbox")).to_have_value(text)
    officer.press("Ask for changes")
    officer.sees("Changes asked for")
    # The team, on its phone, answers beside the row and mends it.
    page = lead.go(f"{plan}/edit")
    lead.shot("editor-threads")
    activity = page.locator("#row-activities-0")
    expect(activity).to_contain_text("Whom do you visit?")
    page.fill("[name=activities-0-title]", "Interview forty firms")
    activity.get_by_label("Your answer").fill("Forty firms, in two cities.")
    activity.get_by_role("button", name="Send the answer").click()
    lead.sees("Draft saved, and your answer is sent.")
    expect(page.locator("[name=activities-0-title]")).to_have_value("Interview forty firms")
    lead.check()
    page = lead.go(plan)
    lead.shot("plan-threads")
    thread = page.locator("article.thread").filter(has_text="Split the staff line.")
    thread.get_by_label("Your answer").fill("It is one person: we cannot split it.")
    thread.get_by_role("button", name="Send the answer").click()
    lead.sees("Your answer is kept")
    # What changed, before it is sent.
    page = lead.go(f"{plan}/check")
    lead.sees("Changed since version 1")
    lead.sees("1 changed")
    expect(page.get_by_role("heading", name="Comments without an answer")).to_be_visible()
    lead.shot("check-changes")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    lead.press("Submit to the ILO")
    lead.sees("Version 2 is submitted")
    # The officer sees it at the item, with the answers.
    page = officer.go(f"{plan}/review")
    officer.shot("review-second")
    item = page.locator("tr", has=page.locator("#item-activities-a1"))
    expect(item).to_contain_text("Changed")
    below = item.locator("xpath=following-sibling::tr[1]")
    expect(below.locator("del")).to_contain_text("Interview firms")
    expect(below.locator("ins")).to_contain_text("Interview forty firms")
    expect(below).to_contain_text("Forty firms, in two cities.")
    for visitor in (officer, lead):
        page = visitor.go(f"{plan}/versions/2/changes")
        visitor.sees("Against version 1: 1 changed.")
    lead.shot("changes")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page = officer.go(f"{plan}/review")
    # Enter on a box decides nothing.
    settled = page.get_by_label("This is settled: Budget: Staff")
    settled.check()
    settled.press("Enter")
    officer.sees("Nothing is decided yet")
    expect(settled).to_be_checked()
    officer.press("Approve")
    officer.sees("Version 2 is approved and frozen")
    lead.go(plan)
    lead.sees("by Olivia Officer")
    lead.shot("frozen")
