"""PDF files that a screen reader can read: laid out on A4, tagged, with real text, and the same bytes for the same content.

ReportLab draws, measures and embeds the letters that are used; the tags, which it does not know, are added here through
its public means: literal operators on a page, and objects of one's own in the catalogue. First everything is laid out as
plain marks on numbered pages, then drawn, so that each page can say how many there are.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import Any

from reportlab.lib.utils import TimeStamp
from reportlab.pdfbase import pdfdoc, pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

# Points. A4, with room for a hand at the sides and for two lines at the foot.
WIDTH, HEIGHT = 595.28, 841.89
LEFT, RIGHT, TOP, BOTTOM = 71.0, 71.0, 71.0, 79.0
MEASURE = WIDTH - LEFT - RIGHT
BLACK, GREY = "#111111", "#555555"

# Faces that come with matplotlib. What a first one lacks is taken from the next, letter by letter.
_FILES = {
    "Text": ("STIXGeneral.ttf", "DejaVuSerif.ttf", "DejaVuSans.ttf"),
    "Bold": ("STIXGeneralBol.ttf", "DejaVuSerif-Bold.ttf", "DejaVuSans-Bold.ttf"),
    "Mono": ("DejaVuSansMono.ttf",),
}


@dataclass(frozen=True)
class Style:
    """How a paragraph looks: its face (Text, Bold or Mono), size and line height, and the space around it, in points."""

    face: str
    size: float
    leading: float
    before: float = 0.0
    after: float = 0.0
    colour: str = BLACK


@dataclass
class Element:
    """A place in the structure: its tag, what is in it, and the attributes of a table's cell."""

    tag: str
    # Elements, and pieces of content: the page's number and the piece's on that page.
    kids: list[Element | tuple[int, int]] = field(default_factory=list)
    attributes: str = ""

    def add(self, tag: str, attributes: str = "") -> Element:
        """A new element inside this one."""
        made = Element(tag, attributes=attributes)
        self.kids.append(made)
        return made


@dataclass(frozen=True)
class Line:
    """A line of text from its left end; without an element it is no part of the content."""

    element: Element | None
    x: float
    y: float
    text: str
    style: Style


@dataclass(frozen=True)
class Rule:
    """A thin horizontal line; never part of the content."""

    x: float
    y: float
    width: float
    weight: float = 0.5
    colour: str = GREY


@dataclass(frozen=True)
class Bookmark:
    """A place that the outline leads to."""

    title: str
    level: int
    y: float


Mark = Line | Rule | Bookmark


@cache
def _faces(face: str) -> tuple[tuple[str, frozenset[int]], ...]:
    """The registered fonts behind a face, each with the letters that it has."""
    # Found without importing it: that alone takes a second.
    spec = find_spec("matplotlib")
    assert spec is not None and spec.origin is not None
    folder = Path(spec.origin).parent / "mpl-data" / "fonts" / "ttf"
    found = []
    for file in _FILES[face]:
        name = Path(file).stem
        font = TTFont(name, str(folder / file))
        pdfmetrics.registerFont(font)
        found.append((name, frozenset(font.face.charToGlyph)))
    return tuple(found)


def _runs(text: str, face: str) -> list[tuple[str, str]]:
    """``text`` cut into pairs of a font and what that font can write."""
    faces = _faces(face)
    runs: list[tuple[str, str]] = []
    for letter in text:
        font = next((name for name, letters in faces if ord(letter) in letters), faces[-1][0])
        if runs and runs[-1][0] == font:
            runs[-1] = (font, runs[-1][1] + letter)
        else:
            runs.append((font, letter))
    return runs


def width_of(text: str, style: Style) -> float:
    """How wide ``text`` is, in points."""
    widths: list[float] = [pdfmetrics.stringWidth(run, font, style.size) for font, run in _runs(text, style.face)]
    return sum(widths)


def plain(text: str) -> str:
    """``text`` as it can be printed: composed letters, no controls; line ends stay."""
    return "".join(
        letter
        for letter in unicodedata.normalize("NFC", text)
        if letter == "\n" or unicodedata.category(letter) not in ("Cc", "Cf", "Cs", "Co", "Cn")
    )


def wrapped(text: str, style: Style, width: float) -> list[str]:
    """The lines of one paragraph; a word that is wider than a line is cut."""
    lines: list[str] = []
    line = ""
    for word in re.split(r"[ \t]+", text.strip()):
        longer = f"{line} {word}" if line else word
        if width_of(longer, style) <= width:
            line = longer
            continue
        if line:
            lines.append(line)
        while width_of(word, style) > width:
            count = next(n for n in range(len(word), 0, -1) if n == 1 or width_of(word[:n], style) <= width)
            lines.append(word[:count])
            word = word[count:]
        line = word
    return [*lines, line]


