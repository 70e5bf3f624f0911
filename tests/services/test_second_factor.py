"""The app and the recovery codes: a code works once, a wrong one is counted, and what any change causes."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest
from flask import Flask
from passlib.totp import TOTP
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lab import clock
from lab.extensions import db, reading_only
from lab.models import Mail, Passkey, Person, RecoveryCode, SecurityEvent, SignIn, Totp
from lab.queries.people import actor_for
from lab.queries.second_factor import factors_of
from lab.queries.sign_ins import find
from lab.rules.errors import Invalid, NotFound, Refused, TooMany
from lab.rules.facts import Actor, Role
from lab.rules.sign_in import SignInLimits, Standing, standing
from lab.rules.throttle import LIMITS, Bucket, Trial
from lab.services import second_factor as service
from lab.services import sign_ins
from lab.services.security_events import Place
from tests import factories
from tests.conftest import counted

PLACE = Place("192.0.2.7", "a test", "/second-factor")
STEP = timedelta(seconds=30)


@pytest.fixture
def wall() -> datetime:
    """A real instant in the middle of a step: the next one is 15 seconds away."""
    now = clock.wall().replace(microsecond=0)
    return now - timedelta(seconds=now.second % 30 - 15)


@dataclass
class Someone:
    """A person, and the app on their phone."""

    session: Session
    person: Person
    now: datetime
    key: str = ""

    @property
    def actor(self) -> Actor:
        return actor_for(self.session, self.person)

    def enter(self, wall: datetime) -> int:
        """Past the password: the number of a new sign-in."""
        entered = sign_ins.open_sign_in(self.person.id, wall, False, PLACE)
        self.session.flush()
        found = sign_ins.id_of(entered)
        self.session.commit()
        return found

    def code(self, at: datetime) -> str:
        """What the app shows."""
        return str(TOTP(self.key).generate(time=at).token)

    def set_up(self, wall: datetime, sign_in_id: int) -> sign_ins.Entered | None:
        begun = service.begin_app(self.person.id, self.person.email, "", wall)
        self.key = begun.key
        return service.add_app(self.actor, self.now, wall, sign_in_id, begun.waiting, self.code(wall), PLACE)

    def events(self) -> list[str]:
        return list(self.session.scalars(select(SecurityEvent.kind).order_by(SecurityEvent.id)))

    def mails(self) -> list[str]:
        return list(self.session.scalars(select(Mail.body).where(Mail.to == self.person.email).order_by(Mail.id)))


@pytest.fixture
def olga(session: Session, now: datetime) -> Someone:
    person = factories.person(session, Role.OFFICER, name="Olga Officer", email="olga@ilo.example")
    session.commit()
    return Someone(session, person, now)


@pytest.fixture
def ready(olga: Someone, wall: datetime) -> Someone:
    """Olga, who set up her app an hour ago."""
    olga.set_up(wall - timedelta(hours=1), olga.enter(wall - timedelta(hours=1)))
    return olga


def _problem(refused: pytest.ExceptionInfo[Invalid], name: str = "code") -> str:
    return str(refused.value.problems[name][0])


def test_the_first_app_proves_this_sign_in_and_ends_the_others(olga: Someone, wall: datetime) -> None:
    here, elsewhere = olga.enter(wall), olga.enter(wall)
    entered = olga.set_up(wall, here)
    assert entered is not None
    alive = olga.session.scalars(select(SignIn).where(SignIn.ended_at.is_(None))).all()
    assert [row.token_hash for row in alive] == [sign_ins.token_hash(entered.token)]
    assert alive[0].proved_at == wall and alive[0].id not in (here, elsewhere)
    found = find(olga.session, alive[0].token_hash, SignInLimits(), wall)
    assert found is not None and standing(found.facts, olga.actor, True) is Standing.OPEN
    assert "second_factor_added" in olga.events()
    assert "A second factor was added to your account: an authenticator app." in olga.mails()[-1]


def test_the_key_is_nowhere_in_the_database(olga: Someone, wall: datetime) -> None:
    olga.set_up(wall, olga.enter(wall))
    kept = olga.session.scalars(select(Totp.secret)).one()
    assert olga.key not in kept and len(kept) <= 1000
    assert not any(olga.key in body for body in olga.mails())


def test_the_key_waits_in_the_browser_for_an_hour_and_for_one_person(olga: Someone, wall: datetime) -> None:
    begun = service.begin_app(olga.person.id, olga.person.email, "", wall)
    again = service.begin_app(olga.person.id, olga.person.email, begun.waiting, wall + timedelta(minutes=59))
    assert (again.key, again.waiting) == (begun.key, begun.waiting), "the page was loaded again"
    assert begun.key not in begun.waiting
    assert begun.address.startswith("otpauth://totp/") and begun.key in begun.address
    for other in (
        service.begin_app(olga.person.id + 1, olga.person.email, begun.waiting, wall),
        service.begin_app(olga.person.id, olga.person.email, begun.waiting, wall + timedelta(minutes=61)),
        service.begin_app(olga.person.id, olga.person.email, begun.waiting[:-2] + "xx", wall),
    ):
        assert other.key != begun.key
    olga.key = begun.key
    late = wall + timedelta(minutes=61)
    with pytest.raises(Refused, match="more than an hour"):
        service.add_app(olga.actor, olga.now, late, olga.enter(late), begun.waiting, olga.code(late), PLACE)


@pytest.mark.parametrize("typed", ["", "000000", "12345", "abcdef"])
def test_an_app_is_kept_with_its_first_code_only(olga: Someone, wall: datetime, typed: str) -> None:
    begun = service.begin_app(olga.person.id, olga.person.email, "", wall)
    if typed == "000000":
        typed = f"{(int(TOTP(begun.key).generate(time=wall).token) + 500_000) % 1_000_000:06}"
    with pytest.raises(Invalid) as refused:
        service.add_app(olga.actor, olga.now, wall, olga.enter(wall), begun.waiting, typed, PLACE)
    assert "not right" in _problem(refused)
    assert olga.session.scalar(select(func.count()).select_from(Totp)) == 0


def test_a_code_proves_the_sign_in_under_a_new_token(ready: Someone, wall: datetime) -> None:
    here = ready.enter(wall)
    before = ready.session.get_one(SignIn, here).token_hash
    entered = service.give_code(wall, here, ready.code(wall), PLACE)
    row = ready.session.get_one(SignIn, here)
    assert (row.proved_at, row.fresh_at) == (wall, wall)
    assert row.token_hash == sign_ins.token_hash(entered.token) != before
    assert ready.events()[-1] == "second_factor_given"


def test_the_code_of_the_set_up_does_not_work_again(olga: Someone, wall: datetime) -> None:
    olga.set_up(wall, olga.enter(wall))
    with pytest.raises(Invalid) as refused:
        service.give_code(wall, olga.enter(wall), olga.code(wall), PLACE)
    assert "used already" in _problem(refused)


def test_a_code_works_once(ready: Someone, wall: datetime) -> None:
    service.give_code(wall, ready.enter(wall), ready.code(wall), PLACE)
    there = ready.enter(wall)
    with pytest.raises(Invalid) as refused:
        service.give_code(wall, there, ready.code(wall), PLACE)
    assert "used already" in _problem(refused)
    assert ready.session.get_one(SignIn, there).proved_at is None
    assert ready.events()[-1] == "second_factor_failed"
    later = wall + STEP
    service.give_code(later, there, ready.code(later), PLACE)
    assert ready.session.get_one(SignIn, there).proved_at == later


def test_an_older_code_after_a_newer_one_is_refused(ready: Someone, wall: datetime) -> None:
    service.give_code(wall, ready.enter(wall), ready.code(wall), PLACE)
    with pytest.raises(Invalid) as refused:
        service.give_code(wall, ready.enter(wall), ready.code(wall - STEP), PLACE)
    assert "not right" in _problem(refused)


@pytest.mark.parametrize(("skew", "taken"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_clock_may_be_one_step_off(ready: Someone, wall: datetime, skew: int, taken: bool) -> None:
    here = ready.enter(wall)
    if taken:
        service.give_code(wall, here, ready.code(wall + skew * STEP), PLACE)
    else:
        with pytest.raises(Invalid):
            service.give_code(wall, here, ready.code(wall + skew * STEP), PLACE)
    assert (ready.session.get_one(SignIn, here).proved_at is not None) == taken


def test_of_two_at_once_with_the_same_code_one_gets_in(app: Flask, ready: Someone, wall: datetime) -> None:
    here = [ready.enter(wall), ready.enter(wall)]
    code = ready.code(wall)
    ready.session.rollback()
    start, answers = threading.Barrier(2), []

    def run(number: int) -> None:
        with app.app_context():
            reading_only.set(False)
            start.wait(10)
            try:
                # From two places: neither waits for the other's count of tries.
                service.give_code(wall, here[number], code, replace(PLACE, address=f"192.0.2.{number}"))
                answers.append("in")
            except Invalid as refused:
                answers.append(str(refused.problems["code"][0]))
            finally:
                db.session.remove()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(answer[:24] for answer in answers) == ["This code was used alrea", "in"]
    assert ready.session.scalar(select(func.count()).where(SignIn.id.in_(here), SignIn.proved_at.is_not(None))) == 1


def _wrong(someone: Someone, wall: datetime) -> str:
    near = {someone.code(wall + step * STEP) for step in (-1, 0, 1)}
    return next(code for code in (f"{number:06}" for number in range(10)) if code not in near)


def test_wrong_codes_are_counted_before_the_right_one_is_looked_at(ready: Someone, wall: datetime) -> None:
    here = ready.enter(wall)
    limit = LIMITS[Trial.SECOND_FACTOR, Bucket.PAIR]
    for _ in range(limit.burst):
        with pytest.raises(Invalid):
            service.give_code(wall, here, _wrong(ready, wall), PLACE)
    for _ in range(3):
        with pytest.raises(TooMany):
            service.give_code(wall, here, ready.code(wall), PLACE)
    assert ready.session.get_one(SignIn, here).proved_at is None
    # Of what was not even looked at the log has one note, not three.
    assert ready.events().count("second_factor_failed") == limit.burst + 1
    again = wall + limit.every
    service.give_code(again, here, ready.code(again), PLACE)


def test_what_cannot_be_a_code_costs_no_try(ready: Someone, wall: datetime) -> None:
    here = ready.enter(wall)
    for _ in range(20):
        with pytest.raises(Invalid):
            service.give_code(wall, here, "12345", PLACE)
    service.give_code(wall, here, ready.code(wall), PLACE)


def test_a_right_code_gives_the_tries_back(ready: Someone, wall: datetime) -> None:
    limit = LIMITS[Trial.SECOND_FACTOR, Bucket.DEVICE]
    at = wall
    for _ in range(3):
        here = ready.enter(at)
        for _ in range(limit.burst - 1):
            with pytest.raises(Invalid):
                service.give_code(at, here, _wrong(ready, at), PLACE, "known")
        service.give_code(at, here, ready.code(at), PLACE, "known")
        at += STEP


def test_a_sign_in_that_has_ended_cannot_be_proved(ready: Someone, wall: datetime) -> None:
    here = ready.enter(wall)
    sign_ins.sign_out(ready.actor, here, wall, PLACE)
    with pytest.raises(Refused, match="has ended"):
        service.give_code(wall, here, ready.code(wall), PLACE)


def test_somebody_disabled_meanwhile_cannot_prove(ready: Someone, wall: datetime) -> None:
    here = ready.enter(wall)
    ready.person.active = False
    ready.session.commit()
    with pytest.raises(Refused):
        service.give_code(wall, here, ready.code(wall), PLACE)


def test_nobody_elses_code_is_taken(ready: Someone, session: Session, now: datetime, wall: datetime) -> None:
    other = Someone(session, factories.person(session, email="other@ilo.example"), now)
    session.commit()
    other.set_up(wall - timedelta(hours=1), other.enter(wall - timedelta(hours=1)))
    with pytest.raises(Invalid):
        service.give_code(wall, ready.enter(wall), other.code(wall), PLACE)


def test_a_key_that_was_sealed_by_another_secret_is_told(
    ready: Someone, app: Flask, wall: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = app.extensions["lab_config"]
    monkeypatch.setitem(app.extensions, "lab_config", replace(config, secret_key="another secret " + "y" * 32))
    here = ready.enter(wall)
    with pytest.raises(Invalid) as refused:
        service.give_code(wall, here, ready.code(wall), PLACE)
    assert "cannot be read any more" in _problem(refused)
    assert ready.session.get_one(SignIn, here).proved_at is None


def test_recovery_codes_are_kept_as_hashes_and_work_once(ready: Someone, wall: datetime) -> None:
    codes = service.make_codes(ready.actor, ready.now, wall, PLACE)
    assert len(set(codes)) == 10 and all(len(code) == 14 for code in codes)
    kept = list(ready.session.scalars(select(RecoveryCode.code_hash)))
    assert not any(code.replace("-", "") in text for code in codes for text in kept + ready.mails())
    here, there = ready.enter(wall), ready.enter(wall)
    service.give_recovery_code(ready.now, wall, here, codes[3].lower().replace("-", " "), PLACE)
    assert ready.session.get_one(SignIn, here).proved_at == wall
    assert factors_of(ready.session, ready.person.id).codes_left == 9
    assert "Codes left: 9." in ready.mails()[-1]
    assert ready.events()[-2:] == ["recovery_code_used", "second_factor_given"]
    with pytest.raises(Invalid) as refused:
        service.give_recovery_code(ready.now, wall, there, codes[3], PLACE)
    assert "used already" in _problem(refused, "recovery")
    assert ready.session.get_one(SignIn, there).proved_at is None


def test_of_two_at_once_with_the_same_recovery_code_one_gets_in(app: Flask, ready: Someone, wall: datetime) -> None:
    (code, *_rest) = service.make_codes(ready.actor, ready.now, wall, PLACE)
    here = [ready.enter(wall), ready.enter(wall)]
    now = ready.now
    ready.session.rollback()
    start, answers = threading.Barrier(2), []

    def run(number: int) -> None:
        with app.app_context():
            reading_only.set(False)
            start.wait(10)
            try:
                place = replace(PLACE, address=f"192.0.2.{number}")
                service.give_recovery_code(now, wall, here[number], code, place)
                answers.append("in")
            except Invalid:
                answers.append("refused")
            finally:
                db.session.remove()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(answers) == ["in", "refused"]


def test_new_recovery_codes_end_the_old_ones(ready: Someone, wall: datetime) -> None:
    old = service.make_codes(ready.actor, ready.now, wall, PLACE)
    new = service.make_codes(ready.actor, ready.now, wall, PLACE)
    here = ready.enter(wall)
    with pytest.raises(Invalid):
        service.give_recovery_code(ready.now, wall, here, old[0], PLACE)
    service.give_recovery_code(ready.now, wall, here, new[0], PLACE)
    assert "those made before work no longer" in ready.mails()[-2]


def test_nobody_elses_recovery_code_is_taken(ready: Someone, session: Session, now: datetime, wall: datetime) -> None:
    other = Someone(session, factories.person(session, email="other@ilo.example"), now)
    session.commit()
    other.set_up(wall, other.enter(wall))
    codes = service.make_codes(other.actor, now, wall, PLACE)
    with pytest.raises(Invalid):
        service.give_recovery_code(now, wall, ready.enter(wall), codes[0], PLACE)
    assert factors_of(session, other.person.id).codes_left == 10


def test_recovery_codes_are_counted_together_with_the_others(ready: Someone, wall: datetime) -> None:
    codes = service.make_codes(ready.actor, ready.now, wall, PLACE)
    here = ready.enter(wall)
    for _ in range(LIMITS[Trial.SECOND_FACTOR, Bucket.PAIR].burst):
        with pytest.raises(Invalid):
            service.give_recovery_code(ready.now, wall, here, "0000-0000-0000", PLACE)
    with pytest.raises(TooMany):
        service.give_recovery_code(ready.now, wall, here, codes[0], PLACE)
    with pytest.raises(TooMany):
        service.give_code(wall, here, ready.code(wall), PLACE)
    assert factors_of(ready.session, ready.person.id).codes_left == 10


def test_recovery_codes_need_something_to_stand_in_for(olga: Someone, wall: datetime) -> None:
    with pytest.raises(Refused, match="Set up an app or a passkey first"):
        service.make_codes(olga.actor, olga.now, wall, PLACE)


def test_the_only_factor_of_an_officer_stays(ready: Someone, wall: datetime) -> None:
    with pytest.raises(Refused, match="your only second factor"):
        service.remove_app(ready.actor, ready.now, wall, True, PLACE)
    assert factors_of(ready.session, ready.person.id).app_since is not None


def test_recovery_codes_go_with_the_last_factor(ready: Someone, wall: datetime) -> None:
    service.make_codes(ready.actor, ready.now, wall, PLACE)
    service.remove_app(ready.actor, ready.now, wall, False, PLACE)
    assert factors_of(ready.session, ready.person.id) == factors_of(ready.session, 0)
    assert ready.events()[-1] == "second_factor_removed"
    assert "taken away from your account: the authenticator app." in ready.mails()[-1]
    with pytest.raises(NotFound):
        service.remove_app(ready.actor, ready.now, wall, False, PLACE)


def test_the_app_moves_to_another_phone(ready: Someone, wall: datetime) -> None:
    old_code, here = ready.code(wall), ready.enter(wall)
    assert ready.set_up(wall, here) is None, "not the first: nobody is signed out"
    assert ready.session.scalar(select(func.count()).select_from(Totp)) == 1
    with pytest.raises(Invalid):
        service.give_code(wall, here, old_code, PLACE)
    later = wall + STEP
    service.give_code(later, here, ready.code(later), PLACE)


def test_an_officer_without_a_factor_has_to_set_one_up(olga: Someone, wall: datetime) -> None:
    entered = sign_ins.open_sign_in(olga.person.id, wall, False, PLACE)
    olga.session.commit()
    found = find(olga.session, sign_ins.token_hash(entered.token), SignInLimits(), wall)
    assert found is not None
    assert standing(found.facts, olga.actor, True) is Standing.SET_UP
    assert standing(found.facts, olga.actor, False) is Standing.OPEN


def test_what_somebody_has_is_read_in_three_statements(app: Flask, ready: Someone) -> None:
    ready.session.add_all(
        Passkey(
            person_id=ready.person.id, credential_id=bytes([n]), public_key=b"k", sign_count=0, name=f"{n}",
            created_at=ready.now,
        )
        for n in range(5)
    )  # fmt: skip
    ready.session.commit()
    person_id = ready.person.id
    ready.session.commit()
    with counted(app) as seen:
        assert factors_of(ready.session, person_id).count == 6
    assert len(seen) == 3
