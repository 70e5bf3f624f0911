"""The grant agreement (guide §6): its checklists, when it may be opened, who may sign it, and what exactly was signed."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from babel import Locale
from babel.numbers import format_currency, get_currency_name

from lab.rules.calendar import add_months, last_day
from lab.rules.calls import CallDefinition, CheckItem, render_clause, text
from lab.rules.errors import Invalid, Refused
from lab.rules.facts import ACTIVE, AwardFacts, Stage
from lab.rules.languages import formats_of
from lab.rules.lifecycle import STAGE_NAMES
from lab.rules.text import N_, M, Message

SIDES: dict[str, str] = {"organisation": N_("The organisation"), "ilo": N_("The ILO")}
DUE_DILIGENCE, CLOSING = "due_diligence", "closing"
TWO_YEARS = "two_years"
MAX_NOTE = 5000
_BEFORE_SIGNATURE = frozenset({Stage.WORKPLAN, Stage.AGREEMENT})


# Checklists -----------------------------------------------------------------------------------------------------


def items_of(definition: CallDefinition, checklist: str) -> tuple[CheckItem, ...]:
    """The items of a call's ``checklist``; empty for a checklist that there is not."""
    return {DUE_DILIGENCE: definition.due_diligence, CLOSING: definition.closing}.get(checklist, ())


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


def read_note(note: str) -> str:
    """What shows that an item is in order, as kept. Raises Invalid when it is missing or too long."""
    kept = note.strip()
    if not kept:
        raise Invalid({"note": M(N_("Write what shows that the item is in order: the note is kept with it."))})
    if len(kept) > MAX_NOTE:
        raise Invalid({"note": M(N_("This is too long: keep it within %(limit)s characters."), limit=MAX_NOTE)})
    return kept


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
    if not facts.due_diligence_clear:
        found.append(M(N_("Due diligence is not clear: the officer checks every item.")))
    return tuple(found)


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


def draft_clauses(definition: CallDefinition, parties: Parties) -> list[dict[str, str]]:
    """The agreement from the call's templates: its clauses with key, kind, title and text, in the agreement's language."""
    fields = clause_fields(definition, parties)
    return [
        {
            "key": clause.key,
            "kind": clause.kind,
            "title": text(clause.title, parties.language),
            "text": render_clause(text(clause.text, parties.language), fields),
        }
        for clause in definition.clauses
    ]


def text_hash(clauses: Sequence[Mapping[str, str]]) -> str:
    """SHA-256 (hex) of the frozen text: its clauses in order, as canonical JSON in UTF-8."""
    canonical = json.dumps(
        [{"title": clause["title"], "text": clause["text"]} for clause in clauses],
        ensure_ascii=False,
        sort_keys=True,
        separators=(",", ":"),
    )
    return hashlib.sha256(canonical.encode()).hexdigest()


# Signatures -----------------------------------------------------------------------------------------------------


def signing_blockers(side: str, facts: AwardFacts) -> tuple[Message, ...]:
    """Why nobody can sign for ``side`` now; empty when its signatory can."""
    if side in facts.signed_by:
        return (M(N_("This side has signed already.")),)
    if facts.stage not in _BEFORE_SIGNATURE:
        return (_wrong_stage(facts),)
    if not facts.agreement_open:
        return (M(N_("There is no agreement to sign yet: the officer opens it.")),)
    if not facts.due_diligence_clear:
        return (M(N_("Due diligence is open again: nothing can be signed until the officer has cleared every item.")),)
    return ()


def check_signature(
    side: str, typed_name: str, own_name: str, shown_hash: str, frozen_hash: str, facts: AwardFacts
) -> None:
    """Whether a person may sign for ``side`` now, having typed ``typed_name`` under the text with ``shown_hash``.

    Raises Refused (not open, signed already, another text) or Invalid (the name typed is not the signatory's).
    """
    found = signing_blockers(side, facts)
    if found:
        raise Refused(*found)
    if shown_hash != frozen_hash:
        raise Refused(M(N_("The text on this page is not the one to be signed: reload the page and read it again.")))
    if _folded(typed_name) != _folded(own_name):
        raise Invalid(
            {"typed_name": M(N_("Type your full name as it stands in your account: %(name)s."), name=own_name)}
        )


def _folded(name: str) -> str:
    # Keyboards differ in how they write an accent; a name is the same in capitals.
    return unicodedata.normalize("NFC", " ".join(name.split())).casefold()
