"""Forms of the agreement: a signature. What shows that an item is in order has the form of closing's checklist."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import HiddenField, StringField
from wtforms.validators import Length

from lab.forms.base import LabForm

_TOO_LONG = _l("This is too long: keep it within %(max)d characters.")


class SignForm(LabForm):
    """A typed name under the text with this hash."""

    typed_name = StringField(
        _l("Your full name"),
        description=_l("Type it as it stands in your account: this is your signature."),
        validators=[Length(max=300, message=_TOO_LONG)],
        render_kw={"autocomplete": "name"},
    )
    shown_hash = HiddenField()
