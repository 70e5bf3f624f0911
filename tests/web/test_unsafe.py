"""What changes something is taken from a page of ours and a form of the reader's own; what is only read changes nothing.

Both are asked of every route of the URL map, so that one which is added tomorrow is asked too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from flask import Flask
from itsdangerous import URLSafeTimedSerializer
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.routing import Rule

from lab.models import SecurityEvent
from lab.rules.facts import Stage
from lab.rules.permissions import Action
from lab.web.access import DECLARED
from lab.web.origin import origin_of
from tests.factories import World
from tests.web.pages import PageClient, lint
from tests.web.tables import contents
from tests.web.test_routes import MAY

Worlds = Callable[..., World]
Clients = Callable[..., PageClient]
SAFE = {"GET", "HEAD", "OPTIONS"}

PEOPLE = ("lead", "member", "mentor", "committee", "officer", "finance", "admin", "other_lead", "other_committee")


def _path(rule: Rule, world: World) -> str:
    """The rule's address on the world's award; ids that name nothing, since what is asked is refused before."""
    values: dict[str, object] = {}
    for name in rule.arguments:
        values[name] = {
            "award_code": world.code, "call_code": world.call.code, "kind": "progress_report", "chart": "time",
            "section": "summary", "checklist": "due_diligence", "transition": "suspend", "key": "x", "token": "x",
        }.get(name, 999_999)  # fmt: skip
    built = rule.build(values, append_unknown=False)
    assert built is not None, rule
    return built[1]


def _declared(app: Flask) -> list[Rule]:
    found = [rule for rule in app.url_map.iter_rules() if rule.endpoint in DECLARED]
    return sorted(found, key=lambda rule: (rule.rule, sorted(rule.methods or ())))


def unsafe(app: Flask) -> Iterator[tuple[Rule, str]]:
    """Every route that takes something, with each of its methods."""
    for rule in _declared(app):
        for method in sorted((rule.methods or set()) - SAFE):
            yield rule, method


def _who(rule: Rule) -> str:
    """Somebody whom the door lets in."""
    return next((who for who in PEOPLE if who in MAY.get(DECLARED[rule.endpoint], {"lead"})), "lead")


def _address(rule: Rule, world: World) -> str:
    return _path(rule, world).replace("//", "/")


FOREIGN = {"Origin": "https://evil.example"}
TRICKS = "?do=submit&next=/&page=2&check=1&confirm=1&_method=POST"


def test_every_form_without_a_token_of_its_own_or_from_elsewhere_is_refused_and_changes_nothing(
    app: Flask, world_at: Worlds, client_for: Clients
) -> None:
    world = world_at(Stage.PILOT)
    clients = {who: client_for(getattr(world, who)) for who in PEOPLE}
    stranger = client_for(None)
    other = client_for(world.other_lead).token()
    forged = str(URLSafeTimedSerializer("another key", salt="wtf-csrf-token").dumps("x"))
    before, wrong, asked = contents(app), [], 0
    for rule, method in unsafe(app):
        who = _who(rule)
        path = _address(rule, world)
        for name, token, headers, status, title in (
            ("no token", None, {}, 400, "This page had expired"),
            ("a made-up token", "x", {}, 400, "This page had expired"),
            ("a token by another key", forged, {}, 400, "This page had expired"),
            ("another session's token", other, {}, 400, "This page had expired"),
            ("a foreign origin", clients[who].token(), FOREIGN, 403, "This form came from elsewhere"),
            (
                "an origin that is hidden",
                clients[who].token(),
                {"Origin": "null"},
                403,
                "This form came from elsewhere",
            ),
        ):
            sent = {"csrf_token": token} if token else {}
            answer = clients[who].open(path, method=method, data=sent, headers=headers)
            asked += 1
            page = lint(answer.text, path)
            if answer.status_code != status or page.h1.text != title:
                wrong.append(f"{method} {path} with {name}: {answer.status_code} {page.h1.text}")
            if "origin" not in name and token:
                continue
            # Nor does anything of it happen for somebody who is not signed in.
            answer = stranger.open(path, method=method, data=sent, headers=headers)
            fine = {status} if DECLARED[rule.endpoint] is Action.PUBLIC else {302}
            if answer.status_code not in fine or (answer.status_code == 302 and "/login" not in answer.location):
                wrong.append(f"{method} {path} with {name}, not signed in: {answer.status_code}")
        after = contents(app)
        if after != before:
            wrong.append(f"{method} {path} has changed {[t for t in before if before[t] != after[t]]}")
            before = after
    assert not wrong, "\n".join(wrong)
    assert asked > 6 * 60


def test_every_page_only_reads(app: Flask, world_at: Worlds, client_for: Clients) -> None:
    """For everybody who may open it; the pages of a whole demonstration are opened in tests/test_demo.py."""
    world = world_at(Stage.PILOT)
    clients = {who: client_for(getattr(world, who) if who else None) for who in (*PEOPLE, None)}
    before, wrong, asked = contents(app), [], 0
    for rule in _declared(app):
        if "GET" not in (rule.methods or set()) or rule.endpoint.endswith("static"):
            continue
        path = _address(rule, world)
        may = sorted(MAY.get(DECLARED[rule.endpoint], set(PEOPLE)) & set(PEOPLE))
        for who, rest in [*((who, "") for who in may), (may[0], TRICKS), (None, "")]:
            answer = clients[who].get(path + rest)
            asked += 1
            if answer.status_code >= 500 and path != "/healthz":
                wrong.append(f"{path + rest} for {who}: {answer.status_code}")
            answer.close()
        for method in ("HEAD", "OPTIONS"):
            clients[_who(rule)].open(path, method=method).close()
        after = contents(app)
        if after != before:
            wrong.append(f"GET {path} has changed {[t for t in before if before[t] != after[t]]}")
            before = after
    assert not wrong, "\n".join(wrong)
    assert asked > 150


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"}, {"Origin": "null"}, {"Origin": ""}, {"Origin": "http://localhost:81"},
        {"Origin": "https://localhost"}, {"Origin": "http://localhost.evil.example"}, {"Origin": "http://localhost@evil.example"},
        {"Origin": "http://xlocalhost"}, {"Origin": "localhost"}, {"Origin": "http://[::1"}, {"Origin": "http://localhost:x"},
        {"Origin": "http://evil.example", "Sec-Fetch-Site": "same-origin"},
        {"Origin": "http://evil.example", "Referer": "http://localhost/account"},
        {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Sec-Fetch-Site": "anything"},
        {"Sec-Fetch-Site": "cross-site", "Referer": "http://localhost/account"},
        {"Referer": "http://evil.example/account"}, {"Referer": "http://localhost.evil.example/"},
        {"Referer": "https://localhost:444/"}, {"Referer": "about:blank"},
    ],
)  # fmt: skip
def test_a_form_from_elsewhere_is_refused_and_noted(
    session: Session, world_at: Worlds, client_for: Clients, headers: dict[str, str]
) -> None:
    world = world_at()
    answer = client_for(world.lead).submit("/language", {"language": "es", "next": "/account"}, headers=headers)
    assert answer.status_code == 403
    assert "another site has sent it" in answer.text
    session.rollback()
    session.refresh(world.lead)
    assert world.lead.language == "en"
    [event] = session.scalars(select(SecurityEvent).where(SecurityEvent.kind == "foreign_form"))
    assert (event.actor_id, event.action, event.path) == (world.lead.id, "account.language", "/language")
    assert event.details["origin"] and event.address == "127.0.0.1"


@pytest.mark.parametrize(
    "headers",
    [
        {}, {"Origin": "http://localhost"}, {"Origin": "http://localhost:80"}, {"Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none"}, {"Referer": "http://localhost/account?x=1"},
        {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin", "Referer": "http://localhost/account"},
    ],
)  # fmt: skip
def test_a_form_of_our_own_is_taken(world_at: Worlds, client_for: Clients, headers: dict[str, str]) -> None:
    world = world_at()
    answer = client_for(world.lead).submit("/language", {"language": "es", "next": "/account"}, headers=headers)
    assert (answer.status_code, answer.location) == (303, "/account")


def test_a_site_with_https_takes_no_form_from_its_plain_twin(
    app: Flask, world_at: Worlds, client_for: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = world_at()
    plain = app.extensions["lab_config"]
    monkeypatch.setitem(app.extensions, "lab_config", replace(plain, base_url="https://localhost"))
    client = client_for(world.lead)
    for origin, status in (("https://localhost", 303), ("http://localhost", 403)):
        assert client.submit("/language", {"language": "es"}, headers={"Origin": origin}).status_code == status


def test_a_refused_form_of_nobody_names_nobody(session: Session, world_at: Worlds, client_for: Clients) -> None:
    world_at()
    assert client_for(None).submit("/login", {"email": "a@b.example"}, headers=FOREIGN).status_code == 403
    [event] = session.scalars(select(SecurityEvent))
    assert (event.kind, event.actor_id, event.details) == ("foreign_form", None, {"origin": "https://evil.example"})


def test_what_no_route_answers_is_not_noted(session: Session, world_at: Worlds, client_for: Clients) -> None:
    client = client_for(world_at().lead)
    assert client.post("/no-such-page", headers=FOREIGN).status_code in (400, 404)
    assert client.post("/healthz", headers=FOREIGN).status_code in (400, 405)
    noted = session.scalars(select(SecurityEvent).where(SecurityEvent.kind == "foreign_form"))
    assert noted.all() == []


def test_origins() -> None:
    assert origin_of("HTTP://LocalHost/x?y") == ("http", "localhost", 80)
    assert origin_of("https://a.example:8443") == ("https", "a.example", 8443)
    for nothing in (
        "null",
        "",
        "about:blank",
        "//a.example",
        "ftp://a.example",
        "http://",
        "http://a:99999",
        "data:,x",
    ):
        assert origin_of(nothing) is None


def test_the_log_is_not_filled_and_keeps_no_secret(session: Session, world_at: Worlds, client_for: Clients) -> None:
    world_at()
    client = client_for(None)
    for n in range(20):
        headers = {"Referer": f"https://evil.example:8443/reset/a-secret-{n}"}
        assert client.submit("/login", {"email": "a@b.example"}, headers=headers).status_code == 403
    [event] = session.scalars(select(SecurityEvent))
    assert event.details == {"origin": "https://evil.example:8443"}
