"""Recording an award, its people, and its steering: what is kept, who is told, and what is refused whole."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lab import models as m
from lab.queries.people import actor_for
from lab.rules.errors import Invalid, NotAllowed, NotFound, Refused
from lab.rules.facts import Role, Stage
from lab.services import award as service
from lab.services.invitations import person_by_token
from tests.factories import World, make_call, person

WINNER: dict[str, Any] = {
    "call_code": "e-formalisation-2021",
    "organisation": {"legal_name": "Cámara de Ejemplo", "kind": "employers", "country": "EC"},
    "registered_on": date(2001, 5, 4),
    "project": "Encadenamientos",
    "prize": "first",
    "notice_on": date(2026, 2, 23),
    "local_currency": "USD",
    "language": "es",
    "lead_name": "Lucía Lead",
    "lead_email": "Lucia@Camara.example",
    "mentors": [("Maya Mentor", "maya@ilo.example")],
}


@pytest.fixture
def officer(session: Session) -> m.Person:
    make_call(session)
    found = person(session, Role.OFFICER, name="Olivia Officer")
    session.commit()
    return found


def record(session: Session, officer: m.Person, now: datetime, **changes: Any) -> str:
    return service.record_award(actor_for(session, officer), now, **{**WINNER, **changes})


def mails(session: Session) -> list[m.Mail]:
    return list(session.scalars(select(m.Mail).order_by(m.Mail.id)))


def counts(session: Session) -> list[int]:
    """Rows of everything that recording an award writes."""
    tables = (
        m.Award,
        m.Organisation,
        m.BankAccount,
        m.Document,
        m.Tranche,
        m.Condition,
        m.TeamMember,
        m.Person,
        m.Invitation,
        m.Mail,
        m.Event,
        m.Obligation,
    )
    return [session.scalar(select(func.count()).select_from(table)) or 0 for table in tables]


def test_an_award_is_recorded_with_everything_that_follows(session: Session, officer: m.Person, now: datetime) -> None:
    code = record(session, officer, now)
    assert code == "e-formalisation-2021-1"
    award = session.scalars(select(m.Award)).one()
    assert (award.amount, award.currency, award.stage, award.officer_id) == (
        Decimal("30000.00"),
        "USD",
        "workplan",
        officer.id,
    )
    document = session.scalars(select(m.Document)).one()
    assert (document.kind, document.state, document.draft["summary"]) == ("workplan", "draft", "")
    tranche = session.scalars(select(m.Tranche)).one()
    assert (tranche.amount, tranche.state) == (Decimal("30000.00"), "planned")
    assert session.scalar(select(func.count()).select_from(m.Condition))
    owed = {o.kind: o for o in session.scalars(select(m.Obligation))}
    assert owed["submit_workplan"].due_at == datetime.fromisoformat("2026-03-16T23:00:00+00:00")
    assert set(owed) == {"submit_workplan"}
    kinds = [event.kind for event in session.scalars(select(m.Event).order_by(m.Event.seq))]
    assert kinds == ["award_recorded", "person_invited", "person_invited"]


def test_the_lead_gets_a_link_that_works_once_for_fourteen_days(
    session: Session, officer: m.Person, now: datetime
) -> None:
    record(session, officer, now)
    letter = next(mail for mail in mails(session) if mail.to == "lucia@camara.example")
    token = letter.body.split("/invitation/")[1].split()[0]
    assert "http://localhost/invitation/" in letter.body
    assert "Encadenamientos" in letter.subject
    assert session.scalar(select(func.count()).where(m.Invitation.token_hash == token)) == 0, "only a hash is kept"
    assert person_by_token(token, now + timedelta(days=14, seconds=-1)).name == "Lucía Lead"
    for later, wrong in ((timedelta(days=14), token), (timedelta(), token + "x")):
        with pytest.raises(Refused, match="send it again"):
            person_by_token(wrong, now + later)


def test_somebody_with_a_password_is_told_and_not_asked_for_another(
    session: Session, officer: m.Person, now: datetime
) -> None:
    known = person(session, email="lucia@camara.example", password="set")
    session.commit()
    record(session, officer, now)
    letter = next(mail for mail in mails(session) if mail.to == known.email)
    assert "/invitation/" not in letter.body
    assert "/awards/e-formalisation-2021-1" in letter.body
    assert session.scalar(select(func.count()).where(m.Invitation.person_id == known.id)) == 0


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"call_code": "none"}, "prize"),
        ({"prize": "third"}, "prize"),
        ({"organisation": {**WINNER["organisation"], "country": "XX"}}, "country"),
        ({"organisation": {**WINNER["organisation"], "kind": "secret"}}, "kind"),
        ({"organisation": {**WINNER["organisation"], "legal_name": " "}}, "legal_name"),
        ({"registered_on": date(2026, 3, 3)}, "registered_on"),
        ({"registered_on": None}, "registered_on"),
        ({"notice_on": date(2026, 3, 3)}, "notice_on"),
        ({"notice_on": None}, "notice_on"),
        ({"project": ""}, "project"),
        ({"summary": "x" * 4001}, "summary"),
        ({"local_currency": "ZZZ"}, "local_currency"),
        ({"language": "de"}, "language"),
        ({"lead_name": ""}, "lead_name"),
        ({"lead_email": "lucia@"}, "lead_email"),
        ({"mentors": [("Maya", "maya")]}, "mentors-0-email"),
        ({"mentors": [("Lucía Lead", "LUCIA@camara.example ")]}, "mentors-0-email"),
        ({"mentors": [("M", f"m{n}@ilo.example") for n in range(6)]}, "mentors"),
        ({"account": {"holder": "Cámara"}}, "bank"),
        ({"account": {"holder": "C", "bank": "B", "number": "123"}}, "number"),
        ({"account": {"holder": "C", "bank": "B", "number": "1234", "swift": "NO"}}, "swift"),
    ],
)
def test_a_wrong_field_is_named_and_nothing_is_stored(
    session: Session, officer: m.Person, now: datetime, changes: dict[str, Any], field: str
) -> None:
    before = counts(session)
    with pytest.raises(Invalid) as refused:
        record(session, officer, now, **changes)
    assert field in refused.value.problems
    session.rollback()
    assert counts(session) == before


def test_a_prize_is_won_once_and_again_only_after_a_lapse(session: Session, officer: m.Person, now: datetime) -> None:
    record(session, officer, now)
    second = {
        "organisation": {**WINNER["organisation"], "legal_name": "Second"},
        "lead_email": "two@two.example",
        "mentors": [],
    }
    with pytest.raises(Invalid) as refused:
        record(session, officer, now, **second)
    assert "prize" in refused.value.problems
    session.rollback()
    session.scalars(select(m.Award)).one().stage = Stage.LAPSED
    session.commit()
    assert record(session, officer, now, **second) == "e-formalisation-2021-2"


def test_staff_cannot_be_on_a_team_that_they_pay(session: Session, officer: m.Person, now: datetime) -> None:
    with pytest.raises(Invalid) as refused:
        record(session, officer, now, lead_email=officer.email, lead_name=officer.name)
    assert "lead_email" in refused.value.problems


def test_the_account_is_kept_when_it_is_known(session: Session, officer: m.Person, now: datetime) -> None:
    account = {"holder": "Cámara de Ejemplo", "bank": "Banco", "number": "EC123456", "swift": "bicaeceg"}
    record(session, officer, now, account=account)
    kept = session.scalars(select(m.BankAccount)).one()
    assert (kept.number, kept.swift, kept.currency, kept.entered_by) == ("EC123456", "BICAECEG", "USD", officer.id)
    # The gate comes first: finance is asked to verify it once the plan is approved.
    assert set(session.scalars(select(m.Obligation.kind))) == {"submit_workplan"}
    with pytest.raises(Invalid, match="has an account already"):
        record(
            session, officer, now, account=account | {"number": "EC999999"}, prize="second", lead_email="b@team.example"
        )
    session.rollback()
    assert session.scalars(select(m.BankAccount.number)).all() == ["EC123456"]


def test_only_an_officer_records(world_at: Callable[..., World], now: datetime) -> None:
    world = world_at()
    for who in ("lead", "member", "mentor", "committee", "finance", "admin"):
        with pytest.raises(NotAllowed):
            service.record_award(world.actor(getattr(world, who)), now, **WINNER)


def test_a_lead_invites_members_and_the_officer_mentors_too(world_at: Callable[..., World], now: datetime) -> None:
    world = world_at()
    lead, officer = world.actor(world.lead), world.actor(world.officer)
    service.invite_member(lead, now, world.code, "Ana New", "ana@team.example", Role.MEMBER)
    with pytest.raises(Invalid, match="officer invites leads and mentors"):
        service.invite_member(lead, now, world.code, "Max", "max@ilo.example", Role.MENTOR)
    with pytest.raises(Invalid, match="officer invites leads"):
        service.invite_member(lead, now, world.code, "Second Lead", "boss@team.example", Role.LEAD)
    with pytest.raises(Invalid, match="already"):
        service.invite_member(officer, now, world.code, world.lead.name, world.lead.email, Role.MENTOR)
    world.session.rollback()
    service.invite_member(officer, now, world.code, "Max", "max@ilo.example", Role.MENTOR)
    with pytest.raises(NotAllowed):
        service.invite_member(world.actor(world.member), now, world.code, "Eva", "eva@team.example", Role.MEMBER)
    with pytest.raises(NotFound):
        service.invite_member(world.actor(world.other_lead), now, world.code, "Eva", "eva@team.example", Role.MEMBER)


def test_somebody_taken_off_loses_the_award_and_can_come_back(world_at: Callable[..., World], now: datetime) -> None:
    world = world_at()
    officer = world.actor(world.officer)
    service.remove_member(world.actor(world.lead), now, world.code, world.member.id)
    assert world.actor(world.member).awards == {}
    with pytest.raises(NotFound):
        service.remove_member(officer, now, world.code, world.member.id)
    with pytest.raises(Refused, match="lead"):
        service.remove_member(officer, now, world.code, world.lead.id)
    with pytest.raises(Refused, match="mentors are named"):
        service.remove_member(world.actor(world.lead), now, world.code, world.mentor.id)
    world.session.rollback()
    service.invite_member(officer, now, world.code, world.member.name, world.member.email, Role.MEMBER)
    assert world.actor(world.member).awards == {world.award.id: frozenset({Role.MEMBER})}


def test_an_invitation_sent_again_replaces_the_first(world_at: Callable[..., World], now: datetime) -> None:
    world = world_at()
    lead = world.actor(world.lead)
    ana = service.invite_member(lead, now, world.code, "Ana New", "ana@team.example", Role.MEMBER)
    service.send_invitation_again(lead, now + timedelta(days=20), world.code, ana)
    first, second = (
        mail.body.split("/invitation/")[1].split()[0] for mail in mails(world.session) if mail.to == "ana@team.example"
    )
    assert person_by_token(second, now + timedelta(days=21)).id == ana
    with pytest.raises(Refused):
        person_by_token(first, now + timedelta(days=1, seconds=1) + timedelta(days=20))
    world.lead.password = "set"
    world.session.commit()
    with pytest.raises(Refused, match="joined already"):
        service.send_invitation_again(lead, now, world.code, world.lead.id)


def test_suspend_resume_terminate_and_withdraw(world_at: Callable[..., World], now: datetime) -> None:
    world = world_at(Stage.PROTOTYPING)
    officer, lead = world.actor(world.officer), world.actor(world.lead)
    with pytest.raises(Refused, match="reason"):
        service.steer(officer, now, world.code, "suspend", " ")
    with pytest.raises(NotAllowed):
        service.steer(lead, now, world.code, "suspend", "no")
    with pytest.raises(NotFound):
        service.steer(officer, now, world.code, "close", "no")
    world.session.rollback()
    service.steer(officer, now, world.code, "suspend", "An audit question")
    assert world.award.stage == "suspended"
    told = mails(world.session)[-1]
    assert (told.to, "An audit question" in told.body) == (world.lead.email, True)
    with pytest.raises(Refused):
        service.steer(officer, now, world.code, "suspend", "again")
    world.session.rollback()
    service.steer(officer, now + timedelta(days=3), world.code, "resume", "Answered")
    assert world.award.stage == "prototyping"
    service.steer(lead, now + timedelta(days=4), world.code, "withdraw", "We lost our partner")
    assert world.award.stage == "withdrawn"
    assert (
        world.session.scalar(
            select(func.count()).where(m.Obligation.award_id == world.award.id, m.Obligation.state == "open")
        )
        == 0
    )
    with pytest.raises(Refused):
        service.steer(officer, now + timedelta(days=5), world.code, "terminate", "too late")
    with pytest.raises(Refused, match="ended"):
        service.invite_member(officer, now, world.code, "Max", "max@ilo.example", Role.MENTOR)
