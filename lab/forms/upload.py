"""The form with which a file is handed in at a place of an award."""

from __future__ import annotations

import re

from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField
from wtforms import HiddenField

from lab.forms.base import LabForm


class UploadForm(LabForm):
    """One file; where it belongs, and the page to come back to."""

    place = HiddenField()
    next = HiddenField()
    file = FileField(_l("File"))

    @classmethod
    def at(cls, place: str, back: str) -> UploadForm:
        """An empty form for files of ``place``, with ids of its own on a page that may have several; then back to ``back``."""
        form = cls(formdata=None, place=place, next=back)
        form.file.id = form.file.label.field_id = "file-" + re.sub(r"\W+", "-", place)
        return form
