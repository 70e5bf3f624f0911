"""Payments of an award: its tranches with their conditions, the account, and the ledger, in a fixed number of statements."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from lab.models import Award, BankAccount, Condition, LedgerEntry, PaymentDecision, Person, Tranche
from lab.queries.awards import facts_with, newest_account
from lab.rules.bank_account import AccountFacts
from lab.rules.conditions import ConditionFacts
from lab.rules.disbursement import GONE, TrancheFacts, TrancheState
from lab.rules.errors import NotFound
from lab.rules.facts import AwardFacts, Scope

# Between authorisation and arrival.
UNDER_WAY = frozenset({TrancheState.AUTHORISED, TrancheState.SENT})


def tranches_of(session: Session, award_id: int) -> list[Tranche]:
    """The award's tranches with their conditions, in order, in one statement; those that are gone are history."""
    query = select(Tranche).where(Tranche.award_id == award_id, Tranche.state.not_in(GONE))
    query = query.options(joinedload(Tranche.conditions))
    return list(session.scalars(query.order_by(Tranche.number)).unique())


def get_tranche(tranches: list[Tranche], number: int) -> Tranche:
    """Payment ``number`` among the award's. Raises NotFound."""
    found = next((tranche for tranche in tranches if tranche.number == number), None)
    if found is None:
        raise NotFound("payment")
    return found


def tranche_facts(
    award: Award, tranche: Tranche, others: list[Tranche], account: BankAccount | None = None
) -> TrancheFacts:
    """What the payment rules read of a tranche. ``others`` are all tranches of the award, ``account`` its newest one."""
    return TrancheFacts(
        state=TrancheState(tranche.state),
        amount=tranche.amount,
        award_amount=award.amount,
        other_tranches=sum((t.amount for t in others if t.id != tranche.id), start=tranche.amount * 0),
        proposed_by=tranche.proposed_by,
        conditions=tuple(condition_facts(condition) for condition in tranche.conditions),
        account_changed=account is not None and tranche.account_id not in (None, account.id),
    )


def condition_facts(condition: Condition) -> ConditionFacts:
    """What the payment rules read of a condition."""
    return ConditionFacts(condition.kind, condition.params, condition.attested_at is not None, condition.label)


def account_facts(account: BankAccount | None) -> AccountFacts | None:
    """What the verification of an account depends on."""
    if account is None:
        return None
    return AccountFacts(account.holder, account.entered_by, account.verified_at is not None)


def account_verified_once(session: Session, organisation_id: int) -> bool:
    """Whether finance ever verified an account of the organisation, the present one or an earlier."""
    query = select(BankAccount.id).where(
        BankAccount.organisation_id == organisation_id, BankAccount.verified_at.is_not(None)
    )
    return session.scalar(query.limit(1)) is not None


def awards_sharing_account(session: Session, code: str) -> list[Award]:
    """Every award of the organisation that the award of ``code`` belongs to, locked: one account serves them all.

    Locked in order of their ids, so that two people at two awards of an organisation never wait for each other.
    """
    organisation = select(Award.organisation_id).where(Award.code == code).scalar_subquery()
    query = (
        select(Award)
        .where(Award.organisation_id == organisation)
        .options(joinedload(Award.call), joinedload(Award.organisation), joinedload(Award.officer))
        .order_by(Award.id)
        .with_for_update(of=Award)
    )
    return list(session.scalars(query.execution_options(populate_existing=True)))


def payments_under_way(session: Session, organisation_id: int) -> list[tuple[str, int, TrancheState]]:
    """(project, number, state) of the organisation's payments between their authorisation and their arrival, in one statement."""
    rows = session.execute(
        select(Award.project, Tranche.number, Tranche.state)
        .join(Tranche, Tranche.award_id == Award.id)
        .where(
            Award.organisation_id == organisation_id,
            Tranche.state.in_(UNDER_WAY),
        )
        .order_by(Award.id, Tranche.number)
    )
    return [(project, number, TrancheState(state)) for project, number, state in rows]


def entries_of(session: Session, award_id: int) -> list[LedgerEntry]:
    """The money that moved on the award, in the order in which it was recorded, in one statement."""
    return list(session.scalars(select(LedgerEntry).where(LedgerEntry.award_id == award_id).order_by(LedgerEntry.seq)))


def decisions_of(session: Session, award_id: int) -> list[PaymentDecision]:
    """What was decided about the award's payments, oldest first, in one statement."""
    return list(
        session.scalars(
            select(PaymentDecision).where(PaymentDecision.award_id == award_id).order_by(PaymentDecision.id)
        )
    )


