"""Passkeys, made and given by an authenticator in software that signs for real: whatever is not quite right is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lab import clock
from lab.models import Challenge, Mail, Passkey, Person, SecurityEvent, SignIn
from lab.queries.people import actor_for
from lab.queries.second_factor import factors_of
from lab.rules import second_factor as rules
from lab.rules.errors import Invalid, NotFound, Refused, TooMany
from lab.rules.facts import Actor, Role
from lab.rules.throttle import LIMITS, Bucket, Trial
from lab.services import passkeys as service
from lab.services import sign_ins
from lab.services.passkeys import CONFIRM, PROVE, SIGN_IN
from lab.services.security_events import Place
from tests import factories
from tests.authenticator import PRESENT, VERIFIED, Authenticator, changed, to_bytes

PLACE = Place("192.0.2.7", "a test", "/second-factor")
BROWSER = "the token of a session"
BAD = "The passkey was not accepted"
OLD = "stood open for too long"


@pytest.fixture
def wall() -> datetime:
    return clock.wall().replace(microsecond=0)


@dataclass
class Keeper:
    """A person with an authenticator."""

    session: Session
    person: Person
    now: datetime
    device: Authenticator = field(default_factory=Authenticator)

    @property
    def actor(self) -> Actor:
        return actor_for(self.session, self.person)

    def enter(self, wall: datetime) -> int:
        entered = sign_ins.open_sign_in(self.person.id, wall, False, PLACE)
        self.session.flush()
        found = sign_ins.id_of(entered)
        self.session.commit()
        return found

    def known(self) -> tuple[bytes, ...]:
        return factors_of(self.session, self.person.id).credential_ids

    def made(self, wall: datetime, here: int) -> str:
        return self.device.create(service.options_to_add(self.actor, self.person.email, here, self.known(), wall))

    def add(self, wall: datetime, here: int, name: str = "Phone") -> sign_ins.Entered | None:
        return service.add(self.actor, self.now, wall, here, self.made(wall, here), name, PLACE)

    def answer(self, wall: datetime, whose: int | str, purpose: str = PROVE) -> str:
        known = () if purpose == SIGN_IN else self.known()
        return self.device.get(service.options_to_give(purpose, str(whose), known, wall))

    def events(self) -> list[str]:
        return list(self.session.scalars(select(SecurityEvent.kind).order_by(SecurityEvent.id)))

    def reason(self) -> str:
        """Why the last one was refused, as the log has it."""
        found = self.session.scalars(select(SecurityEvent).order_by(SecurityEvent.id.desc())).first()
        assert found is not None
        return str(found.details["reason"])

    def proved(self, here: int) -> bool:
        self.session.expire_all()
        return self.session.get_one(SignIn, here).proved_at is not None


@pytest.fixture
def olga(session: Session, now: datetime) -> Keeper:
    person = factories.person(session, Role.OFFICER, name="Olga Officer", email="olga@ilo.example")
    session.commit()
    return Keeper(session, person, now)


@pytest.fixture
def ready(olga: Keeper, wall: datetime) -> Keeper:
    """Olga, with a passkey called “Phone”."""
    olga.add(wall, olga.enter(wall))
    return olga


def test_what_the_browser_is_asked_to_make(olga: Keeper, wall: datetime) -> None:
    options = json.loads(service.options_to_add(olga.actor, olga.person.email, 1, (b"known",), wall))
    assert options["rp"] == {"name": "Innovation Lab Tracker", "id": "localhost"}
    assert options["user"]["name"] == "olga@ilo.example" and "olga" not in options["user"]["id"].lower()
    assert [item["id"] for item in options["excludeCredentials"]] == ["a25vd24"]
    assert options["attestation"] == "none"
    asked = json.loads(service.options_to_give(SIGN_IN, BROWSER, (), wall))
    assert (asked["userVerification"], asked["allowCredentials"]) == ("required", [])
    assert json.loads(service.options_to_give(PROVE, "1", (), wall))["userVerification"] == "preferred"


def test_the_first_passkey_proves_this_sign_in_and_ends_the_others(olga: Keeper, wall: datetime) -> None:
    here, _elsewhere = olga.enter(wall), olga.enter(wall)
    entered = olga.add(wall, here)
    assert entered is not None
    alive = olga.session.scalars(select(SignIn).where(SignIn.ended_at.is_(None))).all()
    assert [(row.token_hash, row.proved_at) for row in alive] == [(sign_ins.token_hash(entered.token), wall)]
    (line,) = factors_of(olga.session, olga.person.id).passkeys
    assert (line.name, line.used_at, line.credential_id) == ("Phone", None, olga.device.credential_id)
    assert "second_factor_added" in olga.events()
    body = olga.session.scalars(select(Mail.body).order_by(Mail.id.desc())).first()
    assert "A second factor was added to your account: the passkey “Phone”." in str(body)


def test_a_passkey_proves_a_sign_in(ready: Keeper, wall: datetime) -> None:
    here = ready.enter(wall)
    entered = service.give(wall, here, ready.answer(wall, here), PLACE)
    row = ready.session.get_one(SignIn, here)
    assert (row.proved_at, row.token_hash) == (wall, sign_ins.token_hash(entered.token))
    (line,) = factors_of(ready.session, ready.person.id).passkeys
    assert line.used_at == wall
    assert ready.events()[-1] == "second_factor_given"


def test_a_key_that_verifies_nobody_is_a_second_factor_and_no_more(ready: Keeper, wall: datetime) -> None:
    ready.device.flags = PRESENT
    here = ready.enter(wall)
    service.give(wall, here, ready.answer(wall, here), PLACE)
    with pytest.raises(Refused, match=BAD):
        service.sign_in(wall, ready.answer(wall, BROWSER, SIGN_IN), BROWSER, PLACE)
    assert "verification is required" in ready.reason()


Spoil = Callable[[Keeper, str], str]


def _touch(part: str, at: int) -> Spoil:
    def spoil(_keeper: Keeper, credential: str) -> str:
        return changed(credential, part, lambda data: data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])

    return spoil


TAMPERED: dict[str, Spoil] = {
    "signature": _touch("signature", 12),
    "flags": _touch("authenticatorData", 32),
    "counter": _touch("authenticatorData", 36),
    "challenge": lambda _k, c: changed(c, "clientDataJSON", lambda d: d.replace(b'"challenge": "', b'"challenge": "A')),
    "type": lambda _k, c: changed(c, "clientDataJSON", lambda d: d.replace(b"webauthn.get", b"webauthn.create")),
    "no signature": lambda _k, c: changed(c, "signature", lambda _d: b""),
    "no JSON": lambda _k, _c: "{",
    "a list": lambda _k, _c: "[]",
    "nothing": lambda _k, _c: "",
    "deep": lambda _k, _c: "[" * 15_000,
    "another id": lambda _k, c: c.replace(json.loads(c)["id"], "c29tZWJvZHk"),
    "id and raw id": lambda _k, c: c.replace(json.loads(c)["id"], "c29tZWJvZHk", 1),
}


@pytest.mark.parametrize("what", TAMPERED)
def test_a_tampered_answer_is_refused(ready: Keeper, wall: datetime, what: str) -> None:
    here = ready.enter(wall)
    credential = TAMPERED[what](ready, ready.answer(wall, here))
    with pytest.raises(Refused, match=BAD):
        service.give(wall, here, credential, PLACE)
    assert not ready.proved(here)
    assert ready.events()[-1] == "second_factor_failed"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"origin": "http://localhost:81"}, "origin"),
        ({"origin": "https://localhost"}, "origin"),
        ({"origin": "http://evil.example"}, "origin"),
        ({"rp_id": "evil.example"}, "RP ID"),
        ({"flags": VERIFIED}, "not present"),
    ],
)
def test_an_answer_for_another_site_is_refused(
    ready: Keeper, wall: datetime, change: dict[str, object], reason: str
) -> None:
    here = ready.enter(wall)
    ready.device = replace(ready.device, **change)  # type: ignore[arg-type]
    with pytest.raises(Refused, match=BAD):
        service.give(wall, here, ready.answer(wall, here), PLACE)
    assert reason in ready.reason()
    assert not ready.proved(here)
    with pytest.raises(Refused, match=BAD):
        service.add(ready.actor, ready.now, wall, here, ready.made(wall, here), "Another", PLACE)
    assert ready.session.scalar(select(func.count()).select_from(Passkey)) == 1


def test_another_key_of_the_same_name_is_refused(ready: Keeper, wall: datetime) -> None:
    here = ready.enter(wall)
    ready.device = Authenticator(count=5)
    with pytest.raises(Refused, match=BAD):
        service.give(wall, here, ready.answer(wall, here), PLACE)
    assert "signature" in ready.reason()


def test_an_answer_counts_once(ready: Keeper, wall: datetime) -> None:
    here = ready.enter(wall)
    # Many authenticators do not count: then the challenge alone tells that it was seen before.
    ready.device.count = -1
    credential = ready.answer(wall, here)
    service.give(wall, here, credential, PLACE)
    with pytest.raises(Refused, match=OLD):
        service.give(wall, here, credential, PLACE)
    assert "used before" in ready.reason()


def test_a_challenge_is_used_up_by_a_refusal_too(ready: Keeper, wall: datetime) -> None:
    here = ready.enter(wall)
    right = ready.answer(wall, here)
    with pytest.raises(Refused, match=BAD):
        service.give(wall, here, changed(right, "signature", lambda data: data[:-1] + b"x"), PLACE)
    with pytest.raises(Refused, match=OLD):
        service.give(wall, here, right, PLACE)


def test_an_old_challenge_is_refused(ready: Keeper, wall: datetime) -> None:
    here = ready.enter(wall)
    late = ready.answer(wall, here)
    with pytest.raises(Refused, match=OLD):
        service.give(wall + timedelta(minutes=5, seconds=1), here, late, PLACE)
    assert "too old" in ready.reason()
    assert not ready.proved(here)
    service.give(wall + timedelta(minutes=5), here, ready.answer(wall, here), PLACE)


def test_a_challenge_is_for_one_sign_in_and_one_purpose(ready: Keeper, wall: datetime) -> None:
    here, there = ready.enter(wall), ready.enter(wall)
    for credential in (
        ready.answer(wall, there),
        ready.answer(wall, here, CONFIRM),
        ready.answer(wall, here, SIGN_IN),
        ready.answer(wall, BROWSER, SIGN_IN),
    ):
        with pytest.raises(Refused, match=BAD):
            service.give(wall, here, credential, PLACE)
        assert "not made for this" in ready.reason()
    with pytest.raises(Refused, match=BAD):
        service.sign_in(wall, ready.answer(wall, here), BROWSER, PLACE)


@pytest.mark.parametrize("count", [7, 6, 0])
def test_a_counter_that_goes_back_or_stands_still_is_refused_and_noted(
    ready: Keeper, wall: datetime, count: int
) -> None:
    here = ready.enter(wall)
    ready.device.count = 6
    service.give(wall, here, ready.answer(wall, here), PLACE)
    ready.device.count = count - 1
    there = ready.enter(wall)
    with pytest.raises(Refused, match=BAD):
        service.give(wall, there, ready.answer(wall, there), PLACE)
    assert "sign count" in ready.reason()
    assert not ready.proved(there)


def test_nobody_elses_passkey_is_taken(ready: Keeper, session: Session, now: datetime, wall: datetime) -> None:
    person = factories.person(session, email="other@ilo.example")
    session.commit()
    other = Keeper(session, person, now, Authenticator(credential_id=b"another"))
    other.add(wall, other.enter(wall))
    here = ready.enter(wall)
    with pytest.raises(Refused, match=BAD):
        service.give(wall, here, other.answer(wall, here), PLACE)
    assert "unknown" in ready.reason()
    passkey_id = only_passkey(other)
    for act in (
        lambda: service.rename(ready.actor, passkey_id, "Mine"),
        lambda: service.remove(ready.actor, now, wall, passkey_id, False, PLACE),
    ):
        with pytest.raises(NotFound):
            act()
    # Nor can it be added a second time, by anybody.
    ready.device = other.device
    with pytest.raises(Refused, match="in use already"):
        ready.add(wall, here, "Copy")


def only_passkey(keeper: Keeper) -> int:
    """The number of the person's only passkey."""
    (line,) = factors_of(keeper.session, keeper.person.id).passkeys
    return line.id


