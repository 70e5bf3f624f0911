"""Signing in, asking for a new password and choosing it, and proving again to be there."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, EmailField, HiddenField, PasswordField
from wtforms.validators import DataRequired, EqualTo, Length

from lab.forms.account import NOT_THE_SAME, PASSWORD_HINT, SANE
from lab.forms.base import LabForm, TryForm

_EMAIL = {"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"}
_CURRENT = {"autocomplete": "current-password"}


class SignInForm(TryForm):
    """An address and a password; one sentence for whatever is wrong."""

    email = EmailField(_l("Email"), [Length(max=254)], render_kw=_EMAIL)
    password = PasswordField(_l("Password"), [SANE], render_kw=_CURRENT)
    lasting = BooleanField(_l("Keep me signed in on this device"))
    next = HiddenField()


class ForgottenForm(TryForm):
    """The address of an account."""

    email = EmailField(_l("Email"), [Length(max=254)], render_kw=_EMAIL)


class NewPasswordForm(LabForm):
    """A password, by a link from a mail."""

    password = PasswordField(
        _l("New password"), [SANE], description=PASSWORD_HINT, render_kw={"autocomplete": "new-password"}
    )
    again = PasswordField(
        _l("The same password again"), [EqualTo("password", NOT_THE_SAME)], render_kw={"autocomplete": "new-password"}
    )


class ConfirmForm(TryForm):
    """Proving to be there: sent together with everything that the form before it held."""

    confirm_password = PasswordField(
        _l("Your password"), [DataRequired(_l("Type your password.")), SANE], render_kw=_CURRENT
    )
