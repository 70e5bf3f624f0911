"""Invitations: who is asked in by mail, and the single-use link with which they set their first password."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta
from uuid import uuid4

from sqlalchemy import select, update

from lab.models import Award, Invitation, Person
from lab.rules.award import read_person
from lab.rules.errors import Invalid, Refused
from lab.rules.facts import Actor
from lab.rules.security_events import SecurityEventKind
from lab.rules.text import N_, M
from lab.services.letters import write
from lab.services.links import absolute
from lab.services.security_events import Place, note
from lab.services.steps import session

VALID_DAYS = 14
_UNUSABLE = N_("This invitation cannot be used any more: ask the person who invited you to send it again.")


def invite(award: Award | None, email: str, name: str, role_label: str, actor: Actor, now: datetime) -> Person:
    """Find or create the person of that address, flushed, and queue their mail: a link for a first password, or word
    that they were added when they have one. ``role_label`` is a marked text. The caller commits.

    Raises Invalid for ``name`` or ``email``, and for an account that was disabled.
    """
    name, email, problems = read_person(name, email, "")
    if problems:
        raise Invalid(problems)
    person = session().scalars(select(Person).where(Person.email == email)).one_or_none()
    if person is None:
        language = award.language if award else "en"
        person = Person(email=email, name=name, fs_uniquifier=uuid4().hex, language=language, created_at=now)
        session().add(person)
        session().flush()
    if not person.active:
        raise Invalid(
            {"email": M(N_("The account of %(email)s is disabled: ask an administrator to enable it."), email=email)}
        )
    if person.password is None:
        send_link(award, person, role_label, actor, now)
    elif award is not None:
        _tell_added(award, person, role_label, actor, now)
    return person


def new_link(
    person: Person, purpose: str, now: datetime, valid: timedelta, by: Actor | None, email: str | None = None
) -> str:
    """The token of a new link (see models.Invitation for its purpose), flushed; those of the same purpose that were sent
    before stop working. The caller commits."""
    session().execute(
        update(Invitation)
        .where(
            Invitation.person_id == person.id, Invitation.purpose == purpose, Invitation.used_at.is_(None),
            Invitation.expires_at > now,
        )
        .values(expires_at=now)
    )  # fmt: skip
    token = secrets.token_urlsafe(32)
    session().add(
        Invitation(
            person_id=person.id,
            token_hash=token_hash(token),
            invited_by=by.person_id if by else None,
            created_at=now,
            expires_at=now + valid,
            purpose=purpose,
            email=email,
        )
    )
    session().flush()
    return token


def send_link(award: Award | None, person: Person, role_label: str, actor: Actor, now: datetime) -> None:
    """Queue a fresh link for the person's first password, valid for 14 days; links sent before stop working."""
    valid = timedelta(days=VALID_DAYS)
    token, expires_at = new_link(person, "join", now, valid, actor), now + valid
    write(
        person, "invitation", now,
        # The command line invites in nobody's name.
        inviter=actor.name if actor.person_id else "",
        role=role_label, link=absolute(f"/invitation/{token}"), expires_at=expires_at,
        project=award.project if award else "", organisation=award.organisation.legal_name if award else "",
    )  # fmt: skip


def revoke_links(person: Person, actor: Actor, now: datetime, place: Place) -> None:
    """Links to join that ``person`` has not used stop working, and say so to whoever follows them. The caller commits."""
    session().execute(
        update(Invitation)
        .where(
            Invitation.person_id == person.id, Invitation.purpose == "join", Invitation.used_at.is_(None),
            Invitation.revoked_at.is_(None),
        )
        .values(revoked_at=now)
    )  # fmt: skip
    note(SecurityEventKind.INVITATION_REVOKED, actor, now, place, subject_id=person.id)


def end_links(person: Person, now: datetime) -> None:
    """Links for a password or an address that were mailed before stop working: what protects the account has changed,
    and whoever reads an old mailbox shall not undo it. The caller commits."""
    session().execute(
        update(Invitation)
        .where(
            Invitation.person_id == person.id, Invitation.purpose != "join", Invitation.used_at.is_(None),
            Invitation.expires_at > now,
        )
        .values(expires_at=now)
    )  # fmt: skip


def _tell_added(award: Award, person: Person, role_label: str, actor: Actor, now: datetime) -> None:
    write(
        person, "added", now,
        inviter=actor.name, role=role_label, link=absolute(f"/awards/{award.code}"),
        project=award.project, organisation=award.organisation.legal_name,
    )  # fmt: skip


def token_hash(token: str) -> str:
    """What is kept of a token: its SHA-256, in hex."""
    return hashlib.sha256(token.encode()).hexdigest()


def invitation_by_token(token: str, now: datetime) -> tuple[Invitation, Person]:
    """The open invitation of ``token`` and whom it invites. Raises Refused when it is unknown, used or expired."""
    found = (
        session()
        .execute(
            select(Invitation, Person)
            .join(Person, Person.id == Invitation.person_id)
            .where(Invitation.token_hash == token_hash(token), Invitation.purpose == "join")
            .with_for_update(of=Invitation)
        )
        .one_or_none()
    )
    if (
        found is None
        or found[0].used_at is not None
        or found[0].revoked_at is not None
        or found[0].expires_at <= now
        or found[1].password is not None
        or not found[1].active
    ):
        raise Refused(M(_UNUSABLE))
    return found[0], found[1]


def person_by_token(token: str, now: datetime) -> Person:
    """Whom ``token`` invites. Raises Refused when it is unknown, used or expired."""
    return invitation_by_token(token, now)[1]
