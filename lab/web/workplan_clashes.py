"""What two people changed differently in one plan, side by side, each with the way to its field."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask_babel import gettext as _

from lab.rules.workplan_changes import FIELD_NAMES
from lab.rules.workplan_content import ROW_FIELDS, Row
from lab.rules.workplan_merge import Clash, Merged
from lab.web.words import say
from lab.web.workplan_changes import words_of

if TYPE_CHECKING:
    from lab.web.workplan_views import Desk


@dataclass(frozen=True)
class TwoTexts:
    """A field, or a row that one removed: what the reader has, what is stored, and the ``place`` of it in the form."""

    label: str
    mine: str
    theirs: str
    place: str


def clashes_of(desk: Desk, merged: Merged) -> list[TwoTexts]:
    """The clashes of a plan that is shown in its editor, in the order of the page."""
    order = {section: n for n, section in enumerate(("summary", *ROW_FIELDS))}
    clashes = sorted(merged.clashes, key=lambda clash: order[clash.section])
    return [_two_texts(desk, merged.content, clash) for clash in clashes]


def _two_texts(desk: Desk, content: dict[str, Any], clash: Clash) -> TwoTexts:
    words = words_of(content, dict(desk.categories), desk.frame.award.currency)

    def said(row: Row | None) -> str:
        if row is None:
            return str(_("The row is removed."))
        if clash.name:
            return words.said(clash.name, row[clash.name])
        told = ((name, row[name]) for name in ROW_FIELDS[clash.section] if name != "id" and row[name])
        return "\n".join(f"{say(FIELD_NAMES[name])}: {words.said(name, text)}" for name, text in told)

    if clash.section == "summary":
        return TwoTexts(say(FIELD_NAMES["summary"]), said(clash.mine), said(clash.theirs), "summary")
    n = [row["id"] for row in content[clash.section]].index(clash.id)
    row = content[clash.section][n]
    what = {"activities": _("Activity"), "milestones": _("Milestone"), "budget": _("Budget line")}[clash.section]
    title = (row.get("title") or row.get("description") or "").strip()[:60]
    label = f"{what} {n + 1}" + (f", “{title}”" if title else "")
    if clash.name:
        label, place = f"{label}: {say(FIELD_NAMES[clash.name])}", f"{clash.section}-{n}-{clash.name}"
    else:
        place = f"row-{clash.section}-{n}"
    return TwoTexts(label, said(clash.mine), said(clash.theirs), place)
