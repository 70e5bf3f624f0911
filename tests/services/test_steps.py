"""The shared steps: chained events, obligations that open once, stages that make things due."""

from __future__ import annotations

import ast
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import DatabaseError

from lab.models import BootCamp, Event, Obligation, Suspension
from lab.queries.awards import facts_of
from lab.rules.errors import NotAllowed, NotFound, Refused
from lab.rules.events import GENESIS, chain_hash
from lab.rules.facts import Stage
from lab.rules.obligations import ObligationKind as Kind
from lab.rules.obligations import Party
from lab.rules.permissions import Action
from lab.services import stages, steps
from tests.factories import World, add_account


def _open(world: World) -> dict[str, Obligation]:
    found = world.session.scalars(
        select(Obligation).where(Obligation.award_id == world.award.id, Obligation.state == "open")
    )
    return {obligation.key: obligation for obligation in found}


def test_events_are_numbered_and_chained(world_at: Callable[..., World], now: datetime) -> None:
    world = world_at()
    for n in range(3):
        steps.record(world.award, "lesson_written", world.actor(world.lead), now, title=f"Lesson {n}")
    world.session.commit()
    stream = f"award:{world.award.id}"
    rows = world.session.scalars(select(Event).where(Event.stream == stream).order_by(Event.seq)).all()
    assert [row.seq for row in rows] == [1, 2, 3]
    previous = GENESIS
    for row in rows:
        fields = {"kind": row.kind, "actor": row.actor_id, "at": row.at.isoformat(), "details": row.details}
        assert row.previous_hash == previous
        assert row.hash == chain_hash(previous, {"stream": row.stream, "seq": row.seq, **fields})
        previous = row.hash


@pytest.mark.parametrize("statement", ["update event set kind = 'x'", "delete from event"])
def test_the_database_refuses_to_change_events(world_at: Callable[..., World], now: datetime, statement: str) -> None:
    world = world_at()
    steps.record(world.award, "lesson_written", world.actor(world.lead), now, title="A lesson")
    world.session.commit()
    with pytest.raises(DatabaseError, match="append-only"):
        world.session.execute(text(statement))
    world.session.rollback()
    assert world.session.scalars(select(Event.kind)).all() == ["lesson_written"]


def test_an_event_without_a_sentence_is_a_mistake(world_at: Callable[..., World], now: datetime) -> None:
    world = world_at()
    with pytest.raises(AssertionError, match="needs its sentence"):
        steps.record(world.award, "something_else", world.actor(world.lead), now)


def test_owing_the_same_twice_is_one_debt_and_a_new_date_supersedes(
    world_at: Callable[..., World], now: datetime
) -> None:
    world = world_at()
    due = now + timedelta(days=3)
    for _ in range(2):
        steps.owe(
            world.award, Kind.REACH_MILESTONE, Party.TEAM, Party.OFFICER, due, now, key="milestone:1", title="Needs"
        )
    steps.owe(
        world.award,
        Kind.REACH_MILESTONE,
        Party.TEAM,
        Party.OFFICER,
        due + timedelta(days=1),
        now,
        key="milestone:1",
        title="Needs",
    )
    rows = world.session.scalars(
        select(Obligation).where(Obligation.key == "milestone:1").order_by(Obligation.id)
    ).all()
    assert [row.state for row in rows] == ["superseded", "open"]
    steps.discharge(world.award, "milestone:1", now)
    steps.discharge(world.award, "milestone:1", now)
    assert "milestone:1" not in _open(world)


def test_a_stranger_finds_nothing_and_a_colleague_is_told_no(world_at: Callable[..., World]) -> None:
    world = world_at()
    with pytest.raises(NotFound):
        steps.award_for(world.actor(world.other_lead), Action.EDIT_WORKPLAN, world.code)
    with pytest.raises(NotAllowed):
        steps.award_for(world.actor(world.mentor), Action.EDIT_WORKPLAN, world.code)
    with pytest.raises(NotFound):
        steps.award_for(world.actor(world.officer), Action.SEE_AWARD, "no-such-award")
    assert steps.award_for(world.actor(world.member), Action.EDIT_WORKPLAN, world.code).id == world.award.id


def test_prototyping_makes_boot_camps_and_the_final_report_due(world_at: Callable[..., World]) -> None:
    world = world_at(Stage.PROTOTYPING)
    camps = world.session.scalars(select(BootCamp).where(BootCamp.award_id == world.award.id)).all()
    assert len(camps) == 3
    keys = set(_open(world))
    assert {f"boot_camp:{camp.key}" for camp in camps} <= keys
    assert "report:prototype_report:1" in keys


def test_the_payment_is_due_once_everything_is_met(world_at: Callable[..., World], now: datetime) -> None:
    world = world_at(Stage.PROTOTYPING)
    assert "payment:1:propose_payment" not in _open(world)
    add_account(world, verified=True)
    assert "payment:1:propose_payment" in _open(world)


def test_suspension_remembers_the_stage_and_stops_the_payment(world_at: Callable[..., World], now: datetime) -> None:
    world = world_at(Stage.PROTOTYPING)
    add_account(world)
    officer = world.actor(world.officer)
    stages.move(world.award, "suspend", officer, "Questions about the account", now)
    assert (world.award.stage, world.award.suspended_from) == (Stage.SUSPENDED, Stage.PROTOTYPING)
    stages.move(world.award, "resume", officer, "Answered", now + timedelta(days=2))
    assert world.award.stage == Stage.PROTOTYPING
    pause = world.session.scalars(select(Suspension).where(Suspension.award_id == world.award.id)).one()
    assert pause.ended_at == now + timedelta(days=2)


def test_an_ended_award_owes_nothing(world_at: Callable[..., World], now: datetime) -> None:
    world = world_at(Stage.PROTOTYPING)
    stages.move(world.award, "terminate", world.actor(world.officer), "Fraud", now)
    world.session.commit()
    world.session.expire_all()
    assert not _open(world)
    assert world.award.ended_at == now
    with pytest.raises(Refused):
        stages.move(world.award, "resume", world.actor(world.officer), "No", now)


def test_facts_of_a_pilot(world_at: Callable[..., World]) -> None:
    world = world_at(Stage.PILOT)
    facts = facts_of(world.session, world.award)
    assert (
        facts.workplan_accepted
        and facts.agreement_in_force
        and facts.due_diligence_clear
        and facts.prototype_report_accepted
    )
    assert not facts.final_report_accepted and not facts.account_verified and facts.unspent == 0


def test_the_stage_is_set_in_one_place() -> None:
    """``Award.stage`` is assigned in services.stages alone (and in the factories of the tests)."""
    from lab.config import ROOT

    setters = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "lab").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Assign)
        for target in node.targets
        for name in (target.elts if isinstance(target, ast.Tuple) else [target])
        if isinstance(name, ast.Attribute) and name.attr == "stage" and ast.unparse(name.value) == "award"
    }
    assert setters == {"lab/services/stages.py"}


def test_a_bulk_update_of_the_ledger_is_refused(world_at: Callable[..., World], now: datetime) -> None:
    world = world_at()
    steps.record(world.award, "lesson_written", world.actor(world.lead), now, title="A lesson")
    with pytest.raises(DatabaseError, match="append-only"):
        world.session.execute(update(Event).values(kind="award_closed"))
    world.session.rollback()
