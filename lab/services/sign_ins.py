"""Signing in and staying signed in: rows of browsers, which end the moment that somebody ends them.

Instants here are real ones (UTC), whatever the programme's clock shows.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from flask_security.utils import hash_password, verify_password
from sqlalchemy import select, update

from lab.models import Person, ProgrammeRole, SignIn
from lab.rules.errors import Invalid, NotFound, Refused
from lab.rules.facts import Actor
from lab.rules.passwords import MAX_PASSWORD, normalized
from lab.rules.security_events import SecurityEventKind as Kind
from lab.rules.text import N_, M
from lab.rules.throttle import Bucket, Trial, Try, tries
from lab.services import throttle
from lab.services.invitations import token_hash
from lab.services.security_events import Place, note, note_refusal
from lab.services.steps import session

WRONG = N_("The address or the password is not right. Try again, or choose a new password.")
DISABLED = N_("This account is disabled: ask an administrator to enable it.")


@dataclass(frozen=True)
class Entered:
    """A new sign-in: the token that the browser keeps, which nobody else knows."""

    token: str
    person_id: int
    lasting: bool


@cache
def _nobodys_hash() -> str:
    """The hash of a password that nobody has: an unknown address costs as much as a known one."""
    found: str = hash_password(secrets.token_urlsafe(32))
    return found


def right_password(typed: str, kept: str | None) -> bool:
    """Whether ``typed`` is the password whose hash is ``kept``; takes as long when there is none. Touches no database."""
    # Longer than any that was ever taken: not worth its hashing.
    if len(typed) > 8 * MAX_PASSWORD:
        typed = ""
    return bool(verify_password(normalized(typed), kept or _nobodys_hash())) and kept is not None


def sign_in(wall: datetime, email: str, password: str, lasting: bool, place: Place, device: str = "") -> Entered:
    """Sign somebody in. The try is counted, and committed, before the password is looked at.

    ``device`` names a browser from which this account was entered before, empty for a strange one. A lasting sign-in is
    for those who hold no office in the programme. Raises TooMany, or Refused alike for an unknown address and a wrong password.
    """
    email = email.strip().lower()
    counted = tries(Trial.SIGN_IN, email, place.address, device)
    try:
        throttle.take(counted, wall)
    except Refused:
        _note_throttled(email, wall, place)
        raise
    found = (
        session()
        .execute(
            select(Person.id, Person.password, Person.active, ProgrammeRole.id)
            .outerjoin(ProgrammeRole, ProgrammeRole.person_id == Person.id)
            .where(Person.email == email)
            .limit(1)
        )
        .one_or_none()
    )
    # Hashing takes its time: no transaction, and no lock, is open meanwhile.
    session().commit()
    person_id, kept, active, office = found or (None, None, False, None)
    if not right_password(password, kept) or person_id is None:
        note_refusal(Kind.SIGN_IN_FAILED, None, wall, place, subject_id=person_id, email=email)
        raise Refused(M(WRONG))
    if not active:
        note_refusal(Kind.SIGN_IN_FAILED, None, wall, place, subject_id=person_id, reason="disabled")
        raise Refused(M(DISABLED))
    throttle.forgive(counted, wall)
    entered = open_sign_in(person_id, wall, lasting and office is None, place)
    session().commit()
    return entered


def _note_throttled(email: str, wall: datetime, place: Place) -> None:
    """Note it once a minute at most: whoever tries a thousand times shall not fill the log."""
    try:
        throttle.take((Try(Trial.SIGN_IN, Bucket.NOTED, f"{email}|{place.address}"),), wall)
    except Refused:
        return
    person_id = session().scalar(select(Person.id).where(Person.email == email))
    note_refusal(Kind.SIGN_IN_THROTTLED, None, wall, place, subject_id=person_id, email=email)


def open_sign_in(person_id: int, wall: datetime, lasting: bool, place: Place) -> Entered:
    """A new sign-in of that person in the running transaction; the caller commits."""
    token = secrets.token_urlsafe(32)
    session().add(
        SignIn(
            person_id=person_id,
            token_hash=token_hash(token),
            created_at=wall,
            seen_at=wall,
            fresh_at=wall,
            lasting=lasting,
            address=place.address[:40],
            browser=place.browser[:200],
        )
    )
    note(Kind.SIGNED_IN, Actor(person_id=person_id, name=""), wall, place, subject_id=person_id)
    return Entered(token, person_id, lasting)


def prove(sign_in_id: int, wall: datetime) -> None:
    """The second factor was given in this sign-in: it may be used from now on, and is fresh. The caller commits."""
    session().execute(update(SignIn).where(SignIn.id == sign_in_id).values(proved_at=wall, fresh_at=wall))


def renew(sign_in_id: int) -> Entered:
    """Another token for the same sign-in: one that was planted in the browser before is worth nothing. The caller commits."""
    token = secrets.token_urlsafe(32)
    row = session().get_one(SignIn, sign_in_id)
    row.token_hash = token_hash(token)
    session().flush()
    return Entered(token, row.person_id, row.lasting)


def id_of(entered: Entered) -> int:
    """The number of a sign-in that was just opened in this transaction."""
    return session().scalars(select(SignIn.id).where(SignIn.token_hash == token_hash(entered.token))).one()


def seen(sign_in_id: int, wall: datetime) -> None:
    """Note that the sign-in was used. Commits."""
    session().execute(update(SignIn).where(SignIn.id == sign_in_id, SignIn.seen_at < wall).values(seen_at=wall))
    session().commit()


def confirm(
    actor: Actor, sign_in_id: int, password: str, wall: datetime, place: Place, field: str = "confirm_password"
) -> str:
    """Somebody who is signed in proves with their password to be there: the sign-in is fresh again. Commits.

    Returns the token that the browser keeps from now on. Raises TooMany, or Invalid for ``field``.
    """
    counted = (Try(Trial.CONFIRM, Bucket.ACCOUNT, str(actor.person_id)),)
    throttle.take(counted, wall)
    kept = session().scalar(select(Person.password).where(Person.id == actor.person_id))
    session().commit()
    if not right_password(password, kept):
        note_refusal(Kind.CONFIRMATION_FAILED, actor, wall, place, subject_id=actor.person_id)
        raise Invalid({field: M(N_("This is not the password you sign in with now: type that one here."))})
    throttle.forgive(counted, wall)
    token = refresh(actor, sign_in_id, wall, place)
    session().commit()
    return token


def refresh(actor: Actor, sign_in_id: int, wall: datetime, place: Place) -> str:
    """Its owner has just proved to be there: fresh, and under a new token, which it returns. The caller commits."""
    token = secrets.token_urlsafe(32)
    session().execute(update(SignIn).where(SignIn.id == sign_in_id).values(fresh_at=wall, token_hash=token_hash(token)))
    note(Kind.CONFIRMED, actor, wall, place, subject_id=actor.person_id)
    return token


def sign_out(actor: Actor, sign_in_id: int, wall: datetime, place: Place) -> None:
    """End the sign-in of this browser. Commits."""
    _end(actor.person_id, wall, SignIn.id == sign_in_id)
    note(Kind.SIGNED_OUT, actor, wall, place, subject_id=actor.person_id)
    session().commit()


def end_one(actor: Actor, sign_in_id: int, wall: datetime, place: Place) -> None:
    """End one of one's own sign-ins, on whatever device. Commits. Raises NotFound for one that is not theirs."""
    if not _end(actor.person_id, wall, SignIn.id == sign_in_id):
        raise NotFound("sign_in")
    note(Kind.SESSION_ENDED, actor, wall, place, subject_id=actor.person_id)
    session().commit()


