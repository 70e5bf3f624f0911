"""Passkeys (WebAuthn): added, called something else, taken away, and given as a second factor or as both at once.

A challenge is sealed for one purpose and one browser, is valid for five minutes and counts once.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from cryptography.exceptions import InvalidSignature
from flask import current_app
from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import (
    parse_authentication_credential_json,
    parse_client_data_json,
    parse_registration_credential_json,
)
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)
from webauthn.registration.verify_registration_response import VerifiedRegistration

from lab.models import Challenge, Passkey, Person
from lab.rules import second_factor as rules
from lab.rules.errors import Invalid, NotFound, Refused
from lab.rules.facts import Actor
from lab.rules.second_factor import Site
from lab.rules.security_events import SecurityEventKind as Kind
from lab.rules.text import N_, M, Message
from lab.rules.throttle import Bucket, Trial, Try
from lab.services import sign_ins, throttle
from lab.services.seals import key_for
from lab.services.second_factor import ISSUER, added, failed, locked, may_go, names_of, owner, proved, removed
from lab.services.second_factor import is_first as has_none
from lab.services.security_events import Place, note, note_refusal
from lab.services.sign_ins import Entered
from lab.services.steps import session

ADD, PROVE, SIGN_IN, CONFIRM = "add", "prove", "sign in", "confirm"
_CHALLENGE, _HANDLE = "passkey challenge", "passkey handle"
_MAX_CREDENTIAL_ID, _MAX_PUBLIC_KEY = 1023, 2000
# What the library raises for an answer that no authenticator gave; the deepest JSON ends in the last one.
_ODD = (WebAuthnException, InvalidSignature, ValueError, TypeError, LookupError, AttributeError, RecursionError)
_BAD = N_("The passkey was not accepted. Try once more, or use another way.")
_OLD = N_("The page stood open for too long, or the passkey was sent twice. Press the button once more.")


class _NotAccepted(Exception):
    """A passkey's answer that is refused: ``reason`` for the log, ``told`` for its owner."""

    def __init__(self, reason: str, told: Message) -> None:
        self.reason, self.told = reason, told
        super().__init__(reason)


def site() -> Site:
    """What passkeys are bound to: the host and the origin of LAB_BASE_URL."""
    return rules.site_of(current_app.extensions["lab_config"].base_url)


def _made(purpose: str, whose: str, wall: datetime) -> bytes:
    return rules.made_challenge(key_for(_CHALLENGE), purpose, whose, secrets.token_bytes(rules.NONCE_BYTES), wall)


def options_to_add(actor: Actor, email: str, sign_in_id: int, known: Iterable[bytes], wall: datetime) -> str:
    """What the browser needs to make a passkey, as JSON. ``known``: those of the person, which are not made twice."""
    handle = hmac.digest(key_for(_HANDLE), str(actor.person_id).encode(), "sha256")
    options = generate_registration_options(
        rp_id=site().host,
        rp_name=ISSUER,
        user_id=handle,
        user_name=email,
        user_display_name=actor.name or email,
        challenge=_made(ADD, str(sign_in_id), wall),
        timeout=int(rules.CHALLENGE_VALID.total_seconds() * 1000),
        exclude_credentials=_described(known),
        # Preferred, not required: an older security key is a good second factor, though it cannot stand for both.
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.PREFERRED, user_verification=UserVerificationRequirement.PREFERRED
        ),
    )
    return options_to_json(options)


def options_to_give(purpose: str, whose: str, known: Iterable[bytes], wall: datetime) -> str:
    """What the browser needs to ask for a passkey, as JSON. ``known``: which ones; none for a sign-in without password."""
    wanted = UserVerificationRequirement.REQUIRED if purpose == SIGN_IN else UserVerificationRequirement.PREFERRED
    options = generate_authentication_options(
        rp_id=site().host,
        challenge=_made(purpose, whose, wall),
        timeout=int(rules.CHALLENGE_VALID.total_seconds() * 1000),
        allow_credentials=_described(known),
        user_verification=wanted,
    )
    return options_to_json(options)


def _described(known: Iterable[bytes]) -> list[PublicKeyCredentialDescriptor]:
    return [PublicKeyCredentialDescriptor(id=credential_id) for credential_id in known]


