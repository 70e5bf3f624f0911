"""Signing in and out, and the way to a new password."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, g, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.wrappers import Response

from lab import clock
from lab.extensions import db
from lab.forms.sign_in import ForgottenForm, NewPasswordForm, SignInForm
from lab.queries.invitation import open_link
from lab.rules.award import clean_email
from lab.rules.errors import TooMany
from lab.rules.permissions import Action
from lab.rules.sign_in import Standing
from lab.services import recovery, sign_ins
from lab.services.invitations import token_hash
from lab.web import reader
from lab.web.access import actor, door
from lab.web.attempts import attempt, carry_out
from lab.web.places import local_path
from lab.web.whereabouts import place
from lab.web.words import sentence

bp = Blueprint("sign_in", __name__)


def too_many(error: TooMany, page: str) -> Response:
    """``page``, with the status and the wait of a try too many."""
    answer = make_response(page, 429)
    answer.headers["Retry-After"] = str(error.seconds)
    return answer


def enter(entered: sign_ins.Entered, email: str, wanted: str) -> Response:
    """Put the sign-in into the browser and go where its owner wanted; by way of the second factor, if there is one."""
    reader.remember(entered)
    target = local_path(wanted)
    if reader.reader_standing() is Standing.PROVE:
        return redirect(url_for("second_factor.prove", next=target), 303)
    g.entered_email = email
    return redirect(target, 303)


@door(bp, "/login", Action.PUBLIC, methods=("GET", "POST"))
def sign_in() -> Any:
    """Sign in with an address and a password."""
    form = SignInForm()
    if request.method == "GET":
        if current_user.is_authenticated:
            return redirect(local_path(request.args.get("next", "")))
        form.next.data = request.args.get("next", "")[:2000]
        return render_template("sign_in/sign_in.html", form=form)
    try:
        email = clean_email(form.email.data or "")
    except ValueError:
        email = ""
    if not email or not form.password.data:
        form.validate_on_submit()
        form.form_errors.append(_("Type your address and your password."))
        return render_template("sign_in/sign_in.html", form=form), 422
    entered = _entered(form, email)
    if isinstance(entered, sign_ins.Entered):
        return enter(entered, email, form.next.data or request.args.get("next", ""))
    page = render_template("sign_in/sign_in.html", form=form)
    return too_many(entered, page) if entered else (page, 422)


def _entered(form: SignInForm, email: str) -> sign_ins.Entered | TooMany | None:
    """The new sign-in; or, with the reason in the form, that it was tried too often or refused."""
    refusal: list[TooMany] = []

    def act() -> sign_ins.Entered:
        try:
            return sign_ins.sign_in(
                clock.wall(), email, form.password.data or "", bool(form.lasting.data), place(), reader.device_of(email)
            )
        except TooMany as error:
            refusal.append(error)
            raise

    return attempt(form, act) or (refusal[0] if refusal else None)


@door(bp, "/logout", Action.SIGNED_IN, methods=("POST",))
def sign_out() -> Response:
    """End this browser's sign-in, here and wherever its cookie was copied to."""
    sign_ins.sign_out(actor(), reader.sign_in_id(), clock.wall(), place())
    reader.forget()
    flash(_("You are signed out."), "success")
    answer = redirect(url_for("sign_in.sign_in"), 303)
    # Pages that the browser still has are not to be gone back to. What was typed and never saved stays on the device.
    answer.headers["Clear-Site-Data"] = '"cache"'
    return answer


@door(bp, "/reset", Action.PUBLIC, methods=("GET", "POST"))
def forgotten() -> Any:
    """Ask for a link to choose a new password. The answer is the same whoever has the address."""
    form = ForgottenForm()
    if request.method == "GET":
        return render_template("sign_in/forgotten.html", form=form, asked="")
    try:
        done = carry_out(form, lambda: recovery.ask_reset(clock.now(), clock.wall(), form.email.data or "", place()))
    except TooMany as error:
        form.form_errors.append(sentence(error.reasons))
        return too_many(error, render_template("sign_in/forgotten.html", form=form, asked=""))
    asked = form.email.data if done else ""
    return render_template("sign_in/forgotten.html", form=form, asked=asked), 200 if done else 422


@door(bp, "/reset/<token>", Action.PUBLIC, methods=("GET", "POST"))
def reset(token: str) -> Any:
    """Choose a new password by a link from a mail."""
    form = NewPasswordForm()
    person = open_link(db.session(), token_hash(token), clock.now(), "password", "help")
    if person is None:
        flash(_("This link cannot be used any more: ask for another one here."), "danger")
        return redirect(url_for("sign_in.forgotten"), 303)
    email = person.email
    if request.method == "POST":
        done = carry_out(
            form,
            lambda: recovery.reset_password(clock.now(), clock.wall(), token, form.password.data or "", place()),
        )
        if done:
            reader.forget()
            # The link came to the owner's mailbox: whoever has used up the account's tries does not keep them out.
            g.entered_email = email
            flash(_("Your new password is kept. Sign in with it."), "success")
            return redirect(url_for("sign_in.sign_in"), 303)
    page = render_template("sign_in/reset.html", form=form, email=email)
    return page, 422 if request.method == "POST" else 200
