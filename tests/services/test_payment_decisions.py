"""What the ILO decides about a payment, and a payment that the bank sends back: who may, what follows, nothing lost."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import DatabaseError

from lab.models import Condition, LedgerEntry, Mail, Obligation, PaymentDecision, Tranche
from lab.queries.awards import facts_of, money_of
from lab.queries.disbursement import get_letter
from lab.rules.calendar import days_after
from lab.rules.decision_letter import letter_from_json
from lab.rules.errors import Invalid, NotAllowed, NotFound, Refused
from lab.rules.facts import Stage
from lab.rules.records import MAX_BODY
from lab.services import disbursement as pay
from lab.services import payment_decisions as decisions
from lab.services import stages
from tests.factories import World
from tests.services.test_disbursement import (
    DAY,
    NOW,
    WorldAt,
    actors,
    authorise,
    confirm,
    entries,
    events,
    letters,
    open_keys,
    propose,
    ready,
    send,
    tranche_of,
    undo,
)

REASON = "The accounts of the first year are looked into."


def decide(world: World, kind: str, reason: str = REASON, amount: str = "", **where: Any) -> None:
    decisions.decide(world.actor(world.officer), NOW, world.code, where.get("number", 1), kind, reason, amount)


def last(world: World) -> PaymentDecision:
    world.session.expire_all()
    return world.session.scalars(select(PaymentDecision).order_by(PaymentDecision.id.desc())).first()  # type: ignore[return-value]


@pytest.mark.parametrize("proposed", range(3))
def test_a_payment_is_withheld_at_every_step_before_the_bank_and_resumed(world_at: WorldAt, proposed: int) -> None:
    world = ready(world_at)
    for step in (propose, authorise)[:proposed]:
        step(world)
    decide(world, "withhold")
    tranche = tranche_of(world)
    assert (tranche.state, tranche.proposed_by, tranche.authorised_by, tranche.account_id) == (
        "withheld",
        None,
        None,
        None,
    )
    assert {key for key in open_keys(world) if key.startswith("payment:")} == {"payment:1:decide_withheld"}
    owed = world.session.scalars(select(Obligation).where(Obligation.key == "payment:1:decide_withheld")).one()
    assert (owed.debtor, owed.creditor) == ("officer", "team")
    assert owed.due_at == days_after(DAY, 10, "Europe/Zurich")
    assert events(world)[-1] == "payment_withheld"
    subjects = [to for to, subject in letters(world) if "withheld" in subject]
    assert subjects == [world.lead.email, world.finance.email]
    for step in (propose, authorise):
        with pytest.raises(Refused, match="Withheld"):
            step(world)
        undo(world)
    decide(world, "resume", "The accounts are in order.")
    assert tranche_of(world).state == "planned" and events(world)[-1] == "payment_resumed"
    assert {key for key in open_keys(world) if key.startswith("payment:")} == {"payment:1:propose_payment"}
    assert last(world).letter is None
    propose(world)
    authorise(world)
    send(world)
    assert entries(world)[0].amount == Decimal("30000")


def test_an_adjusted_payment_is_proposed_anew_with_another_amount(world_at: WorldAt) -> None:
    world = ready(world_at)
    propose(world)
    decide(world, "adjust", amount="25 000")
    tranche = tranche_of(world)
    assert (tranche.state, tranche.amount, tranche.proposed_by) == ("planned", Decimal("25000"), None)
    kept = last(world)
    assert (kept.amount_before, kept.amount_after, kept.by) == (Decimal("30000"), Decimal("25000"), world.officer.id)
    assert "payment:1:propose_payment" in open_keys(world) and "payment:1:authorise_payment" not in open_keys(world)
    with pytest.raises(Refused, match="already at another step"):
        authorise(world)
    undo(world)
    propose(world)
    authorise(world)
    send(world, local="25000.00")
    assert money_of(world.session, world.award)[0] == Decimal("25000")
    for kind in ("withhold", "adjust", "cancel", "resume"):
        with pytest.raises(Refused, match="Sent"):
            decide(world, kind, amount="1")
        undo(world)


def test_a_payment_that_is_only_planned_keeps_its_day_when_its_amount_changes(world_at: WorldAt) -> None:
    world = ready(world_at)
    stages.settle(world.award, NOW - timedelta(days=5))
    world.session.commit()
    before = world.session.scalars(select(Obligation.due_at).where(Obligation.key == "payment:1:propose_payment")).all()
    decide(world, "adjust", amount="29999.99")
    assert (
        world.session.scalars(select(Obligation.due_at).where(Obligation.key == "payment:1:propose_payment")).all()
        == before
    )


def test_an_adjusted_withheld_payment_stays_withheld(world_at: WorldAt) -> None:
    world = ready(world_at)
    decide(world, "withhold")
    decide(world, "adjust", amount="1.00")
    assert (tranche_of(world).state, tranche_of(world).amount) == ("withheld", Decimal("1"))


def test_a_cancelled_payment_is_gone_for_good_and_its_money_can_be_planned_elsewhere(world_at: WorldAt) -> None:
    world = ready(world_at)
    decide(world, "withhold")
    decide(world, "cancel")
    assert tranche_of(world).state == "cancelled" and events(world)[-1] == "payment_called_off"
    assert not {key for key in open_keys(world) if key.startswith("payment:")}
    with pytest.raises(NotFound):
        propose(world)
    with pytest.raises(NotFound):
        decide(world, "resume")


@pytest.mark.parametrize(
    ("kind", "reason", "amount", "field", "said"),
    [
        ("withhold", "  ", "", "reason", "Give the reason"),
        ("withhold", "x" * (MAX_BODY + 1), "", "reason", "too long"),
        ("adjust", REASON, "", "amount", ""),
        ("adjust", REASON, "30000.01", "amount", "at most"),
        ("adjust", REASON, "30000", "amount", "already"),
        ("adjust", REASON, "0", "amount", "greater than zero"),
        ("burn", REASON, "", "kind", "Choose"),
        ("", REASON, "", "kind", "Choose"),
    ],
)
def test_what_cannot_be_decided_is_refused_by_field_and_leaves_nothing(
    world_at: WorldAt, kind: str, reason: str, amount: str, field: str, said: str
) -> None:
    world = ready(world_at)
    before = (events(world), letters(world), open_keys(world))
    with pytest.raises(Invalid) as refused:
        decide(world, kind, reason, amount)
    assert set(refused.value.problems) == {field} and said in str(refused.value.problems[field][0])
    undo(world)
    assert (events(world), letters(world), open_keys(world)) == before
    assert world.session.scalars(select(PaymentDecision)).all() == []


@pytest.mark.parametrize("who", ["lead", "member", "finance", "committee", "mentor"])
def test_only_an_officer_decides(world_at: WorldAt, who: str) -> None:
    world = ready(world_at)
    with pytest.raises((NotAllowed, NotFound)):
        decisions.decide(actors(world)[who], NOW, world.code, 1, "withhold", REASON)


def test_the_letter_is_kept_word_by_word_whatever_changes_later(world_at: WorldAt) -> None:
    world = ready(world_at, language="es")
    decide(world, "adjust", amount="25000")
    kept = last(world)
    letter = letter_from_json(get_letter(world.session, world.award.id, kept.id).letter or {})
    assert letter.language == "es" and letter.title == "Decisión sobre un desembolso"
    facts = dict(letter.facts)
    assert facts["Importe"] == "USD 30,000.00" or facts["Importe"].replace("\xa0", " ").startswith("USD 30")
    assert "25" in facts["Nuevo importe"] and world.officer.name in facts["Decidido por"]
    assert letter.reason == REASON and "desembolso 1" in letter.sentence
    name = facts["Organización"]
    world.award.organisation.legal_name = "Another name"
    world.session.commit()
    again = letter_from_json(get_letter(world.session, world.award.id, kept.id).letter or {})
    assert dict(again.facts)["Organización"] == name
    with pytest.raises(NotFound):
        get_letter(world.session, world.other_award.id, kept.id)
    with pytest.raises(DatabaseError, match="append-only"):
        world.session.execute(update(PaymentDecision).values(reason="Another"))
    undo(world)


# A payment that the bank sends back.


def returned(world: World, **typed: Any) -> int:
    values = {"reference": "BACK-9", "value_on": DAY, "reason": "The account is closed."} | typed
    return decisions.record_returned(
        world.actor(world.finance), NOW, world.code, 1, values["reference"], values["value_on"], values["reason"]
    )


def test_a_payment_that_came_back_is_planned_again_under_another_number(world_at: WorldAt) -> None:
    world = ready(world_at)
    propose(world)
    authorise(world)
    send(world)
    assert returned(world) == 2
    first, again = tranche_of(world, 1), tranche_of(world, 2)
    assert (first.state, again.state, again.amount, again.key) == ("returned", "planned", first.amount, first.key)
    paid, back = entries(world)
    assert (back.kind, back.amount, back.local_amount, back.rate, back.tranche_id) == (
        "return", paid.amount, paid.local_amount, paid.rate, None,
    )  # fmt: skip
    assert events(world)[-2:] == ["payment_returned", "payment_planned"]
    assert facts_of(world.session, world.award).unspent == 0
    keys = {key for key in open_keys(world) if key.startswith("payment:")}
    assert keys == {"payment:2:propose_payment"}
    with pytest.raises(NotFound):
        confirm(world)
    undo(world)
    pay.propose(world.actor(world.officer), NOW, world.code, 2)
    pay.authorise(world.actor(world.finance), NOW, world.code, 2)
    pay.record_sent(world.actor(world.finance), NOW, world.code, 2, "ILO-78", "1", "30000.00", DAY)
    assert [(entry.kind, entry.reference) for entry in entries(world)] == [
        ("payment", "ILO-77"), ("return", "BACK-9"), ("payment", "ILO-78"),
    ]  # fmt: skip


def test_what_was_attested_stays_attested(world_at: WorldAt) -> None:
    world = ready(world_at)
    tranche = tranche_of(world)
    world.session.add(
        Condition(
            tranche_id=tranche.id, kind="attested", label={"en": "Seen"}, params={}, evidence="A photograph",
            attested_by=world.officer.id, attested_at=NOW,
        )
    )  # fmt: skip
    world.session.commit()
    for step in (propose, authorise, send):
        step(world)
    number = returned(world)
    found = world.session.scalars(
        select(Condition).join(Tranche).where(Tranche.number == number, Condition.kind == "attested")
    ).one()
    assert (found.evidence, found.attested_by, found.label) == ("A photograph", world.officer.id, {"en": "Seen"})


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"reference": " "}, "reference"),
        ({"value_on": None}, "value_on"),
        ({"value_on": DAY + timedelta(days=1)}, "value_on"),
        ({"value_on": DAY - timedelta(days=1)}, "value_on"),
        ({"reason": ""}, "reason"),
    ],
)
def test_a_return_that_cannot_be_is_refused_by_field(world_at: WorldAt, typed: dict[str, Any], field: str) -> None:
    world = ready(world_at)
    for step in (propose, authorise, send):
        step(world)
    with pytest.raises(Invalid) as refused:
        returned(world, **typed)
    assert set(refused.value.problems) == {field}
    undo(world)
    assert tranche_of(world).state == "sent" and len(entries(world)) == 1


def test_only_what_is_sent_and_not_confirmed_comes_back(world_at: WorldAt) -> None:
    world = ready(world_at)
    with pytest.raises(Refused, match="Planned"):
        returned(world)
    undo(world)
    for step in (propose, authorise, send, confirm):
        step(world)
    with pytest.raises(Refused, match="Received"):
        returned(world)


# Conditions that the system sees of itself.


def _waits(world: World, kind: str, key: str) -> set[str]:
    """What keeps the payment with one more condition of ``kind`` from being proposed."""
    tranche = tranche_of(world)
    world.session.add(Condition(tranche_id=tranche.id, kind=kind, label={"en": "So"}, params={"key": key}, evidence=""))
    world.session.commit()
    try:
        propose(world)
    except Refused as refused:
        undo(world)
        return {str(reason) for reason in refused.reasons}
    return set()


def test_a_payment_waits_for_its_day(world_at: WorldAt) -> None:
    world = ready(world_at)
    assert _waits(world, "date_reached", "2027-01-01") == {"It is paid from 2027-01-01 on, not before."}


def test_on_its_day_it_waits_no_longer(world_at: WorldAt) -> None:
    world = ready(world_at)
    assert _waits(world, "date_reached", DAY.isoformat()) == set()


def test_a_payment_waits_for_what_a_clause_obliges_to(world_at: WorldAt) -> None:
    world = ready(world_at)
    assert _waits(world, "obligation_discharged", "duty:visit") == {"What the agreement obliges to is not done: So"}
    obligation = Obligation(
        award_id=world.award.id, kind="allow_visit", key="duty:visit", debtor="team", creditor="officer", params={},
        due_at=NOW, opened_at=NOW, state="discharged", closed_at=NOW,
    )  # fmt: skip
    world.session.add(obligation)
    world.session.commit()
    propose(world)


def test_a_payment_waits_for_the_final_report(world_at: WorldAt) -> None:
    world = ready(world_at, Stage.PILOT)
    assert _waits(world, "final_report_accepted", "") == {"The final narrative and financial report is not accepted."}


def test_the_ledger_is_never_rewritten_by_a_return(world_at: WorldAt) -> None:
    world = ready(world_at)
    for step in (propose, authorise, send):
        step(world)
    before = [(entry.seq, entry.hash) for entry in entries(world)]
    returned(world)
    after = list(world.session.scalars(select(LedgerEntry).order_by(LedgerEntry.seq)))
    assert [(entry.seq, entry.hash) for entry in after[:1]] == before and after[1].previous_hash == before[0][1]
    assert world.session.scalars(select(Mail.subject)).all()
