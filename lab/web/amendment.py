"""Amendments of the agreement: the list, and one with everything it touches, read and judged. ``amendment_edit`` asks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, flash, redirect, url_for
from flask_babel import gettext as _

from lab import clock
from lab.extensions import db
from lab.forms.amendment_review import ApproveForm, CommitteeForm, ReasonForm
from lab.forms.award import own_ids
from lab.forms.base import LabForm
from lab.queries.amendment import AmendmentPage, amendments_of, get_amendment, terms_of
from lab.queries.awards import facts_of
from lab.rules.amendment import (
    AMENDABLE,
    KIND_NAMES,
    AmendmentKind,
    Terms,
    amending_blockers,
    beyond_ceiling,
    shown_hash,
    side_of,
    terms_from_json,
)
from lab.rules.amendment_effect import amended
from lab.rules.amendment_preview import preview
from lab.rules.clauses import OTHER_SIDE
from lab.rules.errors import NotFound
from lab.rules.facts import Scope
from lab.rules.permissions import Action
from lab.rules.review import EDITABLE, STATE_NAMES, ReviewState
from lab.services import amendment as service
from lab.web.access import actor, allowed, door
from lab.web.amendment_views import ChangeView, change_view, side_name
from lab.web.attempts import carry_out, press
from lab.web.frame import Frame, award_page, load_frame
from lab.web.words import day, instant, say

bp = Blueprint("amendment", __name__)
_BASE = "/awards/<award_code>/amendments"
HERE = "agreement.show"
_ONE = f"{_BASE}/<int:number>"


@dataclass(frozen=True)
class Listed:
    """An amendment in the list."""

    number: int
    kind: str
    side: str
    state: str
    state_label: str
    when: str
    mine: bool


@door(bp, _BASE, Action.SEE_AMENDMENTS)
def index(award_code: str) -> Any:
    """Every amendment of the award that the reader may know of, and the way to ask for one."""
    frame = load_frame(award_code, HERE)
    mine = my_side(frame)
    rows = [
        Listed(
            row.number, say(KIND_NAMES[AmendmentKind(row.kind)]), side_name(row.side), row.state,
            say(STATE_NAMES[row.state]), instant(row.at) if row.at else "", row.side == mine,
        )
        for row in amendments_of(db.session(), frame.award.id)
        # What nobody has sent yet is its own side's.
        if row.versions or row.side == mine
    ]  # fmt: skip
    blockers = (
        [say(reason) for reason in amending_blockers(facts_of(db.session(), frame.award, clock.now()))] if mine else []
    )
    return award_page("amendment/index.html", award_code, HERE, frame, rows=rows, blockers=blockers)


def my_side(frame: Frame) -> str:
    """The side that the reader speaks for; empty for those who speak for none."""
    if not allowed(Action.REQUEST_AMENDMENT):
        return ""
    return side_of(actor().roles_on(Scope(call_id=frame.award.call_id, award_id=frame.award.id)))


@dataclass(frozen=True)
class Effect:
    """What an amendment touches, as it is shown; ``problems`` keep it from being applied now, ``hash`` names what is shown.

    ``ceiling``: the day that the pilot would pass; ``changed``: the award is no longer what it was when this was sent.
    """

    view: ChangeView | None
    problems: list[str]
    hash: str = ""
    ceiling: str = ""
    until: str = ""
    changed: bool = False


def _effect(frame: Frame, page: AmendmentPage) -> Effect | None:
    """Of one that is applied, what it changed; of one that waits, what it would change now; else what was asked."""
    if page.applied is not None:
        kept = (terms_from_json(page.applied.before), terms_from_json(page.applied.after))
        return Effect(change_view(*kept, frame.definition), [])
    newest = page.newest
    if newest is None:
        return None
    asked = newest.content["asked"]
    before, after = terms_from_json(asked["before"]), terms_from_json(asked["after"])
    if page.state is not ReviewState.SUBMITTED or frame.stage not in AMENDABLE:
        return Effect(change_view(before, after, frame.definition), [])
    return _effect_now(frame, page, before, after)


def _effect_now(frame: Frame, page: AmendmentPage, before: Terms, after: Terms) -> Effect:
    assert page.newest is not None
    terms, ground = terms_of(db.session(), frame.award, clock.now())
    outcome = amended(terms, ground, AmendmentKind(page.kind), page.newest.content)
    if outcome.after is None:
        problems = [say(problem.message) for problem in outcome.problems]
        return Effect(change_view(before, after, frame.definition), problems)
    ceiling = beyond_ceiling(terms, outcome.after, frame.definition)
    return Effect(
        change_view(terms, outcome.after, frame.definition), [say(problem.message) for problem in outcome.problems],
        shown_hash(terms, outcome.after), day(ceiling) if ceiling else "", day(outcome.after.pilot_ends),
        # What was spent meanwhile is another ground and no other change: then the two are worked out and compared.
        changed=(terms, outcome.after) != (before, after)
        and preview(terms, outcome.after) != preview(before, after),
    )  # fmt: skip


@door(bp, _ONE, Action.SEE_AMENDMENTS)
def show(award_code: str, number: int) -> Any:
    """One amendment: what it touches, where it stands, and what the reader can do about it."""
    return shown(award_code, number)


def shown(award_code: str, number: int, status: int = 200, failed: tuple[str, LabForm] | None = None) -> Any:
    """The amendment's page; ``failed`` is a form that was refused, by what it does."""
    frame = load_frame(award_code, HERE)
    page = get_amendment(db.session(), frame.award.id, number)
    mine = my_side(frame)
    own = page.side == mine
    if page.newest is None and not own:
        # A draft is its own side's until it is sent.
        raise NotFound("amendment")
    effect = _effect(frame, page)
    waits = page.state is ReviewState.SUBMITTED
    running = frame.stage in AMENDABLE
    return award_page(
        "amendment/show.html", award_code, HERE, frame, status,
        page=page, number=number, effect=effect, own=own, waits=waits, version=page.newest,
        title=_("Amendment %(number)s: %(kind)s", number=number, kind=say(KIND_NAMES[AmendmentKind(page.kind)])),
        state_label=say(STATE_NAMES[page.state]), asked_by=side_name(page.side),
        judged_by=side_name(OTHER_SIDE[page.side]),
        reason=page.newest.content["reason"] if page.newest else "",
        committee=_committee(page, effect), rounds=_rounds(page),
        stopped=[say(reason) for reason in amending_blockers(facts_of(db.session(), frame.award, clock.now()))]
        if waits and not running
        else [],
        can_edit=own and page.state in EDITABLE and running,
        can_withdraw=own and (waits or page.state in EDITABLE),
        **_forms(page, effect, judge=bool(mine) and not own and waits, running=running, failed=failed),
    )  # fmt: skip


