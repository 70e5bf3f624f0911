"""Reports, narrative and financial, and the milestones: written, checked, handed in, judged."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, current_app, flash, jsonify, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from lab import clock
from lab.forms.report import EvidenceForm, ReportForm, ReviewForm, read_typed, review_form
from lab.rules.errors import Conflict, Invalid, NotFound
from lab.rules.permissions import Action
from lab.rules.records import MAX_BODY
from lab.rules.reports import clean_report
from lab.rules.review import ReviewState
from lab.rules.text import N_, M
from lab.rules.uploads import EXTENSIONS, safe_name
from lab.services import report as service
from lab.services import upload as uploads
from lab.web.access import actor, allowed, config, door
from lab.web.attempts import attempt, carry_out, press
from lab.web.drafts import at_newest, refusal
from lab.web.files import intake
from lab.web.frame import award_page, load_frame
from lab.web.once import claim_now
from lab.web.report_views import (
    HERE,
    Desk,
    ReportView,
    consequence_of,
    differences,
    list_context,
    load_desk,
    step_of,
    upload_place,
    version_view,
    view_of,
)
from lab.web.words import instant

bp = Blueprint("report", __name__)
_LIST = "/awards/<award_code>/reports"
_BASE = f"{_LIST}/<kind>/<int:number>"


def _render(template: str, desk: Desk, status: int = 200, **context: Any) -> Any:
    newest = desk.newest
    context.setdefault("talks", desk.talks[newest.number] if newest else [])
    return award_page(template, desk.code, HERE, desk.frame, status, desk=desk, max_text=MAX_BODY, **context)


def _to(name: str, award_code: str, kind: str, number: int, **values: Any) -> Response:
    return redirect(url_for(f"report.{name}", award_code=award_code, kind=kind, number=number, **values), 303)


# The list, and its milestones ------------------------------------------------------------------------------------


@door(bp, _LIST, Action.SEE_REPORTS)
def index(award_code: str) -> Any:
    """What is due and where it stands, soonest first; the milestones of the approved plan."""
    frame = load_frame(award_code, HERE)
    return award_page("report/index.html", award_code, HERE, frame, **list_context(frame))


@door(bp, f"{_LIST}/milestones/<int:number>", Action.ACCEPT_MILESTONE, methods=("POST",))
def accept_milestone(award_code: str, number: int) -> Any:
    """Accept that a milestone is reached."""
    form = EvidenceForm().about(number)

    def act() -> None:
        service.accept_milestone(actor(), clock.now(), award_code, number, form.evidence.data or "")

    if carry_out(form, act):
        flash(_("The milestone is accepted."), "success")
        return redirect(url_for(HERE, award_code=award_code, _anchor=f"milestone-{number}"), 303)
    frame = load_frame(award_code, HERE)
    return award_page("report/index.html", award_code, HERE, frame, 422, **list_context(frame, (number, form)))


# Reading ---------------------------------------------------------------------------------------------------------


@door(bp, _BASE, Action.SEE_REPORTS)
def show(award_code: str, kind: str, number: int) -> Any:
    """The report as it was handed in last, what was asked of it, and what is next."""
    desk = load_desk(award_code, kind, number)
    newest = desk.newest
    view = version_view(desk, newest) if newest else _left_behind(desk)
    return _render("report/show.html", desk, step=step_of(desk), version=newest, view=view)


def _left_behind(desk: Desk) -> ReportView | None:
    """A draft that an ended award left behind stays its team's to read."""
    if desk.page is None or not desk.frame.ended or not allowed(Action.EDIT_REPORT):
        return None
    return view_of(desk, clean_report(desk.page.document.draft))


@door(bp, f"{_BASE}/versions/<int:version>", Action.SEE_REPORTS)
def version(award_code: str, kind: str, number: int, version: int) -> Any:
    """A version as it was handed in, with what was asked of it."""
    desk = load_desk(award_code, kind, number)
    if desk.page is None:
        raise NotFound("version")
    found = desk.page.version(version)
    view = version_view(desk, found)
    return _render("report/version.html", desk, version=found, view=view, talks=desk.talks[found.number])


# Writing ---------------------------------------------------------------------------------------------------------


@door(bp, f"{_BASE}/begin", Action.EDIT_REPORT, methods=("POST",))
def begin(award_code: str, kind: str, number: int) -> Response:
    """Begin a report that is due."""
    done = press(
        lambda: service.start_report(actor(), clock.now(), award_code, kind, number),
        _("The report is begun. It saves itself as you type."),
    )
    return _to("edit" if done else "show", award_code, kind, number)


