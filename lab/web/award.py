"""Awards: the list of all, recording one, and the overview of one with its people, its timeline and its steering."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask_babel import get_locale
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from lab import clock
from lab.extensions import db
from lab.forms.award import AwardForm, InviteForm, SteerForm, own_ids
from lab.forms.base import LabForm
from lab.queries import calls as call_queries
from lab.queries.awards import definition_of_call
from lab.queries.portfolio import EXPORT_LIMIT, Filters, list_awards
from lab.queries.team import prizes_taken, team_of
from lab.queries.timeline import list_events
from lab.rules import calls, lifecycle
from lab.rules.facts import AwardFacts, Role, Stage
from lab.rules.lifecycle import STAGE_NAMES
from lab.rules.obligations import PARTY_NAMES, ObligationKind, Party
from lab.rules.permissions import Action
from lab.services import award as service
from lab.web.access import actor, allowed, door
from lab.web.attempts import attempt, carry_out, press
from lab.web.frame import Frame, award_page, load_frame
from lab.web.history import item_of
from lab.web.task_links import NextStep, href_of, parties_of, task, tasks, title_of
from lab.web.whereabouts import place
from lab.web.words import day, due, locale, money, say

if TYPE_CHECKING:
    from lab.models import TeamMember

bp = Blueprint("award", __name__)

# What is due from a reader later than this is not their next step while somebody else's turn comes first.
NEAR = timedelta(days=14)
TURNS = ("suspend", "resume", "terminate", "withdraw")


@dataclass(frozen=True)
class Pages:
    """Where a reader is in a long list, for the macro ``pages``."""

    number: int
    total_pages: int
    prev_href: str
    next_href: str
    text: str = ""


def pages(endpoint: str, number: int, total: int, **values: Any) -> Pages:
    """The links to the pages beside page ``number`` of ``total``."""
    before = url_for(endpoint, page=number - 1, **values) if number > 1 else ""
    after = url_for(endpoint, page=number + 1, **values) if number < total else ""
    return Pages(number, total, before, after)


@dataclass(frozen=True)
class Line:
    """An award in the list."""

    code: str
    project: str
    organisation: str
    country: str
    stage: str
    stage_label: str
    amount: str
    next: str
    turn: str
    due_text: str
    tone: str


def read_filters(args: Mapping[str, str]) -> Filters:
    """What the list is narrowed to, as its form sends it."""
    return Filters(args.get("call", ""), args.get("stage", ""), args.get("q", "").strip()[:100])


@door(bp, "/awards", Action.SEE_PORTFOLIO)
def index() -> str:
    """Every award, narrowed by call, stage and words."""
    filters = read_filters(request.args)
    found = list_awards(db.session(), filters, request.args.get("page", 1, type=int))
    definitions = {call.code: definition_of_call(call) for call, _number in call_queries.all_calls(db.session())}
    lines = []
    for row in found.rows:
        # A suspended award stands still: nothing on it is late, and it is nobody's turn.
        award, duty = row.award, row.next if row.award.stage != Stage.SUSPENDED else None
        shown = due(duty.due_at, definitions[award.call.code].time_zone) if duty else None
        lines.append(
            Line(
                code=award.code, project=award.project, organisation=award.organisation.legal_name,
                country=country_name(award.organisation.country), stage=award.stage, stage_label=say(STAGE_NAMES[Stage(award.stage)]),
                amount=money(award.amount, award.currency), next=title_of(duty) if duty else "",
                turn=say(PARTY_NAMES[Party(duty.debtor)]) if duty else "", due_text=shown.label if shown else "",
                tone=shown.tone if shown else "plain",
            )
        )  # fmt: skip
    return render_template(
        "award/index.html",
        lines=lines,
        total=found.total,
        limit=EXPORT_LIMIT,
        filters=filters,
        calls=[(code, calls.text(item.title, locale())) for code, item in definitions.items()],
        stages=[(stage.value, say(label)) for stage, label in STAGE_NAMES.items()],
        page=pages("award.index", found.number, found.pages, call=filters.call, stage=filters.stage, q=filters.text),
    )


def country_name(code: str) -> str:
    """A country in the reader's language."""
    return str(get_locale().territories.get(code, code))


@door(bp, "/awards/new", Action.RECORD_AWARD, methods=("GET", "POST"), fresh=True)
def new() -> str | Response | tuple[str, int]:
    """Record a winner of a call."""
    form = AwardForm()
    form.offer(_prizes())
    code = attempt(form, lambda: _record(form)) if request.method == "POST" else None
    if code is not None:
        flash(_("Award recorded. %(name)s has been sent an invitation.", name=form.lead_name.data), "success")
        return redirect(url_for("award.show", award_code=code), 303)
    return render_template("award/new.html", form=form), 422 if request.method == "POST" else 200


