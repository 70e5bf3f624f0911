"""The list of awards as a file, for officers and finance."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from flask import Blueprint, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from lab import clock
from lab.extensions import db, reading_only
from lab.queries.awards import definition_of
from lab.queries.portfolio import Filters, PaidRow, all_awards
from lab.rules.calendar import local_day
from lab.rules.calls import text
from lab.rules.facts import Stage
from lab.rules.lifecycle import STAGE_NAMES
from lab.rules.money import rounded
from lab.rules.obligations import PARTY_NAMES, Party
from lab.rules.permissions import Action
from lab.services.security_events import note_export
from lab.sheets import Cell
from lab.web.access import actor, door
from lab.web.award import country_name, read_filters
from lab.web.downloads import sheet, sheet_kind
from lab.web.task_links import title_of
from lab.web.whereabouts import place
from lab.web.words import locale, say

bp = Blueprint("portfolio", __name__)


def _headings() -> list[str]:
    return [
        _("Code"), _("Call"), _("Project"), _("Organisation"), _("Country"), _("Prize"), _("Award"), _("Currency"),
        _("Paid so far"), _("Stage"), _("Next"), _("Whose turn"), _("Due"), _("Programme officer"),
    ]  # fmt: skip


def _line(row: PaidRow) -> tuple[Cell, ...]:
    award, definition = row.award, definition_of(row.award)
    # A suspended award stands still: nothing on it is late, and it is nobody's turn.
    duty = row.next if award.stage != Stage.SUSPENDED else None
    prizes = {prize.key: text(prize.label, locale()) for prize in definition.prizes}
    return (
        award.code, text(definition.title, locale()), award.project, award.organisation.legal_name,
        country_name(award.organisation.country), prizes.get(award.prize, award.prize), rounded(award.amount, award.currency), award.currency,
        row.paid, say(STAGE_NAMES[Stage(award.stage)]), title_of(duty) if duty else None,
        say(PARTY_NAMES[Party(duty.debtor)]) if duty else None,
        # The instant is the midnight that ends the day.
        local_day(duty.due_at - timedelta(minutes=1), definition.time_zone) if duty else None, award.officer.name,
    )  # fmt: skip


def _rows(filters: Filters) -> Iterator[tuple[Cell, ...]]:
    return (_line(row) for row in all_awards(db.session(), filters))


@door(bp, "/awards/export", Action.SEE_PORTFOLIO, methods=("POST",))
def export() -> Response:
    """The filtered list as a file, which is noted before it leaves."""
    kind, filters = sheet_kind(request.form.get("format", "")), read_filters(request.form)
    asked = {"call": filters.call, "stage": filters.stage, "q": filters.text}
    said = " ".join(f"{name}={value}" for name, value in asked.items() if value)
    note_export(actor(), Action.SEE_PORTFOLIO, clock.wall(), place(), "awards", format=kind, filters=said or "none")
    # The rest only reads: it holds no lock however long the list is.
    reading_only.set(True)
    return sheet(kind, "awards", _("Awards"), _headings(), _rows(filters))
