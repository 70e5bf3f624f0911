"""The browser holds pages to what their headers say: our own modules run, and nothing that came in another way."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, Route, expect

from tests.factories import World
from tests.journeys.conftest import ONE_DATABASE, Site, Visitor
from tests.web.pages import PageClient

pytestmark = ONE_DATABASE


def _at_home(world: World, visit: Callable[..., Visitor], client_for: Callable[..., PageClient], site: Site) -> Visitor:
    """The lead at the workplan's form, signed in by their cookie."""
    visitor = visit()
    cookie = client_for(world.lead).get_cookie("session")
    assert cookie is not None
    visitor.context.add_cookies([{"name": "session", "value": cookie.value, "url": site.base}])
    visitor.page.goto(f"/awards/{world.code}/workplan/edit")
    return visitor


def _tried(page: Page, script: str) -> str:
    """What came of a script of ours in the page: it sets ``window.ran`` if it succeeds."""
    return str(page.evaluate(f"() => {{ try {{ {script} }} catch (e) {{ return e.name }} return String(window.ran) }}"))


def _with_foreign_markup(route: Route) -> None:
    """The page as it is, with markup in it that somebody has smuggled in."""
    answer = route.fetch()
    smuggled = """<main><script>window.ran = 1</script><script nonce="guessed">window.ran = 1</script>
      <script src="/static/js/zone.js"></script><img src="x" onerror="window.ran = 1">
      <style>h1 { color: rgb(1, 2, 3) }</style><p style="color: red">x</p><base href="https://evil.example/">"""
    # Trusted Types off, so that the rest is seen to hold by itself.
    policy = answer.headers["content-security-policy"].partition("; require-trusted-types-for")[0]
    headers = {**answer.headers, "content-security-policy": policy}
    route.fulfill(response=answer, headers=headers, body=answer.text().replace("<main", smuggled + "<main", 1))


def test_only_what_carries_the_nonce_is_run(
    world_at: Callable[..., World], visit: Callable[..., Visitor], client_for: Callable[..., PageClient], site: Site
) -> None:
    visitor = _at_home(world_at(), visit, client_for, site)
    page = visitor.page
    # The first module, those it asks for later, and those that they import.
    page.wait_for_load_state("networkidle")
    rows = page.locator("[data-rows] > *").count()
    page.locator("button[data-add-row]").first.click()
    expect(page.locator("[data-rows] > *")).to_have_count(rows + 1)
    assert "add=" not in page.url, "the module adds the row, and not the server"
    assert visitor.errors == []
    for text in ("document.body.innerHTML = '<img src=x>'", "document.write('<p>x')"):
        assert _tried(page, text) == "TypeError", text
    policy = "trustedTypes.createPolicy('mine', { createHTML: (text) => text, createScript: (text) => text })"
    assert _tried(page, policy) == "TypeError"
    # Nor is what the server might write by mistake, in a browser that knows no Trusted Types: no address is good enough.
    page.route("**/account", _with_foreign_markup)
    page.goto("/account")
    page.wait_for_timeout(300)
    assert page.evaluate("() => window.ran") is None
    assert sum("script-src" in text for text in visitor.errors) >= 4, visitor.errors
    assert sum("style-src" in text for text in visitor.errors) >= 2, visitor.errors
    page.evaluate("() => document.querySelector('h1').setAttribute('style', 'color: rgb(1, 2, 3)')")
    assert page.evaluate("() => getComputedStyle(document.querySelector('h1')).color") != "rgb(1, 2, 3)"
    assert visitor.foreign == []


def test_no_page_stands_in_a_frame(
    world_at: Callable[..., World], visit: Callable[..., Visitor], client_for: Callable[..., PageClient], site: Site
) -> None:
    visitor = _at_home(world_at(), visit, client_for, site)
    visitor.page.evaluate(
        "() => { const frame = document.createElement('iframe'); frame.src = '/account'; document.body.append(frame) }"
    )
    visitor.page.wait_for_timeout(300)
    assert any("frame" in text.casefold() for text in visitor.errors)
