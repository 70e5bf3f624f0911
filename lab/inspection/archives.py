"""Office and OpenDocument files: ZIP archives, unpacked piece by piece and looked into, those inside them as well."""

from __future__ import annotations

import tempfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from errno import EINVAL
from typing import IO
from xml.parsers import expat
from zipfile import BadZipFile, ZipFile, ZipInfo

from lab.inspection.pieces import (
    END,
    END_SIZE,
    LARGE_LOCATOR,
    PIECE,
    TAIL,
    Found,
    Work,
    inflated,
    read_at,
    unpack,
)  # fmt: skip
from lab.rules import inspection as rules
from lab.rules.inspection import LISTING, MANIFEST, MAX_DEPTH, MIMETYPE, OBJECT_MARKS, Entry, Finding

_LARGE_END = b"PK\x06\x06"
_LOCAL = b"PK\x03\x04"
_LOCAL_SIZE = 30
_LOCKED = 0x1
_UTF8 = 0x800
# The longest list of content types or manifest that is read, in bytes.
_MAX_LIST = 4 * 1024 * 1024
_KEPT = (LISTING, MIMETYPE, MANIFEST)
_OVERLAP = max(len(mark) for mark, _finding in OBJECT_MARKS) - 1


@dataclass
class _Lists:
    """What a document says about itself: the content types of its parts, its media type, whether it is locked."""

    types: set[str] = field(default_factory=set)
    mimetype: str = ""
    elements: set[str] = field(default_factory=set)


def read_archive(file: IO[bytes], size: int, promised: str | None, work: Work, depth: int = 0) -> None:
    """Look into an archive of ``size`` bytes which should be a document of the kind ``promised`` (None: of any kind)."""
    if depth > MAX_DEPTH:
        raise Found(Finding.NESTED)
    infos, room = _index(file, size)
    entries = [
        Entry(
            info.orig_filename, info.header_offset, info.compress_size, info.file_size, info.compress_type,
            bool(info.flag_bits & _LOCKED),
        )
        for info in infos
    ]  # fmt: skip
    _raise(rules.judge_index(entries, room))
    starts = sorted(info.header_offset for info in infos)
    ends = dict(zip(starts, [*starts[1:], room], strict=True))
    lists = _Lists()
    for info in infos:
        _read_part(file, info, ends[info.header_offset], lists, work, depth)
    _raise(Finding.LOCKED if "encryption-data" in lists.elements else None)
    _raise(rules.judge_types(lists.types))
    _raise(rules.judge_archive(promised, lists.types, lists.mimetype))


def _raise(finding: Finding | None) -> None:
    if finding is not None:
        raise Found(finding)


def _index(file: IO[bytes], size: int) -> tuple[list[ZipInfo], int]:
    """The archive's list of entries and where that list begins.

    The list is measured before the library reads it: a million entries would cost it seconds and a gigabyte. It must
    stand where the last record says, with nothing behind it, so that every program reads the same list.
    """
    tail = read_at(file, max(0, size - TAIL), TAIL)
    at = tail.rfind(END)
    if at == -1:
        raise Found(Finding.DAMAGED)
    count, listed, start, comment = unpack("<HIIH", tail[at + 10 : at + END_SIZE])
    end = size - len(tail) + at
    if at + END_SIZE + comment != len(tail):
        raise Found(Finding.DAMAGED)
    if at >= 20 and tail[at - 20 : at - 16] == LARGE_LOCATOR:
        [end] = unpack("<Q", tail[at - 12 : at - 4])
        record = read_at(file, min(end, size), 56)
        if not record.startswith(_LARGE_END):
            raise Found(Finding.DAMAGED)
        count, listed, start = unpack("<QQQ", record[32:56])
    if count > rules.MAX_ENTRIES or listed > rules.MAX_INDEX:
        raise Found(Finding.ENTRIES)
    if start + listed != end:
        raise Found(Finding.DAMAGED)
    infos = _listed(file)
    if len(infos) != count:
        raise Found(Finding.ENTRIES if len(infos) > rules.MAX_ENTRIES else Finding.DAMAGED)
    return infos, start


def _listed(file: IO[bytes]) -> list[ZipInfo]:
    try:
        with ZipFile(file) as archive:
            return archive.infolist()
    except (BadZipFile, NotImplementedError, UnicodeDecodeError, ValueError, OverflowError, EOFError) as error:
        raise Found(Finding.DAMAGED) from error
    except OSError as error:
        # A list that points to before the file's beginning. A disk that cannot be read is another matter.
        if error.errno != EINVAL:
            raise
        raise Found(Finding.DAMAGED) from error


