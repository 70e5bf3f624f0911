"""One-time keys of forms: taken within the transaction of the effect, so that they are kept only if it commits."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError

from lab.models import FormKey
from lab.services.steps import session


def take(key: str, person_id: int | None, path: str, wall: datetime) -> bool:
    """Take ``key`` in the running transaction; the caller's effect commits it. False when it was used before.

    Waits for another transaction that holds the same key. ``wall`` is the real instant (UTC).
    """
    try:
        if session().get(FormKey, key) is None:
            session().add(FormKey(key=key, person_id=person_id, path=path[:300], at=wall))
            session().flush()
            return True
    except IntegrityError:
        session().rollback()
    return False


def answer_of(key: str, person_id: int | None) -> str | None:
    """Where the person's form with ``key`` led: empty while that is not noted yet, None for a key that is not theirs."""
    found = session().scalar(select(FormKey.answer).where(FormKey.key == key, FormKey.person_id == person_id))
    session().rollback()
    return found


def note_answer(key: str, address: str) -> None:
    """Note where a form led, for a second sending. Commits."""
    session().execute(update(FormKey).where(FormKey.key == key).values(answer=address[:500]))
    session().commit()


def forget(before: datetime) -> None:
    """Forget the keys taken before that real instant (UTC). Commits."""
    session().execute(delete(FormKey).where(FormKey.at < before))
    session().commit()
