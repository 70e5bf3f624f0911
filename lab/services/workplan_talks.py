"""Threads on the items of a workplan (guide §6): the team answers, the officer asks again or is content."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import select

from lab.models import Award, Document, Event, Thread
from lab.queries.workplan import get_thread
from lab.rules.errors import Refused
from lab.rules.facts import TEAM, Actor, Scope, Stage
from lab.rules.obligations import Party
from lab.rules.permissions import Action
from lab.rules.review import DocumentKind, ReviewState
from lab.rules.text import N_, M
from lab.rules.workplan_talks import QUIET_MINUTES, read_answer, talk_blockers
from lab.services import documents
from lab.services.letters import tell
from lab.services.steps import award_for, record, session


def _is_team(award: Award, actor: Actor) -> bool:
    return bool(actor.roles_on(Scope(call_id=award.call_id, award_id=award.id)) & TEAM)


def _check(award: Award, document: Document, *, settled: bool, by_team: bool) -> None:
    at_gate = Stage(award.stage) is Stage.WORKPLAN
    state = ReviewState(document.state)
    if reasons := talk_blockers(state, at_gate=at_gate, settled=settled, by_team=by_team):
        raise Refused(*reasons)


def _section(thread: Thread) -> str:
    return thread.section.partition(":")[0]


def reply(actor: Actor, now: datetime, award_code: str, thread_id: int, body: str) -> int:
    """Answer in a thread. An officer's answer reopens a settled one. Returns the comment's id.

    The other side is told by mail, at most once an hour. Raises Invalid (``body``), NotFound, Refused once the plan is
    decided, or for the team in a settled thread.
    """
    award = award_for(actor, Action.ANSWER_WORKPLAN, award_code)
    document = documents.get_document(award, DocumentKind.WORKPLAN)
    thread = get_thread(session(), award.id, thread_id)
    by_team = _is_team(award, actor)
    _check(award, document, settled=thread.resolved_at is not None, by_team=by_team)
    comment = documents.add_comment(thread, read_answer(body), actor, now)
    thread.resolved_at = thread.resolved_by = None
    quiet = _told_lately(award, by_team, now)
    side = "team" if by_team else "ilo"
    record(award, "workplan_answered", actor, now, sections=_section(thread), thread=thread.id, side=side)
    if not quiet:
        news = M(N_("A comment on the workplan is answered.")) if by_team else M(N_("The ILO asks again in a comment."))
        path = f"/awards/{award.code}/workplan#thread-{thread.id}"
        tell(award, Party.OFFICER if by_team else Party.TEAM, news, path, now)
    session().commit()
    return comment.id


def _told_lately(award: Award, by_team: bool, now: datetime) -> bool:
    """Whether the other side was told of an answer of this side within the hour."""
    lately = select(Event.details).where(
        Event.award_id == award.id,
        Event.kind == "workplan_answered",
        Event.at > now - timedelta(minutes=QUIET_MINUTES),
    )
    side = "team" if by_team else "ilo"
    return any(details.get("side") == side for details in session().scalars(lately))


def settle_thread(actor: Actor, now: datetime, award_code: str, thread_id: int) -> None:
    """The officer is content with a thread. Settled again, it stays as it is. Raises NotFound, Refused once it is decided."""
    award = award_for(actor, Action.REVIEW_WORKPLAN, award_code)
    document = documents.get_document(award, DocumentKind.WORKPLAN)
    _check(award, document, settled=False, by_team=False)
    settle_threads(award, {thread_id}, actor, now)
    session().commit()


def ask_again(award: Award, thread_id: int, body: str, actor: Actor, now: datetime) -> Thread:
    """The officer's next word in a thread, which opens it; flushed. Raises NotFound, Invalid."""
    thread = get_thread(session(), award.id, thread_id)
    documents.add_comment(thread, read_answer(body), actor, now)
    thread.resolved_at = thread.resolved_by = None
    session().flush()
    return thread


def settle_threads(award: Award, thread_ids: Collection[int], actor: Actor, now: datetime) -> None:
    """Mark threads of the award's plan as settled, with an event for each that was not; flushed. Raises NotFound."""
    for thread_id in sorted(thread_ids):
        thread = get_thread(session(), award.id, thread_id)
        if thread.resolved_at is None:
            thread.resolved_at, thread.resolved_by = now, actor.person_id
            record(award, "workplan_settled", actor, now, sections=_section(thread), thread=thread.id)
    session().flush()