class Layout:
    """Paragraphs and tables set one below the other, on as many pages as it takes."""

    def __init__(self) -> None:
        self.root = Element("Document")
        self.pages: list[list[Mark]] = [[]]
        self.y = HEIGHT - TOP

    def new_page(self) -> None:
        """Go on at the top of the next page."""
        self.pages.append([])
        self.y = HEIGHT - TOP

    def need(self, height: float) -> None:
        """Go on to the next page unless ``height`` points are left on this one."""
        if self.y - height < BOTTOM and self.pages[-1]:
            self.new_page()

    def space(self, height: float) -> None:
        """Leave ``height`` points free; nothing at the top of a page."""
        if self.pages[-1]:
            self.y -= height

    def put(self, mark: Mark) -> None:
        """Onto the page that is being set."""
        self.pages[-1].append(mark)

    def paragraph(self, parent: Element, tag: str, text: str, style: Style) -> None:
        """A paragraph that may go over to the next page, never with one line alone on either side."""
        element = parent.add(tag)
        lines = wrapped(text, style, MEASURE)
        self.space(style.before)
        for n, line in enumerate(lines):
            left = len(lines) - n
            # The first two lines keep together, and so do the last two.
            if (n == 0 and left > 1) or left == 2 or (n == 0 and left == 3):
                self.need(style.leading * min(left, 3 if left == 3 else 2))
            else:
                self.need(style.leading)
            self._line(element, LEFT, line, style, last=left == 1)
        self.y -= style.after

    def heading(self, tag: str, text: str, style: Style, keep: float, level: int | None) -> None:
        """A heading with at least ``keep`` points of what it heads below it; in the outline unless ``level`` is None."""
        lines = wrapped(text, style, MEASURE)
        self.space(style.before)
        self.need(style.leading * len(lines) + style.after + keep)
        if level is not None:
            self.put(Bookmark(text, level, self.y))
        element = self.root.add(tag)
        for n, line in enumerate(lines):
            self._line(element, LEFT, line, style, last=n == len(lines) - 1)
        self.y -= style.after

    def _line(self, element: Element, x: float, text: str, style: Style, *, last: bool) -> None:
        self.y -= style.leading
        # A line that is not the last ends in a space, so that its words stay words when they are read on.
        self.put(Line(element, x, self.y + style.leading - style.size, text if last else f"{text} ", style))

    def table(self, rows: Sequence[tuple[str, str]], styles: tuple[Style, Callable[[str], Style]], head: float) -> None:
        """Two columns, the first ``head`` points wide and heading its row. A row keeps together."""
        table = self.root.add("Table")
        if self.pages[-1]:
            self.put(Rule(LEFT, self.y, MEASURE))
        for label, value in rows:
            left, right = styles[0], styles[1](value)
            cells = (
                (wrapped(label, left, head - 10), left, LEFT, "TH", "<</O/Table/Scope/Row>>"),
                (self._lines(value, right, MEASURE - head), right, LEFT + head, "TD", ""),
            )
            height = max(len(lines) * style.leading for lines, style, *_rest in cells) + 9
            self.need(height)
            row, top = table.add("TR"), self.y - 4
            for lines, style, x, tag, attributes in cells:
                cell = row.add(tag, attributes)
                self.y = top
                for n, line in enumerate(lines):
                    self._line(cell, x, line, style, last=n == len(lines) - 1)
            self.y = top + 4 - height
            self.put(Rule(LEFT, self.y, MEASURE))

    def _lines(self, text: str, style: Style, width: float) -> list[str]:
        return [line for part in text.splitlines() or [""] for line in wrapped(part, style, width)]


@dataclass(frozen=True)
class About:
    """What a file says of itself. ``made_at`` (UTC) is its date."""

    title: str
    language: str
    author: str
    subject: str
    keywords: str
    made_at: datetime


def render(layout: Layout, about: About, foot: Callable[[int, int], Sequence[Mark]]) -> bytes:
    """The file. ``foot`` gives what stands at the foot of a page, from its number and how many there are."""
    buffer = BytesIO()
    canvas = Canvas(
        buffer, (WIDTH, HEIGHT), pageCompression=1, invariant=1, pdfVersion=(1, 7), lang=about.language,
        initialFontName=_faces("Text")[0][0],
    )  # fmt: skip
    _describe(canvas, about)
    owners: list[list[Element]] = []
    for number, marks in enumerate(layout.pages, start=1):
        owners.append(_draw_page(canvas, number, [*marks, *foot(number, len(layout.pages))]))
        canvas.showPage()
    _tag(canvas._doc, layout.root, owners)
    canvas.save()
    return buffer.getvalue()


