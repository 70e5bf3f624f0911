"""Reports judged: changes asked for and answered, accepting and what it causes; and what the pages cost."""

from __future__ import annotations

from decimal import Decimal

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from lab.models import BudgetLine, Comment, Document, LedgerEntry, Milestone, Thread, Tranche, Upload, Version
from lab.rules.facts import Stage
from lab.services import report as service
from lab.services.steps import enter
from tests.conftest import NOON, counted
from tests.factories import World
from tests.web.pages import PageClient
from tests.web.reports import (
    KIND,
    ClientFor,
    WorldAt,
    at_report,
    begin,
    content_of,
    count,
    draft_of,
    form_of,
    lines_of,
    submit,
)

# Judging ---------------------------------------------------------------------------------------------------------


def test_changes_are_asked_for_and_answered(world_at: WorldAt, client_for: ClientFor, session: Session) -> None:
    world = world_at(Stage.PROTOTYPING)
    submit(world, first="21000", second="10500")
    officer, lead = client_for(world.officer), client_for(world.lead)
    assert officer.page(at_report(world)).find("a", string="Review it now")["href"] == at_report(world, "/review")
    lead.page(at_report(world, "/review"), 403)
    nothing = officer.submit(at_report(world, "/review"), {"version": "1", "do": "changes"})
    assert nothing.status_code == 422 and "at least one section" in nothing.text
    lost = officer.submit(at_report(world, "/review"), {"version": "1", "do": "accept", "comment-results": "How many?"})
    assert lost.status_code == 422 and "How many?" in lost.text and 'href="#comment-results"' in lost.text
    long = officer.submit(at_report(world, "/review"), {"version": "1", "do": "changes", "comment-files": "x" * 20_001})
    assert long.status_code == 422 and 'href="#comment-files"' in long.text
    assert count(session, Thread) == 0
    asked = {"version": "1", "do": "changes", "comment-results": "How many?", "comment-spending": "Which <month>?"}
    assert officer.submit(at_report(world, "/review"), asked).location == at_report(world)
    assert count(session, Comment) == 2
    for person in (world.lead, world.mentor, world.committee, world.finance):
        page = client_for(person).page(at_report(world))
        assert "How many?" in page.text and "Which <month>?" in page.text and "To be answered" in page.text
    assert "How many?" in lead.page(at_report(world, "/edit")).text
    typed = form_of(lead, at_report(world, "/edit")) | {"section-results": "Twelve firms", "do": "submit"}
    lead.submit(at_report(world, "/edit"), typed)
    lead.submit(at_report(world, "/submit"), {"revision": str(draft_of(world).draft_revision)})
    page = officer.page(at_report(world, "/review"))
    assert "Review version 2" in page.find("h1").text and "A newer version followed" in page.text
    old = officer.submit(at_report(world, "/review"), {"version": "1", "do": "accept"})
    assert old.status_code == 422 and "newer version" in old.text
    assert officer.submit(at_report(world, "/review"), {"version": "2", "do": "accept"}).location == at_report(world)
    first = client_for(world.committee).page(at_report(world, "/versions/1"))
    assert "Needs known." in first.text and "How many?" in first.text and "Twelve firms" not in first.text
    officer.page(at_report(world, "/versions/3"), 404)
    assert officer.get(at_report(world, "/review")).location == at_report(world)
    assert "This report is accepted" in officer.page(at_report(world)).text


def test_accepting_says_what_it_causes(world_at: WorldAt, client_for: ClientFor, session: Session) -> None:
    world = world_at(Stage.PROTOTYPING)
    submit(world, "prototype_report")
    path = at_report(world, "/review", "prototype_report")
    officer = client_for(world.officer)
    assert "starts the pilot" in officer.page(path).text
    world.award.stage, world.award.suspended_from = Stage.SUSPENDED, Stage.PROTOTYPING
    world.again()
    assert officer.page(path).find("button", string="Accept").has_attr("disabled")
    assert officer.submit(path, {"version": "1", "do": "accept"}).status_code == 422
    world.award.stage, world.award.suspended_from = Stage.PROTOTYPING, None
    world.again()
    assert officer.submit(path, {"version": "1", "do": "accept"}).status_code == 303
    session.expire_all()
    assert world.award.stage == Stage.PILOT


