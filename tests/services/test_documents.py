"""Drafts, versions and decisions, whatever the kind: what is kept, what never changes, and what is refused."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lab.models import Comment, Document, Thread, Version
from lab.rules.errors import Conflict, NotFound, Refused
from lab.rules.review import DocumentKind, ReviewState, SectionComment
from lab.services import documents
from tests.factories import World

KIND = DocumentKind.PROGRESS_REPORT


@pytest.fixture
def world(world_at: Callable[..., World]) -> World:
    return world_at()


@pytest.fixture
def report(world: World) -> Document:
    return documents.new_document(world.award, KIND, 1, "Report 1", {"text": ""})


def handed_in(world: World, report: Document, now: datetime, text: str = "First") -> Version:
    documents.keep_draft(report, {"text": text}, report.draft_revision, world.actor(world.lead), now)
    return documents.submit(report, world.actor(world.lead), now)


def test_a_document_is_found_by_award_kind_and_number(world: World, report: Document) -> None:
    assert documents.get_document(world.award, KIND).id == report.id
    for award, kind, number in (
        (world.award, KIND, 2),
        (world.other_award, KIND, 1),
        (world.award, DocumentKind.PROTOTYPE, 1),
    ):
        with pytest.raises(NotFound):
            documents.get_document(award, kind, number)


def test_each_save_is_a_revision_and_remembers_who_and_when(world: World, report: Document, now: datetime) -> None:
    lead, member = world.actor(world.lead), world.actor(world.member)
    assert documents.keep_draft(report, {"text": "a"}, 0, lead, now) == 1
    assert documents.keep_draft(report, {"text": "b"}, 1, member, now + timedelta(minutes=1)) == 2
    assert (report.draft, report.draft_saved_by, report.draft_saved_at) == (
        {"text": "b"}, world.member.id, now + timedelta(minutes=1),
    )  # fmt: skip


def test_a_save_on_an_old_revision_overwrites_nothing(world: World, report: Document, now: datetime) -> None:
    lead = world.actor(world.lead)
    documents.keep_draft(report, {"text": "newer"}, 0, lead, now)
    for revision in (0, 2, -1):
        with pytest.raises(Conflict) as conflict:
            documents.keep_draft(report, {"text": "mine"}, revision, lead, now)
        assert (conflict.value.theirs, conflict.value.revision) == ({"text": "newer"}, 1)
    assert report.draft == {"text": "newer"}
    assert documents.keep_draft(report, {"text": "newer"}, 0, lead, now) == 1, "the same text twice is one save"


def test_a_version_is_frozen_with_its_hash(world: World, report: Document, session: Session, now: datetime) -> None:
    version = handed_in(world, report, now, "Año uno")
    assert (version.number, version.submitted_by, version.submitted_at) == (1, world.lead.id, now)
    assert version.content_hash == hashlib.sha256('{"text":"Año uno"}'.encode()).hexdigest()
    assert json.loads(json.dumps(version.content)) == {"text": "Año uno"}
    assert report.state == ReviewState.SUBMITTED
    with pytest.raises(Refused, match="with the ILO already"):
        documents.keep_draft(report, {"text": "sneaked in"}, 1, world.actor(world.lead), now)
    with pytest.raises(Refused, match="with the ILO already"):
        documents.submit(report, world.actor(world.lead), now)
    session.commit()
    session.expire_all()
    assert session.get_one(Version, version.id).content == {"text": "Año uno"}


def test_a_draft_that_is_written_on_leaves_its_versions_alone(world: World, report: Document, now: datetime) -> None:
    officer = world.actor(world.officer)
    first = handed_in(world, report, now)
    documents.decide(report, "request_changes", 1, officer, now, comments=[SectionComment("text", "More.")])
    second = handed_in(world, report, now, "Second")
    assert (first.content, second.content) == ({"text": "First"}, {"text": "Second"})
    assert (first.number, second.number) == (1, 2)
    assert documents.newest_version(report).id == second.id


def test_a_decision_is_written_beside_the_version(
    world: World, report: Document, session: Session, now: datetime
) -> None:
    officer, later = world.actor(world.officer), now + timedelta(days=1)
    handed_in(world, report, now)
    comments = [SectionComment("text", "  Say more. "), SectionComment("other", " ")]
    version = documents.decide(report, "request_changes", 1, officer, later, comments=comments)
    assert (version.decision, version.decided_by, version.decided_at) == ("changes_requested", world.officer.id, later)
    assert report.state == ReviewState.CHANGES_REQUESTED
    (thread,) = session.scalars(select(Thread).where(Thread.version_id == version.id))
    assert (thread.section, thread.kind, thread.opened_by) == ("text", "change", world.officer.id)
    assert session.scalars(select(Comment.body).where(Comment.thread_id == thread.id)).all() == ["Say more."]
    handed_in(world, report, later)
    assert documents.decide(report, "accept", 2, officer, later).decision == "accepted"
    for move in ("accept", "reject", "request_changes"):
        with pytest.raises(Refused, match="decided already"):
            documents.decide(report, move, 2, officer, later, comments=comments)


@pytest.mark.parametrize("move", ["accept", "reject", "request_changes"])
def test_only_the_version_that_was_read_is_decided_on(
    world: World, report: Document, session: Session, now: datetime, move: str
) -> None:
    officer = world.actor(world.officer)
    comments = [SectionComment("text", "More.")]
    with pytest.raises(Refused, match="The team is writing"):
        documents.decide(report, move, 1, officer, now, comments=comments)
    handed_in(world, report, now)
    documents.decide(report, "request_changes", 1, officer, now, comments=comments)
    handed_in(world, report, now)
    for number in (0, 1, 3):
        with pytest.raises(Refused, match="newer version"):
            documents.decide(report, move, number, officer, now, comments=comments)
    assert report.state == ReviewState.SUBMITTED
    assert session.scalar(select(func.count()).select_from(Thread)) == 1


@pytest.mark.parametrize("comments", [[], [SectionComment("text", " \n")]])
def test_changes_without_saying_which_are_refused(
    world: World, report: Document, now: datetime, comments: list[SectionComment]
) -> None:
    handed_in(world, report, now)
    with pytest.raises(Refused, match="at least one section"):
        documents.decide(report, "request_changes", 1, world.actor(world.officer), now, comments=comments)
    assert report.state == ReviewState.SUBMITTED


def test_there_is_no_version_before_the_first(report: Document) -> None:
    with pytest.raises(NotFound):
        documents.newest_version(report)


def test_versions_of_two_documents_do_not_mix(world: World, report: Document, now: datetime) -> None:
    second = documents.new_document(world.award, KIND, 2, "Report 2", {"text": ""})
    handed_in(world, report, now)
    assert handed_in(world, second, now).number == 1
    with pytest.raises(NotFound):
        documents.newest_version(documents.new_document(world.award, KIND, 3, "Report 3", {}))
