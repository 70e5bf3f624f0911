"""What every page shows around its content: the navigation, and for an award its stage, clock and tabs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask import Flask, render_template, request, url_for
from flask_babel import gettext as _
from flask_login import current_user

from lab import clock
from lab.extensions import db
from lab.queries import awards
from lab.rules.calls import CallDefinition, text
from lab.rules.facts import PATH, Role, Stage
from lab.rules.languages import LANGUAGES
from lab.rules.lifecycle import STAGE_NAMES
from lab.rules.permissions import Action, can
from lab.rules.sign_in import Standing
from lab.web import reader
from lab.web.access import actor, allowed, config
from lab.web.gate import GateView, gate_view
from lab.web.words import locale, page_language, say

if TYPE_CHECKING:
    from lab.models import Award, Obligation


@dataclass(frozen=True)
class Link:
    """A place to go."""

    label: str
    href: str
    current: bool


@dataclass(frozen=True)
class Step:
    """A stage on the path: done, current, todo or stopped."""

    label: str
    state: str
    note: str = ""


def _nav() -> list[Link]:
    # Before the second factor is set up every place would lead back to that page.
    if not current_user.is_authenticated or reader.reader_standing() is Standing.SET_UP:
        return []
    places = [(_("Home"), "home.index", Action.SIGNED_IN), (_("Awards"), "award.index", Action.SEE_PORTFOLIO)]
    places += [
        (_("Payments"), "payment_queue.index", Action.SEE_PAYMENT_QUEUE),
        (_("Calls"), "call.index", Action.SEE_CALLS),
        (_("People"), "people.index", Action.SEE_PEOPLE),
        (_("Outbox"), "outbox.index", Action.SEE_OUTBOX),
        (_("Security"), "security.index", Action.SEE_SECURITY),
    ]
    blueprint = (request.endpoint or "").split(".")[0]
    return [
        Link(label, url_for(endpoint), blueprint == endpoint.split(".")[0])
        for label, endpoint, action in places
        if can(actor(), action)
    ]


def page_context() -> dict[str, Any]:
    """For every template."""
    return {
        "nav": _nav(),
        "languages": list(LANGUAGES.items()),
        "current_language": locale(),
        "page_language": page_language(),
        "demo_mode": config().demo,
        "clock_shifted": clock.is_moved(),
        "now": clock.now(),
        "allowed": allowed,
        "Action": Action,
        "Role": Role,
    }


def _tabs(award: Award, here: str) -> list[Link]:
    places = (
        (_("Overview"), "award.show", Action.SEE_AWARD),
        (_("Workplan"), "workplan.show", Action.SEE_WORKPLAN),
        (_("Agreement"), "agreement.show", Action.SEE_AGREEMENT),
        (_("Payments"), "disbursement.show", Action.SEE_PAYMENTS),
        (_("Lab"), "lab.show", Action.SEE_LAB),
        (_("Reports"), "report.index", Action.SEE_REPORTS),
        (_("Pilot"), "pilot.show", Action.SEE_PILOT),
        (_("Closing"), "closing.show", Action.SEE_CLOSING),
        (_("Timeline"), "award.timeline", Action.SEE_AWARD),
    )
    return [
        Link(label, url_for(endpoint, award_code=award.code), endpoint == here)
        for label, endpoint, action in places
        if allowed(action)
    ]


def _path(award: Award) -> list[Step]:
    stage = Stage(award.stage)
    stopped = stage not in PATH
    at = PATH.index(stage if not stopped else Stage(award.suspended_from or Stage.WORKPLAN))
    steps = []
    for n, step in enumerate(PATH):
        closed = stage is Stage.CLOSED and n == at
        state = "done" if n < at or closed else "todo" if n > at else "stopped" if stopped else "current"
        steps.append(Step(say(STAGE_NAMES[step]), state, say(STAGE_NAMES[stage]) if state == "stopped" else ""))
    return steps


@dataclass(frozen=True)
class Frame:
    """An award's page around its content."""

    award: Award
    definition: CallDefinition
    obligations: list[Obligation]
    stage: Stage
    stage_label: str
    steps: list[Step]
    gate: GateView | None
    tabs: list[Link]
    call_title: str
    ended: bool


def load_frame(award_code: str, here: str) -> Frame:
    """The frame of an award's page, in two statements, three at the gate. ``here`` is the endpoint of the current tab."""
    award = awards.get_award(db.session(), award_code)
    definition = awards.definition_of(award)
    obligations = awards.open_obligations(db.session(), award.id)
    stage = Stage(award.stage)
    return Frame(
        award=award,
        definition=definition,
        obligations=obligations,
        stage=stage,
        stage_label=say(STAGE_NAMES[stage]),
        steps=_path(award),
        gate=gate_view(award, definition),
        tabs=_tabs(award, here),
        call_title=text(definition.title, locale()),
        ended=award.ended_at is not None,
    )


def award_page(
    template: str, award_code: str, here: str, frame: Frame | None = None, status: int = 200, **context: Any
) -> Any:
    """Render a page of an award inside its frame (``templates/award/frame.html``)."""
    return render_template(template, frame=frame or load_frame(award_code, here), **context), status


def register(app: Flask) -> None:
    """Give every template its frame."""
    app.context_processor(page_context)
