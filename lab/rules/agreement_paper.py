"""What stands on the printed agreement: parties, facts, clauses and signatures, in the agreement's language.

The same facts give the same paper, so that its bytes can be compared later.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_time

from lab.rules.agreement import SIDES, Parties, clause_fields, covers_obligations, text_hash
from lab.rules.agreement_words import WORDS
from lab.rules.calendar import city
from lab.rules.calls import CallDefinition, text
from lab.rules.clauses import Obliges, obliges
from lab.rules.languages import formats_of
from lab.rules.signature import Method, Signatory

Rows = tuple[tuple[str, str], ...]
GENEVA = "Europe/Zurich"


@dataclass(frozen=True)
class Given:
    """A signature as it was given. ``person`` is whose account signed, or recorded a paper; ``at`` is UTC, ``time_zone`` that person's at the time."""

    side: str
    method: Method
    name: str
    function: str
    person: str
    at: datetime
    time_zone: str
    address: str
    text_hash: str
    signed_on: date | None = None
    file_hash: str = ""


@dataclass(frozen=True)
class Block:
    """One side's place on the paper: what is known of its signature, or lines to sign on."""

    heading: str
    rows: Rows
    note: str = ""
    lines: tuple[str, ...] = ()


@dataclass(frozen=True)
class PaperClause:
    """A clause with its number; what it obliges to stands under it where the hash covers that."""

    title: str
    text: str
    obliges: Obliges | None = None


@dataclass(frozen=True)
class AgreementPaper:
    """The whole paper in words. ``made_at`` (UTC) is the instant that it shows the state of; ``page`` has two places.

    ``before`` says that not both have signed, and is empty once they have.
    """

    language: str
    title: str
    project: str
    before: str
    code: str
    facts_heading: str
    facts: Rows
    text_heading: str
    clauses: tuple[PaperClause, ...]
    signatures_heading: str
    blocks: tuple[Block, ...]
    check_heading: str
    check_text: str
    hash_label: str
    hash: str
    page: str
    made_at: datetime


def instant_words(at: datetime, time_zone: str, language: str) -> str:
    """An instant in one time zone, with its seconds and the zone's distance from UTC."""
    local = at.astimezone(ZoneInfo(time_zone))
    formats = formats_of(language)
    minutes = int((local.utcoffset() or local - local).total_seconds()) // 60
    hours, rest = divmod(abs(minutes), 60)
    offset = f"UTC{'-' if minutes < 0 else '+'}{hours}" + (f":{rest:02}" if rest else "")
    place = WORDS[language]["city"] if time_zone == GENEVA else city(time_zone)
    where = f"{place}, {offset}" if place != "UTC" else place
    day, time = format_date(local.date(), "long", locale=formats), format_time(local.time(), "HH:mm:ss", locale=formats)
    return f"{day}, {time} ({where})"


def agreement_paper(
    definition: CallDefinition,
    parties: Parties,
    award: tuple[str, date],
    frozen: tuple[Mapping[str, Any], datetime],
    signatories: Mapping[str, Signatory],
    signatures: Mapping[str, Given],
) -> AgreementPaper:
    """The paper of an award with ``award`` code and notice day, and a ``frozen`` text: its content, and since when (UTC)."""
    content, frozen_at = frozen
    language = parties.language if parties.language in WORDS else "en"
    words, fields = WORDS[language], clause_fields(definition, parties)
    zone = definition.time_zone
    facts = (
        (words["organisation"], parties.organisation),
        (words["country"], fields["country"]),
        (words["ilo"], words["ilo_name"]),
        (words["call"], text(definition.title, language)),
        (words["project"], parties.project),
        (words["prize"], fields["prize"]),
        (words["amount"], fields["amount"]),
        (words["notice"], format_date(award[1], "long", locale=formats_of(language))),
        (words["code"], award[0]),
        (words["frozen"], instant_words(frozen_at, zone, language)),
    )
    return AgreementPaper(
        language=language,
        title=words["title"],
        project=parties.project,
        before="" if set(signatures) == set(SIDES) else words["before"],
        code=award[0],
        facts_heading=words["parties"],
        facts=facts,
        text_heading=words["text"],
        clauses=tuple(_clause(n, clause, content) for n, clause in enumerate(content["clauses"], start=1)),
        signatures_heading=words["signatures"],
        blocks=tuple(_block(side, signatures.get(side), signatories.get(side), zone, language) for side in SIDES),
        check_heading=words["check"],
        check_text=words["check_text"],
        hash_label=words["check_hash"],
        hash=text_hash(content),
        page=words["page"],
        made_at=max([frozen_at, *(given.at for given in signatures.values())]),
    )


def _clause(number: int, clause: Mapping[str, Any], content: Mapping[str, Any]) -> PaperClause:
    covered = obliges(clause, content["language"]) if covers_obligations(content) else None
    return PaperClause(f"{number}. {clause['title']}", clause["text"], covered)


def _block(side: str, given: Given | None, signatory: Signatory | None, zone: str, language: str) -> Block:
    words = WORDS[language]
    usual = words["lead" if side == "organisation" else "officer"]
    heading = words[f"for_{side}"]
    if given is None:
        known: Rows = ()
        if signatory is not None:
            known = ((words["name"], signatory.name), (words["function"], signatory.function or usual))
        blank = () if known else (words["name"], words["function"])
        return Block(heading, known, words["not_signed"], (*blank, words["place_day"], words["signature"]))
    zones = dict.fromkeys((zone, given.time_zone))
    at = "\n".join(instant_words(given.at, one, language) for one in (zones if len(zones) > 1 else (zone, "Etc/UTC")))
    on_paper = given.method is Method.PAPER
    rows = [(words["method"], words[given.method]), (words["name" if on_paper else "typed"], given.name)]
    rows.append((words["function"], given.function or usual))
    if on_paper:
        day = format_date(given.signed_on, "long", locale=formats_of(language)) if given.signed_on else "–"
        rows += [(words["signed_on"], day), (words["recorded"], at), (words["recorded_by"], given.person)]
    else:
        rows += [(words["account"], given.person), (words["at"], at)]
    if given.address:
        rows.append((words["address"], given.address))
    rows.append((words["hash"], given.text_hash))
    if given.file_hash:
        rows.append((words["file"], given.file_hash))
    return Block(heading, tuple(rows))
