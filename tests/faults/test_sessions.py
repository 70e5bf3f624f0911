"""Two hundred sign-ins are ended in every way there is; the cookies that were copied from them open nothing afterwards."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from lab import clock
from lab.extensions import db
from lab.models import Mail, Person
from lab.services import recovery
from tests.faults.client import Client
from tests.faults.people import ADMIN
from tests.faults.servers import OTHER_PASSWORD, PASSWORD, Server
from tests.faults.table import Figure

EACH = 20


def _by_signing_out(server: Server, email: str, browsers: list[Client]) -> None:
    for browser in browsers:
        assert browser.submit("/logout").status == 303


def _by_another_password(server: Server, email: str, browsers: list[Client]) -> None:
    fields = {"current": PASSWORD, "new": OTHER_PASSWORD, "again": OTHER_PASSWORD}
    assert browsers[0].submit("/account/password", fields).status == 303


def _by_disabling(server: Server, email: str, browsers: list[Client]) -> None:
    with server.rows() as session:
        number = session.scalars(select(Person.id).where(Person.email == email)).one()
    assert server.enter(ADMIN).submit(f"/people/{number}/disable").status == 303


def _by_ending_the_others(server: Server, email: str, browsers: list[Client]) -> None:
    here = server.enter(email)
    assert here.submit("/account/devices/end").status == 303
    assert here.get("/account").status == 200, "where they were ended from one stays signed in"


def _by_ending_each(server: Server, email: str, browsers: list[Client]) -> None:
    here = server.enter(email)
    for path in sorted(set(re.findall(r'action="(/account/devices/\d+/end)"', here.get("/account").text))):
        assert here.submit(path).status in (302, 303)


def _by_a_link(server: Server, email: str, browsers: list[Client]) -> None:
    stranger = server.client()
    assert stranger.submit("/reset", {"email": email}).status == 200
    with server.rows() as session:
        # What the scheduler does in its next rounds: other attacks have left requests before this one.
        for _round in range(6):
            recovery.answer_resets(clock.now(), clock.wall())
        body = session.scalars(select(Mail.body).where(Mail.to == email).order_by(Mail.id.desc())).first() or ""
    link = re.search(r"/reset/\S+", body)
    assert link is not None, body
    assert stranger.submit(link[0], {"password": OTHER_PASSWORD, "again": OTHER_PASSWORD}).status == 303


def _by_help(server: Server, email: str, browsers: list[Client]) -> None:
    with server.rows() as session:
        number = session.scalars(select(Person.id).where(Person.email == email)).one()
    answer = server.enter(ADMIN).submit(f"/people/{number}/help", {"how": "Rang me, and knew the name of the cat."})
    assert answer.status == 303, answer.text


WAYS: tuple[tuple[str, int, Callable[[Server, str, list[Client]], None]], ...] = (
    ("signing out", 3, _by_signing_out),
    ("another password", 2, _by_another_password),
    ("disabling", 1, _by_disabling),
    ("signing out all others", 1, _by_ending_the_others),
    ("signing out one after the other", 1, _by_ending_each),
    ("a new password by a link", 1, _by_a_link),
    ("help by an administrator", 1, _by_help),
)


def _gets_in(thief: Client) -> bool:
    """Whether a copy still opens a page, or writes something."""
    page = thief.get("/account")
    written = thief.submit("/language", {"language": "es", "next": "/"})
    assert page.status < 500 and written.status < 500
    return not page.sends_to_sign_in


def test_a_copied_cookie_is_worth_nothing_once_its_sign_in_has_ended(one_server: Server, figure: Figure) -> None:
    server = one_server
    people = [(email, end) for _name, number, end in WAYS for email in server.newcomers(number, "Traveller")]
    with ThreadPoolExecutor(8) as pool:
        browsers = list(pool.map(server.enter, [email for email, _end in people for _n in range(EACH)]))
    copies = [browser.copy() for browser in browsers]
    for browser in browsers:
        browser.token()
    before = [copy for copy in copies if copy.get("/account").status == 200]
    assert len(before) == len(copies) == EACH * len(people), "the copies do open the page as long as the sign-in lasts"
    for n, (email, end) in enumerate(people):
        end(server, email, browsers[n * EACH : (n + 1) * EACH])
    inside = sum(_gets_in(copy) for copy in copies)
    with server.rows() as session:
        languages = set(
            session.scalars(select(Person.language).where(Person.email.in_([email for email, _end in people])))
        )
    assert languages == {"en"}
    figure("sessions: copied cookies that get in afterwards", tried=len(copies), got=inside)


def test_a_cookie_that_was_made_up_or_planted_opens_nothing(server: Server, figure: Figure) -> None:
    """Cookies without a signature, with another key's, with parts exchanged; and a session that was planted before signing in."""
    [email] = server.newcomers(1, "Victim")
    real = server.enter(email).jar["session"]
    payload, _, rest = real.partition(".")
    made_up = [
        "", "x", payload, f"{payload}.", f".{rest}", real[:-1], real + "x", real.swapcase(), f"{payload}.{rest[::-1]}",
        "eyJfdXNlcl9pZCI6IjEifQ.aaaaaa.bbbbbbbbbbbbbbbbbbbbbbbbbbb", '{"sign_in": "1"}', "null", "\u00e9".encode().decode("latin-1"),
    ]  # fmt: skip
    with server.app.app_context():
        serializer = server.app.session_interface.get_signing_serializer(server.app)  # type: ignore[attr-defined]
        person = db.session.scalars(select(Person).where(Person.email == email)).one()
        # Signed with the right key, as whoever knew it could: a number or a name is no sign-in.
        made_up += [
            serializer.dumps(content)
            for content in (
                {"_user_id": person.fs_uniquifier, "_fresh": True}, {"sign_in": person.id}, {"sign_in": "1"}, {"sign_in": None},
                {"sign_in": ["1"]}, {"sign_in": True}, {"sign_in": {"id": 1}},
            )
        ]  # fmt: skip
        db.session.remove()
    inside = sum(Client(server.port, jar={"session": cookie}).get("/account").status == 200 for cookie in made_up)
    planted = server.client()
    planted.get("/login")
    thief = planted.copy()
    assert planted.sign_in(email, PASSWORD).status == 303
    inside += thief.get("/account").status == 200
    figure("sessions: made up or planted cookies that get in", tried=len(made_up) + 1, got=inside)


@pytest.mark.parametrize("path", ["/login", "/account", "/"])
def test_a_cookie_is_kept_from_scripts_and_other_sites(server: Server, path: str) -> None:
    [email] = server.newcomers(1, "Careful")
    client = server.client()
    answer = client.submit("/login", {"email": email, "password": PASSWORD, "next": path})
    cookies = answer.headers.get_all("Set-Cookie") or []
    assert any(cookie.startswith("session=") for cookie in cookies)
    for cookie in cookies:
        assert "HttpOnly" in cookie and "SameSite=Lax" in cookie and "Domain" not in cookie, cookie
    kept = client.get(path, {"Accept": "text/html"})
    assert "no-store" in kept.headers.get("Cache-Control", "") or kept.status in (302, 303)
