"""Forms come from our own pages only: what a browser says about where one came from is held against this site.

The token of the form is checked after it. Neither alone is trusted: a token can leak, and an old browser says nothing.
"""

from __future__ import annotations

from contextlib import suppress
from urllib.parse import urlsplit

from flask import Flask, request
from werkzeug.exceptions import Forbidden

from lab import clock
from lab.rules.errors import TooMany
from lab.rules.security_events import SecurityEventKind
from lab.rules.throttle import Bucket, Trial, Try, network_of
from lab.services import throttle
from lab.services.security_events import note_refusal
from lab.web.access import actor, config
from lab.web.whereabouts import place

SAFE = ("GET", "HEAD", "OPTIONS")
_PORTS = {"http": 80, "https": 443}


class ForeignForm(Forbidden):
    """A form that another site has sent."""


Origin = tuple[str, str, int | None]


def origin_of(address: str) -> Origin | None:
    """Scheme, host and port of an address; None for what has none, such as ``null``."""
    try:
        parts = urlsplit(address)
        port = parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return None
    return (parts.scheme, parts.hostname, port) if parts.scheme in _PORTS and parts.hostname else None


def _ours() -> set[Origin | None]:
    """The public address, and the trusted name that this request asked for; never plain HTTP where the site has HTTPS."""
    public = config().base_url
    scheme = "https" if public.startswith("https://") else request.scheme
    return {origin_of(public), origin_of(f"{scheme}://{request.host}")} - {None}


def came_from() -> str:
    """Another site that sent this request, as the browser names it; empty if it is ours, or the browser says nothing."""
    said = request.headers.get("Origin")
    if said is not None:
        return "" if origin_of(said) in _ours() else said or "null"
    fetched = request.headers.get("Sec-Fetch-Site")
    if fetched is not None:
        # "none" is a person's own doing, such as sending a form again after a restart of the browser.
        return "" if fetched in ("same-origin", "none") else fetched
    referrer = request.headers.get("Referer")
    return "" if not referrer or origin_of(referrer) in _ours() else referrer


def check() -> None:
    """Before an unsafe request does anything, once the door let it in. Raises ForeignForm, and notes it."""
    if request.method in SAFE or request.endpoint is None:
        return
    foreign = came_from()
    if foreign:
        _note(request.endpoint, foreign)
        raise ForeignForm


def _note(endpoint: str, foreign: str) -> None:
    """Note it, once a minute from one network address: whoever sends a thousand shall not fill the log. Of an address
    only where it is, never what it says: it may hold a secret."""
    origin = origin_of(foreign)
    said = foreign[:20]
    if origin is not None:
        scheme, host, port = origin
        said = f"{scheme}://{host}" + ("" if port == _PORTS[scheme] else f":{port}")
    where, wall = place(), clock.wall()
    with suppress(TooMany):
        throttle.take((Try(Trial.SIGN_IN, Bucket.NOTED, f"foreign form|{network_of(where.address)}"),), wall)
        note_refusal(SecurityEventKind.FOREIGN_FORM, actor(), wall, where, action=endpoint, origin=said)


def register(app: Flask) -> None:
    """After the door, before the CSRF token is looked at."""
    app.before_request(check)
