"""The start page: what each person owes and is owed, and that nobody stands before an empty one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from sqlalchemy.orm import Session

from lab.rules.facts import Role, Stage
from lab.rules.obligations import ObligationKind, Party
from lab.services import stages
from lab.services.steps import discharge, owe
from tests import factories
from tests.conftest import NOON, counted
from tests.factories import World
from tests.web.pages import PageClient

ClientFor = Callable[..., PageClient]


@pytest.fixture
def world(world_at: Callable[..., World]) -> World:
    return world_at()


def _titles(page: BeautifulSoup, section: str) -> list[str]:
    found = page.find("section", attrs={"aria-labelledby": section})
    return [tag.text for tag in found.select(".tasks .what a")] if found else []


def _hrefs(page: BeautifulSoup) -> list[str]:
    return [str(tag["href"]) for tag in page.find("main").find_all("a")]


def test_the_team_sees_what_it_owes_soonest_first(world: World, client_for: ClientFor, session: Session) -> None:
    sooner = NOON + timedelta(days=3)
    owe(world.award, ObligationKind.ENTER_ACCOUNT, Party.TEAM, Party.FINANCE, sooner, NOON)
    session.commit()
    for who in (world.lead, world.member):
        page = client_for(who).page("/")
        assert page.h1.text == "2 things are due from you"
        assert _titles(page, "mine") == ["Enter the organisation's bank account", "Submit the workplan and budget"]
        assert _hrefs(page)[0].startswith(f"/awards/{world.code}/payments")
        assert _hrefs(page)[1].startswith(f"/awards/{world.code}/workplan")
        assert "16 Mar 2026, 17:59 in Guayaquil (16 Mar 2026, 23:59 in Geneva)" in " ".join(page.text.split())
        assert f"/awards/{world.code}" in _hrefs(page)
        assert world.other_award.project not in page.text


def test_the_officer_waits_for_the_team_and_then_owes_the_review(
    world: World, client_for: ClientFor, session: Session
) -> None:
    page = client_for(world.officer).page("/")
    assert page.h1.text == "You owe nothing now"
    assert _titles(page, "mine") == [] and len(_titles(page, "others")) == 2
    assert "the team" in page.find("section", attrs={"aria-labelledby": "others"}).text.lower()
    discharge(world.award, ObligationKind.SUBMIT_WORKPLAN, NOON)
    owe(world.award, ObligationKind.REVIEW_WORKPLAN, Party.OFFICER, Party.TEAM, NOON + timedelta(days=10), NOON)
    session.commit()
    page = client_for(world.officer).page("/")
    assert page.h1.text == "1 thing is due from you"
    assert _hrefs(page)[0].startswith(f"/awards/{world.code}/workplan")


def test_another_officers_awards_are_not_mine(world: World, client_for: ClientFor, session: Session) -> None:
    other = factories.person(session, Role.OFFICER)
    session.commit()
    page = client_for(other).page("/")
    assert world.award.project not in page.text
    assert {"/awards/new", "/awards"} <= set(_hrefs(page))


def test_the_committee_is_led_to_the_pilots_of_each_of_its_calls(world: World, client_for: ClientFor) -> None:
    page = client_for(world.committee).page("/")
    assert f"/calls/{world.call.code}/pilots" in _hrefs(page)
    assert "/calls/another-call/pilots" not in _hrefs(page)
    assert f"/awards/{world.code}" in _hrefs(page)
    assert f"/awards/{world.other_award.code}" not in _hrefs(page)


def test_finance_has_its_queue(world: World, client_for: ClientFor, session: Session) -> None:
    assert "No account, payment or return waits for finance." in client_for(world.finance).page("/").text
    due = NOON + timedelta(days=10)
    owe(world.award, ObligationKind.VERIFY_ACCOUNT, Party.FINANCE, Party.TEAM, due, NOON)
    session.commit()
    page = client_for(world.finance).page("/")
    assert len(_titles(page, "mine")) == 1
    assert _hrefs(page)[0].startswith(f"/awards/{world.code}/payments")
    assert "/awards" in _hrefs(page)


def test_the_administrator_has_people_mails_and_security_and_no_award(world: World, client_for: ClientFor) -> None:
    page = client_for(world.admin).page("/")
    assert _hrefs(page) == ["/people", "/outbox", "/security"]
    assert world.award.project not in page.text


def test_a_mentor_has_the_awards_they_follow(world: World, client_for: ClientFor) -> None:
    page = client_for(world.mentor).page("/")
    assert f"/awards/{world.code}" in _hrefs(page)
    assert "When something is due it stands here" in page.text


def test_nobody_signed_in_is_sent_to_sign_in(world: World, client_for: ClientFor) -> None:
    answer = client_for(None).get("/")
    assert answer.status_code == 302 and "/login" in answer.location


@pytest.mark.parametrize("who", ["lead", "officer", "finance", "committee", "mentor"])
def test_statements_stay_the_same_with_ten_times_the_awards(
    app: Flask, world: World, client_for: ClientFor, session: Session, who: str
) -> None:
    client = client_for(getattr(world, who))

    def statements() -> int:
        with counted(app) as seen:
            client.page("/")
        return len(seen)

    before = statements()
    for _n in range(40):
        award = factories.make_award(session, world.call, world.officer)
        for role in (Role.LEAD, Role.MENTOR):
            session.add(
                factories.m.TeamMember(
                    award_id=award.id, person_id=getattr(world, role.value).id, role=role, since=factories.START
                )
            )
        session.flush()
        stages.settle(award, NOON)
    session.commit()
    assert statements() == before <= 10
    if who == "lead":
        page = client.page("/")
        assert page.h1.text == "41 things are due from you"
        assert "and 11 more, due later" in page.text and len(_titles(page, "mine")) == 30


def test_an_ended_award_owes_nothing(world_at: Callable[..., World], client_for: ClientFor) -> None:
    world = world_at(Stage.TERMINATED)
    world.award.ended_at = NOON
    world.session.commit()
    page = client_for(world.lead).page("/")
    assert world.award.project in page.find("section", attrs={"aria-labelledby": "awards"}).text
