"""Oneself: arriving by invitation, the profile, the password, and the language of the pages."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_login import current_user
from flask_security.utils import login_user, logout_user
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect
from werkzeug.wrappers import Response

from lab import clock
from lab.extensions import db, user_datastore
from lab.forms.account import PasswordForm, ProfileForm, WelcomeForm
from lab.queries import tasks
from lab.queries.invitation import LinkState, Welcome, welcome
from lab.queries.people import actor_for
from lab.rules.languages import LANGUAGES
from lab.rules.permissions import Action
from lab.rules.time_zones import likely_time_zone
from lab.services import people
from lab.services.invitations import token_hash
from lab.web.access import actor, config, door
from lab.web.attempts import attempt
from lab.web.time_zones import zone_choices

bp = Blueprint("account", __name__)
YEAR = 365 * 24 * 3600


def local_path(wanted: str) -> str:
    """``wanted`` if it is a page of this site that a GET reads; else the start page.

    Browsers read a backslash as a slash and skip control characters, so both are refused wherever they stand.
    """
    home = url_for("home.index")
    if not wanted.startswith("/") or wanted.startswith("//") or re.search(r"[\\\x00-\x20\x7f]", wanted):
        return home
    parts = urlsplit(wanted)
    try:
        if parts.scheme or parts.netloc:
            return home
        current_app.url_map.bind_to_environ(request.environ).match(parts.path, "GET")
    except (HTTPException, RequestRedirect, ValueError):
        # Also the address of a form that was refused: it answers to POST only.
        return home
    return wanted


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
        "language", chosen, max_age=YEAR, httponly=True, samesite="Lax", secure=config().base_url.startswith("https://")
    )
    return answer


def _profile_form() -> ProfileForm:
    form = ProfileForm(
        formdata=None, data={name: getattr(current_user, name) for name in ("name", "language", "time_zone")}
    )
    form.offer(zone_choices(current_user.time_zone))
    return form


def _page(profile: ProfileForm | None = None, password: PasswordForm | None = None, status: int = 200) -> Any:
    page = render_template(
        "account/show.html",
        profile=profile or _profile_form(),
        password=password or PasswordForm(formdata=None),
        email=current_user.email,
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

    def act() -> bool:
        people.change_password(actor(), clock.now(), form.current.data or "", form.new.data or "")
        return True

    if attempt(form, act) is None:
        return _page(password=form, status=422)
    _sign_in(actor().person_id)
    flash(_("Your password is changed, and every other device is signed out."), "success")
    return redirect(url_for("account.show"), 303)


def _sign_in(person_id: int | None) -> Any:
    person = user_datastore.find_user(id=person_id)
    assert person is not None
    login_user(person, remember=False, authn_via=["password"])
    return person


@door(bp, "/invitation/<token>", Action.PUBLIC, methods=("GET", "POST"))
def invitation(token: str) -> Any:
    """Arrive by the link of an invitation: choose a password, say who and where one is, and be signed in."""
    found = welcome(db.session(), token_hash(token), clock.now())
    if found.state is not LinkState.OPEN or found.person is None:
        status = 404 if found.state is LinkState.UNKNOWN else 410
        return render_template("account/closed.html", state=found.state.value, inviter=found.inviter), status
    form = _welcome_form(found)
    if request.method == "POST":
        person_id = attempt(
            form,
            lambda: people.accept_invitation(
                clock.now(), token, form.password.data or "", form.name.data or "", form.language.data or "",
                form.time_zone.data or "",
            ),
        )  # fmt: skip
        if person_id is not None:
            return _arrive(person_id)
    return render_template("account/invitation.html", form=form, welcome=found), 422 if form.errors else 200


def _welcome_form(found: Welcome) -> WelcomeForm:
    person = found.person
    assert person is not None
    zone = likely_time_zone(found.country) or person.time_zone
    form = WelcomeForm(data={"name": person.name, "language": person.language, "time_zone": zone})
    form.offer(zone_choices(zone))
    return form


def _arrive(person_id: int) -> Response:
    if current_user.is_authenticated:
        logout_user()
    person = _sign_in(person_id)
    flash(_("Welcome, %(name)s. Your account is ready.", name=person.name), "success")
    me = actor_for(db.session(), person)
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
