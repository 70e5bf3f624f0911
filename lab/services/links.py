"""Absolute links for mails, which leave outside of any request."""

from __future__ import annotations

_base = ""


def set_base(url: str) -> None:
    """The address at which people reach the application, without a slash at its end; told once by ``create_app``."""
    global _base
    _base = url.rstrip("/")


def absolute(path: str) -> str:
    """The full address of ``path``, which begins with a slash."""
    return f"{_base}{path}"
