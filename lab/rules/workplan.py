"""The workplan and budget of the gate (guide §6): what the team typed, read strictly, and everything it still lacks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from lab.rules.money import Money, MoneyError, parse_amount, parse_number, rounded
from lab.rules.text import N_, M, Message
from lab.rules.workplan_content import ROW_FIELDS, Row, clean_content

SECTIONS: dict[str, str] = {
    "summary": N_("Summary"),
    "activities": N_("Activities"),
    "milestones": N_("Milestones"),
    "budget": N_("Budget"),
}
# The stages of an award that a milestone can belong to (guide §7).
STAGES: dict[str, str] = {"prototyping": N_("Prototyping"), "pilot": N_("Pilot")}


@dataclass(frozen=True)
class Activity:
    """What is done, by whom, from when to when, and what comes out; ``milestone`` is the id of the one it leads to, or ""."""

    id: str
    title: str
    owner: str
    starts_on: date
    ends_on: date
    deliverable: str
    milestone: str


@dataclass(frozen=True)
class Milestone:
    """A step that the award is followed by: its stage (see :data:`STAGES`, or ""), what proves it, and the day it is due."""

    id: str
    stage: str
    title: str
    proof: str
    due_on: date


@dataclass(frozen=True)
class BudgetLine:
    """Quantity × unit cost in the award's currency; ``own`` lines are the team's contribution, outside the grant.

    ``activity`` is the id of the activity that the line pays for, or "".
    """

    id: str
    category: str
    description: str
    quantity: Decimal
    unit_cost: Decimal
    amount: Decimal
    own: bool
    activity: str


@dataclass(frozen=True)
class Problem:
    """One thing to mend: ``place`` is the id of a section or of a field (``budget-2-unit_cost``)."""

    place: str
    message: Message


@dataclass(frozen=True)
class Frame:
    """What a plan is held against: the award's amount, its call's categories, and the days it may span.

    ``prototyping_until`` is the last day that a milestone of prototyping may be due; ``latest``, the pilot's ceiling, the
    last of all. ``lines_need_activity`` is the call's.
    """

    amount: Decimal
    currency: str
    categories: frozenset[str]
    earliest: date
    latest: date
    prototyping_until: date
    lines_need_activity: bool = False


@dataclass(frozen=True)
class Reading:
    """A plan as read: the rows that could be read, the totals, and every problem (none: it can be submitted).

    ``checked`` are the places that were looked at, in order, each once: those without a problem are as they should be.
    """

    summary: str
    activities: tuple[Activity, ...]
    milestones: tuple[Milestone, ...]
    lines: tuple[BudgetLine, ...]
    problems: tuple[Problem, ...]
    checked: tuple[str, ...] = ()

    @property
    def granted(self) -> Decimal:
        """Sum of the lines that the grant pays for."""
        return sum((line.amount for line in self.lines if not line.own), Decimal(0))

    @property
    def titles(self) -> dict[str, dict[str, str]]:
        """What rows that others refer to are called: section → id → title."""
        return {
            "activities": {row.id: row.title for row in self.activities},
            "milestones": {row.id: row.title for row in self.milestones},
        }

    @property
    def own(self) -> Decimal:
        """Sum of the team's own contributions."""
        return sum((line.amount for line in self.lines if line.own), Decimal(0))


