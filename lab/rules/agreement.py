"""The grant agreement (guide §6): its checklists, when it may be opened, who may sign it, and what exactly was signed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from babel import Locale
from babel.numbers import format_currency, get_currency_name

from lab.rules.calendar import add_months, last_day
from lab.rules.calls import CallDefinition, CheckItem, render_clause, text
from lab.rules.clauses import in_words, planned
from lab.rules.diligence import diligence_reasons
from lab.rules.errors import Refused
from lab.rules.facts import ACTIVE, AwardFacts, Stage
from lab.rules.languages import formats_of
from lab.rules.lifecycle import STAGE_NAMES
from lab.rules.text import N_, M, Message

SIDES: dict[str, str] = {"organisation": N_("The organisation"), "ilo": N_("The ILO")}
DUE_DILIGENCE, CLOSING = "due_diligence", "closing"
TWO_YEARS = "two_years"
_BEFORE_SIGNATURE = frozenset({Stage.WORKPLAN, Stage.AGREEMENT})


# Checklists -----------------------------------------------------------------------------------------------------


def items_of(definition: CallDefinition, checklist: str) -> tuple[CheckItem, ...]:
    """The items of a call's ``checklist``; empty for a checklist that there is not."""
    known: dict[str, tuple[CheckItem, ...]] = {
        DUE_DILIGENCE: definition.due_diligence,
        CLOSING: definition.closing,
    }
    return known.get(checklist, ())


def _wrong_stage(facts: AwardFacts) -> Message:
    return M(N_("This is not possible in the stage the award is in: %(stage)s."), stage=STAGE_NAMES[facts.stage])


def clearing_blockers(checklist: str, facts: AwardFacts) -> tuple[Message, ...]:
    """Why no item of ``checklist`` can be cleared now; empty when one can. Closing's are for the pilot (domain: 5)."""
    stages = ACTIVE if checklist == DUE_DILIGENCE else frozenset({Stage.PILOT})
    return () if facts.stage in stages else (_wrong_stage(facts),)


def reopening_blockers(checklist: str, facts: AwardFacts) -> tuple[Message, ...]:
    """Why no cleared item of ``checklist`` can be reopened now; empty when one can. Due diligence only before a signature."""
    if checklist != DUE_DILIGENCE:
        return clearing_blockers(checklist, facts)
    if facts.signed_by:
        return (
            M(
                N_(
                    "The agreement bears a signature: what it rests on stays as it was. If an item turns out to be wrong, suspend or terminate the award with the reason."
                )
            ),
        )
    return () if facts.stage in _BEFORE_SIGNATURE else (_wrong_stage(facts),)


@dataclass(frozen=True)
class Age:
    """Since when an organisation exists, the day on which its two years were full, and the call's last day in its zone."""

    registered_on: date
    full_on: date
    closed_on: date

    @property
    def enough(self) -> bool:
        """Whether it existed for two calendar years when the call closed (guide §4)."""
        return self.full_on <= self.closed_on

    def sentence(self) -> Message:
        """The computation in words, whichever way it ends."""
        found = (
            N_(
                "Registered on %(registered)s: two calendar years were full on %(full)s, and the call closed on %(closed)s."
            )
            if self.enough
            else N_(
                "Registered on %(registered)s: two calendar years are full only on %(full)s, after the call closed on %(closed)s. The item cannot be cleared: an organisation that is too young cannot hold the award, so terminate it with this reason."
            )
        )
        return M(found, registered=self.registered_on, full=self.full_on, closed=self.closed_on)


def age_at_close(registered_on: date, definition: CallDefinition) -> Age:
    """How old an organisation was when the call closed (guide §4).

    Its years are full on the same day two years later; for one registered on a 29 February, on 28 February.
    """
    return Age(registered_on, add_months(registered_on, 24), last_day(definition.closes_at, definition.time_zone))


def check_item(checklist: str, key: str, age: Age, facts: AwardFacts) -> None:
    """Whether the item ``key`` may be cleared now. Raises Refused."""
    found = clearing_blockers(checklist, facts)
    if not found and (checklist, key) == (DUE_DILIGENCE, TWO_YEARS) and not age.enough:
        found = (age.sentence(),)
    if found:
        raise Refused(*found)


# The text -------------------------------------------------------------------------------------------------------


