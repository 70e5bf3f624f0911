"""Forms of the agreement: evidence, clauses as they are negotiated, opening, what was done under them."""

from __future__ import annotations

from typing import Self

from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, DateField, HiddenField, IntegerField, TextAreaField
from wtforms.validators import Length, Optional
from wtforms.widgets import HiddenInput

from lab.forms.base import LabForm
from lab.forms.closing import CheckForm
from lab.forms.lab import TickField
from lab.rules.clauses import MAX_CLAUSE, MAX_COMMENT

_TOO_LONG = _l("This is too long: keep it within %(max)d characters.")


def _long(limit: int) -> Length:
    return Length(max=limit, message=_TOO_LONG)


class EvidenceForm(CheckForm):
    """What shows that an item of due diligence is in order."""

    expires_on = DateField(
        _l("The document is valid until"),
        validators=[Optional()],
        description=_l("Its last day; leave it empty if the document does not run out."),
    )

    def about(self, key: str) -> EvidenceForm:
        """The same form with ids of its own, for a page that has one for each item."""
        super().about(key)
        self.expires_on.id = self.expires_on.label.field_id = f"expires-{key}"
        return self


class ReasonForm(LabForm):
    """A reason in words."""

    reason = TextAreaField(_l("Reason"), validators=[_long(MAX_COMMENT)], render_kw={"rows": 2})

    def called(self, name: str) -> Self:
        """The same form with ids of its own."""
        self.reason.id = self.reason.label.field_id = f"reason-{name}"
        return self


class OpeningForm(ReasonForm):
    """Opening the draft with this hash for signature; a reason where a clause is still talked about."""

    shown_hash = HiddenField(validators=[_long(64)])


class WordingForm(LabForm):
    """A clause reworded, from the wording ``revision`` on, and what it still obliges to."""

    text = TextAreaField(_l("Text of the clause"), validators=[_long(MAX_CLAUSE + 500)], render_kw={"rows": 10})
    standing = TickField(
        _l("Which obligations stand under this wording?"),
        str,
        description=_l(
            "Tick each one that the clause obliges to as you have worded it now. Reports stay due by the call’s calendar in any case."
        ),
    )
    drop_rest = BooleanField(_l("What is not ticked above no longer stands"))
    revision = IntegerField(widget=HiddenInput())


class TalkForm(LabForm):
    """What somebody says about a clause, and the wording that they would like."""

    body = TextAreaField(_l("Comment"), validators=[_long(MAX_COMMENT + 500)], render_kw={"rows": 3})
    proposal = TextAreaField(
        _l("The wording you propose"),
        validators=[_long(MAX_CLAUSE + 500)],
        description=_l("Change the text below as you would like it; left as it is, nothing is proposed."),
        render_kw={"rows": 8},
    )


class DoneForm(LabForm):
    """What shows that something is done that the agreement obliges to."""

    note = TextAreaField(_l("What shows it"), validators=[_long(MAX_COMMENT)], render_kw={"rows": 2})

    def about(self, number: int) -> DoneForm:
        """The same form with ids of its own, for a page that has several."""
        self.note.id = self.note.label.field_id = f"done-{number}"
        return self
