"""Forms of the administrator: inviting somebody, and giving a role."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import SelectField, StringField, TextAreaField
from wtforms.validators import Length, ValidationError

from lab.forms.base import LabForm, options
from lab.rules.facts import Role


class RoleForm(LabForm):
    """A role over the programme, or a seat on a call's committee: ``committee|CALL``."""

    role = SelectField(_l("Role"), validate_choice=False)

    def offer(self, roles: list[tuple[str, str]]) -> None:
        """Fill the choices: pairs of a value and what to show."""
        self.offered = roles
        self.role.choices = options([("", _l("Choose …")), *roles])

    def validate_role(self, field: SelectField) -> None:
        """One of those offered."""
        if field.data not in {value for value, _label in self.offered}:
            raise ValidationError(_l("Choose one of the roles."))

    def chosen(self) -> tuple[Role, str]:
        """The role and, for a committee, the call's code."""
        role, _bar, call_code = (self.role.data or "").partition("|")
        return Role(role), call_code


class InviteForm(RoleForm):
    """Somebody to invite."""

    name = StringField(_l("Name"), [Length(max=300)], render_kw={"autocomplete": "off"})
    email = StringField(
        _l("Email"), [Length(max=254)], description=_l("The invitation goes here."),
        render_kw={"inputmode": "email", "autocomplete": "off"},
    )  # fmt: skip


class HelpForm(LabForm):
    """Helping somebody back in: how it was made sure that it is them."""

    how = TextAreaField(
        _l("How did you make sure that it is them?"),
        [Length(max=2000)],
        description=_l("For example: “Called her at the number in the agreement, she named the boot camp’s dates.”"),
    )
