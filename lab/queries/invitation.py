"""The invitation behind a link, as its page shows it before anybody has signed in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from lab.models import Award, Invitation, Organisation, Person, TeamMember
from lab.rules.facts import TEAM


class LinkState(StrEnum):
    """Whether a link can be used, and if not, why."""

    OPEN = "open"
    USED = "used"
    EXPIRED = "expired"
    REVOKED = "revoked"
    DISABLED = "disabled"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Welcome:
    """Whom a link invites and to what; empty texts for what is not known. ``country`` is the team's, two letters."""

    state: LinkState
    person: Person | None = None
    inviter: str = ""
    expires_at: datetime | None = None
    project: str = ""
    organisation: str = ""
    country: str = ""


def _state(invitation: Invitation, person: Person, now: datetime) -> LinkState:
    if not person.active:
        return LinkState.DISABLED
    if invitation.used_at is not None or person.password is not None:
        return LinkState.USED
    if invitation.revoked_at is not None:
        return LinkState.REVOKED
    return LinkState.EXPIRED if invitation.expires_at <= now else LinkState.OPEN


def welcome(session: Session, token_hash: str, now: datetime) -> Welcome:
    """What the link with that hash leads to, in two statements. ``now`` is UTC. Never raises: an unknown one is a state."""
    inviter = aliased(Person)
    found = session.execute(
        select(Invitation, Person, inviter.name)
        .join(Person, Person.id == Invitation.person_id)
        .outerjoin(inviter, inviter.id == Invitation.invited_by)
        .where(Invitation.token_hash == token_hash, Invitation.purpose == "join")
    ).one_or_none()
    if found is None:
        return Welcome(LinkState.UNKNOWN)
    invitation, person, inviter_name = found
    place = session.execute(
        select(Award.project, Organisation.legal_name, Organisation.country, TeamMember.role)
        .select_from(TeamMember)
        .join(Award, Award.id == TeamMember.award_id)
        .join(Organisation, Organisation.id == Award.organisation_id)
        .where(TeamMember.person_id == person.id, TeamMember.until.is_(None))
        .order_by(TeamMember.id.desc())
        .limit(1)
    ).one_or_none()
    return Welcome(
        state=_state(invitation, person, now),
        person=person,
        inviter=inviter_name or "",
        expires_at=invitation.expires_at,
        project=place.project if place else "",
        organisation=place.legal_name if place else "",
        country=place.country if place and place.role in TEAM else "",
    )


def address_behind(session: Session, token_hash: str, person_id: int, now: datetime) -> str:
    """The address that the person's open link confirms; empty for every other link."""
    found = session.scalars(
        select(Invitation.email).where(
            Invitation.token_hash == token_hash, Invitation.purpose == "email", Invitation.person_id == person_id,
            Invitation.used_at.is_(None), Invitation.revoked_at.is_(None), Invitation.expires_at > now,
        )
    )  # fmt: skip
    return found.one_or_none() or ""


def open_link(session: Session, token_hash: str, now: datetime, *purposes: str) -> Person | None:
    """Whose link that is, if it can be used now for one of ``purposes``."""
    found = session.scalars(
        select(Person)
        .join(Invitation, Invitation.person_id == Person.id)
        .where(
            Invitation.token_hash == token_hash, Invitation.purpose.in_(purposes), Invitation.used_at.is_(None),
            Invitation.revoked_at.is_(None), Invitation.expires_at > now, Person.active,
        )
    )  # fmt: skip
    return found.one_or_none()
