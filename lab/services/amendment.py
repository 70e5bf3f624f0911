"""Amendments of the agreement in force (domain: 2): asked for by one side, judged by the other, applied in one transaction.

The side that asks and the side that judges are never the same; a pilot beyond its ceiling is the steering committee's.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from lab.models import Award, Decision, Document, Version
from lab.queries.amendment import get_amendment, terms_of
from lab.queries.awards import definition_of, facts_of
from lab.queries.disbursement import awards_sharing_account
from lab.rules import review
from lab.rules.amendment import (
    KIND_NAMES,
    SIDES,
    AmendmentKind,
    Ground,
    Terms,
    amending_blockers,
    beginning_blockers,
    beyond_ceiling,
    shown_hash,
    side_of,
    terms_to_json,
)
from lab.rules.amendment_content import clean_amendment, empty_amendment
from lab.rules.amendment_effect import Outcome, amended
from lab.rules.amendment_rebase import stood
from lab.rules.calendar import days_after, local_day
from lab.rules.clauses import OTHER_SIDE, read_reason
from lab.rules.errors import Conflict, Invalid, NotAllowed, Refused
from lab.rules.facts import Actor, Scope
from lab.rules.obligations import ObligationKind, Party
from lab.rules.permissions import Action
from lab.rules.records import read_record
from lab.rules.review import DocumentKind, ReviewState
from lab.rules.text import N_, M, Message
from lab.services import documents
from lab.services.amendment_apply import Agreed, apply
from lab.services.letters import tell
from lab.services.stages import settle
from lab.services.steps import award_for, discharge, owe, record, session, supersede


def review_key(number: int) -> str:
    """The key under which a decision on amendment ``number`` is owed by the other side."""
    return f"amendment:{number}:review"


def committee_key(number: int) -> str:
    """The key under which the steering committee owes its decision on amendment ``number``."""
    return f"amendment:{number}:committee"


def _path(award: Award, number: int) -> str:
    return f"/awards/{award.code}/amendments/{number}"


def _side(actor: Actor, award: Award) -> str:
    return side_of(actor.roles_on(Scope(call_id=award.call_id, award_id=award.id)))


def _amendable(award: Award, now: datetime) -> None:
    if found := amending_blockers(facts_of(session(), award, now)):
        raise Refused(*found)


def _document(award: Award, number: int) -> Document:
    return documents.get_document(award, DocumentKind.AMENDMENT, number)


def _own(actor: Actor, award: Award, document: Document) -> None:
    """Raises NotAllowed unless the amendment is asked for by the actor's own side."""
    if document.draft["side"] != _side(actor, award):
        raise NotAllowed(Action.REQUEST_AMENDMENT)


def _due(award: Award, now: datetime) -> datetime:
    definition = definition_of(award)
    return days_after(local_day(now, definition.time_zone), definition.stages.review_days, definition.time_zone)


def _said(document: Document) -> dict[str, Any]:
    return {"number": document.number, "about": KIND_NAMES[AmendmentKind(document.title)]}


# Asking ----------------------------------------------------------------------------------------------------------


def start(actor: Actor, now: datetime, award_code: str, kind: str) -> int:
    """Begin an amendment of ``kind`` with what stands today as its draft. Returns its number.

    Raises Refused when nothing can be amended now, Invalid for an unknown kind.
    """
    award = award_for(actor, Action.REQUEST_AMENDMENT, award_code)
    _amendable(award, now)
    if kind not in list(AmendmentKind):
        raise Invalid({"kind": M(N_("Choose what the amendment is about."))})
    terms, _ = terms_of(session(), award, now)
    if found := beginning_blockers(AmendmentKind(kind), terms):
        raise Refused(*found)
    numbers = select(func.max(Document.number)).where(
        Document.award_id == award.id, Document.kind == DocumentKind.AMENDMENT
    )
    number = (session().scalar(numbers) or 0) + 1
    wanted = AmendmentKind(kind)
    draft = {"side": _side(actor, award), **empty_amendment(wanted, terms), "stood": stood(wanted, terms)}
    documents.new_document(award, DocumentKind.AMENDMENT, number, kind, draft)
    session().commit()
    return number


