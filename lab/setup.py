"""The application's settings for Flask and its extensions, derived from our own configuration."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import Flask

from lab import extensions
from lab.config import ROOT, Config

LANGUAGES = {"en": "English", "es": "Español", "fr": "Français", "pt": "Português"}


def flask_settings(config: Config) -> dict[str, Any]:
    """Flask's own settings and those of the extensions."""
    https = config.base_url.startswith("https://")
    return {
        "SECRET_KEY": config.secret_key,
        "SECURITY_PASSWORD_SALT": config.secret_key,
        "TESTING": config.testing,
        "SQLALCHEMY_DATABASE_URI": config.database_url,
        "MAX_CONTENT_LENGTH": 2 * 1024 * 1024,
        "MAX_FORM_MEMORY_SIZE": 2 * 1024 * 1024,
        "MAX_FORM_PARTS": 6000,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": https,
        "PERMANENT_SESSION_LIFETIME": timedelta(hours=12),
        "SEND_FILE_MAX_AGE_DEFAULT": timedelta(days=7),
        "WTF_CSRF_TIME_LIMIT": None,
        "BOOTSTRAP_SERVE_LOCAL": True,
        "BABEL_DEFAULT_LOCALE": "en",
        "BABEL_TRANSLATION_DIRECTORIES": str(ROOT / "lab" / "translations"),
        "COMPRESS_MIMETYPES": ["text/html", "text/css", "text/javascript", "application/json", "image/svg+xml"],
        "SECURITY_LOGIN_URL": "/login",
        "SECURITY_LOGOUT_URL": "/logout",
        "SECURITY_LOGOUT_METHODS": ["POST"],
        "SECURITY_POST_LOGIN_VIEW": "/",
        "SECURITY_POST_LOGOUT_VIEW": "/login",
        "SECURITY_RECOVERABLE": True,
        "SECURITY_SEND_PASSWORD_RESET_NOTICE_EMAIL": False,
        "SECURITY_RETURN_GENERIC_RESPONSES": True,
        "SECURITY_PASSWORD_SCHEMES": ["argon2"],
        "SECURITY_PASSWORD_HASH": "argon2",
        # 19 MiB and two passes: the OWASP profile that leaves room for many sign-ins at once.
        "SECURITY_PASSWORD_HASH_OPTIONS": {"argon2__rounds": 2, "argon2__memory_cost": 19456, "argon2__parallelism": 1},
        "SECURITY_PASSWORD_LENGTH_MIN": 10,
        "SECURITY_JOIN_USER_ROLES": False,
        "SECURITY_EMAIL_VALIDATOR_ARGS": {"check_deliverability": False, "test_environment": True},
        "SECURITY_REMEMBER_COOKIE_SAMESITE": "Lax",
    }


def bind_extensions(app: Flask) -> None:
    """Bind every extension to ``app``, after our own request hooks so that access is decided first."""
    from lab.web.mailing import OutboxMailUtil
    from lab.web.words import locale, time_zone

    extensions.db.init_app(app)
    extensions.migrate.init_app(app, extensions.db, directory=str(ROOT / "lab" / "migrations"), render_as_batch=True)
    extensions.csrf.init_app(app)
    extensions.babel.init_app(app, locale_selector=locale, timezone_selector=time_zone)
    extensions.bootstrap.init_app(app)
    extensions.compress.init_app(app)
    extensions.security.init_app(app, extensions.user_datastore, mail_util_cls=OutboxMailUtil)
