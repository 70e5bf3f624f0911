"""Clauses between the draft and the signature, and what they oblige to once the agreement is in force (guide §6)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from lab.rules.agreement_words import DUTY_WORDS
from lab.rules.calendar import add_months
from lab.rules.calls import CallDefinition, Clause, text
from lab.rules.errors import Invalid
from lab.rules.facts import AwardFacts, Stage
from lab.rules.lifecycle import STAGE_NAMES
from lab.rules.obligations import ObligationKind, Party
from lab.rules.schedule import Course, Due
from lab.rules.text import N_, M, Message

MAX_CLAUSE = 8000
MAX_COMMENT = 5000
OTHER_SIDE = {"organisation": "ilo", "ilo": "organisation"}
TAKEN_BACK = "taken_back"


# Negotiation ----------------------------------------------------------------------------------------------------


def _at_the_stage(facts: AwardFacts) -> tuple[Message, ...]:
    if facts.stage is Stage.AGREEMENT:
        return ()
    if facts.stage is Stage.WORKPLAN:
        return (M(N_("The workplan and budget are not approved yet: the gate comes first.")),)
    return (M(N_("This is not possible in the stage the award is in: %(stage)s."), stage=STAGE_NAMES[facts.stage]),)


def drafting_blockers(facts: AwardFacts) -> tuple[Message, ...]:
    """Why the agreement cannot be drafted now; empty when it can. Due diligence need not be clear for that."""
    if facts.agreement_open:
        return (M(N_("The agreement is open already.")),)
    if facts.agreement_drafted:
        return (M(N_("The agreement is drafted already: change its clauses, or open it for signature.")),)
    return _at_the_stage(facts)


def wording_blockers(facts: AwardFacts) -> tuple[Message, ...]:
    """Why no clause can be talked about or changed now; empty when it can."""
    if facts.agreement_in_force:
        return (M(N_("The agreement is in force: its clauses stay as they were signed.")),)
    if facts.agreement_open:
        return (
            M(
                N_(
                    "The agreement is open for signature, and nothing in it changes. Before the first signature the officer can take it back, with a reason."
                )
            ),
        )
    if not facts.agreement_drafted:
        return _at_the_stage(facts) or (M(N_("There is no draft yet: the officer drafts it.")),)
    return _at_the_stage(facts)


def taking_back_blockers(facts: AwardFacts) -> tuple[Message, ...]:
    """Why the frozen text cannot go back to negotiation; empty when it can. A signature holds it."""
    if facts.signed_by:
        return (M(N_("The agreement bears a signature: its text stays as it was signed.")),)
    if not facts.agreement_open:
        return (M(N_("The agreement is not open for signature: there is nothing to take back.")),)
    return _at_the_stage(facts)


def read_reason(reason: str) -> str:
    """A reason in words. Raises Invalid for ``reason`` when it is missing or too long."""
    kept = reason.strip()
    if not kept:
        raise Invalid({"reason": M(N_("Give the reason in a sentence: it is kept and shown to the team."))})
    if len(kept) > MAX_COMMENT:
        raise Invalid({"reason": M(N_("This is too long: keep it within %(limit)s characters."), limit=MAX_COMMENT)})
    return kept


def read_wording(typed: str, first: str) -> str:
    """A clause's wording as kept, with plain line breaks; ``first`` is the one that it was drafted with.

    Raises Invalid for ``text`` when it is missing, too long, or has a place that nothing fills.
    """
    kept = _plain(typed)
    if not kept:
        raise Invalid({"text": M(N_("A clause cannot be empty: write its text."))})
    if len(kept) > MAX_CLAUSE:
        raise Invalid({"text": M(N_("This is too long: keep it within %(limit)s characters."), limit=MAX_CLAUSE)})
    if unfilled := _unfilled(kept, first):
        raise Invalid({"text": unfilled})
    return kept


_PLACE = re.compile(r"\{+[^{}]*\}+")


def _unfilled(wording: str, first: str) -> tuple[Message, ...]:
    """Which places like ``{amount}`` stand in a wording: nothing fills them once a text is drafted. What a fact brought
    into the ``first`` wording is no place."""
    found = Counter(_PLACE.findall(wording)) - Counter(_PLACE.findall(first))
    said = N_(
        "“%(place)s” would be signed as it stands here: only a call’s template has places that are filled. Write in its stead what belongs there, without the braces."
    )
    return tuple(M(said, place=place) for place in sorted(found))


def read_contribution(body: str, proposal: str, current: str, first: str) -> tuple[str, str]:
    """What is said about a clause, and the wording proposed for it (empty: none), as kept; ``current`` is its wording now,
    ``first`` the one that it was drafted with.

    Raises Invalid for ``body`` and ``proposal``.
    """
    said, wished = _plain(body), _plain(proposal)
    if wished == current:
        wished = ""
    problems: dict[str, Message | tuple[Message, ...]] = {}
    if unfilled := _unfilled(wished, first):
        problems["proposal"] = unfilled
    if not said and not wished:
        problems["body"] = M(N_("Write what you think of the clause, or propose another wording."))
    for name, value, limit in (("body", said, MAX_COMMENT), ("proposal", wished, MAX_CLAUSE)):
        if len(value) > limit:
            problems[name] = M(N_("This is too long: keep it within %(limit)s characters."), limit=limit)
    if problems:
        raise Invalid(problems)
    return said, wished


def _plain(typed: str) -> str:
    return typed.replace("\r\n", "\n").strip()


@dataclass(frozen=True)
class Said:
    """One contribution to the talk about a clause, as far as the rules go: from which side, and whether it settles it."""

    side: str
    settles: bool


def turn(talk: Sequence[Said]) -> str | None:
    """The side that answers next in a talk, oldest contribution first; None when it is settled or nobody has spoken."""
    if not talk or talk[-1].settles:
        return None
    return OTHER_SIDE[talk[-1].side]


def settling_blockers(talk: Sequence[Said]) -> tuple[Message, ...]:
    """Why the talk about a clause cannot be settled now; empty when it can."""
    return () if turn(talk) else (M(N_("Nothing is open on this clause.")),)


def open_talks_reason(titles: Sequence[str]) -> tuple[Message, ...]:
    """Why the text is not frozen without a reason while these clauses are talked about; empty when none is."""
    if not titles:
        return ()
    names = ", ".join(f"“{title}”" for title in titles)
    said = N_(
        "Still being talked about: %(clauses)s. Settle the talk, or say why the agreement is opened all the same."
    )
    return (M(said, clauses=names),)


# What clauses oblige to -----------------------------------------------------------------------------------------

# Owed by the calendar of reports anyway: the clause is cited there, and kept when that report is accepted.
CITED_BY: dict[str, ObligationKind] = {
    "financial_report": ObligationKind.SUBMIT_PROGRESS_REPORT,
    "final_report": ObligationKind.SUBMIT_FINAL_REPORT,
}
OWED_AS: dict[str, ObligationKind] = {
    "acknowledgement": ObligationKind.SHOW_ACKNOWLEDGEMENT,
    "records_kept": ObligationKind.KEEP_RECORDS,
    "visit_allowed": ObligationKind.ALLOW_VISIT,
}
# What outlives an award that was in force, however it ended: accounts are audited long after.
OUTLIVES = ObligationKind.KEEP_RECORDS


@dataclass(frozen=True)
class Duty:
    """Something that a signed clause obliges to, with its words in the agreement's language; ``months`` from ``rule``."""

    key: str
    kind: str
    owner: str
    rule: str
    months: int
    title: str
    clause: str
    clause_title: str

    @property
    def cites(self) -> dict[str, str]:
        """How an obligation names the clause that it comes from, among its params."""
        return {"clause": self.clause, "clause_title": self.clause_title}


