"""What every answer tells the browser to refuse."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.factories import World
from tests.web.pages import PageClient


@pytest.mark.parametrize("path", ["/login", "/", "/no-such-page", "/static/css/lab.css", "/healthz"])
def test_every_answer_has_its_headers(client_for: Callable[..., PageClient], path: str) -> None:
    answer = client_for(None).get(path)
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy and "frame-ancestors 'none'" in policy
    assert "object-src 'none'" in policy and "form-action 'self'" in policy and "base-uri 'none'" in policy
    assert "unsafe" not in policy and "http" not in policy and "*" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    answer.close()


def test_pages_about_people_are_not_kept_and_static_files_are(
    world_at: Callable[..., World], client_for: Callable[..., PageClient]
) -> None:
    world = world_at()
    client = client_for(world.lead)
    for path in (f"/awards/{world.code}", "/awards/none", "/login"):
        assert client.get(path).headers["Cache-Control"] == "no-store"
    answer = client.get("/static/css/lab.css")
    assert "max-age=604800" in answer.headers["Cache-Control"]
    answer.close()


def test_the_session_s_cookie_is_for_this_site_and_no_script(
    world_at: Callable[..., World], client_for: Callable[..., PageClient]
) -> None:
    world_at()
    cookie = client_for(None).get("/login").headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie
