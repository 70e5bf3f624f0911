"""Files in a real browser, with its scripts and without: a refusal says why and costs nothing that was typed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import FilePayload, Page, expect
from sqlalchemy.orm import Session

from lab.rules.facts import Stage
from tests.factories import World
from tests.journeys.conftest import ONE_DATABASE, Site, Visitor
from tests.web.pages import PageClient

pytestmark = ONE_DATABASE

GOOD = FilePayload(name="plan.pdf", mimeType="application/pdf", buffer=b"%PDF-1.7\n" + bytes(5000))
BAD = FilePayload(name="tool.exe", mimeType="application/octet-stream", buffer=b"MZ\x00" + bytes(100))
LARGE = FilePayload(name="film.pdf", mimeType="application/pdf", buffer=b"%PDF-1.7\n" + bytes(3 * 1024 * 1024))


def _lead(
    visit: Callable[..., Visitor], site: Site, client: PageClient, session: Session, *, javascript: bool
) -> Visitor:
    """The lead at a browser, signed in already."""
    client.token()  # a first cookie
    cookie = client.get_cookie("session")
    assert cookie is not None
    session.rollback()
    visitor = visit(javascript=javascript)
    visitor.context.add_cookies([{"name": "session", "value": cookie.value, "url": site.base}])
    return visitor


def _upload(page: Page, within: str, file: FilePayload) -> None:
    page.locator(f"{within} input[type=file]").set_input_files(file)
    page.locator(within).get_by_role("button", name="Upload the file").click()


@pytest.mark.parametrize("javascript", [True, False])
def test_the_next_version_with_its_files(
    session: Session, world_at: Callable[..., World], client_for: Callable[..., PageClient], site: Site,
    visit: Callable[..., Visitor], javascript: bool,
) -> None:  # fmt: skip
    world = world_at(Stage.PROTOTYPING)
    code, client = world.code, client_for(world.lead)
    visitor = _lead(visit, site, client, session, javascript=javascript)
    page = visitor.go(f"/awards/{code}/lab/versions/new")
    words = page.get_by_label("What this version can do")
    words.fill("It counts <stock>,\nalso without a connection.")
    _upload(page, "main", BAD)
    expect(page.locator(".error-summary")).to_contain_text("“tool.exe” is not of a kind that is taken here.")
    expect(words).to_have_value("It counts <stock>,\nalso without a connection.")
    visitor.check()
    _upload(page, "main", GOOD)
    expect(page.get_by_label("plan.pdf")).to_be_checked()
    visitor.check()
    page.reload()
    expect(words).to_have_value("It counts <stock>,\nalso without a connection.")
    expect(page.locator("main .alert-warning")).to_have_count(0)  # no second copy of the text is offered
    page.get_by_label("Address of the test version").press("Enter")  # saves, and does not publish
    visitor.sees("Draft saved.")
    visitor.press("Publish version 1")
    visitor.sees("Version 1 is published.")
    with page.expect_download() as download:
        page.get_by_role("link", name="plan.pdf").click()
    assert download.value.suggested_filename == "plan.pdf"
    assert download.value.path().read_bytes() == GOOD["buffer"]


@pytest.mark.parametrize("javascript", [True, False])
def test_a_boot_camps_documents(
    session: Session, world_at: Callable[..., World], client_for: Callable[..., PageClient], site: Site,
    visit: Callable[..., Visitor], javascript: bool,
) -> None:  # fmt: skip
    world = world_at(Stage.PROTOTYPING)
    lab, client = f"/awards/{world.code}/lab", client_for(world.lead)
    visitor = _lead(visit, site, client, session, javascript=javascript)
    for file, words in ((BAD, "“tool.exe” is not of a kind"), (LARGE, "3 MB")):
        page = visitor.go(lab)
        page.locator("#camp-build").get_by_text("Add a document").click()
        _upload(page, "#camp-build", file)
        visitor.sees(words)
        if not javascript:
            page.get_by_role("link", name="Go back").click()
        expect(page).to_have_url(site.base + lab)
    page = visitor.go(lab)
    page.locator("#camp-build").get_by_text("Add a document").click()
    _upload(page, "#camp-build", GOOD)
    expect(page.locator("#camp-build .files")).to_contain_text("plan.pdf")
    expect(page).to_have_url(site.base + lab)
    visitor.check()
    visitor.press("Remove plan.pdf", "#camp-build")
    expect(page.locator("#camp-build .files")).to_have_count(0)
