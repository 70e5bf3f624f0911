"""The innovation lab of an award: boot camps, prototype versions, and the talk about them."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, current_app, flash, g, jsonify, redirect, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from lab import clock
from lab.extensions import db
from lab.forms.lab import BootCampForm, FeedbackForm, NoteForm, PrototypeForm, ReplyForm
from lab.forms.upload import UploadForm
from lab.queries import lab as queries
from lab.queries.upload import file_ids, uploads_of
from lab.rules.errors import Conflict, Invalid
from lab.rules.lab import publishing_blockers
from lab.rules.permissions import Action
from lab.rules.text import N_, M
from lab.rules.uploads import EXTENSIONS, safe_name
from lab.services import lab as service
from lab.services import mentor_notes
from lab.services import upload as uploads
from lab.web.access import actor, allowed, config, door
from lab.web.attempts import attempt, press
from lab.web.files import intake
from lab.web.frame import Frame, award_page, load_frame
from lab.web.lab_cards import (
    BEFORE,
    Shelf,
    camp_cards,
    may_publish,
    next_in_lab,
    roles_here,
    talks_of,
    version_card,
)
from lab.web.once import claim_now
from lab.web.words import instant, say, sentence

bp = Blueprint("lab", __name__)
_BASE = "/awards/<award_code>/lab"
HERE = "lab.show"
PLACE = "prototype"


def _shelf(frame: Frame, *places: str) -> Shelf:
    return Shelf(frame.award.code, {one.id: one for one in uploads_of(db.session(), frame.award.id, *places)})


def _limits() -> dict[str, Any]:
    return {"max_bytes": config().upload_limit, "extensions": EXTENSIONS}


@door(bp, _BASE, Action.SEE_LAB)
def show(award_code: str) -> Any:
    """The lab in one page: what is next, open comments, versions, boot camps."""
    return _page(award_code)


@door(bp, f"{_BASE}/notes", Action.WRITE_MENTOR_NOTE, methods=("POST",))
def write_note(award_code: str) -> Any:
    """Keep a note for mentors and officers."""
    form = NoteForm()
    if attempt(form, lambda: mentor_notes.write_note(actor(), clock.now(), award_code, form.note.data or "")) is None:
        return _page(award_code, 422, form)
    flash(_("The note is kept. Mentors and officers read it, nobody else."), "success")
    return redirect(url_for(HERE, award_code=award_code, _anchor="notes"), 303)


def _page(award_code: str, status: int = 200, note_form: NoteForm | None = None) -> Any:
    """Five statements and the frame's, and one for those who read the notes."""
    frame = load_frame(award_code, HERE)
    camps = queries.camps_of(db.session(), frame.award.id)
    shelf = _shelf(frame, PLACE, *(f"boot_camp:{camp.id}" for camp in camps))
    versions = queries.versions_of(db.session(), frame.award.id)
    threads = queries.threads_of(db.session(), frame.award.id)
    talks = talks_of(frame, threads, {version.id: version.number for version in versions})
    cards = [version_card(version, shelf, talks) for version in versions]
    camp_list = camp_cards(frame, camps, shelf)
    notes = queries.notes_of(db.session(), frame.award.id) if allowed(Action.SEE_MENTOR_NOTES) else []
    return award_page(
        "lab/show.html", award_code, HERE, frame, status,
        before=frame.stage in BEFORE or not camps,
        step=next_in_lab(frame, camp_list, cards[0].number if cards else 0, talks),
        camps=camp_list, versions=cards, open_talks=[talk for talk in talks if talk.open],
        may_publish=may_publish(frame), blocked=sentence(publishing_blockers(frame.stage)),
        notes=notes, note_form=note_form or NoteForm(formdata=None),
        upload_forms={camp.key: UploadForm.at(camp.place, url_for(HERE, award_code=award_code)) for camp in camp_list},
        **_limits(),
    )  # fmt: skip


# Boot camps ------------------------------------------------------------------------------------------------------


@door(bp, f"{_BASE}/boot-camps/<key>", Action.RUN_BOOT_CAMP, methods=("GET", "POST"))
def boot_camp(award_code: str, key: str) -> Any:
    """Record that a boot camp was held and who was there, or correct what was recorded."""
    frame = load_frame(award_code, HERE)
    camp = queries.get_camp(db.session(), frame.award.id, key)
    team = queries.team_of(db.session(), frame.award.id)
    if request.method == "GET":
        there = [one.person_id for one in camp.attendance]
        form = BootCampForm(formdata=None, held_on=camp.held_on, attendees=there, note=camp.note).about(team)
    else:
        form = BootCampForm().about(team)
        if attempt(form, lambda: _record(award_code, key, form)):
            flash(_("The boot camp is recorded."), "success")
            return redirect(url_for(HERE, award_code=award_code, _anchor=f"camp-{key}"), 303)
        frame = load_frame(award_code, HERE)
        camp = queries.get_camp(db.session(), frame.award.id, key)
    [card] = camp_cards(frame, [camp], Shelf(award_code))
    status = 200 if request.method == "GET" else 422
    return award_page("lab/boot_camp.html", award_code, HERE, frame, status, form=form, camp=card)


