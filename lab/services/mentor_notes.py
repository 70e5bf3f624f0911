"""Notes of mentors on an award, for mentors and officers alone."""

from __future__ import annotations

from datetime import datetime

from lab.models import MentorNote
from lab.rules.errors import Invalid
from lab.rules.facts import Actor
from lab.rules.lab import MAX_NOTE
from lab.rules.permissions import Action
from lab.rules.text import N_, M
from lab.services.steps import award_for, not_ended, session


def write_note(actor: Actor, now: datetime, award_code: str, body: str) -> int:
    """Keep a note on the award. Nobody is told, and nothing of it is on the timeline. Returns its id.

    Raises Invalid for ``note``, without a text or with one too long, and Refused once the award has ended.
    """
    award = award_for(actor, Action.WRITE_MENTOR_NOTE, award_code)
    not_ended(award)
    body = body.strip()
    if not body or len(body) > MAX_NOTE:
        raise Invalid({"note": M(N_("Write the note, in at most %(limit)s characters."), limit=MAX_NOTE)})
    assert actor.person_id is not None
    kept = MentorNote(award_id=award.id, author_id=actor.person_id, body=body, at=now)
    session().add(kept)
    session().commit()
    return kept.id
