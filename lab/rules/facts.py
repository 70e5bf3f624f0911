"""What the rules read: who acts, on what, and the state of an award as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum


class Role(StrEnum):
    """The seven kinds of people (domain: Who), and the system's own scheduler."""

    LEAD = "lead"
    MEMBER = "member"
    MENTOR = "mentor"
    COMMITTEE = "committee"
    OFFICER = "officer"
    FINANCE = "finance"
    ADMIN = "admin"
    SYSTEM = "system"


TEAM = frozenset({Role.LEAD, Role.MEMBER})
STAFF = frozenset({Role.OFFICER, Role.FINANCE})
EVERYBODY_ON_AWARD = TEAM | STAFF | {Role.MENTOR, Role.COMMITTEE}


class Stage(StrEnum):
    """Where an award is in its life (domain: The life of an award)."""

    WORKPLAN = "workplan"
    AGREEMENT = "agreement"
    PROTOTYPING = "prototyping"
    PILOT = "pilot"
    CLOSED = "closed"
    SUSPENDED = "suspended"
    LAPSED = "lapsed"
    TERMINATED = "terminated"
    WITHDRAWN = "withdrawn"


PATH = (Stage.WORKPLAN, Stage.AGREEMENT, Stage.PROTOTYPING, Stage.PILOT, Stage.CLOSED)
ACTIVE = frozenset(PATH[:-1])
ENDED = frozenset({Stage.CLOSED, Stage.LAPSED, Stage.TERMINATED, Stage.WITHDRAWN})


@dataclass(frozen=True)
class Actor:
    """A person as the rules see them: programme-wide roles, roles per award, and the calls whose committee they sit on."""

    person_id: int | None
    name: str
    programme: frozenset[Role] = frozenset()
    awards: Mapping[int, frozenset[Role]] = field(default_factory=dict)
    committees: frozenset[int] = frozenset()

    def roles_on(self, scope: Scope | None) -> frozenset[Role]:
        """All roles the actor holds on ``scope``; without a scope only the programme-wide ones."""
        roles = self.programme
        if scope is not None:
            if scope.award_id is not None:
                roles |= self.awards.get(scope.award_id, frozenset())
            if scope.call_id in self.committees:
                roles |= {Role.COMMITTEE}
        return roles


SYSTEM = Actor(person_id=None, name="System", programme=frozenset({Role.SYSTEM}))


@dataclass(frozen=True)
class Scope:
    """The object of an action, as far as permission goes: a call, or one award of it."""

    call_id: int
    award_id: int | None = None


@dataclass(frozen=True)
class ExpiredDocument:
    """A document that showed an item of due diligence to be in order, and ran out before both sides had signed.

    ``label`` is the item's, language → text; ``until`` the document's last day.
    """

    key: str
    label: Mapping[str, str]
    until: date


@dataclass(frozen=True)
class AwardFacts:
    """One award at one instant, as far as transitions and payments depend on it. Instants are UTC."""

    stage: Stage
    suspended_from: Stage | None = None
    workplan_deadline: datetime | None = None
    workplan_submitted: bool = False
    workplan_accepted: bool = False
    due_diligence_clear: bool = False
    expired_documents: tuple[ExpiredDocument, ...] = ()
    signed_by: frozenset[str] = frozenset()
    agreement_drafted: bool = False
    agreement_open: bool = False
    agreement_in_force: bool = False
    prototype_report_accepted: bool = False
    final_report_accepted: bool = False
    account_entered: bool = False
    account_verified: bool = False
    account_holder_matches: bool = False
    unspent: Decimal = Decimal(0)
    closing_checked: frozenset[str] = frozenset()
    closing_required: frozenset[str] = frozenset()
    lessons: int = 0
    reports_accepted: frozenset[str] = frozenset()
    milestones_accepted: frozenset[str] = frozenset()
    boot_camps_attended: frozenset[str] = frozenset()
    notice_on: date | None = None
    obligations_done: frozenset[str] = frozenset()
    today: date | None = None