def _record(award_code: str, key: str, form: BootCampForm) -> bool:
    who = form.attendees.data or []
    service.record_boot_camp(actor(), clock.now(), award_code, key, form.day, who, form.note.data or "")
    return True


# Prototype versions ----------------------------------------------------------------------------------------------


@door(bp, f"{_BASE}/versions/new", Action.PUBLISH_PROTOTYPE, methods=("GET", "POST"), upload=True)
def publish(award_code: str) -> Any:
    """Write the next version. Every button keeps what was typed, and a chosen file comes along with any of them."""
    if request.method == "POST":
        return _save(award_code)
    frame = load_frame(award_code, HERE)
    if blocked := publishing_blockers(frame.stage):
        flash(sentence(blocked), "info")
        return redirect(url_for(HERE, award_code=award_code), 303)
    found = queries.prototype_of(db.session(), frame.award.id)
    draft, revision = (found.draft, found.draft_revision) if found else ({}, 0)
    form = PrototypeForm(
        formdata=None, body=draft.get("body", ""), link=draft.get("link", ""), files=file_ids(draft), revision=revision
    )
    return _publish_page(frame, form, saved_at=found.draft_saved_at if found and draft else None)


def _publish_page(frame: Frame, form: PrototypeForm, status: int = 200, **context: Any) -> Any:
    """The form with the files that wait: everything of the prototype that no version names."""
    shelf = _shelf(frame, PLACE)
    versions = queries.versions_of(db.session(), frame.award.id)
    named = {upload_id for version in versions for upload_id in file_ids(version.content)}
    waiting = [one for one in shelf.at(PLACE, roles_here(frame)) if one.id not in named]
    return award_page(
        "lab/publish.html", frame.award.code, HERE, frame, status, form=form.again(), waiting=waiting,
        ticked=set(form.files.data or []), number=versions[0].number + 1 if versions else 1, **_limits(), **context,
    )  # fmt: skip


def _save(award_code: str) -> Any:
    do, form = request.form.get("do", "save"), PrototypeForm()
    try:
        done = attempt(form, lambda: _saved(award_code, do, form))
    except Conflict as error:
        db.session.rollback()
        form.form_errors.extend(say(reason) for reason in error.reasons)
        form.revision.data, form.revision.raw_data = error.revision, None
        return _publish_page(load_frame(award_code, HERE), form, 409, differences=_differences(form, error.theirs))
    if done is None:
        return _publish_page(load_frame(award_code, HERE), form, 422)
    return done


def _saved(award_code: str, do: str, form: PrototypeForm) -> Response:
    """Keep the chosen file, then do what the button says. The one-time key is used up by whatever is stored first."""
    code, who, now = award_code, actor(), clock.now()
    if form.file.data:
        form.files.data = [*(form.files.data or []), _keep(award_code, form)]
    elif do == "upload":
        raise Invalid({"file": M(N_("Choose a file first, then upload it."))})
    else:
        claim_now()
    removed = _number(do.removeprefix("remove:")) if do.startswith("remove:") else 0
    files = [upload_id for upload_id in form.files.data or [] if upload_id != removed]
    typed = (form.body.data or "", form.link.data or "", files, form.revision.data or 0)
    if do == "publish":
        number = service.publish_prototype(who, now, code, *typed)
        flash(_("Version %(number)s is published. The mentors have been told.", number=number), "success")
        return redirect(url_for("lab.version", award_code=code, number=number), 303)
    service.keep_draft(who, now, code, *typed)
    if removed:
        uploads.remove_file(who, now, code, removed, current_app.extensions["lab_files"])
        flash(_("The file is taken away, and the draft is saved."), "success")
    elif form.file.data:
        flash(
            _("“%(name)s” is stored, and the draft is saved.", name=safe_name(form.file.data.filename or "")), "success"
        )
    else:
        flash(_("Draft saved."), "success")
    place = "files" if removed or form.file.data else None
    return redirect(url_for("lab.publish", award_code=code, _anchor=place), 303)


