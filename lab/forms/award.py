"""Forms of the award's own pages: recording it, its team, and steering it. Shape and types; the rules judge."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask_babel import get_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import DateField, FieldList, Form, FormField, SelectField, StringField, TextAreaField
from wtforms.validators import DataRequired, Length, ValidationError

from lab.forms.base import LabForm, options
from lab.rules.award import MAX_MENTORS, MAX_SUMMARY, ORGANISATION_KINDS
from lab.rules.languages import LANGUAGES


class DayField(DateField):
    """A day; an empty one is None, for the rules to ask for. What was typed stays in the field."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        typed = (valuelist[0] if valuelist else "").strip()
        self.data: date | None = None
        if not typed:
            # Blanks are nothing, also for a validator that asks whether anything was sent.
            self.raw_data = [""]
        else:
            try:
                self.data = date.fromisoformat(typed)
            except ValueError:
                # Not lazily: pages take a lazy text for markup, with all that was typed in it.
                raise ValueError(
                    _("“%(typed)s” is not a date: pick one, or type it as 2026-01-31.", typed=typed[:40])
                ) from None


class MentorForm(Form):
    """A mentor to invite; both fields empty means none."""

    name = StringField(_l("Mentor’s name"), [Length(max=300)])
    email = StringField(
        _l("Mentor’s e-mail"), [Length(max=254)], render_kw={"inputmode": "email", "autocomplete": "off"}
    )


class AwardForm(LabForm):
    """The record of an award."""

    # The rules say what to choose: nothing chosen, or something else, is theirs to refuse.
    prize = SelectField(_l("Call and prize"), validate_choice=False)
    notice_on = DayField(
        _l("Notice of award given on"), description=_l("The workplan's deadline is counted from this day.")
    )
    project = StringField(_l("Project title"), [Length(max=300)])
    summary = TextAreaField(
        _l("The project in a few sentences"), [Length(max=MAX_SUMMARY)], render_kw={"rows": 3, "maxlength": MAX_SUMMARY}
    )
    language = SelectField(
        _l("Language of the award"), choices=options(LANGUAGES.items()), validate_choice=False,
        description=_l("The agreement is drafted in it, and invitations are written in it."),
    )  # fmt: skip
    legal_name = StringField(
        _l("Legal name"),
        [Length(max=300)],
        description=_l("As it is registered; the bank account must be in this name."),
    )
    kind = SelectField(_l("Kind of organisation"), validate_choice=False)
    country = SelectField(_l("Country"), validate_choice=False)
    registered_on = DayField(_l("Registered on"))
    local_currency = StringField(
        _l("Currency it is paid in"), [Length(max=10)], description=_l("Three letters, such as USD or BRL."),
        render_kw={"size": 5, "maxlength": 3, "autocapitalize": "characters"},
    )  # fmt: skip
    holder = StringField(_l("Account holder"), [Length(max=300)])
    bank = StringField(_l("Bank"), [Length(max=300)])
    number = StringField(_l("Account number or IBAN"), [Length(max=80)], render_kw={"autocomplete": "off"})
    swift = StringField(_l("SWIFT code"), [Length(max=11)], render_kw={"autocapitalize": "characters"})
    lead_name = StringField(_l("Team lead’s name"), [Length(max=300)], render_kw={"autocomplete": "off"})
    lead_email = StringField(
        _l("Team lead’s e-mail"), [Length(max=254)], description=_l("The invitation goes here."),
        render_kw={"inputmode": "email", "autocomplete": "off"},
    )  # fmt: skip
    mentors = FieldList(FormField(MentorForm), min_entries=2, max_entries=MAX_MENTORS)

    def offer(self, prizes: list[tuple[str, str]]) -> None:
        """Fill the choices; ``prizes`` are pairs of ``call|prize`` and what to show."""
        empty = [("", _l("Choose …"))]
        self.prize.choices = options(empty + prizes)
        self.kind.choices = options(empty + [(key, _l(label)) for key, label in ORGANISATION_KINDS.items()])
        self.country.choices = options(empty + countries())

    def named_mentors(self) -> list[tuple[str, str]]:
        """(name, e-mail) of the mentors that were named; those after a gap keep their place in the form."""
        found = [
            ((entry.form.name.data or "").strip(), (entry.form.email.data or "").strip()) for entry in self.mentors
        ]
        while found and not any(found[-1]):
            found.pop()
        return found

    def blame(self, name: str, text: str) -> None:
        """``mentors-0-email`` is a field inside the list."""
        parts = name.split("-")
        if len(parts) == 3 and parts[0] == "mentors":
            field = self.mentors[int(parts[1])].form[parts[2]]
            field.errors = [*field.errors, text]
            return
        super().blame(name, text)


def countries() -> list[tuple[str, str]]:
    """Every country, named in the reader's language and sorted there."""
    import pycountry

    names = get_locale().territories
    found = [(country.alpha_2, names.get(country.alpha_2, country.name)) for country in pycountry.countries]
    return sorted(found, key=lambda pair: pair[1])


class InviteForm(LabForm):
    """Somebody to invite to an award."""

    name = StringField(
        _l("Name"),
        [DataRequired(_l("Give the person's full name.")), Length(max=300)],
        render_kw={"autocomplete": "off"},
    )
    email = StringField(
        _l("E-mail"), [DataRequired(_l("Give the e-mail address that the invitation goes to.")), Length(max=254)],
        render_kw={"inputmode": "email", "autocomplete": "off"},
    )  # fmt: skip
    role = SelectField(_l("As"), validate_choice=False)
    offered: frozenset[str] = frozenset()

    def offer(self, roles: list[tuple[str, str]]) -> None:
        """Fill the choices: the roles, with their names, that this reader may give."""
        self.role.choices = options(roles)
        self.offered = frozenset(role for role, _name in roles)

    def validate_role(self, field: SelectField) -> None:
        """One of those that the page offers to this reader."""
        if field.data not in self.offered:
            raise ValidationError(
                _l("Choose as what the person joins; leads and mentors are invited by the programme officer.")
            )


class SteerForm(LabForm):
    """A reason, for what changes an award's course."""

    reason = TextAreaField(_l("Reason"), [Length(max=4000)], render_kw={"rows": 3, "required": True})

    def validate_reason(self, field: TextAreaField) -> None:
        """A change of course is never without its reason."""
        if not (field.data or "").strip():
            raise ValidationError(_l("Give the reason in a sentence: it is kept and shown to the team."))


def own_ids(form: LabForm, prefix: str) -> None:
    """Give the fields ids of their own, for a page that holds several forms with the same fields."""
    for field in form:
        field.id = f"{prefix}-{field.id}"
