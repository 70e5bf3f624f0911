"""Reminders: once each whatever is restarted, folded after an outage, to those concerned, and only while it is owed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from lab.models import Mail, Obligation, Reminder
from lab.queries.awards import definition_of
from lab.rules.facts import Role, Stage
from lab.rules.obligations import ObligationKind as Kind
from lab.rules.obligations import Party
from lab.services import award as awards
from lab.services import reminders, steps
from tests.conftest import counted
from tests.factories import World, join, make_award, person, seat

# The team's workplan, noticed on 23 February: 16 March ends at 23:00 UTC in Geneva.
LAST_DAY = date(2026, 3, 16)
DUE = datetime(2026, 3, 16, 23, tzinfo=UTC)


def eight(days: int) -> datetime:
    """Eight in the morning in Geneva, ``days`` from the last day (winter time)."""
    return datetime(2026, 3, 16, 7, tzinfo=UTC) + timedelta(days=days)


@pytest.fixture
def world(world_at: Callable[..., World], session: Session) -> World:
    """An award at the gate whose only open duty is the workplan."""
    world = world_at()
    for obligation in session.scalars(select(Obligation)):
        if obligation.award_id != world.award.id or obligation.kind != Kind.SUBMIT_WORKPLAN:
            obligation.state = "discharged"
        else:
            obligation.opened_at = datetime(2026, 2, 23, 12, tzinfo=UTC)
    session.commit()
    return world


def sent(session: Session) -> Counter[str]:
    """How many mails went to each address."""
    session.expire_all()
    return Counter(session.scalars(select(Mail.to)))


def owe(
    world: World, due_at: datetime, opened_at: datetime, debtor: Party = Party.TEAM, key: str = "milestone:1"
) -> None:
    steps.owe(world.award, Kind.REACH_MILESTONE, debtor, Party.OFFICER, due_at, opened_at, key=key, title="Needs known")
    world.session.commit()


def test_each_rung_once_through_the_whole_ladder(world: World, session: Session) -> None:
    """Swept every hour from the notice to the nineteenth day after the deadline."""
    at, moments = datetime(2026, 2, 23, 12, tzinfo=UTC), []
    while at < DUE + timedelta(days=19):
        if reminders.sweep(at):
            moments.append(at)
        at += timedelta(hours=1)
    rungs = [eight(n) for n in (-14, -7, -3, -1, 0, 1, 3, 7)]
    # The fourteenth day after is in summer time: an hour earlier in UTC.
    assert moments == [*rungs, eight(14) - timedelta(hours=1)]
    assert sent(session) == {world.lead.email: 9, world.officer.email: 3, world.committee.email: 1}
    kept = session.execute(select(Reminder.rung, Reminder.person_id).order_by(Reminder.rung)).all()
    assert len(kept) == 13
    assert {rung for rung, who in kept if who == world.officer.id} == {3, 7, 14}
    assert {rung for rung, who in kept if who == world.committee.id} == {14}


def test_never_again_after_a_restart(world: World, session: Session) -> None:
    lead = world.lead.email
    assert reminders.sweep(eight(-1)) == 1
    session.expunge_all()
    session.rollback()
    assert reminders.sweep(eight(-1)) == 0
    assert reminders.sweep(eight(-1) + timedelta(hours=20)) == 0
    assert sent(session) == {lead: 1}


def test_an_outage_ends_in_one_message(world: World, session: Session) -> None:
    assert reminders.sweep(eight(-14)) == 1
    # Down for twelve days, over three rungs.
    assert reminders.sweep(eight(-1) - timedelta(minutes=1)) == 1
    assert sent(session) == {world.lead.email: 2}
    # And from before the deadline until long after it: everybody who should know by then is told once.
    assert reminders.sweep(eight(40)) == 3
    assert sent(session) == {world.lead.email: 3, world.officer.email: 1, world.committee.email: 1}
    assert reminders.sweep(eight(41)) == 0


def test_what_is_done_waived_or_moved_is_not_reminded_of(world: World, session: Session) -> None:
    opened = eight(-20)
    for n, state in enumerate(("discharged", "waived", "superseded")):
        owe(world, DUE, opened, key=f"milestone:{n}")
        session.scalars(select(Obligation).where(Obligation.key == f"milestone:{n}")).one().state = state
    session.commit()
    assert reminders.sweep(eight(-1)) == 1, "the workplan alone"


def test_a_new_date_has_a_ladder_of_its_own(world: World, session: Session) -> None:
    assert reminders.sweep(eight(-1)) == 1
    steps.owe(world.award, Kind.SUBMIT_WORKPLAN, Party.TEAM, Party.OFFICER, DUE + timedelta(days=7), eight(-1))
    session.commit()
    assert reminders.sweep(eight(-1)) == 0
    assert reminders.sweep(eight(0)) == 1, "seven days before the new date"
    assert reminders.sweep(eight(1)) == 0, "the old date's day after says nothing any more"
    assert sent(session) == {world.lead.email: 2}


@pytest.mark.parametrize("turn", ["suspend", "terminate"])
def test_nothing_of_an_award_that_stands_still_or_has_ended(world: World, session: Session, turn: str) -> None:
    awards.steer(world.actor(world.officer), eight(-15), world.code, turn, "A question")
    before = sent(session)
    for day in range(-14, 20):
        assert reminders.sweep(eight(day)) == 0
    assert sent(session) == before


def test_a_resumed_award_goes_on_with_its_later_date(world: World, session: Session) -> None:
    officer = world.actor(world.officer)
    awards.steer(officer, eight(-10), world.code, "suspend", "A question")
    awards.steer(officer, eight(0), world.code, "resume", "Answered")
    (due_at,) = session.scalars(
        select(Obligation.due_at).where(Obligation.kind == Kind.SUBMIT_WORKPLAN, Obligation.state == "open")
    )
    assert due_at == DUE + timedelta(days=10)
    session.query(Obligation).filter(Obligation.kind != Kind.SUBMIT_WORKPLAN).update({"state": "discharged"})
    session.commit()
    before = sent(session)
    assert reminders.sweep(eight(2)) == 0
    assert reminders.sweep(eight(3) - timedelta(minutes=1)) == 0
    assert reminders.sweep(eight(3)) == 1, "seven days before 26 March"
    assert sent(session) - before == {world.lead.email: 1}


def test_what_everybody_owes_reaches_those_who_owe_it(world: World, session: Session) -> None:
    second_finance = person(session, Role.FINANCE, name="Felix Finance")
    gone = person(session, Role.FINANCE, active=False)
    former = join(session, world.award, Role.MENTOR, name="Former Mentor")
    from lab.models import TeamMember

    session.query(TeamMember).filter_by(person_id=former.id).one().until = eight(-9)
    second_seat = seat(session, world.call, name="Second Seat")
    session.commit()
    for debtor in Party:
        owe(world, DUE, eight(-2), debtor, key=f"milestone:{debtor}")
    # Minus one, without the workplan's own.
    assert reminders.sweep(eight(-1)) == 8
    assert sent(session) == {
        world.lead.email: 2,
        world.officer.email: 1,
        world.finance.email: 1,
        second_finance.email: 1,
        world.mentor.email: 1,
        world.committee.email: 1,
        second_seat.email: 1,
    }
    assert not sent(session)[gone.email] and not sent(session)[world.member.email]


def test_somebody_who_owes_it_and_follows_it_gets_one_mail(world: World, session: Session) -> None:
    owe(world, DUE, eight(-2), Party.OFFICER)
    session.query(Obligation).filter_by(kind=Kind.SUBMIT_WORKPLAN).update({"state": "discharged"})
    session.commit()
    assert reminders.sweep(eight(3)) == 1
    assert sent(session) == {world.officer.email: 1}


def test_an_inactive_lead_is_not_written_to(world: World, session: Session) -> None:
    world.lead.active = False
    session.commit()
    assert reminders.sweep(eight(-1)) == 0
    assert sent(session) == {}


def test_two_sweeps_at_once_send_one(app: Flask, world: World, session: Session) -> None:
    """The second starts from what the first had not committed yet."""
    (obligation,) = session.scalars(select(Obligation).where(Obligation.state == "open"))
    assert reminders._claim(obligation, -1, world.lead, eight(-1))
    assert not reminders._claim(obligation, -1, world.lead, eight(-1))
    session.commit()
    assert reminders.sweep(eight(-1)) == 0


def test_a_sweep_that_fails_in_the_middle_is_made_good_by_the_next(
    world: World, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: object, **context: object) -> None:
        raise RuntimeError("the power went")

    with monkeypatch.context() as patch:
        patch.setattr(reminders, "write", broken)
        with pytest.raises(RuntimeError):
            reminders.sweep(eight(-1))
    session.rollback()
    assert session.scalars(select(Reminder)).all() == [], "no claim without its mail"
    session.rollback()
    assert reminders.sweep(eight(-1)) == 1


def test_every_award_of_a_long_list_is_reached(world: World, session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reminders, "BATCH", 3)
    for n in range(7):
        owe(world, DUE, eight(-2), key=f"milestone:{n}")
    assert reminders.sweep(eight(-1)) == 8
    assert reminders.sweep(eight(-1)) == 0


def test_a_sweep_that_finds_nothing_costs_the_same_for_ten_times_the_awards(
    app: Flask, world: World, session: Session
) -> None:
    def statements() -> int:
        session.commit()
        with counted(app) as seen:
            assert reminders.sweep(eight(-6)) == 0
        return len(seen)

    def more(count: int) -> None:
        for n in range(count):
            award = make_award(session, world.call, world.officer)
            steps.owe(award, Kind.REACH_MILESTONE, Party.TEAM, Party.OFFICER, DUE, eight(-6), key=f"m:{n}", title="x")
        session.commit()

    more(1)
    reminders.sweep(eight(-6))
    before = statements()
    more(20)
    assert statements() == before


def test_the_horizon_reaches_as_far_as_any_ladder(world: World) -> None:
    assert timedelta(days=max(definition_of(world.award).reminders.before)) < reminders.HORIZON
    assert reminders.sweep(datetime(2025, 12, 1, tzinfo=UTC)) == 0


def test_a_call_in_another_zone_reminds_at_its_own_eight(world: World, session: Session) -> None:
    import copy

    body = copy.deepcopy(world.call.definition)
    body["time_zone"] = "America/Lima"
    world.call.definition, world.call.definition_hash = body, "lima"
    session.commit()
    world.again()
    due_at = datetime(2026, 3, 17, 5, tzinfo=UTC)
    session.query(Obligation).filter_by(state="open").update({"due_at": due_at})
    session.commit()
    assert reminders.sweep(datetime(2026, 3, 15, 12, 59, tzinfo=UTC)) == 1, "minus three, folded"
    assert reminders.sweep(datetime(2026, 3, 15, 13, 0, tzinfo=UTC)) == 1
    assert world.award.stage == Stage.WORKPLAN
