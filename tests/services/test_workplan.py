"""The gate: drafts that are never lost, a deadline to the second, a clock that stops in review, and each decision's effects."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from lab import models as m
from lab.rules.errors import Conflict, Invalid, NotAllowed, Refused
from lab.rules.facts import Stage
from lab.rules.workplan_merge import base_of
from lab.services import award as awards
from lab.services import stages, workplan
from tests.factories import PLAN, World

DEADLINE = datetime(2026, 3, 16, 23, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.fixture
def world(world_at: Callable[..., World]) -> World:
    return world_at(Stage.WORKPLAN)


def write(world: World, now: datetime, plan: dict[str, Any] = PLAN, revision: int = 0) -> int:
    return workplan.save_draft(world.actor(world.member), now, world.code, plan, revision)


def submitted(world: World, now: datetime) -> int:
    revision = world.session.scalars(
        select(m.Document.draft_revision).where(m.Document.award_id == world.award.id)
    ).one()
    revision = write(world, now, revision=revision)
    return workplan.submit_plan(world.actor(world.lead), now, world.code, revision)


def open_duties(world: World) -> dict[str, datetime]:
    rows = world.session.execute(
        select(m.Obligation.key, m.Obligation.due_at).where(
            m.Obligation.award_id == world.award.id, m.Obligation.state == "open"
        )
    )
    return {key: due_at for key, due_at in rows}


def events(world: World) -> list[str]:
    query = select(m.Event.kind).where(m.Event.award_id == world.award.id).order_by(m.Event.seq)
    return list(world.session.scalars(query))


def notice(world: World, day: date) -> None:
    world.award.notice_on = day
    stages.settle(world.award, datetime(day.year, day.month, day.day, 12, tzinfo=UTC))
    world.session.commit()


def changed(section: str, at: int, **fields: str) -> dict[str, Any]:
    plan = copy.deepcopy(PLAN)
    plan[section][at] |= fields
    return plan


def test_two_who_began_from_one_draft_both_keep_what_they_changed(world: World, now: datetime) -> None:
    revision, base = write(world, now), base_of(PLAN)
    write(world, now, changed("budget", 0, quantity="5"), revision)
    mine = changed("activities", 0, owner="Luis")
    assert workplan.save_draft(world.actor(world.lead), now, world.code, mine, revision, base) == revision + 2
    kept = world.session.scalars(select(m.Document.draft).where(m.Document.award_id == world.award.id)).one()
    assert (kept["activities"][0]["owner"], kept["budget"][0]["quantity"]) == ("Luis", "5")
    # The same once more, its answer lost on the way: nothing to ask, nothing to store.
    assert workplan.save_draft(world.actor(world.lead), now, world.code, mine, revision, base) == revision + 2


def test_two_who_changed_the_same_are_told_and_nothing_is_stored(world: World, now: datetime) -> None:
    revision = write(world, now)
    theirs = changed("budget", 0, quantity="5")
    write(world, now, theirs, revision)
    for mine in (changed("budget", 0, quantity="6"), {**PLAN, "budget": PLAN["budget"][1:]}):
        with pytest.raises(Conflict) as conflict:
            workplan.save_draft(world.actor(world.lead), now, world.code, mine, revision, base_of(PLAN))
        assert (conflict.value.theirs, conflict.value.revision) == (theirs, revision + 1)
        world.session.rollback()


def test_two_full_plans_are_not_merged_into_one_that_is_cut_off(world: World, now: datetime) -> None:
    def rows(letter: str) -> dict[str, Any]:
        return {"activities": [{"id": f"{letter}{n}", "title": "x"} for n in range(101)]}

    write(world, now, rows("a"))
    with pytest.raises(Refused, match="202 rows"):
        workplan.save_draft(world.actor(world.lead), now, world.code, rows("b"), 0, base_of({}))
    world.session.rollback()


def test_a_plan_that_was_handed_in_meanwhile_is_not_merged_into(world: World, now: datetime) -> None:
    submitted(world, now)
    with pytest.raises(Refused):
        workplan.save_draft(
            world.actor(world.member), now, world.code, changed("budget", 0, quantity="6"), 1, base_of({})
        )
    world.session.rollback()


def test_a_draft_is_kept_as_typed_and_knows_its_revision(world: World, now: datetime) -> None:
    assert write(world, now, {"summary": " half a", "budget": [{"unit_cost": "twelve"}]}) == 1
    document = world.session.scalars(select(m.Document).where(m.Document.award_id == world.award.id)).one()
    assert document.draft["summary"] == " half a"
    assert document.draft["budget"][0]["unit_cost"] == "twelve"
    assert (document.draft_saved_at, document.draft_saved_by) == (now, world.member.id)


def test_the_later_save_gets_the_newer_text_and_overwrites_nothing(world: World, now: datetime) -> None:
    write(world, now, {"summary": "hers"})
    with pytest.raises(Conflict) as conflict:
        workplan.save_draft(world.actor(world.lead), now, world.code, {"summary": "mine"}, 0)
    assert (conflict.value.theirs["summary"], conflict.value.revision) == ("hers", 1)
    assert workplan.save_draft(world.actor(world.lead), now, world.code, {"summary": "hers"}, 0) == 1, (
        "the same text is no conflict"
    )


def test_only_the_team_writes_and_only_the_lead_submits(world: World, now: datetime) -> None:
    for who in ("officer", "mentor", "committee", "finance"):
        with pytest.raises(NotAllowed):
            workplan.save_draft(world.actor(getattr(world, who)), now, world.code, PLAN, 0)
    write(world, now)
    with pytest.raises(NotAllowed):
        workplan.submit_plan(world.actor(world.member), now, world.code, 1)


def test_submitting_stops_the_clock_and_makes_the_review_due(world: World, now: datetime) -> None:
    assert open_duties(world)["submit_workplan"] == DEADLINE
    assert submitted(world, now) == 1
    duties = open_duties(world)
    assert "submit_workplan" not in duties
    assert duties["review_workplan"] == datetime(2026, 3, 9, 23, tzinfo=UTC), "seven days for the ILO"
    assert events(world)[-1] == "workplan_submitted"
    with pytest.raises(Refused, match="with the ILO already"):
        write(world, now, {"summary": "sneaked in"}, revision=1)
    world.session.rollback()
    with pytest.raises(Refused, match="with the ILO already"):
        workplan.submit_plan(world.actor(world.lead), now, world.code, 1)


def test_a_second_before_the_deadline_is_in_time(world: World) -> None:
    assert submitted(world, DEADLINE - SECOND) == 1


def test_at_the_deadline_it_is_too_late_and_the_draft_is_kept(world: World, session: Session) -> None:
    with pytest.raises(Refused, match="Ask the programme officer to extend"):
        submitted(world, DEADLINE)
    session.rollback()
    document = session.scalars(select(m.Document).where(m.Document.award_id == world.award.id)).one()
    assert document.draft["summary"] == PLAN["summary"]
    assert session.scalars(select(m.Version)).all() == []


@pytest.mark.parametrize(
    ("notice_on", "deadline"),
    [
        (date(2027, 3, 7), datetime(2027, 3, 28, 22, tzinfo=UTC)),
        (date(2026, 10, 4), datetime(2026, 10, 25, 23, tzinfo=UTC)),
    ],
)
def test_a_21st_day_on_which_the_clocks_change(world: World, notice_on: date, deadline: datetime) -> None:
    notice(world, notice_on)
    assert open_duties(world)["submit_workplan"] == deadline
    plan = copy.deepcopy(PLAN)
    for row in (*plan["activities"], *plan["milestones"]):
        row.update({name: (notice_on + timedelta(days=30)).isoformat() for name in row if name.endswith("_on")})
    revision = write(world, deadline - SECOND, plan)
    with pytest.raises(Refused, match="at midnight"):
        workplan.submit_plan(world.actor(world.lead), deadline, world.code, revision)
    world.session.rollback()
    assert workplan.submit_plan(world.actor(world.lead), deadline - SECOND, world.code, revision) == 1


@pytest.mark.parametrize("cost", ["1000.01", "999.99"])
def test_a_budget_that_is_off_is_refused_at_its_place(world: World, now: datetime, cost: str) -> None:
    plan = copy.deepcopy(PLAN)
    plan["budget"][1] |= {"quantity": "1", "unit_cost": cost.replace("1000", "10000").replace("999.", "9999.")}
    revision = write(world, now, plan)
    with pytest.raises(Invalid) as refused:
        workplan.submit_plan(world.actor(world.lead), now, world.code, revision)
    assert set(refused.value.problems) == {"budget"}
    assert "0.01 USD" in str(refused.value)
    world.session.rollback()
    assert "submit_workplan" in open_duties(world)


def test_what_the_lead_did_not_see_is_not_submitted(world: World, now: datetime) -> None:
    write(world, now)
    write(world, now, {**PLAN, "summary": "changed by a member"}, revision=1)
    with pytest.raises(Conflict):
        workplan.submit_plan(world.actor(world.lead), now, world.code, 1)


def test_changes_asked_for_give_the_time_of_the_review_back(world: World, now: datetime) -> None:
    submitted(world, now)
    officer = world.actor(world.officer)
    with pytest.raises(Refused, match="at least one section"):
        workplan.request_changes(officer, now, world.code, 1, {"budget": " "})
    world.session.rollback()
    later = now + timedelta(days=4)
    workplan.request_changes(officer, later, world.code, 1, {"budget": "Split the staff line.", "secret": "no"})
    assert open_duties(world)["submit_workplan"] == DEADLINE + timedelta(days=4)
    assert "review_workplan" not in open_duties(world)
    thread = world.session.scalars(select(m.Thread)).one()
    assert (thread.section, thread.kind) == ("budget", "change")
    assert submitted(world, DEADLINE + timedelta(days=4) - SECOND) == 2
    first, second = world.session.scalars(select(m.Version).order_by(m.Version.number))
    assert (first.decision, second.decision) == ("changes_requested", None)
    assert first.content == {**second.content}


def test_the_version_that_was_read_is_the_one_decided_on(world: World, now: datetime) -> None:
    submitted(world, now)
    officer = world.actor(world.officer)
    workplan.request_changes(officer, now, world.code, 1, {"summary": "More."})
    submitted(world, now + timedelta(hours=1))
    for act in (
        lambda: workplan.request_changes(officer, now, world.code, 1, {"summary": "More."}),
        lambda: workplan.approve(officer, now, world.code, 1),
        lambda: workplan.reject(officer, now, world.code, 1, "No"),
    ):
        with pytest.raises(Refused, match="newer version"):
            act()
        world.session.rollback()
    assert world.award.stage == "workplan"


def test_approval_makes_milestones_budget_and_the_next_stage(world: World, now: datetime) -> None:
    submitted(world, now)
    workplan.approve(world.actor(world.officer), now + timedelta(days=1), world.code, 1)
    assert world.award.stage == "agreement"
    milestone = world.session.scalars(select(m.Milestone)).one()
    assert (milestone.number, milestone.title, milestone.due_on) == (1, "Needs known", date(2026, 5, 15))
    lines = world.session.scalars(select(m.BudgetLine).order_by(m.BudgetLine.number)).all()
    assert [(line.amount, line.own) for line in lines] == [
        (Decimal(20000), False),
        (Decimal(10000), False),
        (Decimal(2500), True),
    ]
    duties = open_duties(world)
    assert duties["milestone:1"] == datetime(2026, 5, 15, 22, tzinfo=UTC)
    assert {"clear_due_diligence", "open_agreement"} <= set(duties)
    assert not {"submit_workplan", "review_workplan"} & set(duties)
    assert events(world)[-3:] == ["workplan_submitted", "workplan_approved", "stage_entered"]
    document = world.session.scalars(select(m.Document).where(m.Document.award_id == world.award.id)).one()
    assert document.state == "accepted"


def test_rejection_needs_a_reason_and_ends_the_award(world: World, now: datetime) -> None:
    submitted(world, now)
    officer = world.actor(world.officer)
    with pytest.raises(Refused, match="reason"):
        workplan.reject(officer, now, world.code, 1, "")
    world.session.rollback()
    workplan.reject(officer, now, world.code, 1, "The budget pays for salaries only.")
    assert (world.award.stage, world.award.ended_at) == ("lapsed", now)
    assert open_duties(world) == {}
    version = world.session.scalars(select(m.Version)).one()
    assert (version.decision, version.reason) == ("rejected", "The budget pays for salaries only.")
    assert "salaries only" in world.session.scalars(select(m.Mail).order_by(m.Mail.id.desc())).first().body  # type: ignore[union-attr]


def test_only_the_officer_decides(world: World, now: datetime) -> None:
    submitted(world, now)
    for who in ("lead", "member", "mentor", "committee", "finance"):
        actor = world.actor(getattr(world, who))
        for act in (
            lambda actor: workplan.approve(actor, now, world.code, 1),
            lambda actor: workplan.reject(actor, now, world.code, 1, "x"),
            lambda actor: workplan.request_changes(actor, now, world.code, 1, {"summary": "x"}),
            lambda actor: workplan.extend_deadline(actor, now, world.code, 3, "x"),
            lambda actor: workplan.let_lapse(actor, now, world.code, "x"),
        ):
            with pytest.raises(NotAllowed):
                act(actor)


def test_an_extension_moves_the_deadline_by_whole_days(world: World, now: datetime) -> None:
    officer = world.actor(world.officer)
    for days, reason, field in ((0, "x", "days"), (61, "x", "days"), (5, " ", "reason")):
        with pytest.raises(Invalid) as refused:
            workplan.extend_deadline(officer, now, world.code, days, reason)
        assert set(refused.value.problems) == {field}
    assert workplan.extend_deadline(officer, now, world.code, 14, "Floods") == datetime(2026, 3, 30, 22, tzinfo=UTC)
    assert open_duties(world)["submit_workplan"] == datetime(2026, 3, 30, 22, tzinfo=UTC)
    states = list(
        world.session.scalars(
            select(m.Obligation.state).where(
                m.Obligation.key == "submit_workplan", m.Obligation.award_id == world.award.id
            )
        )
    )
    assert sorted(states) == ["open", "superseded"]
    assert submitted(world, DEADLINE + timedelta(days=10)) == 1


def test_an_overdue_award_asks_its_officer_once_and_never_lapses_by_itself(world: World) -> None:
    assert workplan.flag_expired(DEADLINE - SECOND) == 0
    # The other award of the world was noticed on the same day.
    assert workplan.flag_expired(DEADLINE) == 2
    assert workplan.flag_expired(DEADLINE + timedelta(days=1)) == 0
    assert world.award.stage == "workplan"
    assert open_duties(world)["decide_expiry"] == datetime(2026, 3, 24, 23, tzinfo=UTC)
    officer = world.actor(world.officer)
    with pytest.raises(Invalid, match="give at least 6 days"):
        workplan.extend_deadline(officer, DEADLINE + timedelta(days=5), world.code, 5, "Late request")
    world.session.rollback()
    workplan.extend_deadline(officer, DEADLINE + timedelta(days=5), world.code, 6, "Late request")
    assert "decide_expiry" not in open_duties(world)
    assert workplan.flag_expired(DEADLINE + timedelta(days=7)) == 1, "a new deadline, a new question"


def test_a_deadline_long_gone_can_still_be_extended(world: World) -> None:
    officer, late = world.actor(world.officer), DEADLINE + timedelta(days=100)
    for days, said in ((100, "give at least 101 days"), (162, "from 1 to 161")):
        with pytest.raises(Invalid, match=said):
            workplan.extend_deadline(officer, late, world.code, days, "Floods")
        world.session.rollback()
    assert workplan.extend_deadline(officer, late, world.code, 101, "Floods") > late


def test_an_award_lapses_by_decision_after_its_deadline_only(world: World) -> None:
    officer = world.actor(world.officer)
    with pytest.raises(Refused, match="still has time"):
        workplan.let_lapse(officer, DEADLINE - SECOND, world.code, "No answer")
    world.session.rollback()
    workplan.flag_expired(DEADLINE)
    workplan.let_lapse(officer, DEADLINE, world.code, "No answer")
    assert (world.award.stage, open_duties(world)) == ("lapsed", {})
    assert events(world)[-2:] == ["award_lapsed", "stage_entered"]
    with pytest.raises(Refused):
        write(world, DEADLINE)


def test_a_suspension_gives_its_time_back_and_stops_the_gate(world: World, now: datetime) -> None:
    officer = world.actor(world.officer)
    awards.steer(officer, now, world.code, "suspend", "A question")
    revision = write(world, now)
    with pytest.raises(Refused, match="stage"):
        workplan.submit_plan(world.actor(world.lead), now, world.code, revision)
    world.session.rollback()
    awards.steer(officer, now + timedelta(days=10), world.code, "resume", "Answered")
    assert open_duties(world)["submit_workplan"] == DEADLINE + timedelta(days=10)


def test_two_officers_who_see_the_same_deadline_extend_it_once(world: World, now: datetime) -> None:
    officer = world.actor(world.officer)
    moved = workplan.extend_deadline(officer, now, world.code, 3, "Floods", DEADLINE)
    with pytest.raises(Refused, match="was moved since you opened this page"):
        workplan.extend_deadline(officer, now, world.code, 3, "Floods", DEADLINE)
    world.session.rollback()
    assert workplan.extend_deadline(officer, now, world.code, 3, "More floods", moved) == moved + timedelta(days=3)
