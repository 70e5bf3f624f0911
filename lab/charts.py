"""Charts of the pilots for the steering committee: plain data in, SVG out, the same bytes for the same data.

Every length is drawn to the whole pixel, so that no amount ever becomes a float. Each chart has a sentence that says
the same (``*_alt``). The charts are kept by their data, since drawing one costs some 70 ms.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache

from babel.dates import format_date
from babel.numbers import format_decimal, format_percent

from lab.canvas import (
    AMBER,
    INK,
    INNER,
    LINE,
    MARGIN,
    MUTED,
    NAME_SIZE,
    NOTE_SIZE,
    TEAL,
    TRACK,
    WHITE,
    WIDTH,
    Canvas,
    width_of,
)
from lab.rules.text import N_, M, Message

# A chart of shares ends here; what is beyond is drawn up to the edge and told by its number.
_MOST = Fraction(3, 2)
# Fill and outline of what is awarded, paid and spent.
_STYLES = ((WHITE, TEAL), (TEAL, TEAL), (INK, INK))


@dataclass(frozen=True)
class TimeRow:
    """A pilot's time: the share used (1 is all of it, more is overrun), the days left (negative: over) and its end."""

    name: str
    used: Fraction | Decimal
    days_left: int
    ends_on: date


@dataclass(frozen=True)
class MoneyRow:
    """An award's money, three amounts in the one currency of the chart."""

    name: str
    awarded: Decimal
    paid: Decimal
    spent: Decimal


@dataclass(frozen=True)
class ResultRow:
    """A pilot's results: the mean share of their targets that its indicators reached, and how many there are."""

    name: str
    attained: Fraction | Decimal
    indicators: int


@dataclass(frozen=True)
class TimeLabels:
    """The time chart's words, translated. ``note`` and ``late`` have places for %(date)s and %(days)s."""

    title: str
    note: str
    late: str
    empty: str
    language: str = "en_GB"


@dataclass(frozen=True)
class MoneyLabels:
    """The money chart's words, translated; the title says the currency."""

    title: str
    awarded: str
    paid: str
    spent: str
    empty: str
    language: str = "en_GB"


@dataclass(frozen=True)
class ResultLabels:
    """The results chart's words, translated. ``note`` has a place for %(count)s, the number of indicators."""

    title: str
    note: str
    empty: str
    language: str = "en_GB"


@dataclass(frozen=True)
class _Share:
    """What a chart of shares shows of one pilot: its name, the share, a note below, and whether it is in alarm."""

    name: str
    share: Fraction
    note: str
    alarm: bool = False


@lru_cache(maxsize=256)
def time_chart(rows: tuple[TimeRow, ...], labels: TimeLabels) -> bytes:
    """SVG: how much of its time each pilot used, and when it is planned to end. An overrun is amber."""
    shares = []
    for row in rows:
        late = row.days_left < 0
        day = format_date(row.ends_on, "medium", locale=labels.language)
        days = format_decimal(abs(row.days_left), locale=labels.language)
        note = (labels.late if late else labels.note) % {"date": day, "days": days}
        shares.append(_Share(row.name, Fraction(row.used), note, alarm=late or row.used > 1))
    return _share_chart(labels, shares)


@lru_cache(maxsize=256)
def results_chart(rows: tuple[ResultRow, ...], labels: ResultLabels) -> bytes:
    """SVG: how much of their targets each pilot's indicators reached."""
    counts = (format_decimal(row.indicators, locale=labels.language) for row in rows)
    notes = (labels.note % {"count": count} for count in counts)
    shares = [_Share(row.name, Fraction(row.attained), note) for row, note in zip(rows, notes, strict=True)]
    return _share_chart(labels, shares)


@lru_cache(maxsize=256)
def money_chart(rows: tuple[MoneyRow, ...], labels: MoneyLabels) -> bytes:
    """SVG: what each award was given, paid and has spent, as three bars; the amounts in whole units of the currency."""
    if not rows:
        return _empty_chart(labels)
    canvas = Canvas(labels.title)
    canvas.title(labels.title)
    _legend(canvas, (labels.awarded, labels.paid, labels.spent))
    most = max(Decimal(1), *(amount for row in rows for amount in _amounts(row)))
    track = INNER - 10 - max(width_of(_whole(amount, labels), NOTE_SIZE) for row in rows for amount in _amounts(row))
    for row in rows:
        canvas.lines(row.name)
        for amount, (fill, outline) in zip(_amounts(row), _STYLES, strict=True):
            length = _pixels(amount / most, track)
            canvas.bar(length, fill, outline)
            canvas.beside(MARGIN + length + (6 if length else 0), _whole(amount, labels))
            canvas.y += LINE
        canvas.y += 14
    return canvas.svg()


def time_alt(rows: Sequence[TimeRow]) -> Message:
    """The time chart in a sentence: how many pilots, which used most and least of their time, how many are over."""
    if not rows:
        return M(N_("No pilot is running."))
    most, least = max(rows, key=lambda row: row.used), min(rows, key=lambda row: row.used)
    if len(rows) == 1:
        return M(N_("One pilot: “%(name)s” has used %(share)s of its time."), name=most.name, share=_percent(most.used))
    return M(
        N_(
            "%(count)s pilots. “%(most)s” has used most of its time, %(most_share)s; “%(least)s” has used least, "
            "%(least_share)s. Past their planned end: %(late)s."
        ),
        count=len(rows),
        most=most.name,
        most_share=_percent(most.used),
        least=least.name,
        least_share=_percent(least.used),
        late=sum(row.days_left < 0 for row in rows),
    )


