"""What every form has: a CSRF token, a one-time key, and a way to show what a service refused beside the field."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar
from uuid import uuid4

from flask import request
from flask_babel import gettext
from flask_wtf import FlaskForm
from werkzeug.datastructures import CombinedMultiDict, MultiDict
from wtforms import FileField, HiddenField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]
from wtforms.form import BaseForm
from wtforms.validators import Length

from lab.rules.errors import Invalid, Refused
from lab.rules.text import Message

Result = TypeVar("Result")


class LabForm(FlaskForm):  # type: ignore[misc]
    """A form with a one-time key. Errors that belong to no field are in ``form_errors``."""

    class Meta(FlaskForm.Meta):  # type: ignore[misc]
        """What was sent, as fields read it."""

        def wrap_formdata(self, form: BaseForm, formdata: Any) -> Any:
            """Files reach the fields for files alone: a text that is sent as a file is no text, and must not pass for one."""
            sent = super().wrap_formdata(form, formdata)
            if formdata is None or not isinstance(sent, CombinedMultiDict):
                return sent
            taken = [
                (name, file)
                for name, file in request.files.items(multi=True)
                if isinstance(form._fields.get(name), FileField)
            ]
            return CombinedMultiDict([MultiDict(taken), request.form])

    form_key = HiddenField(default=lambda: uuid4().hex, validators=[Length(max=64)])

    def blame(self, name: str, text: str) -> None:
        """Put ``text`` beside the field ``name``, or above the form when there is no such field."""
        field = self._fields.get(name)
        if field is None:
            self.form_errors.append(text)
        else:
            field.errors = [*field.errors, text]


def options(pairs: Iterable[tuple[Any, Any]], group: str | None = None) -> list[Any]:
    """The choices of a select or a list of boxes: pairs of a value and what to show, under the heading ``group``."""
    return [SelectChoice(value, label, optgroup=group) for value, label in pairs]


class TryForm(LabForm):
    """A form whose sending is counted, whatever comes of it: it has no one-time key, each sending is a try of its own."""

    # How WTForms takes a field out of a form again.
    form_key = None  # type: ignore[assignment]


class ActionForm(LabForm):
    """A button."""


def attempt(
    form: LabForm, act: Callable[[], Result], say: Callable[[Message], str] = lambda m: gettext(m.msgid, **m.params)
) -> Result | None:
    """Validate the form and run ``act`` (a service call); None when either refuses, with the reasons in the form.

    The service has stored nothing then. The view shows the form again, with what was typed.
    """
    if not form.validate_on_submit():
        return None
    try:
        return act()
    except Invalid as error:
        for name, messages in error.problems.items():
            for message in messages:
                form.blame(name, say(message))
    except Refused as error:
        form.form_errors.extend(say(reason) for reason in error.reasons)
    return None
