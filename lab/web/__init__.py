"""Pages: parse, call a service or a query, flash, redirect. A blueprint per noun."""

from __future__ import annotations

from importlib import import_module

from flask import Flask

BLUEPRINTS = (
    "home", "sign_in", "second_factor", "account", "people", "helping", "outbox", "security", "call", "award", "portfolio", "workplan", "workplan_offline", "agreement", "clause", "signature", "verification", "amendment", "amendment_edit", "disbursement", "payment_queue", "lab", "report",
    "upload", "pilot", "closing", "health",
)  # fmt: skip
# Modules that add pages to the blueprint of another.
PARTS = ("workplan_review",)


def register(app: Flask) -> None:
    """The address and the door first, then the pages."""
    from lab.extensions import csrf
    from lab.web import (
        access,
        assets,
        errors,
        frame,
        freshness,
        headers,
        hosts,
        limits,
        markdown,
        once,
        origin,
        reader,
        words,
    )

    hosts.register(app, app.extensions["lab_config"])
    limits.register(app)
    access.register(app)
    headers.register(app)
    origin.register(app)
    # Checked by hand in this order: the door, the CSRF token, whether its owner is there, the one-time key.
    app.config["WTF_CSRF_CHECK_DEFAULT"] = False
    app.before_request(lambda: csrf.protect())
    freshness.register(app)
    once.register(app)
    reader.register(app)
    words.register(app)
    markdown.register(app)
    assets.register(app)
    errors.register(app)
    frame.register(app)
    for name in PARTS:
        import_module(f"lab.web.{name}")
    for name in BLUEPRINTS:
        app.register_blueprint(import_module(f"lab.web.{name}").bp)
