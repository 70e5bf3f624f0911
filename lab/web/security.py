"""Security events: who got in, who was refused what, and what changed about accounts. For administrators, and one's own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from flask import Blueprint, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from lab import clock
from lab.extensions import db, reading_only
from lab.queries import security_events
from lab.queries.security_events import EXPORT_LIMIT, Filters
from lab.rules.calendar import end_of_day
from lab.rules.errors import Invalid
from lab.rules.permissions import Action
from lab.rules.security_events import ALARMING, DETAIL_NAMES, KIND_NAMES, SecurityEventKind
from lab.rules.text import N_, M, Message
from lab.services.security_events import note_export
from lab.sheets import Cell
from lab.web.access import actor, door
from lab.web.downloads import sheet, sheet_kind
from lab.web.whereabouts import place
from lab.web.words import instant, say, time_zone

if TYPE_CHECKING:
    from lab.models import SecurityEvent

bp = Blueprint("security", __name__)
OWN = 12
FIELDS = ("kind", "who", "address", "since", "until")


@dataclass(frozen=True)
class Line:
    """An event in words."""

    when: str
    what: str
    tone: str
    who: str
    email: str
    subject: str
    address: str
    asked: str
    details: str


@dataclass(frozen=True)
class Search:
    """What was typed into the filter, what it comes to, and what of it could not be read (field → message)."""

    typed: dict[str, str]
    filters: Filters
    problems: dict[str, Message]

    @property
    def narrows(self) -> bool:
        """Whether anything was typed."""
        return any(self.typed.values())


def _day(typed: str) -> date | None:
    try:
        return date.fromisoformat(typed) if typed else None
    except ValueError:
        return None


def read_search(args: MultiDict[str, str]) -> Search:
    """The filter as typed. Days are the reader's own, from their midnight to the next; one that cannot be read filters nothing."""
    typed = {name: args.get(name, "").strip()[:100] for name in FIELDS}
    kind = typed["kind"] if typed["kind"] in set(SecurityEventKind) else ""
    days = {name: _day(typed[name]) for name in ("since", "until")}
    problems = {
        name: M(N_("Give a day such as 2026-03-31.")) for name, found in days.items() if typed[name] and found is None
    }
    since, until = days["since"], days["until"]
    if since and until and until < since:
        problems["until"] = M(N_("This day is before the first one: nothing lies between them."))
    zone = ZoneInfo(time_zone())
    filters = Filters(
        kind, typed["who"], typed["address"],
        datetime.combine(since, time(), zone) if since and since.year > 1 else None,
        end_of_day(until, time_zone()) if until and until.year < date.max.year else None,
    )  # fmt: skip
    return Search({**typed, "kind": kind}, filters, problems)


def _details(found: Mapping[str, object]) -> str:
    return ", ".join(f"{say(DETAIL_NAMES.get(name, name))}: {value}" for name, value in found.items())


def _asked(action: str, path: str, method: object = "") -> str:
    said = action.replace("_", " ")
    where = f"{method} {path}".strip()
    return f"{said} ({where})" if said and where else said or where


def _line(event: SecurityEvent) -> Line:
    kind = SecurityEventKind(event.kind)
    other = event.subject if event.subject_id != event.actor_id else None
    rest = {name: value for name, value in event.details.items() if name != "method"}
    return Line(
        when=instant(event.at),
        what=say(KIND_NAMES[kind]),
        tone="bad" if kind in ALARMING else "plain",
        who=event.actor.name if event.actor else "",
        email=event.actor.email if event.actor else "",
        subject=f"{other.name} ({other.email})" if other else "",
        address=event.address,
        asked=_asked(event.action, event.path, event.details.get("method", "")),
        details=_details(rest),
    )


@door(bp, "/security", Action.SEE_SECURITY)
def index() -> str:
    """The log, newest first, narrowed by kind, person, network address and days."""
    search = read_search(request.args)
    before = request.args.get("before", type=int)
    if before is not None and not 0 < before < 2**31:
        # No number that an event could have.
        before = None
    found = security_events.list_events(db.session(), search.filters, before)
    asked: dict[str, Any] = {name: value for name, value in search.typed.items() if value}
    return render_template(
        "security_events/index.html",
        lines=[_line(event) for event in found.rows],
        search=search,
        problems=search.problems,
        kinds=sorted(((kind.value, say(label)) for kind, label in KIND_NAMES.items()), key=lambda pair: pair[1]),
        older=url_for("security.index", before=found.before, **asked) if found.before else "",
        newest=url_for("security.index", **asked) if before else "",
        limit=EXPORT_LIMIT,
    )


def _headings() -> list[str]:
    return [
        _("When (%(zone)s)", zone=time_zone()), _("What"), _("Who"), _("Who: e-mail"), _("Whose account"),
        _("Whose account: e-mail"), _("Network address"), _("Right"), _("Page"), _("Details"),
    ]  # fmt: skip


def _rows(filters: Filters) -> Iterator[tuple[Cell, ...]]:
    zone = ZoneInfo(time_zone())
    names = {kind.value: say(label) for kind, label in KIND_NAMES.items()}
    for row in security_events.stream_events(db.session(), filters):
        yield (
            row.at.astimezone(zone), names[row.kind], row.actor_name, row.actor_email, row.subject_name,
            row.subject_email, row.address, row.action, row.path, _details(row.details),
        )  # fmt: skip


@door(bp, "/security/export", Action.EXPORT_SECURITY, methods=("POST",), fresh=True)
def export() -> Response:
    """The filtered log as a file, which is itself noted before it leaves."""
    kind, search = sheet_kind(request.form.get("format", "")), read_search(request.form)
    if search.problems:
        # Without the filter that was meant, more would leave than was asked for.
        raise Invalid(search.problems)
    filters = " ".join(f"{name}={value}" for name, value in search.typed.items() if value)
    note_export(
        actor(),
        Action.EXPORT_SECURITY,
        clock.wall(),
        place(),
        "security events",
        format=kind,
        filters=filters or "none",
    )
    # The rest only reads: it holds no lock however long the list is.
    reading_only.set(True)
    return sheet(kind, "security-events", _("Security events"), _headings(), _rows(search.filters))


def own_events() -> list[Line]:
    """The newest events about the reader's own account. Where somebody else acted from is not theirs to know."""
    me = actor().person_id
    if me is None:
        return []
    found = []
    for event in security_events.own_events(db.session(), me, OWN):
        kind = SecurityEventKind(event.kind)
        another = event.actor_id is not None and event.actor_id != me
        found.append(
            Line(
                when=instant(event.at), what=say(KIND_NAMES[kind]), tone="bad" if kind in ALARMING else "plain",
                who=event.actor.name if another and event.actor else "", email="", subject="",
                address="" if another else event.address, asked="", details="",
            )
        )  # fmt: skip
    return found


bp.add_app_template_global(own_events, "own_events")
