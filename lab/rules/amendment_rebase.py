"""An amendment that was begun before another was applied: what it does not change follows the award as it is now."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lab.rules.amendment import AmendmentKind, Terms
from lab.rules.amendment_content import days_in, payment_rows, with_days
from lab.rules.facts import Stage
from lab.rules.text import N_, M
from lab.rules.workplan import Problem
from lab.rules.workplan_changes import FIELD_NAMES
from lab.rules.workplan_content import clean_content
from lab.rules.workplan_merge import Clash, merge, read_base

_PLANNED = frozenset({AmendmentKind.BUDGET, AmendmentKind.SCOPE, AmendmentKind.TIME})


@dataclass(frozen=True)
class Rebased:
    """The amendment as it reads now, and what another amendment changed since that it changes differently too."""

    content: dict[str, Any]
    clashes: tuple[Problem, ...] = ()


def stood(kind: AmendmentKind, terms: Terms) -> str:
    """What a draft of ``kind`` is begun from, as its page carries it: enough to tell later what was changed since."""
    found: dict[str, Any] = {}
    if kind in _PLANNED:
        found["plan"] = terms.marks
    if kind is AmendmentKind.TIME:
        found["until"] = _until(terms)
    if kind is AmendmentKind.PAYMENTS:
        found["payments"] = {row["number"]: [row["amount"], row["milestones"]] for row in payment_rows(terms)}
    return json.dumps(found, separators=(",", ":"))


def _until(terms: Terms) -> str:
    return (terms.prototyping_ends if terms.stage is Stage.PROTOTYPING else terms.pilot_ends).isoformat()


def _read(text: object) -> dict[str, Any]:
    try:
        found = json.loads(str(text or ""))
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def rebased(kind: AmendmentKind, content: Mapping[str, Any], terms: Terms) -> Rebased:
    """``content`` on the award as it is now; one that does not say what it was begun from is left as it is."""
    began = _read(content.get("stood"))
    kept = {**content, "stood": stood(kind, terms)}
    if kept["stood"] == content.get("stood") or not began:
        return Rebased(dict(content))
    clashes: list[Problem] = []
    if kind in _PLANNED:
        clashes += _plan(kind, kept, terms, str(began.get("plan", "")))
    if kind is AmendmentKind.TIME:
        now = _until(terms)
        if content.get("until") == began.get("until"):
            kept["until"] = now
        elif began.get("until") not in (None, now) and content.get("until") != now:
            message = N_(
                "Another amendment has made it %(theirs)s since this was begun: say again which day it shall be."
            )
            clashes.append(
                Problem(
                    "until",
                    M(message, theirs=terms.pilot_ends if terms.stage is Stage.PILOT else terms.prototyping_ends),
                )
            )
    if kind is AmendmentKind.PAYMENTS:
        clashes += _payments(kept, terms, began.get("payments"))
    return Rebased(kept, tuple(clashes))


def _plan(kind: AmendmentKind, kept: dict[str, Any], terms: Terms, text: str) -> list[Problem]:
    base = read_base(text)
    if base is None:
        return []
    mine: Mapping[str, object] = with_days(terms.plan, kept.get("days", {}))
    if kind is AmendmentKind.BUDGET:
        mine = {**clean_content(terms.plan), "budget": kept["budget"]}
    elif kind is AmendmentKind.SCOPE:
        mine = kept["plan"]
    merged = merge(base, mine, terms.plan)
    if kind is AmendmentKind.BUDGET:
        kept["budget"] = merged.content["budget"]
    elif kind is AmendmentKind.SCOPE:
        kept["plan"] = merged.content
    else:
        kept["days"] = days_in(merged.content)
    return [_told(clash, merged.content) for clash in merged.clashes]


def _told(clash: Clash, content: Mapping[str, Any]) -> Problem:
    if not clash.section or clash.section == "summary":
        return Problem(
            "summary", M(N_("Another amendment has changed the summary since this was begun: look at it again."))
        )
    rows = content[clash.section]
    n = next((n for n, row in enumerate(rows) if row["id"] == clash.id), None)
    row = clash.mine or clash.theirs or {}
    name = str(row.get("title") or row.get("description") or "")
    if clash.theirs is None:
        message = M(
            N_("Another amendment has taken “%(title)s” out since this was begun: say again what shall be."), title=name
        )
    elif clash.mine is None:
        message = M(
            N_("Another amendment has changed “%(title)s” since this was begun, which takes it out: look again."),
            title=name,
        )
    else:
        sentence = N_(
            "Another amendment has made “%(field)s” of “%(title)s” “%(theirs)s” since this was begun: say again what shall be."
        )
        message = M(sentence, field=M(FIELD_NAMES[clash.name]), title=name, theirs=clash.theirs[clash.name])
    place = clash.section if n is None or not clash.name else f"{clash.section}-{n}-{clash.name}"
    return Problem(place, message)


def _payments(kept: dict[str, Any], terms: Terms, began: object) -> list[Problem]:
    """Rows that were not changed follow the payments as they are; those changed on both sides clash."""
    before = began if isinstance(began, dict) else {}
    now = {row["number"]: row for row in payment_rows(terms)}
    clashes, rows = [], []
    for row in kept["payments"]:
        number = row["number"]
        if not number or number not in before:
            rows.append(row)
            continue
        mine, stands = [row["amount"], row["milestones"]], now.get(number)
        theirs = [stands["amount"], stands["milestones"]] if stands else None
        if mine == before[number]:
            # Untouched: as it is now, or no longer to be amended.
            rows += [stands] if stands else []
            continue
        rows.append(row)
        if theirs not in (before[number], mine):
            sentence = N_("Payment %(number)s has changed since this was begun: look at it again.")
            clashes.append(Problem(f"payments-{len(rows) - 1}-amount", M(sentence, number=number)))
    known = {row["number"] for row in rows}
    rows += [row for number, row in now.items() if number not in known and number not in before]
    kept["payments"] = rows
    return clashes
