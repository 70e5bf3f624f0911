"""Reading a call's file strictly: what is missing, wrong or unknown is refused with its key and the remedy.

The dataclasses of :mod:`lab.rules.calls` are the file's shape: a field is a key, a tuple a list, ``Texts`` a text in
each language of the call. What no type can say (sums, orders, references) is checked on the definition afterwards.
"""

from __future__ import annotations

import dataclasses
import re
import typing
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from difflib import get_close_matches
from functools import cache
from typing import Any
from zoneinfo import available_timezones

import pycountry

from lab.rules.calendar import end_of_day, last_day
from lab.rules.call_clauses import KEY, check_clauses, check_duties, unique
from lab.rules.calls import (
    CONDITION_KINDS,
    LANGUAGES,
    CallDefinition,
    CallDefinitionError,
    ConditionPlan,
)
from lab.rules.money import is_currency, minor_units

_CODE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_NUMBER = re.compile(r"\d{1,13}(\.\d{1,6})?")
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
# Longer than any stage or delay: beyond it there is a mistake, and a date that no calendar holds.
_MOST = 3650
_YEARS = range(2000, 2101)
# The file says on which day submissions close; the instant is the midnight that ends it (guide §8).
_FILE_NAMES = {"closes_at": "closes_on"}
_POSITIVE = frozenset(
    {"workplan_days", "review_days", "prototyping_months", "pilot_months_max", "payment_days", "month"}
)
# Where a condition names something, how what it names is written.
_NAMED = {
    "report_accepted": (re.compile(r"(progress|prototype|final)_report:[1-9]\d?"), "progress_report:1"),
    "milestone_accepted": (re.compile(r"[1-9]\d?"), "1"),
    "boot_camp_attended": (KEY, "the key of a boot camp"),
    "obligation_discharged": (re.compile(r"duty:[a-z0-9_:-]{1,70}"), "duty:acknowledgement"),
    "date_reached": (re.compile(r"20\d\d-[01]\d-[0-3]\d"), "2026-09-01"),
}


def parse_call(data: Mapping[str, object]) -> CallDefinition:
    """The definition that a parsed TOML file describes.

    Amounts are in the currency of their prize, lengths in days or months, ``closes_at`` is the UTC instant at which the
    day ``closes_on`` ends in the call's time zone (guide §8). Raises CallDefinitionError with the first wrong key and
    the remedy.
    """
    languages = _languages(data)
    definition: CallDefinition = _table(CallDefinition, data, "", languages)
    for check in (
        _code,
        _dates,
        _prizes,
        check_clauses,
        check_duties,
        _tranches,
        _boot_camps,
        _lists,
        _ladder,
        _tolerances,
    ):
        check(definition)
    return definition


def _languages(data: Mapping[str, object]) -> tuple[str, ...]:
    """The call's languages, which every text is then read with."""
    found = data.get("languages")
    if not isinstance(found, list) or not found:
        raise CallDefinitionError("languages", 'List the languages of the call here, such as ["es", "en"].')
    for n, language in enumerate(found):
        place = f"languages[{n}]"
        if language not in LANGUAGES:
            raise CallDefinitionError(place, f"{language!r} is not a language here: use one of {', '.join(LANGUAGES)}.")
        if language in found[:n]:
            raise CallDefinitionError(place, f"{language!r} stands there twice: name each language once.")
    return tuple(found)


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


@cache
def _shape(kind: type[Any]) -> tuple[tuple[str, str, Any], ...]:
    """Of each field of a dataclass: its name, the key in the file, its type."""
    hints = typing.get_type_hints(kind)
    names = [field.name for field in dataclasses.fields(kind)]
    return tuple((name, _FILE_NAMES.get(name, name), hints[name]) for name in names)


@cache
def _optional(kind: type[Any]) -> frozenset[str]:
    """The fields of a dataclass that a file may leave out."""
    return frozenset(field.name for field in dataclasses.fields(kind) if field.default is not dataclasses.MISSING)


