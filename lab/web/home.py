"""The start page: what I owe now, what others owe me, my awards, and the places where my role works."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask import Blueprint, render_template, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from lab.extensions import db
from lab.queries import tasks as queries
from lab.queries.awards import definition_of_call
from lab.rules.calls import CallDefinition, text
from lab.rules.facts import Role, Stage
from lab.rules.lifecycle import STAGE_NAMES
from lab.rules.permissions import Action, can
from lab.web.access import actor, door
from lab.web.task_links import Task, task
from lab.web.words import locale, say

if TYPE_CHECKING:
    from lab.models import Award

bp = Blueprint("home", __name__)


@dataclass(frozen=True)
class Place:
    """Where a role works: a card with one link."""

    title: str
    text: str
    href: str
    action: str


@dataclass(frozen=True)
class AwardCard:
    """An award of this person."""

    href: str
    project: str
    organisation: str
    stage: str
    stage_label: str


@door(bp, "/", Action.SIGNED_IN)
def index() -> Any:
    """Everybody's start page."""
    me, session = actor(), db.session()
    mine, others = queries.owed_by(session, me), queries.owed_to(session, me)
    awards = queries.awards_of(session, me)
    calls = {item.award.call_id for owed in (mine, others) for item in owed.first} | me.committees
    definitions = {call_id: definition_of_call(call) for call_id, call in queries.calls_of(session, calls).items()}
    places = _places({call_id: definitions[call_id] for call_id in sorted(me.committees)})
    return render_template(
        "home/index.html",
        mine=_tasks(mine, definitions),
        mine_total=mine.total,
        more_mine=_more(mine),
        others=_tasks(others, definitions, with_owner=True),
        more_others=_more(others),
        awards=[_card(award, name) for award, name in awards],
        places=places,
        nothing=_nothing(bool(awards)),
    )


def _tasks(owed: queries.Owed, definitions: dict[int, CallDefinition], *, with_owner: bool = False) -> list[Task]:
    return [task(item, zone=definitions[item.award.call_id].time_zone, with_owner=with_owner) for item in owed.first]


def _more(owed: queries.Owed) -> str:
    hidden = owed.total - len(owed.first)
    return str(ngettext("and %(num)d more, due later", "and %(num)d more, due later", hidden)) if hidden > 0 else ""


def _card(award: Award, organisation: str) -> AwardCard:
    href = url_for("award.show", award_code=award.code)
    return AwardCard(href, award.project, organisation, award.stage, say(STAGE_NAMES[Stage(award.stage)]))


def _places(committees: dict[int, CallDefinition]) -> list[Place]:
    me = actor()
    found = []
    if can(me, Action.RECORD_AWARD):
        found.append(
            Place(
                _("A new winner"),
                _("Record an award: its team is invited and the three weeks for its workplan begin."),
                url_for("award.new"),
                _("Record an award"),
            )
        )
    if can(me, Action.SEE_PORTFOLIO):
        told = _("Every award, its stage, and whose turn it is.")
        found.append(Place(_("All awards"), told, url_for("award.index"), _("See all awards")))
    for definition in committees.values():
        title = text(definition.title, locale())
        told = _(
            "Time, money and results of every pilot of this call on one page. Decisions are recorded on the award."
        )
        found.append(Place(title, told, url_for("call.pilots", call_code=definition.code), _("See the pilots")))
    if can(me, Action.SEE_PEOPLE):
        told = _("Accounts and roles: invite somebody, give or take a role, disable an account.")
        found.append(Place(_("People"), told, url_for("people.index"), _("See people")))
    if can(me, Action.SEE_OUTBOX):
        told = _("Every mail that was written, and whether it left.")
        found.append(Place(_("Outbox"), told, url_for("outbox.index"), _("See the outbox")))
    if can(me, Action.SEE_SECURITY):
        told = _("Who got in, who was refused, and what changed about accounts.")
        found.append(Place(_("Security"), told, url_for("security.index"), _("See security events")))
    return found


def _nothing(has_awards: bool) -> str:
    """What somebody reads who owes nothing now."""
    me = actor()
    if Role.FINANCE in me.programme:
        return str(_("No account, payment or return waits for finance."))
    if Role.OFFICER in me.programme:
        return str(_("No review, signature or payment of your awards waits for you."))
    if has_awards:
        return str(_("When something is due it stands here, and a mail tells you in time."))
    if me.committees or Role.ADMIN in me.programme:
        return str(_("No deadline is yours. Below is where your work is."))
    return str(_("You have no part in an award now. If you expected one, write to the person who invited you."))
