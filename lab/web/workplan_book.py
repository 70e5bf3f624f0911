"""A plan as an Excel workbook to be filled in: its sheets and lists in the reader's language."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

from flask_babel import gettext as _

from lab.queries.workplan import frame_of
from lab.rules import calls
from lab.rules.money import minor_units
from lab.rules.workplan import Reading, read_plan
from lab.rules.workplan_cells import REFERENCES, STAGE_WORDS, YES, Cell, refer, typed_cell
from lab.rules.workplan_content import MAX_ROWS, clean_content
from lab.rules.workplan_headings import COLUMNS, words_of
from lab.rules.workplan_merge import base_of
from lab.rules.workplan_stamp import Stamp
from lab.web.words import instant, locale, money
from lab.web.workplan_views import Desk
from lab.workbooks import Column, Leaf, Page, write_workbook

_WIDTHS = {
    "id": 9, "title": 34, "owner": 20, "deliverable": 34, "milestone": 26, "proof": 40, "description": 40, "category": 24,
    "activity": 30, "quantity": 11, "own": 14,
}  # fmt: skip


class _Maker:
    def __init__(self, desk: Desk, content: dict[str, Any]) -> None:
        self.desk, self.content = desk, clean_content(content)
        self.language = locale() if locale() in STAGE_WORDS else "en"
        self.sheets, self.headings = words_of(self.language)
        self.titles = {
            section: {row["id"]: row["title"] for row in self.rows(section)} for section in REFERENCES.values()
        }
        self.labels = {
            item.key: calls.text(item.label, self.language) for item in desk.frame.definition.budget_categories
        }
        units = minor_units(desk.frame.award.currency)
        self.form = "#,##0" + ("." + "0" * units if units else "")

    def rows(self, section: str) -> list[dict[str, str]]:
        found: Any = self.content[section]
        return list(found)

    def page(self, section: str, amounts: dict[str, Decimal]) -> Page:
        columns = [self.column(section, name) for name in COLUMNS[section]]
        rows = [
            [amounts.get(row["id"]) if name == "amount" else self.cell(name, row[name]) for name in COLUMNS[section]]
            for row in self.rows(section)
        ]
        return Page(self.sheets[section], columns, rows, MAX_ROWS)

    def cell(self, name: str, text: str) -> Cell:
        if name in REFERENCES:
            return refer(text, self.titles[REFERENCES[name]])
        if name == "category":
            return self.labels.get(text, text)
        if name == "stage":
            return STAGE_WORDS[self.language].get(text, text)
        if name == "own":
            return YES[self.language] if text else ""
        return typed_cell(name, text)

    def column(self, section: str, name: str) -> Column:
        heading = self.headings[section][name]
        if name in ("unit_cost", "amount"):
            heading = f"{heading} ({self.desk.frame.award.currency})"
        kinds = {"starts_on": "day", "ends_on": "day", "due_on": "day"}
        form = self.form if name in ("unit_cost", "amount") else "0.######" if name == "quantity" else ""
        return Column(
            heading, _WIDTHS.get(name, 15), kinds.get(name, "number" if form else "text"), form, self.choices(name),
            _product(_letter(section, "quantity"), _letter(section, "unit_cost")) if name == "amount" else None,
            name == "id",
        )  # fmt: skip

    def choices(self, name: str) -> list[str] | str:
        if name in REFERENCES:
            section = REFERENCES[name]
            return f"={self.area(section, 'title')}"
        if name == "category":
            return f"='{self.sheets['notes']}'!$D$1:$D${max(1, len(self.labels))}"
        if name == "stage":
            return list(STAGE_WORDS[self.language].values())
        return [YES[self.language]] if name == "own" else []

    def area(self, section: str, name: str) -> str:
        letter = _letter(section, name)
        return f"'{self.sheets[section]}'!${letter}$2:${letter}${MAX_ROWS + 1}"

    def summary(self, reading: Reading) -> Leaf:
        amounts, own = self.area("budget", "amount"), self.area("budget", "own")
        award = self.desk.frame.award
        ours = f'SUMIF({own},"{YES[self.language]}",{amounts})'
        granted = f"SUM({amounts})-{ours}"
        sums: list[str | tuple[str, Decimal, str]] = [
            "",
            (str(_("From the grant (worked out)")), reading.granted, f"={granted}"),
            (str(_("Own contributions (worked out)")), reading.own, f"={ours}"),
            (str(_("Still to plan of the award (worked out)")), award.amount - reading.granted, f"={award.amount}-({granted})"),
        ]  # fmt: skip
        return Leaf(self.sheets["summary"], self.sheets["summary"], [str(self.content["summary"]), *sums], self.form)

    def notes(self, at: datetime | None) -> Leaf:
        award = self.desk.frame.award
        amount = money(award.amount, award.currency)
        lines = [
            _("Workplan and budget: %(project)s", project=award.project),
            _("Made from the plan as it stood on %(when)s. A hidden column of this sheet says so to the website: leave it as it is.", when=instant(at)) if at else "",
            _("Write below the headings of each sheet, one row for each activity, milestone and budget line. Up to %(limit)s rows are read of a sheet.", limit=MAX_ROWS),
            _("The names of the sheets and the headings must stay; the order of the columns does not matter. Columns and sheets of your own are not read."),
            _("Days: as dates, or as 2026-01-31 or 31/01/2026. Amounts: as numbers; 1.234,50 and 1,234.50 are understood too."),
            _("Where a cell offers a list, choose from it. Activities and milestones are chosen by their names."),
            _("The lines that are not your own contribution must add up to the award exactly: %(amount)s. The sums on the first sheet tell how far you are.", amount=amount),
            _("The first column of each sheet is hidden. It tells the rows apart, so that comments stay with them: leave it empty in new rows."),
            _("Formulas are taken with their results. Cells must not be merged."),
            _("When you are done: save, then upload the workbook on the page “Fill in offline”. It shows what will change before anything does."),
        ]  # fmt: skip
        return Leaf(
            self.sheets["notes"],
            self.sheets["notes"],
            [str(line) for line in lines if line],
            lists=[list(self.labels.values())],
            hidden=Stamp(self.desk.code, at, base_of(self.content)).cells,
        )


def _letter(section: str, name: str) -> str:
    return chr(65 + COLUMNS[section].index(name))


def _product(one: str, other: str) -> Callable[[int], str]:
    return lambda row: f'=IF(OR({one}{row}="",{other}{row}=""),"",{one}{row}*{other}{row})'


def plan_workbook(desk: Desk, content: dict[str, Any], at: datetime | None) -> bytes:
    """The plan ``content``, saved or handed in at ``at`` (UTC), as a workbook."""
    maker = _Maker(desk, content)
    reading = read_plan(maker.content, frame_of(desk.frame.award, desk.frame.definition))
    amounts = {line.id: line.amount for line in reading.lines}
    pages: list[Page | Leaf] = [
        maker.summary(reading),
        *(maker.page(section, amounts) for section in COLUMNS),
        maker.notes(at),
    ]
    return write_workbook(pages)