def test_signing_in_with_nothing_else(ready: Keeper, wall: datetime) -> None:
    entered = service.sign_in(wall, ready.answer(wall, BROWSER, SIGN_IN), BROWSER, PLACE)
    assert (entered.person_id, entered.lasting) == (ready.person.id, False)
    row = ready.session.scalars(select(SignIn).where(SignIn.token_hash == sign_ins.token_hash(entered.token))).one()
    assert (row.proved_at, row.fresh_at) == (wall, wall)
    assert ready.events()[-2:] == ["signed_in", "second_factor_given"]


def test_an_unknown_passkey_and_a_wrong_one_are_answered_alike(ready: Keeper, wall: datetime) -> None:
    stranger = Keeper(ready.session, ready.person, ready.now, Authenticator(credential_id=b"a stranger"))
    wrong = changed(ready.answer(wall, BROWSER, SIGN_IN), "signature", lambda data: data[:-1] + b"x")
    told = []
    for credential in (stranger.answer(wall, BROWSER, SIGN_IN), wrong):
        with pytest.raises(Refused) as refused:
            service.sign_in(wall, credential, BROWSER, PLACE)
        told.append(str(refused.value))
        assert ready.events()[-1] == "sign_in_failed"
    assert told[0] == told[1]


def test_the_answer_to_another_browser_is_refused(ready: Keeper, wall: datetime) -> None:
    with pytest.raises(Refused, match=BAD):
        service.sign_in(wall, ready.answer(wall, BROWSER, SIGN_IN), "another session", PLACE)


