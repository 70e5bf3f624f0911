"""The printed agreement, read back by a library that had no part in writing it."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from io import BytesIO
from typing import Any

import pytest
from pypdf import PdfReader
from pypdf.generic import ContentStream, DictionaryObject, IndirectObject

from lab.agreement_pdf import agreement_pdf
from lab.config import ROOT
from lab.rules.agreement import Parties, draft_clauses, text_hash, to_freeze
from lab.rules.agreement_paper import AgreementPaper, Given, agreement_paper, instant_words
from lab.rules.agreement_words import WORDS
from lab.rules.signature import Method, Signatory
from lab.tagged_pdf import BOTTOM, HEIGHT, MEASURE, Layout, Line, Style, plain, width_of, wrapped
from tests.factories import definition

FROZEN_AT = datetime(2026, 3, 2, 12, tzinfo=UTC)
SIGNATORIES = {"organisation": Signatory("Lucía Ñúñez", "Directora", 1), "ilo": Signatory("Olivia Officer", "", 2)}
ZONE = "America/Guayaquil"


def paper(
    language: str = "es", clauses: list[dict[str, str]] | None = None, signed: bool = False, first_form: bool = False
) -> AgreementPaper:
    parties = Parties(
        language, "Cámara de Łódź «Ñandú»", "EC", "Encadenamientos móviles", "first", Decimal("30000.00"), "USD", "BRL", "L."
    )  # fmt: skip
    draft: dict[str, Any] = {"language": language, "clauses": clauses or draft_clauses(definition(), parties)}
    content = {**draft, "form": 1} if first_form else to_freeze(draft)
    found = text_hash(content)
    given = {
        "organisation": Given(
            "organisation", Method.ELECTRONIC, "lucía ñúñez", "Directora", "Lucía Ñúñez", FROZEN_AT, ZONE, "192.0.2.7",
            found,
        ),
        "ilo": Given(
            "ilo", Method.PAPER, "Olivia Officer", "Directora de oficina", "Olaf", FROZEN_AT, "Europe/Zurich",
            "2001:db8::1", found, date(2026, 3, 2), "ab" * 32,
        ),
    }  # fmt: skip
    award = ("ec-1", date(2026, 2, 3))
    return agreement_paper(definition(), parties, award, (content, FROZEN_AT), SIGNATORIES, given if signed else {})


def read(made: AgreementPaper) -> PdfReader:
    return PdfReader(BytesIO(agreement_pdf(made)), strict=True)


def flat(text: str) -> str:
    return " ".join(text.split())


def whole(reader: PdfReader) -> str:
    return flat(" ".join(page.extract_text() for page in reader.pages))


class Tags:
    """The structure's tree with the text of each element, by way of the pages' numbered pieces."""

    def __init__(self, reader: PdfReader) -> None:
        self.reader = reader
        self.pieces: dict[tuple[int, int], str] = {}
        self.bare: list[str] = []
        self.artifacts: list[str] = []
        for number, page in enumerate(reader.pages):
            self._pieces(number, page)
        self.root: Any = reader.trailer["/Root"]["/StructTreeRoot"]

    def _pieces(self, number: int, page: Any) -> None:
        """What each marked piece of a page shows; glyphs are counted, since their letters are the library's matter."""
        inside: list[int | str | None] = []
        for operands, operator in ContentStream(page.get_contents(), self.reader).operations:
            if operator == b"BDC":
                inside.append(int(operands[1]["/MCID"]))
            elif operator == b"BMC":
                inside.append(str(operands[0]))
            elif operator == b"EMC":
                inside.pop()
            elif operator in (b"Tj", b"TJ", b"S"):
                shown = str(operands[0]) if operands else "line"
                if not inside:
                    self.bare.append(shown)
                elif inside[-1] == "/Artifact":
                    self.artifacts.append(shown)
                else:
                    assert operator != b"S", "a line is no content"
                    key = (number, int(inside[-1] or 0))
                    self.pieces[key] = self.pieces.get(key, "") + shown
        assert not inside

    def walk(self, element: Any = None, depth: int = 0) -> Iterator[tuple[int, str, list[tuple[int, int]]]]:
        """(depth, tag, its own pieces) of every element in the order in which it is read."""
        for kid in self.root["/K"] if element is None else element["/K"]:
            kid = kid.get_object()
            if "/S" not in kid:
                continue
            own = [one.get_object() for one in kid["/K"]]
            marks = [(self._page(one["/Pg"]), int(one["/MCID"])) for one in own if "/MCID" in one]
            yield depth, str(kid["/S"]), marks
            yield from self.walk(kid, depth + 1)

    def _page(self, page: Any) -> int:
        ids = [one.indirect_reference.idnum for one in self.reader.pages if one.indirect_reference]
        reference = page.indirect_reference if isinstance(page, DictionaryObject) else page
        assert isinstance(reference, IndirectObject)
        return ids.index(reference.idnum)


