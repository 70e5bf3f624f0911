"""Awards: the one behind an address, its facts for the rules, and its obligations."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Row, String, case, cast, func, literal_column, null, select, union_all
from sqlalchemy.orm import Session, joinedload

from lab import clock
from lab.models import (
    Attendance,
    Award,
    BankAccount,
    BootCamp,
    Call,
    Check,
    Document,
    Extension,
    LedgerEntry,
    Lesson,
    Milestone,
    Obligation,
    Signature,
    Spending,
    Suspension,
    Version,
)
from lab.rules import calls
from lab.rules.agreement import DUE_DILIGENCE
from lab.rules.bank_account import in_name_of
from lab.rules.calendar import gate_deadline, local_day
from lab.rules.diligence import expired
from lab.rules.errors import NotFound
from lab.rules.facts import AwardFacts, ExpiredDocument, Scope, Stage
from lab.rules.money import rounded
from lab.rules.obligations import ObligationState
from lab.rules.review import DocumentKind, ReviewState
from lab.rules.schedule import Course


def scope_of(session: Session, code: str) -> Scope:
    """What permission needs to know of the award. Raises NotFound."""
    row = session.execute(select(Award.call_id, Award.id).where(Award.code == code)).one_or_none()
    if row is None:
        raise NotFound("award")
    return Scope(call_id=row.call_id, award_id=row.id)


def get_award(session: Session, code: str, *, lock: bool = False) -> Award:
    """The award with its call, organisation and officer, in one statement; ``lock`` holds it for this transaction.

    Raises NotFound.
    """
    query = (
        select(Award)
        .where(Award.code == code)
        .options(joinedload(Award.call), joinedload(Award.organisation), joinedload(Award.officer))
    )
    if lock:
        query = query.with_for_update(of=Award)
    award = session.scalars(query.execution_options(populate_existing=True)).unique().one_or_none()
    if award is None:
        raise NotFound("award")
    return award


def definition_of(award: Award) -> calls.CallDefinition:
    """The award's call as data."""
    return definition_of_call(award.call)


def course_of(award: Award) -> Course:
    """When the stages of an award in force began, and where an amendment set their ends."""
    began = award.prototyping_on or award.pilot_on
    assert began is not None, "an award in force has entered the lab"
    return Course(began, award.pilot_on, award.prototyping_until, award.pilot_until)


# Every page of every award reads its call: a definition is built once a process, and found by the hash of what it says.
_DEFINITIONS: dict[str, calls.CallDefinition] = {}


def definition_of_call(call: Call) -> calls.CallDefinition:
    """A call as data."""
    if call.definition_hash not in _DEFINITIONS:
        _DEFINITIONS[call.definition_hash] = calls.from_json(call.definition)
    return _DEFINITIONS[call.definition_hash]


def open_obligations(session: Session, award_id: int) -> list[Obligation]:
    """The award's open obligations, soonest first."""
    query = select(Obligation).where(Obligation.award_id == award_id, Obligation.state == ObligationState.OPEN)
    return list(session.scalars(query.order_by(Obligation.due_at, Obligation.id)))


def newest_account(session: Session, organisation_id: int) -> BankAccount | None:
    """The organisation's account as last entered."""
    query = select(BankAccount).where(BankAccount.organisation_id == organisation_id)
    return session.scalars(query.order_by(BankAccount.id.desc()).limit(1)).one_or_none()


def workplan_deadline(session: Session, award: Award, time_zone: str, days: int) -> datetime:
    """The workplan's deadline (UTC) from the notice, the finished reviews and suspensions, and the extensions."""
    rows: Sequence[Row[Any]] = session.execute(
        union_all(
            select(Version.submitted_at, Version.decided_at, literal_column("0"))
            .join(Document)
            .where(
                Document.award_id == award.id, Document.kind == DocumentKind.WORKPLAN, Version.decided_at.is_not(None)
            ),
            select(Suspension.began_at, Suspension.ended_at, literal_column("0")).where(
                Suspension.award_id == award.id, Suspension.ended_at.is_not(None)
            ),
            select(null(), null(), Extension.days).where(Extension.award_id == award.id),
        )
    ).all()
    pauses = [(began, ended) for began, ended, _ in rows if began is not None]
    extra = sum(row[2] for row in rows)
    return gate_deadline(award.notice_on, days, time_zone, pauses, extra)


def _money(session: Session, award: Award) -> tuple[Decimal, Decimal, Decimal]:
    spent = select(func.sum(Spending.amount)).where(Spending.award_id == award.id, Spending.accepted)
    found = session.execute(
        select(
            func.sum(case((LedgerEntry.kind == "payment", LedgerEntry.amount))),
            func.sum(case((LedgerEntry.kind == "return", LedgerEntry.amount))),
            spent.scalar_subquery(),
        ).where(LedgerEntry.award_id == award.id)
    ).one()
    return tuple(rounded(value or Decimal(0), award.currency) for value in found)  # type: ignore[return-value]


def money_of(session: Session, award: Award) -> tuple[Decimal, Decimal, Decimal]:
    """(paid, returned, spent by accepted reports) in the award's currency, from the ledger and the reports."""
    return _money(session, award)