def test_a_disabled_account_stays_out(ready: Keeper, wall: datetime) -> None:
    ready.person.active = False
    ready.session.commit()
    before = ready.session.scalar(select(func.count()).select_from(SignIn))
    with pytest.raises(Refused, match="disabled"):
        service.sign_in(wall, ready.answer(wall, BROWSER, SIGN_IN), BROWSER, PLACE)
    assert ready.session.scalar(select(func.count()).select_from(SignIn)) == before
    assert (ready.events()[-1], ready.reason()) == ("sign_in_failed", "disabled")


def test_tries_from_one_address_are_counted(ready: Keeper, wall: datetime) -> None:
    for _ in range(LIMITS[Trial.SIGN_IN, Bucket.ADDRESS].burst):
        with pytest.raises(Refused, match=BAD):
            service.sign_in(wall, "{}", BROWSER, PLACE)
    with pytest.raises(TooMany):
        service.sign_in(wall, ready.answer(wall, BROWSER, SIGN_IN), BROWSER, PLACE)
    elsewhere = replace(PLACE, address="192.0.2.99")
    service.sign_in(wall, ready.answer(wall, BROWSER, SIGN_IN), BROWSER, elsewhere)


def test_a_passkey_makes_a_sign_in_fresh_again(ready: Keeper, wall: datetime) -> None:
    here = ready.enter(wall)
    later = wall + timedelta(hours=1)
    service.confirm(ready.actor, here, ready.answer(later, here, CONFIRM), later, PLACE)
    assert ready.session.get_one(SignIn, here).fresh_at == later
    with pytest.raises(Refused, match=BAD):
        service.confirm(ready.actor, here, ready.answer(later, here, PROVE), later + timedelta(hours=1), PLACE)
    assert ready.events()[-1] == "confirmation_failed"
    assert ready.session.get_one(SignIn, here).fresh_at == later


