"""What changed between two versions of a plan, in the reader's words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask_babel import gettext as _
from flask_babel import ngettext

from lab.rules import workplan_changes as rules
from lab.rules.money import MoneyError, parse_number
from lab.rules.workplan import SECTIONS, STAGES
from lab.rules.workplan_changes import ChangeKind, ItemChange, TotalChange
from lab.web.words import day, money, number, say


@dataclass(frozen=True)
class Field:
    """A field of an item before and after, as it is read; ``words`` tells longer texts apart: (``same``, ``del``, ``ins``)."""

    label: str
    before: str
    after: str
    words: list[tuple[str, str]]


@dataclass(frozen=True)
class Change:
    """An item that is new, removed or changed; ``anchor`` is where it stands on a page of the plan."""

    section: str
    id: str
    kind: str
    kind_label: str
    title: str
    fields: list[Field]

    @property
    def anchor(self) -> str:
        """The id of the item on pages of the plan."""
        return f"item-{self.section}-{self.id}" if self.id else f"item-{self.section}"


@dataclass(frozen=True)
class Total:
    """What the grant pays in a category, or in all, before and after."""

    label: str
    before: str
    after: str


@dataclass(frozen=True)
class Comparison:
    """A version against an earlier one: ``sentence`` sums it up, as in "3 changed, 1 new, 1 removed"."""

    against: int
    sentence: str
    items: list[Change]
    totals: list[Total]
    sections: list[tuple[str, list[Change]]]
    by_place: Mapping[tuple[str, str], Change]

    def at(self, section: str, key: str) -> Change | None:
        """What changed in an item that is there."""
        return self.by_place.get((section, key))

    def removed(self, section: str) -> list[Change]:
        """The items that are no longer in a section."""
        return [item for item in self.items if item.section == section and item.kind == ChangeKind.REMOVED]


@dataclass(frozen=True)
class Words:
    """How the cells of a plan are read out: what its references are called, and the currency of its costs."""

    titles: Mapping[str, Mapping[str, str]]
    categories: Mapping[str, str]
    currency: str

    def said(self, name: str, typed: str) -> str:
        """A cell as it is read; what cannot be read stays as it was typed."""
        if name == "own":
            return str(_("our own contribution") if typed else _("the grant"))
        if not typed.strip():
            return "–"
        try:
            if name == "unit_cost":
                return money(parse_number(typed), self.currency)
            if name == "quantity":
                return number(parse_number(typed))
            if name in rules.DAYS:
                return day(date.fromisoformat(typed.strip()))
        except (MoneyError, ValueError):
            return typed
        if name == "stage":
            return say(STAGES.get(typed, typed))
        if name == "category":
            return self.categories.get(typed, typed)
        if name in ("milestone", "activity"):
            return self.titles[name].get(typed) or str(_("one that is no longer in the plan"))
        return typed


def words_of(content: Mapping[str, Any], categories: Mapping[str, str], currency: str) -> Words:
    """How the cells of ``content`` are read out."""
    rows = rules.sections_of(content)
    titles = {
        name: {key: row["title"].strip() or _("one without a name") for key, row in rows[section].items()}
        for name, section in (("milestone", "milestones"), ("activity", "activities"))
    }
    return Words(titles, categories, currency)


def compare(
    before: Mapping[str, Any], after: Mapping[str, Any], against: int, categories: Mapping[str, str], currency: str
) -> Comparison:
    """``after`` against ``before``, which is version ``against``."""
    old, new = words_of(before, categories, currency), words_of(after, categories, currency)
    return comparison(rules.changes(before, after), rules.total_changes(before, after, currency), old, new, against)


def comparison(
    changes: Iterable[ItemChange], totals: Iterable[TotalChange], old: Words, new: Words, against: int = 0
) -> Comparison:
    """What was found to change, read out: what was there before by ``old``, what is there now by ``new``."""
    items = [_change(item, old, new) for item in changes]
    said = [
        Total(
            new.categories.get(total.category, total.category) or str(_("From the grant, in all")),
            money(total.before, new.currency),
            money(total.after, new.currency),
        )
        for total in totals
    ]
    sections = [(say(label), [item for item in items if item.section == key]) for key, label in SECTIONS.items()]
    by_place = {(item.section, item.id): item for item in items}
    return Comparison(against, _sentence(items), items, said, [pair for pair in sections if pair[1]], by_place)


def _sentence(items: list[Change]) -> str:
    counts = {kind: sum(item.kind == kind for item in items) for kind in ChangeKind}
    parts = (
        (counts[ChangeKind.CHANGED], ngettext("%(num)s changed", "%(num)s changed", counts[ChangeKind.CHANGED])),
        (counts[ChangeKind.NEW], ngettext("%(num)s new", "%(num)s new", counts[ChangeKind.NEW])),
        (counts[ChangeKind.REMOVED], ngettext("%(num)s removed", "%(num)s removed", counts[ChangeKind.REMOVED])),
    )
    return ", ".join(text for count, text in parts if count) or str(_("nothing"))


def _change(item: ItemChange, old: Words, new: Words) -> Change:
    row = item.after if item.after is not None else item.before
    if row is None:
        title = say(SECTIONS[item.section])
    else:
        title = row["title"] if "title" in row else row["description"]
    return Change(
        section=item.section,
        id=item.id,
        kind=item.kind,
        kind_label=say(rules.KIND_NAMES[item.kind]),
        title=title or "–",
        fields=_fields(item, old, new),
    )


def _fields(item: ItemChange, old: Words, new: Words) -> list[Field]:
    if item.kind is ChangeKind.CHANGED:
        return [
            Field(
                say(rules.FIELD_NAMES[change.name]),
                old.said(change.name, change.before),
                new.said(change.name, change.after),
                rules.word_changes(change.before, change.after) if change.name == "summary" else [],
            )
            for change in item.fields
        ]
    row, book = (item.after, new) if item.after is not None else (item.before, old)
    assert row is not None
    is_new = item.kind is ChangeKind.NEW
    said = [
        (say(rules.FIELD_NAMES[name]), book.said(name, typed))
        for name, typed in row.items()
        if name not in ("id", "title", "description")
    ]
    return [Field(label, "" if is_new else text, text if is_new else "", []) for label, text in said]
