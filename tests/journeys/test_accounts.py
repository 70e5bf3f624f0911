"""Who lost password and phone gets back in with an officer's help; and what is asked before a role changes."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from flask_security.utils import hash_password
from playwright.sync_api import expect
from sqlalchemy.orm import Session

from lab import clock, jobs
from tests.factories import World
from tests.journeys.conftest import ONE_DATABASE, PASSWORD, Site, Visitor

pytestmark = ONE_DATABASE

OTHER = "lluvia tambor cebolla martes"


@dataclass(frozen=True)
class Around:
    """An award at the gate: its code, and the addresses of its people, who have a password."""

    code: str
    lead: str
    lead_name: str
    member: str
    officer: str


@pytest.fixture
def around(world_at: Callable[..., World], session: Session) -> Around:
    world = world_at()
    for person in (world.lead, world.member, world.officer):
        person.password = hash_password(PASSWORD)
    session.commit()
    found = Around(world.code, world.lead.email, world.lead.name, world.member.email, world.officer.email)
    # What the test has read must not keep the write lock from the server.
    session.rollback()
    return found


def test_lost_phone_and_password(site: Site, visit: Callable[..., Visitor], around: Around) -> None:
    email, name, code = around.lead, around.lead_name, around.code
    lost = visit(width=360)
    lost.sign_in(email)
    anew = visit(width=360)
    anew.go("/reset")
    anew.page.get_by_text("your phone is lost as well").click()
    anew.sees("Ask the programme officer")
    officer = visit()
    officer.sign_in(around.officer)
    officer.go(f"/awards/{code}")
    officer.page.get_by_role("link", name=re.compile(f"Help back in.*{name}")).click()
    officer.check()
    officer.press("Send the link")
    officer.sees("Say how you made sure")
    officer.page.get_by_label("How did you make sure").fill("Called her at the number in the agreement.")
    officer.shot("help-back-in")
    officer.press("Send the link")
    officer.sees(f"on its way to {email}")
    lost.page.goto("/")
    expect(lost.page).to_have_url(f"{site.base}/login?next=/")
    anew.go(site.link_in_mail(email, r"/reset/\S+"))
    anew.page.get_by_label("New password").fill("passwordpassword")
    anew.page.get_by_label("The same password again").fill("passwordpassword")
    anew.press("Keep this password")
    anew.sees("first that would be tried")
    anew.page.get_by_label("New password").fill(OTHER)
    anew.page.get_by_label("The same password again").fill(OTHER)
    anew.press("Keep this password")
    anew.sees("Your new password is kept")
    anew.sign_in(email, OTHER)
    anew.go("/account")
    anew.sees("this one")
    anew.shot("account-360")
    officer.go(f"/awards/{code}/timeline")
    officer.sees(f"{name} was helped back in")


@pytest.mark.parametrize("javascript", [True, False])
def test_a_forgotten_password(site: Site, visit: Callable[..., Visitor], around: Around, javascript: bool) -> None:
    email = around.member
    visitor = visit(width=360, javascript=javascript)
    visitor.go("/login")
    visitor.page.get_by_role("link", name="Forgotten your password?").click()
    visitor.page.get_by_label("Email").fill(email)
    visitor.press("Send me the link")
    visitor.sees(f"If {email} has an account")
    assert jobs.tick(site.app) == []
    visitor.go(site.link_in_mail(email, r"/reset/\S+"))
    visitor.page.get_by_label("New password").fill(OTHER)
    visitor.page.get_by_label("The same password again").fill(OTHER)
    visitor.press("Keep this password")
    visitor.sign_in(email, OTHER)


def test_the_password_is_asked_for_again_and_the_form_goes_on(
    visit: Callable[..., Visitor], around: Around, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, lead = around.code, around.lead
    visitor = visit(width=360)
    visitor.sign_in(lead)
    visitor.go(f"/awards/{code}")
    real = clock.wall

    def an_hour_later() -> datetime:
        return real() + timedelta(hours=1)

    monkeypatch.setattr(clock, "wall", an_hour_later)
    visitor.page.get_by_text("Invite somebody").click()
    visitor.page.fill("[name=name]", "Nora Nueva")
    visitor.page.fill("[name=email]", "nora@camara.example")
    visitor.page.get_by_role("button", name="Send the invitation").click()
    visitor.sees("Is it you?")
    visitor.check()
    visitor.shot("confirm-360")
    visitor.page.get_by_label("Your password").fill("not my password")
    visitor.press("Confirm and go on")
    visitor.sees("not the password you sign in with")
    visitor.page.get_by_label("Your password").fill(PASSWORD)
    visitor.press("Confirm and go on")
    visitor.sees("Nora Nueva has been invited")
