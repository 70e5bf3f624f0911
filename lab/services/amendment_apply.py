"""An approved amendment applied, all of it in the caller's transaction: the plan, its lines and milestones, the ends of
stages, what is owed, payments, the account, the lead. What it replaces is kept (domain: 2)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from lab.models import (
    AppliedAmendment,
    Award,
    BudgetLine,
    Condition,
    Milestone,
    TeamMember,
    Tranche,
    Version,
)
from lab.queries.awards import definition_of
from lab.queries.disbursement import tranches_of
from lab.rules.amendment import Ground, Payment, Terms, terms_to_json
from lab.rules.amendment_payments import MILESTONE
from lab.rules.amendment_plan import frame_for
from lab.rules.amendment_preview import Preview, preview
from lab.rules.calendar import end_of_day
from lab.rules.disbursement import TrancheState
from lab.rules.facts import Actor, Role
from lab.rules.review import DocumentKind, ReviewState
from lab.rules.workplan import Reading, read_plan
from lab.services import documents
from lab.services.clause_duties import cites
from lab.services.disbursement import replace_account
from lab.services.steps import open_obligation, owe, record, session, supersede


@dataclass(frozen=True)
class Agreed:
    """An amendment that both sides agree to: the version asked for, by whom, and the terms on both sides of it."""

    version: Version
    kind: str
    before: Terms
    after: Terms
    ground: Ground


def apply(award: Award, agreed: Agreed, sharing: Collection[Award], actor: Actor, now: datetime) -> None:
    """Make the award's rows what ``agreed.after`` says, and keep both sides of it. ``actor`` is who approved.

    ``sharing`` are all awards of the organisation, locked, for an account that they share.
    """
    change = preview(agreed.before, agreed.after)
    after = agreed.after
    if change.plan:
        _keep_plan(award, agreed, actor, now)
        reading = read_plan(after.plan, frame_for(after, agreed.ground))
        _write_milestones(award, agreed, reading, now)
        _write_lines(award, agreed, reading, now)
    if change.ends:
        award.prototyping_until, award.pilot_until = after.course.prototyping_until, after.course.pilot_until
    _write_owed(award, change, now)
    _write_payments(award, agreed, change, actor, now)
    if change.lead:
        _write_lead(award, agreed, actor, now)
    award.revision += 1
    session().add(
        AppliedAmendment(
            award_id=award.id, version_id=agreed.version.id, kind=agreed.kind, before=terms_to_json(agreed.before),
            after=terms_to_json(after), at=now,
        )
    )  # fmt: skip
    session().flush()
    if change.account and after.account is not None:
        replace_account(award, sharing, after.account, agreed.version.submitted_by, actor, now)


def _keep_plan(award: Award, agreed: Agreed, actor: Actor, now: datetime) -> None:
    """The amended plan is the workplan's next version, accepted; the one before stays readable."""
    document = documents.get_document(award, DocumentKind.WORKPLAN)
    requester = Actor(person_id=agreed.version.submitted_by, name="")
    version = documents.add_version(document, agreed.after.plan, requester, agreed.version.submitted_at)
    version.decision, version.decided_by, version.decided_at = ReviewState.ACCEPTED, actor.person_id, now
    document.draft, document.draft_revision = dict(agreed.after.plan), document.draft_revision + 1


def _write_milestones(award: Award, agreed: Agreed, reading: Reading, now: datetime) -> None:
    rows = {row.number: row for row in _rows(Milestone, award)}
    typed = {item.id: item for item in reading.milestones}
    kept = {step.number for step in agreed.after.milestones}
    for number, row in rows.items():
        if row.dropped_at is None and number not in kept:
            row.dropped_at = now
    for step in agreed.after.milestones:
        if step.accepted:
            continue
        item, row = typed[step.item], rows.get(step.number)
        if row is None:
            row = Milestone(award_id=award.id, number=step.number)
            session().add(row)
        row.item, row.stage, row.title, row.proof, row.due_on = item.id, item.stage, item.title, item.proof, item.due_on
    session().flush()


def _write_lines(award: Award, agreed: Agreed, reading: Reading, now: datetime) -> None:
    rows = {row.number: row for row in _rows(BudgetLine, award)}
    typed = {line.id: line for line in reading.lines}
    of_milestone = {item.id: item.stage for item in reading.milestones}
    stages = {item.id: of_milestone.get(item.milestone, "") for item in reading.activities}
    kept = {line.number for line in agreed.after.lines}
    for number, row in rows.items():
        if row.dropped_at is None and number not in kept:
            row.dropped_at = now
    for line in agreed.after.lines:
        given, row = typed[line.item], rows.get(line.number)
        if row is None:
            row = BudgetLine(award_id=award.id, number=line.number)
            session().add(row)
        row.item, row.activity, row.stage = given.id, given.activity, stages.get(given.activity, "")
        row.category, row.description, row.own = given.category, given.description, given.own
        row.quantity, row.unit_cost, row.amount = given.quantity, given.unit_cost, given.amount
    session().flush()


