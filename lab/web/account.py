"""Oneself: arriving by invitation, the profile, the password, and the language of the pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint, current_app, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.wrappers import Response

from lab import clock
from lab.extensions import db
from lab.forms.account import AddressForm, PasswordForm, ProfileForm, WelcomeForm
from lab.queries import sign_ins, tasks
from lab.queries.invitation import LinkState, Welcome, address_behind, welcome
from lab.rules.languages import LANGUAGES
from lab.rules.permissions import Action
from lab.rules.time_zones import likely_time_zone
from lab.services import people, recovery
from lab.services import sign_ins as service
from lab.services.invitations import token_hash
from lab.services.sign_ins import Entered
from lab.web import reader
from lab.web.access import actor, config, door
from lab.web.attempts import attempt, press
from lab.web.browsers import browser_name
from lab.web.places import local_path
from lab.web.time_zones import zone_choices
from lab.web.whereabouts import place
from lab.web.words import instant

if TYPE_CHECKING:
    from lab.models import Person

bp = Blueprint("account", __name__)
YEAR = 365 * 24 * 3600


@door(bp, "/language", Action.PUBLIC, methods=("POST",))
def language() -> Response:
    """Change the language of the pages: in the account, and in this browser for before signing in."""
    chosen = request.form.get("language", "")
    answer = redirect(local_path(request.form.get("next", "")), 303)
    if chosen not in LANGUAGES:
        flash(_("Choose one of the languages in the menu."), "danger")
        return answer
    if current_user.is_authenticated:
        people.choose_language(actor(), chosen)
    answer.set_cookie(
        current_app.config["LAB_LANGUAGE_COOKIE"],
        chosen,
        max_age=YEAR,
        httponly=True,
        samesite="Lax",
        secure=config().base_url.startswith("https://"),
    )
    return answer


def _profile_form() -> ProfileForm:
    form = ProfileForm(
        formdata=None, data={name: getattr(current_user, name) for name in ("name", "language", "time_zone")}
    )
    form.offer(zone_choices(current_user.time_zone))
    return form


def _devices() -> list[dict[str, Any]]:
    """Where the reader is signed in, this browser first."""
    here = reader.sign_in_id()
    rows = sign_ins.living(db.session(), current_user.id, config().sign_in_limits, clock.wall())
    return [
        {
            "id": row.id,
            "here": row.id == here,
            "browser": browser_name(row.browser),
            "address": row.address,
            "since": instant(row.created_at),
            "seen": instant(row.seen_at),
            "lasting": row.lasting,
        }
        for row in sorted(rows, key=lambda row: row.id != here)
    ]


def _page(
    profile: ProfileForm | None = None,
    password: PasswordForm | None = None,
    address: AddressForm | None = None,
    status: int = 200,
) -> Any:
    page = render_template(
        "account/show.html",
        profile=profile or _profile_form(),
        password=password or PasswordForm(formdata=None),
        address=address or AddressForm(formdata=None),
        email=current_user.email,
        devices=_devices(),
    )
    return page, status


@door(bp, "/account", Action.SIGNED_IN)
def show() -> Any:
    """One's own account."""
    return _page()


@door(bp, "/account", Action.SIGNED_IN, methods=("POST",))
def update() -> Any:
    """Change name, language and time zone."""
    form = ProfileForm()
    form.offer(zone_choices(current_user.time_zone))

    def act() -> bool:
        people.update_profile(
            actor(), clock.now(), form.name.data or "", form.language.data or "", form.time_zone.data or ""
        )
        return True

    if attempt(form, act) is None:
        return _page(profile=form, status=422)
    flash(_("Your account is changed."), "success")
    return redirect(url_for("account.show"), 303)


@door(bp, "/account/password", Action.SIGNED_IN, methods=("POST",))
def password() -> Any:
    """Change the password, stay signed in here, and be signed out everywhere else."""
    form = PasswordForm()
    entered = attempt(
        form,
        lambda: people.change_password(
            actor(),
            clock.now(),
            clock.wall(),
            form.current.data or "",
            form.new.data or "",
            reader.sign_in_id(),
            place(),
        ),
    )
    if entered is None:
        return _page(password=form, status=422)
    reader.remember(entered)
    flash(_("Your password is changed, and every other device is signed out."), "success")
    return redirect(url_for("account.show"), 303)


