"""One review machine for everything that is handed in and judged: numbered versions that never change once submitted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from lab.rules.errors import Refused
from lab.rules.text import N_, M, Message


class DocumentKind(StrEnum):
    """What can be handed in. Kinds differ in content and in what acceptance causes, not in how they are reviewed."""

    WORKPLAN = "workplan"
    AGREEMENT = "agreement"
    AMENDMENT = "amendment"
    PROTOTYPE = "prototype"
    PROGRESS_REPORT = "progress_report"
    PROTOTYPE_REPORT = "prototype_report"
    FINAL_REPORT = "final_report"


DOCUMENT_NAMES: dict[DocumentKind, str] = {
    DocumentKind.WORKPLAN: N_("Workplan and budget"),
    DocumentKind.AGREEMENT: N_("Grant agreement"),
    DocumentKind.AMENDMENT: N_("Amendment"),
    DocumentKind.PROTOTYPE: N_("Prototype"),
    DocumentKind.PROGRESS_REPORT: N_("Progress report"),
    DocumentKind.PROTOTYPE_REPORT: N_("Final report on the prototype"),
    DocumentKind.FINAL_REPORT: N_("Final narrative and financial report"),
}
REPORT_KINDS = frozenset({DocumentKind.PROGRESS_REPORT, DocumentKind.PROTOTYPE_REPORT, DocumentKind.FINAL_REPORT})


class ReviewState(StrEnum):
    """Where a document stands between its author and its reviewer."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    CHANGES_REQUESTED = "changes_requested"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


STATE_NAMES: dict[ReviewState, str] = {
    ReviewState.DRAFT: N_("Draft"),
    ReviewState.SUBMITTED: N_("In review"),
    ReviewState.CHANGES_REQUESTED: N_("Changes requested"),
    ReviewState.ACCEPTED: N_("Accepted"),
    ReviewState.REJECTED: N_("Rejected"),
    ReviewState.WITHDRAWN: N_("Withdrawn"),
}
EDITABLE = frozenset({ReviewState.DRAFT, ReviewState.CHANGES_REQUESTED})

_MOVES: dict[str, tuple[frozenset[ReviewState], ReviewState]] = {
    "submit": (EDITABLE, ReviewState.SUBMITTED),
    "request_changes": (frozenset({ReviewState.SUBMITTED}), ReviewState.CHANGES_REQUESTED),
    "accept": (frozenset({ReviewState.SUBMITTED}), ReviewState.ACCEPTED),
    "reject": (frozenset({ReviewState.SUBMITTED}), ReviewState.REJECTED),
    "take_back": (frozenset({ReviewState.SUBMITTED}), ReviewState.DRAFT),
    "withdraw": (EDITABLE | {ReviewState.SUBMITTED}, ReviewState.WITHDRAWN),
}


@dataclass(frozen=True)
class SectionComment:
    """What the reviewer asks of one section; ``section`` is a key of the document's content."""

    section: str
    body: str


def blockers(move: str, state: ReviewState) -> tuple[Message, ...]:
    """Why ``move`` (submit, request_changes, accept, reject, take_back) is not possible from ``state``; empty when it is."""
    allowed, _ = _MOVES[move]
    if state in allowed:
        return ()
    if move == "submit" and state is ReviewState.SUBMITTED:
        return (M(N_("This version is with the ILO already: wait for the review before sending another.")),)
    if state is ReviewState.DRAFT or state is ReviewState.CHANGES_REQUESTED:
        return (M(N_("The team is writing: there is no submitted version to decide on.")),)
    return (M(N_("This was decided already: %(state)s."), state=STATE_NAMES[state]),)


def after(
    move: str, state: ReviewState, comments: Sequence[SectionComment] = (), *, asked_again: bool = False
) -> ReviewState:
    """The state after ``move``. Raises Refused when it is not possible, or changes are asked for without saying which.

    ``asked_again``: what to change is said in an earlier thread.
    """
    found = blockers(move, state)
    said = asked_again or any(comment.body.strip() for comment in comments)
    if move == "request_changes" and not said:
        found += (M(N_("Say in at least one section what should change: the team answers section by section.")),)
    if found:
        raise Refused(*found)
    return _MOVES[move][1]