@door(bp, f"{_BASE}/edit", Action.EDIT_REPORT, methods=("GET", "POST"), upload=True)
def edit(award_code: str, kind: str, number: int) -> Any:
    """Write the report. Every button keeps what was typed, and a chosen file comes along with any of them."""
    if request.method == "POST":
        return _save(award_code, kind, number)
    desk = load_desk(award_code, kind, number)
    if not desk.writing or desk.page is None:
        return _to("show", award_code, kind, number)
    document = desk.page.document
    form = ReportForm(formdata=None, revision=document.draft_revision)
    return _edit_page(desk, form, clean_report(document.draft), check="check" in request.args)


def _edit_page(
    desk: Desk,
    form: ReportForm,
    content: dict[str, object],
    status: int = 200,
    *,
    check: bool = False,
    theirs: dict[str, object] | None = None,
) -> Any:
    assert desk.page is not None
    view = view_of(desk, content)
    problems: dict[str, list[str]] = {}
    for where, text in view.problems if check else []:
        problems.setdefault(where, []).append(text)
    return _render(
        "report/edit.html", desk, status, form=form.again(), view=view, problems=problems, missing=view.problems,
        differences=differences(view, content, theirs) if theirs is not None else [],
        saved_at=desk.page.document.draft_saved_at, max_bytes=config().upload_limit, extensions=EXTENSIONS,
    )  # fmt: skip


def _save(award_code: str, kind: str, number: int) -> Any:
    do, form, content = request.form.get("do", "save"), ReportForm(), clean_report(read_typed(request.form))
    try:
        done = attempt(form, lambda: _saved(award_code, kind, number, do, form, content))
    except Conflict as error:
        fresh = at_newest(ReportForm, error)
        desk = load_desk(award_code, kind, number)
        return _edit_page(desk, fresh, content, 409, theirs=clean_report(error.theirs))
    if done is not None:
        return done
    desk = load_desk(award_code, kind, number)
    if desk.page is None:
        raise NotFound("report")
    return _edit_page(desk, form, content, 422)


def _saved(award_code: str, kind: str, number: int, do: str, form: ReportForm, content: dict[str, object]) -> Response:
    """Keep the chosen file, then the draft. The one-time key is used up by whatever is stored first."""
    who, now, name = actor(), clock.now(), ""
    if form.file.data:
        name = _keep(award_code, kind, number, form)
    elif do == "upload":
        raise Invalid({"file": M(N_("Choose a file first, then upload it."))})
    else:
        claim_now()
    service.save_draft(who, now, award_code, kind, number, content, form.revision.data or 0)
    if do.startswith("remove:"):
        uploads.remove_file(who, now, award_code, _number(do[7:]), current_app.extensions["lab_files"])
        flash(_("The file is taken away, and the draft is saved."), "success")
        return _to("edit", award_code, kind, number, _anchor="files")
    if do == "submit":
        return _to("check", award_code, kind, number)
    flash(_("“%(name)s” is stored, and the draft is saved.", name=name) if name else _("Draft saved."), "success")
    return _to("edit", award_code, kind, number, _anchor="files" if name else None)


def _keep(award_code: str, kind: str, number: int, form: ReportForm) -> str:
    """Store the chosen file with the report, and return its name as shown."""
    chosen = form.file.data
    uploads.keep_file(
        actor(), clock.now(), award_code, upload_place(kind, number), chosen.filename or "", chosen.stream, intake(),
        claim_now,
    )  # fmt: skip
    return safe_name(chosen.filename or "")


def _number(typed: str) -> int:
    """A row's number, 0 (which no row has) when it is none."""
    return int(typed) if typed.isascii() and typed.isdecimal() and len(typed) < 10 else 0


@door(bp, f"{_BASE}/draft", Action.EDIT_REPORT, methods=("POST",))
def autosave(award_code: str, kind: str, number: int) -> Response:
    """Keep the draft while it is typed; the answer tells what is still missing."""
    content = clean_report(read_typed(request.form))
    now, revision = clock.now(), request.form.get("revision", -1, type=int)
    kept = service.save_draft(actor(), now, award_code, kind, number, content, revision)
    missing = view_of(load_desk(award_code, kind, number), content).problems
    html = render_template("report/_missing.html", missing=missing)
    return jsonify(revision=kept, saved_at_text=_("Saved %(at)s", at=instant(now)), html=html, target="missing")


