"""The plan is judged: the officer's review item by item, the threads, and what changed between two versions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import flash, redirect, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from lab import clock
from lab.extensions import db
from lab.forms.workplan_review import AnswerForm, ReviewForm, review_form
from lab.queries.workplan import get_thread
from lab.rules.errors import NotFound
from lab.rules.facts import Stage
from lab.rules.permissions import Action
from lab.rules.review import ReviewState
from lab.rules.workplan_talks import names_of
from lab.services import workplan as service
from lab.services import workplan_talks
from lab.web.access import actor, door
from lab.web.attempts import attempt, carry_out, press
from lab.web.frame import load_frame
from lab.web.words import say
from lab.web.workplan import bp, render, shown
from lab.web.workplan_talks import margin_of
from lab.web.workplan_views import Desk, load_desk

_BASE = "/awards/<award_code>/workplan"


@door(bp, f"{_BASE}/review", Action.REVIEW_WORKPLAN, methods=("GET", "POST"))
def review(award_code: str) -> Any:
    """The version in review, with a comment for each of its items and the officer's three decisions."""
    if request.method == "POST":
        return _decide(award_code)
    desk = load_desk(award_code)
    if desk.page.state is not ReviewState.SUBMITTED or desk.frame.stage is not Stage.WORKPLAN:
        flash(_("There is no version to decide on now."), "info")
        return redirect(url_for("workplan.show", award_code=award_code), 303)
    return _review_page(desk, _form(desk, empty=True))


def _form(desk: Desk, *, empty: bool = False) -> ReviewForm:
    """Fields for the version in review, and for the one that the sent page showed: what was typed there is not lost."""
    shown_number = 0 if empty else request.form.get("version", 0, type=int)
    newest = desk.page.newest
    versions = [one for one in desk.page.versions if one.number == shown_number or one is newest]
    categories = dict(desk.categories)
    places = {place: say(name) for one in versions for place, name in names_of(one.content, categories).items()}
    threads = {talk.id: talk.section_label for talk in desk.all_talks if talk.may_answer}
    return review_form(places, threads, empty=empty)


def _review_page(desk: Desk, form: ReviewForm, status: int = 200) -> Any:
    found = desk.page.newest
    if found is None:
        return redirect(url_for("workplan.show", award_code=desk.code), 303)
    form.version.data = str(found.number)
    comparison = desk.compared(found.content, desk.page.before(found.number))
    return render(
        "workplan/review.html", desk, status, form=form, version=found, reading=desk.read(found.content),
        margin=margin_of(desk.all_talks, found.content, comparison=comparison, form=form),
    )  # fmt: skip


def _decide(award_code: str) -> Any:
    form = _form(load_desk(award_code))
    do, number = request.form.get("do", ""), request.form.get("version", 0, type=int)
    acts: dict[str, tuple[Callable[[], None], str]] = {
        "changes": (
            lambda: service.request_changes(
                actor(), clock.now(), award_code, number, form.comments(), form.answers(), form.settled()
            ),
            _("Changes asked for: the team has been told, and its clock runs again."),
        ),
        "approve": (
            lambda: service.approve(actor(), clock.now(), award_code, number),
            _("The workplan and budget are approved. The grant agreement is next."),
        ),
        "reject": (
            lambda: service.reject(actor(), clock.now(), award_code, number, form.reason.data or ""),
            _("The workplan is rejected, and the award has lapsed. The team has been told why."),
        ),
    }
    act, done = acts.get(do, acts["changes"])
    if not _amiss(form, do) and carry_out(form, act):
        flash(done, "success")
        return redirect(url_for("workplan.show", award_code=award_code), 303)
    return _review_page(load_desk(award_code), form, 422)


def _amiss(form: ReviewForm, do: str) -> bool:
    """Say, beside the field, what the decision lacks: a reason to reject with; or the comments that approving would lose."""
    if do == "nothing":
        form.form_errors.append(_("Nothing is decided yet: choose one of the decisions at the end of the page."))
        return True
    if do == "reject" and not (form.reason.data or "").strip():
        form.blame("reason", _("Give the reason in a sentence: it is kept and shown to the team."))
        return True
    written = form.written()
    if do != "changes" and written:
        sentence = _("You wrote a comment here: ask for changes with it, or empty it to decide without.")
        form.blame(written[0], sentence)
        return True
    return False


# Threads -----------------------------------------------------------------------------------------------------------


def _to_thread(award_code: str, thread_id: int) -> Response:
    return redirect(url_for("workplan.show", award_code=award_code, _anchor=f"thread-{thread_id}"), 303)


@door(bp, f"{_BASE}/threads/<int:thread_id>/answers", Action.ANSWER_WORKPLAN, methods=("POST",))
def answer(award_code: str, thread_id: int) -> Any:
    """Answer in a thread on the plan's page."""
    frame = load_frame(award_code, "workplan.show")
    get_thread(db.session(), frame.award.id, thread_id)
    form = AnswerForm().about(thread_id)
    said = attempt(
        form, lambda: workplan_talks.reply(actor(), clock.now(), award_code, thread_id, form.body.data or "")
    )
    if said is None:
        return shown(award_code, 422, failed=(thread_id, form))
    flash(_("Your answer is kept, and the other side is told."), "success")
    return _to_thread(award_code, thread_id)


@door(bp, f"{_BASE}/threads/<int:thread_id>/settle", Action.REVIEW_WORKPLAN, methods=("POST",))
def settle(award_code: str, thread_id: int) -> Response:
    """The officer is content with a thread."""
    frame = load_frame(award_code, "workplan.show")
    get_thread(db.session(), frame.award.id, thread_id)
    press(
        lambda: workplan_talks.settle_thread(actor(), clock.now(), award_code, thread_id), _("The comment is settled.")
    )
    return _to_thread(award_code, thread_id)


# Versions compared -------------------------------------------------------------------------------------------------


@door(bp, f"{_BASE}/versions/<int:number>/changes", Action.SEE_WORKPLAN)
def changes(award_code: str, number: int) -> Any:
    """What changed in a version, against the one before it or the one in ``against``."""
    desk = load_desk(award_code)
    found = desk.page.version(number)
    earlier = desk.page.before(number)
    if "against" in request.args:
        earlier = desk.page.version(request.args.get("against", -1, type=int))
        if earlier.number >= number:
            raise NotFound("version")
    return render(
        "workplan/changes.html", desk, version=found, comparison=desk.compared(found.content, earlier),
        others=[one.number for one in desk.page.versions if one.number < number],
    )  # fmt: skip
