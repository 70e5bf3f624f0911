"""What the buttons of the plan's editor do: rows copied, moved, split and removed; cells pasted; and what it all adds up to."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_UP, Decimal
from typing import Any

from lab.rules.errors import Refused
from lab.rules.money import MoneyError, parse_amount, parse_number, rounded
from lab.rules.text import N_, M, Message
from lab.rules.workplan import STAGES, Reading
from lab.rules.workplan_cells import REFERENCES, CellError, Choices, read_cell, read_reference
from lab.rules.workplan_content import MAX_ROWS, MAX_TEXT, clean_content
from lab.rules.workplan_headings import COLUMNS, field_of

NewId = Callable[[], str]
_FULL = N_("A plan holds up to %(limit)s rows in a section: remove one first.")


def _rows(content: Mapping[str, Any], section: str) -> list[dict[str, str]]:
    found: Any = content[section]
    return [dict(row) for row in found]


def copy_row(content: Mapping[str, Any], section: str, at: int, new_id: NewId) -> dict[str, Any]:
    """The plan with the row ``at`` once more, behind itself and under a name of its own. Raises Refused when it is full."""
    rows = _rows(content, section)
    if len(rows) >= MAX_ROWS:
        raise Refused(M(_FULL, limit=MAX_ROWS))
    rows.insert(at + 1, rows[at] | {"id": new_id()})
    return {**content, section: rows}


def move_row(content: Mapping[str, Any], section: str, at: int, by: int) -> dict[str, Any]:
    """The plan with the row ``at`` so many places further down (up: negative), at most to the end of its section."""
    rows = _rows(content, section)
    rows.insert(max(0, at + by), rows.pop(at))
    return {**content, section: rows}


def remove_row(content: Mapping[str, Any], section: str, at: int) -> dict[str, Any]:
    """The plan without the row ``at``."""
    rows = _rows(content, section)
    return {**content, section: rows[:at] + rows[at + 1 :]}


def halves(quantity: Decimal, unit_cost: Decimal, currency: str) -> tuple[Decimal, Decimal] | None:
    """Two quantities that add up to ``quantity`` and whose amounts add up to its amount to the last minor unit.

    The first is the larger; whole numbers stay whole if they can. None when it is too little to be split.
    """
    amount = rounded(quantity * unit_cost, currency)
    exponent = quantity.as_tuple().exponent
    for places in range(max(0, -exponent) if isinstance(exponent, int) else 0, 7):
        step = Decimal(1).scaleb(-places)
        half = (quantity / 2).quantize(step, ROUND_UP)
        for n in range(50):
            one, other = half + n * step, quantity - half - n * step
            if other <= 0:
                break
            if rounded(one * unit_cost, currency) + rounded(other * unit_cost, currency) == amount:
                return one, other
    return None


def split_line(content: Mapping[str, Any], at: int, currency: str, new_id: NewId) -> dict[str, Any]:
    """The plan with the budget line ``at`` as two, which come to the same together. Raises Refused with what is missing."""
    rows = _rows(content, "budget")
    if len(rows) >= MAX_ROWS:
        raise Refused(M(_FULL, limit=MAX_ROWS))
    line = rows[at]
    try:
        quantity = parse_number(line.get("quantity", ""))
        cost = parse_amount(line.get("unit_cost", ""), currency)
    except MoneyError as error:
        raise Refused(
            M(N_("Give the line a quantity and a unit cost first: there is nothing to split yet."))
        ) from error
    found = halves(quantity, cost, currency)
    if found is None:
        raise Refused(M(N_("The line’s quantity is too small to be split.")))
    rows[at] = line | {"quantity": f"{found[0]:f}"}
    rows.insert(at + 1, line | {"quantity": f"{found[1]:f}", "id": new_id()})
    return {**content, "budget": rows}


# Totals ---------------------------------------------------------------------------------------------------------------

NOT_PLACED = ""


@dataclass(frozen=True)
class Sums:
    """What the grant pays, and what the team adds, in the award's currency."""

    granted: Decimal = Decimal(0)
    own: Decimal = Decimal(0)

    def plus(self, amount: Decimal, own: bool) -> Sums:
        """With one more line."""
        return replace(self, own=self.own + amount) if own else replace(self, granted=self.granted + amount)


