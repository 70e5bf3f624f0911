"""The gate: the workplan and budget are written, checked, handed in and judged, and its deadline moves."""

from __future__ import annotations

import re
from typing import Any

from flask import Blueprint, flash, jsonify, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from lab import clock
from lab.forms.award import SteerForm, own_ids
from lab.forms.base import LabForm
from lab.forms.workplan import EditForm, ExtendForm, PlanForm, Typed, read_typed
from lab.forms.workplan_review import AnswerForm, typed_answers
from lab.rules import lifecycle
from lab.rules.errors import Conflict, Invalid
from lab.rules.facts import AwardFacts, Stage
from lab.rules.gate_clock import days_to_add
from lab.rules.money import minor_units
from lab.rules.obligations import ObligationKind
from lab.rules.permissions import Action
from lab.rules.review import ReviewState
from lab.rules.text import N_, M
from lab.rules.workplan import SECTIONS, STAGES
from lab.rules.workplan_changes import changes
from lab.rules.workplan_content import MAX_TEXT, ROW_FIELDS, clean_content
from lab.rules.workplan_merge import NOTHING, Merged, base_of, merge, read_base
from lab.services import workplan as service
from lab.services import workplan_talks
from lab.web.access import actor, allowed, door
from lab.web.attempts import attempt, carry_out
from lab.web.drafts import at_newest, refusal
from lab.web.frame import award_page
from lab.web.gate import meter_of
from lab.web.words import due, instant, say
from lab.web.workplan_clashes import clashes_of
from lab.web.workplan_rows import ADDS, Acted, Box, act, left_boxes, read_pasted
from lab.web.workplan_step import step_of
from lab.web.workplan_talks import margin_of
from lab.web.workplan_views import Desk, editor_of, is_late, load_desk, missing_in

bp = Blueprint("workplan", __name__)


def render(template: str, desk: Desk, status: int = 200, **context: Any) -> Any:
    """A page of the plan, with what all of them need."""
    return award_page(
        template, desk.code, "workplan.show", desk.frame, status, desk=desk, sections=SECTIONS, max_text=MAX_TEXT,
        units=minor_units(desk.frame.award.currency), categories=dict(desk.categories),
        stages=[(key, say(name)) for key, name in STAGES.items()],
        lines_need_activity=desk.frame.definition.workplan.lines_need_activity, **context,
    )  # fmt: skip


# Reading ---------------------------------------------------------------------------------------------------------


@door(bp, "/awards/<award_code>/workplan", Action.SEE_WORKPLAN)
def show(award_code: str) -> Any:
    """The plan as it was handed in last, what was asked of it, and the way to what is next."""
    return shown(award_code)


def shown(
    award_code: str,
    status: int = 200,
    extend: ExtendForm | None = None,
    lapse: SteerForm | None = None,
    failed: tuple[int, AnswerForm] | None = None,
) -> Any:
    """The plan's page; ``failed`` is an answer in a thread that was refused."""
    desk = load_desk(award_code)
    newest = desk.page.newest
    return render(
        "workplan/show.html",
        desk,
        status,
        step=step_of(desk),
        version=newest,
        reading=desk.read(newest.content) if newest else None,
        margin=margin_of(desk.all_talks, newest.content, failed=failed) if newest else None,
        frozen=_frozen(desk),
        **_draft_meter(desk),
        **_deadline_forms(desk, extend, lapse),
    )


def _frozen(desk: Desk) -> dict[str, Any] | None:
    """The approved version, by whom and when, and what it made; None before."""
    newest = desk.page.newest
    if newest is None or desk.page.state is not ReviewState.ACCEPTED:
        return None
    reading = desk.read(newest.content)
    return {
        "number": newest.number,
        "who": newest.decider.name if newest.decider else _("the system"),
        "when": instant(newest.decided_at),
        "milestones": len(reading.milestones),
        "lines": len(reading.lines),
    }


def _draft_meter(desk: Desk) -> dict[str, Any]:
    """For the team while it writes: how far its draft is, and what it lacks."""
    if not desk.writing or desk.frame.stage is not Stage.WORKPLAN or not allowed(Action.EDIT_WORKPLAN):
        return {"meter": None}
    reading = desk.read(desk.page.document.draft)
    return {"meter": meter_of(reading), "missing": missing_in(reading, Typed(desk.page.document.draft))}


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
    zone, now = desk.frame.definition.time_zone, clock.now()
    least = days_to_add(owed.due_at, now, zone)[0] if owed and owed.due_at <= now else 0
    return {
        "least_days": least,
        "extend_form": extend,
        "lapse_form": lapse,
        "lapse_blockers": [say(message) for message in lifecycle.blockers("let_lapse", facts, now)],
        "deadline": due(owed.due_at, zone) if owed else None,
    }


