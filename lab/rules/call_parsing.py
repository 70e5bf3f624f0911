"""Reading a call's file strictly: what is missing, wrong or unknown is refused with its key and the remedy."""

from __future__ import annotations

import dataclasses
import re
import typing
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import available_timezones

from lab.rules.calendar import end_of_day
from lab.rules.calls import (
    ALLOWED_FIELDS,
    CLAUSE_KINDS,
    CONDITION_KINDS,
    LANGUAGES,
    CallDefinition,
    CallDefinitionError,
    ConditionPlan,
)
from lab.rules.money import is_currency, minor_units

_CODE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_FIELD = re.compile(r"\{([^{}]*)\}")
# The file says on which day submissions close; the instant is the midnight that ends it (guide §8).
_FILE_NAMES = {"closes_at": "closes_on"}
_POSITIVE = frozenset({"workplan_days", "review_days", "prototyping_months", "pilot_months_max", "payment_days", "month"})
# Where a condition names something, what it names.
_NEEDS_KEY = frozenset({"report_accepted", "milestone_accepted", "boot_camp_attended"})


def parse_call(data: Mapping[str, object]) -> CallDefinition:
    """The definition that a parsed TOML file describes. Raises CallDefinitionError with the first wrong key and the remedy."""
    languages = _languages(data)
    definition: CallDefinition = _dataclass(CallDefinition, data, "", languages)
    for check in (_dates, _prizes, _clauses, _tranches, _boot_camps, _lists, _tolerances):
        check(definition)
    return definition


def _languages(data: Mapping[str, object]) -> tuple[str, ...]:
    found = data.get("languages")
    if not isinstance(found, list) or not found:
        raise CallDefinitionError("languages", 'is missing: list the languages of the call, such as ["es", "en"].')
    for n, language in enumerate(found):
        if language not in LANGUAGES:
            raise CallDefinitionError(f"languages[{n}]", f"{language!r} is not a language here: use {', '.join(LANGUAGES)}.")
    if len(set(found)) != len(found):
        raise CallDefinitionError("languages", "names a language twice: name each once.")
    return tuple(found)


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _dataclass(kind: type[Any], data: object, path: str, languages: tuple[str, ...]) -> Any:
    if not isinstance(data, Mapping):
        raise CallDefinitionError(path, "must be a table of keys and values.")
    hints = typing.get_type_hints(kind)
    names = {field.name: _FILE_NAMES.get(field.name, field.name) for field in dataclasses.fields(kind)}
    for given in data:
        if given not in names.values():
            raise CallDefinitionError(_join(path, str(given)), "is not a key of a call's file: take it out or correct its name.")
    values = {}
    zone = data.get("time_zone")
    for name, given in names.items():
        place = _join(path, given)
        if given not in data:
            if name == "params":
                values[name] = {}
                continue
            raise CallDefinitionError(place, "is missing: add it.")
        values[name] = _closing(data[given], place, zone) if name == "closes_at" else _value(hints[name], data[given], place, languages)
        if name in _POSITIVE and values[name] == 0:
            raise CallDefinitionError(place, "must be 1 or more.")
    return kind(**values)


def _closing(value: object, place: str, zone: object) -> datetime:
    if zone not in available_timezones():
        raise CallDefinitionError("time_zone", f"{zone!r} is not a time zone: write it as Europe/Zurich.")
    return end_of_day(_day(value, place), str(zone))


def _value(hint: Any, value: object, place: str, languages: tuple[str, ...]) -> Any:
    if dataclasses.is_dataclass(hint):
        assert isinstance(hint, type)
        return _dataclass(hint, value, place, languages)
    if typing.get_origin(hint) is tuple:
        inner = typing.get_args(hint)[0]
        if not isinstance(value, list):
            raise CallDefinitionError(place, "must be a list.")
        return tuple(_value(inner, item, f"{place}[{n}]", languages) for n, item in enumerate(value))
    if typing.get_origin(hint) is dict:
        return _params(value, place) if place.endswith(".params") else _texts(value, place, languages)
    readers: dict[Any, Callable[[object, str], Any]] = {bool: _bool, int: _int, Decimal: _decimal, date: _day, str: _text}
    return readers[hint](value, place)