def _table(kind: Any, data: object, path: str, languages: tuple[str, ...]) -> Any:
    if not isinstance(data, Mapping):
        raise CallDefinitionError(path, "This must be a table of keys and values.")
    shape = _shape(kind)
    keys = [key for _, key, _ in shape]
    for given in data:
        if given not in keys:
            close = get_close_matches(str(given), keys, 1)
            remedy = f"did you mean {close[0]!r}?" if close else f"take it out, or use one of {', '.join(keys)}."
            raise CallDefinitionError(_join(path, str(given)), f"There is no such key here: {remedy}")
    values: dict[str, Any] = {}
    for name, key, hint in shape:
        place = _join(path, key)
        if name == "params":
            values[name] = _params(data.get(key, {}), place)
        elif key not in data and name in _optional(kind):
            continue
        elif key not in data:
            raise CallDefinitionError(place, f"This is missing: add {_wanted(hint, languages)}.")
        elif name == "closes_at":
            values[name] = end_of_day(_day(data[key], place), _zone(values["time_zone"]))
        else:
            values[name] = _value(hint, data[key], place, languages)
        if name in _POSITIVE and values.get(name) == 0:
            raise CallDefinitionError(place, "This must be 1 or more.")
    return kind(**values)


def _wanted(hint: Any, languages: tuple[str, ...]) -> str:
    """What a value of the type looks like in the file, to end a sentence with."""
    plain = {
        bool: "true or false",
        int: "a whole number",
        Decimal: 'a number in quotation marks, such as "0.5" or "30000.00"',
        date: "a date without quotation marks, such as 2021-06-30",
        datetime: "a date without quotation marks, such as 2021-06-30",
        str: "a text that is not empty",
    }
    origin = typing.get_origin(hint)
    if origin is dict:
        return f"a text in each language of the call ({', '.join(languages)})"
    return plain.get(hint) or ("a list" if origin is tuple else "a table of keys and values")


def _zone(name: str) -> str:
    if name not in available_timezones():
        raise CallDefinitionError("time_zone", f"{name!r} is not a time zone: write one such as Europe/Zurich.")
    return name


def _value(hint: Any, value: object, place: str, languages: tuple[str, ...]) -> Any:
    if dataclasses.is_dataclass(hint):
        assert isinstance(hint, type)
        return _table(hint, value, place, languages)
    if typing.get_origin(hint) is tuple:
        if not isinstance(value, list):
            raise CallDefinitionError(place, "This must be a list.")
        inner = typing.get_args(hint)[0]
        return tuple(_value(inner, item, f"{place}[{n}]", languages) for n, item in enumerate(value))
    if typing.get_origin(hint) is dict:
        return _texts(value, place, languages)
    readers: dict[Any, Callable[[object, str], Any]] = {
        bool: _bool, int: _int, Decimal: _decimal, date: _day, str: _text,
    }  # fmt: skip
    return readers[hint](value, place)


def _texts(value: object, place: str, languages: tuple[str, ...]) -> dict[str, str]:
    if not isinstance(value, Mapping):
        raise CallDefinitionError(place, f"This must be {_wanted(dict[str, str], languages)}.")
    for language in value:
        if language not in languages:
            reason = "This is not a language of the call: take it out, or add it to languages."
            raise CallDefinitionError(f"{place}.{language}", reason)
    for language in languages:
        if language not in value:
            reason = "This text is missing: every text is needed in every language of the call."
            raise CallDefinitionError(f"{place}.{language}", reason)
    return {language: _text(value[language], f"{place}.{language}") for language in languages}


def _params(value: object, place: str) -> dict[str, str]:
    if not isinstance(value, Mapping):
        raise CallDefinitionError(place, "This must be a table of keys and values.")
    for name in value:
        if name != "key":
            raise CallDefinitionError(f"{place}.{name}", "There is no such key here: take it out, or use 'key'.")
    return {name: _text(item, f"{place}.{name}") for name, item in value.items()}