def get_letter(session: Session, award_id: int, decision_id: int) -> PaymentDecision:
    """A decision about a payment of the award, with its letter. Raises NotFound, also when there is no letter of it."""
    found = session.scalars(
        select(PaymentDecision).where(PaymentDecision.id == decision_id, PaymentDecision.award_id == award_id)
    ).one_or_none()
    if found is None or found.letter is None:
        raise NotFound("letter")
    return found


def last_number(session: Session, award_id: int) -> int:
    """The last number that a payment of the award ever had."""
    return session.scalar(select(func.max(Tranche.number)).where(Tranche.award_id == award_id)) or 0


def payment_elsewhere(session: Session, award_id: int, reference: str) -> tuple[str, Scope] | None:
    """The project and the scope of another award that a payment with this bank reference was made on; None without one."""
    row = session.execute(
        select(Award.project, Award.call_id, Award.id)
        .join(LedgerEntry, LedgerEntry.award_id == Award.id)
        .where(LedgerEntry.kind == "payment", LedgerEntry.reference == reference, Award.id != award_id)
        .limit(1)
    ).one_or_none()
    return (row.project, Scope(call_id=row.call_id, award_id=row.id)) if row is not None else None


@dataclass(frozen=True)
class Totals:
    """The award's money, in its currency: from the ledger, and from the reports accepted."""

    awarded: Decimal
    paid: Decimal
    returned: Decimal
    spent: Decimal
    unspent: Decimal


@dataclass(frozen=True)
class Payments:
    """All that the page of payments reads of an award; ``names`` are of everybody who had a hand in them, ``gone`` the
    payments that were cancelled or came back from the bank, ``decisions`` on payments oldest first."""

    facts: AwardFacts
    account: BankAccount | None
    tranches: list[Tranche]
    gone: list[Tranche]
    decisions: list[PaymentDecision]
    entries: list[LedgerEntry]
    under_way: list[tuple[str, int, TrancheState]]
    names: dict[int, str]
    totals: Totals
    verified_once: bool

    def tranche(self, number: int) -> Tranche:
        """Payment ``number``. Raises NotFound."""
        return get_tranche(self.tranches, number)

    def payment_of(self, tranche: Tranche) -> LedgerEntry | None:
        """The entry by which the tranche was paid."""
        return next((entry for entry in self.entries if entry.tranche_id == tranche.id), None)


def payments_of(session: Session, award: Award) -> Payments:
    """Everything about the award's payments, in nine statements at most."""
    account = newest_account(session, award.organisation_id)
    facts = facts_with(session, award, account)
    # Of every award of the organisation: a payment of another one may keep the account that they share from changing.
    rows = session.execute(
        select(Tranche, Award.project)
        .join(Award, Award.id == Tranche.award_id)
        .where(Award.organisation_id == award.organisation_id)
        .options(joinedload(Tranche.conditions))
        .order_by(Award.id, Tranche.number)
    ).unique()
    found = [(tranche, project) for tranche, project in rows]
    own = [tranche for tranche, _ in found if tranche.award_id == award.id]
    entries = entries_of(session, award.id)
    decisions = decisions_of(session, award.id)
    return Payments(
        facts=facts,
        account=account,
        tranches=[tranche for tranche in own if tranche.state not in GONE],
        gone=[tranche for tranche in own if tranche.state in GONE],
        decisions=decisions,
        entries=entries,
        under_way=[
            (project, tranche.number, TrancheState(tranche.state))
            for tranche, project in found
            if tranche.state in UNDER_WAY
        ],
        names=_names(session, account, own, entries, decisions),
        totals=_totals(award, facts, entries),
        verified_once=account is not None
        and (account.verified_at is not None or account_verified_once(session, award.organisation_id)),
    )


def _totals(award: Award, facts: AwardFacts, entries: list[LedgerEntry]) -> Totals:
    paid, returned = (
        sum((entry.amount for entry in entries if entry.kind == kind), start=Decimal(0))
        for kind in ("payment", "return")
    )
    # What is unspent was counted with the facts, from the same rows: what reports spent is the rest.
    return Totals(award.amount, paid, returned, paid - returned - facts.unspent, facts.unspent)


def _names(
    session: Session,
    account: BankAccount | None,
    tranches: list[Tranche],
    entries: list[LedgerEntry],
    decisions: list[PaymentDecision],
) -> dict[int, str]:
    people: set[int | None] = {entry.by for entry in entries}
    people |= {decision.by for decision in decisions}
    for tranche in tranches:
        people |= {tranche.proposed_by, tranche.authorised_by, tranche.received_by}
        people |= {condition.attested_by for condition in tranche.conditions}
    if account is not None:
        people |= {account.entered_by, account.verified_by}
    rows = session.execute(select(Person.id, Person.name).where(Person.id.in_(people - {None})))
    return {person_id: name for person_id, name in rows}