class _Reader:
    """Collects problems while the rows are read, so that all are told at once."""

    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self.problems: list[Problem] = []
        # A dictionary for its order.
        self.checked: dict[str, None] = {}
        self.ids: dict[str, frozenset[str]] = {}

    def look_at(self, place: str) -> str:
        self.checked[place] = None
        return place

    def fail(self, place: str, message: Message) -> None:
        self.problems.append(Problem(self.look_at(place), message))

    def text(self, row: Row, place: str, name: str, message: str) -> str:
        self.look_at(f"{place}-{name}")
        value = row.get(name, "").strip()
        if not value:
            self.fail(f"{place}-{name}", M(message))
        return value

    def day(self, row: Row, place: str, name: str, message: str) -> date | None:
        self.look_at(f"{place}-{name}")
        typed = row.get(name, "").strip()
        try:
            value = date.fromisoformat(typed)
        except ValueError:
            if typed:
                self.fail(
                    f"{place}-{name}",
                    M(N_("“%(typed)s” is not a date: pick one, or type it as 2026-01-31."), typed=typed[:40]),
                )
            else:
                self.fail(f"{place}-{name}", M(message))
            return None
        if not self.frame.earliest <= value <= self.frame.latest:
            self.fail(
                f"{place}-{name}",
                M(
                    N_("%(day)s is outside the award: choose a day from %(earliest)s to %(latest)s."),
                    day=value,
                    earliest=self.frame.earliest,
                    latest=self.frame.latest,
                ),
            )
        return value

    def reference(self, row: Row, place: str, name: str, section: str, gone: str, missing: str = "") -> str:
        """The id of a row of ``section`` that ``row`` refers to; none is taken unless ``missing`` says what to do."""
        value = row.get(name, "")
        if value or missing:
            self.look_at(f"{place}-{name}")
        if value and value not in self.ids[section]:
            self.fail(f"{place}-{name}", M(gone))
        elif missing and not value:
            self.fail(f"{place}-{name}", M(missing))
        return value

    def stage(self, row: Row, place: str, due: date | None) -> str:
        """The stage of a milestone, whose window its day must lie in (guide §7)."""
        self.look_at(f"{place}-stage")
        stage, frame = row.get("stage", ""), self.frame
        if stage not in STAGES:
            self.fail(f"{place}-stage", M(N_("Choose the stage that the milestone belongs to.")))
        elif stage == "prototyping" and due is not None and frame.prototyping_until < due <= frame.latest:
            self.fail(
                f"{place}-due_on",
                M(
                    N_(
                        "%(day)s is after prototyping: choose a day from %(earliest)s to %(latest)s, or move the milestone to the pilot."
                    ),
                    day=due,
                    earliest=frame.earliest,
                    latest=frame.prototyping_until,
                ),
            )
        return stage

    def number(self, row: Row, place: str, name: str, read: Callable[[str], Decimal], message: str) -> Decimal | None:
        self.look_at(f"{place}-{name}")
        typed = row.get(name, "").strip()
        if not typed:
            self.fail(f"{place}-{name}", M(message))
            return None
        try:
            value = read(typed)
        except MoneyError as error:
            self.fail(f"{place}-{name}", error.message)
            return None
        if value <= 0:
            self.fail(f"{place}-{name}", M(N_("Type a number greater than zero.")))
            return None
        return value

    def activity(self, row: Row, place: str) -> Activity | None:
        title = self.text(row, place, "title", N_("Name the activity."))
        owner = self.text(row, place, "owner", N_("Say who carries the activity out."))
        starts = self.day(row, place, "starts_on", N_("Give the day the activity starts."))
        ends = self.day(row, place, "ends_on", N_("Give the day the activity ends."))
        deliverable = self.text(row, place, "deliverable", N_("Say what comes out of the activity."))
        if starts and ends and ends < starts:
            self.fail(f"{place}-ends_on", M(N_("The activity ends before it starts: change one of the two dates.")))
        milestone = self.reference(
            row, place, "milestone", "milestones",
            N_("The milestone that the activity led to is no longer in the plan: choose another."),
            N_("Choose the milestone that the deliverable counts towards."),
        )  # fmt: skip
        if starts is None or ends is None:
            return None
        return Activity(row["id"], title, owner, starts, ends, deliverable, milestone)

    def milestone(self, row: Row, place: str) -> Milestone | None:
        title = self.text(row, place, "title", N_("Name the milestone."))
        proof = self.text(row, place, "proof", N_("Say what will prove that the milestone is reached."))
        due = self.day(row, place, "due_on", N_("Give the day the milestone is due."))
        stage = self.stage(row, place, due)
        return Milestone(row["id"], stage, title, proof, due) if due else None

    def line(self, row: Row, place: str) -> BudgetLine | None:
        category = row.get("category", "")
        self.look_at(f"{place}-category")
        if category not in self.frame.categories:
            self.fail(f"{place}-category", M(N_("Choose a category for the line.")))
        description = self.text(row, place, "description", N_("Describe what the line pays for."))
        quantity = self.number(row, place, "quantity", parse_number, N_("Give the quantity."))
        unit_cost = self.number(
            row, place, "unit_cost", lambda typed: parse_amount(typed, self.frame.currency), N_("Give the unit cost.")
        )
        activity = self.reference(
            row, place, "activity", "activities",
            N_("The activity that the line paid for is no longer in the plan: choose another, or none."),
            N_("Choose the activity that the line pays for: this call asks for one.")
            if self.frame.lines_need_activity else "",
        )  # fmt: skip
        if quantity is None or unit_cost is None:
            return None
        amount = rounded(quantity * unit_cost, self.frame.currency)
        if not amount:
            self.fail(f"{place}-unit_cost", M(N_("The line comes to nothing: type a larger quantity or unit cost.")))
        return BudgetLine(row["id"], category, description, quantity, unit_cost, amount, bool(row.get("own")), activity)


