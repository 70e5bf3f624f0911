"""Payments, from the account to the last cent returned: who may, what is refused, what each step leaves behind."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DatabaseError, IntegrityError
from sqlalchemy.orm import Session

from lab.models import (
    BankAccount,
    BudgetLine,
    Condition,
    Document,
    Event,
    LedgerEntry,
    Mail,
    Obligation,
    ProgrammeRole,
    Spending,
    Tranche,
    Version,
)
from lab.queries.awards import facts_of, money_of
from lab.queries.disbursement import awards_sharing_account, payments_of
from lab.rules.errors import Invalid, NotAllowed, NotFound, Refused
from lab.rules.events import GENESIS, chain_hash
from lab.rules.facts import Role, Stage
from lab.rules.obligations import ObligationKind, Party
from lab.services import disbursement as pay
from lab.services import stages, steps
from tests.factories import START, World, add_account

WorldAt = Callable[..., World]
NOW = START + timedelta(days=10, hours=1)
DAY = NOW.date()
CLP_CALL = Path(__file__).parents[1] / "rules" / "data" / "one-prize-clp.toml"


def actors(world: World) -> dict[str, Any]:
    return {
        who: world.actor(getattr(world, who)) for who in ("lead", "member", "officer", "finance", "committee", "mentor")
    }


def tranche_of(world: World, number: int = 1) -> Tranche:
    world.session.expire_all()
    return world.session.scalars(
        select(Tranche).where(Tranche.award_id == world.award.id, Tranche.number == number)
    ).one()


def open_keys(world: World) -> set[str]:
    return set(
        world.session.scalars(
            select(Obligation.key).where(Obligation.award_id == world.award.id, Obligation.state == "open")
        )
    )


def events(world: World) -> list[str]:
    return list(world.session.scalars(select(Event.kind).where(Event.award_id == world.award.id).order_by(Event.seq)))


def letters(world: World) -> list[tuple[str, str]]:
    """(address, subject) of every mail, in order."""
    return [(mail.to, mail.subject) for mail in world.session.scalars(select(Mail).order_by(Mail.id))]


def entries(world: World) -> list[LedgerEntry]:
    return list(world.session.scalars(select(LedgerEntry).order_by(LedgerEntry.seq)))


def undo(world: World) -> None:
    """What a page does after a refusal; the award is then read anew."""
    world.session.rollback()
    world.again()


def propose(world: World, now: datetime = NOW) -> None:
    pay.propose(world.actor(world.officer), now, world.code, 1)


def authorise(world: World, now: datetime = NOW) -> None:
    pay.authorise(world.actor(world.finance), now, world.code, 1)


def send(world: World, rate: str = "1", local: str = "30000.00", **typed: Any) -> None:
    values = {"reference": "ILO-77", "value_on": DAY} | typed
    pay.record_sent(
        world.actor(world.finance), NOW, world.code, 1, values["reference"], rate, local, values["value_on"]
    )


def confirm(world: World) -> None:
    pay.confirm_receipt(world.actor(world.lead), NOW, world.code, 1)


def ready(world_at: WorldAt, stage: Stage = Stage.PROTOTYPING, **award: Any) -> World:
    """A world of which every condition of the payment is met."""
    world = world_at(stage)
    for field, value in award.items():
        setattr(world.award, field, value)
    world.again()
    add_account(world)
    return world


def enter(world: World, who: str = "lead", now: datetime = NOW, **fields: str) -> bool:
    account = {
        "holder": world.award.organisation.legal_name, "bank": "Banco del Pacífico", "number": "EC99 8877 6655",
        "swift": "bicaeceg",
    } | fields  # fmt: skip
    return pay.enter_account(world.actor(getattr(world, who)), now, world.code, **account)


def swap(world: World) -> None:
    """Another account in place of a verified one, as an amendment that both sides agree to enters it."""
    sharing = awards_sharing_account(world.session, world.code)
    kept = {
        "holder": world.award.organisation.legal_name, "bank": "Banco del Pacífico", "number": "EC99 8877 6655",
        "swift": "BICAECEG",
    }  # fmt: skip
    pay.replace_account(world.award, sharing, kept, world.lead.id, world.actor(world.officer), NOW)
    world.session.commit()


# The account.


def test_the_account_is_entered_by_the_team_and_verified_by_finance(world_at: WorldAt) -> None:
    world = world_at(Stage.PROTOTYPING)
    assert "enter_account" in open_keys(world)
    enter(world)
    account = world.session.scalars(select(BankAccount)).one()
    assert (account.number, account.swift, account.entered_by) == ("EC99 8877 6655", "BICAECEG", world.lead.id)
    assert account.currency == world.award.local_currency and account.verified_at is None
    assert "verify_account" in open_keys(world) and "enter_account" not in open_keys(world)
    pay.verify_account(world.actor(world.finance), NOW, world.code, account.id)
    assert (account.verified_by, account.verified_at) == (world.finance.id, NOW)
    assert "payment:1:propose_payment" in open_keys(world) and "verify_account" not in open_keys(world)
    assert events(world) == ["account_entered", "account_verified"]
    assert [to for to, _ in letters(world)] == [world.finance.email, world.officer.email]


def test_who_may_enter_and_verify(world_at: WorldAt) -> None:
    world = world_at(Stage.PROTOTYPING)
    for who in ("member", "finance", "committee", "mentor"):
        with pytest.raises(NotAllowed):
            enter(world, who)
        undo(world)
    with pytest.raises(NotFound):
        enter(world, "other_lead")
    undo(world)
    enter(world, "officer")
    for who in ("lead", "officer", "member"):
        with pytest.raises(NotAllowed):
            pay.verify_account(actors(world)[who], NOW, world.code)


def test_wrong_fields_are_named_and_nothing_is_stored(world_at: WorldAt) -> None:
    world = world_at(Stage.PROTOTYPING)
    with pytest.raises(Invalid) as refused:
        enter(world, holder="", bank=" ", number="12", swift="X")
    assert set(refused.value.problems) == {"holder", "bank", "number", "swift"}
    undo(world)
    assert not world.session.scalars(select(BankAccount)).all() and not events(world)


def test_the_same_account_again_is_no_change(world_at: WorldAt) -> None:
    world = world_at(Stage.PROTOTYPING)
    enter(world)
    with pytest.raises(Invalid, match="on record already"):
        enter(world, number=" EC99  8877 6655 ")


def test_nobody_verifies_what_they_entered_even_with_both_roles(world_at: WorldAt) -> None:
    world = world_at(Stage.PROTOTYPING)
    world.session.add(ProgrammeRole(person_id=world.officer.id, role=Role.FINANCE))
    world.again()
    enter(world, "officer")
    with pytest.raises(Refused, match="whoever entered it cannot verify it"):
        pay.verify_account(world.actor(world.officer), NOW, world.code)
    undo(world)
    pay.verify_account(world.actor(world.finance), NOW, world.code)


def test_an_account_in_another_name_is_kept_but_never_verified(world_at: WorldAt) -> None:
    world = world_at(Stage.PROTOTYPING)
    assert enter(world, holder="Lucía Lead") is False
    with pytest.raises(Refused, match="in the name of “Lucía Lead”"):
        pay.verify_account(world.actor(world.finance), NOW, world.code)
    undo(world)
    # It is the team's turn, and finance is not asked for what it cannot do.
    assert "enter_account" in open_keys(world) and "verify_account" not in open_keys(world)
    assert not letters(world)
    assert enter(world, holder=world.award.organisation.legal_name.upper()) is True
    assert "verify_account" in open_keys(world)


def test_finance_verifies_the_account_that_it_looked_at(world_at: WorldAt) -> None:
    world = world_at(Stage.PROTOTYPING)
    enter(world)
    seen = world.session.scalars(select(BankAccount.id)).one()
    enter(world, number="EC00 0000 0000")
    with pytest.raises(Refused, match="Another account was entered"):
        pay.verify_account(world.actor(world.finance), NOW, world.code, seen)


def test_a_change_is_a_new_row_to_be_verified_anew_and_voids_a_proposal(world_at: WorldAt) -> None:
    world = ready(world_at)
    propose(world)
    swap(world)
    rows = world.session.scalars(select(BankAccount).order_by(BankAccount.id)).all()
    assert [row.verified_at is None for row in rows] == [False, True]
    tranche = tranche_of(world)
    assert (tranche.state, tranche.proposed_by, tranche.account_id) == ("planned", None, None)
    back = world.session.scalars(select(Event).where(Event.kind == "payment_sent_back")).one()
    assert "account was changed" in back.details["reason"]
    keys = open_keys(world)
    assert "verify_account" in keys and not {key for key in keys if key.startswith("payment:")}
    assert (
        world.officer.email,
        f"{world.award.project}: Payment 1 is planned again: the bank account was changed.",
    ) in (letters(world))
    with pytest.raises(Refused, match="Finance has not verified the bank account"):
        propose(world)


def test_the_account_stays_while_money_is_on_its_way(world_at: WorldAt) -> None:
    world = ready(world_at)
    propose(world)
    authorise(world)
    with pytest.raises(Refused, match="is authorised for the account on record"):
        enter(world)
    undo(world)
    send(world)
    with pytest.raises(Refused, match="on its way to the account on record"):
        enter(world)
    undo(world)
    confirm(world)
    swap(world)


def test_an_authorised_payment_can_be_sent_back_so_that_a_wrong_account_can_be_mended(world_at: WorldAt) -> None:
    world = ready(world_at)
    propose(world)
    authorise(world)
    pay.send_back(world.actor(world.finance), NOW, world.code, 1, "The bank does not know the number")
    tranche = tranche_of(world)
    assert (tranche.state, tranche.authorised_by, tranche.authorised_at) == ("planned", None, None)
    assert "payment:1:record_payment" not in open_keys(world)
    swap(world)


def test_one_account_serves_every_award_of_an_organisation(session: Session, world_at: WorldAt) -> None:
    world = ready(world_at)
    second = world.other_award
    second.organisation_id, second.stage = world.award.organisation_id, Stage.AGREEMENT
    session.commit()
    session.refresh(second, ["call", "organisation", "officer"])
    stages.settle(second, NOW)
    session.commit()
    other = session.scalars(select(Tranche).where(Tranche.award_id == second.id)).one()
    other.state, other.authorised_at = "authorised", NOW
    world.again()
    with pytest.raises(Refused, match=second.project):
        enter(world)
    undo(world)
    other.state = "proposed"
    world.again()
    swap(world)
    session.expire_all()
    assert other.state == "planned"
    duties = select(Obligation.key).where(Obligation.award_id == second.id, Obligation.state == "open")
    assert "verify_account" in set(session.scalars(duties))
    pay.verify_account(world.actor(world.finance), NOW, world.code)
    assert "verify_account" not in set(session.scalars(duties))


def test_an_account_that_slipped_in_after_the_authorisation_stops_the_payment(world_at: WorldAt) -> None:
    world = ready(world_at)
    propose(world)
    authorise(world)
    add_account(world)
    with pytest.raises(Refused, match="changed since this payment was proposed"):
        send(world)


# From proposal to arrival.


def test_a_payment_goes_its_way_and_leaves_its_traces(world_at: WorldAt) -> None:
    world = ready(world_at, local_currency="BRL")
    assert "payment:1:propose_payment" in open_keys(world)
    propose(world)
    tranche = tranche_of(world)
    account = world.session.scalars(select(BankAccount.id)).one()
    assert (tranche.state, tranche.proposed_by, tranche.account_id) == ("proposed", world.officer.id, account)
    assert "payment:1:authorise_payment" in open_keys(world)
    authorise(world)
    assert (tranche_of(world).state, tranche_of(world).authorised_by) == ("authorised", world.finance.id)
    assert "payment:1:record_payment" in open_keys(world)
    send(world, "5.41153", "162345.90", reference=" ILO-77  a ")
    entry = entries(world)[0]
    assert (entry.amount, entry.currency, entry.kind) == (Decimal("30000"), "USD", "payment")
    assert (entry.local_amount, entry.local_currency, entry.rate) == (Decimal("162345.90"), "BRL", Decimal("5.41153"))
    assert (entry.reference, entry.value_on, entry.by) == ("ILO-77 a", DAY, world.finance.id)
    assert "payment:1:confirm_receipt" in open_keys(world)
    confirm(world)
    tranche = tranche_of(world)
    assert (tranche.state, tranche.received_by, tranche.received_at) == ("received", world.lead.id, NOW)
    assert not {key for key in open_keys(world) if key.startswith("payment:")}
    assert events(world) == ["payment_proposed", "payment_authorised", "payment_sent", "payment_received"]
    assert [to for to, _ in letters(world)] == [
        world.finance.email,
        world.lead.email, world.finance.email,
        world.lead.email,
        world.finance.email, world.officer.email,
    ]  # fmt: skip
    assert money_of(world.session, world.award) == (Decimal("30000.00"), Decimal("0.00"), Decimal("0.00"))


def test_the_timeline_tells_neither_number_nor_reference(world_at: WorldAt) -> None:
    world = world_at(Stage.PROTOTYPING)
    enter(world)
    pay.verify_account(world.actor(world.finance), NOW, world.code)
    propose(world)
    authorise(world)
    send(world)
    pay.record_return(world.actor(world.finance), NOW, world.code, "10.00", "BACK-1", DAY)
    said = str([event.details for event in world.session.scalars(select(Event))])
    assert "6655" not in said and "ILO-77" not in said and "BACK-1" not in said


@pytest.mark.parametrize("step", ["propose", "authorise", "send_back", "record_sent", "confirm_receipt"])
def test_who_takes_which_step(world_at: WorldAt, step: str) -> None:
    world = ready(world_at)
    may = {
        "propose": {"officer"}, "authorise": {"finance"}, "send_back": {"officer", "finance"},
        "record_sent": {"finance"}, "confirm_receipt": {"lead"},
    }[step]  # fmt: skip
    state = {
        "propose": "planned", "authorise": "proposed", "send_back": "proposed", "record_sent": "authorised",
        "confirm_receipt": "sent",
    }[step]  # fmt: skip
    tranche = tranche_of(world)
    tranche.state, tranche.authorised_at = state, NOW
    world.again()
    typed: dict[str, tuple[Any, ...]] = {"send_back": ("A reason",), "record_sent": ("R", "1", "30000.00", DAY)}
    for who, actor in actors(world).items():
        if who not in may:
            with pytest.raises(NotAllowed):
                getattr(pay, step)(actor, NOW, world.code, 1, *typed.get(step, ()))
            undo(world)
    with pytest.raises(NotFound):
        getattr(pay, step)(world.actor(world.other_lead), NOW, world.code, 1, *typed.get(step, ()))
    undo(world)
    with pytest.raises(NotFound):
        getattr(pay, step)(actors(world)[min(may)], NOW, world.code, 2, *typed.get(step, ()))
    undo(world)
    assert tranche_of(world).state == state and not events(world) and not entries(world)
    getattr(pay, step)(actors(world)[min(may)], NOW, world.code, 1, *typed.get(step, ()))
    assert tranche_of(world).state != state


def test_one_person_with_both_roles_cannot_do_both(world_at: WorldAt) -> None:
    world = ready(world_at)
    world.session.add(ProgrammeRole(person_id=world.officer.id, role=Role.FINANCE))
    world.again()
    propose(world)
    with pytest.raises(Refused, match="whoever proposed it cannot authorise it"):
        pay.authorise(world.actor(world.officer), NOW, world.code, 1)
    undo(world)
    assert tranche_of(world).state == "proposed"
    authorise(world)


SPOILT: dict[str, tuple[str, str]] = {
    "workplan_approved": (
        "update document set state = 'submitted' where kind = 'workplan'",
        "workplan and budget are not",
    ),
    "due_diligence_clear": ("delete from award_check", "Due diligence is not clear"),
    "agreement_in_force": ("delete from signature where side = 'ilo'", "agreement is not in force"),
    "account_verified": ("update bank_account set verified_at = null", "Finance has not verified"),
    "account_holder_matches": ("update bank_account set holder = 'Somebody'", "not in the organisation's name"),
    "not_suspended": ("update award set stage = 'suspended', suspended_from = 'prototyping'", "The award is suspended"),
}


@pytest.mark.parametrize("kind", SPOILT)
def test_every_condition_is_checked_again_at_each_step(world_at: WorldAt, kind: str) -> None:
    world = ready(world_at)
    assert {c["kind"] for c in world.call.definition["tranches"][0]["conditions"]} == set(SPOILT)
    takes: list[tuple[str, Callable[[World], None]]] = [
        ("planned", propose),
        ("proposed", authorise),
        ("authorised", send),
    ]
    for state, step in takes:
        statement, reason = SPOILT[kind]
        tranche = tranche_of(world)
        tranche.state, tranche.authorised_at = state, NOW
        world.session.flush()
        world.session.execute(text(statement))
        with pytest.raises(Refused, match=reason):
            step(world)
        undo(world)
    assert not entries(world) and not events(world)


def test_a_suspended_award_releases_nothing_and_goes_on_where_it_was(world_at: WorldAt) -> None:
    world = ready(world_at)
    propose(world)
    stages.move(world.award, "suspend", world.actor(world.officer), "A question", NOW)
    world.again()
    with pytest.raises(Refused, match="The award is suspended"):
        authorise(world)
    undo(world)
    pay.send_back(world.actor(world.officer), NOW, world.code, 1, "Because of the question")
    # What was done is not owed any more, although a suspended award is not settled.
    assert "payment:1:authorise_payment" not in open_keys(world)
    with pytest.raises(Refused, match="The award is suspended"):
        propose(world)
    undo(world)
    stages.move(world.award, "resume", world.actor(world.officer), "Answered", NOW)
    world.again()
    assert "payment:1:propose_payment" in open_keys(world)


def test_what_was_sent_before_a_suspension_is_confirmed_in_it(world_at: WorldAt) -> None:
    world = ready(world_at)
    propose(world)
    authorise(world)
    send(world)
    stages.move(world.award, "suspend", world.actor(world.officer), "A question", NOW)
    world.again()
    confirm(world)
    assert tranche_of(world).state == "received" and "payment:1:confirm_receipt" not in open_keys(world)


def test_an_ended_award_pays_nothing_more(world_at: WorldAt) -> None:
    world = ready(world_at)
    propose(world)
    stages.move(world.award, "terminate", world.actor(world.officer), "Fraud", NOW)
    world.again()
    with pytest.raises(Refused, match="The award has ended: nothing more is paid"):
        authorise(world)


def test_sending_back_needs_a_reason_and_tells_the_officer(world_at: WorldAt) -> None:
    world = ready(world_at)
    propose(world)
    with pytest.raises(Invalid) as refused:
        pay.send_back(world.actor(world.finance), NOW, world.code, 1, "  ")
    assert set(refused.value.problems) == {"reason"}
    undo(world)
    pay.send_back(world.actor(world.finance), NOW, world.code, 1, "The plan of the second quarter is missing")
    assert tranche_of(world).state == "planned" and "payment:1:propose_payment" in open_keys(world)
    mail = world.session.scalars(select(Mail).order_by(Mail.id.desc())).first()
    assert mail is not None and mail.to == world.officer.email and "second quarter" in mail.body
    assert events(world)[-1] == "payment_sent_back"
    propose(world)
    with pytest.raises(Refused, match="already at another step: Proposed"):
        propose(world)


# What the bank did.


def test_a_payment_is_recorded_once(world_at: WorldAt) -> None:
    world = ready(world_at)
    propose(world)
    authorise(world)
    send(world)
    with pytest.raises(Refused, match="already at another step: Sent"):
        send(world, reference="ILO-78")
    undo(world)
    with pytest.raises(Refused, match="already at another step: Sent"):
        pay.send_back(world.actor(world.finance), NOW, world.code, 1, "Too late")
    undo(world)
    assert len(entries(world)) == 1
    again = LedgerEntry(
        tranche_id=tranche_of(world).id, kind="payment", amount=Decimal(1), currency="USD", local_amount=Decimal(1),
        local_currency="USD", rate=Decimal(1), reference="X", value_on=DAY, by=world.finance.id, at=NOW,
    )  # fmt: skip
    with pytest.raises(IntegrityError):
        steps.enter(again, world.award)
    undo(world)


@pytest.mark.parametrize("statement", ["update ledger_entry set amount = 1", "delete from ledger_entry"])
def test_the_database_refuses_to_change_the_ledger(world_at: WorldAt, statement: str) -> None:
    world = ready(world_at)
    propose(world)
    authorise(world)
    send(world)
    with pytest.raises(DatabaseError, match="append-only"):
        world.session.execute(text(statement))
    undo(world)
    assert [entry.amount for entry in entries(world)] == [Decimal(30000)]


@pytest.mark.parametrize(
    ("local", "rate", "right", "wrong"),
    [
        ("CLP", "912.345", "27370350", "27370352"),
        ("KWD", "0.307512", "9225.360", "9225.361"),
        ("BRL", "5.41153", "162345.90", "162345.91"),
        ("USD", "1", "30000.00", "29999.99"),
    ],
)
def test_the_local_amount_is_held_against_the_rate(
    world_at: WorldAt, local: str, rate: str, right: str, wrong: str
) -> None:
    world = ready(world_at, local_currency=local)
    propose(world)
    authorise(world)
    with pytest.raises(Invalid) as refused:
        send(world, rate, wrong)
    assert set(refused.value.problems) == {"local_amount"} and wrong in str(refused.value)
    undo(world)
    assert not entries(world) and tranche_of(world).state == "authorised"
    send(world, rate, right)
    assert (entries(world)[0].local_amount, entries(world)[0].local_currency) == (Decimal(right), local)


def test_a_call_in_a_currency_without_minor_units_pays_its_first_instalment(world_at: WorldAt) -> None:
    world = world_at(Stage.PROTOTYPING, path=str(CLP_CALL))
    world.award.local_currency = "CLP"
    world.again()
    add_account(world)
    propose(world)
    authorise(world)
    with pytest.raises(Invalid, match="too many decimals"):
        send(world, "1", "15000000.50")
    undo(world)
    send(world, "1", "15 000 000")
    assert entries(world)[0].local_amount == Decimal(15_000_000)
    with pytest.raises(Refused) as refused:
        pay.propose(world.actor(world.officer), NOW, world.code, 2)
    assert {str(reason) for reason in refused.value.reasons} == {
        "The final report on the prototype is not accepted.",
        "Nobody of the team has attended the boot camp “workshop”.",
        "An officer has not attested this with evidence: The municipality lent the premises",
    }


@pytest.mark.parametrize("value_on", [DAY + timedelta(days=1), DAY - timedelta(days=1), None])
def test_the_value_date_lies_between_the_authorisation_and_today(world_at: WorldAt, value_on: date | None) -> None:
    world = ready(world_at)
    propose(world)
    authorise(world)
    with pytest.raises(Invalid) as refused:
        send(world, value_on=value_on)
    assert set(refused.value.problems) == {"value_on"}


def test_the_ledger_s_chain_can_be_computed_again(world_at: WorldAt) -> None:
    world = ready(world_at, local_currency="BRL")
    propose(world)
    authorise(world)
    send(world, "5.41153", "162345.90")
    pay.record_return(world.actor(world.finance), NOW, world.code, "100.00", "BACK-1", DAY, "5.4", "540.00")
    world.session.expire_all()
    previous = GENESIS
    for entry in entries(world):
        fields: dict[str, object] = {
            name: str(getattr(entry, name))
            for name in ("tranche_id", "kind", "currency", "local_currency", "rate", "reference", "value_on", "by")
        }
        fields |= {name: f"{getattr(entry, name):.4f}" for name in ("amount", "local_amount")}
        fields |= {"at": entry.at.isoformat(), "stream": entry.stream, "seq": entry.seq}
        assert entry.previous_hash == previous and entry.hash == chain_hash(previous, fields)
        previous = entry.hash


def test_a_bank_reference_pays_one_award_alone(world_at: WorldAt) -> None:
    world = ready(world_at)
    other = world.other_award
    tranche = Tranche(award_id=other.id, number=9, key="single", amount=Decimal(5), currency="USD", state="sent")
    world.session.add(tranche)
    world.session.flush()
    for kind, reference, tranche_id in (("payment", "ILO-77", tranche.id), ("return", "ILO-78", None)):
        steps.enter(
            LedgerEntry(
                tranche_id=tranche_id, kind=kind, amount=Decimal(5), currency="USD", local_amount=Decimal(5),
                local_currency="USD", rate=Decimal(1), reference=reference, value_on=DAY, by=world.finance.id, at=NOW,
            ),
            other,
        )  # fmt: skip
    world.again()
    propose(world)
    authorise(world)
    with pytest.raises(Invalid, match=f"a payment of “{other.project}”") as refused:
        send(world, reference=" ILO-77 ")
    assert set(refused.value.problems) == {"reference"}
    undo(world)
    assert tranche_of(world).state == "authorised" and len(entries(world)) == 2
    # What came back elsewhere bears the reference of whoever sent it.
    send(world, reference="ILO-78")


# Conditions that a person attests.


def attested_condition(world: World) -> int:
    return world.session.scalars(
        select(Condition.id).join(Tranche).where(Tranche.award_id == world.award.id, Condition.kind == "attested")
    ).one()


def test_an_officer_attests_with_evidence_once(world_at: WorldAt) -> None:
    world = world_at(Stage.PROTOTYPING, path=str(CLP_CALL))
    officer, condition_id = world.actor(world.officer), attested_condition(world)
    for who in ("lead", "finance"):
        with pytest.raises(NotAllowed):
            pay.attest(actors(world)[who], NOW, world.code, 2, condition_id, "A letter")
        undo(world)
    with pytest.raises(Invalid) as refused:
        pay.attest(officer, NOW, world.code, 2, condition_id, " ")
    assert set(refused.value.problems) == {"evidence"}
    undo(world)
    for number, wanted in ((1, condition_id), (2, 999_999), (3, condition_id)):
        with pytest.raises(NotFound):
            pay.attest(officer, NOW, world.code, number, wanted, "A letter")
        undo(world)
    pay.attest(officer, NOW, world.code, 2, condition_id, "The municipality's letter of 3 March")
    condition = world.session.get_one(Condition, condition_id)
    assert (condition.attested_by, condition.attested_at) == (world.officer.id, NOW)
    assert events(world) == ["condition_attested"]
    with pytest.raises(Refused, match="attested already"):
        pay.attest(officer, NOW, world.code, 2, condition_id, "Another letter")


def test_a_condition_that_the_system_knows_is_not_attested(world_at: WorldAt) -> None:
    world = world_at(Stage.PROTOTYPING)
    known = world.session.scalars(
        select(Condition.id).join(Tranche).where(Tranche.award_id == world.award.id).limit(1)
    ).one()
    with pytest.raises(NotFound):
        pay.attest(world.actor(world.officer), NOW, world.code, 1, known, "A letter")


# Money that comes back.


def paid(world_at: WorldAt, **award: Any) -> World:
    world = ready(world_at, Stage.PILOT, **award)
    propose(world)
    authorise(world)
    rate, local = ("912.345", "27370350") if world.award.local_currency == "CLP" else ("1", "30000.00")
    send(world, rate, local)
    confirm(world)
    return world


def spend(world: World, amount: Decimal) -> None:
    """A final report accepted, with this spending, and what is unspent owed back."""
    document = Document(award_id=world.award.id, kind="final_report", state="accepted", draft={}, title="Final")
    world.session.add(document)
    world.session.flush()
    version = Version(
        document_id=document.id,
        number=1,
        content={},
        content_hash="0" * 64,
        submitted_by=world.lead.id,
        submitted_at=NOW,
    )
    world.session.add(version)
    world.session.flush()
    line = world.session.scalars(select(BudgetLine.id).where(BudgetLine.award_id == world.award.id)).first()
    assert line is not None
    world.session.add(
        Spending(award_id=world.award.id, version_id=version.id, budget_line_id=line, amount=amount, accepted=True)
    )
    steps.owe(
        world.award, ObligationKind.RETURN_UNSPENT, Party.TEAM, Party.FINANCE, NOW + timedelta(days=30), NOW,
        amount=f"{Decimal(30000) - amount} USD",
    )  # fmt: skip
    world.again()


def give_back(
    world: World, amount: str, reference: str = "BACK-1", value_on: date | None = DAY, rate: str = "", local: str = ""
) -> None:
    pay.record_return(world.actor(world.finance), NOW, world.code, amount, reference, value_on, rate, local)


def test_what_is_unspent_comes_back_in_parts(world_at: WorldAt) -> None:
    world = paid(world_at, local_currency="CLP")
    spend(world, Decimal("29000.00"))
    with pytest.raises(Invalid) as refused:
        give_back(world, "400.00")
    assert set(refused.value.problems) == {"rate", "local_amount"}
    undo(world)
    give_back(world, "400.00", rate="900", local="360000")
    owed = world.session.scalars(select(Obligation).where(Obligation.kind == "return_unspent")).one()
    assert (owed.state, owed.params["amount"], owed.due_at) == ("open", "600.00 USD", NOW + timedelta(days=30))
    assert facts_of(world.session, world.award).unspent == Decimal("600.00")
    entry = entries(world)[-1]
    assert (entry.kind, entry.amount, entry.local_amount) == ("return", Decimal(400), Decimal(360000))
    assert (entry.rate, entry.tranche_id) == (Decimal(900), None)
    give_back(world, "600.00", "BACK-2", rate="900", local="540000")
    world.session.refresh(owed)
    assert (owed.state, owed.closed_at) == ("discharged", NOW)
    assert events(world)[-2:] == ["money_returned", "money_returned"]
    assert letters(world)[-2:] == [
        (to, f"{world.award.project}: The return of USD 600.00 is recorded.")
        for to in (world.lead.email, world.officer.email)
    ]
    totals = payments_of(world.session, world.award).totals
    assert (totals.awarded, totals.paid, totals.returned) == (Decimal(30000), Decimal(30000), Decimal(1000))
    assert (totals.spent, totals.unspent) == (Decimal(29000), Decimal(0))


def test_no_more_comes_back_than_is_unspent(world_at: WorldAt) -> None:
    world = paid(world_at)
    spend(world, Decimal("25000.00"))
    with pytest.raises(Invalid, match=r"5000\.01 USD is more than is unspent, which is 5000\.00 USD") as refused:
        give_back(world, "5000.01")
    assert set(refused.value.problems) == {"amount"}
    undo(world)
    give_back(world, "4999.99")
    for amount in ("0.02", "5000.00"):
        with pytest.raises(Invalid, match=r"which is 0\.01 USD"):
            give_back(world, amount, "BACK-2")
        undo(world)
    give_back(world, "0.01", "BACK-2")
    with pytest.raises(Invalid, match=r"which is 0\.00 USD"):
        give_back(world, "0.01", "BACK-3")
    undo(world)
    assert facts_of(world.session, world.award).unspent == 0 and len(entries(world)) == 3


def test_a_return_is_held_against_what_was_paid(world_at: WorldAt) -> None:
    world = paid(world_at)
    give_back(world, "29999.99")
    for amount in ("0.02", "0", "-1", "0.001", ""):
        with pytest.raises(Invalid) as refused:
            give_back(world, amount, "BACK-2")
        assert set(refused.value.problems) == {"amount"}
        undo(world)
    for reference, day in (("BACK-1", DAY), ("", DAY), ("BACK-2", None), ("BACK-2", DAY + timedelta(days=1))):
        with pytest.raises(Invalid):
            give_back(world, "0.01", reference, day)
        undo(world)
    assert len(entries(world)) == 2
    give_back(world, "0.01", "BACK-2")
    with pytest.raises(Invalid):
        give_back(world, "0.01", "BACK-3")


def test_nothing_comes_back_of_nothing_and_only_finance_records_it(world_at: WorldAt) -> None:
    world = ready(world_at)
    with pytest.raises(Refused, match="Nothing has been paid"):
        give_back(world, "1.00")
    undo(world)
    for who in ("lead", "officer", "committee"):
        with pytest.raises(NotAllowed):
            pay.record_return(actors(world)[who], NOW, world.code, "1.00", "BACK-1", DAY)
        undo(world)


def test_money_comes_back_also_after_the_end(world_at: WorldAt) -> None:
    world = paid(world_at)
    stages.move(world.award, "terminate", world.actor(world.officer), "Fraud", NOW)
    world.again()
    give_back(world, "30000.00")
    assert money_of(world.session, world.award)[:2] == (Decimal("30000.00"), Decimal("30000.00"))
