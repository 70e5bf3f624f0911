"""Amendments of an award's agreement, and the award's terms as amendments read them, in a fixed number of statements."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Select, case, func, select
from sqlalchemy.orm import Session, joinedload

from lab.models import (
    AppliedAmendment,
    Award,
    BankAccount,
    BudgetLine,
    Decision,
    Document,
    Milestone,
    Obligation,
    Person,
    Spending,
    Tranche,
    Version,
)
from lab.queries.awards import course_of, definition_of
from lab.queries.disbursement import UNDER_WAY
from lab.queries.team import team_of
from lab.rules.amendment import Ground, Line, Payment, Step, Terms
from lab.rules.amendment_effect import with_owed
from lab.rules.bank_account import ACCOUNT_FIELDS
from lab.rules.calendar import last_day, local_day
from lab.rules.clauses import duties_of
from lab.rules.disbursement import GONE, TrancheState
from lab.rules.errors import NotFound
from lab.rules.facts import TEAM, Stage
from lab.rules.money import rounded
from lab.rules.obligations import ObligationKind, ObligationState
from lab.rules.review import EDITABLE, REPORT_KINDS, DocumentKind, ReviewState
from lab.rules.workplan_changes import rows_of
from lab.rules.workplan_content import clean_content


@dataclass(frozen=True)
class AmendmentRow:
    """An amendment in a list: ``kind`` as ``rules.amendment`` names it; ``at`` is when it was last handed in (UTC)."""

    number: int
    kind: str
    side: str
    state: ReviewState
    versions: int
    at: datetime | None


def amendments_of(session: Session, award_id: int) -> list[AmendmentRow]:
    """Every amendment that was begun on the award, newest first, in one statement."""
    rows = session.execute(
        select(
            Document.number, Document.title, Document.draft["side"].as_string(), Document.state,
            func.count(Version.id), func.max(Version.submitted_at),
        )
        .outerjoin(Version, Version.document_id == Document.id)
        .where(Document.award_id == award_id, Document.kind == DocumentKind.AMENDMENT)
        .group_by(Document.id, Document.number, Document.title, Document.draft["side"].as_string(), Document.state)
        .order_by(Document.number.desc())
    )  # fmt: skip
    return [AmendmentRow(number, kind, side, ReviewState(state), n, at) for number, kind, side, state, n, at in rows]


@dataclass(frozen=True)
class AmendmentPage:
    """An amendment with its versions (oldest first, submitter and decider loaded), what it changed once it is applied, and
    what the steering committee decided on its versions."""

    document: Document
    versions: list[Version]
    applied: AppliedAmendment | None
    decisions: list[Decision]

    @property
    def kind(self) -> str:
        """What it is about (``rules.amendment.AmendmentKind``)."""
        return self.document.title

    @property
    def side(self) -> str:
        """The side that asks for it."""
        return str(self.document.draft["side"])

    @property
    def state(self) -> ReviewState:
        """Where it stands between the two sides."""
        return ReviewState(self.document.state)

    @property
    def newest(self) -> Version | None:
        """The version handed in last."""
        return self.versions[-1] if self.versions else None

    @property
    def decision(self) -> Decision | None:
        """What the committee decided last on the newest version."""
        newest = self.newest
        return next((one for one in reversed(self.decisions) if newest and one.version_id == newest.id), None)


def get_amendment(session: Session, award_id: int, number: int) -> AmendmentPage:
    """The award's amendment of that number, in one statement. Raises NotFound."""
    rows = session.execute(
        select(Document, Version, AppliedAmendment, Decision)
        .outerjoin(Version, Version.document_id == Document.id)
        .outerjoin(AppliedAmendment, AppliedAmendment.version_id == Version.id)
        .outerjoin(Decision, Decision.version_id == Version.id)
        .where(Document.award_id == award_id, Document.kind == DocumentKind.AMENDMENT, Document.number == number)
        .order_by(Version.number, Decision.id)
        .options(joinedload(Version.submitter), joinedload(Version.decider), joinedload(Decision.author))
    ).all()
    if not rows:
        raise NotFound("amendment")
    # A version stands in as many rows as there are decisions on it.
    versions = list(dict.fromkeys(version for _document, version, _applied, _decision in rows if version is not None))
    applied = next((applied for _document, _version, applied, _decision in rows if applied is not None), None)
    decisions = [decision for *_others, decision in rows if decision is not None]
    return AmendmentPage(rows[0][0], versions, applied, decisions)


