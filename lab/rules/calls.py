"""A call for solutions as data: what its file says, as frozen dataclasses, and as JSON for the database."""

from __future__ import annotations

import dataclasses
import re
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any

Texts = dict[str, str]
LANGUAGES = ("en", "es", "pt", "fr")
CLAUSE_KINDS = ("intellectual_property", "financial_reporting", "disbursement", "disputes", "implementation")
CONDITION_KINDS = (
    "agreement_in_force", "workplan_approved", "account_verified", "account_holder_matches", "not_suspended",
    "due_diligence_clear", "report_accepted", "milestone_accepted", "boot_camp_attended", "prototype_report_accepted",
    "final_report_accepted", "obligation_discharged", "date_reached", "attested",
)  # fmt: skip
# What a clause can oblige to. Reports are not owed twice: their clause is cited by the report that is owed anyway.
DUTY_KINDS = ("financial_report", "final_report", "acknowledgement", "records_kept", "visit_allowed")
DUTY_OWNERS = ("team", "officer")
# From when the months of an obligation count; "every": again and again from the day the agreement is in force.
DUTY_RULES = ("every", "after_in_force", "after_prototyping", "after_pilot")
ALLOWED_FIELDS = frozenset(
    {
        "organisation", "country", "project", "prize", "amount", "currency", "local_currency", "call", "prototyping_months",
        "pilot_months", "workplan_days", "acknowledgement", "signatory",
    }
)  # fmt: skip


class CallDefinitionError(ValueError):
    """A definition that cannot be taken: ``key`` names the place in the file, ``reason`` says what to do about it."""

    def __init__(self, key: str, reason: str) -> None:
        self.key, self.reason = key, reason
        super().__init__(f"{key}: {reason}")


@dataclass(frozen=True)
class Prize:
    """What a winner gets, in a currency."""

    key: str
    label: Texts
    amount: Decimal
    currency: str


@dataclass(frozen=True)
class StageLengths:
    """How long each stage lasts, and how long the ILO gives itself for reviews and payments."""

    workplan_days: int
    review_days: int
    prototyping_months: int
    pilot_months_max: int
    payment_days: int


@dataclass(frozen=True)
class WorkplanRules:
    """What the call asks of workplans besides what every plan needs."""

    lines_need_activity: bool


@dataclass(frozen=True)
class CheckItem:
    """An item of a list: a checklist, a report's sections, a group of people."""

    key: str
    label: Texts


Criterion = GuidingQuestion = Category = CheckItem


@dataclass(frozen=True)
class DiligenceItem(CheckItem):
    """An item of due diligence. ``document``: it is not cleared without one; ``expires``: documents for it have a last day."""

    expires: bool = False
    document: bool = False


@dataclass(frozen=True)
class ClausePlan:
    """Something that a clause obliges to once the agreement is in force: what, whom, and ``months`` from when (``rule``)."""

    key: str
    kind: str
    owner: str
    rule: str
    months: int
    label: Texts


@dataclass(frozen=True)
class Clause:
    """One clause of the grant agreement (guide §6); its text has ``{field}`` places."""

    key: str
    kind: str
    title: Texts
    text: Texts
    obligations: tuple[ClausePlan, ...] = ()


@dataclass(frozen=True)
class ConditionPlan:
    """A condition that a payment is held against; ``params`` name the report, milestone or boot camp."""

    kind: str
    label: Texts
    params: Texts


@dataclass(frozen=True)
class TranchePlan:
    """A payment as a share of the award."""

    key: str
    label: Texts
    share: Decimal
    conditions: tuple[ConditionPlan, ...]


@dataclass(frozen=True)
class BootCampPlan:
    """A boot camp and the month of prototyping it falls in."""

    key: str
    title: Texts
    goal: Texts
    month: int
    place: str


@dataclass(frozen=True)
class ReminderLadder:
    """On which days relative to the last day somebody is reminded, and from how late others are told."""

    before: tuple[int, ...]
    on_day: bool
    after: tuple[int, ...]
    officer_after_days: int
    committee_after_days: int

    def rungs(self) -> tuple[int, ...]:
        """Signed days relative to the last day, ascending."""
        return tuple(sorted({*(-days for days in self.before), *([0] if self.on_day else []), *self.after}))


@dataclass(frozen=True)
class ReportCalendar:
    """How often reports are due, within how many days after a period, and the sections they have."""

    prototyping_every_months: int
    pilot_every_months: int
    days_after_period: int
    sections: tuple[CheckItem, ...]


@dataclass(frozen=True)
class Tolerances:
    """From which overspent fraction of a line an explanation is needed, and from which an amendment."""

    explain_over: Decimal
    amend_over: Decimal


@dataclass(frozen=True)
class GroupDimensions:
    """How indicators are split (guide §2)."""

    sexes: tuple[CheckItem, ...]
    ages: tuple[CheckItem, ...]
    groups: tuple[CheckItem, ...]


@dataclass(frozen=True)
class CallDefinition:
    """Everything that differs from call to call."""

    code: str
    languages: tuple[str, ...]
    title: Texts
    summary: Texts
    time_zone: str
    launched_on: date
    closes_at: datetime
    announced_on: date
    lab_from: date
    pilots_end_on: date
    prizes: tuple[Prize, ...]
    stages: StageLengths
    workplan: WorkplanRules
    due_diligence: tuple[DiligenceItem, ...]
    closing: tuple[CheckItem, ...]
    clauses: tuple[Clause, ...]
    tranches: tuple[TranchePlan, ...]
    boot_camps: tuple[BootCampPlan, ...]
    reminders: ReminderLadder
    reports: ReportCalendar
    tolerances: Tolerances
    acknowledgement: Texts
    criteria: tuple[CheckItem, ...]
    questions: tuple[CheckItem, ...]
    groups: GroupDimensions
    budget_categories: tuple[CheckItem, ...]


def text(texts: Mapping[str, str], language: str) -> str:
    """The text in ``language``, else in English, else in the first language that there is."""
    return texts.get(language) or texts.get("en") or next(iter(texts.values()), "")


def render_clause(template: str, facts: Mapping[str, str]) -> str:
    """``template`` with each ``{field}`` replaced by its fact: plain names only, nothing is evaluated. Raises KeyError."""
    return re.sub(r"\{([a-z_]+)\}", lambda match: facts[match[1]], template)


def to_json(definition: CallDefinition) -> dict[str, Any]:
    """The definition as plain JSON values: decimals as text, dates and instants in ISO form."""
    found: dict[str, Any] = _plain(definition)
    return found


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Decimal):
        return str(value)
    return value.isoformat() if isinstance(value, date) else value


def from_json(body: Mapping[str, Any]) -> CallDefinition:
    """The definition that :func:`to_json` gave. ``body`` is trusted: it was checked when the call was loaded."""
    return typing.cast(CallDefinition, _build(CallDefinition, body))


@cache
def _hints(kind: type[Any]) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _build(kind: Any, value: Any) -> Any:
    if dataclasses.is_dataclass(kind):
        assert isinstance(kind, type)
        given = dict(value)
        # A key that is not there has a default, or the class says that it is missing.
        return kind(**{name: _build(hint, given[name]) for name, hint in _hints(kind).items() if name in given})
    origin = typing.get_origin(kind)
    if origin is tuple:
        return tuple(_build(typing.get_args(kind)[0], item) for item in value)
    if origin is dict or isinstance(kind, types.GenericAlias):
        return dict(value)
    if kind is Decimal:
        return Decimal(value)
    return kind.fromisoformat(value) if kind in (date, datetime) else value
