"""What a password must be: long, and not the first thing that somebody would try."""

from __future__ import annotations

import unicodedata
from typing import Literal

from lab.rules.text import N_, M, Message

MIN_PASSWORD = 10
MAX_PASSWORD = 128
# The same letter typed on two keyboards may arrive as one character or as two: both are kept as the same.
NORMAL_FORM: Literal["NFKD"] = "NFKD"


def normalized(password: str) -> str:
    """The form in which a password is hashed and compared."""
    return unicodedata.normalize(NORMAL_FORM, password)


def password_problem(password: str, name: str, email: str) -> Message | None:
    """Why the person of that ``name`` and ``email`` cannot take ``password``, or None."""
    if len(password) < MIN_PASSWORD:
        return M(
            N_("Choose a password of %(number)s characters or more: a sentence is easiest to keep."),
            number=MIN_PASSWORD,
        )
    if len(normalized(password)) > MAX_PASSWORD:
        return M(N_("Choose a password of %(number)s characters at most."), number=MAX_PASSWORD)
    if password.strip().casefold() in {email.casefold(), name.casefold()}:
        return M(N_("Choose something else than your name or address: those are the first to be guessed."))
    return None