def save_draft(
    actor: Actor, now: datetime, award_code: str, number: int, content: Mapping[str, object], revision: int
) -> int:
    """Keep what was typed, however unfinished, and return the next revision.

    Raises Conflict with the newer text when somebody saved since ``revision``; Refused when it is not being written.
    """
    award = award_for(actor, Action.REQUEST_AMENDMENT, award_code)
    document = _document(award, number)
    _own(actor, award, document)
    kept = _keep(document, content, revision, actor, now)
    session().commit()
    return kept


def _keep(document: Document, content: Mapping[str, object], revision: int, actor: Actor, now: datetime) -> int:
    cleaned = {"side": document.draft["side"], **clean_amendment(AmendmentKind(document.title), content)}
    return documents.keep_draft(document, cleaned, revision, actor, now)


def submit(actor: Actor, now: datetime, award_code: str, number: int, revision: int) -> int:
    """Send the draft, as it was seen (``revision``), to the other side. Returns the version's number.

    Raises Invalid with everything that speaks against it by its place, Refused when nothing can be amended now, Conflict
    when the draft has changed since.
    """
    award = award_for(actor, Action.REQUEST_AMENDMENT, award_code)
    document = _document(award, number)
    _own(actor, award, document)
    _amendable(award, now)
    if revision != document.draft_revision:
        raise Conflict(document.draft, document.draft_revision)
    terms, ground = terms_of(session(), award, now)
    after = _possible(amended(terms, ground, AmendmentKind(document.title), document.draft))
    state = review.after("submit", ReviewState(document.state))
    # What the requester saw: when it is refused or withdrawn, this is what was asked.
    asked = {"before": terms_to_json(terms), "after": terms_to_json(after)}
    version = documents.add_version(document, {**document.draft, "asked": asked}, actor, now)
    document.state = state
    record(award, "amendment_requested", actor, now, **_said(document))
    side = OTHER_SIDE[document.draft["side"]]
    debtor, creditor = SIDES[side][1], SIDES[document.draft["side"]][1]
    owe(
        award, ObligationKind.REVIEW_AMENDMENT, debtor, creditor, _due(award, now), now, key=review_key(number),
        number=number,
    )  # fmt: skip
    tell(
        award,
        debtor,
        M(N_("Amendment %(number)s (%(about)s) waits for your decision."), **_said(document)),
        _path(award, number),
        now,
    )
    if beyond_ceiling(terms, after, ground.definition):
        owe(
            award, ObligationKind.DECIDE_AMENDMENT, Party.COMMITTEE, creditor, _due(award, now), now,
            key=committee_key(number), number=number,
        )  # fmt: skip
        news = M(
            N_("Amendment %(number)s would have the pilot last longer than its ceiling: the committee decides."),
            number=number,
        )
        tell(award, Party.COMMITTEE, news, _path(award, number), now)
    session().commit()
    return version.number


def _possible(outcome: Outcome) -> Terms:
    """The terms after an amendment that can be made. Raises Invalid with what speaks against it."""
    if outcome.after is None or outcome.problems:
        grouped: dict[str, list[Message]] = {}
        for problem in outcome.problems:
            grouped.setdefault(problem.place, []).append(problem.message)
        raise Invalid(grouped)
    return outcome.after


def take_back(actor: Actor, now: datetime, award_code: str, number: int) -> None:
    """Whoever asked takes it back to change it, before it is decided. Raises Refused afterwards."""
    award = award_for(actor, Action.REQUEST_AMENDMENT, award_code)
    document = _document(award, number)
    _own(actor, award, document)
    document.state = review.after("take_back", ReviewState(document.state))
    _no_longer_waits(award, number, now)
    record(award, "amendment_taken_back", actor, now, number=number)
    _tell_judge(
        award, document, M(N_("Amendment %(number)s (%(about)s) is taken back to be changed."), **_said(document)), now
    )
    session().commit()


