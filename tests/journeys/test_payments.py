"""Three payments in the browser: one withheld and resumed, one adjusted, one that the bank sends back; the team on a phone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal

import pytest
from flask_security.utils import hash_password
from playwright.sync_api import Page, expect
from sqlalchemy import select
from sqlalchemy.orm import Session

from lab.models import Tranche
from lab.queries.audit import disagreements
from lab.rules.facts import Stage
from lab.services import stages
from tests.factories import World, add_account
from tests.journeys.conftest import ONE_DATABASE, PASSWORD, Site, Visitor

pytestmark = ONE_DATABASE


@pytest.fixture
def paying(session: Session, world_at: Callable[..., World], now: datetime) -> World:
    """An award whose three payments of 10,000 wait for nothing but people."""
    world = world_at(Stage.PROTOTYPING)
    add_account(world)
    first = session.scalars(select(Tranche).where(Tranche.award_id == world.award.id)).one()
    first.amount = Decimal(10_000)
    for number in (2, 3):
        session.add(
            Tranche(
                award_id=world.award.id, number=number, key="", amount=Decimal(10_000), currency="USD", state="planned"
            )
        )
    session.flush()
    stages.settle(world.award, now)
    for person in (world.lead, world.officer, world.finance):
        person.password = hash_password(PASSWORD)
    session.commit()
    return world


def decide(officer: Visitor, number: int, kind: str, reason: str, amount: str = "") -> None:
    """The officer opens the box of a payment, chooses, and records it."""
    page = officer.page
    page.locator("summary", has_text=f"cancel payment {number}").click()
    form = page.locator(f"form[action*='/payments/{number}/decisions']")
    form.get_by_label(kind).check()
    if amount:
        form.get_by_label("New amount").fill(amount)
    form.get_by_label("Reason").fill(reason)
    form.get_by_role("button", name="Record the decision").click()
    officer.check()


def why(page: Page, number: int) -> str:
    return page.locator(f"section[aria-labelledby=payment-{number}] p.why span").first.inner_text()


def test_withheld_adjusted_sent_back_and_paid(
    session: Session, paying: World, site: Site, visit: Callable[..., Visitor]
) -> None:
    code, payments = paying.code, f"/awards/{paying.code}/payments"
    emails = [str(person.email) for person in (paying.officer, paying.finance, paying.lead)]
    session.rollback()
    officer, finance, lead = visit(width=1280), visit(width=1280), visit(width=360)
    for visitor, email in zip((officer, finance, lead), emails, strict=True):
        visitor.sign_in(email)

    # One is withheld: without a reason nothing happens, and what was chosen stays.
    page = officer.go(payments)
    decide(officer, 1, "Withhold it", " ")
    officer.sees("Give the reason in a sentence")
    form = page.locator("form[action*='/payments/1/decisions']")
    expect(form.get_by_label("Withhold it")).to_be_checked()
    form.get_by_label("Reason").fill("The premises were closed in October.")
    form.get_by_role("button", name="Record the decision").click()
    officer.sees("The decision is recorded, and the team has been told.")
    # The team reads why, at once and in the mail, and keeps the letter.
    phone = lead.go(payments)
    assert "withheld, until the ILO resumes, adjusts or cancels it: The premises were closed" in why(phone, 1)
    assert "The premises were closed in October." in site.mails_to(emails[2])[-1].body
    with phone.expect_download() as letter:
        phone.get_by_role("link", name="Letter (PDF)").click()
    assert letter.value.suggested_filename.startswith(f"decision-{code}")
    assert phone.evaluate("document.documentElement.scrollWidth") <= 360
    lead.shot("payments-withheld-360")

    # Another is adjusted, the first goes on; two are proposed at once, and authorised at once by somebody else.
    decide(officer, 2, "Adjust it", "One activity fell away.", "8 000")
    officer.sees("From USD 10,000.00 to USD 8,000.00")
    officer.go(payments)
    decide(officer, 1, "Resume it", "They are open again.")
    queue = officer.go("/payments")
    officer.shot("payment-queue-1280")
    for number in (1, 2):
        queue.get_by_role("checkbox", name=f"Payment {number}, ").check()
    officer.press("Propose those ticked")
    officer.sees("2 payments are proposed.")
    queue = finance.go("/payments")
    for number in (1, 2):
        queue.get_by_role("checkbox", name=f"Payment {number}, ").check()
    finance.press("Authorise those ticked")
    finance.sees("2 payments are authorised.")

    # The transfers are made; one comes back and is planned anew.
    page = finance.go(payments)
    for number, amount in ((1, "10000.00"), (2, "8000.00")):
        form = page.locator(f"form[action*='/payments/{number}/sent']")
        form.get_by_label("Bank’s reference").fill(f"ILO-{number}")
        form.get_by_label("Value date").fill("2026-03-02")
        expect(form.get_by_label("Amount paid")).to_have_value(amount)
        form.get_by_role("button", name="Record the transfer").click()
        finance.sees("The transfer is recorded.")
    page.locator("summary", has_text="The bank sent payment 2 back").click()
    form = page.locator("form[action*='/payments/2/returned']")
    form.get_by_label("Bank’s reference").fill("BACK-2")
    form.get_by_label("Value date").fill("2026-03-02")
    form.get_by_label("Reason").fill("The account is closed.")
    form.get_by_role("button", name="Record that it came back").click()
    finance.sees("another payment is planned in its place")
    finance.sees("Payments that are no longer made (1)")
    finance.shot("payments-returned-1280")

    # The lead confirms what arrived, and reads who is waited for about the rest.
    phone = lead.go(payments)
    lead.press("Confirm: the money has arrived")
    lead.sees("Thank you: the payment is complete.")
    assert why(phone, 4).startswith("Waiting for the programme officer since today")
    expect(phone.locator("#payment-4")).to_contain_text("8,000.00")
    assert phone.evaluate("document.documentElement.scrollWidth") <= 360
    lead.shot("payments-done-360")
    with site.app.app_context():
        assert not disagreements(session)
    session.rollback()
