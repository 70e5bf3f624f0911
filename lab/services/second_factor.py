"""The second factor: an authenticator app, recovery codes, and what adding or taking away any of them causes.

``wall`` is the real instant (UTC), ``now`` the programme's, by which mails leave.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime

from argon2.low_level import Type, hash_secret_raw
from passlib.exc import TokenError, UsedTokenError
from passlib.totp import TOTP
from sqlalchemy import delete, select, update

from lab.models import Passkey, Person, RecoveryCode, SignIn, Totp
from lab.queries.second_factor import factors_of
from lab.rules import second_factor as rules
from lab.rules.errors import Invalid, NotFound, Refused
from lab.rules.facts import Actor
from lab.rules.security_events import SecurityEventKind as Kind
from lab.rules.text import N_, M, Message
from lab.rules.throttle import Bucket, Trial, Try, tries
from lab.services import sign_ins, throttle
from lab.services.letters import write
from lab.services.seals import key_for, seal, unseal
from lab.services.security_events import Place, note, note_refusal
from lab.services.sign_ins import Entered
from lab.services.steps import session

ISSUER = "Innovation Lab Tracker"
# The uses of the secret key: what is kept, and what waits in the browser for its first code.
_KEPT, _WAITS = "app", "app set-up"
_WRONG = N_("This code is not right. Type the six digits that the app shows for this site at this moment.")
_USED = N_("This code was used already, and each works once. Wait for the next one: half a minute at most.")
_LOST = N_(
    "The key of your app cannot be read any more. Use a passkey and set the app up again, or ask for help below."
)
_WRONG_RECOVERY = N_("This is none of your recovery codes, or it was used already. Each works once: take another.")
ENDED = N_("This sign-in has ended: sign in again.")


@dataclass(frozen=True)
class SetUp:
    """An app about to be set up: its key, the same in groups, as an address for phones, and what the browser keeps of it."""

    key: str
    shown: str
    address: str
    waiting: str


def begin_app(person_id: int, email: str, waiting: str, wall: datetime) -> SetUp:
    """A key for an app; the one that is ``waiting`` in the browser already, if it is that person's. Stores nothing."""
    key = _waiting_key(person_id, waiting, wall)
    if key is None:
        key = str(TOTP.new().base32_key)
        waiting = seal(_WAITS, f"{person_id}|{key}", wall)
    address = TOTP(key, issuer=ISSUER, label=email.replace(":", " ")).to_uri()
    return SetUp(key, rules.grouped(key), address, waiting)


def _waiting_key(person_id: int, waiting: str, wall: datetime) -> str | None:
    whose, _, key = (unseal(_WAITS, waiting, rules.SET_UP_WITHIN, wall) or "").partition("|")
    return key if key and whose == str(person_id) else None


def add_app(
    actor: Actor, now: datetime, wall: datetime, sign_in_id: int, waiting: str, typed: str, place: Place
) -> Entered | None:
    """Set up the app whose key was ``waiting``, by its first code; it takes the place of one set up before.

    The first factor of all counts as given in this sign-in and ends the person's others: the answer is the new one then.
    Raises Refused when the key waited too long, Invalid for ``code``.
    """
    key = _waiting_key(actor.person_id or 0, waiting, wall)
    if key is None:
        raise Refused(M(N_("This took more than an hour. Scan the new picture below and type the code that follows.")))
    counter = _match(TOTP(key), typed, -1, wall)
    if isinstance(counter, Message):
        raise Invalid({"code": counter})
    person = locked(actor)
    first = is_first(person)
    session().execute(delete(Totp).where(Totp.person_id == person.id))
    session().add(
        Totp(
            person_id=person.id,
            secret=seal(_KEPT, key, wall),
            counter=counter,
            created_at=wall,
            confirmed_at=wall,
        )
    )
    entered = added(actor, person, now, wall, sign_in_id, place, first, M(N_("an authenticator app")))
    session().commit()
    return entered


def remove_app(actor: Actor, now: datetime, wall: datetime, required: bool, place: Place) -> None:
    """Take the app away. ``required``: their role asks for a second factor. Commits. Raises NotFound, or Refused for the last one."""
    person = locked(actor)
    if factors_of(session(), person.id).app_since is None:
        raise NotFound("app")
    may_go(person, required)
    session().execute(delete(Totp).where(Totp.person_id == person.id))
    removed(actor, person, now, wall, place, M(N_("the authenticator app")))
    session().commit()


