"""The buttons on the rows of the plan's editor, for readers without scripts; and reading what was pasted, for all."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Any

from flask import flash, request
from flask_babel import gettext as _

from lab.forms.workplan import Typed
from lab.rules import workplan_edit as rules
from lab.rules.errors import Refused
from lab.rules.workplan_cells import Choices
from lab.rules.workplan_content import MAX_ROWS, ROW_FIELDS, clean_content
from lab.rules.workplan_edit import Pasted
from lab.web.words import say
from lab.web.workplan_views import Sheet

_MOVES = {"up": -1, "down": 1}
ADDS = {"add_activity": "activities", "add_milestone": "milestones", "add_line": "budget"}


@dataclass(frozen=True)
class Box:
    """What stands in the box to paste rows in, and what is wrong with it."""

    text: str = ""
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Acted:
    """The plan after a button was pressed, where to go on in the page, and the boxes that still hold something."""

    content: dict[str, Any]
    anchor: str = ""
    boxes: dict[str, Box] = field(default_factory=dict)


def new_id() -> str:
    """A name for a row that no other had before."""
    return secrets.token_hex(4)


def act(do: str, typed: Typed, desk: Sheet) -> Acted:
    """What the button ``do`` (``copy:budget:2``, ``paste:budget``) makes of what was typed. Others leave it as it is."""
    verb, _sep, rest = do.partition(":")
    section, _sep, number = rest.partition(":")
    if section not in ROW_FIELDS:
        return Acted(typed.content)
    if verb == "paste":
        return _paste(section, typed, desk)
    numbers = typed.indices.get(section, [])
    if number not in map(str, numbers):
        # An empty row is nothing yet: it goes by itself.
        return Acted(typed.content, section if verb == "remove" else "")
    at = numbers.index(int(number))
    try:
        return _on_row(verb, section, at, typed.content, desk.frame.award.currency)
    except Refused as error:
        for reason in error.reasons:
            flash(say(reason), "danger")
        return Acted(typed.content, f"row-{section}-{at}")


def _on_row(verb: str, section: str, at: int, content: dict[str, Any], currency: str) -> Acted:
    if verb == "remove":
        return Acted(rules.remove_row(content, section, at), section)
    if verb == "copy":
        return Acted(rules.copy_row(content, section, at, new_id), f"row-{section}-{at + 1}")
    if verb == "split" and section == "budget":
        return Acted(rules.split_line(content, at, currency, new_id), f"row-{section}-{at + 1}")
    if verb in _MOVES:
        last = len(content[section]) - 1
        return Acted(
            rules.move_row(content, section, at, _MOVES[verb]), f"row-{section}-{min(last, max(0, at + _MOVES[verb]))}"
        )
    return Acted(content)


def _paste(section: str, typed: Typed, desk: Sheet) -> Acted:
    read = read_pasted(section, request.form.get(f"paste-{section}", ""), typed, desk)
    rows = [*clean_content(typed.content)[section], *({**row, "id": new_id()} for row in read.rows)]  # type: ignore[misc]
    said = [_("The rows below could not be read; the others were added."), *(say(trouble) for trouble in read.troubles)]
    boxes = {section: Box(read.left, said)} if read.troubles else {}
    first = len(rows) - len(read.rows)
    return Acted({**typed.content, section: rows}, f"row-{section}-{first}" if read.rows else section, boxes)


def left_boxes(do: str) -> dict[str, Box]:
    """The boxes that hold rows which the button ``do`` does not add: they stay, so that nothing typed is lost."""
    texts = {section: request.form.get(f"paste-{section}", "") for section in ROW_FIELDS if do != f"paste:{section}"}
    waiting = _("These rows are not in the plan yet: press “Add these rows”, or empty the box.")
    return {section: Box(text, [waiting]) for section, text in texts.items() if text.strip()}


def read_pasted(section: str, text: str, typed: Typed, desk: Sheet, start: str = "") -> Pasted:
    """The rows in a block of cells, read beside the plan that was typed."""
    plan: Any = clean_content(typed.content)
    titles = {key: {row["id"]: row["title"] for row in plan[key]} for key in ("activities", "milestones")}
    categories = {item.key: dict(item.label) for item in desk.frame.definition.budget_categories}
    choices = Choices(desk.frame.award.currency, categories, titles)
    # With a start, rows that are there already are filled: there is room for as many as a section holds.
    room = MAX_ROWS if start else MAX_ROWS - len(plan[section])
    return rules.paste_rows(section, text, choices, start, room)
