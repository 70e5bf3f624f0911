"""Giving a second factor, and setting one up."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import HiddenField, StringField
from wtforms.validators import DataRequired, Length

from lab.forms.base import LabForm, TryForm
from lab.rules.second_factor import MAX_NAME

# Longer than any answer of an authenticator.
SANE = Length(max=20_000)
_CODE = {
    "autocomplete": "one-time-code",
    "inputmode": "numeric",
    "autocapitalize": "none",
    "spellcheck": "false",
    "maxlength": "20",
}


class CodeForm(TryForm):
    """The code that an app shows now."""

    code = StringField(
        _l("Code"),
        [DataRequired(_l("Type the six digits that the app shows.")), Length(max=100)],
        description=_l("Six digits, from the app on your phone."),
        render_kw=_CODE,
    )


class RecoveryForm(TryForm):
    """One of the codes on paper."""

    recovery = StringField(
        _l("Recovery code"),
        [DataRequired(_l("Type one of your recovery codes.")), Length(max=100)],
        description=_l("Twelve letters and digits, such as K4TX-92MQ-7HVB. Each works once."),
        render_kw={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"},
    )


class PasskeyForm(TryForm):
    """What a passkey answered."""

    credential = HiddenField(validators=[SANE])


class NewPasskeyForm(PasskeyForm):
    """A passkey that was just made, and what to call it."""

    name = StringField(
        _l("Name"),
        [Length(max=4 * MAX_NAME)],
        description=_l("So that you know later which one it is."),
        render_kw={"autocomplete": "off"},
    )


class NameForm(LabForm):
    """Another name for a passkey."""

    name = StringField(_l("Name"), [Length(max=4 * MAX_NAME)], render_kw={"autocomplete": "off"})
