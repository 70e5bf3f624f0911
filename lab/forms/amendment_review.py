"""Forms of judging an amendment: the other side's decision, and the steering committee's."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import HiddenField, IntegerField, RadioField, StringField, TextAreaField
from wtforms.validators import Length, Optional
from wtforms.widgets import HiddenInput

from lab.forms.base import LabForm, options
from lab.rules.clauses import MAX_COMMENT
from lab.rules.records import MAX_BODY, MAX_TITLE

_TOO_LONG = _l("This is too long: keep it within %(max)d characters.")


class VersionForm(LabForm):
    """Which version is decided on."""

    version = IntegerField(validators=[Optional()], widget=HiddenInput())

    @property
    def number(self) -> int:
        """The version's number; 0 when none was sent."""
        return self.version.data or 0


class ApproveForm(VersionForm):
    """Agreeing to what was shown: ``shown`` is its hash."""

    shown = HiddenField(validators=[Length(max=64)])


class ReasonForm(VersionForm):
    """Sending back, or refusing, with the reason."""

    reason = TextAreaField(validators=[Length(max=MAX_COMMENT, message=_TOO_LONG)], render_kw={"rows": 3})


class CommitteeForm(VersionForm):
    """The steering committee's decision on a pilot beyond its ceiling."""

    agrees = RadioField(
        _l("Does the committee agree?"),
        choices=options([("yes", _l("The pilot may last longer")), ("no", _l("The pilot ends at its ceiling"))]),
        validators=[Optional()],
    )
    title = StringField(_l("Decision in one line"), validators=[Length(max=MAX_TITLE, message=_TOO_LONG)])
    body = TextAreaField(
        _l("What was decided, and why"), validators=[Length(max=MAX_BODY, message=_TOO_LONG)], render_kw={"rows": 4}
    )

    def answer(self) -> bool | None:
        """What was chosen; None for nothing."""
        return {"yes": True, "no": False}.get(self.agrees.data or "")
