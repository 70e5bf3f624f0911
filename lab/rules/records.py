"""What people write down for good in their own words: decisions of the committee, lessons learned (guide §11)."""

from __future__ import annotations

from dataclasses import dataclass

from lab.rules.errors import Invalid
from lab.rules.text import N_, M, Message

MAX_TITLE = 300
MAX_BODY = 20_000


@dataclass(frozen=True)
class Written:
    """A record as it is kept: its title on one line, its body with its own line breaks."""

    title: str
    body: str


def read_record(title: str, body: str) -> Written:
    """A record as typed. Raises Invalid when one of the two is missing or too long."""
    written = Written(" ".join(title.split()), body.strip())
    problems: dict[str, Message] = {}
    for place, text, limit in (("title", written.title, MAX_TITLE), ("body", written.body, MAX_BODY)):
        if not text:
            problems[place] = M(N_("Write something here: it is needed."))
        elif len(text) > limit:
            problems[place] = M(N_("This is too long: keep it within %(limit)s characters."), limit=limit)
    if problems:
        raise Invalid(problems)
    return written