# The terms -------------------------------------------------------------------------------------------------------


def terms_of(session: Session, award: Award, now: datetime) -> tuple[Terms, Ground]:
    """The award's terms as they stand, and what an amendment is held against, in six statements. For an award in
    prototyping or the pilot."""
    definition = definition_of(award)
    course = course_of(award)
    papers = _papers(session, award.id)
    team = [place for place in team_of(session, award.id) if place.role in TEAM]
    lead = next(((place.person_id, place.person.name) for place in team if place.role == "lead"), (0, ""))
    last_line, lines = _lines(session, award, papers.plan, papers.drafted)
    last_step, steps = _steps(session, award.id, papers.plan)
    tranches, under_way, account = _payments(session, award)
    done, camps = _owed(session, award.id, definition.time_zone)
    ground = Ground(
        definition=definition,
        today=local_day(now, definition.time_zone),
        notice_on=award.notice_on,
        legal_name=award.organisation.legal_name,
        duties=duties_of(papers.agreement.get("clauses", [])),
        done=done,
        reported=papers.reported,
        camps=camps,
        under_way=under_way,
        people={place.person_id: place.person.name for place in team if _can_lead(place.person, lead[0])},
        last={"line": last_line, "milestone": last_step, "payment": _last(tranches)},
    )
    terms = Terms(
        stage=Stage(award.stage),
        amount=rounded(award.amount, award.currency),
        currency=award.currency,
        course=course,
        prototyping_ends=course.prototyping_ends(definition),
        pilot_ends=course.pilot_ends(definition),
        plan=clean_content(papers.plan),
        lines=lines,
        milestones=steps,
        payments=tuple(_payment(tranche, award.currency) for tranche in tranches if tranche.state not in GONE),
        account=_account(account),
        lead=lead,
    )
    return with_owed(terms, ground), ground


def accepted_content(session: Session, award_id: int, kind: DocumentKind) -> Mapping[str, Any]:
    """The content of the award's document of that kind as it was accepted last; empty before."""
    accepted = _accepted().where(Document.award_id == award_id, Document.kind == kind).join(Document)
    return session.scalar(accepted) or {}


def _accepted() -> Select[tuple[dict[str, Any]]]:
    """The contents of accepted versions, the last one first."""
    return (
        select(Version.content).where(Version.decision == ReviewState.ACCEPTED).order_by(Version.number.desc()).limit(1)
    )


@dataclass(frozen=True)
class Papers:
    """Of the award's documents: the plan and the agreement as they were accepted last, keys of reports that were handed in,
    and ids of the lines on which a report that is being written has an amount."""

    plan: Mapping[str, Any]
    agreement: Mapping[str, Any]
    reported: frozenset[str]
    drafted: frozenset[str]


def _papers(session: Session, award_id: int) -> Papers:
    settled = (DocumentKind.WORKPLAN, DocumentKind.AGREEMENT)
    accepted = _accepted().where(Version.document_id == Document.id).correlate(Document).scalar_subquery()
    rows = session.execute(
        select(
            Document.kind, Document.number,
            case((Document.kind.in_(settled), accepted), (Document.state.in_(EDITABLE), Document.draft)),
            select(Version.id).where(Version.document_id == Document.id).correlate(Document).exists(),
        )
        .where(Document.award_id == award_id, Document.kind.in_((*settled, *REPORT_KINDS)))
    ).all()  # fmt: skip
    reports = [(kind, number, draft or {}, sent) for kind, number, draft, sent in rows if kind not in settled]
    contents = {kind: content or {} for kind, _number, content, _sent in rows if kind in settled}
    return Papers(
        plan=contents.get(DocumentKind.WORKPLAN, {}),
        agreement=contents.get(DocumentKind.AGREEMENT, {}),
        reported=frozenset(f"report:{kind}:{number}" for kind, number, _draft, sent in reports if sent),
        drafted=frozenset(
            line
            for _kind, _number, draft, _sent in reports
            for line, typed in (draft.get("spending") or {}).items()
            if str(typed).strip()
        ),
    )


def _can_lead(person: Person, lead_id: int) -> bool:
    return person.id != lead_id and person.active and person.password is not None


def _account(account: BankAccount | None) -> Mapping[str, str] | None:
    return None if account is None else {name: getattr(account, name) for name in ACCOUNT_FIELDS}


