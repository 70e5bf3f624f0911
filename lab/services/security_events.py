"""Security events, appended: in the transaction of what they tell of, or in one of their own when that was refused."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from datetime import datetime

from lab.models import SecurityEvent
from lab.rules.errors import NotAllowed
from lab.rules.facts import Actor
from lab.rules.permissions import Action, can
from lab.rules.security_events import SecurityEventKind
from lab.services.steps import session


@dataclass(frozen=True)
class Place:
    """Where a request came from: its network address, what browser it says it is, and the path it asked for."""

    address: str = ""
    browser: str = ""
    path: str = ""


NOWHERE = Place()
# A line of JSON for every event as well, for whoever gathers logs elsewhere: lab.setup gives it a place to go.
_LOG = logging.getLogger("lab.security")


def note(
    kind: SecurityEventKind,
    actor: Actor | None,
    wall: datetime,
    place: Place = NOWHERE,
    *,
    subject_id: int | None = None,
    action: str = "",
    **details: object,
) -> None:
    """Append an event to the running transaction; the caller commits. ``wall`` is the real instant (UTC).

    ``actor`` is None for somebody who was not signed in. ``details`` are texts and numbers, never a secret.
    """
    event = SecurityEvent(
        at=wall,
        kind=kind,
        actor_id=actor.person_id if actor else None,
        subject_id=subject_id,
        address=place.address[:40],
        action=action[:80],
        path=place.path[:300],
        details={name: value if isinstance(value, int) else str(value)[:300] for name, value in details.items()},
    )
    session().add(event)
    session().flush()
    columns = ("kind", "actor_id", "subject_id", "address", "action", "path", "details")
    _LOG.info(json.dumps({"at": wall.isoformat(), **{name: getattr(event, name) for name in columns}}))


def note_refusal(
    kind: SecurityEventKind,
    actor: Actor | None,
    wall: datetime,
    place: Place,
    action: str = "",
    *,
    subject_id: int | None = None,
    **details: object,
) -> None:
    """Append an event in a transaction of its own: what it tells of was refused, and has stored nothing. Commits."""
    note(kind, actor, wall, place, subject_id=subject_id, action=action, **details)
    session().commit()


def note_export(actor: Actor, action: Action, wall: datetime, place: Place, what: str, **details: object) -> None:
    """Note that ``actor`` takes out the list ``what``, before it leaves. Raises NotAllowed without the right to ``action``."""
    if not can(actor, action):
        raise NotAllowed(action)
    note(SecurityEventKind.EXPORTED, actor, wall, place, subject_id=None, action=action, what=what, **details)
    session().commit()