def planned(clause: Clause, language: str) -> list[dict[str, Any]]:
    """What a clause of the call obliges to, as the agreement's text keeps it beside the clause."""
    return [
        {
            "key": plan.key, "kind": plan.kind, "owner": plan.owner, "rule": plan.rule, "months": plan.months,
            "title": text(plan.label, language),
        }
        for plan in clause.obligations
    ]  # fmt: skip


# What an obligation is planned by; a frozen one has its words beside.
_PLAN = ("key", "kind", "owner", "rule", "months", "title")


def duties_of(clauses: Sequence[Mapping[str, Any]]) -> tuple[Duty, ...]:
    """What the clauses of a text oblige to, in their order; texts from before there were obligations oblige to nothing."""
    return tuple(
        Duty(**{name: plan[name] for name in _PLAN}, clause=clause["key"], clause_title=clause["title"])
        for clause in clauses
        for plan in clause.get("obligations", [])
    )


def in_words(plan: Mapping[str, Any], language: str) -> str:
    """An obligation as a sentence in the agreement's language: what, who, when. One that is frozen keeps its own words."""
    if "words" in plan:
        return str(plan["words"])
    words = DUTY_WORDS.get(language, DUTY_WORDS["en"])
    months = int(plan["months"])
    if plan["rule"] == "every":
        # Reports have their own calendar, which begins anew with the pilot.
        day = words[("periods" if plan["kind"] in CITED_BY else "every") + ("_one" if months == 1 else "")]
    else:
        event = words[plan["rule"]]
        day = words["after_one" if months == 1 else "after"].replace("{event}", event) if months else event
    return words["sentence"].format(
        what=words.get(f"{plan['kind']}_{plan['owner']}", words[plan["kind"]]).replace(
            "{title}", str(plan["title"]).rstrip(" .")
        ),
        who=words[plan["owner"]],
        when=words["until" if OWED_AS.get(plan["kind"]) is OUTLIVES else "due"],
        day=day.replace("{months}", str(months)),
    )


