"""Loading calls: created, updated, left alone; refused whole; and a second call that is quite another."""

from __future__ import annotations

import copy
import tomllib
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lab.models import Award, Call, Event, Tranche
from lab.queries.awards import definition_of, facts_of, workplan_deadline
from lab.rules.calls import CallDefinitionError
from lab.rules.errors import NotAllowed
from lab.rules.facts import SYSTEM, Actor, Role, Stage
from lab.services.calls import load_call
from lab.services.pilot import define_indicator
from tests.factories import CALL_FILE, START, World

SECOND = Path(__file__).parents[1] / "rules" / "data" / "one-prize-clp.toml"
NOW = START


def _data(path: Path = CALL_FILE) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))


def _count(session: Session, model: type[Any]) -> int:
    return session.scalar(select(func.count()).select_from(model)) or 0


def test_a_call_is_created_once(session: Session) -> None:
    assert load_call(SYSTEM, NOW, _data()) == "created"
    assert load_call(SYSTEM, NOW + timedelta(days=1), _data()) == "unchanged"
    call = session.scalars(select(Call)).one()
    assert call.loaded_at == NOW
    event = session.scalars(select(Event)).one()
    assert (event.kind, event.details, event.award_id, event.actor_id) == (
        "call_loaded",
        {"code": call.code},
        None,
        None,
    )


def test_a_changed_call_is_updated(session: Session) -> None:
    load_call(SYSTEM, NOW, _data())
    changed = _data()
    changed["stages"]["workplan_days"] = 28
    later = NOW + timedelta(days=1)
    assert load_call(SYSTEM, later, changed) == "updated"
    call = session.scalars(select(Call)).one()
    assert (call.definition["stages"]["workplan_days"], call.loaded_at) == (28, later)
    assert load_call(SYSTEM, later, changed) == "unchanged"
    assert _count(session, Event) == 2


def test_a_refused_call_stores_nothing(session: Session) -> None:
    bad = copy.deepcopy(_data())
    bad["stages"]["workplan_days"] = -1
    with pytest.raises(CallDefinitionError) as refused:
        load_call(SYSTEM, NOW, bad)
    assert "workplan_days" in refused.value.key
    session.rollback()
    assert (_count(session, Call), _count(session, Event)) == (0, 0)


def test_a_refused_update_leaves_what_stands(session: Session) -> None:
    load_call(SYSTEM, NOW, _data())
    before = session.scalars(select(Call.definition_hash)).one()
    bad = _data()
    del bad["prizes"][0]["currency"]
    with pytest.raises(CallDefinitionError):
        load_call(SYSTEM, NOW, bad)
    session.rollback()
    assert session.scalars(select(Call.definition_hash)).one() == before


def test_only_an_operator_loads_calls(session: Session) -> None:
    officer = Actor(person_id=1, name="Olivia", programme=frozenset({Role.OFFICER}))
    with pytest.raises(NotAllowed):
        load_call(officer, NOW, _data())
    assert _count(session, Call) == 0


def test_two_calls_live_side_by_side(session: Session) -> None:
    assert load_call(SYSTEM, NOW, _data()) == "created"
    assert load_call(SYSTEM, NOW, _data(SECOND)) == "created"
    assert _count(session, Call) == 2


def test_an_award_of_the_second_call_follows_its_rules(session: Session, world_at: Callable[..., World]) -> None:
    """One prize, other lengths, a currency without minor units: no code knows of it."""
    world = world_at(Stage.PILOT, path=str(SECOND))
    award = session.get_one(Award, world.award.id)
    definition = definition_of(award)
    (prize,) = definition.prizes
    assert (award.currency, prize.currency) == ("CLP", "CLP")
    assert award.amount == prize.amount == prize.amount.to_integral_value()
    assert len(definition.languages) == 2
    assert sum(session.scalars(select(Tranche.amount).where(Tranche.award_id == award.id)), Decimal(0)) == award.amount
    stages = definition.stages
    assert (stages.workplan_days, stages.prototyping_months, stages.pilot_months_max) != (21, 6, 12)
    deadline = workplan_deadline(session, award, definition.time_zone, stages.workplan_days)
    shortest = award.notice_on + timedelta(days=stages.workplan_days)
    assert isinstance(shortest, date) and deadline.date() >= shortest
    assert facts_of(session, award).unspent == 0
    assert define_indicator(world.actor(world.lead), NOW, award.code, "Talleres", "talleres", "0", "12")
