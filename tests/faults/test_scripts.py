"""Payloads in every text and file name, and every page opened in a real browser by everybody who may: nothing of them runs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from uuid import uuid4

import pytest
from bs4 import BeautifulSoup
from playwright.sync_api import Browser, BrowserContext, Page
from sqlalchemy import select

from lab import clock
from lab.models import Base, Mail
from lab.services import reminders
from tests.faults import poison
from tests.faults.client import Answer, Client
from tests.faults.conftest import Servers
from tests.faults.people import ADMIN, COMMITTEE, FINANCE, LEAD, MEMBER, MENTOR, OFFICER, crawl, shape
from tests.faults.poison import CALCULATED, PAYLOADS, POISON, SUM
from tests.faults.servers import Server
from tests.faults.table import Figure

# Set before any page's own scripts: whatever runs, or was kept from running by the policy alone, is told.
TRAP = """
window.alert = window.confirm = window.prompt = () => window.__hit('alert');
document.addEventListener('securitypolicyviolation', e =>
    window.__blocked(`${e.violatedDirective} ${e.blockedURI} ${e.sample}`));
"""
# What is in the page as markup although somebody typed it.
FOUND = """() => [
    ...[...document.querySelectorAll('script:not([src]), iframe, object, embed, base, meta[http-equiv=refresh], math')].map(e => e.outerHTML),
    // A chart opened by itself has the styles that it was drawn with.
    ...(document.contentType === 'text/html' ? [...document.querySelectorAll('style')].map(e => e.outerHTML) : []),
    ...[...document.querySelectorAll('a, area, form, button, use, image')].filter(e =>
        /^\\s*(javascript|data|vbscript):/i.test(e.getAttribute('href') || e.getAttribute('xlink:href') || e.getAttribute('action') || e.getAttribute('formaction') || '')
        || e.protocol === 'javascript:').map(e => e.outerHTML),
    ...[...document.querySelectorAll('*')].filter(e => [...e.attributes].some(a => /^on/i.test(a.name))).map(e => e.outerHTML),
].map(html => html.slice(0, 200))"""
READERS = (LEAD, MEMBER, MENTOR, COMMITTEE, OFFICER, FINANCE, ADMIN)


Columns = dict[str, list[str]]


@pytest.fixture(scope="module")
def prepared(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> tuple[Server, Columns]:
    """A server of its own, whose database is that of the attacks before with payloads in every text; and what its text
    columns hold before it starts, and others write something.
    """
    server = Server("sqlite", tmp_path_factory.mktemp("poisoned"), workers=2)
    server.take_over(servers.of("sqlite"))
    with server.rows() as session:
        assert poison.poison(session) > 1000
        held = {
            f"{table.name}.{column}": [value for value in session.scalars(select(table.c[column])) if value]
            for table, column in poison.columns()
        }
    return server, held


@pytest.fixture(scope="module")
def poisoned(prepared: tuple[Server, Columns]) -> Iterator[Server]:
    """The same, started."""
    server, _held = prepared
    server.start()
    yield server
    server.stop()


def test_every_text_column_is_poisoned_or_known_to_be_typed_by_nobody(
    poisoned: Server, prepared: tuple[Server, Columns]
) -> None:
    """What the list leaves out is a list of names; whatever column comes new is poisoned."""
    for place, values in prepared[1].items():
        clean = [value for value in values if "__hit" not in value and value not in READERS]
        assert not clean, f"{place}: {clean[:3]}"
    with poisoned.rows() as session:
        papers = json.dumps(
            [session.execute(select(table.c[name])).scalars().all() for table, name in poison.documents()]
        )
    assert papers.count("__hit('script')") > 100
    assert {"award", "person", "comment", "upload", "document", "version", "event", "mail"} <= set(Base.metadata.tables)


def _kinds(pages: dict[str, Answer]) -> list[str]:
    """One or two addresses of each kind of page: on different awards they are in different states."""
    chosen: dict[str, list[str]] = {}
    for path, answer in pages.items():
        kind = re.sub(r"^/(awards|calls)/(?!new)[^/?]+", r"/\1/CODE", shape(path)) + ("?" if "?" in path else "")
        if answer.status == 200 and answer.kind in ("text/html", "image/svg+xml"):
            chosen.setdefault(kind, []).append(path)
    return [path for paths in chosen.values() for path in {paths[0], paths[-1]}]


def _context(browser: Browser, server: Server, client: Client, hits: list[str]) -> BrowserContext:
    context = browser.new_context(base_url=server.base, viewport={"width": 1280, "height": 900})
    context.add_cookies([{"name": name, "value": value, "url": server.base} for name, value in client.jar.items()])
    context.expose_function("__hit", lambda *what: hits.append(f"ran: {what}"))
    context.expose_function("__blocked", lambda what: hits.append(f"blocked by the policy alone: {what}"))
    context.add_init_script(TRAP)
    return context


def _watch(page: Page, server: Server, hits: list[str]) -> None:
    page.on("dialog", lambda dialog: (hits.append(f"a dialog: {dialog.message}"), dialog.dismiss()))
    page.on(
        "request",
        lambda asked: (
            hits.append(f"asked {asked.url}") if not asked.url.startswith((server.base, "data:", "blob:")) else None
        ),
    )


def _opened(page: Page, path: str, hits: list[str]) -> bool:
    """Open a page and look at it; whether any payload is in it, as text."""
    page.goto(path, wait_until="load")
    hits += [f"in the page: {html}" for html in page.evaluate(FOUND)]
    content = page.content()
    if CALCULATED in content:
        hits.append("a template was calculated")
    return "__hit" in content


def test_nothing_that_was_typed_runs_on_any_page(browser: Browser, poisoned: Server, figure: Figure) -> None:
    wrong, opened, shown, kinds = [], 0, 0, set()
    for who in (*READERS, ""):
        client = poisoned.enter(who) if who else poisoned.client()
        hits: list[str] = []
        context = _context(browser, poisoned, client, hits)
        page = context.new_page()
        _watch(page, poisoned, hits)
        paths = _kinds(crawl(client)) if who else ["/login", "/login?next=" + POISON[:60], "/reset", "/nothing"]
        for path in paths:
            shown += _opened(page, path, hits)
            opened += 1
            kinds.add(re.sub(r"^/(awards|calls)/[^/?]+", "", shape(path)))
            own = "style-src" if ".svg" in path else None
            wrong += [f"{who or 'nobody'} {path}: {hit}" for hit in hits if own is None or own not in hit]
            hits.clear()
        context.close()
    assert shown > opened / 2, "the payloads are on most of the pages, as the text that they are"
    assert len(kinds) > 25, kinds
    figure("scripts: run, or in a page as markup", tried=opened, wrong=wrong)


def test_the_trap_does_catch_what_runs(browser: Browser, poisoned: Server) -> None:
    """The same payloads, put into a page without any care, are caught in every one of the ways."""
    hits: list[str] = []
    context = _context(browser, poisoned, poisoned.client(), hits)
    page = context.new_page()
    _watch(page, poisoned, hits)
    careless = f'<!doctype html><title>x</title><p>{PAYLOADS[0]}<p title="{PAYLOADS[1]}">{PAYLOADS[6]}'
    page.route("**/careless", lambda route: route.fulfill(body=careless, content_type="text/html"))
    policy = {"Content-Security-Policy": "default-src 'self'"}
    page.route("**/kept", lambda route: route.fulfill(body=careless, content_type="text/html", headers=policy))
    _opened(page, "/careless", hits)
    assert any("script" in hit for hit in hits if hit.startswith("ran")) and any("anchor" in hit for hit in hits)
    hits.clear()
    _opened(page, "/kept", hits)
    page.wait_for_timeout(200)
    assert any(hit.startswith("blocked") for hit in hits) and not any(hit.startswith("ran") for hit in hits)
    context.close()


def _fields(form: object) -> dict[str, str]:
    """A form's fields: what is hidden, numbers and choices as they are, payloads in everything that can be typed in."""
    fields: dict[str, str] = {}
    for control in form.find_all(["input", "textarea", "select"]):  # type: ignore[attr-defined]
        name, kind = str(control.get("name") or ""), str(control.get("type") or "text")
        if not name or name == "csrf_token" or kind in ("submit", "button", "file"):
            continue
        fields[name] = str(control.get("value") or "") if kind in ("hidden", "radio", "checkbox") else POISON
    return fields


