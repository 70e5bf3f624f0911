"""What a password must be: long, and not among those that are tried first."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Literal

from zxcvbn import zxcvbn

from lab.rules.text import N_, M, Message

MIN_PASSWORD = 10
MAX_PASSWORD = 128
# How many guesses, by somebody who tries what people have chosen before: lists of common and breached passwords, names,
# dates, keyboard rows, and all of these repeated, reversed and decorated.
FEWEST_GUESSES = 10**8
# What the estimate reads: it takes long over long texts, and this much is enough to tell.
_READ = 60
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
    words = ["innovation", "lab", "tracker", "innovationlab", *_own_words(name, email)]
    found = zxcvbn(password[:_READ], user_inputs=words)
    if found["guesses"] < FEWEST_GUESSES or _made_of(password, words):
        return M(
            N_(
                "This password is among the first that would be tried: it, or what it is made of, stands in lists of"
                " common passwords. Choose four or more words that have nothing to do with each other."
            )
        )
    return None


def _own_words(name: str, email: str) -> list[str]:
    """What others know of somebody: the words of their name and address, by themselves and run together."""
    groups = [re.findall(r"\w+", text) for text in (name.casefold(), *email.casefold().split("@"))]
    return [
        word for words in groups for word in (*words, "".join(words), "".join(words[:1] + words[-1:])) if len(word) > 2
    ]


def _made_of(password: str, words: Iterable[str]) -> bool:
    """Whether there is nothing in it but ``words``, in whatever order and however accented, and digits and signs."""
    plain = {_plain(word) for word in words}
    found = re.findall(r"[^\W\d_]+", _plain(password))
    return bool(found) and all(word in plain for word in found)


def _plain(text: str) -> str:
    return "".join(
        letter for letter in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(letter)
    )
