"""Signing in and out, and a forgotten password: the whole way, and what it must not give away."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from urllib.parse import urljoin, urlsplit

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from flask_security.utils import hash_password
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from lab import clock
from lab.config import Config
from lab.models import Mail, Person
from lab.rules.facts import Role
from lab.rules.throttle import LIMITS, Bucket, Trial, tries
from lab.services import recovery, throttle
from lab.setup import flask_settings
from tests import factories
from tests.web.pages import PageClient

PASSWORD = "a long enough password"
ClientFor = Callable[..., PageClient]


@pytest.fixture
def olga(session: Session) -> Person:
    """An officer with a password."""
    found = factories.person(
        session, Role.OFFICER, name="Olga Officer", email="olga@ilo.example", password=hash_password(PASSWORD)
    )
    session.commit()
    return found


def _sign_in(
    client: PageClient, email: str, password: str = PASSWORD, path: str = "/login", **more: str
) -> TestResponse:
    return client.submit(path, {"email": email, "password": password, **more})


def _problems(answer: TestResponse) -> list[str]:
    summary = BeautifulSoup(answer.text, "html.parser").find("div", class_="error-summary")
    return [item.get_text(strip=True) for item in summary.find_all("li")] if summary else []


def test_the_page(client_for: ClientFor, session: Session) -> None:
    page = client_for(None).page("/login")
    assert {label.text for label in page.find_all("label")} >= {"Email", "Password"}
    assert page.find("button", string="Sign in")
    assert page.find("a", string="Forgotten your password?")["href"] == "/reset"
    assert "demonstration" not in page.text.lower()


def test_signing_in_and_out(olga: Person, client_for: ClientFor) -> None:
    client = client_for(None)
    answer = _sign_in(client, "Olga@ILO.example")
    assert (answer.status_code, answer.location) == (303, "/")
    assert client.page("/").find("p", class_="menu-name").text == "Olga Officer"
    again = client.get("/login")
    assert (again.status_code, again.location) == (302, "/")
    assert client.get("/logout").status_code == 405
    out = client.submit("/logout")
    assert (out.status_code, out.location) == (303, "/login")
    assert "/login" in client.get("/").location


def test_signing_out_needs_its_token(olga: Person, client_for: ClientFor) -> None:
    client = client_for(olga)
    assert client.post("/logout").status_code == 400
    assert client.get("/").status_code == 200


@pytest.mark.parametrize("email", ["olga@ilo.example", "nobody@ilo.example"])
def test_a_wrong_password_and_an_unknown_address_are_answered_alike(
    olga: Person, client_for: ClientFor, email: str
) -> None:
    client = client_for(None)
    answer = _sign_in(client, email, "not the password")
    assert _problems(answer) == ["The address or the password is not right. Try again, or choose a new password."]
    assert f'value="{email}"' in answer.text and "not the password" not in answer.text
    assert "/login" in client.get("/").location


def test_somebody_who_has_not_arrived_is_answered_as_if_unknown(client_for: ClientFor, session: Session) -> None:
    factories.person(session, email="new@ilo.example")
    session.commit()
    assert _problems(_sign_in(client_for(None), "new@ilo.example")) == [
        "The address or the password is not right. Try again, or choose a new password."
    ]


@pytest.mark.parametrize(("email", "password"), [("", ""), ("olga@ilo.example", ""), ("", PASSWORD)])
def test_an_empty_field_gets_one_sentence(olga: Person, client_for: ClientFor, email: str, password: str) -> None:
    assert _problems(_sign_in(client_for(None), email, password)) == ["Type your address and your password."]


def test_a_disabled_account_is_told_so_only_with_its_password(
    olga: Person, client_for: ClientFor, session: Session
) -> None:
    olga.active = False
    session.commit()
    client = client_for(None)
    told = "This account is disabled: ask an administrator to enable it."
    assert _problems(_sign_in(client, olga.email)) == [told]
    assert told not in _sign_in(client, olga.email, "not the password").text
    assert "/login" in client.get("/").location
    assert "/login" in client_for(olga).get("/").location


def test_after_signing_in_one_is_where_one_wanted_to_be(olga: Person, client_for: ClientFor) -> None:
    client = client_for(None)
    sent = client.get("/awards?stage=pilot")
    assert sent.status_code == 302
    form = client.page(sent.location).find("form", attrs={"action": "/login"})
    hidden = {tag["name"]: tag["value"] for tag in form.find_all("input", type="hidden") if tag["name"] == "next"}
    answer = _sign_in(client, olga.email, path=str(form["action"]), **hidden)
    assert answer.location == "/awards?stage=pilot"


@pytest.mark.parametrize(
    "place",
    [
        "//evil.example", "/\\evil.example", "\\\\evil.example", "///evil.example", "https://evil.example", "http:evil.example",
        "javascript:alert(1)", "/\t/evil.example", " //evil.example", "https:/evil.example", "//evil.example/\\..",
    ],
)  # fmt: skip
@pytest.mark.parametrize("way", ["field", "address"])
def test_the_next_page_is_never_elsewhere(olga: Person, client_for: ClientFor, place: str, way: str) -> None:
    client = client_for(None)
    if way == "field":
        answer = _sign_in(client, olga.email, next=place)
    else:
        answer = client.submit("/login", {"email": olga.email, "password": PASSWORD}, query_string={"next": place})
    assert answer.status_code == 303
    # As a browser reads it: a backslash is a slash, and control characters are not there.
    read = re.sub(r"[\x00-\x20]", "", answer.location).replace("\\", "/")
    assert urlsplit(urljoin("http://localhost/login", read)).netloc == "localhost", answer.location
    assert client.get("/").status_code == 200


def test_a_forgotten_password(olga: Person, client_for: ClientFor, session: Session) -> None:
    client = client_for(None)
    answer = client.submit("/reset", {"email": "Olga@ilo.example"})
    assert answer.status_code == 200 and "is on its way" in answer.text
    recovery.answer_resets(clock.now(), clock.wall())
    mail = session.scalars(select(Mail)).one()
    assert (mail.to, mail.state, mail.person_id) == (olga.email, "queued", olga.id)
    assert mail.subject == "Choose a new password for the Innovation Lab Tracker"
    link = re.search(r"http://localhost(/reset/\S+)", mail.body)
    assert link, "the configured address"
    path = link[1]
    assert client.page(path).find("button", string="Keep this password")
    for first, second, told in (
        ("short", "short", "10 characters or more"),
        ("passwordpassword", "passwordpassword", "first that would be tried"),
        ("olga@ilo.example", "olga@ilo.example", "the first to be guessed"),
        ("quite another one", "not the same one", "not the same"),
    ):
        refused = client.submit(path, {"password": first, "again": second})
        assert refused.status_code == 422
        assert len(_problems(refused)) == 1 and told in _problems(refused)[0]
    elsewhere = client_for(olga)
    assert elsewhere.get("/").status_code == 200
    done = client.submit(path, {"password": "quite another one", "again": "quite another one"})
    assert done.status_code == 303
    assert "Your new password is kept" in client.page(done.location).text
    assert "/login" in elsewhere.get("/").location, "every device is signed out"
    assert _sign_in(client, olga.email, "quite another one").location == "/"
    used = client_for(None)
    assert used.get(path).location == "/reset"
    assert "cannot be used any more" in used.page("/reset").text


def _answer(client: PageClient, email: str) -> str:
    text = client.submit("/reset", {"email": email}).text
    return re.sub(r'(value|nonce)="[^"]*"', "", text).replace(email, "ADDRESS")


def test_unknown_addresses_get_the_answer_of_known_ones(olga: Person, client_for: ClientFor, session: Session) -> None:
    factories.person(session, email="off@ilo.example", password=hash_password(PASSWORD), active=False)
    session.commit()
    known = _answer(client_for(None), olga.email)
    assert known == _answer(client_for(None), "nobody@ilo.example") == _answer(client_for(None), "off@ilo.example")
    recovery.answer_resets(clock.now(), clock.wall())
    assert session.scalar(select(func.count()).select_from(Mail)) == 1


@pytest.mark.parametrize("typed", ["", "olga", "olga@"])
def test_what_is_no_address_is_told(olga: Person, client_for: ClientFor, typed: str, session: Session) -> None:
    answer = client_for(None).submit("/reset", {"email": typed})
    assert _problems(answer) == ["Email: Type the e-mail address of your account, such as ana@organisation.org."]
    assert "on its way" not in answer.text
    assert session.scalar(select(func.count()).select_from(Mail)) == 0


def test_a_made_up_link(client_for: ClientFor, session: Session) -> None:
    client = client_for(None)
    assert client.get("/reset/made-up").location == "/reset"
    answer = client.submit("/reset/made-up", {"password": PASSWORD, "again": PASSWORD})
    assert answer.location == "/reset"


@dataclass(frozen=True)
class _Account:
    email: str
    what: str


def test_the_demonstration_names_its_people(
    app: Flask, monkeypatch: pytest.MonkeyPatch, client_for: ClientFor, session: Session
) -> None:
    people = (_Account("lead@example.org", "team lead of the first prize"),)
    monkeypatch.setitem(app.extensions, "lab_demo_accounts", people)
    assert "lead@example.org" not in client_for(None).page("/login").text
    plain = app.extensions["lab_config"]
    monkeypatch.setitem(app.extensions, "lab_config", replace(plain, demo=True))
    text = client_for(None).page("/login").text
    assert "lead@example.org" in text and "team lead of the first prize" in text and "prototype-2021" in text
    monkeypatch.setitem(app.extensions, "lab_config", replace(plain, demo=True, demo_password="kept to ourselves"))
    text = client_for(None).page("/login").text
    assert "lead@example.org" in text and "kept to ourselves" not in text and "prototype-2021" not in text


@pytest.mark.parametrize(
    "path", ["/verify", "/change", "/register", "/tf-setup", "/mf-recovery-codes", "/wan-register"]
)
def test_pages_of_the_library_are_not_there(client_for: ClientFor, olga: Person, path: str) -> None:
    client_for(olga).page(path, 404)


def test_too_many_tries_are_told_with_the_wait(olga: Person, client_for: ClientFor) -> None:
    client = client_for(None)
    for _ in range(LIMITS[Trial.SIGN_IN, Bucket.PAIR].burst):
        assert _sign_in(client, olga.email, "not the password").status_code == 422
    answer = _sign_in(client, olga.email)
    assert answer.status_code == 429 and 0 < int(answer.headers["Retry-After"]) <= 60
    assert _problems(answer) == ["Too many tries. Wait a minute and try again."]
    assert f'value="{olga.email}"' in answer.text


def test_the_owners_device_is_not_locked_out(olga: Person, client_for: ClientFor) -> None:
    """Somebody in the same network tries until nothing goes any more: a browser that was in before still gets in."""
    known, stranger = client_for(None), client_for(None)
    assert _sign_in(known, olga.email).status_code == 303
    known.submit("/logout")
    for _ in range(LIMITS[Trial.SIGN_IN, Bucket.PAIR].burst + 1):
        _sign_in(stranger, olga.email, "not the password")
    assert _sign_in(stranger, olga.email).status_code == 429
    assert _sign_in(known, olga.email).status_code == 303


def test_a_forged_device_is_a_strange_one(app: Flask, olga: Person, client_for: ClientFor) -> None:
    stranger = client_for(None)
    for n in range(LIMITS[Trial.SIGN_IN, Bucket.PAIR].burst):
        stranger.set_cookie("device", f'{{"{olga.email}":"{n}"}}')
        _sign_in(stranger, olga.email, "not the password")
    assert _sign_in(stranger, olga.email).status_code == 429


def test_a_copied_cookie_is_worth_nothing_after_signing_out(olga: Person, client_for: ClientFor) -> None:
    client, thief = client_for(None), client_for(None)
    _sign_in(client, olga.email)
    copied = client.get_cookie("session")
    assert copied is not None
    thief.set_cookie("session", copied.value)
    assert thief.get("/").status_code == 200
    client.submit("/logout")
    thief.set_cookie("session", copied.value)
    assert "/login" in thief.get("/").location


def test_a_planted_session_is_not_taken_over(olga: Person, client_for: ClientFor) -> None:
    """Whatever a browser held before somebody signed in is gone then, the form's token too."""
    client = client_for(None)
    before = client.token()
    _sign_in(client, olga.email)
    assert client.post("/logout", data={"csrf_token": before}).status_code == 400


