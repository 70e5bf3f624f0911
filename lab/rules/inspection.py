"""What is not taken inside a file of a kind that is: judged on facts that ``lab.inspection`` reads off the whole file."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum

from lab.rules import uploads
from lab.rules.text import N_, M
from lab.rules.uploads import UploadRefused, WrongKind

MEGABYTE = 1024 * 1024
MAX_ENTRIES = 10_000
# The list of an archive's entries, in bytes: ten thousand long names fit in.
MAX_INDEX = 2 * MEGABYTE
MAX_UNPACKED = 500 * MEGABYTE
# Spreadsheets of equal rows do shrink to a fiftieth; what shrinks further is judged once it is large enough to harm.
MAX_RATIO = 100
RATIO_FROM = 10 * MEGABYTE
# A chart in a presentation holds a spreadsheet, and a document in a document may hold one.
MAX_DEPTH = 2
# Enough for every telephone; unpacked in a viewer, four bytes each.
MAX_PIXELS = 80_000_000
MAX_FRAMES = 100


class Finding(StrEnum):
    """What an inspection may find; the value goes into the security event."""

    DAMAGED = "damaged"
    NOT_TEXT = "not_text"
    LOCKED = "locked"
    BOMB = "bomb"
    ENTRIES = "entries"
    PATHS = "paths"
    MACROS = "macros"
    PROGRAM = "program"
    OBJECT = "object"
    NESTED = "nested"
    MIXED = "mixed"
    PIXELS = "pixels"
    FRAMES = "frames"
    ACTIONS = "actions"


# What happens to honest people with a bad cable or an old program, and tells nothing about safety.
_ORDINARY = frozenset({Finding.DAMAGED, Finding.NOT_TEXT, Finding.LOCKED, Finding.FRAMES})
_SAYS: dict[Finding, str] = {
    Finding.DAMAGED: uploads.DAMAGED,
    Finding.NOT_TEXT: uploads.NOT_UTF8,
    Finding.MACROS: uploads.WITH_MACROS,
    Finding.MIXED: uploads.MIXED,
    Finding.LOCKED: N_("“%(name)s” is protected by a password. Save it without one and upload that."),
    Finding.BOMB: N_(
        "“%(name)s” is packed so that it would unpack to far more than its own size, or to more than %(unpacked)s MB. "
        "Save what matters of it as PDF and upload that."
    ),
    Finding.ENTRIES: N_(
        "“%(name)s” consists of more than %(entries)s parts. Split it, or save it as PDF, and upload that."
    ),
    Finding.PATHS: N_(
        "“%(name)s” contains a part whose name leads out of the file. Open it in the program that it was made with, "
        "save it again under a new name, and upload that."
    ),
    Finding.PROGRAM: N_("“%(name)s” contains a program. Take it out, or save the document as PDF, and upload that."),
    Finding.OBJECT: N_(
        "“%(name)s” contains another file as an embedded object. Take it out, upload it on its own, and upload the "
        "document without it."
    ),
    Finding.NESTED: N_(
        "“%(name)s” contains an archive, such as a ZIP file. Take it out, upload what is in it on its own, and upload "
        "the document without it."
    ),
    Finding.PIXELS: N_(
        "“%(name)s” has more than %(pixels)s million pixels. Make the picture smaller and upload it again."
    ),
    Finding.FRAMES: N_("“%(name)s” is animated, with more than %(frames)s pictures. Save one picture and upload that."),
    Finding.ACTIONS: N_(
        "“%(name)s” contains a script, or starts a program when it is opened. Print it to a new PDF and upload that."
    ),
}


def refusal(finding: Finding, name: str) -> UploadRefused:
    """The refusal of a file called ``name`` in which ``finding`` was found."""
    shown = uploads.safe_name(name)
    reason = M(
        _SAYS[finding],
        name=shown,
        ending=uploads.ending_of(name),
        kinds=uploads.kinds_taken(),
        unpacked=MAX_UNPACKED // MEGABYTE,
        entries=MAX_ENTRIES,
        pixels=MAX_PIXELS // 1_000_000,
        frames=MAX_FRAMES,
    )
    return WrongKind(reason, sign="" if finding in _ORDINARY else finding.value)


# Archives ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Entry:
    """An archive's entry as its list says: its raw name, where it begins, its sizes in bytes, how it is packed."""

    name: str
    start: int
    packed: int
    unpacked: int
    method: int
    locked: bool = False


