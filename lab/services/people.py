"""Accounts: arriving by invitation, one's own profile, roles over the programme and on committees."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import available_timezones

from flask_security.utils import hash_password
from sqlalchemy import select, update

from lab.models import Award, Call, CommitteeMember, Invitation, Person, ProgrammeRole, TeamMember
from lab.rules.errors import Invalid, NotAllowed, NotFound, Refused
from lab.rules.facts import TEAM, Actor, Role
from lab.rules.languages import LANGUAGES
from lab.rules.passwords import normalized, password_problem
from lab.rules.permissions import Action, can
from lab.rules.security_events import SecurityEventKind as Kind
from lab.rules.text import N_, M, Message
from lab.services import sign_ins
from lab.services.invitations import end_links, invite, person_by_token, revoke_links, send_link, token_hash
from lab.services.letters import write
from lab.services.security_events import NOWHERE, Place, note
from lab.services.sign_ins import Entered
from lab.services.steps import record, session

PROGRAMME_ROLES: dict[Role, str] = {
    Role.OFFICER: N_("programme officer"),
    Role.FINANCE: N_("finance officer"),
    Role.ADMIN: N_("administrator"),
}
COMMITTEE_LABEL = N_("steering committee member")


def _check_profile(name: str, language: str, time_zone: str) -> dict[str, Message]:
    problems: dict[str, Message] = {}
    if not name.strip() or len(name) > 200:
        problems["name"] = M(N_("Give your full name, as you sign: 200 characters at most."))
    if language not in LANGUAGES:
        problems["language"] = M(N_("Choose one of the languages."))
    if time_zone not in available_timezones():
        problems["time_zone"] = M(N_("Choose a time zone from the list."))
    return problems


def _check_password(password: str, person: Person, field: str = "password") -> dict[str, Message]:
    problem = password_problem(password, person.name, person.email)
    return {field: problem} if problem else {}


def accept_invitation(
    now: datetime,
    wall: datetime,
    token: str,
    password: str,
    name: str,
    language: str,
    time_zone: str,
    place: Place = NOWHERE,
) -> Entered:
    """Arrive: set the first password, name, language and time zone. The link works once. Returns the new sign-in.

    Raises Refused for a link that is used or too old, Invalid per field.
    """
    person = person_by_token(token, now)
    problems = _check_profile(name, language, time_zone) | _check_password(password, person)
    if problems:
        raise Invalid(problems)
    used = session().execute(
        update(Invitation)
        .where(Invitation.token_hash == token_hash(token), Invitation.used_at.is_(None))
        .values(used_at=now)
        .returning(Invitation.id)
    )
    if used.scalar() is None:
        raise Refused(M(N_("This invitation was used already: sign in with the password you chose.")))
    person.password = hash_password(normalized(password))
    person.name, person.language, person.time_zone = " ".join(name.split()), language, time_zone
    record(None, "person_joined", _self(person), now, name=person.name)
    note(Kind.JOINED, _self(person), wall, place, subject_id=person.id)
    entered = sign_ins.open_sign_in(person.id, wall, False, place)
    session().commit()
    return entered


def _self(person: Person) -> Actor:
    return Actor(person_id=person.id, name=person.name)


def update_profile(actor: Actor, now: datetime, name: str, language: str, time_zone: str) -> None:
    """Change one's own name, language and time zone. Raises Invalid per field."""
    problems = _check_profile(name, language, time_zone)
    if problems:
        raise Invalid(problems)
    person = session().get_one(Person, actor.person_id)
    person.name, person.language, person.time_zone = " ".join(name.split()), language, time_zone
    session().commit()


def change_password(
    actor: Actor, now: datetime, wall: datetime, current: str, new: str, sign_in_id: int, place: Place
) -> Entered:
    """Change one's own password; every device that is signed in is signed out by it. Returns a new sign-in for this one.

    Raises TooMany, or Invalid for ``current`` or ``new``.
    """
    problems = _check_password(new, session().get_one(Person, actor.person_id), "new")
    if problems:
        raise Invalid(problems)
    sign_ins.confirm(actor, sign_in_id, current, wall, place, field="current")
    person = session().get_one(Person, actor.person_id, with_for_update=True)
    person.password = hash_password(normalized(new))
    entered = sign_ins.replace_all(person.id, sign_in_id, wall, place)
    end_links(person, now)
    record(None, "password_changed", actor, now, name=person.name)
    note(Kind.PASSWORD_CHANGED, actor, wall, place, subject_id=person.id)
    write(person, "security_notice", now, what=M(N_("Your password was changed.")))
    session().commit()
    return entered


