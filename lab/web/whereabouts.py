"""Where a request comes from, for the log of security events and for counting tries."""

from __future__ import annotations

from flask import request

from lab.services.security_events import Place


def place() -> Place:
    """The request's network address, browser and path, the latter without the token of a link: it opens an account."""
    path, token = request.path, (request.view_args or {}).get("token")
    return Place(
        address=request.remote_addr or "",
        browser=request.headers.get("User-Agent", "")[:200],
        path=path.replace(token, "…")[:300] if token else path[:300],
    )
