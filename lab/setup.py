"""The application's settings for Flask and its extensions, derived from our own configuration."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import Flask
from flask_security.core import Security

from lab import extensions
from lab.config import ROOT, Config
from lab.rules.passwords import MIN_PASSWORD, NORMAL_FORM
from lab.rules.text import N_

# What Flask-Security says, in our words: (text, kind of message).
_SAYINGS: dict[str, tuple[str, str]] = {
    "PASSWORD_RESET_REQUEST": (
        N_(
            "If %(email)s has an account, a mail with a link for a new password is on its way. The link works for a day."
        ),
        "info",
    ),
    "PASSWORD_RESET_EXPIRED": (N_("This link has run out: ask for another one here."), "error"),
    "INVALID_RESET_PASSWORD_TOKEN": (N_("This link cannot be used any more: ask for another one here."), "error"),
    "PASSWORD_RESET_NO_LOGIN": (N_("Your new password is kept. Sign in with it."), "success"),
    "PASSWORD_NOT_PROVIDED": (N_("Type a password."), "error"),
    "RETYPE_PASSWORD_MISMATCH": (N_("The two passwords are not the same: type the new one twice."), "error"),
}


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
        # Its texts are ours, in our catalogue; its mails are written by lab.web.mailing from our templates.
        "SECURITY_I18N_DIRNAME": str(ROOT / "lab" / "translations"),
        "SECURITY_I18N_DOMAIN": "messages",
        "SECURITY_EMAIL_PLAINTEXT": False,
        "SECURITY_EMAIL_HTML": False,
        **{f"SECURITY_MSG_{name}": saying for name, saying in _SAYINGS.items()},
        "SECURITY_PASSWORD_SCHEMES": ["argon2"],
        "SECURITY_PASSWORD_HASH": "argon2",
        # 19 MiB and two passes: the OWASP profile that leaves room for many sign-ins at once.
        "SECURITY_PASSWORD_HASH_OPTIONS": {"argon2__rounds": 2, "argon2__memory_cost": 19456, "argon2__parallelism": 1},
        "SECURITY_PASSWORD_LENGTH_MIN": MIN_PASSWORD,
        "SECURITY_PASSWORD_NORMALIZE_FORM": NORMAL_FORM,
        "SECURITY_JOIN_USER_ROLES": False,
        "SECURITY_EMAIL_VALIDATOR_ARGS": {"check_deliverability": False, "test_environment": True},
        "SECURITY_REMEMBER_COOKIE_SAMESITE": "Lax",
    }


def bind_extensions(app: Flask) -> None:
    """Bind every extension to ``app``, after our own request hooks so that access is decided first."""
    from lab.forms.sign_in import ForgottenForm, SignInForm
    from lab.web.assets import close_file
    from lab.web.mailing import OutboxMailUtil
    from lab.web.passwords import LabPasswordUtil
    from lab.web.words import formats, time_zone

    extensions.db.init_app(app)
    extensions.migrate.init_app(app, extensions.db, directory=str(ROOT / "lab" / "migrations"), render_as_batch=True)
    extensions.csrf.init_app(app)
    extensions.babel.init_app(app, locale_selector=formats, timezone_selector=time_zone)
    extensions.bootstrap.init_app(app)
    extensions.compress.init_app(app)
    # Hung last, it runs before the compression.
    app.after_request(close_file)
    Security(
        app,
        extensions.user_datastore,
        mail_util_cls=OutboxMailUtil,
        password_util_cls=LabPasswordUtil,
        login_form=SignInForm,
        forgot_password_form=ForgottenForm,
    )
