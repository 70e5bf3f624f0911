"""Pages: parse, call a service or a query, flash, redirect. A blueprint per noun."""

from __future__ import annotations

from importlib import import_module

from flask import Flask

BLUEPRINTS = (
    "home", "account", "people", "outbox", "call", "award", "workplan", "agreement", "disbursement", "lab", "report",
    "upload", "pilot", "closing", "health",
)  # fmt: skip


def register(app: Flask) -> None:
    """The door first, then the pages."""
    from lab.extensions import csrf
    from lab.web import access, assets, errors, frame, headers, once, words

    access.register(app)
    headers.register(app)
    # Checked by hand in this order: the door, the CSRF token, the one-time key.
    app.config["WTF_CSRF_CHECK_DEFAULT"] = False
    app.before_request(lambda: csrf.protect())
    once.register(app)
    words.register(app)
    assets.register(app)
    errors.register(app)
    frame.register(app)
    for name in BLUEPRINTS:
        app.register_blueprint(import_module(f"lab.web.{name}").bp)
