"""The pilot of an award: time used, indicators with their values, and the committee's decisions."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, url_for
from flask_babel import gettext as _

from lab import clock
from lab.extensions import db
from lab.forms.base import LabForm
from lab.forms.pilot import DecisionForm, IndicatorForm, ValueForm, value_form
from lab.queries import dashboard
from lab.queries import pilot as queries
from lab.rules.permissions import Action
from lab.rules.pilot import DIMENSION_NAMES, attained, dimensions, measuring_blockers
from lab.services import pilot as services
from lab.web.access import actor, door
from lab.web.attempts import attempt
from lab.web.frame import Frame, award_page, load_frame
from lab.web.words import locale, say, sentence

bp = Blueprint("pilot", __name__)
_BASE = "/awards/<award_code>/pilot"
HERE = "pilot.show"


def _page(award_code: str, status: int = 200, **forms: LabForm) -> Any:
    frame = load_frame(award_code, HERE)
    context = {
        "indicators": queries.indicators_of(db.session(), [frame.award.id]),
        "decisions": queries.decisions_of(db.session(), frame.award.id),
        "time": dashboard.time_of(frame.award, frame.definition, clock.now()),
        "waiting": sentence(measuring_blockers(frame.stage)),
        "indicator_form": forms.get("indicator_form") or IndicatorForm(formdata=None),
        "decision_form": forms.get("decision_form") or DecisionForm(formdata=None),
    }
    return award_page("pilot/show.html", award_code, HERE, frame, status, **context)


@door(bp, _BASE, Action.SEE_PILOT)
def show(award_code: str) -> Any:
    """Where the pilot stands, in one page."""
    return _page(award_code)


@door(bp, f"{_BASE}/indicators", Action.DEFINE_INDICATOR, methods=("POST",))
def define_indicator(award_code: str) -> Any:
    """Define an indicator."""
    form = IndicatorForm()

    def act() -> int:
        typed = (form.name.data or "", form.unit.data or "", form.baseline.data or "", form.target.data or "")
        return services.define_indicator(actor(), clock.now(), award_code, *typed)

    indicator_id = attempt(form, act)
    if indicator_id is None:
        return _page(award_code, 422, indicator_form=form)
    flash(_("The indicator is defined. Enter its first value once it is measured."), "success")
    return redirect(url_for(HERE, award_code=award_code), 303)


@door(bp, f"{_BASE}/decisions", Action.RECORD_DECISION, methods=("POST",))
def record_decision(award_code: str) -> Any:
    """Record a decision of the steering committee."""
    form = DecisionForm()
    now = clock.now()
    done = attempt(
        form, lambda: services.record_decision(actor(), now, award_code, form.title.data or "", form.body.data or "")
    )
    if done is None:
        return _page(award_code, 422, decision_form=form)
    flash(_("The decision is recorded, and in the award's timeline."), "success")
    return redirect(url_for(HERE, award_code=award_code), 303)


def _dimensions(frame: Frame) -> dict[str, dict[str, str]]:
    return dimensions(frame.definition.groups, locale())


def _indicator_page(award_code: str, indicator_id: int, form: ValueForm | None, frame: Frame, status: int = 200) -> Any:
    indicator = queries.get_indicator(db.session(), frame.award.id, indicator_id)
    history = queries.history_of(db.session(), indicator.id)
    latest = history[0].value if history else None
    context = {
        "indicator": indicator,
        "history": history,
        "latest": latest,
        "share": attained(indicator.baseline, indicator.target, latest.total) if latest else None,
        "dimensions": _dimensions(frame),
        "dimension_names": {key: say(name) for key, name in DIMENSION_NAMES.items()},
        "waiting": sentence(measuring_blockers(frame.stage)),
        "form": form,
    }
    return award_page("pilot/indicator.html", award_code, HERE, frame, status, **context)


@door(bp, f"{_BASE}/indicators/<int:indicator_id>", Action.SEE_PILOT)
def indicator(award_code: str, indicator_id: int) -> Any:
    """One indicator: what was measured, when, by whom, and how it splits."""
    frame = load_frame(award_code, HERE)
    return _indicator_page(award_code, indicator_id, value_form(_dimensions(frame)), frame)


@door(bp, f"{_BASE}/indicators/<int:indicator_id>/values", Action.ENTER_INDICATOR_VALUE, methods=("POST",))
def enter_value(award_code: str, indicator_id: int) -> Any:
    """Enter what was measured on a day."""
    frame = load_frame(award_code, HERE)
    parts = _dimensions(frame)
    form = value_form(parts)

    def act() -> int:
        # InputRequired has seen to it.
        assert form.on.data is not None
        typed = (form.on.data, form.total.data or "", form.split(parts), form.note.data or "")
        return services.enter_value(actor(), clock.now(), award_code, indicator_id, *typed)

    if attempt(form, act) is None:
        return _indicator_page(award_code, indicator_id, form, load_frame(award_code, HERE), 422)
    flash(_("The value is entered."), "success")
    return redirect(url_for("pilot.indicator", award_code=award_code, indicator_id=indicator_id), 303)
