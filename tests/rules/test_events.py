"""The chain of events: a hash that any change breaks, and a sentence for every kind."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from lab.rules.events import EVENTS, GENESIS, chain_hash

FIELDS = st.dictionaries(st.text(min_size=1, max_size=8), st.text(max_size=8) | st.integers(), min_size=1, max_size=5)


def test_the_hash_is_the_one_that_was_published() -> None:
    """Written out, so that nobody changes the recipe by accident: every chain in every database depends on it."""
    assert (
        chain_hash(
            GENESIS, {"stream": "award:1", "seq": 1, "kind": "award_closed", "details": {"reason": "Fin de año"}}
        )
        == "a9d1e132d2343678fb12c1e958595a3eb6b4ac14e155bc69cf097974492546e5"
    )


@given(FIELDS, FIELDS, st.sampled_from([GENESIS, "f" * 64]))
def test_any_change_changes_the_hash(one: dict[str, object], other: dict[str, object], previous: str) -> None:
    assert (chain_hash(previous, one) == chain_hash(previous, other)) == (one == other)
    assert chain_hash(previous, one) != chain_hash("a" * 64, one)
    assert re.fullmatch("[0-9a-f]{64}", chain_hash(previous, one))


def test_the_order_of_the_fields_does_not_matter() -> None:
    assert chain_hash(GENESIS, {"a": 1, "b": 2}) == chain_hash(GENESIS, {"b": 2, "a": 1})


def test_every_kind_has_a_sentence_and_fits_its_column() -> None:
    for kind, sentence in EVENTS.items():
        assert re.fullmatch("[a-z_]{1,40}", kind), kind
        assert sentence[0].isupper() or sentence.startswith(("%(", "“")), sentence
        assert not re.search(r"%(?!\()", sentence), f"{kind}: a stray percent sign"
