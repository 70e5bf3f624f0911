"""The workplan and budget of the gate (guide §6): what the team typed, read strictly, and everything it still lacks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from lab.rules.money import Money, MoneyError, parse_amount, parse_number, rounded
from lab.rules.text import N_, M, Message

MAX_ROWS = 200
MAX_TEXT = 4000
SECTIONS: dict[str, str] = {
    "summary": N_("Summary"),
    "activities": N_("Activities"),
    "milestones": N_("Milestones"),
    "budget": N_("Budget"),
}
ROW_FIELDS: dict[str, tuple[str, ...]] = {
    "activities": ("title", "owner", "starts_on", "ends_on", "deliverable"),
    "milestones": ("title", "proof", "due_on"),
    "budget": ("category", "description", "quantity", "unit_cost", "own"),
}

Row = Mapping[str, str]


@dataclass(frozen=True)
class Activity:
    """What is done, by whom, from when to when, and what comes out."""

    title: str
    owner: str
    starts_on: date
    ends_on: date
    deliverable: str


@dataclass(frozen=True)
class Milestone:
    """A step that the award is followed by: what proves it, and the day it is due."""

    title: str
    proof: str
    due_on: date


@dataclass(frozen=True)
class BudgetLine:
    """Quantity × unit cost in the award's currency; ``own`` lines are the team's contribution, outside the grant."""

    category: str
    description: str
    quantity: Decimal
    unit_cost: Decimal
    amount: Decimal
    own: bool


@dataclass(frozen=True)
class Problem:
    """One thing to mend: ``place`` is the id of a section or of a field (``budget-2-unit_cost``)."""

    place: str
    message: Message


@dataclass(frozen=True)
class Frame:
    """What a plan is held against: the award's amount, its call's categories, and the days it may span."""

    amount: Decimal
    currency: str
    categories: frozenset[str]
    earliest: date
    latest: date


@dataclass(frozen=True)
class Reading:
    """A plan as read: the rows that could be read, the totals, and every problem (none: it can be submitted)."""

    summary: str
    activities: tuple[Activity, ...]
    milestones: tuple[Milestone, ...]
    lines: tuple[BudgetLine, ...]
    problems: tuple[Problem, ...]

    @property
    def granted(self) -> Decimal:
        """Sum of the lines that the grant pays for."""
        return sum((line.amount for line in self.lines if not line.own), Decimal(0))

    @property
    def own(self) -> Decimal:
        """Sum of the team's own contributions."""
        return sum((line.amount for line in self.lines if line.own), Decimal(0))


def empty_content() -> dict[str, object]:
    """The content of a plan nobody has written in yet."""
    return {"summary": "", "activities": [], "milestones": [], "budget": []}


def clean_content(raw: Mapping[str, object]) -> dict[str, object]:
    """``raw`` cut down to the known fields as text, rows without a word dropped; nothing typed in a row is changed."""
    content: dict[str, object] = {"summary": str(raw.get("summary") or "")[:MAX_TEXT]}
    for section, fields in ROW_FIELDS.items():
        rows = raw.get(section)
        kept = []
        for row in rows if isinstance(rows, Sequence) and not isinstance(rows, str) else ():
            cells = {name: str(row.get(name) or "")[:MAX_TEXT] for name in fields}
            if any(value.strip() for name, value in cells.items() if name != "own"):
                kept.append(cells)
        content[section] = kept[:MAX_ROWS]
    return content


class _Reader:
    """Collects problems while the rows are read, so that all are told at once."""

    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self.problems: list[Problem] = []

    def fail(self, place: str, message: Message) -> None:
        self.problems.append(Problem(place, message))

    def text(self, row: Row, place: str, name: str, message: str) -> str:
        value = row.get(name, "").strip()
        if not value:
            self.fail(f"{place}-{name}", M(message))
        return value

    def day(self, row: Row, place: str, name: str, message: str) -> date | None:
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

    def number(self, row: Row, place: str, name: str, read: Callable[[str], Decimal], message: str) -> Decimal | None:
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
        return Activity(title, owner, starts, ends, deliverable) if starts and ends else None

    def milestone(self, row: Row, place: str) -> Milestone | None:
        title = self.text(row, place, "title", N_("Name the milestone."))
        proof = self.text(row, place, "proof", N_("Say what will prove that the milestone is reached."))
        due = self.day(row, place, "due_on", N_("Give the day the milestone is due."))
        return Milestone(title, proof, due) if due else None

    def line(self, row: Row, place: str) -> BudgetLine | None:
        category = row.get("category", "")
        if category not in self.frame.categories:
            self.fail(f"{place}-category", M(N_("Choose a category for the line.")))
        description = self.text(row, place, "description", N_("Describe what the line pays for."))
        quantity = self.number(row, place, "quantity", parse_number, N_("Give the quantity."))
        unit_cost = self.number(
            row, place, "unit_cost", lambda typed: parse_amount(typed, self.frame.currency), N_("Give the unit cost.")
        )
        if quantity is None or unit_cost is None:
            return None
        amount = rounded(quantity * unit_cost, self.frame.currency)
        return BudgetLine(category, description, quantity, unit_cost, amount, bool(row.get("own")))


def _rows(content: Mapping[str, object], section: str) -> Sequence[Row]:
    rows = content.get(section)
    return rows if isinstance(rows, list) else []


def read_plan(content: Mapping[str, object], frame: Frame) -> Reading:
    """Read a plan's content (see :func:`clean_content`) against its frame. Amounts are in the award's currency."""
    reader = _Reader(frame)
    summary = str(content.get("summary") or "").strip()
    if not summary:
        reader.fail("summary", M(N_("Write a summary: what will exist at the end that does not exist today.")))
    activities = [reader.activity(row, f"activities-{n}") for n, row in enumerate(_rows(content, "activities"))]
    milestones = [reader.milestone(row, f"milestones-{n}") for n, row in enumerate(_rows(content, "milestones"))]
    lines = [reader.line(row, f"budget-{n}") for n, row in enumerate(_rows(content, "budget"))]
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
    return Reading(reading.summary, reading.activities, reading.milestones, reading.lines, tuple(reader.problems))


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
