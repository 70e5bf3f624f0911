"""Who signs the grant agreement for each side (guide §6), in which of two ways, and when what was signed is the frozen text."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from lab.rules.agreement import SIDES
from lab.rules.diligence import diligence_reasons
from lab.rules.errors import Invalid, Refused
from lab.rules.facts import AwardFacts, Stage
from lab.rules.lifecycle import STAGE_NAMES
from lab.rules.text import N_, M, Message

MAX_SIGNATORY = 300
# How much of the text's hash somebody types who has it before them on paper.
HASH_START = 8
PAPER_KINDS = frozenset({"pdf", "png", "jpeg"})
BEFORE_SIGNATURE = frozenset({Stage.WORKPLAN, Stage.AGREEMENT})


class Method(StrEnum):
    """How a signature was given."""

    ELECTRONIC = "electronic"
    PAPER = "paper"


@dataclass(frozen=True)
class Signatory:
    """Who signs for a side: an account (``person_id``), or somebody without one, who signs on paper."""

    name: str
    function: str = ""
    person_id: int | None = None
    named: bool = False


@dataclass(frozen=True)
class Paper:
    """What stands on a paper that was signed."""

    name: str
    function: str
    signed_on: date


def folded(name: str) -> str:
    """``name`` for comparing: keyboards differ in how they write an accent, and a name is the same in capitals."""
    return unicodedata.normalize("NFC", " ".join(name.split())).casefold()


def signing_blockers(side: str, facts: AwardFacts) -> tuple[Message, ...]:
    """Why nobody can sign for ``side`` now; empty when its signatory can."""
    if side in facts.signed_by:
        return (M(N_("This side has signed already.")),)
    return _closed(facts)


def _closed(facts: AwardFacts) -> tuple[Message, ...]:
    if facts.stage not in BEFORE_SIGNATURE:
        return (_wrong_stage(facts),)
    if not facts.agreement_open:
        return (M(N_("There is no agreement to sign yet: the officer opens it.")),)
    if facts.expired_documents:
        return diligence_reasons(facts)
    if not facts.due_diligence_clear:
        return (M(N_("Due diligence is open again: nothing can be signed until the officer has cleared every item.")),)
    return ()


def _wrong_stage(facts: AwardFacts) -> Message:
    return M(N_("This is not possible in the stage the award is in: %(stage)s."), stage=STAGE_NAMES[facts.stage])


# Who signs ------------------------------------------------------------------------------------------------------


def naming_blockers(
    side: str, standing: Signatory | None, clauses: Collection[str], facts: AwardFacts
) -> tuple[Message, ...]:
    """Why nobody else can be named to sign for ``side`` now; ``clauses`` are the texts that are frozen, if any are."""
    if side in facts.signed_by:
        return (M(N_("This side has signed already.")),)
    if facts.stage not in BEFORE_SIGNATURE:
        return (_wrong_stage(facts),)
    if standing is not None and any(standing.name in clause for clause in clauses):
        return (M(N_("The frozen text names %(name)s as who signs: nobody else can sign it."), name=standing.name),)
    return ()


def read_signatory(name: str, function: str, account: Signatory | None) -> Signatory:
    """Who is named, with an ``account`` or by ``name``. Raises Invalid for ``name`` and ``function``."""
    kept = Signatory(
        account.name if account else " ".join(name.split()),
        " ".join(function.split()),
        account.person_id if account else None,
        named=True,
    )
    problems = _problems_of(kept.name, kept.function)
    if problems:
        raise Invalid(problems)
    return kept


def _problems_of(name: str, function: str) -> dict[str, Message]:
    problems: dict[str, Message] = {}
    if not name:
        problems["name"] = M(N_("Write the full name of the person who signs."))
    if not function:
        problems["function"] = M(N_("Write what this person is, such as “Executive director”."))
    for place, text in (("name", name), ("function", function)):
        if len(text) > MAX_SIGNATORY:
            problems[place] = M(N_("This is too long: keep it within %(limit)s characters."), limit=MAX_SIGNATORY)
    return problems


# Electronically -------------------------------------------------------------------------------------------------


def account_blockers(signatory: Signatory | None, person_id: int | None) -> tuple[Message, ...]:
    """Why the account ``person_id`` cannot sign in its side's name; empty when it is the signatory's own."""
    if signatory is None:
        return (M(N_("Nobody is named to sign for this side yet: name who signs.")),)
    if signatory.person_id is None:
        return (M(N_("%(name)s signs for this side, on paper: record the signed paper."), name=signatory.name),)
    if signatory.person_id != person_id:
        return (M(N_("%(name)s signs for this side, under their own account."), name=signatory.name),)
    return ()


def check_signature(
    side: str,
    signatory: Signatory | None,
    person_id: int | None,
    typed_name: str,
    shown_hash: str,
    frozen_hash: str,
    facts: AwardFacts,
) -> None:
    """Whether the account ``person_id`` may sign for ``side`` now, having typed ``typed_name`` under ``shown_hash``.

    Raises Refused (not open, signed already, another's turn, another text) or Invalid (not the signatory's name).
    """
    found = signing_blockers(side, facts) or account_blockers(signatory, person_id)
    if found:
        raise Refused(*found)
    if not frozen_hash or shown_hash != frozen_hash:
        raise Refused(M(N_("The text on this page is not the one to be signed: reload the page and read it again.")))
    assert signatory is not None
    if folded(typed_name) != folded(signatory.name):
        raise Invalid(
            {"typed_name": M(N_("Type your full name as it stands in your account: %(name)s."), name=signatory.name)}
        )


# On paper -------------------------------------------------------------------------------------------------------


def paper_blockers(side: str, standing: Method | None, facts: AwardFacts) -> tuple[Message, ...]:
    """Why no signed paper can be recorded for ``side`` now; empty when one can.

    ``standing`` is how the side has signed. A wrong paper is replaced by a further record, and kept, until the other
    side's signature brings the agreement into force.
    """
    if standing is Method.ELECTRONIC:
        return (M(N_("This side has signed electronically already.")),)
    if len(facts.signed_by) == len(SIDES):
        return (M(N_("The agreement is in force: the papers that it rests on stay as they are.")),)
    return _closed(facts)


def read_paper(
    name: str,
    function: str,
    signed_on: date | None,
    hash_start: str,
    signatory: Signatory | None,
    frozen_hash: str,
    days: tuple[date, date],
) -> Paper:
    """What was typed off a signed paper. ``days`` are the text's first and today, wherever on earth they were earliest
    and are latest for those concerned. Raises Refused for another text, Invalid by field.
    """
    if signatory is None:
        raise Refused(M(N_("Nobody is named to sign for this side yet: name who signs.")))
    kept = Paper(" ".join(name.split()), " ".join(function.split()), signed_on or date.min)
    problems = _problems_of(kept.name, kept.function)
    if "name" not in problems and folded(kept.name) != folded(signatory.name):
        problems["name"] = M(
            N_("For this side %(name)s signs. If somebody else has signed, name that person first."),
            name=signatory.name,
        )
    if signed_on is None:
        problems["signed_on"] = M(N_("Give the day that stands on the paper."))
    elif signed_on > days[1]:
        problems["signed_on"] = M(N_("This day is still to come: give the day that stands on the paper."))
    elif signed_on < days[0]:
        problems["signed_on"] = M(
            N_("The text was frozen on %(day)s: a paper signed before that day bears another text."), day=days[0]
        )
    typed = "".join(hash_start.split()).casefold()
    if len(typed) < HASH_START:
        problems["hash_start"] = M(
            N_("Type the first %(count)s characters of the hash at the foot of each page."), count=HASH_START
        )
    elif not frozen_hash.startswith(typed):
        problems["hash_start"] = M(
            N_(
                "The paper bears another text than the one that is frozen. Print the PDF from the page of the agreement, and have that signed."
            )
        )
    if problems:
        raise Invalid(problems)
    return kept
