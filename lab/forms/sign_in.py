"""Signing in and choosing a new password: Flask-Security's forms with one sentence for whatever is wrong.

The sentence never tells a known address from an unknown one, except to somebody who has given its password.
"""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from flask_security.forms import ForgotPasswordForm, LoginForm
from flask_security.utils import validate_redirect_url
from wtforms import Field

from lab.rules.award import clean_email


class SignInForm(LoginForm):
    """An address and a password."""

    def validate_next(self, field: Field) -> None:
        """A place outside this site is forgotten, not complained about: the reader lands on the start page."""
        if field.data and not validate_redirect_url(field.data):
            field.data = ""

    def validate(self, **kwargs: Any) -> bool:
        """Whether this person may enter; if not, ``form_errors`` has the one reason."""
        typed = bool(self.email.data) and bool(self.password.data)
        if super().validate(**kwargs):
            return True
        if not typed:
            reason = _l("Type your address and your password.")
        elif self.user_authenticated:
            reason = _l("This account is disabled: ask an administrator to enable it.")
        else:
            reason = _l("The address or the password is not right. Try again, or choose a new password.")
        self.email.errors, self.password.errors = [], []
        self.form_errors = [str(reason)]
        return False


class ForgottenForm(ForgotPasswordForm):
    """The address of an account."""

    def validate(self, **kwargs: Any) -> bool:
        """Whether a link can be sent. Only what is no address at all is told; an unknown one gets the same answer."""
        typed = self.email.data or ""
        if super().validate(**kwargs):
            return True
        try:
            clean_email(typed)
        except ValueError:
            self.form_errors = [str(_l("Type the e-mail address of your account, such as ana@organisation.org."))]
        return False