def make_codes(actor: Actor, now: datetime, wall: datetime, place: Place) -> tuple[str, ...]:
    """New recovery codes, which are not kept and cannot be shown again; those made before work no longer. Commits.

    Raises Refused without a second factor that they could stand in for.
    """
    codes = [rules.recovery_code(secrets.randbits(60)) for _ in range(rules.RECOVERY_CODES)]
    # Hashing takes its time: nothing is locked meanwhile.
    hashes = [_hash(code, actor.person_id) for code in codes]
    person = locked(actor)
    if is_first(person):
        raise Refused(M(N_("Set up an app or a passkey first: recovery codes stand in for it when it is lost.")))
    session().execute(delete(RecoveryCode).where(RecoveryCode.person_id == person.id))
    for code_hash in hashes:
        session().add(RecoveryCode(person_id=person.id, code_hash=code_hash, created_at=wall))
    note(Kind.RECOVERY_CODES_MADE, actor, wall, place, subject_id=person.id, number=len(codes))
    write(person, "security_notice", now, what=M(N_("New recovery codes were made; those made before work no longer.")))
    session().commit()
    return tuple(rules.grouped(code) for code in codes)


def _hash(code: str, person_id: int | None) -> str:
    """What is kept of a recovery code: as slow to try as a password, salted by the person and the secret key."""
    salt = hmac.digest(key_for("recovery codes"), str(person_id).encode(), "sha256")[:16]
    return hash_secret_raw(code.encode(), salt, 2, 19456, 1, 32, Type.ID).hex()


def give_code(wall: datetime, sign_in_id: int, typed: str, place: Place, device: str = "") -> Entered:
    """Somebody who gave their password gives the code of their app. The try is counted before the code is looked at.

    Returns the sign-in under a new token. Raises TooMany, Invalid for ``code``, Refused when the sign-in has ended.
    """
    person = owner(sign_in_id)
    if not rules.clean_code(typed):
        raise Invalid({"code": M(_WRONG)})
    counted = _count(person, wall, place, device)
    problem = _take_code(person.id, typed, wall)
    if problem is not None:
        failed(person, wall, place, how="app")
        raise Invalid({"code": problem})
    throttle.forgive(counted, wall)
    return proved(person, wall, sign_in_id, place, how="app")


def _take_code(person_id: int, typed: str, wall: datetime) -> Message | None:
    """Use up the code, or say why it is refused. The row is locked: of two at once with the same code, one finds it used."""
    row = (
        session()
        .scalars(
            select(Totp)
            .where(Totp.person_id == person_id, Totp.confirmed_at.is_not(None))
            .with_for_update()
            .execution_options(populate_existing=True)
        )
        .one_or_none()
    )
    if row is None:
        return M(_WRONG)
    key = unseal(_KEPT, row.secret, None, wall)
    if key is None:
        return M(_LOST)
    counter = _match(TOTP(key), typed, row.counter, wall)
    if isinstance(counter, Message):
        return counter
    row.counter = counter
    session().flush()
    return None


def _match(totp: TOTP, typed: str, last: int, wall: datetime) -> int | Message:
    """The time step of the code, which is later than ``last``, or why it is refused. One step to either side is taken."""
    try:
        return int(totp.match(rules.clean_code(typed) or "-", time=wall, window=totp.period, last_counter=last).counter)
    except UsedTokenError:
        return M(_USED)
    except TokenError:
        return M(_WRONG)


def give_recovery_code(
    now: datetime, wall: datetime, sign_in_id: int, typed: str, place: Place, device: str = ""
) -> Entered:
    """The same with a recovery code, which is used up by it. Raises Invalid for ``recovery``."""
    person = owner(sign_in_id)
    code = rules.clean_recovery_code(typed)
    if not code:
        raise Invalid({"recovery": M(_WRONG_RECOVERY)})
    person_id = person.id
    counted = _count(person, wall, place, device)
    code_hash = _hash(code, person_id)
    used = session().execute(
        update(RecoveryCode)
        .where(RecoveryCode.person_id == person_id, RecoveryCode.code_hash == code_hash, RecoveryCode.used_at.is_(None))
        .values(used_at=wall)
        .returning(RecoveryCode.id)
    )
    if used.one_or_none() is None:
        failed(person, wall, place, how="recovery code")
        raise Invalid({"recovery": M(_WRONG_RECOVERY)})
    left = factors_of(session(), person.id).codes_left
    note(Kind.RECOVERY_CODE_USED, _as_actor(person), wall, place, subject_id=person.id, left=left)
    told = M(N_("Somebody signed in with one of your recovery codes. Codes left: %(left)s."), left=left)
    write(person, "security_notice", now, what=told)
    throttle.forgive(counted, wall)
    return proved(person, wall, sign_in_id, place, how="recovery code")


