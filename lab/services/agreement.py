"""The grant agreement (guide §6): its checklists, and the text opened for signature. ``signing`` has the signatures."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from lab.models import Award, Check, CheckFile
from lab.queries.awards import definition_of, facts_of
from lab.queries.clauses import open_talks
from lab.queries.diligence import waiting_documents
from lab.rules.agreement import (
    CLOSING,
    DUE_DILIGENCE,
    age_at_close,
    check_item,
    items_of,
    opening_blockers,
    reopening_blockers,
    to_freeze,
)
from lab.rules.calendar import days_after, local_day
from lab.rules.clauses import read_reason
from lab.rules.diligence import Evidence, read_evidence, read_note
from lab.rules.errors import Invalid, NotFound, Refused
from lab.rules.facts import Actor, Stage
from lab.rules.obligations import ObligationKind as Kind
from lab.rules.obligations import Party
from lab.rules.permissions import Action
from lab.rules.text import N_, M
from lab.services import clauses, documents
from lab.services.letters import tell
from lab.services.stages import settle
from lab.services.steps import award_for, discharge, owe, record, session

_CHECKING = {DUE_DILIGENCE: Action.CHECK_DUE_DILIGENCE, CLOSING: Action.CHECK_CLOSING}


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
    query = select(Check).where(
        Check.award_id == award.id, Check.checklist == checklist, Check.key == key, Check.closed_at.is_(None)
    )
    return session().scalars(query.options(joinedload(Check.author))).one_or_none()


def clear_check(
    actor: Actor,
    now: datetime,
    award_code: str,
    checklist: str,
    key: str,
    note: str,
    expires_on: date | None = None,
) -> None:
    """Find an item of a checklist (``due_diligence`` or ``closing``) to be in order; ``note`` says what shows it.

    Of due diligence the documents that lie at the item become its evidence for good; ``expires_on`` is the last day of
    the one that runs out first. An item whose document has expired can be cleared again. Raises Invalid for ``note``,
    ``expires_on`` and ``files``, Refused when the stage does not allow it, the item is clear already, or the
    organisation is younger than two calendar years (guide §4). Clear due diligence discharges its obligation.
    """
    award = _award_with_item(actor, award_code, checklist, key)
    facts = facts_of(session(), award, now)
    definition = definition_of(award)
    check_item(checklist, key, age_at_close(award.organisation.registered_on, definition), facts)
    standing = _check(award, checklist, key)
    ran_out = checklist == DUE_DILIGENCE and key in {document.key for document in facts.expired_documents}
    if standing is not None and not ran_out:
        raise Refused(
            M(N_("%(name)s has cleared this item already: the note is on the page."), name=standing.author.name)
        )
    files = waiting_documents(session(), award.id, key) if checklist == DUE_DILIGENCE else []
    item = next((one for one in definition.due_diligence if one.key == key), None)
    if checklist == DUE_DILIGENCE and item is not None:
        kept = read_evidence(note, expires_on, len(files), item, local_day(now, definition.time_zone))
    else:
        kept = Evidence(read_note(note))
    if standing is not None:
        _close(standing, None, now)
    _keep(award, checklist, key, kept, files, actor, now)
    settle(award, now)
    session().commit()


def _keep(
    award: Award, checklist: str, key: str, kept: Evidence, files: Sequence[int], actor: Actor, now: datetime
) -> None:
    assert actor.person_id is not None
    check = Check(
        award_id=award.id, checklist=checklist, key=key, note=kept.note, by=actor.person_id, at=now,
        expires_on=kept.expires_on,
    )  # fmt: skip
    session().add(check)
    session().flush()
    for upload_id in files:
        session().add(CheckFile(check_id=check.id, upload_id=upload_id))
    until = {"until": kept.expires_on.isoformat()} if kept.expires_on else {}
    record(award, "check_cleared", actor, now, checklist=checklist, item=key, note=kept.note, **until)


def _close(check: Check, by: int | None, now: datetime) -> None:
    """The check stands no longer, and stays readable. ``by`` nobody: its document had expired."""
    check.closed_at, check.closed_by = now, by
    session().flush()


def reopen_check(actor: Actor, now: datetime, award_code: str, checklist: str, key: str) -> None:
    """Take back that an item is in order; its note stays readable. Open due diligence is due again.

    Raises Refused when the item is open already, or no longer may be: due diligence only before the first signature.
    """
    award = _award_with_item(actor, award_code, checklist, key)
    found = reopening_blockers(checklist, facts_of(session(), award, now))
    if found:
        raise Refused(*found)
    standing = _check(award, checklist, key)
    if standing is None:
        raise Refused(M(N_("This item is open already.")))
    _close(standing, actor.person_id, now)
    record(award, "check_reopened", actor, now, checklist=checklist, item=key)
    if checklist == DUE_DILIGENCE and Stage(award.stage) is Stage.AGREEMENT:
        owe(award, Kind.CLEAR_DUE_DILIGENCE, Party.OFFICER, Party.TEAM, _soon(award, now), now)
    settle(award, now)
    session().commit()


def open_agreement(
    actor: Actor, now: datetime, award_code: str, reason: str = "", shown_hash: str | None = None
) -> None:
    """Freeze the agreement as it was negotiated and open it for signature (guide §6). Both sides owe theirs from now.

    One that nobody has drafted is drafted now, from the call's clauses as they are. Raises Refused with everything that
    is missing, the same as ``rules.agreement.opening_blockers``, and when the draft is no longer the one with
    ``shown_hash`` (None: none was shown); Invalid for ``reason`` while a clause is still talked about and no reason is
    given for opening it all the same.
    """
    award = award_for(actor, Action.OPEN_AGREEMENT, award_code)
    facts = facts_of(session(), award, now)
    found = opening_blockers(facts)
    if found:
        raise Refused(*found)
    document = clauses.drafted(award, actor, now)
    content = to_freeze(document.draft)
    if facts.agreement_drafted and shown_hash not in (None, content["hash"]):
        raise Refused(M(N_("The text was changed since you opened this page: read it again, then open it.")))
    talks = open_talks(session(), award.id, document.draft["clauses"])
    if talks:
        if not reason.strip():
            # Which clauses they are stands on the page.
            said = N_("Give the reason for opening it while clauses are talked about, or settle that first.")
            raise Invalid({"reason": M(said)})
        record(award, "opened_over_talks", actor, now, reason=read_reason(reason))
    document.draft = content
    documents.submit(document, actor, now)
    record(award, "agreement_opened", actor, now, hash=content["hash"])
    discharge(award, Kind.OPEN_AGREEMENT, now)
    for clause in document.draft["clauses"]:
        discharge(award, clauses.answer_key(clause["key"]), now)
    due = _soon(award, now)
    owe(award, Kind.SIGN_ORGANISATION, Party.TEAM, Party.OFFICER, due, now)
    owe(award, Kind.SIGN_ILO, Party.OFFICER, Party.TEAM, due, now)
    settle(award, now)
    tell(award, Party.TEAM, M(N_("The grant agreement is open: read it and sign it.")), _path(award), now)
    session().commit()
