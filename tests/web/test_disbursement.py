"""The page of payments: what each role sees of account and ledger, each step by its person, bad input kept, statements constant."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from lab.models import BankAccount, Condition, LedgerEntry, Mail, Obligation, Organisation, ProgrammeRole, Tranche
from lab.rules.facts import Stage
from lab.services import stages
from lab.services.steps import enter, record
from tests.conftest import counted
from tests.factories import START, World, add_account
from tests.web.pages import PageClient

WorldAt = Callable[..., World]
Clients = Callable[..., PageClient]
CLP_CALL = Path(__file__).parents[1] / "rules" / "data" / "one-prize-clp.toml"
NUMBER = "EC123456789012"
TODAY = START.date().isoformat()
SENT = {"reference": "ILO-77", "rate": "1", "local_amount": "30000.00", "value_on": TODAY}


def payments(world: World) -> str:
    return f"/awards/{world.code}/payments"


def button(page: BeautifulSoup, label: str) -> bool | None:
    """Whether the button can be pressed; None when it is not there."""
    found = page.find("button", string=label)
    return None if found is None else not found.has_attr("disabled")


def set_state(world: World, state: str) -> None:
    tranche = world.session.scalars(select(Tranche).where(Tranche.award_id == world.award.id)).first()
    assert tranche is not None
    tranche.state, tranche.proposed_by, tranche.proposed_at = state, world.officer.id, START
    tranche.authorised_by, tranche.authorised_at = world.finance.id, START
    world.again()
    stages.settle(world.award, START)
    world.again()


def entry(world: World, kind: str, reference: str) -> None:
    tranche = world.session.scalars(select(Tranche.id).where(Tranche.award_id == world.award.id)).first()
    enter(
        LedgerEntry(
            tranche_id=tranche if kind == "payment" else None, kind=kind, amount=Decimal(10), currency="USD",
            local_amount=Decimal("54.12"), local_currency="BRL", rate=Decimal("5.41153"), reference=reference,
            value_on=START.date(), by=world.finance.id, at=START,
        ),
        world.award,
    )  # fmt: skip
    world.again()


# Who sees what.


def test_each_role_sees_the_account_as_far_as_it_may(world_at: WorldAt, client_for: Clients) -> None:
    world = world_at(Stage.PROTOTYPING)
    add_account(world)
    entry(world, "payment", "ILO-4711")
    for who in ("lead", "officer", "finance"):
        shown = client_for(getattr(world, who)).page(payments(world)).text
        assert NUMBER in shown and "Banco de Prueba" in shown and "ILO-4711" in shown
    member = client_for(world.member).page(payments(world))
    assert "ending in 9012" in member.text and member.find(id="ledger") and "ILO-4711" not in str(member)
    assert NUMBER not in str(member) and "Banco de Prueba" not in str(member)
    committee = client_for(world.committee).page(payments(world))
    assert "9012" not in str(committee) and "Bank account" not in committee.text
    assert "ILO-4711" not in str(committee) and "Ledger" not in committee.text and not committee.find(id="ledger")
    assert "USD 30,000.00" in committee.text
    client_for(world.mentor).page(payments(world), 403)
    client_for(world.other_lead).page(payments(world), 404)


def test_the_timeline_gives_nothing_of_the_account_away(world_at: WorldAt, client_for: Clients) -> None:
    world = world_at(Stage.PROTOTYPING)
    client_for(world.lead).submit(f"{payments(world)}/account", account_of(world))
    for who in ("committee", "mentor"):
        page = client_for(getattr(world, who)).page(f"/awards/{world.code}/timeline")
        assert "Bank account entered" in page.text and "6655" not in str(page)


def test_the_sentence_is_the_same_for_every_reader(world_at: WorldAt, client_for: Clients) -> None:
    world = world_at(Stage.PROTOTYPING)
    add_account(world, verified=False)
    said = {
        client_for(getattr(world, who)).page(payments(world)).select_one("p.why span").text
        for who in ("lead", "member", "officer", "finance", "committee")
    }
    assert said == {"Waiting for finance since today: Finance has not verified the bank account."}


@pytest.mark.parametrize(
    ("stage", "sentence"),
    [
        (
            Stage.WORKPLAN,
            "Waiting for the team since today: The workplan and budget are not approved. (and 4 more reasons)",
        ),
        (
            Stage.AGREEMENT,
            "Waiting for the programme officer since today: Due diligence is not clear. (and 3 more reasons)",
        ),
        (
            Stage.SUSPENDED,
            "Waiting for the programme officer since today: The award is suspended. (and 5 more reasons)",
        ),
        (Stage.TERMINATED, "The award has ended: nothing more is paid."),
    ],
)
def test_why_not_in_each_stage(world_at: WorldAt, client_for: Clients, stage: Stage, sentence: str) -> None:
    world = world_at(stage)
    why = client_for(world.member).page(payments(world)).select_one("p.why span")
    assert why is not None and sentence == why.text


def test_every_condition_is_shown_met_or_with_its_reason_in_the_reader_s_language(
    world_at: WorldAt, client_for: Clients
) -> None:
    world = world_at(Stage.PROTOTYPING)
    world.lead.language = "es"
    world.session.commit()
    page = client_for(world.lead).page(payments(world))
    items = page.find("ul", class_="blockers").find_all("li")
    assert [bool(item.get("class")) for item in items] == [True, True, True, False, False, True]
    assert "La cuenta bancaria está verificada" in items[3].text
    assert "No bank account is entered yet" in items[3].text


@pytest.mark.parametrize(
    ("state", "who", "label"),
    [
        ("planned", "officer", "Propose this payment"),
        ("proposed", "finance", "Authorise this payment"),
        ("authorised", "finance", "Record the transfer"),
        ("sent", "lead", "Confirm: the money has arrived"),
    ],
)
def test_each_step_is_a_button_of_its_person_alone(
    world_at: WorldAt, client_for: Clients, state: str, who: str, label: str
) -> None:
    world = world_at(Stage.PROTOTYPING)
    add_account(world)
    set_state(world, state)
    for person in ("lead", "member", "officer", "finance", "committee"):
        page = client_for(getattr(world, person)).page(payments(world))
        assert button(page, label) is (True if person == who else None)
        may_send_back = person in ("officer", "finance") and state in ("proposed", "authorised")
        assert (button(page, "Send it back") is True) is may_send_back


def test_a_button_that_would_be_refused_is_off_and_says_why(world_at: WorldAt, client_for: Clients) -> None:
    world = world_at(Stage.PROTOTYPING)
    page = client_for(world.officer).page(payments(world))
    assert button(page, "Propose this payment") is False
    answer = client_for(world.officer).submit(f"{payments(world)}/1/propose", follow_redirects=True)
    assert "No bank account is entered yet: the team lead enters it." in answer.text
    assert "The payment is proposed" not in answer.text
    assert world.session.scalars(select(Tranche.state).where(Tranche.award_id == world.award.id)).all() == ["planned"]


def test_the_proposer_with_both_roles_reads_why_another_authorises(
    session: Session, world_at: WorldAt, client_for: Clients
) -> None:
    world = world_at(Stage.PROTOTYPING)
    add_account(world)
    session.add(ProgrammeRole(person_id=world.officer.id, role="finance"))
    set_state(world, "proposed")
    page = client_for(world.officer).page(payments(world))
    assert button(page, "Authorise this payment") is False
    assert "whoever proposed it cannot authorise it" in page.text
    client_for(world.officer).submit(f"{payments(world)}/1/authorise")
    session.expire_all()
    assert session.scalars(select(Tranche.state).where(Tranche.award_id == world.award.id)).all() == ["proposed"]


# The whole way through pages.


def account_of(world: World, **fields: str) -> dict[str, str]:
    query = select(Organisation.legal_name).where(Organisation.id == world.award.organisation_id)
    holder = world.session.scalars(query).one()
    return {"holder": holder, "bank": "Banco del Pacífico", "number": "EC99 8877 6655", "swift": "BICAECEG"} | fields


def test_from_the_account_to_the_return(session: Session, world_at: WorldAt, client_for: Clients) -> None:
    world = world_at(Stage.PROTOTYPING)
    base = payments(world)
    lead, officer, finance = (client_for(getattr(world, who)) for who in ("lead", "officer", "finance"))
    assert "No account is entered yet" in lead.page(base).text
    assert lead.submit(f"{base}/account", account_of(world)).status_code == 303
    shown = finance.page(base)
    seen = shown.find("input", {"name": "account"})["value"]
    assert finance.submit(f"{base}/account/verify", {"account": seen}).status_code == 303
    assert officer.submit(f"{base}/1/propose").status_code == 303
    assert finance.submit(f"{base}/1/authorise").status_code == 303
    form = finance.page(base)
    # Paid in the award's own currency: rate and amount stand there already.
    assert form.find("input", {"name": "rate"})["value"] == "1"
    assert form.find("input", {"name": "local_amount"})["value"] == "30000.00"
    assert finance.submit(f"{base}/1/sent", SENT).status_code == 303
    assert "It is sent, and its arrival is to be confirmed." in lead.page(base).text
    assert lead.submit(f"{base}/1/receipt").status_code == 303
    page = lead.page(base)
    assert "It was paid, value date 2 Mar 2026." in page.text and "ILO-77" in page.text
    back = {"amount": "100.00", "reference": "BACK-1", "value_on": TODAY}
    assert finance.submit(f"{base}/returns", back).status_code == 303
    rows = finance.page(base).find(id="ledger").find_parent("section").find("tbody").find_all("tr")
    assert len(rows) == 2 and "USD 100.00" in rows[1].text and "Fatou Finance" in rows[1].text
    assert session.scalar(select(func.count()).select_from(LedgerEntry)) == 2


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"holder": " "}, "Give the account&#39;s holder"),
        ({"bank": ""}, "Give the bank&#39;s name"),
        ({"number": "12"}, "Give the account number or IBAN"),
        ({"number": "9" * 90}, "too long"),
        ({"swift": "XX"}, "A SWIFT code has 8 or 11"),
    ],
)
def test_a_bad_account_is_kept_as_typed_and_not_stored(
    session: Session, world_at: WorldAt, client_for: Clients, change: dict[str, str], words: str
) -> None:
    world = world_at(Stage.PROTOTYPING)
    typed = account_of(world, **change)
    answer = client_for(world.lead).submit(f"{payments(world)}/account", typed)
    assert answer.status_code == 422 and words in answer.text
    page = BeautifulSoup(answer.text, "html.parser")
    assert all(page.find("input", {"name": name})["value"] == value for name, value in typed.items())
    assert session.scalar(select(func.count()).select_from(BankAccount)) == 0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"reference": ""}, "Give the bank&#39;s reference"),
        ({"rate": "one"}, "is not a rate"),
        ({"rate": "1.1"}, "the rate is 1"),
        ({"local_amount": "30000.01"}, "USD 30,000.01 does not match: USD 30,000.00 at 1 make USD 30,000.00"),
        ({"local_amount": "30.000,00"}, "is not an amount"),
        ({"value_on": "2 March"}, "is not a date"),
        ({"value_on": "2026-03-03"}, "is in the future"),
        ({"value_on": ""}, "Give the value date"),
    ],
)
def test_a_bad_transfer_is_kept_as_typed_and_not_stored(
    session: Session, world_at: WorldAt, client_for: Clients, change: dict[str, str], words: str
) -> None:
    world = world_at(Stage.PROTOTYPING)
    add_account(world)
    set_state(world, "authorised")
    answer = client_for(world.finance).submit(f"{payments(world)}/1/sent", SENT | change)
    assert answer.status_code == 422 and words in answer.text
    page = BeautifulSoup(answer.text, "html.parser")
    assert all(page.find("input", {"name": name})["value"] == value for name, value in (SENT | change).items())
    assert session.scalar(select(func.count()).select_from(LedgerEntry)) == 0


def test_sending_back_and_attesting_need_words(session: Session, world_at: WorldAt, client_for: Clients) -> None:
    world = world_at(Stage.PROTOTYPING, path=str(CLP_CALL))
    add_account(world)
    set_state(world, "proposed")
    finance, officer = client_for(world.finance), client_for(world.officer)
    refused = finance.submit(f"{payments(world)}/1/send-back", {"reason": " "})
    assert refused.status_code == 422 and "Give the reason in a sentence" in refused.text
    assert finance.submit(f"{payments(world)}/1/send-back", {"reason": "Wrong year"}).status_code == 303
    condition = session.scalars(
        select(Condition.id).join(Tranche).where(Tranche.award_id == world.award.id, Condition.kind == "attested")
    ).one()
    path = f"{payments(world)}/2/conditions/{condition}"
    refused = officer.submit(path, {"evidence": ""})
    assert refused.status_code == 422 and "Say what shows that the condition is met." in refused.text
    assert officer.submit(path, {"evidence": "Letter of <b>3 March</b>"}).status_code == 303
    page = client_for(world.member).page(payments(world))
    assert "Letter of <b>3 March</b>" in page.text and "Attested: Olivia Officer" in page.text
    assert not officer.page(payments(world)).find("button", string="Attest: the condition is met")
    for missing in (f"{payments(world)}/1/conditions/{condition}", f"{payments(world)}/9/send-back"):
        assert officer.submit(missing, {"evidence": "x", "reason": "x"}).status_code == 404


def test_the_page_says_plainly_that_an_account_is_in_another_name(world_at: WorldAt, client_for: Clients) -> None:
    world = world_at(Stage.PROTOTYPING)
    account = add_account(world, verified=False, holder="Lucía Lead")
    page = client_for(world.finance).page(payments(world))
    assert "This account is not in the organisation’s name" in page.text
    assert button(page, "Verify this account") is False
    # The warning stands once, not again as a reason why the button is off.
    assert page.text.count("in the organisation’s own name") == 1 and "Lucía Lead”" not in page.text
    answer = client_for(world.finance).submit(
        f"{payments(world)}/account/verify", {"account": str(account.id)}, follow_redirects=True
    )
    assert "in the name of “Lucía Lead”" in answer.text
    world.session.expire_all()
    assert account.verified_at is None


def test_whoever_enters_an_account_reads_what_becomes_of_it(world_at: WorldAt, client_for: Clients) -> None:
    world = world_at(Stage.PROTOTYPING)
    lead, path = client_for(world.lead), f"{payments(world)}/account"
    for holder, tone, words in (
        ("Lucía Lead", "alert-warning", "The account is kept, but nothing is paid into it"),
        (account_of(world)["holder"], "alert-success", "The account is kept. Finance verifies it"),
    ):
        answer = lead.submit(path, account_of(world, holder=holder), follow_redirects=True)
        flashed = BeautifulSoup(answer.text, "html.parser").find("main").find("div", class_="alert")
        assert tone in flashed["class"] and words in flashed.text


def test_what_was_paid_keeps_its_conditions_when_the_award_is_suspended(world_at: WorldAt, client_for: Clients) -> None:
    world = world_at(Stage.SUSPENDED)
    add_account(world)
    for state, missing in (("planned", True), ("sent", False), ("received", False)):
        tranche = world.session.scalars(select(Tranche).where(Tranche.award_id == world.award.id)).one()
        tranche.state = state
        world.session.commit()
        items = client_for(world.finance).page(payments(world)).find("ul", class_="blockers").find_all("li")
        assert any("Missing:" in item.text for item in items) is missing


def test_a_return_is_typed_as_the_bank_states_it(session: Session, world_at: WorldAt, client_for: Clients) -> None:
    world = world_at(Stage.PROTOTYPING)
    world.award.local_currency = "BRL"
    entry(world, "payment", "ILO-1")
    finance, path = client_for(world.finance), f"{payments(world)}/returns"
    form = finance.page(payments(world)).find("form", action=lambda action: action and "/returns" in action)
    assert form.find("input", {"name": "rate"})["value"] == "5.41153"
    assert "at most what is unspent: USD 10.00" in form.text
    typed = {"amount": "10.01", "reference": "B-1", "value_on": TODAY, "rate": "5.4", "local_amount": ""}
    answer = finance.submit(path, typed)
    page = BeautifulSoup(answer.text, "html.parser")
    assert answer.status_code == 422 and "USD 10.01 is more than is unspent, which is USD 10.00" in page.text
    assert "Give the amount in BRL that the bank states." in page.text
    assert all(page.find("input", {"name": name})["value"] == value for name, value in typed.items())
    assert session.scalar(select(func.count()).select_from(LedgerEntry)) == 1
    assert finance.submit(path, typed | {"amount": "10", "local_amount": "54.00"}).status_code == 303
    assert "BRL 54.00" in finance.page(payments(world)).find(id="ledger").find_parent("section").text


def test_the_timeline_says_money_as_the_reader_does(session: Session, world_at: WorldAt, client_for: Clients) -> None:
    world = world_at(Stage.PROTOTYPING)
    world.award.local_currency = "PEN"
    add_account(world)
    set_state(world, "authorised")
    typed = SENT | {"rate": "3.75", "local_amount": "112500.00"}
    assert client_for(world.finance).submit(f"{payments(world)}/1/sent", typed).status_code == 303
    page = client_for(world.lead).page(f"/awards/{world.code}/timeline")
    assert "Payment 1 of USD 30,000.00 sent: PEN 112,500.00 at the rate of 3.75" in page.text
    mail = session.scalars(select(Mail.subject).order_by(Mail.id.desc())).first()
    assert mail is not None and "Payment 1 is on its way: PEN 112,500.00." in mail
    # An event from before, with its sum in words, stays as it is.
    record(
        world.award,
        "payment_sent",
        world.actor(world.finance),
        START,
        number=1,
        amount="6",
        currency="USD",
        local="9.00 PEN",
        rate="1.5",
    )
    session.commit()
    assert "USD 6.00 sent: 9.00 PEN" in client_for(world.lead).page(f"/awards/{world.code}/timeline").text


def test_finance_cannot_verify_an_account_that_was_not_on_its_page(world_at: WorldAt, client_for: Clients) -> None:
    world = world_at(Stage.PROTOTYPING)
    account = add_account(world, verified=False)
    for seen in (str(account.id - 1), "", "x", "9" * 30):
        client_for(world.finance).submit(f"{payments(world)}/account/verify", {"account": seen})
    world.session.expire_all()
    assert account.verified_at is None


def test_while_money_is_on_its_way_the_account_s_form_is_off_and_says_why(
    world_at: WorldAt, client_for: Clients
) -> None:
    world = world_at(Stage.PROTOTYPING)
    add_account(world)
    set_state(world, "sent")
    page = client_for(world.lead).page(payments(world))
    assert "another account is an amendment" in page.text
    refused = client_for(world.lead).submit(f"{payments(world)}/account", account_of(world))
    assert refused.status_code == 422 and "is on its way to the account on record" in refused.text


@pytest.mark.parametrize("who", ["lead", "member", "officer", "finance", "committee"])
def test_statements_stay_the_same_with_more_payments_and_entries(
    app: Flask, session: Session, world_at: WorldAt, client_for: Clients, who: str
) -> None:
    world = world_at(Stage.PROTOTYPING)
    add_account(world)
    entry(world, "payment", "P-1")
    client = client_for(getattr(world, who))

    def statements() -> int:
        with counted(app) as seen:
            client.page(payments(world))
        return len(seen)

    before = statements()
    for n in range(2, 12):
        conditions = [
            Condition(kind="attested", label={"en": f"Letter {k}"}, params={}, evidence="Seen", attested_by=world.officer.id, attested_at=START)
            for k in range(6)
        ]  # fmt: skip
        session.add(
            Tranche(
                award_id=world.award.id, number=n, key="single", amount=Decimal(1), currency="USD", state="proposed",
                proposed_by=world.officer.id, proposed_at=START + timedelta(days=1), conditions=conditions,
            )
        )  # fmt: skip
        entry(world, "return", f"R-{n}")
    assert statements() == before <= 12


# Decisions at the ILO's discretion, and a payment that comes back.

WITHHELD = {"kind": "withhold", "reason": "The accounts are looked into."}


def test_a_payment_is_withheld_and_the_team_reads_why_and_gets_a_letter(world_at: WorldAt, client_for: Clients) -> None:
    world = world_at(Stage.PROTOTYPING)
    add_account(world)
    base = payments(world)
    officer, lead = client_for(world.officer), client_for(world.lead)
    officer.page(base)
    assert officer.submit(f"{base}/1/decisions", WITHHELD).status_code == 303
    page = lead.page(base)
    why = page.select_one("p.why span")
    assert why is not None and why.text == (
        "Waiting for the programme officer since today: The payment is withheld, until the ILO resumes, adjusts or cancels it:"
        " The accounts are looked into."
    )
    assert page.select_one("#payment-1 .badge-state").text.strip() == "Withheld"
    link = page.find("a", string=lambda text: text and "Letter (PDF)" in text) or page.select_one("a[href*=letters]")
    answer = lead.get(link["href"])
    assert answer.status_code == 200 and answer.mimetype == "application/pdf" and answer.data.startswith(b"%PDF")
    assert answer.data == client_for(world.finance).get(link["href"]).data
    client_for(world.committee).page(base)
    assert client_for(world.committee).get(link["href"]).status_code == 403
    assert client_for(world.other_lead).get(link["href"]).status_code == 404
    other = link["href"].replace(world.code, world.other_award.code)
    assert client_for(world.officer).get(other).status_code == 404
    assert button(officer.page(base), "Record the decision") is True
    assert button(officer.page(base), "Propose this payment") is None
    home = officer.page("/")
    assert "Resume, adjust or cancel payment 1, which is withheld" in home.text


def test_a_decision_that_is_refused_keeps_what_was_typed(world_at: WorldAt, client_for: Clients) -> None:
    world = world_at(Stage.PROTOTYPING)
    add_account(world)
    typed = {"kind": "adjust", "amount": "40000", "reason": "More is needed."}
    answer = client_for(world.officer).submit(f"{payments(world)}/1/decisions", typed)
    assert answer.status_code == 422
    page = BeautifulSoup(answer.text, "html.parser")
    form = page.select_one("form[action*=decisions]")
    assert form.find("input", {"name": "kind", "value": "adjust"}).has_attr("checked")
    assert form.find("input", {"name": "amount"})["value"] == "40000" and "More is needed." in form.text
    assert "give at most USD 30,000.00" in page.text.replace("\xa0", " ")


def test_an_adjusted_payment_shows_both_amounts(world_at: WorldAt, client_for: Clients) -> None:
    world = world_at(Stage.PROTOTYPING)
    add_account(world)
    typed = {"kind": "adjust", "amount": "25000", "reason": "One activity fell away."}
    client_for(world.officer).submit(f"{payments(world)}/1/decisions", typed)
    page = client_for(world.member).page(payments(world))
    assert "From USD 30,000.00 to USD 25,000.00" in page.text and "One activity fell away." in page.text
    timeline = client_for(world.member).page(f"/awards/{world.code}/timeline")
    assert "Payment 1 adjusted from USD 30,000.00 to USD 25,000.00: One activity fell away." in timeline.text


def test_a_planned_payment_that_waits_for_nobody_but_the_officer_is_due(world_at: WorldAt, client_for: Clients) -> None:
    world = world_at(Stage.PROTOTYPING)
    assert client_for(world.lead).page(payments(world)).select_one("#payment-1 .badge-state").text.strip() == "Planned"
    add_account(world)
    assert client_for(world.lead).page(payments(world)).select_one("#payment-1 .badge-state").text.strip() == "Due"


def test_what_came_back_from_the_bank_is_history_and_planned_again(world_at: WorldAt, client_for: Clients) -> None:
    world = world_at(Stage.PROTOTYPING)
    add_account(world)
    base = payments(world)
    officer, finance = client_for(world.officer), client_for(world.finance)
    officer.submit(f"{base}/1/propose")
    finance.submit(f"{base}/1/authorise")
    finance.submit(f"{base}/1/sent", SENT)
    assert button(officer.page(base), "Record that it came back") is None
    typed = {"reference": "BACK-9", "value_on": TODAY, "reason": "The account is closed."}
    assert finance.submit(f"{base}/1/returned", typed | {"reason": ""}).status_code == 422
    assert finance.submit(f"{base}/1/returned", typed).status_code == 303
    page = client_for(world.lead).page(base)
    assert "Payments that are no longer made (1)" in page.text
    assert "The bank sent it back: another payment was planned in its place." in page.text
    assert page.find(id="payment-2") and page.find(id="payment-1")
    rows = page.find(id="ledger").find_parent("section").find("tbody").find_all("tr")
    assert [row.find("th").text for row in rows] == ["Payment", "Return"]


@pytest.mark.parametrize(
    ("days", "due", "said"),
    [
        (0, 10, "since today"), (1, 10, "for 1 day, since 2 Mar 2026"), (3, 10, "for 3 days, since 2 Mar 2026"),
        (10, 10, "for 10 days, since 2 Mar 2026, late since today"), (12, 10, "for 12 days, since 2 Mar 2026, 2 days late"),
    ],
)  # fmt: skip
def test_the_ilo_s_own_delay_is_counted_like_the_team_s(
    world_at: WorldAt, client_for: Clients, at: Callable[[str], None], days: int, due: int, said: str
) -> None:
    world = world_at(Stage.PROTOTYPING)
    add_account(world)
    world.session.execute(
        update(Obligation).where(Obligation.key == "payment:1:propose_payment").values(due_at=START + timedelta(days=due))
    )  # fmt: skip
    world.session.commit()
    at((START + timedelta(days=days)).isoformat())
    for who in ("lead", "officer", "finance"):
        why = client_for(getattr(world, who)).page(payments(world)).select_one("p.why span")
        assert why is not None and why.text == (
            f"Waiting for the programme officer {said}: Every condition is met, and the payment is to be proposed."
        )
