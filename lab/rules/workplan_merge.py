"""Two people write one plan: what only one of them changed is taken, and only what both changed differently is asked about."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any

from lab.rules.workplan_changes import meaning
from lab.rules.workplan_content import MAX_ROWS, ROW_FIELDS, Row, clean_content

Marks = Mapping[str, str]


@dataclass(frozen=True)
class Base:
    """The plan that somebody began from, as marks of what its fields meant: enough to tell what was changed since.

    ``rows``: section → row's id → field → mark, rows in their order. :data:`NOTHING` is for a page that does not say:
    whatever differs is then asked about, and no row is taken away.
    """

    summary: str | None = None
    rows: Mapping[str, Mapping[str, Marks]] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The base as a page or a workbook carries it; read by :func:`read_base`."""
        rows = {
            section: [[key, *(marks[name] for name in _named(section))] for key, marks in found.items()]
            for section, found in self.rows.items()
        }
        return json.dumps({"summary": self.summary, **rows}, separators=(",", ":"))


NOTHING = Base()


@dataclass(frozen=True)
class Clash:
    """What both changed differently: the field ``name`` of a row (or of none: the summary), as each wrote it.

    Without a ``name`` one of the two removed the row (None) that the other changed.
    """

    section: str
    id: str
    name: str
    mine: Row | None
    theirs: Row | None


@dataclass(frozen=True)
class Merged:
    """One plan of two. Where both clash it says what ``mine`` does, and holds every row that either of them kept.

    It is no longer cut to what a plan may hold: ``full`` are the sections that have too many rows now.
    """

    content: dict[str, Any]
    clashes: tuple[Clash, ...]

    @property
    def full(self) -> tuple[str, ...]:
        """The sections with more rows than a plan holds."""
        return tuple(section for section in ROW_FIELDS if len(self.content[section]) > MAX_ROWS)


def _named(section: str) -> tuple[str, ...]:
    return tuple(name for name in ROW_FIELDS[section] if name != "id")


# A plan that is being written is marked at every look and every save, most of it as it was.
@lru_cache(maxsize=2048)
def _mark(name: str, typed: str) -> str:
    """48 bits of what a field means; empty for an empty one."""
    meant = meaning(name, typed)
    if isinstance(meant, Decimal):
        meant = f"{meant.normalize():f}"
    elif isinstance(meant, date):
        meant = meant.isoformat()
    text = ("1" if meant else "") if isinstance(meant, bool) else str(meant)
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()[:6]).decode() if text else ""


def _marks(section: str, row: Row) -> Marks:
    return {name: _mark(name, row.get(name, "")) for name in _named(section)}


def _rows(content: Mapping[str, Any], section: str) -> dict[str, Row]:
    return {row["id"]: row for row in content[section]}


def base_of(content: Mapping[str, object]) -> Base:
    """What somebody begins from who is shown ``content``."""
    plan = clean_content(content)
    rows = {s: {key: _marks(s, row) for key, row in _rows(plan, s).items()} for s in ROW_FIELDS}
    return Base(_mark("summary", str(plan["summary"])), rows)


def read_base(text: str) -> Base | None:
    """The base in ``text`` (see :attr:`Base.text`); None when it is none, or one of an older shape."""
    try:
        found = json.loads(text)
        rows = {s: {str(key): _zipped(s, marks) for key, *marks in found[s]} for s in ROW_FIELDS}
        return Base(str(found["summary"]), rows)
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


def _zipped(section: str, marks: Sequence[object]) -> Marks:
    return dict(zip(_named(section), map(str, marks), strict=True))


def merge(base: Base, mine: Mapping[str, object], theirs: Mapping[str, object]) -> Merged:
    """``mine`` and ``theirs``, both begun from ``base``, as one plan: row by row by their ids, field by field by meaning.

    Against a side that changed nothing the other comes out as it is. A row that one removed and the other left alone is
    gone; one that the other changed is a clash. Rows stand as the side that moved any has them, mine if both did.
    """
    one, other = clean_content(mine), clean_content(theirs)
    clashes: list[Clash] = []
    summary = {"summary": str(one["summary"])}, {"summary": str(other["summary"])}
    began = {} if base.summary is None else {"summary": base.summary}
    content: dict[str, Any] = _fields("summary", "", began, *summary, clashes)
    for section in ROW_FIELDS:
        started = base.rows.get(section, {})
        content[section] = _section(section, started, _rows(one, section), _rows(other, section), clashes)
    return Merged(content, tuple(clashes))


def _fields(section: str, key: str, began: Marks, mine: Row, theirs: Row, clashes: list[Clash]) -> dict[str, str]:
    found = {}
    for name in mine:
        if name == "id":
            found[name] = mine[name]
            continue
        one, other, before = _mark(name, mine[name]), _mark(name, theirs[name]), began.get(name)
        found[name] = theirs[name] if one == before != other else mine[name]
        if before not in (one, other) and one != other:
            clashes.append(Clash(section, key, name, mine, theirs))
    return found


def _section(
    section: str, began: Mapping[str, Marks], mine: dict[str, Row], theirs: dict[str, Row], clashes: list[Clash]
) -> list[dict[str, str]]:
    rows: dict[str, dict[str, str]] = {}
    for key in _order(began, mine, theirs):
        one, other = mine.get(key), theirs.get(key)
        if one is not None and other is not None:
            rows[key] = _fields(section, key, began.get(key, {}), one, other, clashes)
            continue
        left = one or other
        assert left is not None
        if key in began:
            if _marks(section, left) == began[key]:
                continue
            clashes.append(Clash(section, key, "", one, other))
        rows[key] = dict(left)
    return list(rows.values())


def _order(began: Iterable[str], mine: Iterable[str], theirs: Iterable[str]) -> list[str]:
    """All rows of either side: in the order of the one that moved any, new ones of the other behind what they followed."""
    start, one, other = list(began), list(mine), list(theirs)
    moved = [key for key in one if key in start] != [key for key in start if key in one]
    first, second = (one, other) if moved else (other, one)
    found = list(first)
    at = 0
    for key in second:
        if key in found:
            at = found.index(key) + 1
            continue
        # Rows that both added at one place stand one after the other, not one in the other's midst.
        while at < len(found) and found[at] not in start and found[at] not in second:
            at += 1
        found.insert(at, key)
        at += 1
    return found
