"""The second factor: given when one signs in, and seen, set up and changed in one's account."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import segno
from flask import Blueprint, current_app, flash, g, redirect, render_template, request, session, url_for
from flask_babel import gettext as _
from flask_login import current_user
from flask_wtf.csrf import generate_csrf
from werkzeug.wrappers import Response

from lab import clock
from lab.extensions import db
from lab.forms.base import LabForm
from lab.forms.second_factor import CodeForm, NameForm, NewPasskeyForm, PasskeyForm, RecoveryForm
from lab.forms.sign_in import SignInForm
from lab.queries.second_factor import Factors, factors_of
from lab.queries.sign_ins import Found
from lab.rules import second_factor as rules
from lab.rules.errors import TooMany
from lab.rules.facts import Actor
from lab.rules.permissions import Action
from lab.rules.sign_in import OFFICE, Standing
from lab.services import passkeys, sign_ins
from lab.services import second_factor as service
from lab.services.sign_ins import Entered
from lab.web import reader
from lab.web.access import actor, config, door
from lab.web.attempts import attempt, carry_out, press
from lab.web.browsers import browser_name
from lab.web.places import local_path
from lab.web.sign_in import too_many
from lab.web.whereabouts import place

bp = Blueprint("second_factor", __name__)
# The key of an app that waits in the browser, sealed, for its first code.
WAITING = "second_factor"


def _wanted() -> str:
    """Where the reader was on their way to."""
    return request.args.get("next", "")[:2000]


def required() -> bool:
    """Whether this installation asks a second factor of the reader."""
    return config().second_factor and bool(actor().programme & OFFICE)


def _mine() -> Factors:
    return factors_of(db.session(), current_user.id)


# In the account: seen, set up and changed.


@door(bp, "/account/second-factor", Action.SIGNED_IN, setting_up=True)
def show() -> Any:
    """What one has, and what can be added."""
    return _show()


def _show(status: int = 200, naming: int = 0, form: NameForm | None = None) -> Any:
    mine = _mine()
    names = {line.id: NameForm(formdata=None, data={"name": line.name}, prefix="") for line in mine.passkeys}
    for passkey_id, each in names.items():
        each["name"].id = f"name-{passkey_id}"
    if form is not None and naming in names:
        form["name"].id = f"name-{naming}"
        names[naming] = form
    page = render_template(
        "second_factor/show.html",
        mine=mine,
        names=names,
        naming=naming,
        few=rules.few_left(mine.codes_left),
        setting_up=reader.reader_standing() is Standing.SET_UP,
        required=required(),
        possible=passkeys.site().possible,
        wanted=_wanted(),
    )
    return page, status


def _after(entered: Entered | None, done: str) -> Response:
    """After a factor was added: to the recovery codes if there are none, else back to the list."""
    if entered is not None:
        reader.remember(entered)
        g.entered_email = current_user.email
    flash(done, "success")
    if _mine().codes_left == 0:
        return redirect(url_for("second_factor.codes", next=_wanted() or None), 303)
    return redirect(url_for("second_factor.show"), 303)


@door(bp, "/account/second-factor/app", Action.SIGNED_IN, methods=("GET", "POST"), fresh=True, setting_up=True)
def app() -> Any:
    """Set up an authenticator app: a picture to scan, and its first code."""
    form = CodeForm()
    waiting = session.get(WAITING)
    waiting = waiting if isinstance(waiting, str) else ""
    if request.method == "POST":
        entered: list[Entered | None] = []
        done = carry_out(
            form,
            lambda: entered.append(
                service.add_app(
                    actor(), clock.now(), clock.wall(), reader.sign_in_id(), waiting, form.code.data or "", place()
                )
            ),
        )
        if done:
            session.pop(WAITING, None)
            return _after(entered[0], _("The app is set up. From now on it gives you the code for signing in."))
    set_up = service.begin_app(current_user.id, current_user.email, waiting, clock.wall())
    session[WAITING] = set_up.waiting
    picture = segno.make(set_up.address, error="m").svg_data_uri(scale=5, border=4, light="#fff")
    page = render_template(
        "second_factor/app.html",
        form=form,
        set_up=set_up,
        picture=picture,
        replaces=_mine().app_since is not None,
        wanted=_wanted(),
    )
    return page, 422 if request.method == "POST" else 200


@door(bp, "/account/second-factor/app/remove", Action.SIGNED_IN, methods=("POST",), fresh=True, setting_up=True)
def remove_app() -> Response:
    """Take the app away."""
    press(
        lambda: service.remove_app(actor(), clock.now(), clock.wall(), required(), place()),
        _("The app gives no codes for this site any more: delete its entry there too."),
    )
    return redirect(url_for("second_factor.show"), 303)


@door(bp, "/account/second-factor/passkey", Action.SIGNED_IN, methods=("GET", "POST"), fresh=True, setting_up=True)
def add_passkey() -> Any:
    """Make a passkey."""
    form = NewPasskeyForm()
    mine = _mine()
    if request.method == "POST":
        entered: list[Entered | None] = []
        done = carry_out(
            form,
            lambda: entered.append(
                passkeys.add(
                    actor(), clock.now(), clock.wall(), reader.sign_in_id(),
                    form.credential.data or "", form.name.data or "", place(),
                )
            ),
        )  # fmt: skip
        if done:
            return _after(entered[0], _("The passkey is added."))
        # What was made is not sent twice: its challenge is used up.
        form.credential.data = ""
    else:
        device = browser_name(request.headers.get("User-Agent", ""))
        form.name.data = rules.free_name(device, [line.name for line in mine.passkeys])
    options = passkeys.options_to_add(
        actor(), current_user.email, reader.sign_in_id(), mine.credential_ids, clock.wall()
    )
    page = render_template(
        "second_factor/passkey.html",
        form=form,
        options=options,
        possible=passkeys.site().possible,
        wanted=_wanted(),
    )
    return page, 422 if request.method == "POST" else 200


@door(
    bp, "/account/second-factor/passkeys/<int:passkey_id>", Action.SIGNED_IN, methods=("POST",), fresh=True, setting_up=True
)  # fmt: skip
def rename_passkey(passkey_id: int) -> Any:
    """Call a passkey something else."""
    form = NameForm()
    if carry_out(form, lambda: passkeys.rename(actor(), passkey_id, form.name.data or "")):
        flash(_("The passkey has its new name."), "success")
        return redirect(url_for("second_factor.show"), 303)
    return _show(422, passkey_id, form)


@door(
    bp, "/account/second-factor/passkeys/<int:passkey_id>/remove", Action.SIGNED_IN, methods=("POST",), fresh=True,
    setting_up=True,
)  # fmt: skip
def remove_passkey(passkey_id: int) -> Response:
    """Take a passkey away."""
    press(
        lambda: passkeys.remove(actor(), clock.now(), clock.wall(), passkey_id, required(), place()),
        _("The passkey is not accepted here any more: delete it on its device too."),
    )
    return redirect(url_for("second_factor.show"), 303)


@door(bp, "/account/second-factor/codes", Action.SIGNED_IN, methods=("GET", "POST"), fresh=True, setting_up=True)
def codes() -> Any:
    """Recovery codes: why, and a button that makes them and shows them this once."""
    form = LabForm()
    # A second press makes other codes: the page that is seen last is the one that counts, so no one-time key.
    del form.form_key
    made: tuple[str, ...] | None = None
    if request.method == "POST":
        made = attempt(form, lambda: service.make_codes(actor(), clock.now(), clock.wall(), place()))
    target = local_path(_wanted()) if _wanted() else url_for("second_factor.show")
    page = render_template(
        "second_factor/codes.html",
        form=form,
        mine=_mine(),
        made=made or (),
        text=_codes_text(made or ()),
        target=target,
        wanted=_wanted(),
    )
    return page, 422 if request.method == "POST" and made is None else 200


def _codes_text(made: tuple[str, ...]) -> str:
    """The codes as a text to keep in a file."""
    head = _("Recovery codes of %(email)s for the Innovation Lab Tracker. Each works once.", email=current_user.email)
    return "\n".join([head, "", *made, ""])


# When signing in: given. The sign-in is nobody's for every other page until then.


def _pending() -> Found | Response:
    """The sign-in that waits for its second factor; or where to go when there is none."""
    current = reader.found()
    if current is None:
        return redirect(url_for("sign_in.sign_in", next=_wanted() or None), 303)
    if reader.reader_standing() is not Standing.PROVE:
        return redirect(local_path(_wanted()), 303)
    return current


def _ask(
    current: Found, code: CodeForm | None = None, recovery: RecoveryForm | None = None, passkey: LabForm | None = None
) -> str:
    """The page that asks."""
    mine = factors_of(db.session(), current.person.id)
    options = ""
    if mine.passkeys and passkeys.site().possible:
        whose = str(current.facts.id)
        options = passkeys.options_to_give(passkeys.PROVE, whose, mine.credential_ids, clock.wall())
    return render_template(
        "second_factor/prove.html",
        person=current.person,
        mine=mine,
        code=code or CodeForm(formdata=None),
        recovery=recovery or RecoveryForm(formdata=None),
        passkey=passkey or PasskeyForm(formdata=None),
        options=options,
        wanted=_wanted(),
    )


def _tried(form: LabForm, give: Callable[[Found], Entered], show: Callable[[Found], str]) -> Any:
    """Let the sign-in in if ``give`` takes the factor; else ``show`` the page again, with the reason."""
    current = _pending()
    if isinstance(current, Response):
        return current
    waits: list[TooMany] = []

    def act() -> Entered:
        try:
            return give(current)
        except TooMany as error:
            waits.append(error)
            raise

    entered = attempt(form, act)
    if entered is not None:
        reader.remember(entered)
        g.entered_email = current.person.email
        _warn_few(current)
        return redirect(local_path(_wanted()), 303)
    page = show(current)
    return too_many(waits[0], page) if waits else (page, 422)


def _warn_few(current: Found) -> None:
    left = factors_of(db.session(), current.person.id).codes_left
    if rules.few_left(left):
        flash(
            _("Recovery codes left: %(left)s. Make new ones in your account, under “Second factor”.", left=left),
            "warning",
        )


@door(bp, "/second-factor", Action.PUBLIC, methods=("GET", "POST"))
def prove() -> Any:
    """Give the code of an app."""
    if request.method == "GET":
        current = _pending()
        return current if isinstance(current, Response) else _ask(current)
    form = CodeForm()
    return _tried(
        form,
        lambda current: service.give_code(
            clock.wall(), current.facts.id, form.code.data or "", place(), reader.device_of(current.person.email)
        ),
        lambda current: _ask(current, code=form),
    )


@door(bp, "/second-factor/recovery", Action.PUBLIC, methods=("POST",))
def recover() -> Any:
    """Give a recovery code."""
    form = RecoveryForm()
    return _tried(
        form,
        lambda current: service.give_recovery_code(
            clock.now(), clock.wall(), current.facts.id, form.recovery.data or "", place(),
            reader.device_of(current.person.email),
        ),
        lambda current: _ask(current, recovery=form),
    )  # fmt: skip


@door(bp, "/second-factor/passkey", Action.PUBLIC, methods=("POST",))
def give_passkey() -> Any:
    """Give a passkey."""
    form = PasskeyForm()
    return _tried(
        form,
        lambda current: passkeys.give(clock.wall(), current.facts.id, form.credential.data or "", place()),
        lambda current: _ask(current, passkey=form),
    )


@door(bp, "/second-factor/leave", Action.PUBLIC, methods=("POST",))
def leave() -> Response:
    """End a sign-in that waits for its second factor."""
    current = _pending()
    if isinstance(current, Response):
        return current
    person = Actor(person_id=current.person.id, name=current.person.name)
    sign_ins.sign_out(person, current.facts.id, clock.wall(), place())
    reader.forget()
    return redirect(url_for("sign_in.sign_in"), 303)


# Instead of a password.


def _browser() -> str:
    """What the challenge of the sign-in page is made for: the session that also holds its form's token."""
    generate_csrf()
    return str(session[current_app.config.get("WTF_CSRF_FIELD_NAME", "csrf_token")])


def passkey_sign_in_options() -> str:
    """What the sign-in page's button needs; empty where there can be no passkeys."""
    if not passkeys.site().possible:
        return ""
    return passkeys.options_to_give(passkeys.SIGN_IN, _browser(), (), clock.wall())


@door(bp, "/login/passkey", Action.PUBLIC, methods=("POST",))
def sign_in() -> Any:
    """Sign in with a passkey and nothing else."""
    form = PasskeyForm()
    waits: list[TooMany] = []

    def act() -> Entered:
        try:
            return passkeys.sign_in(clock.wall(), form.credential.data or "", _browser(), place())
        except TooMany as error:
            waits.append(error)
            raise

    entered = attempt(form, act)
    if entered is not None:
        reader.remember(entered)
        current = reader.found()
        assert current is not None, "it was opened a moment ago"
        g.entered_email = current.person.email
        return redirect(local_path(_wanted()), 303)
    shown = SignInForm(formdata=None, data={"next": _wanted()})
    shown.form_errors.extend(form.form_errors)
    page = render_template("sign_in/sign_in.html", form=shown)
    return too_many(waits[0], page) if waits else (page, 422)


bp.add_app_template_global(passkey_sign_in_options)