def choose_language(actor: Actor, language: str) -> None:
    """Remember the language a person reads in. Raises Invalid for one that is not offered."""
    if language not in LANGUAGES:
        raise Invalid({"language": M(N_("Choose one of the languages."))})
    session().get_one(Person, actor.person_id).language = language
    session().commit()


def _administer(actor: Actor) -> None:
    if Role.SYSTEM not in actor.programme and not can(actor, Action.EDIT_PEOPLE):
        raise NotAllowed(Action.EDIT_PEOPLE)


def _person(person_id: int) -> Person:
    found = session().get(Person, person_id, with_for_update=True)
    if found is None:
        raise NotFound("person")
    return found


def invite_staff(
    actor: Actor, now: datetime, name: str, email: str, role: Role, call_code: str = "", place: Place = NOWHERE
) -> int:
    """Invite somebody to a role over the programme, or to the steering committee of a call. Returns their id.

    For administrators. Raises Invalid for ``name``, ``email``, ``role`` or ``call``.
    """
    _administer(actor)
    label = COMMITTEE_LABEL if role is Role.COMMITTEE else PROGRAMME_ROLES.get(role)
    if label is None:
        raise Invalid({"role": M(N_("Choose one of the roles: teams and mentors are invited on their award."))})
    person = invite(None, email, name, label, actor, now)
    _give(actor, now, person, role, call_code, place)
    note(Kind.INVITED, actor, now, place, subject_id=person.id, role=role)
    session().commit()
    return person.id


def _give(actor: Actor, now: datetime, person: Person, role: Role, call_code: str, place: Place = NOWHERE) -> None:
    if person.id == actor.person_id:
        raise Refused(M(N_("You cannot give yourself a role: ask another administrator.")))
    if role is Role.COMMITTEE:
        call = session().scalars(select(Call).where(Call.code == call_code)).one_or_none()
        if call is None:
            raise Invalid({"call": M(N_("Choose the call whose committee it is."))})
        if _is_paid(person, call.id):
            raise Invalid(
                {
                    "role": M(
                        N_("%(name)s is on a team of this call, and cannot decide on it as well."), name=person.name
                    )
                }
            )
        seated = select(CommitteeMember.id).where(
            CommitteeMember.call_id == call.id, CommitteeMember.person_id == person.id
        )
        if session().scalar(seated) is None:
            session().add(CommitteeMember(call_id=call.id, person_id=person.id))
            record(None, "role_given", actor, now, name=person.name, role=COMMITTEE_LABEL)
            note(Kind.ROLE_GIVEN, actor, now, place, subject_id=person.id, role=role, call=call_code)
        return
    if role not in PROGRAMME_ROLES:
        raise Invalid({"role": M(N_("Choose one of the roles."))})
    if _is_paid(person):
        raise Invalid(
            {
                "role": M(
                    N_("%(name)s is on a team that the programme pays, and cannot work for it as well."),
                    name=person.name,
                )
            }
        )
    held = select(ProgrammeRole.id).where(ProgrammeRole.person_id == person.id, ProgrammeRole.role == role)
    if session().scalar(held) is None:
        session().add(ProgrammeRole(person_id=person.id, role=role))
        sign_ins.shorten(person.id)
        record(None, "role_given", actor, now, name=person.name, role=PROGRAMME_ROLES[role])
        note(Kind.ROLE_GIVEN, actor, now, place, subject_id=person.id, role=role)


def _is_paid(person: Person, call_id: int | None = None) -> bool:
    """Whether somebody is on the team of an award (of that call) that has not ended: nobody stands on both sides."""
    place = (
        select(TeamMember.id)
        .join(Award, Award.id == TeamMember.award_id)
        .where(
            TeamMember.person_id == person.id,
            TeamMember.until.is_(None),
            TeamMember.role.in_(TEAM),
            Award.ended_at.is_(None),
        )
    )
    if call_id is not None:
        place = place.where(Award.call_id == call_id)
    return session().scalar(place.limit(1)) is not None


def give_role(
    actor: Actor, now: datetime, person_id: int, role: Role, call_code: str = "", place: Place = NOWHERE
) -> None:
    """Give a person a role over the programme or a seat on a call's committee. For administrators; twice is once.

    Raises Refused for oneself, and Invalid for somebody whom the programme pays: nobody stands on both sides.
    """
    _administer(actor)
    _give(actor, now, _person(person_id), role, call_code, place)
    session().commit()


