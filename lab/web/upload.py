"""Files of an award: handed in, downloaded and taken away, for every page that has some."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, current_app, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from lab import clock
from lab.extensions import db
from lab.files import FileStore
from lab.forms.upload import UploadForm
from lab.queries.upload import readable
from lab.rules.errors import NotFound
from lab.rules.permissions import Action
from lab.rules.uploads import KINDS, NotScanned, TooLarge, UploadRefused, safe_name
from lab.services import upload as service
from lab.web.access import actor, door
from lab.web.attempts import press
from lab.web.downloads import disposition
from lab.web.files import intake
from lab.web.once import claim_now
from lab.web.places import local_path
from lab.web.words import sentence

bp = Blueprint("upload", __name__)
_BASE = "/awards/<award_code>/files"
_MIME = {kind.code: kind.mime for kind in KINDS}
# Opened in a browser all the same, a file may do nothing at all.
_POLICY = "sandbox; default-src 'none'"


def _store() -> FileStore:
    found: FileStore = current_app.extensions["lab_files"]
    return found


def _back(award_code: str) -> str:
    """The page that the form came from."""
    return local_path(request.form.get("next", ""), url_for("award.show", award_code=award_code))


@door(bp, _BASE, Action.ADD_FILE, methods=("POST",), upload=True)
def keep(award_code: str) -> Any:
    """Keep one file at a place of the award, then back to the page that it was sent from."""
    form = UploadForm()
    back = _back(award_code)
    if not form.validate_on_submit() or not form.file.data:
        return _refused(_("Choose a file first, then upload it."), back, 422)
    chosen = form.file.data
    try:
        service.keep_file(
            actor(), clock.now(), award_code, form.place.data or "", chosen.filename or "", chosen.stream, intake(),
            claim_now,
        )  # fmt: skip
    except UploadRefused as error:
        return _refused(sentence(error.reasons), back, _status(error))
    flash(_("“%(name)s” is stored.", name=safe_name(chosen.filename or "")), "success")
    return redirect(back, 303)


def _status(error: UploadRefused) -> int:
    if isinstance(error, NotScanned):
        return 503
    return 413 if isinstance(error, TooLarge) else 422


def _refused(text: str, back: str, status: int) -> Any:
    """Why the file was not taken, and the way back. No form here: a page that asks by script keeps its own."""
    db.session.rollback()
    page = render_template(
        "errors/error.html", code=status, title=_("The file was not stored"), text=text,
        remedy=_("Everything else is as it was."), href=back, action=_("Go back"),
    )  # fmt: skip
    return page, status


@door(bp, f"{_BASE}/<int:upload_id>", Action.DOWNLOAD_FILE)
def download(award_code: str, upload_id: int) -> Response:
    """The file, piece by piece, to be saved and not opened here."""
    found = readable(db.session(), g.scope.award_id, upload_id, actor().roles_on(g.scope))
    try:
        pieces = _store().read_stream(found.key)
    except FileNotFoundError as error:
        current_app.logger.error("the store has no file for upload %s", found.id)
        raise NotFound("file") from error
    answer = Response(pieces, mimetype=_MIME.get(found.kind, "application/octet-stream"), direct_passthrough=True)
    answer.content_length = found.size
    answer.headers["Content-Disposition"] = disposition(found.name)
    answer.headers["Content-Security-Policy"] = _POLICY
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


@door(bp, f"{_BASE}/<int:upload_id>/remove", Action.ADD_FILE, methods=("POST",))
def remove(award_code: str, upload_id: int) -> Any:
    """Take a file away."""
    press(
        lambda: service.remove_file(actor(), clock.now(), award_code, upload_id, _store()), _("The file is taken away.")
    )
    return redirect(_back(award_code), 303)
