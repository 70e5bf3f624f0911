"""A workplan as its pages show it: what stands in it, what it lacks, what was asked of it, and its editor's rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from itertools import chain
from typing import Any

from flask_babel import gettext as _

from lab import clock
from lab.extensions import db
from lab.forms.workplan import Typed
from lab.queries.workplan import WorkplanPage, frame_of, get_workplan
from lab.rules import calls
from lab.rules.obligations import ObligationKind
from lab.rules.review import EDITABLE, STATE_NAMES
from lab.rules.workplan import ROW_FIELDS, SECTIONS, Reading, clean_content, read_plan
from lab.web.drafts import Talk, talks_on
from lab.web.frame import Frame, load_frame
from lab.web.words import locale, money, say

BLANK = {section: dict.fromkeys(fields, "") for section, fields in ROW_FIELDS.items()}


@dataclass(frozen=True)
class Desk:
    """Everything that the pages of a workplan are made of."""

    frame: Frame
    page: WorkplanPage
    categories: list[tuple[str, str]]
    state_label: str
    talks: dict[int, list[Talk]] = field(default_factory=dict)

    @property
    def code(self) -> str:
        """The award's code."""
        return self.frame.award.code

    @property
    def writing(self) -> bool:
        """Whether it is the team's turn to write."""
        return self.page.state in EDITABLE and self.frame.award.ended_at is None

    def read(self, content: dict[str, Any]) -> Reading:
        """``content`` as the server judges it."""
        return read_plan(content, frame_of(self.frame.award, self.frame.definition))


def load_desk(award_code: str) -> Desk:
    """Load a workplan's page: two statements for the frame, four or five for the plan."""
    frame = load_frame(award_code, "workplan.show")
    page = get_workplan(db.session(), frame.award.id)
    categories = [(item.key, calls.text(item.label, locale())) for item in frame.definition.budget_categories]
    talks = {version.number: talks_on(page, version, SECTIONS) for version in page.versions}
    return Desk(frame, page, categories, say(STATE_NAMES[page.state]), talks)


@dataclass(frozen=True)
class Editor:
    """The plan in its form: rows by section as (number in the page, cells), and problems by the id of their place."""

    summary: str
    rows: dict[str, list[tuple[int, dict[str, str]]]]
    problems: dict[str, list[str]]
    missing: list[tuple[str, str]]
    amounts: dict[int | str, str]
    granted: str
    own: str
    balance: str


def editor_of(desk: Desk, typed: Typed, *, check: bool = False, add: str = "") -> Editor:
    """What was typed, as rows of the form; ``check`` puts problems at their places, ``add`` an empty row into a section."""
    rows: dict[str, list[tuple[int, dict[str, str]]]] = {}
    for section, blank in BLANK.items():
        found = typed.content[section]
        assert isinstance(found, list)
        numbers = typed.indices.get(section) or range(len(found))
        rows[section] = [(n, {**blank, **cells}) for n, cells in zip(numbers, found, strict=True)]
        if add == section or not rows[section]:
            rows[section].append((rows[section][-1][0] + 1 if rows[section] else 0, dict(blank)))
    reading = desk.read(clean_content(typed.content))
    missing = missing_in(reading, typed)
    problems: dict[str, list[str]] = {}
    for place, text in missing if check else []:
        problems.setdefault(place, []).append(text)
    currency = desk.frame.award.currency
    return Editor(
        summary=str(typed.content["summary"]),
        rows=rows,
        problems=problems,
        missing=missing,
        amounts=_amounts(desk, rows["budget"]),
        granted=money(reading.granted, currency),
        own=money(reading.own, currency),
        balance=_balance(desk.frame.award.amount - reading.granted, currency),
    )


def _amounts(desk: Desk, rows: list[tuple[int, dict[str, str]]]) -> dict[int | str, str]:
    """What each budget line comes to, by its number in the page."""
    found: dict[int | str, str] = {}
    for n, cells in rows:
        for line in desk.read({"budget": [cells]}).lines:
            found[n] = money(line.amount, desk.frame.award.currency)
    return found


def _balance(left: Decimal, currency: str) -> str:
    if not left:
        return str(_("The lines add up to the award exactly."))
    if left > 0:
        return str(_("%(amount)s of the award still to plan.", amount=money(left, currency)))
    return str(_("%(amount)s more than the award.", amount=money(-left, currency)))


def missing_in(reading: Reading, typed: Typed) -> list[tuple[str, str]]:
    """(place in the page, sentence) of everything that the server would refuse."""
    return [(typed.place(problem.place), say(problem.message)) for problem in reading.problems]


def is_late(desk: Desk) -> bool:
    """Whether the team still owes its plan and the deadline has passed."""
    owed = [o for o in desk.frame.obligations if o.kind == ObligationKind.SUBMIT_WORKPLAN]
    return any(o.due_at <= clock.now() for o in owed)


def differences(mine: Typed, theirs: Typed) -> list[tuple[str, str, str]]:
    """(section, my text, their text) of the sections that differ, each as plain lines."""
    pairs = ((say(label), _plain(mine.content[key]), _plain(theirs.content[key])) for key, label in SECTIONS.items())
    return [(label, one, other) for label, one, other in pairs if one != other]


def _plain(value: object) -> str:
    if isinstance(value, list):
        # In one order, whatever the one that the cells came in: the same row twice must read the same.
        order = [name for name in dict.fromkeys(chain(*ROW_FIELDS.values())) if name != "own"]
        return "\n".join("• " + " · ".join(str(row[name]) for name in order if row.get(name)) for row in value)
    return str(value)
