"""Absolute links for mails, which leave outside of any request."""

from __future__ import annotations

from flask import current_app


def absolute(path: str) -> str:
    """The full address of ``path``, which begins with a slash, at the application's own ``LAB_BASE_URL``."""
    return f"{current_app.extensions['lab_config'].base_url.rstrip('/')}{path}"
