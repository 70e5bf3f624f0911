"""One award from its notice to its closing, each step by the person whose step it is, in a real browser."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import expect

from tests.journeys.conftest import ONE_DATABASE, Site, Visitor
from tests.journeys.story import COMMITTEE, FINANCE, LEAD, MEMBER, MENTOR, OFFICER, PROJECT, Story

pytestmark = ONE_DATABASE


def test_from_the_notice_to_closing(site: Site, visit: Callable[..., Visitor]) -> None:
    story = Story(site, visit)
    story.found()
    story.record_award()
    _gate(story)
    _agreement(story)
    _money(story)
    _prototyping(story)
    _pilot(story)
    _closing(story)


def _gate(story: Story) -> None:
    page = story.write_plan(MEMBER, cents_off="1000.001")
    # One line has a tenth of a cent too much: the page says so while it is typed, and nothing is lost by saving.
    expect(page.locator("#missing")).to_contain_text("too many decimals")
    page.fill("[name=budget-1-unit_cost]", "999.99")
    expect(page.locator("[data-difference-output]")).to_contain_text("still to plan")
    page.fill("[name=budget-1-unit_cost]", "1000")
    expect(page.locator("[data-difference-output]")).to_contain_text("add up to the award exactly")
    expect(page.locator("[data-autosave-status]")).to_contain_text("Saved")
    story.check_plan(MEMBER)
    story.sees(MEMBER, "Ask your team lead to submit it")
    story.next_step(LEAD, "Submit the workplan and budget")
    story.later(5)
    story.submit_plan(1)
    story.page(LEAD)
    expect(story.people[LEAD].page.locator(".clock")).to_contain_text("Clock stopped")
    story.page(OFFICER, "/")
    story.sees(OFFICER, "Review the workplan and budget")
    story.ask_for_changes(budget="Say how many telephones each tutor gets.")
    page = story.page(LEAD, "workplan/edit")
    story.sees(LEAD, "Say how many telephones each tutor gets.")
    page.fill("[name=budget-1-description]", "Telephones for tests, one for each of ten tutors")
    story.submit_plan(2)
    story.approve_plan()


def _agreement(story: Story) -> None:
    story.next_step(LEAD, "Enter the organisation's bank account")
    story.enter_account()
    story.next_step(LEAD, "Waiting for: The programme officer")
    page = story.page(OFFICER, "agreement")
    expect(page.get_by_role("button", name="Open for signature")).to_be_disabled()
    story.sees(OFFICER, "Due diligence is not clear")
    story.page(MEMBER, "payments")
    story.sees(MEMBER, "The grant agreement is not in force")
    expect(story.page(OFFICER, "payments").get_by_role("button", name="Propose this payment")).to_be_disabled()
    story.clear_due_diligence()
    story.open_agreement()
    story.next_step(LEAD, "Sign the agreement for the organisation")
    page = story.page(LEAD, "agreement")
    page.get_by_label("Your full name").fill("Lucia")
    story.press(LEAD, "Sign the agreement")
    story.sees(LEAD, "Type your full name as it stands in your account")
    story.sign(LEAD)
    story.later(2)
    story.sign(OFFICER)
    story.sees(OFFICER, "In force since")
    expect(story.page(LEAD).locator(".path [aria-current=step]")).to_contain_text("Prototyping")


def _money(story: Story) -> None:
    story.page(MEMBER, "payments")
    expect(story.people[MEMBER].page.locator("main")).not_to_contain_text("EC0123456789012")
    story.page(COMMITTEE, "payments")
    expect(story.people[COMMITTEE].page.locator("main")).not_to_contain_text("Banco de Prueba")
    story.pay()
    story.sees(LEAD, "Received")
    page = story.page(FINANCE, "payments")
    expect(page.locator("#ledger").locator("..")).to_contain_text("ILO-2022-0042")


def _prototyping(story: Story) -> None:
    story.later(31)
    story.hold_boot_camp(MENTOR, 0, "Held the idea against ten firms.")
    story.publish("Version one: a stock page for a telephone.", ("needs.txt", b"31 firms visited"))
    page = story.page(MENTOR, "lab/versions/1")
    page.get_by_label("What it is about").fill("Stock page")
    page.get_by_label("What you saw, and what you advise").fill("How does a firm without a reader enter goods?")
    story.press(MENTOR, "Open the comment")
    story.next_step(LEAD, "Answer the comment on prototype version 1")
    page = story.page(MEMBER, "lab/versions/1")
    page.get_by_label("Your answer").fill("By photograph: version two reads the label.")
    story.press(MEMBER, "Send the answer")
    story.page(MENTOR, "lab/versions/1")
    story.sees(MENTOR, "By photograph")
    story.press(MENTOR, "Resolve")
    story.sees(MENTOR, "Resolved")
    story.publish("Version two: goods by photograph.")
    for place in (1, 2):
        story.later(50)
        story.hold_boot_camp(OFFICER, place, f"Boot camp {place + 1} was held.")
    report = ("prototype_report", 1)
    page = story.write_report(*report, spending=("10000", "11500.00"))
    # More than a tenth above its line: that needs a sentence.
    story.press(MEMBER, "Check and submit")
    story.sees(MEMBER, "overspent by 15")
    page = story.page(MEMBER, "reports/prototype_report/1/edit")
    page.locator("[name^=explanation-]").nth(1).fill("Prices rose; fewer developers were needed.")
    story.submit_report(*report)
    page = story.page(OFFICER, "reports/prototype_report/1/review")
    page.locator("[name=comment-action_plan]").fill("Who pays for the second year?")
    story.press(OFFICER, "Ask for changes")
    story.page(MEMBER, "reports/prototype_report/1/edit")
    story.sees(MEMBER, "Who pays for the second year?")
    story.people[MEMBER].page.locator("[name=section-action_plan]").fill("The chamber pays for the second year.")
    story.submit_report(*report, version=2)
    story.accept_report(*report)
    expect(story.page(LEAD).locator(".path [aria-current=step]")).to_contain_text("Pilot")


def _pilot(story: Story) -> None:
    story.define_indicator("Firms that use the platform", "firms", "0", "120")
    for total, women in (("34", "20"), ("71", "41")):
        story.later(30)
        story.enter_value("Firms that use the platform", total, women)
    page = story.write_report("progress_report", 2, spending=("5000", ""))
    page.get_by_label("Add a file").set_input_files(
        [{"name": "photos.txt", "mimeType": "text/plain", "buffer": b"Two photographs, described."}]
    )
    story.press(MEMBER, "Upload the file")
    story.sees(MEMBER, "photos.txt")
    story.submit_report("progress_report", 2)
    story.accept_report("progress_report", 2)
    page = story.page(COMMITTEE, "/calls/e-formalisation-2021/pilots")
    story.sees(COMMITTEE, PROJECT)
    for picture in page.locator("figure img").all():
        expect(picture).to_have_attribute("alt", re.compile(PROJECT))
    page.get_by_text("The same as a table").first.click()
    story.decide("Go on with the pilot", "Two buyers are wanted by the sixth month.")
    story.page(LEAD, "pilot")
    story.sees(LEAD, "Go on with the pilot")


def _closing(story: Story) -> None:
    story.later(200)
    story.write_report("final_report", 1, spending=("2300", ""))
    story.submit_report("final_report", 1)
    story.accept_report("final_report", 1)
    page = story.page(OFFICER, "closing")
    expect(page.get_by_role("button", name="Close the award")).to_be_disabled()
    # 30,000 were paid; 10,000 and 11,500, 5,000 and 2,300 were spent: 1,200 are to come back.
    story.sees(OFFICER, "Unspent money has not come back yet")
    story.page(LEAD, "/")
    story.sees(LEAD, "Return the unspent money: USD 1.200,00")
    story.give_back("1200")
    story.tick_closing()
    story.write_lesson("Start with the buyer", "Firms entered their goods once a buyer asked for them.")
    story.page(OFFICER, "closing")
    story.press(OFFICER, "Close the award")
    story.sees(OFFICER, "The award is closed")
    story.page(LEAD, "timeline")
    story.sees(LEAD, "Award closed")
