"""Reports of an award: what is due, drafted and handed in; one report with its versions; what a report is held against."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session, joinedload

from lab.models import AppliedAmendment, Award, BudgetLine, Comment, Document, Milestone, Spending, Thread, Version
from lab.rules.calls import CallDefinition
from lab.rules.errors import NotFound
from lab.rules.money import rounded
from lab.rules.reports import LineFacts, ReportFrame, sections_of
from lab.rules.review import REPORT_KINDS, DocumentKind, ReviewState


@dataclass(frozen=True)
class ReportRow:
    """A report that was begun: where it stands, how many versions came in, and when the last one did (UTC)."""

    kind: DocumentKind
    number: int
    state: ReviewState
    versions: int
    submitted_at: datetime | None


def reports_of(session: Session, award_id: int) -> list[ReportRow]:
    """Every report of the award that was begun, in one statement."""
    rows = session.execute(
        select(Document.kind, Document.number, Document.state, func.count(Version.id), func.max(Version.submitted_at))
        .outerjoin(Version, Version.document_id == Document.id)
        .where(Document.award_id == award_id, Document.kind.in_(REPORT_KINDS))
        .group_by(Document.id, Document.kind, Document.number, Document.state)
        .order_by(Document.id)
    )
    return [ReportRow(DocumentKind(kind), number, ReviewState(state), n, at) for kind, number, state, n, at in rows]


def milestones_of(session: Session, award_id: int) -> list[Milestone]:
    """The milestones of the approved plan as amended, in its order."""
    query = select(Milestone).where(Milestone.award_id == award_id, Milestone.dropped_at.is_(None))
    return list(session.scalars(query.order_by(Milestone.number)))


def get_milestone(session: Session, award_id: int, number: int) -> Milestone:
    """The award's milestone of that number. Raises NotFound."""
    query = select(Milestone).where(
        Milestone.award_id == award_id, Milestone.number == number, Milestone.dropped_at.is_(None)
    )
    found = session.scalars(query).one_or_none()
    if found is None:
        raise NotFound("milestone")
    return found


@dataclass(frozen=True)
class ReportPage:
    """A report with its versions (oldest first, submitter and decider loaded) and what was asked of them."""

    document: Document
    versions: list[Version]
    threads: list[Thread]

    @property
    def state(self) -> ReviewState:
        """Where the report stands between the team and the officer."""
        return ReviewState(self.document.state)

    @property
    def newest(self) -> Version | None:
        """The version handed in last."""
        return self.versions[-1] if self.versions else None

    def version(self, number: int) -> Version:
        """The version of that number. Raises NotFound."""
        found = next((version for version in self.versions if version.number == number), None)
        if found is None:
            raise NotFound("version")
        return found

    def threads_on(self, version: Version) -> list[Thread]:
        """What was asked of one version, in order."""
        return [thread for thread in self.threads if thread.version_id == version.id]


def find_report(session: Session, award_id: int, kind: DocumentKind, number: int) -> ReportPage | None:
    """A report for a page, in three statements; None when nobody has begun it."""
    document = session.scalars(
        select(Document).where(Document.award_id == award_id, Document.kind == kind, Document.number == number)
    ).one_or_none()
    if document is None:
        return None
    versions = session.scalars(
        select(Version)
        .where(Version.document_id == document.id)
        .order_by(Version.number)
        .options(joinedload(Version.submitter), joinedload(Version.decider))
    ).all()
    threads = (
        session.scalars(
            select(Thread)
            .join(Version, Version.id == Thread.version_id)
            .where(Version.document_id == document.id)
            .order_by(Thread.id)
            .options(joinedload(Thread.comments).joinedload(Comment.author))
        )
        .unique()
        .all()
    )
    return ReportPage(document, list(versions), list(threads))


def lines_of(
    session: Session, award: Award, document_id: int | None, before: datetime | None = None
) -> tuple[LineFacts, ...]:
    """The lines that the grant pays for, with what reports other than ``document_id`` have spent on each, in one statement.

    Only accepted reports count; with ``before`` (UTC) those accepted by then, held against the lines as they were then. Amounts are in the award's currency.
    """
    counts = and_(Spending.budget_line_id == BudgetLine.id, Spending.accepted)
    counted = and_(Version.id == Spending.version_id, Version.document_id != (document_id or 0))
    then = None
    if before is not None:
        counted = and_(counted, Version.decided_at < before)
        then = _lines_then(session, award.id, before)
    spent = select(func.sum(Spending.amount)).join(Version, counted).where(counts).scalar_subquery()
    rows = session.execute(
        select(BudgetLine, spent)
        .where(BudgetLine.award_id == award.id, BudgetLine.own.is_(False))
        .order_by(BudgetLine.number)
    )
    found = []
    for line, total in rows:
        label, amount = line.description, line.amount
        if then is not None:
            if line.number not in then:
                continue
            label, amount = then[line.number]
        elif line.dropped_at is not None:
            continue
        found.append(
            LineFacts(line.id, label, rounded(amount, award.currency), rounded(total or amount * 0, award.currency))
        )
    return tuple(found)


def _lines_then(session: Session, award_id: int, at: datetime) -> dict[int, tuple[str, Decimal]] | None:
    """What the lines were called and came to at ``at``, by their numbers; None when no amendment was applied since."""
    terms = session.scalar(
        select(AppliedAmendment.before)
        .where(AppliedAmendment.award_id == award_id, AppliedAmendment.at > at)
        .order_by(AppliedAmendment.at, AppliedAmendment.id)
        .limit(1)
    )
    if terms is None:
        return None
    return {line["number"]: (line["description"], Decimal(line["amount"])) for line in terms["lines"]}


def frame_of(
    kind: DocumentKind, award: Award, definition: CallDefinition, lines: tuple[LineFacts, ...], language: str
) -> ReportFrame:
    """What a report of this kind is held against; sections are named in ``language``."""
    return ReportFrame(
        sections=sections_of(kind, definition.reports.sections, language),
        lines=lines,
        currency=award.currency,
        explain_over=definition.tolerances.explain_over,
        amend_over=definition.tolerances.amend_over,
    )
