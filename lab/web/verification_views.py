"""What the page that checks a document says about it."""

from __future__ import annotations

from dataclasses import dataclass

from flask_babel import gettext as _

from lab.rules.agreement import SIDES
from lab.rules.verification import Archive, Match, archive_problems, identify
from lab.web.words import say


@dataclass(frozen=True)
class Sent:
    """A document's name (empty for a hash alone), its SHA-256, and the text's that it says it bears."""

    name: str
    hash: str
    claim: str


@dataclass(frozen=True)
class Result:
    """The answer: ``tone`` is good, info or bad; ``elsewhere``: the document to go by is another, to be downloaded.
    ``problems`` are what is wrong in the archive itself."""

    asked: Sent | None
    tone: str
    title: str
    text: str
    elsewhere: bool
    problems: list[str]


def result_of(sent: Sent | None, archive: Archive) -> Result:
    """The answer to what was ``sent``, or the archive's state alone."""
    problems = [say(problem) for problem in archive_problems(archive)]
    if sent is None:
        return Result(None, "", "", "", False, problems)
    match, side = identify(sent.hash, archive, sent.claim)
    if match is Match.EARLIER_PDF:
        tone, title, text = _earlier(archive)
    else:
        tone, title, text = _words(match, say(SIDES[side]) if side else "")
    if match is Match.CURRENT_PDF:
        text = f"{text} {_('Not both sides have signed it yet: the signed document will be another file.')}"
    return Result(sent, tone, title, text, match in (Match.EARLIER_PDF, Match.SAYS_FROZEN), problems)


def _earlier(archive: Archive) -> tuple[str, str, str]:
    if archive.pdf:
        return (
            "good",
            _("This is the agreed text, taken before both had signed"),
            _(
                "It is, byte for byte, a PDF that this site gave out before the last signature, with the text that both have signed. The signed document is another file."
            ),
        )
    return (
        "good",
        _("This is the agreed text, taken before the last signature"),
        _(
            "It is, byte for byte, a PDF that this site gave out before, with the same text and fewer signatures. Not both sides have signed it yet."
        ),
    )


def _words(match: Match, side: str) -> tuple[str, str, str]:
    match match:
        case Match.SIGNED_PDF:
            return (
                "good",
                _("This is the signed agreement"),
                _("It is, byte for byte, the document that was filed when both sides had signed."),
            )
        case Match.CURRENT_PDF:
            return (
                "good",
                _("This is the agreement as it stands now"),
                _("It is, byte for byte, the PDF that this site gives out at present, with the frozen text."),
            )
        case Match.TEXT:
            return (
                "good",
                _("This is the hash of the frozen text"),
                _("A paper that bears it at the foot of its pages was printed from the text that is signed here."),
            )
        case Match.SCAN:
            return (
                "good",
                _("This is a scan of the signed paper"),
                _("It is, byte for byte, the file that was recorded for this side: %(side)s.", side=side),
            )
        case Match.REPLACED_SCAN:
            return (
                "info",
                _("This is a scan that was replaced"),
                _("It was recorded for this side, and another took its place: %(side)s.", side=side),
            )
        case Match.SAYS_FROZEN:
            return (
                "bad",
                _("This is not the document in the archive"),
                _(
                    "It says that it bears the frozen text, but its bytes are none that are known here: it was changed, or taken when something else stood beside the text, such as another signatory. What stands in it was not compared. Read the document in the archive instead."
                ),
            )
        case Match.SAYS_OTHER:
            return (
                "bad",
                _("This is another document"),
                _("It says itself that it bears another text than the one that is frozen here."),
            )
    return (
        "bad",
        _("This is none of this award’s documents"),
        _(
            "It is neither the agreement’s PDF nor a recorded scan nor the hash of its text: it was changed, or is another’s."
        ),
    )
