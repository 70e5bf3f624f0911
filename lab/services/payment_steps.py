"""Steps that the services of payments share. They flush at most; only a service commits."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime

from lab.models import Award, LedgerEntry, Tranche
from lab.queries.awards import facts_of, newest_account
from lab.queries.disbursement import entries_of, get_tranche, tranche_facts, tranches_of
from lab.rules.calendar import local_day
from lab.rules.disbursement import DUTIES, TrancheState, duty_key, next_state
from lab.rules.errors import Invalid
from lab.rules.facts import Actor, Scope
from lab.rules.ledger import Books, Transfer
from lab.rules.money import Money
from lab.rules.obligations import Party
from lab.rules.permissions import Action
from lab.rules.records import MAX_BODY
from lab.rules.text import N_, M, Message
from lab.services.letters import tell
from lab.services.steps import award_for, discharge, enter, record, session, time_zone_of


def mail(award: Award, parties: Collection[Party], news: Message, now: datetime, reason: str = "") -> None:
    """Tell these parties what happened to a payment; the link leads to the page of payments."""
    for party in parties:
        tell(award, party, news, f"/awards/{award.code}/payments", now, reason)


def needed(value: str, field: str, message: Message) -> str:
    """Words that may not be missing, as kept. Raises Invalid."""
    kept = value.strip()
    if not kept:
        raise Invalid({field: message})
    if len(kept) > MAX_BODY:
        raise Invalid({field: M(N_("This is too long: keep it within %(limit)s characters."), limit=MAX_BODY)})
    return kept


def open_payment(
    actor: Actor, now: datetime, action: Action, step: str, award_code: str, number: int
) -> tuple[Award, Tranche, TrancheState]:
    """The award, locked, its payment ``number``, and the state that ``step`` leads to. Raises whatever forbids the step."""
    award = award_for(actor, action, award_code)
    tranches = tranches_of(session(), award.id)
    tranche = get_tranche(tranches, number)
    account = newest_account(session(), award.organisation_id)
    roles = actor.roles_on(Scope(call_id=award.call_id, award_id=award.id))
    facts = tranche_facts(award, tranche, tranches, account)
    return award, tranche, next_state(step, facts, facts_of(session(), award, now), roles, actor.person_id)


def move_payment(award: Award, tranche: Tranche, to: TrancheState, now: datetime) -> None:
    """Set the payment's state: what the former one made due is done, whatever the award's stage."""
    discharge(award, duty_key(tranche.number, DUTIES[TrancheState(tranche.state)][0]), now)
    tranche.state = to


def unproposed(tranche: Tranche) -> None:
    """Forget who proposed and authorised it, and for which account: whoever releases it begins anew. The events keep it."""
    tranche.account_id = tranche.proposed_by = tranche.proposed_at = None
    tranche.authorised_by = tranche.authorised_at = None


def back_to_planned(award: Award, tranche: Tranche, actor: Actor, reason: str, now: datetime) -> None:
    """The payment is planned again, and the timeline says why."""
    move_payment(award, tranche, TrancheState.PLANNED, now)
    unproposed(tranche)
    record(award, "payment_sent_back", actor, now, number=tranche.number, reason=reason)


def note(award: Award, tranche: Tranche, kind: str, actor: Actor, now: datetime, **details: object) -> None:
    """Record what happened to a payment, with its number and amount."""
    record(award, kind, actor, now, number=tranche.number, amount=tranche.amount, currency=tranche.currency, **details)


def named(tranche: Tranche) -> dict[str, object]:
    """What a sentence about a payment names it by."""
    return {"number": tranche.number, "amount": Money(tranche.amount, tranche.currency)}


def books_of(award: Award, kind: str, not_before: date, now: datetime) -> Books:
    """What an entry of ``kind`` is held against; ``not_before`` is the first day that it may bear."""
    used = {entry.reference for entry in entries_of(session(), award.id) if entry.kind == kind}
    return Books(award.currency, award.local_currency, used, not_before, local_day(now, time_zone_of(award)))


def enter_transfer(
    award: Award, kind: str, transfer: Transfer, actor: Actor, now: datetime, tranche: Tranche | None = None
) -> None:
    """Append the bank's transfer to the ledger."""
    assert actor.person_id is not None
    entry = LedgerEntry(
        tranche_id=tranche.id if tranche else None, kind=kind, currency=award.currency, amount=transfer.amount,
        local_amount=transfer.local_amount, local_currency=award.local_currency, rate=transfer.rate,
        reference=transfer.reference, value_on=transfer.value_on, by=actor.person_id, at=now,
    )  # fmt: skip
    enter(entry, award)
