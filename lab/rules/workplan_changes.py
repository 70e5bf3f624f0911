"""What changed between two versions of a workplan, item by item: matched by the rows' ids, compared by value."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from difflib import SequenceMatcher
from enum import StrEnum

from lab.rules.money import MoneyError, parse_number, rounded
from lab.rules.text import N_
from lab.rules.workplan_content import ROW_FIELDS, Row, clean_content

NUMBERS = frozenset({"quantity", "unit_cost"})
DAYS = frozenset({"starts_on", "ends_on", "due_on"})
FIELD_NAMES: dict[str, str] = {
    "title": N_("Name"),
    "owner": N_("Who"),
    "starts_on": N_("From"),
    "ends_on": N_("To"),
    "deliverable": N_("Deliverable"),
    "milestone": N_("Milestone it leads to"),
    "stage": N_("Stage"),
    "proof": N_("What proves it"),
    "due_on": N_("Due"),
    "category": N_("Category"),
    "description": N_("What it pays for"),
    "quantity": N_("Quantity"),
    "unit_cost": N_("Unit cost"),
    "own": N_("Paid by"),
    "activity": N_("Activity"),
    "summary": N_("Summary"),
}


class ChangeKind(StrEnum):
    """What happened to an item."""

    NEW = "new"
    REMOVED = "removed"
    CHANGED = "changed"


KIND_NAMES: dict[ChangeKind, str] = {
    ChangeKind.NEW: N_("New"),
    ChangeKind.REMOVED: N_("Removed"),
    ChangeKind.CHANGED: N_("Changed"),
}


@dataclass(frozen=True)
class FieldChange:
    """A field of an item, as it was typed before and after."""

    name: str
    before: str
    after: str


@dataclass(frozen=True)
class ItemChange:
    """An item that is new, removed or changed. ``id`` is empty for the summary; a row is None where it does not exist."""

    section: str
    id: str
    kind: ChangeKind
    before: Row | None
    after: Row | None
    fields: tuple[FieldChange, ...] = ()

    @property
    def place(self) -> str:
        """Where it stands: ``summary``, or ``activities:a1``."""
        return f"{self.section}:{self.id}" if self.id else self.section


@dataclass(frozen=True)
class TotalChange:
    """What the grant pays in a category, before and after; ``category`` is empty for the whole."""

    category: str
    before: Decimal
    after: Decimal


def meaning(name: str, typed: str) -> object:
    """What is typed in the field ``name`` means: the same for two spellings of one number, day or text."""
    text = typed.replace("\r\n", "\n").strip()
    if name == "own":
        return bool(text)
    try:
        if name in NUMBERS:
            return parse_number(text)
        if name in DAYS:
            return date.fromisoformat(text)
    except (MoneyError, ValueError):
        return text
    return text


def _fields(section: str, before: Row, after: Row) -> tuple[FieldChange, ...]:
    return tuple(
        FieldChange(name, before.get(name, ""), after.get(name, ""))
        for name in ROW_FIELDS[section]
        if name != "id" and meaning(name, before.get(name, "")) != meaning(name, after.get(name, ""))
    )


def rows_of(content: Mapping[str, object], section: str) -> dict[str, Row]:
    """The rows of a section by id, in their order; ``content`` as it was kept, however long ago."""
    return sections_of({section: content.get(section)})[section]


def sections_of(content: Mapping[str, object]) -> dict[str, dict[str, Row]]:
    """Section → id → row, as in :func:`rows_of`."""
    found: dict[str, dict[str, Row]] = {}
    for section, rows in clean_content(content).items():
        if isinstance(rows, list):
            found[section] = {row["id"]: row for row in rows}
    return found


def changes(before: Mapping[str, object], after: Mapping[str, object]) -> tuple[ItemChange, ...]:
    """Every item that differs, in the order of ``after``, removed ones last in their section. A moved row is no change.

    Both contents may be drafts: what cannot be read as a number or a day is compared as text.
    """
    found: list[ItemChange] = []
    one, other = str(before.get("summary") or ""), str(after.get("summary") or "")
    if meaning("summary", one) != meaning("summary", other):
        field = FieldChange("summary", one, other)
        found.append(ItemChange("summary", "", ChangeKind.CHANGED, None, None, (field,)))
    before_rows, after_rows = sections_of(before), sections_of(after)
    for section in ROW_FIELDS:
        old, new = before_rows[section], after_rows[section]
        for key, row in new.items():
            if key not in old:
                found.append(ItemChange(section, key, ChangeKind.NEW, None, row))
            elif differing := _fields(section, old[key], row):
                found.append(ItemChange(section, key, ChangeKind.CHANGED, old[key], row, differing))
        found += [ItemChange(section, key, ChangeKind.REMOVED, row, None) for key, row in old.items() if key not in new]
    return tuple(found)


def _sums(content: Mapping[str, object], currency: str) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = {"": Decimal(0)}
    for row in rows_of(content, "budget").values():
        quantity, unit_cost = meaning("quantity", row["quantity"]), meaning("unit_cost", row["unit_cost"])
        if row["own"] or not isinstance(quantity, Decimal) or not isinstance(unit_cost, Decimal):
            continue
        amount = rounded(quantity * unit_cost, currency)
        for key in {row["category"], ""}:
            sums[key] = sums.get(key, Decimal(0)) + amount
    return sums


def total_changes(before: Mapping[str, object], after: Mapping[str, object], currency: str) -> tuple[TotalChange, ...]:
    """What the grant pays per category where it differs, and last the whole if that does; amounts in ``currency``.

    Lines that cannot be read yet count for nothing.
    """
    old, new = _sums(before, currency), _sums(after, currency)
    keys = [key for key in dict.fromkeys((*old, *new)) if key]
    found = (TotalChange(key, old.get(key, Decimal(0)), new.get(key, Decimal(0))) for key in (*keys, ""))
    return tuple(change for change in found if change.before != change.after)


def word_changes(before: str, after: str) -> list[tuple[str, str]]:
    """Two texts as one, word by word: pieces that stayed (``same``), went (``del``) or came (``ins``), in their order."""
    old, new = (re.findall(r"\s+|\S+", text.replace("\r\n", "\n").strip()) for text in (before, after))
    pieces: list[tuple[str, str]] = []
    for how, i, j, k, n in SequenceMatcher(None, old, new).get_opcodes():
        if how == "equal":
            pieces.append(("same", "".join(old[i:j])))
            continue
        pieces += [(tag, "".join(words)) for tag, words in (("del", old[i:j]), ("ins", new[k:n])) if words]
    return pieces
