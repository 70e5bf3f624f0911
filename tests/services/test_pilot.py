"""Indicators, values and decisions: who may, when, what is kept, and what counts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lab.models import Decision, Event, Indicator, IndicatorValue
from lab.queries.pilot import history_of, indicators_of
from lab.rules.errors import Invalid, NotAllowed, NotFound, Refused
from lab.rules.facts import PATH, Stage
from lab.services.pilot import define_indicator, enter_value, record_decision
from tests.factories import START, World

WorldAt = Callable[..., World]
DAY = date(2026, 3, 2)
LATER = START + timedelta(days=40)


def _define(world: World, target: str = "200") -> int:
    actor = world.actor(world.member)
    return define_indicator(actor, START, world.code, "Firms on the platform", "firms", "0", target)


def _enter(world: World, indicator: int, on: date, total: str, **split: dict[str, str]) -> int:
    return enter_value(world.actor(world.member), LATER, world.code, indicator, on, total, split, "Counted by hand")


def _kinds(session: Session, world: World) -> list[str]:
    return list(session.scalars(select(Event.kind).where(Event.award_id == world.award.id).order_by(Event.seq)))


def test_an_indicator_is_kept_with_its_event(session: Session, world_at: WorldAt) -> None:
    world = world_at(Stage.PILOT)
    made = session.get_one(Indicator, _define(world, "1 200,5"))
    assert (made.baseline, made.target, made.unit, made.created_by) == (0, Decimal("1200.5"), "firms", world.member.id)
    event = session.scalars(select(Event).where(Event.kind == "indicator_defined")).one()
    assert event.details == {"name": "Firms on the platform", "unit": "firms", "baseline": "0", "target": "1200.5"}


@pytest.mark.parametrize("stage", [*PATH, Stage.SUSPENDED])
def test_indicators_belong_to_the_lab(session: Session, world_at: WorldAt, stage: Stage) -> None:
    world = world_at(stage)
    if stage in (Stage.PROTOTYPING, Stage.PILOT):
        assert _define(world)
    else:
        with pytest.raises(Refused):
            _define(world)
        assert session.scalar(select(func.count()).select_from(Indicator)) == 0


def test_people_of_another_award_find_nothing(world_at: WorldAt) -> None:
    world = world_at(Stage.PILOT)
    with pytest.raises(NotFound):
        define_indicator(world.actor(world.other_lead), START, world.code, "A", "b", "0", "1")
    with pytest.raises(NotFound):
        record_decision(world.actor(world.other_committee), START, world.code, "A", "b")
    with pytest.raises(NotAllowed):
        define_indicator(world.actor(world.mentor), START, world.code, "A", "b", "0", "1")
    with pytest.raises(NotAllowed):
        record_decision(world.actor(world.officer), START, world.code, "A", "b")


def test_an_indicator_of_another_award_is_not_found(session: Session, world_at: WorldAt) -> None:
    world = world_at(Stage.PILOT)
    foreign = Indicator(
        award_id=world.other_award.id, name="A", unit="b", baseline=Decimal(0), target=Decimal(1),
        created_by=world.other_lead.id, created_at=START,
    )  # fmt: skip
    session.add(foreign)
    session.commit()
    with pytest.raises(NotFound):
        _enter(world, foreign.id, DAY, "1")


def test_a_value_with_its_split(session: Session, world_at: WorldAt) -> None:
    world = world_at(Stage.PILOT)
    split = {"sex": {"women": "7"}} if "women" in _keys(world, "sex") else {}
    value = session.get_one(IndicatorValue, _enter(world, _define(world), DAY, "12,5", **split))
    assert (value.total, value.measured_on, value.note) == (Decimal("12.5"), DAY, "Counted by hand")
    assert value.split == split
    assert _kinds(session, world)[-1] == "indicator_value_entered"


def _keys(world: World, dimension: str) -> list[str]:
    groups = world.call.definition["groups"]
    return [item["key"] for item in groups[{"sex": "sexes", "age": "ages", "group": "groups"}[dimension]]]


@pytest.mark.parametrize("dimension", ["sex", "age"])
def test_a_split_above_its_total_stores_nothing(session: Session, world_at: WorldAt, dimension: str) -> None:
    world = world_at(Stage.PILOT)
    indicator, (first, second, *_) = _define(world), _keys(world, dimension)
    with pytest.raises(Invalid) as refused:
        _enter(world, indicator, DAY, "10", **{dimension: {first: "6", second: "5"}})
    assert set(refused.value.problems) == {dimension}
    assert session.scalar(select(func.count()).select_from(IndicatorValue)) == 0


@pytest.mark.parametrize("on", [DAY - timedelta(days=1), LATER.date() + timedelta(days=1)])
def test_a_day_outside_the_lab_is_refused(world_at: WorldAt, on: date) -> None:
    world = world_at(Stage.PILOT)
    with pytest.raises(Invalid) as refused:
        _enter(world, _define(world), on, "10")
    assert set(refused.value.problems) == {"on"}


def test_a_second_value_of_a_day_corrects_the_first(session: Session, world_at: WorldAt) -> None:
    world = world_at(Stage.PILOT)
    indicator = _define(world)
    _enter(world, indicator, DAY + timedelta(days=9), "50")
    _enter(world, indicator, DAY + timedelta(days=9), "40")
    _enter(world, indicator, DAY, "10")
    (row,) = indicators_of(session, [world.award.id])
    assert (row.value, row.on, row.attained, row.reached) == (40, DAY + timedelta(days=9), Decimal("0.2"), False)
    history = [(entry.value.total, entry.counts) for entry in history_of(session, indicator)]
    assert history == [(40, True), (50, False), (10, True)]


def test_an_indicator_without_values_is_listed(session: Session, world_at: WorldAt) -> None:
    world = world_at(Stage.PROTOTYPING)
    _define(world)
    (row,) = indicators_of(session, [world.award.id])
    assert (row.value, row.on, row.attained, row.days) == (None, None, None, 0)


def test_the_committee_decides_in_any_stage(session: Session, world_at: WorldAt) -> None:
    world = world_at(Stage.AGREEMENT)
    now: datetime = START
    made = record_decision(world.actor(world.committee), now, world.code, "Extend  the pilot", "Because.\n")
    decision = session.get_one(Decision, made)
    assert (decision.title, decision.body, decision.by) == ("Extend the pilot", "Because.", world.committee.id)
    assert _kinds(session, world)[-1] == "decision_recorded"
    with pytest.raises(Invalid):
        record_decision(world.actor(world.committee), now, world.code, "", "Because.")
