"""Words that rules hand to people: marked for translation here, translated where they are shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


def N_(text: str) -> str:
    """Mark ``text`` for extraction; the page that shows it translates it."""
    return text


@dataclass(frozen=True)
class Message:
    """A sentence for a person: an English ``msgid`` and the values that fill its ``%(name)s`` places; a value may
    be a text of the call, language → text.

    ``str()`` gives the English sentence; ``lab.web.words.say`` gives the reader's language.
    """

    msgid: str
    params: Mapping[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.msgid % {key: _plainly(value) for key, value in self.params.items()} if self.params else self.msgid


def _plainly(value: object) -> str:
    # A text of the call, language → text: whoever shows it chooses the reader's.
    return str(value.get("en") or next(iter(value.values()), "")) if isinstance(value, Mapping) else str(value)


def M(msgid: str, **params: object) -> Message:
    """Shorthand for a :class:`Message`; the first argument is extracted for translation."""
    return Message(msgid, params)
