"""Amendments of the agreement in force (domain: 2): what they can touch, as it stands, and who sees to them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from typing import Any

from lab.rules.calls import CallDefinition
from lab.rules.clauses import Duty
from lab.rules.disbursement import TrancheState
from lab.rules.facts import AwardFacts, Role, Stage
from lab.rules.lifecycle import STAGE_NAMES
from lab.rules.obligations import ObligationKind, Party
from lab.rules.schedule import Course, Due
from lab.rules.text import N_, M, Message
from lab.rules.workplan_merge import base_of


class AmendmentKind(StrEnum):
    """What an amendment is about. Each touches its own part of the award, and what follows from it."""

    BUDGET = "budget"
    TIME = "time"
    SCOPE = "scope"
    TEAM = "team"
    ACCOUNT = "account"
    PAYMENTS = "payments"


KIND_NAMES: dict[AmendmentKind, str] = {
    AmendmentKind.BUDGET: N_("Budget"),
    AmendmentKind.TIME: N_("Time"),
    AmendmentKind.SCOPE: N_("Scope"),
    AmendmentKind.TEAM: N_("Team lead"),
    AmendmentKind.ACCOUNT: N_("Bank account"),
    AmendmentKind.PAYMENTS: N_("Payment plan"),
}
KIND_USES: dict[AmendmentKind, str] = {
    AmendmentKind.BUDGET: N_("Move money between budget lines, add lines or take some out. The sum stays the award."),
    AmendmentKind.TIME: N_("Give the stage that the award is in another last day, or move what the plan has in it."),
    AmendmentKind.SCOPE: N_("Change activities, milestones and the lines that pay for them."),
    AmendmentKind.TEAM: N_("Somebody else of the team leads it from now on."),
    AmendmentKind.ACCOUNT: N_("Have what is still to come paid into another account of the organisation."),
    AmendmentKind.PAYMENTS: N_("Split, join or change payments that are planned, and what they wait for."),
}
AMENDABLE = frozenset({Stage.PROTOTYPING, Stage.PILOT})
# The two sides of the agreement: who asks for an amendment, and who judges what the other side asks for.
SIDES: dict[str, tuple[Role, Party]] = {
    "organisation": (Role.LEAD, Party.TEAM),
    "ilo": (Role.OFFICER, Party.OFFICER),
}


def side_of(roles: frozenset[Role]) -> str:
    """The side that somebody with these roles on the award speaks for."""
    return "ilo" if Role.OFFICER in roles else "organisation"


def amending_blockers(facts: AwardFacts) -> tuple[Message, ...]:
    """Why nothing of the agreement can be amended now; empty when it can."""
    if facts.stage in AMENDABLE:
        return ()
    if not facts.agreement_in_force and facts.stage in (Stage.WORKPLAN, Stage.AGREEMENT):
        return (M(N_("The agreement is not in force yet: until then its clauses and the plan are negotiated.")),)
    return (M(N_("This is not possible in the stage the award is in: %(stage)s."), stage=STAGE_NAMES[facts.stage]),)


@dataclass(frozen=True)
class Line:
    """A budget line in the award's currency: ``spent`` by reports handed in and not sent back; ``drafted``: a report that
    is being written has an amount on it."""

    item: str
    number: int
    category: str
    description: str
    amount: Decimal
    own: bool
    spent: Decimal = Decimal(0)
    drafted: bool = False


@dataclass(frozen=True)
class Step:
    """A milestone of the approved plan."""

    item: str
    number: int
    stage: str
    title: str
    due_on: date
    accepted: bool = False


@dataclass(frozen=True)
class Payment:
    """A payment in the award's currency, where it stands, and its conditions as (kind, what it names or "")."""

    number: int
    amount: Decimal
    state: TrancheState
    conditions: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Terms:
    """An award in force, as far as amendments can touch it.

    ``plan`` is the approved plan's content; ``course`` has what amendments set before; ``prototyping_ends`` and
    ``pilot_ends`` are last days (planned while the pilot has not begun); ``lead`` is (person id, name); ``owed`` is
    what the calendar, the milestones and the signed clauses make due and nobody has done yet.
    """

    stage: Stage
    amount: Decimal
    currency: str
    course: Course
    prototyping_ends: date
    pilot_ends: date
    plan: Mapping[str, object]
    lines: tuple[Line, ...]
    milestones: tuple[Step, ...]
    payments: tuple[Payment, ...]
    account: Mapping[str, str] | None
    lead: tuple[int, str]
    owed: tuple[Due, ...] = ()

    @cached_property
    def marks(self) -> str:
        """What the plan says, so that it can be told later what was changed since (:func:`workplan_merge.base_of`)."""
        return base_of(self.plan).text

    @property
    def granted(self) -> Decimal:
        """What the lines that the grant pays for add up to."""
        return sum((line.amount for line in self.lines if not line.own), Decimal(0))

    @property
    def planned(self) -> Decimal:
        """What all payments add up to, made or still to be made."""
        return sum((payment.amount for payment in self.payments), Decimal(0))


