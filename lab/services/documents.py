"""Drafts, versions and decisions of everything that is handed in: steps shared by the services of each kind."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from lab.models import Award, Comment, Document, Thread, Version
from lab.rules import review
from lab.rules.errors import Conflict, NotFound, Refused
from lab.rules.facts import Actor
from lab.rules.review import EDITABLE, DocumentKind, ReviewState, SectionComment
from lab.rules.text import N_, M
from lab.services.steps import session


def get_document(award: Award, kind: DocumentKind, number: int = 1) -> Document:
    """The award's document of that kind and number. Raises NotFound."""
    found = (
        session()
        .scalars(
            select(Document).where(Document.award_id == award.id, Document.kind == kind, Document.number == number)
        )
        .one_or_none()
    )
    if found is None:
        raise NotFound("document")
    return found


def new_document(award: Award, kind: DocumentKind, number: int, title: str, draft: Mapping[str, Any]) -> Document:
    """A document with its first draft, flushed."""
    document = Document(
        award_id=award.id,
        kind=kind,
        number=number,
        title=title,
        state=ReviewState.DRAFT,
        draft=dict(draft),
        draft_revision=0,
    )
    session().add(document)
    session().flush()
    return document


def keep_draft(document: Document, content: Mapping[str, Any], revision: int, actor: Actor, now: datetime) -> int:
    """Keep ``content`` as the draft if ``revision`` is the newest, and return the next revision.

    Raises Refused when the document is not being written, Conflict with the newer text when somebody saved meanwhile.
    """
    # The same text again is no conflict: its first sending may have been kept while the answer got lost.
    again = revision != document.draft_revision and dict(content) == document.draft
    check_draft(document, document.draft_revision if again else revision)
    if again or dict(content) == document.draft:
        return document.draft_revision
    document.draft = dict(content)
    document.draft_revision += 1
    document.draft_saved_at, document.draft_saved_by = now, actor.person_id
    session().flush()
    return document.draft_revision


def check_draft(document: Document, revision: int) -> None:
    """Raises Refused when the document is not being written, Conflict with the newer text when ``revision`` is not the newest."""
    if ReviewState(document.state) not in EDITABLE:
        raise Refused(*review.blockers("submit", ReviewState(document.state)))
    if revision != document.draft_revision:
        raise Conflict(document.draft, document.draft_revision)


def add_version(document: Document, content: Mapping[str, Any], actor: Actor, now: datetime) -> Version:
    """Append the next immutable version with ``content``, flushed. The caller sets the document's state."""
    last = session().scalar(select(func.max(Version.number)).where(Version.document_id == document.id)) or 0
    canonical = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert actor.person_id is not None
    version = Version(
        document_id=document.id,
        number=last + 1,
        content=dict(content),
        content_hash=hashlib.sha256(canonical.encode()).hexdigest(),
        submitted_by=actor.person_id,
        submitted_at=now,
    )
    session().add(version)
    session().flush()
    return version


def submit(document: Document, actor: Actor, now: datetime) -> Version:
    """Freeze the draft as the next version and hand it in. Raises Refused when it is not the author's turn."""
    state = review.after("submit", ReviewState(document.state))
    version = add_version(document, document.draft, actor, now)
    document.state = state
    return version


def newest_version(document: Document) -> Version:
    """The version handed in last. Raises NotFound when there is none."""
    found = (
        session()
        .scalars(select(Version).where(Version.document_id == document.id).order_by(Version.number.desc()).limit(1))
        .one_or_none()
    )
    if found is None:
        raise NotFound("version")
    return found


def decide(
    document: Document,
    move: str,
    version_number: int,
    actor: Actor,
    now: datetime,
    *,
    reason: str = "",
    comments: Sequence[SectionComment] = (),
    asked_again: bool = False,
) -> Version:
    """Write the reviewer's decision (request_changes, accept, reject) beside the version they read. ``asked_again``: what
    to change is said in a thread of an earlier version.

    Raises Refused when there is nothing to decide, or another version came in since the page was shown.
    """
    state = review.after(move, ReviewState(document.state), comments, asked_again=asked_again)
    version = newest_version(document)
    if version.number != version_number:
        raise Refused(M(N_("A newer version came in while you were reading: reload the page and decide on that one.")))
    document.state = state
    version.decision, version.decided_by, version.decided_at, version.reason = (
        state,
        actor.person_id,
        now,
        reason.strip(),
    )
    for comment in comments:
        if comment.body.strip():
            open_thread(document, version, comment.section, "change", comment.body, actor, now)
    session().flush()
    return version


def open_thread(
    document: Document, version: Version, section: str, kind: str, body: str, actor: Actor, now: datetime
) -> Thread:
    """Open a thread (``change`` or ``feedback``) on a section of a version with its first comment, flushed."""
    assert actor.person_id is not None
    thread = Thread(
        award_id=document.award_id,
        version_id=version.id,
        section=section,
        kind=kind,
        opened_by=actor.person_id,
        opened_at=now,
    )
    session().add(thread)
    session().flush()
    add_comment(thread, body, actor, now)
    return thread


def add_comment(thread: Thread, body: str, actor: Actor, now: datetime) -> Comment:
    """Add a comment to a thread, flushed."""
    assert actor.person_id is not None
    comment = Comment(thread_id=thread.id, author_id=actor.person_id, body=body.strip(), at=now)
    session().add(comment)
    session().flush()
    return comment
