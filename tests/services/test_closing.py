"""Closing: lessons from every side, and an end only when nothing is missing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lab.models import Award, Check, Document, Event, LedgerEntry, Lesson, Obligation, Tranche
from lab.queries.closing import closing_of
from lab.rules.closing import requirements
from lab.rules.errors import Invalid, NotAllowed, NotFound, Refused
from lab.rules.facts import PATH, Stage
from lab.rules.obligations import ObligationKind, ObligationState
from lab.services.closing import close_award, write_lesson
from lab.services.steps import enter
from tests.factories import START, World

WorldAt = Callable[..., World]
NOW = START + timedelta(days=300)


def _finish(session: Session, world: World) -> None:
    """What the other services would have done before closing: the report accepted, every item ticked."""
    session.add(
        Document(award_id=world.award.id, kind="final_report", state="accepted", draft={}, title="Final report")
    )
    for item in world.call.definition["closing"]:
        session.add(
            Check(
                award_id=world.award.id, checklist="closing", key=item["key"], note="Seen", by=world.officer.id, at=NOW
            )
        )
    session.commit()


def _lesson(world: World) -> int:
    return write_lesson(world.actor(world.lead), NOW, world.code, "Start with the smallest firm", "It answers.")


@pytest.mark.parametrize("stage", [stage for stage in PATH if stage is not Stage.CLOSED])
def test_lessons_are_written_from_both_sides(session: Session, world_at: WorldAt, stage: Stage) -> None:
    world = world_at(stage)
    _lesson(world)
    write_lesson(world.actor(world.officer), NOW, world.code, "Read the budget twice", "It pays.")
    assert session.scalar(select(func.count()).select_from(Lesson)) == 2
    assert session.scalar(select(func.count()).where(Event.kind == "lesson_written")) == 2


@pytest.mark.parametrize("stage", [Stage.CLOSED, Stage.TERMINATED, Stage.LAPSED, Stage.WITHDRAWN])
def test_an_ended_award_takes_no_lesson(session: Session, world_at: WorldAt, stage: Stage) -> None:
    world = world_at(stage)
    with pytest.raises(Refused):
        _lesson(world)
    assert session.scalar(select(func.count()).select_from(Lesson)) == 0


def test_a_lesson_needs_words_and_the_right_people(world_at: WorldAt) -> None:
    world = world_at(Stage.PILOT)
    with pytest.raises(Invalid) as refused:
        write_lesson(world.actor(world.lead), NOW, world.code, " ", "")
    assert set(refused.value.problems) == {"title", "body"}
    with pytest.raises(NotAllowed):
        write_lesson(world.actor(world.mentor), NOW, world.code, "A", "b")
    with pytest.raises(NotFound):
        write_lesson(world.actor(world.other_lead), NOW, world.code, "A", "b")


def test_closing_lists_everything_that_is_missing(session: Session, world_at: WorldAt) -> None:
    world = world_at(Stage.PILOT)
    state = closing_of(session, world.award)
    missing = [need for need in requirements(state.facts, NOW) if need.reason]
    with pytest.raises(Refused) as refused:
        close_award(world.actor(world.officer), NOW, world.code)
    assert refused.value.reasons == tuple(need.reason for need in missing)
    assert {need.key for need in missing} == {"final_report", "checklist", "lessons"}
    session.rollback()
    assert session.get_one(Award, world.award.id).stage == Stage.PILOT


def test_a_finished_award_is_closed(session: Session, world_at: WorldAt) -> None:
    world = world_at(Stage.PILOT)
    _finish(session, world)
    _lesson(world)
    close_award(world.actor(world.officer), NOW, world.code)
    award = session.get_one(Award, world.award.id)
    assert (award.stage, award.ended_at) == (Stage.CLOSED, NOW)
    assert not list(
        session.scalars(
            select(Obligation).where(Obligation.award_id == award.id, Obligation.state == ObligationState.OPEN)
        )
    )
    closing = session.scalars(
        select(Obligation).where(Obligation.award_id == award.id, Obligation.kind == ObligationKind.CLOSE_AWARD)
    ).one()
    assert closing.state == ObligationState.DISCHARGED
    kinds = list(
        session.scalars(select(Event.kind).where(Event.award_id == award.id).order_by(Event.seq.desc()).limit(2))
    )
    assert set(kinds) == {"award_closed", "stage_entered"}


def test_unspent_money_keeps_an_award_open(session: Session, world_at: WorldAt) -> None:
    world = world_at(Stage.PILOT)
    _finish(session, world)
    _lesson(world)
    _move_money(session, world, "payment", Decimal(1000))
    session.commit()
    with pytest.raises(Refused) as refused:
        close_award(world.actor(world.officer), NOW, world.code)
    assert "Unspent" in str(refused.value)
    session.rollback()
    _move_money(session, world, "return", Decimal(1000))
    session.commit()
    close_award(world.actor(world.officer), NOW, world.code)
    assert session.get_one(Award, world.award.id).stage == Stage.CLOSED


def _move_money(session: Session, world: World, kind: str, amount: Decimal) -> None:
    award = session.get_one(Award, world.award.id)
    tranche = session.scalars(select(Tranche.id).where(Tranche.award_id == award.id)).first()
    entry = LedgerEntry(
        tranche_id=tranche if kind == "payment" else None, kind=kind, amount=amount, currency=award.currency,
        local_amount=amount, local_currency=award.local_currency, rate=Decimal(1), reference=f"{kind} 1",
        value_on=NOW.date(), by=world.finance.id, at=NOW,
    )  # fmt: skip
    enter(entry, award)


def test_only_the_officer_closes(session: Session, world_at: WorldAt) -> None:
    world = world_at(Stage.PILOT)
    _finish(session, world)
    _lesson(world)
    for person in (world.lead, world.finance, world.committee):
        with pytest.raises(NotAllowed):
            close_award(world.actor(person), NOW, world.code)
