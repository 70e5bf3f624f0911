"""Payments (guide §5): the account, conditions attested, a payment from its proposal to its arrival, and money returned."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import date, datetime

from sqlalchemy import text as sql

from lab.models import Award, BankAccount
from lab.queries.awards import facts_of, money_of, newest_account, open_obligations
from lab.queries.disbursement import (
    account_facts,
    account_verified_once,
    awards_sharing_account,
    entries_of,
    get_tranche,
    payment_elsewhere,
    payments_under_way,
    tranches_of,
)
from lab.rules.bank_account import (
    account_problems,
    change_blockers,
    clean_account,
    entry_blockers,
    in_name_of,
    verify_blockers,
)
from lab.rules.calendar import local_day
from lab.rules.calls import text
from lab.rules.disbursement import TrancheState
from lab.rules.errors import Invalid, NotFound, Refused
from lab.rules.facts import Actor
from lab.rules.ledger import clean_reference, plain, read_return, read_sent
from lab.rules.money import Money, rounded
from lab.rules.obligations import ObligationKind, Party
from lab.rules.permissions import Action, can
from lab.rules.text import N_, M
from lab.services.payment_steps import (
    back_to_planned,
    books_of,
    enter_transfer,
    mail,
    move_payment,
    named,
    needed,
    note,
    open_payment,
)
from lab.services.stages import settle
from lab.services.steps import award_for, discharge, not_ended, record, session, time_zone_of

# The turn of whoever records a payment, on PostgreSQL; other numbers: lab.services.steps, lab.jobs.
REFERENCES = 20210506
_CHANGED = N_("The bank account was changed: it is verified anew before the payment is proposed again.")


def enter_account(
    actor: Actor, now: datetime, award_code: str, holder: str, bank: str, number: str, swift: str
) -> bool:
    """Enter the organisation's account, or another in its place: a new row, to be verified anew (guide §5).

    Says whether it is in the organisation's name: otherwise it is kept, but nothing is paid into it. A payment proposed for
    the account before goes back to planned. Raises Invalid by field, and Refused while a payment is authorised or on its way,
    on any award of the organisation.
    """
    sharing = awards_sharing_account(session(), award_code)
    award = award_for(actor, Action.ENTER_ACCOUNT, award_code)
    not_ended(award)
    assert actor.person_id is not None
    found = change_blockers(payments_under_way(session(), award.organisation_id))
    if found:
        raise Refused(*found)
    typed = {"holder": holder, "bank": bank, "number": number, "swift": swift}
    problems = account_problems(typed)
    if problems:
        raise Invalid(problems)
    kept = clean_account(typed)
    before = newest_account(session(), award.organisation_id)
    if before is not None and all(getattr(before, field) == value for field, value in kept.items()):
        raise Invalid({"number": M(N_("This is the account on record already: change what is wrong in it."))})
    if found := entry_blockers(
        account_verified_once(session(), award.organisation_id), facts_of(session(), award, now).agreement_in_force
    ):
        raise Refused(*found)
    in_name = replace_account(award, sharing, kept, actor.person_id, actor, now)
    session().commit()
    return in_name


def replace_account(
    award: Award, sharing: Collection[Award], kept: Mapping[str, str], entered_by: int, actor: Actor, now: datetime
) -> bool:
    """Enter the account as ``kept``, on behalf of ``entered_by``, who then cannot verify it: a step that services share.

    ``sharing`` are all awards of the organisation, locked. Says whether it is in the organisation's name.
    """
    account = BankAccount(
        organisation_id=award.organisation_id, currency=award.local_currency, entered_by=entered_by, entered_at=now,
        holder=kept["holder"], bank=kept["bank"], number=kept["number"], swift=kept["swift"],
    )  # fmt: skip
    session().add(account)
    session().flush()
    record(award, "account_entered", actor, now, account=account.id)
    for other in sharing:
        discharge(other, ObligationKind.VERIFY_ACCOUNT, now)
        _void_proposals(other, actor, now)
        settle(other, now)
    in_name = in_name_of(account.holder, award.organisation.legal_name)
    if in_name:
        mail(award, [Party.FINANCE], M(N_("A bank account was entered and waits to be verified.")), now)
    return in_name


def _void_proposals(award: Award, actor: Actor, now: datetime) -> None:
    for tranche in tranches_of(session(), award.id):
        if tranche.state == TrancheState.PROPOSED:
            back_to_planned(award, tranche, actor, _CHANGED, now)
            news = M(N_("Payment %(number)s is planned again: the bank account was changed."), number=tranche.number)
            mail(award, [Party.OFFICER], news, now)


def verify_account(actor: Actor, now: datetime, award_code: str, account_id: int | None = None) -> None:
    """Finance has made sure that the account is the organisation's. ``account_id`` is the one that was looked at.

    Raises Refused when it is not in the organisation's name, the actor entered it, or another was entered meanwhile.
    """
    sharing = awards_sharing_account(session(), award_code)
    award = award_for(actor, Action.VERIFY_ACCOUNT, award_code)
    not_ended(award)
    account = newest_account(session(), award.organisation_id)
    found = verify_blockers(account_facts(account), award.organisation.legal_name, actor.person_id)
    if found:
        raise Refused(*found)
    assert account is not None
    if account_id is not None and account_id != account.id:
        raise Refused(M(N_("Another account was entered while you were reading: look at that one, then verify it.")))
    account.verified_by, account.verified_at = actor.person_id, now
    record(award, "account_verified", actor, now, account=account.id)
    for other in sharing:
        settle(other, now)
    mail(award, [Party.OFFICER], M(N_("Finance has verified the bank account.")), now)
    session().commit()


def attest(actor: Actor, now: datetime, award_code: str, number: int, condition_id: int, evidence: str) -> None:
    """An officer attests a condition that the system cannot know, with what shows it.

    Raises NotFound, Invalid without evidence, Refused when it is attested or the payment is sent already.
    """
    award = award_for(actor, Action.ATTEST_CONDITION, award_code)
    not_ended(award)
    tranche = get_tranche(tranches_of(session(), award.id), number)
    condition = next((c for c in tranche.conditions if c.id == condition_id and c.kind == "attested"), None)
    if condition is None:
        raise NotFound("condition")
    if condition.attested_at is not None:
        raise Refused(M(N_("This condition is attested already.")))
    if tranche.state in (TrancheState.SENT, TrancheState.RECEIVED):
        raise Refused(M(N_("This payment has been sent: nothing about it is attested any more.")))
    condition.evidence = needed(evidence, "evidence", M(N_("Say what shows that the condition is met.")))
    condition.attested_by, condition.attested_at = actor.person_id, now
    label = text(condition.label, award.language)
    record(award, "condition_attested", actor, now, number=number, condition=label)
    settle(award, now)
    session().commit()


def propose(actor: Actor, now: datetime, award_code: str, number: int) -> None:
    """The officer proposes a payment: the first of two people who release it. Raises Refused with everything unmet."""
    award, tranche, to = open_payment(actor, now, Action.PROPOSE_PAYMENT, "propose", award_code, number)
    account = newest_account(session(), award.organisation_id)
    move_payment(award, tranche, to, now)
    tranche.proposed_by, tranche.proposed_at = actor.person_id, now
    tranche.account_id = account.id if account else None
    note(award, tranche, "payment_proposed", actor, now)
    settle(award, now)
    news = M(N_("Payment %(number)s of %(amount)s is proposed and waits to be authorised."), **named(tranche))
    mail(award, [Party.FINANCE], news, now)
    session().commit()


def authorise(actor: Actor, now: datetime, award_code: str, number: int) -> None:
    """Finance authorises a proposed payment: the second person, never who proposed it. Raises Refused with every reason."""
    award, tranche, to = open_payment(actor, now, Action.AUTHORISE_PAYMENT, "authorise", award_code, number)
    move_payment(award, tranche, to, now)
    tranche.authorised_by, tranche.authorised_at = actor.person_id, now
    note(award, tranche, "payment_authorised", actor, now)
    settle(award, now)
    news = M(N_("Payment %(number)s of %(amount)s is authorised: the bank's transfer comes next."), **named(tranche))
    mail(award, [Party.TEAM, Party.FINANCE], news, now)
    session().commit()


def send_back(actor: Actor, now: datetime, award_code: str, number: int, reason: str) -> None:
    """Send a payment that the bank does not have yet back to planned. Raises Invalid without a reason, Refused too late."""
    award, tranche, _ = open_payment(actor, now, Action.SEND_BACK_PAYMENT, "send_back", award_code, number)
    reason = needed(reason, "reason", M(N_("Give the reason in a sentence: it is kept, and mailed to the officer.")))
    back_to_planned(award, tranche, actor, reason, now)
    settle(award, now)
    news = M(N_("Payment %(number)s was sent back and is planned again."), number=number)
    mail(award, [Party.OFFICER], news, now, reason)
    session().commit()


def record_sent(
    actor: Actor, now: datetime, award_code: str, number: int,
    reference: str, rate: str, local_amount: str, value_on: date | None,
) -> None:  # fmt: skip
    """Finance records the bank's transfer of an authorised payment, rate and local amount as typed; the ledger gets its entry.

    The value date is a day from the authorisation to today, in the call's time zone. Raises Refused when the payment is not
    to be released (now, or any more), Invalid by field.
    """
    award, tranche, to = open_payment(actor, now, Action.RECORD_PAYMENT, "record_sent", award_code, number)
    assert tranche.authorised_at is not None
    books = books_of(award, "payment", local_day(tranche.authorised_at, time_zone_of(award)), now)
    books = replace(books, elsewhere=_paid_elsewhere(actor, award, reference))
    transfer = read_sent(tranche.amount, reference, rate, local_amount, value_on, books)
    move_payment(award, tranche, to, now)
    enter_transfer(award, "payment", transfer, actor, now, tranche)
    local = Money(transfer.local_amount, award.local_currency)
    note(
        award, tranche, "payment_sent", actor, now,
        local=rounded(local.amount, local.currency), local_currency=local.currency, rate=f"{transfer.rate:f}",
    )  # fmt: skip
    settle(award, now)
    news = M(N_("Payment %(number)s is on its way: %(local)s. Confirm its receipt once it has arrived."), number=number, local=local)  # fmt: skip
    mail(award, [Party.TEAM], news, now)
    session().commit()


def _paid_elsewhere(actor: Actor, award: Award, reference: str) -> str | None:
    """The project of another award that was paid under this reference: empty when the actor may not see that award."""
    if session().get_bind().dialect.name == "postgresql":
        # Each award is locked on its own: two awards take turns, so that they cannot both be paid under one reference.
        session().execute(sql("select pg_advisory_xact_lock(:n)"), {"n": REFERENCES})
    found = payment_elsewhere(session(), award.id, clean_reference(reference))
    if found is None:
        return None
    project, scope = found
    return project if can(actor, Action.SEE_AWARD, scope) else ""


def confirm_receipt(actor: Actor, now: datetime, award_code: str, number: int) -> None:
    """The lead confirms that a payment has arrived. Raises Refused when it was not sent or is confirmed already."""
    award, tranche, to = open_payment(actor, now, Action.CONFIRM_RECEIPT, "confirm_receipt", award_code, number)
    move_payment(award, tranche, to, now)
    tranche.received_by, tranche.received_at = actor.person_id, now
    record(award, "payment_received", actor, now, number=number)
    settle(award, now)
    news = M(N_("The team has confirmed that payment %(number)s has arrived."), number=number)
    mail(award, [Party.FINANCE, Party.OFFICER], news, now)
    session().commit()


def record_return(
    actor: Actor, now: datetime, award_code: str, amount: str, reference: str, value_on: date | None,
    rate: str = "", local_amount: str = "",
) -> None:  # fmt: skip
    """Finance records money that came back: typed in the award's currency, with the rate and local amount that the bank states.

    At most what is unspent. Rate and local amount may be empty only in the award's own currency: 1, and the same amount.
    Possible in every stage, as money comes back also after an award has ended. Raises Invalid by field; Refused when nothing
    was paid.
    """
    award = award_for(actor, Action.RECORD_RETURN, award_code)
    payments = [entry for entry in entries_of(session(), award.id) if entry.kind == "payment"]
    if not payments:
        raise Refused(M(N_("Nothing has been paid on this award: there is nothing to come back.")))
    paid, returned, spent = money_of(session(), award)
    books = books_of(award, "return", min(entry.value_on for entry in payments), now)
    transfer = read_return(amount, reference, value_on, rate, local_amount, paid - returned - spent, books)
    enter_transfer(award, "return", transfer, actor, now)
    record(award, "money_returned", actor, now, amount=transfer.amount, currency=award.currency)
    _settle_return(award, now)
    settle(award, now)
    news = M(N_("The return of %(amount)s is recorded."), amount=Money(transfer.amount, award.currency))
    mail(award, [Party.TEAM, Party.OFFICER], news, now)
    session().commit()


def _settle_return(award: Award, now: datetime) -> None:
    """What is still unspent is what the team still owes, by the same day; nothing left, and it is done."""
    session().flush()
    unspent = facts_of(session(), award).unspent
    if unspent <= 0:
        discharge(award, ObligationKind.RETURN_UNSPENT, now)
        return
    for owed in open_obligations(session(), award.id):
        if owed.kind == ObligationKind.RETURN_UNSPENT:
            owed.params = {**owed.params, "amount": plain(unspent, award.currency)}
