"""What a plan's workbook says about itself, in cells that no program drops: whose it is, and which plan it was made from."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from lab.rules.workplan_merge import Base, read_base
from lab.rules.workplan_sheet import Grid

_FROM, _BASE = "lab-plan", "lab-base"
# What a cell of a spreadsheet holds, with room to spare.
_CELL = 30_000


@dataclass(frozen=True)
class Stamp:
    """The ``award`` whose plan it is, as it stood at ``at`` (UTC; None for one that nobody had saved), and its ``base``."""

    award: str
    at: datetime | None
    base: Base

    @property
    def cells(self) -> tuple[str, ...]:
        """The texts of the cells, in their order."""
        text = self.base.text
        parts = (text[n : n + _CELL] for n in range(0, len(text), _CELL))
        at = self.at.isoformat() if self.at else "-"
        return (f"{_FROM} {self.award} {at}", *(f"{_BASE} {part}" for part in parts))


def read_stamp(grids: Iterable[Grid]) -> Stamp | None:
    """The stamp in the sheets; None when there is none, or somebody changed it."""
    texts = [cell for grid in grids for row in grid.rows for cell in row if isinstance(cell, str)]
    found = next((match for text in texts if (match := re.fullmatch(rf"{_FROM} (\S+) (\S+)", text))), None)
    parts = [text.partition(" ")[2] for text in texts if text.startswith(f"{_BASE} ")]
    base = read_base("".join(parts))
    if found is None or base is None:
        return None
    try:
        return Stamp(found[1], datetime.fromisoformat(found[2]) if found[2] != "-" else None, base)
    except ValueError:
        return None