def _committee(page: AmendmentPage, effect: Effect | None) -> str:
    """Where the steering committee stands, in a sentence; empty when nothing is asked of it."""
    said: str = ""
    if page.decision is not None:
        sentence = (
            _("The steering committee agrees: %(title)s (%(who)s, %(when)s).")
            if page.decision.agrees
            else _("The steering committee does not agree: %(title)s (%(who)s, %(when)s).")
        )
        said = sentence % {
            "who": page.decision.author.name, "when": instant(page.decision.at), "title": page.decision.title
        }  # fmt: skip
    elif effect is not None and effect.ceiling:
        said = _(
            "The pilot would end on %(until)s, after its ceiling of %(ceiling)s: the steering committee decides first.",
            until=effect.until,
            ceiling=effect.ceiling,
        )
    return said


def _rounds(page: AmendmentPage) -> list[str]:
    """What became of the versions before the newest, and what the committee had decided on them."""
    found = []
    for version in page.versions[:-1]:
        sent = {"number": version.number, "when": instant(version.submitted_at)}
        if version.decider is not None:
            found.append(
                _(
                    "Version %(number)s, sent %(when)s: %(who)s asked for changes: %(reason)s",
                    who=version.decider.name,
                    reason=version.reason,
                    **sent,
                )
            )
        else:
            found.append(_("Version %(number)s, sent %(when)s: taken back by whoever asked.", **sent))
        found += [
            _("The steering committee on version %(number)s: %(title)s", number=version.number, title=decision.title)
            for decision in page.decisions
            if decision.version_id == version.id
        ]
    return found


