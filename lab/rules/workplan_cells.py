"""What stands in a spreadsheet's cell, read as a plan keeps it: numbers, days and choices in the ways that people write them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Context, Decimal, InvalidOperation
from enum import StrEnum

from lab.rules.languages import LANGUAGES
from lab.rules.money import MoneyError, minor_units, parse_number, quantum
from lab.rules.text import N_, M, Message
from lab.rules.workplan import STAGES

NUMBERS, DAYS = frozenset({"quantity", "unit_cost"}), frozenset({"starts_on", "ends_on", "due_on"})
# What the other fields of a row refer to, and in which section it is.
REFERENCES = {"milestone": "milestones", "activity": "activities"}
# The words of cells that hold a choice, by language. Written and read back, so no translator can change one side alone.
STAGE_WORDS: dict[str, dict[str, str]] = {
    "en": {"prototyping": "Prototyping", "pilot": "Pilot"},
    "es": {"prototyping": "Prototipo", "pilot": "Piloto"},
    "pt": {"prototyping": "Protótipo", "pilot": "Piloto"},
    "fr": {"prototyping": "Prototype", "pilot": "Pilote"},
}
YES: dict[str, str] = {"en": "yes", "es": "sí", "pt": "sim", "fr": "oui"}
_YES = frozenset({"yes", "si", "sim", "oui", "x", "1", "true", "verdadero", "verdadeiro", "vrai", "own", "y", "s", "o"})
_NO = frozenset({"no", "nao", "non", "0", "false", "falso", "faux", "n", ""})
_STAGES = {
    "prototipado": "prototyping", "prototipaje": "prototyping", "prototipagem": "prototyping", "prototypage": "prototyping",
    "fase piloto": "pilot", "phase pilote": "pilot",
}  # fmt: skip

_GAPS = re.compile("[ ’'\u00a0\u202f\u2009]")
_SIGNS = re.compile(r"^(US\$|R\$|S/\.?|\$|€|£)|(\$|€|£)$")
_WHOLE = re.compile(r"\d{1,13}")
_REFERENCE = re.compile(r"\[([a-z0-9]{1,12})\]$")
_LARGEST = Decimal(10) ** 13
# Excel's own precision: what comes after it is noise of binary fractions.
_EXCEL = Context(prec=15)
# Days as Excel counts them, between 1954 and 2119: another number in a column of days is no day.
_SERIALS = range(20_000, 80_001)


class Trouble(StrEnum):
    """What a cell holds instead of a value."""

    NO_RESULT = "no_result"
    ERROR = "error"
    NO_DAY = "no_day"


_TROUBLES = {
    Trouble.NO_RESULT: N_(
        "the formula has no result in this file: open it in a spreadsheet program and save it, or type the value."
    ),
    Trouble.ERROR: N_("the formula ends in an error: mend it, or type the value."),
    Trouble.NO_DAY: N_("this number is not a date: type one as 2026-01-31 or 31/01/2026."),
}

Cell = str | Decimal | date | bool | Trouble | None


class CellError(ValueError):
    """A cell that cannot be read; ``message`` says why and what to do."""

    def __init__(self, message: Message) -> None:
        self.message = message
        super().__init__(str(message))


@dataclass(frozen=True)
class Choices:
    """What cells can name: an award's currency, its call's categories (key → language → label), and what rows refer to.

    ``titles``: section → id → title, of the rows that are being read. ``earlier``: the same of the plan as it stood, so
    that a row that was renamed is still found under its old name. ``epoch`` is Excel's day 0.
    """

    currency: str
    categories: Mapping[str, Mapping[str, str]]
    titles: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    earlier: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    epoch: date = date(1899, 12, 30)


def fold(text: str) -> str:
    """``text`` as headings and choices are compared: small letters, no accents, nothing in brackets, words alone."""
    bare = "".join(letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))
    return " ".join(re.findall(r"\w+", re.sub(r"\(.*?\)", " ", bare).casefold()))


def as_text(cell: Cell) -> str:
    """A cell as text. Raises CellError for a :class:`Trouble`."""
    if isinstance(cell, Trouble):
        raise CellError(M(_TROUBLES[cell]))
    if isinstance(cell, bool):
        return "1" if cell else ""
    if isinstance(cell, Decimal):
        return plain_number(cell)
    if isinstance(cell, datetime):
        cell = cell.date()
    return cell.isoformat() if isinstance(cell, date) else (cell or "")


def plain_number(value: Decimal) -> str:
    """Digits with a point before decimals, without needless zeros."""
    text = f"{_EXCEL.plus(value):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def typed_cell(name: str, text: str) -> Cell:
    """A field's text as a sheet shows it: numbers as numbers, days as days, and what is neither as it was typed."""
    try:
        if name in NUMBERS:
            return parse_number(text)
        if name in DAYS:
            return date.fromisoformat(text.strip())
    except (MoneyError, ValueError):
        pass
    return text