def _prizes() -> list[tuple[str, str]]:
    taken = prizes_taken(db.session())
    found = []
    for call, _number in call_queries.all_calls(db.session()):
        definition = definition_of_call(call)
        for prize in definition.prizes:
            if (call.id, prize.key) not in taken:
                title = f"{calls.text(definition.title, locale())}: {calls.text(prize.label, locale())}"
                found.append((f"{call.code}|{prize.key}", f"{title}, {money(prize.amount, prize.currency)}"))
    return found


def _record(form: AwardForm) -> str:
    call_code, _bar, prize = (form.prize.data or "").partition("|")
    return service.record_award(
        actor(),
        clock.now(),
        call_code=call_code,
        prize=prize,
        organisation={name: form[name].data or "" for name in ("legal_name", "kind", "country")},
        registered_on=form.registered_on.data,
        account={name: form[name].data or "" for name in ("holder", "bank", "number", "swift")},
        project=form.project.data or "",
        summary=form.summary.data or "",
        notice_on=form.notice_on.data,
        local_currency=form.local_currency.data or "",
        language=form.language.data or "",
        lead_name=form.lead_name.data or "",
        lead_email=form.lead_email.data or "",
        mentors=form.named_mentors(),
    )


def _next_step(frame: Frame, mine: frozenset[Party]) -> NextStep:
    stage, zone = frame.stage, frame.definition.time_zone
    if frame.ended:
        text = _("Nothing is due any more. Everything stays readable: the timeline says what happened.")
        return NextStep(frame.stage_label, text, tone="done" if stage is Stage.CLOSED else "wait")
    if stage is Stage.SUSPENDED:
        text = _("No money is released until the programme officer resumes the award. The timeline has the reason.")
        return NextStep(_("Suspended since %(day)s", day=day(frame.award.stage_since)), text, tone="wait")
    own = next((item for item in frame.obligations if Party(item.debtor) in mine), None)
    if own is not None and (own is frame.obligations[0] or own.due_at - clock.now() < NEAR):
        when = due(own.due_at, zone)
        both = f"{when.reader} ({when.geneva})" if when.geneva else when.reader
        text = _("Due %(when)s: %(left)s.", when=both, left=when.label)
        action = _("See what proves it") if own.kind == ObligationKind.REACH_MILESTONE else _("Do it now")
        return NextStep(title_of(own), text, href_of(own), action, "late" if when.tone == "late" else "")
    if frame.obligations:
        first = frame.obligations[0]
        who = say(PARTY_NAMES[Party(first.debtor)])
        text = _(
            "%(task)s, open since %(since)s, due %(when)s.",
            task=title_of(first), since=day(first.opened_at), when=due(first.due_at, zone).reader,
        )  # fmt: skip
        return NextStep(_("Waiting for: %(who)s", who=who), text, tone="wait")
    return NextStep(_("Nothing is due now"), tone="done")


def _steering(stage: Stage, refused: dict[str, LabForm]) -> list[tuple[str, SteerForm]]:
    """The turns that this reader may give the award in its stage, each with its form; one just refused stays, with its reasons."""
    found = []
    facts = AwardFacts(stage=stage)
    for name in TURNS:
        action = Action.WITHDRAW_AWARD if name == "withdraw" else Action.STEER_AWARD
        if allowed(action) and (name in refused or not lifecycle.blockers(name, facts, clock.now())):
            form = refused.get(name) or SteerForm(formdata=None)
            own_ids(form, name)
            found.append((name, form))
    return found


def _invite_form() -> InviteForm:
    form = InviteForm()
    roles = [(Role.MEMBER.value, _("Team member"))]
    if Role.OFFICER in actor().roles_on(g.scope):
        roles += [(Role.MENTOR.value, _("Mentor")), (Role.LEAD.value, _("Team lead"))]
    form.offer(roles)
    own_ids(form, "invite")
    return form


def _removable(team: list[TeamMember]) -> set[int]:
    """Who of the people may be taken off by this reader, as the service judges it."""
    officer = Role.OFFICER in actor().roles_on(g.scope)
    leads = [one.person for one in team if one.role == Role.LEAD]
    arrived = [person for person in leads if person.password is not None and person.active]
    found = set()
    for one in team:
        others = {person.id for person in (leads if one.person.password is None else arrived)} - {one.person_id}
        if one.role == Role.MEMBER or (officer and (one.role != Role.LEAD or others)):
            found.add(one.person_id)
    return found


