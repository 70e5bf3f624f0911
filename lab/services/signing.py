"""Signing the frozen agreement (guide §6): who signs for each side, electronically or on paper, and the document kept of it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from lab.files import ByteSource
from lab.models import Award, Person, Signature, SignedPdf, Version
from lab.models import Signatory as Named
from lab.queries.awards import definition_of, facts_of
from lab.queries.printing import paper_of
from lab.queries.signature import accounts_for, frozen_version, signatories_of, signatures_of, standing
from lab.rules.agreement import SIDES, text_hash
from lab.rules.calendar import local_day
from lab.rules.errors import Invalid, NotFound, Refused
from lab.rules.facts import Actor, AwardFacts
from lab.rules.obligations import ObligationKind as Kind
from lab.rules.obligations import Party
from lab.rules.permissions import Action
from lab.rules.review import DocumentKind
from lab.rules.signature import (
    PAPER_KINDS,
    Method,
    Paper,
    Signatory,
    check_signature,
    naming_blockers,
    paper_blockers,
    read_paper,
    read_signatory,
)
from lab.rules.text import N_, M
from lab.rules.verification import claimed_in
from lab.services import documents
from lab.services.letters import tell
from lab.services.stages import move, settle
from lab.services.steps import award_for, discharge, record, session
from lab.services.upload import Intake, new_row, receive

_SIGNING = {"organisation": Action.SIGN_FOR_ORGANISATION, "ilo": Action.SIGN_FOR_ILO}
_ARRANGING = {"organisation": Action.ARRANGE_ORGANISATION_SIGNING, "ilo": Action.ARRANGE_ILO_SIGNING}
_DUTY = {"organisation": Kind.SIGN_ORGANISATION, "ilo": Kind.SIGN_ILO}
_PARTY = {"organisation": Party.TEAM, "ilo": Party.OFFICER}


@dataclass(frozen=True)
class Typed:
    """What somebody typed off a signed paper: who signed and as what, the day, and how the text's hash begins."""

    name: str
    function: str
    signed_on: date | None
    hash_start: str


def _nothing() -> None:
    """What comes first in the transaction that keeps a paper, unless the caller has something."""


def _path(award: Award) -> str:
    return f"/awards/{award.code}/agreement"


def _award_of_side(actor: Actor, actions: dict[str, Action], award_code: str, side: str) -> Award:
    if side not in SIDES:
        raise NotFound("side")
    return award_for(actor, actions[side], award_code)


def name_signatory(
    actor: Actor, now: datetime, award_code: str, side: str, person_id: int | None, name: str, function: str
) -> None:
    """Name who signs for ``side``: the account ``person_id`` of its people, or somebody without one by ``name``.

    Raises Invalid for ``person``, ``name`` and ``function``, Refused when the side has signed or the stage is another.
    """
    award = _award_of_side(actor, _ARRANGING, award_code, side)
    version = frozen_version(session(), award.id)
    clauses = [clause["text"] for clause in version.content["clauses"]] if version else []
    before = signatories_of(session(), award).get(side)
    found = naming_blockers(side, before, clauses, facts_of(session(), award, now))
    if found:
        raise Refused(*found)
    account = None
    if person_id is not None:
        people = {person.id: person for person in accounts_for(session(), award, side)}
        if person_id not in people:
            raise NotFound("person")
        account = Signatory(people[person_id].name, "", person_id)
    chosen = read_signatory(name, function, account)
    assert actor.person_id is not None
    named = Named(
        award_id=award.id, side=side, person_id=chosen.person_id, name=chosen.name, function=chosen.function,
        named_by=actor.person_id, named_at=now,
    )  # fmt: skip
    session().add(named)
    record(award, "signatory_named", actor, now, side=SIDES[side], name=chosen.name)
    settle(award, now)
    session().commit()


def sign(
    actor: Actor, now: datetime, award_code: str, side: str, typed_name: str, shown_hash: str, address: str = ""
) -> None:
    """Sign for ``side`` (``organisation`` or ``ilo``) under the text with ``shown_hash``; ``address`` is the network's.

    The second signature brings the agreement into force, and prototyping begins. Raises Invalid for ``typed_name``,
    Refused when the text is another one, somebody else is to sign, the side has signed already, or nothing can be.
    """
    award = _award_of_side(actor, _SIGNING, award_code, side)
    facts = facts_of(session(), award, now)
    signatory = signatories_of(session(), award).get(side)
    version = frozen_version(session(), award.id)
    frozen = text_hash(version.content) if version else ""
    check_signature(side, signatory, actor.person_id, typed_name, shown_hash, frozen, facts)
    assert version is not None and signatory is not None
    before = _pdf_hash(award, version)
    signature = _signature(actor, now, award, version, side, Method.ELECTRONIC, address)
    signature.typed_name, signature.function = " ".join(typed_name.split()), signatory.function
    session().add(signature)
    record(award, "agreement_signed", actor, now, side=SIDES[side], name=actor.name, hash=frozen, pdf=before)
    _signed(actor, now, award, version, side, facts)
    session().commit()


def _signature(
    actor: Actor, now: datetime, award: Award, version: Version, side: str, method: Method, address: str
) -> Signature:
    person = _person(actor)
    return Signature(
        award_id=award.id, version_id=version.id, side=side, number=1, method=method, person_id=person.id,
        text_hash=text_hash(version.content), address=address[:45], at=now, time_zone=person.time_zone,
    )  # fmt: skip


