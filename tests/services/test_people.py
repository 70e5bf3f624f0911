"""Accounts: arriving, one's own profile and password, roles given and taken, accounts disabled and enabled."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest
from flask_security.utils import hash_password, verify_password
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lab.models import CommitteeMember, Event, Invitation, Mail, Person, ProgrammeRole, SignIn
from lab.rules.errors import Invalid, NotAllowed, NotFound, Refused
from lab.rules.facts import SYSTEM, Actor, Role
from lab.services import people, sign_ins
from lab.services.award import invite_member
from lab.services.security_events import NOWHERE
from tests import factories
from tests.factories import World

WorldAt = Callable[..., World]
STRONG = "a long enough password"


def _events(session: Session) -> list[str]:
    return list(session.scalars(select(Event.kind).where(Event.stream == "programme").order_by(Event.seq)))


def _token(session: Session, email: str) -> str:
    body = session.scalars(select(Mail.body).where(Mail.to == email).order_by(Mail.id.desc())).first()
    assert body is not None
    return body.split("/invitation/")[1].split()[0]


@pytest.fixture
def admin(session: Session) -> Actor:
    """An administrator, in a programme with one call."""
    factories.make_call(session)
    found = factories.person(session, Role.ADMIN, name="Adam Admin")
    session.commit()
    return factories.actor_for(session, found)


def _invited(session: Session, admin: Actor, now: datetime, role: Role = Role.OFFICER, call_code: str = "") -> Person:
    person_id = people.invite_staff(admin, now, "Nadia New", "Nadia@ILO.example", role, call_code)
    return session.get_one(Person, person_id)


def test_an_invited_officer_arrives(session: Session, admin: Actor, now: datetime) -> None:
    person = _invited(session, admin, now)
    assert (person.email, person.password) == ("nadia@ilo.example", None)
    token = _token(session, person.email)
    assert (
        people.accept_invitation(now, now, token, STRONG, "  Nadia   Nueva ", "es", "America/Lima").person_id
        == person.id
    )
    assert (person.name, person.language, person.time_zone) == ("Nadia Nueva", "es", "America/Lima")
    assert verify_password(STRONG, person.password)
    assert _events(session) == ["role_given", "person_joined"]
    assert session.scalars(select(Event).where(Event.kind == "person_joined")).one().actor_id == person.id
    with pytest.raises(Refused):
        people.accept_invitation(now, now, token, STRONG, "Nadia", "es", "America/Lima")


def test_a_password_is_the_same_however_its_letters_are_composed(session: Session, admin: Actor, now: datetime) -> None:
    person = _invited(session, admin, now)
    people.accept_invitation(
        now, now, _token(session, person.email), "contrase\u00f1a larga", "Nadia", "es", "America/Lima"
    )
    assert verify_password("contrasen\u0303a larga", person.password)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"password": "too short"}, "password"),
        ({"password": "x" * 129}, "password"),
        ({"password": "nadia@ilo.example"}, "password"),
        ({"password": "N" * 9}, "password"),
        ({"name": "  "}, "name"),
        ({"name": "n" * 201}, "name"),
        ({"language": "xx"}, "language"),
        ({"time_zone": "Moon/Base"}, "time_zone"),
    ],
)
def test_arriving_with_something_wrong_leaves_the_link_open(
    session: Session, admin: Actor, now: datetime, changes: dict[str, str], field: str
) -> None:
    person = _invited(session, admin, now)
    token = _token(session, person.email)
    given = {"password": STRONG, "name": "Nadia", "language": "es", "time_zone": "America/Lima"} | changes
    with pytest.raises(Invalid) as refused:
        people.accept_invitation(now, now, token, **given)
    assert set(refused.value.problems) == {field}
    session.rollback()
    assert session.get_one(Person, person.id).password is None
    assert session.scalar(select(func.count()).where(Invitation.used_at.is_not(None))) == 0


def test_profile(session: Session, admin: Actor, now: datetime) -> None:
    people.update_profile(admin, now, " Adam  Admin ", "fr", "America/Lima")
    person = session.get_one(Person, admin.person_id)
    assert (person.name, person.language, person.time_zone) == ("Adam Admin", "fr", "America/Lima")
    with pytest.raises(Invalid) as refused:
        people.update_profile(admin, now, "", "xx", "Nowhere")
    assert set(refused.value.problems) == {"name", "language", "time_zone"}
    people.choose_language(admin, "pt")
    assert person.language == "pt"
    with pytest.raises(Invalid):
        people.choose_language(admin, "xx")


def test_changing_the_password_ends_every_session(session: Session, admin: Actor, now: datetime) -> None:
    person = session.get_one(Person, admin.person_id)
    person.password = hash_password(STRONG)
    old = sign_ins.open_sign_in(person.id, now, True, NOWHERE)
    session.commit()
    here = session.scalars(select(SignIn)).one()
    for current, new, field in (("not my password", "quite another one", "current"), (STRONG, "short", "new")):
        with pytest.raises(Invalid) as refused:
            people.change_password(admin, now, now, current, new, here.id, NOWHERE)
        assert set(refused.value.problems) == {field}
        session.rollback()
    assert here.ended_at is None and verify_password(STRONG, person.password)
    entered = people.change_password(admin, now, now, STRONG, "quite another one", here.id, NOWHERE)
    session.refresh(here)
    assert here.ended_at is not None and verify_password("quite another one", person.password)
    assert entered.lasting and entered.token != old.token
    new_one = session.scalars(select(SignIn).where(SignIn.ended_at.is_(None))).one()
    assert new_one.token_hash == sign_ins.token_hash(entered.token)
    assert _events(session) == ["password_changed"]


def test_only_administrators_administer(session: Session, world_at: WorldAt, now: datetime) -> None:
    world = world_at()
    for who in (world.lead, world.member, world.mentor, world.committee, world.officer, world.finance):
        actor = world.actor(who)
        for act in (
            lambda actor=actor: people.invite_staff(actor, now, "N", "n@ilo.example", Role.ADMIN),
            lambda actor=actor: people.give_role(actor, now, actor.person_id, Role.ADMIN),
            lambda actor=actor: people.take_role(actor, now, world.admin.id, Role.ADMIN),
            lambda actor=actor: people.set_active(actor, now, world.admin.id, False),
            lambda actor=actor: people.invite_again(actor, now, world.lead.id),
            lambda actor=actor: people.first_administrator(actor, now, "N", "n@ilo.example"),
        ):
            with pytest.raises(NotAllowed):
                act()
            session.rollback()
    assert session.scalar(select(func.count()).where(ProgrammeRole.role == Role.ADMIN)) == 1
    assert session.scalar(select(func.count()).select_from(Mail)) == 0


def test_inviting_to_a_committee(session: Session, admin: Actor, now: datetime) -> None:
    person = _invited(session, admin, now, Role.COMMITTEE, "e-formalisation-2021")
    assert factories.actor_for(session, person).committees
    assert session.scalar(select(func.count()).select_from(CommitteeMember)) == 1
    with pytest.raises(Invalid) as refused:
        people.invite_staff(admin, now, "Otto", "otto@ilo.example", Role.COMMITTEE, "no-such-call")
    assert set(refused.value.problems) == {"call"}
    session.rollback()
    assert session.scalar(select(func.count()).where(Person.email == "otto@ilo.example")) == 0


@pytest.mark.parametrize(
    ("name", "email", "role", "field"),
    [
        ("", "n@ilo.example", Role.OFFICER, "name"),
        ("Nadia", "nobody", Role.OFFICER, "email"),
        ("Nadia", "n@ilo.example", Role.LEAD, "role"),
        ("Nadia", "n@ilo.example", Role.SYSTEM, "role"),
    ],
)
def test_a_bad_invitation_stores_nothing(
    session: Session, admin: Actor, now: datetime, name: str, email: str, role: Role, field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        people.invite_staff(admin, now, name, email, role)
    assert set(refused.value.problems) == {field}
    session.rollback()
    assert session.scalar(select(func.count()).select_from(Person)) == 1
    assert session.scalar(select(func.count()).select_from(Mail)) == 0


def test_somebody_who_has_an_account_gets_the_role_and_no_second_account(
    session: Session, admin: Actor, now: datetime
) -> None:
    known = factories.person(session, email="known@ilo.example", password="set")
    session.commit()
    assert people.invite_staff(admin, now, "Whoever", "Known@ilo.example", Role.FINANCE) == known.id
    assert factories.actor_for(session, known).programme == {Role.FINANCE}


def test_roles_are_given_once_and_taken(session: Session, admin: Actor, now: datetime) -> None:
    person = factories.person(session)
    session.commit()
    for _again in range(2):
        people.give_role(admin, now, person.id, Role.FINANCE)
        people.give_role(admin, now, person.id, Role.COMMITTEE, "e-formalisation-2021")
    actor = factories.actor_for(session, person)
    assert actor.programme == {Role.FINANCE} and len(actor.committees) == 1
    people.take_role(admin, now, person.id, Role.FINANCE)
    people.take_role(admin, now, person.id, Role.COMMITTEE, "e-formalisation-2021")
    people.take_role(admin, now, person.id, Role.FINANCE)
    actor = factories.actor_for(session, person)
    assert not actor.programme and not actor.committees
    assert _events(session) == ["role_given", "role_given", "role_taken", "role_taken"]


def test_an_administrator_cannot_lock_themselves_out(session: Session, admin: Actor, now: datetime) -> None:
    assert admin.person_id is not None
    with pytest.raises(Refused):
        people.take_role(admin, now, admin.person_id, Role.ADMIN)
    with pytest.raises(Refused):
        people.set_active(admin, now, admin.person_id, False)
    with pytest.raises(NotFound):
        people.set_active(admin, now, 999_999, False)


def test_disabling_ends_sessions_and_is_told_once(session: Session, admin: Actor, now: datetime) -> None:
    person = factories.person(session)
    session.commit()
    sign_ins.open_sign_in(person.id, now, True, NOWHERE)
    people.set_active(admin, now, person.id, False)
    people.set_active(admin, now, person.id, False)
    assert not person.active
    assert session.scalars(select(SignIn)).one().ended_at is not None
    with pytest.raises(Invalid, match="disabled"):
        people.invite_staff(admin, now, "Again", person.email, Role.OFFICER)
    session.rollback()
    people.set_active(admin, now, person.id, True)
    assert person.active
    assert _events(session) == ["account_disabled", "account_enabled"]


def test_inviting_again_only_who_has_not_arrived(session: Session, admin: Actor, now: datetime) -> None:
    person = _invited(session, admin, now)
    first = _token(session, person.email)
    people.invite_again(admin, now, person.id)
    second = _token(session, person.email)
    assert first != second
    with pytest.raises(Refused):
        people.accept_invitation(now, now, first, STRONG, "Nadia", "en", "Europe/Zurich")
    session.rollback()
    people.accept_invitation(now, now, second, STRONG, "Nadia", "en", "Europe/Zurich")
    with pytest.raises(Refused):
        people.invite_again(admin, now, person.id)


def test_the_first_administrator_comes_from_the_command_line_once(session: Session, now: datetime) -> None:
    assert people.first_administrator(SYSTEM, now, "Ada", "Ada@ilo.example") == "ada@ilo.example"
    ada = session.scalars(select(Person)).one()
    assert factories.actor_for(session, ada).programme == {Role.ADMIN}
    letter = session.scalars(select(Mail)).one().body
    assert "/invitation/" in letter and "An account has been opened for you" in letter and "System" not in letter
    # Nobody has arrived: a mistyped address is mended by another, and the first link makes nobody an administrator.
    people.first_administrator(SYSTEM, now, "Eve", "eve@ilo.example")
    assert factories.actor_for(session, ada).programme == set()
    people.accept_invitation(now, now, _token(session, "eve@ilo.example"), STRONG, "Eve", "en", "Europe/Zurich")
    with pytest.raises(Refused):
        people.first_administrator(SYSTEM, now, "Ada", "ada@ilo.example")


@pytest.mark.parametrize("role", [Role.OFFICER, Role.FINANCE, Role.ADMIN])
def test_nobody_stands_on_both_sides_of_a_payment(world_at: Callable[..., World], now: datetime, role: Role) -> None:
    world = world_at()
    for person in (world.lead, world.member):
        with pytest.raises(Invalid, match="is on a team that the programme pays"):
            people.give_role(world.actor(world.admin), now, person.id, role)
        world.session.rollback()
    people.give_role(world.actor(world.admin), now, world.mentor.id, role)
    assert role in world.actor(world.mentor).programme
    with pytest.raises(Refused, match="cannot give yourself a role"):
        people.give_role(world.actor(world.admin), now, world.admin.id, role)


def test_an_administrator_gives_himself_nothing_by_inviting_himself(
    session: Session, world_at: WorldAt, now: datetime
) -> None:
    world = world_at()
    for role, call_code in ((Role.FINANCE, ""), (Role.OFFICER, ""), (Role.COMMITTEE, world.call.code)):
        with pytest.raises(Refused, match="cannot give yourself a role"):
            people.invite_staff(world.actor(world.admin), now, "Adam", world.admin.email, role, call_code)
        session.rollback()
    assert session.scalars(select(ProgrammeRole.role).where(ProgrammeRole.person_id == world.admin.id)).all() == [
        "admin"
    ]


def test_nobody_decides_on_a_team_of_theirs(session: Session, world_at: WorldAt, now: datetime) -> None:
    world = world_at()
    with pytest.raises(Invalid, match="cannot decide on it as well"):
        people.give_role(world.actor(world.admin), now, world.member.id, Role.COMMITTEE, world.call.code)
    session.rollback()
    with pytest.raises(Invalid, match="sits on the committee"):
        invite_member(world.actor(world.lead), now, world.code, "Carla", world.committee.email, Role.MEMBER)


def test_whoever_is_given_an_office_is_not_kept_signed_in(session: Session, world_at: WorldAt, now: datetime) -> None:
    world = world_at()
    sign_ins.open_sign_in(world.mentor.id, now, True, NOWHERE)
    session.commit()
    people.give_role(world.actor(world.admin), now, world.mentor.id, Role.FINANCE)
    assert not session.scalars(select(SignIn)).one().lasting
