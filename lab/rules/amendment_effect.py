"""What an amendment makes of an award's terms, or everything that keeps it from being made. Pure: nothing is stored.

Money that was spent, paid or reported, and milestones that were accepted, cannot be amended away: the problem names them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date

from lab.rules.amendment import AmendmentKind, Ground, Terms
from lab.rules.amendment_content import with_days
from lab.rules.amendment_payments import repaid
from lab.rules.amendment_plan import replanned
from lab.rules.amendment_rebase import rebased
from lab.rules.bank_account import account_problems, change_blockers, clean_account, holder_blockers
from lab.rules.calendar import add_months
from lab.rules.clauses import days_of, duty_dues
from lab.rules.disbursement import TrancheState
from lab.rules.facts import Stage
from lab.rules.obligations import ObligationKind, Party
from lab.rules.records import MAX_BODY
from lab.rules.schedule import Due, pilot_dues, prototyping_dues
from lab.rules.text import N_, M, Message
from lab.rules.workplan import Problem

# A last day further away than this from the stage's first is a slip of the pen.
LONGEST_MONTHS = 36


@dataclass(frozen=True)
class Outcome:
    """``after`` are the terms that the amendment makes, None where what was typed makes none; ``problems`` by place, none:
    it can be sent and applied."""

    after: Terms | None
    problems: tuple[Problem, ...]

    @property
    def possible(self) -> bool:
        """Whether the amendment can be sent, or applied."""
        return self.after is not None and not self.problems


def amended(terms: Terms, ground: Ground, kind: AmendmentKind, content: Mapping[str, object]) -> Outcome:
    """What ``content``, as typed, would make of ``terms``.

    It has ``reason`` and, by kind: ``budget`` (rows), ``plan`` (a whole plan), ``until`` and ``days`` (place of a day in
    the plan → day), ``lead`` (a person's id), ``account`` (its four fields), ``payments`` (rows).
    """
    asked = rebased(kind, content, terms)
    problems = (*_reason(content), *asked.clashes)
    after, found = _EFFECTS[kind](terms, ground, asked.content)
    if after is not None and not found:
        after = with_owed(after, ground)
        if after == terms:
            found = (Problem("", M(N_("Nothing would change: change what the amendment is about, or withdraw it."))),)
    return Outcome(None if found else after, (*problems, *found))


def _reason(content: Mapping[str, object]) -> tuple[Problem, ...]:
    reason = str(content.get("reason") or "").strip()
    if not reason:
        return (Problem("reason", M(N_("Say why the amendment is needed: the other side decides on it."))),)
    if len(reason) > MAX_BODY:
        return (
            Problem("reason", M(N_("This is too long: keep it within %(limit)s characters."), limit=MAX_BODY)),
        )  # fmt: skip
    return ()


# What is owed ----------------------------------------------------------------------------------------------------


def with_owed(terms: Terms, ground: Ground) -> Terms:
    """``terms`` with what they make due and nobody has done yet."""
    return replace(terms, owed=tuple(due for due in _dues(terms, ground) if due.key not in ground.done))


def _dues(terms: Terms, ground: Ground) -> list[Due]:
    definition, course = ground.definition, terms.course
    by_calendar = prototyping_dues if terms.stage is Stage.PROTOTYPING else pilot_dues
    found = [due for due in by_calendar(course, definition) if due.key not in ground.reported]
    found += [
        Due(
            f"milestone:{step.number}", ObligationKind.REACH_MILESTONE, Party.TEAM, Party.OFFICER, step.due_on,
            step.due_on, {"title": step.title},
        )
        for step in terms.milestones
        if not step.accepted
    ]  # fmt: skip
    return [*found, *duty_dues(ground.duties, days_of(definition, course))]


# By kind ---------------------------------------------------------------------------------------------------------

_Effect = tuple[Terms | None, tuple[Problem, ...]]


def _budget(terms: Terms, ground: Ground, content: Mapping[str, object]) -> _Effect:
    rows = content.get("budget")
    return replanned(terms, terms, ground, {**terms.plan, "budget": rows if isinstance(rows, list) else []})


def _scope(terms: Terms, ground: Ground, content: Mapping[str, object]) -> _Effect:
    plan = content.get("plan")
    return replanned(terms, terms, ground, plan if isinstance(plan, dict) else {})


def _time(terms: Terms, ground: Ground, content: Mapping[str, object]) -> _Effect:
    typed = str(content.get("until") or "").strip()
    try:
        until = date.fromisoformat(typed)
    except ValueError:
        sentence = N_("“%(typed)s” is not a date: pick one, or type it as 2026-01-31.")
        missing = M(N_("Give the last day of the stage; leave the day as it is to move only what the plan has in it."))
        return None, (Problem("until", M(sentence, typed=typed[:40]) if typed else missing),)
    if far := _far(terms, ground, until):
        return None, (Problem("until", far),)
    moved = _moved(terms, ground, until)
    problems = _until_problems(terms, moved, ground, until)
    days = content.get("days")
    plan = with_days(terms.plan, days if isinstance(days, dict) else {})
    after, found = replanned(terms, moved, ground, plan, all_milestones=True)
    return after, (*problems, *found)


def _far(terms: Terms, ground: Ground, until: date) -> Message | None:
    """Why no stage can end on that day, whatever else is so; what follows from such a day is not worked out."""
    began, ends = terms.course.window(terms.stage, ground.definition)
    longest = add_months(began, LONGEST_MONTHS)
    if until == ends:
        return None
    if until < ground.today:
        return M(N_("%(day)s has passed: choose today or a later day."), day=until)
    if until > longest:
        return M(N_("%(day)s is too far away: choose a day up to %(longest)s."), day=until, longest=longest)
    return None


def _moved(terms: Terms, ground: Ground, until: date) -> Terms:
    """``terms`` with ``until`` as the last day of the stage that the award is in."""
    definition, first = ground.definition, terms.stage is Stage.PROTOTYPING
    if until == (terms.prototyping_ends if first else terms.pilot_ends):
        return terms
    course = replace(terms.course, **{"prototyping_until" if first else "pilot_until": until})
    return replace(
        terms, course=course, prototyping_ends=course.prototyping_ends(definition),
        pilot_ends=course.pilot_ends(definition),
    )  # fmt: skip


_FINAL = {Stage.PROTOTYPING: "report:prototype_report:1", Stage.PILOT: "report:final_report:1"}


def _until_problems(terms: Terms, moved: Terms, ground: Ground, until: date) -> tuple[Problem, ...]:
    if moved is terms:
        return ()
    definition, stage = ground.definition, terms.stage
    found = []
    if _FINAL[stage] in ground.reported:
        found.append(M(N_("The final report of this stage has been handed in: its last day stays as it is.")))
    dues = (prototyping_dues if stage is Stage.PROTOTYPING else pilot_dues)(terms.course, definition)
    found += [
        M(
            N_(
                "Progress report %(number)s has been handed in and tells of the time until %(about)s: end later than that."
            ),
            number=due.params["number"],
            about=due.about,
        )
        for due in dues
        if due.kind is ObligationKind.SUBMIT_PROGRESS_REPORT and due.key in ground.reported and due.about >= until
    ]
    if stage is Stage.PROTOTYPING:
        found += [
            M(
                N_("The boot camp “%(title)s” is planned for %(day)s: hold it first, or choose a later last day."),
                title=title,
                day=day,
            )
            for title, day in ground.camps
            if until < day <= terms.prototyping_ends
        ]
    return tuple(Problem("until", message) for message in found)


def _team(terms: Terms, ground: Ground, content: Mapping[str, object]) -> _Effect:
    typed = str(content.get("lead") or "").strip()
    person = int(typed) if typed.isdecimal() and len(typed) < 12 else 0
    if person == terms.lead[0]:
        return terms, ()
    if person not in ground.people:
        message = N_("Choose somebody of the team who has an account: whoever is not on it yet is invited first.")
        return None, (Problem("lead", M(message)),)
    return replace(terms, lead=(person, ground.people[person])), ()


def _account(terms: Terms, ground: Ground, content: Mapping[str, object]) -> _Effect:
    typed = content.get("account")
    fields = {str(key): str(value or "") for key, value in typed.items()} if isinstance(typed, dict) else {}
    problems = [Problem(f"account-{name}", message) for name, message in account_problems(fields).items()]
    kept = clean_account(fields)
    if not problems:
        problems = [Problem("account-holder", said) for said in holder_blockers(kept["holder"], ground.legal_name)]
    problems += [Problem("", message) for message in change_blockers(ground.under_way)]
    # What was proposed for the account before is planned again.
    payments = tuple(
        replace(payment, state=TrancheState.PLANNED) if payment.state is TrancheState.PROPOSED else payment
        for payment in terms.payments
    )
    changed = kept if kept != terms.account else terms.account
    after = replace(terms, account=changed, payments=payments) if changed is not terms.account else terms
    return (None if problems else after), tuple(problems)


def _payments(terms: Terms, ground: Ground, content: Mapping[str, object]) -> _Effect:
    rows = content.get("payments")
    return repaid(terms, ground, [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else [])


_EFFECTS: dict[AmendmentKind, Callable[[Terms, Ground, Mapping[str, object]], _Effect]] = {
    AmendmentKind.BUDGET: _budget,
    AmendmentKind.TIME: _time,
    AmendmentKind.SCOPE: _scope,
    AmendmentKind.TEAM: _team,
    AmendmentKind.ACCOUNT: _account,
    AmendmentKind.PAYMENTS: _payments,
}