def _text(value: object, place: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise CallDefinitionError(place, "This must be a text that is not empty.")
    if _UNPRINTABLE.search(value):
        raise CallDefinitionError(place, "This text has a control character in it: type it anew.")
    return value.strip()


def _bool(value: object, place: str) -> bool:
    if not isinstance(value, bool):
        raise CallDefinitionError(place, "This must be true or false.")
    return value


def _int(value: object, place: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise CallDefinitionError(place, "This must be a whole number.")
    if value < 0:
        raise CallDefinitionError(place, f"This is {value}: days and months cannot be negative, write 0 or more.")
    if value > _MOST:
        raise CallDefinitionError(place, f"This is {value}: write {_MOST} at most.")
    return value


def _decimal(value: object, place: str) -> Decimal:
    """Amounts and shares are written as text or whole numbers, never as binary fractions."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise CallDefinitionError(place, f"This must be {_wanted(Decimal, ())}.")
    if not _NUMBER.fullmatch(str(value)):
        raise CallDefinitionError(place, f"{value!r} is not a number of zero or more: write digits, as in 30000.00.")
    return Decimal(value)


def _day(value: object, place: str) -> date:
    if isinstance(value, datetime) or not isinstance(value, date):
        raise CallDefinitionError(place, f"{value!r} is not a date: write it without quotation marks, as 2021-06-30.")
    if value.year not in _YEARS:
        raise CallDefinitionError(place, f"{value} is not in this century: correct the year.")
    return value


def _code(call: CallDefinition) -> None:
    if not _CODE.fullmatch(call.code) or len(call.code) > 60:
        raise CallDefinitionError("code", f"{call.code!r} may have small letters, digits and hyphens, 60 at most.")


def _dates(call: CallDefinition) -> None:
    # The instant of closing lies in the next day, and in UTC west of Greenwich later still: the day is the call's own.
    closes_on = last_day(call.closes_at, call.time_zone)
    for key, late, early, what in (
        ("closes_on", closes_on, call.launched_on, "before the launch"),
        ("announced_on", call.announced_on, closes_on, "before submissions close"),
        ("lab_from", call.lab_from, call.announced_on, "before the winners are announced"),
        ("pilots_end_on", call.pilots_end_on, call.lab_from, "before the lab begins"),
    ):
        if late < early:
            raise CallDefinitionError(key, f"{late} lies {what} ({early}): correct one of the two dates.")


def _prizes(call: CallDefinition) -> None:
    unique("prizes", (prize.key for prize in call.prizes))
    for n, prize in enumerate(call.prizes):
        # CLDR also lists currencies that are no longer; ISO 4217, as pycountry has it, only those in use.
        if not is_currency(prize.currency) or pycountry.currencies.get(alpha_3=prize.currency) is None:
            reason = f"{prize.currency!r} is not a currency: write its three letters, such as USD."
            raise CallDefinitionError(f"prizes[{n}].currency", reason)
        if prize.amount <= 0:
            raise CallDefinitionError(f"prizes[{n}].amount", "This must be more than zero.")
        units = minor_units(prize.currency)
        if prize.amount != round(prize.amount, units):
            reason = f"{prize.amount} has too many decimals: amounts in {prize.currency} have {units}."
            raise CallDefinitionError(f"prizes[{n}].amount", reason)


def _tranches(call: CallDefinition) -> None:
    unique("tranches", (tranche.key for tranche in call.tranches))
    known = {
        "boot_camp_attended": ("a boot camp", {camp.key for camp in call.boot_camps}),
        "obligation_discharged": (
            "an obligation in a clause",
            {f"duty:{duty.key}" for clause in call.clauses for duty in clause.obligations},
        ),
    }
    for n, tranche in enumerate(call.tranches):
        if tranche.share <= 0:
            raise CallDefinitionError(f"tranches[{n}].share", "This must be more than zero.")
        for m, condition in enumerate(tranche.conditions):
            _condition(condition, f"tranches[{n}].conditions[{m}]", known)
    total = sum((tranche.share for tranche in call.tranches), Decimal(0))
    if total != 1:
        raise CallDefinitionError("tranches", f"The shares add up to {total}: make them add up to 1.")


def _condition(condition: ConditionPlan, place: str, known: Mapping[str, tuple[str, set[str]]]) -> None:
    """``known`` are, for kinds that name something of the call, what that is and which there are."""
    if condition.kind not in CONDITION_KINDS:
        reason = f"{condition.kind!r} is not a kind of condition: use one of {', '.join(CONDITION_KINDS)}."
        raise CallDefinitionError(f"{place}.kind", reason)
    key = condition.params.get("key")
    if condition.kind not in _NAMED:
        if key is not None:
            raise CallDefinitionError(f"{place}.params.key", f"This means nothing for {condition.kind}: take it out.")
        return
    pattern, example = _NAMED[condition.kind]
    if key is None:
        raise CallDefinitionError(f"{place}.params.key", f"This is missing: say which one, such as {example}.")
    if not pattern.fullmatch(key):
        raise CallDefinitionError(f"{place}.params.key", f"{key!r} names nothing: write it as {example}.")
    what, there = known.get(condition.kind, ("", {key}))
    # One that comes again and again is named by its number too: duty:report:2.
    if ":".join(key.split(":")[:2]) not in there:
        reason = f"{key!r} is not {what} of this call: use one of {', '.join(sorted(there)) or 'none, there is none'}."
        raise CallDefinitionError(f"{place}.params.key", reason)
    if condition.kind == "date_reached":
        _day_in(key, f"{place}.params.key")


def _day_in(key: str, place: str) -> None:
    try:
        date.fromisoformat(key)
    except ValueError:
        raise CallDefinitionError(place, f"{key!r} is not a day: write it as 2026-09-01.") from None


def _boot_camps(call: CallDefinition) -> None:
    unique("boot_camps", (camp.key for camp in call.boot_camps))
    months = call.stages.prototyping_months
    for n, camp in enumerate(call.boot_camps):
        if camp.month > months:
            reason = f"This is month {camp.month} and prototyping lasts {months}: choose a month within it."
            raise CallDefinitionError(f"boot_camps[{n}].month", reason)


def _lists(call: CallDefinition) -> None:
    for place, items in (
        ("due_diligence", call.due_diligence),
        ("closing", call.closing),
        ("criteria", call.criteria),
        ("questions", call.questions),
        ("reports.sections", call.reports.sections),
        ("groups.sexes", call.groups.sexes),
        ("groups.ages", call.groups.ages),
        ("groups.groups", call.groups.groups),
        ("budget_categories", call.budget_categories),
    ):
        unique(place, (item.key for item in items))


def _ladder(call: CallDefinition) -> None:
    ladder = call.reminders
    for name, days in (("before", ladder.before), ("after", ladder.after)):
        for n, day in enumerate(days):
            if day == 0:
                reason = "This must be 1 or more: the last day itself is on_day."
                raise CallDefinitionError(f"reminders.{name}[{n}]", reason)
            if day in days[:n]:
                raise CallDefinitionError(f"reminders.{name}[{n}]", f"{day} stands there twice: name each day once.")
    if ladder.committee_after_days < ladder.officer_after_days:
        reason = "This is below officer_after_days: the officer is told first, so make it larger."
        raise CallDefinitionError("reminders.committee_after_days", reason)


def _tolerances(call: CallDefinition) -> None:
    for name, value in (("explain_over", call.tolerances.explain_over), ("amend_over", call.tolerances.amend_over)):
        if value > 1:
            reason = f'{value} is more than the whole line: write a fraction, such as "0.10" for 10 %.'
            raise CallDefinitionError(f"tolerances.{name}", reason)
    if call.tolerances.amend_over < call.tolerances.explain_over:
        reason = "This is below explain_over: an amendment is needed later than an explanation, so make it larger."
        raise CallDefinitionError("tolerances.amend_over", reason)