def test_what_is_typed_comes_back_as_text(poisoned: Server, figure: Figure) -> None:
    """Every form of every page is sent with payloads, and every page asked for with payloads in its address."""
    wrong, tried, back = [], 0, 0
    for who in (LEAD, OFFICER, MENTOR, FINANCE, ADMIN, ""):
        client = poisoned.enter(who) if who else poisoned.client()
        pages = crawl(client, 200) if who else {path: client.get(path) for path in ("/login", "/reset")}
        seen: set[str] = set()
        for path, answer in pages.items():
            if answer.kind != "text/html" or answer.status != 200:
                continue
            for form in BeautifulSoup(answer.text, "html.parser").find_all(
                "form", {"method": re.compile("post", re.I)}
            ):
                target = str(form.get("action") or path)
                kind = re.sub(r"/\d+", "/N", re.sub(r"^/awards/[^/]+", "", target))
                if kind in seen or re.search(r"logout|devices|disable|roles|/account$", target):
                    continue
                seen.add(kind)
                sent = _fields(form) | ({"form_key": uuid4().hex} if "form_key" in _fields(form) else {})
                reply = client.submit(target, sent)
                tried += 1
                back += "__hit" in reply.text
                wrong += [f"{who} {target}: {what}" for what in _markup(reply)]
        for path in (
            f"/{POISON[:80]}",
            f"/login?next={POISON}",
            f"/awards?page={POISON}&stage={POISON}&q={POISON}",
            f"/outbox?state={POISON}",
        ):
            reply = client.get(re.sub(r"[^\x21-\x7e]", "%20", path))
            tried += 1
            wrong += [f"{who} {path[:40]}: {what}" for what in _markup(reply)]
    assert tried > 40 and back > 10, (tried, back)
    figure(
        "scripts: typed in a form or an address, and back as markup",
        tried=tried,
        wrong=wrong,
    )


