"""A plan in a workbook: what its sheets hold, read all or nothing, every trouble named by its sheet and cell."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from lab.rules.errors import Refused
from lab.rules.money import Money, MoneyError, parse_number, quantum, rounded
from lab.rules.text import N_, M, Message
from lab.rules.workplan_cells import (
    REFERENCES,
    Cell,
    CellError,
    Choices,
    Trouble,
    alike,
    as_text,
    fold,
    plain_number,
    read_cell,
    read_reference,
    typed_cell,
)
from lab.rules.workplan_content import MAX_ROWS, MAX_TEXT, ROW_FIELDS, clean_content, is_written
from lab.rules.workplan_headings import COLUMNS, HEADINGS, TOTALS, field_of, section_of

MAX_TOLD = 20
# Enough for a plan with its blanks and notes; of a longer sheet no more is read.
MAX_SHEET_ROWS, MAX_SHEET_COLUMNS, MAX_SHEETS = 1000, 60, 20
_HEADING_ROWS = 30
_NAMES = {"activities": "title", "milestones": "title", "budget": "description"}
_ID = re.compile(r"[a-z0-9]{1,12}")


@dataclass(frozen=True)
class Grid:
    """A sheet as it was read: its rows from the first one, and its merged cells (first row, first column, last row, last
    column, counted from 1). ``cut``: it has more rows or columns than are read."""

    name: str
    rows: tuple[tuple[Cell, ...], ...]
    merged: tuple[tuple[int, int, int, int], ...] = ()
    cut: bool = False


@dataclass(frozen=True)
class Brought:
    """A plan read from a workbook, and what the reader should know about the reading."""

    content: dict[str, Any]
    notes: tuple[Message, ...]


class SheetRefused(Refused):
    """A workbook that is not taken; the reasons are named by sheet and cell, the first twenty of them."""


def cell_name(row: int, column: int) -> str:
    """``D7`` for the seventh row's fourth column, counted from 1."""
    letters = ""
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return f"{letters}{row}"


@dataclass(frozen=True)
class _Place:
    row: int
    column: int
    cell: Cell


class _Book:
    """Collects troubles while the sheets are read, so that all are told at once."""

    def __init__(self, current: Mapping[str, Any], choices: Choices) -> None:
        self.current, self.choices = clean_content(current), choices
        self.troubles: list[Message] = []
        self.notes: list[Message] = []

    def fail(self, place: str, problem: Message) -> None:
        self.troubles.append(M(N_("%(place)s: %(problem)s"), place=place, problem=problem))

    def fail_at(self, grid: Grid, row: int, column: int, problem: Message) -> None:
        self.fail(f"{grid.name}!{cell_name(row, column)}", problem)

    def before(self, section: str) -> dict[str, dict[str, str]]:
        rows: Any = self.current[section]
        return {row["id"]: row for row in rows}


def read_book(
    grids: Sequence[Grid], current: Mapping[str, Any], choices: Choices, new_id: Callable[[], str]
) -> Brought:
    """The plan in the sheets ``grids``. ``current`` is the plan as it stands: a cell that says the same keeps its words.

    New rows get ids from ``new_id``. Raises SheetRefused; nothing of a workbook with a trouble in it is taken.
    """
    book = _Book(current, choices)
    found = _sheets(book, grids)
    content: dict[str, Any] = {"summary": _summary(book, found["summary"]) if "summary" in found else ""}
    read = {section: _rows(book, section, found[section]) for section in COLUMNS if section in found}
    named = {section: _named(book, section, rows, new_id) for section, rows in read.items()}
    book.choices = replace(
        choices,
        titles={
            s: {row_id: _title(row) for row_id, row in named[s]} for s in ("activities", "milestones") if s in named
        },
        earlier={s: {key: row["title"] for key, row in book.before(s).items()} for s in ("activities", "milestones")},
    )
    for section, rows in named.items():
        content[section] = [_row(book, section, found[section], row_id, row) for row_id, row in rows]
        if len(rows) > MAX_ROWS and not found[section].cut:
            book.fail(found[section].name, M(N_("there are %(count)s rows; a plan holds up to %(limit)s."), count=len(rows), limit=MAX_ROWS))  # fmt: skip
    if book.troubles:
        raise SheetRefused(*_told(book.troubles))
    return Brought(clean_content(content), tuple(book.notes))


def _told(troubles: Sequence[Message]) -> Iterator[Message]:
    yield from troubles[:MAX_TOLD]
    if len(troubles) > MAX_TOLD:
        yield M(
            N_("… and %(count)s more: mend these first, then upload the file again."), count=len(troubles) - MAX_TOLD
        )


