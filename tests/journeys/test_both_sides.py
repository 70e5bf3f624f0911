"""The gate, the agreement and its amendments in one walk, for each side: the team at its telephone, the ILO at its desk."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import FilePayload, Page, expect
from pypdf import PdfReader

from lab import jobs
from tests import workbooks as books
from tests.journeys.conftest import ONE_DATABASE, Site, Visitor
from tests.journeys.story import LEAD, MEMBER, NAMES, OFFICER, Story

pytestmark = ONE_DATABASE

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CLAUSE = "agreement/clauses/financial_reporting"
SIDES = {"organisation": LEAD, "ilo": OFFICER}


@pytest.mark.parametrize("side", list(SIDES))
def test_from_a_late_start_to_an_amended_agreement(
    site: Site, visit: Callable[..., Visitor], side: str, tmp_path: Path
) -> None:
    story = Story(site, visit)
    story.found()
    story.record_award()
    _late(story)
    _asked_in_three_sections(story)
    _by_spreadsheet(story)
    story.approve_plan()
    _document(story)
    _negotiated(story)
    story.open_agreement()
    _expired(story)
    _both_ways(story, side, tmp_path)
    own, other = _sides(side)
    if side == "organisation":
        _budget_approved(story, own, other)
        _time_refused(story, own, other)
    else:
        _payments_approved(story, own, other)
        _lead_refused(story, own, other)


def _sides(side: str) -> tuple[str, str]:
    """Who stands for ``side``, and who for the other."""
    return SIDES[side], next(email for email in SIDES.values() if email != SIDES[side])


def _narrow(story: Story, email: str) -> None:
    page = story.people[email].page
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), page.url


# The gate ---------------------------------------------------------------------------------------------------------


def _late(story: Story) -> None:
    """The team starts on the last day, the deadline passes over it; the officer is asked, and extends with a reason."""
    story.later(21)
    story.write_plan(LEAD)
    story.press(LEAD, "Save the draft")
    story.sees(LEAD, "Draft saved.")
    story.later(1)
    assert jobs.tick(story.site.app) == []
    page = story.page(LEAD, "workplan/edit")
    story.sees(LEAD, "The deadline has passed")
    expect(page.locator("[name=summary]")).not_to_have_value("")
    story.check_plan(LEAD)
    expect(page.get_by_role("button", name="Submit to the ILO")).to_be_disabled()
    _narrow(story, LEAD)
    page = story.page(OFFICER, "/")
    story.sees(OFFICER, "Extend the deadline or let the award lapse")
    page = story.page(OFFICER, "workplan")
    page.get_by_text("Extend the deadline").first.click()
    page.get_by_label("Days to add").fill("14")
    page.get_by_label("Reason").first.fill("The floods closed the roads.")
    story.press(OFFICER, "Extend")
    story.sees(OFFICER, "The deadline is extended")
    story.page(LEAD)
    expect(story.people[LEAD].page.locator(".award-head")).to_contain_text(re.compile("left"))
    story.submit_plan(1)


ASKED = {
    "activities": "Whom do you interview?",
    "milestones": "Say what counts as understood.",
    "budget": "Why ten telephones?",
}


def _asked_in_three_sections(story: Story) -> None:
    """The clock stands still in the review; three days later changes are asked for in three sections."""
    story.page(LEAD)
    expect(story.people[LEAD].page.locator(".award-head")).to_contain_text(re.compile("stands still|paused", re.I))
    story.later(3)
    story.ask_for_changes(**ASKED)
    page = story.page(LEAD, "workplan")
    for text in ASKED.values():
        story.sees(LEAD, text)
    expect(page.locator(".award-head")).to_contain_text(re.compile("left"))
    page.locator(".award-head details summary").first.click()
    expect(page.locator(".award-head")).to_contain_text("The floods closed the roads.")
    _narrow(story, LEAD)


def _by_spreadsheet(story: Story) -> None:
    """The plan goes out as a workbook, is mended offline, and comes back: a mistake is named by its cell first."""
    page = story.page(LEAD, "workplan/offline")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download as Excel").click()
    file = Path(download.value.path()).read_bytes()

    def mended(book: Any) -> None:
        book["Presupuesto"]["C3"] = "Telephones for ten testers"

    def mistaken(book: Any) -> None:
        mended(book)
        book["Presupuesto"]["D3"] = "ten"

    _upload(page, books.changed(file, mistaken))
    expect(page.locator(".error-summary")).to_contain_text("Presupuesto!D3")
    _upload(page, books.changed(file, mended))
    story.sees(LEAD, "What the workbook would change")
    _narrow(story, LEAD)
    story.press(LEAD, "Take it over into the draft")
    story.sees(LEAD, "is taken over into your draft")
    page = story.page(LEAD, "workplan/edit")
    page.fill("[name=activities-0-title]", "Interviews with forty firms")
    page.fill("[name=milestones-0-proof]", "Report of needs of forty firms")
    story.submit_plan(2)
    story.page(OFFICER, "workplan/versions/2/changes")
    for text in ("Telephones for ten testers", "Interviews with forty firms", "Report of needs of forty firms"):
        story.sees(OFFICER, text)


def _upload(page: Page, file: bytes) -> None:
    page.locator("input[type=file]").set_input_files(FilePayload(name="plan.xlsx", mimeType=XLSX, buffer=file))
    page.get_by_role("button", name="Read the workbook").click()
    page.wait_for_load_state()


# The agreement ----------------------------------------------------------------------------------------------------


def _document(story: Story) -> None:
    """The lead provides a certificate that is valid for some days more; the officer clears every item."""
    story.add_document(LEAD, "legal_registration")
    _narrow(story, LEAD)
    story.clear_until("legal_registration", "Certificate of the registry.", 5)
    story.add_document(OFFICER, "non_profit")
    story.clear_the_rest()


def _negotiated(story: Story) -> None:
    """The member proposes a wording, the officer takes half of it, the lead settles the talk."""
    story.page(OFFICER, "agreement")
    story.press(OFFICER, "Draft the agreement")
    page = story.page(MEMBER, CLAUSE)
    page.get_by_label("Comment").fill("Five years are long for us.")
    page.get_by_text("Propose another wording").click()
    proposal = page.get_by_label("The wording you propose")
    proposal.fill(proposal.input_value().replace("cinco años", "tres años"))
    story.press(MEMBER, "Send")
    _narrow(story, MEMBER)
    page = story.page(OFFICER, CLAUSE)
    text = page.get_by_label("Text of the clause")
    text.fill(text.input_value().replace("cinco años", "cuatro años"))
    for still in page.locator("[name=standing]").all():
        still.check()
    story.press(OFFICER, "Keep this wording")
    story.sees(OFFICER, "The clause is reworded")
    story.page(LEAD, CLAUSE)
    story.press(LEAD, "Settle the talk")
    story.sees(LEAD, "is settled")


def _expired(story: Story) -> None:
    """The certificate runs out: nobody signs until there is another."""
    story.later(6)
    assert jobs.tick(story.site.app) == []
    page = story.page(LEAD, "agreement")
    expect(page.get_by_role("button", name="Sign the agreement")).to_have_count(0)
    expect(page.locator("#item-legal_registration")).to_contain_text("the item is open again")
    story.add_document(LEAD, "legal_registration")
    story.clear_until("legal_registration", "A new certificate.", 300)


def _both_ways(story: Story, side: str, folder: Path) -> None:
    """One's own side signs at the screen, the other on paper; whoever signs second brings it into force."""
    own, other = _sides(side)
    story.sign(own)
    story.sees(own, "You have signed")
    _narrow(story, own)
    page = story.page(other, "agreement")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the agreement (PDF)").click()
    printed = folder / "printed.pdf"
    download.value.save_as(printed)
    text = " ".join(one.extract_text() for one in PdfReader(io.BytesIO(printed.read_bytes())).pages)
    frozen = page.locator("code.hash").first.inner_text()
    assert "cuatro años" in " ".join(text.split()) and frozen[:16] in text
    page.get_by_role("link", name="Record a signed paper").click()
    story.people[other].check()
    if not page.get_by_label("Who signed").input_value():
        page.get_by_label("Who signed").fill(NAMES[other])
    page.get_by_label("Function").fill("Director")
    page.get_by_label("Day on the paper").fill(story.today.isoformat())
    page.get_by_label("How the hash on the paper begins").fill(frozen[:8])
    page.get_by_label("Scan of the signed paper").set_input_files(printed)
    story.press(other, "Record the signed paper")
    story.sees(other, "in force")


