"""Notes of mentors: for mentors of the award and officers, and on no timeline."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lab.models import Event, Mail, MentorNote
from lab.queries.lab import notes_of
from lab.rules.errors import Invalid, NotAllowed, NotFound
from lab.rules.facts import Stage
from lab.services.award import remove_member
from lab.services.mentor_notes import write_note
from tests.factories import World

WorldAt = Callable[..., World]


def test_mentors_and_officers_write(world_at: WorldAt, session: Session, now: datetime) -> None:
    world = world_at(Stage.PROTOTYPING)
    before = session.scalar(select(func.count()).select_from(Event))
    write_note(world.actor(world.mentor), now, world.code, "  The lead carries it alone.\nWatch that. ")
    write_note(world.actor(world.officer), now + timedelta(days=1), world.code, "Seen.")
    assert [(note.author.name, note.body) for note in notes_of(session, world.award.id)] == [
        (world.officer.name, "Seen."),
        (world.mentor.name, "The lead carries it alone.\nWatch that."),
    ]
    assert session.scalar(select(func.count()).select_from(Event)) == before, "nothing on the timeline"
    assert session.scalar(select(func.count()).select_from(Mail)) == 0


def test_nobody_else(world_at: WorldAt, session: Session, now: datetime) -> None:
    world = world_at(Stage.PROTOTYPING)
    for who in (world.lead, world.member, world.committee, world.finance):
        with pytest.raises(NotAllowed):
            write_note(world.actor(who), now, world.code, "A note")
    for who in (world.admin, world.other_lead):
        with pytest.raises(NotFound):
            write_note(world.actor(who), now, world.code, "A note")
    assert session.scalar(select(func.count()).select_from(MentorNote)) == 0


@pytest.mark.parametrize("body", ["", "  \n ", "x" * 4001])
def test_without_a_text_or_too_long(world_at: WorldAt, session: Session, now: datetime, body: str) -> None:
    world = world_at(Stage.PROTOTYPING)
    with pytest.raises(Invalid, match="at most 4000"):
        write_note(world.actor(world.mentor), now, world.code, body)


def test_a_mentor_who_left_writes_no_more_and_stays_the_author(
    world_at: WorldAt, session: Session, now: datetime
) -> None:
    world = world_at(Stage.PROTOTYPING)
    write_note(world.actor(world.mentor), now, world.code, "Mine.")
    remove_member(world.actor(world.officer), now, world.code, world.mentor.id)
    with pytest.raises(NotFound):
        write_note(world.actor(world.mentor), now, world.code, "Again.")
    assert [note.author_id for note in notes_of(session, world.award.id)] == [world.mentor.id]
