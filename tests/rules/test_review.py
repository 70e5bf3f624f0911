"""One review machine: who can do what from which state, and what a refusal says."""

from __future__ import annotations

import pytest

from lab.rules.errors import Refused
from lab.rules.review import (
    DOCUMENT_NAMES,
    EDITABLE,
    REPORT_KINDS,
    STATE_NAMES,
    DocumentKind,
    ReviewState,
    SectionComment,
    after,
    blockers,
)

S = ReviewState
# Written out by hand: (move, from) → to; everything else is refused.
TABLE = {
    ("submit", S.DRAFT): S.SUBMITTED,
    ("submit", S.CHANGES_REQUESTED): S.SUBMITTED,
    ("request_changes", S.SUBMITTED): S.CHANGES_REQUESTED,
    ("accept", S.SUBMITTED): S.ACCEPTED,
    ("reject", S.SUBMITTED): S.REJECTED,
}
ASKED = [SectionComment("summary", "Say for whom.")]


@pytest.mark.parametrize("state", S)
@pytest.mark.parametrize("move", ["submit", "request_changes", "accept", "reject"])
def test_every_move_from_every_state(move: str, state: ReviewState) -> None:
    to = TABLE.get((move, state))
    if to is None:
        assert blockers(move, state)
        with pytest.raises(Refused):
            after(move, state, ASKED)
    else:
        assert blockers(move, state) == ()
        assert after(move, state, ASKED) is to


@pytest.mark.parametrize(
    ("move", "state", "words"),
    [
        ("submit", S.SUBMITTED, "with the ILO already"),
        ("submit", S.ACCEPTED, "decided already: Accepted"),
        ("accept", S.DRAFT, "no submitted version"),
        ("request_changes", S.CHANGES_REQUESTED, "no submitted version"),
        ("accept", S.REJECTED, "decided already: Rejected"),
    ],
)
def test_a_refusal_says_whose_turn_it_is(move: str, state: ReviewState, words: str) -> None:
    assert words in str(blockers(move, state)[0])


@pytest.mark.parametrize("comments", [(), [SectionComment("summary", "  \n ")]])
def test_changes_are_asked_for_in_words(comments: list[SectionComment]) -> None:
    with pytest.raises(Refused, match="in at least one section"):
        after("request_changes", S.SUBMITTED, comments)


def test_a_comment_is_needed_for_changes_only() -> None:
    assert after("accept", S.SUBMITTED) is S.ACCEPTED
    with pytest.raises(Refused) as refused:
        after("request_changes", S.DRAFT)
    assert len(refused.value.reasons) == 2, "every reason is told at once"


def test_every_state_and_kind_has_its_name() -> None:
    assert set(STATE_NAMES) == set(S)
    assert set(DOCUMENT_NAMES) == set(DocumentKind)
    assert {S.DRAFT, S.CHANGES_REQUESTED} == EDITABLE
    assert {"progress_report", "prototype_report", "final_report"} == REPORT_KINDS
