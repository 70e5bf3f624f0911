"""Files as pages list them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from babel.units import format_unit
from flask import current_app, url_for
from flask_babel import get_locale, ngettext

from lab import clock
from lab.services.upload import Intake
from lab.web.access import config
from lab.web.whereabouts import place
from lab.web.words import instant

if TYPE_CHECKING:
    from lab.models import Upload

_UNITS = ((1024**3, "digital-gigabyte"), (1024**2, "digital-megabyte"), (1024, "digital-kilobyte"))


@dataclass(frozen=True)
class FileCard:
    """A file for the macro ``file_list``."""

    id: int
    name: str
    size_text: str
    who: str
    when: str
    href: str
    may_remove: bool = True


def size_text(size: int) -> str:
    """``size`` bytes as people read them: “1.4 MB”."""
    for unit, name in _UNITS:
        if size >= unit:
            return _said(round(size / unit, 1), name)
    said: str = ngettext("%(num)d byte", "%(num)d bytes", size)
    return said


def _said(value: float, unit: str) -> str:
    return str(format_unit(value, unit, length="short", locale=str(get_locale())))


def card(upload: Upload, award_code: str, may_remove: bool = True) -> FileCard:
    """One file as a card. Its uploader must be loaded (``queries.upload.uploads_of``)."""
    return FileCard(
        id=upload.id,
        name=upload.name,
        size_text=size_text(upload.size),
        who=upload.uploader.name,
        when=instant(upload.uploaded_at),
        href=url_for("upload.download", award_code=award_code, upload_id=upload.id),
        may_remove=may_remove,
    )


def cards(uploads: Iterable[Upload], award_code: str) -> list[FileCard]:
    """The files as cards, without those that were removed."""
    return [card(upload, award_code) for upload in uploads if upload.removed_at is None]


def intake() -> Intake:
    """What takes in the files of this request."""
    found = current_app.extensions
    return Intake(found["lab_files"], config().upload_limit, found["lab_scanner"], clock.wall(), place())
