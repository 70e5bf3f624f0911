"""The whole of a file looked into before it is kept: reads in pieces, unpacks within a budget, never writes."""

from __future__ import annotations

from typing import IO

from lab.inspection.archives import read_archive
from lab.inspection.papers import read_pdf, read_text
from lab.inspection.pictures import read_picture
from lab.inspection.pieces import Found, Work, ends_as_archive
from lab.rules.inspection import Finding

__all__ = ["Finding", "Work", "inspect"]

_ARCHIVES = frozenset({"docx", "xlsx", "pptx", "odt", "ods"})
_PICTURES = frozenset({"png", "jpeg"})
_TEXTS = frozenset({"csv", "txt"})


def inspect(file: IO[bytes], size: int, code: str, work: Work | None = None) -> Finding | None:
    """The first thing found in ``file`` (``size`` bytes, seekable) for which a file of kind ``code`` is not taken.

    ``work`` counts the bytes that were unpacked; it ends the inspection when they are too many. Raises OSError when
    the file itself cannot be read.
    """
    work = work or Work()
    try:
        if code in _ARCHIVES:
            read_archive(file, size, code, work)
        else:
            _read_other(file, size, code, work)
    except Found as found:
        return found.finding
    return None


def _read_other(file: IO[bytes], size: int, code: str, work: Work) -> None:
    if code in _TEXTS:
        read_text(file)
        return
    if ends_as_archive(file, size):
        raise Found(Finding.MIXED)
    if code in _PICTURES:
        read_picture(file, size, code)
    elif code == "pdf":
        read_pdf(file, size, work)
