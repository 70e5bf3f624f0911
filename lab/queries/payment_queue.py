"""Payments of all awards that wait for somebody: to be proposed, authorised, sent, confirmed or decided, and money to come back."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import String, cast, func, select
from sqlalchemy.orm import Session, contains_eager

from lab.models import Award, Obligation, Organisation, Person, Tranche
from lab.rules.facts import Stage
from lab.rules.obligations import ObligationKind, ObligationState

# In the order of the path, and of the page.
KINDS = (
    ObligationKind.PROPOSE_PAYMENT,
    ObligationKind.AUTHORISE_PAYMENT,
    ObligationKind.RECORD_PAYMENT,
    ObligationKind.CONFIRM_RECEIPT,
    ObligationKind.DECIDE_WITHHELD,
    ObligationKind.RETURN_UNSPENT,
)
# How many of each list, and of one that is looked at alone.
SHOWN, ALONE = 10, 50


@dataclass(frozen=True)
class Waiting:
    """Something about money that is owed: the award and its organisation are loaded; ``tranche`` is None for a return.

    ``proposer`` is who proposed the payment, empty before.
    """

    obligation: Obligation
    tranche: Tranche | None
    organisation: str
    proposer: str


@dataclass(frozen=True)
class Queue:
    """By kind of what is owed: the first few, the most pressing first, and how many there are in all."""

    first: dict[ObligationKind, list[Waiting]]
    totals: dict[ObligationKind, int]


def read_queue(session: Session, only: ObligationKind | None = None) -> Queue:
    """What about money somebody owes on awards that are not suspended, or of one kind alone, in one statement."""
    kinds = KINDS if only is None else (only,)
    ranked = (
        select(
            Obligation.id,
            func.row_number()
            .over(partition_by=Obligation.kind, order_by=(Obligation.due_at, Obligation.id))
            .label("place"),
            func.count().over(partition_by=Obligation.kind).label("total"),
        )
        .join(Award, Award.id == Obligation.award_id)
        .where(
            Obligation.state == ObligationState.OPEN, Obligation.kind.in_(kinds), Award.stage != Stage.SUSPENDED
        )
        .subquery()
    )  # fmt: skip
    # The keys of what payments make due name the payment: rules.disbursement.duty_key.
    key = "payment:" + cast(Tranche.number, String) + ":" + Obligation.kind
    rows = session.execute(
        select(Obligation, Tranche, Organisation.legal_name, Person.name, ranked.c.total)
        .join(ranked, ranked.c.id == Obligation.id)
        .join(Obligation.award)
        .join(Award.organisation)
        .outerjoin(Tranche, (Tranche.award_id == Obligation.award_id) & (Obligation.key == key))
        .outerjoin(Person, Person.id == Tranche.proposed_by)
        .where(ranked.c.place <= (SHOWN if only is None else ALONE))
        .options(contains_eager(Obligation.award))
        .order_by(ranked.c.place)
    ).all()
    first: dict[ObligationKind, list[Waiting]] = {kind: [] for kind in KINDS}
    totals = dict.fromkeys(KINDS, 0)
    for obligation, tranche, organisation, proposer, total in rows:
        kind = ObligationKind(obligation.kind)
        first[kind].append(Waiting(obligation, tranche, organisation, proposer or ""))
        totals[kind] = total
    return Queue(first, totals)
