"""The page of the agreement: what is next for each role, due diligence, the text with its hash, and both signatures."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lab.models import Award, Check, Document, Event, Organisation, Signature
from lab.rules.agreement import text_hash
from lab.rules.facts import Stage
from lab.services import agreement as service
from lab.services import award as awards
from lab.services import signing, stages
from tests.conftest import counted
from tests.factories import START, World, add_document
from tests.web.pages import PageClient

WorldAt = Callable[..., World]
Clients = Callable[..., PageClient]


@pytest.fixture
def world(world_at: WorldAt) -> World:
    """An award whose workplan has just been approved."""
    world = world_at(Stage.AGREEMENT)
    stages._enter(world.award, Stage.AGREEMENT, START)
    return world.again()


def agreement(world: World) -> str:
    return f"/awards/{world.code}/agreement"


def clear_all(world: World) -> None:
    for item in world.call.definition["due_diligence"]:
        add_document(world, item["key"])
        service.clear_check(
            world.actor(world.officer), START, world.code, "due_diligence", item["key"], f"Saw {item['key']}"
        )


def open_it(world: World) -> None:
    clear_all(world)
    service.open_agreement(world.actor(world.officer), START, world.code)


def step(page: BeautifulSoup) -> str:
    found = page.find("h2", id="next-step")
    assert found is not None
    return found.text


def button(page: BeautifulSoup, label: str) -> bool | None:
    """Whether the button can be pressed; None when it is not there."""
    found = page.find("button", string=label)
    return None if found is None else not found.has_attr("disabled")


def shown_hash(page: BeautifulSoup) -> str:
    """The hash in the form to sign, which must be the one shown under the text."""
    section = page.find("section", attrs={"aria-labelledby": "text"})
    field = page.find("input", attrs={"name": "shown_hash"})
    assert section is not None and field is not None
    found = str(field["value"])
    assert section.find("code", class_="hash").text == found
    return found


def signatures(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(Signature)) or 0


@pytest.mark.parametrize("who", ["lead", "member", "officer", "finance"])
def test_at_the_gate_the_page_says_why_nothing_can_be_signed(world_at: WorldAt, client_for: Clients, who: str) -> None:
    world = world_at(Stage.WORKPLAN)
    page = client_for(getattr(world, who)).page(agreement(world))
    assert step(page) == "The workplan and budget come first"
    assert [item.text for item in page.find("ul", class_="blockers").find_all("li")] == [
        "The workplan and budget are not approved yet: the gate comes first.",
        "Due diligence is not clear: the officer checks every item.",
    ]
    assert button(page, "Open for signature") is (False if who == "officer" else None)
    assert button(page, "Sign the agreement") is None


def test_who_may_not_read_it(world: World, client_for: Clients) -> None:
    for person, status in ((world.mentor, 403), (world.committee, 403), (world.other_lead, 404), (world.admin, 404)):
        client_for(person).page(agreement(world), status)


def test_each_role_has_one_next_step(world: World, client_for: Clients) -> None:
    def steps() -> list[str]:
        return [
            step(client_for(person).page(agreement(world)))
            for person in (world.officer, world.lead, world.member, world.finance)
        ]

    checking = "The programme officer is checking due diligence"
    assert steps() == ["Clear due diligence", checking, checking, checking]
    clear_all(world)
    opening = "The programme officer opens the agreement for signature"
    assert steps() == ["Open the agreement for signature", opening, opening, opening]
    service.open_agreement(world.actor(world.officer), START, world.code)
    both = "Waiting for both signatures"
    assert steps() == ["Read and sign for the ILO", "Read and sign for the organisation", both, both]
    content = world.session.scalars(select(Document.draft).where(Document.kind == "agreement")).one()
    signing.sign(world.actor(world.lead), START, world.code, "organisation", "Lucía Lead", content["hash"])
    ours = "Waiting for the ILO’s signature"
    assert steps() == ["Read and sign for the ILO", ours, ours, ours]
    signing.sign(world.actor(world.officer), START, world.code, "ilo", "Olivia Officer", content["hash"])
    assert all(found.startswith("The agreement is in force since 2 Mar 2026") for found in steps())


def test_a_reopened_item_comes_before_the_signatures(world: World, client_for: Clients) -> None:
    open_it(world)
    service.reopen_check(world.actor(world.officer), START, world.code, "due_diligence", "references")
    page = client_for(world.lead).page(agreement(world))
    assert step(page) == "The programme officer is checking due diligence"
    assert button(page, "Sign the agreement") is None
    assert step(client_for(world.officer).page(agreement(world))) == "Clear due diligence"


# Due diligence


def test_clearing_an_item_and_reopening_it(world: World, client_for: Clients, session: Session) -> None:
    client = client_for(world.officer)
    here = f"{agreement(world)}/checks/references"
    refused = client.submit(here, {"note": "  "})
    assert refused.status_code == 422 and "Write what shows that the item is in order" in refused.text
    too_long = client.submit(here, {"note": "word " * 1001})
    assert too_long.status_code == 422 and "word word" in too_long.text
    assert session.scalars(select(Check)).all() == []
    done = client.submit(here, {"note": "Two of three called"})
    assert done.status_code == 303 and done.location.endswith("#due-diligence")
    page = client.page(agreement(world))
    article = page.find("article", id="item-references")
    assert "Two of three called" in article.text and "Olivia Officer, 2 Mar 2026" in article.text
    assert button(article, "Reopen") is True and button(article, "Clear this item") is None
    assert client.submit(f"{here}/reopen").status_code == 303
    assert session.scalars(select(Check)).one().closed_at is not None, "it stands no longer, and is kept"
    assert "Two of three called" in client.page(agreement(world)).find("article", id="item-references").text


def test_an_item_that_is_none_of_the_call(world: World, client_for: Clients) -> None:
    client = client_for(world.officer)
    assert client.submit(f"{agreement(world)}/checks/moon", {"note": "Seen"}).status_code == 404
    assert client.submit(f"{agreement(world)}/checks/presentation_held", {"note": "Seen"}).status_code == 404
    assert client.submit(f"{agreement(world)}/checks/moon/reopen").status_code == 404


def test_the_team_sees_what_is_clear_and_not_the_notes(world: World, client_for: Clients) -> None:
    clear_all(world)
    for person, reads in ((world.lead, False), (world.member, False), (world.finance, True), (world.officer, True)):
        page = client_for(person).page(agreement(world))
        article = page.find("article", id="item-references")
        assert "clear" in article.text and ("Saw references" in article.text) is reads
        assert (button(article, "Reopen") is True) is (person is world.officer)


def test_the_second_officer_keeps_what_they_typed_and_learns_who_was_first(world: World, client_for: Clients) -> None:
    here = f"{agreement(world)}/checks/references"
    client_for(world.officer).submit(here, {"note": "The first note"})
    second = client_for(world.officer).submit(here, {"note": "The second note"})
    assert second.status_code == 422
    assert "Olivia Officer has cleared this item already" in second.text
    assert "The first note" in second.text and "The second note" in second.text


def test_the_age_of_the_organisation_is_computed_and_decides(
    world: World, client_for: Clients, session: Session
) -> None:
    client = client_for(world.officer)
    article = client.page(agreement(world)).find("article", id="item-two_years")
    assert "Registered on 4 May 2001" in article.text and "closed on 30 Jun 2021" in article.text
    assert button(article, "Clear this item") is True
    organisation = session.get_one(Organisation, world.award.organisation_id)
    organisation.registered_on = date(2020, 2, 29)
    session.commit()
    article = client.page(agreement(world)).find("article", id="item-two_years")
    assert "full only on 28 Feb 2022" in article.text
    assert button(article, "Clear this item") is None
    answer = client.submit(f"{agreement(world)}/checks/two_years", {"note": "It will do"})
    assert answer.status_code == 422 and "It will do" in answer.text
    assert session.scalars(select(Check)).all() == []


def test_after_a_signature_the_page_says_why_nothing_is_reopened(world: World, client_for: Clients) -> None:
    open_it(world)
    client = client_for(world.officer)
    content = world.session.scalars(select(Document.draft).where(Document.kind == "agreement")).one()
    signing.sign(world.actor(world.lead), START, world.code, "organisation", "Lucía Lead", content["hash"])
    page = client.page(agreement(world))
    assert "The agreement bears a signature" in page.text and button(page, "Reopen") is None
    answer = client.submit(f"{agreement(world)}/checks/references/reopen", follow_redirects=True)
    assert "The agreement bears a signature" in answer.text and "alert-danger" in answer.text
    assert world.session.scalar(select(func.count()).select_from(Check)) == 5


# Opening and signing


def test_opening_shows_the_text_in_its_language(world: World, client_for: Clients) -> None:
    client = client_for(world.officer)
    early = client.submit(f"{agreement(world)}/open", follow_redirects=True)
    assert "Due diligence is not clear" in early.text and "alert-danger" in early.text
    clear_all(world)
    assert button(client.page(agreement(world)), "Open for signature") is True
    assert client.submit(f"{agreement(world)}/open").location.endswith("#text")
    for person in (world.lead, world.member, world.finance, world.officer):
        page = client_for(person).page(agreement(world))
        text = page.find(class_="agreement-text")
        assert text["lang"] == "es" and len(text.find_all("h3")) == 5
        assert "30.000,00 dólares estadounidenses" in text.text
        assert (button(page, "Sign the agreement") is True) is (person in (world.lead, world.officer))
        assert page.find(id="text") is not None and button(page, "Open for signature") is None
    again = client.submit(f"{agreement(world)}/open", follow_redirects=True)
    assert "The agreement is open already." in again.text


def test_both_sign_and_it_is_in_force(world: World, client_for: Clients, session: Session) -> None:
    open_it(world)
    lead, officer = client_for(world.lead), client_for(world.officer)
    frozen = shown_hash(lead.page(agreement(world)))
    first = lead.submit(
        f"{agreement(world)}/sign/organisation",
        {"typed_name": "Lucía Lead", "shown_hash": frozen},
        environ_base={"REMOTE_ADDR": "192.0.2.7"},
        follow_redirects=True,
    )
    assert "You have signed. The other side has been told" in first.text
    assert button(lead.page(agreement(world)), "Sign the agreement") is None
    last = officer.submit(
        f"{agreement(world)}/sign/ilo", {"typed_name": "Olivia Officer", "shown_hash": frozen}, follow_redirects=True
    )
    assert "the agreement is in force" in last.text
    session.expire_all()
    assert session.get_one(Award, world.award.id).stage == Stage.PROTOTYPING
    addresses = dict(session.execute(select(Signature.side, Signature.address)).tuples().all())
    assert addresses == {"organisation": "192.0.2.7", "ilo": "127.0.0.1"}
    for person in (world.member, world.finance):
        section = client_for(person).page(agreement(world)).find("section", attrs={"aria-labelledby": "signatures"})
        assert "In force since 2 Mar 2026" in section.text
        assert "Lucía Lead" in section.text and "Olivia Officer" in section.text
        assert [code.text for code in section.find_all("code")] == [frozen, frozen]
        assert section.text.count("It is the text on this page.") == 2


def test_a_refused_signature_keeps_what_was_typed_and_stores_nothing(
    world: World, client_for: Clients, session: Session
) -> None:
    open_it(world)
    client = client_for(world.lead)
    here = f"{agreement(world)}/sign/organisation"
    frozen = shown_hash(client.page(agreement(world)))
    for data, says in (
        ({"typed_name": "Somebody Else", "shown_hash": frozen}, "Type your full name as it stands in your account"),
        ({"typed_name": "", "shown_hash": frozen}, "Type your full name as it stands in your account"),
        ({"typed_name": "x" * 301, "shown_hash": frozen}, "keep it within 300 characters"),
        ({"typed_name": "Lucía Lead", "shown_hash": "0" * 64}, "not the one to be signed"),
        ({"typed_name": "Lucía Lead"}, "not the one to be signed"),
    ):
        answer = client.submit(here, data)
        page = BeautifulSoup(answer.text, "html.parser")
        assert answer.status_code == 422 and says in page.text
        assert page.find("input", attrs={"name": "typed_name"})["value"] == data["typed_name"]
        assert shown_hash(page) == frozen, "what is signed next is what is shown now"
    assert signatures(session) == 0


def test_the_same_signature_twice_is_one_and_the_second_is_told(
    world: World, client_for: Clients, session: Session
) -> None:
    open_it(world)
    client = client_for(world.lead)
    here = f"{agreement(world)}/sign/organisation"
    data = {"typed_name": "Lucía Lead", "shown_hash": shown_hash(client.page(agreement(world))), "form_key": "once"}
    assert client.submit(here, data).status_code == 303
    same = client.submit(here, data, follow_redirects=True)
    assert same.status_code == 200 and "It is done" in same.text
    from_another_tab = client.submit(here, {**data, "form_key": "another"})
    assert from_another_tab.status_code == 422 and "This side has signed already." in from_another_tab.text
    assert signatures(session) == 1
    assert session.scalar(select(func.count()).where(Event.kind == "agreement_signed")) == 1


def test_nobody_signs_for_the_other_side(world: World, client_for: Clients, session: Session) -> None:
    open_it(world)
    data = {"typed_name": "Olivia Officer", "shown_hash": shown_hash(client_for(world.lead).page(agreement(world)))}
    assert client_for(world.officer).submit(f"{agreement(world)}/sign/organisation", data).status_code == 403
    assert client_for(world.lead).submit(f"{agreement(world)}/sign/ilo", data).status_code == 403
    refused = client_for(world.member).submit(f"{agreement(world)}/sign/organisation", data)
    assert refused.status_code == 422 and "Lucía Lead signs for this side, under their own account." in refused.text
    assert signatures(session) == 0


def test_a_name_typed_in_small_letters_is_shown_with_the_accounts(world: World, client_for: Clients) -> None:
    open_it(world)
    content = world.session.scalars(select(Document.draft).where(Document.kind == "agreement")).one()
    signing.sign(world.actor(world.lead), START, world.code, "organisation", "lucía lead", content["hash"])
    assert "lucía lead (Lucía Lead)" in client_for(world.officer).page(agreement(world)).text


def test_a_text_that_was_tampered_with_is_noticed(world: World, client_for: Clients, session: Session) -> None:
    """Somebody with the database in hand changed a word after the signature: the page no longer calls it the same text."""
    open_it(world)
    content = session.scalars(select(Document.draft).where(Document.kind == "agreement")).one()
    signing.sign(world.actor(world.lead), START, world.code, "organisation", "Lucía Lead", content["hash"])
    signature = session.scalars(select(Signature)).one()
    signature.text_hash = text_hash({**content, "clauses": content["clauses"][:-1]})
    session.commit()
    page = client_for(world.officer).page(agreement(world))
    assert "It is not the text on this page: tell the administrator." in page.text


# Stopped awards, timeline, statements


@pytest.mark.parametrize("turn", ["suspend", "terminate"])
def test_a_stopped_award_is_read_and_offers_nothing_to_press(world: World, client_for: Clients, turn: str) -> None:
    open_it(world)
    awards.steer(world.actor(world.officer), START, world.code, turn, "A question")
    for person in (world.lead, world.officer, world.finance):
        page = client_for(person).page(agreement(world))
        assert step(page) == ("The award is suspended" if turn == "suspend" else "The award has ended: Terminated")
        assert page.find(class_="agreement-text") is not None
        assert page.main.find("button") is None


@pytest.mark.parametrize("stage", [Stage.LAPSED, Stage.WITHDRAWN])
def test_an_award_that_ended_before_its_agreement(world_at: WorldAt, client_for: Clients, stage: Stage) -> None:
    world = world_at(stage)
    world.award.ended_at = START
    world.session.commit()
    page = client_for(world.officer).page(agreement(world))
    assert "No agreement was opened before the award ended." in page.text
    assert page.main.find("button") is None


def test_the_timeline_names_the_items_and_the_sides(world: World, client_for: Clients) -> None:
    open_it(world)
    content = world.session.scalars(select(Document.draft).where(Document.kind == "agreement")).one()
    signing.sign(world.actor(world.lead), START, world.code, "organisation", "Lucía Lead", content["hash"])
    said = client_for(world.mentor).page(f"/awards/{world.code}/timeline").main.text
    assert "The organisation signed the grant agreement: Lucía Lead" in said
    assert "Checklist item cleared: References contacted" in said
    assert "Saw references" not in said, "the notes stay with the ILO"


def test_statements_stay_the_same_whatever_is_checked_and_signed(app: Flask, world: World, client_for: Clients) -> None:
    client, here = client_for(world.officer), agreement(world)

    def statements() -> int:
        with counted(app) as seen:
            client.page(here)
        return len(seen)

    before = statements()
    open_it(world)
    content = world.session.scalars(select(Document.draft).where(Document.kind == "agreement")).one()
    signing.sign(world.actor(world.lead), START, world.code, "organisation", "Lucía Lead", content["hash"])
    signing.sign(world.actor(world.officer), START, world.code, "ilo", "Olivia Officer", content["hash"])
    # What it obliges to is a statement more.
    assert statements() == before + 1 <= 12