def _rows(model: type[Any], award: Award) -> list[Any]:
    return list(session().scalars(select(model).where(model.award_id == award.id)))


def _write_owed(award: Award, change: Preview, now: datetime) -> None:
    zone = definition_of(award).time_zone
    for owed in change.owed:
        if owed.after is None:
            supersede(award, owed.due.key, now)
            continue
        due = owed.after
        if owed.before is not None and owed.before.on == due.on:
            _rename(award, due.key, dict(due.params))
            continue
        owe(
            award, due.kind, due.debtor, due.creditor, end_of_day(due.on, zone), now, key=due.key,
            **{**cites(award, due.kind), **due.params},
        )  # fmt: skip


def _rename(award: Award, key: str, params: dict[str, Any]) -> None:
    """What is owed by the same day under another title."""
    found = open_obligation(award, key)
    if found is not None:
        found.params = {**found.params, **params}


def _write_payments(award: Award, agreed: Agreed, change: Preview, actor: Actor, now: datetime) -> None:
    rows = {row.number: row for row in tranches_of(session(), award.id)}
    for payment in change.payments:
        said: dict[str, Any] = {"currency": award.currency}
        if payment.after is None:
            assert payment.before is not None
            row = rows[payment.before.number]
            row.state = TrancheState.CANCELLED
            record(award, "payment_cancelled", actor, now, number=row.number, amount=row.amount, **said)
        elif payment.before is None:
            _plan_payment(award, payment.after, agreed, rows)
            record(
                award, "payment_planned", actor, now, number=payment.after.number, amount=payment.after.amount, **said
            )
        else:
            row = rows[payment.after.number]
            if payment.before.amount == payment.after.amount and payment.before.conditions == payment.after.conditions:
                # Only taken back to planned: entering the other account does that.
                continue
            was, row.amount = row.amount, payment.after.amount
            _write_conditions(row, payment.after, agreed, [row])
            record(award, "payment_changed", actor, now, number=row.number, was=was, amount=row.amount, **said)
    session().flush()


def _plan_payment(award: Award, planned: Payment, agreed: Agreed, rows: dict[int, Tranche]) -> None:
    row = Tranche(
        award_id=award.id, number=planned.number, key="", amount=planned.amount, currency=award.currency,
        state=TrancheState.PLANNED, conditions=[],
    )  # fmt: skip
    _write_conditions(row, planned, agreed, list(rows.values()))
    session().add(row)


def _write_conditions(row: Tranche, planned: Payment, agreed: Agreed, known: list[Tranche]) -> None:
    """The conditions of ``planned``: those that ``row`` has stay as they are, attested or not; others are worded as on
    ``known`` payments, or name their milestone."""
    had = {(condition.kind, str(condition.params.get("key", ""))): condition for condition in row.conditions}
    worded = {
        (condition.kind, str(condition.params.get("key", ""))): condition
        for tranche in known
        for condition in tranche.conditions
    }
    titles = {str(step.number): step.title for step in agreed.after.milestones}
    for wanted in set(had) - set(planned.conditions):
        session().delete(had[wanted])
        row.conditions.remove(had[wanted])
    for kind, about in planned.conditions:
        if (kind, about) in had:
            continue
        like = worded.get((kind, about))
        params = (
            dict(like.params) if like else {"key": about, **({"title": titles[about]} if kind == MILESTONE else {})}
        )
        row.conditions.append(
            Condition(kind=kind, label=dict(like.label) if like else {}, params=params, evidence="")
        )  # fmt: skip


def _write_lead(award: Award, agreed: Agreed, actor: Actor, now: datetime) -> None:
    """The new lead leads, the former one stays on the team."""
    places = [place for place in _rows(TeamMember, award) if place.until is None]
    before, after = agreed.before.lead, agreed.after.lead
    for place in places:
        if place.person_id in (before[0], after[0]) and place.role in (Role.LEAD, Role.MEMBER):
            place.until = now
    session().flush()
    everybody = {(place.person_id, place.role): place for place in _rows(TeamMember, award)}
    for person_id, role in ((after[0], Role.LEAD), (before[0], Role.MEMBER)):
        if not person_id:
            continue
        former = everybody.get((person_id, role))
        if former is None:
            session().add(TeamMember(award_id=award.id, person_id=person_id, role=role, since=now))
        else:
            former.since, former.until = now, None
    record(award, "lead_changed", actor, now, name=after[1], before=before[1])
