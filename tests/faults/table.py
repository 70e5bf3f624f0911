"""The table of attacks: each reports what was tried, what came of it and how much may; printed at the end of the run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

Figure = Callable[..., None]


@dataclass(frozen=True)
class Row:
    """One attack: how many times it was tried, what was counted, what may be counted, and whether that is so."""

    attack: str
    where: str
    tried: int
    figure: str
    bar: str
    passed: bool


PROPERTY = "attack"
_HEAD = ("attack", "on", "tried", "figure", "bar", "")


def row(attack: str, where: str, tried: int, figure: object, bar: object, passed: bool) -> Row:
    """A row. An attack that tried nothing has shown nothing."""
    assert tried > 0, f"{attack}: nothing was tried"
    return Row(attack, where, tried, str(figure), str(bar), passed)


def hold(made: Row, details: Sequence[str] = ()) -> None:
    """Fail with the row if its bar is not met, and say what of ``details`` went through."""
    told = "".join(f"\n  {line}" for line in sorted(set(details))[:40])
    assert made.passed, f"{made.attack} ({made.where}): {made.figure} of {made.tried} tried, allowed: {made.bar}{told}"


def lines(rows: Iterable[Row]) -> list[str]:
    """The table as text, in the order of its attacks."""
    body = [
        (row.attack, row.where, str(row.tried), row.figure, row.bar, "ok" if row.passed else "FAILED")
        for row in sorted(rows, key=lambda row: (row.attack, row.where))
    ]
    if not body:
        return []
    widths = [max(len(line[n]) for line in (_HEAD, *body)) for n in range(len(_HEAD))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in (_HEAD, *body)
    ]
