"""Holding a document against the archive: what a hash is the hash of, and whether what is kept has stayed what it was."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from lab.rules.agreement import SIDES
from lab.rules.errors import Invalid
from lab.rules.text import N_, M, Message

_HASH = re.compile(r"[0-9a-f]{64}")
# How our documents name the text that they bear, in the plain part of the file.
CLAIM = re.compile(rb"text-sha256:([0-9a-f]{64})")
_CLAIM_LENGTH = 80


class Match(StrEnum):
    """What a document or a hash turned out to be."""

    SIGNED_PDF = "signed_pdf"
    CURRENT_PDF = "current_pdf"
    EARLIER_PDF = "earlier_pdf"
    TEXT = "text"
    SCAN = "scan"
    REPLACED_SCAN = "replaced_scan"
    SAYS_FROZEN = "says_frozen"
    SAYS_OTHER = "says_other"
    NOTHING = "nothing"


@dataclass(frozen=True)
class Archive:
    """The hashes that are kept, and those computed anew: of the text now, of the document now.

    ``opened`` and ``filed`` are in the record of events. ``current`` is the hash of the PDF that is given out at
    present, ``earlier`` are those of the PDFs that were given out before each signature; ``filed`` and ``pdf`` are empty until
    both sides have signed. ``signed`` is each side's text.
    """

    text: str
    kept_text: str
    opened: str
    signed: Mapping[str, str] = field(default_factory=dict)
    pdf: str = ""
    kept_pdf: str = ""
    filed: str = ""
    current: str = ""
    earlier: frozenset[str] = frozenset()
    scans: Mapping[str, str] = field(default_factory=dict)
    replaced: Mapping[str, str] = field(default_factory=dict)


def read_hash(typed: str) -> str:
    """A SHA-256 as typed or pasted. Raises Invalid for ``hash``."""
    found = "".join(typed.split()).casefold()
    if not _HASH.fullmatch(found):
        raise Invalid({"hash": M(N_("A SHA-256 consists of 64 characters from 0 to 9 and a to f: this one does not."))})
    return found


def claimed_text(piece: bytes) -> str:
    """The text's hash that a document says it bears; empty when it says none. Anybody can write that into a file."""
    found = CLAIM.search(piece)
    return found[1].decode() if found else ""


def claimed_in(pieces: Iterable[bytes]) -> str:
    """The same for a document that comes piece by piece."""
    before = b""
    for piece in pieces:
        if found := claimed_text(before + piece):
            return found
        before = piece[-_CLAIM_LENGTH:]
    return ""


def identify(found: str, archive: Archive, claim: str = "") -> tuple[Match, str]:
    """What the SHA-256 ``found`` is the hash of, and the side if it is a scan's; ``claim`` is what the document says."""
    if archive.pdf and found == archive.pdf:
        return Match.SIGNED_PDF, ""
    if archive.current and found == archive.current:
        return Match.CURRENT_PDF, ""
    if found == archive.text:
        return Match.TEXT, ""
    if found in archive.scans:
        return Match.SCAN, archive.scans[found]
    if found in archive.replaced:
        return Match.REPLACED_SCAN, archive.replaced[found]
    if found in archive.earlier:
        return Match.EARLIER_PDF, ""
    if claim:
        return (Match.SAYS_FROZEN if claim == archive.text else Match.SAYS_OTHER), ""
    return Match.NOTHING, ""


def archive_problems(archive: Archive) -> tuple[Message, ...]:
    """What in the archive is no longer what it was; empty when all that is kept agrees."""
    found = []
    if not archive.text == archive.kept_text == archive.opened:
        found.append(M(N_("The text in the archive is not the one that was frozen.")))
    for side, signed in archive.signed.items():
        if signed != archive.text:
            found.append(M(N_("%(side)s: the signature is under another text."), side=SIDES[side]))
    if archive.pdf and not archive.pdf == archive.kept_pdf == archive.filed:
        found.append(M(N_("The signed document in the archive is not the one that was filed.")))
    return tuple(found)
