"""Everything that an amendment would change, before and after: read from the award's terms on both sides of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TypeVar

from lab.rules.amendment import Line, Payment, Terms
from lab.rules.facts import Stage
from lab.rules.schedule import Due
from lab.rules.workplan_changes import ItemChange, TotalChange, changes, total_changes

K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True)
class EndChange:
    """The last day of a stage."""

    stage: Stage
    before: date
    after: date


@dataclass(frozen=True)
class LineChange:
    """A budget line; None where there is none."""

    before: Line | None
    after: Line | None


@dataclass(frozen=True)
class OwedChange:
    """Something owed that gets another day, is new (``before`` None), or is no longer owed (``after`` None)."""

    before: Due | None
    after: Due | None

    @property
    def due(self) -> Due:
        """What is owed, in its latest form."""
        found = self.after or self.before
        assert found is not None
        return found


@dataclass(frozen=True)
class PaymentChange:
    """A payment; None where there is none."""

    before: Payment | None
    after: Payment | None


@dataclass(frozen=True)
class Preview:
    """What would change, empty where nothing does. ``lead`` is (name before, name after); amounts in the award's currency,
    ``unplanned`` what of the award no payment plans, before and after."""

    plan: tuple[ItemChange, ...]
    totals: tuple[TotalChange, ...]
    lines: tuple[LineChange, ...]
    ends: tuple[EndChange, ...]
    owed: tuple[OwedChange, ...]
    payments: tuple[PaymentChange, ...]
    unplanned: tuple[Decimal, Decimal]
    account: tuple[Mapping[str, str] | None, Mapping[str, str] | None] | None
    lead: tuple[str, str] | None

    @property
    def empty(self) -> bool:
        """Whether nothing would change."""
        return not (
            self.plan or self.lines or self.ends or self.owed or self.payments or self.account or self.lead
        )  # fmt: skip


def preview(before: Terms, after: Terms) -> Preview:
    """What leads from ``before`` to ``after``, in the order of ``after``, what went last."""
    ends = (
        EndChange(Stage.PROTOTYPING, before.prototyping_ends, after.prototyping_ends),
        EndChange(Stage.PILOT, before.pilot_ends, after.pilot_ends),
    )
    return Preview(
        plan=changes(before.plan, after.plan),
        totals=total_changes(before.plan, after.plan, after.currency),
        lines=tuple(
            LineChange(old, new)
            for old, new in _paired(
                {line.number: line for line in before.lines}, {line.number: line for line in after.lines}
            )
        ),
        ends=tuple(end for end in ends if end.before != end.after),
        owed=tuple(
            OwedChange(old, new)
            for old, new in _paired({owed.key: owed for owed in before.owed}, {owed.key: owed for owed in after.owed})
        ),
        payments=tuple(
            PaymentChange(old, new)
            for old, new in _paired(
                {payment.number: payment for payment in before.payments},
                {payment.number: payment for payment in after.payments},
            )
        ),
        unplanned=(before.amount - before.planned, after.amount - after.planned),
        account=None if before.account == after.account else (before.account, after.account),
        lead=None if before.lead == after.lead else (before.lead[1], after.lead[1]),
    )


def _paired(before: Mapping[K, V], after: Mapping[K, V]) -> list[tuple[V | None, V | None]]:
    """What differs under each key: those of ``after`` first, then what is gone."""
    found: list[tuple[V | None, V | None]] = [
        (before.get(key), value) for key, value in after.items() if before.get(key) != value
    ]
    return found + [(value, None) for key, value in before.items() if key not in after]
