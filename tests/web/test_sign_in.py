"""Signing in and out, and a forgotten password: the whole way, and what it must not give away."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from urllib.parse import urljoin, urlsplit

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from flask_security.utils import hash_password
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from lab.models import Mail, Person
from lab.rules.facts import Role
from tests import factories
from tests.web.pages import PageClient, lint

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
    assert (answer.status_code, answer.location) == (302, "/")
    assert client.page("/").find("p", class_="menu-name").text == "Olga Officer"
    again = client.get("/login")
    assert (again.status_code, again.location) == (302, "/")
    assert client.get("/logout").status_code == 405
    out = client.submit("/logout")
    assert (out.status_code, out.location) == (302, "/login")
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
    form = client.page(sent.location).find("form", attrs={"name": "login_user_form"})
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
    assert answer.status_code == 302
    # As a browser reads it: a backslash is a slash, and control characters are not there.
    read = re.sub(r"[\x00-\x20]", "", answer.location).replace("\\", "/")
    assert urlsplit(urljoin("http://localhost/login", read)).netloc == "localhost", answer.location
    assert client.get("/").status_code == 200


def test_a_forgotten_password(olga: Person, client_for: ClientFor, session: Session) -> None:
    client = client_for(None)
    # Whoever asks may have forged the Host header: the link must not follow it.
    forged = lint(client.get("/reset", base_url="http://evil.example").text, "/reset")
    token = forged.find("form", attrs={"name": "forgot_password_form"}).find("input", attrs={"name": "csrf_token"})[
        "value"
    ]
    sent = {"email": "Olga@ilo.example", "csrf_token": token}
    answer = client.post("/reset", data=sent, base_url="http://evil.example")
    assert answer.status_code == 200 and "is on its way" in answer.text
    mail = session.scalars(select(Mail)).one()
    assert (mail.to, mail.state, mail.person_id) == (olga.email, "queued", olga.id)
    assert mail.subject == "Choose a new password for the Innovation Lab Tracker"
    link = re.search(r"http://localhost(/reset/\S+)", mail.body)
    assert link, "the configured address"
    path = link[1]
    assert client.page(path).find("button", string="Keep this password")
    for first, second, told in (
        ("short", "short", "10 characters or more"),
        ("olga@ilo.example", "olga@ilo.example", "the first to be guessed"),
        ("quite another one", "not the same one", "not the same"),
    ):
        refused = client.submit(path, {"password": first, "password_confirm": second})
        assert len(_problems(refused)) == 1 and told in _problems(refused)[0]
    elsewhere = client_for(olga)
    assert elsewhere.get("/").status_code == 200
    done = client.submit(path, {"password": "quite another one", "password_confirm": "quite another one"})
    assert done.status_code == 302
    assert "Your new password is kept" in client.page(done.location).text
    assert "/login" in elsewhere.get("/").location, "every device is signed out"
    assert _sign_in(client, olga.email, "quite another one").location == "/"
    used = client_for(None)
    assert used.get(path).location == "/reset"
    assert "cannot be used any more" in used.page("/reset").text


def _answer(client: PageClient, email: str) -> str:
    text = client.submit("/reset", {"email": email}).text
    return re.sub(r'value="[^"]*"', "", text).replace(email, "ADDRESS")


def test_unknown_addresses_get_the_answer_of_known_ones(olga: Person, client_for: ClientFor, session: Session) -> None:
    factories.person(session, email="off@ilo.example", password=hash_password(PASSWORD), active=False)
    session.commit()
    known = _answer(client_for(None), olga.email)
    assert known == _answer(client_for(None), "nobody@ilo.example") == _answer(client_for(None), "off@ilo.example")
    assert session.scalar(select(func.count()).select_from(Mail)) == 1


@pytest.mark.parametrize("typed", ["", "olga", "olga@"])
def test_what_is_no_address_is_told(olga: Person, client_for: ClientFor, typed: str, session: Session) -> None:
    answer = client_for(None).submit("/reset", {"email": typed})
    assert _problems(answer) == ["Type the e-mail address of your account, such as ana@organisation.org."]
    assert "on its way" not in answer.text
    assert session.scalar(select(func.count()).select_from(Mail)) == 0


def test_a_made_up_link(client_for: ClientFor, session: Session) -> None:
    client = client_for(None)
    assert client.get("/reset/made-up").location == "/reset"
    answer = client.submit("/reset/made-up", {"password": PASSWORD, "password_confirm": PASSWORD})
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


def test_what_is_not_ours_is_not_open(client_for: ClientFor, olga: Person) -> None:
    answer = client_for(olga).get("/verify")
    lint(answer.text, "/verify")
    assert answer.status_code == 403
