"""Signing in, counted before it is looked at; and sign-ins that end when somebody ends them."""

from __future__ import annotations

import json
import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Event

import pytest
from flask import Flask
from flask_security.utils import hash_password
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lab.extensions import db, reading_only
from lab.models import Person, SecurityEvent, SignIn, Throttle
from lab.queries import sign_ins as queries
from lab.rules.errors import Invalid, NotFound, Refused, TooMany
from lab.rules.facts import Actor, Role
from lab.rules.security_events import SecurityEventKind as Kind
from lab.rules.sign_in import SignInLimits
from lab.rules.throttle import LIMITS, Bucket, Trial
from lab.services import sign_ins, throttle
from lab.services.security_events import Place
from tests import factories

PASSWORD = "a long enough password"
WALL = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOME, ELSEWHERE = Place("192.0.2.1", "Firefox", "/login"), Place("198.51.100.9", "curl", "/login")
LIMIT = LIMITS[Trial.SIGN_IN, Bucket.PAIR]


@pytest.fixture
def ana(session: Session) -> Person:
    found = factories.person(session, email="ana@ong.example", password=hash_password(PASSWORD))
    session.commit()
    return found


def _me(person: Person) -> Actor:
    return Actor(person_id=person.id, name=person.name)


def _kinds(session: Session) -> list[str]:
    return list(session.scalars(select(SecurityEvent.kind).order_by(SecurityEvent.id)))


def _enter(wall: datetime = WALL, password: str = PASSWORD, place: Place = HOME, **more: object) -> sign_ins.Entered:
    return sign_ins.sign_in(wall, "ana@ong.example", password, False, place, **more)  # type: ignore[arg-type]


def test_a_sign_in_is_known_by_its_token_alone(ana: Person, session: Session) -> None:
    entered = _enter()
    row = session.scalars(select(SignIn)).one()
    assert entered.token not in (row.token_hash, row.browser) and len(entered.token) >= 43
    found = queries.find(session, sign_ins.token_hash(entered.token), SignInLimits(), WALL)
    assert found is not None and found.person.id == ana.id
    assert queries.find(session, sign_ins.token_hash(row.token_hash), SignInLimits(), WALL) is None
    event = session.scalars(select(SecurityEvent)).one()
    assert (event.kind, event.actor_id, event.address) == (Kind.SIGNED_IN, ana.id, HOME.address)


@pytest.mark.parametrize(("email", "subject"), [("ana@ong.example", True), ("nobody@ong.example", False)])
def test_wrong_is_refused_alike_and_noted(ana: Person, session: Session, email: str, subject: bool) -> None:
    with pytest.raises(Refused, match="address or the password is not right"):
        sign_ins.sign_in(WALL, email, "not the password", False, HOME)
    event = session.scalars(select(SecurityEvent)).one()
    assert (event.kind, event.actor_id) == (Kind.SIGN_IN_FAILED, None)
    assert event.subject_id == (ana.id if subject else None)
    assert session.scalar(select(func.count()).select_from(SignIn)) == 0


