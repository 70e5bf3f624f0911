"""What a call's file says about the clauses of its agreement: fields, kinds, and what they oblige to. Places are keys of the file."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from lab.rules.calls import (
    ALLOWED_FIELDS,
    CLAUSE_KINDS,
    DUTY_KINDS,
    DUTY_OWNERS,
    DUTY_RULES,
    CallDefinition,
    CallDefinitionError,
    ClausePlan,
)

KEY = re.compile(r"[a-z0-9_]{1,40}")
_FIELD = re.compile(r"\{([^{}]*)\}")


def unique(place: str, keys: Iterable[str]) -> None:
    """Whether ``keys`` of the list at ``place`` are well written, each its own, and any at all. Raises CallDefinitionError."""
    seen: set[str] = set()
    for n, key in enumerate(keys):
        if not KEY.fullmatch(key):
            reason = f"{key!r} may have small letters, digits and underscores, 40 at most."
            raise CallDefinitionError(f"{place}[{n}].key", reason)
        if key in seen:
            raise CallDefinitionError(f"{place}[{n}].key", f"{key!r} stands there twice: give each its own key.")
        seen.add(key)
    if not seen:
        raise CallDefinitionError(place, "This list is empty: add at least one.")


def check_clauses(call: CallDefinition) -> None:
    """The five kinds of clause that an agreement has (guide §6), each once, with known fields only."""
    unique("clauses", (clause.key for clause in call.clauses))
    kinds = Counter(clause.kind for clause in call.clauses)
    for n, clause in enumerate(call.clauses):
        if clause.kind not in CLAUSE_KINDS:
            reason = f"{clause.kind!r} is not a kind of clause: use one of {', '.join(CLAUSE_KINDS)}."
            raise CallDefinitionError(f"clauses[{n}].kind", reason)
        if kinds[clause.kind] > 1:
            reason = f"There are {kinds[clause.kind]} clauses of the kind {clause.kind}: keep one."
            raise CallDefinitionError(f"clauses[{n}].kind", reason)
        for language, template in clause.text.items():
            _template(template, f"clauses[{n}].text.{language}")
        for language, title in clause.title.items():
            if re.search("[{}]", title):
                raise CallDefinitionError(
                    f"clauses[{n}].title.{language}", "A title has no fields: take the braces out."
                )
    for kind in CLAUSE_KINDS:
        if kind not in kinds:
            raise CallDefinitionError("clauses", f"There is no clause of the kind {kind}: add one.")


def _template(template: str, place: str) -> None:
    for name in _FIELD.findall(template):
        if name not in ALLOWED_FIELDS:
            reason = f"{{{name}}} is not a field of a clause: use one of {', '.join(sorted(ALLOWED_FIELDS))}."
            raise CallDefinitionError(place, reason)
    if re.search("[{}]", _FIELD.sub("", template)):
        reason = "A brace stands alone: write fields as {organisation}, and no other braces."
        raise CallDefinitionError(place, reason)


def check_duties(call: CallDefinition) -> None:
    """What clauses oblige to: known kinds, an owner, a day that can be computed, and reports as the call's calendar has them."""
    seen: set[str] = set()
    for n, clause in enumerate(call.clauses):
        if clause.obligations:
            unique(f"clauses[{n}].obligations", (plan.key for plan in clause.obligations))
        for m, plan in enumerate(clause.obligations):
            place = f"clauses[{n}].obligations[{m}]"
            if plan.key in seen:
                reason = f"{plan.key!r} stands in another clause too: give each obligation its own key."
                raise CallDefinitionError(f"{place}.key", reason)
            seen.add(plan.key)
            _duty(plan, call, place)


def _duty(plan: ClausePlan, call: CallDefinition, place: str) -> None:
    for name, value, known in (
        ("kind", plan.kind, DUTY_KINDS), ("owner", plan.owner, DUTY_OWNERS), ("rule", plan.rule, DUTY_RULES),
    ):  # fmt: skip
        if value not in known:
            raise CallDefinitionError(f"{place}.{name}", f"{value!r} is not known here: use one of {', '.join(known)}.")
    if plan.rule == "every" and not plan.months:
        raise CallDefinitionError(f"{place}.months", "This must be 1 or more.")
    if plan.kind in ("financial_report", "final_report") and plan.owner != "team":
        raise CallDefinitionError(f"{place}.owner", "Reports are the team's: write team.")
    if plan.kind == "financial_report":
        calendar = {call.reports.prototyping_every_months, call.reports.pilot_every_months} - {0}
        if plan.rule != "every" or calendar != {plan.months}:
            often = " and ".join(str(months) for months in sorted(calendar)) or "no"
            reason = f"Reports are due every {often} months by [reports]: write rule = every and the same months, or change it there."
            raise CallDefinitionError(f"{place}.months", reason)
    if plan.kind == "final_report" and (plan.rule, plan.months) != ("after_pilot", 0):
        reason = "The final report is due when the pilot ends: write rule = after_pilot and months = 0."
        raise CallDefinitionError(f"{place}.rule", reason)