def add(
    actor: Actor, now: datetime, wall: datetime, sign_in_id: int, credential: str, name: str, place: Place
) -> Entered | None:
    """Add the passkey that the browser made. The first factor of all answers with a new sign-in (see add_app). Commits.

    Raises TooMany, Invalid for ``name``, Refused for a passkey that is not accepted.
    """
    counted = (Try(Trial.SECOND_FACTOR, Bucket.DEVICE, f"a passkey|{actor.person_id}"),)
    throttle.take(counted, wall)
    person = locked(actor)
    name = rules.clean_name(name)
    names = names_of(person)
    problem = rules.name_problem(name, names)
    if problem is not None:
        raise Invalid({"name": problem})
    if len(names) >= rules.MAX_PASSKEYS:
        raise Refused(M(N_("You have %(number)s passkeys: take one away first."), number=len(names)))
    try:
        found = _registered(credential, sign_in_id, wall)
    except _NotAccepted as error:
        failed(person, wall, place, how="passkey", reason=error.reason)
        raise Refused(error.told) from error
    throttle.forgive(counted, wall)
    first = has_none(person)
    session().add(
        Passkey(
            person_id=person.id,
            credential_id=found.credential_id,
            public_key=found.credential_public_key,
            sign_count=found.sign_count,
            name=name,
            created_at=wall,
        )
    )
    what = M(N_("the passkey “%(name)s”"), name=name)
    entered = added(actor, person, now, wall, sign_in_id, place, first, what)
    session().commit()
    return entered


def _registered(credential: str, sign_in_id: int, wall: datetime) -> VerifiedRegistration:
    try:
        parsed = parse_registration_credential_json(credential)
        challenge = _spend(parsed.response.client_data_json, ADD, str(sign_in_id), sign_in_id, wall)
        found = verify_registration_response(
            credential=parsed,
            expected_challenge=challenge,
            expected_rp_id=site().host,
            expected_origin=site().origin,
        )
    except _ODD as error:
        raise _NotAccepted(f"{type(error).__name__}: {error}", M(_BAD)) from error
    if len(found.credential_id) > _MAX_CREDENTIAL_ID or len(found.credential_public_key) > _MAX_PUBLIC_KEY:
        raise _NotAccepted("too long", M(_BAD))
    if session().scalar(select(Passkey.id).where(Passkey.credential_id == found.credential_id)) is not None:
        raise _NotAccepted("known already", M(N_("This passkey is in use already: make another one.")))
    return found


def _spend(client_data: bytes, purpose: str, whose: str, sign_in_id: int | None, wall: datetime) -> bytes:
    """The challenge that was signed, which is used up by it whatever comes of it."""
    challenge = parse_client_data_json(client_data).challenge
    made_at = rules.challenge_made_at(key_for(_CHALLENGE), purpose, whose, challenge)
    if made_at is None:
        raise _NotAccepted("a challenge that was not made for this", M(_BAD))
    if rules.too_old(made_at, wall):
        raise _NotAccepted("a challenge that is too old", M(_OLD))
    insert = postgresql_insert if session().get_bind().dialect.name == "postgresql" else sqlite_insert
    row: dict[str, Any] = {
        "sign_in_id": sign_in_id, "purpose": purpose, "value": challenge, "created_at": made_at,
    }  # fmt: skip
    kept = session().execute(insert(Challenge).values(row).on_conflict_do_nothing().returning(Challenge.id))
    if kept.one_or_none() is None:
        raise _NotAccepted("a challenge that was used before", M(_OLD))
    return challenge


def _given(
    credential: str, purpose: str, whose: str, sign_in_id: int | None, person_id: int | None, wall: datetime
) -> Passkey:
    """The passkey that signed; ``person_id`` None for a sign-in without password, which wants its owner verified."""
    try:
        parsed = parse_authentication_credential_json(credential)
        challenge = _spend(parsed.response.client_data_json, purpose, whose, sign_in_id, wall)
        row = (
            session()
            .scalars(select(Passkey).where(Passkey.credential_id == parsed.raw_id).with_for_update())
            .one_or_none()
        )
        if row is None or person_id not in (None, row.person_id):
            raise _NotAccepted("an unknown passkey", M(_BAD))
        found = verify_authentication_response(
            credential=parsed,
            expected_challenge=challenge,
            expected_rp_id=site().host,
            expected_origin=site().origin,
            credential_public_key=row.public_key,
            # Counting backwards, or standing still, is what a copied passkey does: the library refuses both.
            credential_current_sign_count=row.sign_count,
            require_user_verification=purpose == SIGN_IN,
        )
    except _ODD as error:
        raise _NotAccepted(f"{type(error).__name__}: {error}", M(_BAD)) from error
    row.sign_count = found.new_sign_count
    row.used_at = wall
    session().flush()
    return row


