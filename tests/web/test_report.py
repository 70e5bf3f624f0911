"""Pages of reports and milestones: what each person finds, and the way from a draft to a version; nothing typed is lost."""

from __future__ import annotations

import io

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from lab.models import Document, Milestone, Spending, Upload, Version
from lab.rules.facts import Stage
from lab.services import report as service
from tests.conftest import NOON
from tests.web.reports import (
    KIND,
    PDF,
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

# The list --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stage", [Stage.WORKPLAN, Stage.AGREEMENT])
def test_before_prototyping_no_report_is_due(world_at: WorldAt, client_for: ClientFor, stage: Stage) -> None:
    world = world_at(stage)
    page = client_for(world.lead).page(f"/awards/{world.code}/reports")
    assert "prototyping" in page.find("main").text and not page.select("ul.tasks")
    client_for(world.lead).page(at_report(world), 404)


def test_the_list_names_what_is_due_and_whose_turn_it_is(world_at: WorldAt, client_for: ClientFor) -> None:
    world = world_at(Stage.PROTOTYPING)
    submit(world)
    begin(world, "prototype_report")
    for person in (world.lead, world.member, world.mentor, world.committee, world.officer, world.finance):
        rows = client_for(person).page(f"/awards/{world.code}/reports").select("ul.tasks li")
        assert [row.find("a").text for row in rows] == ["Progress report 1", "Final report on the prototype"]
        assert "The programme officer reviews it" in rows[0].text and "In review" in rows[0].text
        assert "The team writes it" in rows[1].text and "Draft" in rows[1].text and "days left" in rows[1].text
    client_for(world.other_lead).page(f"/awards/{world.code}/reports", 404)


def test_accepted_reports_come_last(world_at: WorldAt, client_for: ClientFor) -> None:
    world = world_at(Stage.PROTOTYPING)
    submit(world)
    service.accept_report(world.actor(world.officer), NOON, world.code, KIND, 1, 1)
    rows = client_for(world.finance).page(f"/awards/{world.code}/reports").select("ul.tasks li")
    assert [row.find("a").text for row in rows] == ["Final report on the prototype", "Progress report 1"]
    assert "Accepted" in rows[1].text and "Version 1" in rows[1].text


def test_the_officer_accepts_a_milestone_with_its_evidence(world_at: WorldAt, client_for: ClientFor) -> None:
    world = world_at(Stage.PROTOTYPING)
    path, post = f"/awards/{world.code}/reports", f"/awards/{world.code}/reports/milestones/1"
    for person in (world.lead, world.finance, world.committee):
        page = client_for(person).page(path)
        assert "Report of needs" in page.text and not page.find("textarea")
        assert client_for(person).submit(post, {"evidence": "Seen"}).status_code == 403
    officer = client_for(world.officer)
    refused = officer.submit(post, {"evidence": "  "})
    assert refused.status_code == 422 and "Say what proves that the milestone is reached." in refused.text
    too_long = officer.submit(post, {"evidence": "kept " + "x" * 20_001})
    assert too_long.status_code == 422 and "kept xxx" in too_long.text and 'href="#evidence-1"' in too_long.text
    assert world.session.scalars(select(Milestone)).one().accepted_at is None
    assert officer.submit(post, {"evidence": "Report <read>\nand filed"}).location.endswith("#milestone-1")
    page = client_for(world.lead).page(path)
    assert "Report <read>\nand filed" in page.find(id="milestone-1").text and "Accepted" in page.text
    again = officer.submit(post, {"evidence": "Once more"})
    assert again.status_code == 422 and "accepted already" in again.text and "Once more" in again.text
    assert officer.submit(f"/awards/{world.code}/reports/milestones/9", {"evidence": "x"}).status_code == 404


# Begin and read --------------------------------------------------------------------------------------------------


def test_a_report_begins_with_a_button_and_reading_writes_nothing(world_at: WorldAt, client_for: ClientFor) -> None:
    world = world_at(Stage.PROTOTYPING)
    documents = count(world.session, Document)
    for person in (world.mentor, world.committee, world.officer, world.finance):
        page = client_for(person).page(at_report(world))
        assert not page.find("main").find("form") and "The team writes this report" in page.text
        assert client_for(person).submit(at_report(world, "/begin")).status_code == 403
    member = client_for(world.member)
    assert member.page(at_report(world)).find("button", string="Begin the report")
    assert member.get(at_report(world, "/edit")).location == at_report(world)
    assert count(world.session, Document) == documents
    assert member.submit(at_report(world, "/begin")).location == at_report(world, "/edit")
    assert member.submit(at_report(world, "/begin")).location == at_report(world, "/edit")
    assert count(world.session, Document) == documents + 1
    for path in (
        at_report(world, number=999_999),
        at_report(world, kind="workplan"),
        at_report(world, "/versions/1"),
        at_report(world, kind="x"),
    ):
        member.page(path, 404)


def test_a_suspended_award_begins_and_submits_nothing(world_at: WorldAt, client_for: ClientFor) -> None:
    world = world_at(Stage.PROTOTYPING)
    begin(world, "prototype_report")
    world.award.stage, world.award.suspended_from = Stage.SUSPENDED, Stage.PROTOTYPING
    world.again()
    lead = client_for(world.lead)
    assert not lead.page(at_report(world)).find("button", string="Begin the report")
    assert lead.submit(at_report(world, "/begin")).location == at_report(world)
    page = lead.page(at_report(world, "/edit", "prototype_report"))
    assert "submitting is not possible now" in page.text
    sent = lead.submit(at_report(world, "/submit", "prototype_report"), {"revision": "0"})
    assert sent.status_code == 422 and "Suspended" in sent.text
    assert not world.session.scalars(select(Version).join(Document).where(Document.kind == "prototype_report")).all()


def test_a_draft_is_the_teams_own(world_at: WorldAt, client_for: ClientFor) -> None:
    world = world_at(Stage.PROTOTYPING)
    begin(world)
    client = client_for(world.member)
    typed = form_of(client, at_report(world, "/edit")) | {"section-progress": "Not for other eyes", "do": "save"}
    client.submit(at_report(world, "/edit"), typed)
    for person in (world.mentor, world.committee, world.officer, world.finance):
        other = client_for(person)
        assert "Not for other eyes" not in other.page(at_report(world)).text
        for rest in ("/edit", "/check"):
            other.page(at_report(world, rest), 403)
        for rest in ("/edit", "/draft", "/submit"):
            assert other.submit(at_report(world, rest), {"revision": "1"}).status_code == 403
    assert client.submit(at_report(world, "/submit"), {"revision": "1"}).status_code == 403  # the lead's


def test_a_draft_that_an_ended_award_left_is_still_its_teams_to_read(world_at: WorldAt, client_for: ClientFor) -> None:
    world = world_at(Stage.PROTOTYPING)
    service.save_draft(world.actor(world.lead), NOON, world.code, KIND, 1, content_of(world), begin(world))
    world.award.stage, world.award.ended_at = Stage.TERMINATED, NOON
    world.again()
    member, officer = client_for(world.member), client_for(world.officer)
    assert (
        "Needs known." in member.page(at_report(world)).text
        and "Needs known." not in officer.page(at_report(world)).text
    )
    assert member.get(at_report(world, "/edit")).location == at_report(world)
    late = member.submit(at_report(world, "/edit"), {"revision": "1", "section-progress": "Too late"})
    assert late.status_code == 422 and "Too late" in late.text


# Writing ---------------------------------------------------------------------------------------------------------


def test_saving_keeps_everything_typed(world_at: WorldAt, client_for: ClientFor) -> None:
    world = world_at(Stage.PROTOTYPING)
    begin(world)
    client, line = client_for(world.member), lines_of(world)[0]
    bad = "<script>alert(1)</script>\r\nDurán"
    typed = form_of(client, at_report(world, "/edit")) | {
        "section-progress": bad, f"spending-{line}": "12 hundred", f"explanation-{line}": "Why", "do": "save",
    }  # fmt: skip
    assert client.submit(at_report(world, "/edit"), typed).location == at_report(world, "/edit")
    shown = form_of(client, at_report(world, "/edit"))
    assert shown["section-progress"] == bad.replace("\r\n", "\n")
    assert (shown[f"spending-{line}"], shown[f"explanation-{line}"], shown["revision"]) == ("12 hundred", "Why", "1")
    assert client.submit(at_report(world, "/edit"), shown | {"do": "submit"}).location == at_report(world, "/check")
    check = client.page(at_report(world, "/check"))
    hrefs = [link["href"] for link in check.select(".blockers a")]
    assert (
        at_report(world, f"/edit?check=1#spending-{line}") in hrefs
        and at_report(world, "/edit?check=1#section-results") in hrefs
    )
    assert not check.find("button", string="Submit to the ILO")
    page = client.page(at_report(world, "/edit?check=1"))
    assert page.find(id=f"spending-{line}")["aria-invalid"] == "true" and "is not an amount" in page.text
    assert not page.find(id="section-progress").get("aria-invalid")


def test_a_form_without_its_revision_keeps_the_words(world_at: WorldAt, client_for: ClientFor) -> None:
    world = world_at(Stage.PROTOTYPING)
    begin(world)
    for revision in ("", "x"):
        typed = {"revision": revision, "section-progress": "Still here"}
        answer = client_for(world.lead).submit(at_report(world, "/edit"), typed)
        assert answer.status_code == 422 and "Still here" in answer.text
    assert draft_of(world).draft_revision == 0


def test_two_people_writing_see_both_texts(world_at: WorldAt, client_for: ClientFor) -> None:
    world = world_at(Stage.PROTOTYPING)
    begin(world)
    lead, member = client_for(world.lead), client_for(world.member)
    mine, line = form_of(member, at_report(world, "/edit")), lines_of(world)[1]
    lead.submit(
        at_report(world, "/edit"),
        form_of(lead, at_report(world, "/edit")) | {"section-progress": "The lead’s", "do": "save"},
    )
    late = member.submit(
        at_report(world, "/edit"), mine | {"section-progress": "The member’s", f"spending-{line}": "7"}
    )
    assert late.status_code == 409 and "The lead’s" in late.text and "The member’s" in late.text
    assert "What was done: what you typed" in late.text and "Phones for tests" in late.text
    assert draft_of(world).draft["sections"]["progress"] == "The lead’s"
    settled = mine | {"section-progress": "Both", "revision": "1", "do": "save"}
    assert member.submit(at_report(world, "/edit"), settled).status_code == 303
    assert draft_of(world).draft["sections"]["progress"] == "Both"


def test_autosave_answers_as_the_page_needs(world_at: WorldAt, client_for: ClientFor) -> None:
    world = world_at(Stage.PROTOTYPING)
    begin(world)
    client, path = client_for(world.member), at_report(world, "/draft")
    asked = {"headers": {"X-Requested-With": "fetch"}}
    first = client.submit(path, {"revision": "0", "section-progress": "One"}, **asked)
    assert (first.status_code, first.json["revision"], first.json["target"]) == (200, 1, "missing")
    assert "#section-results" in first.json["html"] and "#section-progress" not in first.json["html"]
    assert first.json["saved_at_text"].startswith("Saved ")
    again = client.submit(path, {"revision": "0", "section-progress": "One"}, **asked)
    assert (again.status_code, again.json["revision"]) == (200, 1)  # the same text is no conflict
    late = client.submit(path, {"revision": "0", "section-progress": "Two"}, **asked)
    assert late.status_code == 409 and "newer text" in late.json["error"]
    assert draft_of(world).draft["sections"] == {"progress": "One"}
    assert client.submit(at_report(world, "/draft", number=7), {"revision": "0"}, **asked).status_code == 404


def test_a_file_comes_with_what_was_typed(world_at: WorldAt, client_for: ClientFor) -> None:
    world = world_at(Stage.PROTOTYPING)
    begin(world)
    client, path = client_for(world.lead), at_report(world, "/edit")
    nothing = client.submit(path, {"revision": "0", "section-progress": "Kept", "do": "upload"})
    assert nothing.status_code == 422 and "Choose a file first" in nothing.text and "Kept" in nothing.text
    for data, name in ((b"", "empty.pdf"), (b"MZ" * 99, "virus.pdf"), (PDF + b"x" * 3_200_000, "large.pdf")):
        file = (io.BytesIO(data), name)
        refused = client.submit(path, {"revision": "0", "section-progress": "Kept", "do": "upload", "file": file})
        assert refused.status_code == 422 and "Kept" in refused.text and name in refused.text
    assert count(world.session, Upload) == 0 and draft_of(world).draft_revision == 0
    file = (io.BytesIO(PDF), "plan.pdf")
    sent = {"revision": "0", "section-progress": "Kept", "do": "upload", "file": file}
    assert client.submit(path, sent).location == path + "#files"
    page = client.page(path)
    assert "plan.pdf" in page.find(id="files").text and page.find(id="section-progress").text.strip() == "Kept"
    upload = world.session.scalars(select(Upload)).one()
    assert upload.place == "report:progress_report:1"
    gone = {"revision": "1", "section-progress": "Kept too", "do": f"remove:{upload.id}"}
    assert client.submit(path, gone).status_code == 303
    page = client.page(path)
    assert "plan.pdf" not in page.find(id="files").text and "Kept too" in page.text
    assert client.submit(path, {"revision": "2", "section-progress": "Kept too", "do": "remove:x"}).status_code == 404


# Handing in ------------------------------------------------------------------------------------------------------


def test_the_lead_submits_what_the_check_showed(world_at: WorldAt, client_for: ClientFor, session: Session) -> None:
    world = world_at(Stage.PROTOTYPING)
    revision = service.save_draft(
        world.actor(world.member), NOON, world.code, KIND, 1, content_of(world, first="100,50"), begin(world)
    )
    member, lead = client_for(world.member), client_for(world.lead)
    assert "Ask your team lead" in member.page(at_report(world, "/check")).text
    page = lead.page(at_report(world, "/check"))
    assert page.find("button", string="Submit to the ILO") and "USD 100.50" in page.text
    later = service.save_draft(world.actor(world.member), NOON, world.code, KIND, 1, content_of(world), revision)
    stale = lead.submit(at_report(world, "/submit"), {"revision": str(revision)})
    assert stale.status_code == 409 and "read it again below" in stale.text
    assert count(session, Spending) == 0
    assert lead.submit(at_report(world, "/submit"), {"revision": str(later)}).location == at_report(world)
    twice = lead.submit(at_report(world, "/submit"), {"revision": str(later)})
    assert twice.location == at_report(world)
    assert "with the ILO already" in lead.page(at_report(world)).text
    versions = session.scalars(select(Version).join(Document).where(Document.kind == KIND)).all()
    assert len(versions) == 1
    assert lead.get(at_report(world, "/edit")).location == at_report(world)
    refused = lead.submit(at_report(world, "/edit"), {"revision": "2", "section-progress": "Too late"})
    assert refused.status_code == 422 and "Too late" in refused.text


def test_an_unfinished_report_is_not_taken(world_at: WorldAt, client_for: ClientFor, session: Session) -> None:
    world = world_at(Stage.PROTOTYPING)
    begin(world)
    answer = client_for(world.lead).submit(at_report(world, "/submit"), {"revision": "0"})
    assert answer.status_code == 422 and "Write the section" in answer.text
    assert not session.scalars(select(Version).join(Document).where(Document.kind == KIND)).all()
