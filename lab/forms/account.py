"""Forms about oneself: arriving by invitation, the profile, the password."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import EmailField, PasswordField, SelectField, StringField
from wtforms.validators import EqualTo, Length

from lab.forms.base import LabForm, TryForm, options
from lab.rules.languages import LANGUAGES
from lab.rules.passwords import MIN_PASSWORD

Zones = dict[str, list[tuple[str, str]]]
PASSWORD_HINT = _l(
    "At least %(number)d characters. A short sentence is easy to keep and hard to guess.", number=MIN_PASSWORD
)
NOT_THE_SAME = _l("The two passwords are not the same: type the new one twice.")
# Longer than any password that is taken: the rule, not the form, says how long one may be.
SANE = Length(max=1000)


class ProfileForm(LabForm):
    """Name, language and time zone."""

    name = StringField(_l("Your name"), [Length(max=300)], render_kw={"autocomplete": "name"})
    language = SelectField(_l("Language"), choices=options(LANGUAGES.items()), validate_choice=False)
    time_zone = SelectField(
        _l("Time zone"),
        validate_choice=False,
        description=_l("Deadlines are shown in it, and mails come at its daytime."),
    )

    def offer(self, zones: Zones) -> None:
        """Fill the choice of time zones, by part of the world."""
        self.time_zone.choices = [item for group, pairs in zones.items() for item in options(pairs, group)]


class WelcomeForm(ProfileForm):
    """Arriving: a first password, and the profile."""

    password = PasswordField(
        _l("Choose a password"), [SANE], description=PASSWORD_HINT, render_kw={"autocomplete": "new-password"}
    )
    again = PasswordField(
        _l("The same password again"), [EqualTo("password", NOT_THE_SAME)], render_kw={"autocomplete": "new-password"}
    )


class PasswordForm(TryForm):
    """Another password."""

    current = PasswordField(_l("Your password now"), [SANE], render_kw={"autocomplete": "current-password"})
    new = PasswordField(
        _l("New password"), [SANE], description=PASSWORD_HINT, render_kw={"autocomplete": "new-password"}
    )
    again = PasswordField(
        _l("The new password again"), [EqualTo("new", NOT_THE_SAME)], render_kw={"autocomplete": "new-password"}
    )


class AddressForm(TryForm):
    """Another e-mail address."""

    email = EmailField(
        _l("New email address"),
        [Length(max=254)],
        description=_l("A link goes there; the address changes when you follow it."),
        render_kw={"autocomplete": "email", "autocapitalize": "none", "spellcheck": "false"},
    )