# Amendments -------------------------------------------------------------------------------------------------------


def usd(thousands: int) -> re.Pattern[str]:
    """So many thousand dollars, as either side writes them."""
    return re.compile(rf"USD {thousands}[.,]000[.,]00")


def _begin(story: Story, email: str, kind: str, reason: str) -> Page:
    """Somebody asks for an amendment of that kind, and says why."""
    page = story.page(email, "amendments/new")
    page.get_by_role("radio", name=kind, exact=True).check()
    story.press(email, "Begin")
    page.fill("[name=reason]", reason)
    return page


def _send(story: Story, email: str, *told: str | re.Pattern[str]) -> None:
    """Before sending, the page shows everything that would be touched."""
    story.press(email, "Check and send")
    for text in told:
        story.sees(email, text)
    _narrow(story, email)
    story.people[email].shot(f"amendment-check-{email.split('@')[0]}")
    story.press(email, "Send to the other side")
    story.sees(email, "decides on it")


def _judge(story: Story, email: str, number: int, *told: str | re.Pattern[str]) -> Page:
    """The other side's mail leads to the page, which shows the same."""
    path = story.site.link_in_mail(email, rf"/awards/[\w-]+/amendments/{number}")
    page = story.page(email, path)
    for text in told:
        story.sees(email, text)
    _narrow(story, email)
    story.people[email].shot(f"amendment-judge-{email.split('@')[0]}")
    return page


