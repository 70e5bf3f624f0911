"""Ways back in, and to another address: single-use links by mail, and help by somebody of the programme who leaves a trace."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from flask_security.utils import hash_password
from sqlalchemy import delete, select

from lab.models import Award, Invitation, Passkey, Person, ProgrammeRole, RecoveryCode, ResetRequest, TeamMember, Totp
from lab.rules.award import clean_email
from lab.rules.errors import Invalid, NotAllowed, NotFound, Refused
from lab.rules.facts import Actor
from lab.rules.passwords import normalized, password_problem
from lab.rules.permissions import Action, can
from lab.rules.security_events import SecurityEventKind as Kind
from lab.rules.text import N_, M
from lab.rules.throttle import Bucket, Trial, Try
from lab.services import sign_ins, throttle
from lab.services.invitations import end_links, new_link, token_hash
from lab.services.letters import write
from lab.services.links import absolute
from lab.services.security_events import Place, note
from lab.services.steps import award_for, record, session

PASSWORD_VALID = timedelta(days=1)
HELP_VALID = timedelta(days=2)
MAX_REASON = 500
# The links with which a password is chosen: asked for by oneself, or sent by somebody who helps.
_PASSWORD = ("password", "help")
_UNUSABLE = N_("This link cannot be used any more: ask for another one here.")


def ask_reset(now: datetime, wall: datetime, email: str, place: Place) -> None:
    """Ask for a link for a new password. Whether anybody has that address is looked at later, by the scheduler: this
    takes the same time and gives the same answer for every address.

    Raises Invalid for what is no address, and TooMany for a network address that asks too often.
    """
    try:
        email = clean_email(email)
    except ValueError:
        raise Invalid(
            {"email": M(N_("Type the e-mail address of your account, such as ana@organisation.org."))}
        ) from None
    throttle.take((Try(Trial.RESET, Bucket.ADDRESS, place.address),), wall)
    session().add(ResetRequest(email=email, asked_at=now))
    session().commit()


def answer_resets(now: datetime, wall: datetime) -> int:
    """Mail a link to everybody who asked and has an account; at most three an hour each. Returns how many. Commits.

    For the scheduler.
    """
    # Asked several times before the scheduler came by is asked once.
    asked = dict.fromkeys(session().scalars(select(ResetRequest.email).order_by(ResetRequest.id).limit(200)))
    sent = 0
    for email in asked:
        person = session().scalars(
            select(Person).where(Person.email == email, Person.active, Person.password.is_not(None))
        ).one_or_none()  # fmt: skip
        if person is not None and not _may_have_another(email, wall):
            person = None
        # In one transaction with the mail: a kill between the two would lose the request.
        session().execute(delete(ResetRequest).where(ResetRequest.email == email))
        if person is not None:
            link = new_link(person, "password", now, PASSWORD_VALID, None)
            write(person, "password_reset", now, link=absolute(f"/reset/{link}"))
            note(Kind.PASSWORD_RESET_ASKED, None, wall, subject_id=person.id)
            sent += 1
        session().commit()
    return sent


def _may_have_another(email: str, wall: datetime) -> bool:
    """Whether that account may be sent one more link now. Counts it, and commits."""
    try:
        throttle.take((Try(Trial.RESET, Bucket.ACCOUNT, email),), wall)
    except Refused:
        return False
    return True


def _take_link(token: str, now: datetime, *purposes: str) -> tuple[Invitation, Person]:
    """The open link of ``token``, locked and used up, and whose it is. Raises Refused for every other."""
    found = session().execute(
        select(Invitation, Person)
        .join(Person, Person.id == Invitation.person_id)
        .where(Invitation.token_hash == token_hash(token), Invitation.purpose.in_(purposes))
        .with_for_update()
    ).one_or_none()  # fmt: skip
    if found is None or not found[1].active or found[0].used_at or found[0].revoked_at or found[0].expires_at <= now:
        raise Refused(M(_UNUSABLE))
    found[0].used_at = now
    return found[0], found[1]


def reset_password(now: datetime, wall: datetime, token: str, new: str, place: Place) -> Person:
    """Choose a password by a link; every device is signed out. Returns the person. Commits.

    Raises Refused for a link that is used, too old or unknown, and Invalid for ``password``.
    """
    link, person = _take_link(token, now, *_PASSWORD)
    problem = password_problem(new, person.name, person.email)
    if problem:
        raise Invalid({"password": problem})
    person.password = hash_password(normalized(new))
    sign_ins.end_all(person.id, wall)
    end_links(person, now)
    me = Actor(person_id=person.id, name=person.name)
    record(None, "password_changed", me, now, name=person.name)
    note(Kind.PASSWORD_CHANGED, me, wall, place, subject_id=person.id, by=link.purpose)
    write(person, "security_notice", now, what=M(N_("Your password was changed by a link sent to this address.")))
    session().commit()
    return person


def ask_address(actor: Actor, now: datetime, wall: datetime, email: str, place: Place) -> str:
    """Ask for another address of one's own: a link goes to the new one, word to the old one. Returns the address. Commits.

    Somebody else's address gets the same answer; its owner is told. Raises Invalid for ``email``.
    """
    try:
        email = clean_email(email)
    except ValueError:
        raise Invalid({"email": M(N_("Type an e-mail address, such as ana@organisation.org."))}) from None
    person = session().get_one(Person, actor.person_id)
    if email == person.email:
        raise Invalid({"email": M(N_("This is your address already: type the new one."))})
    throttle.take((Try(Trial.RESET, Bucket.ACCOUNT, f"address {person.id}"),), wall)
    owner = session().scalars(select(Person).where(Person.email == email)).one_or_none()
    if owner is None:
        link = absolute(f"/account/address/{new_link(person, 'email', now, PASSWORD_VALID, actor, email)}")
        write(person, "confirm_address", now, to=email, link=link)
        notice = M(
            N_("A change of your address to %(email)s was asked for. It waits for a link to be followed."), email=email
        )
        write(person, "security_notice", now, what=notice)
    else:
        write(owner, "address_taken", now)
    note(Kind.ADDRESS_CHANGE_ASKED, actor, wall, place, subject_id=person.id)
    session().commit()
    return email


def confirm_address(actor: Actor, now: datetime, wall: datetime, token: str, place: Place) -> str:
    """Follow the link to a new address, signed in as whoever asked for it. Returns the address. Commits.

    Raises Refused for a link that cannot be used, or when somebody took the address meanwhile.
    """
    link, person = _take_link(token, now, "email")
    if person.id != actor.person_id or link.email is None:
        raise Refused(M(N_("This link belongs to another account: sign in as the person who asked for it.")))
    if session().scalar(select(Person.id).where(Person.email == link.email)) is not None:
        raise Refused(M(N_("Somebody has an account with this address by now: choose another one.")))
    write(person, "security_notice", now, what=M(N_("Your address is now %(email)s."), email=link.email))
    record(None, "address_changed", actor, now, name=person.name)
    note(Kind.ADDRESS_CHANGED, actor, wall, place, subject_id=person.id)
    person.email = link.email
    end_links(person, now)
    session().commit()
    return person.email


def help_team(actor: Actor, now: datetime, wall: datetime, code: str, person_id: int, how: str, place: Place) -> None:
    """Help somebody of an award's team, or a mentor, back in who has lost password and phone. For officers. Commits.

    ``how`` says how the officer made sure who is asking. Raises NotFound, Refused, or Invalid for ``how``.
    """
    award = award_for(actor, Action.HELP_BACK_IN, code)
    place_on_award = select(TeamMember.id).where(
        TeamMember.award_id == award.id, TeamMember.person_id == person_id, TeamMember.until.is_(None)
    )
    if session().scalar(place_on_award.limit(1)) is None:
        raise NotFound("person")
    _help(actor, award, person_id, now, wall, how, place)
    session().commit()


def help_person(actor: Actor, now: datetime, wall: datetime, person_id: int, how: str, place: Place) -> None:
    """Help anybody back in, those of the programme too. For administrators. Commits. Raises as :func:`help_team`."""
    if not can(actor, Action.EDIT_PEOPLE):
        raise NotAllowed(Action.EDIT_PEOPLE)
    _help(actor, None, person_id, now, wall, how, place)
    session().commit()


def _help(
    actor: Actor, award: Award | None, person_id: int, now: datetime, wall: datetime, how: str, place: Place
) -> None:
    person = session().get(Person, person_id, with_for_update=True)
    if person is None:
        raise NotFound("person")
    how = " ".join(how.split())
    if not how or len(how) > MAX_REASON:
        raise Invalid(
            {"how": M(N_("Say how you made sure that it is them, in at most %(limit)s characters."), limit=MAX_REASON)}
        )
    _may_be_helped(actor, award, person)
    # Nothing of what was lost opens anything any more, also for whoever has found it.
    for lost in (Totp, Passkey, RecoveryCode):
        session().execute(delete(lost).where(lost.person_id == person.id))
    person.password = hash_password(secrets.token_urlsafe(32))
    sign_ins.end_all(person.id, wall)
    end_links(person, now)
    link = absolute(f"/reset/{new_link(person, 'help', now, HELP_VALID, actor)}")
    write(person, "helped_back_in", now, helper=actor.name, link=link)
    record(award, "helped_back_in", actor, now, name=person.name)
    note(Kind.HELPED_BACK_IN, actor, wall, place, subject_id=person.id, how=how)


def _may_be_helped(actor: Actor, award: Award | None, person: Person) -> None:
    if person.id == actor.person_id:
        raise Refused(M(N_("You are signed in: change your own password and second factor on your account page.")))
    if not person.active:
        raise Refused(
            M(N_("The account of %(name)s is disabled: an administrator has to enable it first."), name=person.name)
        )
    if person.password is None:
        raise Refused(M(N_("%(name)s has not joined yet: send the invitation again."), name=person.name))
    office = session().scalar(select(ProgrammeRole.id).where(ProgrammeRole.person_id == person.id).limit(1))
    if award is not None and office is not None:
        raise Refused(
            M(N_("%(name)s holds an office of the programme: an administrator helps them."), name=person.name)
        )


def tidy(now: datetime) -> None:
    """Forget links for a password or an address that have not worked for a month. Commits. For the scheduler."""
    session().execute(
        delete(Invitation).where(Invitation.purpose != "join", Invitation.expires_at < now - timedelta(days=30))
    )
    session().commit()
