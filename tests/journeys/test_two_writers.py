"""Two of a team write one plan at once: each keeps their own, and only what both changed is asked about."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select
from sqlalchemy.orm import Session

from lab.models import Award, Document
from lab.services import workplan
from tests.factories import PLAN, World
from tests.journeys.conftest import ONE_DATABASE, Site, Visitor
from tests.web.pages import PageClient

pytestmark = ONE_DATABASE


@pytest.fixture
def world(world_at: Callable[..., World], now: datetime) -> World:
    world = world_at()
    workplan.save_draft(world.actor(world.lead), now, world.code, PLAN, 0)
    return world


@pytest.fixture
def both(
    session: Session, site: Site, visit: Callable[..., Visitor], client_for: Callable[..., PageClient], world: World
) -> Iterator[tuple[Visitor, Visitor]]:
    """The lead at a desk and the member on a phone, signed in, each with the plan open."""
    path = f"/awards/{world.code}/workplan/edit"
    found = []
    for person, width in ((world.lead, 1280), (world.member, 360)):
        client = client_for(person)
        client.token()  # a first cookie
        cookie = client.get_cookie("session")
        assert cookie is not None
        session.rollback()
        visitor = visit(width=width)
        visitor.context.add_cookies([{"name": "session", "value": cookie.value, "url": site.base}])
        visitor.go(path)
        found.append(visitor)
    yield found[0], found[1]


def stored(session: Session, code: str) -> Any:
    session.rollback()
    found = session.scalars(
        select(Document.draft).join(Award, Award.id == Document.award_id).where(Award.code == code)
    ).one()
    session.rollback()
    return found


def says(page: Page, text: str) -> None:
    expect(page.locator("[data-autosave-status]")).to_contain_text(text)


def types(page: Page, name: str, text: str) -> None:
    """Type it, and wait until the server has it: what the page says of an earlier save looks the same."""
    with page.expect_response(
        lambda answer: answer.url.endswith("/workplan/draft") and text in (answer.request.post_data or "")
    ):
        page.fill(f"[name={name}]", text)


def test_two_write_at_once(session: Session, world: World, both: tuple[Visitor, Visitor]) -> None:
    code = world.code
    lead, member = (visitor.page for visitor in both)
    types(member, "summary", "Hers")
    types(lead, "activities-0-owner", "Luis")
    says(lead, "saved meanwhile on another page")
    types(lead, "activities-0-owner", "Luisa")
    says(lead, "saved meanwhile on another page")
    kept = stored(session, code)
    assert (kept["summary"], kept["activities"][0]["owner"]) == ("Hers", "Luisa")

    lead.fill("[name=summary]", "His")
    says(lead, "somebody changed the same as you")
    both[0].press("Save the draft")
    both[0].sees("Two texts")
    expect(lead.locator(".conflict")).to_have_count(1)
    expect(lead.locator(".conflict")).to_contain_text("Hers")
    assert stored(session, code)["summary"] == "Hers"
    both[0].shot("two-texts-1280")
    lead.fill("[name=summary]", "Hers and his")
    both[0].press("Save the draft")
    both[0].sees("Draft saved.")
    kept = stored(session, code)
    assert (kept["summary"], kept["activities"][0]["owner"]) == ("Hers and his", "Luisa")

    member.fill("[name=summary]", "Hers after all")
    says(member, "somebody changed the same as you")
    both[1].press("Save the draft")
    both[1].sees("Hers and his")
    both[1].shot("two-texts-360")
    assert member.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_text_of_yesterday_that_is_put_back_undoes_nobody_s_work(
    session: Session, world: World, both: tuple[Visitor, Visitor]
) -> None:
    code = world.code
    lead, member = (visitor.page for visitor in both)
    member.route("**/workplan/draft", lambda route: route.abort())
    member.fill("[name=activities-0-owner]", "Luis")
    says(member, "Kept on this device.")
    lead.fill("[name=budget-0-description]", "Two developers")
    lead.get_by_role("button", name="Add a milestone").click()
    types(lead, "milestones-1-title", "Half way")
    both[1].errors.clear()  # the browser's own note of the failed request
    member.on("dialog", lambda dialog: dialog.accept())
    both[1].go(f"/awards/{code}/workplan/edit")
    member.unroute("**/workplan/draft")
    member.locator("main .alert-warning").get_by_role("button", name="Put it back").click()
    says(member, "saved meanwhile on another page")
    kept = stored(session, code)
    assert kept["activities"][0]["owner"] == "Luis"
    assert (kept["budget"][0]["description"], kept["milestones"][-1]["title"]) == ("Two developers", "Half way")
