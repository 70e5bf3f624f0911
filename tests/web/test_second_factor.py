"""The second factor in pages: nothing is seen before it is set up or given; how it is set up, given and changed."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from bs4 import BeautifulSoup, Tag
from flask import Flask
from flask_security.utils import hash_password
from passlib.totp import TOTP
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from lab import clock
from lab.models import Passkey, Person, ProgrammeRole, RecoveryCode, SignIn, Totp
from lab.queries.second_factor import factors_of
from lab.rules.facts import Role, Stage
from lab.rules.permissions import Action
from lab.rules.throttle import LIMITS, Bucket, Trial
from lab.web.access import DECLARED, SETTING_UP
from tests import factories
from tests.authenticator import Authenticator
from tests.factories import World
from tests.web.pages import PageClient, lint

PASSWORD = "a long enough password"
ClientFor = Callable[..., PageClient]
SHOW, APP, CODES = "/account/second-factor", "/account/second-factor/app", "/account/second-factor/codes"
ADD = "/account/second-factor/passkey"
PHONE = "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Mobile Safari/537.36"


@pytest.fixture
def required(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """This installation asks a second factor of everybody who holds an office."""
    monkeypatch.setitem(app.extensions, "lab_config", replace(app.extensions["lab_config"], second_factor=True))


@pytest.fixture
def olga(session: Session) -> Person:
    """An officer with a password."""
    found = factories.person(
        session, Role.OFFICER, name="Olga Officer", email="olga@ilo.example", password=hash_password(PASSWORD)
    )
    session.commit()
    return found


def _enter(client: PageClient, person: Person, path: str = "/login", **more: str) -> TestResponse:
    return client.submit(path, {"email": person.email, "password": PASSWORD, **more})


def _text(answer: TestResponse) -> str:
    return BeautifulSoup(answer.text, "html.parser").get_text(" ", strip=True)


def _problems(answer: TestResponse) -> list[str]:
    summary = BeautifulSoup(answer.text, "html.parser").find("div", class_="error-summary")
    return [item.get_text(strip=True) for item in summary.find_all("li")] if summary else []


def _key(page: Tag) -> str:
    found = page.find("code", class_="key")
    assert found is not None
    return found.text.replace("-", "")


def _code(key: str, steps: int = 0) -> str:
    return str(TOTP(key).generate(time=clock.wall() + timedelta(seconds=30 * steps)).token)


def _set_up(client: PageClient, query: str = "") -> str:
    """Set up an app: its key."""
    key = _key(client.page(APP + query))
    answer = client.submit(APP + query, {"code": _code(key)})
    assert answer.status_code == 303, answer.text
    return key


def _later(session: Session) -> None:
    """The codes of this minute become usable again, as if they belonged to a later one."""
    session.execute(update(Totp).values(counter=0))
    session.commit()


def _options(page: Tag, kind: str) -> str:
    form = page.find("form", attrs={"data-passkey": kind})
    assert form is not None
    return str(form["data-options"])


def _add_passkey(client: PageClient, device: Authenticator, name: str = "Phone") -> TestResponse:
    return client.submit(ADD, {"credential": device.create(_options(client.page(ADD), "create")), "name": name})


def _routes(app: Flask, world: World) -> list[tuple[Rule, str, str]]:
    """Every route that is not for everybody: (rule, method, path)."""
    values = {
        "award_code": world.code, "call_code": world.call.code, "kind": "progress_report", "chart": "time",
        "section": "summary", "checklist": "due_diligence", "transition": "suspend", "key": "x", "place": "prototype",
    }  # fmt: skip
    found = []
    for rule in app.url_map.iter_rules():
        if DECLARED.get(rule.endpoint, Action.PUBLIC) is Action.PUBLIC:
            continue
        built = rule.build({name: values.get(name, 999_999) for name in rule.arguments}, append_unknown=False)
        assert built is not None, rule
        found += [(rule, method, built[1]) for method in sorted((rule.methods or set()) & {"GET", "POST"})]
    assert len(found) > 100
    # Whoever has signed out sees the sign-in page afterwards: last.
    return sorted(found, key=lambda item: item[0].endpoint == "sign_in.sign_out")


def _open(client: PageClient, method: str, path: str) -> TestResponse:
    if method == "GET":
        return client.get(path)
    return client.post(path, data={"csrf_token": client.token()})


# Before it is set up


@pytest.mark.parametrize("who", ["officer", "finance", "admin"])
def test_whoever_holds_an_office_sees_nothing_before_it_is_set_up(
    app: Flask, world_at: Callable[..., World], client_for: ClientFor, required: None, who: str
) -> None:
    world = world_at(Stage.PILOT)
    client = client_for(getattr(world, who))
    wrong = []
    for rule, method, path in _routes(app, world):
        answer = _open(client, method, path)
        sent = answer.status_code == 302 and answer.location.partition("?")[0] == SHOW
        if sent != (rule.endpoint not in SETTING_UP):
            wrong.append(f"{method} {path}: {answer.status_code} {answer.location}")
    assert not wrong, "\n".join(wrong)
    # What is open is about oneself and the second factor alone.
    assert {endpoint.partition(".")[0] for endpoint in SETTING_UP} == {"second_factor", "sign_in"}


@pytest.mark.parametrize("who", ["lead", "member", "mentor", "committee"])
def test_the_others_are_offered_it(
    world_at: Callable[..., World], client_for: ClientFor, required: None, who: str
) -> None:
    client = client_for(getattr(world_at(), who))
    assert client.get("/").status_code == 200
    page = client.page(SHOW)
    assert "One more step" not in page.text
    assert page.find("a", string="Set up an app") and page.find("a", string="Add a passkey")


def test_without_the_requirement_an_officer_goes_on(olga: Person, client_for: ClientFor) -> None:
    assert client_for(olga).get("/").status_code == 200


def test_a_role_of_office_leads_to_it_with_the_next_request(
    session: Session, client_for: ClientFor, required: None
) -> None:
    person = factories.person(session, name="Nora New", email="nora@ilo.example")
    session.commit()
    client = client_for(person)
    assert client.get("/").status_code == 200
    session.add(ProgrammeRole(person_id=person.id, role=Role.FINANCE))
    session.commit()
    answer = client.get("/account")
    assert (answer.status_code, answer.location) == (302, f"{SHOW}?next=/account")


def test_the_whole_way_of_setting_up(olga: Person, session: Session, client_for: ClientFor, required: None) -> None:
    client = client_for(None)
    assert _enter(client, olga, next="/awards?stage=pilot").location == "/awards?stage=pilot"
    sent = client.get("/awards?stage=pilot")
    assert sent.location == f"{SHOW}?next=/awards?stage%3Dpilot"
    page = client.page(sent.location)
    assert "One more step before you go in" in page.text and "two minutes" in page.text
    assert not page.find("nav"), "every place would lead back here"
    step = client.page(str(page.find("a", string="Set up an app")["href"]))
    picture = step.find("div", id=False) and step.find("img", alt=re.compile("QR code"))
    assert str(picture["src"]).startswith("data:image/svg+xml")
    key = _key(step)
    assert key in str(step.find("a", string="This is the phone: open the app")["href"])
    form = step.find("form", action=re.compile("second-factor/app"))
    field = form.find("input", id="code")
    assert (field["autocomplete"], field["inputmode"]) == ("one-time-code", "numeric")
    made = client.submit(str(form["action"]), {"code": _code(key)})
    assert made.location == f"{CODES}?next=/awards?stage%3Dpilot"
    page = client.page(made.location)
    assert "The app is set up" in page.text
    action = str(page.find("form", action=re.compile("second-factor/codes"))["action"])
    shown = lint(client.submit(action).text, "codes")
    codes = [code.text for code in shown.find("ol", class_="codes").find_all("code")]
    assert len(codes) == 10
    file = shown.find("a", download=True)
    assert all(code in str(file["href"]) for code in codes)
    on = shown.find("a", string="I have kept them: go on")["href"]
    assert on == "/awards?stage=pilot"
    assert client.get(on).status_code == 200
    assert not any(code in client.get(CODES).text for code in codes), "shown once"
    assert session.scalar(select(func.count()).select_from(RecoveryCode)) == 10


def test_the_picture_stays_the_same_until_its_code_is_typed(olga: Person, client_for: ClientFor) -> None:
    client = client_for(olga)
    key = _key(client.page(APP))
    assert _key(client.page(APP)) == key
    answer = client.submit(APP, {"code": "12345"})
    assert answer.status_code == 422
    page = lint(answer.text, APP)
    assert _key(page) == key
    assert _problems(answer) == [
        "Code: This code is not right. Type the six digits that the app shows for this site at this moment."
    ]
    assert page.find("input", id="code")["value"] == "12345", "what was typed stays"
    assert client.submit(APP, {"code": _code(key)}).location == CODES
    assert _key(client.page(APP)) != key, "moving to another phone is another key"


def test_the_first_factor_signs_the_other_browsers_out(olga: Person, client_for: ClientFor) -> None:
    here, elsewhere = client_for(olga), client_for(olga)
    _set_up(here)
    assert here.get("/").status_code == 200
    assert "/login" in elsewhere.get("/").location


# Given when one signs in


@pytest.fixture
def key(olga: Person, session: Session, client_for: ClientFor) -> str:
    """Of the app that Olga has set up."""
    found = _set_up(client_for(olga))
    _later(session)
    return found


def test_a_pending_sign_in_sees_nothing(
    app: Flask, olga: Person, key: str, world_at: Callable[..., World], client_for: ClientFor
) -> None:
    world = world_at(Stage.PILOT)
    client = client_for(None)
    answer = _enter(client, olga, next="/awards")
    assert (answer.status_code, answer.location) == (303, "/second-factor?next=/awards")
    wrong = []
    for _rule, method, path in _routes(app, world):
        answer = _open(client, method, path)
        if answer.status_code != 302 or answer.location.partition("?")[0] != "/second-factor":
            wrong.append(f"{method} {path}: {answer.status_code} {answer.location}")
    assert not wrong, "\n".join(wrong)
    page = client.page("/second-factor")
    assert page.find("p", class_="menu-name") is None, "nobody is signed in yet"
    assert "lead@" not in page.text and not page.find("nav")


def test_the_code_lets_in(
    app: Flask, olga: Person, key: str, client_for: ClientFor, world_at: Callable[..., World]
) -> None:
    world = world_at(Stage.PILOT)
    client = client_for(None)
    sent = _enter(client, olga, next="/awards?stage=pilot").location
    page = client.page(sent)
    field = page.find("input", id="code")
    assert (field["autocomplete"], field["inputmode"]) == ("one-time-code", "numeric")
    with client.session_transaction() as kept:
        before = kept["sign_in"]
    answer = client.submit(
        str(page.find("form", action=re.compile(r"^/second-factor\?"))["action"]), {"code": _code(key)}
    )
    assert (answer.status_code, answer.location) == (303, "/awards?stage=pilot")
    with client.session_transaction() as kept:
        assert kept["sign_in"] != before, "a token that was planted is worth nothing now"
    for _rule, method, path in _routes(app, world):
        if method == "GET":
            answer = client.get(path)
            assert answer.status_code not in (302, 303) or "second-factor" not in answer.location, path


def test_the_token_from_before_the_code_is_worth_nothing(olga: Person, key: str, client_for: ClientFor) -> None:
    client, thief = client_for(None), client_for(None)
    _enter(client, olga)
    with client.session_transaction() as kept:
        planted = dict(kept)
    client.submit("/second-factor", {"code": _code(key)})
    with thief.session_transaction() as kept:
        kept.update(planted)
    assert "/login" in thief.get("/").location
    assert client.get("/").status_code == 200


def test_the_browser_is_known_once_the_sign_in_is_complete(olga: Person, key: str, client_for: ClientFor) -> None:
    client = client_for(None)
    _enter(client, olga)
    assert client.get_cookie("device") is None
    client.submit("/second-factor", {"code": "000000"})
    assert client.get_cookie("device") is None
    client.submit("/second-factor", {"code": _code(key)})
    assert client.get_cookie("device") is not None


def test_a_wrong_code_is_told_and_what_was_typed_stays(olga: Person, key: str, client_for: ClientFor) -> None:
    client = client_for(None)
    _enter(client, olga)
    wrong = f"{(int(_code(key)) + 500_000) % 1_000_000:06}"
    answer = client.submit("/second-factor?next=/awards", {"code": wrong})
    assert answer.status_code == 422
    assert _problems(answer)[0].startswith("Code: This code is not right.")
    assert f'value="{wrong}"' in answer.text and "next=/awards" in answer.text
    assert client.submit("/second-factor", {"code": ""}).status_code == 422


def test_too_many_codes(olga: Person, key: str, client_for: ClientFor) -> None:
    client = client_for(None)
    _enter(client, olga)
    wrong = f"{(int(_code(key)) + 500_000) % 1_000_000:06}"
    for _ in range(LIMITS[Trial.SECOND_FACTOR, Bucket.PAIR].burst):
        assert client.submit("/second-factor", {"code": wrong}).status_code == 422
    answer = client.submit("/second-factor", {"code": _code(key)})
    assert answer.status_code == 429 and int(answer.headers["Retry-After"]) > 60
    assert "Too many tries. Wait 3 minutes" in answer.text


@pytest.mark.parametrize("place", ["//evil.example", "https://evil.example", "/\\evil.example", "/logout", "nowhere"])
def test_the_next_page_is_never_elsewhere(olga: Person, key: str, client_for: ClientFor, place: str) -> None:
    client = client_for(None)
    _enter(client, olga)
    answer = client.submit("/second-factor", {"code": _code(key)}, query_string={"next": place})
    assert (answer.status_code, answer.location) == (303, "/")


def test_a_recovery_code_lets_in_once_and_says_when_few_are_left(
    olga: Person, key: str, session: Session, client_for: ClientFor
) -> None:
    client = client_for(None)
    _enter(client, olga)
    client.submit("/second-factor", {"code": _code(key)})
    page = lint(client.submit(CODES).text, CODES)
    codes = [code.text for code in page.find("ol", class_="codes").find_all("code")]
    for number, code in enumerate(codes[:7]):
        client = client_for(None)
        sent = _enter(client, olga).location
        form = client.page(sent).find("form", action=re.compile("recovery"))
        answer = client.submit(str(form["action"]), {"recovery": code.lower()})
        assert (answer.status_code, answer.location) == (303, "/"), number
        assert ("Recovery codes left: 3." in client.get("/").text) == (number == 6)
    client = client_for(None)
    _enter(client, olga)
    answer = client.submit("/second-factor/recovery", {"recovery": codes[0]})
    assert answer.status_code == 422
    assert "it was used already" in _problems(answer)[0]
    page = lint(answer.text, "recovery")
    assert page.find("input", id="recovery")["value"] == codes[0]
    assert page.find("details", open=True), "the form stays open"


def test_one_can_leave_instead(olga: Person, key: str, session: Session, client_for: ClientFor) -> None:
    client = client_for(None)
    _enter(client, olga)
    form = client.page("/second-factor").find("form", action="/second-factor/leave")
    answer = client.submit(str(form["action"]))
    assert (answer.status_code, answer.location) == (303, "/login")
    assert session.scalars(select(SignIn).order_by(SignIn.id.desc())).first().ended_at is not None
    assert "/login" in client.get("/second-factor").location


def test_who_helps_is_told(olga: Person, key: str, client_for: ClientFor) -> None:
    client = client_for(None)
    _enter(client, olga)
    assert "telephone the programme officer of your award, or an administrator" in client.page("/second-factor").text


@pytest.mark.parametrize(
    "path", ["/second-factor", "/second-factor/recovery", "/second-factor/passkey", "/second-factor/leave"]
)
def test_there_is_nothing_to_give_without_a_pending_sign_in(olga: Person, client_for: ClientFor, path: str) -> None:
    nobody = client_for(None).submit(path, {"code": "123456", "recovery": "x", "credential": "{}"})
    assert nobody.status_code == 303 and "/login" in nobody.location
    inside = client_for(olga).submit(path, {"code": "123456"})
    assert (inside.status_code, inside.location) == (303, "/")


def test_somebody_disabled_meanwhile_is_shown_the_door(
    olga: Person, key: str, session: Session, client_for: ClientFor
) -> None:
    client = client_for(None)
    _enter(client, olga)
    olga.active = False
    session.commit()
    assert "/login" in client.submit("/second-factor", {"code": _code(key)}).location


# Passkeys


def test_a_passkey_is_added_and_given(olga: Person, session: Session, client_for: ClientFor, required: None) -> None:
    device = Authenticator()
    client = client_for(olga)
    page = lint(client.get(ADD, headers={"User-Agent": PHONE}).text, ADD)
    assert page.find("input", id="name")["value"] == "Chrome on Android"
    form = page.find("form", attrs={"data-passkey": True})
    assert form.has_attr("hidden"), "until scripts find that the browser has passkeys"
    assert page.find(attrs={"data-without-passkey": True})
    assert _add_passkey(client, device).location == CODES
    client = client_for(None)
    sent = _enter(client, olga, next="/awards").location
    page = client.page(sent)
    assert page.find("input", id="code") is None, "there is no app"
    form = page.find("form", attrs={"data-passkey": "get"})
    answer = client.submit(str(form["action"]), {"credential": device.get(_options(page, "get"))})
    assert (answer.status_code, answer.location) == (303, "/awards")
    assert client.get("/").status_code == 200


def test_a_passkey_that_is_not_accepted_is_told(olga: Person, client_for: ClientFor) -> None:
    device = Authenticator()
    client = client_for(olga)
    answer = client.submit(ADD, {"credential": "{}", "name": "Phone"})
    assert answer.status_code == 422
    assert _problems(answer) == ["The passkey was not accepted. Try once more, or use another way."]
    page = lint(answer.text, ADD)
    assert page.find("input", id="name")["value"] == "Phone"
    assert page.find("input", attrs={"name": "credential"})["value"] == ""
    _add_passkey(client, device)
    client = client_for(None)
    _enter(client, olga)
    wrong = replace(device, origin="http://evil.example").get(_options(client.page("/second-factor"), "get"))
    answer = client.submit("/second-factor/passkey", {"credential": wrong})
    assert answer.status_code == 422
    assert _problems(answer) == ["The passkey was not accepted. Try once more, or use another way."]
    right = device.get(_options(lint(answer.text, "again"), "get"))
    assert client.submit("/second-factor/passkey", {"credential": right}).status_code == 303


def test_signing_in_with_a_passkey_alone(olga: Person, session: Session, client_for: ClientFor, required: None) -> None:
    device = Authenticator()
    _add_passkey(client_for(olga), device)
    client = client_for(None)
    page = client.page("/login?next=/awards")
    form = page.find("form", attrs={"data-passkey": "get"})
    answer = client.submit(str(form["action"]), {"credential": device.get(_options(page, "get"))})
    assert (answer.status_code, answer.location) == (303, "/awards")
    assert client.page("/").find("p", class_="menu-name").text == "Olga Officer"
    assert client.get_cookie("device") is not None
    row = session.scalars(select(SignIn).order_by(SignIn.id.desc())).first()
    assert row.proved_at is not None and not row.lasting


def test_a_stranger_with_a_passkey_stays_out(olga: Person, session: Session, client_for: ClientFor) -> None:
    device = Authenticator()
    _add_passkey(client_for(olga), device)
    client = client_for(None)
    told = set()
    for wrong in (Authenticator(credential_id=b"unknown"), replace(device, origin="http://evil.example")):
        credential = wrong.get(_options(client.page("/login"), "get"))
        answer = client.submit("/login/passkey?next=/awards", {"credential": credential})
        assert answer.status_code == 422 and "next=/awards" in answer.text
        told.add(tuple(_problems(answer)))
    assert len(told) == 1
    # Made for another browser.
    credential = device.get(_options(client_for(None).page("/login"), "get"))
    assert client.submit("/login/passkey", {"credential": credential}).status_code == 422
    olga.active = False
    session.commit()
    credential = device.get(_options(client.page("/login"), "get"))
    assert _problems(client.submit("/login/passkey", {"credential": credential})) == [
        "This account is disabled: ask an administrator to enable it."
    ]
    assert "/login" in client.get("/").location


def test_where_browsers_have_none_they_are_not_offered(
    app: Flask, olga: Person, client_for: ClientFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = replace(app.extensions["lab_config"], base_url="http://127.0.0.1:5000")
    monkeypatch.setitem(app.extensions, "lab_config", config)
    assert "data-passkey" not in client_for(None).get("/login").text
    client = client_for(olga)
    assert client.page(SHOW).find("a", string="Add a passkey") is None
    assert "data-passkey" not in client.get(ADD).text


def test_passkeys_are_called_something_else_and_taken_away(
    olga: Person, session: Session, client_for: ClientFor, required: None
) -> None:
    client = client_for(olga)
    _add_passkey(client, Authenticator(), "One")
    _add_passkey(client, Authenticator(credential_id=b"two"), "Two")
    first, second = session.scalars(select(Passkey.id).order_by(Passkey.id))
    answer = client.submit(f"{SHOW}/passkeys/{second}", {"name": " one "})
    assert answer.status_code == 422
    page = lint(answer.text, SHOW)
    assert _problems(answer) == ["Name: You have a passkey of that name: give this one another."]
    assert page.find("input", id=f"name-{second}")["value"] == " one "
    assert client.submit(f"{SHOW}/passkeys/{second}", {"name": "Security key"}).location == SHOW
    assert "Security key" in client.page(SHOW).text
    client.submit(f"{SHOW}/passkeys/{first}/remove")
    assert "The passkey is not accepted here any more" in client.page(SHOW).text
    page = client.page(SHOW)
    assert page.find("button", string="Take this passkey away") is None
    assert "the only one stays" in page.text
    client.submit(f"{SHOW}/passkeys/{second}/remove")
    assert "This is your only second factor" in client.page(SHOW).text
    assert client.submit(f"{SHOW}/passkeys/999999/remove").status_code == 404


def test_the_app_is_taken_away_by_somebody_of_whom_none_is_asked(
    olga: Person, key: str, session: Session, client_for: ClientFor
) -> None:
    client = client_for(olga)
    assert client.page(SHOW).find("button", string="Take the app away")
    assert client.submit(f"{SHOW}/app/remove").location == SHOW
    assert factors_of(session, olga.id).count == 0
    assert _enter(client_for(None), olga).location == "/"


# What protects it


CHANGES = [APP, f"{SHOW}/app/remove", ADD, f"{SHOW}/passkeys/1", f"{SHOW}/passkeys/1/remove", CODES]


@pytest.mark.parametrize("path", CHANGES)
def test_a_change_asks_whether_it_is_you(olga: Person, session: Session, client_for: ClientFor, path: str) -> None:
    client = client_for(olga)
    session.execute(update(SignIn).values(fresh_at=clock.wall() - timedelta(hours=1)))
    session.commit()
    answer = client.submit(path, {"code": "123456"})
    assert answer.status_code == 403 and "Is it you?" in answer.text
    assert factors_of(session, olga.id).count == 0


def test_a_passkey_answers_that_question_as_well(olga: Person, session: Session, client_for: ClientFor) -> None:
    device = Authenticator()
    client = client_for(olga)
    _add_passkey(client, device)
    session.execute(update(SignIn).values(fresh_at=clock.wall() - timedelta(hours=1)))
    session.commit()
    page = lint(client.submit(CODES).text, CODES)
    form = page.find("form", attrs={"data-passkey": "get"})
    assert form["action"] == CODES
    waiting = {str(tag["name"]): str(tag["value"]) for tag in form.find_all("input", type="hidden")}
    answer = client.submit(CODES, {**waiting, "confirm_passkey": "{}"})
    assert answer.status_code == 403
    assert _problems(answer) == ["The passkey was not accepted. Try once more, or use another way."]
    right = device.get(_options(lint(answer.text, CODES), "get"))
    answer = client.submit(CODES, {**waiting, "confirm_passkey": right})
    assert answer.status_code == 200 and "I have kept them" in answer.text


def test_the_password_is_the_way_for_those_without_a_passkey(
    olga: Person, key: str, session: Session, client_for: ClientFor
) -> None:
    client = client_for(olga)
    session.execute(update(SignIn).values(fresh_at=clock.wall() - timedelta(hours=1)))
    session.commit()
    page = lint(client.submit(CODES).text, CODES)
    assert page.find("form", attrs={"data-passkey": True}) is None
    answer = client.submit(CODES, {"confirm_password": PASSWORD})
    assert answer.status_code == 200 and "I have kept them" in answer.text


def test_administrators_see_whether_somebody_has_one(olga: Person, session: Session, client_for: ClientFor) -> None:
    admin = factories.person(session, Role.ADMIN, name="Adam Admin", email="adam@ilo.example")
    session.commit()

    def seen() -> str:
        fact = client_for(admin).page(f"/people/{olga.id}").find("dt", string="Second factor")
        return str(fact.find_next_sibling("dd").text)

    assert seen() == "not set up"
    _set_up(client_for(olga))
    assert seen() == "set up"


def test_pages_that_hold_secrets_are_kept_by_nobody(olga: Person, client_for: ClientFor) -> None:
    client = client_for(olga)
    key = _set_up(client)
    for answer in (client.get(APP), client.submit(CODES)):
        assert answer.headers["Cache-Control"] == "no-store"
    assert key not in client.get(SHOW).text