@dataclass(frozen=True)
class Ground:
    """What an amendment is held against beside the terms; days are in the call's time zone.

    ``done`` are keys of obligations that were met or waived, ``reported`` those of reports handed in, ``camps`` (title,
    planned day) boot camps to come, ``under_way`` the organisation's payments as (project, number, state), ``people``
    who else could lead the team (person id → name), ``last`` the last number given to a milestone, line or payment.
    """

    definition: CallDefinition
    today: date
    notice_on: date
    legal_name: str
    duties: tuple[Duty, ...] = ()
    done: frozenset[str] = frozenset()
    reported: frozenset[str] = frozenset()
    camps: tuple[tuple[str, date], ...] = ()
    under_way: tuple[tuple[str, int, TrancheState], ...] = ()
    people: Mapping[int, str] = field(default_factory=dict)
    last: Mapping[str, int] = field(default_factory=dict)


def beginning_blockers(kind: AmendmentKind, terms: Terms) -> tuple[Message, ...]:
    """Why an amendment of ``kind`` would lead nowhere now; empty when it would not."""
    if kind is AmendmentKind.PAYMENTS and all(payment.state is not TrancheState.PLANNED for payment in terms.payments):
        return (M(N_("Every payment is under way or made: there is none that could be amended.")),)
    return ()


def terms_to_json(terms: Terms) -> dict[str, Any]:
    """The terms as plain JSON values: decimals as text, days in ISO form."""
    found: dict[str, Any] = json.loads(json.dumps(terms, default=_plain, sort_keys=True))
    return found


def _plain(value: object) -> object:
    if is_dataclass(value):
        return {part.name: getattr(value, part.name) for part in fields(value)}
    return value.isoformat() if isinstance(value, date) else str(value)


def terms_from_json(body: Mapping[str, Any]) -> Terms:
    """The terms that :func:`terms_to_json` gave."""
    days = {name: date.fromisoformat(day) for name, day in body["course"].items() if day}
    return Terms(
        stage=Stage(body["stage"]),
        amount=Decimal(body["amount"]),
        currency=body["currency"],
        course=Course(**days),
        prototyping_ends=date.fromisoformat(body["prototyping_ends"]),
        pilot_ends=date.fromisoformat(body["pilot_ends"]),
        plan=body["plan"],
        lines=tuple(
            Line(**{**line, "amount": Decimal(line["amount"]), "spent": Decimal(line["spent"])})
            for line in body["lines"]
        ),
        milestones=tuple(Step(**{**step, "due_on": date.fromisoformat(step["due_on"])}) for step in body["milestones"]),
        payments=tuple(
            Payment(
                payment["number"],
                Decimal(payment["amount"]),
                TrancheState(payment["state"]),
                tuple((kind, about) for kind, about in payment["conditions"]),
            )
            for payment in body["payments"]
        ),
        account=body["account"],
        lead=(body["lead"][0], body["lead"][1]),
        owed=tuple(
            Due(
                owed["key"], ObligationKind(owed["kind"]), Party(owed["debtor"]), Party(owed["creditor"]),
                date.fromisoformat(owed["on"]), date.fromisoformat(owed["about"]), owed["params"],
            )
            for owed in body["owed"]
        ),
    )  # fmt: skip


def shown_hash(before: Terms, after: Terms) -> str:
    """SHA-256 (hex) of what a person saw before they agreed: where the award stands, and where it would stand."""
    body = json.dumps([before, after], default=_plain, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(body.encode()).hexdigest()


def beyond_ceiling(before: Terms, after: Terms, definition: CallDefinition) -> date | None:
    """The pilot's ceiling, when the amendment moves its last day past it or further: the steering committee decides then
    (domain: 4). None when it does not."""
    ceiling = after.course.pilot_ceiling(definition)
    return ceiling if after.pilot_ends > max(ceiling, before.pilot_ends) else None
