"""Forms of a pilot: an indicator, a dated value with its split, a decision of the committee. Numbers are read by the rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import DateField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length

from lab.forms.base import LabForm
from lab.rules.records import MAX_BODY, MAX_TITLE

_NUMBER = {"inputmode": "decimal", "autocomplete": "off"}


def _long(limit: int) -> Length:
    return Length(max=limit, message=_l("This is too long: keep it within %(max)d characters."))


class IndicatorForm(LabForm):
    """What the pilot is measured by."""

    name = StringField(
        _l("What is measured"),
        validators=[_long(300)],
        description=_l("For example: firms that use the platform each week"),
    )
    unit = StringField(
        _l("Unit"), validators=[_long(40)], description=_l("One word or sign, such as firms, people or percent")
    )
    baseline = StringField(
        _l("Baseline"), validators=[_long(40)], render_kw=_NUMBER, description=_l("Where it stands before the pilot")
    )
    target = StringField(
        _l("Target"), validators=[_long(40)], render_kw=_NUMBER, description=_l("Where the pilot wants to bring it")
    )


class ValueForm(LabForm):
    """What was measured on a day. :func:`value_form` adds a field for each part of the split."""

    on = DateField(
        _l("Day of measurement"),
        validators=[InputRequired(_l("Give the day on which it was measured, such as 2026-03-31."))],
    )
    total = StringField(_l("Total"), validators=[_long(40)], render_kw=_NUMBER)
    note = TextAreaField(_l("How it was measured"), validators=[_long(5000)], render_kw={"rows": 3})

    def split(self, dimensions: Mapping[str, Mapping[str, str]]) -> dict[str, dict[str, str]]:
        """What was typed for each part of each dimension."""
        return {
            dimension: {key: str(self[f"{dimension}-{key}"].data or "") for key in parts}
            for dimension, parts in dimensions.items()
        }


def value_form(dimensions: Mapping[str, Mapping[str, str]]) -> ValueForm:
    """A form with a number for each part (key → label) of each dimension, named ``dimension-key``."""
    fields: dict[str, Any] = {
        f"{dimension}-{key}": StringField(label, validators=[_long(40)], render_kw=_NUMBER)
        for dimension, parts in dimensions.items()
        for key, label in parts.items()
    }
    made: ValueForm = type("SplitValueForm", (ValueForm,), fields)()
    return made


class DecisionForm(LabForm):
    """A decision of the steering committee."""

    title = StringField(_l("Decision in one line"), validators=[_long(MAX_TITLE)])
    body = TextAreaField(_l("Decision and reasons"), validators=[_long(MAX_BODY)], render_kw={"rows": 5})