def test_unspent_money_is_named_before_the_button(world_at: WorldAt, client_for: ClientFor) -> None:
    world = world_at(Stage.PILOT)
    enter(
        LedgerEntry(
            tranche_id=world.session.scalars(select(Tranche.id).where(Tranche.award_id == world.award.id)).first(), kind="payment", amount=Decimal(30000), currency="USD", local_amount=Decimal(30000), local_currency="USD",
            rate=Decimal(1), reference="A-1", value_on=NOON.date(), by=world.finance.id, at=NOON,
        ),
        world.award,
    )  # fmt: skip
    world.again()
    submit(world, "final_report", first="20000", second="8999.99")
    assert "USD 1,000.01" in client_for(world.officer).page(at_report(world, "/review", "final_report")).text


@pytest.mark.parametrize(("typed", "words"), [("11001", "10 % over, explained"), ("12501", "25 % over: amendment")])
def test_lines_over_the_tolerances_are_marked(world_at: WorldAt, client_for: ClientFor, typed: str, words: str) -> None:
    world = world_at(Stage.PROTOTYPING)
    line = str(lines_of(world)[1])
    content = content_of(world, second=typed) | {"explanations": {line: "Dearer phones"}}
    service.submit_report(world.actor(world.lead), NOON, world.code, KIND, 1, content, begin(world))
    page = client_for(world.officer).page(at_report(world, "/review"))
    assert words in page.text and "Dearer phones" in page.text


# Cost ------------------------------------------------------------------------------------------------------------


def test_statements_do_not_grow_with_rows(
    app: Flask, session: Session, world_at: WorldAt, client_for: ClientFor
) -> None:
    world = world_at(Stage.PROTOTYPING)
    submit(world)
    paths = [
        (world.officer, f"/awards/{world.code}/reports"), (world.finance, at_report(world)), (world.officer, at_report(world, "/review")),
        (world.lead, at_report(world, "/versions/1")), (world.lead, at_report(world, "/edit", "prototype_report")),
        (world.lead, at_report(world, "/check", "prototype_report")),
    ]  # fmt: skip
    begin(world, "prototype_report")
    before = [_statements(app, client_for(who), path) for who, path in paths]
    assert max(before) <= 12, before
    _grow(world)
    assert [_statements(app, client_for(who), path) for who, path in paths] == before


def _statements(app: Flask, client: PageClient, path: str) -> int:
    with counted(app) as seen:
        client.page(path)
    return len(seen)


def _grow(world: World) -> None:
    """Ten times the lines, milestones, files and reports, and versions with what was asked of each."""
    session, award = world.session, world.award
    for n in range(10, 30):
        session.add(
            BudgetLine(
                award_id=award.id, number=n, category="staff", description=f"Line {n}", quantity=Decimal(1),
                unit_cost=Decimal(1), amount=Decimal(1), own=False,
            )
        )  # fmt: skip
        session.add(Milestone(award_id=award.id, number=n, title="M", proof="P", due_on=NOON.date()))
        for kind in (KIND, "prototype_report"):
            session.add(
                Upload(
                    award_id=award.id, place=f"report:{kind}:1", name=f"{n}.pdf", kind="pdf", size=1, sha256="x", key=f"{kind}{n}",
                    uploaded_by=world.lead.id, uploaded_at=NOON,
                )
            )  # fmt: skip
        session.add(
            Document(award_id=award.id, kind=KIND, number=n, title="", state="draft", draft={}, draft_revision=0)
        )
    for kind in (KIND, "prototype_report"):
        document = session.scalars(select(Document).where(Document.kind == kind, Document.number == 1)).one()
        first = 2 if kind == KIND else 1
        for n in range(first, 12):
            version = Version(
                document_id=document.id, number=n, content=content_of(world), content_hash="x", submitted_by=world.lead.id,
                submitted_at=NOON,
            )  # fmt: skip
            session.add(version)
            session.flush()
            thread = Thread(
                award_id=award.id,
                version_id=version.id,
                section="results",
                kind="change",
                opened_by=world.officer.id,
                opened_at=NOON,
            )
            session.add(thread)
            session.flush()
            session.add(Comment(thread_id=thread.id, author_id=world.officer.id, body="Why?", at=NOON))
    session.commit()