def _contents(file: IO[bytes], info: ZipInfo, end: int, work: Work) -> Iterator[bytes]:
    """The unpacked pieces of an entry. It must keep to its own bytes, and unpack to exactly what the list promises."""
    flags, name_size, extra_size = _local_header(file, info)
    data = info.header_offset + _LOCAL_SIZE + name_size + extra_size
    if data + info.compress_size > end:
        raise Found(Finding.BOMB)
    name = read_at(file, info.header_offset + _LOCAL_SIZE, name_size)
    if name.decode("utf-8" if flags & _UTF8 else "cp437", "replace") != info.orig_filename:
        raise Found(Finding.DAMAGED)
    file.seek(data)
    size, sum_so_far, source = 0, 0, _stored if info.compress_type == 0 else _deflated
    for piece in source(file, info.compress_size):
        place = file.tell()  # who reads the pieces may read elsewhere meanwhile
        size += len(piece)
        work.spend(len(piece))
        if size > info.file_size:
            raise Found(Finding.BOMB)
        sum_so_far = zlib.crc32(piece, sum_so_far)
        yield piece
        file.seek(place)
    if size != info.file_size or sum_so_far != info.CRC:
        raise Found(Finding.DAMAGED)


def _local_header(file: IO[bytes], info: ZipInfo) -> tuple[int, int, int]:
    header = read_at(file, info.header_offset, _LOCAL_SIZE)
    if not header.startswith(_LOCAL):
        raise Found(Finding.DAMAGED)
    [flags] = unpack("<H", header[6:8])
    name_size, extra_size = unpack("<HH", header[26:30])
    return flags, name_size, extra_size


def _stored(file: IO[bytes], size: int) -> Iterator[bytes]:
    while size and (piece := file.read(min(size, PIECE))):
        size -= len(piece)
        yield piece


def _deflated(file: IO[bytes], size: int) -> Iterator[bytes]:
    try:
        yield from inflated(file, size, -zlib.MAX_WBITS)
    except zlib.error as error:
        raise Found(Finding.DAMAGED) from error


def _read_part(file: IO[bytes], info: ZipInfo, end: int, lists: _Lists, work: Work, depth: int) -> None:
    name, parts = rules.part_name(info.orig_filename), _contents(file, info, end, work)
    head = next(parts, b"")
    _raise(rules.judge_part(head))
    if rules.is_archive(head):
        _read_inner(head, parts, work, depth)
    elif rules.is_old_office(head):
        _read_object(head, parts)
    elif name in _KEPT:
        _read_list(name, head, parts, lists)
    else:
        for _piece in parts:
            pass


def _read_inner(head: bytes, parts: Iterator[bytes], work: Work, depth: int) -> None:
    with tempfile.TemporaryFile() as inner:
        inner.write(head)
        for piece in parts:
            inner.write(piece)
        read_archive(inner, inner.tell(), None, work, depth + 1)


def _read_object(head: bytes, parts: Iterator[bytes]) -> None:
    before = b""
    for piece in (head, *parts):
        seen = before + piece
        _raise(next((finding for mark, finding in OBJECT_MARKS if mark in seen), None))
        before = seen[-_OVERLAP:]


def _read_list(name: str, head: bytes, parts: Iterator[bytes], lists: _Lists) -> None:
    data = bytearray(head)
    for piece in parts:
        data += piece
        if len(data) > _MAX_LIST:
            raise Found(Finding.BOMB)
    if name == MIMETYPE:
        lists.mimetype = data.decode("utf-8", "replace")
    else:
        _parse(bytes(data), lists)


def _parse(text: bytes, lists: _Lists) -> None:
    """Element names and content types of a list in XML, whatever its encoding. One with a document type is no list."""

    def begins(name: str, attributes: dict[str, str]) -> None:
        lists.elements.add(name.rpartition(":")[2])
        if kind := attributes.get("ContentType"):
            lists.types.add(kind)

    def declared(*_what: object) -> None:
        raise Found(Finding.DAMAGED)

    parser = expat.ParserCreate()
    parser.StartElementHandler = begins
    parser.StartDoctypeDeclHandler = declared
    try:
        parser.Parse(text, True)
    except (expat.ExpatError, LookupError) as error:
        raise Found(Finding.DAMAGED) from error