def _keep(award_code: str, form: PrototypeForm) -> int:
    chosen = form.file.data
    return uploads.keep_file(
        actor(), clock.now(), award_code, PLACE, chosen.filename or "", chosen.stream, intake(), claim_now
    )


def _number(typed: str) -> int:
    """A row's number, 0 (which no row has) when it is none."""
    return int(typed) if typed.isascii() and typed.isdecimal() and len(typed) < 10 else 0


def _differences(form: PrototypeForm, theirs: dict[str, Any]) -> list[tuple[str, str, str]]:
    """(label, my text, their text) of the fields that differ."""
    pairs = [(field.label.text, field.data or "", theirs.get(field.name, "")) for field in (form.body, form.link)]
    return [(str(label), mine, other) for label, mine, other in pairs if mine != other]


@door(bp, f"{_BASE}/versions/draft", Action.PUBLISH_PROTOTYPE, methods=("POST",))
def autosave(award_code: str) -> Response:
    """Keep the next version while it is typed."""
    form = PrototypeForm()
    typed = (form.body.data or "", form.link.data or "", form.files.data or [])
    now = clock.now()
    kept = service.keep_draft(actor(), now, award_code, *typed, form.revision.data or 0)
    return jsonify(revision=kept, saved_at_text=_("Saved %(at)s", at=instant(now)))


@door(bp, f"{_BASE}/versions/<int:number>", Action.SEE_LAB)
def version(award_code: str, number: int) -> Any:
    """One version: its text, address and files, and the comments on it, open ones first."""
    return _version_page(award_code, number)


def _version_page(
    award_code: str,
    number: int,
    status: int = 200,
    feedback: FeedbackForm | None = None,
    failed: tuple[int, ReplyForm] | None = None,
) -> Any:
    frame = load_frame(award_code, HERE)
    found = queries.get_version(db.session(), frame.award.id, number)
    talks = talks_of(frame, queries.threads_of(db.session(), frame.award.id, found.id), {found.id: number})
    newest = queries.newest_number(db.session(), frame.award.id)
    replies = {talk.id: ReplyForm(formdata=None).about(talk.id) for talk in talks if talk.open}
    replies.update([failed] if failed else [])
    return award_page(
        "lab/version.html", award_code, HERE, frame, status,
        version=version_card(found, _shelf(frame, PLACE), talks), talks=talks, newest=newest, replies=replies,
        failed=failed[0] if failed else None, feedback=feedback or FeedbackForm(formdata=None),
    )  # fmt: skip


# The talk about them ---------------------------------------------------------------------------------------------


def _to_thread(award_code: str, number: int, thread_id: int) -> Response:
    return redirect(url_for("lab.version", award_code=award_code, number=number, _anchor=f"thread-{thread_id}"), 303)


def _version_of(thread_id: int) -> int:
    """The number of the version that a thread of this page's award is about. Raises NotFound."""
    return queries.get_thread(db.session(), g.scope.award_id, thread_id).version


@door(bp, f"{_BASE}/versions/<int:number>/threads", Action.COMMENT_PROTOTYPE, methods=("POST",))
def open_feedback(award_code: str, number: int) -> Any:
    """Comment on a version."""
    form = FeedbackForm()

    def act() -> int:
        typed = (form.topic.data or "", form.body.data or "")
        return service.open_feedback(actor(), clock.now(), award_code, number, *typed)

    thread_id = attempt(form, act)
    if thread_id is None:
        return _version_page(award_code, number, 422, feedback=form)
    flash(_("The comment is open. The team has been told, and answers within a week."), "success")
    return _to_thread(award_code, number, thread_id)


@door(bp, f"{_BASE}/threads/<int:thread_id>/replies", Action.REPLY_THREAD, methods=("POST",))
def reply(award_code: str, thread_id: int) -> Any:
    """Answer in a thread."""
    number, form = _version_of(thread_id), ReplyForm().about(thread_id)
    said = attempt(form, lambda: service.reply(actor(), clock.now(), award_code, thread_id, form.body.data or ""))
    if said is None:
        return _version_page(award_code, number, 422, failed=(thread_id, form))
    flash(_("Your answer is kept, and the other side has been told."), "success")
    return _to_thread(award_code, number, thread_id)


@door(bp, f"{_BASE}/threads/<int:thread_id>/resolve", Action.RESOLVE_THREAD, methods=("POST",))
def resolve(award_code: str, thread_id: int) -> Response:
    """Close a thread."""
    number = _version_of(thread_id)
    press(lambda: service.resolve(actor(), clock.now(), award_code, thread_id), _("The comment is resolved."))
    return _to_thread(award_code, number, thread_id)
