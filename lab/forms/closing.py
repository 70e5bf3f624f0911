"""Forms of closing: a ticked item with what shows it, and a lesson learned."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import StringField, TextAreaField
from wtforms.validators import Length

from lab.forms.base import LabForm
from lab.rules.records import MAX_BODY, MAX_TITLE

_TOO_LONG = _l("This is too long: keep it within %(max)d characters.")


class CheckForm(LabForm):
    """What shows that an item is in order."""

    note = TextAreaField(_l("What shows it"), validators=[Length(max=5000, message=_TOO_LONG)], render_kw={"rows": 2})

    def about(self, key: str) -> CheckForm:
        """The same form with ids of its own, for a page that has one for each item."""
        self.note.id = self.note.label.field_id = f"note-{key}"
        return self


class LessonForm(LabForm):
    """A lesson learned."""

    title = StringField(_l("Lesson in one line"), validators=[Length(max=MAX_TITLE, message=_TOO_LONG)])
    body = TextAreaField(
        _l("What happened, and what others should do"),
        validators=[Length(max=MAX_BODY, message=_TOO_LONG)],
        render_kw={"rows": 5},
    )
