"""Signs of life in the database."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from lab.models import Heartbeat


def ping(session: Session) -> None:
    """Ask the database for an answer from its own tables. Raises what the driver raises when there is none."""
    session.execute(select(Heartbeat.name).limit(1))


def heartbeat(session: Session, name: str) -> Heartbeat | None:
    """The last sign of life of the named worker."""
    return session.scalars(select(Heartbeat).where(Heartbeat.name == name)).one_or_none()