def test_names(ready: Keeper, wall: datetime) -> None:
    here = ready.enter(wall)
    ready.device = Authenticator(credential_id=b"second")
    for name in ("", " ", "phone", "x" * 81):
        with pytest.raises(Invalid):
            ready.add(wall, here, name)
    assert ready.add(wall, here, "  Security   key ") is None, "not the first: nobody is signed out"
    first, second = factors_of(ready.session, ready.person.id).passkeys
    assert second.name == "Security key"
    service.rename(ready.actor, second.id, "Blue key")
    service.rename(ready.actor, second.id, "blue key")
    with pytest.raises(Invalid):
        service.rename(ready.actor, second.id, "PHONE")
    assert [line.name for line in factors_of(ready.session, ready.person.id).passkeys] == [first.name, "blue key"]


def test_twenty_are_enough(ready: Keeper, wall: datetime) -> None:
    here = ready.enter(wall)
    ready.session.add_all(
        Passkey(
            person_id=ready.person.id, credential_id=bytes([n]), public_key=b"k", sign_count=0, name=f"Key {n}",
            created_at=wall,
        )
        for n in range(rules.MAX_PASSKEYS - 1)
    )  # fmt: skip
    ready.session.commit()
    with pytest.raises(Refused, match="You have 20 passkeys"):
        ready.add(wall, here, "One more")


