"""Whether files are looked at by a virus scanner, for those who can set one up."""

from __future__ import annotations

from flask import current_app

from lab.scanner import Scanner


def scanner() -> Scanner | None:
    """The virus scanner of this application; None when none is set up."""
    found: Scanner | None = current_app.extensions["lab_scanner"]
    return found


def scanner_state() -> str:
    """``off``, ``down`` or ``well``, asked now; for ``components/scanner.html``."""
    found = scanner()
    if found is None:
        return "off"
    return "well" if found.answers() else "down"
