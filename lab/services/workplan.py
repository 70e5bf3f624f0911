"""The gate (guide §6): the workplan and budget are written, handed in, judged; and what happens when time runs out."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import exists, select
from sqlalchemy.orm import aliased

from lab.models import Award, BudgetLine, Document, Extension, Milestone, Obligation
from lab.queries.awards import definition_of, get_award, open_obligations, workplan_deadline
from lab.queries.workplan import frame_of
from lab.rules import lifecycle
from lab.rules.calendar import days_after, end_of_day, last_day, local_day
from lab.rules.errors import Conflict, Invalid, Refused
from lab.rules.facts import Actor, Stage
from lab.rules.gate_clock import MAX_EXTENSION, days_to_add
from lab.rules.obligations import ObligationKind as Kind
from lab.rules.obligations import ObligationState, Party
from lab.rules.permissions import Action
from lab.rules.review import DocumentKind, ReviewState, SectionComment
from lab.rules.text import N_, M, Message
from lab.rules.workplan import SECTIONS, Problem, Reading, read_plan
from lab.rules.workplan_content import MAX_ROWS, clean_content
from lab.rules.workplan_merge import Base, merge
from lab.rules.workplan_talks import places_of
from lab.services import documents, workplan_talks
from lab.services.letters import tell
from lab.services.stages import move, settle
from lab.services.steps import award_for, discharge, owe, record, session


def _at_gate(award: Award) -> None:
    stage = Stage(award.stage)
    if stage is not Stage.WORKPLAN:
        raise Refused(
            M(N_("This is not possible in the stage the award is in: %(stage)s."), stage=lifecycle.STAGE_NAMES[stage])
        )


def _soon(award: Award, now: datetime) -> datetime:
    definition = definition_of(award)
    return days_after(local_day(now, definition.time_zone), definition.stages.review_days, definition.time_zone)


def _path(award: Award) -> str:
    return f"/awards/{award.code}/workplan"


def _grouped(problems: tuple[Problem, ...]) -> dict[str, list[Message]]:
    places: dict[str, list[Message]] = {}
    for problem in problems:
        places.setdefault(problem.place, []).append(problem.message)
    return places


def save_draft(
    actor: Actor,
    now: datetime,
    award_code: str,
    content: Mapping[str, object],
    revision: int,
    base: Base | None = None,
) -> int:
    """Keep what the team typed, however unfinished, and return the next revision.

    With ``base``, the plan that the writer began from, what others saved since stays where the writer left it alone,
    whatever the ``revision``. Raises Conflict with the newer text when both changed the same, or, without a base, when
    anybody saved since ``revision``; Refused when the team is not writing, or the two plans are too long together.
    """
    award = award_for(actor, Action.EDIT_WORKPLAN, award_code)
    if award.ended_at is not None:
        _at_gate(award)
    document = documents.get_document(award, DocumentKind.WORKPLAN)
    content = clean_content(content)
    if base is not None:
        revision = document.draft_revision
        documents.check_draft(document, revision)
        content = _merged(document, content, base)
    kept = documents.keep_draft(document, content, revision, actor, now)
    session().commit()
    return kept


def _merged(document: Document, content: Mapping[str, object], base: Base) -> dict[str, object]:
    found = merge(base, content, document.draft)
    if found.full:
        raise Refused(
            *(
                M(
                    N_(
                        "Together with what was saved meanwhile, the plan has %(count)s rows under “%(section)s”; it holds up to %(limit)s. Remove rows, then save again."
                    ),
                    count=len(found.content[section]), section=M(SECTIONS[section]), limit=MAX_ROWS,
                )
                for section in found.full
            )
        )  # fmt: skip
    if found.clashes:
        raise Conflict(document.draft, document.draft_revision)
    return found.content


def submit_plan(actor: Actor, now: datetime, award_code: str, revision: int) -> int:
    """Hand in the draft as the lead saw it (``revision``). Returns the version's number.

    Strictly before the deadline, midnight in the call's time zone (guide §6, §8). Raises Invalid with every problem by
    its place, Refused when it is too late or not the team's turn, Conflict when the draft has changed since.
    """
    award = award_for(actor, Action.SUBMIT_WORKPLAN, award_code)
    _at_gate(award)
    document = documents.get_document(award, DocumentKind.WORKPLAN)
    if revision != document.draft_revision:
        raise Conflict(document.draft, document.draft_revision)
    definition = definition_of(award)
    version = documents.submit(document, actor, now)
    deadline = workplan_deadline(session(), award, definition.time_zone, definition.stages.workplan_days)
    if now >= deadline:
        raise Refused(_too_late(deadline, definition.time_zone))
    problems = read_plan(document.draft, frame_of(award, definition)).problems
    if problems:
        raise Invalid(_grouped(problems))
    record(award, "workplan_submitted", actor, now, number=version.number)
    owe(award, Kind.REVIEW_WORKPLAN, Party.OFFICER, Party.TEAM, _soon(award, now), now, number=version.number)
    settle(award, now)
    tell(
        award,
        Party.OFFICER,
        M(N_("The workplan and budget have been submitted and wait for your review.")),
        _path(award),
        now,
    )
    session().commit()
    return version.number


def _too_late(deadline: datetime, time_zone: str) -> Message:
    return M(
        N_(
            "The time to submit ended with %(day)s at midnight (%(zone)s). Ask the programme officer to extend the deadline: your draft is kept."
        ),
        day=last_day(deadline, time_zone),
        zone=time_zone,
    )


def request_changes(
    actor: Actor,
    now: datetime,
    award_code: str,
    version: int,
    comments: Mapping[str, str],
    answers: Mapping[int, str] | None = None,
    settled: Collection[int] = (),
) -> None:
    """Send the version back, with what to change per place (:func:`lab.rules.workplan_talks.places_of`). The team's clock
    runs again, later by the length of the review.

    ``answers`` (thread → text) ask again in threads of earlier versions; ``settled`` are threads that are content now.
    Raises Refused when nothing is asked for, or another version came in meanwhile; Invalid for a comment that is too long.
    """
    award = award_for(actor, Action.REVIEW_WORKPLAN, award_code)
    _at_gate(award)
    document = documents.get_document(award, DocumentKind.WORKPLAN)
    again = {thread: text for thread, text in (answers or {}).items() if text.strip()}
    submitted = document.state == ReviewState.SUBMITTED
    places = places_of(documents.newest_version(document).content) if submitted else tuple(comments)
    asked = [SectionComment(place, comments[place]) for place in places if comments.get(place, "").strip()]
    decided = documents.decide(
        document, "request_changes", version, actor, now, comments=asked, asked_again=bool(again)
    )
    threads = [workplan_talks.ask_again(award, thread, text, actor, now) for thread, text in again.items()]
    workplan_talks.settle_threads(award, set(settled) - set(again), actor, now)
    sections = dict.fromkeys((*(item.section for item in asked), *(thread.section for thread in threads)))
    record(
        award,
        "workplan_changes_requested",
        actor,
        now,
        number=decided.number,
        sections=",".join(dict.fromkeys(section.partition(":")[0] for section in sections)),
    )
    discharge(award, Kind.REVIEW_WORKPLAN, now)
    settle(award, now)
    tell(award, Party.TEAM, M(N_("Changes are asked for in the workplan.")), _path(award), now)
    session().commit()


def approve(actor: Actor, now: datetime, award_code: str, version: int) -> None:
    """Approve the version: its milestones and budget lines become the award's, and the agreement is next (guide §6).

    Raises Refused when there is nothing to approve, or another version came in meanwhile.
    """
    award = award_for(actor, Action.REVIEW_WORKPLAN, award_code)
    _at_gate(award)
    document = documents.get_document(award, DocumentKind.WORKPLAN)
    record(award, "workplan_approved", actor, now, number=version)
    discharge(award, Kind.REVIEW_WORKPLAN, now)
    move(award, "approve_workplan", actor, "", now)
    decided = documents.decide(document, "accept", version, actor, now)
    reading = read_plan(decided.content, frame_of(award, definition_of(award)))
    if reading.problems:
        raise Refused(
            M(N_("The plan no longer fits its call, whose definition has changed: ask for changes instead.")),
            *(problem.message for problem in reading.problems),
        )
    _adopt(award, reading, now)
    settle(award, now)
    tell(award, Party.TEAM, M(N_("The workplan and budget are approved.")), _path(award), now)
    session().commit()


def _adopt(award: Award, reading: Reading, now: datetime) -> None:
    """Make of the approved plan what the award is followed by: milestones with their obligations, and budget lines."""
    zone = definition_of(award).time_zone
    for number, item in enumerate(reading.milestones, start=1):
        session().add(
            Milestone(
                award_id=award.id, number=number, item=item.id, stage=item.stage, title=item.title, proof=item.proof,
                due_on=item.due_on,
            )
        )  # fmt: skip
        due_at = end_of_day(item.due_on, zone)
        owe(
            award,
            Kind.REACH_MILESTONE,
            Party.TEAM,
            Party.OFFICER,
            due_at,
            now,
            key=f"milestone:{number}",
            title=item.title,
        )
    of_milestone = {item.id: item.stage for item in reading.milestones}
    stages = {item.id: of_milestone.get(item.milestone, "") for item in reading.activities}
    for number, line in enumerate(reading.lines, start=1):
        session().add(
            BudgetLine(
                award_id=award.id, number=number, item=line.id, activity=line.activity, stage=stages.get(line.activity, ""),
                category=line.category, description=line.description, quantity=line.quantity, unit_cost=line.unit_cost,
                amount=line.amount, own=line.own,
            )
        )  # fmt: skip
    session().flush()


def reject(actor: Actor, now: datetime, award_code: str, version: int, reason: str) -> None:
    """Reject the version for good: the award lapses. Raises Refused without a reason or with nothing to decide on."""
    award = award_for(actor, Action.REVIEW_WORKPLAN, award_code)
    _at_gate(award)
    document = documents.get_document(award, DocumentKind.WORKPLAN)
    move(award, "reject_workplan", actor, reason, now)
    documents.decide(document, "reject", version, actor, now, reason=reason)
    tell(
        award, Party.TEAM, M(N_("The workplan has been rejected, and the award has lapsed.")), _path(award), now, reason
    )
    session().commit()


def extend_deadline(
    actor: Actor, now: datetime, award_code: str, days: int, reason: str, shown: datetime | None = None
) -> datetime:
    """Give the team more calendar days (see :func:`days_to_add`), with the reason. Returns the new deadline (UTC).

    Raises Invalid for ``days`` or ``reason``, and when even the new deadline would have passed; Refused when the deadline
    is no longer the one that was ``shown``: two officers at once extend it once.
    """
    award = award_for(actor, Action.EXTEND_DEADLINE, award_code)
    _at_gate(award)
    standing = next((o for o in open_obligations(session(), award.id) if o.kind == Kind.SUBMIT_WORKPLAN), None)
    if shown is not None and standing is not None and shown != standing.due_at:
        last = last_day(standing.due_at, definition_of(award).time_zone)
        raise Refused(
            M(N_("The deadline was moved since you opened this page: it is now the end of %(day)s."), day=last)
        )
    definition = definition_of(award)
    problems = {}
    most = days_to_add(standing.due_at, now, definition.time_zone)[1] if standing is not None else MAX_EXTENSION
    if not 1 <= days <= most:
        problems["days"] = M(N_("Give a whole number of days from 1 to %(limit)s."), limit=most)
    if not reason.strip():
        problems["reason"] = M(N_("Give the reason in a sentence: it is kept and shown to the team."))
    if problems:
        raise Invalid(problems)
    assert actor.person_id is not None
    session().add(Extension(award_id=award.id, days=days, reason=reason.strip(), by=actor.person_id, at=now))
    session().flush()
    deadline = workplan_deadline(session(), award, definition.time_zone, definition.stages.workplan_days)
    if deadline <= now:
        last = last_day(deadline, definition.time_zone)
        least = days + days_to_add(deadline, now, definition.time_zone)[0]
        raise Invalid(
            {
                "days": M(
                    N_("Even then the deadline would have ended on %(day)s: give at least %(least)s days."),
                    day=last, least=least,
                )
            }
        )  # fmt: skip
    record(award, "deadline_extended", actor, now, days=days, reason=reason.strip())
    discharge(award, Kind.DECIDE_EXPIRY, now)
    settle(award, now)
    last = last_day(deadline, definition.time_zone)
    tell(
        award,
        Party.TEAM,
        M(N_("The workplan's deadline is now the end of %(day)s."), day=last),
        _path(award),
        now,
        reason,
    )
    session().commit()
    return deadline


def let_lapse(actor: Actor, now: datetime, award_code: str, reason: str) -> None:
    """Let the award lapse after its deadline passed without a workplan (domain: 1), with the reason. Raises Refused."""
    award = award_for(actor, Action.REVIEW_WORKPLAN, award_code)
    discharge(award, Kind.DECIDE_EXPIRY, now)
    move(award, "let_lapse", actor, reason, now)
    tell(award, Party.TEAM, M(N_("The award has lapsed.")), _path(award), now, reason)
    session().commit()


def flag_expired(now: datetime) -> int:
    """Ask the officer of every award whose workplan is overdue to extend or let lapse, once a deadline. Returns how many.

    For the scheduler; an award never lapses by itself (domain: 1).
    """
    asked = aliased(Obligation)
    overdue = (
        select(Award.code)
        .join(Obligation, Obligation.award_id == Award.id)
        .where(
            Award.stage == Stage.WORKPLAN,
            Obligation.kind == Kind.SUBMIT_WORKPLAN,
            Obligation.state == ObligationState.OPEN,
            Obligation.due_at <= now,
            ~exists().where(
                asked.award_id == Award.id, asked.kind == Kind.DECIDE_EXPIRY, asked.state == ObligationState.OPEN
            ),
        )
        .order_by(Award.id)
    )
    codes = session().scalars(overdue).all()
    for code in codes:
        award = get_award(session(), code, lock=True)
        if _is_overdue(award, now):
            owe(award, Kind.DECIDE_EXPIRY, Party.OFFICER, Party.TEAM, _soon(award, now), now)
        session().commit()
    return len(codes)


def _is_overdue(award: Award, now: datetime) -> bool:
    """Still so, now that the award is locked."""
    due_at = session().scalar(
        select(Obligation.due_at).where(
            Obligation.award_id == award.id,
            Obligation.kind == Kind.SUBMIT_WORKPLAN,
            Obligation.state == ObligationState.OPEN,
        )
    )
    return award.stage == Stage.WORKPLAN and due_at is not None and due_at <= now
