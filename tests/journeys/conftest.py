"""A real server, a real browser, and a visitor for each person."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Browser, Page, expect
from werkzeug.serving import make_server

from lab.extensions import db
from lab.models import Mail
from tests.conftest import DATABASES

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse

PASSWORD = "a long enough password"
# What a person sees does not hang on the database: journeys are walked on one, services and pages are tested on each.
ONE_DATABASE = pytest.mark.parametrize("store", DATABASES[-1:], indirect=True)


# What a page is made of, each kind of element once.
PARTS = """() => [...new Set([...document.querySelectorAll('body *')].map(e =>
    [e.tagName, e.type || e.getAttribute('role') || '', e.getAttribute('class') || ''].join('.')))]"""


class Visitor:
    """One person at one browser. Every page they open is held against axe, once whatever it is made of."""

    # Of all visitors of a run.
    seen: ClassVar[set[str]] = set()

    def __init__(self, browser: Browser, base: str, *, javascript: bool = True, width: int = 1280) -> None:
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
        if not self.javascript:
            return
        # A kind of page at a width, and the parts that it is made of: it is looked at whenever one of them is new to it,
        # and a page made of what was looked at already is not.
        path = re.sub(r"[0-9]+", "N", re.sub(r"^/awards/[^/]+", "/awards/A", urlsplit(self.page.url).path))
        where = f"{path} {(self.page.viewport_size or {}).get('width')}"
        parts = {f"{where} {part}" for part in self.page.evaluate(PARTS)}
        if parts <= self.seen:
            return
        self.seen.update(parts)
        found = Axe().run(self.page).response["violations"]
        assert not found, f"{self.page.url}: " + "; ".join(
            f"{v['id']} {v['help']}: {[n['html'][:160] for n in v['nodes'][:3]]}" for v in found
        )

    def sign_in(self, email: str, password: str = PASSWORD) -> Page:
        """Through the sign-in page."""
        self.go("/login")
        self.page.get_by_label("Email").fill(email)
        self.page.get_by_label("Password", exact=True).fill(password)
        self.page.get_by_role("button", name="Sign in", exact=True).click()
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


class Whole:
    """``app`` with each answer read to its end and closed before the first byte leaves; knows how many are under way.

    The development server reads what is left of a request before it closes the answer; a browser that hangs up just then
    (a page left, a connection cut by a test) keeps it from closing, and the file behind the answer stays open. Nor does it
    wait, when it is stopped, for answers that nobody reads any more: their connections to the database would stay open.
    """

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.under_way = 0
        self.changed = threading.Condition()

    def __call__(self, environ: dict[str, object], start_response: StartResponse) -> list[bytes]:
        with self.changed:
            self.under_way += 1
        try:
            body = self.app(environ, start_response)
            try:
                return [b"".join(body)]
            finally:
                if hasattr(body, "close"):
                    body.close()
        finally:
            with self.changed:
                self.under_way -= 1
                self.changed.notify_all()

    def finish(self) -> None:
        """Wait until nothing is under way."""
        with self.changed:
            assert self.changed.wait_for(lambda: self.under_way == 0, 30), "a request does not come to an end"


@pytest.fixture
def site(app: Flask) -> Iterator[Site]:
    whole = Whole(app)
    server = make_server("127.0.0.1", 0, whole, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield Site(app, f"http://127.0.0.1:{server.server_port}")
    server.shutdown()
    thread.join(5)
    whole.finish()


@pytest.fixture
def visit(browser: Browser, site: Site) -> Iterator[Callable[..., Visitor]]:
    """``visit()``: a new person at a browser of their own; ``visit(width=360)`` on a phone, ``visit(javascript=False)`` without."""
    made: list[Visitor] = []

    def make(**options: object) -> Visitor:
        made.append(Visitor(browser, site.base, **options))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for visitor in made:
        visitor.context.close()
