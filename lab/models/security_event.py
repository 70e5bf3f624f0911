"""Security events: who got in, who was refused, what changed about accounts. Appended, never edited."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from lab.models.base import Base, instant, pk, short
from lab.models.person import Person


class SecurityEvent(Base):
    """One event. ``actor`` did it (None: somebody who was not signed in), ``subject`` is whose account it concerns.

    ``at`` is the real instant (UTC), ``address`` the network address, ``action`` the permission or route refused.
    """

    __tablename__ = "security_event"
    id: Mapped[pk]
    at: Mapped[instant] = mapped_column(index=True)
    kind: Mapped[short] = mapped_column(index=True)
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), index=True)
    subject_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), index=True)
    address: Mapped[short]
    action: Mapped[str] = mapped_column(String(80))
    path: Mapped[str] = mapped_column(String(300))
    details: Mapped[dict[str, Any]]
    actor: Mapped[Person | None] = relationship(foreign_keys=actor_id, lazy="raise_on_sql")
    subject: Mapped[Person | None] = relationship(foreign_keys=subject_id, lazy="raise_on_sql")