@door(bp, "/account/address", Action.SIGNED_IN, methods=("POST",), fresh=True)
def address() -> Any:
    """Ask for another e-mail address."""
    form = AddressForm()
    asked = attempt(
        form, lambda: recovery.ask_address(actor(), clock.now(), clock.wall(), form.email.data or "", place())
    )
    if asked is None:
        return _page(address=form, status=422)
    flash(
        _("A link is on its way to %(email)s: follow it within a day, and the address is yours.", email=asked), "info"
    )
    return redirect(url_for("account.show"), 303)


@door(bp, "/account/address/<token>", Action.SIGNED_IN, methods=("GET", "POST"))
def confirm_address(token: str) -> Any:
    """Confirm another address: a page with a button, since mail programs follow links by themselves."""
    if request.method == "POST":
        press(
            lambda: recovery.confirm_address(actor(), clock.now(), clock.wall(), token, place()),
            _("Your address is changed. You sign in with it from now on."),
        )
        return redirect(url_for("account.show"), 303)
    address = address_behind(db.session(), token_hash(token), current_user.id, clock.now())
    return render_template("account/address.html", address=address, before=current_user.email)


@door(bp, "/account/devices/<int:sign_in_id>/end", Action.SIGNED_IN, methods=("POST",))
def end_device(sign_in_id: int) -> Response:
    """Sign out one of one's own devices."""
    press(
        lambda: service.end_one(actor(), sign_in_id, clock.wall(), place()),
        _("That device is signed out."),
    )
    return redirect(url_for("account.show"), 303)


@door(bp, "/account/devices/end", Action.SIGNED_IN, methods=("POST",))
def end_devices() -> Response:
    """Sign out all of one's own devices but this one."""
    press(
        lambda: service.end_others(actor(), reader.sign_in_id(), clock.wall(), place()),
        _("Every other device is signed out."),
    )
    return redirect(url_for("account.show"), 303)


@door(bp, "/invitation/<token>", Action.PUBLIC, methods=("GET", "POST"))
def invitation(token: str) -> Any:
    """Arrive by the link of an invitation: choose a password, say who and where one is, and be signed in."""
    found = welcome(db.session(), token_hash(token), clock.now())
    if found.state is not LinkState.OPEN or found.person is None:
        status = 404 if found.state is LinkState.UNKNOWN else 410
        return render_template("account/closed.html", state=found.state.value, inviter=found.inviter), status
    form = _welcome_form(found)
    if request.method == "POST":
        entered = attempt(
            form,
            lambda: people.accept_invitation(
                clock.now(), clock.wall(), token, form.password.data or "", form.name.data or "",
                form.language.data or "", form.time_zone.data or "", place(),
            ),
        )  # fmt: skip
        if entered is not None:
            return _arrive(found.person, entered)
    return render_template("account/invitation.html", form=form, welcome=found), 422 if form.errors else 200


def _welcome_form(found: Welcome) -> WelcomeForm:
    person = found.person
    assert person is not None
    zone = likely_time_zone(found.country) or person.time_zone
    form = WelcomeForm(data={"name": person.name, "language": person.language, "time_zone": zone})
    form.offer(zone_choices(zone))
    return form


def _arrive(person: Person, entered: Entered) -> Response:
    reader.remember(entered)
    g.entered_email = person.email
    flash(_("Welcome, %(name)s. Your account is ready.", name=current_user.name), "success")
    me = actor()
    if len(me.awards) == 1 and not me.programme and not me.committees:
        ((award, _organisation),) = tasks.awards_of(db.session(), me)
        return redirect(url_for("award.show", award_code=award.code), 303)
    return redirect(url_for("home.index"), 303)


def _demo_accounts() -> list[dict[str, str]]:
    """The people of the demonstration, for the sign-in page; nobody outside it."""
    if not config().demo:
        return []
    return [{"email": item.email, "what": item.what} for item in current_app.extensions.get("lab_demo_accounts", ())]


def _demo_password() -> str:
    """The demonstration's password while it is the public one; one that somebody chose is theirs to tell."""
    settings = config()
    return settings.demo_password if settings.demo and settings.demo_password == type(settings).demo_password else ""


bp.add_app_template_global(_demo_accounts, "demo_accounts")
bp.add_app_template_global(_demo_password, "demo_password")
