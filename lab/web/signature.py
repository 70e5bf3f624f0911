"""Signing the agreement: naming who signs, signing electronically, and recording a paper that was signed by hand."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from lab import clock
from lab.extensions import db
from lab.forms.base import ActionForm
from lab.forms.signature import PaperForm, SignatoryForm, SignForm
from lab.queries.agreement import agreement_of
from lab.queries.awards import facts_of
from lab.queries.signature import accounts_for, frozen_version, signatories_of
from lab.rules.facts import Stage
from lab.rules.permissions import Action
from lab.rules.uploads import NotScanned, TooLarge, UploadRefused
from lab.services import signing as service
from lab.web import reader
from lab.web.access import actor, config, door
from lab.web.agreement import HERE, agreement_page
from lab.web.attempts import carry_out
from lab.web.files import intake
from lab.web.frame import Frame, award_page, load_frame
from lab.web.once import claim_now
from lab.web.signature_views import naming_reasons, paper_context

bp = Blueprint("signature", __name__)
_BASE = "/awards/<award_code>/agreement"


def _back(award_code: str) -> Response:
    return redirect(url_for(HERE, award_code=award_code, _anchor="signatures"), 303)


def _told(award_code: str, other: str, both: str) -> Response:
    """Back to the agreement after a signature: the ``other`` side's turn, or ``both`` have signed."""
    flash(other if load_frame(award_code, HERE).stage is Stage.AGREEMENT else both, "success")
    return _back(award_code)


# Electronically -------------------------------------------------------------------------------------------------


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
        return agreement_page(award_code, 422, sign=form)
    return _told(
        award_code,
        _("You have signed. The other side has been told that it is their turn."),
        _("You have signed, and the agreement is in force. Prototyping begins."),
    )


@door(bp, f"{_BASE}/sign/organisation", Action.SIGN_FOR_ORGANISATION, methods=("POST",), fresh=True)
def sign_for_organisation(award_code: str) -> Any:
    """The organisation's signatory signs."""
    return _sign(award_code, "organisation")


@door(bp, f"{_BASE}/sign/ilo", Action.SIGN_FOR_ILO, methods=("POST",), fresh=True)
def sign_for_ilo(award_code: str) -> Any:
    """The ILO's signatory signs."""
    return _sign(award_code, "ilo")


# Who signs ------------------------------------------------------------------------------------------------------


def _signatory(award_code: str, side: str) -> Any:
    form, status = SignatoryForm(), 200
    if request.method == "POST":
        if carry_out(
            form,
            lambda: service.name_signatory(
                actor(), clock.now(), award_code, side, form.person_id, form.name.data or "", form.function.data or ""
            ),
        ):
            flash(_("It is noted who signs."), "success")
            return _back(award_code)
        status = 422
    frame = load_frame(award_code, HERE)
    now = signatories_of(db.session(), frame.award).get(side)
    people = accounts_for(db.session(), frame.award, side)
    if request.method == "GET" and now is not None:
        form.person.data = str(now.person_id or "0")
        form.name.data, form.function.data = "" if now.person_id else now.name, now.function
    reasons = naming_reasons(
        side, now, frozen_version(db.session(), frame.award.id), facts_of(db.session(), frame.award)
    )
    return award_page(
        "agreement/signatory.html", award_code, HERE, frame, status, side=side, reasons=reasons,
        form=form.offer((person.id, person.name) for person in people),
        action=url_for(f"signature.name_for_{side}", award_code=award_code),
    )  # fmt: skip


@door(
    bp,
    f"{_BASE}/signatory/organisation",
    Action.ARRANGE_ORGANISATION_SIGNING,
    methods=("GET", "POST"),
    fresh=True,
)
def name_for_organisation(award_code: str) -> Any:
    """The lead names who signs for the organisation."""
    return _signatory(award_code, "organisation")


@door(bp, f"{_BASE}/signatory/ilo", Action.ARRANGE_ILO_SIGNING, methods=("GET", "POST"), fresh=True)
def name_for_ilo(award_code: str) -> Any:
    """An officer names who signs for the ILO."""
    return _signatory(award_code, "ilo")


# On paper -------------------------------------------------------------------------------------------------------


def _paper(award_code: str, side: str) -> Any:
    if request.method == "POST":
        return _keep_paper(award_code, side, PaperForm())
    frame = load_frame(award_code, HERE)
    form = PaperForm(formdata=None)
    now = signatories_of(db.session(), frame.award).get(side)
    if now is not None:
        form.name.data, form.function.data = now.name, now.function
    return _paper_page(frame, side, form)


def _keep_paper(award_code: str, side: str, form: PaperForm) -> Any:
    file, status = form.file.data, 422

    def act() -> None:
        nonlocal status
        try:
            service.record_paper(
                actor(), clock.now(), award_code, side,
                service.Typed(form.name.data or "", form.function.data or "", form.day, form.hash_start.data or ""),
                (file.filename or "", file.stream) if file else None, intake(), request.remote_addr or "", claim_now,
            )  # fmt: skip
        except UploadRefused as refused:
            status = 503 if isinstance(refused, NotScanned) else 413 if isinstance(refused, TooLarge) else 422
            raise

    if carry_out(form, act):
        return _told(
            award_code,
            _("The signed paper is recorded. The other side signs next, if it has not."),
            _("The signed paper is recorded, and the agreement is in force. Prototyping begins."),
        )
    return _paper_page(load_frame(award_code, HERE), side, form, status)


def _paper_page(frame: Frame, side: str, form: PaperForm, status: int = 200) -> Any:
    award_code = frame.award.code
    state = agreement_of(db.session(), frame.award)
    return award_page(
        "agreement/paper.html", award_code, HERE, frame, status, side=side, form=form, fresh=reader.fresh(),
        max_bytes=config().upload_limit, **paper_context(side, state, award_code),
    )  # fmt: skip


@door(
    bp,
    f"{_BASE}/paper/organisation",
    Action.ARRANGE_ORGANISATION_SIGNING,
    methods=("GET", "POST"),
    upload=True,
    fresh=True,
)
def paper_for_organisation(award_code: str) -> Any:
    """The lead records the paper that the organisation's signatory signed."""
    return _paper(award_code, "organisation")


@door(bp, f"{_BASE}/paper/ilo", Action.ARRANGE_ILO_SIGNING, methods=("GET", "POST"), upload=True, fresh=True)
def paper_for_ilo(award_code: str) -> Any:
    """An officer records the paper that the ILO's signatory signed."""
    return _paper(award_code, "ilo")


def _confirmed(award_code: str, side: str) -> Response:
    ActionForm().validate_on_submit()
    return redirect(url_for(f"signature.paper_for_{side}", award_code=award_code), 303)


@door(
    bp,
    f"{_BASE}/paper/organisation/confirm",
    Action.ARRANGE_ORGANISATION_SIGNING,
    methods=("POST",),
    fresh=True,
)
def confirm_for_organisation(award_code: str) -> Response:
    """Give the password first: a page that asks for it later cannot hold a file that was chosen."""
    return _confirmed(award_code, "organisation")


@door(bp, f"{_BASE}/paper/ilo/confirm", Action.ARRANGE_ILO_SIGNING, methods=("POST",), fresh=True)
def confirm_for_ilo(award_code: str) -> Response:
    """The same for the ILO's paper."""
    return _confirmed(award_code, "ilo")