def test_tries_are_counted_before_the_password_is_looked_at(
    ana: Person, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = []
    monkeypatch.setattr(sign_ins, "verify_password", lambda *given: looked.append(given) or False)
    refused = 0
    for _ in range(50):
        try:
            _enter(password="not the password")
        except TooMany as error:
            refused += 1
            assert 0 < error.seconds <= 60
        except Refused:
            pass
    assert (len(looked), refused) == (LIMIT.burst, 50 - LIMIT.burst)
    assert _kinds(session).count(Kind.SIGN_IN_THROTTLED) == 1, "a thousand tries do not fill the log"
    with pytest.raises(TooMany):
        _enter()
    monkeypatch.undo()
    _enter(WALL + LIMIT.every)


def test_a_stranger_does_not_lock_the_owner_out(ana: Person, session: Session) -> None:
    """Whatever is tried from elsewhere, the owner's own device has its own tries."""
    account = LIMITS[Trial.SIGN_IN, Bucket.ACCOUNT]
    for n in range(account.burst):
        with pytest.raises(Refused):
            _enter(password="not the password", place=Place(f"198.51.100.{n}"))
    with pytest.raises(TooMany):
        _enter(place=ELSEWHERE)
    assert _enter(device="the-owners-phone").person_id == ana.id


def test_a_known_device_has_not_more_tries_than_a_strange_one(ana: Person) -> None:
    for _ in range(LIMITS[Trial.SIGN_IN, Bucket.DEVICE].burst):
        with pytest.raises(Refused):
            _enter(password="not the password", device="stolen")
    with pytest.raises(TooMany):
        _enter(device="stolen")


def test_many_accounts_from_one_address_are_counted_together(ana: Person, session: Session) -> None:
    burst = LIMITS[Trial.SIGN_IN, Bucket.ADDRESS].burst
    for n in range(burst):
        throttle.take(sign_ins.tries(Trial.SIGN_IN, f"p{n}@ong.example", ELSEWHERE.address), WALL)
    with pytest.raises(TooMany):
        _enter(place=ELSEWHERE)
    _enter(place=HOME)


def test_a_success_is_forgiven(ana: Person, session: Session) -> None:
    for _ in range(LIMIT.burst * 3):
        _enter()
    assert session.scalar(select(func.max(Throttle.full_at))) <= WALL


def test_what_is_full_again_is_forgotten(ana: Person, session: Session) -> None:
    with pytest.raises(Refused):
        _enter(password="not the password")
    throttle.forget_full(WALL + timedelta(seconds=30))
    assert session.scalar(select(func.count()).select_from(Throttle)) > 0
    throttle.forget_full(WALL + timedelta(hours=1))
    assert session.scalar(select(func.count()).select_from(Throttle)) == 0


def test_nobody_s_try_fails_because_what_is_full_is_forgotten_meanwhile(app: Flask) -> None:
    """The row that a try has found may be gone a moment later: four workers try, and a fifth forgets all the time."""
    over = Event()

    def attempts(_n: int) -> int:
        with app.app_context():
            reading_only.set(False)
            for _try in range(60):
                throttle.forgive(sign_ins.tries(Trial.SIGN_IN, "ana@ong.example", "192.0.2.1"), WALL)
                db.session.commit()
        return 60

    def forget() -> None:
        with app.app_context():
            reading_only.set(False)
            while not over.is_set():
                throttle.forget_full(WALL + timedelta(hours=1))

    with ThreadPoolExecutor(5) as pool:
        sweeping = pool.submit(forget)
        try:
            assert sum(pool.map(attempts, range(4))) == 240
        finally:
            over.set()
        sweeping.result()


def test_a_disabled_account_is_told_so_with_its_password(ana: Person, session: Session) -> None:
    ana.active = False
    session.commit()
    with pytest.raises(Refused, match="disabled"):
        _enter()
    with pytest.raises(Refused, match="not right"):
        _enter(password="not the password")


def test_whoever_holds_an_office_is_not_kept_signed_in(ana: Person, session: Session) -> None:
    factories.person(session, Role.OFFICER, email="olga@ilo.example", password=hash_password(PASSWORD))
    session.commit()
    assert sign_ins.sign_in(WALL, "ana@ong.example", PASSWORD, True, HOME).lasting
    assert not sign_ins.sign_in(WALL, "olga@ilo.example", PASSWORD, True, HOME).lasting


def test_proving_to_be_there_makes_it_fresh(ana: Person, session: Session) -> None:
    _enter()
    row = session.scalars(select(SignIn)).one()
    later = WALL + timedelta(hours=1)
    with pytest.raises(Invalid, match="not the password you sign in with"):
        sign_ins.confirm(_me(ana), row.id, "not the password", later, HOME)
    session.refresh(row)
    assert row.fresh_at == WALL
    token = sign_ins.confirm(_me(ana), row.id, PASSWORD, later, HOME)
    session.refresh(row)
    assert row.fresh_at == later and row.token_hash == sign_ins.token_hash(token), "under a new token"
    assert _kinds(session)[-2:] == [Kind.CONFIRMATION_FAILED, Kind.CONFIRMED]
    with pytest.raises(TooMany):
        for _ in range(40):
            with pytest.raises(Invalid):
                sign_ins.confirm(_me(ana), row.id, "not the password", later, HOME)


def test_ending_one_and_all_others(ana: Person, session: Session) -> None:
    tokens = [_enter(WALL + timedelta(seconds=n)).token for n in range(3)]
    ids = [session.scalars(select(SignIn.id).where(SignIn.token_hash == sign_ins.token_hash(t))).one() for t in tokens]
    other = factories.person(session)
    session.commit()
    with pytest.raises(NotFound):
        sign_ins.end_one(_me(other), ids[0], WALL, HOME)

    def alive() -> list[bool]:
        return [queries.find(session, sign_ins.token_hash(t), SignInLimits(), WALL) is not None for t in tokens]

    sign_ins.end_one(_me(ana), ids[0], WALL, HOME)
    assert alive() == [False, True, True]
    assert [row.id for row in queries.living(session, ana.id, SignInLimits(), WALL)] == [ids[2], ids[1]]
    sign_ins.end_others(_me(ana), ids[2], WALL, HOME)
    assert alive() == [False, False, True]
    sign_ins.sign_out(_me(ana), ids[2], WALL, HOME)
    assert alive() == [False, False, False]


def test_the_last_use_goes_forward_only(ana: Person, session: Session) -> None:
    _enter()
    row = session.scalars(select(SignIn)).one()
    sign_ins.seen(row.id, WALL + timedelta(minutes=6))
    sign_ins.seen(row.id, WALL + timedelta(minutes=3))
    session.refresh(row)
    assert row.seen_at == WALL + timedelta(minutes=6)


@pytest.mark.parametrize("password", ["x" * 1_000_000, "\u202e" * 500, "", "ä" * 200])
def test_what_nobody_has_as_a_password_costs_no_more(ana: Person, password: str) -> None:
    with pytest.raises(Refused, match="not right"):
        _enter(password=password)


def test_every_event_is_a_line_for_the_logs_as_well(
    ana: Person, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger("lab.security"), "propagate", True)
    with caplog.at_level(logging.INFO, "lab.security"), pytest.raises(Refused):
        sign_ins.sign_in(WALL, "ana@ong.example", "not the password", False, Place("192.0.2.1", "a\nb", "/login\r\nX"))
    (line,) = [record.getMessage() for record in caplog.records]
    assert "\n" not in line and "\r" not in line and "not the password" not in line
    told = json.loads(line)
    assert (told["kind"], told["address"], told["subject_id"]) == ("sign_in_failed", "192.0.2.1", ana.id)
    assert datetime.fromisoformat(told["at"]) == WALL
