"""The innovation lab (guide §5): boot camps held, prototype versions published, mentors' advice asked, given and answered."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime

from sqlalchemy import delete, select

from lab.models import Attendance, Award, Document, Upload
from lab.queries.awards import definition_of, open_obligations
from lab.queries.lab import FEEDBACK, OpenThread, get_camp, get_thread, get_version, team_of
from lab.queries.upload import named_at
from lab.rules.calendar import days_after, local_day
from lab.rules.calls import text
from lab.rules.errors import Conflict, Invalid, NotFound, Refused
from lab.rules.facts import TEAM, Actor, Scope, Stage
from lab.rules.lab import ANSWER_DAYS, check_camp, publishing_blockers, read_feedback, read_prototype, read_reply
from lab.rules.obligations import ObligationKind, Party
from lab.rules.permissions import Action
from lab.rules.review import DocumentKind
from lab.rules.text import N_, M
from lab.services import documents
from lab.services.letters import tell
from lab.services.stages import settle
from lab.services.steps import award_for, discharge, not_ended, owe, record, session, time_zone_of


def _path(award: Award, number: int, thread_id: int | None = None) -> str:
    """The page of a version, at a thread of it."""
    return f"/awards/{award.code}/lab/versions/{number}" + (f"#thread-{thread_id}" if thread_id else "")


def record_boot_camp(
    actor: Actor, now: datetime, award_code: str, key: str, held_on: date, attendees: Collection[int], note: str
) -> None:
    """Record that a boot camp was held and who of the team (person ids) was there; a second record corrects the first.

    Raises Invalid per field, Refused once the award has ended, NotFound for an unknown boot camp.
    """
    award = award_for(actor, Action.RUN_BOOT_CAMP, award_code)
    camp = get_camp(session(), award.id, key)
    not_ended(award)
    team = team_of(session(), award.id)
    check_camp(held_on, note, attendees, team, award.notice_on, local_day(now, time_zone_of(award)))
    camp.held_on, camp.note = held_on, note.strip()
    camp.recorded_by, camp.recorded_at = actor.person_id, now
    session().execute(delete(Attendance).where(Attendance.boot_camp_id == camp.id))
    session().expire(camp, ["attendance"])
    for person_id in sorted(set(attendees)):
        session().add(Attendance(boot_camp_id=camp.id, person_id=person_id, name=team[person_id]))
    session().flush()
    plan = next((item for item in definition_of(award).boot_camps if item.key == key), None)
    title = text(plan.title, award.language) if plan else key
    record(award, "boot_camp_held", actor, now, title=title, attended=len(set(attendees)), on=held_on.isoformat())
    discharge(award, f"boot_camp:{key}", now)
    settle(award, now)
    session().commit()


def keep_draft(
    actor: Actor, now: datetime, award_code: str, body: str, link: str, upload_ids: Sequence[int], revision: int
) -> int:
    """Keep what the team typed for the next version, however unfinished, and return the draft's next revision.

    Raises Conflict with the newer draft when somebody saved since ``revision`` (0 before the first draft), Refused
    outside prototyping and the pilot.
    """
    award = _publishing(actor, award_code)
    content = {"body": body, "link": link, "files": list(dict.fromkeys(upload_ids))}
    kept = documents.keep_draft(_prototype(award), content, revision, actor, now)
    session().commit()
    return kept


def _publishing(actor: Actor, award_code: str) -> Award:
    award = award_for(actor, Action.PUBLISH_PROTOTYPE, award_code)
    if found := publishing_blockers(Stage(award.stage)):
        raise Refused(*found)
    return award


def publish_prototype(
    actor: Actor,
    now: datetime,
    award_code: str,
    body: str,
    link: str,
    upload_ids: Sequence[int],
    revision: int | None = None,
) -> int:
    """Publish the next version of the prototype: what it can do, where it runs, its files. Returns the version's number.

    The files were kept at the place ``prototype`` before, and belong to no version yet. The draft is empty then. Raises
    Invalid per field, Refused outside prototyping and the pilot, Conflict when somebody saved a newer draft since
    ``revision``.
    """
    award = _publishing(actor, award_code)
    prototype = read_prototype(body, link)
    files = [{"id": upload.id, "name": upload.name} for upload in _waiting(award, upload_ids)]
    document = _prototype(award)
    if revision not in (None, document.draft_revision):
        raise Conflict(document.draft, document.draft_revision)
    documents.keep_draft(document, {}, document.draft_revision, actor, now)
    content = {"body": prototype.body, "link": prototype.link, "files": files}
    version = documents.add_version(document, content, actor, now)
    record(award, "prototype_published", actor, now, number=version.number)
    tell(
        award,
        Party.MENTOR,
        M(N_("Prototype version %(number)s is published and can be tried."), number=version.number),
        _path(award, version.number),
        now,
    )
    session().commit()
    return version.number


def _waiting(award: Award, upload_ids: Sequence[int]) -> list[Upload]:
    """These files, in order, each kept for the prototype and named by no version yet. Raises Invalid."""
    query = select(Upload).where(Upload.award_id == award.id, Upload.place == "prototype", Upload.removed_at.is_(None))
    known = {upload.id: upload for upload in session().scalars(query)}
    chosen = [known.get(upload_id) for upload_id in dict.fromkeys(upload_ids)]
    named = named_at(session(), award.id, "prototype")
    kept = [upload for upload in chosen if upload is not None and upload.id not in named]
    if len(kept) != len(chosen):
        raise Invalid(
            {"files": M(N_("One of the files is no longer here: reload the page and choose the files again."))}
        )
    return kept


def _prototype(award: Award) -> Document:
    try:
        return documents.get_document(award, DocumentKind.PROTOTYPE)
    except NotFound:
        return documents.new_document(award, DocumentKind.PROTOTYPE, 1, "", {})


def open_feedback(actor: Actor, now: datetime, award_code: str, version_number: int, topic: str, body: str) -> int:
    """Comment on a version of the prototype; the team owes an answer within a week. Returns the thread's id.

    Raises Invalid per field, NotFound for an unknown version, Refused once the award has ended.
    """
    award = award_for(actor, Action.COMMENT_PROTOTYPE, award_code)
    version = get_version(session(), award.id, version_number)
    not_ended(award)
    feedback = read_feedback(topic, body)
    thread = documents.open_thread(version.document, version, feedback.topic, FEEDBACK, feedback.body, actor, now)
    record(award, "thread_opened", actor, now, number=version_number, topic=feedback.topic)
    _owe_answer(award, thread.id, version_number, now)
    news = M(
        N_("There is a comment on prototype version %(number)s: “%(topic)s”."),
        number=version_number,
        topic=feedback.topic,
    )
    tell(award, Party.TEAM, news, _path(award, version_number, thread.id), now)
    session().commit()
    return thread.id


def _owe_answer(award: Award, thread_id: int, version_number: int, now: datetime) -> None:
    zone = time_zone_of(award)
    due_at = days_after(local_day(now, zone), ANSWER_DAYS, zone)
    key = f"thread:{thread_id}"
    owe(award, ObligationKind.ANSWER_THREAD, Party.TEAM, Party.MENTOR, due_at, now, key=key, number=version_number)


def _open_thread(award: Award, thread_id: int) -> OpenThread:
    found = get_thread(session(), award.id, thread_id)
    not_ended(award)
    if found.thread.resolved_at is not None:
        raise Refused(M(N_("This comment is resolved already: a new comment opens the talk again.")))
    return found


def reply(actor: Actor, now: datetime, award_code: str, thread_id: int, body: str) -> int:
    """Answer in a thread. The team's word settles what it owes; anybody else's asks for another. Returns the comment's id.

    Raises Invalid without a text, Refused in a resolved thread or once the award has ended, NotFound.
    """
    award = award_for(actor, Action.REPLY_THREAD, award_code)
    found = _open_thread(award, thread_id)
    comment = documents.add_comment(found.thread, read_reply(body), actor, now)
    record(award, "thread_answered", actor, now, number=found.version, topic=found.thread.section)
    by_team = bool(actor.roles_on(Scope(call_id=award.call_id, award_id=award.id)) & TEAM)
    if by_team:
        discharge(award, f"thread:{thread_id}", now)
    elif f"thread:{thread_id}" not in {owed.key for owed in open_obligations(session(), award.id)}:
        _owe_answer(award, thread_id, found.version, now)
    news = M(
        N_("There is an answer on prototype version %(number)s: “%(topic)s”."),
        number=found.version,
        topic=found.thread.section,
    )
    tell(award, Party.MENTOR if by_team else Party.TEAM, news, _path(award, found.version, thread_id), now)
    session().commit()
    return comment.id


def resolve(actor: Actor, now: datetime, award_code: str, thread_id: int) -> None:
    """Close a thread: what it asked for is done or no longer needed. Raises Refused when it is closed already, NotFound."""
    award = award_for(actor, Action.RESOLVE_THREAD, award_code)
    found = _open_thread(award, thread_id)
    found.thread.resolved_by, found.thread.resolved_at = actor.person_id, now
    record(award, "thread_resolved", actor, now, number=found.version, topic=found.thread.section)
    discharge(award, f"thread:{thread_id}", now)
    session().commit()
