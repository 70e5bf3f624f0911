"""A real server, a real browser, and a visitor for each person. Without a browser these tests skip and say so."""

from __future__ import annotations

import os
import re
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Browser, Page, expect, sync_playwright
from werkzeug.serving import make_server

from lab.extensions import db
from lab.models import Mail

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
PASSWORD = "a long enough password"


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        if os.environ.get("LAB_TEST_REQUIRE_BROWSER") == "1":
            pytest.fail("no Chromium on this machine, and LAB_TEST_REQUIRE_BROWSER=1 asks for one")
        pytest.skip("no Chromium on this machine: the browser journeys were not walked")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


class Visitor:
    """One person at one browser. Every page they open is held against axe, once a page and test."""

    def __init__(
        self, browser: Browser, base: str, seen: set[str], *, javascript: bool = True, width: int = 1280
    ) -> None:
        self.context = browser.new_context(
            base_url=base, java_script_enabled=javascript, viewport={"width": width, "height": 900}, locale="en-GB"
        )
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(10_000)
        self.errors: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on(
            "console",
            lambda message: (
                self.errors.append(message.text)
                if message.type == "error" and "status of 4" not in message.text
                else None
            ),
        )
        self.foreign: list[str] = []
        self.page.on(
            "request",
            lambda request: (
                self.foreign.append(request.url) if not request.url.startswith((base, "data:", "blob:")) else None
            ),
        )
        self.javascript = javascript
        self.seen = seen

    def go(self, path: str) -> Page:
        """Open ``path`` and hold it against axe."""
        answer = self.page.goto(path)
        assert answer is not None and answer.status < 400, (
            f"{path}: {answer and answer.status}\n{self.page.inner_text('main')[:800]}"
        )
        self.check()
        return self.page

    def check(self) -> None:
        """No axe violation on the page as it stands, no error in its scripts, nothing fetched from elsewhere."""
        assert not self.errors, f"{self.page.url}: {self.errors}"
        assert not self.foreign, f"{self.page.url}: fetched {self.foreign}"
        # A page is known by its address without numbers and by its headings, so that each state is looked at once.
        kind = re.sub(r"\d+", "N", self.page.url) + "|" + "|".join(self.page.locator("h1, h2").all_inner_texts())
        if not self.javascript or kind in self.seen:
            return
        self.seen.add(kind)
        found = Axe().run(self.page).response["violations"]
        assert not found, f"{self.page.url}: " + "; ".join(
            f"{v['id']} {v['help']}: {[n['html'][:160] for n in v['nodes'][:3]]}" for v in found
        )

    def sign_in(self, email: str, password: str = PASSWORD) -> Page:
        """Through the sign-in page."""
        self.go("/login")
        self.page.get_by_label("Email").fill(email)
        self.page.get_by_label("Password", exact=True).fill(password)
        self.page.get_by_role("button", name=re.compile("sign in|log in", re.I)).click()
        expect(self.page).not_to_have_url(re.compile("/login"))
        self.check()
        return self.page

    def sees(self, text: str | re.Pattern[str]) -> None:
        """The page shows ``text`` somewhere in its main part."""
        expect(self.page.locator("main")).to_contain_text(text)

    def press(self, name: str | re.Pattern[str], within: str = "main", nth: int = 0) -> None:
        """Press a button and hold the page that follows against axe."""
        self.page.locator(within).get_by_role("button", name=name).nth(nth).click()
        self.page.wait_for_load_state()
        self.check()

    def shot(self, name: str) -> None:
        """A screenshot, when LAB_TEST_SHOTS names a folder for them."""
        folder = os.environ.get("LAB_TEST_SHOTS")
        if folder:
            self.page.screenshot(path=str(Path(folder) / f"{name}.png"), full_page=True)


class Site:
    """The running server, and the letters it wrote."""

    def __init__(self, app: Flask, base: str) -> None:
        self.app, self.base = app, base

    def mails_to(self, email: str) -> list[Mail]:
        with self.app.app_context():
            return db.session.query(Mail).filter_by(to=email).order_by(Mail.id).all()

    def link_in_mail(self, email: str, pattern: str) -> str:
        """The path of the newest link to ``email`` that matches."""
        for mail in reversed(self.mails_to(email)):
            found = re.search(rf"https?://[^/\s]+({pattern})", mail.body)
            if found:
                return found[1]
        raise AssertionError(
            f"no mail to {email} has a link like {pattern}: {[m.subject for m in self.mails_to(email)]}"
        )


@pytest.fixture
def site(app: Flask) -> Iterator[Site]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield Site(app, f"http://127.0.0.1:{server.server_port}")
    server.shutdown()
    thread.join(5)


@pytest.fixture
def visit(browser: Browser, site: Site) -> Iterator[Callable[..., Visitor]]:
    """``visit()``: a new person at a browser of their own; ``visit(width=360)`` on a phone, ``visit(javascript=False)`` without."""
    made: list[Visitor] = []
    seen: set[str] = set()

    def make(**options: object) -> Visitor:
        made.append(Visitor(browser, site.base, seen, **options))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for visitor in made:
        visitor.context.close()
