"""The pilot (guide §5): indicators against baseline and target, and how much of the time is used."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from lab.rules.calls import CheckItem, GroupDimensions, text
from lab.rules.errors import Invalid, Refused
from lab.rules.facts import Stage
from lab.rules.money import MoneyError, parse_number
from lab.rules.text import N_, M, Message

DECIMALS = 4
DIMENSION_NAMES: dict[str, str] = {
    "sex": N_("By sex"),
    "age": N_("By age group"),
    "group": N_("Groups, which may overlap"),
}
MEASURING = frozenset({Stage.PROTOTYPING, Stage.PILOT})


def attained(baseline: Decimal, target: Decimal, value: Decimal) -> Decimal:
    """Share of the way from baseline to target (0: none, 1: reached), also when the target lies below the baseline."""
    if target == baseline:
        return Decimal(1) if value == target else Decimal(0)
    return max(Decimal(0), (value - baseline) / (target - baseline))


def time_used(began_on: date, ends_on: date, today: date) -> Decimal:
    """Share of the days from ``began_on`` to ``ends_on`` that have passed (may exceed 1)."""
    days = (ends_on - began_on).days
    return max(Decimal(0), Decimal((today - began_on).days) / Decimal(days)) if days > 0 else Decimal(1)


@dataclass(frozen=True)
class Measured:
    """A dated value of an indicator and its split: dimension → group → number."""

    on: date
    total: Decimal
    split: Mapping[str, Mapping[str, Decimal]]


def dimensions(groups: GroupDimensions, language: str = "en") -> dict[str, dict[str, str]]:
    """How the call splits values: dimension → key → label in ``language``."""

    def labels(items: tuple[CheckItem, ...]) -> dict[str, str]:
        return {item.key: text(item.label, language) for item in items}

    return {"sex": labels(groups.sexes), "age": labels(groups.ages), "group": labels(groups.groups)}


@dataclass(frozen=True)
class IndicatorTerms:
    """What an indicator promises: from ``baseline`` to ``target``, both counted in ``unit``."""

    name: str
    unit: str
    baseline: Decimal
    target: Decimal


def measuring_blockers(stage: Stage) -> tuple[Message, ...]:
    """Why nothing can be measured now; empty while the solution is prototyped or piloted."""
    if stage in MEASURING:
        return ()
    return (M(N_("Indicators are defined and measured during prototyping and the pilot only.")),)


def check_measuring(stage: Stage) -> None:
    """Raises Refused outside prototyping and the pilot."""
    if found := measuring_blockers(stage):
        raise Refused(*found)


def _read(typed: str, place: str, problems: dict[str, Message]) -> Decimal:
    if not typed.strip():
        problems[place] = M(N_("Type a number; 0 is one too."))
        return Decimal(0)
    try:
        value = parse_number(typed)
    except MoneyError:
        sentence = N_("“%(typed)s” is not a number: type digits, with a point for decimals, such as 12.5.")
        problems[place] = M(sentence, typed=typed.strip()[:40])
        return Decimal(0)
    if value != round(value, DECIMALS):
        problems[place] = M(N_("A number has at most four decimals here: round it."))
    return value


def _word(typed: str, place: str, limit: int, problems: dict[str, Message]) -> str:
    word = " ".join(typed.split())
    if not word:
        problems[place] = M(N_("Write something here: it is needed."))
    elif len(word) > limit:
        problems[place] = M(N_("This is too long: keep it within %(limit)s characters."), limit=limit)
    return word


def read_indicator(name: str, unit: str, baseline: str, target: str) -> IndicatorTerms:
    """An indicator as typed. Raises Invalid, per field, also when baseline and target leave nothing to reach."""
    problems: dict[str, Message] = {}
    terms = IndicatorTerms(
        name=_word(name, "name", 300, problems),
        unit=_word(unit, "unit", 40, problems),
        baseline=_read(baseline, "baseline", problems),
        target=_read(target, "target", problems),
    )
    if not problems and terms.baseline == terms.target:
        problems["target"] = M(N_("The target equals the baseline: give the number that the pilot wants to reach."))
    if problems:
        raise Invalid(problems)
    return terms


def read_measured(
    on: date, total: str, split: Mapping[str, Mapping[str, str]], dimensions: Mapping[str, Collection[str]]
) -> Measured:
    """A value as typed; ``dimensions`` are the keys that each dimension has. What is left empty was not measured.

    Raises Invalid, with ``dimension-key`` as the name of a number's field.
    """
    problems: dict[str, Message] = {}
    number = _read(total, "total", problems)
    parts: dict[str, dict[str, Decimal]] = {}
    for dimension, cells in split.items():
        for key, typed in cells.items():
            place = f"{dimension}-{key}"
            if key not in dimensions.get(dimension, ()):
                problems[place] = M(N_("The call does not split values in this way."))
            elif typed.strip():
                parts.setdefault(dimension, {})[key] = _read(typed, place, problems)
    if problems:
        raise Invalid(problems)
    return Measured(on, number, parts)


# Women, youth and the other groups of §2 overlap, so only sexes and ages must fit in the total together.
_PARTITIONS: dict[str, str] = {
    "sex": N_("The numbers by sex add up to %(sum)s, more than the total of %(total)s: correct one of them."),
    "age": N_("The numbers by age add up to %(sum)s, more than the total of %(total)s: correct one of them."),
}


def check_measured(measured: Measured, began_on: date, today: date) -> None:
    """Raises Invalid when the value is dated before the lab began or in the future, or a split exceeds its total."""
    problems: dict[str, Message] = {}
    if measured.on > today:
        problems["on"] = M(N_("The date is in the future: give the day on which it was measured."))
    elif measured.on < began_on:
        problems["on"] = M(
            N_("The date is before the lab began on %(day)s: nothing could be measured then."), day=began_on
        )
    for dimension, sentence in _PARTITIONS.items():
        total = sum(measured.split.get(dimension, {}).values(), Decimal(0))
        if total > measured.total:
            problems[dimension] = M(sentence, sum=total, total=measured.total)
    for group, number in measured.split.get("group", {}).items():
        if number > measured.total:
            problems[f"group-{group}"] = M(
                N_("%(number)s is more than the total of %(total)s: correct one of them."),
                number=number,
                total=measured.total,
            )
    if problems:
        raise Invalid(problems)
