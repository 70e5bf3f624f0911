"""Due diligence (guide §4): what shows that an item is in order, until when, and why it is not clear."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from lab.rules.calendar import end_of_day
from lab.rules.calls import CallDefinition, DiligenceItem
from lab.rules.errors import Invalid
from lab.rules.facts import TEAM, AwardFacts, ExpiredDocument, Role
from lab.rules.text import N_, M, Message

PLACE = "diligence:"
MAX_NOTE = 5000


@dataclass(frozen=True)
class Evidence:
    """What shows that an item is in order, as kept: a note, and the last day of the document where it has one."""

    note: str
    expires_on: date | None = None


def read_note(note: str) -> str:
    """What shows that an item is in order, as kept. Raises Invalid when it is missing or too long."""
    return _read(note, None, files=1, item=None, today=date.min).note


def read_evidence(note: str, expires_on: date | None, files: int, item: DiligenceItem, today: date) -> Evidence:
    """The evidence for ``item`` as kept; ``files`` is how many lie there, ``today`` the day in the call's zone.

    A document is valid through its last day. Raises Invalid for ``note``, ``expires_on`` and ``files``.
    """
    return _read(note, expires_on, files, item, today)


def _read(note: str, expires_on: date | None, files: int, item: DiligenceItem | None, today: date) -> Evidence:
    kept = note.strip()
    problems: dict[str, Message] = {}
    if not kept:
        problems["note"] = M(N_("Write what shows that the item is in order: the note is kept with it."))
    elif len(kept) > MAX_NOTE:
        problems["note"] = M(N_("This is too long: keep it within %(limit)s characters."), limit=MAX_NOTE)
    if expires_on is not None and (item is None or not item.expires):
        problems["expires_on"] = M(N_("No document of this item runs out: leave the day empty."))
    elif expires_on is not None and expires_on < today:
        problems["expires_on"] = M(
            N_("This document was valid until %(day)s only: ask for a new one, or correct the day."), day=expires_on
        )
    if item is not None and item.document and not files:
        problems["files"] = M(N_("This item needs a document: upload it above, then clear the item."))
    if problems:
        raise Invalid(problems)
    return Evidence(kept, expires_on)


def expired(
    definition: CallDefinition, standing: Iterable[tuple[str, date]], now: datetime
) -> tuple[ExpiredDocument, ...]:
    """Which of the standing items' documents, (key, last day), have run out at ``now`` (UTC): their day has ended in the
    call's zone. In the order of the call's list."""
    until = dict(standing)
    return tuple(
        ExpiredDocument(item.key, item.label, until[item.key])
        for item in definition.due_diligence
        if item.key in until and end_of_day(until[item.key], definition.time_zone) <= now
    )


def diligence_reasons(facts: AwardFacts) -> tuple[Message, ...]:
    """Why due diligence is not clear; empty when it is. An expired document is named, with its last day."""
    if facts.due_diligence_clear:
        return ()
    found = tuple(
        M(
            N_(
                "Due diligence: the document for “%(item)s” was valid until %(day)s. The officer clears the item again, with a new one."
            ),
            item=document.label,
            day=document.until,
        )
        for document in facts.expired_documents
    )
    return found or (M(N_("Due diligence is not clear: the officer checks every item.")),)


def may_read_document(roles: Iterable[Role], *, from_team: bool) -> bool:
    """Whether somebody with ``roles`` on the award may read a document of due diligence: officers and finance, and the
    team lead what came from the team."""
    held = set(roles)
    return bool(held & {Role.OFFICER, Role.FINANCE}) or (from_team and Role.LEAD in held)


def side_of(roles: Iterable[Role]) -> str:
    """On whose side somebody with ``roles`` on the award speaks: ``organisation`` or ``ilo``."""
    return "organisation" if set(roles) & TEAM else "ilo"
