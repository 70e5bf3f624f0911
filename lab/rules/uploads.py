"""Which files are taken, judged by their first bytes and not by what their name claims; the rest is ``rules.inspection``."""

from __future__ import annotations

import codecs
import re
import unicodedata
import zlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple, Protocol, cast

import filetype

from lab.rules.diligence import PLACE as DILIGENCE
from lab.rules.errors import Invalid
from lab.rules.facts import TEAM, Role
from lab.rules.permissions import ALLOWED, Action
from lab.rules.text import N_, M, Message

MAX_NAME = 255
MAX_DISPLAY_NAME = 200
MEGABYTE = 1024 * 1024


@dataclass(frozen=True)
class FileKind:
    """A kind of file that is taken: its code, the media type to serve it with, and the name endings it may have."""

    code: str
    mime: str
    extensions: tuple[str, ...]


_OFFICE = "application/vnd.openxmlformats-officedocument."
_OPEN = "application/vnd.oasis.opendocument."
KINDS: tuple[FileKind, ...] = (
    FileKind("pdf", "application/pdf", ("pdf",)),
    FileKind("png", "image/png", ("png",)),
    FileKind("jpeg", "image/jpeg", ("jpg", "jpeg")),
    FileKind("docx", _OFFICE + "wordprocessingml.document", ("docx",)),
    FileKind("xlsx", _OFFICE + "spreadsheetml.sheet", ("xlsx",)),
    FileKind("pptx", _OFFICE + "presentationml.presentation", ("pptx",)),
    FileKind("odt", _OPEN + "text", ("odt",)),
    FileKind("ods", _OPEN + "spreadsheet", ("ods",)),
    FileKind("csv", "text/csv", ("csv",)),
    FileKind("txt", "text/plain", ("txt",)),
    FileKind("mp4", "video/mp4", ("mp4",)),
)
EXTENSIONS: tuple[str, ...] = tuple(extension for kind in KINDS for extension in kind.extensions)
_BY_CODE = {kind.code: kind for kind in KINDS}
_BY_EXTENSION = {extension: kind for kind in KINDS for extension in kind.extensions}
_OPEN_DOCUMENTS = frozenset({"odt", "ods"})
_TEXTS = frozenset({"csv", "txt"})
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$) *(\.|$)", re.IGNORECASE)
# The same kinds under the other names that the content library has for them.
_SYNONYMS = {"jpg": "jpeg", "apng": "png", "m4v": "mp4"}
# Kinds whose files are readable text themselves. The library's other guesses about readable text are mistakes, made
# on two letters: a table whose first heading is "BMI" is no bitmap.
_READABLE = frozenset({"pdf", "rtf", "ps"})
_MARKUP = re.compile(r"\s*(<[!?/a-z]|#!|\{\\rtf)", re.IGNORECASE)
# Markup or a program, as it begins; a page anywhere in the part of a file that browsers go by.
_ACTIVE = re.compile(rb"(\xef\xbb\xbf)?\s*(<[!?/a-z]|#!)|MZ|\x7fELF", re.IGNORECASE)
_PAGE = re.compile(rb"<(!doctype\s+html|html|head|body|script|iframe|svg)\b", re.IGNORECASE)
_SNIFFED = 1500
_OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
CONTROLS = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f]")

_LOCAL_HEADER = b"PK\x03\x04"
_FIRST_PARTS = ("[Content_Types].xml", "_rels/", "docProps/", "customXml/", "word/", "xl/", "ppt/")
_PARTS = {"word/": "docx", "xl/": "xlsx", "ppt/": "pptx"}
_MAIN_PARTS = {
    b"wordprocessingml.document.main": "docx",
    b"spreadsheetml.sheet.main": "xlsx",
    b"presentationml.presentation.main": "pptx",
}

_MACRO = "macro"

