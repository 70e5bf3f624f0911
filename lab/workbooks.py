"""Excel workbooks of several sheets: written to be filled in, and read again cell by cell, never more than is needed."""

from __future__ import annotations

import io
import math
import re
import warnings
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import IO, Any

import openpyxl
import xlsxwriter
from openpyxl.styles.numbers import is_date_format

from lab.rules.workplan_cells import Cell, Trouble
from lab.rules.workplan_sheet import MAX_SHEET_COLUMNS, MAX_SHEET_ROWS, MAX_SHEETS, Grid
from lab.sheets import begins_formula

# Of a workbook's text parts together, unpacked: a full plan has a tenth of that, and more would take seconds to read.
MAX_PARTS = 4 * 1024 * 1024
_MARKUP = (".xml", ".rels", ".vml")
_MERGED = re.compile(rb'<(?:\w+:)?mergeCell\s[^>]*?ref\s*=\s*["\']([A-Z]{1,3})(\d{1,7}):([A-Z]{1,3})(\d{1,7})["\']')
# A cell with something in it, in the thousandth row or the 53rd column or beyond: there may be nothing between.
_FAR = re.compile(rb'<(?:\w+:)?c\s[^>]*?\br="([A-Z]{1,3}\d{4,7}|[B-Z][A-Z]\d{1,7}|[A-Z]{3}\d{1,7})"[^>]*(?<!/)>')
_FORMULA = re.compile(rb"<(?:\w+:)?f[\s/>]")
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


class Unreadable(Exception):
    """Not a workbook that can be read, although its parts are those of one."""


class TooMuch(Exception):
    """Far more than a plan: it is not read at all."""


@dataclass(frozen=True)
class Book:
    """A workbook as read; ``epoch`` is the day that its numbers of days count from."""

    grids: tuple[Grid, ...]
    epoch: date = date(1899, 12, 30)


def read_workbook(file: IO[bytes], wanted: Callable[[str], object]) -> Book:
    """The sheets of ``file`` whose names are ``wanted``, up to a thousand rows of each; the others by name alone.

    The file must have been inspected (``lab.inspection``). Raises Unreadable, and TooMuch before anything is parsed.
    """
    try:
        _check_parts(file)
        with warnings.catch_warnings():
            # What the library says about decorations that it does not keep: nothing is kept here.
            warnings.simplefilter("ignore")
            return _read(file, wanted)
    except TooMuch:
        raise
    except Exception as error:
        # The library's parser meets whatever people's programs and enemies write: any way in which it fails is the file's.
        raise Unreadable from error


def _check_parts(file: IO[bytes]) -> None:
    """No part declares entities, none is in letters in which that could hide, and together they are of a plan's size."""
    with zipfile.ZipFile(file) as archive:
        parts = [part for part in archive.infolist() if part.filename.lower().endswith(_MARKUP)]
        if sum(part.file_size for part in parts) > MAX_PARTS:
            raise TooMuch
        for part in parts:
            text = archive.read(part)
            if b"<!DOCTYPE" in text or b"<!ENTITY" in text or b"\0" in text:
                raise Unreadable


def _read(file: IO[bytes], wanted: Callable[[str], object]) -> Book:
    book = openpyxl.load_workbook(file, read_only=True, data_only=True, keep_links=False)
    try:
        if len(book.sheetnames) > MAX_SHEETS:
            raise TooMuch
        grids = []
        formulas = None
        with zipfile.ZipFile(file) as archive:
            for sheet in book.worksheets:
                if not wanted(sheet.title):
                    grids.append(Grid(sheet.title[:31], ()))
                    continue
                # The reading mode that stops early knows no merged cells: they are looked for in the sheet's own text.
                text = archive.read(sheet._worksheet_path)
                if _FORMULA.search(text) and formulas is None:
                    formulas = openpyxl.load_workbook(file, read_only=True, keep_links=False)
                grids.append(_grid(sheet, formulas[sheet.title] if formulas else None, text))
        return Book(tuple(grids), book.epoch.date())
    finally:
        book.close()


def _grid(sheet: Any, formulas: Any, text: bytes) -> Grid:
    limits = {"max_row": MAX_SHEET_ROWS + 1, "max_col": MAX_SHEET_COLUMNS + 1}
    # What a file says about its own size is not to be believed.
    sheet.reset_dimensions()
    rows = [[_cell(cell) for cell in row] for row in sheet.iter_rows(**limits)]
    if formulas is not None:
        formulas.reset_dimensions()
        for row, typed in zip(rows, formulas.iter_rows(**limits), strict=False):
            for n, cell in enumerate(typed):
                if getattr(cell, "data_type", "") != "f" or n >= len(row):
                    continue
                if row[n] is None:
                    row[n] = Trouble.NO_RESULT
                elif row[n] is Trouble.NO_DAY:
                    row[n] = Trouble.ERROR
    while rows and all(cell is None for cell in rows[-1]):
        rows.pop()
    cut = len(rows) > MAX_SHEET_ROWS or any(_is_far(found[1]) for found in _FAR.finditer(text))
    merged = tuple(
        (int(found[2]), _column(found[1]), int(found[4]), _column(found[3])) for found in _MERGED.finditer(text)
    )
    kept = tuple(tuple(row[:MAX_SHEET_COLUMNS]) for row in rows[:MAX_SHEET_ROWS])
    return Grid(sheet.title[:31], kept, merged[:MAX_SHEET_ROWS], cut)


