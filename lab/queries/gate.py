"""What an award at the gate has behind it, for the clock and the meter that every one of its pages shows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import JSON, ColumnElement, Row, literal_column, null, select, type_coerce, union_all
from sqlalchemy.orm import Session

from lab.models import Award, Document, Extension, Person, Suspension, Version
from lab.rules import gate_clock
from lab.rules.gate_clock import Pause, PauseCause
from lab.rules.review import DocumentKind, ReviewState


@dataclass(frozen=True)
class Gate:
    """The pauses and extensions of an award's gate, and the plan as it is being written."""

    pauses: list[Pause]
    extensions: list[gate_clock.Extension]
    state: ReviewState
    draft: dict[str, Any]


def gate_of(session: Session, award: Award) -> Gate:
    """The gate of an award, in one statement: its pages have few to spare."""
    nothing: ColumnElement[int] = literal_column("0")
    nobody: ColumnElement[str] = literal_column("''")
    plan = (Document.award_id == award.id, Document.kind == DocumentKind.WORKPLAN, Document.number == 1)
    # The first select gives the columns their types, the second tells PostgreSQL that the last of them is JSON.
    rows: Sequence[Row[Any]] = session.execute(
        union_all(
            select(
                literal_column("'review'"), Version.submitted_at, Version.decided_at, nothing, nobody, nobody,
                type_coerce(null(), JSON),
            )
            .join(Document)
            .where(*plan),
            select(
                literal_column("'plan'"), Document.draft_saved_at, null(), nothing, Document.state, nobody, Document.draft
            ).where(*plan),
            select(
                literal_column("'suspension'"), Suspension.began_at, Suspension.ended_at, nothing, nobody, nobody, null()
            ).where(Suspension.award_id == award.id),
            select(
                literal_column("'extension'"), Extension.at, null(), Extension.days, Extension.reason, Person.name, null()
            )
            .join(Person, Person.id == Extension.by)
            .where(Extension.award_id == award.id),
        )
    ).all()  # fmt: skip
    by_kind: defaultdict[str, list[Row[Any]]] = defaultdict(list)
    for row in rows:
        by_kind[row[0]].append(row)
    ((_, _, _, _, state, _, draft),) = by_kind["plan"]
    return Gate(
        [Pause(cause, began, ended) for cause in PauseCause for _, began, ended, *_ in by_kind[cause]],
        [gate_clock.Extension(days, reason, by, at) for _, at, _, days, reason, by, _ in by_kind["extension"]],
        ReviewState(state),
        draft,
    )