def _sheets(book: _Book, grids: Sequence[Grid]) -> dict[str, Grid]:
    """The sheet of each section. A missing one is a trouble; one that is none of ours is mentioned."""
    found: dict[str, Grid] = {}
    strange: list[str] = []
    for grid in grids:
        section = section_of(grid.name)
        if section in found:
            book.fail(grid.name, M(N_("“%(other)s” holds the same: delete one of the two sheets."), other=found[section].name))  # fmt: skip
        elif section is not None:
            found[section] = grid
        else:
            strange.append(grid.name)
    names = {
        "summary": N_("Summary"),
        "activities": N_("Activities"),
        "milestones": N_("Milestones"),
        "budget": N_("Budget"),
    }
    for section, name in names.items():
        if section not in found:
            book.troubles.append(M(N_("The sheet “%(name)s” is missing: give a sheet that name, or download the workbook again."), name=M(name)))  # fmt: skip
    for section, grid in found.items():
        if grid.cut and section != "notes":
            book.fail(grid.name, M(N_("the sheet has more than %(rows)s rows or %(columns)s columns: delete what is no part of the plan."), rows=MAX_SHEET_ROWS, columns=MAX_SHEET_COLUMNS))  # fmt: skip
    if strange:
        book.notes.append(
            M(N_("Not read, because the plan has no such sheet: %(names)s."), names=", ".join(strange[:10]))
        )
    return found


def _summary(book: _Book, grid: Grid) -> str:
    """The text below the heading that is the sheet's own name."""
    for number, row in enumerate(grid.rows[:_HEADING_ROWS], 1):
        for column, cell in enumerate(row, 1):
            if isinstance(cell, str) and section_of(cell) == "summary":
                below = _at(grid, number + 1, column)
                try:
                    text = as_text(below)
                except CellError as error:
                    book.fail_at(grid, number + 1, column, error.message)
                    return ""
                if len(text) > MAX_TEXT:
                    book.fail_at(grid, number + 1, column, _too_long(text))
                return str(book.current["summary"]) if alike(text, str(book.current["summary"])) else text
    book.fail(grid.name, M(N_("the heading “%(name)s” is missing: write it above the text."), name=M(N_("Summary"))))
    return ""


def _at(grid: Grid, row: int, column: int) -> Cell:
    cells = grid.rows[row - 1] if row <= len(grid.rows) else ()
    return cells[column - 1] if column <= len(cells) else None


def _too_long(text: str) -> Message:
    return M(N_("the text has %(count)s characters; up to %(limit)s are taken."), count=len(text), limit=MAX_TEXT)


def _columns(book: _Book, section: str, grid: Grid) -> tuple[int, dict[str, int]]:
    """The row of the headings and the column of each field: that row of the first thirty which has most of them."""
    best: tuple[int, dict[str, int]] = (0, {})
    for number, row in enumerate(grid.rows[:_HEADING_ROWS], 1):
        columns: dict[str, int] = {}
        for column, cell in enumerate(row, 1):
            name = field_of(section, cell) if isinstance(cell, str) else None
            if name:
                columns.setdefault(name, column)
        if len(columns) > len(best[1]):
            best = number, columns
    return best


def _rows(book: _Book, section: str, grid: Grid) -> list[dict[str, _Place]]:
    """The rows below the headings in which something is written, as field → place."""
    start, columns = _columns(book, section, grid)
    wanted = [name for name in COLUMNS[section] if name not in ("id", "amount", "own", *REFERENCES)]
    missing = [name for name in wanted if name not in columns]
    if missing:
        names = ", ".join(_heading(section, name) for name in missing)
        book.fail(
            grid.name, M(N_("these columns are missing: %(names)s. Write their headings in one row."), names=names)
        )
        return []
    known = {column: name for name, column in columns.items() if name != "amount"}
    _look_for_merged(book, grid, start, known)
    heads = enumerate(grid.rows[start - 1], 1)
    others = [as_text(cell) for column, cell in heads if isinstance(cell, str) and cell.strip() and field_of(section, cell) is None]  # fmt: skip
    if others:
        book.notes.append(M(N_("Not read on “%(sheet)s”, because the plan has no such column: %(names)s."), sheet=grid.name, names=", ".join(others[:10])))  # fmt: skip
    rows = []
    for number, cells in enumerate(grid.rows[start:], start + 1):
        row = {name: _Place(number, column, _at(grid, number, column)) for column, name in known.items()}
        if _filled(row) and not _is_total(section, row, cells):
            if "amount" in columns:
                row["amount"] = _Place(number, columns["amount"], _at(grid, number, columns["amount"]))
            rows.append(row)
    return rows


def _heading(section: str, name: str) -> str:
    return HEADINGS["en"][section][name]


