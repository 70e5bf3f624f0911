"""Plain rows in, a CSV or an Excel file out, in which no text of anybody's is taken for a formula."""

from __future__ import annotations

import csv
import io
import math
import re
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import xlsxwriter

Cell = str | int | Decimal | date | datetime | None

# What an Excel cell can hold: longer texts end there with an ellipsis, longer numbers are written as texts.
MAX_CELL = 32_767
_EXACT = 10**15
_FIRST_YEAR = 1900
# A spreadsheet set to another language splits lines at semicolons or tabs and does not heed quotes in the middle of a
# line: what follows these stands at the beginning of a cell there.
_CELL_ENDS = re.compile(r"(?<=[;\t\r\n\v\f\x1c-\x1e\x85\u2028\u2029])")
_QUOTES = "\"'`´‘’‚‛“”„‟«»‹›＂＇"
# Compatibility forms (full width, small, superscript) are told by normalising; the minus sign is none of them.
_STARTERS = frozenset("=+-@\u2212")


def begins_formula(text: str) -> bool:
    """Whether a spreadsheet could take ``text`` for a formula: ``= + - @`` in any width, after blanks, quotes or nothing."""
    for letter in text:
        if letter.isspace() or letter in _QUOTES or unicodedata.category(letter) in ("Cc", "Cf"):
            continue
        return unicodedata.normalize("NFKC", letter)[:1] in _STARTERS
    return False


def neutral(text: str) -> str:
    """``text`` with an apostrophe before all that a spreadsheet could take for a formula, wherever a cell could begin.

    One that begins with a tab or a line end is given one too. Nothing else of it is changed.
    """
    if text[:1] in ("\t", "\r", "\n"):
        text = "'" + text
    return "".join(f"'{part}" if begins_formula(part) else part for part in _CELL_ENDS.split(text))


def _sound(text: str) -> str:
    """Halves of characters cannot be written."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _as_text(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, str):
        return neutral(_sound(cell))
    if isinstance(cell, datetime):
        return cell.isoformat(timespec="seconds")
    if isinstance(cell, date):
        return cell.isoformat()
    return f"{cell:f}" if isinstance(cell, Decimal) else str(cell)


def csv_file(headings: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    """A CSV file (RFC 4180, UTF-8 with the mark by which Excel knows it). Days and instants are written as ISO 8601 says."""
    out = io.StringIO(newline="")
    # Quoted throughout: a half of a line then still is a text.
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow([_as_text(heading) for heading in headings])
    for row in rows:
        writer.writerow([_as_text(cell) for cell in row])
    return out.getvalue().encode("utf-8-sig")


class _Page:
    """The one page of a workbook, written row by row."""

    def __init__(self, book: xlsxwriter.Workbook, title: str) -> None:
        # Square brackets and the like are not allowed in the name of a page.
        self.page = book.add_worksheet(re.sub(r"[\[\]:*?/\\']", " ", title)[:31].strip() or None)
        self.page.freeze_panes(1, 0)
        self.heading = book.add_format({"bold": True, "bottom": 1})
        # Also a text that somebody opens for editing and leaves again stays a text.
        self.guarded = book.add_format({"quote_prefix": True})
        self.day = book.add_format({"num_format": "yyyy-mm-dd"})
        self.instant = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        self.amount = book.add_format({"num_format": "#,##0.00"})

    def text(self, n: int, column: int, text: str, look: Any = None) -> None:
        kept = _sound(text)
        kept = kept if len(kept) <= MAX_CELL else kept[: MAX_CELL - 1] + "…"
        self.page.write_string(n, column, kept, self.guarded if look is None and begins_formula(kept) else look)

    def cell(self, n: int, column: int, cell: Cell) -> None:
        if cell is None:
            return
        if isinstance(cell, str):
            self.text(n, column, cell)
        elif isinstance(cell, date) and cell.year < _FIRST_YEAR:
            self.text(n, column, _as_text(cell))
        elif isinstance(cell, datetime):
            # Excel knows no zones: the heading has to say which one it is.
            self.page.write_datetime(n, column, cell.replace(tzinfo=None, microsecond=0), self.instant)
        elif isinstance(cell, date):
            self.page.write_datetime(n, column, cell, self.day)
        elif not math.isfinite(cell) or not -_EXACT < cell < _EXACT:
            self.page.write_string(n, column, _as_text(cell))
        else:
            self.page.write_number(n, column, cell, self.amount if isinstance(cell, Decimal) else None)


def xlsx_file(title: str, headings: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    """An Excel file of one page. Texts are texts whatever they look like; numbers, days and instants are Excel's own.

    An instant shows the time of its own zone. Rows are written as they come, in bounded memory.
    """
    out = io.BytesIO()
    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    with xlsxwriter.Workbook(out, options) as book:
        page = _Page(book, title)
        page.page.set_column(0, max(0, len(headings) - 1), 22)
        for column, heading in enumerate(headings):
            page.text(0, column, heading, page.heading)
        for n, row in enumerate(rows, 1):
            for column, cell in enumerate(row):
                page.cell(n, column, cell)
    return out.getvalue()
