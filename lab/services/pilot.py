"""The pilot (guide §5): indicators, their dated values, and the steering committee's decisions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal

from lab.models import Award, Decision, Indicator, IndicatorValue
from lab.queries.awards import definition_of
from lab.queries.pilot import get_indicator
from lab.rules.calendar import local_day
from lab.rules.facts import Actor, Stage
from lab.rules.permissions import Action
from lab.rules.pilot import Measured, check_measured, check_measuring, dimensions, read_indicator, read_measured
from lab.rules.records import read_record
from lab.services.steps import award_for, record, session


def define_indicator(
    actor: Actor, now: datetime, award_code: str, name: str, unit: str, baseline: str, target: str
) -> int:
    """Define what the pilot is measured by; ``baseline`` and ``target`` as typed, in ``unit``. Returns the indicator's id.

    Raises Invalid per field, Refused outside prototyping and the pilot.
    """
    award = award_for(actor, Action.DEFINE_INDICATOR, award_code)
    check_measuring(Stage(award.stage))
    terms = read_indicator(name, unit, baseline, target)
    assert actor.person_id is not None
    indicator = Indicator(
        award_id=award.id,
        name=terms.name,
        unit=terms.unit,
        baseline=terms.baseline,
        target=terms.target,
        created_by=actor.person_id,
        created_at=now,
    )
    session().add(indicator)
    session().flush()
    record(
        award,
        "indicator_defined",
        actor,
        now,
        name=terms.name,
        unit=terms.unit,
        baseline=_plain(terms.baseline),
        target=_plain(terms.target),
    )
    session().commit()
    return indicator.id


def enter_value(
    actor: Actor,
    now: datetime,
    award_code: str,
    indicator_id: int,
    on: date,
    total: str,
    split: Mapping[str, Mapping[str, str]],
    note: str,
) -> int:
    """Enter what was measured on a day, with its split {"sex": {…}, "age": {…}, "group": {…}} as typed. Returns its id.

    A second value of the same day corrects the first: the newer row counts, the older one stays. Raises Invalid per
    field, Refused outside prototyping and the pilot, NotFound for an indicator of another award.
    """
    award = award_for(actor, Action.ENTER_INDICATOR_VALUE, award_code)
    check_measuring(Stage(award.stage))
    indicator = get_indicator(session(), award.id, indicator_id)
    measured = _measured(award, on, total, split, now)
    assert actor.person_id is not None
    value = IndicatorValue(
        indicator_id=indicator.id,
        measured_on=measured.on,
        total=measured.total,
        split={dimension: {key: _plain(n) for key, n in cells.items()} for dimension, cells in measured.split.items()},
        note=note.strip(),
        entered_by=actor.person_id,
        entered_at=now,
    )
    session().add(value)
    session().flush()
    record(
        award,
        "indicator_value_entered",
        actor,
        now,
        name=indicator.name,
        unit=indicator.unit,
        total=_plain(measured.total),
        on=measured.on.isoformat(),
    )
    session().commit()
    return value.id


def _measured(award: Award, on: date, total: str, split: Mapping[str, Mapping[str, str]], now: datetime) -> Measured:
    definition = definition_of(award)
    began_on = award.prototyping_on or award.pilot_on
    assert began_on is not None, "an award that can be measured has entered the lab"
    measured = read_measured(on, total, split, dimensions(definition.groups))
    check_measured(measured, began_on, local_day(now, definition.time_zone))
    return measured


def record_decision(actor: Actor, now: datetime, award_code: str, title: str, body: str) -> int:
    """Record a decision of the call's steering committee on the award. Returns its id. Raises Invalid per field."""
    award = award_for(actor, Action.RECORD_DECISION, award_code)
    written = read_record(title, body)
    assert actor.person_id is not None
    decision = Decision(award_id=award.id, title=written.title, body=written.body, by=actor.person_id, at=now)
    session().add(decision)
    session().flush()
    record(award, "decision_recorded", actor, now, title=written.title)
    session().commit()
    return decision.id


def _plain(value: Decimal) -> str:
    """A number as text without needless zeros or an exponent."""
    return f"{value.normalize():f}"
