"""What goes wrong: late, changes asked twice, rejected; suspended and resumed, terminated; withdrawn."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from playwright.sync_api import expect

from lab import jobs
from tests.journeys.conftest import ONE_DATABASE, Site, Visitor
from tests.journeys.story import LEAD, NOTICE, OFFICER, Story

pytestmark = ONE_DATABASE


def test_late_changed_twice_and_rejected(site: Site, visit: Callable[..., Visitor]) -> None:
    story = Story(site, visit)
    story.found()
    story.record_award()
    story.write_plan(LEAD)
    story.check_plan(LEAD)
    # The page was opened in time; the 21st day ends before the button is pressed.
    story.on(NOTICE + timedelta(days=22), "00:00:00")
    story.press(LEAD, "Submit to the ILO")
    story.sees(LEAD, "The time to submit ended")
    assert jobs.tick(site.app) == []
    story.next_step(OFFICER, "Extend the deadline or let the award lapse")
    _extend(story, 7)
    # The clock goes on: half a minute is what a slow machine takes for the pages before the button.
    story.on(NOTICE + timedelta(days=28), "23:59:30")
    story.submit_plan(1)
    story.ask_for_changes(summary="Say who will use it.", activities="Who visits the firms?")
    _answer(story, "Owners of small firms will use it.")
    story.submit_plan(2)
    story.ask_for_changes(milestones="Give the milestone a proof that can be seen.")
    _answer(story, "Owners of small firms and their buyers will use it.")
    story.submit_plan(3)
    page = story.page(OFFICER, "workplan/review")
    page.get_by_text("Reject the plan").click()
    story.press(OFFICER, "Reject")
    # Without a reason nothing happens.
    story.sees(OFFICER, "Give the reason in a sentence")
    page.get_by_label("Reason for rejecting").fill("The plan does not say who will use the platform.")
    story.press(OFFICER, "Reject")
    story.sees(OFFICER, "the award has lapsed")
    page = story.page(LEAD)
    story.sees(LEAD, "Nothing is due any more")
    story.page(LEAD, "timeline")
    story.sees(LEAD, "The plan does not say who will use the platform.")
    assert any("rejected" in mail.body for mail in site.mails_to(LEAD))


def _extend(story: Story, days: int) -> None:
    page = story.page(OFFICER, "workplan")
    page.get_by_text("Extend the deadline").first.click()
    page.get_by_label("Days to add").fill(str(days))
    page.get_by_label("Reason").first.fill("The notice reached the team late.")
    story.press(OFFICER, "Extend")
    story.sees(OFFICER, "The deadline is extended")


def _answer(story: Story, summary: str) -> None:
    page = story.page(LEAD, "workplan/edit")
    page.fill("[name=summary]", summary)


def test_suspended_resumed_and_terminated(site: Site, visit: Callable[..., Visitor]) -> None:
    story = Story(site, visit)
    story.found()
    story.record_award()
    story.later(3)
    _turn(story, OFFICER, "Suspend the award", "Suspend", "A question about the organisation.")
    story.page(LEAD)
    story.sees(LEAD, "Suspended since")
    story.on(story.today + timedelta(days=10), "13:00:00")
    _turn(story, OFFICER, "Resume the award", "Resume", "The question is answered.")
    # The clock stood still for ten days and an hour, which is rounded up: the 21st day is eleven days later.
    page = story.page(LEAD)
    expect(page.locator(".clock")).to_contain_text("10 dic 2021")
    story.write_plan(LEAD)
    story.submit_plan(1)
    story.approve_plan()
    _turn(story, OFFICER, "Terminate the award", "Terminate", "The organisation is in liquidation.")
    story.page(LEAD)
    story.sees(LEAD, "Nothing is due any more")
    expect(story.people[LEAD].page.get_by_role("button", name="Withdraw")).to_have_count(0)


def test_a_team_withdraws_and_its_award_stays_readable(site: Site, visit: Callable[..., Visitor]) -> None:
    story = Story(site, visit)
    story.found()
    story.record_award()
    _turn(story, LEAD, "Withdraw from the award", "Withdraw", "Our board has decided against it.")
    story.page(OFFICER)
    story.sees(OFFICER, "Nothing is due any more")
    assert any("Our board has decided against it." in mail.body for mail in site.mails_to(OFFICER))
    story.page(LEAD, "workplan/edit")
    expect(story.people[LEAD].page.locator("main")).not_to_contain_text("Check and submit")


def _turn(story: Story, who: str, summary: str, button: str, reason: str) -> None:
    page = story.page(who)
    page.get_by_text(summary).click()
    panel = page.locator("details[open]", has_text=summary)
    panel.get_by_label("Reason").fill(reason)
    panel.get_by_role("button", name=button).click()
    page.wait_for_load_state()
    story.people[who].check()
    story.page(who, "timeline")
    story.sees(who, reason)