def test_the_only_one_of_an_officer_stays_until_there_is_another(ready: Keeper, wall: datetime) -> None:
    first = only_passkey(ready)
    with pytest.raises(Refused, match="your only second factor"):
        service.remove(ready.actor, ready.now, wall, first, True, PLACE)
    device = ready.device
    ready.device = Authenticator(credential_id=b"second")
    ready.add(wall, ready.enter(wall), "Second")
    service.remove(ready.actor, ready.now, wall, first, True, PLACE)
    ready.device = device
    here = ready.enter(wall)
    with pytest.raises(Refused, match=BAD):
        service.give(wall, here, ready.answer(wall, here), PLACE)
    assert "second_factor_removed" in ready.events()


def test_a_passkey_too_long_for_its_column_is_refused(olga: Keeper, wall: datetime) -> None:
    olga.device.credential_id = b"x" * 1024
    with pytest.raises(Refused, match=BAD):
        olga.add(wall, olga.enter(wall))
    assert olga.reason() == "too long"
    olga.device.credential_id = b"x" * 1023
    assert olga.add(wall, olga.enter(wall)) is not None


@pytest.mark.parametrize("credential", ["", "{}", "[]", "null", "0", '"x"', "[" * 15_000])
def test_no_passkey_at_all_is_refused(olga: Keeper, wall: datetime, credential: str) -> None:
    here = olga.enter(wall)
    with pytest.raises(Refused, match=BAD):
        service.add(olga.actor, olga.now, wall, here, credential, "Phone", PLACE)
    assert factors_of(olga.session, olga.person.id).count == 0


def test_challenges_are_forgotten_once_they_are_too_old_to_matter(ready: Keeper, wall: datetime) -> None:
    def kept() -> int:
        return ready.session.scalar(select(func.count()).select_from(Challenge)) or 0

    assert kept() == 1
    service.forget_challenges(wall + rules.CHALLENGE_VALID)
    assert kept() == 1
    service.forget_challenges(wall + timedelta(minutes=11))
    assert kept() == 0


def test_showing_a_page_stores_nothing(ready: Keeper, wall: datetime) -> None:
    before = ready.session.scalar(select(func.count()).select_from(Challenge))
    service.options_to_give(SIGN_IN, BROWSER, (), wall)
    service.options_to_add(ready.actor, ready.person.email, 1, (), wall)
    assert not ready.session.new and ready.session.scalar(select(func.count()).select_from(Challenge)) == before


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(part=st.sampled_from(["clientDataJSON", "attestationObject"]), at=st.integers(0, 400), by=st.integers(1, 255))
def test_no_byte_of_a_new_passkey_makes_an_error_of_ours(
    olga: Keeper, app: Flask, wall: datetime, part: str, at: int, by: int
) -> None:
    here = olga.enter(wall)

    def change(data: bytes) -> bytes:
        place = at % len(data)
        return data[:place] + bytes([data[place] ^ by]) + data[place + 1 :]

    made = olga.made(wall, here)
    try:
        service.add(olga.actor, olga.now, wall, here, changed(made, part, change), "Phone", PLACE)
    except Refused:
        olga.session.rollback()
        return
    # A new passkey is not signed: what may be changed is what says nothing, or makes it another passkey.
    if part == "clientDataJSON":
        before, after = (_client_data(each) for each in (made, changed(made, part, change)))
        assert all(before[name] == after[name] for name in ("type", "challenge", "origin"))
    for line in factors_of(olga.session, olga.person.id).passkeys:
        olga.session.delete(olga.session.get_one(Passkey, line.id))
    olga.session.commit()


def _client_data(credential: str) -> dict[str, object]:
    found: dict[str, object] = json.loads(to_bytes(json.loads(credential)["response"]["clientDataJSON"]))
    return found