@dataclass(frozen=True)
class Obliges:
    """What one clause obliges to, in the agreement's language: a heading, and a sentence for each obligation."""

    heading: str
    sentences: tuple[str, ...]


def obliges(clause: Mapping[str, Any], language: str) -> Obliges | None:
    """What stands under a clause of a text; None for a clause that obliges to nothing."""
    plans = clause.get("obligations", [])
    if not plans:
        return None
    heading = DUTY_WORDS.get(language, DUTY_WORDS["en"])["heading"]
    return Obliges(heading, tuple(in_words(plan, language) for plan in plans))


def gone(clause: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """What the clause of a draft obliged to once, and no longer does."""
    return [entry["plan"] for entry in clause.get("former", []) if entry["back"] is None]


def still_obliged(
    clause: Mapping[str, Any], ticked: Collection[str], *, drop_rest: bool, number: int
) -> dict[str, Any]:
    """The clause with what it obliges to from its wording ``number`` on: the obligations whose keys are ``ticked``, also
    one that had gone. What goes is kept among ``former``, with the wordings by which it went and came back.

    Raises Invalid for ``standing`` when one is neither ticked nor (``drop_rest``) said to stand no longer.
    """
    plans, former = clause.get("obligations", []), clause.get("former", [])
    left = [plan for plan in plans if plan["key"] not in ticked]
    if left and not drop_rest:
        raise Invalid(
            {
                "standing": M(
                    N_(
                        "Tick each obligation that still stands under this wording. If one no longer does, say so with the tick below the list."
                    )
                )
            }
        )
    back = [plan for plan in gone(clause) if plan["key"] in ticked]
    former = [
        {**entry, "back": number} if entry["back"] is None and entry["plan"]["key"] in ticked else entry
        for entry in former
    ]
    former += [{"plan": plan, "gone": number, "back": None} for plan in left]
    kept = [*(plan for plan in plans if plan["key"] in ticked), *back]
    return {**clause, "obligations": kept, "former": former} if former else dict(clause)


@dataclass(frozen=True)
class Days:
    """The days that obligations count from: in force, and the (planned) last days of prototyping and of the pilot."""

    in_force: date
    prototyping_ends: date
    pilot_ends: date


def days_of(definition: CallDefinition, course: Course) -> Days:
    """The days of an award whose agreement came into force when its prototyping began; a pilot that has not begun is
    planned for the end of prototyping."""
    return Days(course.prototyping_on, course.pilot_begins(definition), course.pilot_ends(definition))


def due_days(duty: Duty, days: Days) -> tuple[date, ...]:
    """On which days (each through its end in the call's zone) a duty is due: once, or every so many months of the award."""
    if duty.rule == "every":
        found, n = [], 1
        while (day := add_months(days.in_force, duty.months * n)) <= days.pilot_ends:
            found.append(day)
            n += 1
        return tuple(found)
    begins = {
        "after_in_force": days.in_force,
        "after_prototyping": days.prototyping_ends,
        "after_pilot": days.pilot_ends,
    }[duty.rule]
    return (add_months(begins, duty.months),)


_PARTIES = {"team": (Party.TEAM, Party.OFFICER), "officer": (Party.OFFICER, Party.TEAM)}


def duty_dues(duties: Sequence[Duty], days: Days) -> tuple[Due, ...]:
    """What signed clauses oblige to beside reports, as it is owed."""
    found = []
    for duty in duties:
        if duty.kind not in OWED_AS:
            continue
        debtor, creditor = _PARTIES[duty.owner]
        for n, day in enumerate(due_days(duty, days), start=1):
            key = f"duty:{duty.key}:{n}" if duty.rule == "every" else f"duty:{duty.key}"
            params = {"title": duty.title, **duty.cites}
            found.append(Due(key, OWED_AS[duty.kind], debtor, creditor, day, day, params))
    return tuple(found)


def read_done(note: str) -> str:
    """What shows that an obligation of a clause is kept. Raises Invalid for ``note``."""
    kept = note.strip()
    if not kept:
        raise Invalid({"note": M(N_("Write what shows that it is done: the note is kept with it."))})
    if len(kept) > MAX_COMMENT:
        raise Invalid({"note": M(N_("This is too long: keep it within %(limit)s characters."), limit=MAX_COMMENT)})
    return kept
