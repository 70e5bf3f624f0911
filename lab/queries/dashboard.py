"""All pilots of a call for its steering committee: time, money, results and what is overdue, a page at a time.

The number of statements is the same for any number of awards: one for the awards, one each for what hangs on them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import Select, case, func, select
from sqlalchemy.orm import Session, joinedload

from lab.models import Award, LedgerEntry, Obligation, Spending
from lab.queries.awards import course_of
from lab.queries.pilot import IndicatorRow, indicators_of
from lab.rules.calendar import local_day
from lab.rules.calls import CallDefinition
from lab.rules.facts import Stage
from lab.rules.money import rounded
from lab.rules.obligations import ObligationState
from lab.rules.pilot import time_used

PER_PAGE = 20


@dataclass(frozen=True)
class TimeUsed:
    """How much of a stage has passed: its first and last day, the share (may exceed 1), the days left (negative: over)."""

    stage: Stage
    began_on: date
    ends_on: date
    share: Decimal
    days_left: int


@dataclass(frozen=True)
class MoneyUsed:
    """Of one award, in its currency: paid and returned by the ledger, spent by accepted reports."""

    awarded: Decimal
    currency: str
    paid: Decimal
    returned: Decimal
    spent: Decimal


@dataclass(frozen=True)
class PilotRow:
    """One award on the dashboard. ``time`` is None before the lab; ``overdue`` is soonest first."""

    award: Award
    stage: Stage
    time: TimeUsed | None
    money: MoneyUsed
    indicators: tuple[IndicatorRow, ...]
    overdue: tuple[Obligation, ...]

    @property
    def reached(self) -> int:
        """How many indicators are at their target or beyond."""
        return sum(indicator.reached for indicator in self.indicators)

    @property
    def attained(self) -> Decimal | None:
        """The indicators' mean share of the way to the target, each capped at 1 and unmeasured ones 0; None without any."""
        if not self.indicators:
            return None
        shares = [min(indicator.attained or Decimal(0), Decimal(1)) for indicator in self.indicators]
        return sum(shares, Decimal(0)) / len(shares)

    @property
    def behind(self) -> tuple[IndicatorRow, ...]:
        """Indicators short of their target, the furthest first."""
        short = [indicator for indicator in self.indicators if not indicator.reached]
        return tuple(sorted(short, key=lambda indicator: indicator.attained or Decimal(0)))


@dataclass(frozen=True)
class Dashboard:
    """A page of a call's pilots, and how many awards there are on all pages."""

    rows: tuple[PilotRow, ...]
    total: int
    page: int

    @property
    def pages(self) -> int:
        """How many pages there are; one at least."""
        return max(1, -(-self.total // PER_PAGE))


def dashboard(session: Session, call_id: int, definition: CallDefinition, now: datetime, page: int = 1) -> Dashboard:
    """Page ``page`` (from 1) of the call's awards at ``now`` (UTC): pilots first, then what is under way, then what ended."""
    query = (
        select(Award, func.count().over())
        .where(Award.call_id == call_id)
        .options(joinedload(Award.organisation))
        .order_by(Award.ended_at.is_not(None), Award.pilot_on.is_(None), Award.prototyping_on.is_(None), Award.number)
    )
    found = session.execute(query.limit(PER_PAGE).offset((page - 1) * PER_PAGE)).all()
    awards = [award for award, _ in found]
    ids = [award.id for award in awards]
    ledger, spent = _ledger(session, ids), _spent(session, ids)
    indicators, overdue = _indicators(session, ids), _overdue(session, ids, now)
    rows = tuple(
        PilotRow(
            award=award,
            stage=Stage(award.stage),
            time=time_of(award, definition, now),
            money=_money(award, ledger.get(award.id), spent.get(award.id)),
            indicators=tuple(indicators[award.id]),
            # A suspended award stands still: nothing on it is late.
            overdue=() if award.stage == Stage.SUSPENDED else tuple(overdue[award.id]),
        )
        for award in awards
    )
    return Dashboard(rows, found[0][1] if found else 0, page)


def time_of(award: Award, definition: CallDefinition, now: datetime) -> TimeUsed | None:
    """The time used of the pilot, or of prototyping before it, until ``now`` or the award's end; None before the lab."""
    zone = definition.time_zone
    today = local_day(min(now, award.ended_at) if award.ended_at else now, zone)
    if award.pilot_on is None and award.prototyping_on is None:
        return None
    stage = Stage.PILOT if award.pilot_on is not None else Stage.PROTOTYPING
    began, ends = course_of(award).window(stage, definition)
    return TimeUsed(stage, began, ends, time_used(began, ends, today), (ends - today).days)


def _money(award: Award, moved: tuple[Decimal, Decimal] | None, spent: Decimal | None) -> MoneyUsed:
    paid, returned = moved or (Decimal(0), Decimal(0))
    currency = award.currency
    return MoneyUsed(
        awarded=rounded(award.amount, currency),
        currency=currency,
        paid=rounded(paid, currency),
        returned=rounded(returned, currency),
        spent=rounded(spent or Decimal(0), currency),
    )


def _ledger(session: Session, ids: Sequence[int]) -> dict[int, tuple[Decimal, Decimal]]:
    query: Select[tuple[int, Decimal | None, Decimal | None]] = (
        select(
            LedgerEntry.award_id,
            func.sum(case((LedgerEntry.kind == "payment", LedgerEntry.amount))),
            func.sum(case((LedgerEntry.kind == "return", LedgerEntry.amount))),
        )
        .where(LedgerEntry.award_id.in_(ids))
        .group_by(LedgerEntry.award_id)
    )
    return {award: (paid or Decimal(0), back or Decimal(0)) for award, paid, back in session.execute(query)}


def _spent(session: Session, ids: Sequence[int]) -> dict[int, Decimal]:
    query = (
        select(Spending.award_id, func.sum(Spending.amount))
        .where(Spending.award_id.in_(ids), Spending.accepted)
        .group_by(Spending.award_id)
    )
    return {award: total for award, total in session.execute(query)}


def _indicators(session: Session, ids: Sequence[int]) -> defaultdict[int, list[IndicatorRow]]:
    grouped: defaultdict[int, list[IndicatorRow]] = defaultdict(list)
    for row in indicators_of(session, ids):
        grouped[row.award_id].append(row)
    return grouped


def _overdue(session: Session, ids: Sequence[int], now: datetime) -> defaultdict[int, list[Obligation]]:
    query = select(Obligation).where(
        Obligation.award_id.in_(ids), Obligation.state == ObligationState.OPEN, Obligation.due_at <= now
    )
    grouped: defaultdict[int, list[Obligation]] = defaultdict(list)
    for obligation in session.scalars(query.order_by(Obligation.due_at, Obligation.id)):
        grouped[obligation.award_id].append(obligation)
    return grouped