def _payment(tranche: Tranche, currency: str) -> Payment:
    conditions = tuple((condition.kind, str(condition.params.get("key", ""))) for condition in tranche.conditions)
    return Payment(tranche.number, rounded(tranche.amount, currency), TrancheState(tranche.state), conditions)


def _last(numbered: Iterable[BudgetLine | Milestone | Tranche]) -> int:
    """The last number that was given, also to what is no longer there."""
    return max((row.number for row in numbered), default=0)


def _item(own: str, ids: Sequence[str], number: int) -> str:
    """The id of a row in the plan; rows approved before plans had ids are known by their place."""
    return own or (ids[number - 1] if 0 < number <= len(ids) else f"row{number}")


def _lines(
    session: Session, award: Award, plan: Mapping[str, Any], drafted: frozenset[str]
) -> tuple[int, tuple[Line, ...]]:
    """The last number that a line ever had, and the lines with what was spent on each."""
    # A version that was sent back says nothing any more; one that waits for its review does.
    counts = (Spending.budget_line_id == BudgetLine.id) & (Spending.accepted | Version.decision.is_(None))
    spent = (
        select(func.sum(Spending.amount))
        .join(Version, Version.id == Spending.version_id)
        .where(counts)
        .scalar_subquery()
    )
    query = select(BudgetLine, spent).where(BudgetLine.award_id == award.id).order_by(BudgetLine.number)
    rows = [(line, total or Decimal(0)) for line, total in session.execute(query)]
    ids = list(rows_of(plan, "budget"))
    return _last(line for line, _ in rows), tuple(
        Line(
            _item(line.item, ids, line.number), line.number, line.category, line.description,
            rounded(line.amount, award.currency), line.own, rounded(total, award.currency), str(line.id) in drafted,
        )
        for line, total in rows
        if line.dropped_at is None
    )  # fmt: skip


def _steps(session: Session, award_id: int, plan: Mapping[str, Any]) -> tuple[int, tuple[Step, ...]]:
    """The last number that a milestone ever had, and the milestones."""
    query = select(Milestone).where(Milestone.award_id == award_id).order_by(Milestone.number)
    rows, ids = session.scalars(query).all(), list(rows_of(plan, "milestones"))
    return _last(rows), tuple(
        Step(
            _item(row.item, ids, row.number), row.number, row.stage, row.title, row.due_on, row.accepted_at is not None
        )
        for row in rows
        if row.dropped_at is None
    )  # fmt: skip


def _payments(
    session: Session, award: Award
) -> tuple[list[Tranche], tuple[tuple[str, int, TrancheState], ...], BankAccount | None]:
    """The award's tranches, cancelled ones too; (project, number, state) of the organisation's payments between
    authorisation and arrival; its newest account."""
    newest = select(func.max(BankAccount.id)).where(BankAccount.organisation_id == award.organisation_id)
    rows = session.execute(
        select(Tranche, Award.project, BankAccount)
        .join(Award, Award.id == Tranche.award_id)
        .outerjoin(BankAccount, BankAccount.id == newest.scalar_subquery())
        .where(Award.organisation_id == award.organisation_id)
        .options(joinedload(Tranche.conditions))
        .order_by(Award.id, Tranche.number)
    ).unique()
    found = [(tranche, project, account) for tranche, project, account in rows]
    under_way = [
        (project, tranche.number, TrancheState(tranche.state))
        for tranche, project, _account in found
        if tranche.state in UNDER_WAY
    ]
    own = [tranche for tranche, _project, _account in found if tranche.award_id == award.id]
    return own, tuple(under_way), next((account for *_others, account in found), None)


def _owed(session: Session, award_id: int, time_zone: str) -> tuple[frozenset[str], tuple[tuple[str, date], ...]]:
    """Keys of what was met or waived last, and the boot camps to come as (title, planned day)."""
    rows = session.execute(
        select(Obligation.key, Obligation.state, Obligation.kind, Obligation.params, Obligation.due_at)
        .where(Obligation.award_id == award_id, Obligation.state != ObligationState.SUPERSEDED)
        .order_by(Obligation.id)
    ).all()
    newest = {row.key: row for row in rows}
    met = (ObligationState.DISCHARGED, ObligationState.WAIVED)
    camps = [
        (str(row.params.get("title", "")), last_day(row.due_at, time_zone))
        for row in newest.values()
        if row.kind == ObligationKind.HOLD_BOOT_CAMP and row.state == ObligationState.OPEN
    ]
    return frozenset(key for key, row in newest.items() if row.state in met), tuple(camps)