def give(wall: datetime, sign_in_id: int, credential: str, place: Place) -> Entered:
    """Somebody who gave their password gives a passkey of theirs. Returns the sign-in under a new token. Commits.

    Raises TooMany for a network address, Refused for a passkey that is not accepted.
    """
    throttle.take((Try(Trial.SECOND_FACTOR, Bucket.ADDRESS, place.address),), wall)
    person = owner(sign_in_id)
    try:
        _given(credential, PROVE, str(sign_in_id), sign_in_id, person.id, wall)
    except _NotAccepted as error:
        failed(person, wall, place, how="passkey", reason=error.reason)
        raise Refused(error.told) from error
    return proved(person, wall, sign_in_id, place, how="passkey")


def sign_in(wall: datetime, credential: str, browser: str, place: Place) -> Entered:
    """Sign in with nothing but a passkey whose owner it verified: what one has, and what one knows or is. Commits.

    ``browser`` is what the challenge was made for. Raises TooMany for a network address; Refused, alike for whatever
    is wrong with the passkey, and by name for a disabled account.
    """
    throttle.take((Try(Trial.SIGN_IN, Bucket.ADDRESS, place.address),), wall)
    try:
        row = _given(credential, SIGN_IN, browser, None, None, wall)
    except _NotAccepted as error:
        note_refusal(Kind.SIGN_IN_FAILED, None, wall, place, how="passkey", reason=error.reason)
        raise Refused(error.told) from error
    person = session().get_one(Person, row.person_id)
    if not person.active:
        note_refusal(Kind.SIGN_IN_FAILED, None, wall, place, subject_id=person.id, reason="disabled")
        raise Refused(M(sign_ins.DISABLED))
    entered = sign_ins.open_sign_in(person.id, wall, False, place)
    session().flush()
    sign_in_id = sign_ins.id_of(entered)
    sign_ins.prove(sign_in_id, wall)
    actor = Actor(person_id=person.id, name=person.name)
    note(Kind.SECOND_FACTOR_GIVEN, actor, wall, place, subject_id=person.id, how="passkey alone")
    session().commit()
    return entered


def confirm(actor: Actor, sign_in_id: int, credential: str, wall: datetime, place: Place) -> str:
    """Somebody who is signed in proves with a passkey to be there: the sign-in is fresh again. Commits.

    Returns the token that the browser keeps from now on. Raises TooMany, or Refused for a passkey that is not accepted.
    """
    throttle.take((Try(Trial.SECOND_FACTOR, Bucket.ADDRESS, place.address),), wall)
    try:
        _given(credential, CONFIRM, str(sign_in_id), sign_in_id, actor.person_id, wall)
    except _NotAccepted as error:
        note_refusal(
            Kind.CONFIRMATION_FAILED,
            actor,
            wall,
            place,
            subject_id=actor.person_id,
            how="passkey",
            reason=error.reason,
        )
        raise Refused(error.told) from error
    token = sign_ins.refresh(actor, sign_in_id, wall, place)
    session().commit()
    return token


def rename(actor: Actor, passkey_id: int, name: str) -> None:
    """Call a passkey of one's own something else. Commits. Raises NotFound, or Invalid for ``name``."""
    person = locked(actor)
    row = _own(person, passkey_id)
    name = rules.clean_name(name)
    problem = rules.name_problem(name, [other for other in names_of(person) if other != row.name])
    if problem is not None:
        raise Invalid({"name": problem})
    row.name = name
    session().commit()


def remove(actor: Actor, now: datetime, wall: datetime, passkey_id: int, required: bool, place: Place) -> None:
    """Take a passkey away. ``required``: their role asks for a second factor. Commits. Raises NotFound, or Refused for the last one."""
    person = locked(actor)
    row = _own(person, passkey_id)
    may_go(person, required)
    session().delete(row)
    removed(actor, person, now, wall, place, M(N_("the passkey “%(name)s”"), name=row.name))
    session().commit()


def _own(person: Person, passkey_id: int) -> Passkey:
    row = session().scalars(select(Passkey).where(Passkey.id == passkey_id, Passkey.person_id == person.id)).first()
    if row is None:
        raise NotFound("passkey")
    return row


def forget_challenges(wall: datetime) -> None:
    """Forget challenges that are too old to be taken again. Commits."""
    session().execute(delete(Challenge).where(Challenge.created_at < wall - 2 * rules.CHALLENGE_VALID))
    session().commit()