@pytest.mark.parametrize("signed", [False, True])
def test_it_says_what_it_is_and_is_tagged(signed: bool) -> None:
    reader = read(paper(signed=signed))
    root: Any = reader.trailer["/Root"]
    assert root["/Lang"] == "es" and root["/MarkInfo"]["/Marked"] == True  # noqa: E712
    assert root["/ViewerPreferences"]["/DisplayDocTitle"] == True  # noqa: E712
    assert reader.metadata is not None
    assert reader.metadata.title == "Convenio de subvención – Encadenamientos móviles"
    assert reader.metadata.creation_date == FROZEN_AT
    for number, page in enumerate(reader.pages):
        assert page["/StructParents"] == number and page["/Tabs"] == "/S"
        assert [round(float(side)) for side in page.mediabox[2:]] == [595, 842]


@pytest.mark.parametrize("signed", [False, True])
def test_everything_shown_is_in_the_structure_or_an_artifact(signed: bool) -> None:
    reader = read(paper(signed=signed))
    tags = Tags(reader)
    assert tags.bare == [] and tags.artifacts
    read_in_order = [mark for _depth, _tag, marks in tags.walk() for mark in marks]
    assert read_in_order == sorted(tags.pieces), "each piece once, in the order in which it is printed"
    parents = tags.root["/ParentTree"]["/Nums"]
    for number in range(len(reader.pages)):
        assert parents[2 * number] == number
        assert len(parents[2 * number + 1]) == len([1 for page, _piece in tags.pieces if page == number])


def test_headings_clauses_and_tables() -> None:
    made = paper(signed=True)
    found = list(Tags(read(made)).walk())
    assert found[0][:2] == (0, "/Document")
    headings = [tag for _depth, tag, _marks in found if tag.startswith("/H")]
    clauses = ["/H3"] * len(made.clauses)
    assert headings == ["/H1", "/H2", "/H2", *clauses, "/H2", "/H2", "/H3", "/H3"]
    rows = sum(tag == "/TR" for _depth, tag, _marks in found)
    assert rows == len(made.facts) + 1 + sum(len(block.rows) for block in made.blocks)
    kinds = [(depth, tag) for depth, tag, _marks in found if tag in ("/TR", "/TH", "/TD")]
    assert kinds == [(2, "/TR"), (3, "/TH"), (3, "/TD")] * rows


def test_the_heads_of_rows_say_so() -> None:
    tree: Any = read(paper()).trailer["/Root"]["/StructTreeRoot"]
    table = next(kid.get_object() for kid in tree["/K"][0]["/K"] if kid.get_object()["/S"] == "/Table")
    head = table["/K"][0]["/K"][0]
    assert head["/S"] == "/TH" and head["/A"] == {"/O": "/Table", "/Scope": "/Row"}


def test_the_text_in_its_order_and_the_hash_on_each_page() -> None:
    made = paper(signed=True)
    reader = read(made)
    text, at = whole(reader), 0
    pages = [flat(page.extract_text()) for page in reader.pages]
    for number, page in enumerate(pages, start=1):
        assert made.hash in page and f"Página {number} de {len(pages)}" in page
    for words in (made.title, "Cámara de Łódź «Ñandú»", *(clause.title for clause in made.clauses), made.check_heading,
                  "Por la organización", "electrónicamente", "lucía ñúñez", "Lucía Ñúñez", "192.0.2.7", "Por la OIT", "en papel",
                  "2001:db8::1", "ab" * 32):  # fmt: skip
        assert words in text[at:], words
        at = text.index(words, at)
    for clause in made.clauses:
        # Over a page's end the foot comes between.
        assert flat(clause.text)[:60] in text and flat(clause.text)[-60:] in text


def test_what_a_clause_obliges_to_stands_under_it_as_a_list() -> None:
    made = paper()
    reader = read(made)
    text = whole(reader)
    obliging = [clause for clause in made.clauses if clause.obliges]
    assert len(obliging) == 2
    at = 0
    for clause in obliging:
        assert clause.obliges is not None
        for words in (clause.title, clause.obliges.heading, *(f"– {said}" for said in clause.obliges.sentences)):
            assert words in text[at:], words
            at = text.index(words, at)
    tags = [tag for _depth, tag, _marks in Tags(reader).walk()]
    assert tags.count("/L") == 2 and tags.count("/LI") == tags.count("/LBody") == 5
    assert "Hasta: 60 meses tras el final del piloto" in text


def test_a_text_whose_hash_does_not_cover_them_is_printed_without() -> None:
    made = paper(first_form=True)
    assert not any(clause.obliges for clause in made.clauses) and "Obligaciones" not in whole(read(made))


def test_on_its_face_it_says_whether_both_have_signed() -> None:
    before, after = paper(), paper(signed=True)
    assert "Texto anterior a las dos firmas" in flat(read(before).pages[0].extract_text())
    assert after.before == "" and "Texto anterior" not in whole(read(after))


def test_it_tells_the_typed_name_from_the_account_and_who_recorded_a_paper() -> None:
    text = whole(read(paper(signed=True)))
    for words in ("Nombre tal como se escribió lucía ñúñez", "Desde la cuenta de Lucía Ñúñez", "Cargo Directora",
                  "Nombre Olivia Officer", "Cargo Directora de oficina", "Registrado por Olaf"):  # fmt: skip
        assert words in text, words


