"""Too much, too many, too long, in the wrong letters: refused with a page, nothing stored, and never a mistake of ours."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from lab.rules.facts import Stage
from lab.web.limits import FORM_BYTES, FORM_FIELDS
from tests.factories import World
from tests.web.pages import PageClient, lint
from tests.web.tables import contents

Worlds = Callable[..., World]
Clients = Callable[..., PageClient]
URLENCODED = "application/x-www-form-urlencoded"
BOUNDARY = "lab-boundary"
MEGABYTE = 1024 * 1024


class Endless:
    """A body that never ends, and remembers how much of it was read."""

    def __init__(self, piece: bytes) -> None:
        self.piece, self.given = piece, 0

    def read(self, size: int | None = -1) -> bytes:
        assert size is not None and size >= 0, "the whole of it was asked for"
        self.given += size
        return (self.piece * (size // len(self.piece) + 1))[:size]


def part(name: str, value: bytes, more: str = "") -> bytes:
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n'
    return head.encode() + value + b"\r\n"


def send(client: PageClient, path: str, body: bytes, kind: str = URLENCODED, **options: Any) -> TestResponse:
    """POST ``body`` as it is; the answer is linted."""
    answer = client.post(path, data=body, content_type=kind, **options)
    if answer.mimetype == "text/html" and answer.status_code >= 400:
        lint(answer.text, path)
    return answer


def stream(client: PageClient, path: str, endless: Endless, kind: str) -> TestResponse:
    """POST a body of pieces whose length is not told, as a server hands it on."""
    environ = {"wsgi.input": endless, "wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}
    return client.post(path, content_type=kind, environ_overrides=environ)


def multipart(client: PageClient, path: str, *parts: bytes, **options: Any) -> TestResponse:
    body = part("csrf_token", client.token().encode()) + b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()
    return send(client, path, body, f"multipart/form-data; boundary={BOUNDARY}", **options)


def test_a_form_as_large_as_may_be_is_read_and_one_that_is_larger_is_not(world_at: Worlds, client_for: Clients) -> None:
    world = world_at()
    client, path = client_for(world.lead), f"/awards/{world.code}/workplan/draft"
    start = f"csrf_token={client.token()}&revision=0&summary=".encode()
    assert send(client, path, start + b"x" * (FORM_BYTES - len(start))).status_code < 413
    for body in (start + b"x" * (FORM_BYTES - len(start) + 1), start + b"x" * (8 * MEGABYTE)):
        answer = send(client, path, body)
        assert answer.status_code == 413 and "up to 2 MB" in answer.text


def test_a_body_without_a_length_and_an_end_is_left_where_it_is(app: Flask, client_for: Clients) -> None:
    client = client_for(None)
    for kind in (URLENCODED, f"multipart/form-data; boundary={BOUNDARY}"):
        endless = Endless(b"a=b&" if kind == URLENCODED else part("a", b"b"))
        answer = stream(client, "/login", endless, kind)
        assert answer.status_code == 413
        assert endless.given <= FORM_BYTES + MEGABYTE


@pytest.mark.parametrize("kind", ["fields", "blanks", "parts"])
def test_too_many_fields(world_at: Worlds, client_for: Clients, kind: str) -> None:
    world = world_at()
    client, path = client_for(world.lead), f"/awards/{world.code}/workplan/draft"
    many = FORM_FIELDS + 10
    if kind == "parts":
        answer = multipart(client, path, *(part(f"a{n}", b"") for n in range(many)))
    else:
        extra = b"".join(b"&a%d=b" % n for n in range(many)) if kind == "fields" else b"&" * many
        answer = send(client, path, f"csrf_token={client.token()}".encode() + extra)
    assert answer.status_code == 413
    assert send(client, path, f"csrf_token={client.token()}&revision=0".encode() + b"&a=b" * 5000).status_code < 413


def test_a_route_that_takes_large_files_takes_no_larger_texts(world_at: Worlds, client_for: Clients) -> None:
    """In flat memory: neither as fields of one form, nor as one long field, nor as a form that is no upload."""
    world = world_at(Stage.PROTOTYPING)
    client, path = client_for(world.lead), f"/awards/{world.code}/files"
    file = part("file", b"%PDF-1.7\n" + b"x" * MEGABYTE, '; filename="a.pdf"')
    texts = [part(f"t{n}", b"x" * 400_000) for n in range(8)]
    tracemalloc.start()
    try:
        assert multipart(client, path, *texts).status_code == 413
        assert multipart(client, path, file, *texts).status_code == 413
        assert multipart(client, path, part("t", b"x" * (3 * MEGABYTE))).status_code == 413
        assert send(client, path, b"a=" + b"x" * (3 * MEGABYTE)).status_code == 413
        endless = Endless(b"a=b&")
        answer = stream(client, path, endless, URLENCODED)
        assert answer.status_code == 413 and endless.given < 3 * MEGABYTE
        assert tracemalloc.get_traced_memory()[1] < 40 * MEGABYTE
    finally:
        tracemalloc.stop()
    good = part("file", b"%PDF-1.7\n" + b"x" * (2 * MEGABYTE + 500_000), '; filename="a.pdf"')
    assert multipart(client, path, good, part("place", b"prototype"), part("next", b"/")).status_code == 303


WRONG = {
    "a byte that is no UTF-8": b"name=%FF",
    "one that stands there as it is": b"name=\xff\xfe",
    "half of a letter": b"name=%ED%A0%80",
    "too long a way to write a slash": b"name=%C0%AF",
    "a zero": b"name=a%00b",
    "a zero in a name": b"na%00me=x",
    "a name in wrong letters": b"%FF=x",
    "a name that does not end": b"a" * 4000 + b"=x",
}


@pytest.mark.parametrize("what", WRONG)
def test_a_form_in_wrong_letters(app: Flask, world_at: Worlds, client_for: Clients, what: str) -> None:
    client = client_for(world_at().lead)
    before = contents(app)
    answer = send(client, "/account", f"csrf_token={client.token()}&language=en&".encode() + WRONG[what])
    assert answer.status_code == 400
    assert "The request was not understood" in answer.text
    assert contents(app) == before


@pytest.mark.parametrize(
    "piece",
    [
        part("name", b"a\0b"), part("na\0me", b"x"), part("name", b"x", '; filename="a\0.pdf"'), part("n" * 1000, b"x"),
        b"--lab-boundary\r\nContent-Disposition: form-data\r\n\r\nx\r\n", b"--lab-boundary\r\nno header at all\r\n\r\nx\r\n",
        b"--lab-boundary\r\n\r\n\r\n",
    ],
)  # fmt: skip
def test_parts_in_wrong_letters(app: Flask, world_at: Worlds, client_for: Clients, piece: bytes) -> None:
    client = client_for(world_at().lead)
    before = contents(app)
    answer = multipart(client, "/account", part("language", b"es"), piece)
    assert answer.status_code == 400, answer.status_code
    assert contents(app) == before


@pytest.mark.parametrize(
    "kind",
    [
        "multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=\u00e9", "text/plain", "",
        "application/json", "multipart/form-data; boundary=" + "x" * 5000, "multipart/mixed; boundary=lab-boundary", "x",
        "application/x-www-form-urlencoded; charset=utf-16", ";;;", "multipart/form-data; boundary*=utf-9''a",
    ],
)  # fmt: skip
def test_a_form_that_says_it_is_something_else(app: Flask, world_at: Worlds, client_for: Clients, kind: str) -> None:
    client = client_for(world_at().lead)
    before = contents(app)
    for body in (
        b"",
        b"language=es",
        b'{"language": ["es"]}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"[1]",
        b"null",
        b"--lab-boundary--",
        b"\xff\x00",
    ):
        assert send(client, "/account", body, kind).status_code in (400, 415)
        # Also with its token in the header, as a script would send it.
        answer = send(client, "/account", body, kind, headers={"X-CSRFToken": client.token()})
        assert answer.status_code in (400, 415, 422), answer.status_code
    assert contents(app) == before


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/awards?q=" + "x" * 5000, 414), ("/" + "x" * 5000, 414), ("/awards?" + "a&" * 1500, 200), ("/awards?q=%FF", 400),
        ("/awards?q=%ED%A0%80", 400), ("/awards?%00=x", 400), ("/awards?q=%00", 400), ("/awards/%00", 400), ("/awards?q", 200),
        ("/awards/%FF", 404), ("/awards?page=-1", 200), ("/awards?page=" + "9" * 3000, 200), ("/awards?page=1e9999", 200),
        ("/awards?page=NaN", 200), ("/awards?page=\u0663", 200), ("/awards?stage=x&stage=y&call[]=1&call[a]=b", 200),
        ("/awards?page=1&page=2", 200), ("/people?page=" + "9" * 30, 403), ("/awards?sort=__class__", 200),
        ("/awards/" + "%2e%2e%2f" * 20, 404), ("/calls/x/pilots/../../x.svg", 404),
    ],
)  # fmt: skip
def test_a_strange_address(world_at: Worlds, client_for: Clients, path: str, status: int) -> None:
    client = client_for(world_at().officer)
    answer = client.get(quote(path, safe="/?&=%[]"))
    assert answer.status_code == status, answer.status_code
    lint(answer.text, path)


def test_letters_in_the_address_that_are_no_text(world_at: Worlds, client_for: Clients) -> None:
    client = client_for(world_at().officer)
    for raw in ("q=\u00ff", "\u00fe\u00ff", "q=\u00c3"):
        # As a server hands on bytes that nobody has escaped.
        answer = client.get("/awards", environ_overrides={"QUERY_STRING": raw})
        assert answer.status_code == 400
        lint(answer.text, "/awards")


def test_cookies_and_headers_that_are_no_text(world_at: Worlds, client_for: Clients) -> None:
    world_at()
    for value in (
        "\u00ff\u00fe",
        "x" * 5000,
        '"\\000"',
        ";;;=",
        "language=\u00e9; session=; device=x",
        "session=" + "A" * 3000,
    ):
        for header in ("Cookie", "User-Agent", "Accept-Language", "If-None-Match", "Range", "Referer", "X-Forwarded-For",
                       "Accept-Encoding", "If-Modified-Since", "Authorization", "Authentication-Token"):  # fmt: skip
            strange = client_for(None)
            for path in ("/awards", "/login", "/static/css/lab.css"):
                answer = strange.get(path, headers={header: value})
                assert answer.status_code in (200, 206, 302, 304, 416), (header, path, answer.status_code)
                answer.close()


@pytest.mark.parametrize("page", ["withdraw", "workplan/extend", "team"])
def test_a_text_that_is_sent_as_a_file_is_no_text(app: Flask, world_at: Worlds, client_for: Clients, page: str) -> None:
    """Nothing was typed then: the form says what it lacks."""
    world = world_at()
    client = client_for(world.officer if page == "workplan/extend" else world.lead)
    parts = (part(name, b"x", '; filename="x.txt"') for name in ("reason", "days", "name", "email", "role", "form_key"))
    before = contents(app)
    assert multipart(client, f"/awards/{world.code}/{page}", *parts).status_code in (400, 422)
    assert contents(app) == before
