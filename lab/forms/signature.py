"""Forms of signing: the typed name, who signs for a side, a signed paper, and a document to check."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField
from wtforms import HiddenField, RadioField, StringField
from wtforms.validators import Length

from lab.forms.award import DayField
from lab.forms.base import LabForm
from lab.rules.signature import HASH_START, MAX_SIGNATORY

_TOO_LONG = _l("This is too long: keep it within %(max)d characters.")
NO_ACCOUNT = "0"


class SignForm(LabForm):
    """A typed name under the text with this hash."""

    typed_name = StringField(
        _l("Your full name"),
        description=_l("Type it as it stands in your account: this is your signature."),
        validators=[Length(max=300, message=_TOO_LONG)],
        render_kw={"autocomplete": "name"},
    )
    shown_hash = HiddenField()


class SignatoryForm(LabForm):
    """Who signs for a side: one of its accounts, or somebody without one."""

    person = RadioField(_l("Who signs"), default=NO_ACCOUNT, validate_choice=False)
    name = StringField(
        _l("Full name, if it is somebody without an account here"),
        description=_l("This person signs the printed agreement by hand; you then record the signed paper."),
        validators=[Length(max=MAX_SIGNATORY, message=_TOO_LONG)],
    )
    function = StringField(
        _l("Function"),
        description=_l("What this person is, such as “Executive director”. It stands on the agreement."),
        validators=[Length(max=MAX_SIGNATORY, message=_TOO_LONG)],
    )

    def offer(self, people: Iterable[tuple[int, str]]) -> SignatoryForm:
        """Let the accounts of these people (id, name) be chosen."""
        accounts = [(str(person_id), name) for person_id, name in people]
        self.person.choices = [*accounts, (NO_ACCOUNT, _l("Somebody without an account here"))]
        return self

    @property
    def person_id(self) -> int | None:
        """The account that was chosen; None for somebody without one. What is no number is no account's: -1."""
        chosen = str(self.person.data or NO_ACCOUNT)
        if chosen == NO_ACCOUNT:
            return None
        return int(chosen) if chosen.isascii() and chosen.isdigit() and len(chosen) < 10 else -1


class PaperForm(LabForm):
    """What stands on a signed paper, and its scan."""

    name = StringField(_l("Who signed"), validators=[Length(max=MAX_SIGNATORY, message=_TOO_LONG)])
    function = StringField(_l("Function"), validators=[Length(max=MAX_SIGNATORY, message=_TOO_LONG)])
    signed_on = DayField(_l("Day on the paper"), validators=[])
    hash_start = StringField(
        _l("How the hash on the paper begins"),
        description=_l(
            "The first %(count)s characters of the SHA-256 at the foot of each page. Type them off the paper that was signed: they show that it bears the frozen text.",
            count=HASH_START,
        ),
        validators=[Length(max=80, message=_TOO_LONG)],
        render_kw={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"},
    )
    file = FileField(_l("Scan of the signed paper"))

    @property
    def day(self) -> date | None:
        """The day, if one was given."""
        found: date | None = self.signed_on.data
        return found


class VerifyForm(LabForm):
    """A document, or a hash, to hold against the archive."""

    file = FileField(_l("Document"))
    hash = StringField(
        _l("SHA-256"),
        description=_l("64 characters from 0 to 9 and a to f, as they stand at the foot of the agreement."),
        validators=[Length(max=200, message=_TOO_LONG)],
        render_kw={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"},
    )