def _budget_approved(story: Story, own: str, other: str) -> None:
    page = _begin(story, own, "Budget", "Developers cost more than in our plan.")
    page.fill("[name=budget-0-unit_cost]", "5250")
    story.press(own, "Check and send")
    story.sees(own, "above the award: the lines must add up to it exactly")
    page.locator("main").get_by_role("link", name="Go on writing").click()
    expect(page.locator("[name=budget-0-unit_cost]")).to_have_value("5250")
    page.fill("[name=budget-1-unit_cost]", "900")
    expect(page.locator("[data-difference-output]")).to_have_text("The lines add up to the award exactly.")
    told = (usd(20), usd(21), usd(9), "Not touched")
    _send(story, own, *told)
    _judge(story, other, 1, *told, "Developers cost more than in our plan.")
    story.press(other, "Approve and apply")
    story.sees(other, "is approved, and all that it changes is in place")
    story.page(own, "workplan")
    story.sees(own, usd(21))
    assert any("approved and applied" in mail.body for mail in story.site.mails_to(own))


def _time_refused(story: Story, own: str, other: str) -> None:
    page = _begin(story, own, "Time", "The rains came early.")
    until = page.get_by_label("Last day", exact=True)
    before = until.input_value()
    until.fill(f"{int(before[:4]) + 1}{before[4:]}")
    told = ("365 days later", "Submit the final report on the prototype", "Last days")
    _send(story, own, *told)
    page = _judge(story, other, 2, *told)
    page.get_by_text("Refuse", exact=True).click()
    story.press(other, "Refuse for good")
    story.sees(other, "Give the reason in a sentence")
    page.get_by_label("Why it is refused").fill("A year is too long: ask for three months.")
    story.press(other, "Refuse for good")
    story.sees(other, "The amendment is refused")
    page = story.page(own, "amendments/2")
    story.sees(own, "A year is too long: ask for three months.")
    story.page(own, "amendments/new")
    story.press(own, "Begin")
    story.sees(own, "Choose what the amendment is about")


def _payments_approved(story: Story, own: str, other: str) -> None:
    page = _begin(story, own, "Payment plan", "A part waits for what is shown.")
    page.fill("[name=payments-0-amount]", "20000")
    page.get_by_role("button", name="Add a payment").click()
    page.fill("[name=payments-1-amount]", "10000.01")
    page.select_option("[name=payments-1-like]", "1")
    page.locator("#row-payments-1").get_by_role("checkbox").first.check()
    story.press(own, "Check and send")
    story.sees(own, "more than the award of")
    page.locator("main").get_by_role("link", name="Go on writing").click()
    page.fill("[name=payments-1-amount]", "10000")
    told = (usd(20), "the milestone “Needs understood” is accepted", "The payments add up to the award.")
    _send(story, own, *told)
    _judge(story, other, 1, *told)
    story.press(other, "Approve and apply")
    story.sees(other, "is approved, and all that it changes is in place")
    story.page(other, "payments")
    story.sees(other, "The milestone “Needs understood” is accepted")


def _lead_refused(story: Story, own: str, other: str) -> None:
    page = _begin(story, own, "Team lead", "Mateo answers faster.")
    page.get_by_role("radio", name=NAMES[MEMBER]).check()
    _send(story, own, NAMES[LEAD], NAMES[MEMBER])
    page = _judge(story, other, 2, NAMES[LEAD], NAMES[MEMBER])
    page.get_by_text("Refuse", exact=True).click()
    page.get_by_label("Why it is refused").fill("Lucía goes on leading.")
    story.press(other, "Refuse for good")
    story.sees(other, "The amendment is refused")
    story.page(own, "timeline")
    story.sees(own, "Amendment 2 refused: Lucía goes on leading.")
