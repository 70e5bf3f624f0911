"""Sign-ins: the one behind a browser's token, and a person's own list."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from lab.models import Passkey, Person, SignIn, Totp
from lab.rules.sign_in import SignInFacts, SignInLimits, is_alive


@dataclass(frozen=True)
class Found:
    """A sign-in and whose it is."""

    facts: SignInFacts
    person: Person


def _facts(row: SignIn, has_factor: bool) -> SignInFacts:
    return SignInFacts(
        id=row.id,
        person_id=row.person_id,
        created_at=row.created_at,
        seen_at=row.seen_at,
        fresh_at=row.fresh_at,
        proved_at=row.proved_at,
        lasting=row.lasting,
        ended_at=row.ended_at,
        has_factor=has_factor,
    )


def find(session: Session, token_hash: str, limits: SignInLimits, wall: datetime) -> Found | None:
    """The living sign-in with that token and its active person, in one statement; None for every other."""
    factor = exists().where(Totp.person_id == SignIn.person_id, Totp.confirmed_at.is_not(None)) | exists().where(
        Passkey.person_id == SignIn.person_id
    )
    row = session.execute(
        select(SignIn, Person, factor)
        .join(Person, Person.id == SignIn.person_id)
        .where(SignIn.token_hash == token_hash, Person.active)
    ).one_or_none()
    if row is None:
        return None
    facts = _facts(row[0], bool(row[2]))
    return Found(facts, row[1]) if is_alive(facts, limits, wall) else None


def living(session: Session, person_id: int, limits: SignInLimits, wall: datetime) -> list[SignIn]:
    """Where that person is signed in now, last used first."""
    rows = session.scalars(
        select(SignIn)
        .where(SignIn.person_id == person_id, SignIn.ended_at.is_(None), SignIn.created_at > wall - limits.lasting)
        .order_by(SignIn.seen_at.desc())
    )
    return [row for row in rows if is_alive(_facts(row, False), limits, wall)]
