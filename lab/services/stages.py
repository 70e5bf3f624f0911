"""Moving an award along its life: the transition, its event, and what each stage makes due. Shared steps; services commit."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select

from lab.models import Award, BootCamp, Check, Obligation, Suspension
from lab.queries.awards import course_of, definition_of, facts_of, newest_account
from lab.queries.disbursement import tranche_facts, tranches_of
from lab.rules import lifecycle
from lab.rules.agreement import DUE_DILIGENCE
from lab.rules.calendar import add_months, days_after, end_of_day, local_day
from lab.rules.calls import CallDefinition, text
from lab.rules.clauses import OUTLIVES
from lab.rules.disbursement import DUTIES, TO_RELEASE, TrancheState, duty_key, release_blockers
from lab.rules.facts import ACTIVE, ENDED, PATH, Actor, AwardFacts, Scope, Stage
from lab.rules.obligations import ObligationKind as Kind
from lab.rules.obligations import ObligationState, Party
from lab.rules.schedule import Due, pilot_dues, prototyping_dues
from lab.services.clause_duties import cites, plan_duties
from lab.services.steps import discharge, open_obligation, owe, record, session, waive_all

_EVENT_OF = {
    "reject_workplan": "workplan_rejected",
    "let_lapse": "award_lapsed",
    "suspend": "award_suspended",
    "resume": "award_resumed",
    "terminate": "award_terminated",
    "withdraw": "award_withdrawn",
    "close": "award_closed",
    "bring_into_force": "agreement_in_force",
}


def move(award: Award, transition: str, actor: Actor, reason: str, now: datetime) -> None:
    """Make one transition of the lifecycle table, with everything that the new stage causes.

    Raises NotAllowed or Refused (see ``rules.lifecycle.next_stage``). The only place that sets ``Award.stage``.
    """
    session().flush()
    roles = actor.roles_on(Scope(call_id=award.call_id, award_id=award.id))
    before = Stage(award.stage)
    stage = lifecycle.next_stage(transition, facts_of(session(), award, now), roles, reason, now)
    # Off the path it remembers where it left it, so that a suspension can end there and a page can show it.
    award.suspended_from = None if stage in PATH else before if before in PATH else award.suspended_from
    award.stage, award.stage_since, award.revision = stage, now, award.revision + 1
    if transition in _EVENT_OF:
        record(award, _EVENT_OF[transition], actor, now, reason=reason.strip())
    if transition not in ("suspend", "resume"):
        record(award, "stage_entered", actor, now, stage=lifecycle.STAGE_NAMES[stage])
    _note_suspension(award, transition, before, reason, now)
    if stage in ENDED:
        award.ended_at = now
        # Accounts are audited long after an award, however it ended.
        waive_all(award, now, but=(OUTLIVES,))
    elif transition != "resume":
        _enter(award, stage, now)
    settle(award, now)


def _note_suspension(award: Award, transition: str, before: Stage, reason: str, now: datetime) -> None:
    if transition == "suspend":
        session().add(Suspension(award_id=award.id, began_at=now, reason=reason.strip()))
    elif before is Stage.SUSPENDED:
        running = (
            session()
            .scalars(select(Suspension).where(Suspension.award_id == award.id, Suspension.ended_at.is_(None)))
            .one()
        )
        running.ended_at = now
    session().flush()


def _enter(award: Award, stage: Stage, now: datetime) -> None:
    definition = definition_of(award)
    today = local_day(now, definition.time_zone)
    soon = days_after(today, definition.stages.review_days, definition.time_zone)
    match stage:
        case Stage.AGREEMENT:
            owe(award, Kind.CLEAR_DUE_DILIGENCE, Party.OFFICER, Party.TEAM, soon, now)
            owe(award, Kind.OPEN_AGREEMENT, Party.OFFICER, Party.TEAM, soon, now)
        case Stage.PROTOTYPING:
            award.prototyping_on = today
            _plan_prototyping(award, definition, now)
            plan_duties(award, now)
        case Stage.PILOT:
            award.pilot_on = today
            _owe_all(award, pilot_dues(course_of(award), definition), definition.time_zone, now)
            plan_duties(award, now)


def _plan_prototyping(award: Award, definition: CallDefinition, now: datetime) -> None:
    course = course_of(award)
    began, zone = course.prototyping_on, definition.time_zone
    for camp in definition.boot_camps:
        day = add_months(began, camp.month)
        session().add(BootCamp(award_id=award.id, key=camp.key, planned_on=day))
        title = text(camp.title, award.language)
        owe(
            award,
            Kind.HOLD_BOOT_CAMP,
            Party.OFFICER,
            Party.TEAM,
            end_of_day(day, zone),
            now,
            key=f"boot_camp:{camp.key}",
            title=title,
        )
    _owe_all(award, prototyping_dues(course, definition), zone, now)


def pilot_end(award: Award, definition: CallDefinition) -> datetime:
    """The instant (UTC) at which the pilot's last day ends."""
    return end_of_day(course_of(award).pilot_ends(definition), definition.time_zone)


