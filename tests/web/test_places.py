"""Every door that sends people on sends them to a page of this site: whatever was asked, as a browser reads the answer."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from urllib.parse import urljoin, urlsplit

import pytest
from flask import Flask
from flask_security.utils import hash_password
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from lab.rules.facts import Role, Stage
from lab.web.places import local_path, page_path
from tests import factories
from tests.factories import World
from tests.web.pages import PageClient

Clients = Callable[..., PageClient]
PASSWORD = "a long enough password"
NASTY = [
    "//evil.example", "/\\evil.example", "\\\\evil.example", "///evil.example", "/%09/evil.example", "/\t/evil.example",
    "/%5cevil.example", "/%2f%2fevil.example", "/%2fevil.example", "https:evil.example", "https:/evil.example",
    "https://evil.example", "http:evil.example", "hTTps://evil.example", "javascript:alert(1)", "JaVaScRiPt:alert(1)",
    "data:text/html,<script>alert(1)</script>", "vbscript:x", "/\r\nLocation: //evil.example", "/login\r\nSet-Cookie: a=b",
    "/%0d%0aSet-Cookie:%20a=b", "/ /evil.example", " //evil.example", "\x00//evil.example", "/\x00/evil.example",
    "/\u2044/evil.example", "/\u2215evil.example", "\uff0f\uff0fevil.example", "/\uff0fevil.example", "/\u3002evil.example",
    "//localhost@evil.example", "/@evil.example", "http://localhost@evil.example", "http://localhost:x@evil.example/",
    "http://localhost.evil.example", "http://localhost\\@evil.example", "/..//evil.example", "/%2e%2e//evil.example",
    "/.//evil.example", "/./\\evil.example", "/awards/..//evil.example", "/awards//evil.example", "//", "/\\", "/;//evil.example",
    "/logout", "/language", "/account/password", "/no-such-page", "/login/", "?x", "#x", "", "login", ".", "..",
    "http://localhost/awards", "//localhost/awards", "http://[::1", "/awards/\ud800", "/" + "a" * 5000, "/login?next=" + "b" * 5000,
    "/login?a=\\b", "/static/css/lab.css", "/awards#\\evil",
]  # fmt: skip
# Safe as they stand: what they carry is judged when it is used.
NESTED = ["/login?next=//evil.example", "/login?next=https:evil.example", "/awards?next=/logout"]
GOOD = ["/", "/awards", "/awards?stage=pilot&page=2", "/account#password", "/awards/test-1/lab?x=1#files", *NESTED]


def landing(location: str) -> str:
    """Where a browser on a page of this site goes by a ``Location``: it skips some letters, and reads \\ as /."""
    read = re.sub(r"[\t\r\n]", "", location).strip("".join(map(chr, range(33)))).replace("\\", "/")
    return urljoin("http://localhost/login", re.sub(r"^/{2,}", "//", read))


def stays(location: str) -> bool:
    """Whether a ``Location`` leads to this site, and to no form."""
    parts = urlsplit(landing(location))
    return (parts.scheme, parts.netloc) == ("http", "localhost") and parts.path not in ("/logout", "/language")


@pytest.fixture
def asked(app: Flask) -> Iterator[None]:
    with app.test_request_context("/login", base_url="http://localhost"):
        yield


@pytest.mark.parametrize("wanted", NASTY)
def test_what_is_no_page_of_ours_is_the_start_page(asked: None, wanted: str) -> None:
    assert page_path(wanted) is None
    assert local_path(wanted) == "/"
    assert local_path(wanted, "/awards") == "/awards"


@pytest.mark.parametrize("wanted", GOOD)
def test_a_page_of_ours_is_gone_to_as_it_was_asked_for(asked: None, wanted: str) -> None:
    assert local_path(wanted) == wanted


def test_under_a_path_of_another_server_too(app: Flask) -> None:
    with app.test_request_context("/login", base_url="http://localhost/lab"):
        assert local_path("/lab/awards") == local_path("/awards") == "/lab/awards"
        assert local_path("/lab//evil") == local_path("/lab") == local_path("/lablab") == "/lab/"


PIECES = ["/", "//", "\\", "evil.example", "awards", "login", "?next=", "#", "@", ":", "%2f", "%5c", "%09", "\t", "\r\n", " ",
          "..", ".", "http", "https:", "javascript:", "localhost", "\uff0f", "\u2215", "\x00", "&", ";", "%"]  # fmt: skip


@settings(max_examples=1500, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.lists(st.sampled_from(PIECES), max_size=8).map("".join), st.text(max_size=40)))
def test_no_text_whatever_leads_away(asked: None, wanted: str) -> None:
    found = local_path(wanted)
    assert found.isascii() and found.isprintable() and stays(found), (wanted, found)
    # A path that is let through is read alike by whoever reads it.
    assert urlsplit(landing(found)).path == urlsplit(found).path


@pytest.fixture
def world(session: Session) -> World:
    made = factories.build_world(session, Stage.PROTOTYPING)
    factories.person(session, Role.OFFICER, email="olga@ilo.example", password=hash_password(PASSWORD))
    session.commit()
    return made


# A lone half of a letter is refused by the door already.
SENT = [wanted for wanted in NASTY if "\ud800" not in wanted and len(wanted) < 3000]


# Where people are sent on does not hang on the database.
@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
@pytest.mark.parametrize("way", ["field", "address"])
def test_signing_in(world: World, client_for: Clients, way: str) -> None:
    for wanted in [*SENT, *NESTED]:
        client = client_for(None)
        form = {"email": "olga@ilo.example", "password": PASSWORD}
        if way == "field":
            answer = client.submit("/login", form | {"next": wanted})
        else:
            answer = client.submit("/login", form, query_string={"next": wanted})
        assert answer.status_code in (303, 400), (wanted, answer.status_code)
        assert answer.status_code == 303 or "\0" in wanted
        if answer.status_code == 303:
            assert stays(answer.location), (wanted, answer.location)
            again = client.get(answer.location)
            assert again.status_code == 200 or stays(again.location)


def test_opening_the_page_for_signing_in_once_signed_in(world: World, client_for: Clients) -> None:
    client = client_for(world.lead)
    for wanted in SENT:
        answer = client.get("/login", query_string={"next": wanted})
        assert answer.status_code in (302, 400) and (answer.status_code == 400 or stays(answer.location)), wanted


def test_changing_the_language(world: World, client_for: Clients) -> None:
    client = client_for(world.lead)
    for wanted in SENT:
        answer = client.submit("/language", {"language": "es", "next": wanted})
        assert answer.status_code in (303, 400) and (answer.status_code == 400 or answer.location == "/"), wanted
    assert client.submit("/language", {"language": "es", "next": "/awards?page=2"}).location == "/awards?page=2"


def test_taking_a_file_away(world: World, client_for: Clients) -> None:
    client = client_for(world.lead)
    back = f"/awards/{world.code}"
    for wanted in SENT:
        answer = client.submit(f"{back}/files/999/remove", {"next": wanted})
        assert answer.status_code in (303, 400, 404) and (answer.status_code != 303 or answer.location == back), wanted


def test_a_form_that_was_sent_without_a_sign_in(world: World, client_for: Clients) -> None:
    path = f"/awards/{world.code}/withdraw"
    client = client_for(None)
    for wanted in SENT:
        if not wanted.isascii() or not wanted.isprintable():
            continue
        for referrer in (wanted, f"http://localhost{wanted}"):
            answer = client.post(path, data={"csrf_token": client.token()}, headers={"Referer": referrer})
            assert answer.status_code == 302
            parts = urlsplit(landing(answer.location))
            assert parts.netloc == "localhost" and parts.path == "/login"
            assert "evil" not in parts.path and "logout" not in parts.query
            assert client.get(answer.location).status_code == 200
    answer = client.post(
        path, data={"csrf_token": client.token()}, headers={"Referer": f"http://localhost/awards/{world.code}/pilot"}
    )
    assert answer.location == f"/login?next=/awards/{world.code}/pilot"


def test_an_address_with_too_many_slashes_is_put_right_here(client_for: Clients) -> None:
    for path in (
        "//evil.example/awards",
        "///login",
        "/reset//x",
        "//evil.example/..",
        "/\\evil.example",
        "//login",
        "/reset///x",
    ):
        # As a server hands it on; the client itself would take some of these for a host.
        answer = client_for(None).get("/", environ_overrides={"PATH_INFO": path})
        assert answer.status_code in (200, 302, 308, 404)
        if "Location" in answer.headers:
            assert stays(answer.location), answer.location
