"""What was typed outlives a sign-in that ended and a connection that broke, and a page counts as the server does."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask_security.utils import hash_password
from playwright.sync_api import Locator, Page, Route, expect
from sqlalchemy.orm import Session

from lab.models import Lesson
from lab.rules.facts import Stage
from tests.factories import World
from tests.journeys.conftest import ONE_DATABASE, PASSWORD, Site, Visitor
from tests.web.pages import PageClient

pytestmark = ONE_DATABASE

Visit = Callable[..., Visitor]
OFFER = "main .alert-warning"
BODY = "What happened, and what others should do"
TEXT = "Visit the firms first.\nThen build."


@pytest.fixture
def world_with_passwords(session: Session, world_at: Callable[..., World]) -> Callable[[Stage], World]:
    """A world whose people sign in through the page, again too when their sign-in has ended."""

    def build(stage: Stage) -> World:
        world = world_at(stage)
        secret = hash_password(PASSWORD)
        world.lead.password = world.member.password = secret
        session.commit()
        return world

    return build


def _email(session: Session, person: object) -> str:
    email = str(person.email)  # type: ignore[attr-defined]
    session.rollback()  # a read transaction left open would be one more reader of the server's database
    return email


def _sign_in_here(page: Page, email: str) -> None:
    expect(page).to_have_url(re.compile("/login"))
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.locator("main").get_by_role("button", name="Sign in", exact=True).click()


def _write_lesson(page: Page, title: str, body: str) -> None:
    page.get_by_label("Lesson in one line").fill(title)
    page.get_by_label(BODY).fill(body)


def _offer(page: Page, button: str) -> Locator:
    return page.locator(OFFER).get_by_role("button", name=button)


# What keeps typed texts, fetched after the page is there.
KEEPER = "**/js/keep.js*"
Build = Callable[[Stage], World]


def test_a_sign_in_that_ended_costs_no_text(
    session: Session, world_with_passwords: Build, site: Site, visit: Visit
) -> None:
    world = world_with_passwords(Stage.PILOT)
    closing, lead = f"/awards/{world.code}/closing", _email(session, world.lead)
    visitor = visit()
    visitor.sign_in(lead)
    page = visitor.go(closing)
    _write_lesson(page, "Ask early", TEXT)
    visitor.context.clear_cookies()
    page.get_by_role("button", name="Keep the lesson").click()
    _sign_in_here(page, lead)

    expect(page).to_have_url(site.base + closing)
    expect(page.get_by_label(BODY)).to_have_value("")
    visitor.check()
    _offer(page, "Put it back").click()
    expect(page.get_by_label("Lesson in one line")).to_have_value("Ask early")
    expect(page.get_by_label(BODY)).to_have_value(TEXT)
    visitor.press("Keep the lesson")
    visitor.sees("The lesson is kept.")
    assert session.query(Lesson).count() == 1
    session.rollback()
    visitor.go(closing)
    expect(page.get_by_label(BODY)).to_have_value("")
    expect(page.locator(OFFER)).to_have_count(0)  # what was taken is not offered again


@pytest.mark.parametrize(
    ("came_from", "back_to"),
    [
        ("http://localhost/awards/{code}/closing?page=2", "/awards/{code}/closing"),
        ("http://localhost/awards/{code}/workplan/draft", None),  # answers to POST only
        ("http://elsewhere.example/awards/{code}/closing", None),
        ("http://localhost@elsewhere.example/awards/{code}/closing", None),
        ("http://localhost//elsewhere.example", None),
        ("http://[broken", None),
        ("", None),
    ],
)
def test_signing_in_leads_back_to_the_form_and_nowhere_else(
    world_at: Callable[..., World], client_for: Callable[..., PageClient], came_from: str, back_to: str | None
) -> None:
    code = world_at(Stage.PILOT).code
    answer = client_for(None).submit(
        f"/awards/{code}/closing/lessons", headers={"Referer": came_from.format(code=code)}
    )
    assert answer.status_code == 302
    asked = parse_qs(urlsplit(answer.location).query)
    assert asked.get("next") == (back_to and [back_to.format(code=code)])


def test_sending_a_form_without_a_connection_stays_on_the_page(
    session: Session, world_with_passwords: Build, site: Site, visit: Visit
) -> None:
    world = world_with_passwords(Stage.PILOT)
    closing, lead = f"/awards/{world.code}/closing", _email(session, world.lead)
    visitor = visit(width=320)
    visitor.sign_in(lead)
    page = visitor.go(closing)
    page.wait_for_load_state("networkidle")
    _write_lesson(page, "Ask early", TEXT)
    visitor.context.set_offline(True)
    page.get_by_role("button", name="Keep the lesson").click()
    expect(page.get_by_text("Not sent: no connection. Kept on this device.")).to_be_in_viewport(ratio=1)
    expect(page.get_by_label(BODY)).to_have_value(TEXT)
    visitor.context.set_offline(False)
    visitor.press("Keep the lesson")
    visitor.sees("The lesson is kept.")


def test_a_text_is_offered_to_its_writer_alone(
    session: Session, world_with_passwords: Build, site: Site, visit: Visit
) -> None:
    world = world_with_passwords(Stage.PILOT)
    closing = f"/awards/{world.code}/closing"
    lead, member = _email(session, world.lead), _email(session, world.member)
    visitor = visit()
    visitor.sign_in(lead)
    page = visitor.go(closing)
    page.wait_for_load_state("networkidle")
    _write_lesson(page, "Mine", TEXT)
    visitor.context.clear_cookies()
    visitor.sign_in(member)
    page = visitor.go(closing)
    expect(page.get_by_label(BODY)).to_have_value("")
    page.wait_for_load_state("networkidle")
    expect(page.locator(OFFER)).to_have_count(0)
    visitor.context.clear_cookies()
    visitor.sign_in(lead)
    visitor.go(closing)
    expect(page.locator(OFFER)).to_have_count(1)
    _offer(page, "Throw it away").click()
    visitor.go(closing)
    page.wait_for_load_state("networkidle")
    expect(page.locator(OFFER)).to_have_count(0)


def test_a_page_that_refuses_offers_nothing_and_loses_nothing(
    session: Session, world_with_passwords: Build, site: Site, visit: Visit
) -> None:
    world = world_with_passwords(Stage.PILOT)
    closing, lead = f"/awards/{world.code}/closing", _email(session, world.lead)
    visitor = visit()
    visitor.sign_in(lead)
    page = visitor.go(closing)
    _write_lesson(page, "", f"{TEXT}  ")
    visitor.press("Keep the lesson")
    expect(page.locator(".error-summary")).to_be_visible()
    page.wait_for_load_state("networkidle")
    expect(page.locator(OFFER)).to_have_count(0)
    page.get_by_label("Lesson in one line").fill("Ask early")
    visitor.context.clear_cookies()
    page.get_by_role("button", name="Keep the lesson").click()
    _sign_in_here(page, lead)  # the refused form's own address answers to POST only
    expect(page).not_to_have_url(re.compile("/login"))
    visitor.go(closing)
    _offer(page, "Put it back").click()
    expect(page.get_by_label("Lesson in one line")).to_have_value("Ask early")


def test_putting_back_changes_places_with_what_was_typed(
    session: Session, world_with_passwords: Build, site: Site, visit: Visit
) -> None:
    world = world_with_passwords(Stage.PILOT)
    closing, lead = f"/awards/{world.code}/closing", _email(session, world.lead)
    visitor = visit()
    visitor.sign_in(lead)
    page = visitor.go(closing)
    body = page.get_by_label(BODY)
    page.wait_for_load_state("networkidle")
    body.fill("The older text")
    visitor.go(closing)
    expect(page.locator(OFFER)).to_have_count(1)
    body.fill("The newer text")
    for expected, other in (("older", "newer"), ("newer", "older"), ("older", "newer")):
        _offer(page, "Put it back").click()
        expect(body).to_have_value(f"The {expected} text")
        expect(page.locator(OFFER)).to_contain_text("What stood in the form before is kept too.")
        assert f"The {other} text" in str(page.evaluate("Object.values(localStorage).join()"))
    _offer(page, "Throw it away").click()
    expect(page.locator(OFFER)).to_have_count(0)
    expect(body).to_have_value("The older text")


def test_what_is_typed_before_the_script_has_come_is_kept(
    session: Session, world_with_passwords: Build, site: Site, visit: Visit
) -> None:
    world = world_with_passwords(Stage.PILOT)
    closing, lead = f"/awards/{world.code}/closing", _email(session, world.lead)
    visitor, late = visit(), list[Route]()
    visitor.sign_in(lead)
    page = visitor.page
    page.route(KEEPER, lambda route: late.append(route))
    with page.expect_request(KEEPER):
        visitor.go(closing)
    body = page.get_by_label(BODY)
    body.fill("Typed early")
    late.pop().continue_()
    for _n in range(100):
        if "Typed early" in str(page.evaluate("Object.values(localStorage).join()")):
            break
        page.wait_for_timeout(50)
    with page.expect_request(KEEPER):
        page.reload()
    body.fill("Typed early again")
    late.pop().continue_()
    _offer(page, "Put it back").click()
    expect(body).to_have_value("Typed early")
    _offer(page, "Put it back").click()
    expect(body).to_have_value("Typed early again")


def test_a_draft_swaps_too(session: Session, world_with_passwords: Build, site: Site, visit: Visit) -> None:
    world = world_with_passwords(Stage.WORKPLAN)
    edit, lead = f"/awards/{world.code}/workplan/edit", _email(session, world.lead)
    visitor = visit()
    visitor.sign_in(lead)
    page = visitor.go(edit)
    page.route("**/workplan/draft", lambda route: route.abort())
    summary = page.locator("[name=summary]")
    summary.fill("The older text")
    expect(page.locator("[data-autosave-status]")).to_contain_text("Kept on this device.")
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto(edit)
    expect(page.locator(OFFER)).to_have_count(1)
    summary.fill("The newer text")
    _offer(page, "Put it back").click()
    expect(summary).to_have_value("The older text")
    _offer(page, "Put it back").click()
    expect(summary).to_have_value("The newer text")


@pytest.mark.parametrize("known", [True, False])
def test_saving_a_draft_without_a_connection_stays_on_the_page(
    session: Session, world_with_passwords: Build, site: Site, visit: Visit, known: bool
) -> None:
    """Whether the browser knows that it has no connection (``known``), or finds out when it sends."""
    world = world_with_passwords(Stage.WORKPLAN)
    edit, lead = f"/awards/{world.code}/workplan/edit", _email(session, world.lead)
    visitor = visit(width=320)
    visitor.sign_in(lead)
    page = visitor.go(edit)
    page.wait_for_load_state("networkidle")
    if not known:
        page.add_init_script("Object.defineProperty(navigator, 'onLine', { get: () => true })")
        page.reload()
        page.wait_for_load_state("networkidle")
    visitor.context.set_offline(True)
    page.locator("[name=summary]").fill("Written on the road")
    page.get_by_role("button", name="Save the draft").last.click()
    status = page.locator("[data-autosave-status]")
    expect(status).to_contain_text("Not saved: no connection. Kept on this device.")
    expect(page).to_have_url(site.base + edit)
    page.locator("[name=summary]").focus()
    expect(status).to_be_in_viewport(ratio=1)
    assert not Axe().run(page).response["violations"]
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    visitor.shot("draft-offline-320")
    visitor.context.set_offline(False)
    page.get_by_role("button", name="Save the draft").last.click()
    visitor.sees("Draft saved.")
    expect(page.locator("[name=summary]")).to_have_value("Written on the road")
    visitor.errors.clear()  # the browser's own note of the failed request


def test_the_budget_counts_only_what_the_server_takes(
    session: Session, world_with_passwords: Build, site: Site, visit: Visit
) -> None:
    world = world_with_passwords(Stage.WORKPLAN)
    edit, lead = f"/awards/{world.code}/workplan/edit", _email(session, world.lead)
    visitor = visit()
    visitor.sign_in(lead)
    page = visitor.go(edit)
    line = page.locator("[data-budget-line]").first
    if not line.count():
        page.get_by_role("button", name="Add a line").click()
    line.locator("[name$=quantity]").fill("1")
    cost, amount = line.locator("[name$=unit_cost]"), line.locator("[data-line-total]")
    for typed, shown in {
        "12.5": "12.50", "1.234": "–", "0,005": "–", "1.000": "–", "1.2345": "–", "1.2300": "1.23", "1234 567": "–",
        "1 234,50": "1,234.50", "1,25": "1.25", "ten": "–",
    }.items():  # fmt: skip
        cost.fill(typed)
        expect(amount).to_have_text(shown)


def test_what_is_typed_before_the_script_has_come_is_saved_too(
    session: Session, world_with_passwords: Callable[[Stage], World], site: Site, visit: Visit
) -> None:
    world = world_with_passwords(Stage.WORKPLAN)
    code, email = world.code, _email(session, world.lead)
    visitor = visit()
    visitor.sign_in(email)
    page, held = visitor.page, []
    page.route("**/autosave.js", lambda route: held.append(route))
    page.goto(f"/awards/{code}/workplan/edit")
    page.fill("[name=summary]", "Typed on a poor line.")
    expect(page.locator("[data-autosave-status]")).to_have_text("Not saved yet")
    for route in held:
        route.continue_()
    expect(page.locator("[data-autosave-status]")).to_contain_text("Saved")
    page.unroute("**/autosave.js")
    page.goto(f"/awards/{code}/workplan/edit")
    expect(page.locator("[name=summary]")).to_have_value("Typed on a poor line.")


def test_what_was_named_before_the_script_had_come_can_be_chosen(
    session: Session, world_with_passwords: Callable[[Stage], World], site: Site, visit: Visit
) -> None:
    world = world_with_passwords(Stage.WORKPLAN)
    code, email = world.code, _email(session, world.lead)
    visitor = visit()
    visitor.sign_in(email)
    page, held = visitor.page, []
    page.route("**/references.js", lambda route: held.append(route))
    with page.expect_request("**/references.js"):
        page.goto(f"/awards/{code}/workplan/edit")
    page.fill("[name=milestones-0-title]", "Needs understood")
    for route in held:
        route.continue_()
    page.select_option("[name=activities-0-milestone]", label="Needs understood")
