"""The application's settings for Flask and its extensions, derived from our own configuration."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from flask import Flask
from flask_security.core import Security

from lab import extensions
from lab.config import ROOT, Config
from lab.web.limits import FORM_BYTES, FORM_FIELDS


def flask_settings(config: Config) -> dict[str, Any]:
    """Flask's own settings and those of the extensions."""
    https = config.base_url.startswith("https://")
    return {
        "SECRET_KEY": config.secret_key,
        "SECURITY_PASSWORD_SALT": config.secret_key,
        "TESTING": config.testing,
        "SQLALCHEMY_DATABASE_URI": config.database_url,
        "MAX_CONTENT_LENGTH": FORM_BYTES,
        "MAX_FORM_MEMORY_SIZE": FORM_BYTES,
        "MAX_FORM_PARTS": FORM_FIELDS,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": https,
        # The prefix has browsers refuse a cookie that another host or a plain connection has planted.
        "SESSION_COOKIE_NAME": "__Host-session" if https else "session",
        "SESSION_COOKIE_PATH": "/",
        "LAB_DEVICE_COOKIE": "__Host-device" if https else "device",
        "LAB_LANGUAGE_COOKIE": "__Host-language" if https else "language",
        "PERMANENT_SESSION_LIFETIME": config.sign_in_limits.lasting,
        "SEND_FILE_MAX_AGE_DEFAULT": timedelta(days=7),
        "WTF_CSRF_TIME_LIMIT": None,
        # lab.web.origin holds Origin against this site; a referrer is withheld by some people, who may come in too.
        "WTF_CSRF_SSL_STRICT": False,
        "BOOTSTRAP_SERVE_LOCAL": True,
        "BABEL_DEFAULT_LOCALE": "en",
        "BABEL_TRANSLATION_DIRECTORIES": str(ROOT / "lab" / "translations"),
        "COMPRESS_MIMETYPES": ["text/html", "text/css", "text/javascript", "application/json", "image/svg+xml"],
        "SECURITY_PASSWORD_SCHEMES": ["argon2"],
        "SECURITY_PASSWORD_HASH": "argon2",
        # 19 MiB and two passes: the OWASP profile that leaves room for many sign-ins at once.
        "SECURITY_PASSWORD_HASH_OPTIONS": {"argon2__rounds": 2, "argon2__memory_cost": 19456, "argon2__parallelism": 1},
        "SECURITY_JOIN_USER_ROLES": False,
    }


def log_security() -> None:
    """Security events go to the standard error output, a line of JSON each, whatever else is logged there."""
    log = logging.getLogger("lab.security")
    if not log.handlers:
        log.addHandler(logging.StreamHandler())
    log.setLevel(logging.INFO)
    log.propagate = False


def bind_extensions(app: Flask) -> None:
    """Bind every extension to ``app``, after our own request hooks so that access is decided first."""
    from lab.web import reader
    from lab.web.assets import close_file
    from lab.web.words import formats, register_gettext, time_zone

    extensions.db.init_app(app)
    extensions.migrate.init_app(app, extensions.db, directory=str(ROOT / "lab" / "migrations"), render_as_batch=True)
    extensions.csrf.init_app(app)
    extensions.babel.init_app(app, locale_selector=formats, timezone_selector=time_zone)
    register_gettext(app)
    extensions.bootstrap.init_app(app)
    extensions.compress.init_app(app)
    # Hung last, it runs before the compression.
    app.after_request(close_file)
    # Its hashing and its user behind Flask-Login; its pages know neither our transactions nor our table of sign-ins.
    Security(app, extensions.user_datastore, register_blueprint=False)
    reader.bind(app)
