"""The list of all awards, a page at a time, each with whose turn it is; a fixed number of statements at any size."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import ScalarSelect, Select, case, func, or_, select
from sqlalchemy.orm import Session, joinedload

from lab.models import Award, Call, LedgerEntry, Obligation, Organisation
from lab.rules.money import rounded
from lab.rules.obligations import ObligationState

PAGE = 25
# What leaves at once; the filters lead to the rest.
EXPORT_LIMIT = 5000


@dataclass(frozen=True)
class Filters:
    """What the list is narrowed to; empty texts narrow nothing. ``text`` is looked for in project, organisation and code."""

    call: str = ""
    stage: str = ""
    text: str = ""


@dataclass(frozen=True)
class Row:
    """An award in the list, with the open obligation that is due first."""

    award: Award
    next: Obligation | None


@dataclass(frozen=True)
class PaidRow(Row):
    """An award in the file, with what was paid of it by the ledger, in its currency."""

    paid: Decimal


@dataclass(frozen=True)
class Portfolio:
    """A page of the list: ``total`` awards match in all; ``number`` counts from 1."""

    rows: list[Row]
    total: int
    number: int

    @property
    def pages(self) -> int:
        """How many pages there are; one for an empty list."""
        return max(1, -(-self.total // PAGE))


def _narrowed(filters: Filters) -> Select[tuple[Award]]:
    query = select(Award).join(Award.organisation).join(Award.call)
    if filters.call:
        query = query.where(Call.code == filters.call)
    if filters.stage:
        query = query.where(Award.stage == filters.stage)
    if filters.text:
        wanted = filters.text.lower().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        query = query.where(
            or_(
                *(
                    func.lower(column).like(f"%{wanted}%", escape="\\")
                    for column in (Award.project, Organisation.legal_name, Award.code)
                )
            )
        )
    return query


def list_awards(session: Session, filters: Filters, number: int = 1) -> Portfolio:
    """Page ``number`` of the awards that match, newest notice first, in three statements."""
    query = _narrowed(filters)
    total = session.scalar(select(func.count()).select_from(query.with_only_columns(Award.id).subquery())) or 0
    number = max(1, min(number, -(-total // PAGE)))
    awards = session.scalars(
        query.options(joinedload(Award.organisation), joinedload(Award.call).load_only(Call.code))
        .order_by(Award.notice_on.desc(), Award.id.desc())
        .limit(PAGE)
        .offset((number - 1) * PAGE)
    ).all()
    first = _first_due(session, [award.id for award in awards])
    return Portfolio([Row(award, first.get(award.id)) for award in awards], total, number)


def all_awards(session: Session, filters: Filters) -> list[PaidRow]:
    """The awards that match, newest notice first, up to the limit, with call and officer, in three statements."""
    query = _narrowed(filters).order_by(Award.notice_on.desc(), Award.id.desc()).limit(EXPORT_LIMIT)
    awards = session.scalars(
        query.options(joinedload(Award.organisation), joinedload(Award.call), joinedload(Award.officer))
    ).all()
    wanted = query.with_only_columns(Award.id).scalar_subquery()
    first = _first_due(session, wanted)
    payment = func.sum(case((LedgerEntry.kind == "payment", LedgerEntry.amount)))
    sums = select(LedgerEntry.award_id, payment).where(LedgerEntry.award_id.in_(wanted)).group_by(LedgerEntry.award_id)
    paid = {award_id: amount for award_id, amount in session.execute(sums)}
    return [
        PaidRow(award, first.get(award.id), rounded(paid.get(award.id) or Decimal(0), award.currency))
        for award in awards
    ]


def _first_due(session: Session, award_ids: list[int] | ScalarSelect[int]) -> dict[int, Obligation]:
    """For each award the open obligation that is due first."""
    place = func.row_number().over(partition_by=Obligation.award_id, order_by=(Obligation.due_at, Obligation.id))
    ranked = (
        select(Obligation.id, place.label("place"))
        .where(Obligation.award_id.in_(award_ids), Obligation.state == ObligationState.OPEN)
        .subquery()
    )
    query = select(Obligation).join(ranked, ranked.c.id == Obligation.id).where(ranked.c.place == 1)
    return {obligation.award_id: obligation for obligation in session.scalars(query)}