def _forms(
    page: AmendmentPage, effect: Effect | None, *, judge: bool, running: bool, failed: tuple[str, LabForm] | None
) -> dict[str, Any]:
    version = page.newest.number if page.newest else 0
    given = dict([failed] if failed else [])

    def form(name: str, kind: type[LabForm], **values: Any) -> LabForm:
        made = given.get(name) or kind(formdata=None, version=version, **values)
        own_ids(made, name)
        return made

    decides = allowed(Action.DECIDE_AMENDMENT) and bool(effect and effect.ceiling)
    possible = judge and running and effect is not None and not effect.problems
    waits_for_committee = bool(effect and effect.ceiling) and not (page.decision and page.decision.agrees)
    return {
        "approve_form": form("approve", ApproveForm, shown=effect.hash) if possible and effect else None,
        "approve_blocked": waits_for_committee,
        "changes_form": form("changes", ReasonForm) if judge else None,
        "refuse_form": form("refuse", ReasonForm) if judge else None,
        "committee_form": form("committee", CommitteeForm) if decides else None,
        "failed": failed[1] if failed else None,
    }


def _back(award_code: str, number: int) -> Any:
    return redirect(url_for("amendment.show", award_code=award_code, number=number), 303)


# Judging ---------------------------------------------------------------------------------------------------------


@door(bp, f"{_ONE}/approve", Action.REQUEST_AMENDMENT, methods=("POST",), fresh=True)
def approve(award_code: str, number: int) -> Any:
    """Agree, and apply everything that was shown."""
    form = ApproveForm()
    if carry_out(
        form,
        lambda: service.approve(actor(), clock.now(), award_code, number, form.number, form.shown.data or ""),
    ):
        flash(
            _("The amendment is approved, and all that it changes is in place. The other side has been told."),
            "success",
        )
        return _back(award_code, number)
    # What is shown now is agreed to anew.
    reasons = list(form.form_errors)
    fresh = ApproveForm(formdata=None)
    fresh.form_errors.extend(reasons)
    return shown(award_code, number, 422, ("approve-refused", fresh))


@door(bp, f"{_ONE}/changes", Action.REQUEST_AMENDMENT, methods=("POST",))
def request_changes(award_code: str, number: int) -> Any:
    """Send it back with what should change."""
    form = ReasonForm()
    if carry_out(
        form,
        lambda: service.request_changes(actor(), clock.now(), award_code, number, form.number, form.reason.data or ""),
    ):
        flash(_("The amendment has gone back. The other side has been told what should change."), "success")
        return _back(award_code, number)
    return shown(award_code, number, 422, ("changes", form))


@door(bp, f"{_ONE}/refuse", Action.REQUEST_AMENDMENT, methods=("POST",))
def refuse(award_code: str, number: int) -> Any:
    """Refuse it, with the reason."""
    form = ReasonForm()
    if carry_out(
        form,
        lambda: service.refuse(actor(), clock.now(), award_code, number, form.number, form.reason.data or ""),
    ):
        flash(_("The amendment is refused. The other side has been told why."), "success")
        return _back(award_code, number)
    return shown(award_code, number, 422, ("refuse", form))


@door(bp, f"{_ONE}/decision", Action.DECIDE_AMENDMENT, methods=("POST",))
def decide(award_code: str, number: int) -> Any:
    """The steering committee's decision on a pilot beyond its ceiling."""
    form = CommitteeForm()
    if carry_out(
        form,
        lambda: service.decide(
            actor(), clock.now(), award_code, number, form.number, form.answer(), form.title.data or "",
            form.body.data or "",
        ),
    ):  # fmt: skip
        flash(_("The decision is recorded. Both sides have been told."), "success")
        return _back(award_code, number)
    return shown(award_code, number, 422, ("committee", form))


# Whoever asked ---------------------------------------------------------------------------------------------------


@door(bp, f"{_ONE}/take-back", Action.REQUEST_AMENDMENT, methods=("POST",))
def take_back(award_code: str, number: int) -> Any:
    """Take it back to change it."""
    done = _("You have taken the amendment back: change it, then send it again.")
    press(lambda: service.take_back(actor(), clock.now(), award_code, number), done)
    return _back(award_code, number)


@door(bp, f"{_ONE}/withdraw", Action.REQUEST_AMENDMENT, methods=("POST",))
def withdraw(award_code: str, number: int) -> Any:
    """Give it up."""
    press(lambda: service.withdraw(actor(), clock.now(), award_code, number), _("The amendment is withdrawn."))
    return redirect(url_for("amendment.index", award_code=award_code), 303)