def _filled(row: Mapping[str, _Place]) -> bool:
    words = {name: "x" if isinstance(place.cell, Trouble) else as_text(place.cell) for name, place in row.items()}
    return is_written(words)


def _is_total(section: str, row: Mapping[str, _Place], cells: Sequence[Cell]) -> bool:
    """Whether the row is a sum that somebody put below the lines: a word for it, and no line of a budget."""
    if section != "budget" or any(row[name].cell not in (None, "") for name in ("quantity", "unit_cost")):
        return False
    words = [fold(cell) for cell in cells if isinstance(cell, str) and cell.strip()]
    return len(words) == 1 and words[0] in TOTALS


def _look_for_merged(book: _Book, grid: Grid, start: int, known: Mapping[int, str]) -> None:
    for first_row, first_column, last_row, last_column in grid.merged:
        if last_row >= start and any(first_column <= column <= last_column for column in known):
            area = f"{grid.name}!{cell_name(first_row, first_column)}:{cell_name(last_row, last_column)}"
            book.fail(area, M(N_("these cells are merged: unmerge them, so that each row has cells of its own.")))


def _named(book: _Book, section: str, rows: Sequence[dict[str, _Place]], new_id: Callable[[], str]) -> list[tuple[str, dict[str, _Place]]]:  # fmt: skip
    """The rows with an id each: their own; that of the row of the plan with the same name, if it has none; or a new one."""
    before, name = book.before(section), _NAMES[section]
    own = [_own_id(row) for row in rows]
    taken = set(own)
    ids: list[str] = []
    for row, row_id in zip(rows, own, strict=True):
        if row_id and row_id not in ids:
            ids.append(row_id)
            continue
        same = [key for key, old in before.items() if key not in taken and alike(row[name].cell, old[name])]
        ids.append(same[0] if len(same) == 1 and not row_id else new_id())
        taken.add(ids[-1])
    return list(zip(ids, rows, strict=True))


def _own_id(row: Mapping[str, _Place]) -> str:
    cell = row["id"].cell if "id" in row else None
    text = "" if cell is None or isinstance(cell, Trouble) else as_text(cell).strip()
    return text if _ID.fullmatch(text) else ""


def _title(row: Mapping[str, _Place]) -> str:
    cell = row["title"].cell
    return "" if isinstance(cell, Trouble) else as_text(cell)


def _row(book: _Book, section: str, grid: Grid, row_id: str, row: Mapping[str, _Place]) -> dict[str, str]:
    before = book.before(section).get(row_id, {})
    cells = {"id": row_id}
    for name in ROW_FIELDS[section]:
        if name == "id":
            continue
        if name not in row:
            # A column that somebody left out takes nothing away.
            cells[name] = before.get(name, "")
            continue
        place, old = row[name], before.get(name, "")
        try:
            cells[name] = _field(name, place.cell, old, book.choices)
        except CellError as error:
            book.fail_at(grid, place.row, place.column, error.message)
        else:
            if len(cells[name]) > MAX_TEXT:
                book.fail_at(grid, place.row, place.column, _too_long(cells[name]))
    if "amount" in row:
        _look_at_amount(book, grid, row["amount"], cells)
    return cells


def _look_at_amount(book: _Book, grid: Grid, place: _Place, cells: Mapping[str, str]) -> None:
    """An amount is worked out and never read: one that was typed and says something else must not be dropped in silence."""
    cell, currency = place.cell, book.choices.currency
    if isinstance(cell, Trouble) or not as_text(cell).strip() or not {"quantity", "unit_cost"} <= set(cells):
        return
    try:
        amount = cell if isinstance(cell, Decimal) else Decimal(read_cell("quantity", cell, book.choices))
    except CellError as error:
        book.fail_at(grid, place.row, place.column, error.message)
        return
    try:
        product = parse_number(cells["quantity"]) * parse_number(cells["unit_cost"])
    except MoneyError:
        sentence = N_("an amount needs its quantity and its unit cost: type those, the amount is worked out.")
        book.fail_at(grid, place.row, place.column, M(sentence))
        return
    # Rounded to the last minor unit or not, a spreadsheet's own noise left aside.
    if abs(amount - product) * 2 > quantum(currency) * Decimal("1.001"):
        sentence = N_(
            "the amount is %(amount)s, but quantity × unit cost comes to %(product)s: change one of these two. The amount is worked out of them."
        )
        told = {"amount": plain_number(amount), "product": Money(rounded(product, currency), currency)}
        book.fail_at(grid, place.row, place.column, M(sentence, **told))


def _field(name: str, cell: Cell, old: str, choices: Choices) -> str:
    if name in REFERENCES:
        return read_reference(name, cell, choices)
    if old and alike(cell, typed_cell(name, old)):
        return old
    return read_cell(name, cell, choices)
