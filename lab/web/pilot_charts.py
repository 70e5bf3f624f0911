"""The dashboard's charts: its rows as the charts take them, with words, a text alternative and a table for each."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from flask_babel import gettext as _

from lab import charts
from lab.queries.dashboard import Dashboard, PilotRow
from lab.web.words import day, money, number, percent, say


@dataclass(frozen=True)
class Chart:
    """A chart that is drawn only when asked for, and the same in words and as a table."""

    digest: str
    draw: Callable[[], bytes]
    caption: str
    alt: str
    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def charts_of(board: Dashboard, language: str) -> dict[str, Chart]:
    """The dashboard's charts by key: ``time``, ``money-USD`` for each currency, ``results``; in ``language``."""
    made = {"time": _time(board.rows, language)}
    for currency in sorted({row.money.currency for row in board.rows}):
        made[f"money-{currency}"] = _money(
            [row for row in board.rows if row.money.currency == currency], currency, language
        )
    made["results"] = _results(board.rows, language)
    return made


def _digest(*data: object) -> str:
    """A hash of everything that a chart shows: plain values, so that equal data have equal text."""
    return hashlib.sha256(repr(data).encode()).hexdigest()


def _time(rows: Sequence[PilotRow], language: str) -> Chart:
    running = [(row.award.project, row.time) for row in rows if row.time is not None]
    data = tuple(charts.TimeRow(name, time.share, time.days_left, time.ends_on) for name, time in running)
    labels = charts.TimeLabels(
        title=_("Time used"),
        note=_("%(days)s days left, until %(date)s", days="%(days)s", date="%(date)s"),
        late=_("%(days)s days past the end on %(date)s", days="%(days)s", date="%(date)s"),
        empty=_("No award of this call has entered the lab yet."),
        language=language,
    )
    return Chart(
        digest=_digest(data, labels),
        draw=partial(charts.time_chart, data, labels),
        caption=labels.title,
        alt=say(charts.time_alt(data)),
        headers=(_("Award"), _("Time used"), _("Days left"), _("Ends on")),
        rows=tuple(
            (r.name, percent(t.share), number(t.days_left), day(t.ends_on))
            for r, (_name, t) in zip(data, running, strict=True)
        ),
    )


def _money(rows: Sequence[PilotRow], currency: str, language: str) -> Chart:
    data = tuple(charts.MoneyRow(row.award.project, row.money.awarded, row.money.paid, row.money.spent) for row in rows)
    labels = charts.MoneyLabels(
        title=_("Money, in %(currency)s", currency=currency),
        awarded=_("Awarded"),
        paid=_("Paid"),
        spent=_("Spent"),
        empty=_("No award has money to show."),
        language=language,
    )
    return Chart(
        digest=_digest(data, labels, currency),
        draw=partial(charts.money_chart, data, labels),
        caption=labels.title,
        alt=say(charts.money_alt(data, currency)),
        headers=(_("Award"), labels.awarded, labels.paid, labels.spent),
        rows=tuple((r.name, *(money(amount, currency) for amount in (r.awarded, r.paid, r.spent))) for r in data),
    )


def _results(rows: Sequence[PilotRow], language: str) -> Chart:
    measured = [(row, row.attained) for row in rows if row.attained is not None]
    data = tuple(charts.ResultRow(row.award.project, share, len(row.indicators)) for row, share in measured)
    labels = charts.ResultLabels(
        title=_("Way to the targets"),
        note=_("Mean of %(count)s indicators", count="%(count)s"),
        empty=_("No indicator is defined yet."),
        language=language,
    )
    return Chart(
        digest=_digest(data, labels),
        draw=partial(charts.results_chart, data, labels),
        caption=labels.title,
        alt=say(charts.results_alt(data)),
        headers=(_("Award"), _("Attained"), _("Indicators"), _("At target")),
        rows=tuple(
            (row.award.project, percent(share), number(len(row.indicators)), number(row.reached))
            for row, share in measured
        ),
    )
