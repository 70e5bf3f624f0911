"""Under which names these pages answer. What asks for another gets a plain page that leads nowhere."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Flask, g, make_response, render_template, request
from flask_login import AnonymousUserMixin
from werkzeug.exceptions import SecurityError
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.wrappers import Response

from lab.config import LOOPBACK, Config


def trusted(config: Config) -> list[str]:
    """The public address's host, those named beside it, and this machine's own where the site is on it."""
    public = urlsplit(config.base_url).hostname or ""
    local = LOOPBACK if config.demo or config.testing or public in ("", *LOOPBACK) else ()
    return [host for host in dict.fromkeys((public, *config.trusted_hosts, *local)) if host]


def refuse_foreign() -> Response | None:
    """Before everything else: no link is built on a host that is not ours, and nothing is looked up for it."""
    if not isinstance(request.routing_exception, SecurityError):
        return None
    # The page must not ask who is reading it.
    g._login_user = AnonymousUserMixin()
    return make_response(render_template("errors/foreign_host.html"), 400)


def register(app: Flask, config: Config) -> None:
    """First of all hooks; and believe what as many reverse proxies say as are configured, about who asks and how."""
    app.config["TRUSTED_HOSTS"] = trusted(config)
    if config.proxies:
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=config.proxies, x_proto=config.proxies, x_host=0, x_port=0, x_prefix=0
        )
    app.before_request(refuse_foreign)
