"""Two texts of one amendment, when two people of a side wrote it at once: what differs, each as plain lines."""

from __future__ import annotations

from itertools import chain

from flask_babel import gettext as _

from lab.forms.amendment import Written
from lab.forms.workplan import Typed
from lab.rules.amendment import KIND_NAMES
from lab.rules.workplan import SECTIONS
from lab.rules.workplan_content import ROW_FIELDS, WORDLESS
from lab.web.amendment_forms import AmendmentDesk, view_of
from lab.web.words import say


def two_texts(desk: AmendmentDesk, mine: Written, theirs: Written) -> list[tuple[str, str, str]]:
    """(what, my text, their text) of the parts that differ, each as plain lines."""
    if mine.plan is not None and theirs.plan is not None:
        pairs = _sections(mine.plan, theirs.plan)
    else:
        name = say(KIND_NAMES[desk.kind])
        pairs = [(name, _plain(desk, mine), _plain(desk, theirs))]
    pairs = [(_("Reason"), mine.content["reason"], theirs.content["reason"]), *pairs]
    return [(label, one, other) for label, one, other in pairs if one != other]


def _plain(desk: AmendmentDesk, written: Written) -> str:
    view = view_of(desk, written)
    lines: list[str] = []
    if view.time:
        lines = [f"{view.time.label}: {view.time.until}"]
        lines += [
            f"{row.title}: " + " – ".join(typed for _place, _label, typed in row.fields)
            for _title, rows in view.time.groups
            for row in rows
            if row.fields
        ]
    elif view.people:
        lines = [label for _value, label, chosen in view.people if chosen]
    elif view.account:
        lines = [f"{label}: {value}" for _name, label, value in view.account]
    elif view.payments:
        names = dict(view.payments.milestones)
        lines = [
            " · ".join([row.title, row.amount or "–", *(names.get(number, number) for number in row.milestones)])
            for row in view.payments.rows
        ]
    return "\n".join(lines)


def _sections(mine: Typed, theirs: Typed) -> list[tuple[str, str, str]]:
    return [(say(label), _rows(mine.content[key]), _rows(theirs.content[key])) for key, label in SECTIONS.items()]


def _rows(value: object) -> str:
    if isinstance(value, list):
        # In one order, whatever the one that the cells came in: the same row twice must read the same.
        order = [name for name in dict.fromkeys(chain(*ROW_FIELDS.values())) if name not in WORDLESS]
        return "\n".join("• " + " · ".join(str(row[name]) for name in order if row.get(name)) for row in value)
    return str(value)
