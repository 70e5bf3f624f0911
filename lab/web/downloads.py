"""Lists to take out, as CSV or Excel, and the name under which a file is saved."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum
from urllib.parse import quote

from werkzeug.wrappers import Response

from lab import clock
from lab.rules.calendar import local_day
from lab.rules.errors import Invalid
from lab.rules.text import N_, M
from lab.sheets import Cell, csv_file, xlsx_file
from lab.web.words import time_zone


class SheetKind(StrEnum):
    """What a list can be taken out as."""

    CSV = "csv"
    XLSX = "xlsx"


_TYPES = {
    SheetKind.CSV: "text/csv; charset=utf-8",
    SheetKind.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


def pdf(body: bytes, name: str) -> Response:
    """A document that is drawn for its reader, to be saved as ``name``."""
    answer = Response(body, mimetype="application/pdf")
    answer.headers["Content-Disposition"] = disposition(name)
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


def sheet_kind(wanted: str) -> SheetKind:
    """What a form asks for. Raises Invalid for anything else."""
    try:
        return SheetKind(wanted)
    except ValueError:
        raise Invalid({"format": M(N_("Choose CSV or Excel."))}) from None


def sheet(kind: SheetKind, name: str, title: str, headings: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Response:
    """The list as a file to be saved. ``name`` is of our own making: small letters and hyphens; the day is added to it."""
    file = csv_file(headings, rows) if kind is SheetKind.CSV else xlsx_file(title, headings, rows)
    return as_download(kind, name, file)


def as_download(kind: SheetKind, name: str, file: bytes) -> Response:
    """A file that is made already, to be saved under ``name`` and the day."""
    day = local_day(clock.now(), time_zone())
    answer = Response(file, content_type=_TYPES[kind])
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}-{day.isoformat()}.{kind}"'
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["Cache-Control"] = "no-store"
    return answer


def disposition(name: str) -> str:
    """An attachment's name for every browser: plain letters first, then exactly as it is (RFC 6266, RFC 5987)."""
    plain = "".join(letter if " " <= letter <= "~" and letter not in '"\\%' else "_" for letter in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