def _marks(session: Session, award: Award) -> defaultdict[str, frozenset[str]]:
    """What was handed in, ticked, signed, accepted, attended and learned on the award, by kind, in one statement."""
    rows: Sequence[Row[Any]] = session.execute(
        union_all(
            select(
                literal_column("'document'"), Document.kind + ":" + cast(Document.number, String) + ":" + Document.state
            ).where(Document.award_id == award.id),
            select(Check.checklist, Check.key).where(Check.award_id == award.id, Check.closed_at.is_(None)),
            select(literal_column("'until'"), Check.key + ":" + cast(Check.expires_on, String)).where(
                Check.award_id == award.id,
                Check.checklist == DUE_DILIGENCE,
                Check.closed_at.is_(None),
                Check.expires_on.is_not(None),
            ),
            select(literal_column("'signed'"), Signature.side).where(Signature.award_id == award.id),
            select(literal_column("'milestone'"), cast(Milestone.number, String)).where(
                Milestone.award_id == award.id, Milestone.accepted_at.is_not(None)
            ),
            select(literal_column("'camp'"), BootCamp.key)
            .join(Attendance, Attendance.boot_camp_id == BootCamp.id)
            .where(BootCamp.award_id == award.id),
            select(literal_column("'lesson'"), cast(Lesson.id, String)).where(Lesson.award_id == award.id),
            select(literal_column("'duty:'", String) + Obligation.state, Obligation.key).where(
                Obligation.award_id == award.id, Obligation.key.startswith("duty:")
            ),
        )
    ).all()
    found: defaultdict[str, set[str]] = defaultdict(set)
    for kind, key in rows:
        found[kind].add(key)
    return defaultdict(frozenset, {kind: frozenset(keys) for kind, keys in found.items()})


def _both_signed(marks: Mapping[str, frozenset[str]]) -> bool:
    return {"organisation", "ilo"} <= marks["signed"]


def _ran_out(
    definition: calls.CallDefinition, marks: Mapping[str, frozenset[str]], now: datetime
) -> tuple[ExpiredDocument, ...]:
    """The documents of due diligence that have run out; none once both sides have signed on their strength."""
    if _both_signed(marks):
        return ()
    found = (mark.split(":") for mark in marks["until"])
    return expired(definition, [(key, date.fromisoformat(day)) for key, day in found], now)


def facts_of(session: Session, award: Award, now: datetime | None = None) -> AwardFacts:
    """Everything the rules read of an award, in a fixed number of statements.

    ``now`` (UTC; the clock's unless given) is when documents of due diligence are held against their last day.
    """
    return facts_with(session, award, newest_account(session, award.organisation_id), now)


def facts_with(session: Session, award: Award, account: BankAccount | None, now: datetime | None = None) -> AwardFacts:
    """The same for a caller that has the organisation's newest account in hand, in three statements."""
    definition = definition_of(award)
    marks = _marks(session, award)
    ran_out = _ran_out(definition, marks, now or clock.now())
    states = {(kind, int(number)): state for kind, number, state in (mark.split(":") for mark in marks["document"])}
    paid, returned, spent = _money(session, award)
    accepted = states.get((DocumentKind.WORKPLAN, 1)) == ReviewState.ACCEPTED
    zone, days = definition.time_zone, definition.stages.workplan_days
    return AwardFacts(
        stage=Stage(award.stage),
        suspended_from=Stage(award.suspended_from) if award.suspended_from else None,
        # Behind the gate nothing hangs on it.
        workplan_deadline=None if accepted else workplan_deadline(session, award, zone, days),
        workplan_submitted=states.get((DocumentKind.WORKPLAN, 1)) == ReviewState.SUBMITTED,
        workplan_accepted=accepted,
        due_diligence_clear={item.key for item in definition.due_diligence} <= marks[DUE_DILIGENCE] and not ran_out,
        expired_documents=ran_out,
        signed_by=marks["signed"],
        agreement_drafted=states.get((DocumentKind.AGREEMENT, 1)) == ReviewState.DRAFT,
        agreement_open=states.get((DocumentKind.AGREEMENT, 1), ReviewState.DRAFT) != ReviewState.DRAFT,
        agreement_in_force=_both_signed(marks),
        prototype_report_accepted=states.get((DocumentKind.PROTOTYPE_REPORT, 1)) == ReviewState.ACCEPTED,
        final_report_accepted=states.get((DocumentKind.FINAL_REPORT, 1)) == ReviewState.ACCEPTED,
        account_entered=account is not None,
        account_verified=account is not None and account.verified_at is not None,
        account_holder_matches=account is not None and in_name_of(account.holder, award.organisation.legal_name),
        unspent=paid - returned - spent,
        closing_checked=marks["closing"],
        closing_required=frozenset(item.key for item in definition.closing),
        lessons=len(marks["lesson"]),
        reports_accepted=frozenset(
            f"{kind}:{number}" for (kind, number), state in states.items() if state == ReviewState.ACCEPTED
        ),
        milestones_accepted=marks["milestone"],
        boot_camps_attended=marks["camp"],
        notice_on=award.notice_on,
        # One that comes back is done when none of it is open.
        obligations_done=marks[f"duty:{ObligationState.DISCHARGED}"] - marks[f"duty:{ObligationState.OPEN}"],
        today=local_day(now or clock.now(), zone),
    )
