"""The agreement's PDF, and checking a document against the archive. Nothing is stored here."""

from __future__ import annotations

import hashlib
from typing import Any

from flask import Blueprint, request
from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Response

from lab import clock
from lab.extensions import db
from lab.forms.signature import VerifyForm
from lab.queries.awards import get_award
from lab.queries.signature import frozen_version
from lab.queries.verification import archive_of, document_of
from lab.rules.agreement_paper import AgreementPaper
from lab.rules.errors import Invalid, NotFound
from lab.rules.permissions import Action
from lab.rules.text import N_, M
from lab.rules.uploads import safe_name
from lab.rules.verification import claimed_text, read_hash
from lab.web.access import config, door
from lab.web.agreement import HERE
from lab.web.attempts import attempt
from lab.web.downloads import pdf
from lab.web.frame import award_page, load_frame
from lab.web.verification_views import Sent, result_of

bp = Blueprint("verification", __name__)
_BASE = "/awards/<award_code>/agreement"
_PIECE = 256 * 1024
# Longer than what a document says of its text, so that no cut goes through it unseen.
_OVERLAP = 200


def _draw(paper: AgreementPaper) -> bytes:
    # Late: most pages never need the library that draws it.
    from lab.agreement_pdf import agreement_pdf

    return agreement_pdf(paper)


@door(bp, f"{_BASE}.pdf", Action.SEE_AGREEMENT)
def document(award_code: str) -> Response:
    """The agreement as a PDF: with the signatures that it bears, or with lines to sign on."""
    award = get_award(db.session(), award_code)
    version = frozen_version(db.session(), award.id)
    if version is None:
        raise NotFound("document")
    body, _kept = document_of(db.session(), award, version, _draw)
    return pdf(body, f"agreement-{award.code}.pdf")


@door(bp, f"{_BASE}/verify", Action.SEE_AGREEMENT, methods=("GET", "POST"), upload=True)
def verify(award_code: str) -> Any:
    """Whether a document, or a hash, is one of this award's, and whether the archive is unchanged."""
    form = VerifyForm()
    sent = attempt(form, lambda: _sent(form)) if request.method == "POST" else None
    frame = load_frame(award_code, HERE)
    archive = archive_of(db.session(), frame.award, _draw)
    return award_page(
        "agreement/verify.html", award_code, HERE, frame, 422 if request.method == "POST" and sent is None else 200,
        form=form, archive=archive, max_bytes=config().upload_limit, now=clock.now(),
        result=result_of(sent, archive) if archive is not None else None,
    )  # fmt: skip


def _sent(form: VerifyForm) -> Sent:
    """What was sent to be checked. Raises Invalid when it is neither a document nor a hash."""
    if form.file.data and form.file.data.filename:
        return _read(form.file.data)
    if (form.hash.data or "").strip():
        return Sent("", read_hash(form.hash.data or ""), "")
    raise Invalid({"file": M(N_("Choose a document, or paste a SHA-256 below."))})


def _read(file: FileStorage) -> Sent:
    """The document's hash, and what it says of the text that it bears, piece by piece."""
    whole, claim, before = hashlib.sha256(), "", b""
    while piece := file.stream.read(_PIECE):
        whole.update(piece)
        claim = claim or claimed_text(before + piece)
        before = piece[-_OVERLAP:]
    return Sent(safe_name(file.filename or ""), whole.hexdigest(), claim)