_PLAIN, _DEFLATED = 0, 8
_HEADER = 30
_OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_LOCAL_HEADER = b"PK\x03\x04"
_PROGRAMS = (b"MZ", b"\x7fELF", b"#!", b"\xca\xfe\xba\xbe", b"\xcf\xfa\xed\xfe")
_ARCHIVES = (b"Rar!\x1a\x07", b"7z\xbc\xaf\x27\x1c", b"\xfd7zXZ\0", b"BZh")
_PROGRAM_ENDINGS = (
    ".exe", ".dll", ".com", ".scr", ".msi", ".bat", ".cmd", ".ps1", ".vbs", ".vbe", ".js", ".jse", ".wsf", ".wsh",
    ".hta", ".jar", ".class", ".lnk", ".reg", ".cpl", ".sh",
)  # fmt: skip
_MACRO_PARTS = re.compile(
    r"(^|/)(vbaproject[^/]*\.bin|vbadata\.xml|(intl)?macrosheets/.+|activex/.+|scripts/.+|basic/(?!(script|dialog)-l[bc]\.xml$)"
    r"(?!.*/(script|dialog)-l[bc]\.xml$).+)$"
)
_MACRO_TYPES = ("macroenabled", "vbaproject", "macrosheet", "activex")
# Streams of an old Office object are named in UTF-16.
OBJECT_MARKS: tuple[tuple[bytes, Finding], ...] = (
    ("_VBA_PROJECT".encode("utf-16-le"), Finding.MACROS),
    ("Ole10Native".encode("utf-16-le"), Finding.OBJECT),
)
_MAIN = {
    "docx": "wordprocessingml.document.main+xml",
    "xlsx": "spreadsheetml.sheet.main+xml",
    "pptx": "presentationml.presentation.main+xml",
}
_OPEN_DOCUMENT = "application/vnd.oasis.opendocument."
LISTING, MIMETYPE, MANIFEST = "[content_types].xml", "mimetype", "meta-inf/manifest.xml"


def judge_index(entries: Sequence[Entry], room: int) -> Finding | None:
    """What is wrong with an archive by its list of entries alone, before anything is unpacked.

    ``room`` is the number of bytes before the list.
    """
    if len(entries) > MAX_ENTRIES:
        return Finding.ENTRIES
    if any(_leads_out(entry.name) for entry in entries):
        return Finding.PATHS
    if any(entry.locked for entry in entries):
        return Finding.LOCKED
    if any(entry.method not in (_PLAIN, _DEFLATED) for entry in entries) or not entries:
        return Finding.DAMAGED
    if len({part_name(entry.name) for entry in entries}) < len(entries):
        return Finding.DAMAGED
    if _overlap(entries, room) or _too_much(entries):
        return Finding.BOMB
    found = {_judge_name(part_name(entry.name)) for entry in entries} - {None}
    return next((finding for finding in Finding if finding in found), None)


def part_name(name: str) -> str:
    """An entry's name as every program compares it: letters of one size, slashes of one kind."""
    return name.replace("\\", "/").lower()


def _leads_out(name: str) -> bool:
    steps = re.split(r"[/\\]", name)
    return not name or "\0" in name or steps[0] == "" or ".." in steps or ":" in steps[0]


