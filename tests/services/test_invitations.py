"""Links of invitations: their states as the page shows them, and who is asked in how."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from flask_security.utils import hash_password
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lab.models import CommitteeMember, Invitation, Mail, Person, SecurityEvent
from lab.queries.invitation import LinkState, welcome
from lab.rules.errors import NotAllowed, Refused
from lab.rules.facts import Role
from lab.rules.security_events import SecurityEventKind as Kind
from lab.rules.time_zones import likely_time_zone
from lab.services import award, invitations, people
from lab.services.invitations import token_hash
from tests import factories
from tests.factories import World

WorldAt = Callable[..., World]
STRONG = "a long enough password"


@pytest.fixture
def invited(session: Session, world_at: WorldAt, now: datetime) -> tuple[World, str]:
    """A world whose member has a link, and the link's token."""
    world = world_at()
    invitations.send_link(world.award, world.member, "team member", world.actor(world.lead), now)
    return world.again(), _token(session, world.member)


def _token(session: Session, person: Person) -> str:
    body = session.scalars(select(Mail.body).where(Mail.to == person.email).order_by(Mail.id.desc())).first()
    assert body is not None
    return body.split("/invitation/")[1].split()[0]


def _newest_token(session: Session, email: str) -> str:
    return _token(session, session.scalars(select(Person).where(Person.email == email)).one())


def test_an_open_link_says_who_asks_and_to_what(session: Session, invited: tuple[World, str], now: datetime) -> None:
    world, token = invited
    found = welcome(session, token_hash(token), now)
    assert (found.state, found.person, found.inviter) == (LinkState.OPEN, world.member, world.lead.name)
    assert (found.project, found.organisation) == (world.award.project, world.award.organisation.legal_name)
    assert found.country == "EC"
    assert found.expires_at == now + timedelta(days=14)


def test_a_mentor_is_not_taken_to_live_where_the_team_is(session: Session, world_at: WorldAt, now: datetime) -> None:
    world = world_at()
    invitations.send_link(world.award, world.mentor, "mentor", world.actor(world.officer), now)
    session.commit()
    assert welcome(session, token_hash(_token(session, world.mentor)), now).country == ""


def test_every_state_of_a_link(session: Session, invited: tuple[World, str], now: datetime) -> None:
    world, token = invited

    def state(at: datetime = now, of: str = token) -> LinkState:
        return welcome(session, token_hash(of), at).state

    assert state(now + timedelta(days=14, seconds=-1)) is LinkState.OPEN
    assert state(now + timedelta(days=14)) is LinkState.EXPIRED
    assert state(of=token + "x") is LinkState.UNKNOWN
    assert state(of="") is LinkState.UNKNOWN
    world.member.active = False
    session.commit()
    assert state() is LinkState.DISABLED
    world.member.active = True
    session.scalars(select(Invitation)).one().used_at = now
    session.commit()
    assert state() is LinkState.USED


def test_a_link_is_of_no_use_to_somebody_who_has_a_password(
    session: Session, invited: tuple[World, str], now: datetime
) -> None:
    world, token = invited
    world.member.password = hash_password("a long enough password")
    session.commit()
    assert welcome(session, token_hash(token), now).state is LinkState.USED
    with pytest.raises(Refused):
        invitations.person_by_token(token, now)


def test_a_newer_link_replaces_the_older(session: Session, invited: tuple[World, str], now: datetime) -> None:
    world, first = invited
    invitations.send_link(world.award, world.member, "team member", world.actor(world.lead), now + timedelta(days=1))
    session.commit()
    later = now + timedelta(days=1, seconds=1)
    assert welcome(session, token_hash(first), later).state is LinkState.EXPIRED
    assert welcome(session, token_hash(_token(session, world.member)), later).state is LinkState.OPEN


