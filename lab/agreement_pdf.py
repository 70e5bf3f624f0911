"""The grant agreement as a PDF: to read, to print and sign by hand, and to keep once both sides have signed it."""

from __future__ import annotations

from functools import lru_cache

from lab.rules.agreement_paper import AgreementPaper, Block
from lab.rules.clauses import Obliges
from lab.tagged_pdf import (
    GREY,
    LEFT,
    MEASURE,
    About,
    Layout,
    Line,
    Mark,
    Rule,
    Style,
    plain,
    render,
    width_of,
)

TITLE = Style("Bold", 21, 25)
PROJECT = Style("Text", 13, 17, before=3, after=8, colour=GREY)
HEADING = Style("Bold", 14, 18, before=20, after=6)
CLAUSE = Style("Bold", 11, 15, before=13, after=3)
BODY = Style("Text", 11, 15.5, after=5)
BEFORE = Style("Bold", 10.5, 14, after=4)
OBLIGES = Style("Bold", 10, 14, after=2)
OBLIGATION = Style("Text", 11, 15, after=3)
LABEL = Style("Bold", 9.5, 13)
VALUE = Style("Text", 10.5, 13.5)
CODE = Style("Mono", 7.4, 11)
NOTE = Style("Text", 10.5, 14, after=4, colour=GREY)
FOOT = Style("Text", 8, 10, colour=GREY)
FOOT_CODE = Style("Mono", 7, 10, colour=GREY)
_HEAD = 140.0
_SIGNED_BY_HAND = 34.0


# The unsigned one is asked for again and again while it is negotiated and signed, and is the same each time.
@lru_cache(maxsize=32)
def agreement_pdf(paper: AgreementPaper) -> bytes:
    """The file: the same bytes for the same paper."""
    layout = Layout()
    layout.heading("H1", plain(paper.title), TITLE, 0, level=0)
    layout.paragraph(layout.root, "P", plain(paper.project), PROJECT)
    if paper.before:
        layout.paragraph(layout.root, "P", plain(paper.before), BEFORE)
    layout.heading("H2", plain(paper.facts_heading), HEADING, 60, level=1)
    _table(layout, paper.facts)
    layout.heading("H2", plain(paper.text_heading), HEADING, 60, level=1)
    for clause in paper.clauses:
        layout.heading("H3", plain(clause.title), CLAUSE, 2 * BODY.leading, level=2)
        for part in plain(clause.text).split("\n"):
            if part.strip():
                layout.paragraph(layout.root, "P", part, BODY)
        if clause.obliges:
            _obligations(layout, clause.obliges)
    layout.heading("H2", plain(paper.check_heading), HEADING, 90, level=1)
    layout.paragraph(layout.root, "P", plain(paper.check_text), BODY)
    _table(layout, ((paper.hash_label, paper.hash),))
    layout.heading("H2", plain(paper.signatures_heading), HEADING, 190, level=1)
    for block in paper.blocks:
        _block(layout, block)
    about = About(
        title=plain(f"{paper.title} – {paper.project}"),
        language=paper.language,
        author="Innovation Lab Tracker",
        subject=paper.code,
        keywords=f"text-sha256:{paper.hash}",
        made_at=paper.made_at,
    )
    return render(layout, about, lambda page, pages: _foot(paper, page, pages))


def _obligations(layout: Layout, found: Obliges) -> None:
    layout.need(OBLIGES.leading + 2 * OBLIGATION.leading)
    layout.paragraph(layout.root, "P", plain(found.heading), OBLIGES)
    items = layout.root.add("L")
    for sentence in found.sentences:
        layout.paragraph(items.add("LI"), "LBody", plain(f"– {sentence}"), OBLIGATION)


def _table(layout: Layout, rows: tuple[tuple[str, str], ...]) -> None:
    kept = [(plain(label), plain(value)) for label, value in rows]
    layout.space(3)
    layout.table(kept, (LABEL, lambda value: CODE if _is_hash(value) else VALUE), _HEAD)


def _is_hash(value: str) -> bool:
    return len(value) == 64 and set(value) <= set("0123456789abcdef")


def _block(layout: Layout, block: Block) -> None:
    height = 30 + 22 * len(block.rows) + _SIGNED_BY_HAND * len(block.lines)
    layout.heading("H3", plain(block.heading), CLAUSE, height, level=2)
    if block.note:
        layout.paragraph(layout.root, "P", plain(block.note), NOTE)
    if block.rows:
        _table(layout, block.rows)
    for label in block.lines:
        layout.need(_SIGNED_BY_HAND)
        layout.y -= _SIGNED_BY_HAND - LABEL.leading
        text = plain(label)
        layout.paragraph(layout.root, "P", text, LABEL)
        layout.put(Rule(LEFT + _HEAD, layout.y + 2, MEASURE - _HEAD, 0.6, "#111111"))


def _foot(paper: AgreementPaper, page: int, pages: int) -> list[Mark]:
    """On each page: whose paper it is, the page's number, and the hash of the text."""
    left = plain(f"{paper.title} · {paper.code}")
    right = paper.page.format(page=page, pages=pages)
    hashed = f"{paper.hash_label}: "
    return [
        Rule(LEFT, 58, MEASURE, 0.4),
        Line(None, LEFT, 46, left, FOOT),
        Line(None, LEFT + MEASURE - width_of(right, FOOT), 46, right, FOOT),
        Line(None, LEFT, 34, hashed, FOOT),
        Line(None, LEFT + width_of(hashed, FOOT), 34, paper.hash, FOOT_CODE),
    ]