def withdraw(actor: Actor, now: datetime, award_code: str, number: int) -> None:
    """Whoever asked gives the amendment up, before it is decided; it stays readable. Raises Refused afterwards."""
    award = award_for(actor, Action.REQUEST_AMENDMENT, award_code)
    document = _document(award, number)
    _own(actor, award, document)
    was = ReviewState(document.state)
    document.state = review.after("withdraw", was)
    _no_longer_waits(award, number, now)
    record(award, "amendment_withdrawn", actor, now, number=number)
    if was is ReviewState.SUBMITTED:
        _tell_judge(award, document, M(N_("Amendment %(number)s (%(about)s) is withdrawn."), **_said(document)), now)
    session().commit()


def _no_longer_waits(award: Award, number: int, now: datetime) -> None:
    for key in (review_key(number), committee_key(number)):
        supersede(award, key, now)


# Judging ---------------------------------------------------------------------------------------------------------


def _to_judge(actor: Actor, award: Award, number: int) -> Document:
    """The amendment that the other side asks for. Raises NotAllowed for one's own."""
    document = _document(award, number)
    if document.draft["side"] == _side(actor, award):
        raise NotAllowed(Action.REQUEST_AMENDMENT)
    return document


def request_changes(actor: Actor, now: datetime, award_code: str, number: int, version: int, comment: str) -> None:
    """Send the version back with what should change. Raises Invalid for ``reason``, Refused when there is nothing to decide."""
    award = award_for(actor, Action.REQUEST_AMENDMENT, award_code)
    document = _to_judge(actor, award, number)
    asked = [review.SectionComment("whole", read_reason(comment))]
    documents.decide(document, "request_changes", version, actor, now, reason=comment, comments=asked)
    _no_longer_waits(award, number, now)
    record(award, "amendment_changes_requested", actor, now, number=number)
    _tell_requester(
        award,
        document,
        M(N_("Changes are asked for in amendment %(number)s (%(about)s)."), **_said(document)),
        now,
        comment,
    )
    session().commit()


def refuse(actor: Actor, now: datetime, award_code: str, number: int, version: int, reason: str) -> None:
    """Refuse the version for good, with the reason. Raises Invalid for ``reason``, Refused when there is nothing to decide."""
    award = award_for(actor, Action.REQUEST_AMENDMENT, award_code)
    document = _to_judge(actor, award, number)
    kept = read_reason(reason)
    documents.decide(document, "reject", version, actor, now, reason=kept)
    discharge(award, review_key(number), now)
    supersede(award, committee_key(number), now)
    record(award, "amendment_refused", actor, now, number=number, reason=kept)
    _tell_requester(
        award, document, M(N_("Amendment %(number)s (%(about)s) is refused."), **_said(document)), now, kept
    )
    session().commit()


def approve(actor: Actor, now: datetime, award_code: str, number: int, version: int, shown: str) -> None:
    """Agree to the version and apply all that it changes, in one transaction; ``shown`` is the hash of what was shown
    (``rules.amendment.shown_hash``).

    Raises Refused when the award has changed since it was shown, when money spent, paid or reported, or anything else,
    speaks against it now, and while the steering committee has not agreed to a pilot beyond its ceiling.
    """
    # Before the award's own lock: whoever changes an account locks all awards that share it, in order.
    sharing = awards_sharing_account(session(), award_code)
    award = award_for(actor, Action.REQUEST_AMENDMENT, award_code)
    document = _to_judge(actor, award, number)
    _amendable(award, now)
    decided = documents.decide(document, "accept", version, actor, now)
    terms, ground = terms_of(session(), award, now)
    outcome = amended(terms, ground, AmendmentKind(document.title), decided.content)
    if not outcome.possible:
        raise Refused(
            M(N_("The amendment is no longer possible: ask for changes, or refuse it.")),
            *(problem.message for problem in outcome.problems),
        )
    assert outcome.after is not None
    if shown != shown_hash(terms, outcome.after):
        raise Refused(M(N_("The award has changed since you opened this page: read what would change again, below.")))
    if found := committee_blockers(decided, terms, outcome.after, ground):
        raise Refused(*found)
    # Before another leads the team: whoever asked is told, and then whoever leads it now.
    approved = M(N_("Amendment %(number)s (%(about)s) is approved and applied."), **_said(document))
    _tell_requester(award, document, approved, now)
    apply(award, Agreed(decided, document.title, terms, outcome.after, ground), sharing, actor, now)
    discharge(award, review_key(number), now)
    record(award, "amendment_approved", actor, now, **_said(document))
    settle(award, now)
    if outcome.after.lead != terms.lead:
        tell(award, Party.TEAM, M(N_("You lead the team of this award now.")), _path(award, number), now)
    session().commit()


