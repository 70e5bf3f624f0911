"""Signing in the browser: the organisation with its account on a phone, the ILO by hand; the document checked afterwards."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from pathlib import Path

import pytest
from flask_security.utils import hash_password
from playwright.sync_api import expect
from pypdf import PdfReader
from sqlalchemy import select
from sqlalchemy.orm import Session

from lab.models import Person, Signature
from lab.rules.facts import Stage
from tests.factories import World
from tests.frozen import freeze
from tests.journeys.conftest import ONE_DATABASE, Site, Visitor
from tests.web.pages import PageClient

pytestmark = ONE_DATABASE

Clients = Callable[..., PageClient]
Visit = Callable[..., Visitor]


def arrive(visit: Visit, site: Site, client: PageClient, session: Session, width: int, **options: bool) -> Visitor:
    """Somebody at a browser of that width, signed in already."""
    client.token()  # a first cookie
    cookie = client.get_cookie("session")
    assert cookie is not None
    session.rollback()
    visitor = visit(width=width, **options)
    visitor.context.add_cookies([{"name": "session", "value": cookie.value, "url": site.base}])
    return visitor


def document(visitor: Visitor, agreement: str, folder: Path) -> Path:
    """The agreement as it is downloaded."""
    page = visitor.go(agreement)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the agreement (PDF)").click()
    assert download.value.suggested_filename.endswith(".pdf")
    kept = folder / f"{len(list(folder.iterdir()))}.pdf"
    download.value.save_as(kept)
    return kept


@pytest.mark.parametrize("javascript", [True, False])
def test_one_side_signs_on_a_phone_and_the_other_by_hand(
    session: Session, world_at: Callable[..., World], client_for: Clients, site: Site, visit: Visit, tmp_path: Path,
    javascript: bool,
) -> None:  # fmt: skip
    world = world_at(Stage.AGREEMENT)
    frozen, agreement = freeze(world), f"/awards/{world.code}/agreement"
    lead = arrive(visit, site, client_for(world.lead), session, 360, javascript=javascript)
    page = lead.go(agreement)
    expect(page.locator("#next-step")).to_have_text("Read and sign for the organisation")
    page.get_by_label("Your full name").fill("Somebody Else")
    lead.press("Sign the agreement")
    expect(page.locator(".error-summary")).to_contain_text("Lucía Lead")
    page.get_by_label("Your full name").fill("lucía lead")
    lead.press("Sign the agreement")
    lead.sees("You have signed. The other side has been told that it is their turn.")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    lead.shot("signed-360")

    officer = arrive(visit, site, client_for(world.officer), session, 1280, javascript=javascript)
    printed = document(officer, agreement, tmp_path)
    pages = PdfReader(io.BytesIO(printed.read_bytes())).pages
    assert all(frozen in one.extract_text() for one in pages)
    page = officer.go(agreement)
    page.get_by_role("link", name="Record a signed paper").click()
    officer.check()
    officer.shot("paper-1280")
    page.get_by_label("Function").fill("Director of the country office")
    page.get_by_label("Day on the paper").fill("2026-03-02")
    page.get_by_label("How the hash on the paper begins").fill("00000000")
    page.get_by_label("Scan of the signed paper").set_input_files(printed)
    officer.press("Record the signed paper")
    expect(page.locator(".error-summary")).to_contain_text("The paper bears another text")
    expect(page.get_by_label("Function")).to_have_value("Director of the country office")
    page.get_by_label("How the hash on the paper begins").fill(frozen[:8])
    page.get_by_label("Scan of the signed paper").set_input_files(printed)
    officer.press("Record the signed paper")
    officer.sees("the agreement is in force")
    officer.sees("Signed on paper, dated 2 Mar 2026.")

    signed = document(lead, agreement, tmp_path)
    text = " ".join(one.extract_text() for one in PdfReader(io.BytesIO(signed.read_bytes())).pages)
    assert "lucía lead" in text and "Director of the country office" in text
    page = lead.go(agreement)
    page.get_by_role("link", name="Check a document").click()
    for file, title in ((signed, "This is the signed agreement"), (printed, "This is a scan of the signed paper")):
        page.get_by_label("Document").set_input_files(file)
        lead.press("Check")
        expect(page.locator("#answer")).to_have_text(title)
    forged = tmp_path / "forged.pdf"
    forged.write_bytes(signed.read_bytes() + b"\n")
    page.get_by_label("Document").set_input_files(forged)
    lead.press("Check")
    expect(page.locator("#answer")).to_have_text("This is not the document in the archive")
    page.get_by_label("SHA-256").fill(hashlib.sha256(signed.read_bytes()).hexdigest())
    lead.press("Check")
    expect(page.locator("#answer")).to_have_text("This is the signed agreement")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    lead.shot("verify-360")
    lead.sees("unchanged")


def test_a_director_without_an_account_signs_by_hand(
    session: Session, world_at: Callable[..., World], client_for: Clients, site: Site, visit: Visit, tmp_path: Path
) -> None:
    world = world_at(Stage.AGREEMENT)
    frozen, agreement = freeze(world), f"/awards/{world.code}/agreement"
    session.get_one(Person, world.lead.id).password = hash_password("a long enough password")
    session.commit()
    lead = arrive(visit, site, client_for(world.lead), session, 1280)
    page = lead.go(agreement)
    page.get_by_role("link", name="Name who signs").click()
    lead.check()
    page.get_by_role("radio", name="Somebody without an account here").check()
    page.get_by_label("Full name, if it is somebody without an account here").fill("Dolores Directora")
    page.get_by_label("Function").fill("Directora ejecutiva")
    lead.press("Name this person")
    lead.sees("Have Dolores Directora sign for the organisation")
    printed = document(lead, agreement, tmp_path)
    text = " ".join(one.extract_text() for one in PdfReader(io.BytesIO(printed.read_bytes())).pages)
    assert "Dolores Directora" in text and "Directora ejecutiva" in text
    page = lead.go(f"{agreement}/paper/organisation")
    expect(page.get_by_label("Who signed")).to_have_value("Dolores Directora")
    page.get_by_label("Day on the paper").fill("2026-03-02")
    page.get_by_label("How the hash on the paper begins").fill(frozen[:8].upper())
    page.get_by_label("Scan of the signed paper").set_input_files(printed)
    lead.press("Record the signed paper")
    lead.sees("The signed paper is recorded.")
    lead.sees("Replace the signed paper")
    session.rollback()
    assert session.scalars(select(Signature.typed_name)).all() == ["Dolores Directora"]