@door(bp, "/awards/<award_code>/workplan/versions/<int:number>", Action.SEE_WORKPLAN)
def version(award_code: str, number: int) -> Any:
    """A version as it was handed in, with what was asked of it."""
    desk = load_desk(award_code)
    found = desk.page.version(number)
    return render(
        "workplan/version.html", desk, version=found, reading=desk.read(found.content),
        margin=margin_of(desk.talks[found.number], found.content), before=desk.page.before(number),
    )  # fmt: skip


# Writing ---------------------------------------------------------------------------------------------------------


def _edit_form(desk: Desk) -> EditForm:
    """The form of a page that shows the draft as it is stored."""
    document = desk.page.document
    return EditForm(formdata=None, revision=document.draft_revision, base=base_of(desk.draft).text)


def _edit_page(
    desk: Desk,
    form: EditForm,
    typed: Typed,
    status: int = 200,
    *,
    check: bool = False,
    add: str = "",
    merged: Merged | None = None,
    boxes: dict[str, Box] | None = None,
    unsent: dict[int, str] | None = None,
) -> Any:
    return render(
        "workplan/edit.html",
        desk,
        status,
        form=form,
        editor=(editor := editor_of(desk, typed, check=check, add=add)),
        amounts=editor.amounts,
        clashes=clashes_of(desk, merged) if merged else [],
        saved_at=desk.page.document.draft_saved_at,
        late=is_late(desk),
        boxes=boxes or {},
        margin=margin_of(desk.all_talks, clean_content(typed.content)),
        unsent=unsent if unsent is not None else typed_answers(request.form),
    )


@door(bp, "/awards/<award_code>/workplan/edit", Action.EDIT_WORKPLAN, methods=("GET", "POST"))
def edit(award_code: str) -> Any:
    """Write the plan. Every button keeps what was typed; nothing is ever refused for being unfinished."""
    if request.method == "POST":
        return _save(award_code)
    desk = load_desk(award_code)
    if not desk.writing:
        return redirect(url_for("workplan.show", award_code=award_code), 303)
    typed = Typed(desk.draft)
    return _edit_page(desk, _edit_form(desk), typed, check="check" in request.args, add=request.args.get("add", ""))


def _save(award_code: str) -> Any:
    do = request.form.get("do", "save")
    typed = read_typed(request.form)
    # A button on a row is worked out first: what it makes of the plan is what is saved.
    acted = act(do, typed, load_desk(award_code)) if ":" in do else Acted(typed.content)
    form = EditForm()
    base, seen = form.began_from(), form.revision.data or 0
    try:
        kept = attempt(form, lambda: service.save_draft(actor(), clock.now(), award_code, acted.content, seen, base))
    except Conflict as error:
        fresh = at_newest(EditForm, error)
        fresh.base.data = base_of(error.theirs).text
        merged = merge(base or NOTHING, typed.content, error.theirs)
        return _edit_page(load_desk(award_code), fresh, Typed(merged.content), 409, merged=merged, boxes=left_boxes(""))
    if kept is None:
        return _edit_page(load_desk(award_code), form, typed, 422, boxes=left_boxes(""))
    if boxes := acted.boxes | left_boxes(do):
        desk = load_desk(award_code)
        return _edit_page(desk, _edit_form(desk), Typed(desk.draft), 422, boxes=boxes)
    return _talked(award_code, do, form) or _after_saving(award_code, do, acted, elsewhere=kept > seen + 1)


def _talked(award_code: str, do: str, form: EditForm) -> Any:
    """With the draft saved: send the answer whose button was pressed. None when no answer was typed.

    One that was typed and not sent is shown again, whatever was pressed.
    """
    unsent = typed_answers(request.form)
    if not unsent and not do.startswith("answer:"):
        return None
    typed_id = do.removeprefix("answer:")
    thread_id = int(typed_id) if re.fullmatch("[0-9]{1,9}", typed_id) else 0
    if thread_id:
        text = unsent.get(thread_id, "")
        if attempt(form, lambda: workplan_talks.reply(actor(), clock.now(), award_code, thread_id, text)) is not None:
            unsent.pop(thread_id)
            flash(_("Draft saved, and your answer is sent."), "success")
    if not unsent and not form.form_errors:
        return redirect(url_for("workplan.edit", award_code=award_code, _anchor=f"thread-{thread_id}"), 303)
    desk = load_desk(award_code)
    fresh = _edit_form(desk)
    fresh.form_errors.extend(
        form.form_errors or [_("The draft is saved. An answer is not sent yet: send it, or empty it.")]
    )
    return _edit_page(desk, fresh, Typed(desk.draft), 422, unsent=unsent)