def _describe(canvas: Canvas, about: About) -> None:
    canvas.setTitle(about.title)
    canvas.setAuthor(about.author)
    canvas.setSubject(about.subject)
    canvas.setKeywords(about.keywords)
    canvas.setCreator("Innovation Lab Tracker")
    canvas.setViewerPreference("DisplayDocTitle", "true")
    canvas.showOutline()
    stamp = TimeStamp(1)
    stamp.lt = about.made_at.utctimetuple()
    stamp.YMDhms = tuple(stamp.lt)[:6]
    canvas._doc._timeStamp = stamp


def _draw_page(canvas: Canvas, number: int, marks: Sequence[Mark]) -> list[Element]:
    """Draw one page. Returns whose each numbered piece of its content is."""
    owners: list[Element] = []
    for element, group in _grouped(marks):
        if element is None:
            canvas.addLiteral("/Artifact BMC")
        else:
            canvas.addLiteral(f"/{element.tag} <</MCID {len(owners)}>> BDC")
            element.kids.append((number, len(owners)))
            owners.append(element)
        for mark in group:
            _draw(canvas, number, mark)
        canvas.addLiteral("EMC")
    return owners


def _grouped(marks: Sequence[Mark]) -> Iterator[tuple[Element | None, list[Mark]]]:
    """Neighbours that belong to one element, or to none, together."""
    group: list[Mark] = []
    owner: Element | None = None
    for mark in marks:
        element = mark.element if isinstance(mark, Line) else None
        if group and element is not owner:
            yield owner, group
            group = []
        owner = element
        group.append(mark)
    if group:
        yield owner, group


def _draw(canvas: Canvas, number: int, mark: Mark) -> None:
    if isinstance(mark, Rule):
        canvas.setStrokeColor(mark.colour)
        canvas.setLineWidth(mark.weight)
        canvas.line(mark.x, mark.y, mark.x + mark.width, mark.y)
        return
    if isinstance(mark, Bookmark):
        key = f"{number}-{mark.y:.2f}"
        canvas.bookmarkPage(key, fit="XYZ", left=0, top=mark.y, zoom=0)
        canvas.addOutlineEntry(mark.title, key, mark.level)
        return
    text = canvas.beginText(mark.x, mark.y)
    text.setFillColor(mark.style.colour)
    for font, run in _runs(mark.text, mark.style.face):
        text.setFont(font, mark.style.size)
        text.textOut(run)
    canvas.drawText(text)


def _elements(element: Element, parent: Element | None = None) -> Iterator[tuple[Element, Element | None]]:
    """Every element of the structure with what it is in, from the outside inwards."""
    yield element, parent
    for kid in element.kids:
        if isinstance(kid, Element):
            yield from _elements(kid, element)


def _tag(document: Any, root: Element, owners: Sequence[Sequence[Element]]) -> None:
    """The structure's tree, and from each page's pieces the way back into it (PDF 32000-1, 14.7)."""
    reference, name, array = pdfdoc.PDFObjectReference, pdfdoc.PDFName, pdfdoc.PDFArray
    elements = list(_elements(root))
    names = {id(element): f"tag{n}" for n, (element, _parent) in enumerate(elements)}
    for element, parent in elements:
        entry = {
            "Type": name("StructElem"),
            "S": name(element.tag),
            "P": reference(names[id(parent)] if parent is not None else "tags"),
            "K": array([_kid(kid, names) for kid in element.kids]),
        }
        if element.attributes:
            entry["A"] = element.attributes
        document.Reference(pdfdoc.PDFDictionary(entry), names[id(element)])
    numbers: list[Any] = []
    for page, found in enumerate(owners):
        numbers += [page, array([reference(names[id(element)]) for element in found])]
    tree = pdfdoc.PDFDictionary(
        {
            "Type": name("StructTreeRoot"),
            "K": array([reference(names[id(root)])]),
            "ParentTree": document.Reference(pdfdoc.PDFDictionary({"Nums": array(numbers)}), "tagparents"),
            "ParentTreeNextKey": len(owners),
        }
    )
    document.Reference(tree, "tags")
    document.Catalog.StructTreeRoot = tree
    document.Catalog.MarkInfo = pdfdoc.PDFDictionary({"Marked": "true"})
    for number, page in enumerate(document.Pages.pages):
        # The library's pages write the entries that this list names.
        page.__NoDefault__ = [*page.__NoDefault__, "StructParents", "Tabs"]
        page.StructParents, page.Tabs = number, name("S")


def _kid(kid: Element | tuple[int, int], names: dict[int, str]) -> Any:
    if isinstance(kid, Element):
        return pdfdoc.PDFObjectReference(names[id(kid)])
    page, piece = kid
    # The library calls its pages so (PDFDocument.thisPageName).
    there = pdfdoc.PDFObjectReference(f"Page{page}")
    return pdfdoc.PDFDictionary({"Type": pdfdoc.PDFName("MCR"), "Pg": there, "MCID": piece})
