"""Asking for an amendment: what it is about, its draft by kind, everything it would touch before it is sent. ``amendment`` judges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from flask import Blueprint, flash, jsonify, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from lab import clock
from lab.extensions import db
from lab.forms.amendment import AmendmentForm, StartForm, Written, read_written, with_plan, written_in
from lab.queries.amendment import amendments_of
from lab.queries.awards import facts_of
from lab.rules.amendment import KIND_NAMES, KIND_USES, AmendmentKind, amending_blockers
from lab.rules.errors import Conflict, Invalid, Refused
from lab.rules.money import minor_units
from lab.rules.permissions import Action
from lab.rules.records import MAX_BODY
from lab.rules.review import EDITABLE, ReviewState
from lab.rules.text import N_, M
from lab.rules.workplan import STAGES
from lab.rules.workplan_content import MAX_TEXT, ROW_FIELDS
from lab.services import amendment as service
from lab.web.access import actor, door
from lab.web.amendment import HERE, my_side
from lab.web.amendment_forms import AmendmentDesk, ceiling_sentence, load_desk, problems_of, view_of
from lab.web.amendment_texts import two_texts
from lab.web.amendment_views import change_view
from lab.web.attempts import attempt
from lab.web.drafts import at_newest, refusal
from lab.web.frame import award_page, load_frame
from lab.web.words import instant, say
from lab.web.workplan_rows import ADDS, Acted, Box, act, left_boxes, read_pasted

bp = Blueprint("amendment_edit", __name__)
_BASE = "/awards/<award_code>/amendments"
_ONE = f"{_BASE}/<int:number>"


# Beginning -------------------------------------------------------------------------------------------------------


@door(bp, f"{_BASE}/new", Action.REQUEST_AMENDMENT, methods=("GET", "POST"))
def new(award_code: str) -> Any:
    """Choose what the amendment is about."""
    if request.method == "GET":
        return _choose(award_code, StartForm(formdata=None))
    form = StartForm()
    number = attempt(form, lambda: service.start(actor(), clock.now(), award_code, form.kind.data or ""))
    if number is None:
        return _choose(award_code, form, 422)
    return redirect(url_for("amendment_edit.edit", award_code=award_code, number=number), 303)


def _choose(award_code: str, form: StartForm, status: int = 200) -> Any:
    frame = load_frame(award_code, HERE)
    mine = my_side(frame)
    begun = [
        (row.number, say(KIND_NAMES[AmendmentKind(row.kind)]))
        for row in amendments_of(db.session(), frame.award.id)
        if row.side == mine and row.state in EDITABLE
    ]
    return award_page(
        "amendment/new.html", award_code, HERE, frame, status, form=form, begun=begun,
        kinds=[(str(kind), say(name), say(KIND_USES[kind])) for kind, name in KIND_NAMES.items()],
        reasons=[say(reason) for reason in amending_blockers(facts_of(db.session(), frame.award, clock.now()))],
    )  # fmt: skip


# Writing ---------------------------------------------------------------------------------------------------------


def _render(template: str, desk: AmendmentDesk, status: int = 200, **context: Any) -> Any:
    return award_page(template, desk.frame.award.code, HERE, desk.frame, status, desk=desk, **context)


def _edit_page(
    desk: AmendmentDesk,
    form: AmendmentForm,
    written: Written,
    status: int = 200,
    *,
    check: bool = False,
    add: str = "",
    theirs: Written | None = None,
    boxes: dict[str, Box] | None = None,
    clashes: Sequence[str] = (),
) -> Any:
    view = view_of(desk, written, check=check, add=add)
    return _render(
        "amendment/edit.html", desk, status, form=form, view=view, boxes=boxes or {}, margin=None,
        editor=view.editor, amounts=view.editor.amounts if view.editor else {}, notes=view.notes or {},
        differences=two_texts(desk, written, theirs) if theirs else [],
        stood=written.content["stood"], clashes=clashes,
        page_reason=desk.page.newest.reason if desk.page.newest and desk.page.state is ReviewState.CHANGES_REQUESTED else "",
        saved_at=desk.page.document.draft_saved_at, max_text=MAX_TEXT, max_reason=MAX_BODY,
        units=minor_units(desk.frame.award.currency), categories=dict(desk.categories),
        stages=[(key, say(name)) for key, name in STAGES.items()],
        lines_need_activity=desk.frame.definition.workplan.lines_need_activity,
    )  # fmt: skip


def _draft(desk: AmendmentDesk) -> Written:
    """The draft on the award as it is now: what it does not change follows what was amended since."""
    return written_in(desk.kind, desk.rebased.content, desk.terms.plan)


@door(bp, f"{_ONE}/edit", Action.REQUEST_AMENDMENT, methods=("GET", "POST"))
def edit(award_code: str, number: int) -> Any:
    """Write the amendment. Every button keeps what was typed; nothing is refused for being unfinished."""
    desk = load_desk(award_code, number)
    if request.method == "POST":
        return _save(desk)
    if not desk.writing:
        return redirect(desk.show_url, 303)
    form = AmendmentForm(formdata=None, revision=desk.page.document.draft_revision)
    clashes = [say(problem.message) for problem in desk.rebased.clashes]
    add = request.args.get("add", "")
    return _edit_page(desk, form, _draft(desk), check="check" in request.args, add=add, clashes=clashes)


def _save(desk: AmendmentDesk) -> Any:
    code, number, do = desk.frame.award.code, desk.number, request.form.get("do", "save")
    # A button on a row is worked out first: what it makes of the draft is what is saved.
    written, acted = _acted(do, read_written(desk.kind, request.form, desk.terms.plan), desk)
    form = AmendmentForm()
    try:
        kept = attempt(form, lambda: _keep(desk, written, form.revision.data or 0))
    except Conflict as error:
        fresh = at_newest(AmendmentForm, error)
        desk = load_desk(code, number)
        theirs = written_in(desk.kind, error.theirs, desk.terms.plan)
        return _edit_page(desk, fresh, written, 409, theirs=theirs, boxes=left_boxes(""))
    if kept is None:
        return _edit_page(load_desk(code, number), form, written, 422, boxes=left_boxes(""))
    if boxes := acted.boxes | left_boxes(do):
        fresh = AmendmentForm(formdata=None, revision=kept)
        desk = load_desk(code, number)
        return _edit_page(desk, fresh, _draft(desk), 422, boxes=boxes)
    return _after_saving(desk, do, written, acted)


def _keep(desk: AmendmentDesk, written: Written, revision: int) -> int:
    # Read before the award was locked, the draft may be an older one than is stored.
    code, number = desk.frame.award.code, desk.number
    db.session.expire(desk.page.document)
    return service.save_draft(actor(), clock.now(), code, number, written.content, revision)


def _acted(do: str, written: Written, desk: AmendmentDesk) -> tuple[Written, Acted]:
    """What the button ``do`` makes of what was typed."""
    if written.plan is not None and ":" in do:
        acted = act(do, written.plan, desk)
        typed = replace(written.plan, content=acted.content, indices={})
        return with_plan(desk.kind, written.content, typed, desk.terms.plan), acted
    verb, _sep, place = do.partition(":")
    gone = place.removeprefix("payments:")
    if verb == "remove" and place.startswith("payments:"):
        rows = zip(written.indices, written.content.get("payments", []), strict=False)
        left = [row for n, row in rows if str(n) != gone or row["number"]]
        return Written(written.content | {"payments": left}), Acted({}, "payments")
    return written, Acted({})


def _after_saving(desk: AmendmentDesk, do: str, written: Written, acted: Acted) -> Response:
    adds = ADDS | {"add_payment": "payments"}
    if do == "check":
        return redirect(desk.url("check"), 303)
    if do in adds:
        section = adds[do]
        rows = written.plan.content[section] if written.plan else written.content.get(section, [])
        place = f"row-{section}-{len(rows) if isinstance(rows, list) else 0}"
        return redirect(desk.url("edit", add=section, _anchor=place), 303)
    if acted.anchor:
        return redirect(desk.url("edit", _anchor=acted.anchor), 303)
    flash(_("Draft saved."), "success")
    return redirect(desk.url("edit"), 303)


@door(bp, f"{_ONE}/draft", Action.REQUEST_AMENDMENT, methods=("POST",))
def autosave(award_code: str, number: int) -> Response:
    """Keep the draft while it is typed; the answer tells what keeps it from being sent."""
    desk = load_desk(award_code, number)
    written = read_written(desk.kind, request.form, desk.terms.plan)
    kept = _keep(desk, written, request.form.get("revision", -1, type=int))
    desk = load_desk(award_code, number)
    html = render_template("amendment/_missing.html", view=view_of(desk, written))
    saved_at = _("Saved %(at)s", at=instant(desk.page.document.draft_saved_at))
    return jsonify(revision=kept, saved_at_text=saved_at, html=html, target="missing")


@door(bp, f"{_ONE}/paste", Action.REQUEST_AMENDMENT, methods=("POST",))
def paste(award_code: str, number: int) -> Response:
    """Read a block of cells for the page that they were pasted into; the draft is saved by the page."""
    desk = load_desk(award_code, number)
    typed = read_written(desk.kind, request.form, desk.terms.plan).plan
    section = request.form.get("section", "")
    if section not in ROW_FIELDS or typed is None:
        raise Invalid({"section": M(N_("Reload the page: it has lost its place."))})
    read = read_pasted(section, request.form.get("cells", ""), typed, desk, request.form.get("start", ""))
    return jsonify(
        fields=read.fields, rows=read.rows, left=read.left, troubles=[say(trouble) for trouble in read.troubles]
    )


# Sending ---------------------------------------------------------------------------------------------------------


@door(bp, f"{_ONE}/check", Action.REQUEST_AMENDMENT)
def check(award_code: str, number: int) -> Any:
    """Everything that the draft would touch, before and after, what speaks against it, and the button that sends it."""
    desk = load_desk(award_code, number)
    if not desk.writing:
        return redirect(desk.show_url, 303)
    return _checked(desk, AmendmentForm(formdata=None, revision=desk.page.document.draft_revision))


def _checked(desk: AmendmentDesk, form: AmendmentForm, status: int = 200) -> Any:
    written = _draft(desk)
    outcome = desk.outcome(desk.page.document.draft)
    return _render(
        "amendment/check.html", desk, status, form=form, missing=problems_of(desk, written, outcome),
        view=change_view(desk.terms, outcome.after, desk.frame.definition) if outcome.after else None,
        reason=written.content["reason"], ceiling=ceiling_sentence(desk, outcome.after), refusal=refusal(form),
    )  # fmt: skip


@door(bp, f"{_ONE}/submit", Action.REQUEST_AMENDMENT, methods=("POST",), fresh=True)
def submit(award_code: str, number: int) -> Any:
    """Send the amendment to the other side, as it was seen on the page before."""
    form = AmendmentForm()
    try:
        sent = attempt(form, lambda: _send(award_code, number, form.revision.data or 0))
    except Conflict as error:
        changed = _("The amendment was changed since you opened this page: read it again below, then send it.")
        return _checked(load_desk(award_code, number), at_newest(AmendmentForm, error, changed), 409)
    desk = load_desk(award_code, number)
    if sent is None and desk.writing:
        return _checked(desk, form, 422)
    if sent is None:
        for _place, reason in refusal(form):
            flash(reason, "danger")
    else:
        flash(_("The amendment is sent. The other side has been told, and decides."), "success")
    return redirect(desk.show_url, 303)


def _send(award_code: str, number: int, revision: int) -> int:
    try:
        return service.submit(actor(), clock.now(), award_code, number, revision)
    except Invalid as error:
        # Each of its problems stands on the page already, with the way to its field.
        raise Refused(M(N_("It cannot be sent as it is: mend what is listed below."))) from error
