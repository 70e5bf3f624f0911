"""Pages of a negotiated agreement: the draft, a clause, its conflict, the texts taken back, and what is owed under it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from bs4 import BeautifulSoup
from flask import Flask

from lab import models as m
from lab.rules.facts import Stage
from lab.services import agreement, clauses, signing, stages
from tests.conftest import counted
from tests.factories import START, World, add_document
from tests.frozen import freeze
from tests.web.pages import PageClient

WorldAt = Callable[..., World]
Clients = Callable[..., PageClient]


@pytest.fixture
def world(world_at: WorldAt) -> World:
    """An agreement that has just been drafted."""
    world = world_at(Stage.AGREEMENT)
    stages._enter(world.award, Stage.AGREEMENT, START)
    world.again()
    clauses.draft_agreement(world.actor(world.officer), START, world.code)
    return world


def here(world: World, rest: str = "") -> str:
    return f"/awards/{world.code}/agreement{rest}"


CLAUSE = "/clauses/financial_reporting"
# What that clause obliges to.
ALL = ["accounts", "final_accounts", "vouchers"]
VOUCHERS = "Conservar los documentos: facturas y comprobantes, cinco años después del piloto"


def open_it(world: World) -> None:
    for item in world.call.definition["due_diligence"]:
        add_document(world, item["key"])
        agreement.clear_check(world.actor(world.officer), START, world.code, "due_diligence", item["key"], "Seen")
    agreement.open_agreement(world.actor(world.officer), START, world.code)


def test_both_sides_read_the_draft_and_go_to_its_clauses(world: World, client_for: Clients, app: Flask) -> None:
    for person in (world.lead, world.member, world.officer, world.finance):
        client, path = client_for(person), here(world)
        with counted(app) as seen:
            page = client.page(path)
        assert len(seen) <= 12
        links = [link["href"] for link in page.find_all("a") if "/clauses/" in link.get("href", "")]
        assert len(links) == 5
        with counted(app) as seen:
            client.page(links[1])
        assert len(seen) <= 12
    client_for(world.mentor).page(here(world, CLAUSE), 403)
    client_for(world.other_lead).page(here(world, CLAUSE), 404)
    client_for(world.lead).page(here(world, "/clauses/moon"), 404)


def test_what_was_removed_and_added_is_said_in_words_too(world: World, client_for: Clients) -> None:
    client = client_for(world.officer)
    page = client.page(here(world, CLAUSE))
    text = page.find("textarea", attrs={"name": "text"}).text.strip()
    data = {"text": text.replace("cinco", "tres"), "revision": "1", "standing": ALL}
    assert client.submit(here(world, f"{CLAUSE}/change"), data).status_code == 303
    page = client_for(world.lead).page(here(world, CLAUSE))
    assert "(removed:" in page.find("del").text and "cinco" in page.find("del").text
    assert "(added:" in page.find("ins").text and "tres" in page.find("ins").text


def test_an_older_page_gets_the_newer_wording_beside_its_own(world: World, client_for: Clients) -> None:
    client = client_for(world.officer)
    first = {"text": "The first.", "revision": "1", "standing": ALL[:2], "drop_rest": "y"}
    assert client.submit(here(world, f"{CLAUSE}/change"), first).status_code == 303
    answer = client.submit(
        here(world, f"{CLAUSE}/change"), {"text": "The second.", "revision": "1", "standing": ALL[1:]}
    )
    assert answer.status_code == 409
    ticks = BeautifulSoup(answer.text, "html.parser").find_all("input", {"name": "standing"})
    assert [(tick["value"], tick.has_attr("checked")) for tick in ticks] == [
        ("accounts", False), ("final_accounts", True), ("vouchers", True)
    ]  # fmt: skip
    assert "The first." in answer.text and "The second." in answer.text and 'value="2"' in answer.text


def test_whoever_rewords_it_sees_and_says_what_it_still_obliges_to(world: World, client_for: Clients) -> None:
    client = client_for(world.officer)
    page = client.page(here(world, CLAUSE))
    ticks = page.find_all("input", {"name": "standing"})
    assert [tick["value"] for tick in ticks] == ALL and not any(tick.has_attr("checked") for tick in ticks)
    labels = [page.find("label", {"for": tick["id"]}) for tick in ticks]
    assert VOUCHERS in labels[2].text and labels[2]["lang"] == "es"
    text = page.find("textarea", attrs={"name": "text"}).text.strip().replace("cinco años", "un año")
    data = {"text": text, "revision": "1", "standing": ALL[:2]}
    refused = client.submit(here(world, f"{CLAUSE}/change"), data)
    assert (
        refused.status_code == 422
        and "Tick each obligation that still stands" in refused.text
        and "un año" in refused.text
    )
    assert client.submit(here(world, f"{CLAUSE}/change"), data | {"drop_rest": "y"}).status_code == 303
    for person in (world.lead, world.member, world.officer):
        page = client_for(person).page(here(world, CLAUSE))
        now = page.find("section", attrs={"aria-labelledby": "now"})
        assert VOUCHERS not in now.text and "Informe final narrativo y financiero" in now.text
        compared = page.find("section", attrs={"aria-labelledby": "wordings"})
        assert [VOUCHERS in gone.text for gone in compared.find_all("del") if "Quién" in gone.text] == [True, True]
        assert "No longer an obligation:" in compared.text
    # It can come back.
    tick = client.page(here(world, CLAUSE)).find("input", {"name": "standing", "value": "vouchers"})
    assert "no longer stands" in tick.find_next("label").text
    back = {"text": text, "revision": "2", "standing": ALL}
    assert client.submit(here(world, f"{CLAUSE}/change"), back).status_code == 303
    page = client_for(world.lead).page(here(world, CLAUSE))
    assert (
        "An obligation again:" in page.text and VOUCHERS in page.find("section", attrs={"aria-labelledby": "now"}).text
    )


def test_what_it_obliges_to_stands_under_the_text_wherever_it_is_shown(world: World, client_for: Clients) -> None:
    lead = client_for(world.lead)
    said = "Hasta: 60 meses tras el final del piloto"
    draft = lead.page(here(world)).find("section", attrs={"aria-labelledby": "draft"})
    assert VOUCHERS in draft.text and said in draft.text
    open_it(world)
    for path in (here(world), here(world, "/versions/1")):
        page = lead.page(path)
        shown = page.find("div", class_="agreement-text")
        assert shown["lang"] == "es" and "Obligaciones de esta cláusula" in shown.text
        assert VOUCHERS in shown.text and said in shown.text
        assert "SHA-256 of this text with its obligations" in page.text


def test_a_text_from_before_says_that_its_hash_leaves_obligations_out(world_at: WorldAt, client_for: Clients) -> None:
    world = world_at(Stage.AGREEMENT)
    freeze(world, form=1)
    for path in (here(world), here(world, "/versions/1")):
        page = client_for(world.lead).page(path)
        assert VOUCHERS in page.find("div", class_="agreement-text").text
        assert "are shown, and are no part of it" in page.text and "with its obligations" not in page.text


def test_a_place_that_nothing_fills_is_refused_and_what_was_typed_is_kept(world: World, client_for: Clients) -> None:
    officer, lead = client_for(world.officer), client_for(world.lead)
    for client, path, field, more in (
        (officer, "/change", "text", {"revision": "1", "standing": ALL}),
        (lead, "/talk", "proposal", {"body": "How much?"}),
    ):
        answer = client.submit(here(world, CLAUSE + path), {field: "Se pagan {amount}.", **more})
        assert answer.status_code == 422
        page = BeautifulSoup(answer.text, "html.parser")
        assert "“{amount}” would be signed as it stands here" in page.find(class_="error-summary").text
        assert page.find("textarea", attrs={"name": field}).text.strip() == "Se pagan {amount}."


def test_a_proposal_is_held_against_the_wording_that_its_author_had(world: World, client_for: Clients) -> None:
    officer, lead = world.actor(world.officer), world.actor(world.lead)
    clauses.change_clause(officer, START, world.code, "financial_reporting", "Kept for five years.", 1, ALL)
    clauses.discuss_clause(lead, START, world.code, "financial_reporting", "", "Kept for three years.")

    def panel(person: m.Person) -> BeautifulSoup:
        return client_for(person).page(here(world, CLAUSE)).find("section", attrs={"aria-labelledby": "reword"})

    shown = panel(world.officer)
    assert "Proposed last, by Lucía Lead, against wording 2:" in shown.text
    assert "reworded since" not in shown.text and "five" in shown.find("del").text
    clauses.change_clause(officer, START, world.code, "financial_reporting", "Shown for four years.", 2, ALL)
    shown = panel(world.officer)
    assert "against wording 2:" in shown.text and "The clause was reworded since" in shown.text
    then, now = (" ".join(gone.text for gone in part.find_all("del")) for part in shown.find_all("p", class_="prose"))
    assert "five" in then and "four" not in then and "four" in now and "Shown" in now and "five" not in now
    talk = client_for(world.lead).page(here(world, CLAUSE)).find("section", attrs={"aria-labelledby": "talk"})
    assert "Proposes this, against wording 2:" in talk.text and "five" in talk.find("del").text
    clauses.change_clause(officer, START, world.code, "financial_reporting", "Kept for three years.", 3, ALL)
    shown = panel(world.officer)
    assert "It is the text now." in shown.text and "reworded since" not in shown.text


def test_a_reason_is_asked_for_while_a_clause_is_talked_about(world: World, client_for: Clients) -> None:
    client_for(world.lead).submit(here(world, f"{CLAUSE}/talk"), {"body": "Not yet.", "proposal": ""})
    for item in world.call.definition["due_diligence"]:
        add_document(world, item["key"])
        agreement.clear_check(world.actor(world.officer), START, world.code, "due_diligence", item["key"], "Seen")
    client = client_for(world.officer)
    listed = "Still being talked about: “Informes financieros”"
    for person in (world.lead, world.officer):
        opening = client_for(person).page(here(world)).find("section", attrs={"aria-labelledby": "opening"})
        assert "Everything is in order" not in opening.text and "Everything else is in order" in opening.text
        assert opening.text.count(listed) == 1
    refused = client.submit(here(world, "/open"), {"reason": ""})
    assert refused.status_code == 422 and refused.text.count(listed) == 1
    page = BeautifulSoup(refused.text, "html.parser")
    said = "Give the reason for opening it while clauses are talked about"
    assert [said in page.find(class_=where).text for where in ("error-summary", "field-error")] == [True, True]
    assert refused.text.count(said) == 2, "once on top, once at its field"
    assert client.submit(here(world, "/open"), {"reason": "Agreed on the telephone."}).status_code == 303


def test_a_text_that_was_taken_back_stays_readable(world: World, client_for: Clients) -> None:
    open_it(world)
    client = client_for(world.officer)
    assert client.submit(here(world, "/take-back"), {"reason": " "}).status_code == 422
    assert client.submit(here(world, "/take-back"), {"reason": "A name was wrong."}).status_code == 303
    page = client_for(world.lead).page(here(world, "/versions/1"))
    assert "A name was wrong." in page.text and "Taken back by Olivia Officer" in page.text
    client_for(world.lead).page(here(world, "/versions/2"), 404)


def test_the_lead_sees_what_the_team_provided_and_no_note(world: World, client_for: Clients) -> None:
    add_document(world, "non_profit", world.member)
    add_document(world, "no_suspicion", world.officer)
    page = client_for(world.lead).page(here(world))
    assert "non_profit.pdf" in page.text and "no_suspicion.pdf" not in page.text
    page = client_for(world.member).page(here(world))
    assert "non_profit.pdf" not in page.text


def test_what_it_obliges_to_is_shown_and_noted_as_done(world: World, client_for: Clients) -> None:
    open_it(world)
    content = clauses.agreement_document(world.session, world.award.id)
    assert content is not None
    frozen = content.draft["hash"]
    signing.sign(world.actor(world.lead), START, world.code, "organisation", world.lead.name, frozen)
    signing.sign(world.actor(world.officer), START, world.code, "ilo", world.officer.name, frozen)
    client = client_for(world.lead)
    page = client.page(here(world))
    form = page.find("form", action=lambda action: action and "/duties/" in action)
    path = form["action"].split("#")[0]
    assert client.submit(path, {"note": " "}).status_code == 422
    assert client.submit(path, {"note": "On every page."}).status_code == 303
    assert "On every page. (Lucía Lead" in client.page(here(world)).text


def test_what_is_opened_is_the_text_that_the_page_showed(world: World, client_for: Clients) -> None:
    for item in world.call.definition["due_diligence"]:
        add_document(world, item["key"])
        agreement.clear_check(world.actor(world.officer), START, world.code, "due_diligence", item["key"], "Seen")
    client = client_for(world.officer)
    shown = client.page(here(world)).find("input", {"name": "shown_hash"})["value"]
    clauses.change_clause(world.actor(world.officer), START, world.code, "financial_reporting", "Anew.", 1, ALL)
    assert client.submit(here(world, "/open"), {"reason": "", "shown_hash": shown}).status_code == 303
    page = client.page(here(world))
    assert "The text was changed since you opened this page" in page.text and page.find(id="opening")
    shown = page.find("input", {"name": "shown_hash"})["value"]
    client.submit(here(world, "/open"), {"reason": "", "shown_hash": shown})
    assert "Open for signature" in client.page(here(world)).text and not client.page(here(world)).find(id="opening")


def test_a_text_that_was_taken_back_is_neither_printed_nor_checked_against(world: World, client_for: Clients) -> None:
    open_it(world)
    client = client_for(world.lead)
    assert client.get(here(world, ".pdf")).status_code == 200
    clauses.take_back(world.actor(world.officer), START, world.code, "A clause is missing.")
    assert client.get(here(world, ".pdf")).status_code == 404
    assert "There is nothing to check yet" in client.page(here(world, "/verify")).text
