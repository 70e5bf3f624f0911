"""What an inspection finds, in words: each names the file and what to do, and only what looks like an attack is noted."""

from __future__ import annotations

import pytest

from lab.rules import inspection as rules
from lab.rules.inspection import MAX_UNPACKED, MEGABYTE, RATIO_FROM, Entry, Finding
from lab.rules.uploads import WrongKind

REMEDIES = ("and upload that.", "upload it again.", "and upload the document without it.")
ORDINARY = {Finding.DAMAGED, Finding.NOT_TEXT, Finding.LOCKED, Finding.FRAMES}


@pytest.mark.parametrize("finding", Finding)
def test_every_finding_says_which_file_and_what_to_do(finding: Finding) -> None:
    refused = rules.refusal(finding, "Plan\u202e ñ.docx")
    assert isinstance(refused, WrongKind)
    assert "“Plan ñ.docx”" in str(refused)
    assert str(refused).endswith(REMEDIES)
    assert "%(" not in str(refused)
    assert refused.sign == ("" if finding in ORDINARY else finding.value)


def entry(name: str, start: int = 0, packed: int = 10, unpacked: int = 10, method: int = 8) -> Entry:
    return Entry(name, start, packed, unpacked, method)


def judged(*entries: Entry, room: int = 1000 * MEGABYTE) -> Finding | None:
    return rules.judge_index(entries, room)


def test_what_would_unpack_to_too_much() -> None:
    many = RATIO_FROM // 100
    assert judged(entry("a", packed=many, unpacked=RATIO_FROM)) is None
    assert judged(entry("a", packed=many, unpacked=RATIO_FROM + 1000)) is Finding.BOMB
    assert judged(entry("a", packed=10, unpacked=RATIO_FROM)) is None, "too small to harm"
    assert judged(entry("a", packed=MAX_UNPACKED, unpacked=MAX_UNPACKED)) is None
    half = MAX_UNPACKED // 2 + 1
    assert judged(entry("a", packed=half, unpacked=half), entry("b", half + 40, half, half)) is Finding.BOMB


def test_entries_that_share_bytes() -> None:
    assert judged(entry("a", 0, 60), entry("b", 90), room=130) is None
    assert judged(entry("b", 90), entry("a", 0, 60), room=130) is None, "in whatever order they are listed"
    assert judged(entry("a", 0, 61), entry("b", 90)) is Finding.BOMB
    assert judged(entry("a", 0), entry("b", 0)) is Finding.BOMB
    assert judged(entry("a", 0, 60), room=89) is Finding.BOMB


@pytest.mark.parametrize("name", ["", "/a", "\\a", "../a", "a/../b", "a\\..\\b", "..", "C:a", "a\0b", "//host/a"])
def test_names_that_lead_out(name: str) -> None:
    assert judged(entry(name)) is Finding.PATHS


@pytest.mark.parametrize("name", ["word/..a.xml", "a..b", "[Content_Types].xml", "word/media/image 1.png", "docProps/"])
def test_names_that_do_not(name: str) -> None:
    assert judged(entry(name)) is None


@pytest.mark.parametrize(
    ("name", "finding"),
    [
        ("word/vbaProject.bin", Finding.MACROS),
        ("word/vbaProjectSignature.bin", Finding.MACROS),
        ("vbaData.xml", Finding.MACROS),
        ("xl/intlmacrosheets/s.xml", Finding.MACROS),
        ("Basic/Standard/Module1.xml", Finding.MACROS),
        ("Basic/script-lc.xml", None),
        ("Basic/Standard/script-lb.xml", None),
        ("Basic/Standard/script-lb.xml/Module.xml", Finding.MACROS),
        ("Scripts/javascript/a.txt", Finding.MACROS),
        ("word/basic.xml", None),
        ("word/Transcripts/a.xml", None),
        ("word/media/tool.EXE", Finding.PROGRAM),
        ("word/json.xml", None),
    ],
)
def test_parts_by_their_names(name: str, finding: Finding | None) -> None:
    assert judged(entry(name)) is finding


def test_pictures() -> None:
    assert rules.judge_picture(8_000, 10_000, 100) is None
    assert rules.judge_picture(8_001, 10_000, 1) is Finding.PIXELS
    assert rules.judge_picture(1, 1, 101) is Finding.FRAMES
    assert rules.judge_picture(1, 0, 1) is Finding.DAMAGED


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (b"<</S/JavaScript/JS(x)>>", True),
        (b"/S /JavaScript", True),
        (b"/#53/#4A#61vaScript>>", True),
        (b"/S /L#61unch /F", True),
        (b"/S/#4caunch ", True),
        (b"/Names << /JavaScript 5 0 R >>", True),
        (b"/S /GoTo", False),
        (b"(https://example.org/JavaScript)", False),
        (b"(https://example.org/Launch )", False),
        (b"/JavaScripts", False),
        (b"JavaScript", False),
        (b"/LaunchPad", False),
        (b"/A#42 /Launcher", False),
    ],
)
def test_actions_of_a_pdf(text: bytes, found: bool) -> None:
    assert rules.has_actions(text) is found
