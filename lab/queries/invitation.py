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
    return LinkState.EXPIRED if invitation.expires_at <= now else LinkState.OPEN


def welcome(session: Session, token_hash: str, now: datetime) -> Welcome:
    """What the link with that hash leads to, in two statements. ``now`` is UTC. Never raises: an unknown one is a state."""
    inviter = aliased(Person)
    found = session.execute(
        select(Invitation, Person, inviter.name)
        .join(Person, Person.id == Invitation.person_id)
        .outerjoin(inviter, inviter.id == Invitation.invited_by)
        .where(Invitation.token_hash == token_hash)
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
