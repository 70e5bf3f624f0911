"""PNG and JPEG: sizes read off the header, nothing is decoded."""

from __future__ import annotations

import struct
from typing import IO

from PIL import Image

from lab.inspection.pieces import Found, read_at
from lab.rules.inspection import Finding, judge_picture

_SIGNATURE = 8
_MAX_CHUNKS = 100_000


def read_picture(file: IO[bytes], size: int, code: str) -> None:
    """Look at a picture of ``size`` bytes which should be ``png`` or ``jpeg``."""
    file.seek(0)
    try:
        with Image.open(file, formats=(code.upper(),)) as image:
            width, height = image.size
            frames = int(getattr(image, "n_frames", 1))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise Found(Finding.PIXELS) from error
    except (OSError, SyntaxError, ValueError, EOFError, LookupError, TypeError, struct.error) as error:
        raise Found(Finding.DAMAGED) from error
    finding = judge_picture(width, height, frames)
    if finding is not None:
        raise Found(finding)
    if code == "png":
        _walk_png(file, size)


def _walk_png(file: IO[bytes], size: int) -> None:
    """From chunk to chunk: the last one must be the end of the file. Telephones append to a JPEG; nothing does to a PNG."""
    place = _SIGNATURE
    for _chunk in range(_MAX_CHUNKS):
        head = read_at(file, place, 8)
        if len(head) < 8:
            raise Found(Finding.DAMAGED)
        place += 12 + int.from_bytes(head[:4], "big")
        if place > size:
            raise Found(Finding.DAMAGED)
        if head[4:] == b"IEND":
            if place < size:
                raise Found(Finding.MIXED)
            return
    raise Found(Finding.DAMAGED)