OTHER_KIND = N_("“%(name)s” is not of a kind that is taken here. Save it as one of %(kinds)s and upload that.")
DAMAGED = N_(
    "“%(name)s” ends in .%(ending)s, but its content is not such a file, or is damaged. Open it in the program that "
    "it was made with, save it again as one of %(kinds)s, and upload that."
)
WITH_MACROS = N_(
    "“%(name)s” contains macros, which are not taken here. Save it without macros, or as PDF, and upload that."
)
_RENAMED = N_(
    "“%(name)s” ends in .%(ending)s, but its content is %(found)s. Give it the ending .%(right)s, or save it again as "
    "a real .%(ending)s file."
)
NOT_UTF8 = N_(
    "“%(name)s” is not plain text in UTF-8. In your spreadsheet or editor choose “Save as”, then “CSV UTF-8” or "
    "“Text UTF-8”, and upload that."
)
_NOT_PLAIN = N_(
    "“%(name)s” contains a web page or a program, not plain text. Save what it shows as PDF and upload that."
)
MIXED = N_(
    "“%(name)s” is a .%(ending)s file and something else at once. Open it in the program that it was made with, save it "
    "again under a new name, and upload that."
)
OLD_OR_LOCKED = N_(
    "“%(name)s” is a document of an older Office, or one that is protected by a password. Open it, take the password "
    "away, save it again as one of %(kinds)s, and upload that."
)
_NOT_SCANNED = N_(
    "“%(name)s” could not be checked for viruses, because the virus scanner does not answer. Upload it again in a few "
    "minutes; if it stays so, tell the administrator."
)
_TOO_LARGE_TO_SCAN = N_(
    "“%(name)s” is larger than the virus scanner takes. Make it smaller, or split it, and upload it again; or ask the "
    "administrator to let the scanner take larger files."
)
_INFECTED = N_(
    "“%(name)s” was not taken: the virus scanner found %(signature)s in it. Check your computer, and upload a clean copy."
)
_NAMELESS = N_("The file has no name. Give it a name such as report.pdf and upload it again.")
_LONG_NAME = N_(
    "The name that begins “%(name)s” has more than %(limit)s characters. Shorten it and upload the file again."
)
_UNSEEN_NAME = N_(
    "The name of “%(name)s” contains characters that cannot be seen. Type the name anew and upload the file again."
)
_PATH_NAME = N_("The name of “%(name)s” contains a folder. Give the file a name without / and \\ and upload it again.")
_EMPTY = N_("“%(name)s” is empty: it has 0 bytes. Check that it was saved, and upload it again.")
_TOO_LARGE = N_("“%(name)s” is larger than %(limit)s MB. Make it smaller, or split it, and upload it again.")


class UploadRefused(Invalid):
    """A file that is not taken; the reason names it and what to do instead. Nothing has been stored.

    ``sign`` is what a security event says about it; empty for what happens to honest people.
    """

    def __init__(self, reason: Message, sign: str = "") -> None:
        self.reason, self.sign = reason, sign
        super().__init__({"file": reason})


class BadName(UploadRefused):
    """The name is missing, too long, or could be read as a path."""


class EmptyUpload(UploadRefused):
    """The file has no bytes."""


class TooLarge(UploadRefused):
    """The file has more bytes than the limit."""


class WrongKind(UploadRefused):
    """The content is of no kind that is taken."""


class Renamed(UploadRefused):
    """The name's ending promises another kind than the content is."""


class Infected(UploadRefused):
    """A virus scanner knows something in the file, under the name ``signature``."""

    def __init__(self, reason: Message, signature: str) -> None:
        self.signature = signature
        super().__init__(reason, "virus")


class NotScanned(UploadRefused):
    """A virus scanner is set up and does not answer."""


class _Guess(Protocol):
    extension: str


def may_read(roles: Collection[Role], place: str, *, handed_in: bool, removed: bool) -> bool:
    """Whether somebody with ``roles`` on the award may read a file of ``place``.

    A signed paper is for whoever reads the agreement. What a submitted version names is for everybody who reads that
    page, also after it was taken away. Until it is
    handed in, a file of a report or of the prototype is a draft: the team's own, and the officer's.
    """
    if place.startswith("signature:"):
        return bool(ALLOWED[Action.SEE_AGREEMENT] & set(roles))
    page = Action.SEE_REPORTS if place.startswith("report:") else Action.SEE_LAB
    readers = ALLOWED[page]
    if not handed_in and not place.startswith("boot_camp:"):
        readers &= TEAM | {Role.OFFICER}
    return bool(readers & set(roles)) and (handed_in or not removed)


def may_take_away(roles: Collection[Role], place: str, *, own: bool) -> bool:
    """Whether somebody who may add files to ``place`` may also take one away: documents of a boot camp only whoever
    uploaded them (``own``) or those who run it, documents of due diligence whoever uploaded them or the officer."""
    if place.startswith(DILIGENCE):
        return own or Role.OFFICER in roles
    return own or not place.startswith("boot_camp:") or bool(ALLOWED[Action.RUN_BOOT_CAMP] & set(roles))


