"""What the ILO decides about a payment (guide §5), and a payment that the bank sends back: history is added to, never lost."""

from __future__ import annotations

from datetime import date, datetime

from lab.models import Award, Condition, PaymentDecision, Tranche
from lab.queries.disbursement import entries_of, last_number, tranche_facts, tranches_of
from lab.rules.decision_letter import Addressee, Decided, decision_letter, letter_to_json
from lab.rules.disbursement import TrancheState
from lab.rules.errors import Invalid
from lab.rules.facts import Actor
from lab.rules.ledger import Transfer, read_bounced
from lab.rules.money import Money
from lab.rules.obligations import Party
from lab.rules.payment_decisions import LETTERS, DecisionKind, read_adjusted
from lab.rules.permissions import Action
from lab.rules.text import N_, M
from lab.services.payment_steps import (
    books_of,
    enter_transfer,
    mail,
    move_payment,
    named,
    needed,
    note,
    open_payment,
    unproposed,
)
from lab.services.stages import settle
from lab.services.steps import record, session, time_zone_of

_EVENTS = {
    DecisionKind.WITHHOLD: "payment_withheld",
    DecisionKind.RESUME: "payment_resumed",
    DecisionKind.ADJUST: "payment_adjusted",
    DecisionKind.CANCEL: "payment_called_off",
}
_NEWS = {
    DecisionKind.WITHHOLD: N_(
        "Payment %(number)s of %(amount)s is withheld. The letter with the reason is on the page of payments."
    ),
    DecisionKind.RESUME: N_("Payment %(number)s of %(amount)s goes on: it is paid once its conditions are met."),
    DecisionKind.ADJUST: N_(
        "Payment %(number)s is now %(amount)s. The letter with the reason is on the page of payments."
    ),
    DecisionKind.CANCEL: N_(
        "Payment %(number)s of %(amount)s is cancelled. The letter with the reason is on the page of payments."
    ),
}


def decide(actor: Actor, now: datetime, award_code: str, number: int, kind: str, reason: str, amount: str = "") -> None:
    """An officer withholds, resumes, adjusts (to ``amount``, as typed) or cancels a payment that the bank does not have yet.

    What was proposed or authorised is so no longer. The team and finance are told; the lead's letter is kept word by word.
    Raises Invalid by field, Refused at another step.
    """
    try:
        what = DecisionKind(kind)
    except ValueError:
        raise Invalid({"kind": M(N_("Choose what you decide about the payment."))}) from None
    award, tranche, to = open_payment(actor, now, Action.DECIDE_PAYMENT, what, award_code, number)
    given = needed(reason, "reason", M(N_("Give the reason in a sentence: it is kept, and told to the team.")))
    before = after = tranche.amount
    if what is DecisionKind.ADJUST:
        facts = tranche_facts(award, tranche, tranches_of(session(), award.id))
        after = read_adjusted(amount, facts, tranche.currency)
    if tranche.state != to:
        move_payment(award, tranche, to, now)
    unproposed(tranche)
    tranche.amount = after
    assert actor.person_id is not None
    decided = Decided(what, number, before, after, tranche.currency, given, actor.name, now)
    letter = letter_to_json(decision_letter(decided, _addressee(award))) if what in LETTERS else None
    session().add(
        PaymentDecision(
            award_id=award.id, tranche_id=tranche.id, kind=what, reason=given, amount_before=before, amount_after=after,
            letter=letter, by=actor.person_id, at=now,
        )
    )  # fmt: skip
    said = {"was": before} if what is DecisionKind.ADJUST else {}
    note(award, tranche, _EVENTS[what], actor, now, reason=given, **said)
    settle(award, now)
    mail(award, [Party.TEAM, Party.FINANCE], M(_NEWS[what], **named(tranche)), now, given)
    session().commit()


def _addressee(award: Award) -> Addressee:
    return Addressee(award.organisation.legal_name, award.project, award.code, award.language, time_zone_of(award))


def record_returned(
    actor: Actor, now: datetime, award_code: str, number: int, reference: str, value_on: date | None, reason: str
) -> int:
    """Finance records that the bank sent a payment back, whole: the ledger gets its return, and another payment of the same
    amount and conditions is planned in its place. Returns that one's number.

    Raises Invalid by field, Refused unless the payment is sent and its arrival not confirmed.
    """
    award, tranche, to = open_payment(actor, now, Action.RECORD_RETURN, "record_returned", award_code, number)
    given = needed(reason, "reason", M(N_("Give the reason that the bank states: it is kept, and told to the team.")))
    entry = next(entry for entry in entries_of(session(), award.id) if entry.tranche_id == tranche.id)
    paid = Transfer(entry.amount, entry.local_amount, entry.rate, entry.reference, entry.value_on)
    transfer = read_bounced(paid, reference, value_on, books_of(award, "return", entry.value_on, now))
    move_payment(award, tranche, to, now)
    enter_transfer(award, "return", transfer, actor, now)
    again = _again(award, tranche)
    note(award, tranche, "payment_returned", actor, now, reason=given, next=again.number)
    record(award, "payment_planned", actor, now, number=again.number, amount=again.amount, currency=again.currency)
    settle(award, now)
    sentence = N_("The bank sent payment %(number)s of %(amount)s back. Payment %(next)s is planned in its place.")
    news = M(sentence, number=number, amount=Money(tranche.amount, tranche.currency), next=again.number)
    mail(award, [Party.TEAM, Party.OFFICER], news, now, given)
    session().commit()
    return again.number


def _again(award: Award, tranche: Tranche) -> Tranche:
    """Another payment like ``tranche``; what was attested of it stays attested."""
    conditions = [
        Condition(
            kind=one.kind, label=dict(one.label), params=dict(one.params), attested_by=one.attested_by,
            attested_at=one.attested_at, evidence=one.evidence,
        )
        for one in tranche.conditions
    ]  # fmt: skip
    made = Tranche(
        award_id=award.id, number=last_number(session(), award.id) + 1, key=tranche.key, amount=tranche.amount,
        currency=tranche.currency, state=TrancheState.PLANNED, conditions=conditions,
    )  # fmt: skip
    session().add(made)
    session().flush()
    return made