# Steps shared with lab.services.passkeys; none of them commits unless it says so.


def _as_actor(person: Person) -> Actor:
    return Actor(person_id=person.id, name=person.name)


def locked(actor: Actor) -> Person:
    """The actor's own row, locked: factors are added and taken away one after the other."""
    return session().scalars(select(Person).where(Person.id == actor.person_id).with_for_update()).one()


def is_first(person: Person) -> bool:
    """Whether the person has no factor yet."""
    return factors_of(session(), person.id).count == 0


def owner(sign_in_id: int) -> Person:
    """Whose sign-in it is. Raises Refused if it has ended meanwhile."""
    found = (
        session()
        .scalars(
            select(Person)
            .join(SignIn, SignIn.person_id == Person.id)
            .where(SignIn.id == sign_in_id, SignIn.ended_at.is_(None), Person.active)
        )
        .one_or_none()
    )
    if found is None:
        raise Refused(M(ENDED))
    return found


def _count(person: Person, wall: datetime, place: Place, device: str) -> tuple[Try, ...]:
    """Count a try, and commit. Raises TooMany; that is noted once a minute at most."""
    email, person_id = person.email, person.id
    counted = tries(Trial.SECOND_FACTOR, email, place.address, device)
    try:
        throttle.take(counted, wall)
    except Refused:
        try:
            throttle.take((Try(Trial.SIGN_IN, Bucket.NOTED, f"second factor|{email}|{place.address}"),), wall)
        except Refused:
            session().rollback()
        else:
            note_refusal(Kind.SECOND_FACTOR_FAILED, None, wall, place, subject_id=person_id, reason="too many tries")
        raise
    return counted


def failed(person: Person, wall: datetime, place: Place, how: str, reason: str = "") -> None:
    """Note a factor that was not right. Commits."""
    note_refusal(Kind.SECOND_FACTOR_FAILED, None, wall, place, subject_id=person.id, how=how, reason=reason)


def proved(person: Person, wall: datetime, sign_in_id: int, place: Place, how: str) -> Entered:
    """The factor was right: the sign-in may be used, under a new token. Commits."""
    sign_ins.prove(sign_in_id, wall)
    entered = sign_ins.renew(sign_in_id)
    note(Kind.SECOND_FACTOR_GIVEN, _as_actor(person), wall, place, subject_id=person.id, how=how)
    session().commit()
    return entered


def added(
    actor: Actor,
    person: Person,
    now: datetime,
    wall: datetime,
    sign_in_id: int,
    place: Place,
    first: bool,
    what: Message,
) -> Entered | None:
    """What adding a factor causes: it is noted and told, and the first one ends every sign-in that has not given it."""
    session().flush()
    note(Kind.SECOND_FACTOR_ADDED, actor, wall, place, subject_id=person.id, what=what)
    write(person, "security_notice", now, what=M(N_("A second factor was added to your account: %(what)s."), what=what))
    if not first:
        return None
    sign_ins.prove(sign_in_id, wall)
    return sign_ins.replace_all(person.id, sign_in_id, wall, place)


def may_go(person: Person, required: bool) -> None:
    """Raises Refused when a factor of theirs is the last, and their role asks for one."""
    reason = rules.last_stays(required, factors_of(session(), person.id).count)
    if reason is not None:
        raise Refused(reason)


def removed(actor: Actor, person: Person, now: datetime, wall: datetime, place: Place, what: Message) -> None:
    """What taking a factor away causes: recovery codes go with the last one."""
    session().flush()
    if is_first(person):
        session().execute(delete(RecoveryCode).where(RecoveryCode.person_id == person.id))
    note(Kind.SECOND_FACTOR_REMOVED, actor, wall, place, subject_id=person.id, what=what)
    told = M(N_("A second factor was taken away from your account: %(what)s."), what=what)
    write(person, "security_notice", now, what=told)


def names_of(person: Person) -> list[str]:
    """What the person's passkeys are called."""
    return list(session().scalars(select(Passkey.name).where(Passkey.person_id == person.id)))