def check_upload(name: str, head: bytes, size: int, limit: int, kinds: Collection[str] = ()) -> FileKind:
    """The kind of a file called ``name`` that starts with ``head`` (8 KiB, or all of a shorter file).

    ``size`` and ``limit`` are bytes; ``kinds`` are the codes that are taken at this place (all, without any). Raises BadName, EmptyUpload, TooLarge, WrongKind or Renamed, all UploadRefused.
    """
    check_name(name)
    if size == 0:
        raise empty(name)
    if size > limit:
        raise too_large(name, limit)
    shown, ending = safe_name(name), ending_of(name)
    promised = _BY_EXTENSION.get(ending)
    if promised is None or (kinds and promised.code not in kinds):
        raise WrongKind(M(OTHER_KIND, name=shown, kinds=kinds_taken(kinds)))
    found = _content(head)
    if promised.code in _TEXTS and (found is None or found in _TEXTS):
        _check_text(shown, head, whole=size <= len(head))
    else:
        _check_content(shown, ending, promised, found, head)
    return promised


def _check_content(shown: str, ending: str, promised: FileKind, found: str | None, head: bytes) -> None:
    """Whether the content that was ``found`` is what the ending promises."""
    if found is None and head.startswith(_OLD_OFFICE):
        raise WrongKind(M(OLD_OR_LOCKED, name=shown, kinds=kinds_taken()))
    if found is None:
        sign = "masked" if _ACTIVE.match(head) else ""
        raise WrongKind(M(DAMAGED, name=shown, ending=ending, kinds=kinds_taken()), sign)
    if found == _MACRO:
        raise WrongKind(M(WITH_MACROS, name=shown), _MACRO + "s")
    if found != promised.code:
        right = _BY_CODE[found].extensions[0]
        raise Renamed(M(_RENAMED, name=shown, ending=ending, found=found.upper(), right=right), "renamed")
    if found == "pdf" and _PAGE.search(head[:_SNIFFED]):
        raise WrongKind(M(MIXED, name=shown, ending=ending), "mixed")


def check_name(name: str) -> None:
    """Whether a file may be called ``name``, before any of its bytes are read. Raises BadName."""
    shown = safe_name(name)
    if not name.strip(" ."):
        raise BadName(M(_NAMELESS))
    if len(name) > MAX_NAME:
        raise BadName(M(_LONG_NAME, name=shown[:40], limit=MAX_NAME))
    if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in name):
        raise BadName(M(_UNSEEN_NAME, name=shown), "name")
    if "/" in name or "\\" in name:
        raise BadName(M(_PATH_NAME, name=shown), "name")


def empty(name: str) -> EmptyUpload:
    """The refusal of a file without bytes, also for a store that found it out while reading."""
    return EmptyUpload(M(_EMPTY, name=safe_name(name)))


def too_large(name: str, limit: int) -> TooLarge:
    """The refusal of a file of more than ``limit`` bytes, also for a store that found it out while reading."""
    megabytes = limit // MEGABYTE if limit % MEGABYTE == 0 else (Decimal(limit) / MEGABYTE).quantize(Decimal("0.001"))
    return TooLarge(M(_TOO_LARGE, name=safe_name(name), limit=megabytes))


def infected(name: str, signature: str) -> Infected:
    """The refusal of a file in which a virus scanner found what it calls ``signature``."""
    return Infected(M(_INFECTED, name=safe_name(name), signature=signature), signature)


def not_scanned(name: str) -> NotScanned:
    """The refusal of a file that could not be scanned although a scanner is set up."""
    return NotScanned(M(_NOT_SCANNED, name=safe_name(name)), "not_scanned")


def too_large_to_scan(name: str) -> TooLarge:
    """The refusal of a file that the virus scanner will not take for its size."""
    return TooLarge(M(_TOO_LARGE_TO_SCAN, name=safe_name(name)), "too_large_to_scan")


