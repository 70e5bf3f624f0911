"""Closing (guide §11): lessons learned, and the end of a finished award."""

from __future__ import annotations

from datetime import datetime

from lab.models import Lesson
from lab.rules.errors import Refused
from lab.rules.facts import ENDED, Actor, Stage
from lab.rules.obligations import ObligationKind
from lab.rules.permissions import Action
from lab.rules.records import read_record
from lab.rules.text import N_, M
from lab.services.stages import move, settle
from lab.services.steps import award_for, discharge, record, session


def write_lesson(actor: Actor, now: datetime, award_code: str, title: str, body: str) -> int:
    """Write down a lesson learned (guide §11), from any side of the award. Returns its id.

    Raises Invalid per field, Refused once the award has ended.
    """
    award = award_for(actor, Action.WRITE_LESSON, award_code)
    if Stage(award.stage) in ENDED:
        raise Refused(M(N_("The award has ended: nothing more is written in it.")))
    written = read_record(title, body)
    assert actor.person_id is not None
    lesson = Lesson(award_id=award.id, title=written.title, body=written.body, by=actor.person_id, at=now)
    session().add(lesson)
    session().flush()
    record(award, "lesson_written", actor, now, title=written.title)
    settle(award, now)
    session().commit()
    return lesson.id


def close_award(actor: Actor, now: datetime, award_code: str) -> None:
    """Close the award (domain: 5). Raises Refused with everything that is still missing."""
    award = award_for(actor, Action.CLOSE_AWARD, award_code)
    # Done, and not waived with what else is still open when an award ends.
    discharge(award, ObligationKind.CLOSE_AWARD, now)
    move(award, "close", actor, "", now)
    session().commit()
