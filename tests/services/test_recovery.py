"""Ways back in, and to another address: links that work once, the same answer for everybody, and help that leaves a trace."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from flask_security.utils import hash_password, verify_password
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lab.models import (
    Event,
    Mail,
    Passkey,
    Person,
    ProgrammeRole,
    RecoveryCode,
    ResetRequest,
    SecurityEvent,
    SignIn,
    Totp,
)
from lab.rules.errors import Invalid, NotAllowed, NotFound, Refused, TooMany
from lab.rules.facts import SYSTEM, Actor, Role
from lab.rules.security_events import SecurityEventKind as Kind
from lab.services import people, recovery, sign_ins
from lab.services.security_events import Place
from tests import factories
from tests.conftest import counted
from tests.factories import World

PASSWORD, OTHER = "a long enough password", "lluvia tambor cebolla martes"
WALL = datetime(2026, 3, 2, 12, tzinfo=UTC)
HERE = Place("192.0.2.1", "Firefox", "/reset")


@pytest.fixture
def ana(session: Session) -> Person:
    found = factories.person(session, name="Ana Quispe", email="ana@ong.example", password=hash_password(PASSWORD))
    session.commit()
    return found


def _mails(session: Session, to: str) -> list[Mail]:
    return list(session.scalars(select(Mail).where(Mail.to == to).order_by(Mail.id)))


def _token(session: Session, to: str = "ana@ong.example") -> str:
    found = [re.search(r"http://localhost/(?:reset|account/address)/(\S+)", mail.body) for mail in _mails(session, to)]
    links = [item[1] for item in found if item]
    assert links, "a link was mailed"
    return links[-1]


def _asked(session: Session, now: datetime, email: str = "ana@ong.example") -> None:
    recovery.ask_reset(now, WALL, email, HERE)
    recovery.answer_resets(now, WALL)


def test_asking_does_the_same_whoever_has_the_address(app: Flask, ana: Person, session: Session, now: datetime) -> None:
    done = {}
    for email in ("ana@ong.example", "nobody@ong.example"):
        with counted(app) as seen:
            recovery.ask_reset(now, WALL, email, HERE)
        done[email] = list(seen)
    assert done["ana@ong.example"] == done["nobody@ong.example"]
    assert session.scalar(select(func.count()).select_from(Mail)) == 0, "the scheduler looks, not the page"
    assert recovery.answer_resets(now, WALL) == 1
    assert [mail.to for mail in session.scalars(select(Mail))] == ["ana@ong.example"]
    assert session.scalar(select(func.count()).select_from(ResetRequest)) == 0


def test_a_new_password_by_a_link(ana: Person, session: Session, now: datetime) -> None:
    entered = sign_ins.open_sign_in(ana.id, WALL, True, HERE)
    session.commit()
    _asked(session, now)
    token = _token(session)
    with pytest.raises(Invalid, match="first that would be tried"):
        recovery.reset_password(now, WALL, token, "passwordpassword", HERE)
    session.rollback()
    recovery.reset_password(now, WALL, token, OTHER, HERE)
    session.refresh(ana)
    assert verify_password(OTHER, ana.password)
    row = session.scalars(select(SignIn).where(SignIn.token_hash == sign_ins.token_hash(entered.token))).one()
    assert row.ended_at is not None, "every device is signed out"
    with pytest.raises(Refused, match="cannot be used any more"):
        recovery.reset_password(now, WALL, token, OTHER, HERE)
    assert "password was changed" in _mails(session, ana.email)[-1].body


@pytest.mark.parametrize("why", ["old", "newer", "disabled", "made up"])
def test_links_that_do_not_work(ana: Person, session: Session, now: datetime, why: str) -> None:
    _asked(session, now)
    token = _token(session)
    if why == "old":
        now += recovery.PASSWORD_VALID
    elif why == "newer":
        _asked(session, now)
    elif why == "disabled":
        ana.active = False
        session.commit()
    else:
        token = token[:-1] + ("A" if token[-1] != "A" else "B")
    with pytest.raises(Refused, match="cannot be used any more"):
        recovery.reset_password(now, WALL, token, OTHER, HERE)


def test_nobody_is_flooded_with_links(ana: Person, session: Session, now: datetime) -> None:
    for _ in range(8):
        _asked(session, now)
    assert len(_mails(session, ana.email)) == 3
    with pytest.raises(TooMany):
        for n in range(40):
            recovery.ask_reset(now, WALL, f"p{n}@ong.example", HERE)


def test_who_gets_no_link(session: Session, ana: Person, now: datetime) -> None:
    factories.person(session, email="new@ong.example")
    ana.active = False
    session.commit()
    for email in ("new@ong.example", "ana@ong.example"):
        _asked(session, now, email)
    assert session.scalar(select(func.count()).select_from(Mail)) == 0
    with pytest.raises(Invalid, match="Type the e-mail address"):
        recovery.ask_reset(now, WALL, "ana@", HERE)


def _me(person: Person) -> Actor:
    return Actor(person_id=person.id, name=person.name)


def test_another_address(ana: Person, session: Session, now: datetime) -> None:
    assert recovery.ask_address(_me(ana), now, WALL, " Ana.Q@Nueva.example ", HERE) == "ana.q@nueva.example"
    assert ana.email == "ana@ong.example"
    assert "ana.q@nueva.example" in _mails(session, "ana@ong.example")[-1].body, "word to the old address"
    token = _token(session, "ana.q@nueva.example")
    stranger = factories.person(session)
    session.commit()
    with pytest.raises(Refused, match="another account"):
        recovery.confirm_address(_me(stranger), now, WALL, token, HERE)
    session.rollback()
    recovery.confirm_address(_me(ana), now, WALL, token, HERE)
    session.refresh(ana)
    assert ana.email == "ana.q@nueva.example"
    with pytest.raises(Refused):
        recovery.confirm_address(_me(ana), now, WALL, token, HERE)


def test_an_address_that_somebody_has(app: Flask, ana: Person, session: Session, now: datetime) -> None:
    eva = factories.person(session, email="eva@ong.example", password=hash_password(PASSWORD))
    session.commit()
    assert recovery.ask_address(_me(ana), now, WALL, eva.email, HERE) == "eva@ong.example"
    (mail,) = _mails(session, "eva@ong.example")
    assert "yours already" in mail.body and "http" not in mail.body
    with pytest.raises(Invalid, match="your address already"):
        recovery.ask_address(_me(ana), now, WALL, "ANA@ong.example", HERE)
    recovery.ask_address(_me(ana), now, WALL, "free@ong.example", HERE)
    token = _token(session, "free@ong.example")
    eva.email = "free@ong.example"
    session.commit()
    with pytest.raises(Refused, match="by now"):
        recovery.confirm_address(_me(ana), now, WALL, token, HERE)


def _protect(session: Session, person: Person) -> None:
    session.add(Totp(person_id=person.id, secret="s", counter=0, created_at=WALL, confirmed_at=WALL))
    session.add(
        Passkey(
            person_id=person.id, credential_id=b"c" + bytes([person.id]), public_key=b"k", sign_count=0, name="Phone",
            created_at=WALL,
        )
    )  # fmt: skip
    session.add(RecoveryCode(person_id=person.id, code_hash="0" * 64, created_at=WALL))


def test_an_officer_helps_somebody_back_in(world_at: Callable[..., World], session: Session, now: datetime) -> None:
    """Phone and password are lost: what was lost opens nothing any more, a link begins anew, and it is all on record."""
    world = world_at()
    lead = world.lead
    lead.password = hash_password(PASSWORD)
    _protect(session, lead)
    entered = sign_ins.open_sign_in(lead.id, WALL, True, HERE)
    session.commit()
    officer = world.actor(world.officer)
    with pytest.raises(Invalid, match="how you made sure"):
        recovery.help_team(officer, now, WALL, world.code, lead.id, "  ", HERE)
    session.rollback()
    recovery.help_team(officer, now, WALL, world.code, lead.id, "Called her at the number in the agreement.", HERE)
    for table in (Totp, Passkey, RecoveryCode):
        assert session.scalar(select(func.count()).select_from(table).where(table.person_id == lead.id)) == 0
    assert session.scalars(select(SignIn.ended_at).where(SignIn.token_hash == sign_ins.token_hash(entered.token))).one()
    with pytest.raises(Refused, match="not right"):
        sign_ins.sign_in(WALL, lead.email, PASSWORD, False, HERE)
    recovery.reset_password(now, WALL, _token(session, lead.email), OTHER, HERE)
    assert sign_ins.sign_in(WALL, lead.email, OTHER, False, HERE).person_id == lead.id
    event = session.scalars(select(SecurityEvent).where(SecurityEvent.kind == Kind.HELPED_BACK_IN)).one()
    assert (event.actor_id, event.subject_id) == (world.officer.id, lead.id)
    assert "Called her" in event.details["how"]
    assert session.scalars(select(Event).where(Event.kind == "helped_back_in")).one().award_id == world.award.id


def test_who_may_help_whom(world_at: Callable[..., World], session: Session, now: datetime) -> None:
    world = world_at()
    for person in (world.lead, world.mentor, world.officer, world.finance, world.other_lead):
        person.password = hash_password(PASSWORD)
    session.commit()
    how = "Seen in person."
    for who in (world.lead, world.member, world.mentor, world.committee, world.finance, world.admin):
        with pytest.raises((NotAllowed, NotFound)):
            recovery.help_team(world.actor(who), now, WALL, world.code, world.mentor.id, how, HERE)
    officer, admin = world.actor(world.officer), world.actor(world.admin)
    with pytest.raises(NotFound):
        recovery.help_team(officer, now, WALL, world.code, world.other_lead.id, how, HERE)
    with pytest.raises(NotAllowed):
        recovery.help_person(officer, now, WALL, world.finance.id, how, HERE)
    with pytest.raises(Refused, match="not joined yet"):
        recovery.help_team(officer, now, WALL, world.code, world.member.id, how, HERE)
    with pytest.raises(Refused, match="your own password"):
        recovery.help_person(admin, now, WALL, world.admin.id, how, HERE)
    recovery.help_team(officer, now, WALL, world.code, world.mentor.id, how, HERE)
    recovery.help_person(admin, now, WALL, world.finance.id, how, HERE)
    world.mentor.active = False
    session.commit()
    with pytest.raises(Refused, match="disabled"):
        recovery.help_team(officer, now, WALL, world.code, world.mentor.id, how, HERE)


def test_an_officer_does_not_help_those_of_the_programme(
    world_at: Callable[..., World], session: Session, now: datetime
) -> None:
    world = world_at()
    world.mentor.password = hash_password(PASSWORD)
    session.add(ProgrammeRole(person_id=world.mentor.id, role=Role.FINANCE))
    session.commit()
    with pytest.raises(Refused, match="an administrator helps them"):
        recovery.help_team(world.actor(world.officer), now, WALL, world.code, world.mentor.id, "Seen.", HERE)


def test_what_is_over_is_forgotten(ana: Person, session: Session, now: datetime) -> None:
    _asked(session, now)
    recovery.tidy(now + timedelta(days=20))
    recovery.reset_password(now, WALL, _token(session), OTHER, HERE)
    recovery.tidy(now + timedelta(days=40))
    assert session.scalar(select(func.count()).select_from(Mail)) == 2


@pytest.mark.parametrize("change", ["password", "address", "disabled"])
def test_links_that_were_mailed_end_with_what_they_open(
    ana: Person, session: Session, now: datetime, change: str
) -> None:
    """Somebody who reads the old mailbox shall not undo what its owner did about it."""
    sign_ins.open_sign_in(ana.id, WALL, False, HERE)
    session.commit()
    row = session.scalars(select(SignIn)).one()
    _asked(session, now)
    old = _token(session)
    if change == "password":
        people.change_password(_me(ana), now, WALL, PASSWORD, OTHER, row.id, HERE)
    elif change == "address":
        recovery.ask_address(_me(ana), now, WALL, "ana@nueva.example", HERE)
        recovery.confirm_address(_me(ana), now, WALL, _token(session, "ana@nueva.example"), HERE)
    else:
        people.set_active(SYSTEM, now, ana.id, False)
        people.set_active(SYSTEM, now, ana.id, True)
    with pytest.raises(Refused, match="cannot be used any more"):
        recovery.reset_password(now, WALL, old, "quite another one", HERE)


def test_asking_twice_before_the_scheduler_comes_by_is_asking_once(
    ana: Person, session: Session, now: datetime
) -> None:
    """Whoever presses the button again, and everybody who asked after them, gets a mail."""
    eva = factories.person(session, name="Eva", email="eva@ong.example", password=hash_password(PASSWORD))
    session.commit()
    for email in (ana.email, ana.email, "nobody@ong.example", eva.email, ana.email):
        recovery.ask_reset(now, WALL, email, HERE)
    assert recovery.answer_resets(now, WALL) == 2
    assert sorted(session.scalars(select(Mail.to))) == ["ana@ong.example", "eva@ong.example"]
    assert recovery.answer_resets(now, WALL) == 0
