"""Names that these pages answer to, and whose word is taken for who asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from lab import create_app
from lab.config import Config
from lab.extensions import db
from lab.models import SecurityEvent
from lab.web.hosts import trusted
from tests.factories import World
from tests.web.pages import PageClient
from tests.web.tables import contents

Clients = Callable[..., PageClient]
FOREIGN = [
    "evil.example", "evil.example:80", "localhost.evil.example", "xlocalhost", "localhost@evil.example", "evil.example/localhost",
    "localhost evil.example", "", "[::1]", "127.0.0.1.evil.example", "localhost:0", "localhost:99999", "localhost:x", "local\u00e9",
    "192.0.2.1", "localhost,evil.example", ".localhost", "localhost.",
]  # fmt: skip


@pytest.mark.parametrize("host", FOREIGN)
def test_another_name_gets_a_plain_page_that_leads_nowhere(
    app: Flask, world_at: Callable[..., World], client_for: Clients, host: str
) -> None:
    client = client_for(world_at().lead)
    before = contents(app)
    for path in ("/", "/login", "/awards", "/static/css/lab.css", "/healthz", "/no-such-page", "/logout", "//evil"):
        for method in ("GET", "POST", "HEAD"):
            answer = client.open(path, method=method, headers={"Host": host}, data=b"" if method == "GET" else b"a=b")
            assert answer.status_code == 400, (path, method, answer.status_code)
            assert "Location" not in answer.headers and "Set-Cookie" not in answer.headers
            if method != "HEAD":
                assert "Not at this address" in answer.text
            for told in ("href=", "src=", "action=", "evil"):
                assert told not in answer.text
    assert contents(app) == before


def test_a_forwarded_name_is_not_believed(client_for: Clients) -> None:
    forged = {"X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example", "X-Host": "evil.example"}
    answer = client_for(None).get("/login", headers=forged)
    assert answer.status_code == 200 and "evil" not in answer.text
    answer = client_for(None).get("/reset//x", headers=forged)
    assert answer.status_code == 308 and answer.location == "http://localhost/reset/x"


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "localhost:5000", "127.0.0.1:45678"])
def test_this_machine_s_names_are_good_in_tests(client_for: Clients, host: str) -> None:
    assert client_for(None).get("/login", headers={"Host": host}).status_code == 200


def test_which_names_are_trusted() -> None:
    config = Config(secret_key="k" * 32, database_url="", files="", base_url="https://lab.example.org")
    assert trusted(config) == ["lab.example.org"]
    assert trusted(replace(config, trusted_hosts=("lab.intern", "lab.example.org"))) == [
        "lab.example.org",
        "lab.intern",
    ]
    local = ["127.0.0.1", "localhost"]
    assert trusted(replace(config, demo=True)) == ["lab.example.org", *local]
    assert trusted(replace(config, base_url="http://127.0.0.1:5000")) == local
    assert sorted(trusted(replace(config, base_url=""))) == local


@pytest.fixture
def behind(app: Flask) -> Iterator[Callable[[int], Flask]]:
    """The application behind so many reverse proxies, on the same database."""
    made = []

    def make(proxies: int) -> Flask:
        made.append(create_app(replace(app.extensions["lab_config"], proxies=proxies)))
        made[-1].test_client_class = PageClient
        return made[-1]

    yield make
    for one in made:
        with one.app_context():
            db.engine.dispose()


@pytest.mark.parametrize(
    ("proxies", "said", "address"),
    [
        (0, "203.0.113.9", "127.0.0.1"), (1, "203.0.113.9", "203.0.113.9"), (1, "198.51.100.1, 203.0.113.9", "203.0.113.9"),
        (2, "198.51.100.1, 203.0.113.9, 192.0.2.7", "203.0.113.9"), (2, "203.0.113.9", "127.0.0.1"), (1, "", "127.0.0.1"),
    ],
)  # fmt: skip
def test_only_a_proxy_of_ours_says_who_asks(
    behind: Callable[[int], Flask], session: Session, proxies: int, said: str, address: str
) -> None:
    client = behind(proxies).test_client()
    headers = {"X-Forwarded-For": said, "Origin": "https://evil.example", "X-Real-IP": "192.0.2.99"}
    assert client.post("/login", data={}, headers=headers).status_code == 403
    [event] = session.scalars(select(SecurityEvent))
    assert event.address == address


def test_only_a_proxy_of_ours_says_that_the_line_was_safe(behind: Callable[[int], Flask]) -> None:
    for proxies, scheme in ((0, "http"), (1, "https")):
        answer = (
            behind(proxies)
            .test_client()
            .get(
                "/reset//x",
                headers={"X-Forwarded-Proto": "https", "X-Forwarded-Prefix": "/evil"},
            )
        )
        assert answer.location == f"{scheme}://localhost/reset/x"