def _overview(award_code: str, status: int = 200, **refused: LabForm) -> Any:
    frame = load_frame(award_code, "award.show")
    mine = parties_of(actor(), g.scope)
    zone = frame.definition.time_zone
    going = [] if frame.stage is Stage.SUSPENDED else frame.obligations
    own = [item for item in going if Party(item.debtor) in mine]
    team = team_of(db.session(), frame.award.id)
    # A call loaded again may have lost the prize; the award keeps its key.
    prizes = {prize.key: calls.text(prize.label, locale()) for prize in frame.definition.prizes}
    return award_page(
        "award/show.html",
        award_code,
        "award.show",
        frame,
        status,
        step=_next_step(frame, mine),
        own=tasks(own, zone=zone, with_award=False),
        others=[task(item, zone=zone, with_award=False, with_owner=True) for item in going if item not in own],
        facts=[
            (_("Organisation"), frame.award.organisation.legal_name),
            (_("Country"), country_name(frame.award.organisation.country)),
            (_("Prize"), prizes.get(frame.award.prize, frame.award.prize)),
            (_("Award"), money(frame.award.amount, frame.award.currency)),
            (_("Paid in"), frame.award.local_currency),
            (_("Notice of award"), day(frame.award.notice_on)),
            (_("Programme officer"), frame.award.officer.name),
            (_("Code"), frame.award.code),
        ],
        team=team,
        removable=_removable(team),
        role_labels={role.value: say(label) for role, label in service.ROLE_LABELS.items()},
        invite_form=(refused.get("invite") or _invite_form())
        if allowed(Action.EDIT_TEAM) and not frame.ended
        else None,
        steering=_steering(frame.stage, refused),
    )


@door(bp, "/awards/<award_code>", Action.SEE_AWARD)
def show(award_code: str) -> Any:
    """What is next for this reader, and the award at a glance."""
    return _overview(award_code)


@door(bp, "/awards/<award_code>/timeline", Action.SEE_AWARD)
def timeline(award_code: str) -> Any:
    """What happened, newest first."""
    frame = load_frame(award_code, "award.timeline")
    found = list_events(db.session(), frame.award.id, request.args.get("page", 1, type=int))
    return award_page(
        "award/timeline.html",
        award_code,
        "award.timeline",
        frame,
        items=[item_of(event, frame.definition) for event in found.events],
        page=pages("award.timeline", found.number, found.pages, award_code=award_code),
    )


def _back(award_code: str, anchor: str | None = None) -> Response:
    return redirect(url_for("award.show", award_code=award_code, _anchor=anchor), 303)


@door(bp, "/awards/<award_code>/team", Action.EDIT_TEAM, methods=("POST",), fresh=True)
def invite(award_code: str) -> Any:
    """Invite a member or a mentor."""
    form = _invite_form()
    done = attempt(
        form,
        lambda: service.invite_member(
            actor(),
            clock.now(),
            award_code,
            form.name.data or "",
            form.email.data or "",
            Role(form.role.data),
            place(),
        ),
    )
    if done is None:
        return _overview(award_code, 422, invite=form)
    flash(_("%(name)s has been invited by e-mail.", name=form.name.data), "success")
    return _back(award_code, "team")


@door(bp, "/awards/<award_code>/team/<int:person_id>/remove", Action.EDIT_TEAM, methods=("POST",), fresh=True)
def remove(award_code: str, person_id: int) -> Response:
    """Take somebody off the award."""
    press(
        lambda: service.remove_member(actor(), clock.now(), award_code, person_id, place()),
        _("Taken off the award. What they did stays on record; an invitation that was not used no longer works."),
    )
    return _back(award_code, "team")


@door(bp, "/awards/<award_code>/team/<int:person_id>/invite", Action.EDIT_TEAM, methods=("POST",), fresh=True)
def invite_again(award_code: str, person_id: int) -> Response:
    """Send somebody's invitation again."""
    press(
        lambda: service.send_invitation_again(actor(), clock.now(), award_code, person_id, place()),
        _("A new invitation is on its way; the link sent before no longer works."),
    )
    return _back(award_code, "team")


def _turn(award_code: str, transition: str, done: str) -> Any:
    form = SteerForm()
    if carry_out(form, lambda: service.steer(actor(), clock.now(), award_code, transition, form.reason.data or "")):
        flash(done, "success")
        return _back(award_code)
    return _overview(award_code, 422, **{transition: form})


@door(bp, "/awards/<award_code>/steer/<transition>", Action.STEER_AWARD, methods=("POST",))
def steer(award_code: str, transition: str) -> Any:
    """Suspend, resume or terminate the award, with a reason."""
    done = {
        "suspend": _("The award is suspended: no money is released until it is resumed."),
        "resume": _("The award goes on where it was."),
        "terminate": _("The award is terminated."),
    }
    return _turn(award_code, transition, done.get(transition, ""))


@door(bp, "/awards/<award_code>/withdraw", Action.WITHDRAW_AWARD, methods=("POST",), fresh=True)
def withdraw(award_code: str) -> Any:
    """The team withdraws, with a reason."""
    return _turn(award_code, "withdraw", _("Your team has withdrawn from the award."))