def alike(cell: Cell, other: Cell) -> bool:
    """Whether two cells say the same, whatever spaces around it and ends of lines a program made of it."""
    if isinstance(cell, str | None) and isinstance(other, str | None):
        return (cell or "").replace("\r\n", "\n").strip() == (other or "").replace("\r\n", "\n").strip()
    if isinstance(cell, datetime):
        cell = cell.date()
    if isinstance(cell, Decimal) and isinstance(other, Decimal):
        return plain_number(cell) == plain_number(other)
    return type(cell) is type(other) and cell == other


def read_cell(name: str, cell: Cell, choices: Choices) -> str:
    """What the field ``name`` is to hold. An empty cell is empty; references are read by :func:`read_reference`.

    Raises CellError with the reason and the remedy.
    """
    text = as_text(cell).strip()
    if not text:
        return ""
    if name == "quantity":
        return plain_number(_number(cell, choices))
    if name == "unit_cost":
        return _amount(cell, choices)
    if name in DAYS:
        return _day(cell, choices)
    if name == "category":
        return _category(text, choices)
    if name == "stage":
        return _stage(text)
    return _own(text) if name == "own" else as_text(cell)


def _number(cell: Cell, choices: Choices, units: int = 6) -> Decimal:
    """A number of up to six decimals; ``units`` is how many it can have in the end, for what is suggested."""
    if isinstance(cell, Decimal):
        value = _EXCEL.plus(cell)
    else:
        value = _typed_number(as_text(cell).strip(), choices.currency, units)
    if value < 0:
        raise CellError(M(N_("“%(typed)s” is below zero: type a number greater than zero."), typed=as_text(cell)[:40]))
    if value >= _LARGEST or value != value.quantize(Decimal("0.000001")):
        raise CellError(M(N_("“%(typed)s” has too many digits."), typed=as_text(cell)[:40]))
    return value


def _typed_number(typed: str, currency: str, units: int) -> Decimal:
    text = _SIGNS.sub("", re.sub(rf"^{currency}|{currency}$", "", typed).strip()).strip()
    sign, text = ("-", text[1:]) if text[:1] in ("-", "−") else ("", text)
    marks = [letter for letter in text if letter in ".,"]
    whole, decimals = text, ""
    if marks and (len(set(marks)) == 2 or len(marks) == 1):
        whole, _mark, decimals = text.rpartition(marks[-1])
    if len(marks) == 1 and len(decimals) == 3 and 1 <= len(whole) <= 3 and whole[0] in "123456789":
        raise CellError(
            M(
                N_("“%(typed)s” can be read in two ways: type %(large)s if that is meant, or else %(small)s."),
                typed=typed[:40], large=whole + decimals, small=f"{whole}.{f'{decimals}0'[: units if units < 3 else 4]}".rstrip("."),
            )
        )  # fmt: skip
    try:
        return Decimal(f"{sign}{_ungrouped(whole)}.{decimals or '0'}")
    except (InvalidOperation, ValueError):
        raise CellError(M(N_("“%(typed)s” is not a number."), typed=typed[:40])) from None


def _ungrouped(whole: str) -> str:
    """Digits without what groups them by thousands. Raises ValueError for anything else."""
    found = {letter for letter in whole if not letter.isdigit()}
    if len(found) == 1:
        mark = found.pop()
        groups = whole.split(mark)
        thousands = 1 <= len(groups[0]) <= 3 and all(len(group) == 3 for group in groups[1:])
        if thousands and (mark in ".," or _GAPS.fullmatch(mark)):
            whole = "".join(groups)
    if not (_WHOLE.fullmatch(whole) and whole.isascii()):
        raise ValueError
    return whole


