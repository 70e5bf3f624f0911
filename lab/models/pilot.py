"""A pilot's indicators: baseline, target, and dated values split by sex, age and the guide's groups."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from lab.models.base import Base, amount, instant, name, pk, short, text
from lab.models.person import Person


class Indicator(Base):
    """What the pilot is measured by. ``unit`` is a word such as “firms” or “%”."""

    __tablename__ = "indicator"
    id: Mapped[pk]
    award_id: Mapped[int] = mapped_column(ForeignKey("award.id"), index=True)
    name: Mapped[name]
    unit: Mapped[short]
    baseline: Mapped[amount]
    target: Mapped[amount]
    created_by: Mapped[int] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[instant]


class IndicatorValue(Base):
    """A value on a day. ``split`` is {"sex": {key: "12"}, "age": {…}, "group": {…}}, numbers as text. Later rows correct earlier ones."""

    __tablename__ = "indicator_value"
    __table_args__ = (Index("ix_indicator_value_latest", "indicator_id", "measured_on", "id"),)
    id: Mapped[pk]
    indicator_id: Mapped[int] = mapped_column(ForeignKey("indicator.id"))
    measured_on: Mapped[date]
    total: Mapped[amount]
    split: Mapped[dict[str, Any]]
    note: Mapped[text] = mapped_column(default="")
    entered_by: Mapped[int] = mapped_column(ForeignKey("person.id"))
    entered_at: Mapped[instant]
    author: Mapped[Person] = relationship(lazy="raise_on_sql")