# Handing in ------------------------------------------------------------------------------------------------------


@door(bp, f"{_BASE}/check", Action.EDIT_REPORT)
def check(award_code: str, kind: str, number: int) -> Any:
    """The draft as the ILO would see it, with everything that is still missing, and the button to submit."""
    desk = load_desk(award_code, kind, number)
    if not desk.writing or desk.page is None:
        return _to("show", award_code, kind, number)
    return _checked(desk, ReportForm(formdata=None, revision=desk.page.document.draft_revision))


def _checked(desk: Desk, form: ReportForm, status: int = 200) -> Any:
    assert desk.page is not None
    files = [one.id for one in desk.uploads if one.removed_at is None]
    view = view_of(desk, {**desk.page.document.draft, "files": files})
    return _render("report/check.html", desk, status, form=form, view=view, refusal=refusal(form))


@door(bp, f"{_BASE}/submit", Action.SUBMIT_REPORT, methods=("POST",))
def submit(award_code: str, kind: str, number: int) -> Any:
    """Hand the report in, as the lead saw it on the page before."""
    form = ReportForm()

    def act() -> int:
        return service.submit_report(actor(), clock.now(), award_code, kind, number, None, form.revision.data or 0)

    try:
        handed_in = attempt(form, act)
    except Conflict as error:
        changed = _("The report was changed since you opened this page: read it again below, then submit it.")
        return _checked(load_desk(award_code, kind, number), at_newest(ReportForm, error, changed), 409)
    if handed_in is None:
        return _refused(load_desk(award_code, kind, number), form)
    flash(_("Version %(number)s is submitted. The programme officer has been told.", number=handed_in), "success")
    return _to("show", award_code, kind, number)


def _refused(desk: Desk, form: ReportForm) -> Any:
    if desk.writing:
        return _checked(desk, form.again(), 422)
    for _place, reason in refusal(form):
        flash(reason, "danger")
    return _to("show", desk.code, desk.kind, desk.number)


# Judging ---------------------------------------------------------------------------------------------------------


@door(bp, f"{_BASE}/review", Action.REVIEW_REPORT, methods=("GET", "POST"))
def review(award_code: str, kind: str, number: int) -> Any:
    """The version in review by section, with the officer's two decisions."""
    desk = load_desk(award_code, kind, number)
    if request.method == "POST":
        return _decide(desk)
    return _review_page(desk, review_form(desk.commentable, empty=True))


def _review_page(desk: Desk, form: ReviewForm, status: int = 200) -> Any:
    found = desk.newest
    if found is None or desk.state is not ReviewState.SUBMITTED or desk.frame.ended:
        flash(_("There is no version to decide on now."), "info")
        return _to("show", desk.code, desk.kind, desk.number)
    form.version.data = str(found.number)
    view = version_view(desk, found)
    earlier = [talk for one in desk.versions[:-1] for talk in desk.talks[one.number]]
    return _render(
        "report/review.html", desk, status, form=form, version=found, view=view, talks=earlier,
        consequence=consequence_of(desk, view.reading),
    )  # fmt: skip


def _decide(desk: Desk) -> Any:
    form, do = review_form(desk.commentable), request.form.get("do", "")
    where = (desk.code, desk.kind, desk.number, request.form.get("version", 0, type=int))
    acts: dict[str, tuple[Callable[[], None], str]] = {
        "changes": (
            lambda: service.request_changes(actor(), clock.now(), *where, form.comments()),
            _("Changes asked for: the team has been told, and has two weeks to answer."),
        ),
        "accept": (
            lambda: service.accept_report(actor(), clock.now(), *where),
            _("The report is accepted. The team has been told."),
        ),
    }
    act, done = acts.get(do, acts["changes"])
    if (do == "accept" and _commented(form)) or not carry_out(form, act):
        return _review_page(load_desk(desk.code, desk.kind, desk.number), form, 422)
    flash(done, "success")
    return _to("show", desk.code, desk.kind, desk.number)


def _commented(form: ReviewForm) -> bool:
    """Say, beside the first comment written, that accepting would lose it."""
    written = [section for section, text in form.comments().items() if text.strip()]
    if written:
        sentence = _("You wrote a comment here: ask for changes with it, or empty it to accept.")
        form.blame(f"comment-{written[0]}", sentence)
    return bool(written)
