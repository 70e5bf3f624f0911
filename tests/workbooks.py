"""Workbooks as people and their programs make them, for tests: whole ones, and each kind of broken one."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from typing import Any

import openpyxl
import xlsxwriter

HEADS: dict[str, list[str]] = {
    "Activities": ["Row", "Activity", "Who", "From", "To", "Deliverable", "Milestone"],
    "Milestones": ["Row", "Milestone", "Stage", "Due", "What proves it"],
    "Budget": ["Row", "Category", "What it pays for", "Quantity", "Unit cost", "Own contribution", "Activity"],
}
ROWS: dict[str, list[list[Any]]] = {
    "Activities": [["", "Interviews", "Ana", "2026-04-01", "30/04/2026", "Report", "Needs known"]],
    "Milestones": [["", "Needs known", "Prototyping", "15.05.2026", "Report"]],
    "Budget": [
        ["", "staff", "Developers", 4, "5.000,00", "", "Interviews"],
        ["", "staff", "Time", 1, 10000, "yes", ""],
    ],
}


def made(
    sheets: dict[str, list[list[Any]]] | None = None, change: Callable[[Any, dict[str, Any]], None] | None = None
) -> bytes:
    """A workbook with the given sheets (a whole plan without ids by default); ``change`` gets it and its pages last."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(out) as book:
        pages: dict[str, Any] = {}
        found = sheets or {"Summary": [["Summary"], ["Stock on a phone."]], **{n: [HEADS[n], *ROWS[n]] for n in HEADS}}
        for name, rows in found.items():
            pages[name] = book.add_worksheet(name)
            for n, row in enumerate(rows):
                pages[name].write_row(n, 0, row)
        if change:
            change(book, pages)
    return out.getvalue()


def changed(file: bytes, change: Callable[[Any], None]) -> bytes:
    """A workbook opened, changed and saved again, as a spreadsheet program does."""
    book = openpyxl.load_workbook(io.BytesIO(file))
    change(book)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def repacked(file: bytes, change: Callable[[str, bytes], bytes]) -> bytes:
    """A workbook with its parts changed as bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(file)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.namelist():
            new.writestr(part, change(part, old.read(part)))
    return out.getvalue()


def huge(rows: int = 100_000) -> bytes:
    """The plan, and a budget that goes on for so many rows."""

    def change(book: Any, pages: dict[str, Any]) -> None:
        for n in range(5, rows):
            pages["Budget"].write_row(n, 0, ["", "staff", "Line", 1, 2.5])

    return made(change=change)


def without_result() -> bytes:
    """A formula whose result is not in the file, as programs write it that do not work formulas out."""
    return changed(made(), lambda book: book["Budget"].__setitem__("E2", "=4*5"))


def merged() -> bytes:
    return changed(made(), lambda book: book["Budget"].merge_cells("C2:C3"))


def with_entities() -> bytes:
    """A part that would grow without end in a parser that believes what a file declares."""
    declared = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    return repacked(made(), lambda part, text: text.replace(b"?>", b"?>" + declared, 1) if "sheet1" in part else text)


def far_away() -> bytes:
    """One word in the last cell that there is."""
    return made(change=lambda book, pages: pages["Budget"].write(1_048_575, 16_383, "here"))


def cut_off() -> bytes:
    return made()[:4000]


def senseless() -> bytes:
    """A ZIP of the right parts with nonsense in one."""
    return repacked(made(), lambda part, text: b"<worksheet><sheetData><row" if "sheet2" in part else text)


def locked() -> bytes:
    """How every workbook with a password begins: it is no ZIP any more."""
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(5000)


def with_macros() -> bytes:
    def change(part: str, text: bytes) -> bytes:
        if part == "[Content_Types].xml":
            return text.replace(b"spreadsheetml.sheet.main+xml", b"spreadsheetml.sheet.macroEnabled.main+xml")
        return text

    return repacked(made(), change)
