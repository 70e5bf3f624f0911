"""The grant agreement (guide §6): its checklists, the text opened for signature, and the two signatures that bring it into force."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from lab.models import Award, Check, Signature
from lab.queries.awards import definition_of, facts_of
from lab.queries.people import people_of
from lab.rules.agreement import (
    CLOSING,
    DUE_DILIGENCE,
    SIDES,
    Parties,
    age_at_close,
    check_item,
    check_signature,
    draft_clauses,
    items_of,
    opening_blockers,
    read_note,
    reopening_blockers,
    text_hash,
)
from lab.rules.calendar import days_after, local_day
from lab.rules.errors import NotFound, Refused
from lab.rules.facts import Actor, Stage
from lab.rules.obligations import ObligationKind as Kind
from lab.rules.obligations import Party
from lab.rules.permissions import Action
from lab.rules.review import DocumentKind
from lab.rules.text import N_, M
from lab.services import documents
from lab.services.letters import tell
from lab.services.stages import move, settle
from lab.services.steps import award_for, discharge, owe, record, session

_CHECKING = {DUE_DILIGENCE: Action.CHECK_DUE_DILIGENCE, CLOSING: Action.CHECK_CLOSING}
_SIGNING = {"organisation": Action.SIGN_FOR_ORGANISATION, "ilo": Action.SIGN_FOR_ILO}
_DUTY = {"organisation": Kind.SIGN_ORGANISATION, "ilo": Kind.SIGN_ILO}
_PARTY = {"organisation": Party.TEAM, "ilo": Party.OFFICER}


def _soon(award: Award, now: datetime) -> datetime:
    definition = definition_of(award)
    return days_after(local_day(now, definition.time_zone), definition.stages.review_days, definition.time_zone)


def _path(award: Award) -> str:
    return f"/awards/{award.code}/agreement"


def _award_with_item(actor: Actor, award_code: str, checklist: str, key: str) -> Award:
    if checklist not in _CHECKING:
        raise NotFound("checklist")
    award = award_for(actor, _CHECKING[checklist], award_code)
    if key not in {item.key for item in items_of(definition_of(award), checklist)}:
        raise NotFound("check")
    return award


def _check(award: Award, checklist: str, key: str) -> Check | None:
    query = select(Check).where(Check.award_id == award.id, Check.checklist == checklist, Check.key == key)
    return session().scalars(query.options(joinedload(Check.author))).one_or_none()


def clear_check(actor: Actor, now: datetime, award_code: str, checklist: str, key: str, note: str) -> None:
    """Find an item of a checklist (``due_diligence`` or ``closing``) to be in order; ``note`` says what shows it.

    Raises Invalid for ``note``, Refused when the stage does not allow it, the item is clear already, or the organisation
    is younger than two calendar years (guide §4). Clear due diligence discharges its obligation.
    """
    award = _award_with_item(actor, award_code, checklist, key)
    check_item(
        checklist,
        key,
        age_at_close(award.organisation.registered_on, definition_of(award)),
        facts_of(session(), award),
    )
    standing = _check(award, checklist, key)
    if standing is not None:
        raise Refused(
            M(N_("%(name)s has cleared this item already: the note is on the page."), name=standing.author.name)
        )
    kept = read_note(note)
    assert actor.person_id is not None
    session().add(Check(award_id=award.id, checklist=checklist, key=key, note=kept, by=actor.person_id, at=now))
    record(award, "check_cleared", actor, now, checklist=checklist, item=key, note=kept)
    settle(award, now)
    session().commit()


def reopen_check(actor: Actor, now: datetime, award_code: str, checklist: str, key: str) -> None:
    """Take back that an item is in order; its note stays in the record of events. Open due diligence is due again.

    Raises Refused when the item is open already, or no longer may be: due diligence only before the first signature.
    """
    award = _award_with_item(actor, award_code, checklist, key)
    found = reopening_blockers(checklist, facts_of(session(), award))
    if found:
        raise Refused(*found)
    standing = _check(award, checklist, key)
    if standing is None:
        raise Refused(M(N_("This item is open already.")))
    session().delete(standing)
    record(award, "check_reopened", actor, now, checklist=checklist, item=key)
    if checklist == DUE_DILIGENCE and Stage(award.stage) is Stage.AGREEMENT:
        owe(award, Kind.CLEAR_DUE_DILIGENCE, Party.OFFICER, Party.TEAM, _soon(award, now), now)
    settle(award, now)
    session().commit()


def open_agreement(actor: Actor, now: datetime, award_code: str) -> None:
    """Freeze the agreement from the call's clauses and open it for signature (guide §6). Both sides owe theirs from now.

    Raises Refused with everything that is missing, the same as ``rules.agreement.opening_blockers``.
    """
    award = award_for(actor, Action.OPEN_AGREEMENT, award_code)
    found = opening_blockers(facts_of(session(), award))
    if found:
        raise Refused(*found)
    clauses = draft_clauses(definition_of(award), _parties(award))
    frozen = text_hash(clauses)
    content = {"language": award.language, "clauses": clauses, "hash": frozen}
    document = documents.new_document(award, DocumentKind.AGREEMENT, 1, "", content)
    documents.submit(document, actor, now)
    record(award, "agreement_opened", actor, now, hash=frozen)
    discharge(award, Kind.OPEN_AGREEMENT, now)
    due = _soon(award, now)
    owe(award, Kind.SIGN_ORGANISATION, Party.TEAM, Party.OFFICER, due, now)
    owe(award, Kind.SIGN_ILO, Party.OFFICER, Party.TEAM, due, now)
    settle(award, now)
    tell(award, Party.TEAM, M(N_("The grant agreement is open: read it and sign it.")), _path(award), now)
    session().commit()


def _parties(award: Award) -> Parties:
    leads = people_of(session(), award, Party.TEAM)
    return Parties(
        language=award.language,
        organisation=award.organisation.legal_name,
        country=award.organisation.country,
        project=award.project,
        prize=award.prize,
        amount=award.amount,
        currency=award.currency,
        local_currency=award.local_currency,
        signatory=leads[0].name if leads else award.organisation.legal_name,
    )


def sign(
    actor: Actor, now: datetime, award_code: str, side: str, typed_name: str, shown_hash: str, address: str = ""
) -> None:
    """Sign for ``side`` (``organisation`` or ``ilo``) under the text with ``shown_hash``; ``address`` is the network's.

    The second signature brings the agreement into force, and prototyping begins. Raises Invalid for ``typed_name``,
    Refused when the text is another one, the side has signed already, or nothing can be signed now.
    """
    if side not in SIDES:
        raise NotFound("side")
    award = award_for(actor, _SIGNING[side], award_code)
    facts = facts_of(session(), award)
    if not facts.agreement_open:
        check_signature(side, typed_name, actor.name, shown_hash, "", facts)
    document = documents.get_document(award, DocumentKind.AGREEMENT)
    version = documents.newest_version(document)
    frozen = text_hash(version.content["clauses"])
    check_signature(side, typed_name, actor.name, shown_hash, frozen, facts)
    assert actor.person_id is not None
    signature = Signature(
        award_id=award.id, version_id=version.id, side=side, person_id=actor.person_id,
        typed_name=" ".join(typed_name.split()), text_hash=frozen, address=address[:45], at=now,
    )  # fmt: skip
    session().add(signature)
    record(award, "agreement_signed", actor, now, side=SIDES[side], name=actor.name, hash=frozen)
    discharge(award, _DUTY[side], now)
    if facts.signed_by | {side} == set(SIDES):
        documents.decide(document, "accept", version.number, actor, now)
        move(award, "bring_into_force", actor, "", now)
        _tell_both(award, now)
    else:
        settle(award, now)
        other = next(one for one in SIDES if one != side)
        tell(
            award,
            _PARTY[other],
            M(N_("The other side has signed the grant agreement: your signature brings it into force.")),
            _path(award),
            now,
        )
    session().commit()


def _tell_both(award: Award, now: datetime) -> None:
    news = M(N_("The grant agreement is signed by both sides and in force. Prototyping begins."))
    for party in _PARTY.values():
        tell(award, party, news, _path(award), now)