def _markup(answer: Answer) -> list[str]:
    if answer.status >= 500:
        return [f"answered {answer.status}"]
    if answer.kind != "text/html":
        return (
            []
            if "__hit" not in answer.text or answer.headers.get("X-Content-Type-Options") == "nosniff"
            else ["sniffed"]
        )
    page = BeautifulSoup(answer.text, "html.parser")
    found = [str(tag)[:160] for tag in page.find_all(["iframe", "base", "style", "math"])]
    found += [str(tag)[:160] for tag in page.find_all("script") if not tag.get("src")]
    found += [
        str(tag)[:160] for tag in page.find_all(True) if any(name.casefold().startswith("on") for name in tag.attrs)
    ]
    found += [str(tag)[:160] for tag in page.find_all(href=re.compile(r"^\s*(javascript|data|vbscript):", re.I))]
    return found + (["a template was calculated"] if CALCULATED in answer.text else [])


def test_mails_carry_it_as_text(poisoned: Server, figure: Figure) -> None:
    """Reminders of everything that falls due in two months, written from poisoned rows: no template is calculated in them."""
    with poisoned.rows() as session:
        last = max(session.scalars(select(Mail.id)), default=0)
        for days in range(0, 60, 5):
            reminders.sweep(clock.now() + timedelta(days=days))
        mails = [(mail.subject, mail.body) for mail in session.scalars(select(Mail).where(Mail.id > last))]
    assert mails and any(SUM in body for _subject, body in mails), "the texts are in the mails, as they were typed"
    wrong = [
        subject
        for subject, body in mails
        if CALCULATED in body + subject
        or "\n" in subject
        or "\r" in subject
        or "&lt;script" in body.replace(POISON, "")
    ]
    figure("scripts: mails in which a template was calculated", tried=len(mails), got=len(wrong))