def safe_name(name: str) -> str:
    """``name`` as it may be shown and offered for download: no folders, no characters that cannot be seen or that turn
    the direction of writing, none that Windows keeps for its devices, at most 200 characters with its ending kept;
    never empty."""
    base = re.split(r"[/\\]", name)[-1]
    seen = "".join(
        letter for letter in base if unicodedata.category(letter) not in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
    )
    tidy = " ".join(seen.split())
    if _RESERVED.match(tidy):
        tidy = f"_{tidy}"
    if len(tidy) > MAX_DISPLAY_NAME:
        stem, dot, ending = tidy.rpartition(".")
        tail = dot + ending if stem and len(ending) <= 10 else ""
        tidy = tidy[: MAX_DISPLAY_NAME - len(tail)].rstrip() + tail
    return tidy if tidy.strip(".") else "file"


def kinds_taken(kinds: Collection[str] = ()) -> str:
    """The endings of the kinds that are taken (all, without any ``kinds``), as a sentence lists them."""
    return ", ".join(ending.upper() for ending in endings(kinds) if ending != "jpeg")


def endings(kinds: Collection[str] = ()) -> tuple[str, ...]:
    """The endings that files of these ``kinds`` (codes; all, without any) may have."""
    return tuple(ending for kind in KINDS if not kinds or kind.code in kinds for ending in kind.extensions)


def ending_of(name: str) -> str:
    """The ending of ``name`` in small letters, without its dot; empty when there is none."""
    return safe_name(name).rpartition(".")[2].lower() if "." in name else ""


def _content(head: bytes) -> str | None:
    """The code of the kind that the bytes are, ``macro`` for an office document with a program in it, or None."""
    guess = cast("_Guess | None", filetype.guess(head))
    code = _SYNONYMS.get(guess.extension, guess.extension) if guess else None
    if head.startswith(_LOCAL_HEADER):
        return code if code in _OPEN_DOCUMENTS else _package(head)
    if code not in _READABLE and (text := _decoded(head, whole=False)) is not None:
        return None if _MARKUP.match(text) else "txt"
    if code == "pdf" and not head.startswith(b"%PDF-"):
        return None
    return code if code in _BY_CODE else None


class _Entry(NamedTuple):
    """A ZIP entry that begins within the head: its name, how it is packed (0 is not at all), and the bytes after it."""

    name: str
    method: int
    rest: bytes


def _package(head: bytes) -> str | None:
    """What kind of office document a ZIP is, or ``macro``, or None.

    The content library looks at the names of the first four entries alone, and at no macro. Here every entry that
    begins within the head counts, and the document's own list of content types.
    """
    entries = list(_entries(head))
    if not entries[0].name.startswith(_FIRST_PARTS):  # a ZIP that merely holds an office document
        return None
    listing = next((_unpacked(entry) for entry in entries if entry.name == "[Content_Types].xml"), b"")
    if b"macroEnabled" in listing or any(entry.name.endswith("vbaProject.bin") for entry in entries):
        return _MACRO
    kinds = [code for mark, code in _MAIN_PARTS.items() if mark in listing]
    kinds += [code for entry in entries for folder, code in _PARTS.items() if entry.name.startswith(folder)]
    return kinds[0] if kinds else None


def _entries(head: bytes) -> Iterator[_Entry]:
    start = 0
    while start != -1:
        header = head[start : start + 30]
        name_end = start + 30 + int.from_bytes(header[26:28], "little")
        data = name_end + int.from_bytes(header[28:30], "little")
        yield _Entry(
            head[start + 30 : name_end].decode("utf-8", "replace"), header[8] if header[8:] else 0, head[data:]
        )
        start = head.find(_LOCAL_HEADER, start + 4)


def _unpacked(entry: _Entry) -> bytes:
    """The first 64 KiB of an entry; as much as there is of one that is cut off, nothing of one that is damaged."""
    if entry.method == 0:
        return entry.rest
    try:
        return zlib.decompressobj(-zlib.MAX_WBITS).decompress(entry.rest, 64 * 1024)
    except zlib.error:
        return b""


def _decoded(head: bytes, whole: bool) -> str | None:
    """``head`` as plain UTF-8 text; a last letter that the cut went through is left out. None when it is not that."""
    try:
        text = codecs.getincrementaldecoder("utf-8-sig")().decode(head, final=whole)
    except UnicodeDecodeError:
        return None
    return None if CONTROLS.search(text) else text


def _check_text(shown: str, head: bytes, whole: bool) -> None:
    text = _decoded(head, whole)
    if text is None:
        raise WrongKind(M(NOT_UTF8, name=shown))
    if _MARKUP.match(text):
        raise WrongKind(M(_NOT_PLAIN, name=shown), "masked")