def end_others(actor: Actor, sign_in_id: int, wall: datetime, place: Place) -> None:
    """End all of one's own sign-ins but this one. Commits."""
    if _end(actor.person_id, wall, SignIn.id != sign_in_id):
        note(Kind.SESSION_ENDED, actor, wall, place, subject_id=actor.person_id, what="all others")
    session().commit()


def end_all(person_id: int, wall: datetime) -> None:
    """End every sign-in of a person, in the running transaction: their password or their right to be here has changed."""
    _end(person_id, wall)


def shorten(person_id: int) -> None:
    """Whoever holds an office is not kept signed in, on no device of theirs. The caller commits."""
    session().execute(
        update(SignIn).where(SignIn.person_id == person_id, SignIn.ended_at.is_(None)).values(lasting=False)
    )


def replace_all(person_id: int, sign_in_id: int, wall: datetime, place: Place) -> Entered:
    """End every sign-in of a person and open one anew, with what this browser had proved. The caller commits."""
    old = session().get_one(SignIn, sign_in_id)
    end_all(person_id, wall)
    entered = open_sign_in(person_id, wall, old.lasting, place)
    if old.proved_at is not None:
        session().flush()
        session().execute(update(SignIn).where(SignIn.token_hash == token_hash(entered.token)).values(proved_at=wall))
    return entered


def _end(person_id: int | None, wall: datetime, *which: object) -> int:
    found = session().scalars(
        update(SignIn)
        .where(SignIn.person_id == person_id, SignIn.ended_at.is_(None), *which)  # type: ignore[arg-type]
        .values(ended_at=wall)
        .returning(SignIn.id)
        .execution_options(synchronize_session=False)
    )
    return len(found.all())
