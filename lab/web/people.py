"""People: accounts, their state and their roles, for administrators. Nothing of the programme is shown here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from lab import clock
from lab.extensions import db
from lab.forms.people import InviteForm, RoleForm
from lab.queries import people_list
from lab.queries.awards import definition_of_call
from lab.queries.calls import all_calls
from lab.queries.people_list import Account, AccountState, Held
from lab.queries.second_factor import factors_of
from lab.rules.calls import text
from lab.rules.errors import NotFound
from lab.rules.facts import Role
from lab.rules.permissions import Action
from lab.rules.text import N_
from lab.services import people
from lab.services.award import ROLE_LABELS
from lab.web.access import actor, door
from lab.web.attempts import attempt, press
from lab.web.award import pages
from lab.web.scanner import scanner_state
from lab.web.whereabouts import place
from lab.web.words import locale, say

bp = Blueprint("people", __name__)
STATES: dict[AccountState, str] = {
    AccountState.INVITED: N_("invited"),
    AccountState.ACTIVE: N_("active"),
    AccountState.DISABLED: N_("disabled"),
}
_LABELS: dict[Role, str] = {**ROLE_LABELS, **people.PROGRAMME_ROLES, Role.COMMITTEE: people.COMMITTEE_LABEL}


@dataclass(frozen=True)
class HeldRole:
    """A role as shown; ``value`` is what the form to take it away sends, empty when it is given on an award."""

    label: str
    value: str


@dataclass(frozen=True)
class Line:
    """A person in the list."""

    id: int
    name: str
    email: str
    state: str
    state_label: str
    roles: list[str]


def _titles() -> dict[str, str]:
    """The title of every call by its code."""
    return {call.code: text(definition_of_call(call).title, locale()) for call, _number in all_calls(db.session())}


def _role(held: Held, titles: dict[str, str]) -> HeldRole:
    label = say(_LABELS[held.role])
    if held.role is Role.COMMITTEE:
        return HeldRole(f"{label}: {titles[held.call_code]}", f"{held.role}|{held.call_code}")
    return HeldRole(label, held.role.value if held.role in people.PROGRAMME_ROLES else "")


def _choices(titles: dict[str, str]) -> list[tuple[str, str]]:
    found = [(role.value, say(label)) for role, label in people.PROGRAMME_ROLES.items()]
    seat = say(people.COMMITTEE_LABEL)
    return found + [(f"{Role.COMMITTEE}|{code}", f"{seat}: {title}") for code, title in titles.items()]


@door(bp, "/people", Action.SEE_PEOPLE)
def index() -> str:
    """Every account, narrowed by words and state."""
    wanted = request.args.get("q", "").strip()[:100]
    state = request.args.get("state", "")
    found = people_list.list_people(db.session(), wanted, state, request.args.get("page", 1, type=int))
    titles = _titles()
    lines = [
        Line(
            row.person.id, row.person.name, row.person.email, row.state.value, say(STATES[row.state]),
            [_role(held, titles).label for held in row.held],
        )
        for row in found.rows
    ]  # fmt: skip
    return render_template(
        "people/index.html",
        lines=lines,
        total=found.total,
        wanted=wanted,
        state=state,
        states=[(value.value, say(label)) for value, label in STATES.items()],
        scanner=scanner_state(),
        page=pages("people.index", found.number, found.pages, q=wanted, state=state),
    )


@door(bp, "/people/invite", Action.EDIT_PEOPLE, methods=("GET", "POST"), fresh=True)
def invite() -> Any:
    """Invite somebody to a role over the programme, or to a call's committee."""
    form = InviteForm()
    form.offer(_choices(_titles()))
    if request.method == "POST":
        person_id = attempt(form, lambda: _invite(form))
        if person_id is not None:
            account = people_list.get_account(db.session(), person_id)
            _tell_invited(account)
            return redirect(url_for("people.show", person_id=person_id), 303)
    return render_template("people/invite.html", form=form), 422 if request.method == "POST" else 200


def _invite(form: InviteForm) -> int:
    role, call_code = form.chosen()
    return people.invite_staff(
        actor(), clock.now(), form.name.data or "", form.email.data or "", role, call_code, place()
    )


