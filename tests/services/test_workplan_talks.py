"""Threads on a plan's items: asked, answered, asked again, settled; told once an hour; what approval freezes and makes."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lab import models as m
from lab.rules.errors import Invalid, NotAllowed, NotFound, Refused
from lab.rules.facts import Stage
from lab.services import workplan, workplan_talks
from tests.factories import PLAN, World
from tests.services.test_workplan import events, submitted

HOUR = timedelta(hours=1)


@pytest.fixture
def world(world_at: Callable[..., World], now: datetime) -> World:
    world = world_at(Stage.WORKPLAN)
    submitted(world, now)
    return world


def ask(world: World, now: datetime, version: int = 1, **more: object) -> dict[str, int]:
    comments = {
        "activities:a1": "Whom?",
        "milestones:m1": "When known?",
        "budget:staff": "Split it.",
        "moon": "Nowhere",
    }
    workplan.request_changes(world.actor(world.officer), now, world.code, version, comments, **more)  # type: ignore[arg-type]
    return {thread.section: thread.id for thread in world.session.scalars(select(m.Thread).order_by(m.Thread.id))}


def mails(world: World) -> list[tuple[str, str]]:
    return [(mail.to, mail.subject) for mail in world.session.scalars(select(m.Mail).order_by(m.Mail.id))]


def test_a_comment_opens_a_thread_on_each_place_of_the_plan_and_on_no_other(world: World, now: datetime) -> None:
    assert set(ask(world, now)) == {"activities:a1", "milestones:m1", "budget:staff"}
    event = world.session.scalars(select(m.Event).order_by(m.Event.id.desc())).first()
    assert event is not None and event.details == {"number": 1, "sections": "activities,milestones,budget"}


def test_an_answer_is_kept_and_the_other_side_is_told_once_an_hour(world: World, now: datetime) -> None:
    on = ask(world, now)
    lead, officer = world.actor(world.lead), world.actor(world.officer)
    before = len(mails(world))
    for minutes, thread in ((0, "activities:a1"), (20, "milestones:m1"), (40, "budget:staff")):
        workplan_talks.reply(lead, now + timedelta(minutes=minutes), world.code, on[thread], " Done. ")
    told = mails(world)[before:]
    assert [to for to, _subject in told] == [world.officer.email]
    workplan_talks.reply(officer, now + timedelta(minutes=50), world.code, on["budget:staff"], "How?")
    assert [to for to, _subject in mails(world)[before + 1 :]] == [world.lead.email], "the other side has its own hour"
    workplan_talks.reply(lead, now + 2 * HOUR, world.code, on["budget:staff"], "So.")
    assert mails(world)[-1][0] == world.officer.email and len(mails(world)) == before + 3
    assert events(world)[-5:] == ["workplan_answered"] * 5
    bodies = world.session.scalars(
        select(m.Comment.body).where(m.Comment.thread_id == on["budget:staff"]).order_by(m.Comment.id)
    ).all()
    assert bodies == ["Split it.", "Done.", "How?", "So."]


def test_settled_once_and_opened_again_by_the_officers_word_alone(
    world: World, session: Session, now: datetime
) -> None:
    on = ask(world, now)["budget:staff"]
    officer, lead = world.actor(world.officer), world.actor(world.lead)
    for _ in range(2):
        workplan_talks.settle_thread(officer, now, world.code, on)
    assert events(world).count("workplan_settled") == 1
    with pytest.raises(Refused, match="settled this comment"):
        workplan_talks.reply(lead, now, world.code, on, "But")
    session.rollback()
    workplan_talks.reply(officer, now, world.code, on, "One more thing")
    workplan_talks.reply(lead, now, world.code, on, "Yes")
    assert session.get_one(m.Thread, on).resolved_at is None


def test_who_writes_in_threads(world: World, session: Session, now: datetime) -> None:
    on = ask(world, now)["budget:staff"]
    for who in ("mentor", "committee", "finance"):
        with pytest.raises(NotAllowed):
            workplan_talks.reply(world.actor(getattr(world, who)), now, world.code, on, "x")
        session.rollback()
    for who in ("lead", "member", "mentor"):
        with pytest.raises(NotAllowed):
            workplan_talks.settle_thread(world.actor(getattr(world, who)), now, world.code, on)
        session.rollback()
    with pytest.raises(NotFound):
        workplan_talks.reply(world.actor(world.other_lead), now, world.other_award.code, on, "x")
    session.rollback()
    for text in (" ", "x" * 4001):
        with pytest.raises(Invalid):
            workplan_talks.reply(world.actor(world.lead), now, world.code, on, text)
        session.rollback()


def test_the_next_decision_asks_again_and_settles_in_one_step(world: World, session: Session, now: datetime) -> None:
    on = ask(world, now)
    submitted(world, now)
    officer = world.actor(world.officer)
    again, settled = {on["budget:staff"]: "Still one line."}, {on["activities:a1"], on["budget:staff"]}
    workplan.request_changes(officer, now, world.code, 2, {}, again, settled)
    session.expire_all()
    states = {key: session.get_one(m.Thread, thread).resolved_at for key, thread in on.items()}
    assert states == {"activities:a1": now, "milestones:m1": None, "budget:staff": None}, "asked again: not settled"
    submitted(world, now)
    before = session.scalar(select(func.count()).select_from(m.Comment))
    session.commit()
    with pytest.raises(NotFound):
        workplan.request_changes(officer, now, world.code, 3, {"whole": "x"}, {999: "x"})
    session.rollback()
    with pytest.raises(Refused, match="Say in at least one section"):
        workplan.request_changes(officer, now, world.code, 3, {}, {on["budget:staff"]: " "}, settled)
    session.rollback()
    assert session.scalar(select(func.count()).select_from(m.Comment)) == before, "all of it or nothing"


def test_approval_names_rows_stages_and_activities_and_freezes(world: World, session: Session, now: datetime) -> None:
    on = ask(world, now)
    submitted(world, now)
    officer, lead = world.actor(world.officer), world.actor(world.lead)
    workplan.approve(officer, now, world.code, 2)
    milestones = session.scalars(select(m.Milestone).where(m.Milestone.award_id == world.award.id)).all()
    assert [(one.item, one.stage) for one in milestones] == [("m1", "prototyping")]
    lines = session.scalars(
        select(m.BudgetLine).where(m.BudgetLine.award_id == world.award.id).order_by(m.BudgetLine.number)
    ).all()
    assert [(one.item, one.activity, one.stage) for one in lines] == [
        ("b1", "a1", "prototyping"), ("b2", "a1", "prototyping"), ("b3", "", ""),
    ]  # fmt: skip
    changed = copy.deepcopy(PLAN) | {"summary": "Other"}
    acts: list[Callable[[], object]] = [
        lambda: workplan.save_draft(lead, now, world.code, changed, 1),
        lambda: workplan.submit_plan(lead, now, world.code, 1),
        lambda: workplan.request_changes(officer, now, world.code, 2, {"summary": "x"}),
        lambda: workplan.approve(officer, now, world.code, 2),
        lambda: workplan.reject(officer, now, world.code, 2, "x"),
        lambda: workplan_talks.reply(lead, now, world.code, on["budget:staff"], "x"),
        lambda: workplan_talks.reply(officer, now, world.code, on["budget:staff"], "x"),
        lambda: workplan_talks.settle_thread(officer, now, world.code, on["budget:staff"]),
    ]
    for act in acts:
        with pytest.raises(Refused):
            act()
        session.rollback()
