"""A clause negotiated by both sides, a document that runs out before the signature, and the text frozen, taken back, signed."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from lab import jobs
from tests.journeys.conftest import ONE_DATABASE, Site, Visitor
from tests.journeys.story import LEAD, MEMBER, OFFICER, Story

pytestmark = ONE_DATABASE

CLAUSE = "agreement/clauses/financial_reporting"


def test_a_clause_is_negotiated_and_an_expired_document_reopens_its_item(
    site: Site, visit: Callable[..., Visitor]
) -> None:
    story = Story(site, visit)
    story.found()
    story.record_award()
    story.pass_gate()
    story.page(OFFICER, "agreement")
    story.press(OFFICER, "Draft the agreement")
    story.sees(OFFICER, "Being negotiated")
    _negotiate(story)
    _document(story)
    _freeze(story)
    _expire(story)
    story.sign(LEAD)
    story.sign(OFFICER)
    page = story.page(LEAD, "agreement")
    story.sees(LEAD, "What this agreement obliges to")
    _narrow(page, 360)
    expect(page.locator("#obliges ~ article").first).to_be_visible()


def _narrow(page: Page, width: int) -> None:
    assert page.evaluate("document.documentElement.scrollWidth") <= width, page.url


def _negotiate(story: Story) -> None:
    """The member, at a telephone, proposes a wording; the officer rewords the clause; the lead settles it."""
    page = story.page(MEMBER, CLAUSE)
    page.get_by_label("Comment").fill("Five years are long for us.")
    page.get_by_text("Propose another wording").click()
    proposal = page.get_by_label("The wording you propose")
    proposal.fill(proposal.input_value().replace("cinco años", "tres años"))
    story.press(MEMBER, "Send")
    story.sees(MEMBER, "Your comment is there")
    expect(page.locator("#talk ~ ol ins")).to_contain_text("tres")
    _narrow(page, 360)
    page = story.page(OFFICER, CLAUSE)
    expect(page.locator("#reword ~ p del")).to_contain_text("cinco")
    text = page.get_by_label("Text of the clause")
    agreed = text.input_value().replace("cinco años", "cuatro años")
    other = story.people[OFFICER].context.new_page()
    other.goto(page.url)
    text.fill(agreed)
    story.press(OFFICER, "Keep this wording")
    story.sees(OFFICER, "Tick each obligation that still stands")
    page = story.people[OFFICER].page
    expect(text).to_have_value(agreed)
    for said in ("Informe financiero", "Informe final"):
        page.get_by_role("checkbox", name=re.compile(said)).check()
    page.get_by_label("What is not ticked above no longer stands").check()
    _narrow(page, 1280)
    story.press(OFFICER, "Keep this wording")
    story.sees(OFFICER, "The clause is reworded")
    expect(page.locator("#wordings ~ p ins").first).to_contain_text("cuatro")
    expect(page.locator("#wordings ~ ul del").first).to_contain_text("facturas y comprobantes")
    # Somebody who had the page open before gets the newer wording beside their own.
    other.get_by_label("Text of the clause").fill("Another text.")
    other.get_by_role("button", name="Keep this wording").click()
    expect(other.locator(".conflict")).to_contain_text("cuatro años")
    expect(other.get_by_label("Text of the clause")).to_have_value("Another text.")
    other.close()
    page = story.page(LEAD, CLAUSE)
    story.sees(LEAD, "No longer an obligation:")
    story.press(LEAD, "Settle the talk")
    story.sees(LEAD, "is settled")
    _narrow(page, 360)


def _document(story: Story) -> None:
    """The lead provides a certificate; the officer clears with its last day, and the other items."""
    story.add_document(LEAD, "legal_registration")
    _narrow(story.people[LEAD].page, 360)
    story.clear_until("legal_registration", "Certificate of the registry.", 5)
    story.add_document(OFFICER, "non_profit")
    story.clear_the_rest()


def _freeze(story: Story) -> None:
    """Opened, taken back with a reason, and opened again: the text of before stays readable."""
    story.open_agreement()
    page = story.page(OFFICER, "agreement")
    page.get_by_text("Take it back to negotiate").click()
    page.get_by_label("Reason for taking it back").fill("A name was spelt wrongly.")
    story.press(OFFICER, "Take it back")
    story.sees(OFFICER, "Texts that were taken back")
    page.get_by_role("link", name="Text 1").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Text 1 of the agreement")
    story.people[OFFICER].check()
    story.open_agreement()
    page = story.page(LEAD, CLAUSE)
    story.sees(LEAD, "nothing in it changes")
    expect(page.get_by_role("button", name="Send")).to_have_count(0)


def _expire(story: Story) -> None:
    """The certificate's last day ends; nobody signs until the officer has a new one."""
    story.later(6)
    assert jobs.tick(story.site.app) == []
    assert any("was valid until" in mail.body for mail in story.site.mails_to(LEAD))
    page = story.page(LEAD, "agreement")
    expect(page.get_by_role("button", name="Sign the agreement")).to_have_count(0)
    expect(page.locator("#item-legal_registration")).to_contain_text("the item is open again")
    story.add_document(LEAD, "legal_registration")
    story.clear_until("legal_registration", "A new certificate.", 300)
    story.people[OFFICER].page.get_by_text("Earlier checks").click()
    story.sees(OFFICER, re.compile("Certificate of the registry"))
