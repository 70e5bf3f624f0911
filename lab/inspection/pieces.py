"""What every inspection uses: reading in pieces, counting what is unpacked, and stopping at what is found."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from lab.rules.inspection import MAX_UNPACKED, Finding

PIECE = 256 * 1024
# A comment of 64 KiB may follow an archive's last record, and some programs overlook as much again behind it.
TAIL = 128 * 1024
END = b"PK\x05\x06"
END_SIZE = 22
LARGE_LOCATOR = b"PK\x06\x07"
_LISTED = b"PK\x01\x02"


class Found(Exception):
    """Something was found; the inspection ends."""

    def __init__(self, finding: Finding) -> None:
        self.finding = finding
        super().__init__(finding.value)


@dataclass
class Work:
    """How many bytes were unpacked so far, in all depths together, and how many may be."""

    unpacked: int = 0
    limit: int = MAX_UNPACKED

    def spend(self, size: int) -> None:
        """Count ``size`` unpacked bytes; ends the inspection when it is too many."""
        self.unpacked += size
        if self.unpacked > self.limit:
            raise Found(Finding.BOMB)


def pieces(file: IO[bytes]) -> Iterator[bytes]:
    """The whole file from its first byte."""
    file.seek(0)
    while piece := file.read(PIECE):
        yield piece


def read_at(file: IO[bytes], position: int, size: int) -> bytes:
    """``size`` bytes from ``position``; fewer at the end."""
    file.seek(position)
    return file.read(size)


def inflated(file: IO[bytes], size: int, wbits: int, at_once: int = PIECE) -> Iterator[bytes]:
    """The unpacked pieces of the ``size`` bytes from the file's position on. Raises zlib.error on what is damaged.

    Ends early, without an error, when the packed bytes end early. ``at_once`` packed bytes are read in one go.
    """
    inflater, left = zlib.decompressobj(wbits), size
    while not inflater.eof:
        packed = inflater.unconsumed_tail
        if not packed:
            packed = file.read(min(left, at_once))
            left -= len(packed)
            if not packed:
                return
        if piece := inflater.decompress(packed, PIECE):
            yield piece


def ends_as_archive(file: IO[bytes], size: int) -> bool:
    """Whether a file of another kind is a ZIP archive as well, which programs recognise by its end."""
    tail = read_at(file, max(0, size - TAIL), TAIL)
    at = tail.rfind(END)
    while at != -1:
        listed = int.from_bytes(tail[at + 12 : at + 16], "little")
        start = size - len(tail) + at - listed
        if len(tail) - at >= END_SIZE and listed and start >= 0 and read_at(file, start, 4) == _LISTED:
            return True
        if at >= 20 and tail[at - 20 : at - 16] == LARGE_LOCATOR:
            return True
        at = tail.rfind(END, 0, at)
    return False


def unpack(form: str, data: bytes) -> tuple[int, ...]:
    """Numbers out of a record; a record that is cut off is damage."""
    if len(data) != struct.calcsize(form):
        raise Found(Finding.DAMAGED)
    return struct.unpack(form, data)