def _overlap(entries: Sequence[Entry], room: int) -> bool:
    """Whether two entries share bytes, which is how a small file unpacks to a huge one without great ratios."""
    ordered = sorted(entries, key=lambda entry: entry.start)
    ends = [entry.start for entry in ordered[1:]] + [room]
    return any(entry.start + _HEADER + entry.packed > end for entry, end in zip(ordered, ends, strict=True))


def _too_much(entries: Sequence[Entry]) -> bool:
    packed, unpacked = sum(entry.packed for entry in entries), sum(entry.unpacked for entry in entries)
    return unpacked > MAX_UNPACKED or (unpacked > RATIO_FROM and unpacked > MAX_RATIO * packed)


def _judge_name(name: str) -> Finding | None:
    if _MACRO_PARTS.search(name):
        return Finding.MACROS
    return Finding.PROGRAM if name.endswith(_PROGRAM_ENDINGS) else None


def judge_part(head: bytes) -> Finding | None:
    """What is wrong with an entry that, unpacked, begins with ``head``."""
    if head.startswith(_PROGRAMS):
        return Finding.PROGRAM
    return Finding.NESTED if head.startswith(_ARCHIVES) else None


def is_archive(head: bytes) -> bool:
    """Whether an entry that begins with ``head`` is an archive itself and must be looked into."""
    return head.startswith(_LOCAL_HEADER)


def is_old_office(head: bytes) -> bool:
    """Whether an entry that begins with ``head`` is an object of the old Office format."""
    return head.startswith(_OLD_OFFICE)


def judge_types(types: Collection[str]) -> Finding | None:
    """What is wrong with an Office document by the content types that it lists."""
    return Finding.MACROS if any(mark in kind.lower() for kind in types for mark in _MACRO_TYPES) else None


def judge_archive(promised: str | None, types: Collection[str], mimetype: str) -> Finding | None:
    """Whether an archive is the document that it promises: ``types`` are its content types, ``mimetype`` is the text of
    its entry of that name. ``promised`` is a kind's code; None for one inside another, which may be any document."""
    if promised is None:
        return None if types or mimetype.startswith(_OPEN_DOCUMENT) else Finding.NESTED
    if promised in _MAIN:
        return None if any(kind.endswith(_MAIN[promised]) for kind in types) else Finding.DAMAGED
    right = {kind.code: kind.mime for kind in uploads.KINDS}[promised]
    return None if mimetype.strip() == right else Finding.DAMAGED


# Pictures and papers ----------------------------------------------------------------------------------------------


def judge_picture(width: int, height: int, frames: int) -> Finding | None:
    """What is wrong with a picture of this many pixels and frames."""
    if width < 1 or height < 1:
        return Finding.DAMAGED
    if width * height > MAX_PIXELS:
        return Finding.PIXELS
    return Finding.FRAMES if frames > MAX_FRAMES else None


def _spelled(word: str) -> bytes:
    """A pattern for a name in a PDF, each letter of which may be written as # and its number."""
    return b"".join(b"(?:%c|#(?i:%02x))" % (ord(letter), ord(letter)) for letter in word)


# A name of its own or the value of /S, and not the end of an address such as https://example.org/Launch.
_ACTION = re.compile(
    rb"/(?:(?<=/S/)|(?<=/#53/)|(?<![A-Za-z0-9_.~-]/))(?:%b|%b)(?![A-Za-z0-9_.#-])"
    % (_spelled("JavaScript"), _spelled("Launch"))
)
_OBJECTS = re.compile(b"/" + _spelled("ObjStm"))
MAX_STREAMS = 500_000
MAX_OBJECT_STREAMS = 20_000


def has_actions(piece: bytes) -> bool:
    """Whether a piece of a PDF names an action that runs a script or starts a program, however its name is written."""
    if b"#" not in piece and b"JavaScript" not in piece and b"Launch" not in piece:
        return False
    return _ACTION.search(piece) is not None


def holds_objects(before: bytes) -> bool:
    """Whether a stream of a PDF with ``before`` in front of it packs objects, where actions could hide."""
    return _OBJECTS.search(before) is not None