def committee_blockers(version: Version, before: Terms, after: Terms, ground: Ground) -> tuple[Message, ...]:
    """Why a pilot cannot pass its ceiling yet; empty when the committee has agreed, or need not (domain: 4)."""
    ceiling = beyond_ceiling(before, after, ground.definition)
    if ceiling is None:
        return ()
    decision = session().scalars(
        select(Decision).where(Decision.version_id == version.id).order_by(Decision.id.desc()).limit(1)
    ).one_or_none()  # fmt: skip
    if decision is None:
        return (
            M(
                N_(
                    "The pilot would end on %(day)s, after its ceiling of %(ceiling)s: the steering committee decides first."
                ),
                day=after.pilot_ends,
                ceiling=ceiling,
            ),
        )
    if not decision.agrees:
        return (M(N_("The steering committee has decided against it: %(title)s."), title=decision.title),)
    return ()


def decide(
    actor: Actor, now: datetime, award_code: str, number: int, version: int, agrees: bool | None, title: str, body: str
) -> None:
    """The steering committee decides whether the pilot may pass its ceiling. A later decision replaces an earlier one, until
    the amendment is decided.

    Raises Invalid for ``agrees``, ``title`` and ``body``; Refused when this version asks nothing of the committee (now).
    """
    award = award_for(actor, Action.DECIDE_AMENDMENT, award_code)
    page = get_amendment(session(), award.id, number)
    newest = page.newest
    if newest is None or newest.number != version or page.state is not ReviewState.SUBMITTED:
        raise Refused(M(N_("This version no longer waits for a decision: reload the page.")))
    terms, ground = terms_of(session(), award, now)
    outcome = amended(terms, ground, AmendmentKind(page.kind), newest.content)
    if outcome.after is None or beyond_ceiling(terms, outcome.after, ground.definition) is None:
        raise Refused(M(N_("This amendment asks nothing of the steering committee.")))
    if agrees is None:
        raise Invalid({"agrees": M(N_("Choose whether the committee agrees."))})
    written = read_record(title, body)
    assert actor.person_id is not None
    session().add(
        Decision(
            award_id=award.id, title=written.title, body=written.body, by=actor.person_id, at=now, version_id=newest.id,
            agrees=agrees,
        )
    )  # fmt: skip
    session().flush()
    discharge(award, committee_key(number), now)
    record(award, "amendment_decided", actor, now, number=number, title=written.title)
    for party in dict.fromkeys((SIDES[OTHER_SIDE[page.side]][1], SIDES[page.side][1])):
        news = M(
            N_("The steering committee has decided on amendment %(number)s: %(title)s."),
            number=number,
            title=written.title,
        )
        tell(award, party, news, _path(award, number), now)
    session().commit()


def _tell_requester(award: Award, document: Document, news: Message, now: datetime, reason: str = "") -> None:
    tell(award, SIDES[document.draft["side"]][1], news, _path(award, document.number), now, reason)


def _tell_judge(award: Award, document: Document, news: Message, now: datetime) -> None:
    tell(award, SIDES[OTHER_SIDE[document.draft["side"]]][1], news, _path(award, document.number), now)
