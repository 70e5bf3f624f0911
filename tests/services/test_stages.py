"""What each stage makes due, and what follows when facts change: one table of duties, opened once and closed by facts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select

from lab.models import Award, BootCamp, Event, Obligation, Suspension
from lab.queries.awards import definition_of
from lab.rules.errors import NotAllowed, Refused
from lab.rules.facts import PATH, Stage
from lab.rules.obligations import ObligationKind as Kind
from lab.rules.obligations import Party
from lab.services import award as awards
from lab.services import stages, steps, workplan
from tests.factories import World, add_account

GATE = datetime(2026, 3, 16, 23, tzinfo=UTC)


def owed(world: World) -> dict[str, datetime]:
    rows = world.session.execute(
        select(Obligation.key, Obligation.due_at).where(
            Obligation.award_id == world.award.id, Obligation.state == "open"
        )
    )
    return {key: due_at for key, due_at in rows}


def kinds(world: World) -> list[str]:
    return list(world.session.scalars(select(Event.kind).where(Event.award_id == world.award.id).order_by(Event.seq)))


def test_the_gate_owes_the_workplan_and_nothing_else(world_at: Callable[..., World]) -> None:
    assert owed(world_at()) == {"submit_workplan": GATE}


def test_prototyping_owes_camps_reports_and_the_final_report_on_the_call_s_days(world_at: Callable[..., World]) -> None:
    world = world_at(Stage.PROTOTYPING)
    assert world.award.prototyping_on == date(2026, 3, 2)
    found = owed(world)
    camps = {camp.key: camp for camp in definition_of(world.award).boot_camps}
    planned = {camp.key: camp.planned_on for camp in world.session.scalars(select(BootCamp))}
    assert set(planned) == set(camps) and len(camps) == 3
    # Six months from 2 March end with 2 September, in summer time; reports are due 14 days after their period.
    assert found["report:prototype_report:1"] == datetime(2026, 9, 2, 22, tzinfo=UTC)
    assert found["report:progress_report:1"] == datetime(2026, 6, 16, 22, tzinfo=UTC)
    for key in camps:
        assert f"boot_camp:{key}" in found


def test_the_pilot_s_reports_go_on_counting_and_its_end_is_a_ceiling_of_twelve_months(
    world_at: Callable[..., World],
) -> None:
    world = world_at(Stage.PILOT)
    found = owed(world)
    numbers = sorted(int(key.rsplit(":", 1)[1]) for key in found if key.startswith("report:progress_report:"))
    assert numbers == list(range(1, len(numbers) + 1)), "no number twice, none left out"
    assert found["report:final_report:1"] == datetime(2027, 3, 2, 23, tzinfo=UTC)
    assert found["close_award"] > found["report:final_report:1"]
    assert stages.pilot_end(world.award, definition_of(world.award)) == datetime(2027, 3, 2, 23, tzinfo=UTC)


def test_settling_again_changes_nothing(world_at: Callable[..., World], now: datetime) -> None:
    world = world_at(Stage.PROTOTYPING)
    add_account(world)
    before = world.session.execute(select(Obligation.id, Obligation.state, Obligation.due_at)).all()
    for days in (0, 1, 5):
        stages.settle(world.award, now + timedelta(days=days))
    assert world.session.execute(select(Obligation.id, Obligation.state, Obligation.due_at)).all() == before


def test_a_duty_that_facts_open_keeps_its_first_date(world_at: Callable[..., World], now: datetime) -> None:
    world = world_at(Stage.PROTOTYPING)
    first = owed(world)["enter_account"]
    stages.settle(world.award, now + timedelta(days=4))
    assert owed(world)["enter_account"] == first
    add_account(world, verified=False)
    found = owed(world)
    assert "enter_account" not in found and "verify_account" in found
    add_account(world, verified=True)
    found = owed(world)
    assert "verify_account" not in found and "payment:1:propose_payment" in found


def test_a_suspended_award_is_left_alone_until_it_is_resumed(world_at: Callable[..., World], now: datetime) -> None:
    world = world_at(Stage.PROTOTYPING)
    officer = world.actor(world.officer)
    stages.move(world.award, "suspend", officer, "A question", now)
    before = owed(world)
    stages.settle(world.award, now + timedelta(days=1))
    assert owed(world) == before
    stages.move(world.award, "resume", officer, "Answered", now + timedelta(days=2))
    assert world.award.suspended_from is None and world.award.stage == Stage.PROTOTYPING
    assert len(world.session.scalars(select(BootCamp)).all()) == 3, "the stage is not entered a second time"
    assert kinds(world)[-2:] == ["award_suspended", "award_resumed"]


@pytest.mark.parametrize("stage", PATH[:-1])
@pytest.mark.parametrize("turn", ["terminate", "withdraw"])
def test_an_end_remembers_where_the_award_left_its_path(
    world_at: Callable[..., World], now: datetime, stage: Stage, turn: str
) -> None:
    world = world_at(stage)
    who = world.actor(world.officer if turn == "terminate" else world.lead)
    stages.move(world.award, turn, who, "Enough", now)
    assert (world.award.suspended_from, world.award.ended_at) == (stage, now)
    assert owed(world) == {}
    states = set(world.session.scalars(select(Obligation.state).where(Obligation.award_id == world.award.id)))
    assert states <= {"waived", "discharged", "superseded"}


def test_an_award_that_ends_while_suspended_ends_its_suspension(world_at: Callable[..., World], now: datetime) -> None:
    world = world_at(Stage.PROTOTYPING)
    officer = world.actor(world.officer)
    stages.move(world.award, "suspend", officer, "A question", now)
    stages.move(world.award, "terminate", officer, "Fraud", now + timedelta(days=1))
    assert world.award.suspended_from == Stage.PROTOTYPING
    pause = world.session.scalars(select(Suspension)).one()
    assert pause.ended_at == now + timedelta(days=1)


def test_who_may_not_and_what_cannot_be_changes_nothing(world_at: Callable[..., World], now: datetime) -> None:
    world = world_at(Stage.PROTOTYPING)
    before = kinds(world), owed(world)
    with pytest.raises(NotAllowed):
        stages.move(world.award, "suspend", world.actor(world.lead), "No", now)
    with pytest.raises(NotAllowed):
        stages.move(world.award, "suspend", world.actor(world.other_lead), "No", now)
    with pytest.raises(Refused):
        stages.move(world.award, "close", world.actor(world.officer), "", now)
    world.session.rollback()
    assert (kinds(world), owed(world)) == before
    assert world.session.get_one(Award, world.award.id).stage == Stage.PROTOTYPING


def test_the_question_of_an_expired_gate_goes_when_it_has_answered_itself(world_at: Callable[..., World]) -> None:
    """Suspended within the hour after the deadline, resumed next morning: the rest of that day is the team's."""
    world = world_at()
    officer = world.actor(world.officer)
    workplan.flag_expired(GATE)
    assert "decide_expiry" in owed(world)
    world.session.commit()
    awards.steer(officer, GATE + timedelta(minutes=30), world.code, "suspend", "A question")
    awards.steer(officer, GATE + timedelta(hours=10), world.code, "resume", "Answered")
    found = owed(world)
    assert found["submit_workplan"] == GATE + timedelta(days=1)
    assert "decide_expiry" not in found
    world.session.commit()
    assert workplan.flag_expired(GATE + timedelta(days=1)) >= 1, "and comes again with the new deadline"
    assert "decide_expiry" in owed(world)


def test_owing_the_same_thing_twice_by_two_names_is_two_debts(world_at: Callable[..., World], now: datetime) -> None:
    world = world_at()
    due = now + timedelta(days=3)
    for n in (1, 2):
        steps.owe(
            world.award, Kind.REACH_MILESTONE, Party.TEAM, Party.OFFICER, due, now, key=f"milestone:{n}", title="x"
        )
    assert {"milestone:1", "milestone:2"} <= set(owed(world))
