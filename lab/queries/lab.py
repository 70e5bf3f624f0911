"""The innovation lab of an award: boot camps with attendance, prototype versions, and the threads on them."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select, true
from sqlalchemy.orm import Session, joinedload

from lab.models import BootCamp, Comment, Document, MentorNote, Person, TeamMember, Thread, Version
from lab.rules.errors import NotFound
from lab.rules.facts import TEAM
from lab.rules.review import DocumentKind

FEEDBACK = "feedback"


def get_camp(session: Session, award_id: int, key: str) -> BootCamp:
    """The award's boot camp of that key, with its attendance. Raises NotFound."""
    query = select(BootCamp).where(BootCamp.award_id == award_id, BootCamp.key == key)
    found = session.scalars(query.options(joinedload(BootCamp.attendance))).unique().one_or_none()
    if found is None:
        raise NotFound("boot camp")
    return found


def camps_of(session: Session, award_id: int) -> list[BootCamp]:
    """The award's boot camps with attendance, in the order planned, in one statement."""
    query = select(BootCamp).where(BootCamp.award_id == award_id).options(joinedload(BootCamp.attendance))
    return list(session.scalars(query.order_by(BootCamp.planned_on, BootCamp.id)).unique())


def team_of(session: Session, award_id: int) -> dict[int, str]:
    """Everybody who is or was on the team: person → name, in one statement. People of old boot camps may have left."""
    rows = session.execute(
        select(Person.id, Person.name)
        .join(TeamMember, TeamMember.person_id == Person.id)
        .where(TeamMember.award_id == award_id, TeamMember.role.in_(TEAM))
        .order_by(TeamMember.id)
    )
    return {person_id: name for person_id, name in rows}


def versions_of(session: Session, award_id: int) -> list[Version]:
    """The prototype's versions with who published them, newest first, in one statement."""
    query = (
        select(Version)
        .join(Document)
        .where(Document.award_id == award_id, Document.kind == DocumentKind.PROTOTYPE, Document.number == 1)
        .options(joinedload(Version.submitter))
    )
    return list(session.scalars(query.order_by(Version.number.desc())))


def get_version(session: Session, award_id: int, number: int) -> Version:
    """The prototype's version of that number, with its document and who published it. Raises NotFound."""
    found = session.scalars(
        select(Version)
        .join(Version.document)
        .options(joinedload(Version.document), joinedload(Version.submitter))
        .where(Document.award_id == award_id, Document.kind == DocumentKind.PROTOTYPE, Version.number == number)
    ).one_or_none()
    if found is None:
        raise NotFound("version")
    return found


def prototype_of(session: Session, award_id: int) -> Document | None:
    """The award's prototype with the draft of its next version; None before anything was written."""
    return session.scalars(
        select(Document).where(
            Document.award_id == award_id, Document.kind == DocumentKind.PROTOTYPE, Document.number == 1
        )
    ).one_or_none()


def newest_number(session: Session, award_id: int) -> int:
    """The number of the prototype's newest version; 0 before the first."""
    query = select(func.max(Version.number)).join(Document)
    return session.scalar(query.where(Document.award_id == award_id, Document.kind == DocumentKind.PROTOTYPE)) or 0


@dataclass(frozen=True)
class OpenThread:
    """A feedback thread, and the number of the version that it is about."""

    thread: Thread
    version: int


def get_thread(session: Session, award_id: int, thread_id: int) -> OpenThread:
    """The award's feedback thread with that id. Raises NotFound, also for another award's."""
    row = session.execute(
        select(Thread, Version.number)
        .join(Version, Version.id == Thread.version_id)
        .where(Thread.award_id == award_id, Thread.id == thread_id, Thread.kind == FEEDBACK)
    ).one_or_none()
    if row is None:
        raise NotFound("thread")
    return OpenThread(row[0], row[1])


def threads_of(session: Session, award_id: int, version_id: int | None = None) -> list[Thread]:
    """The feedback threads of the award (on one version, with its id) with comments and their authors, oldest first,
    in one statement."""
    on = Thread.version_id == version_id if version_id is not None else true()
    query = (
        select(Thread)
        .where(Thread.award_id == award_id, Thread.kind == FEEDBACK, on)
        .options(joinedload(Thread.comments).joinedload(Comment.author))
    )
    return list(session.scalars(query.order_by(Thread.id)).unique())


def notes_of(session: Session, award_id: int) -> list[MentorNote]:
    """The notes of mentors and officers on the award with their authors, newest first, in one statement."""
    query = select(MentorNote).where(MentorNote.award_id == award_id).options(joinedload(MentorNote.author))
    return list(session.scalars(query.order_by(MentorNote.id.desc())))
