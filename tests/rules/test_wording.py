"""What changed between two wordings: nothing lost, nothing made up, whole words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.rules.wording import ADDED, REMOVED, SAME, Piece, changes


def test_a_word_replaced_is_shown_removed_then_added() -> None:
    assert changes("Receipts are kept five years.", "Receipts are kept three years.") == (
        Piece(SAME, "Receipts are kept "),
        Piece(REMOVED, "five "),
        Piece(ADDED, "three "),
        Piece(SAME, "years."),
    )


@pytest.mark.parametrize(
    ("old", "new", "kinds"),
    [
        ("", "", []),
        ("a b", "a b", [SAME]),
        ("", "new", [ADDED]),
        ("old", "", [REMOVED]),
        ("paid.", "paid", [SAME, REMOVED]),
        ("one two", "one and two", [SAME, ADDED, SAME]),
    ],
)
def test_small_ones(old: str, new: str, kinds: list[str]) -> None:
    assert [piece.kind for piece in changes(old, new)] == kinds


@given(st.text("ab .\n", max_size=60), st.text("ab .\n", max_size=60))
def test_both_wordings_can_be_read_from_the_pieces(old: str, new: str) -> None:
    found = changes(old, new)
    assert "".join(piece.text for piece in found if piece.kind != ADDED) == old
    assert "".join(piece.text for piece in found if piece.kind != REMOVED) == new
    assert all(piece.text for piece in found)
    assert all(one.kind != other.kind for one, other in zip(found, found[1:], strict=False))


def test_a_text_of_one_word_over_and_over_is_shown_as_replaced_whole() -> None:
    found = changes("x " + "a b " * 2000, "y " + "b a a " * 1400)
    assert {piece.kind for piece in found} <= {REMOVED, ADDED, SAME} and len(found) <= 4
