"""PDF and plain text, read from the first byte to the last."""

from __future__ import annotations

import codecs
import re
import zlib
from itertools import pairwise
from typing import IO

from lab.inspection.pieces import Found, Work, inflated, pieces
from lab.rules.inspection import MAX_OBJECT_STREAMS, MAX_STREAMS, Finding, has_actions, holds_objects
from lab.rules.uploads import CONTROLS

# Enough that no name and no head of a stream is cut in two unseen.
_OVERLAP = 2048
_HEAD_OF_STREAM = 1000
_STREAM = re.compile(rb"stream\r?\n")
_OBJECTS_PIECE = 16 * 1024


def read_text(file: IO[bytes]) -> None:
    """Whether every byte is plain UTF-8 text."""
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    try:
        for piece in pieces(file):
            if CONTROLS.search(decoder.decode(piece)):
                raise Found(Finding.NOT_TEXT)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        raise Found(Finding.NOT_TEXT) from error


def read_pdf(file: IO[bytes], size: int, work: Work) -> None:
    """Look for actions in the open and in packed streams of objects. What is encrypted cannot be looked into."""
    before, place, streams, packed = b"", 0, 0, set[int]()
    for piece in pieces(file):
        seen = before + piece
        if has_actions(seen):
            raise Found(Finding.ACTIONS)
        for found in _STREAM.finditer(seen):
            start, streams = found.end(), streams + 1
            head = seen[max(0, found.start() - _HEAD_OF_STREAM) : found.start()]
            if not head.endswith(b"end") and holds_objects(head):
                packed.add(place - len(before) + start)
        place += len(piece)
        before = seen[-_OVERLAP:]
        # No printer's paper has so many; a file that does is made to keep its readers busy.
        if streams > MAX_STREAMS or len(packed) > MAX_OBJECT_STREAMS:
            raise Found(Finding.DAMAGED)
    for start, end in pairwise([*sorted(packed), size]):
        _read_objects(file, start, end, work)


def _read_objects(file: IO[bytes], start: int, end: int, work: Work) -> None:
    file.seek(start)
    before = b""
    try:
        for piece in inflated(file, end - start, zlib.MAX_WBITS, _OBJECTS_PIECE):
            work.spend(len(piece))
            seen = before + piece
            if has_actions(seen):
                raise Found(Finding.ACTIONS)
            before = seen[-_OVERLAP:]
    except zlib.error:
        # Encrypted or damaged: it cannot be looked into, and a reader's program can hardly run it.
        return