def _person(actor: Actor) -> Person:
    person = session().get(Person, actor.person_id)
    assert person is not None
    return person


# What our own documents say of themselves; a photograph or a scanner's file says nothing.
_ANOTHER_TEXT = N_(
    "This document says itself that it bears another text: choose the scan of the paper that was signed."
)


def record_paper(
    actor: Actor,
    now: datetime,
    award_code: str,
    side: str,
    typed: Typed,
    file: tuple[str, ByteSource] | None,
    intake: Intake,
    address: str = "",
    begin: Callable[[], None] = _nothing,
) -> None:
    """Record the paper that the signatory of ``side`` has signed by hand, with its scan: a ``file``'s name and bytes
    (None: none was sent).

    A side's second paper takes the place of its first, which is kept, until the agreement is in force. ``begin`` runs
    first in the transaction that keeps it. Raises Invalid by field (``file`` as UploadRefused), Refused.
    """
    _paper_for(actor, now, award_code, side, typed)
    session().rollback()
    if file is None or not file[0]:
        raise Invalid({"file": M(N_("Choose the scan of the signed paper, as PDF, JPG or PNG."))})
    name, stream = file
    stored = receive(actor, name, stream, intake, PAPER_KINDS)
    try:
        begin()
        award, version, facts, paper = _paper_for(actor, now, award_code, side, typed)
        claim = claimed_in(intake.store.read_stream(stored.key))
        if claim and claim != text_hash(version.content):
            raise Invalid({"file": M(_ANOTHER_TEXT)})
        pdf = _pdf_hash(award, version)
        upload = new_row(award, f"signature:{side}", name, stored, intake, actor, now)
        before = [one for one in signatures_of(session(), version.id) if one.side == side]
        signature = _signature(actor, now, award, version, side, Method.PAPER, address)
        signature.number = len(before) + 1
        signature.typed_name, signature.function, signature.signed_on = paper.name, paper.function, paper.signed_on
        signature.upload_id, signature.file_hash = upload.id, stored.sha256
        session().add(signature)
        kind = "signed_paper_replaced" if before else "agreement_signed_on_paper"
        hashes = {"hash": signature.text_hash, "file": stored.sha256, "pdf": pdf}
        record(award, kind, actor, now, side=SIDES[side], name=paper.name, **hashes)
        if not before:
            _signed(actor, now, award, version, side, facts)
        session().commit()
    except BaseException:
        # The row's end comes first: a store that is unwell must not keep the transaction open.
        session().rollback()
        intake.store.delete(stored.key)
        raise


def _paper_for(
    actor: Actor, now: datetime, award_code: str, side: str, typed: Typed
) -> tuple[Award, Version, AwardFacts, Paper]:
    """Everything that a paper is held against, and what was typed off it. Raises Invalid, Refused, NotFound, NotAllowed."""
    award = _award_of_side(actor, _ARRANGING, award_code, side)
    facts = facts_of(session(), award, now)
    version = frozen_version(session(), award.id)
    before = standing(signatures_of(session(), version.id)).get(side) if version else None
    found = paper_blockers(side, Method(before.method) if before else None, facts)
    if found:
        raise Refused(*found)
    assert version is not None
    signatory = signatories_of(session(), award).get(side)
    zones = {definition_of(award).time_zone, _person(actor).time_zone}
    days = (
        min(local_day(version.submitted_at, zone) for zone in zones),
        max(now.astimezone(ZoneInfo(zone)).date() for zone in zones),
    )
    frozen = text_hash(version.content)
    paper = read_paper(typed.name, typed.function, typed.signed_on, typed.hash_start, signatory, frozen, days)
    return award, version, facts, paper


def _signed(actor: Actor, now: datetime, award: Award, version: Version, side: str, facts: AwardFacts) -> None:
    """What a side's first signature causes: the other's turn, or the agreement in force and the document kept."""
    discharge(award, _DUTY[side], now)
    if facts.signed_by | {side} == set(SIDES):
        document = documents.get_document(award, DocumentKind.AGREEMENT)
        documents.decide(document, "accept", version.number, actor, now)
        move(award, "bring_into_force", actor, "", now)
        _file(actor, now, award, version)
        news = M(N_("The grant agreement is signed by both sides and in force. Prototyping begins."))
        for party in _PARTY.values():
            tell(award, party, news, _path(award), now)
        return
    settle(award, now)
    other = next(one for one in SIDES if one != side)
    news = M(N_("The other side has signed the grant agreement: your signature brings it into force."))
    tell(award, _PARTY[other], news, _path(award), now)


def _drawn(award: Award, version: Version) -> bytes:
    # Late: few requests in an award's life need the library that draws it.
    from lab.agreement_pdf import agreement_pdf

    return agreement_pdf(paper_of(session(), award, version))


def _pdf_hash(award: Award, version: Version) -> str:
    """The SHA-256 of the PDF that is given out until now: noted with the signature that ends this, to be known again."""
    return hashlib.sha256(_drawn(award, version)).hexdigest()


def _file(actor: Actor, now: datetime, award: Award, version: Version) -> None:
    """Keep the document as it is now, and note its hash where nobody can change it."""
    session().flush()
    body = _drawn(award, version)
    found = hashlib.sha256(body).hexdigest()
    session().add(SignedPdf(award_id=award.id, version_id=version.id, sha256=found, body=body, made_at=now))
    record(award, "agreement_filed", actor, now, hash=found)
