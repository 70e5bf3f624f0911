"""What a hash is the hash of, and whether the archive has stayed what it was."""

from __future__ import annotations

import dataclasses

import pytest

from lab.rules.errors import Invalid
from lab.rules.verification import Archive, Match, archive_problems, claimed_text, identify, read_hash

TEXT, PDF, SCAN, OLD, OTHER, BEFORE = (letter * 64 for letter in "abcdef")
SIGNED = Archive(
    text=TEXT, kept_text=TEXT, opened=TEXT, signed={"organisation": TEXT, "ilo": TEXT}, pdf=PDF, kept_pdf=PDF, filed=PDF,
    scans={SCAN: "ilo"}, replaced={OLD: "ilo"}, earlier=frozenset({BEFORE}),
)  # fmt: skip
OPEN = dataclasses.replace(SIGNED, signed={}, pdf="", kept_pdf="", filed="", current=PDF)


@pytest.mark.parametrize(
    ("archive", "found", "claim", "match"),
    [
        (SIGNED, PDF, "", (Match.SIGNED_PDF, "")),
        (OPEN, PDF, TEXT, (Match.CURRENT_PDF, "")),
        (SIGNED, BEFORE, TEXT, (Match.EARLIER_PDF, "")),
        (OPEN, BEFORE, TEXT, (Match.EARLIER_PDF, "")),
        # Somebody recorded the very file that was printed as the scan of it.
        (dataclasses.replace(SIGNED, scans={BEFORE: "ilo"}), BEFORE, TEXT, (Match.SCAN, "ilo")),
        (SIGNED, TEXT, "", (Match.TEXT, "")),
        (SIGNED, SCAN, "", (Match.SCAN, "ilo")),
        (SIGNED, OLD, "", (Match.REPLACED_SCAN, "ilo")),
        (SIGNED, OTHER, TEXT, (Match.SAYS_FROZEN, "")),
        (SIGNED, OTHER, OLD, (Match.SAYS_OTHER, "")),
        (SIGNED, OTHER, "", (Match.NOTHING, "")),
        (Archive(text="", kept_text="", opened=""), OTHER, "", (Match.NOTHING, "")),
    ],
)
def test_what_it_is(archive: Archive, found: str, claim: str, match: tuple[Match, str]) -> None:
    assert identify(found, archive, claim) == match


def test_an_archive_that_agrees_has_no_problem() -> None:
    assert archive_problems(SIGNED) == archive_problems(OPEN) == ()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"text": OTHER, "signed": {}}, "not the one that was frozen"),
        ({"kept_text": OTHER}, "not the one that was frozen"),
        ({"opened": OTHER}, "not the one that was frozen"),
        ({"signed": {"ilo": OTHER}}, "under another text"),
        ({"pdf": OTHER}, "not the one that was filed"),
        ({"kept_pdf": OTHER}, "not the one that was filed"),
        ({"filed": OTHER}, "not the one that was filed"),
    ],
)
def test_whatever_was_changed_is_said(changes: dict[str, object], says: str) -> None:
    (found,) = archive_problems(dataclasses.replace(SIGNED, **changes))  # type: ignore[arg-type]
    assert says in str(found)


def test_a_hash_as_people_paste_it() -> None:
    assert read_hash(f" {TEXT[:32].upper()}\n{TEXT[32:]} ") == TEXT
    for wrong in ("", "abc", "g" * 64, TEXT + "a", "sha256:" + TEXT):
        with pytest.raises(Invalid):
            read_hash(wrong)


def test_what_a_document_says_of_its_text() -> None:
    assert claimed_text(b"/Keywords (text-sha256:" + TEXT.encode() + b")") == TEXT
    assert claimed_text(b"text-sha256:abc") == claimed_text(b"") == ""
