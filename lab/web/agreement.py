"""The grant agreement: due diligence, and the text opened for signature; ``lab.web.signature`` has the signatures."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from lab import clock
from lab.extensions import db
from lab.forms.agreement import DoneForm, EvidenceForm, OpeningForm, ReasonForm
from lab.forms.signature import SignForm
from lab.queries.agreement import agreement_of
from lab.rules.agreement import DUE_DILIGENCE, items_of
from lab.rules.errors import NotFound
from lab.rules.permissions import Action
from lab.services import agreement as service
from lab.web.access import actor, door
from lab.web.agreement_views import draft_context, page_context
from lab.web.attempts import carry_out, press
from lab.web.frame import award_page, load_frame

bp = Blueprint("agreement", __name__)
_BASE = "/awards/<award_code>/agreement"
HERE = "agreement.show"


def agreement_page(
    award_code: str,
    status: int = 200,
    check: tuple[str, EvidenceForm] | None = None,
    sign: SignForm | None = None,
    opening: OpeningForm | None = None,
    back: ReasonForm | None = None,
    done: tuple[int, DoneForm] | None = None,
) -> Any:
    """The page; ``check`` (with its item's key), ``sign``, ``opening``, ``back`` or ``done`` (with the obligation's id) is a
    form that was not taken."""
    frame = load_frame(award_code, HERE)
    state = agreement_of(db.session(), frame.award)
    context = page_context(frame, state, dict([check] if check else []), sign)
    context |= draft_context(frame, state, opening, back, done)
    return award_page("agreement/show.html", award_code, HERE, frame, status, **context)


def _back(award_code: str, anchor: str) -> Response:
    return redirect(url_for(HERE, award_code=award_code, _anchor=anchor), 303)


def _known(award_code: str, key: str) -> None:
    """Raises NotFound unless the award's call has such an item."""
    if key not in {item.key for item in items_of(load_frame(award_code, HERE).definition, DUE_DILIGENCE)}:
        raise NotFound("check")


@door(bp, _BASE, Action.SEE_AGREEMENT)
def show(award_code: str) -> Any:
    """What stands between the award and its agreement, the text, and who signed it."""
    return agreement_page(award_code)


@door(bp, f"{_BASE}/checks/<key>", Action.CHECK_DUE_DILIGENCE, methods=("POST",))
def check(award_code: str, key: str) -> Any:
    """Clear an item of due diligence, with what shows it."""
    _known(award_code, key)
    form = EvidenceForm().about(key)
    if not carry_out(
        form,
        lambda: service.clear_check(
            actor(), clock.now(), award_code, DUE_DILIGENCE, key, form.note.data or "", form.expires_on.data
        ),
    ):
        return agreement_page(award_code, 422, check=(key, form))
    flash(_("The item is clear."), "success")
    return _back(award_code, "due-diligence")


@door(bp, f"{_BASE}/checks/<key>/reopen", Action.CHECK_DUE_DILIGENCE, methods=("POST",))
def reopen(award_code: str, key: str) -> Response:
    """Take back that an item is in order."""
    _known(award_code, key)
    press(
        lambda: service.reopen_check(actor(), clock.now(), award_code, DUE_DILIGENCE, key),
        _("The item is open again. Its note stays on record."),
    )
    return _back(award_code, "due-diligence")


@door(bp, f"{_BASE}/open", Action.OPEN_AGREEMENT, methods=("POST",))
def open_for_signature(award_code: str) -> Any:
    """Freeze the text and let both sides sign it."""
    form = OpeningForm().called("opening")
    if not carry_out(
        form,
        lambda: service.open_agreement(
            actor(), clock.now(), award_code, form.reason.data or "", form.shown_hash.data or None
        ),
    ):
        if form.reason.errors:
            return agreement_page(award_code, 422, opening=form)
        for reason in form.form_errors:
            flash(reason, "danger")
        return _back(award_code, "opening")
    flash(_("The agreement is open for signature. The team lead has been told."), "success")
    return _back(award_code, "text")