def _is_far(place: bytes) -> bool:
    letters = place.rstrip(b"0123456789")
    return int(place[len(letters) :]) > MAX_SHEET_ROWS or _column(letters) > MAX_SHEET_COLUMNS


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def _cell(cell: Any) -> Cell:
    value = cell.value
    if getattr(cell, "data_type", "") == "e":
        # The library's word for a number that is shown as a date and is none; a formula's error is told apart later.
        return Trouble.NO_DAY if value == "#VALUE!" and is_date_format(cell.number_format) else Trouble.ERROR
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return Decimal(repr(value)) if math.isfinite(value) else Trouble.ERROR
    if isinstance(value, datetime):
        return value if value.time() != time() else value.date()
    if isinstance(value, time | timedelta):
        return str(value)
    return value if isinstance(value, date) else _CONTROLS.sub("", str(value))


# Writing --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Column:
    """A column: its heading, its width in characters, and what its cells are: text, day, number or formula.

    ``form`` is the numbers' format, ``choices`` a list or a range to choose from (others are warned of, and taken).
    ``formula`` makes a row's formula of its number; its cells hold the result. ``hidden``: it is for the program alone.
    """

    heading: str
    width: int = 20
    kind: str = "text"
    form: str = ""
    choices: Sequence[str] | str = ()
    formula: Callable[[int], str] | None = None
    hidden: bool = False


@dataclass(frozen=True)
class Page:
    """A sheet of rows under headings, with room for ``room`` rows in all."""

    name: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    room: int = 0


@dataclass(frozen=True)
class Leaf:
    """A sheet of lines, a heading first; a line is a text, or a label with a number and its formula.

    ``form`` is the numbers' format; ``lists`` stand beside the lines, from column D on, for other sheets to choose from.
    ``hidden`` are texts for the program alone, in a hidden column behind them.
    """

    name: str
    heading: str
    lines: Sequence[str | tuple[str, Decimal, str]]
    form: str = ""
    lists: Sequence[Sequence[str]] = ()
    hidden: Sequence[str] = ()


class _Writer:
    def __init__(self, book: xlsxwriter.Workbook) -> None:
        self.book = book
        text = {"text_wrap": True, "valign": "top"}
        self.heading = book.add_format({"bold": True, "bottom": 1, "bg_color": "#e4f0f1", "text_wrap": True})
        self.locked = book.add_format({"font_color": "#7b898f", "bg_color": "#edebe5", "italic": True})
        self.text, self.guarded = book.add_format(text), book.add_format(text | {"quote_prefix": True})
        self.formats: dict[str, Any] = {}

    def look(self, column: Column) -> Any:
        form = "yyyy-mm-dd" if column.kind == "day" else column.form
        if column.hidden:
            return self.locked
        if not form:
            return self.text
        grey = {"font_color": "#52626a", "bg_color": "#edebe5"} if column.formula else {}
        key = form + column.kind
        return self.formats.setdefault(key, self.book.add_format({"num_format": form, "valign": "top"} | grey))

    def put(self, sheet: Any, row: int, column: int, cell: Cell, look: Any) -> None:
        if isinstance(cell, str) and cell:
            sheet.write_string(row, column, cell, self.guarded if begins_formula(cell) and look is self.text else look)
        elif isinstance(cell, date):
            sheet.write_datetime(row, column, cell, look)
        elif isinstance(cell, Decimal):
            sheet.write_number(row, column, cell, look)

    def page(self, page: Page) -> None:
        sheet = self.book.add_worksheet(page.name)
        sheet.freeze_panes(1, 0)
        last = max(page.room, len(page.rows))
        for n, column in enumerate(page.columns):
            sheet.set_column(n, n, column.width, self.look(column), {"hidden": column.hidden})
            sheet.write_string(0, n, column.heading, self.heading)
            if column.choices:
                source = {"source": column.choices if isinstance(column.choices, str) else list(column.choices)}
                sheet.data_validation(1, n, last, n, {"validate": "list", "error_type": "warning"} | source)
        for row in range(1, last + 1):
            cells = page.rows[row - 1] if row <= len(page.rows) else ()
            for n, column in enumerate(page.columns):
                cell = cells[n] if cells else None
                if column.formula:
                    sheet.write_formula(
                        row, n, column.formula(row + 1), self.look(column), "" if cell is None else cell
                    )
                else:
                    self.put(sheet, row, n, cell, self.look(column))

    def leaf(self, leaf: Leaf) -> None:
        sheet = self.book.add_worksheet(leaf.name)
        sheet.set_column(0, 0, 90, self.text)
        sheet.set_column(1, 1, 18)
        sheet.write_string(0, 0, leaf.heading, self.heading)
        amount = self.book.add_format({"num_format": leaf.form, "bold": True})
        for n, line in enumerate(leaf.lines, 1):
            if isinstance(line, str):
                self.put(sheet, n, 0, line, self.text)
            else:
                self.put(sheet, n, 0, line[0], self.text)
                sheet.write_formula(n, 1, line[2], amount, line[1])
        for column, words in enumerate(leaf.lists, 3):
            sheet.set_column(column, column, 30)
            for n, word in enumerate(words):
                self.put(sheet, n, column, word, self.text)
        for n, text in enumerate(leaf.hidden):
            column = 4 + len(leaf.lists)
            sheet.set_column(column, column, 9, self.locked, {"hidden": True})
            sheet.write_string(n, column, text, self.locked)


def write_workbook(pages: Sequence[Page | Leaf]) -> bytes:
    """The workbook. No text in it is a formula. A list of more than 255 characters, which is Excel's limit, has to be a range."""
    out = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(out, options) as book:
        writer = _Writer(book)
        for page in pages:
            if isinstance(page, Leaf):
                writer.leaf(page)
            else:
                writer.page(page)
    return out.getvalue()
