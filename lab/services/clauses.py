"""The agreement between its draft and its signatures (guide §6): clauses are talked about and reworded, frozen, taken back."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from lab.models import Award, ClauseComment, ClauseRevision, Document
from lab.queries.awards import definition_of, facts_of
from lab.queries.clauses import agreement_document, revisions_of, talk_of
from lab.queries.signature import signatories_of
from lab.rules import review
from lab.rules.agreement import Parties, draft_clauses
from lab.rules.calendar import days_after, local_day
from lab.rules.clauses import (
    OTHER_SIDE,
    TAKEN_BACK,
    Said,
    drafting_blockers,
    gone,
    in_words,
    read_contribution,
    read_reason,
    read_wording,
    settling_blockers,
    still_obliged,
    taking_back_blockers,
    wording_blockers,
)
from lab.rules.diligence import side_of
from lab.rules.errors import Conflict, NotFound, Refused
from lab.rules.facts import Actor, Scope
from lab.rules.obligations import ObligationKind as Kind
from lab.rules.obligations import Party
from lab.rules.permissions import Action
from lab.rules.review import DocumentKind, ReviewState
from lab.rules.text import N_, M, Message
from lab.services import documents
from lab.services.letters import tell
from lab.services.stages import settle
from lab.services.steps import award_for, discharge, owe, record, session, waive_all

_PARTIES = {"organisation": Party.TEAM, "ilo": Party.OFFICER}


def answer_key(key: str) -> str:
    """The key of the obligation to answer on a clause."""
    return f"answer:{key}"


def _soon(award: Award, now: datetime) -> datetime:
    definition = definition_of(award)
    return days_after(local_day(now, definition.time_zone), definition.stages.review_days, definition.time_zone)


def _path(award: Award, key: str = "") -> str:
    return f"/awards/{award.code}/agreement" + (f"/clauses/{key}" if key else "")


def draft_agreement(actor: Actor, now: datetime, award_code: str) -> None:
    """Draft the agreement from the call's clauses, with the award's facts in them, for both sides to read and negotiate.

    Raises Refused before the gate is passed, or when it is drafted already.
    """
    award = award_for(actor, Action.DRAFT_AGREEMENT, award_code)
    if found := drafting_blockers(facts_of(session(), award, now)):
        raise Refused(*found)
    drafted(award, actor, now)
    tell(
        award,
        Party.TEAM,
        M(
            N_(
                "The grant agreement is drafted: read its clauses, and say on each what should change before it is signed."
            )
        ),
        _path(award),
        now,
    )
    session().commit()


def drafted(award: Award, actor: Actor, now: datetime) -> Document:
    """The agreement's document with its draft, made now from the call's clauses if there is none yet; flushed."""
    document = agreement_document(session(), award.id)
    if document is not None:
        return document
    clauses = draft_clauses(definition_of(award), _facts_for_text(award))
    document = documents.new_document(
        award, DocumentKind.AGREEMENT, 1, "", {"language": award.language, "clauses": clauses}
    )
    for clause in clauses:
        _revise(award, clause["key"], 1, clause["text"], actor, now)
    record(award, "agreement_drafted", actor, now)
    return document


def _facts_for_text(award: Award) -> Parties:
    signatory = signatories_of(session(), award).get("organisation")
    return Parties(
        language=award.language,
        organisation=award.organisation.legal_name,
        country=award.organisation.country,
        project=award.project,
        prize=award.prize,
        amount=award.amount,
        currency=award.currency,
        local_currency=award.local_currency,
        signatory=signatory.name if signatory else award.organisation.legal_name,
    )


def _revise(award: Award, key: str, number: int, text: str, actor: Actor, now: datetime) -> None:
    assert actor.person_id is not None
    session().add(ClauseRevision(award_id=award.id, key=key, number=number, text=text, by=actor.person_id, at=now))
    session().flush()


def _clause_for(
    actor: Actor, action: Action, award_code: str, key: str, now: datetime
) -> tuple[Award, Document, Mapping[str, Any]]:
    """The award, its agreement and the clause, if it can be negotiated now. Raises NotFound, NotAllowed, Refused."""
    award = award_for(actor, action, award_code)
    document = agreement_document(session(), award.id)
    if document is None and key in {clause.key for clause in definition_of(award).clauses}:
        raise Refused(*wording_blockers(facts_of(session(), award, now)))
    clause = next((one for one in (document.draft["clauses"] if document else []) if one["key"] == key), None)
    if document is None or clause is None:
        raise NotFound("clause")
    if found := wording_blockers(facts_of(session(), award, now)):
        raise Refused(*found)
    return award, document, clause


def change_clause(
    actor: Actor,
    now: datetime,
    award_code: str,
    key: str,
    text: str,
    revision: int,
    standing: Collection[str] = (),
    *,
    drop_rest: bool = False,
) -> int:
    """Reword a clause of the draft, and return the number of its new wording; the team is told.

    ``standing`` are the keys of what it still obliges to; the rest goes if ``drop_rest`` says so. The same again changes
    nothing. Raises Invalid for ``text`` and ``standing``, Refused when nothing can be negotiated now, Conflict with the
    newer wording when somebody reworded the clause since ``revision``, NotFound.
    """
    award, document, clause = _clause_for(actor, Action.CHANGE_CLAUSE, award_code, key, now)
    revisions = revisions_of(session(), award.id, key)
    newest = len(revisions)
    wording = read_wording(text, _first(revisions, clause))
    comes_back = any(plan["key"] in standing for plan in gone(clause))
    if wording == clause["text"] and not drop_rest and not comes_back:
        return newest
    if revision != newest:
        raise Conflict({"text": clause["text"]}, newest)
    changed = {**still_obliged(clause, standing, drop_rest=drop_rest, number=newest + 1), "text": wording}
    if changed == clause:
        return newest
    _revise(award, key, newest + 1, wording, actor, now)
    clauses = [changed if one["key"] == key else one for one in document.draft["clauses"]]
    document.draft = {**document.draft, "clauses": clauses}
    document.draft_revision += 1
    document.draft_saved_at, document.draft_saved_by = now, actor.person_id
    record(award, "clause_changed", actor, now, title=clause["title"], number=newest + 1)
    news = N_("The clause “%(title)s” of the grant agreement is reworded.")
    if _record_obligations(award, clause, changed, document.draft["language"], actor, now):
        news = N_("The clause “%(title)s” of the grant agreement is reworded, and no longer obliges to the same.")
    _tell(award, "organisation", news, clause, now)
    session().commit()
    return newest + 1


def _first(revisions: Sequence[ClauseRevision], clause: Mapping[str, Any]) -> str:
    return revisions[0].text if revisions else str(clause["text"])


def _record_obligations(
    award: Award, before: Mapping[str, Any], after: Mapping[str, Any], language: str, actor: Actor, now: datetime
) -> bool:
    """Note what a clause no longer obliges to, or obliges to again; whether there is any such thing."""
    old, new = ({plan["key"]: plan for plan in one.get("obligations", [])} for one in (before, after))
    for kind, plans in (
        ("obligation_dropped", [plan for key, plan in old.items() if key not in new]),
        ("obligation_restored", [plan for key, plan in new.items() if key not in old]),
    ):
        for plan in plans:
            record(award, kind, actor, now, title=before["title"], what=in_words(plan, language))
    return set(old) != set(new)


def discuss_clause(
    actor: Actor, now: datetime, award_code: str, key: str, body: str, proposal: str = "", *, settle_it: bool = False
) -> None:
    """Say something about a clause, with the wording that one would like; or settle the talk about it (``settle_it``).

    The other side owes an answer from then on, or nothing once it is settled. Raises Invalid for ``body`` and
    ``proposal``, Refused when nothing can be negotiated now or there is nothing to settle, NotFound.
    """
    award, _document, clause = _clause_for(actor, Action.DISCUSS_CLAUSE, award_code, key, now)
    talk = talk_of(session(), award.id, key)
    revisions = revisions_of(session(), award.id, key)
    first = _first(revisions, clause)
    if settle_it:
        if found := settling_blockers([Said(one.side, one.settles) for one in talk]):
            raise Refused(*found)
        # A word with it is welcome and not needed.
        said, wished = (read_contribution(body, "", "", "")[0] if body.strip() else ""), ""
    else:
        said, wished = read_contribution(body, proposal, clause["text"], first)
    side = side_of(actor.roles_on(Scope(call_id=award.call_id, award_id=award.id)))
    assert actor.person_id is not None
    session().add(
        ClauseComment(
            award_id=award.id, key=key, revision=len(revisions), author_id=actor.person_id, side=side, body=said,
            proposal=wished, settles=settle_it, at=now,
        )
    )  # fmt: skip
    session().flush()
    record(award, "clause_settled" if settle_it else "clause_discussed", actor, now, title=clause["title"])
    _owe_answer(award, clause, None if settle_it else OTHER_SIDE[side], now)
    news = (
        N_("The talk about the clause “%(title)s” of the grant agreement is settled.")
        if settle_it
        else N_("There is a comment on the clause “%(title)s” of the grant agreement: read it and answer.")
    )
    _tell(award, OTHER_SIDE[side], news, clause, now)
    session().commit()


def _owe_answer(award: Award, clause: Mapping[str, Any], side: str | None, now: datetime) -> None:
    """Now it is ``side``'s turn to answer, or nobody's."""
    key = answer_key(clause["key"])
    discharge(award, key, now)
    if side is not None:
        debtor, creditor = _PARTIES[side], _PARTIES[OTHER_SIDE[side]]
        owe(award, Kind.ANSWER_CLAUSE, debtor, creditor, _soon(award, now), now, key=key, title=clause["title"], at=clause["key"])  # fmt: skip


def _tell(award: Award, side: str, msgid: str, clause: Mapping[str, Any], now: datetime) -> None:
    tell(award, _PARTIES[side], Message(msgid, {"title": clause["title"]}), _path(award, clause["key"]), now)


def take_back(actor: Actor, now: datetime, award_code: str, reason: str) -> None:
    """Take the frozen text back to be negotiated, before anybody signed it; it stays readable as what it was.

    Raises Invalid for ``reason``, Refused once it bears a signature or when it is not open.
    """
    award = award_for(actor, Action.OPEN_AGREEMENT, award_code)
    if found := taking_back_blockers(facts_of(session(), award, now)):
        raise Refused(*found)
    kept = read_reason(reason)
    document = documents.get_document(award, DocumentKind.AGREEMENT)
    version = documents.newest_version(document)
    document.state = review.after("take_back", ReviewState(document.state))
    version.decision, version.decided_by, version.decided_at, version.reason = TAKEN_BACK, actor.person_id, now, kept
    _with_wordings(award, document, actor, now)
    waive_all(award, now, Kind.SIGN_ORGANISATION, Kind.SIGN_ILO)
    owe(award, Kind.OPEN_AGREEMENT, Party.OFFICER, Party.TEAM, _soon(award, now), now)
    record(award, "agreement_taken_back", actor, now, reason=kept)
    settle(award, now)
    news = M(N_("The grant agreement is taken back: its clauses can be negotiated again before it is signed."))
    tell(award, Party.TEAM, news, _path(award), now, kept)
    session().commit()


def _with_wordings(award: Award, document: Document, actor: Actor, now: datetime) -> None:
    """An agreement that was opened before clauses were negotiated here begins with the wording that it had."""
    for clause in document.draft["clauses"]:
        if not revisions_of(session(), award.id, clause["key"]):
            _revise(award, clause["key"], 1, clause["text"], actor, now)
