"""Calls: what each one says, and the steering committee's dashboard of its pilots."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from flask import Blueprint, Response, render_template, request, url_for

from lab import clock
from lab.extensions import db
from lab.queries import calls as queries
from lab.queries.awards import definition_of_call
from lab.queries.dashboard import Dashboard, dashboard
from lab.rules.calls import CallDefinition, text
from lab.rules.errors import NotFound
from lab.rules.facts import Scope
from lab.rules.lifecycle import STAGE_NAMES
from lab.rules.obligations import PARTY_NAMES, ObligationKind, Party, sentence
from lab.rules.permissions import Action, can
from lab.web.access import actor, door
from lab.web.pilot_charts import charts_of
from lab.web.words import formats, locale, say

bp = Blueprint("call", __name__)
MAX_PAGE = 10_000


def _reading(definition: CallDefinition) -> str:
    """The language in which this reader is shown the call: their own if the call has it, else its first."""
    return locale() if locale() in definition.languages else definition.languages[0]


@door(bp, "/calls", Action.SEE_CALLS)
def index() -> str:
    """The calls that this person may see."""
    calls = []
    for call, awards in queries.all_calls(db.session()):
        if can(actor(), Action.SEE_CALLS, Scope(call_id=call.id)):
            definition = definition_of_call(call)
            calls.append(
                SimpleNamespace(code=call.code, definition=definition, awards=awards, language=_reading(definition))
            )
    return render_template("call/index.html", calls=calls, text=text)


@door(bp, "/calls/<call_code>", Action.SEE_CALLS)
def show(call_code: str) -> str:
    """What the call says: dates, prizes, stages, payments, criteria, questions, acknowledgement, reminders, committee."""
    call = queries.get_call(db.session(), call_code)
    definition = definition_of_call(call)
    return render_template(
        "call/show.html",
        call=call,
        definition=definition,
        language=_reading(definition),
        text=text,
        committee=queries.committee_of(db.session(), call.id),
    )


def _board(call_code: str) -> tuple[CallDefinition, Dashboard]:
    call = queries.get_call(db.session(), call_code)
    definition = definition_of_call(call)
    page = min(max(request.args.get("page", 1, type=int), 1), MAX_PAGE)
    board = dashboard(db.session(), call.id, definition, clock.now(), page)
    if not board.rows and page > 1:
        raise NotFound("page")
    return definition, board


def _owed(kind: str, params: dict[str, Any]) -> str:
    return say(sentence(ObligationKind(kind), params))


@door(bp, "/calls/<call_code>/pilots", Action.SEE_PILOTS)
def pilots(call_code: str) -> str:
    """One screen on all awards of the call: stage, time used, money used, indicators against targets, what is overdue."""
    definition, board = _board(call_code)
    language = _reading(definition)
    charts = [
        (url_for("call.chart", call_code=call_code, chart=key, page=board.page, v=chart.digest[:16]), chart)
        for key, chart in charts_of(board, formats()).items()
    ]
    turn = {
        "number": board.page,
        "total_pages": board.pages,
        "prev_href": url_for("call.pilots", call_code=call_code, page=board.page - 1) if board.page > 1 else None,
        "next_href": url_for("call.pilots", call_code=call_code, page=board.page + 1)
        if board.page < board.pages
        else None,
    }
    return render_template(
        "call/pilots.html",
        call_code=call_code,
        call_title=text(definition.title, language),
        language=language,
        definition=definition,
        board=board,
        charts=charts,
        turn=turn,
        stage_names=STAGE_NAMES,
        party_names={party: PARTY_NAMES[party] for party in Party},
        owed=_owed,
    )


@door(bp, "/calls/<call_code>/pilots/<chart>.svg", Action.SEE_PILOTS)
def chart(call_code: str, chart: str) -> Response:
    """A chart of the dashboard. Its address holds a hash of its data, so that a browser may keep it."""
    _, board = _board(call_code)
    found = charts_of(board, formats()).get(chart)
    if found is None:
        raise NotFound("chart")
    response = Response(mimetype="image/svg+xml")
    response.set_etag(found.digest)
    response.cache_control.private = True
    # Under an address of other data the answer is right now and stale later: the browser asks again each time.
    if request.args.get("v") == found.digest[:16]:
        response.cache_control.max_age = 86_400
    else:
        response.cache_control.no_cache = True
    if request.if_none_match.contains(found.digest):
        response.status_code = 304
    else:
        response.set_data(found.draw())
    return response
