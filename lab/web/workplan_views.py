"""A workplan as its pages show it: what stands in it, what it lacks, what was asked of it, and its editor's rows."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

from babel.numbers import format_currency
from flask_babel import get_locale
from flask_babel import gettext as _

from lab import clock
from lab.extensions import db
from lab.forms.workplan import Typed
from lab.queries.workplan import WorkplanPage, frame_of, get_workplan
from lab.rules import calls
from lab.rules.obligations import ObligationKind
from lab.rules.review import EDITABLE, STATE_NAMES
from lab.rules.workplan import STAGES, Problem, Reading
from lab.rules.workplan_content import ROW_FIELDS, Content, clean_content, is_written
from lab.rules.workplan_edit import Sums, by_category, by_stage
from lab.web.frame import Frame, load_frame
from lab.web.gate import PlanMeter, meter_of
from lab.web.plan_reading import read_once
from lab.web.words import locale, money, say
from lab.web.workplan_changes import Comparison, compare
from lab.web.workplan_talks import Talk, talks_of

if TYPE_CHECKING:
    from lab.models import Version

BLANK = {section: dict.fromkeys(fields, "") for section, fields in ROW_FIELDS.items()}


class Sheet(Protocol):
    """What a plan is edited on: the gate's page, or that of an amendment."""

    @property
    def frame(self) -> Frame: ...
    @property
    def categories(self) -> list[tuple[str, str]]: ...
    def read(self, content: dict[str, Any]) -> Reading: ...


@dataclass(frozen=True)
class Desk:
    """Everything that the pages of a workplan are made of."""

    frame: Frame
    page: WorkplanPage
    categories: list[tuple[str, str]]
    state_label: str
    talks: dict[int, list[Talk]] = field(default_factory=dict)

    @property
    def all_talks(self) -> list[Talk]:
        """The threads on all versions, oldest first."""
        return [talk for version in self.page.versions for talk in self.talks[version.number]]

    def compared(self, content: dict[str, Any], before: Version | None) -> Comparison | None:
        """``content`` against an earlier version, None when there is none."""
        if before is None:
            return None
        categories, currency = dict(self.categories), self.frame.award.currency
        return compare(before.content, content, before.number, categories, currency)

    @property
    def code(self) -> str:
        """The award's code."""
        return self.frame.award.code

    @cached_property
    def draft(self) -> Content:
        """The plan as it is being written."""
        return clean_content(self.page.document.draft)

    @property
    def writing(self) -> bool:
        """Whether it is the team's turn to write."""
        return self.page.state in EDITABLE and self.frame.award.ended_at is None

    def read(self, content: dict[str, Any]) -> Reading:
        """``content`` as the server judges it."""
        return read_once(content, frame_of(self.frame.award, self.frame.definition))


def load_desk(award_code: str) -> Desk:
    """Load a workplan's page: two statements for the frame, six at most for the plan."""
    frame = load_frame(award_code, "workplan.show")
    page = get_workplan(db.session(), frame.award.id)
    categories = [(item.key, calls.text(item.label, locale())) for item in frame.definition.budget_categories]
    talks = talks_of(page, frame, dict(categories))
    return Desk(frame, page, categories, say(STATE_NAMES[page.state]), talks)


@dataclass(frozen=True)
class SumTable:
    """A table of sums: each row's name for the script, its label, what the grant pays and what the team adds."""

    title: str
    rows: list[tuple[str, str, str, str]]


@dataclass(frozen=True)
class Editor:
    """The plan in its form: rows by section as (number in the page, cells), and problems by the id of their place.

    ``activities`` and ``milestones`` are what rows can refer to: (id, title).
    """

    summary: str
    rows: dict[str, list[tuple[int, dict[str, str]]]]
    problems: dict[str, list[str]]
    missing: list[tuple[str, str]]
    amounts: dict[int | str, str]
    granted: str
    own: str
    balance: str
    activities: list[tuple[str, str]]
    milestones: list[tuple[str, str]]
    meter: PlanMeter
    sums: list[SumTable]


