"""Forms of asking for an amendment: what it is about, and its draft as typed, by kind. Shape and types; the rules judge."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from werkzeug.datastructures import MultiDict
from wtforms import RadioField

from lab.forms.base import LabForm, options
from lab.forms.drafts import DraftForm
from lab.forms.workplan import Typed, read_typed
from lab.rules.amendment import KIND_NAMES, AmendmentKind
from lab.rules.amendment_content import clean_amendment
from lab.rules.bank_account import ACCOUNT_FIELDS
from lab.rules.workplan_content import clean_content

_DAY = re.compile(r"days-(activities|milestones)-([a-z0-9]{1,12})-([a-z_]{1,12})")
_PAYMENT = re.compile(r"payments-(\d{1,3})-(number|amount|like|milestones)")


class StartForm(LabForm):
    """What the amendment is about."""

    kind = RadioField(choices=options(KIND_NAMES.items()), validate_choice=False)


class AmendmentForm(DraftForm):
    """What goes with a draft that is sent. The draft itself is read by :func:`read_written`."""


@dataclass(frozen=True)
class Written:
    """An amendment as typed: its ``content``, as ``rules.amendment_content`` cuts it down, and for those about the budget
    or the scope the ``plan`` that it makes. ``indices`` are the numbers that kept payments had in the page.
    """

    content: dict[str, Any]
    plan: Typed | None = None
    indices: list[int] = field(default_factory=list)

    def place(self, place: str) -> str:
        """Where a problem's ``place``, counted over the kept rows, is in the page."""
        if self.plan is not None:
            return self.plan.place(place)
        section, _dash, rest = place.partition("-")
        number, _dash, name = rest.partition("-")
        if section == "payments" and number.isdecimal() and int(number) < len(self.indices):
            return f"payments-{self.indices[int(number)]}-{name}"
        return place


def day_place(section: str, item: str, name: str) -> str:
    """The field in which an amendment of time has a day of the plan."""
    return f"days-{section}-{item}-{name}"


def read_written(kind: AmendmentKind, form: MultiDict[str, str], standing: Mapping[str, Any]) -> Written:
    """The amendment in a sent form; ``standing`` is the approved plan. Line ends are one character, as limits count them."""
    raw: dict[str, Any] = {"reason": form.get("reason", "").replace("\r\n", "\n"), "stood": form.get("stood", "")}
    indices: list[int] = []
    match kind:
        case AmendmentKind.BUDGET | AmendmentKind.SCOPE:
            return with_plan(kind, raw, read_typed(form), standing)
        case AmendmentKind.TIME:
            days = {name: _DAY.fullmatch(name) for name in form}
            raw["until"] = form.get("until", "")
            raw["days"] = {":".join(found.groups()): form[name] for name, found in days.items() if found}
        case AmendmentKind.TEAM:
            raw["lead"] = form.get("lead", "")
        case AmendmentKind.ACCOUNT:
            raw["account"] = {name: form.get(f"account-{name}", "") for name in ACCOUNT_FIELDS}
        case AmendmentKind.PAYMENTS:
            raw["payments"], indices = _payments(form)
    return Written(clean_amendment(kind, raw), indices=indices)


def with_plan(kind: AmendmentKind, raw: Mapping[str, Any], typed: Typed, standing: Mapping[str, Any]) -> Written:
    """An amendment whose plan was typed: all of it, or only the budget of the one that stands."""
    if kind is AmendmentKind.BUDGET:
        whole = clean_content(standing) | {"budget": typed.content["budget"]}
        typed = Typed(whole, {"budget": typed.indices["budget"]} if typed.indices else {})
    kept = {
        "reason": raw["reason"],
        "stood": raw.get("stood", ""),
        "plan": typed.content,
        "budget": typed.content["budget"],
    }
    return Written(clean_amendment(kind, kept), typed)


def written_in(kind: AmendmentKind, draft: Mapping[str, Any], standing: Mapping[str, Any]) -> Written:
    """The amendment in a draft, as it was kept."""
    content = clean_amendment(kind, draft)
    if kind is AmendmentKind.BUDGET:
        return with_plan(kind, content, Typed({"budget": content["budget"]}), standing)
    if kind is AmendmentKind.SCOPE:
        return Written(content, Typed(content["plan"]))
    return Written(content)


def _payments(form: MultiDict[str, str]) -> tuple[list[dict[str, Any]], list[int]]:
    """The payments in a sent form, and their numbers in the page. A new one in which nothing was typed is none."""
    rows: dict[int, dict[str, Any]] = {}
    for name in form:
        if found := _PAYMENT.fullmatch(name):
            row = rows.setdefault(int(found[1]), {"milestones": []})
            row[found[2]] = form.getlist(name) if found[2] == "milestones" else form[name].strip()
    kept = [n for n in sorted(rows) if any(rows[n].values())]
    return [rows[n] for n in kept], kept