def test_how_long_a_sign_in_lasts(
    app: Flask, olga: Person, client_for: ClientFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = client_for(None)
    _sign_in(client, olga.email)
    start = clock.wall()
    for minutes, signed_in in ((119, True), (2 * 119, True), (2 * 119 + 121, False)):
        monkeypatch.setattr(clock, "wall", lambda at=start + timedelta(minutes=minutes): at)
        assert (client.get("/").status_code == 200) == signed_in, minutes


def test_cookies_over_https() -> None:
    """Behind https the cookies carry the prefix that has browsers refuse planted ones."""
    settings = flask_settings(Config(secret_key="x" * 40, database_url="", files="", base_url="https://lab.example"))
    assert settings["SESSION_COOKIE_NAME"] == "__Host-session" and settings["SESSION_COOKIE_SECURE"]
    assert settings["SESSION_COOKIE_PATH"] == "/" and "SESSION_COOKIE_DOMAIN" not in settings
    assert settings["LAB_DEVICE_COOKIE"] == "__Host-device"
    assert settings["LAB_LANGUAGE_COOKIE"] == "__Host-language"


def test_what_the_cookies_say(olga: Person, client_for: ClientFor) -> None:
    answer = _sign_in(client_for(None), olga.email)
    cookies = answer.headers.getlist("Set-Cookie")
    assert {cookie.split("=")[0] for cookie in cookies} == {"session", "device"}
    assert all("HttpOnly" in cookie and "SameSite=Lax" in cookie and "Path=/" in cookie for cookie in cookies)
    session_cookie = next(cookie for cookie in cookies if cookie.startswith("session="))
    assert "Expires" not in session_cookie and "Max-Age" not in session_cookie


def test_kept_signed_in_for_those_without_an_office(olga: Person, client_for: ClientFor, session: Session) -> None:
    factories.person(session, email="ana@ong.example", password=hash_password(PASSWORD))
    session.commit()
    lasting = {
        email: any(
            cookie.startswith("session=") and "Expires" in cookie
            for cookie in _sign_in(client_for(None), email, lasting="y").headers.getlist("Set-Cookie")
        )
        for email in ("ana@ong.example", olga.email)
    }
    assert lasting == {"ana@ong.example": True, olga.email: False}


def test_a_link_lets_its_owner_in_whatever_strangers_have_tried(
    olga: Person, client_for: ClientFor, session: Session
) -> None:
    for n in range(LIMITS[Trial.SIGN_IN, Bucket.ACCOUNT].burst):
        throttle.take(tries(Trial.SIGN_IN, olga.email, f"198.51.100.{n}"), clock.wall())
    owner = client_for(None)
    assert _sign_in(owner, olga.email).status_code == 429
    owner.submit("/reset", {"email": olga.email})
    recovery.answer_resets(clock.now(), clock.wall())
    link = re.search(r"http://localhost(/reset/\S+)", session.scalars(select(Mail)).one().body)
    assert link
    owner.submit(link[1], {"password": "quite another one", "again": "quite another one"})
    assert _sign_in(owner, olga.email, "quite another one").status_code == 303


@pytest.mark.parametrize("typed", ["hans@straße.example", "HANS@STRASSE.example", " hans@straße.example "])
def test_addresses_in_letters_of_their_own(client_for: ClientFor, session: Session, typed: str) -> None:
    """ß is not ss: these are two people\u2019s addresses."""
    for domain in ("straße", "strasse"):
        factories.person(session, name=domain, email=f"hans@{domain}.example", password=hash_password(PASSWORD))
    session.commit()
    client = client_for(None)
    assert _sign_in(client, typed).status_code == 303
    assert client.page("/").find("p", class_="menu-name").text == ("strasse" if "SS" in typed else "straße")