def _rows(content: Mapping[str, object], section: str) -> Sequence[Row]:
    rows = content.get(section)
    return rows if isinstance(rows, list) else []


def read_plan(content: Mapping[str, object], frame: Frame) -> Reading:
    """Read a plan's content (see :func:`workplan_content.clean_content`) against its frame. Amounts are in the award's currency.

    Content kept before its rows had ids is read too.
    """
    content = clean_content(content)
    reader = _Reader(frame)
    reader.ids = {section: frozenset(row["id"] for row in _rows(content, section)) for section in ROW_FIELDS}
    summary = str(content.get("summary") or "").strip()
    reader.look_at("summary")
    if not summary:
        reader.fail("summary", M(N_("Write a summary: what will exist at the end that does not exist today.")))
    for section in ROW_FIELDS:
        reader.look_at(section)
    activities = [reader.activity(row, f"activities-{n}") for n, row in enumerate(_rows(content, "activities"))]
    milestones = [reader.milestone(row, f"milestones-{n}") for n, row in enumerate(_rows(content, "milestones"))]
    lines = [reader.line(row, f"budget-{n}") for n, row in enumerate(_rows(content, "budget"))]
    _check_led_to(reader, content)
    if not activities:
        reader.fail("activities", M(N_("Add at least one activity.")))
    if not milestones:
        reader.fail("milestones", M(N_("Add at least one milestone: payments and reports are held against them.")))
    reading = Reading(
        summary,
        tuple(row for row in activities if row),
        tuple(row for row in milestones if row),
        tuple(row for row in lines if row),
        (),
    )
    _check_total(reader, reading)
    return replace(reading, problems=tuple(reader.problems), checked=tuple(reader.checked))


def _check_led_to(reader: _Reader, content: Mapping[str, object]) -> None:
    """Every milestone is one that an activity leads to; a plan without activities lacks these first."""
    activities = _rows(content, "activities")
    led_to = {row["milestone"] for row in activities}
    for n, row in enumerate(_rows(content, "milestones") if activities else ()):
        if row["id"] not in led_to:
            reader.fail(
                f"milestones-{n}-title",
                M(N_("No activity leads to this milestone: choose it at an activity, or remove it.")),
            )


def _check_total(reader: _Reader, reading: Reading) -> None:
    frame = reader.frame
    difference = frame.amount - reading.granted
    if not reading.lines:
        reader.fail("budget", M(N_("Add budget lines that add up to the award.")))
    elif difference > 0:
        reader.fail(
            "budget",
            M(
                N_("The budget is %(difference)s below the award: the lines must add up to it exactly."),
                difference=Money(difference, frame.currency),
            ),
        )
    elif difference < 0:
        reader.fail(
            "budget",
            M(
                N_("The budget is %(difference)s above the award: the lines must add up to it exactly."),
                difference=Money(-difference, frame.currency),
            ),
        )
