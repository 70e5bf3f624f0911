"""Signs of life of what runs beside the web server."""

from __future__ import annotations

from sqlalchemy.orm import Mapped, mapped_column

from lab.models.base import Base, instant, short, text


class Heartbeat(Base):
    """When the named worker last finished a round, on the wall clock (UTC), and what failed in it."""

    __tablename__ = "heartbeat"
    name: Mapped[short] = mapped_column(primary_key=True)
    at: Mapped[instant]
    note: Mapped[text] = mapped_column(default="")
