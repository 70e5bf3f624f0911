"""The workplan of an award: what it is held against, its draft, its versions, and what was asked of them."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload, selectinload

from lab.models import Award, Comment, Document, Thread, Version
from lab.rules.calendar import add_months
from lab.rules.calls import CallDefinition
from lab.rules.errors import NotFound
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
    )


@dataclass(frozen=True)
class WorkplanPage:
    """A workplan with its versions (oldest first, submitter and decider loaded) and the threads on them."""

    document: Document
    versions: list[Version]
    threads: list[Thread]

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

    def threads_on(self, version: Version) -> list[Thread]:
        """What was asked of one version, in order."""
        return [thread for thread in self.threads if thread.version_id == version.id]


def get_workplan(session: Session, award_id: int) -> WorkplanPage:
    """The award's workplan for a page, in four statements. Raises NotFound."""
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
    return WorkplanPage(document, list(versions), list(threads))
