"""A pilot's indicators with what was measured last, one indicator's history, and the committee's decisions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from lab.models import Decision, Indicator, IndicatorValue
from lab.rules.errors import NotFound
from lab.rules.pilot import attained


@dataclass(frozen=True)
class IndicatorRow:
    """An indicator and its newest value; ``on`` and ``value`` are None while nothing was measured. ``days`` counts dated values."""

    id: int
    award_id: int
    name: str
    unit: str
    baseline: Decimal
    target: Decimal
    value: Decimal | None
    on: date | None
    days: int

    @property
    def attained(self) -> Decimal | None:
        """Share of the way from baseline to target (1: reached); None while nothing was measured."""
        return None if self.value is None else attained(self.baseline, self.target, self.value)

    @property
    def reached(self) -> bool:
        """Whether the newest value is at the target or beyond."""
        share = self.attained
        return share is not None and share >= 1


def indicators_of(session: Session, award_ids: Sequence[int]) -> list[IndicatorRow]:
    """The indicators of these awards with their newest values, in the order of their definition, in one statement.

    Of several values of one day the one entered last counts.
    """
    newest = (
        select(
            IndicatorValue.indicator_id,
            IndicatorValue.total,
            IndicatorValue.measured_on,
            func.row_number()
            .over(
                partition_by=IndicatorValue.indicator_id,
                order_by=(IndicatorValue.measured_on.desc(), IndicatorValue.id.desc()),
            )
            .label("place"),
            func.count().over(partition_by=IndicatorValue.indicator_id).label("values"),
        )
        .join(Indicator)
        .where(Indicator.award_id.in_(award_ids))
        .subquery()
    )
    query = (
        select(
            Indicator.id,
            Indicator.award_id,
            Indicator.name,
            Indicator.unit,
            Indicator.baseline,
            Indicator.target,
            newest.c.total,
            newest.c.measured_on,
            func.coalesce(newest.c["values"], 0),
        )
        .outerjoin(newest, (newest.c.indicator_id == Indicator.id) & (newest.c.place == 1))
        .where(Indicator.award_id.in_(award_ids))
        .order_by(Indicator.award_id, Indicator.id)
    )
    return [IndicatorRow(*row) for row in session.execute(query)]


def get_indicator(session: Session, award_id: int, indicator_id: int) -> Indicator:
    """The award's indicator with that id. Raises NotFound, also for another award's."""
    found = session.scalars(
        select(Indicator).where(Indicator.award_id == award_id, Indicator.id == indicator_id)
    ).one_or_none()
    if found is None:
        raise NotFound("indicator")
    return found


@dataclass(frozen=True)
class Entry:
    """A value as entered; ``counts`` is False when a later entry of the same day corrected it."""

    value: IndicatorValue
    counts: bool


def history_of(session: Session, indicator_id: int, limit: int = 200) -> list[Entry]:
    """The newest ``limit`` values of an indicator with who entered them, newest day first, in one statement."""
    rows = session.scalars(
        select(IndicatorValue)
        .where(IndicatorValue.indicator_id == indicator_id)
        .options(joinedload(IndicatorValue.author))
        .order_by(IndicatorValue.measured_on.desc(), IndicatorValue.id.desc())
        .limit(limit)
    )
    entries: list[Entry] = []
    for value in rows:
        entries.append(Entry(value, not entries or entries[-1].value.measured_on != value.measured_on))
    return entries


def decisions_of(session: Session, award_id: int) -> list[Decision]:
    """The committee's decisions on the award with their authors, newest first, in one statement."""
    query = select(Decision).where(Decision.award_id == award_id).options(joinedload(Decision.author))
    return list(session.scalars(query.order_by(Decision.at.desc(), Decision.id.desc())))
