"""Forms of reports and milestones: the report as typed, its review, a milestone's evidence. Shape and types; the rules judge."""

from __future__ import annotations

import re
from collections.abc import Mapping
from uuid import uuid4

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField
from wtforms import HiddenField, TextAreaField
from wtforms.validators import Length

from lab.forms.base import LabForm
from lab.forms.drafts import DraftForm
from lab.rules.records import MAX_BODY

_FIELD = re.compile(r"(section|spending|explanation)-([A-Za-z0-9_]{1,60})")
_PARTS = {"section": "sections", "spending": "spending", "explanation": "explanations"}


def place(found: str) -> str:
    """The field of the page for a problem's place in a report's content: ``sections-results`` is typed in ``section-results``."""
    part, dash, key = found.partition("-")
    return next((name for name, kept in _PARTS.items() if kept == part), part) + dash + key


def read_typed(form: Mapping[str, str]) -> dict[str, object]:
    """The report in a sent form. Browsers send line ends as two characters: here they are one, as the limits count them."""
    content: dict[str, dict[str, str]] = {part: {} for part in _PARTS.values()}
    for name, value in form.items():
        if found := _FIELD.fullmatch(name):
            content[_PARTS[found[1]]][found[2]] = value.replace("\r\n", "\n")
    return {**content}


class ReportForm(DraftForm):
    """What goes with a report that is sent, and a file to add. The report itself is read by :func:`read_typed`."""

    file = FileField(_l("Add a file"))

    def again(self) -> ReportForm:
        """The same form to be sent once more, under a new one-time key: the last one may be used up."""
        self.form_key.data = uuid4().hex
        return self


class ReviewForm(LabForm):
    """The officer's decision on a version; :func:`review_form` adds a comment for each section."""

    version = HiddenField()

    def comments(self) -> dict[str, str]:
        """What was written, by section, in the report's order."""
        return {
            field.name.removeprefix("comment-"): field.data or "" for field in self if field.name.startswith("comment-")
        }


def review_form(sections: Mapping[str, str], *, empty: bool = False) -> ReviewForm:
    """The review of a report with these sections (key → label), as sent, or ``empty``."""
    limit = Length(max=MAX_BODY, message=_l("Keep this within %(max)d characters."))
    fields = {
        f"comment-{key}": TextAreaField(
            _("What to change in “%(section)s”", section=label), [limit], render_kw={"rows": 3}
        )
        for key, label in sections.items()
    }
    made: type[ReviewForm] = type("SectionsForm", (ReviewForm,), fields)
    return made(formdata=None) if empty else made()


class EvidenceForm(LabForm):
    """What proves that a milestone is reached."""

    evidence = TextAreaField(
        _l("What proves it"), render_kw={"rows": 3}, description=_l("Say what you saw, and where it can be found.")
    )

    def about(self, number: int) -> EvidenceForm:
        """The same form with ids of its own, for a page that has one for each milestone."""
        self.evidence.id = self.evidence.label.field_id = f"evidence-{number}"
        return self
