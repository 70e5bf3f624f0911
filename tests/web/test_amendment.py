"""Amendments read and judged: the same before and after for both sides, decided by the other, and what each person may see."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from bs4 import Tag
from flask import Flask
from sqlalchemy.orm import Session

from lab.queries.amendment import get_amendment, terms_of
from lab.rules.amendment import AmendmentKind
from lab.rules.facts import Stage
from lab.services import amendment as service
from tests.conftest import counted
from tests.factories import World, add_account
from tests.services.test_amendment import content_of, scope, send
from tests.services.test_amendment import joined as joined
from tests.web.pages import PageClient
from tests.web.test_workplan import main, words

Clients = Callable[..., PageClient]


@pytest.fixture
def world(world_at: Callable[..., World]) -> World:
    return world_at(Stage.PROTOTYPING)


def ask(world: World, now: datetime, kind: str = "budget", who: str = "lead", **content: Any) -> str:
    """An amendment that was sent; its address."""
    number = send(world, kind, who, now, **(content or content_of(world, AmendmentKind(kind))))
    return f"/awards/{world.code}/amendments/{number}"


def parts(page: Tag) -> dict[str, str]:
    """What the page says would change, by the heading of its part."""
    found = page.select("section[aria-labelledby^=change-]")
    return {str(part["aria-labelledby"]): words(part) for part in found}


def button(page: Tag, name: str) -> Tag | None:
    return next((one for one in page.select("button") if one.get_text(strip=True) == name), None)


def form_of(page: Tag, action: str) -> dict[str, str]:
    form = page.select_one(f"form[action$='/{action}']")
    assert form is not None, words(page)
    return {
        str(field["name"]): str(field.get("value", ""))
        for field in form.select("input[name]")
        if field["name"] not in ("csrf_token", "form_key")
    }


def test_both_sides_read_the_same_before_and_after(world: World, client_for: Clients, now: datetime) -> None:
    at = ask(world, now)
    lead, officer, finance = (
        parts(main(client_for(who).get(at).text)) for who in (world.lead, world.officer, world.finance)
    )
    assert lead == officer == finance
    assert lead.keys() == {"change-lines", "change-plan"}
    assert "Phones for tests" in lead["change-lines"] and "USD 9,000.00" in lead["change-lines"]
    page = words(main(client_for(world.officer).get(at).text))
    assert "Prices rose." in page and "Not touched: Last days" in page


def test_it_is_approved_as_it_was_shown(session: Session, world: World, client_for: Clients, now: datetime) -> None:
    at = ask(world, now)
    client = client_for(world.officer)
    page = main(client.get(at).text)
    answer = client.submit(f"{at}/approve", form_of(page, "approve"))
    assert answer.status_code == 303
    page = main(client.get(at).text)
    assert "What it changed" in words(page) and button(page, "Approve and apply") is None
    assert "USD 9,000.00" in parts(page)["change-lines"]
    plan = words(main(client_for(world.lead).get(f"/awards/{world.code}/workplan").text))
    assert "Licences" in plan
    listed = words(main(client_for(world.member).get(f"/awards/{world.code}/amendments").text))
    assert "1: Budget" in listed and "Accepted" in listed


def test_what_changed_meanwhile_is_shown_again(
    session: Session, world: World, client_for: Clients, now: datetime
) -> None:
    first = ask(world, now)
    second = ask(world, now, "scope", plan=scope(world, summary="Told better."))
    client = client_for(world.officer)
    stale = form_of(main(client.get(first).text), "approve")
    client.submit(f"{second}/approve", form_of(main(client.get(second).text), "approve"))
    answer = client.submit(f"{first}/approve", stale)
    page = main(answer.text)
    assert answer.status_code == 422 and "has changed since you opened this page" in words(page)
    assert "Something else was amended" not in words(page), "what it would change is the same"
    assert client.submit(f"{first}/approve", form_of(page, "approve")).status_code == 303


def test_a_reason_is_kept_when_it_is_missing_elsewhere(world: World, client_for: Clients, now: datetime) -> None:
    at = ask(world, now)
    client = client_for(world.officer)
    sent = form_of(main(client.get(at).text), "refuse")
    answer = client.submit(f"{at}/refuse", sent | {"reason": " "})
    assert answer.status_code == 422 and "Give the reason in a sentence" in words(main(answer.text))
    answer = client.submit(f"{at}/refuse", sent | {"version": "7", "reason": "Too late."})
    page = main(answer.text)
    assert answer.status_code == 422 and "A newer version came in" in words(page)
    area = page.select_one("form[action$='/refuse'] textarea")
    assert area is not None and area.text.strip() == "Too late."
    assert client.submit(f"{at}/refuse", sent | {"reason": "Too late."}).status_code == 303
    assert "Too late." in words(main(client_for(world.lead).get(at).text))


def test_sent_back_with_what_should_change(session: Session, world: World, client_for: Clients, now: datetime) -> None:
    at = ask(world, now)
    client = client_for(world.officer)
    sent = form_of(main(client.get(at).text), "changes")
    client.submit(f"{at}/changes", sent | {"reason": "Why licences?"})
    page = main(client_for(world.lead).get(at).text)
    assert "Why licences?" in words(page) and page.select_one("a[href$='/edit']") is not None
    assert main(client.get(at).text).select_one("a[href$='/edit']") is None, "the other side does not write it"


def test_taken_back_and_withdrawn(session: Session, world: World, client_for: Clients, now: datetime) -> None:
    at = ask(world, now)
    client = client_for(world.lead)
    assert client.submit(f"{at}/take-back").status_code == 303
    assert "You have taken the amendment back" in client.get(at).text
    assert client_for(world.officer).get(at).status_code == 200, "what was sent once was read"
    assert client.submit(f"{at}/withdraw").status_code == 303
    session.rollback()
    assert get_amendment(session, world.award.id, 1).state == "withdrawn"


def test_a_draft_is_its_own_side_s(world: World, client_for: Clients, now: datetime) -> None:
    service.start(world.actor(world.officer), now, world.code, "team")
    at = f"/awards/{world.code}/amendments"
    assert client_for(world.officer).get(f"{at}/1").status_code == 200
    for who in (world.lead, world.member, world.finance, world.committee):
        assert client_for(who).get(f"{at}/1").status_code == 404
        assert "Nothing has been amended yet" in client_for(who).get(at).text


def test_accounts_are_whole_only_for_those_who_may_see_them(world: World, client_for: Clients, now: datetime) -> None:
    add_account(world)
    at = ask(world, now, "account")
    for who, sees in (
        (world.lead, True),
        (world.officer, True),
        (world.finance, True),
        (world.member, False),
        (world.committee, False),
    ):
        text = client_for(who).get(at).text
        assert ("EC0000111122" in text) is sees and ("EC123456789012" in text) is sees
    assert "… 1122" in words(main(client_for(world.member).get(at).text))
    assert "1122" not in client_for(world.committee).get(at).text


def test_the_committee_decides_on_a_pilot_beyond_its_ceiling(
    session: Session, world_at: Callable[..., World], client_for: Clients, now: datetime
) -> None:
    world = world_at(Stage.PILOT)
    at = ask(world, now, "time", until="2027-05-31")
    officer, committee = client_for(world.officer), client_for(world.committee)
    page = main(officer.get(at).text)
    assert button(page, "Approve and apply") is None and "before the steering committee agrees" in words(page)
    page = main(committee.get(at).text)
    sent = form_of(page, "decision") | {"title": "Two months more", "body": "The harvest is late."}
    sent.pop("agrees", None)
    answer = committee.submit(f"{at}/decision", sent)
    page = main(answer.text)
    assert answer.status_code == 422 and "Choose whether the committee agrees" in words(page)
    title = page.select_one("[name=title]")
    assert title is not None and title["value"] == "Two months more"
    home = words(main(committee.get("/").text))
    assert re.search("pass its ceiling: amendment 1", home)
    assert committee.submit(f"{at}/decision", sent | {"agrees": "yes"}).status_code == 303
    page = main(officer.get(at).text)
    assert "The steering committee agrees: Two months more" in words(page)
    assert officer.submit(f"{at}/approve", form_of(page, "approve")).status_code == 303
    pilot = words(main(committee.get(f"/awards/{world.code}/pilot").text))
    assert "The pilot may pass its ceiling." in pilot
    session.rollback()
    world.again()
    assert terms_of(session, world.award, now)[0].pilot_ends.isoformat() == "2027-05-31"


def test_tasks_lead_to_the_amendment(world: World, client_for: Clients, now: datetime) -> None:
    at = ask(world, now)
    page = main(client_for(world.officer).get("/").text)
    link = page.select_one(f"a[href='{at}']")
    assert link is not None and "Decide on amendment 1" in words(link)


def test_a_verified_account_is_changed_by_amendment(world: World, client_for: Clients, now: datetime) -> None:
    add_account(world)
    page = main(client_for(world.lead).get(f"/awards/{world.code}/payments").text)
    assert "another account is an amendment" in words(page) and button(page, "Keep this account") is None
    page = main(client_for(world.lead).get(f"/awards/{world.code}/agreement").text)
    assert page.select_one("a[href$='/amendments']") is not None


def test_statements_stay_the_same_whatever_was_amended(
    app: Flask, world: World, client_for: Clients, now: datetime
) -> None:
    at, client = ask(world, now), client_for(world.officer)
    index = at.removesuffix("/1")

    def statements() -> list[int]:
        found = []
        for page in (at, index):
            client.get(page)
            with counted(app) as seen:
                client.get(page)
            found.append(len(seen))
        return found

    before = statements()
    for until in ("2026-11-28", "2026-11-29", "2026-11-30"):
        ask(world, now, "time", until=until)
    ask(world, now, "scope")
    assert statements() == before
    assert before[0] <= 12 and before[1] <= 10, before