def _amount(cell: Cell, choices: Choices) -> str:
    currency = choices.currency
    value = _number(cell, choices, minor_units(currency))
    if value != value.quantize(quantum(currency)):
        told = {"typed": as_text(cell).strip()[:40], "currency": currency, "units": minor_units(currency)}
        if thousand := _thousand(value):
            sentence = N_(
                "“%(typed)s” has too many decimals: amounts in %(currency)s have %(units)s. If it is %(thousand)s, type it so, without a mark for thousands."
            )
            raise CellError(M(sentence, thousand=thousand, **told))
        raise CellError(M(N_("“%(typed)s” has too many decimals: amounts in %(currency)s have %(units)s."), **told))
    return f"{value:.{minor_units(currency)}f}"


def _thousand(value: Decimal) -> str:
    """What 1.234 is where the point marks thousands; empty for a number that cannot be meant so."""
    whole, _point, decimals = plain_number(value).partition(".")
    return whole + decimals if len(decimals) == 3 and 1 <= len(whole) <= 3 and whole != "0" else ""


def _day(cell: Cell, choices: Choices) -> str:
    if isinstance(cell, Decimal) and int(cell) in _SERIALS:
        return (choices.epoch + timedelta(days=int(cell))).isoformat()
    typed = as_text(cell).strip()
    # The day comes first, as in all languages of the programme; the preview shows it in words.
    found = re.fullmatch(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})", typed)
    try:
        if found:
            return date(int(found[3]), int(found[2]), int(found[1])).isoformat()
        return date.fromisoformat(typed[:10] if re.fullmatch(r".{10}[T ]00:00(:00)?", typed) else typed).isoformat()
    except ValueError:
        raise CellError(
            M(N_("“%(typed)s” is not a date: type it as 2026-01-31 or 31/01/2026."), typed=typed[:40])
        ) from None


def _category(text: str, choices: Choices) -> str:
    for key, labels in choices.categories.items():
        if fold(text) in {fold(key), *map(fold, labels.values())}:
            return key
    raise CellError(M(N_("“%(typed)s” is none of the call’s categories: choose one from the list."), typed=text[:60]))


def _stage(text: str) -> str:
    found = _STAGES.get(fold(text), "")
    for key in STAGES:
        if fold(text) in {key, *(fold(words[key]) for words in STAGE_WORDS.values())}:
            found = key
    if not found:
        raise CellError(M(N_("“%(typed)s” is no stage: choose one from the list."), typed=text[:60]))
    return found


def _own(text: str) -> str:
    if fold(text) in _YES:
        return "1"
    if fold(text) in _NO:
        return ""
    raise CellError(M(N_("“%(typed)s” is neither yes nor no."), typed=text[:60]))


def refer(row_id: str, titles: Mapping[str, str]) -> str:
    """How a cell names the row ``row_id`` of ``titles``: by its title, with the id behind it when that alone would not do."""
    title = titles.get(row_id, "").strip()
    same = [other for other in titles.values() if fold(other) == fold(title)]
    clear = title and len(same) == 1 and not _REFERENCE.search(title)
    return title if clear or not row_id else f"{title} [{row_id}]".strip()


def read_reference(name: str, cell: Cell, choices: Choices) -> str:
    """The id of the row that the cell names. Raises CellError when there is none, or more than one."""
    text, section = as_text(cell).strip(), REFERENCES[name]
    titles, earlier = choices.titles.get(section, {}), choices.earlier.get(section, {})
    if not text:
        return ""
    if found := _REFERENCE.search(text):
        return found[1]
    exact = [row_id for row_id, title in titles.items() if title.strip() == text]
    near = exact or [row_id for row_id, title in titles.items() if fold(title) == fold(text)]
    near = near or [row_id for row_id, title in earlier.items() if title.strip() == text and row_id in titles]
    if len(near) == 1:
        return near[0]
    if near:
        raise CellError(M(N_("several rows are called “%(typed)s”: give them different names."), typed=text[:60]))
    sentence = (
        N_("“%(typed)s” is none of the activities.") if name == "activity" else N_("“%(typed)s” is none of the milestones.")
    )  # fmt: skip
    raise CellError(M(sentence, typed=text[:60]))


assert set(STAGE_WORDS) == set(YES) and set(YES) <= set(LANGUAGES)
