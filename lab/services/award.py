"""Awards: recorded by an officer, their people, and the steering that any stage allows (guide §4 to §6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime

from sqlalchemy import func, select

from lab.models import (
    Award,
    BankAccount,
    Call,
    CommitteeMember,
    Condition,
    Organisation,
    Person,
    ProgrammeRole,
    TeamMember,
    Tranche,
)
from lab.queries.awards import newest_account
from lab.rules import calls
from lab.rules.award import AwardRecord, Prizes, problems_of, split_amount
from lab.rules.bank_account import clean_account
from lab.rules.calendar import local_day
from lab.rules.calls import CallDefinition
from lab.rules.disbursement import TrancheState
from lab.rules.errors import Invalid, NotAllowed, NotFound, Refused
from lab.rules.facts import TEAM, Actor, Role, Scope, Stage
from lab.rules.money import rounded
from lab.rules.obligations import Party
from lab.rules.permissions import Action, can
from lab.rules.review import DocumentKind
from lab.rules.security_events import SecurityEventKind
from lab.rules.text import N_, M
from lab.rules.workplan_content import empty_content
from lab.services.documents import new_document
from lab.services.invitations import invite, revoke_links, send_link
from lab.services.letters import tell
from lab.services.security_events import NOWHERE, note
from lab.services.security_events import Place as Origin
from lab.services.stages import move, settle
from lab.services.steps import award_for, record, session

ROLE_LABELS: dict[Role, str] = {
    Role.LEAD: N_("team lead"),
    Role.MEMBER: N_("team member"),
    Role.MENTOR: N_("mentor"),
}
_NEWS = {
    "suspend": N_("The award has been suspended."),
    "resume": N_("The award has been resumed."),
    "terminate": N_("The award has been terminated."),
    "withdraw": N_("The team has withdrawn from the award."),
}
STEERING = frozenset(_NEWS)


def record_award(
    actor: Actor,
    now: datetime,
    *,
    call_code: str,
    organisation: Mapping[str, str],
    registered_on: date | None,
    project: str,
    prize: str,
    notice_on: date | None,
    local_currency: str,
    language: str,
    lead_name: str,
    lead_email: str,
    mentors: Sequence[tuple[str, str]] = (),
    summary: str = "",
    account: Mapping[str, str] | None = None,
) -> str:
    """Record a winner of a call (guide §5) and invite its lead and mentors; the actor becomes its officer. Returns its code.

    ``organisation`` has legal_name, kind and country (two letters); ``account`` holder, bank, number and swift, or
    nothing. The amount and its currency are the prize's. Raises Invalid with every wrong field, NotAllowed.
    """
    wanted = AwardRecord(
        organisation=dict(organisation), registered_on=registered_on, account=dict(account or {}), project=" ".join(project.split()),
        summary=summary.strip(), prize=prize, notice_on=notice_on, local_currency=local_currency.strip().upper(),
        language=language, lead=(lead_name, lead_email), mentors=tuple(mentors),
    )  # fmt: skip
    call = session().scalars(select(Call).where(Call.code == call_code).with_for_update()).one_or_none()
    if call is None:
        # The rest is told at once all the same, as far as it does not hang on the call.
        anything = Prizes(frozenset(), frozenset(), frozenset({language}))
        found = problems_of(wanted, anything, now.date())
        raise Invalid(found | {"prize": M(N_("Choose one of the prizes of a call."))})
    if not can(actor, Action.RECORD_AWARD, Scope(call_id=call.id)):
        raise NotAllowed(Action.RECORD_AWARD)
    definition = calls.from_json(call.definition)
    problems = problems_of(wanted, _prizes(call, definition), local_day(now, definition.time_zone))
    if problems:
        raise Invalid(problems)
    award = _new_award(call, definition, wanted, actor, now)
    _plan_payments(award, definition)
    new_document(award, DocumentKind.WORKPLAN, 1, "", empty_content())
    record(
        award, "award_recorded", actor, now,
        prize=prize, amount=award.amount, currency=award.currency, notice_on=award.notice_on.isoformat(),
    )  # fmt: skip
    _invite_all(award, wanted, actor, now)
    settle(award, now)
    session().commit()
    return award.code


def _prizes(call: Call, definition: CallDefinition) -> Prizes:
    # A prize whose winner lapsed at the gate was never final (guide §6): it can be given to another.
    taken = session().scalars(select(Award.prize).where(Award.call_id == call.id, Award.stage != Stage.LAPSED))
    return Prizes(
        frozenset(prize.key for prize in definition.prizes), frozenset(taken), frozenset(definition.languages)
    )


def _new_award(call: Call, definition: CallDefinition, wanted: AwardRecord, actor: Actor, now: datetime) -> Award:
    assert wanted.notice_on is not None and actor.person_id is not None
    prize = next(prize for prize in definition.prizes if prize.key == wanted.prize)
    number = (session().scalar(select(func.max(Award.number)).where(Award.call_id == call.id)) or 0) + 1
    award = Award(
        code=f"{call.code}-{number}", call=call, number=number, organisation=_organisation(wanted, actor, now),
        officer=session().get_one(Person, actor.person_id), project=wanted.project, summary=wanted.summary, prize=prize.key,
        amount=rounded(prize.amount, prize.currency), currency=prize.currency, local_currency=wanted.local_currency,
        language=wanted.language, notice_on=wanted.notice_on, stage=Stage.WORKPLAN, stage_since=now, created_at=now,
    )  # fmt: skip
    session().add(award)
    session().flush()
    return award


def _organisation(wanted: AwardRecord, actor: Actor, now: datetime) -> Organisation:
    assert wanted.registered_on is not None and actor.person_id is not None
    name, country = " ".join(wanted.organisation["legal_name"].split()), wanted.organisation["country"]
    found = session().scalars(select(Organisation).where(Organisation.legal_name == name)).one_or_none()
    if found is None:
        found = Organisation(
            legal_name=name, kind=wanted.organisation["kind"], country=country, registered_on=wanted.registered_on
        )
        session().add(found)
        session().flush()
    elif (found.country, found.registered_on) != (country, wanted.registered_on):
        raise Invalid({"legal_name": M(N_(
            "An organisation of this name is known with another country or registration date: check the three, "
            "or write the name as it tells the two apart."
        ))})  # fmt: skip
    account = clean_account(wanted.account)
    if any(account.values()):
        if newest_account(session(), found.id) is not None:
            # A payment may be under way to the one that is known: it is changed where that is seen.
            raise Invalid({"number": M(N_(
                "This organisation has an account already: leave the four fields empty. It is changed on the award’s payments page."
            ))})  # fmt: skip
        session().add(
            BankAccount(
                organisation_id=found.id, holder=account["holder"], bank=account["bank"], number=account["number"],
                swift=account["swift"], currency=wanted.local_currency, entered_by=actor.person_id, entered_at=now,
            )
        )  # fmt: skip
    return found


def _plan_payments(award: Award, definition: CallDefinition) -> None:
    amounts = split_amount(award.amount, [plan.share for plan in definition.tranches], award.currency)
    for number, (plan, amount) in enumerate(zip(definition.tranches, amounts, strict=True), start=1):
        conditions = [
            Condition(kind=item.kind, label=dict(item.label), params=dict(item.params), evidence="")
            for item in plan.conditions
        ]
        session().add(
            Tranche(
                award_id=award.id, number=number, key=plan.key, amount=amount, currency=award.currency,
                state=TrancheState.PLANNED, conditions=conditions,
            )
        )  # fmt: skip
    session().flush()


def _invite_all(award: Award, wanted: AwardRecord, actor: Actor, now: datetime) -> None:
    people = [("lead_", wanted.lead, Role.LEAD)]
    people += [(f"mentors-{n}-", mentor, Role.MENTOR) for n, mentor in enumerate(wanted.mentors)]
    for prefix, (name, email), role in people:
        try:
            _join(award, name, email, role, actor, now)
        except Invalid as error:
            raise Invalid({f"{prefix}{field}": found for field, found in error.problems.items()}) from None


def _join(award: Award, name: str, email: str, role: Role, actor: Actor, now: datetime) -> Person:
    person = invite(award, email, name, ROLE_LABELS[role], actor, now)
    places = (
        session()
        .scalars(select(TeamMember).where(TeamMember.award_id == award.id, TeamMember.person_id == person.id))
        .all()
    )
    if any(place.until is None for place in places):
        raise Invalid({"email": M(N_("%(name)s is on this award already."), name=person.name)})
    if role in TEAM and session().scalar(select(func.count()).where(ProgrammeRole.person_id == person.id)):
        raise Invalid(
            {"email": M(N_("%(name)s works for the programme and cannot be on a team that it pays."), name=person.name)}
        )
    seat = select(CommitteeMember.id).where(
        CommitteeMember.person_id == person.id, CommitteeMember.call_id == award.call_id
    )
    if role in TEAM and session().scalar(seat) is not None:
        raise Invalid(
            {"email": M(N_("%(name)s sits on the committee of this call and cannot be on a team."), name=person.name)}
        )
    former = next((place for place in places if place.role == role), None)
    if former is None:
        session().add(TeamMember(award_id=award.id, person_id=person.id, role=role, since=now))
    else:
        former.since, former.until = now, None
    session().flush()
    record(award, "person_invited", actor, now, name=person.name, role=ROLE_LABELS[role])
    return person


def _editable_roles(actor: Actor, award: Award) -> frozenset[Role]:
    """Whom ``actor`` may add or take away: a lead the members of the team, the officer everybody."""
    roles = actor.roles_on(Scope(call_id=award.call_id, award_id=award.id))
    return frozenset(ROLE_LABELS) if Role.OFFICER in roles else frozenset({Role.MEMBER})


def _team_open(award: Award) -> None:
    if award.ended_at is not None:
        raise Refused(M(N_("The award has ended: its team does not change any more.")))


def invite_member(
    actor: Actor, now: datetime, award_code: str, name: str, email: str, role: Role, where: Origin = NOWHERE
) -> int:
    """Invite a member (lead or officer), a mentor or another lead (officer) to an award. Returns the person's id.

    An account of that address stays as it is, whatever ``name`` says.

    Raises Invalid for ``name``, ``email`` or ``role``; Refused once the award has ended.
    """
    award = award_for(actor, Action.EDIT_TEAM, award_code)
    _team_open(award)
    if role not in _editable_roles(actor, award):
        raise Invalid(
            {"role": M(N_("You can invite members of the team; the programme officer invites leads and mentors."))}
        )
    person = _join(award, name, email, role, actor, now)
    note(SecurityEventKind.INVITED, actor, now, where, subject_id=person.id, role=role, award=award_code)
    settle(award, now)
    session().commit()
    return person.id


def _place(award: Award, person_id: int) -> tuple[TeamMember, Person]:
    found = (
        session()
        .execute(
            select(TeamMember, Person)
            .join(Person, Person.id == TeamMember.person_id)
            .where(TeamMember.award_id == award.id, TeamMember.person_id == person_id, TeamMember.until.is_(None))
        )
        .one_or_none()
    )
    if found is None:
        raise NotFound("person")
    return found[0], found[1]


def remove_member(actor: Actor, now: datetime, award_code: str, person_id: int, where: Origin = NOWHERE) -> None:
    """End somebody's place on an award; what they did stays. The invitation of somebody who has not arrived, and has no
    other place in the programme, is taken back by it.

    Raises NotFound, Refused for the only lead or a role not one's own to change.
    """
    award = award_for(actor, Action.EDIT_TEAM, award_code)
    _team_open(award)
    place, person = _place(award, person_id)
    if place.role == Role.LEAD and not _another_lead(award, person):
        raise Refused(
            M(N_("An award always has its team lead: the lead cannot be taken off before there is another one."))
        )
    if Role(place.role) not in _editable_roles(actor, award):
        raise Refused(M(N_("Leads and mentors are named by the programme officer: ask the officer to change them.")))
    place.until = now
    record(award, "person_left", actor, now, name=person.name)
    session().flush()
    if person.password is None and not _has_a_place(person):
        revoke_links(person, actor, now, where)
    note(SecurityEventKind.ROLE_TAKEN, actor, now, where, subject_id=person.id, role=place.role, award=award_code)
    session().commit()


def _another_lead(award: Award, person: Person) -> bool:
    """Whether somebody else leads the team. Only one who has arrived can take the place of one who has."""
    arrived = [Person.active, Person.password.is_not(None)] if person.password is not None else []
    query = (
        select(TeamMember.id)
        .join(Person, Person.id == TeamMember.person_id)
        .where(
            TeamMember.award_id == award.id, TeamMember.role == Role.LEAD, TeamMember.until.is_(None),
            TeamMember.person_id != person.id, *arrived,
        )
    )  # fmt: skip
    return session().scalar(query.limit(1)) is not None


def _has_a_place(person: Person) -> bool:
    """Whether somebody is on an award, on a committee or in an office."""
    places = (
        select(TeamMember.id).where(TeamMember.person_id == person.id, TeamMember.until.is_(None)),
        select(CommitteeMember.id).where(CommitteeMember.person_id == person.id),
        select(ProgrammeRole.id).where(ProgrammeRole.person_id == person.id),
    )
    return any(session().scalar(place.limit(1)) is not None for place in places)


def send_invitation_again(
    actor: Actor, now: datetime, award_code: str, person_id: int, where: Origin = NOWHERE
) -> None:
    """Mail a fresh link, valid for 14 days, to somebody who has not joined yet. Raises NotFound, Refused once they have."""
    award = award_for(actor, Action.EDIT_TEAM, award_code)
    _team_open(award)
    place, person = _place(award, person_id)
    if person.password is not None:
        raise Refused(M(N_("%(name)s has joined already and can sign in."), name=person.name))
    send_link(award, person, ROLE_LABELS[Role(place.role)], actor, now)
    record(award, "person_invited", actor, now, name=person.name, role=ROLE_LABELS[Role(place.role)])
    note(SecurityEventKind.INVITED, actor, now, where, subject_id=person.id, role=place.role, award=award_code)
    session().commit()


def steer(actor: Actor, now: datetime, award_code: str, transition: str, reason: str) -> None:
    """Suspend, resume, terminate (officer) or withdraw (lead) an award, with its reason (guide §5).

    Raises NotFound for any other transition, NotAllowed, and Refused when the stage does not allow it or no reason is given.
    """
    if transition not in STEERING:
        raise NotFound("transition")
    action = Action.WITHDRAW_AWARD if transition == "withdraw" else Action.STEER_AWARD
    award = award_for(actor, action, award_code)
    move(award, transition, actor, reason, now)
    to = Party.OFFICER if transition == "withdraw" else Party.TEAM
    tell(award, to, M(_NEWS[transition]), f"/awards/{award.code}", now, reason)
    session().commit()
