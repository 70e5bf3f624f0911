"""Forms of payments: the account, evidence of a condition, what the bank did, and money returned. Shape and types; the rules judge."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import HiddenField, RadioField, StringField, TextAreaField
from wtforms.validators import Length

from lab.forms.award import DayField
from lab.forms.base import LabForm
from lab.rules.bank_account import MAX_NAME, MAX_NUMBER
from lab.rules.ledger import MAX_REFERENCE
from lab.rules.records import MAX_BODY

_TOO_LONG = _l("This is too long: keep it within %(max)d characters.")
_DECIMAL = {"inputmode": "decimal", "autocomplete": "off"}


def _words(label: Any, limit: int, **options: Any) -> StringField:
    return StringField(label, validators=[Length(max=limit, message=_TOO_LONG)], **options)


class AccountForm(LabForm):
    """The account that the award is paid into."""

    holder = _words(_l("Account holder"), MAX_NAME)
    bank = _words(_l("Bank"), MAX_NAME)
    number = _words(_l("Account number or IBAN"), MAX_NUMBER, render_kw={"autocomplete": "off"})
    swift = _words(_l("SWIFT code"), 20, render_kw={"autocapitalize": "characters", "autocomplete": "off"})


class VerifyForm(LabForm):
    """A button that names the account which was on the page."""

    account = HiddenField()

    @property
    def account_id(self) -> int:
        """The account that was looked at; 0, which none has, when the page named none."""
        typed = self.account.data or ""
        return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 19 else 0


class AttestForm(LabForm):
    """What shows that a condition is met."""

    evidence = TextAreaField(
        _l("What shows it"), validators=[Length(max=MAX_BODY, message=_TOO_LONG)], render_kw={"rows": 2}
    )


class SendBackForm(LabForm):
    """Why a payment goes back to planned."""

    reason = TextAreaField(_l("Reason"), validators=[Length(max=MAX_BODY, message=_TOO_LONG)], render_kw={"rows": 2})


class DecideForm(LabForm):
    """What is decided about a payment, and why; which of them are possible is for the page to say."""

    kind = RadioField(_l("What do you decide?"), choices=[], validate_choice=False)
    amount = _words(_l("New amount"), 40, render_kw=_DECIMAL)
    reason = TextAreaField(_l("Reason"), validators=[Length(max=MAX_BODY, message=_TOO_LONG)], render_kw={"rows": 3})


class ReturnedForm(LabForm):
    """A payment that the bank sent back."""

    reference = _words(_l("Bank’s reference"), MAX_REFERENCE, render_kw={"autocomplete": "off"})
    value_on = DayField(_l("Value date"))
    reason = TextAreaField(_l("Reason"), validators=[Length(max=MAX_BODY, message=_TOO_LONG)], render_kw={"rows": 2})


class SentForm(LabForm):
    """What the bank did: its reference, the rate, the amount in the currency paid in, the value date."""

    reference = _words(_l("Bank’s reference"), MAX_REFERENCE, render_kw={"autocomplete": "off"})
    value_on = DayField(_l("Value date"))
    rate = _words(_l("Exchange rate"), 40, render_kw=_DECIMAL)
    local_amount = _words(_l("Amount paid"), 40, render_kw=_DECIMAL)


class ReturnForm(LabForm):
    """Money that came back, as the bank received it."""

    amount = _words(_l("Amount returned"), 40, render_kw=_DECIMAL)
    reference = _words(_l("Bank’s reference"), MAX_REFERENCE, render_kw={"autocomplete": "off"})
    value_on = DayField(_l("Value date"))
    rate = _words(_l("Exchange rate"), 40, render_kw=_DECIMAL)
    local_amount = _words(_l("Amount received"), 40, render_kw=_DECIMAL)
