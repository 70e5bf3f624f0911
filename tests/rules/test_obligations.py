"""Whatever is due has a sentence and fits its columns; and every kind is owed by somebody somewhere."""

from __future__ import annotations

import ast
import re

from lab.config import ROOT
from lab.rules.obligations import OBLIGATION_NAMES, PARTY_NAMES, ObligationKind, ObligationState, Party


def test_every_kind_and_party_has_its_words() -> None:
    assert set(OBLIGATION_NAMES) == set(ObligationKind)
    assert set(PARTY_NAMES) == set(Party)
    for sentence in (*OBLIGATION_NAMES.values(), *PARTY_NAMES.values()):
        assert sentence[0].isupper() and not sentence.endswith(".")
        assert set(re.findall(r"%\((\w+)\)s", sentence)) <= {"number", "title", "amount"}


def test_values_fit_their_columns() -> None:
    for value in (*ObligationKind, *ObligationState, *Party):
        assert len(value) <= 40


def test_every_kind_is_opened_by_some_service() -> None:
    """A kind that nothing opens would be a promise that nobody keeps."""
    used = {
        node.attr
        for folder in ("services", "rules")
        for path in (ROOT / "lab" / folder).glob("*.py")
        if path.name != "obligations.py"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id in ("Kind", "ObligationKind")
    }
    assert {kind.name for kind in ObligationKind} <= used
