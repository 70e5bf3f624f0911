"""The gate as every page of its award shows it: how long the team has, why the clock stands still, how far the plan is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from flask_babel import gettext as _

from lab import clock
from lab.extensions import db
from lab.queries.gate import gate_of
from lab.queries.workplan import frame_of
from lab.rules.calls import CallDefinition
from lab.rules.completeness import Completeness, completeness_of
from lab.rules.facts import Stage
from lab.rules.gate_clock import (
    ClockState,
    Extension,
    GateClock,
    GateTerms,
    Pause,
    PauseCause,
    gate_clock,
    review_clock,
)
from lab.rules.review import EDITABLE
from lab.rules.workplan import SECTIONS, Reading
from lab.web.plan_reading import read_once
from lab.web.words import day, due, instant, moment, say, span, time_zone

if TYPE_CHECKING:
    from lab.models import Award, Obligation

_SOON = timedelta(days=4)


@dataclass(frozen=True)
class SectionMeter:
    """A section of the plan on the meter."""

    label: str
    there: int
    asked: int


@dataclass(frozen=True)
class PlanMeter:
    """How far a plan is: ``there`` of ``asked`` things are in order, in words, and section by section."""

    there: int
    asked: int
    text: str
    sections: list[SectionMeter]


@dataclass(frozen=True)
class GateView:
    """The clock: what it says, the deadline where the reader is and in Geneva, and how it came about.

    ``ticking`` are the seconds left while it runs, for the script that counts them down; None when it does not.
    """

    label: str
    tone: str
    lines: list[str]
    history: list[str]
    ticking: int | None
    meter: PlanMeter | None


def gate_view(award: Award, definition: CallDefinition) -> GateView | None:
    """The gate of an award that is at it, in one statement; None for every other award."""
    stage = Stage(award.stage)
    if Stage.WORKPLAN not in (stage, award.suspended_from if stage is Stage.SUSPENDED else None):
        return None
    gate, now = gate_of(db.session(), award), clock.now()
    terms = GateTerms(award.notice_on, definition.stages.workplan_days, definition.time_zone)
    found = gate_clock(terms, now, gate.pauses, gate.extensions)
    writing = gate.state in EDITABLE
    return GateView(
        label=_label(found, definition.time_zone),
        tone=_tone(found),
        lines=_lines(found, definition.time_zone),
        history=[
            _("%(days)s days from the notice of %(day)s", days=terms.days, day=day(terms.notice_on)),
            *_past(found),
            *_rounded(found),
        ],
        ticking=int(found.left.total_seconds()) if found.state is ClockState.RUNNING else None,
        meter=meter_of(read_once(gate.draft, frame_of(award, definition))) if writing else None,
    )


def meter_of(reading: Reading) -> PlanMeter:
    """The meter of a plan as read."""
    found: Completeness = completeness_of(reading)
    return PlanMeter(
        there=found.there,
        asked=found.asked,
        text=_("%(there)s of %(asked)s in order", there=found.there, asked=found.asked),
        sections=[SectionMeter(say(SECTIONS[m.section]), m.there, m.asked) for m in found.meters],
    )


def review_text(obligation: Obligation, zone: str) -> str:
    """The ILO's own clock for a version: what is left of the days it gives itself, or by how much they are over."""
    found = review_clock(obligation.opened_at, obligation.due_at, zone, clock.now())
    if found.late:
        return str(_("%(time)s over the %(days)s days", time=span(found.late), days=found.days))
    if found.left > timedelta(days=found.days):
        # The day on which it was handed in is not counted.
        return str(_("%(time)s left", time=span(found.left)))
    return str(_("%(time)s left of %(days)s days", time=span(found.left), days=found.days))


def _label(found: GateClock, zone: str) -> str:
    if found.state is ClockState.IN_REVIEW:
        return str(_("Clock stopped: the ILO is reviewing"))
    if found.state is ClockState.SUSPENDED:
        return str(_("Clock stopped: the award is suspended"))
    if found.state is ClockState.EXPIRED:
        return due(found.deadline, zone).label
    return str(_("%(time)s left", time=span(found.left)))


def _tone(found: GateClock) -> str:
    if found.still_since is not None:
        return "paused"
    if found.state is ClockState.EXPIRED:
        return "late"
    return "soon" if found.left < _SOON else "calm"


def _lines(found: GateClock, zone: str) -> list[str]:
    """The deadline in the reader's own zone and in the call's; or since when there is none that counts, and what is left."""
    if found.still_since is None:
        reader, call = moment(found.deadline, time_zone()), moment(found.deadline, zone)
        return [reader, f"({call})"] if zone != time_zone() else [reader]
    stands = {
        ClockState.IN_REVIEW: _("It stands still since %(since)s while the ILO reviews; %(time)s are left after that."),
        ClockState.SUSPENDED: _("It stands still since %(since)s; %(time)s are left once the award goes on."),
    }[found.state]
    return [stands % {"since": instant(found.still_since), "time": span(found.left)}]


def _past(found: GateClock) -> list[str]:
    """Every pause and extension, oldest first, as a sentence with its length."""
    told = [(pause.began_at, _pause(pause)) for pause in found.pauses]
    told += [(extension.at, _extension(extension)) for extension in found.extensions]
    return [text for _at, text in sorted(told, key=lambda item: item[0])]


def _rounded(found: GateClock) -> list[str]:
    """How pauses move the deadline, once there are any."""
    if not found.pauses:
        return []
    return [
        str(_("The time it stood still is added to the deadline, rounded up to the end of the day it then falls on."))
    ]


def _pause(pause: Pause) -> str:
    texts = {
        (PauseCause.REVIEW, True): _("Review by the ILO from %(began)s to %(ended)s: it stood still for %(time)s"),
        (PauseCause.REVIEW, False): _("Review by the ILO since %(began)s: it has stood still for %(time)s"),
        (PauseCause.SUSPENSION, True): _("Suspended from %(began)s to %(ended)s: it stood still for %(time)s"),
        (PauseCause.SUSPENSION, False): _("Suspended since %(began)s: it has stood still for %(time)s"),
    }
    values = {
        "began": instant(pause.began_at),
        "ended": instant(pause.ended_at),
        "time": span(pause.length(clock.now())),
    }
    return str(texts[(pause.cause, pause.ended_at is not None)] % values)


def _extension(extension: Extension) -> str:
    text = _(
        "Extended by %(days)s days on %(at)s by %(who)s: %(reason)s",
        days=extension.days, at=instant(extension.at), who=extension.by, reason=extension.reason,
    )  # fmt: skip
    return str(text)
