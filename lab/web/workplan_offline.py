"""Filling the plan in offline: download it as an Excel workbook, upload it, see what would change, take it over."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flask import Blueprint, flash, redirect, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from lab import clock
from lab.extensions import db
from lab.forms.workplan_sheet import SheetForm, TakeForm, carry
from lab.rules.errors import Conflict, Refused
from lab.rules.permissions import Action
from lab.rules.uploads import MEGABYTE, NotScanned, TooLarge, UploadRefused
from lab.rules.workplan import SECTIONS
from lab.rules.workplan_changes import FIELD_NAMES, KIND_NAMES, ChangeKind, ItemChange, changes, rows_of
from lab.rules.workplan_content import ROW_FIELDS, clean_content
from lab.rules.workplan_merge import NOTHING, base_of, merge
from lab.rules.workplan_sheet import SheetRefused
from lab.services import workplan as plans
from lab.services import workplan_sheet as service
from lab.services.workplan_sheet import Offered
from lab.web.access import actor, door
from lab.web.attempts import attempt
from lab.web.downloads import SheetKind, as_download
from lab.web.files import intake
from lab.web.frame import award_page
from lab.web.words import instant, say
from lab.web.workplan_book import plan_workbook
from lab.web.workplan_changes import Words, words_of
from lab.web.workplan_views import Desk, load_desk

bp = Blueprint("workplan_offline", __name__)
# A full plan is a twentieth of it.
MAX_WORKBOOK = 5 * MEGABYTE


def _render(template: str, desk: Desk, status: int = 200, **context: Any) -> Any:
    return award_page(template, desk.code, "workplan.show", desk.frame, status, desk=desk, **context)


@door(bp, "/awards/<award_code>/workplan/offline", Action.EDIT_WORKPLAN)
def offline(award_code: str) -> Any:
    """Both steps: download the draft, upload the workbook."""
    desk = load_desk(award_code)
    if not desk.writing:
        return redirect(url_for("workplan.show", award_code=award_code), 303)
    return _steps(desk)


def _steps(desk: Desk, status: int = 200, title: str = "", problems: list[str] | None = None) -> Any:
    return _render(
        "workplan/offline.html", desk, status, form=SheetForm(formdata=None), title=title, problems=problems or [],
        max_bytes=MAX_WORKBOOK,
    )  # fmt: skip


@door(bp, "/awards/<award_code>/workplan/offline/workbook", Action.EDIT_WORKPLAN)
def workbook(award_code: str) -> Any:
    """The draft as a workbook."""
    desk = load_desk(award_code)
    if not desk.writing:
        return redirect(url_for("workplan.show", award_code=award_code), 303)
    draft = desk.page.document
    return as_download(SheetKind.XLSX, f"workplan-{desk.code}", plan_workbook(desk, draft.draft, draft.draft_saved_at))


@door(bp, "/awards/<award_code>/workplan/versions/<int:number>/workbook", Action.SEE_WORKPLAN)
def version(award_code: str, number: int) -> Response:
    """A version as a workbook."""
    desk = load_desk(award_code)
    found = desk.page.version(number)
    name = f"workplan-{desk.code}-version-{found.number}"
    return as_download(SheetKind.XLSX, name, plan_workbook(desk, found.content, found.submitted_at))


@door(bp, "/awards/<award_code>/workplan/offline/check", Action.EDIT_WORKPLAN, methods=("POST",), upload=MAX_WORKBOOK)
def check(award_code: str) -> Any:
    """Read the workbook, and show what it would change. Nothing is stored."""
    form = SheetForm()
    chosen = form.file.data
    if not form.validate_on_submit() or not chosen or not chosen.filename:
        return _steps(load_desk(award_code), 422, _("Nothing was read"), [_("Choose the workbook first.")])
    try:
        offered = service.read_plan_sheet(
            actor(), award_code, chosen.filename, chosen.stream, replace(intake(), limit=MAX_WORKBOOK)
        )
    except UploadRefused as error:
        return _refused(award_code, _status(error), [say(error.reason)])
    except SheetRefused as error:
        return _refused(award_code, 422, [say(reason) for reason in error.reasons])
    except Refused as error:
        return _refused(award_code, 422, [say(reason) for reason in error.reasons])
    return _preview(award_code, offered)


def _status(error: UploadRefused) -> int:
    if isinstance(error, NotScanned):
        return 503
    return 413 if isinstance(error, TooLarge) else 422


def _refused(award_code: str, status: int, problems: list[str]) -> Any:
    db.session.rollback()
    desk = load_desk(award_code)
    if not desk.writing:
        for problem in problems:
            flash(problem, "danger")
        return redirect(url_for("workplan.show", award_code=award_code), 303)
    return _steps(desk, status, _("Nothing was taken over"), problems)


def _preview(award_code: str, offered: Offered, status: int = 200, warning: str = "") -> Any:
    plan = carry(offered.content)
    if plan is None:
        return _refused(award_code, 422, [_("The texts of this plan are too long together: shorten some of them.")])
    desk = load_desk(award_code)
    found = changes(offered.before, offered.content)
    form = TakeForm(formdata=None, revision=offered.revision, plan=plan, base=base_of(offered.before).text)
    return _render(
        "workplan/take.html", desk, status, form=form,
        notes=[warning] * bool(warning) + _stale(offered) + [say(note) for note in offered.notes],
        groups=[(say(label), _cards(desk, offered, key, found)) for key, label in SECTIONS.items()],
        counts=[(say(name), sum(item.kind == kind for item in found)) for kind, name in KIND_NAMES.items()],
        moved=_moved(offered), left=len(desk.read(clean_content(offered.content)).problems),
    )  # fmt: skip


def _stale(offered: Offered) -> list[str]:
    """For a workbook of an earlier draft: from when it is, and what that means; rows that it would have removed."""
    if not offered.stale:
        return []
    from_when = (
        _("This file was made from the plan as it stood on %(when)s; the plan has changed since.", when=instant(offered.made_at))
        if offered.made_at
        else _("This file was made before anything was saved; the plan has changed since.")
    )  # fmt: skip
    rest = _("What was changed on the website alone stays. Where both changed the same, the file’s text would take the place of a newer one: that is marked below.")  # fmt: skip
    kept = [clash.theirs for clash in offered.clashes if clash.mine is None and clash.theirs is not None]
    names = ", ".join(f"“{row.get('title') or row.get('description') or '–'}”" for row in kept)
    removed = (
        [_("Removed in the file, but changed on the website since, so kept: %(names)s.", names=names)] if kept else []
    )
    return [f"{from_when} {rest}", *removed]


def _cards(desk: Desk, offered: Offered, section: str, found: tuple[ItemChange, ...]) -> list[dict[str, Any]]:
    """The changes of one section as the page shows them: what happened, to which row, and its fields before and after."""
    cards = []
    for item in found:
        if item.section != section:
            continue
        row = item.after or item.before or {}
        cards.append(
            {
                "kind": item.kind.value,
                "label": say(KIND_NAMES[item.kind]),
                "name": row.get("title") or row.get("description") or "",
                "fields": _fields(desk, offered, item),
                "back": any(
                    c.id == item.id and c.section == item.section and c.theirs is None for c in offered.clashes
                ),
            }
        )
    return cards


def _fields(desk: Desk, offered: Offered, item: ItemChange) -> list[tuple[str, str, str, bool]]:
    """(name, before, after, whether that is newer than the file) of what differs; of a new row all that it says."""
    before, after = _words(desk, offered.before, offered.content), _words(desk, offered.content, offered.before)
    newer = {clash.name for clash in offered.clashes if (clash.section, clash.id) == (item.section, item.id)}
    if item.kind is ChangeKind.NEW and item.after:
        named = ((name, item.after.get(name, "")) for name in ROW_FIELDS[item.section] if name in FIELD_NAMES)
        return [
            (say(FIELD_NAMES[name]), "", after.said(name, text), False)
            for name, text in named
            if text and name not in ("title", "description")
        ]
    return [
        (
            say(FIELD_NAMES[change.name]),
            before.said(change.name, change.before),
            after.said(change.name, change.after),
            change.name in newer,
        )
        for change in item.fields
    ]


def _words(desk: Desk, content: dict[str, Any], other: dict[str, Any]) -> Words:
    """How the cells of ``content`` are read out; a row that only the ``other`` plan has is still called by its name."""
    categories, currency = dict(desk.categories), desk.frame.award.currency
    one, two = words_of(content, categories, currency), words_of(other, categories, currency)
    return replace(one, titles={name: {**two.titles[name], **found} for name, found in one.titles.items()})


def _moved(offered: Offered) -> list[str]:
    """The sections whose rows, those that stay, stand in another order."""
    moved = []
    for section in ("activities", "milestones", "budget"):
        before, after = rows_of(offered.before, section), rows_of(offered.content, section)
        stay = set(before) & set(after)
        if [key for key in before if key in stay] != [key for key in after if key in stay]:
            moved.append(say(SECTIONS[section]))
    return moved


@door(bp, "/awards/<award_code>/workplan/offline/take", Action.EDIT_WORKPLAN, methods=("POST",))
def take(award_code: str) -> Any:
    """Take the plan of the workbook over into the draft, whole."""
    form = TakeForm()
    content = form.carried()
    if content is None:
        return _refused(award_code, 422, [_("The page has lost the workbook’s contents: upload the workbook again.")])
    try:
        kept = attempt(
            form,
            lambda: plans.save_draft(
                actor(), clock.now(), award_code, content, form.revision.data or 0, form.began_from()
            ),
        )
    except Conflict as error:
        db.session.rollback()
        merged = merge(form.began_from() or NOTHING, content, error.theirs)
        offered = Offered(error.theirs, error.revision, merged.content, clashes=merged.clashes)
        warning = _(
            "Somebody saved the plan meanwhile. Below is what the workbook would change now: look again, then decide."
        )
        return _preview(award_code, offered, 409, warning)
    if kept is None:
        reasons = [*form.form_errors, *(text for field in form for text in field.errors)]
        return _refused(award_code, 422, [str(reason) for reason in reasons])
    flash(_("The plan of the workbook is taken over into your draft."), "success")
    return redirect(url_for("workplan.edit", award_code=award_code, _anchor="missing"), 303)