def _owe_all(award: Award, dues: Sequence[Due], zone: str, now: datetime) -> None:
    for due in dues:
        owe(
            award, due.kind, due.debtor, due.creditor, end_of_day(due.on, zone), now, key=due.key,
            **due.params, **cites(award, due.kind),
        )  # fmt: skip


def settle(award: Award, now: datetime) -> None:
    """Open and discharge the obligations that follow from the award's facts. Every service that changes facts ends with it."""
    session().flush()
    if Stage(award.stage) not in ACTIVE:
        return
    facts = facts_of(session(), award, now)
    definition = definition_of(award)
    today = local_day(now, definition.time_zone)
    _settle_gate(award, facts, now)
    _settle_diligence(award, facts, now)
    _settle_account(award, facts, days_after(today, definition.stages.review_days, definition.time_zone), now)
    _settle_payments(award, facts, days_after(today, definition.stages.payment_days, definition.time_zone), now)


def _settle_gate(award: Award, facts: AwardFacts, now: datetime) -> None:
    if facts.stage is Stage.WORKPLAN and not facts.workplan_submitted and facts.workplan_deadline is not None:
        owe(award, Kind.SUBMIT_WORKPLAN, Party.TEAM, Party.OFFICER, facts.workplan_deadline, now)
    else:
        discharge(award, Kind.SUBMIT_WORKPLAN, now)
    overdue = facts.workplan_deadline is not None and facts.workplan_deadline <= now
    if facts.stage is not Stage.WORKPLAN or facts.workplan_submitted or not overdue:
        # The question whether to extend has answered itself, as when a suspension gave the team its time back.
        discharge(award, Kind.DECIDE_EXPIRY, now)


def _settle_diligence(award: Award, facts: AwardFacts, now: datetime) -> None:
    if facts.due_diligence_clear:
        discharge(award, Kind.CLEAR_DUE_DILIGENCE, now)
    renewals = select(Obligation.key).where(
        Obligation.award_id == award.id,
        Obligation.kind == Kind.RENEW_DOCUMENT,
        Obligation.state == ObligationState.OPEN,
    )
    keys = session().scalars(renewals).all()
    if not keys:
        return
    standing = select(Check.id).where(
        Check.award_id == award.id, Check.checklist == DUE_DILIGENCE, Check.closed_at.is_(None)
    )
    still = set() if facts.agreement_in_force else {f"expired:{check_id}" for check_id in session().scalars(standing)}
    for key in keys:
        if key not in still:
            discharge(award, key, now)


def _settle_account(award: Award, facts: AwardFacts, due: datetime, now: datetime) -> None:
    if facts.stage is Stage.WORKPLAN:
        # The gate comes first (guide §6): an account may be entered, and is not asked for before there is a plan.
        return
    account = newest_account(session(), award.organisation_id)
    if account is None or not facts.account_holder_matches:
        # An account in another name cannot be verified: it is the team's turn, not finance's.
        _owe_once(award, Kind.ENTER_ACCOUNT, Party.TEAM, Party.FINANCE, due, now)
        discharge(award, Kind.VERIFY_ACCOUNT, now)
        return
    discharge(award, Kind.ENTER_ACCOUNT, now)
    if account.verified_at is None:
        _owe_once(award, Kind.VERIFY_ACCOUNT, Party.FINANCE, Party.TEAM, due, now)
    else:
        discharge(award, Kind.VERIFY_ACCOUNT, now)


def _settle_payments(award: Award, facts: AwardFacts, due: datetime, now: datetime) -> None:
    tranches = tranches_of(session(), award.id)
    for tranche in tranches:
        state = TrancheState(tranche.state)
        wanted = DUTIES.get(state)
        blocked = state in TO_RELEASE and release_blockers(tranche_facts(award, tranche, tranches), facts)
        for kind, debtor, creditor in DUTIES.values():
            key = duty_key(tranche.number, kind)
            if wanted is not None and kind is wanted[0] and not blocked:
                _owe_once(award, kind, debtor, creditor, due, now, key=key, number=tranche.number)
            else:
                discharge(award, key, now)


def _owe_once(
    award: Award,
    kind: Kind,
    debtor: Party,
    creditor: Party,
    due: datetime,
    now: datetime,
    *,
    key: str = "",
    **params: object,
) -> None:
    """Like ``owe``, but an open one keeps its date: what is settled again is not due anew."""
    if open_obligation(award, key or kind) is None:
        owe(award, kind, debtor, creditor, due, now, key=key, **params)
