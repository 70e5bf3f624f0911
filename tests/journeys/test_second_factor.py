"""An officer and their second factor, in a browser with an authenticator of its own: set up, given, lost and found."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask_security.utils import hash_password
from passlib.totp import TOTP
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import update

from lab import clock
from lab.extensions import db
from lab.models import SignIn, Totp
from lab.rules.facts import Role
from tests import factories
from tests.journeys.conftest import ONE_DATABASE, PASSWORD, Site, Visitor

pytestmark = ONE_DATABASE

EMAIL = "olivia@ilo.example"


@pytest.fixture
def named_site(site: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    """The site at an address with a name, which passkeys want, with a second factor asked of everybody in office."""
    base = site.base.replace("127.0.0.1", "localhost")
    config = replace(site.app.extensions["lab_config"], base_url=base, second_factor=True)
    monkeypatch.setitem(site.app.extensions, "lab_config", config)
    with site.app.app_context():
        factories.make_call(db.session())
        factories.person(
            db.session(), Role.OFFICER, name="Olivia Officer", email=EMAIL, password=hash_password(PASSWORD)
        )
        db.session.commit()
    return Site(site.app, base)


@pytest.fixture
def visit(browser: Browser, named_site: Site) -> Iterator[Callable[..., Visitor]]:
    """As everywhere, at the address with a name."""
    made: list[Visitor] = []

    def make(**options: Any) -> Visitor:
        made.append(Visitor(browser, named_site.base, **options))
        return made[-1]

    yield make
    for visitor in made:
        visitor.context.close()


def _authenticator(visitor: Visitor) -> tuple[Any, str]:
    """Give the browser an authenticator that verifies its owner by itself."""
    tools = visitor.context.new_cdp_session(visitor.page)
    tools.send("WebAuthn.enable")
    made = tools.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": True,
                "automaticPresenceSimulation": True,
            }
        },
    )
    return tools, made["authenticatorId"]


def _later(site: Site) -> None:
    """Half a minute passes: the code of this minute counts as a new one."""
    with site.app.app_context():
        db.session.execute(update(Totp).values(counter=0))
        db.session.commit()


def _code(key: str) -> str:
    return str(TOTP(key).generate(time=clock.wall()).token)


def _enter(visitor: Visitor) -> Page:
    page = visitor.go("/login")
    page.get_by_label("Email").fill(EMAIL)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    visitor.press("Sign in")
    return page


def _sign_out(page: Page) -> None:
    page.locator("details.menu summary").last.click()
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(re.compile("/login"))


def _set_up(site: Site, visitor: Visitor) -> tuple[str, list[str]]:
    """From the first sign-in to the start page: the app's key and the recovery codes."""
    page = _enter(visitor)
    expect(page.get_by_role("heading", name="One more step before you go in")).to_be_visible()
    visitor.shot("second-factor-why")
    page.get_by_role("link", name="Set up an app").click()
    visitor.check()
    page.get_by_text("Type the key instead").click()
    key = page.locator("code.key").inner_text().replace("-", "")
    visitor.shot("second-factor-app")
    page.get_by_label("Code", exact=True).fill("12345")
    visitor.press("Set it up")
    visitor.sees("This code is not right")
    page.get_by_label("Code", exact=True).fill(_code(key))
    visitor.press("Set it up")
    visitor.sees("The app is set up")
    visitor.press("Make recovery codes")
    codes = page.locator("ol.codes code").all_inner_texts()
    assert len(codes) == 10
    expect(page.get_by_role("button", name="Print them")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="Keep them in a file").click()
    assert all(code in download.value.path().read_text() for code in codes)
    visitor.shot("second-factor-codes")
    page.get_by_role("link", name="I have kept them: go on").click()
    expect(page).to_have_url(f"{site.base}/")
    visitor.check()
    _later(site)
    return key, codes


