"""Forms of the innovation lab: a boot camp held, the next prototype version, and the talk about versions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any
from uuid import uuid4

from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField
from wtforms import IntegerField, SelectMultipleField, StringField, TextAreaField
from wtforms.validators import InputRequired
from wtforms.widgets import CheckboxInput, HiddenInput, ListWidget

from lab.forms.award import DayField
from lab.forms.base import LabForm, options
from lab.rules.lab import MAX_LINK, MAX_TOPIC


class TickField(SelectMultipleField):
    """Choices to tick, numbered unless ``coerce`` is another. What may be ticked is for the service to say: it knows what
    has changed meanwhile."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()

    def __init__(self, label: Any = None, coerce: Callable[[Any], Any] = int, **options: Any) -> None:
        super().__init__(label, coerce=coerce, validate_choice=False, **options)


class BootCampForm(LabForm):
    """When a boot camp was held, and who of the team was there."""

    held_on = DayField(_l("Held on"), [InputRequired(_l("Give the day on which the boot camp was held."))])
    attendees = TickField(_l("Who of the team was there"))
    note = TextAreaField(
        _l("Note"), description=_l("What was worked on, and what was agreed."), render_kw={"rows": 5}
    )  # fmt: skip

    def about(self, team: dict[int, str]) -> BootCampForm:
        """Offer the people of the team (person → name)."""
        self.attendees.choices = options(team.items())
        return self

    @property
    def day(self) -> date:
        """The day, once the form is valid."""
        assert self.held_on.data is not None
        return self.held_on.data


class PrototypeForm(LabForm):
    """The next version of the prototype: its text, its address, its files, and one more file to add."""

    body = TextAreaField(
        _l("What this version can do, and what is new in it"), render_kw={"rows": 8},
        description=_l("Say what mentors should try first."),
    )  # fmt: skip
    link = StringField(
        _l("Address of the test version"), description=_l("Such as https://example.org/test."),
        render_kw={"inputmode": "url", "maxlength": MAX_LINK, "autocomplete": "off", "autocapitalize": "none"},
    )  # fmt: skip
    files = TickField(_l("Files of this version"))
    file = FileField(_l("Add a file"))
    revision = IntegerField(
        widget=HiddenInput(), validators=[InputRequired(_l("Reload the page: it has lost its place."))]
    )

    def again(self) -> PrototypeForm:
        """The same form to be sent once more, under a new one-time key: the last one may be used up."""
        self.form_key.data = uuid4().hex
        return self


class FeedbackForm(LabForm):
    """A comment on a version."""

    topic = StringField(
        _l("What it is about"), description=_l("A word or two, such as “Stock list”."), render_kw={"maxlength": MAX_TOPIC}
    )  # fmt: skip
    body = TextAreaField(_l("What you saw, and what you advise"), render_kw={"rows": 5})


class NoteForm(LabForm):
    """A note for mentors and officers."""

    note = TextAreaField(_l("A note"), render_kw={"rows": 4})


class ReplyForm(LabForm):
    """An answer in a thread."""

    body = TextAreaField(_l("Your answer"), render_kw={"rows": 4})

    def about(self, thread_id: int) -> ReplyForm:
        """The same form with ids of its own, for a page that has one for each thread."""
        self.body.id = self.body.label.field_id = f"reply-{thread_id}"
        return self
