"""A letter about a decision on a payment as a PDF: to read, to print and to file."""

from __future__ import annotations

from datetime import datetime

from lab.agreement_pdf import BODY, FOOT, HEADING, LABEL, TITLE, VALUE
from lab.rules.decision_letter import DecisionLetter
from lab.tagged_pdf import LEFT, MEASURE, About, Layout, Line, Mark, Rule, plain, render, width_of

_HEAD = 140.0


def letter_pdf(letter: DecisionLetter) -> bytes:
    """The file: the same bytes for the same letter."""
    layout = Layout()
    layout.heading("H1", plain(letter.title), TITLE, 0, level=0)
    layout.space(3)
    rows = [(plain(label), plain(value)) for label, value in letter.facts]
    layout.table(rows, (LABEL, lambda value: VALUE), _HEAD)
    layout.space(14)
    for text in (letter.sentence, letter.basis):
        layout.paragraph(layout.root, "P", plain(text), BODY)
    layout.heading("H2", plain(letter.reason_heading), HEADING, 40, level=1)
    for part in plain(letter.reason).split("\n"):
        if part.strip():
            layout.paragraph(layout.root, "P", part, BODY)
    layout.space(10)
    layout.paragraph(layout.root, "P", plain(letter.questions), BODY)
    about = About(
        title=plain(f"{letter.title} – {letter.code}"),
        language=letter.language,
        author="Innovation Lab Tracker",
        subject=letter.code,
        keywords="",
        made_at=datetime.fromisoformat(letter.made_at),
    )
    return render(layout, about, lambda page, pages: _foot(letter, page, pages))


def _foot(letter: DecisionLetter, page: int, pages: int) -> list[Mark]:
    """On each page: whose letter it is, and the page's number."""
    right = letter.page.replace("{page}", str(page)).replace("{pages}", str(pages))
    return [
        Rule(LEFT, 58, MEASURE, 0.4),
        Line(None, LEFT, 46, plain(f"{letter.title} · {letter.code}"), FOOT),
        Line(None, LEFT + MEASURE - width_of(right, FOOT), 46, right, FOOT),
    ]