def by_category(reading: Reading, keys: Sequence[str]) -> dict[str, Sums]:
    """What the lines come to by category, those of ``keys`` first; "" is for lines without one that the call knows."""
    sums = dict.fromkeys((*keys, ""), Sums())
    for line in reading.lines:
        key = line.category if line.category in sums else ""
        sums[key] = sums[key].plus(line.amount, line.own)
    return sums


def by_stage(content: Mapping[str, Any], reading: Reading) -> dict[str, Sums]:
    """What the lines come to by stage: that of the milestone of the line's activity; "" for those that hang on none."""
    plan = clean_content(content)
    stages = {row["id"]: row["stage"] for row in _rows(plan, "milestones")}
    activities = {row["id"]: stages.get(row["milestone"], "") for row in _rows(plan, "activities")}
    sums = dict.fromkeys((*STAGES, NOT_PLACED), Sums())
    for line in reading.lines:
        stage = activities.get(line.activity, "")
        key = stage if stage in STAGES else NOT_PLACED
        sums[key] = sums[key].plus(line.amount, line.own)
    return sums


# Pasting --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Pasted:
    """Rows read from a block of cells, as the ``fields`` that it gave. ``left`` is what could not be read, as it was
    pasted; ``troubles`` say why, each by its row."""

    fields: tuple[str, ...]
    rows: tuple[dict[str, str], ...]
    left: str
    troubles: tuple[Message, ...]


def paste_rows(section: str, text: str, choices: Choices, start: str = "", room: int = MAX_ROWS) -> Pasted:
    """The rows of ``text``, cells with tabs between them as spreadsheets copy them.

    Their columns are those of the workbook, from ``start`` on; or what their first row says, when that is headings. A
    row with a cell that cannot be read is left, and so are those for which there is no ``room``.
    """
    block = [row for row in _block(text) if any(cell.strip() for cell in row)]
    columns, block = _columns(section, block, start)
    rows: list[dict[str, str]] = []
    left: list[list[str]] = []
    troubles: list[Message] = []
    for number, cells in enumerate(block, 1):
        try:
            if len(rows) >= room:
                raise CellError(
                    M(N_("there is no room for it: a plan holds up to %(limit)s rows in a section."), limit=MAX_ROWS)
                )
            rows.append(_row(columns, cells, choices))
        except CellError as error:
            left.append(cells)
            troubles.append(M(N_("Row %(number)s: %(problem)s"), number=number, problem=error.message))
    return Pasted(tuple(name for name in columns if name != "amount"), tuple(rows), _text(left), tuple(troubles))


def _block(text: str) -> list[list[str]]:
    """A cell with an end of line in it stands in quotes; a quote without its like is just a quote."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    if lines.count('"') % 2 == 0:
        try:
            return list(csv.reader(io.StringIO(lines, newline=""), delimiter="\t"))
        except csv.Error:
            pass
    return [line.split("\t") for line in lines.split("\n")]


def _text(block: Sequence[Sequence[str]]) -> str:
    out = io.StringIO(newline="")
    csv.writer(out, delimiter="\t", lineterminator="\n").writerows(block)
    return out.getvalue()


def _columns(section: str, block: list[list[str]], start: str) -> tuple[list[str], list[list[str]]]:
    """The field of each column ("" for none of ours), and the rows below the headings, if there are any."""
    heads = [field_of(section, cell) or "" for cell in block[0]] if block else []
    if len({name for name in heads if name}) > 1:
        return ["" if name == "id" or name in heads[:n] else name for n, name in enumerate(heads)], block[1:]
    order = list(COLUMNS[section][1:])
    if start in order:
        order = order[order.index(start) :]
    elif section == "budget" and block and max(map(len, block)) == 3:
        order = ["description", "quantity", "unit_cost"]
    return order[: max(map(len, block), default=0)], block


def _row(columns: Sequence[str], cells: Sequence[str], choices: Choices) -> dict[str, str]:
    row: dict[str, str] = {}
    for name, cell in zip(columns, cells, strict=False):
        if name in ("", "amount"):
            continue
        if len(cell) > MAX_TEXT:
            raise CellError(
                M(N_("the text has %(count)s characters; up to %(limit)s are taken."), count=len(cell), limit=MAX_TEXT)
            )
        row[name] = (
            read_reference(name, cell, choices) if name in REFERENCES else read_cell(name, cell, choices).strip()
        )
    if len(cells) > len(columns) and any(cell.strip() for cell in cells[len(columns) :]):
        raise CellError(M(N_("it has more cells than there are columns.")))
    return row
