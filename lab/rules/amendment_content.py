"""What is kept of an amendment that is being written: by kind, as typed, cut down to what is known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lab.rules.amendment import AmendmentKind, Terms
from lab.rules.amendment_payments import MAX_PAYMENTS, MILESTONE
from lab.rules.bank_account import ACCOUNT_FIELDS
from lab.rules.disbursement import TrancheState
from lab.rules.facts import Stage
from lab.rules.money import rounded
from lab.rules.records import MAX_BODY
from lab.rules.workplan_changes import DAYS
from lab.rules.workplan_content import clean_content

_SHORT = 400
# Marks of a plan with two hundred rows in each of its lists.
MAX_STOOD = 200_000


def empty_amendment(kind: AmendmentKind, terms: Terms) -> dict[str, Any]:
    """The draft of an amendment that changes nothing yet: what it is about, as it stands."""
    return clean_amendment(kind, {"reason": "", **_standing(kind, terms)})


def _standing(kind: AmendmentKind, terms: Terms) -> dict[str, Any]:
    match kind:
        case AmendmentKind.BUDGET:
            return {"budget": clean_content(terms.plan)["budget"]}
        case AmendmentKind.SCOPE:
            return {"plan": clean_content(terms.plan)}
        case AmendmentKind.TIME:
            ends = terms.prototyping_ends if terms.stage is Stage.PROTOTYPING else terms.pilot_ends
            return {"until": ends.isoformat(), "days": days_in(terms.plan)}
        case AmendmentKind.TEAM:
            return {"lead": str(terms.lead[0])}
        case AmendmentKind.ACCOUNT:
            return {"account": {}}
        case AmendmentKind.PAYMENTS:
            return {"payments": payment_rows(terms)}


def payment_rows(terms: Terms) -> list[dict[str, Any]]:
    """The payments that are only planned, as rows of an amendment."""
    return [
        {
            "number": str(payment.number),
            "amount": str(rounded(payment.amount, terms.currency)),
            "like": "",
            "milestones": [about for kind, about in payment.conditions if kind == MILESTONE],
        }
        for payment in terms.payments
        if payment.state is TrancheState.PLANNED
    ]


def with_days(plan: Mapping[str, object], days: Mapping[str, object]) -> dict[str, object]:
    """The plan with other days; a place is ``milestones:<id>:due_on``. Places that it does not have change nothing."""
    return {
        section: [
            {
                name: str(days.get(f"{section}:{row['id']}:{name}", value)) if name in DAYS else value
                for name, value in row.items()
            }
            for row in rows
        ]
        if isinstance(rows, list)
        else rows
        for section, rows in clean_content(plan).items()
    }


def days_in(plan: Mapping[str, object]) -> dict[str, str]:
    """Every day that a plan has, by its place (``milestones:<id>:due_on``)."""
    content = clean_content(plan)
    return {
        f"{section}:{row['id']}:{name}": row[name]
        for section, rows in content.items()
        if isinstance(rows, list)
        for row in rows
        for name in sorted(DAYS & row.keys())
    }


def clean_amendment(kind: AmendmentKind, raw: Mapping[str, object]) -> dict[str, Any]:
    """``raw`` cut down to what an amendment of ``kind`` has, as text; nothing typed is changed."""
    kept: dict[str, Any] = {
        "reason": str(raw.get("reason") or "")[: MAX_BODY + 1],
        # What it was begun from: see rules.amendment_rebase.
        "stood": str(raw.get("stood") or "")[:MAX_STOOD],
    }
    match kind:
        case AmendmentKind.BUDGET:
            kept["budget"] = clean_content({"budget": raw.get("budget")})["budget"]
        case AmendmentKind.SCOPE:
            plan = raw.get("plan")
            kept["plan"] = clean_content(plan if isinstance(plan, Mapping) else {})
        case AmendmentKind.TIME:
            kept["until"] = _text(raw.get("until"))
            days = raw.get("days")
            kept["days"] = (
                {_text(place): _text(day) for place, day in list(days.items())[:2000]}
                if isinstance(days, Mapping)
                else {}
            )
        case AmendmentKind.TEAM:
            kept["lead"] = _text(raw.get("lead"))
        case AmendmentKind.ACCOUNT:
            account = raw.get("account")
            kept["account"] = {
                name: _text(account.get(name)) if isinstance(account, Mapping) else "" for name in ACCOUNT_FIELDS
            }
        case AmendmentKind.PAYMENTS:
            rows = raw.get("payments")
            kept["payments"] = (
                [_payment(row) for row in rows if isinstance(row, Mapping)][: MAX_PAYMENTS * 2]
                if isinstance(rows, list)
                else []
            )
    return kept


def _payment(row: Mapping[str, object]) -> dict[str, Any]:
    milestones = row.get("milestones")
    return {
        "number": _text(row.get("number")),
        "amount": _text(row.get("amount")),
        "like": _text(row.get("like")),
        "milestones": [_text(number) for number in milestones[:50]] if isinstance(milestones, list) else [],
    }


def _text(value: object) -> str:
    return str(value or "")[:_SHORT]
