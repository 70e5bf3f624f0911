"""Helping somebody back in who has lost their password and their phone: by an officer on an award, by an administrator."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, flash, g, redirect, render_template, url_for
from flask_babel import gettext as _

from lab import clock
from lab.extensions import db
from lab.forms.people import HelpForm
from lab.queries import people_list
from lab.queries.team import person_on_award
from lab.rules.permissions import Action
from lab.services import recovery
from lab.web.access import actor, door
from lab.web.attempts import carry_out
from lab.web.whereabouts import place

bp = Blueprint("helping", __name__)
_ON_AWARD = "/awards/<award_code>/people/<int:person_id>/help"
_ANYBODY = "/people/<int:person_id>/help"


def _page(name: str, email: str, back: str, form: HelpForm | None = None) -> Any:
    page = render_template("people/help.html", form=form or HelpForm(formdata=None), name=name, email=email, back=back)
    return page, 422 if form else 200


def _help(name: str, email: str, back: str, act: Callable[[str], None]) -> Any:
    form = HelpForm()
    if not carry_out(form, lambda: act(form.how.data or "")):
        return _page(name, email, back, form)
    flash(_("A link to begin anew is on its way to %(email)s. It works for two days.", email=email), "success")
    return redirect(back, 303)


@door(bp, _ON_AWARD, Action.HELP_BACK_IN)
def team(award_code: str, person_id: int) -> Any:
    """What helping somebody of the team back in does, and the form."""
    person = person_on_award(db.session(), g.scope.award_id, person_id)
    return _page(person.name, person.email, url_for("award.show", award_code=award_code, _anchor="team"))


@door(bp, _ON_AWARD, Action.HELP_BACK_IN, methods=("POST",), fresh=True)
def help_team(award_code: str, person_id: int) -> Any:
    """Help somebody of the team, or a mentor, back in."""
    person = person_on_award(db.session(), g.scope.award_id, person_id)
    name, email = person.name, person.email
    return _help(
        name,
        email,
        url_for("award.show", award_code=award_code, _anchor="team"),
        lambda how: recovery.help_team(actor(), clock.now(), clock.wall(), award_code, person_id, how, place()),
    )


@door(bp, _ANYBODY, Action.EDIT_PEOPLE)
def person(person_id: int) -> Any:
    """The same for anybody."""
    found = people_list.get_account(db.session(), person_id).person
    return _page(found.name, found.email, url_for("people.show", person_id=person_id))


@door(bp, _ANYBODY, Action.EDIT_PEOPLE, methods=("POST",), fresh=True)
def help_person(person_id: int) -> Any:
    """Help anybody back in."""
    found = people_list.get_account(db.session(), person_id).person
    name, email = found.name, found.email
    return _help(
        name,
        email,
        url_for("people.show", person_id=person_id),
        lambda how: recovery.help_person(actor(), clock.now(), clock.wall(), person_id, how, place()),
    )
