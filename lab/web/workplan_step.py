"""What the reader of a plan's page does next at the gate, or whom everybody waits for."""

from __future__ import annotations

from flask import url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from lab.rules.facts import Stage
from lab.rules.obligations import ObligationKind
from lab.rules.permissions import Action
from lab.rules.review import ReviewState
from lab.web.access import allowed
from lab.web.gate import review_text
from lab.web.task_links import NextStep
from lab.web.words import moment, time_zone
from lab.web.workplan_views import Desk, is_late


def step_of(desk: Desk) -> NextStep | None:
    """The step; None once the award is past its gate."""
    if desk.frame.stage is not Stage.WORKPLAN:
        return None
    number = desk.page.newest.number if desk.page.newest else 0
    if desk.page.state is ReviewState.SUBMITTED:
        if allowed(Action.REVIEW_WORKPLAN):
            href = url_for("workplan.review", award_code=desk.code)
            return NextStep(
                _("Review version %(number)s", number=number),
                f"{_('The team’s clock stands still until you decide.')} {_ilo_time(desk)}".strip(),
                href,
                _("Review it now"),
            )
        return NextStep(
            _("The ILO is reviewing version %(number)s", number=number),
            f"{_ilo_time(desk)} {_('The team’s clock stands still meanwhile.')}".strip(),
            tone="wait",
        )
    if allowed(Action.EDIT_WORKPLAN):
        return _writing(desk, number)
    if not is_late(desk):
        return NextStep(_("The team is writing"), _("You see each version here once it is submitted."), tone="wait")
    if allowed(Action.EXTEND_DEADLINE):
        return NextStep(
            _("Decide: extend the deadline, or let the award lapse"),
            _("The time to submit has ended without a plan that could be approved. Nothing happens until you decide."),
            url_for("workplan.show", award_code=desk.code, _anchor="deadline"),
            _("Decide"),
            tone="late",
        )
    return NextStep(
        _("The programme officer decides: extend the deadline, or let the award lapse"),
        _("The time to submit has ended without a plan that could be approved."),
        tone="wait",
    )


def _writing(desk: Desk, number: int) -> NextStep:
    """For the team: comments that wait for its answer come first, then what the draft lacks, then handing it in."""
    unanswered = sum(talk.awaits_team for talk in desk.all_talks)
    left = len(desk.read(desk.page.document.draft).problems)
    told = []
    if unanswered:
        told.append(ngettext("%(num)s comment has no answer yet.", "%(num)s comments have no answer yet.", unanswered))
    if left:
        told.append(
            ngettext(
                "%(num)s point is still missing or to be mended.",
                "%(num)s points are still missing or to be mended.",
                left,
            )
        )
    elif unanswered:
        told.append(_("The plan itself is complete."))
    if is_late(desk):
        told.append(_("The deadline has passed: ask the programme officer to extend it."))
    elif not told:
        told.append(_("Everything is there: check it and submit."))
    return NextStep(
        _("Answer the changes asked for") if number else _("Write the workplan and the budget"),
        " ".join(told),
        url_for("workplan.edit", award_code=desk.code),
        _("Answer") if number else _("Write"),
    )


def _ilo_time(desk: Desk) -> str:
    """The ILO's own clock for the version in review."""
    zone = desk.frame.definition.time_zone
    owed = next((o for o in desk.frame.obligations if o.kind == ObligationKind.REVIEW_WORKPLAN), None)
    if owed is None:
        return ""
    until = moment(owed.due_at, time_zone())
    return str(_("The ILO has until %(moment)s: %(time)s.", moment=until, time=review_text(owed, zone)))
