"""The agreement's PDF and the page that checks a document: who may, what it says, and that nothing is stored."""

from __future__ import annotations

import copy
import hashlib
import io
from collections.abc import Callable
from datetime import timedelta

import pytest
from bs4 import BeautifulSoup
from pypdf import PdfReader
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from lab.models import Document, SignedPdf, Version
from lab.rules.facts import Stage
from lab.services import signing
from tests.factories import START, World
from tests.frozen import freeze
from tests.web.pages import PageClient
from tests.web.test_signature import SCAN, send
from tests.worlds import contents

Clients = Callable[..., PageClient]
NOW = START + timedelta(minutes=1)


@pytest.fixture
def world(world_at: Callable[..., World]) -> World:
    return world_at(Stage.AGREEMENT)


@pytest.fixture
def frozen(world: World) -> str:
    return freeze(world)


def here(world: World, rest: str) -> str:
    return f"/awards/{world.code}/agreement{rest}"


def pdf(client: PageClient, world: World) -> bytes:
    answer = client.get(here(world, ".pdf"))
    assert answer.status_code == 200 and answer.mimetype == "application/pdf"
    return bytes(answer.data)


def signed(world: World, frozen: str, client: PageClient) -> None:
    """The lead by their account, the officer on paper."""
    signing.sign(world.actor(world.lead), NOW, world.code, "organisation", "Lucía Lead", frozen, "192.0.2.7")
    assert send(client, world, frozen).status_code == 303


def check(client: PageClient, world: World, data: bytes = b"", name: str = "it.pdf", **fields: str) -> BeautifulSoup:
    form: dict[str, object] = {"file": (io.BytesIO(data), name)} if data else {}
    answer = client.submit(here(world, "/verify"), form | fields)  # type: ignore[arg-type]
    page = BeautifulSoup(answer.text, "html.parser")
    page.status = answer.status_code  # type: ignore[attr-defined]
    return page


def answer_of(page: BeautifulSoup) -> str:
    found = page.find("h2", id="answer")
    assert found is not None
    return str(found.text)


def test_whoever_reads_the_agreement_downloads_it(world: World, frozen: str, client_for: Clients) -> None:
    for person in (world.lead, world.member, world.officer, world.finance):
        answer = client_for(person).get(here(world, ".pdf"))
        assert answer.data.startswith(b"%PDF-1.7")
        assert f"agreement-{world.code}.pdf" in answer.headers["Content-Disposition"]
        assert "no-store" in answer.headers["Cache-Control"]
    for person, status in ((world.mentor, 403), (world.committee, 403), (world.other_lead, 404), (world.admin, 404)):
        assert client_for(person).get(here(world, ".pdf")).status_code == status
        client_for(person).page(here(world, "/verify"), status)


def test_before_the_text_is_frozen_there_is_nothing(world: World, client_for: Clients) -> None:
    lead = client_for(world.lead)
    assert lead.get(here(world, ".pdf")).status_code == 404
    assert "There is nothing to check yet" in lead.page(here(world, "/verify")).text
    assert "There is nothing to check yet" in check(lead, world, SCAN).text


def test_the_pdf_in_the_agreements_language_before_and_after(world: World, frozen: str, client_for: Clients) -> None:
    lead = client_for(world.lead)
    before = PdfReader(io.BytesIO(pdf(lead, world)))
    assert before.trailer["/Root"]["/Lang"] == "es"  # type: ignore[index]
    assert all(frozen in page.extract_text() for page in before.pages)
    signed(world, frozen, client_for(world.officer))
    after = PdfReader(io.BytesIO(pdf(lead, world)))
    text = " ".join(page.extract_text() for page in after.pages)
    assert "192.0.2.7" in text and hashlib.sha256(SCAN).hexdigest() in text


