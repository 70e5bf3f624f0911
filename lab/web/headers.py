"""What every answer tells the browser to refuse: pages, files, redirects and errors alike."""

from __future__ import annotations

import secrets

from flask import Flask, g, request
from werkzeug.wrappers import Response

from lab.web.access import config

STATIC = frozenset({"static", "bootstrap.static"})
# Nothing that an answer other than a page could load or do, should somebody open it by itself.
BARE_POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
# Two years. Not for subdomains: the address may be one under which an organisation has others that are not ours.
HSTS = "max-age=63072000"
# Passkeys are used by these pages alone; nothing else of the device is asked for by anybody.
_DENIED = (
    "camera", "display-capture", "fullscreen", "geolocation", "hid", "local-fonts", "microphone", "midi",
    "payment", "screen-wake-lock", "serial", "storage-access", "usb", "xr-spatial-tracking",
)  # fmt: skip
PERMISSIONS = ", ".join(
    [
        *(f"{name}=()" for name in _DENIED),
        "publickey-credentials-create=(self)",
        "publickey-credentials-get=(self)",
        "clipboard-read=()",
        "clipboard-write=(self)",
    ]
)


def nonce() -> str:
    """This answer's own word for its scripts and style sheets: what does not carry it is neither run nor applied."""
    if "nonce" not in g:
        g.nonce = secrets.token_urlsafe(18)
    found: str = g.nonce
    return found


def page_policy() -> str:
    """What a page may load. Modules that the first script imports carry its nonce on, so no address is allowed as such.

    Images in the style sheet of Bootstrap are ``data:``. Text becomes markup through one policy only, that of
    ``static/js/markup.js``.
    """
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'nonce-{nonce()}'",
            f"style-src 'nonce-{nonce()}'",
            "img-src 'self' data:",
            "connect-src 'self'",
            "form-action 'self'",
            "base-uri 'none'",
            "object-src 'none'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types lab",
        )
    )


def add(response: Response) -> Response:
    """Headers on every answer. Whatever is not the same for everybody is not kept by caches."""
    is_page = response.mimetype == "text/html"
    fixed = {
        "Content-Security-Policy": page_policy() if is_page else BARE_POLICY,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
        "Permissions-Policy": PERMISSIONS,
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
    if config().base_url.startswith("https://"):
        fixed["Strict-Transport-Security"] = HSTS
    for name, value in fixed.items():
        response.headers.setdefault(name, value)
    if is_page or response.mimetype == "application/json":
        response.headers["Cache-Control"] = "no-store"
    elif request.endpoint not in STATIC:
        response.headers.setdefault("Cache-Control", "no-store")
    return response


def register(app: Flask) -> None:
    """Hang it after every request, and give the pages their nonce."""
    app.after_request(add)
    app.add_template_global(nonce, "csp_nonce")
