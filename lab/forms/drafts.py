"""What every draft that is written over days has in its form: the revision that it was written on."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import IntegerField
from wtforms.validators import InputRequired
from wtforms.widgets import HiddenInput

from lab.forms.base import LabForm


class DraftForm(LabForm):
    """What goes with a draft that is sent: the revision that it was written on. The text itself is read apart."""

    revision = IntegerField(
        widget=HiddenInput(), validators=[InputRequired(_l("Reload the page: it has lost its place."))]
    )