def test_what_is_recognised(world: World, frozen: str, client_for: Clients, session: Session) -> None:
    lead = client_for(world.lead)
    unsigned = pdf(lead, world)
    page = check(lead, world, unsigned)
    assert answer_of(page) == "This is the agreement as it stands now"
    assert "Not both sides have signed it yet" in page.text
    signing.sign(world.actor(world.lead), NOW, world.code, "organisation", "Lucía Lead", frozen, "192.0.2.7")
    half = pdf(lead, world)
    page = check(lead, world, unsigned)
    assert answer_of(page) == "This is the agreed text, taken before the last signature"
    assert send(client_for(world.officer), world, frozen).status_code == 303
    final = pdf(lead, world)
    for data in (unsigned, half):
        page = check(lead, world, data)
        answer = page.find("section", attrs={"aria-labelledby": "answer"})
        assert answer_of(page) == "This is the agreed text, taken before both had signed"
        assert answer.find("a", string="Download the signed agreement (PDF)")["href"] == here(world, ".pdf")
        assert "genuine" in answer.text and "The signed document is another file." in answer.text
    session.rollback()
    before = contents(session)
    for data, title in (
        (final, "This is the signed agreement"),
        (unsigned + b"\n", "This is not the document in the archive"),
        (final.replace(b"Innovation Lab", b"Innovation lab"), "This is not the document in the archive"),
        (final + b"\n", "This is not the document in the archive"),
        (final.replace(frozen.encode(), b"0" * 64), "This is another document"),
        (SCAN, "This is a scan of the signed paper"),
        (SCAN + b" ", "This is none of this award’s documents"),
    ):
        page = check(lead, world, data)
        assert page.status == 200 and answer_of(page) == title  # type: ignore[attr-defined]
        assert hashlib.sha256(data).hexdigest() in page.text
    for typed, title in (
        (hashlib.sha256(final).hexdigest(), "This is the signed agreement"),
        (f" {frozen.upper()}\n", "This is the hash of the frozen text"),
        (hashlib.sha256(SCAN).hexdigest(), "This is a scan of the signed paper"),
        ("0" * 64, "This is none of this award’s documents"),
    ):
        assert answer_of(check(lead, world, hash=typed)) == title
    assert contents(session) == before, "nothing is stored"


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({}, "Choose a document, or paste a SHA-256 below."),
        ({"hash": "abc"}, "64 characters"),
        ({"hash": "<script>"}, "64 characters"),
        ({"hash": "a" * 300}, "keep it within 200 characters"),
    ],
)
def test_what_cannot_be_checked(
    world: World, frozen: str, client_for: Clients, fields: dict[str, str], says: str
) -> None:
    page = check(client_for(world.lead), world, **fields)
    assert page.status == 422 and says in page.text  # type: ignore[attr-defined]
    assert page.find("input", attrs={"name": "hash"}).get("value", "") == fields.get("hash", "")


def test_another_awards_document_is_not_recognised(
    world: World, frozen: str, client_for: Clients, session: Session
) -> None:
    mine = pdf(client_for(world.lead), world)
    world.award, world.other_award = world.other_award, world.award
    world.lead, world.other_lead = world.other_lead, world.lead
    world.again()
    assert freeze(world) != frozen
    assert answer_of(check(client_for(world.lead), world, mine)) == "This is another document"


def test_a_text_from_before_its_hash_covered_obligations_is_signed_and_verified_as_before(
    world: World, client_for: Clients, session: Session
) -> None:
    frozen = freeze(world, form=1)
    lead = client_for(world.lead)
    unsigned = pdf(lead, world)
    assert "Obligaciones" not in " ".join(page.extract_text() for page in PdfReader(io.BytesIO(unsigned)).pages)
    signed(world, frozen, client_for(world.officer))
    page = check(lead, world, pdf(lead, world))
    assert answer_of(page) == "This is the signed agreement"
    assert "unchanged" in page.find("section", attrs={"aria-labelledby": "archive"}).text
    assert answer_of(check(lead, world, unsigned)) == "This is the agreed text, taken before both had signed"
    assert answer_of(check(lead, world, hash=frozen)) == "This is the hash of the frozen text"


def test_an_obligation_that_was_changed_in_the_archive_is_noticed(
    world: World, frozen: str, client_for: Clients, session: Session
) -> None:
    version = session.scalars(select(Version).join(Document).where(Document.kind == "agreement")).one()
    content = copy.deepcopy(version.content)
    content["clauses"][1]["obligations"][2]["months"] = 6
    session.execute(update(Version).where(Version.id == version.id).values(content=content))
    session.commit()
    page = client_for(world.lead).page(here(world, "/verify"))
    assert "The text in the archive is not the one that was frozen." in page.text


def test_an_archive_that_was_changed_says_so(world: World, frozen: str, client_for: Clients, session: Session) -> None:
    signed(world, frozen, client_for(world.officer))
    lead = client_for(world.lead)
    page = lead.page(here(world, "/verify"))
    assert "unchanged" in page.find("section", attrs={"aria-labelledby": "archive"}).text
    session.rollback()
    session.execute(update(SignedPdf).values(body=b"%PDF-1.7 forged"))
    session.commit()
    page = lead.page(here(world, "/verify"))
    assert "The signed document in the archive is not the one that was filed." in page.text
    assert "unchanged" not in page.find("section", attrs={"aria-labelledby": "archive"}).text