def opening_blockers(facts: AwardFacts) -> tuple[Message, ...]:
    """Why the agreement cannot be opened for signature yet; empty when it can."""
    if facts.agreement_open:
        return (M(N_("The agreement is open already.")),)
    if facts.stage not in _BEFORE_SIGNATURE:
        return (_wrong_stage(facts),)
    found = []
    if not facts.workplan_accepted:
        found.append(M(N_("The workplan and budget are not approved yet: the gate comes first.")))
    elif facts.stage is not Stage.AGREEMENT:
        found.append(M(N_("The award is not at the agreement stage.")))
    return (*found, *diligence_reasons(facts))


@dataclass(frozen=True)
class Parties:
    """What an award puts into the places of its call's clauses; ``country``, currencies and ``prize`` are codes and keys."""

    language: str
    organisation: str
    country: str
    project: str
    prize: str
    amount: Decimal
    currency: str
    local_currency: str
    signatory: str


def clause_fields(definition: CallDefinition, parties: Parties) -> dict[str, str]:
    """The fact for each field that a clause may name, written out in the agreement's language."""
    language = parties.language
    formats = formats_of(language)
    prizes = {prize.key: text(prize.label, language) for prize in definition.prizes}
    amount = format_currency(parties.amount, parties.currency, "#,##0.00", locale=formats)
    return {
        "organisation": parties.organisation,
        "country": Locale.parse(formats).territories.get(parties.country, parties.country),
        "project": parties.project,
        "prize": prizes.get(parties.prize, parties.prize),
        "amount": f"{amount} {_currency(parties.currency, formats)}",
        "currency": _currency(parties.currency, formats),
        "local_currency": _currency(parties.local_currency, formats),
        "call": text(definition.title, language),
        "prototyping_months": str(definition.stages.prototyping_months),
        "pilot_months": str(definition.stages.pilot_months_max),
        "workplan_days": str(definition.stages.workplan_days),
        # The clause around it brings the full stop.
        "acknowledgement": text(definition.acknowledgement, language).rstrip(" ."),
        "signatory": parties.signatory,
    }


def _currency(code: str, formats: str) -> str:
    # In the plural, as one is paid in dollars; CLDR writes the Portuguese names as headings, with a capital.
    name = get_currency_name(code, count=2, locale=formats)
    return f"{name[0].lower() + name[1:] if formats == 'pt' else name} ({code})"


def draft_clauses(definition: CallDefinition, parties: Parties) -> list[dict[str, Any]]:
    """The agreement from the call's templates: its clauses with key, kind, title, text and what they oblige to, in the
    agreement's language."""
    fields = clause_fields(definition, parties)
    return [
        {
            "key": clause.key,
            "kind": clause.kind,
            "title": text(clause.title, parties.language),
            "text": render_clause(text(clause.text, parties.language), fields),
            "obligations": planned(clause, parties.language),
        }
        for clause in definition.clauses
    ]


# What the hash of a frozen text covers. Texts from before there was a choice say nothing, and are of the first form.
TITLE_AND_TEXT, WITH_OBLIGATIONS = 1, 2


def covers_obligations(content: Mapping[str, Any]) -> bool:
    """Whether the hash of a frozen text covers what its clauses oblige to."""
    return int(content.get("form", TITLE_AND_TEXT)) != TITLE_AND_TEXT


def to_freeze(draft: Mapping[str, Any]) -> dict[str, Any]:
    """The text that is signed when ``draft`` is frozen as it is: its obligations in words, its form, and its hash."""
    language = draft["language"]
    clauses = [
        {
            **clause,
            "obligations": [{**plan, "words": in_words(plan, language)} for plan in clause.get("obligations", [])],
        }
        for clause in draft["clauses"]
    ]
    content = {**draft, "clauses": clauses, "form": WITH_OBLIGATIONS}
    return {**content, "hash": text_hash(content)}


def text_hash(content: Mapping[str, Any]) -> str:
    """SHA-256 (hex) of a frozen text: its clauses in order, as canonical JSON in UTF-8.

    Form 1 covers each clause's title and text; form 2 also what it obliges to, in words and as it is planned by.
    """
    covered = ("title", "text", "obligations") if covers_obligations(content) else ("title", "text")
    canonical = json.dumps(
        [{name: clause[name] for name in covered} for clause in content["clauses"]],
        ensure_ascii=False,
        sort_keys=True,
        separators=(",", ":"),
    )
    return hashlib.sha256(canonical.encode()).hexdigest()
