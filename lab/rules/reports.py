"""Reports, narrative and financial: what the team typed, read strictly, and spending held against the approved budget."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from lab.rules.calendar import add_months
from lab.rules.money import MoneyError, parse_amount
from lab.rules.text import M, Message, N_
from lab.rules.workplan import MAX_TEXT, Problem


@dataclass(frozen=True)
class LineFacts:
    """An approved budget line: its amount and what accepted reports have spent on it before, in the award's currency."""

    id: int
    label: str
    amount: Decimal
    spent_before: Decimal


@dataclass(frozen=True)
class ReportFrame:
    """What a report is held against: the sections it must have, the budget, the call's tolerances (fractions of a line)."""

    sections: Mapping[str, str]
    lines: tuple[LineFacts, ...]
    currency: str
    explain_over: Decimal
    amend_over: Decimal


@dataclass(frozen=True)
class SpendingLine:
    """Spending of this report on one line; ``over`` is the overspent fraction of the line (0 when within)."""

    line_id: int
    label: str
    amount: Decimal
    total: Decimal
    budget: Decimal
    over: Decimal
    needs_amendment: bool


@dataclass(frozen=True)
class ReportReading:
    """A report as read: spending per line, and every problem (none: it can be submitted)."""

    spending: tuple[SpendingLine, ...]
    problems: tuple[Problem, ...]

    @property
    def spent(self) -> Decimal:
        """What this report spends, over all lines."""
        return sum((line.amount for line in self.spending), Decimal(0))


def empty_report() -> dict[str, object]:
    """The content of a report nobody has written in yet."""
    return {"sections": {}, "spending": {}, "explanations": {}, "files": []}


def clean_report(raw: Mapping[str, object]) -> dict[str, object]:
    """``raw`` cut down to the known fields as text; nothing typed is changed."""
    content: dict[str, object] = {}
    for part in ("sections", "spending", "explanations"):
        cells = raw.get(part)
        content[part] = {str(k): str(v or "")[: MAX_TEXT * 5] for k, v in cells.items()} if isinstance(cells, Mapping) else {}
    files = raw.get("files")
    content["files"] = [int(f) for f in files if str(f).isdigit()] if isinstance(files, Sequence) else []
    return content


def _texts(content: Mapping[str, object], part: str) -> Mapping[str, str]:
    cells = content.get(part)
    return cells if isinstance(cells, dict) else {}


def read_report(content: Mapping[str, object], frame: ReportFrame) -> ReportReading:
    """Read a report's content (see :func:`clean_report`) against its frame."""
    problems: list[Problem] = []
    sections, typed, explained = (_texts(content, part) for part in ("sections", "spending", "explanations"))
    for key, label in frame.sections.items():
        if not sections.get(key, "").strip():
            problems.append(Problem(f"sections-{key}", M(N_("Write the section “%(label)s”."), label=label)))
    spending = []
    for line in frame.lines:
        amount = _read_amount(typed.get(str(line.id), ""), frame.currency, f"spending-{line.id}", problems)
        total = line.spent_before + amount
        over = max(Decimal(0), (total - line.amount) / line.amount)
        if over > frame.explain_over and not explained.get(str(line.id), "").strip():
            problems.append(
                Problem(
                    f"explanations-{line.id}",
                    M(
                        N_("“%(label)s” is overspent by %(percent)s %%: explain why, so that the officer can accept it."),
                        label=line.label,
                        percent=(over * 100).quantize(Decimal("0.1")),
                    ),
                )
            )
        spending.append(SpendingLine(line.id, line.label, amount, total, line.amount, over, over > frame.amend_over))
    return ReportReading(tuple(spending), tuple(problems))


def _read_amount(typed: str, currency: str, place: str, problems: list[Problem]) -> Decimal:
    if not typed.strip():
        return Decimal(0)
    try:
        return parse_amount(typed, currency)
    except MoneyError as error:
        problems.append(Problem(place, error.message))
        return Decimal(0)


def report_days(began_on: date, months: int, every: int) -> tuple[date, ...]:
    """Last days of the reporting periods within a stage of ``months`` months, one every ``every`` months (0: none)."""
    if every <= 0:
        return ()
    return tuple(add_months(began_on, n) for n in range(every, months, every))
