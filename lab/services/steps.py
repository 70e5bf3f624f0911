"""Steps that services share. They flush at most; only a service commits."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import TypeVar

from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from lab.extensions import db
from lab.models import Award, Event, LedgerEntry, Obligation
from lab.queries.awards import definition_of, get_award
from lab.rules.errors import NotAllowed, NotFound, Refused
from lab.rules.events import EVENTS, GENESIS, chain_hash, event_fields, ledger_fields
from lab.rules.facts import Actor, Role, Scope, Stage
from lab.rules.lifecycle import STAGE_NAMES
from lab.rules.obligations import ObligationKind, ObligationState, Party
from lab.rules.permissions import Action, can
from lab.rules.text import N_, M

# Not the scheduler's number (lab.jobs): its leader holds that one as long as it lives.
PROGRAMME_STREAM = 20210505
Chained = TypeVar("Chained", Event, LedgerEntry)


def session() -> Session:
    """The request's (or job's) database session."""
    return db.session()


def award_for(actor: Actor, action: Action, code: str) -> Award:
    """The award, locked for this transaction. Raises NotFound if the actor may not know of it, NotAllowed otherwise."""
    award = get_award(session(), code, lock=True)
    allow(actor, action, award)
    return award


def allow(actor: Actor, action: Action, award: Award) -> None:
    """Raises NotFound or NotAllowed unless ``actor`` may do ``action`` on ``award``. The scheduler may do everything."""
    scope = Scope(call_id=award.call_id, award_id=award.id)
    if Role.SYSTEM in actor.programme or can(actor, action, scope):
        return
    if not can(actor, Action.SEE_AWARD, scope):
        raise NotFound("award")
    raise NotAllowed(action)


def not_ended(award: Award) -> None:
    """Raises Refused when the award's life is over: what it left behind stays as it is."""
    if award.ended_at is not None:
        stage = STAGE_NAMES[Stage(award.stage)]
        raise Refused(M(N_("This is not possible in the stage the award is in: %(stage)s."), stage=stage))


def time_zone_of(award: Award) -> str:
    """The time zone in which the call's deadlines end."""
    return definition_of(award).time_zone


def _chain(row: Chained, stream: str, fields: dict[str, object]) -> Chained:
    model = type(row)
    last = (
        session()
        .execute(select(model.seq, model.hash).where(model.stream == stream).order_by(model.seq.desc()).limit(1))
        .one_or_none()
    )
    row.stream, row.seq = stream, last.seq + 1 if last else 1
    row.previous_hash = last.hash if last else GENESIS
    row.hash = chain_hash(row.previous_hash, {"stream": stream, "seq": row.seq, **fields})
    session().add(row)
    session().flush()
    return row


def record(award: Award | None, kind: str, actor: Actor, now: datetime, **details: object) -> Event:
    """Append an event to the award's stream (None: the programme's). ``details`` fill the sentence of ``kind``."""
    assert kind in EVENTS, f"an event needs its sentence in rules.events: {kind}"
    if award is None and session().get_bind().dialect.name == "postgresql":
        # An award's stream is guarded by the award's row lock; the programme's has no row, so it takes a lock by name.
        session().execute(text("select pg_advisory_xact_lock(:n)"), {"n": PROGRAMME_STREAM})
    kept = {name: value if isinstance(value, int | str) else str(value) for name, value in details.items()}
    event = Event(award_id=award.id if award else None, kind=kind, actor_id=actor.person_id, at=now, details=kept)
    fields = event_fields(kind, actor.person_id, now, kept)
    return _chain(event, f"award:{award.id}" if award else "programme", fields)


def enter(entry: LedgerEntry, award: Award) -> LedgerEntry:
    """Append money that moved to the award's ledger."""
    entry.award_id = award.id
    return _chain(entry, f"award:{award.id}", ledger_fields(entry))


def owe(
    award: Award,
    kind: ObligationKind,
    debtor: Party,
    creditor: Party,
    due_at: datetime,
    now: datetime,
    *,
    key: str = "",
    **params: object,
) -> None:
    """Open an obligation (``key`` defaults to its kind). An open one of the same key and date stays; another date supersedes it."""
    key = key or kind
    open_one = open_obligation(award, key)
    if open_one is not None:
        if open_one.due_at == due_at:
            return
        open_one.state, open_one.closed_at = ObligationState.SUPERSEDED, now
        session().flush()
    kept = {name: value if isinstance(value, int | str) else str(value) for name, value in params.items()}
    session().add(
        Obligation(
            award_id=award.id,
            kind=kind,
            key=key,
            debtor=debtor,
            creditor=creditor,
            params=kept,
            due_at=due_at,
            opened_at=now,
            state=ObligationState.OPEN,
        )
    )
    session().flush()


def open_obligation(award: Award, key: str) -> Obligation | None:
    """What is owed under ``key`` on the award; None when nothing is."""
    return (
        session()
        .scalars(
            select(Obligation).where(
                Obligation.award_id == award.id, Obligation.key == key, Obligation.state == ObligationState.OPEN
            )
        )
        .one_or_none()
    )


def discharge(award: Award, key: str, now: datetime) -> None:
    """The obligation is done. Nothing happens when none of that key is open."""
    _end(award, key, ObligationState.DISCHARGED, now)


def supersede(award: Award, key: str, now: datetime) -> None:
    """The obligation is no longer owed: the agreement was amended. Nothing happens when none of that key is open."""
    _end(award, key, ObligationState.SUPERSEDED, now)


def _end(award: Award, key: str, state: ObligationState, now: datetime) -> None:
    found = open_obligation(award, key)
    if found is not None:
        found.state, found.closed_at = state, now
        session().flush()


def waive_all(award: Award, now: datetime, *kinds: ObligationKind, but: Collection[ObligationKind] = ()) -> None:
    """What is still open on the award, or of these kinds alone, is no longer owed; what is ``but`` these stays owed."""
    condition = [Obligation.kind.in_(kinds)] if kinds else []
    condition += [Obligation.kind.not_in(but)] if but else []
    session().execute(
        update(Obligation)
        .where(Obligation.award_id == award.id, Obligation.state == ObligationState.OPEN, *condition)
        .values(state=ObligationState.WAIVED, closed_at=now)
        .execution_options(synchronize_session="fetch")
    )