def _texts(value: object, place: str, languages: tuple[str, ...]) -> dict[str, str]:
    if not isinstance(value, Mapping):
        raise CallDefinitionError(place, f"must hold a text in each language of the call: {', '.join(languages)}.")
    for language in value:
        if language not in languages:
            raise CallDefinitionError(f"{place}.{language}", "is not a language of this call: take it out, or add it to languages.")
    for language in languages:
        if language not in value:
            raise CallDefinitionError(f"{place}.{language}", "is missing: every text is needed in every language of the call.")
    return {language: _text(value[language], f"{place}.{language}") for language in languages}


def _params(value: object, place: str) -> dict[str, str]:
    if not isinstance(value, Mapping):
        raise CallDefinitionError(place, "must be a table of keys and values.")
    for name in value:
        if name != "key":
            raise CallDefinitionError(f"{place}.{name}", "is not a key of a condition: take it out or correct its name.")
    return {str(name): _text(item, f"{place}.{name}") for name, item in value.items()}


def _text(value: object, place: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise CallDefinitionError(place, "must be a text that is not empty.")
    return value.strip()


def _bool(value: object, place: str) -> bool:
    if not isinstance(value, bool):
        raise CallDefinitionError(place, "must be true or false.")
    return value


def _int(value: object, place: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise CallDefinitionError(place, "must be a whole number.")
    if value < 0:
        raise CallDefinitionError(place, f"is {value}: days, months and counts cannot be negative.")
    return value


def _decimal(value: object, place: str) -> Decimal:
    """Amounts and shares are written as text or whole numbers, never as binary fractions."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise CallDefinitionError(place, 'must be a number in quotation marks, such as "0.5" or "30000.00".')
    try:
        number = Decimal(value)
    except InvalidOperation:
        raise CallDefinitionError(place, f"{value!r} is not a number: write it as 30000.00.") from None
    if not number.is_finite() or number < 0:
        raise CallDefinitionError(place, f"is {value}: it cannot be negative.")
    return number


def _day(value: object, place: str) -> date:
    if isinstance(value, datetime) or not isinstance(value, date):
        raise CallDefinitionError(place, f"{value!r} is not a date: write it without quotation marks, as 2021-06-30.")
    return value


def _dates(call: CallDefinition) -> None:
    if not _CODE.fullmatch(call.code) or len(call.code) > 60:
        raise CallDefinitionError("code", "may have small letters, digits and hyphens, 60 at most.")
    if call.closes_at.date() <= call.launched_on:
        raise CallDefinitionError("closes_on", "lies before the launch: correct one of the two dates.")
    if call.announced_on < call.closes_at.date():
        raise CallDefinitionError("announced_on", "lies before submissions close: correct one of the two dates.")
    if call.lab_from < call.announced_on:
        raise CallDefinitionError("lab_from", "lies before the winners are announced: correct one of the two dates.")
    if call.pilots_end_on <= call.lab_from:
        raise CallDefinitionError("pilots_end_on", "lies before the lab begins: correct one of the two dates.")


def _unique(place: str, keys: Iterable[str]) -> None:
    seen: set[str] = set()
    for n, key in enumerate(keys):
        if key in seen:
            raise CallDefinitionError(f"{place}[{n}].key", f"{key!r} stands there twice: give each its own key.")
        if not re.fullmatch(r"[a-z0-9_]{1,40}", key):
            raise CallDefinitionError(f"{place}[{n}].key", f"{key!r} may have small letters, digits and underscores, 40 at most.")
        seen.add(key)
    if not seen:
        raise CallDefinitionError(place, "is empty: add at least one.")


def _prizes(call: CallDefinition) -> None:
    _unique("prizes", (prize.key for prize in call.prizes))
    for n, prize in enumerate(call.prizes):
        if not is_currency(prize.currency):
            raise CallDefinitionError(f"prizes[{n}].currency", f"{prize.currency!r} is not a currency: write its three letters, such as USD.")
        if prize.amount <= 0:
            raise CallDefinitionError(f"prizes[{n}].amount", "must be more than zero.")
        units = minor_units(prize.currency)
        if prize.amount != round(prize.amount, units):
            raise CallDefinitionError(f"prizes[{n}].amount", f"has too many decimals: {prize.currency} has {units}.")


def _clauses(call: CallDefinition) -> None:
    _unique("clauses", (clause.key for clause in call.clauses))
    for n, clause in enumerate(call.clauses):
        if clause.kind not in CLAUSE_KINDS:
            raise CallDefinitionError(f"clauses[{n}].kind", f"{clause.kind!r} is not a kind of clause: use {', '.join(CLAUSE_KINDS)}.")
        for language, template in clause.text.items():
            place = f"clauses[{n}].text.{language}"
            for name in _FIELD.findall(template):
                if name not in ALLOWED_FIELDS:
                    raise CallDefinitionError(place, f"{{{name}}} is not a field: use {', '.join(sorted(ALLOWED_FIELDS))}.")
            if "{" in _FIELD.sub("", template) or "}" in _FIELD.sub("", template):
                raise CallDefinitionError(place, "has a brace that is never closed or opened: fields are written as {organisation}.")
    kinds = [clause.kind for clause in call.clauses]
    for kind in CLAUSE_KINDS:
        if kinds.count(kind) != 1:
            raise CallDefinitionError("clauses", f"has {kinds.count(kind)} clauses of the kind {kind}: each of the five kinds stands there once.")


def _tranches(call: CallDefinition) -> None:
    _unique("tranches", (tranche.key for tranche in call.tranches))
    camps = {camp.key for camp in call.boot_camps}
    for n, tranche in enumerate(call.tranches):
        if tranche.share <= 0:
            raise CallDefinitionError(f"tranches[{n}].share", "must be more than zero.")
        for m, condition in enumerate(tranche.conditions):
            _condition(condition, f"tranches[{n}].conditions[{m}]", camps)
    total = sum((tranche.share for tranche in call.tranches), Decimal(0))
    if total != 1:
        raise CallDefinitionError("tranches", f"have shares that add up to {total}: they must add up to 1.")


def _condition(condition: ConditionPlan, place: str, camps: set[str]) -> None:
    if condition.kind not in CONDITION_KINDS:
        raise CallDefinitionError(f"{place}.kind", f"{condition.kind!r} is not a kind of condition: use {', '.join(CONDITION_KINDS)}.")
    key = condition.params.get("key")
    if condition.kind in _NEEDS_KEY and key is None:
        raise CallDefinitionError(f"{place}.params.key", "is missing: say which one.")
    if condition.kind not in _NEEDS_KEY and key is not None:
        raise CallDefinitionError(f"{place}.params.key", f"means nothing for {condition.kind}: take it out.")
    if condition.kind == "boot_camp_attended" and key not in camps:
        raise CallDefinitionError(f"{place}.params.key", f"{key!r} is not a boot camp of this call.")


def _boot_camps(call: CallDefinition) -> None:
    _unique("boot_camps", (camp.key for camp in call.boot_camps))
    for n, camp in enumerate(call.boot_camps):
        if camp.month > call.stages.prototyping_months:
            raise CallDefinitionError(f"boot_camps[{n}].month", f"is {camp.month}: prototyping lasts {call.stages.prototyping_months} months.")


def _lists(call: CallDefinition) -> None:
    for place, items in (
        ("due_diligence", call.due_diligence), ("closing", call.closing), ("criteria", call.criteria), ("questions", call.questions),
        ("reports.sections", call.reports.sections), ("groups.sexes", call.groups.sexes), ("groups.ages", call.groups.ages),
        ("groups.groups", call.groups.groups), ("budget_categories", call.budget_categories),
    ):  # fmt: skip
        _unique(place, (item.key for item in items))


def _tolerances(call: CallDefinition) -> None:
    if call.tolerances.amend_over < call.tolerances.explain_over:
        raise CallDefinitionError("tolerances.amend_over", "is below explain_over: an amendment is needed later than an explanation.")
    ladder = call.reminders
    if ladder.committee_after_days < ladder.officer_after_days:
        raise CallDefinitionError("reminders.committee_after_days", "is below officer_after_days: the officer is told first.")