def test_an_instant_is_given_in_both_zones() -> None:
    text = whole(read(paper(signed=True)))
    assert "2 de marzo de 2026, 13:00:00 (Ginebra, UTC+1)" in text
    assert "2 de marzo de 2026, 7:00:00 (Guayaquil, UTC-5)" in text.replace("07:", "7:")
    assert "2 de marzo de 2026, 12:00:00 (UTC)" in text, "for somebody in the call's own zone"
    assert instant_words(FROZEN_AT, "Asia/Kathmandu", "en") == "2 March 2026, 17:45:00 (Kathmandu, UTC+5:45)"


def test_unsigned_it_says_so_and_has_lines() -> None:
    text = whole(read(paper()))
    assert text.count("Aún sin firmar.") == 2 and text.count("Lugar y fecha") == 2
    assert "Olivia Officer" in text and "Responsable del programa" in text and "192.0.2.7" not in text


@pytest.mark.parametrize("language", sorted(WORDS))
def test_each_language_has_its_own_words(language: str) -> None:
    assert set(WORDS[language]) == set(WORDS["en"])
    reader = read(paper(language, signed=True))
    text, root = whole(reader), reader.trailer["/Root"]
    assert root["/Lang"] == language  # type: ignore[index]
    for key in ("title", "parties", "signatures", "for_ilo", "check", "frozen"):
        assert WORDS[language][key] in text


def test_bookmarks_lead_to_the_clauses() -> None:
    made = paper()
    reader = read(made)

    def titles(outline: Any) -> list[str]:
        return [title for one in outline for title in (titles(one) if isinstance(one, list) else [one.title])]

    found = titles(reader.outline)
    assert found[0] == made.title and [clause.title for clause in made.clauses] == found[3 : 3 + len(made.clauses)]


def test_the_same_state_gives_the_same_bytes_and_another_state_others() -> None:
    first = agreement_pdf(paper(signed=True))
    agreement_pdf(paper("pt"))
    agreement_pdf.cache_clear()
    assert agreement_pdf(paper(signed=True)) == first
    changed = dataclasses.replace(paper(signed=True), project="Encadenamientos móviles.")
    assert agreement_pdf(changed) != first != agreement_pdf(paper())


def test_fonts_are_embedded_and_their_letters_known() -> None:
    fonts = {
        name: font.get_object()
        for page in read(paper(signed=True)).pages
        for name, font in page["/Resources"]["/Font"].items()  # type: ignore[index]
    }
    used = {font["/BaseFont"]: font for font in fonts.values() if font["/Subtype"] == "/TrueType"}
    assert len(used) >= 3
    for name, font in used.items():
        assert "/ToUnicode" in font and "/FontFile2" in font["/FontDescriptor"], name


# Layout

BODY = Style("Text", 11, 15)


def test_lines_fit_and_nothing_is_lost() -> None:
    text = "una palabra " * 60 + "x" * 300 + " fin"
    lines = wrapped(text, BODY, MEASURE)
    assert all(width_of(line, BODY) <= MEASURE for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


def test_letters_that_no_face_has_or_nobody_sees_do_no_harm() -> None:
    assert plain("a\u0301\u202e\x07b\n") == "áb\n"
    clauses = [{"title": "東京 \U0001f600", "text": "Ελλάδα, Кириллица, עברית 東京\n\n" + "y" * 2000}]
    text = whole(read(paper("en", clauses)))
    assert "Ελλάδα, Кириллица" in text and text.count("y") > 2000


@pytest.mark.parametrize("filled", range(18, 27))
def test_no_heading_stands_alone_and_no_single_line(filled: int) -> None:
    layout = Layout()
    for n in range(filled):
        layout.paragraph(layout.root, "P", f"Line {n}", Style("Text", 11, 25))
    layout.heading("H2", "A heading", Style("Bold", 14, 18, before=10), 2 * BODY.leading, None)
    layout.paragraph(layout.root, "P", "words and words " * 24, BODY)
    pages = [[mark for mark in page if isinstance(mark, Line)] for page in layout.pages]
    assert all(mark.y > BOTTOM - 12 and mark.y < HEIGHT for page in pages for mark in page)
    heading = next(number for number, page in enumerate(pages) if any(mark.text == "A heading" for mark in page))
    body = [sum(mark.text.startswith("words") for mark in page) for page in pages]
    assert body[heading] >= 2, "the heading has its text with it"
    assert all(count != 1 for count in body), body


# Other processes


def test_another_process_draws_the_same_bytes_and_loads_the_library_late() -> None:
    script = """
import sys, tempfile
from lab import create_app
from lab.config import Config
create_app(Config(secret_key="x" * 40, database_url="sqlite://", files=tempfile.mkdtemp(), testing=True, scheduler=False))
assert "reportlab" not in sys.modules
from tests.test_agreement_pdf import agreement_pdf, paper
sys.stdout.buffer.write(agreement_pdf(paper(signed=True)))
"""
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, cwd=ROOT)
    assert done.stdout == agreement_pdf(paper(signed=True))
