"""What changed between two wordings of a text, word by word."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher

SAME, REMOVED, ADDED = "same", "removed", "added"
# Comparisons of single words beyond which a stretch is shown as replaced whole: nobody reads such a patchwork, and a
# text of one word over and over would take seconds.
_MOST = 400_000


@dataclass(frozen=True)
class Piece:
    """A stretch of text: ``same`` in both wordings, ``removed`` from the old one, or ``added`` by the new one."""

    kind: str
    text: str


def changes(old: str, new: str) -> tuple[Piece, ...]:
    """From ``old`` to ``new`` in pieces of whole words with the white space after them, removed before added.

    Removed and same pieces together are ``old``, added and same ones ``new``.
    """
    before, after = _words(old), _words(new)
    start = 0
    while start < min(len(before), len(after)) and before[start] == after[start]:
        start += 1
    end = 0
    while end < min(len(before), len(after)) - start and before[-1 - end] == after[-1 - end]:
        end += 1
    found = [(SAME, before[:start])]
    found += _between(before[start : len(before) - end], after[start : len(after) - end])
    found.append((SAME, before[len(before) - end :]))
    return _joined(found)


def _words(text: str) -> list[str]:
    # The sign after a word is a word of its own, so that a full stop that moved does not take its word along.
    return re.findall(r"(?:\w+|[^\w\s])\s*|\s+", text)


def _between(before: list[str], after: list[str]) -> Iterator[tuple[str, list[str]]]:
    often = Counter(after)
    if sum(often[word] for word in before) > _MOST:
        yield from ((REMOVED, before), (ADDED, after))
        return
    for tag, a, b, c, d in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag == "equal":
            yield SAME, before[a:b]
        else:
            yield REMOVED, before[a:b]
            yield ADDED, after[c:d]


def _joined(found: list[tuple[str, list[str]]]) -> tuple[Piece, ...]:
    pieces: list[Piece] = []
    for kind, words in found:
        if not words:
            continue
        if pieces and pieces[-1].kind == kind:
            pieces[-1] = Piece(kind, pieces[-1].text + "".join(words))
        else:
            pieces.append(Piece(kind, "".join(words)))
    return tuple(pieces)
