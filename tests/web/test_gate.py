"""The gate's clock and meter: on every page of an award at it, with what made the clock what it is, to everybody's understanding."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from bs4 import BeautifulSoup, Tag
from sqlalchemy.orm import Session

from lab.rules.facts import Stage
from lab.services import award, stages, workplan
from tests.factories import PLAN, World
from tests.web.pages import PageClient
from tests.web.test_workplan import flat, words

Clients = Callable[..., PageClient]
At = Callable[[str], None]


@pytest.fixture
def world(world_at: Callable[..., World]) -> World:
    return world_at()


def handed_in(world: World, now: datetime, plan: dict[str, Any] = PLAN, revision: int = 0) -> None:
    lead = world.actor(world.lead)
    revision = workplan.save_draft(lead, now, world.code, plan, revision)
    workplan.submit_plan(lead, now, world.code, revision)


def gate(page: BeautifulSoup) -> Tag:
    found = page.select_one(".gate")
    assert found is not None
    return found


def test_pauses_and_extensions_are_listed_to_whoever_may_see_the_award(
    world: World, client_for: Clients, now: datetime, at: At
) -> None:
    officer = world.actor(world.officer)
    handed_in(world, now)
    workplan.request_changes(officer, now + timedelta(days=2, hours=3), world.code, 1, {"summary": "More"})
    workplan.extend_deadline(officer, now + timedelta(days=3), world.code, 5, "Floods in the city")
    award.steer(officer, now + timedelta(days=4), world.code, "suspend", "A question")
    award.steer(officer, now + timedelta(days=5), world.code, "resume", "Answered")
    at("2026-03-08T12:00:00Z")
    for who in (world.lead, world.mentor, world.committee, world.officer, world.finance):
        text = words(gate(client_for(who).page(f"/awards/{world.code}/timeline")))
        assert "21 days from the notice of 23 Feb 2026" in text
        assert "Review by the ILO from 2 Mar 2026" in text and "it stood still for 2 days 3 hours" in text
        assert "Extended by 5 days on 5 Mar 2026" in text and "by Olivia Officer: Floods in the city" in text
        assert "Suspended from 6 Mar 2026" in text and "it stood still for 1 day" in text
        # 16 March and five days, and three days and three hours of standing still, to the end of the day.
        assert "25 Mar 2026, " in text
        assert "reload" not in text
        assert "rounded up to the end of the day" in text
    ticking = gate(client_for(world.lead).page(f"/awards/{world.code}")).select_one("[data-countdown]")
    assert "rounded up" not in words(gate(client_for(world.other_lead).page(f"/awards/{world.other_award.code}")))
    assert ticking is not None and int(str(ticking["data-countdown"])) > 0


def test_a_clock_that_stands_still_does_not_tick(world: World, client_for: Clients, now: datetime, at: At) -> None:
    handed_in(world, now)
    at("2026-03-05T12:00:00Z")
    for who in (world.lead, world.officer):
        found = gate(client_for(who).page(f"/awards/{world.code}"))
        assert not found.select("[data-countdown]") and not found.select("progress")
        assert "it has stood still for 3 days" in words(found)


def test_suspended_at_the_gate(session: Session, world: World, client_for: Clients, now: datetime) -> None:
    stages.move(world.award, "suspend", world.actor(world.officer), "A reason", now)
    session.commit()
    text = words(gate(client_for(world.lead).page(f"/awards/{world.code}")))
    assert "Clock stopped: the award is suspended" in text and "are left once the award goes on" in text


def test_run_out_and_extended_once_and_again(world: World, client_for: Clients, at: At) -> None:
    at("2026-03-20T12:00:00Z")
    lead, officer = client_for(world.lead), client_for(world.officer)
    assert "3 days late" in words(gate(lead.page(f"/awards/{world.code}")))
    for days in (5, 2):
        page = officer.page(f"/awards/{world.code}/workplan")
        shown = page.select_one("form[action*='/extend'] input[name$=shown]")
        assert shown is not None
        form = {"days": str(days), "reason": "Floods", "shown": str(shown["value"])}
        assert officer.submit(f"/awards/{world.code}/workplan/extend", form).status_code == 303
    text = words(gate(lead.page(f"/awards/{world.code}")))
    assert "23 Mar 2026, 17:59 in Guayaquil" in text and text.count("Floods") == 2
    assert "Extended by 5 days" in text and "Extended by 2 days" in text


def test_behind_the_gate_there_is_none(world_at: Callable[..., World], client_for: Clients) -> None:
    world = world_at(Stage.PROTOTYPING)
    assert client_for(world.lead).page(f"/awards/{world.code}").select_one(".gate") is None


# The meter ----------------------------------------------------------------------------------------------------------


def test_the_meter_counts_and_leads_to_each_field(world: World, client_for: Clients) -> None:
    plan = copy.deepcopy(PLAN)
    plan["activities"].append({"id": "a2", "title": "Train", "starts_on": "2026-05-01", "ends_on": "2026-05-02"})
    plan["activities"][1] |= {"deliverable": "Tutors", "milestone": "gone"}
    client = client_for(world.lead)
    client.submit(f"/awards/{world.code}/workplan/edit", flat(plan, do="save"))
    edit = f"/awards/{world.code}/workplan/edit"
    # Thirteen of the activities, five of the milestones, fifteen of the budget, and the summary.
    for tail, where in (("/edit", ""), ("/check", f"{edit}?check=1"), ("", f"{edit}?check=1")):
        page = client.page(f"/awards/{world.code}/workplan{tail}")
        assert "32 of 34 in order" in words(page.main), tail
        links = {str(a["href"]) for a in page.main.select(".blockers a")}  # type: ignore[union-attr]
        assert links == {f"{where}#activities-1-owner", f"{where}#activities-1-milestone"}, tail
        assert words(gate(page)).count("32 of 34 in order") == 1
    checked = client.page(f"{edit}?check=1")
    for place in ("activities-1-owner", "activities-1-milestone"):
        assert checked.find(id=place) and checked.find(id=f"{place}-error"), place
    assert "no longer in the plan" in words(checked.find(id="activities-1-milestone"))


def test_the_meter_moves_as_one_types(world: World, client_for: Clients) -> None:
    client, fetch = client_for(world.lead), {"X-Requested-With": "fetch"}
    path = f"/awards/{world.code}/workplan/draft"
    first = client.submit(path, flat({**PLAN, "summary": ""}), headers=fetch).json["html"]
    assert "27 of 28 in order" in first and 'href="#summary"' in first
    assert "28 of 28 in order" in client.submit(path, flat(PLAN, 1), headers=fetch).json["html"]


def test_those_who_do_not_write_see_how_far_it_is_and_no_more(world: World, client_for: Clients) -> None:
    client_for(world.lead).submit(f"/awards/{world.code}/workplan/edit", flat(PLAN, do="save"))
    page = client_for(world.officer).page(f"/awards/{world.code}/workplan")
    assert "28 of 28 in order" in words(gate(page)) and not gate(page).select("a")
    assert PLAN["summary"] not in page.text


# The ILO's own clock ------------------------------------------------------------------------------------------------


def test_the_ilos_own_time_is_told_to_both_sides(world: World, client_for: Clients, now: datetime, at: At) -> None:
    handed_in(world, now)
    at("2026-03-06T19:00:00Z")
    said = "3 days 3 hours left of 7 days"
    home = words(client_for(world.officer).page("/").main)
    assert f"Version 1 waits, and the team’s clock stands still: {said}" in home
    for who in (world.lead, world.officer):
        page = client_for(who).page(f"/awards/{world.code}/workplan")
        assert said in words(page.select_one(".next-step")), who.name
    at("2026-03-11T12:00:00Z")
    assert "1 day 13 hours over the 7 days" in words(client_for(world.officer).page("/").main)
    assert "1 day 13 hours over the 7 days" in words(client_for(world.lead).page(f"/awards/{world.code}").main)