def editor_of(desk: Sheet, typed: Typed, *, check: bool = False, add: str = "") -> Editor:
    """What was typed, as rows of the form; ``check`` puts problems at their places, ``add`` an empty row into a section."""
    rows: dict[str, list[tuple[int, dict[str, str]]]] = {}
    for section, blank in BLANK.items():
        found = typed.content[section]
        assert isinstance(found, list)
        numbers = typed.indices.get(section) or range(len(found))
        rows[section] = [(n, {**blank, **cells}) for n, cells in zip(numbers, found, strict=True)]
        if add == section or not rows[section]:
            rows[section].append(
                (rows[section][-1][0] + 1 if rows[section] else 0, {**blank, "id": secrets.token_hex(4)})
            )
    reading = desk.read(clean_content(typed.content))
    missing = missing_in(reading, typed)
    problems: dict[str, list[str]] = {}
    for problem in reading.problems if check else []:
        problems.setdefault(typed.place(problem.place), []).append(say(problem.message))
    currency = desk.frame.award.currency
    return Editor(
        summary=str(typed.content["summary"]),
        rows=rows,
        problems=problems,
        missing=missing,
        amounts=_amounts(reading, rows["budget"], currency),
        granted=money(reading.granted, currency),
        own=money(reading.own, currency),
        balance=_balance(desk.frame.award.amount - reading.granted, currency),
        activities=_names(rows["activities"], _("Activity")),
        milestones=_names(rows["milestones"], _("Milestone")),
        meter=meter_of(reading),
        sums=_sums(desk, typed.content, reading),
    )


def _bare(amount: Decimal, currency: str) -> str:
    """An amount without its currency, which stands above the column."""
    return str(format_currency(amount, currency, "#,##0.00", locale=get_locale()))


def _sums(desk: Sheet, content: dict[str, Any], reading: Reading) -> list[SumTable]:
    """What the budget comes to by category and by stage; a last row for what has neither."""
    currency = desk.frame.award.currency

    def rows(kind: str, sums: dict[str, Sums], labels: dict[str, str], rest: str) -> list[tuple[str, str, str, str]]:
        return [
            (f"{kind}:{key}", labels.get(key, rest), _bare(found.granted, currency), _bare(found.own, currency))
            for key, found in sums.items()
        ]

    categories = dict(desk.categories)
    stages = {key: say(name) for key, name in STAGES.items()}
    return [
        SumTable(
            _("By category, in %(currency)s", currency=currency),
            rows("category", by_category(reading, list(categories)), categories, _("No category yet")),
        ),
        SumTable(
            _("By stage, in %(currency)s", currency=currency),
            rows("stage", by_stage(content, reading), stages, _("Not placed yet")),
        ),
    ]


def _names(rows: list[tuple[int, dict[str, str]]], what: str) -> list[tuple[str, str]]:
    """(id, title) of rows that others can refer to; those without a title, or with another's, by their number too."""
    written = [(cells["id"], cells["title"].strip(), f"{what} {n + 1}") for n, cells in rows if is_written(cells)]
    times = Counter(title for _id, title, _number in written)
    return [(key, f"{title} ({nth})" if title and times[title] > 1 else title or nth) for key, title, nth in written]


def _amounts(reading: Reading, rows: list[tuple[int, dict[str, str]]], currency: str) -> dict[int | str, str]:
    """What each budget line comes to, by its number in the page."""
    amounts = {line.id: line.amount for line in reading.lines}
    return {n: money(amounts[cells["id"]], currency) for n, cells in rows if cells["id"] in amounts}


def _balance(left: Decimal, currency: str) -> str:
    if not left:
        return str(_("The lines add up to the award exactly."))
    if left > 0:
        return str(_("%(amount)s of the award still to plan.", amount=money(left, currency)))
    return str(_("%(amount)s more than the award.", amount=money(-left, currency)))


def missing_in(reading: Reading, typed: Typed) -> list[tuple[str, str]]:
    """(place in the page, sentence that names the row) of everything that the server would refuse."""
    return told(reading.problems, typed)


def told(problems: Iterable[Problem], typed: Typed) -> list[tuple[str, str]]:
    """The same of problems that were found otherwise."""
    return [(typed.place(problem.place), f"{_row_of(problem, typed)}{say(problem.message)}") for problem in problems]


def _row_of(problem: Problem, typed: Typed) -> str:
    """The row that a problem is in, by its title or else its number, to begin a sentence with."""
    section, _dash, rest = problem.place.partition("-")
    if not rest:
        return ""
    what = {"activities": _("Activity"), "milestones": _("Milestone"), "budget": _("Budget line")}[section]
    rows, n = typed.content[section], int(rest.split("-")[0])
    assert isinstance(rows, list)
    title = str(rows[n].get("title" if section != "budget" else "description") or "").strip()[:60]
    return f"“{title}”: " if title else f"{what} {n + 1}: "


def is_late(desk: Desk) -> bool:
    """Whether the team still owes its plan and the deadline has passed."""
    owed = [o for o in desk.frame.obligations if o.kind == ObligationKind.SUBMIT_WORKPLAN]
    return any(o.due_at <= clock.now() for o in owed)
