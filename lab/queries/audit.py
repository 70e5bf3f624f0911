"""The audit: whether what happened and the money that moved are still as they were written, and agree with each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from lab.models import Award, Event, LedgerEntry, Tranche
from lab.rules.disbursement import GONE, PAID
from lab.rules.events import GENESIS, chain_hash, event_fields, ledger_fields
from lab.rules.money import rounded

_PIECE = 1000


@dataclass(frozen=True)
class Broken:
    """The first row of a chain that is not as it was written: where, and what is wrong with it."""

    table: str
    stream: str
    seq: int
    what: str

    def __str__(self) -> str:
        return f"{self.table}, {self.stream}, row {self.seq}: {self.what}"


@dataclass(frozen=True)
class Chains:
    """What was read of a table: its rows, its chains, and the first broken row of each that has one."""

    table: str
    rows: int
    chains: int
    broken: tuple[Broken, ...]


def read_chains(session: Session) -> tuple[Chains, ...]:
    """Every chain of events and of the ledger, read once from its first row to its last."""
    events = (
        (row.stream, row.seq, row.previous_hash, row.hash, event_fields(row.kind, row.actor_id, row.at, row.details))
        for row in session.scalars(select(Event).order_by(Event.stream, Event.seq).execution_options(yield_per=_PIECE))
    )
    entries = (
        (row.stream, row.seq, row.previous_hash, row.hash, ledger_fields(row))
        for row in session.scalars(
            select(LedgerEntry).order_by(LedgerEntry.stream, LedgerEntry.seq).execution_options(yield_per=_PIECE)
        )
    )
    return _read("event", events), _read("ledger_entry", entries)


def _read(table: str, rows: Iterator[tuple[str, int, str, str, Mapping[str, object]]]) -> Chains:
    number = 0
    last: dict[str, tuple[int, str]] = {}
    broken: dict[str, Broken] = {}
    for stream, seq, previous, own, fields in rows:
        number += 1
        before, hashed = last.get(stream, (0, GENESIS))
        last[stream] = seq, own
        if stream in broken:
            continue
        if seq != before + 1:
            broken[stream] = Broken(table, stream, before + 1, f"it is missing; row {seq} follows")
        elif previous != hashed:
            broken[stream] = Broken(table, stream, seq, "it does not follow the row before it")
        elif chain_hash(previous, {"stream": stream, "seq": seq, **fields}) != own:
            broken[stream] = Broken(table, stream, seq, "it is no longer what was written")
    return Chains(table, number, len(last), tuple(broken.values()))


def disagreements(session: Session) -> list[str]:
    """Where payments, the ledger and the events of an award do not say the same, in sentences; none when all is well."""
    paid, planned = _tranches(session)
    entries = _entries(session)
    told = select(Event.award_id, func.count()).where(Event.kind == "payment_sent").group_by(Event.award_id)
    sent = {award: number for award, number in session.execute(told)}
    found = []
    for award in session.scalars(select(Award).order_by(Award.id)):
        payments, out, back = entries.get(award.id, (0, Decimal(0), Decimal(0)))
        states, events = paid.get(award.id, 0), sent.get(award.id, 0)
        if not states == payments == events:
            found.append(
                f"{award.code}: {states} payments are sent, the ledger has {payments}, and {events} are told in events"
            )
        total = rounded(out - back + planned.get(award.id, Decimal(0)), award.currency)
        if total > award.amount:
            found.append(f"{award.code}: paid and planned make {total}, more than the award of {award.amount}")
    return found


def _tranches(session: Session) -> tuple[dict[int, int], dict[int, Decimal]]:
    """By award: how many payments the bank was told to make, and what is still to be paid by the others."""
    rows = session.execute(
        select(
            Tranche.award_id,
            func.count(case((Tranche.state.in_(PAID), Tranche.id))),
            func.sum(case((Tranche.state.not_in(PAID | GONE), Tranche.amount))),
        ).group_by(Tranche.award_id)
    ).all()
    return (
        {award: number for award, number, _planned in rows},
        {award: planned or Decimal(0) for award, _number, planned in rows},
    )


def _entries(session: Session) -> dict[int, tuple[int, Decimal, Decimal]]:
    """By award: how many payments the ledger has, what they come to, and what came back."""
    rows = session.execute(
        select(
            LedgerEntry.award_id,
            func.count(case((LedgerEntry.kind == "payment", LedgerEntry.id))),
            func.sum(case((LedgerEntry.kind == "payment", LedgerEntry.amount))),
            func.sum(case((LedgerEntry.kind == "return", LedgerEntry.amount))),
        ).group_by(LedgerEntry.award_id)
    ).all()
    return {award: (number, out or Decimal(0), back or Decimal(0)) for award, number, out, back in rows}