def test_an_officer_sets_it_up_gives_it_and_loses_it(named_site: Site, visit: Callable[..., Visitor]) -> None:
    officer = visit()
    key, codes = _set_up(named_site, officer)
    page = officer.page
    # With the app.
    _sign_out(page)
    _enter(officer)
    expect(page).to_have_url(re.compile("/second-factor"))
    officer.shot("second-factor-prove")
    page.get_by_label("Code", exact=True).fill(_code(key))
    officer.press("Go in")
    expect(page).to_have_url(f"{named_site.base}/")
    # A passkey is added, and its dialogue fails once on the way.
    tools, authenticator = _authenticator(officer)
    tools.send("WebAuthn.setUserVerified", {"authenticatorId": authenticator, "isUserVerified": True})
    officer.go("/account")
    page.get_by_role("link", name="See and change it").click()
    page.get_by_role("link", name="Add a passkey").click()
    officer.check()
    page.get_by_label("Name", exact=True).fill("Laptop")
    officer.shot("second-factor-passkey")
    page.get_by_role("button", name="Make the passkey").click()
    expect(page.locator("main")).to_contain_text("The passkey is added")
    officer.check()
    officer.sees("Laptop")
    page.get_by_role("link", name="Add a passkey").click()
    page.get_by_label("Name", exact=True).fill("The same laptop")
    page.get_by_role("button", name="Make the passkey").click()
    expect(page.get_by_role("status").last).to_have_text("This device has a passkey for your account already.")
    officer.go("/account/second-factor")
    page.get_by_text("Change: Laptop").click()
    officer.shot("second-factor-show")
    page.get_by_label("Name", exact=True).fill("Work laptop")
    officer.press("Keep this name")
    officer.sees("Work laptop")
    # The passkey as the second factor.
    _sign_out(page)
    _enter(officer)
    page.get_by_role("button", name="Use a passkey").click()
    expect(page).to_have_url(f"{named_site.base}/")
    # The passkey for both.
    _sign_out(page)
    officer.shot("second-factor-sign-in")
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page).to_have_url(f"{named_site.base}/")
    officer.check()
    # And to prove that one is there.
    with named_site.app.app_context():
        db.session.execute(update(SignIn).values(fresh_at=clock.wall() - timedelta(hours=1)))
        db.session.commit()
    officer.go("/account/second-factor/codes")
    page.get_by_role("button", name="Make recovery codes").click()
    expect(page.get_by_role("heading", name="Is it you?")).to_be_visible()
    officer.check()
    officer.shot("second-factor-confirm")
    page.get_by_role("button", name="Confirm with a passkey").click()
    expect(page.get_by_role("link", name="I have kept them: go on")).to_be_visible()
    newer = page.locator("ol.codes code").all_inner_texts()
    assert not set(newer) & set(codes)
    # The phone is lost, at another browser: one of the codes on paper.
    _recovers(named_site, visit, newer[4], width=360)
    _recovers(named_site, visit, newer[5], javascript=False)


def _recovers(site: Site, visit: Callable[..., Visitor], code: str, **options: Any) -> None:
    stranger = visit(**options)
    page = _enter(stranger)
    page.get_by_text("You do not have it with you, or it is lost").click()
    stranger.shot(f"second-factor-recovery-{options.get('width', 1280)}")
    page.get_by_label("Recovery code").fill(code.lower())
    stranger.press("Use the recovery code")
    expect(page).to_have_url(f"{site.base}/")
    stranger.check()


def test_everything_fits_a_phone_and_works_without_scripts(named_site: Site, visit: Callable[..., Visitor]) -> None:
    plain = visit(javascript=False, width=360)
    page = _enter(plain)
    page.get_by_role("link", name="Set up an app").click()
    plain.shot("second-factor-app-360")
    page.get_by_text("Type the key instead").click()
    key = page.locator("code.key").inner_text().replace("-", "")
    page.get_by_label("Code", exact=True).fill(_code(key))
    plain.press("Set it up")
    plain.press("Make recovery codes")
    plain.shot("second-factor-codes-360")
    page.get_by_role("link", name="I have kept them: go on").click()
    expect(page).to_have_url(f"{named_site.base}/")
    _later(named_site)
    for path in ("/account/second-factor", "/account/second-factor/app", "/account/second-factor/codes"):
        plain.go(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, path
    page = plain.go("/account/second-factor/passkey")
    plain.sees("This browser cannot make passkeys")
    expect(page.get_by_role("button", name="Make the passkey")).to_be_hidden()
    plain.go("/account/second-factor")
    plain.shot("second-factor-show-360")
    with_code = visit(javascript=False, width=360)
    page = _enter(with_code)
    page.get_by_label("Code", exact=True).fill(_code(key))
    with_code.shot("second-factor-prove-360")
    with_code.press("Go in")
    expect(page).to_have_url(f"{named_site.base}/")


def test_a_passkey_that_is_stopped_is_told_and_can_be_tried_again(
    named_site: Site, visit: Callable[..., Visitor]
) -> None:
    officer = visit()
    tools, authenticator = _authenticator(officer)
    page = _enter(officer)
    page.get_by_role("link", name="Add a passkey").click()
    # Whoever sits there is not who they say.
    tools.send("WebAuthn.setUserVerified", {"authenticatorId": authenticator, "isUserVerified": False})
    page.get_by_role("button", name="Make the passkey").click()
    expect(page.get_by_role("status").last).to_contain_text("No passkey was used")
    officer.check()
    tools.send("WebAuthn.setUserVerified", {"authenticatorId": authenticator, "isUserVerified": True})
    page.get_by_role("button", name="Make the passkey").click()
    expect(page.locator("main")).to_contain_text("The passkey is added")
    expect(page.get_by_role("button", name="Make recovery codes")).to_be_visible()
