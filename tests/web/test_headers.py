"""What every answer tells the browser to refuse."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from lab.rules.facts import Stage
from tests.factories import World
from tests.web.pages import PageClient

Clients = Callable[..., PageClient]
PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"


def directives(answer: TestResponse) -> dict[str, str]:
    """The content security policy of an answer, by directive."""
    [policy] = answer.headers.getlist("Content-Security-Policy")
    return {part.partition(" ")[0]: part.partition(" ")[2] for part in policy.split("; ")}


def check(answer: TestResponse) -> None:
    """Fail on an answer that tells the browser less than all of it."""
    found = directives(answer)
    policy = " ".join(answer.headers.getlist("Content-Security-Policy"))
    for loose in ("unsafe", "http:", "https:", "*", "strict-dynamic", "blob:"):
        assert loose not in policy, policy
    assert found["default-src"] == "'none'"
    assert answer.headers.getlist("X-Content-Type-Options") == ["nosniff"]
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert (
        answer.headers["Cross-Origin-Opener-Policy"] == answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    )
    permissions = answer.headers["Permissions-Policy"]
    for denied in ("camera", "microphone", "geolocation", "payment"):
        assert f"{denied}=()" in permissions
    assert "publickey-credentials-get=(self)" in permissions and "publickey-credentials-create=(self)" in permissions
    if "sandbox" not in found:
        assert found["base-uri"] == found["frame-ancestors"] == "'none'"
    if answer.mimetype == "text/html":
        [nonce] = set(re.findall(r"'nonce-([\w-]{20,})'", policy))
        assert found["script-src"] == found["style-src"] == f"'nonce-{nonce}'"
        assert found["form-action"] == found["connect-src"] == "'self'" and found["object-src"] == "'none'"
        assert answer.headers["Cache-Control"] == "no-store"
        tags = re.findall(r"<(?:script|link rel=\"stylesheet\")[^>]*>", answer.text)
        assert all(f'nonce="{nonce}"' in tag for tag in tags), tags


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/login", 200), ("/", 302), ("/no-such-page", 404), ("/static/css/lab.css", 200), ("/static/none.js", 404),
        ("/healthz", None), ("/logout", 405), ("/login?x=%00", 400), ("/login?x=" + "y" * 5000, 414), ("/login/", 404),
        ("/reset//x", 308),
    ],
)  # fmt: skip
def test_every_answer_has_its_headers(client_for: Clients, path: str, status: int | None) -> None:
    for method in ("GET", "HEAD", "OPTIONS"):
        answer = client_for(None).open(path, method=method)
        assert method != "GET" or status is None or answer.status_code == status
        check(answer)
        answer.close()


def test_also_what_was_not_changed_too_large_or_asked_of_another_host(client_for: Clients) -> None:
    client = client_for(None)
    fresh = client.get("/static/css/lab.css")
    again = client.get("/static/css/lab.css", headers={"If-None-Match": fresh.headers["ETag"]})
    assert again.status_code == 304
    large = client.post("/login", data={"email": "x" * (3 * 1024 * 1024)})
    assert large.status_code == 413
    foreign = client.get("/login", base_url="http://evil.example")
    assert foreign.status_code == 400
    for answer in (fresh, again, large, foreign):
        check(answer)
        answer.close()


def test_also_a_download_which_may_do_nothing_at_all(world_at: Callable[..., World], client_for: Clients) -> None:
    world = world_at(Stage.PROTOTYPING)
    client = client_for(world.lead)
    path = f"/awards/{world.code}/files"
    sent = client.submit(path, {"file": (BytesIO(PDF), "plan.pdf"), "place": "prototype", "next": "/awards"})
    assert sent.status_code == 303
    check(sent)
    answer = client.get(f"{path}/1")
    assert answer.status_code == 200
    check(answer)
    assert "sandbox" in directives(answer) and answer.headers["Cache-Control"] == "private, no-store"
    answer.close()


def test_also_a_mistake_of_ours(
    app: Flask, world_at: Callable[..., World], client_for: Clients, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    from lab.web import award

    world = world_at()

    def broken(*args: object) -> None:
        raise ZeroDivisionError("secret inside")

    monkeypatch.setattr(award, "list_events", broken)
    monkeypatch.setitem(app.config, "PROPAGATE_EXCEPTIONS", False)
    answer = client_for(world.lead).get(f"/awards/{world.code}/timeline")
    assert answer.status_code == 500
    check(answer)
    assert "secret" not in answer.text and "Traceback" not in answer.text
    assert "secret inside" in caplog.text


def test_a_nonce_is_of_one_answer_alone(client_for: Clients) -> None:
    client = client_for(None)
    assert len({directives(client.get("/login"))["script-src"] for _try in range(5)}) == 5


def test_only_a_site_with_https_asks_for_it_for_ever(
    app: Flask, client_for: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "Strict-Transport-Security" not in client_for(None).get("/login").headers
    plain = app.extensions["lab_config"]
    monkeypatch.setitem(app.extensions, "lab_config", replace(plain, base_url="https://localhost"))
    for path in ("/login", "/none", "/static/css/lab.css"):
        answer = client_for(None).get(path)
        assert answer.headers["Strict-Transport-Security"] == "max-age=63072000"
        answer.close()


def test_pages_about_people_are_not_kept_and_static_files_are(
    world_at: Callable[..., World], client_for: Clients
) -> None:
    world = world_at()
    client = client_for(world.lead)
    for path in (f"/awards/{world.code}", "/awards/none", "/login", "/"):
        assert client.get(path).headers["Cache-Control"] == "no-store"
    style = client.page("/").find("link", href=re.compile("lab.css"))
    for address, kept in ((style["href"], "max-age=604800"), ("/static/js/rows.js", "no-cache")):
        # A module that a script imports has no version in its address: it is asked for again, and is mostly the same.
        answer = client.get(str(address))
        assert kept in answer.headers["Cache-Control"], address
        again = client.get(str(address), headers={"If-None-Match": answer.headers["ETag"]})
        assert again.status_code == 304
        answer.close()
        again.close()


def test_the_session_s_cookie_is_for_this_site_and_no_script(
    world_at: Callable[..., World], client_for: Clients
) -> None:
    world_at()
    cookie = client_for(None).get("/login").headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie
