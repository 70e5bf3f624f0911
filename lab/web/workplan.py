"""The gate: the workplan and budget are written, checked, handed in and judged, and its deadline moves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, flash, jsonify, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from lab import clock
from lab.forms.award import SteerForm, own_ids
from lab.forms.base import LabForm
from lab.forms.workplan import ExtendForm, PlanForm, ReviewForm, Typed, read_typed
from lab.rules import lifecycle
from lab.rules.errors import Conflict
from lab.rules.facts import AwardFacts, Stage
from lab.rules.money import minor_units
from lab.rules.obligations import ObligationKind
from lab.rules.permissions import Action
from lab.rules.review import ReviewState
from lab.rules.workplan import MAX_TEXT, SECTIONS, clean_content
from lab.services import workplan as service
from lab.web.access import actor, allowed, door
from lab.web.attempts import attempt, carry_out
from lab.web.drafts import at_newest, refusal
from lab.web.frame import award_page
from lab.web.task_links import NextStep
from lab.web.words import due, instant, say
from lab.web.workplan_views import Desk, differences, editor_of, is_late, load_desk, missing_in

bp = Blueprint("workplan", __name__)


def _render(template: str, desk: Desk, status: int = 200, **context: Any) -> Any:
    newest = desk.page.newest
    context.setdefault("talks", desk.talks.get(newest.number, []) if newest else [])
    return award_page(
        template, desk.code, "workplan.show", desk.frame, status, desk=desk, sections=SECTIONS, max_text=MAX_TEXT,
        units=minor_units(desk.frame.award.currency), categories=dict(desk.categories), **context,
    )  # fmt: skip


# Reading ---------------------------------------------------------------------------------------------------------


@door(bp, "/awards/<award_code>/workplan", Action.SEE_WORKPLAN)
def show(award_code: str) -> Any:
    """The plan as it was handed in last, what was asked of it, and the way to what is next."""
    return _shown(award_code)


def _shown(award_code: str, status: int = 200, extend: ExtendForm | None = None, lapse: SteerForm | None = None) -> Any:
    desk = load_desk(award_code)
    newest = desk.page.newest
    return _render(
        "workplan/show.html",
        desk,
        status,
        step=_step(desk),
        version=newest,
        reading=desk.read(newest.content) if newest else None,
        **_deadline_forms(desk, extend, lapse),
    )


def _step(desk: Desk) -> NextStep | None:
    if desk.frame.stage is not Stage.WORKPLAN:
        return None
    number = desk.page.newest.number if desk.page.newest else 0
    if desk.page.state is ReviewState.SUBMITTED:
        if allowed(Action.REVIEW_WORKPLAN):
            href = url_for("workplan.review", award_code=desk.code)
            return NextStep(
                _("Review version %(number)s", number=number),
                _("The team’s clock stands still until you decide."),
                href,
                _("Review it now"),
            )
        return NextStep(
            _("The ILO is reviewing version %(number)s", number=number),
            _("Your clock stands still meanwhile."),
            tone="wait",
        )
    if not allowed(Action.EDIT_WORKPLAN):
        return NextStep(_("The team is writing"), _("You see each version here once it is submitted."), tone="wait")
    left = len(desk.read(desk.page.document.draft).problems)
    title = _("Answer the changes asked for") if number else _("Write the workplan and the budget")
    text = (
        _("Everything is there: check it and submit.")
        if not left
        else _("%(count)s points are still missing or to be mended.", count=left)
    )
    return NextStep(
        title, text, url_for("workplan.edit", award_code=desk.code), _("Write") if not number else _("Answer")
    )


def _deadline_forms(desk: Desk, extend: ExtendForm | None, lapse: SteerForm | None) -> dict[str, Any]:
    """For the officer while the team writes: extend the deadline, or let the award lapse once it has passed."""
    if not allowed(Action.EXTEND_DEADLINE) or desk.frame.stage is not Stage.WORKPLAN:
        return {"extend_form": None}
    owed = next((o for o in desk.frame.obligations if o.kind == ObligationKind.SUBMIT_WORKPLAN), None)
    facts = AwardFacts(
        stage=desk.frame.stage,
        workplan_deadline=owed.due_at if owed else None,
        workplan_submitted=desk.page.state is ReviewState.SUBMITTED,
    )
    forms: tuple[tuple[str, LabForm], ...] = (
        ("extend", extend := extend or ExtendForm(formdata=None)),
        ("lapse", lapse := lapse or SteerForm(formdata=None)),
    )
    for prefix, form in forms:
        own_ids(form, prefix)
    extend.shown.data = owed.due_at.isoformat() if owed else ""
    return {
        "extend_form": extend,
        "lapse_form": lapse,
        "lapse_blockers": [say(message) for message in lifecycle.blockers("let_lapse", facts, clock.now())],
        "deadline": due(owed.due_at, desk.frame.definition.time_zone) if owed else None,
    }


@door(bp, "/awards/<award_code>/workplan/versions/<int:number>", Action.SEE_WORKPLAN)
def version(award_code: str, number: int) -> Any:
    """A version as it was handed in, with what was asked of it."""
    desk = load_desk(award_code)
    found = desk.page.version(number)
    return _render(
        "workplan/version.html", desk, version=found, reading=desk.read(found.content), talks=desk.talks[found.number]
    )


# Writing ---------------------------------------------------------------------------------------------------------


def _edit_page(
    desk: Desk,
    form: PlanForm,
    typed: Typed,
    status: int = 200,
    *,
    check: bool = False,
    add: str = "",
    theirs: Typed | None = None,
) -> Any:
    return _render(
        "workplan/edit.html",
        desk,
        status,
        form=form,
        editor=(editor := editor_of(desk, typed, check=check, add=add)),
        amounts=editor.amounts,
        differences=differences(typed, theirs) if theirs else [],
        saved_at=desk.page.document.draft_saved_at,
        late=is_late(desk),
    )


@door(bp, "/awards/<award_code>/workplan/edit", Action.EDIT_WORKPLAN, methods=("GET", "POST"))
def edit(award_code: str) -> Any:
    """Write the plan. Every button keeps what was typed; nothing is ever refused for being unfinished."""
    if request.method == "POST":
        return _save(award_code)
    desk = load_desk(award_code)
    if not desk.writing:
        return redirect(url_for("workplan.show", award_code=award_code), 303)
    form = PlanForm(formdata=None, revision=desk.page.document.draft_revision)
    typed = Typed(clean_content(desk.page.document.draft))
    return _edit_page(desk, form, typed, check="check" in request.args, add=request.args.get("add", ""))


def _save(award_code: str) -> Any:
    do = request.form.get("do", "save")
    typed = read_typed(request.form, without=do.removeprefix("remove:") if do.startswith("remove:") else "")
    form = PlanForm()
    try:
        kept = attempt(
            form, lambda: service.save_draft(actor(), clock.now(), award_code, typed.content, form.revision.data or 0)
        )
    except Conflict as error:
        fresh = at_newest(PlanForm, error)
        return _edit_page(load_desk(award_code), fresh, typed, 409, theirs=Typed(clean_content(error.theirs)))
    if kept is None:
        return _edit_page(load_desk(award_code), form, typed, 422)
    return _after_saving(award_code, do, typed)


def _after_saving(award_code: str, do: str, typed: Typed) -> Response:
    if do == "submit":
        return redirect(url_for("workplan.check", award_code=award_code), 303)
    section = {"add_activity": "activities", "add_milestone": "milestones", "add_line": "budget"}.get(do, "")
    if section:
        rows = typed.content[section]
        place = f"row-{section}-{len(rows) if isinstance(rows, list) else 0}"
        return redirect(url_for("workplan.edit", award_code=award_code, add=section, _anchor=place), 303)
    if do.startswith("remove:"):
        return redirect(url_for("workplan.edit", award_code=award_code, _anchor=do.split(":")[1]), 303)
    flash(_("Draft saved."), "success")
    return redirect(url_for("workplan.edit", award_code=award_code), 303)


@door(bp, "/awards/<award_code>/workplan/draft", Action.EDIT_WORKPLAN, methods=("POST",))
def autosave(award_code: str) -> Response:
    """Keep the draft while it is typed; the answer tells what is still missing."""
    typed = read_typed(request.form)
    revision = request.form.get("revision", -1, type=int)
    kept = service.save_draft(actor(), clock.now(), award_code, typed.content, revision)
    desk = load_desk(award_code)
    html = render_template("workplan/_missing.html", missing=missing_in(desk.read(clean_content(typed.content)), typed))
    saved_at = desk.page.document.draft_saved_at
    return jsonify(revision=kept, saved_at_text=_("Saved %(at)s", at=instant(saved_at)), html=html, target="missing")


@door(bp, "/awards/<award_code>/workplan/check", Action.EDIT_WORKPLAN)
def check(award_code: str) -> Any:
    """The draft as the ILO would see it, with everything that is still missing, and the button to submit."""
    desk = load_desk(award_code)
    if not desk.writing:
        return redirect(url_for("workplan.show", award_code=award_code), 303)
    return _checked(desk, PlanForm(formdata=None, revision=desk.page.document.draft_revision))


def _checked(desk: Desk, form: PlanForm, status: int = 200) -> Any:
    reading = desk.read(desk.page.document.draft)
    missing = [(problem.place, say(problem.message)) for problem in reading.problems]
    return _render(
        "workplan/check.html",
        desk,
        status,
        form=form,
        reading=reading,
        missing=missing,
        late=is_late(desk),
        refusal=refusal(form),
    )


@door(bp, "/awards/<award_code>/workplan/submit", Action.SUBMIT_WORKPLAN, methods=("POST",))
def submit(award_code: str) -> Any:
    """Hand the plan in."""
    form = PlanForm()
    try:
        number = attempt(form, lambda: service.submit_plan(actor(), clock.now(), award_code, form.revision.data or 0))
    except Conflict as error:
        changed = _("The plan was changed since you opened this page: read it again below, then submit it.")
        fresh = at_newest(PlanForm, error, changed)
        return _checked(load_desk(award_code), fresh, 409)
    if number is None:
        return _checked(load_desk(award_code), form, 422)
    flash(
        _(
            "Version %(number)s is submitted. The programme officer has been told, and your clock stands still.",
            number=number,
        ),
        "success",
    )
    return redirect(url_for("workplan.show", award_code=award_code), 303)


# Judging ---------------------------------------------------------------------------------------------------------


@door(bp, "/awards/<award_code>/workplan/review", Action.REVIEW_WORKPLAN, methods=("GET", "POST"))
def review(award_code: str) -> Any:
    """The version in review, with the officer's three decisions."""
    if request.method == "POST":
        return _decide(award_code)
    desk = load_desk(award_code)
    if desk.page.state is not ReviewState.SUBMITTED or desk.frame.stage is not Stage.WORKPLAN:
        flash(_("There is no version to decide on now."), "info")
        return redirect(url_for("workplan.show", award_code=award_code), 303)
    return _review_page(desk, ReviewForm(formdata=None))


def _review_page(desk: Desk, form: ReviewForm, status: int = 200) -> Any:
    found = desk.page.newest
    if found is None:
        return redirect(url_for("workplan.show", award_code=desk.code), 303)
    form.version.data = str(found.number)
    earlier = [talk for one in desk.page.versions[:-1] for talk in desk.talks[one.number]]
    return _render(
        "workplan/review.html", desk, status, form=form, version=found, reading=desk.read(found.content), talks=earlier,
    )  # fmt: skip


def _decide(award_code: str) -> Any:
    form = ReviewForm()
    do, number = request.form.get("do", ""), request.form.get("version", 0, type=int)
    acts: dict[str, tuple[Callable[[], None], str]] = {
        "changes": (
            lambda: service.request_changes(actor(), clock.now(), award_code, number, form.comments()),
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
    if do == "reject" and not (form.reason.data or "").strip():
        form.blame("reason", _("Give the reason in a sentence: it is kept and shown to the team."))
        return True
    written = [section for section, text in form.comments().items() if text.strip()]
    if do != "changes" and written:
        sentence = _("You wrote a comment here: ask for changes with it, or empty it to decide without.")
        form.blame(f"comment_{written[0]}", sentence)
        return True
    return False


@door(bp, "/awards/<award_code>/workplan/extend", Action.EXTEND_DEADLINE, methods=("POST",))
def extend(award_code: str) -> Any:
    """More days for the team."""
    form = ExtendForm()
    deadline = attempt(
        form,
        lambda: service.extend_deadline(
            actor(), clock.now(), award_code, form.days.data or 0, form.reason.data or "", form.shown_deadline()
        ),
    )
    if deadline is None:
        return _shown(award_code, 422, extend=form)
    flash(_("The deadline is extended. The team has been told."), "success")
    return redirect(url_for("workplan.show", award_code=award_code), 303)


@door(bp, "/awards/<award_code>/workplan/lapse", Action.REVIEW_WORKPLAN, methods=("POST",))
def lapse(award_code: str) -> Any:
    """Let the award lapse."""
    form = SteerForm()
    if carry_out(form, lambda: service.let_lapse(actor(), clock.now(), award_code, form.reason.data or "")):
        flash(_("The award has lapsed. The team has been told why."), "success")
        return redirect(url_for("workplan.show", award_code=award_code), 303)
    return _shown(award_code, 422, lapse=form)
