"""What a plan is as it was typed: its sections, their rows and fields, cut down to what is known; nothing is judged here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

MAX_ROWS = 200
MAX_TEXT = 4000
ROW_FIELDS: dict[str, tuple[str, ...]] = {
    "activities": ("id", "title", "owner", "starts_on", "ends_on", "deliverable", "milestone"),
    "milestones": ("id", "stage", "title", "proof", "due_on"),
    "budget": ("id", "category", "description", "quantity", "unit_cost", "own", "activity"),
}
# What names a row, ticks it or hangs it on another: a row in which nothing else was typed is an empty one.
WORDLESS = frozenset({"id", "own", "stage", "milestone", "activity"})
_ID = re.compile(r"[a-z0-9]{1,12}")

Row = Mapping[str, str]


class Content(dict[str, object]):
    """A plan's content as :func:`clean_content` leaves it. Nobody writes in it: what is changed is another one."""


def empty_content() -> dict[str, object]:
    """The content of a plan nobody has written in yet."""
    return {"summary": "", "activities": [], "milestones": [], "budget": []}


def is_written(row: Row) -> bool:
    """Whether somebody typed a word in the row; see :data:`WORDLESS`."""
    return any(str(value).strip() for name, value in row.items() if name not in WORDLESS)


def named(rows: Iterable[Row]) -> list[dict[str, str]]:
    """``rows`` with an id each: the first with a valid id keeps it, the others get the first free ``n1``, ``n2``, …

    The same rows always get the same ids, so that plans written before rows had names read alike each time.
    """
    found = [dict(row) for row in rows]
    taken: set[str] = set()
    for row in found:
        name = str(row.get("id") or "")
        row["id"] = name if _ID.fullmatch(name) and name not in taken else ""
        taken.add(row["id"])
    number = 0
    for row in found:
        while not row["id"]:
            number += 1
            row["id"] = "" if f"n{number}" in taken else f"n{number}"
    return found


def clean_content(raw: Mapping[str, object]) -> Content:
    """``raw`` cut down to the known fields as text, rows without a word dropped; nothing typed in a row is changed.

    Every row has an id afterwards, unique in its section (see :func:`named`).
    """
    if isinstance(raw, Content):
        return raw
    content = Content(summary=str(raw.get("summary") or "")[:MAX_TEXT])
    for section, fields in ROW_FIELDS.items():
        rows = raw.get(section)
        kept = []
        for row in rows if isinstance(rows, Sequence) and not isinstance(rows, str) else ():
            cells = {name: str(row.get(name) or "")[:MAX_TEXT] for name in fields}
            if is_written(cells):
                kept.append(cells)
        content[section] = named(kept[:MAX_ROWS])
    return content
