"""Who is signed in where, what proves it, and how often it was tried: rows that every process of the server shares."""

from __future__ import annotations

from sqlalchemy import BigInteger, ForeignKey, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from lab.models.base import Base, instant, pk, short


class SignIn(Base):
    """A signed-in browser. It holds the token; only the token's hash is here. Ended rows stay as a record.

    ``proved_at`` is when the second factor was given here (None: not), ``fresh_at`` when its owner last proved to be
    there. Instants are real ones (UTC), never moved by LAB_NOW.
    """

    __tablename__ = "sign_in"
    id: Mapped[pk]
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[instant]
    seen_at: Mapped[instant]
    fresh_at: Mapped[instant]
    proved_at: Mapped[instant | None]
    lasting: Mapped[bool]
    address: Mapped[short]
    browser: Mapped[str] = mapped_column(String(200))
    ended_at: Mapped[instant | None]


class Totp(Base):
    """The secret that a person's authenticator app shares, encrypted. It is kept once its first code was typed.

    ``counter`` is the time step of the last code that was taken: none of that step or before is taken again.
    """

    __tablename__ = "totp"
    id: Mapped[pk]
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), unique=True)
    secret: Mapped[str] = mapped_column(String(1000))
    counter: Mapped[int] = mapped_column(BigInteger, default=0)
    created_at: Mapped[instant]
    confirmed_at: Mapped[instant | None]


class Passkey(Base):
    """A WebAuthn credential. ``sign_count`` is the authenticator's own counter; many keep it at 0."""

    __tablename__ = "passkey"
    id: Mapped[pk]
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    credential_id: Mapped[bytes] = mapped_column(LargeBinary(1023), unique=True)
    public_key: Mapped[bytes] = mapped_column(LargeBinary(2000))
    sign_count: Mapped[int] = mapped_column(BigInteger)
    name: Mapped[str] = mapped_column(String(80))
    created_at: Mapped[instant]
    used_at: Mapped[instant | None]


class RecoveryCode(Base):
    """A code on paper that stands in for a lost second factor, once. Only its hash is kept."""

    __tablename__ = "recovery_code"
    __table_args__ = (UniqueConstraint("person_id", "code_hash"),)
    id: Mapped[pk]
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    code_hash: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[instant]
    used_at: Mapped[instant | None]


class Challenge(Base):
    """A challenge that a passkey has signed, kept so that it counts once. Challenges carry their own seal: showing one
    stores nothing. ``sign_in_id`` is None before anybody has signed in."""

    __tablename__ = "challenge"
    id: Mapped[pk]
    sign_in_id: Mapped[int | None] = mapped_column(ForeignKey("sign_in.id"), index=True)
    purpose: Mapped[short]
    value: Mapped[bytes] = mapped_column(LargeBinary(64), unique=True)
    created_at: Mapped[instant]


class Throttle(Base):
    """How far the tries of one kind and one subject (an account, an address) have used up what is allowed.

    ``full_at`` is the instant at which all tries are available again (rules.throttle).
    """

    __tablename__ = "throttle"
    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    full_at: Mapped[instant] = mapped_column(index=True)


class ResetRequest(Base):
    """An address typed on the page for forgotten passwords. The scheduler looks whether anybody has it, not the page:
    it takes the same time for all."""

    __tablename__ = "reset_request"
    id: Mapped[pk]
    email: Mapped[str] = mapped_column(String(254))
    asked_at: Mapped[instant]
