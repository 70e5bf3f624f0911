"""Payments of an award: why each is not paid yet, who does what next, the account, and the ledger."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, flash, redirect, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from lab import clock
from lab.extensions import db
from lab.forms.base import LabForm
from lab.forms.disbursement import (
    AccountForm,
    AttestForm,
    DecideForm,
    ReturnedForm,
    ReturnForm,
    SendBackForm,
    SentForm,
    VerifyForm,
)
from lab.queries.awards import scope_of
from lab.queries.disbursement import get_letter, get_tranche, payments_of, tranches_of
from lab.rules.decision_letter import letter_from_json
from lab.rules.errors import NotFound
from lab.rules.permissions import Action
from lab.services import disbursement as service
from lab.services import payment_decisions as decisions
from lab.web.access import actor, door
from lab.web.attempts import attempt, press
from lab.web.downloads import pdf
from lab.web.frame import award_page, load_frame
from lab.web.payment_views import page_context

bp = Blueprint("disbursement", __name__)
_BASE = "/awards/<award_code>/payments"
_ONE = f"{_BASE}/<int:number>"
HERE = "disbursement.show"


def _page(award_code: str, status: int = 200, refused: tuple[str, LabForm] | None = None) -> Any:
    """The page; ``refused`` is a form that was not taken, under the name that the page knows it by."""
    frame = load_frame(award_code, HERE)
    context = page_context(frame, payments_of(db.session(), frame.award), dict([refused] if refused else []))
    return award_page("disbursement/show.html", award_code, HERE, frame, status, **context)


def _back(award_code: str, anchor: str) -> Response:
    return redirect(url_for(HERE, award_code=award_code, _anchor=anchor), 303)


def _check_payment(award_code: str, number: int, condition_id: int | None = None) -> None:
    """Raises NotFound unless the award has such a payment, with such a condition."""
    award_id = scope_of(db.session(), award_code).award_id
    assert award_id is not None
    tranche = get_tranche(tranches_of(db.session(), award_id), number)
    if condition_id is not None and condition_id not in {condition.id for condition in tranche.conditions}:
        raise NotFound("condition")


def _send(award_code: str, name: str, form: LabForm, act: Callable[[], object], done: str, anchor: str) -> Any:
    """Run ``act`` for a form of the page: back to the page when it is done, the page with the reasons when it is refused."""
    if attempt(form, lambda: (act(), True)) is None:
        return _page(award_code, 422, (name, form))
    flash(done, "success")
    return _back(award_code, anchor)


@door(bp, _BASE, Action.SEE_PAYMENTS)
def show(award_code: str) -> Any:
    """Every payment with what it waits for, the account, and the money that moved."""
    return _page(award_code)


@door(bp, f"{_BASE}/account", Action.ENTER_ACCOUNT, methods=("POST",), fresh=True)
def enter_account(award_code: str) -> Any:
    """Enter the account, or another in its place."""
    form = AccountForm()
    typed = [field.data or "" for field in (form.holder, form.bank, form.number, form.swift)]
    in_name = attempt(form, lambda: service.enter_account(actor(), clock.now(), award_code, *typed))
    if in_name is None:
        return _page(award_code, 422, ("account", form))
    if in_name:
        flash(_("The account is kept. Finance verifies it before anything is paid into it."), "success")
    else:
        flash(
            _(
                "The account is kept, but nothing is paid into it: its holder is not the organisation. Enter one in the "
                "organisation’s own name."
            ),
            "warning",
        )
    return _back(award_code, "account")


@door(bp, f"{_BASE}/account/verify", Action.VERIFY_ACCOUNT, methods=("POST",), fresh=True)
def verify_account(award_code: str) -> Any:
    """Finance verifies the account that was on the page."""
    form = VerifyForm()
    press(
        lambda: service.verify_account(actor(), clock.now(), award_code, form.account_id),
        _("The account is verified."),
    )
    return _back(award_code, "account")


@door(bp, f"{_ONE}/conditions/<int:condition_id>", Action.ATTEST_CONDITION, methods=("POST",), fresh=True)
def attest(award_code: str, number: int, condition_id: int) -> Any:
    """An officer attests a condition, with evidence."""
    _check_payment(award_code, number, condition_id)
    form = AttestForm()
    return _send(
        award_code,
        f"attest-{condition_id}",
        form,
        lambda: service.attest(actor(), clock.now(), award_code, number, condition_id, form.evidence.data or ""),
        _("The condition is attested."),
        f"payment-{number}",
    )


@door(bp, f"{_ONE}/propose", Action.PROPOSE_PAYMENT, methods=("POST",), fresh=True)
def propose(award_code: str, number: int) -> Response:
    """The officer proposes a payment."""
    press(
        lambda: service.propose(actor(), clock.now(), award_code, number),
        _("The payment is proposed: another person in finance authorises it."),
    )
    return _back(award_code, f"payment-{number}")


@door(bp, f"{_ONE}/authorise", Action.AUTHORISE_PAYMENT, methods=("POST",), fresh=True)
def authorise(award_code: str, number: int) -> Response:
    """Finance authorises a payment."""
    press(
        lambda: service.authorise(actor(), clock.now(), award_code, number),
        _("The payment is authorised: make the transfer, then record it here."),
    )
    return _back(award_code, f"payment-{number}")


@door(bp, f"{_ONE}/send-back", Action.SEND_BACK_PAYMENT, methods=("POST",), fresh=True)
def send_back(award_code: str, number: int) -> Any:
    """Send a payment back to planned, with the reason."""
    _check_payment(award_code, number)
    form = SendBackForm()
    return _send(
        award_code,
        f"send-back-{number}",
        form,
        lambda: service.send_back(actor(), clock.now(), award_code, number, form.reason.data or ""),
        _("The payment is planned again."),
        f"payment-{number}",
    )


@door(bp, f"{_ONE}/sent", Action.RECORD_PAYMENT, methods=("POST",), fresh=True)
def record_sent(award_code: str, number: int) -> Any:
    """Finance records what the bank did."""
    _check_payment(award_code, number)
    form = SentForm()
    reference, rate, local = (field.data or "" for field in (form.reference, form.rate, form.local_amount))
    return _send(
        award_code,
        f"sent-{number}",
        form,
        lambda: service.record_sent(
            actor(), clock.now(), award_code, number, reference, rate, local, form.value_on.data
        ),
        _("The transfer is recorded. The team lead has been asked to confirm its receipt."),
        f"payment-{number}",
    )


@door(bp, f"{_ONE}/receipt", Action.CONFIRM_RECEIPT, methods=("POST",), fresh=True)
def confirm_receipt(award_code: str, number: int) -> Response:
    """The lead confirms that the money has arrived."""
    press(
        lambda: service.confirm_receipt(actor(), clock.now(), award_code, number),
        _("Thank you: the payment is complete."),
    )
    return _back(award_code, f"payment-{number}")


@door(bp, f"{_ONE}/decisions", Action.DECIDE_PAYMENT, methods=("POST",), fresh=True)
def decide(award_code: str, number: int) -> Any:
    """An officer withholds, resumes, adjusts or cancels a payment."""
    _check_payment(award_code, number)
    form = DecideForm()
    kind, amount, reason = (field.data or "" for field in (form.kind, form.amount, form.reason))
    return _send(
        award_code,
        f"decide-{number}",
        form,
        lambda: decisions.decide(actor(), clock.now(), award_code, number, kind, reason, amount),
        _("The decision is recorded, and the team has been told."),
        f"payment-{number}",
    )


@door(bp, f"{_BASE}/letters/<int:decision_id>.pdf", Action.SEE_LEDGER)
def letter(award_code: str, decision_id: int) -> Response:
    """The letter about a decision, as it was sent."""
    award_id = scope_of(db.session(), award_code).award_id
    assert award_id is not None
    kept = get_letter(db.session(), award_id, decision_id).letter
    assert kept is not None
    # Late: most pages never need the library that draws it.
    from lab.letter_pdf import letter_pdf

    return pdf(letter_pdf(letter_from_json(kept)), f"decision-{award_code}-{decision_id}.pdf")


@door(bp, f"{_ONE}/returned", Action.RECORD_RETURN, methods=("POST",), fresh=True)
def record_returned(award_code: str, number: int) -> Any:
    """Finance records that the bank sent a payment back."""
    _check_payment(award_code, number)
    form = ReturnedForm()
    reference, reason = (field.data or "" for field in (form.reference, form.reason))
    return _send(
        award_code,
        f"returned-{number}",
        form,
        lambda: decisions.record_returned(
            actor(), clock.now(), award_code, number, reference, form.value_on.data, reason
        ),
        _("The return is recorded, and another payment is planned in its place."),
        "ledger",
    )


@door(bp, f"{_BASE}/returns", Action.RECORD_RETURN, methods=("POST",), fresh=True)
def record_return(award_code: str) -> Any:
    """Finance records money that came back."""
    form = ReturnForm()
    amount, reference, rate, local = (
        field.data or "" for field in (form.amount, form.reference, form.rate, form.local_amount)
    )
    return _send(
        award_code,
        "return",
        form,
        lambda: service.record_return(
            actor(), clock.now(), award_code, amount, reference, form.value_on.data, rate, local
        ),
        _("The return is recorded."),
        "ledger",
    )
