"""Forms of the gate: the plan as typed, and the deadline. Shape and types; the rules judge."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from flask_babel import lazy_gettext as _l
from werkzeug.datastructures import MultiDict
from wtforms import HiddenField, IntegerField
from wtforms.validators import InputRequired, Length, NumberRange

from lab.forms.award import SteerForm
from lab.forms.drafts import DraftForm
from lab.rules.workplan_content import MAX_ROWS, ROW_FIELDS, is_written, named
from lab.rules.workplan_merge import Base, read_base

_CELL = re.compile(r"(activities|milestones|budget)-(\d{1,6})-([a-z_]+)")


class PlanForm(DraftForm):
    """What goes with a plan that is sent. The plan itself is read by :func:`read_typed`."""


class EditForm(PlanForm):
    """What goes with a plan that is written: the plan that the writer began from, so that two can write at once."""

    base = HiddenField()

    def began_from(self) -> Base | None:
        """The plan that the page showed; None when the page does not say."""
        return read_base(self.base.data or "")


class ExtendForm(SteerForm):
    """More days for the team, on top of the deadline that the officer sees."""

    shown = HiddenField(validators=[Length(max=40)])

    days = IntegerField(
        _l("Days to add"),
        # How many are needed hangs on the day: the rules say it.
        [InputRequired(_l("Give a whole number of days.")), NumberRange(1, 9999, _l("Give a whole number of days."))],
        render_kw={"min": 1, "inputmode": "numeric"},
    )

    def shown_deadline(self) -> datetime | None:
        """The deadline on the page that was sent; None when it showed none."""
        try:
            return datetime.fromisoformat(self.shown.data or "")
        except ValueError:
            return None


@dataclass(frozen=True)
class Typed:
    """A plan as typed, rows without a word left out. ``indices`` remembers the number that each kept row had in the page."""

    content: dict[str, object]
    indices: dict[str, list[int]] = field(default_factory=dict)

    def place(self, place: str) -> str:
        """Where a problem's ``place``, counted over the kept rows, is in the page."""
        found = _CELL.fullmatch(place)
        if found is None or int(found[2]) >= len(self.indices.get(found[1], ())):
            return place
        return f"{found[1]}-{self.indices[found[1]][int(found[2])]}-{found[3]}"


def read_typed(form: MultiDict[str, str] | Mapping[str, str]) -> Typed:
    """The plan in a sent form."""
    rows: dict[str, dict[int, dict[str, str]]] = {section: {} for section in ROW_FIELDS}
    for name, value in form.items():
        cell = _CELL.fullmatch(name)
        if cell and cell[3] in ROW_FIELDS[cell[1]]:
            rows[cell[1]].setdefault(int(cell[2]), {})[cell[3]] = value
    content: dict[str, object] = {"summary": form.get("summary", "")}
    indices: dict[str, list[int]] = {}
    for section, found in rows.items():
        # The same rows that rules.workplan_content.clean_content keeps.
        kept = [n for n in sorted(found) if is_written(found[n])][:MAX_ROWS]
        content[section] = named(found[n] for n in kept)
        indices[section] = kept
    return Typed(content, indices)
