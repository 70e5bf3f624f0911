"""Signing on its pages: who is named, the form for whoever's turn it is, papers with their scans, and a recent sign-in."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import timedelta

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from flask_security.utils import hash_password
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from lab import clock
from lab.models import Award, Event, Signatory, Signature, Upload
from lab.rules.facts import Stage
from tests.conftest import counted
from tests.factories import World
from tests.frozen import freeze
from tests.web.pages import PageClient

Clients = Callable[..., PageClient]
PASSWORD = "a long enough password"
SCAN = b"%PDF-1.7\n1 0 obj\n<< >>\nendobj\n"


@pytest.fixture
def world(world_at: Callable[..., World]) -> World:
    return world_at(Stage.AGREEMENT)


@pytest.fixture
def frozen(world: World) -> str:
    return freeze(world)


def here(world: World, rest: str = "") -> str:
    return f"/awards/{world.code}/agreement{rest}"


def send(client: PageClient, world: World, frozen: str, side: str = "ilo", **fields: object) -> TestResponse:
    name = "Olivia Officer" if side == "ilo" else "Lucía Lead"
    form: dict[str, object] = {
        "name": name, "function": "Director", "signed_on": "2026-03-02", "hash_start": frozen[:8],
        "file": (io.BytesIO(SCAN), "signed.pdf"),
    }  # fmt: skip
    return client.submit(here(world, f"/paper/{side}"), form | fields)  # type: ignore[arg-type]


def count(session: Session, table: type) -> int:
    session.rollback()
    return session.scalar(select(func.count()).select_from(table)) or 0


def soup(answer: TestResponse) -> BeautifulSoup:
    return BeautifulSoup(answer.text, "html.parser")


def side_of(page: BeautifulSoup, label: str) -> BeautifulSoup:
    section = page.find("section", attrs={"aria-labelledby": "signatures"})
    assert section is not None
    return next(one for one in section.find_all("article") if one.h3.text.startswith(label))


# Who signs


def test_naming_somebody_without_an_account(world: World, frozen: str, client_for: Clients, session: Session) -> None:
    lead = client_for(world.lead)
    page = lead.page(here(world, "/signatory/organisation"))
    offered = [label.text for label in page.find_all("label") if label.find_previous("fieldset")]
    assert "Lucía Lead" in offered and "Mateo Member" in offered and "Olivia Officer" not in offered
    refused = lead.submit(
        here(world, "/signatory/organisation"), {"person": "0", "name": "Dolores <b>", "function": ""}
    )
    assert refused.status_code == 422 and "Write what this person is" in refused.text
    assert soup(refused).find("input", attrs={"name": "name"})["value"] == "Dolores <b>"
    done = lead.submit(
        here(world, "/signatory/organisation"),
        {"person": "0", "name": "Dolores Director", "function": "Executive director"},
        follow_redirects=True,
    )
    assert "It is noted who signs." in done.text
    page = lead.page(here(world))
    assert "Have Dolores Director sign for the organisation" in page.find("h2", id="next-step").text
    assert page.find("button", string="Sign the agreement") is None
    article = side_of(page, "The organisation")
    assert "Executive director" in article.text and "Signs on paper" in article.text
    assert count(session, Signatory) == 1


def test_a_named_member_gets_the_form(world: World, frozen: str, client_for: Clients) -> None:
    form = {"person": str(world.member.id), "name": "", "function": "Treasurer"}
    assert client_for(world.lead).submit(here(world, "/signatory/organisation"), form).status_code == 303
    assert client_for(world.lead).page(here(world)).find("button", string="Sign the agreement") is None
    member = client_for(world.member)
    assert member.page(here(world)).find("button", string="Sign the agreement") is not None
    done = member.submit(here(world, "/sign/organisation"), {"typed_name": "Mateo Member", "shown_hash": frozen})
    assert done.status_code == 303
    assert "Treasurer" in side_of(member.page(here(world)), "The organisation").text


@pytest.mark.parametrize("person", ["", "x", "-3", "999999", "99999999999999999999", "１"])
def test_nobody_is_named_by_a_number_that_is_nobodys(
    world: World, frozen: str, client_for: Clients, session: Session, person: str
) -> None:
    answer = client_for(world.lead).submit(here(world, "/signatory/organisation"), {"person": person, "function": "F"})
    assert answer.status_code in (404, 422)
    assert count(session, Signatory) == 0


def test_after_the_signature_the_page_says_why_nobody_is_named(world: World, frozen: str, client_for: Clients) -> None:
    lead = client_for(world.lead)
    lead.submit(here(world, "/sign/organisation"), {"typed_name": "Lucía Lead", "shown_hash": frozen})
    page = lead.page(here(world, "/signatory/organisation"))
    assert "This side has signed already." in page.text and page.find("button", string="Name this person") is None
    assert side_of(lead.page(here(world)), "The organisation").find("a", string="Name who signs") is None


@pytest.mark.parametrize("path", ["/signatory/organisation", "/paper/organisation"])
def test_each_side_arranges_its_own(world: World, frozen: str, client_for: Clients, path: str) -> None:
    for person in (world.member, world.officer, world.finance, world.mentor, world.committee):
        client_for(person).page(here(world, path), 403)
        assert client_for(person).submit(here(world, path)).status_code == 403
    client_for(world.lead).page(here(world, path.replace("organisation", "ilo")), 403)
    client_for(world.other_lead).page(here(world, path), 404)


# On paper


def test_a_paper_with_its_scan(world: World, frozen: str, client_for: Clients, session: Session) -> None:
    officer = client_for(world.officer)
    page = officer.page(here(world, "/paper/ilo"))
    assert page.find("input", attrs={"name": "name"})["value"] == "Olivia Officer"
    assert page.find("input", attrs={"name": "hash_start"}).get("value", "") == "", "it is typed off the paper"
    assert send(officer, world, frozen).location.endswith("#signatures")
    for person in (world.officer, world.lead, world.member, world.finance):
        article = side_of(client_for(person).page(here(world)), "The ILO")
        assert "Signed on paper, dated 2 Mar 2026. Recorded by Olivia Officer" in article.text
        link = article.find("a", string="signed.pdf")
        assert client_for(person).get(link["href"]).data == SCAN
        assert (article.find("a", href=here(world, "/paper/ilo")) is not None) is (person is world.officer)
    assert client_for(world.mentor).get(link["href"]).status_code == 404
    assert session.scalars(select(Signature.address)).one() == "127.0.0.1"


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"hash_start": "ffffffff"}, "another text"),
        ({"hash_start": ""}, "first 8 characters"),
        ({"signed_on": "2026-03-03"}, "still to come"),
        ({"signed_on": "2026-02-28"}, "frozen on 2 Mar 2026"),
        ({"signed_on": "yesterday"}, "is not a date"),
        ({"name": "Lucía Lead"}, "For this side Olivia Officer signs."),
        ({"file": (io.BytesIO(b""), "")}, "Choose the scan"),
        ({"file": (io.BytesIO(b"words"), "signed.txt")}, "PDF, PNG, JPG"),
        ({"file": (io.BytesIO(b"MZ"), "signed.pdf")}, "signed.pdf"),
    ],
)
def test_a_refused_paper_keeps_what_was_typed(
    world: World, frozen: str, client_for: Clients, session: Session, fields: dict[str, object], says: str
) -> None:
    answer = send(client_for(world.officer), world, frozen, **fields)
    page = soup(answer)
    assert answer.status_code == 422 and says in page.text
    assert page.find("input", attrs={"name": "function"})["value"] == "Director"
    for name in ("hash_start", "signed_on", "name"):
        if name in fields:
            assert page.find("input", attrs={"name": name}).get("value", "") == fields[name]
    assert count(session, Signature) == count(session, Upload) == 0


def test_the_same_paper_twice_is_one(world: World, frozen: str, client_for: Clients, session: Session) -> None:
    officer = client_for(world.officer)
    assert send(officer, world, frozen, form_key="once").status_code == 303
    again = send(officer, world, frozen, form_key="once")
    assert again.status_code == 303 and again.location.endswith("#signatures")
    assert count(session, Signature) == count(session, Upload) == 1
    assert session.scalar(select(func.count()).where(Event.kind == "agreement_signed_on_paper")) == 1


def test_a_paper_is_replaced_and_the_first_stays_readable(world: World, frozen: str, client_for: Clients) -> None:
    officer = client_for(world.officer)
    send(officer, world, frozen)
    assert "This takes the place of an earlier paper" in officer.page(here(world, "/paper/ilo")).text
    better = (io.BytesIO(SCAN + b"% better\n"), "better.pdf")
    assert send(officer, world, frozen, file=better).status_code == 303
    article = side_of(client_for(world.lead).page(here(world)), "The ILO")
    assert "1 paper that was replaced" in article.text
    assert [link.text for link in article.find_all("a")] == ["better.pdf", "signed.pdf"]


def test_both_ways_bring_it_into_force(world: World, frozen: str, client_for: Clients, session: Session) -> None:
    client_for(world.lead).submit(here(world, "/sign/organisation"), {"typed_name": "Lucía Lead", "shown_hash": frozen})
    send(client_for(world.officer), world, frozen)
    session.rollback()
    session.expire_all()
    assert session.get_one(Award, world.award.id).stage == Stage.PROTOTYPING
    page = client_for(world.officer).page(here(world, "/paper/ilo"))
    assert "The agreement is in force" in page.text and page.find("input", type="file") is None
    assert send(client_for(world.officer), world, frozen).status_code == 422


# A recent sign-in


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> None:
    """An hour passes."""
    at = clock.wall() + timedelta(hours=1)
    monkeypatch.setattr(clock, "wall", lambda: at)


def confirmed(answer: TestResponse) -> dict[str, object]:
    """The form on the page that asks for the password, with it."""
    form = soup(answer).find("main").find("form")
    hidden = {str(tag["name"]): str(tag["value"]) for tag in form.find_all("input", type="hidden")}
    return hidden | {"confirm_password": PASSWORD}


def test_an_old_sign_in_does_not_sign(
    world: World, frozen: str, client_for: Clients, session: Session, request: pytest.FixtureRequest
) -> None:
    world.lead.password = hash_password(PASSWORD)
    session.commit()
    lead = client_for(world.lead)
    request.getfixturevalue("later")
    path = here(world, "/sign/organisation")
    answer = lead.submit(path, {"typed_name": "Lucía Lead", "shown_hash": frozen})
    assert answer.status_code == 403 and count(session, Signature) == 0
    assert lead.submit(path, confirmed(answer)).status_code == 303
    assert count(session, Signature) == 1


def test_for_a_paper_the_password_comes_first_so_that_no_file_is_lost(
    world: World, frozen: str, client_for: Clients, session: Session, request: pytest.FixtureRequest
) -> None:
    world.officer.password = hash_password(PASSWORD)
    session.commit()
    officer = client_for(world.officer)
    assert officer.page(here(world, "/paper/ilo")).find("h2", id="confirm") is None
    request.getfixturevalue("later")
    assert officer.page(here(world, "/paper/ilo")).find("h2", id="confirm") is not None
    # Sent all the same: everything but the file comes back.
    answer = send(officer, world, frozen)
    assert answer.status_code == 403 and count(session, Signature) == count(session, Upload) == 0
    answer = officer.submit(here(world, "/paper/ilo"), confirmed(answer))
    assert answer.status_code == 422 and "Choose the scan" in answer.text
    assert soup(answer).find("input", attrs={"name": "hash_start"})["value"] == frozen[:8]
    assert count(session, Signature) == 0
    assert send(officer, world, frozen).status_code == 303
    assert count(session, Signature) == 1


def test_confirming_first(
    world: World, frozen: str, client_for: Clients, session: Session, request: pytest.FixtureRequest
) -> None:
    world.officer.password = hash_password(PASSWORD)
    session.commit()
    officer = client_for(world.officer)
    request.getfixturevalue("later")
    answer = officer.submit(here(world, "/paper/ilo/confirm"))
    assert answer.status_code == 403
    done = officer.submit(here(world, "/paper/ilo/confirm"), confirmed(answer))
    assert done.status_code == 303 and done.location.endswith("/paper/ilo")
    assert officer.page(here(world, "/paper/ilo")).find("h2", id="confirm") is None


def test_statements(app: Flask, world: World, frozen: str, client_for: Clients) -> None:
    officer = client_for(world.officer)
    for path in ("", "/signatory/ilo", "/paper/ilo", "/verify"):
        with counted(app) as seen:
            officer.page(here(world, path))
        assert len(seen) <= 12, "\n".join(one[:150].replace("\n", " ") + one[-100:].replace("\n", " ") for one in seen)
    with counted(app) as seen:
        officer.get(here(world, ".pdf"))
    assert len(seen) <= 12