def test_one_person_has_one_account_whatever_the_capitals(session: Session, world_at: WorldAt, now: datetime) -> None:
    world = world_at()
    session.refresh(world.other_award, ["organisation"])
    actor = world.actor(world.officer)
    first = invitations.invite(world.award, "Ana@Team.example", "Ana", "team member", actor, now)
    second = invitations.invite(world.other_award, "ana@team.example ", "Ana", "mentor", actor, now)
    assert first.id == second.id
    assert first.language == world.award.language
    assert session.scalar(select(func.count()).where(Person.email == "ana@team.example")) == 1


@pytest.mark.parametrize(
    ("country", "zone"),
    [("EC", "America/Guayaquil"), ("BR", "America/Sao_Paulo"), ("PE", "America/Lima"), ("ZZ", ""), ("", "")],
)
def test_where_a_team_most_likely_is(country: str, zone: str) -> None:
    assert likely_time_zone(country) == zone


def test_staff_are_invited_without_an_award(session: Session, now: datetime) -> None:
    admin = factories.person(session, Role.ADMIN)
    actor = factories.actor_for(session, admin)
    person = invitations.invite(None, "otto@ilo.example", "Otto", "programme officer", actor, now)
    session.commit()
    letter = session.scalars(select(Mail).where(Mail.to == person.email)).one()
    assert letter.state == "queued" and admin.name in letter.body
    assert welcome(session, token_hash(_token(session, person)), now).project == ""


def test_an_invitation_is_taken_back_with_the_place(
    world_at: Callable[..., World], session: Session, now: datetime
) -> None:
    """Whoever was invited by mistake cannot follow the link any more, and is told so; invited again, a new one works."""
    world = world_at()
    lead = world.actor(world.lead)
    person_id = award.invite_member(lead, now, world.code, "Nora Nueva", "nora@camara.example", Role.MEMBER)
    first = _newest_token(session, "nora@camara.example")
    award.remove_member(lead, now, world.code, person_id)
    assert welcome(session, invitations.token_hash(first), now).state is LinkState.REVOKED
    with pytest.raises(Refused):
        people.accept_invitation(now, now, first, STRONG, "Nora", "es", "America/Guayaquil")
    session.rollback()
    kinds = session.scalars(select(SecurityEvent.kind).where(SecurityEvent.subject_id == person_id)).all()
    assert {Kind.INVITED, Kind.INVITATION_REVOKED} <= set(kinds)
    assert award.invite_member(lead, now, world.code, "Nora Nueva", "nora@camara.example", Role.MEMBER) == person_id
    second = _newest_token(session, "nora@camara.example")
    assert people.accept_invitation(now, now, second, STRONG, "Nora", "es", "America/Guayaquil").person_id == person_id


def test_a_link_stays_while_there_is_another_place(
    world_at: Callable[..., World], session: Session, now: datetime
) -> None:
    world = world_at()
    officer = world.actor(world.officer)
    person_id = award.invite_member(officer, now, world.code, "Nora", "nora@camara.example", Role.MENTOR)
    session.add(CommitteeMember(call_id=world.call.id, person_id=person_id))
    session.commit()
    award.remove_member(officer, now, world.code, person_id)
    token = _newest_token(session, "nora@camara.example")
    assert welcome(session, invitations.token_hash(token), now).state is LinkState.OPEN


def test_an_administrator_takes_an_invitation_back(
    world_at: Callable[..., World], session: Session, now: datetime
) -> None:
    world = world_at()
    admin = world.actor(world.admin)
    person_id = people.invite_staff(admin, now, "Nora", "nora@ilo.example", Role.OFFICER)
    token = _newest_token(session, "nora@ilo.example")
    with pytest.raises(NotAllowed):
        people.revoke_invitation(world.actor(world.officer), now, person_id)
    people.revoke_invitation(admin, now, person_id)
    assert welcome(session, invitations.token_hash(token), now).state is LinkState.REVOKED
    people.invite_again(admin, now, person_id)
    again = _newest_token(session, "nora@ilo.example")
    assert welcome(session, invitations.token_hash(again), now).state is LinkState.OPEN
    people.accept_invitation(now, now, again, STRONG, "Nora", "en", "Europe/Zurich")
    with pytest.raises(Refused, match="joined already"):
        people.revoke_invitation(admin, now, person_id)