def _tell_invited(account: Account) -> None:
    if account.state is AccountState.INVITED:
        flash(_("An invitation to %(email)s is on its way.", email=account.person.email), "success")
    else:
        flash(_("%(name)s had an account already: the role was added to it.", name=account.person.name), "success")


def _page(person_id: int, status: int = 200, form: RoleForm | None = None) -> Any:
    account = people_list.get_account(db.session(), person_id)
    titles = _titles()
    held = [_role(item, titles) for item in account.held]
    mine = {role.value for role in held}
    form = form or RoleForm(formdata=None)
    form.offer([(value, label) for value, label in _choices(titles) if value not in mine])
    return render_template(
        "people/show.html",
        person=account.person,
        state=account.state.value,
        state_label=say(STATES[account.state]),
        held=held,
        factors=factors_of(db.session(), person_id),
        form=form,
        is_me=person_id == actor().person_id,
        own_admin=Role.ADMIN.value if person_id == actor().person_id else "",
    ), status


@door(bp, "/people/<int:person_id>", Action.SEE_PEOPLE)
def show(person_id: int) -> Any:
    """One person's account."""
    return _page(person_id)


def _back(person_id: int) -> Response:
    return redirect(url_for("people.show", person_id=person_id), 303)


@door(bp, "/people/<int:person_id>/roles", Action.EDIT_PEOPLE, methods=("POST",), fresh=True)
def give_role(person_id: int) -> Any:
    """Give a role."""
    form = RoleForm()
    form.offer(_choices(_titles()))

    def act() -> bool:
        role, call_code = form.chosen()
        people.give_role(actor(), clock.now(), person_id, role, call_code, place())
        return True

    if attempt(form, act) is None:
        return _page(person_id, 422, form)
    flash(_("The role is given."), "success")
    return _back(person_id)


@door(bp, "/people/<int:person_id>/roles/take", Action.EDIT_PEOPLE, methods=("POST",), fresh=True)
def take_role(person_id: int) -> Response:
    """Take a role away."""
    role, _bar, call_code = request.form.get("role", "").partition("|")
    if role not in {*people.PROGRAMME_ROLES, Role.COMMITTEE}:
        raise NotFound("role")
    press(
        lambda: people.take_role(actor(), clock.now(), person_id, Role(role), call_code, place()),
        _("The role is taken away. What this person did stays on record."),
    )
    return _back(person_id)


@door(bp, "/people/<int:person_id>/disable", Action.EDIT_PEOPLE, methods=("POST",), fresh=True)
def disable(person_id: int) -> Response:
    """Disable an account."""
    press(
        lambda: people.set_active(actor(), clock.now(), person_id, False, place()),
        _("The account is disabled: its owner is signed out everywhere and cannot sign in."),
    )
    return _back(person_id)


@door(bp, "/people/<int:person_id>/sign-out", Action.EDIT_PEOPLE, methods=("POST",), fresh=True)
def sign_out(person_id: int) -> Response:
    """Sign somebody out on every device."""
    press(
        lambda: people.sign_out_everywhere(actor(), clock.now(), person_id, place()),
        _("Signed out everywhere. The account stays as it is: its owner can sign in again."),
    )
    return _back(person_id)


@door(bp, "/people/<int:person_id>/revoke", Action.EDIT_PEOPLE, methods=("POST",), fresh=True)
def revoke(person_id: int) -> Response:
    """Take an invitation back."""
    press(
        lambda: people.revoke_invitation(actor(), clock.now(), person_id, place()),
        _("The invitation is taken back: its link no longer works."),
    )
    return _back(person_id)


@door(bp, "/people/<int:person_id>/enable", Action.EDIT_PEOPLE, methods=("POST",), fresh=True)
def enable(person_id: int) -> Response:
    """Enable a disabled account again."""
    press(lambda: people.set_active(actor(), clock.now(), person_id, True, place()), _("The account is enabled again."))
    return _back(person_id)


@door(bp, "/people/<int:person_id>/invite", Action.EDIT_PEOPLE, methods=("POST",), fresh=True)
def invite_again(person_id: int) -> Response:
    """Send the invitation again."""
    press(
        lambda: people.invite_again(actor(), clock.now(), person_id, place()),
        _("A new invitation is on its way; the link sent before no longer works."),
    )
    return _back(person_id)
