"""Closing an award: everything it needs, each met or with the reason and the place where it is done; lessons; the end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, flash, redirect, url_for
from flask_babel import gettext as _

from lab import clock
from lab.extensions import db
from lab.forms.closing import CheckForm, LessonForm
from lab.queries.closing import CHECKLIST, closing_of
from lab.rules.calls import text
from lab.rules.closing import requirements, stage_blockers
from lab.rules.errors import NotFound
from lab.rules.facts import Stage
from lab.rules.permissions import Action
from lab.rules.review import DocumentKind
from lab.services import agreement, closing
from lab.web.access import actor, door
from lab.web.attempts import attempt, press
from lab.web.frame import award_page, load_frame
from lab.web.words import locale, say

bp = Blueprint("closing", __name__)
_BASE = "/awards/<award_code>/closing"
HERE = "closing.show"


@dataclass(frozen=True)
class Need:
    """A line of the page: what closing needs, whether it is met, why not, and where it is done."""

    label: str
    met: bool
    reason: str
    href: str


def _places(award_code: str, stage: Stage) -> dict[str, str]:
    # The report itself is there from the pilot on; before it, or when the award has ended without, there is only the list.
    report = url_for("report.index", award_code=award_code)
    if stage in (Stage.PILOT, Stage.CLOSED):
        report = url_for("report.show", award_code=award_code, kind=DocumentKind.FINAL_REPORT, number=1)
    return {
        "final_report": report,
        "unspent": url_for("disbursement.show", award_code=award_code),
        "checklist": "#checklist",
        "lessons": "#lessons",
    }


def _page(
    award_code: str, status: int = 200, failed: tuple[str, CheckForm] | None = None, lesson: LessonForm | None = None
) -> Any:
    frame = load_frame(award_code, HERE)
    now = clock.now()
    state = closing_of(db.session(), frame.award)
    places = _places(award_code, Stage(frame.award.stage))
    needs = [
        Need(say(need.label), need.reason is None, say(need.reason), places[need.key])
        for need in requirements(state.facts, now)
    ]
    stage = [say(reason) for reason in stage_blockers(state.facts)]
    forms = dict([failed] if failed else [])
    items = [
        {
            "key": item.key,
            "label": text(item.label, locale()),
            "check": state.checks.get(item.key),
            "form": forms.get(item.key) or CheckForm(formdata=None).about(item.key),
        }
        for item in frame.definition.closing
    ]
    context = {
        "needs": needs,
        "stage_reasons": stage,
        "items": items,
        "lessons": state.lessons,
        "lesson_form": lesson or LessonForm(formdata=None),
        "ready": not stage and all(need.met for need in needs),
    }
    return award_page("closing/show.html", award_code, HERE, frame, status, **context)


@door(bp, _BASE, Action.SEE_CLOSING)
def show(award_code: str) -> Any:
    """Everything that closing needs."""
    return _page(award_code)


@door(bp, f"{_BASE}/checks/<key>", Action.CHECK_CLOSING, methods=("POST",))
def check(award_code: str, key: str) -> Any:
    """Tick an item of the closing checklist, with what shows it."""
    if key not in {item.key for item in load_frame(award_code, HERE).definition.closing}:
        raise NotFound("check")
    form = CheckForm().about(key)

    def act() -> bool:
        agreement.clear_check(actor(), clock.now(), award_code, CHECKLIST, key, form.note.data or "")
        return True

    if attempt(form, act) is None:
        return _page(award_code, 422, failed=(key, form))
    flash(_("The item is ticked."), "success")
    return redirect(url_for(HERE, award_code=award_code, _anchor="checklist"), 303)


@door(bp, f"{_BASE}/lessons", Action.WRITE_LESSON, methods=("POST",))
def write_lesson(award_code: str) -> Any:
    """Write a lesson learned."""
    form = LessonForm()
    done = attempt(
        form,
        lambda: closing.write_lesson(actor(), clock.now(), award_code, form.title.data or "", form.body.data or ""),
    )
    if done is None:
        return _page(award_code, 422, lesson=form)
    flash(_("The lesson is kept."), "success")
    return redirect(url_for(HERE, award_code=award_code, _anchor="lessons"), 303)


@door(bp, f"{_BASE}/close", Action.CLOSE_AWARD, methods=("POST",))
def close(award_code: str) -> Any:
    """Close the award."""
    press(lambda: closing.close_award(actor(), clock.now(), award_code), _("The award is closed. Thank you all."))
    return redirect(url_for(HERE, award_code=award_code), 303)
