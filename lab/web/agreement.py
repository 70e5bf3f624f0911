"""The grant agreement: due diligence, the text opened for signature, and both signatures."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from lab import clock
from lab.extensions import db
from lab.forms.agreement import SignForm
from lab.forms.closing import CheckForm
from lab.queries.agreement import agreement_of
from lab.rules.agreement import DUE_DILIGENCE, items_of
from lab.rules.errors import NotFound
from lab.rules.facts import Stage
from lab.rules.permissions import Action
from lab.services import agreement as service
from lab.web.access import actor, door
from lab.web.agreement_views import page_context
from lab.web.attempts import carry_out, press
from lab.web.frame import award_page, load_frame

bp = Blueprint("agreement", __name__)
_BASE = "/awards/<award_code>/agreement"
HERE = "agreement.show"


def _page(
    award_code: str, status: int = 200, check: tuple[str, CheckForm] | None = None, sign: SignForm | None = None
) -> Any:
    """The page; ``check`` (with its item's key) or ``sign`` is a form that was not taken."""
    frame = load_frame(award_code, HERE)
    context = page_context(frame, agreement_of(db.session(), frame.award), dict([check] if check else []), sign)
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
    return _page(award_code)


@door(bp, f"{_BASE}/checks/<key>", Action.CHECK_DUE_DILIGENCE, methods=("POST",))
def check(award_code: str, key: str) -> Any:
    """Clear an item of due diligence, with what shows it."""
    _known(award_code, key)
    form = CheckForm().about(key)
    if not carry_out(
        form,
        lambda: service.clear_check(actor(), clock.now(), award_code, DUE_DILIGENCE, key, form.note.data or ""),
    ):
        return _page(award_code, 422, check=(key, form))
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
def open_for_signature(award_code: str) -> Response:
    """Freeze the text and let both sides sign it."""
    done = press(
        lambda: service.open_agreement(actor(), clock.now(), award_code),
        _("The agreement is open for signature. The team lead has been told."),
    )
    return _back(award_code, "text" if done else "opening")


def _sign(award_code: str, side: str) -> Any:
    form = SignForm()
    if not carry_out(
        form,
        lambda: service.sign(
            actor(),
            clock.now(),
            award_code,
            side,
            form.typed_name.data or "",
            form.shown_hash.data or "",
            request.remote_addr or "",
        ),
    ):
        return _page(award_code, 422, sign=form)
    if load_frame(award_code, HERE).stage is Stage.AGREEMENT:
        flash(_("You have signed. The other side has been told that it is their turn."), "success")
    else:
        flash(_("You have signed, and the agreement is in force. Prototyping begins."), "success")
    return _back(award_code, "signatures")


@door(bp, f"{_BASE}/sign/organisation", Action.SIGN_FOR_ORGANISATION, methods=("POST",))
def sign_for_organisation(award_code: str) -> Any:
    """The team lead signs for the organisation."""
    return _sign(award_code, "organisation")


@door(bp, f"{_BASE}/sign/ilo", Action.SIGN_FOR_ILO, methods=("POST",))
def sign_for_ilo(award_code: str) -> Any:
    """The programme officer signs for the ILO."""
    return _sign(award_code, "ilo")