def money_alt(rows: Sequence[MoneyRow], currency: str) -> Message:
    """The money chart in a sentence: how many awards, and the sums awarded, paid and spent in ``currency``."""
    if not rows:
        return M(N_("No award has money to show."))
    awarded, paid, spent = (sum(column, Decimal()) for column in zip(*map(_amounts, rows), strict=True))
    if len(rows) == 1:
        sentence = N_("One award, “%(name)s”: %(awarded)s %(currency)s awarded, %(paid)s paid and %(spent)s spent.")
        return M(sentence, name=rows[0].name, awarded=awarded, paid=paid, spent=spent, currency=currency)
    most, least = max(rows, key=_spent_share), min(rows, key=_spent_share)
    return M(
        N_(
            "%(count)s awards: %(awarded)s %(currency)s awarded, %(paid)s paid and %(spent)s spent in all. “%(most)s” "
            "has spent the largest part of its award, %(most_share)s; “%(least)s” the smallest, %(least_share)s."
        ),
        count=len(rows),
        awarded=awarded,
        paid=paid,
        spent=spent,
        currency=currency,
        most=most.name,
        most_share=_percent(_spent_share(most)),
        least=least.name,
        least_share=_percent(_spent_share(least)),
    )


def results_alt(rows: Sequence[ResultRow]) -> Message:
    """The results chart in a sentence: how many pilots, and which is nearest to and furthest from its targets."""
    if not rows:
        return M(N_("No pilot has results to show."))
    best, worst = max(rows, key=lambda row: row.attained), min(rows, key=lambda row: row.attained)
    if len(rows) == 1:
        sentence = N_("One pilot: “%(name)s” has reached %(share)s of its targets.")
        return M(sentence, name=best.name, share=_percent(best.attained))
    return M(
        N_(
            "%(count)s pilots. “%(best)s” has reached most of its targets, %(best_share)s; “%(worst)s” has reached "
            "least, %(worst_share)s. At or above their targets: %(reached)s."
        ),
        count=len(rows),
        best=best.name,
        best_share=_percent(best.attained),
        worst=worst.name,
        worst_share=_percent(worst.attained),
        reached=sum(row.attained >= 1 for row in rows),
    )


def _percent(share: Fraction | Decimal) -> Message:
    return M(N_("%(number)s %%"), number=Decimal(round(Fraction(share) * 100)))


def _amounts(row: MoneyRow) -> tuple[Decimal, Decimal, Decimal]:
    return row.awarded, row.paid, row.spent


def _spent_share(row: MoneyRow) -> Decimal:
    return row.spent / row.awarded if row.awarded else Decimal()


def _whole(amount: Decimal, labels: MoneyLabels) -> str:
    return format_decimal(amount, "#,##0", locale=labels.language)


def _share_chart(labels: TimeLabels | ResultLabels, shares: Sequence[_Share]) -> bytes:
    """Bars of shares under each other. When one is above 1, all shrink, and a mark on each shows where 1 is."""
    if not shares:
        return _empty_chart(labels)
    scale = min(_MOST, max(Fraction(1), *(share.share for share in shares)))
    full = _pixels(1 / scale, INNER)
    canvas = Canvas(labels.title)
    canvas.title(labels.title)
    if full < INNER:
        canvas.before(MARGIN + full, _percentage(Fraction(1), labels.language))
        canvas.y += LINE
    for share in shares:
        colour = AMBER if share.alarm else INK
        value = _percentage(share.share, labels.language)
        canvas.before(WIDTH - MARGIN, value, NAME_SIZE, colour, bold=True)
        canvas.lines(share.name, room=INNER - 10 - width_of(value, NAME_SIZE))
        canvas.bar(full, TRACK)
        canvas.bar(_pixels(share.share / scale, INNER), AMBER if share.alarm else TEAL)
        if full < INNER:
            canvas.mark(MARGIN + full)
        canvas.y += LINE
        canvas.lines(share.note, NOTE_SIZE, MUTED)
        canvas.y += 12
    return canvas.svg()


def _empty_chart(labels: TimeLabels | MoneyLabels | ResultLabels) -> bytes:
    canvas = Canvas(labels.title)
    canvas.title(labels.title)
    canvas.lines(labels.empty, colour=MUTED)
    canvas.y += MARGIN
    return canvas.svg()


def _legend(canvas: Canvas, words: Sequence[str]) -> None:
    """What each style means, in a row that goes on below when it is full."""
    x = MARGIN
    for word, (fill, outline) in zip(words, _STYLES, strict=True):
        width = 18 + width_of(word, NOTE_SIZE)
        if x > MARGIN and x + width > WIDTH - MARGIN:
            x, canvas.y = MARGIN, canvas.y + LINE
        canvas.bar(12, fill, outline, x)
        canvas.beside(x + 18, word, MUTED)
        x += width + 12
    canvas.y += LINE + 10


def _percentage(share: Fraction, language: str) -> str:
    return format_percent(Decimal(round(share * 100)) / 100, "#,##0\u00a0%", locale=language)


def _pixels(share: Fraction | Decimal, track: int) -> int:
    """How long a share of ``track`` is drawn: nothing for nothing, at least a pixel for something, at most all."""
    return min(track, max(round(share * track), 1)) if share > 0 else 0
