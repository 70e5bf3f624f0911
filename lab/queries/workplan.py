"""The workplan of an award: what it is held against, its draft, its versions, and what was asked of them."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload, selectinload

from lab.models import Award, Comment, Document, TeamMember, Thread, Version
from lab.rules.calendar import add_months
from lab.rules.calls import CallDefinition
from lab.rules.errors import NotFound
from lab.rules.facts import Role
from lab.rules.review import DocumentKind, ReviewState
from lab.rules.workplan import Frame

# Between the notice and the first day of prototyping lie the gate and the agreement: a plan may reach that much further.
SLACK_MONTHS = 3


def frame_of(award: Award, definition: CallDefinition) -> Frame:
    """What a plan of this award is held against."""
    stages = definition.stages
    months = stages.prototyping_months + stages.pilot_months_max + SLACK_MONTHS
    return Frame(
        amount=award.amount,
        currency=award.currency,
        categories=frozenset(item.key for item in definition.budget_categories),
        earliest=award.notice_on,
        latest=add_months(award.notice_on, months),
        prototyping_until=add_months(award.notice_on, SLACK_MONTHS + stages.prototyping_months),
        lines_need_activity=definition.workplan.lines_need_activity,
    )


@dataclass(frozen=True)
class WorkplanPage:
    """A workplan with its versions (oldest first, submitter and decider loaded) and the threads on them.

    ``team`` are the ids of everybody who is, or was, on the award's team.
    """

    document: Document
    versions: list[Version]
    threads: list[Thread]
    team: frozenset[int]

    @property
    def state(self) -> ReviewState:
        """Where the plan stands between the team and the officer."""
        return ReviewState(self.document.state)

    @property
    def newest(self) -> Version | None:
        """The version handed in last."""
        return self.versions[-1] if self.versions else None

    def version(self, number: int) -> Version:
        """The version of that number. Raises NotFound."""
        for version in self.versions:
            if version.number == number:
                return version
        raise NotFound("version")

    def before(self, number: int) -> Version | None:
        """The version that came before that number."""
        return next((version for version in reversed(self.versions) if version.number < number), None)

    def threads_on(self, version: Version) -> list[Thread]:
        """What was asked of one version, in order."""
        return [thread for thread in self.threads if thread.version_id == version.id]


def get_workplan(session: Session, award_id: int) -> WorkplanPage:
    """The award's workplan for a page, in six statements at most. Raises NotFound."""
    document = session.scalars(
        select(Document).where(
            Document.award_id == award_id, Document.kind == DocumentKind.WORKPLAN, Document.number == 1
        )
    ).one_or_none()
    if document is None:
        raise NotFound("workplan")
    versions = session.scalars(
        select(Version)
        .where(Version.document_id == document.id)
        .order_by(Version.number)
        .options(joinedload(Version.submitter), joinedload(Version.decider))
    ).all()
    threads = session.scalars(
        select(Thread)
        .join(Version, Version.id == Thread.version_id)
        .where(Version.document_id == document.id)
        .order_by(Thread.id)
        .options(selectinload(Thread.comments).joinedload(Comment.author))
    ).all()
    team = session.scalars(
        select(TeamMember.person_id).where(
            TeamMember.award_id == award_id, TeamMember.role.in_((Role.LEAD, Role.MEMBER))
        )
    )
    return WorkplanPage(document, list(versions), list(threads), frozenset(team))


def get_thread(session: Session, award_id: int, thread_id: int) -> Thread:
    """A thread on a version of the award's workplan. Raises NotFound."""
    found = session.scalars(
        select(Thread)
        .join(Version, Version.id == Thread.version_id)
        .join(Document, Document.id == Version.document_id)
        .where(Thread.id == thread_id, Document.award_id == award_id, Document.kind == DocumentKind.WORKPLAN)
    ).one_or_none()
    if found is None:
        raise NotFound("thread")
    return found
