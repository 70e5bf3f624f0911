"""How far a plan is: what is counted of each section, and how much of it is as the server will want it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from lab.rules.workplan import SECTIONS, Reading


@dataclass(frozen=True)
class Meter:
    """A section of a plan: ``there`` of the ``asked`` things in it are in order."""

    section: str
    asked: int
    there: int


@dataclass(frozen=True)
class Completeness:
    """A plan's sections in order; ``there`` of ``asked`` things in all are in order, and a plan with all can be submitted."""

    meters: tuple[Meter, ...]

    @property
    def asked(self) -> int:
        """How many things are counted."""
        return sum(meter.asked for meter in self.meters)

    @property
    def there(self) -> int:
        """How many of them are in order."""
        return sum(meter.there for meter in self.meters)

    @property
    def whole(self) -> bool:
        """Whether nothing is missing."""
        return self.there == self.asked


def completeness_of(reading: Reading) -> Completeness:
    """The plan's completeness (guide §6), from the same places that were checked and the same problems that were found.

    Counted are the summary, that each list has rows and the budget adds up, and every cell of a row that a plan needs.
    """
    wrong = {problem.place for problem in reading.problems}
    asked = Counter(place.partition("-")[0] for place in reading.checked)
    there = Counter(place.partition("-")[0] for place in reading.checked if place not in wrong)
    return Completeness(tuple(Meter(section, asked[section], there[section]) for section in SECTIONS))