def take_role(
    actor: Actor, now: datetime, person_id: int, role: Role, call_code: str = "", place: Place = NOWHERE
) -> None:
    """Take a role away; access ends with the next request. Raises Refused for one's own administrator role."""
    _administer(actor)
    person = _person(person_id)
    if role is Role.ADMIN and person.id == actor.person_id:
        raise Refused(M(N_("You cannot take your own administrator role: ask another administrator.")))
    rows: Sequence[CommitteeMember | ProgrammeRole]
    if role is Role.COMMITTEE:
        rows = (
            session()
            .scalars(
                select(CommitteeMember).join(Call).where(Call.code == call_code, CommitteeMember.person_id == person.id)
            )
            .all()
        )
        label = COMMITTEE_LABEL
    else:
        rows = (
            session()
            .scalars(select(ProgrammeRole).where(ProgrammeRole.person_id == person.id, ProgrammeRole.role == role))
            .all()
        )
        label = PROGRAMME_ROLES.get(role, "")
    for row in rows:
        session().delete(row)
        record(None, "role_taken", actor, now, name=person.name, role=label)
        note(Kind.ROLE_TAKEN, actor, now, place, subject_id=person.id, role=role)
    session().commit()


def set_active(actor: Actor, now: datetime, person_id: int, active: bool, place: Place = NOWHERE) -> None:
    """Disable an account, which ends its access at once everywhere, or enable it again. For administrators."""
    _administer(actor)
    person = _person(person_id)
    if person.id == actor.person_id:
        raise Refused(M(N_("You cannot disable your own account: ask another administrator.")))
    if person.active != active:
        person.active = active
        sign_ins.end_all(person.id, now)
        end_links(person, now)
        record(None, "account_enabled" if active else "account_disabled", actor, now, name=person.name)
        note(Kind.ACCOUNT_ENABLED if active else Kind.ACCOUNT_DISABLED, actor, now, place, subject_id=person.id)
    session().commit()


def sign_out_everywhere(actor: Actor, now: datetime, person_id: int, place: Place = NOWHERE) -> None:
    """End every sign-in of a person: a device was lost or somebody else is on it. For administrators."""
    _administer(actor)
    person = _person(person_id)
    sign_ins.end_all(person.id, now)
    note(Kind.SESSION_ENDED, actor, now, place, subject_id=person.id, what="all")
    session().commit()


def invite_again(actor: Actor, now: datetime, person_id: int, place: Place = NOWHERE) -> None:
    """Send a fresh link to somebody who has not arrived yet. For administrators."""
    _administer(actor)
    person = _person(person_id)
    if person.password is not None:
        raise Refused(M(N_("%(name)s has joined already and can sign in."), name=person.name))
    send_link(None, person, N_("colleague"), actor, now)
    note(Kind.INVITED, actor, now, place, subject_id=person.id)
    session().commit()


def revoke_invitation(actor: Actor, now: datetime, person_id: int, place: Place = NOWHERE) -> None:
    """Take back the invitation of somebody who has not arrived: its link stops working until another is sent.

    For administrators. Raises Refused for somebody who has joined.
    """
    _administer(actor)
    person = _person(person_id)
    if person.password is not None:
        raise Refused(
            M(N_("%(name)s has joined already: take their roles away, or disable the account."), name=person.name)
        )
    revoke_links(person, actor, now, place)
    session().commit()


def first_administrator(actor: Actor, now: datetime, name: str, email: str) -> str:
    """The first account of an installation, from the command line: returns the address its invitation went to.

    Raises Refused when there is an administrator already, Invalid for ``name`` or ``email``. One who never arrived does
    not count: a mistyped address must not lock everybody out.
    """
    if Role.SYSTEM not in actor.programme:
        raise NotAllowed("first_administrator")
    arrived = (
        select(Person.id).join(ProgrammeRole).where(ProgrammeRole.role == Role.ADMIN, Person.password.is_not(None))
    )
    if session().scalar(arrived.limit(1)) is not None:
        raise Refused(M(N_("There is an administrator already: they invite everybody else.")))
    person = invite(None, email, name, PROGRAMME_ROLES[Role.ADMIN], actor, now)
    for never_came in session().scalars(
        select(ProgrammeRole).where(ProgrammeRole.role == Role.ADMIN, ProgrammeRole.person_id != person.id)
    ):
        # The link may be with a stranger by now: it must not make an administrator of whoever follows it.
        session().delete(never_came)
    _give(actor, now, person, Role.ADMIN, "")
    session().commit()
    return person.email
