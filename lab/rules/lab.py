"""The innovation lab (guide §5): boot camps, prototype versions and the talk about them, as typed and read strictly."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from urllib.parse import urlsplit

from lab.rules.errors import Invalid
from lab.rules.facts import Stage
from lab.rules.lifecycle import STAGE_NAMES
from lab.rules.records import MAX_BODY
from lab.rules.text import N_, M, Message

MAX_TOPIC = 40
MAX_LINK = 500
MAX_NOTE = 4000
# Calendar days that the team has to answer a comment.
ANSWER_DAYS = 7
PUBLISHING = frozenset({Stage.PROTOTYPING, Stage.PILOT})


@dataclass(frozen=True)
class Prototype:
    """A version of the prototype as its team describes it; ``link`` is empty or a web address."""

    body: str
    link: str


@dataclass(frozen=True)
class Feedback:
    """What a comment is about, on one line, and what it says."""

    topic: str
    body: str


def publishing_blockers(stage: Stage) -> tuple[Message, ...]:
    """Why no prototype version can be published now; empty when one can."""
    if stage in PUBLISHING:
        return ()
    return (M(N_("This is not possible in the stage the award is in: %(stage)s."), stage=STAGE_NAMES[stage]),)


def _body_problem(body: str, needed: str) -> Message | None:
    if not body:
        return M(needed)
    if len(body) > MAX_BODY:
        return M(N_("This is too long: keep it within %(limit)s characters."), limit=MAX_BODY)
    return None


def _is_address(link: str) -> bool:
    # The address is shown as text: nothing unseen in it, and no name before an @ that passes for the host.
    if "\\" in link or any(letter.isspace() or not letter.isprintable() for letter in link):
        return False
    try:
        parts = urlsplit(link)
        return (
            parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc and parts.port != 0
        )
    except ValueError:  # also of a port that is no number
        return False


def read_prototype(body: str, link: str) -> Prototype:
    """A prototype version as typed. Raises Invalid per field."""
    found = Prototype(body.strip(), link.strip())
    problems: dict[str, Message] = {}
    wrong = _body_problem(found.body, N_("Describe what this version can do, and what is new in it."))
    if wrong:
        problems["body"] = wrong
    if len(found.link) > MAX_LINK:
        problems["link"] = M(N_("This is too long: keep it within %(limit)s characters."), limit=MAX_LINK)
    elif found.link and not _is_address(found.link):
        problems["link"] = M(
            N_("Give the whole address of the test version, such as https://example.org/test, or leave it empty.")
        )
    if problems:
        raise Invalid(problems)
    return found


def read_feedback(topic: str, body: str) -> Feedback:
    """A comment on a prototype as typed. Raises Invalid per field."""
    found = Feedback(" ".join(topic.split()), body.strip())
    problems: dict[str, Message] = {}
    if not found.topic:
        problems["topic"] = M(N_("Say in a word or two what the comment is about."))
    elif len(found.topic) > MAX_TOPIC:
        problems["topic"] = M(N_("This is too long: keep it within %(limit)s characters."), limit=MAX_TOPIC)
    wrong = _body_problem(found.body, N_("Write the comment: what you saw, and what you advise."))
    if wrong:
        problems["body"] = wrong
    if problems:
        raise Invalid(problems)
    return found


def read_reply(body: str) -> str:
    """An answer as typed. Raises Invalid."""
    wrong = _body_problem(body.strip(), N_("Write the answer before you send it."))
    if wrong:
        raise Invalid({"body": wrong})
    return body.strip()


def check_camp(
    held_on: date, note: str, attendees: Collection[int], team: Collection[int], earliest: date, today: date
) -> None:
    """Whether a boot camp can be recorded so: on a day from ``earliest`` to ``today``, with people of the team.

    Raises Invalid per field.
    """
    problems: dict[str, Message] = {}
    if held_on > today:
        problems["held_on"] = M(N_("%(day)s has not come yet: record the boot camp once it was held."), day=held_on)
    elif held_on < earliest:
        problems["held_on"] = M(
            N_("%(day)s is before the notice of award, %(earliest)s: correct the date."), day=held_on, earliest=earliest
        )
    if not set(attendees) <= set(team):
        problems["attendees"] = M(N_("Tick only people of this award's team: reload the page and choose again."))
    if len(note) > MAX_BODY:
        problems["note"] = M(N_("This is too long: keep it within %(limit)s characters."), limit=MAX_BODY)
    if problems:
        raise Invalid(problems)
