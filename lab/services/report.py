"""Reports, narrative and financial (domain: Reports): begun, saved, handed in, judged; and milestones accepted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import update

from lab.models import Award, Document, Spending, Version
from lab.queries.awards import definition_of, facts_of, open_obligations
from lab.queries.report import frame_of, get_milestone, lines_of
from lab.queries.upload import uploads_of
from lab.rules.calendar import days_after, local_day
from lab.rules.errors import Invalid, NotFound, Refused
from lab.rules.facts import Actor, Stage
from lab.rules.money import Money
from lab.rules.obligations import ObligationKind, Party
from lab.rules.permissions import Action
from lab.rules.records import MAX_BODY
from lab.rules.reports import (
    ANSWER_DAYS,
    OTHER_SECTIONS,
    RETURN_DAYS,
    ReportFrame,
    ReportReading,
    accept_blockers,
    clean_report,
    empty_report,
    milestone_blockers,
    read_report,
    report_title,
    sections_of,
    stage_blockers,
)
from lab.rules.review import REPORT_KINDS, DocumentKind, SectionComment
from lab.rules.text import N_, M, Message
from lab.rules.workplan import Problem
from lab.services import documents
from lab.services.clause_duties import cites
from lab.services.letters import tell
from lab.services.stages import move, settle
from lab.services.steps import award_for, discharge, not_ended, owe, record, session, waive_all

_SUBMIT_OF = {
    DocumentKind.PROGRESS_REPORT: ObligationKind.SUBMIT_PROGRESS_REPORT,
    DocumentKind.PROTOTYPE_REPORT: ObligationKind.SUBMIT_PROTOTYPE_REPORT,
    DocumentKind.FINAL_REPORT: ObligationKind.SUBMIT_FINAL_REPORT,
}


def _kind(kind: str) -> DocumentKind:
    if kind not in REPORT_KINDS:
        raise NotFound("report")
    return DocumentKind(kind)


def _due(award: Award, days: int, now: datetime) -> datetime:
    zone = definition_of(award).time_zone
    return days_after(local_day(now, zone), days, zone)


def _path(award: Award, document: Document) -> str:
    return f"/awards/{award.code}/reports/{document.kind}/{document.number}"


def _title(document: Document) -> str:
    """As details keep it: a marked text where there is one, so that it is translated when shown."""
    return str(report_title(DocumentKind(document.kind), document.number))


def _note(award: Award, document: Document, event: str, version: int, actor: Actor, now: datetime) -> None:
    about = f"{document.kind}:{document.number}"
    record(award, event, actor, now, title=_title(document), number=version, report=about)


def _check_stage(award: Award, kind: DocumentKind) -> None:
    if found := stage_blockers(kind, Stage(award.stage)):
        raise Refused(*found)


def start_report(actor: Actor, now: datetime, award_code: str, kind: str, number: int) -> int:
    """Begin a report that is due; one that was begun before is left as it is. Returns the draft's revision.

    Raises NotFound when no such report is due, Refused when the stage does not fit.
    """
    award = award_for(actor, Action.EDIT_REPORT, award_code)
    report = _kind(kind)
    try:
        return documents.get_document(award, report, number).draft_revision
    except NotFound:
        if f"report:{report}:{number}" not in {owed.key for owed in open_obligations(session(), award.id)}:
            raise
    _check_stage(award, report)
    document = documents.new_document(award, report, number, "", empty_report())
    document.title = _title(document)
    session().commit()
    return document.draft_revision


def save_draft(
    actor: Actor, now: datetime, award_code: str, kind: str, number: int, content: Mapping[str, object], revision: int
) -> int:
    """Keep what the team typed, however unfinished, and return the next revision.

    Raises Conflict with the newer text when somebody saved since ``revision``; Refused when the team is not writing.
    """
    award = award_for(actor, Action.EDIT_REPORT, award_code)
    document = documents.get_document(award, _kind(kind), number)
    not_ended(award)
    kept = documents.keep_draft(document, clean_report(content), revision, actor, now)
    session().commit()
    return kept


def submit_report(
    actor: Actor,
    now: datetime,
    award_code: str,
    kind: str,
    number: int,
    content: Mapping[str, object] | None,
    revision: int,
) -> int:
    """Hand in what the lead typed, with the files that lie with the report, as its next version. Returns its number.

    Without ``content`` it is the draft as the lead saw it, at ``revision``. Raises Invalid with every problem by its
    place, Refused in a wrong stage (a suspended award hands in nothing) or when it is not the team's turn, Conflict when
    somebody saved since ``revision``. Nothing is stored then.
    """
    award = award_for(actor, Action.SUBMIT_REPORT, award_code)
    report = _kind(kind)
    document = documents.get_document(award, report, number)
    _check_stage(award, report)
    if content is not None:
        documents.keep_draft(document, clean_report(content), revision, actor, now)
    else:
        documents.check_draft(document, revision)
    frame = _frame(award, document)
    reading = read_report(document.draft, frame)
    if reading.problems:
        raise Invalid(_grouped(reading.problems))
    place = f"report:{report}:{number}"
    files = [upload.id for upload in uploads_of(session(), award.id, place) if upload.removed_at is None]
    document.draft = {**document.draft, "files": files}
    version = documents.submit(document, actor, now)
    _keep_spending(award, version, reading)
    _note(award, document, "report_submitted", version.number, actor, now)
    discharge(award, place, now)
    _owe_review(award, document, now)
    settle(award, now)
    tell(
        award,
        Party.OFFICER,
        M(N_("A report has come in and waits for your review: %(title)s."), title=_title(document)),
        _path(award, document),
        now,
    )
    session().commit()
    return version.number


def _frame(award: Award, document: Document) -> ReportFrame:
    lines = lines_of(session(), award, document.id)
    return frame_of(DocumentKind(document.kind), award, definition_of(award), lines, award.language)


def _grouped(problems: Iterable[Problem]) -> dict[str, list[Message]]:
    places: dict[str, list[Message]] = {}
    for problem in problems:
        places.setdefault(problem.place, []).append(problem.message)
    return places


def _keep_spending(award: Award, version: Version, reading: ReportReading) -> None:
    for line in reading.spending:
        if line.amount:
            session().add(
                Spending(award_id=award.id, version_id=version.id, budget_line_id=line.line_id, amount=line.amount)
            )
    session().flush()


def _owe_review(award: Award, document: Document, now: datetime) -> None:
    due_at = _due(award, definition_of(award).stages.review_days, now)
    key = f"review:{document.kind}:{document.number}"
    owe(award, ObligationKind.REVIEW_REPORT, Party.OFFICER, Party.TEAM, due_at, now, key=key, title=_title(document))


def request_changes(
    actor: Actor, now: datetime, award_code: str, kind: str, number: int, version: int, comments: Mapping[str, str]
) -> None:
    """Send the version back, with what to change per section; the team owes the next one within two weeks.

    Raises Refused when nothing is asked for, or another version came in meanwhile.
    """
    award = award_for(actor, Action.REVIEW_REPORT, award_code)
    report = _kind(kind)
    document = documents.get_document(award, report, number)
    not_ended(award)
    sections = sections_of(report, definition_of(award).reports.sections, award.language) | OTHER_SECTIONS
    asked = [SectionComment(key, comments[key]) for key in sections if comments.get(key, "").strip()]
    documents.decide(document, "request_changes", version, actor, now, comments=asked)
    _note(award, document, "report_changes_requested", version, actor, now)
    discharge(award, f"review:{report}:{number}", now)
    due_at = _due(award, ANSWER_DAYS, now)
    owe(
        award,
        _SUBMIT_OF[report],
        Party.TEAM,
        Party.OFFICER,
        due_at,
        now,
        key=f"report:{report}:{number}",
        number=number,
        **cites(award, _SUBMIT_OF[report]),
    )
    settle(award, now)
    tell(
        award,
        Party.TEAM,
        M(N_("Changes are asked for: %(title)s."), title=_title(document)),
        _path(award, document),
        now,
    )
    session().commit()


def accept_report(actor: Actor, now: datetime, award_code: str, kind: str, number: int, version: int) -> None:
    """Accept the version: its spending counts. The prototype's final report starts the pilot; the award's makes unspent
    money due back. With either, progress reports of its stage that never came are no longer owed.

    Raises Refused when there is nothing to accept, another version came in meanwhile, or the pilot cannot start now.
    """
    award = award_for(actor, Action.REVIEW_REPORT, award_code)
    report = _kind(kind)
    document = documents.get_document(award, report, number)
    not_ended(award)
    if found := accept_blockers(report, Stage(award.stage)):
        raise Refused(*found)
    decided = documents.decide(document, "accept", version, actor, now)
    session().execute(
        update(Spending)
        .where(Spending.version_id == decided.id)
        .values(accepted=True)
        .execution_options(synchronize_session="fetch")
    )
    _note(award, document, "report_accepted", version, actor, now)
    discharge(award, f"review:{report}:{number}", now)
    if report is not DocumentKind.PROGRESS_REPORT:
        # A final report tells the whole of its stage: progress reports that are still open are part of it.
        waive_all(award, now, ObligationKind.SUBMIT_PROGRESS_REPORT)
    if report is DocumentKind.PROTOTYPE_REPORT:
        move(award, "start_pilot", actor, "", now)
    _settle_unspent(award, now)
    settle(award, now)
    tell(
        award,
        Party.TEAM,
        M(N_("A report is accepted: %(title)s."), title=_title(document)),
        _path(award, document),
        now,
    )
    session().commit()


def _settle_unspent(award: Award, now: datetime) -> None:
    """Once the award's final report is accepted, what is unspent is due back; a report accepted after it makes it less."""
    session().flush()
    facts = facts_of(session(), award)
    if not facts.final_report_accepted:
        return
    kind = ObligationKind.RETURN_UNSPENT
    if facts.unspent <= 0:
        discharge(award, kind, now)
        return
    amount = str(Money(facts.unspent, award.currency))
    owed = next((owed for owed in open_obligations(session(), award.id) if owed.kind == kind), None)
    if owed is not None:
        owed.params = {**owed.params, "amount": amount}
    else:
        owe(award, kind, Party.TEAM, Party.FINANCE, _due(award, RETURN_DAYS, now), now, amount=amount)


def accept_milestone(actor: Actor, now: datetime, award_code: str, number: int, evidence: str) -> None:
    """Accept that a milestone is reached, with what proves it.

    Raises Invalid without evidence, Refused when it is accepted already or the award is not running, NotFound.
    """
    award = award_for(actor, Action.ACCEPT_MILESTONE, award_code)
    milestone = get_milestone(session(), award.id, number)
    if found := milestone_blockers(Stage(award.stage), accepted=milestone.accepted_at is not None):
        raise Refused(*found)
    if not evidence.strip():
        raise Invalid({"evidence": M(N_("Say what proves that the milestone is reached."))})
    if len(evidence) > MAX_BODY:
        raise Invalid({"evidence": M(N_("This is too long: keep it within %(limit)s characters."), limit=MAX_BODY)})
    milestone.accepted_at, milestone.accepted_by, milestone.evidence = now, actor.person_id, evidence.strip()
    record(award, "milestone_accepted", actor, now, title=milestone.title)
    discharge(award, f"milestone:{number}", now)
    settle(award, now)
    session().commit()
