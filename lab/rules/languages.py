"""The languages that people read and write here (guide §8 takes proposals in these four)."""

from __future__ import annotations

LANGUAGES = {"en": "English", "es": "Español", "fr": "Français", "pt": "Português"}


def formats_of(language: str) -> str:
    """The locale that dates and numbers of a language are written in: English as in Geneva, day first and 24 hours."""
    return "en_GB" if language == "en" else language