def _after_saving(award_code: str, do: str, acted: Acted, *, elsewhere: bool) -> Response:
    """On to what the button asked for; ``elsewhere``: what was saved meanwhile on another page is in the draft too."""
    if elsewhere:
        flash(_("What was saved meanwhile on another page is in the draft too."), "info")
    if do == "submit":
        return redirect(url_for("workplan.check", award_code=award_code), 303)
    if do in ADDS:
        rows = acted.content[ADDS[do]]
        place = f"row-{ADDS[do]}-{len(rows) if isinstance(rows, list) else 0}"
        return redirect(url_for("workplan.edit", award_code=award_code, add=ADDS[do], _anchor=place), 303)
    if acted.anchor:
        return redirect(url_for("workplan.edit", award_code=award_code, _anchor=acted.anchor), 303)
    flash(_("Draft saved."), "success")
    return redirect(url_for("workplan.edit", award_code=award_code), 303)


@door(bp, "/awards/<award_code>/workplan/draft", Action.EDIT_WORKPLAN, methods=("POST",))
def autosave(award_code: str) -> Response:
    """Keep the draft while it is typed; the answer tells what is still missing."""
    typed = read_typed(request.form)
    revision, base = request.form.get("revision", -1, type=int), read_base(request.form.get("base", ""))
    kept = service.save_draft(actor(), clock.now(), award_code, typed.content, revision, base)
    desk = load_desk(award_code)
    sent = clean_content(typed.content)
    reading = desk.read(sent)
    html = render_template("workplan/_missing.html", missing=missing_in(reading, typed), meter=meter_of(reading))
    text = _("Saved %(at)s", at=instant(desk.page.document.draft_saved_at))
    if changes(sent, desk.page.document.draft):
        text += ". " + _("So is what was saved meanwhile on another page: save to see it.")
    # The page goes on from what it sent: what others saved is still not in it.
    return jsonify(revision=kept, base=base_of(sent).text, saved_at_text=text, html=html, target="missing")


@door(bp, "/awards/<award_code>/workplan/paste", Action.EDIT_WORKPLAN, methods=("POST",))
def paste(award_code: str) -> Response:
    """Read a block of cells for the page that they were pasted into; the draft is saved by the page."""
    section = request.form.get("section", "")
    if section not in ROW_FIELDS:
        raise Invalid({"section": M(N_("Reload the page: it has lost its place."))})
    text, start = request.form.get("cells", ""), request.form.get("start", "")
    read = read_pasted(section, text, read_typed(request.form), load_desk(award_code), start)
    return jsonify(
        fields=read.fields, rows=read.rows, left=read.left, troubles=[say(trouble) for trouble in read.troubles]
    )


@door(bp, "/awards/<award_code>/workplan/check", Action.EDIT_WORKPLAN)
def check(award_code: str) -> Any:
    """The draft as the ILO would see it, with everything that is still missing, and the button to submit."""
    desk = load_desk(award_code)
    if not desk.writing:
        return redirect(url_for("workplan.show", award_code=award_code), 303)
    return _checked(desk, PlanForm(formdata=None, revision=desk.page.document.draft_revision))


def _checked(desk: Desk, form: PlanForm, status: int = 200) -> Any:
    draft = desk.page.document.draft
    reading = desk.read(draft)
    missing = missing_in(reading, Typed(draft))
    return render(
        "workplan/check.html",
        desk,
        status,
        form=form,
        reading=reading,
        missing=missing,
        margin=margin_of(desk.all_talks, draft, comparison=desk.compared(draft, desk.page.newest)),
        unanswered=[talk for talk in desk.all_talks if talk.awaits_team],
        meter=meter_of(reading),
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
        return shown(award_code, 422, extend=form)
    flash(_("The deadline is extended. The team has been told."), "success")
    return redirect(url_for("workplan.show", award_code=award_code), 303)


@door(bp, "/awards/<award_code>/workplan/lapse", Action.REVIEW_WORKPLAN, methods=("POST",))
def lapse(award_code: str) -> Any:
    """Let the award lapse."""
    form = SteerForm()
    if carry_out(form, lambda: service.let_lapse(actor(), clock.now(), award_code, form.reason.data or "")):
        flash(_("The award has lapsed. The team has been told why."), "success")
        return redirect(url_for("workplan.show", award_code=award_code), 303)
    return shown(award_code, 422, lapse=form)
