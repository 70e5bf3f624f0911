"""The clauses of an award's agreement: how each was worded, and what was said about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import case, literal_column, select, union_all
from sqlalchemy.orm import Session, joinedload

from lab.models import ClauseComment, ClauseRevision, Document, Obligation, Version
from lab.rules.clauses import CITED_BY, OWED_AS, Said, turn
from lab.rules.errors import NotFound
from lab.rules.obligations import ObligationState
from lab.rules.review import DocumentKind


def agreement_document(session: Session, award_id: int) -> Document | None:
    """The award's agreement with its draft; None before it is drafted."""
    return session.scalars(
        select(Document).where(
            Document.award_id == award_id, Document.kind == DocumentKind.AGREEMENT, Document.number == 1
        )
    ).one_or_none()


def revisions_of(session: Session, award_id: int, key: str) -> list[ClauseRevision]:
    """The wordings that a clause has had, oldest first, with who wrote them, in one statement."""
    query = select(ClauseRevision).where(ClauseRevision.award_id == award_id, ClauseRevision.key == key)
    return list(session.scalars(query.options(joinedload(ClauseRevision.author)).order_by(ClauseRevision.number)))


def talk_of(session: Session, award_id: int, key: str) -> list[ClauseComment]:
    """What was said about a clause, oldest first, with who said it, in one statement."""
    query = select(ClauseComment).where(ClauseComment.award_id == award_id, ClauseComment.key == key)
    return list(session.scalars(query.options(joinedload(ClauseComment.author)).order_by(ClauseComment.id)))


@dataclass(frozen=True)
class Negotiation:
    """Of each clause the number of its newest wording, and who spoke about it in which order."""

    wordings: dict[str, int] = field(default_factory=dict)
    talks: dict[str, list[Said]] = field(default_factory=dict)


def negotiation_of(session: Session, award_id: int) -> Negotiation:
    """How far the clauses of an award have been negotiated, in one statement."""
    found = Negotiation()
    revision, comment = ClauseRevision, ClauseComment
    rows = session.execute(
        union_all(
            select(revision.key, literal_column("''").label("side"), revision.number.label("n"), revision.id.label("id"))
            .where(revision.award_id == award_id),
            select(comment.key, comment.side, case((comment.settles, 1), else_=0), comment.id)
            .where(comment.award_id == award_id),
        ).order_by("id")
    )  # fmt: skip
    for key, side, n, _ in rows:
        if side:
            found.talks.setdefault(key, []).append(Said(side, bool(n)))
        else:
            found.wordings[key] = max(n, found.wordings.get(key, 0))
    return found


def open_talks(session: Session, award_id: int, clauses: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Those of ``clauses`` that are still talked about."""
    talks = negotiation_of(session, award_id).talks
    return [clause for clause in clauses if turn(talks.get(clause["key"], []))]


def duties_of_award(session: Session, award_id: int) -> list[Obligation]:
    """What the signed clauses oblige to, and the reports that cite one, soonest first, also what is done; in one statement."""
    kinds = [*OWED_AS.values(), *CITED_BY.values()]
    query = select(Obligation).where(
        Obligation.award_id == award_id, Obligation.kind.in_(kinds), Obligation.state != ObligationState.SUPERSEDED
    )
    rows = session.scalars(query.order_by(Obligation.due_at, Obligation.id))
    return [owed for owed in rows if owed.params.get("clause")]


def frozen_version(session: Session, award_id: int, number: int) -> Version:
    """A text of the award's agreement that was frozen, with who froze it and who took it back. Raises NotFound."""
    found = session.scalars(
        select(Version)
        .join(Document)
        .where(Document.award_id == award_id, Document.kind == DocumentKind.AGREEMENT, Version.number == number)
        .options(joinedload(Version.submitter), joinedload(Version.decider))
    ).one_or_none()
    if found is None:
        raise NotFound("version")
    return found
