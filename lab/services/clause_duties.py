"""What the signed clauses oblige to, as obligations: opened when the agreement comes into force, dated anew when the pilot
begins, done with a note. Reports are owed by their own calendar, and cite the clause."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from lab.models import Award, Document, Obligation, Version
from lab.queries.awards import course_of, definition_of
from lab.rules.calendar import end_of_day
from lab.rules.clauses import CITED_BY, OUTLIVES, OWED_AS, Duty, days_of, duties_of, duty_dues, read_done
from lab.rules.errors import NotAllowed, NotFound, Refused
from lab.rules.facts import Actor, Role, Stage
from lab.rules.lifecycle import STAGE_NAMES
from lab.rules.obligations import ObligationKind, ObligationState
from lab.rules.permissions import Action
from lab.rules.review import DocumentKind, ReviewState
from lab.rules.text import N_, M
from lab.services.steps import award_for, owe, record, session


def signed_duties(award: Award) -> tuple[Duty, ...]:
    """What the agreement in force obliges to, as it was signed; nothing before it is in force."""
    content = session().scalar(
        select(Version.content)
        .join(Document)
        .where(
            Document.award_id == award.id,
            Document.kind == DocumentKind.AGREEMENT,
            Document.state == ReviewState.ACCEPTED,
        )
        .order_by(Version.number.desc())
        .limit(1)
    )
    return duties_of(content["clauses"]) if content else ()


def cites(award: Award, kind: ObligationKind) -> dict[str, str]:
    """How an obligation to hand in a report of this kind names the clause that asks for it; empty when none does."""
    return next((duty.cites for duty in signed_duties(award) if CITED_BY.get(duty.kind) is kind), {})


def plan_duties(award: Award, now: datetime) -> None:
    """Open what the signed clauses oblige to beside reports; what is open already gets its new date, what was done or waived
    stays so."""
    duties = signed_duties(award)
    if not duties:
        return
    definition = definition_of(award)
    closed = _closed_keys(award)
    for due in duty_dues(duties, days_of(definition, course_of(award))):
        if due.key not in closed:
            due_at = end_of_day(due.on, definition.time_zone)
            owe(award, due.kind, due.debtor, due.creditor, due_at, now, key=due.key, **due.params)


def _closed_keys(award: Award) -> frozenset[str]:
    closed = (ObligationState.DISCHARGED, ObligationState.WAIVED)
    query = select(Obligation.key).where(Obligation.award_id == award.id, Obligation.state.in_(closed))
    return frozenset(session().scalars(query.where(Obligation.kind.in_(OWED_AS.values()))))


def keep_duty(actor: Actor, now: datetime, award_code: str, obligation_id: int, note: str) -> None:
    """What a clause obliges to is done; ``note`` says what shows it, and is kept with it.

    The team or the officer say so; from keeping the records only the officer releases before their day. Raises Invalid
    for ``note``, Refused when it is done already or the award is suspended, NotAllowed, NotFound.
    """
    award = award_for(actor, Action.KEEP_CLAUSE, award_code)
    owed = (
        session()
        .scalars(
            select(Obligation).where(
                Obligation.award_id == award.id,
                Obligation.id == obligation_id,
                Obligation.kind.in_(OWED_AS.values()),
                Obligation.state != ObligationState.SUPERSEDED,
            )
        )
        .one_or_none()
    )
    if owed is None:
        raise NotFound("obligation")
    if owed.kind == OUTLIVES and Role.OFFICER not in actor.programme:
        raise NotAllowed(Action.KEEP_CLAUSE)
    if owed.state != ObligationState.OPEN:
        raise Refused(M(N_("This is no longer owed: it was done or waived already.")))
    if Stage(award.stage) is Stage.SUSPENDED:
        stage = STAGE_NAMES[Stage.SUSPENDED]
        raise Refused(M(N_("This is not possible in the stage the award is in: %(stage)s."), stage=stage))
    owed.params = {**owed.params, "note": read_done(note), "by": actor.name}
    owed.state, owed.closed_at = ObligationState.DISCHARGED, now
    record(award, "clause_kept", actor, now, title=owed.params["title"])
    session().commit()


def release_records(now: datetime) -> int:
    """Records that were kept until their day need not be kept longer. For the scheduler; returns how many."""
    query = select(Obligation).where(
        Obligation.kind == OUTLIVES, Obligation.state == ObligationState.OPEN, Obligation.due_at <= now
    )
    found = session().scalars(query).all()
    for owed in found:
        owed.state, owed.closed_at = ObligationState.DISCHARGED, now
    session().commit()
    return len(found)
