"""Exports: no cell is a formula, in any program's reading of the file, and nobody's text loses anything."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from datetime import UTC, date, datetime
from decimal import Decimal
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.sheets import MAX_CELL, Cell, csv_file, xlsx_file

MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
STARTERS = "=+-@＝＋－＠﹢﹣﹦﹫⁼⁺⁻−"
FORMULAS = (
    "=1+1", "+1", "-1+1", "@SUM(1)", "=HYPERLINK(\"https://evil.example\";\"x\")", "=cmd|'/C calc'!A0", "\t=1", "\r=1",
    "\n=1", "  =1", "\u00a0=1", "\u3000=1", "\"=1", "'=1", "“=1", "\"\"=1", " \" =1", "＝1", "＋1", "－1", "＠x", "−1", "﹦1", "⁼1",
    "\ufeff=1", "\u200b=1", "\x00=1", "\x1f=1", "\u202e=1", "ok;=1", "ok;\"=1", "ok\t=1", "ok\n=1", "ok\r\n=1", "ok\r=1",
    "a;b; @x", "ok\u2028=1", "x;\t;+1", "-", "+41 22 799 61 11", "@ana", "-2+3+cmd|' /C calc'!D2", "%0A=1;=1", ";=1",
)  # fmt: skip


def is_formula(cell: str) -> bool:
    """The test's own reading, by hand: the first thing that is no blank, quote or invisible mark."""
    bare = re.sub(
        r"^[\s\"`´“”„‟«»‹›‚‛‘’＂＇\x00-\x20\x7f-\x9f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]+", "", cell
    )
    return bare[:1] in STARTERS if bare else False


def read_csv(file: bytes) -> list[list[str]]:
    text = file.decode("utf-8")
    assert text.startswith("\ufeff"), "Excel knows it for UTF-8"
    return list(csv.reader(io.StringIO(text[1:], newline=""), strict=True))


def read_xlsx(file: bytes) -> list[dict[str, tuple[str, str]]]:
    """Each row as column → (type, text), from the XML; fails on any formula or link."""
    with zipfile.ZipFile(io.BytesIO(file)) as book:
        assert not [
            name for name in book.namelist() if "vba" in name or "externalLink" in name or "_rels/sheet" in name
        ]
        root = ElementTree.fromstring(book.read("xl/worksheets/sheet1.xml"))
    assert not list(root.iter(f"{MAIN}f")) and not list(root.iter(f"{MAIN}hyperlink"))
    rows = []
    for row in root.iter(f"{MAIN}row"):
        found = {}
        for cell in row.iter(f"{MAIN}c"):
            text = "".join(part.text or "" for part in (*cell.iter(f"{MAIN}t"), *cell.iter(f"{MAIN}v")))
            text = re.sub(r"_x([0-9A-Fa-f]{4})_", lambda found: chr(int(found[1], 16)), text)
            found[re.sub(r"\d", "", cell.get("r", ""))] = (cell.get("t", "n"), text)
        rows.append(found)
    return rows


TRICKY = st.lists(
    st.sampled_from([*STARTERS, *" \t\r\n;,|\"'“\x00\x0b\x0c\x1c\x85\u2028\ufeff\u200b", "a", "1", "cmd", "_x0041_", "é", "中"]),
    max_size=12,
).map("".join)  # fmt: skip
TEXTS = st.one_of(TRICKY, st.text(max_size=60), st.sampled_from(FORMULAS))


@given(TEXTS)
def test_csv_keeps_every_text_and_makes_none_a_formula(text: str) -> None:
    ((_heading,), (cell,)) = read_csv(csv_file(["Text"], [[text]]))
    assert cell.replace("'", "") == text.replace("'", ""), "nothing but apostrophes was added"
    assert cell.count("'") >= text.count("'")
    for part in re.split(r"[;\t\r\n]", cell):
        assert part.startswith("'") or not is_formula(part), part
    # Only what could be a formula is touched.
    if not re.search(f"[{STARTERS}]", text) and text[:1] not in "\t\r\n":
        assert cell == text


@given(st.lists(st.lists(TEXTS, min_size=2, max_size=2), max_size=4))
def test_csv_is_no_formula_for_a_program_that_splits_at_other_signs(rows: list[list[str]]) -> None:
    text = csv_file(["One", "Two"], rows).decode("utf-8-sig")
    for part in re.split(r"[;\t\r\n]", text):
        assert not is_formula(part) or part.lstrip('"').startswith("'"), part


@settings(max_examples=60)
@given(st.lists(TEXTS, min_size=1, max_size=8))
def test_excel_keeps_every_text_as_a_text(texts: list[str]) -> None:
    rows = read_xlsx(xlsx_file("Texts", ["Text"], [[text] for text in texts]))[1:]
    assert len(rows) == len(texts)
    for row, text in zip(rows, texts, strict=True):
        kind, found = row.get("A", ("inlineStr", ""))
        assert kind == "inlineStr"
        # A reader of XML makes one line end of every kind of it.
        assert found.replace("\r\n", "\n").replace("\r", "\n") == text.replace("\r\n", "\n").replace("\r", "\n")


@pytest.mark.parametrize("text", FORMULAS)
def test_formulas_are_defused_by_name(text: str) -> None:
    cell = read_csv(csv_file(["Text"], [[text]]))[1][0]
    assert "'" in cell and cell != text
    assert read_xlsx(xlsx_file("T", [text], [[text]]))[0]["A"][0] == "inlineStr"


@pytest.mark.parametrize(
    "text", ["", "plain", "5 - 3 = 2", "a=b", "ana@team.example", "one; two", "two\nlines", "(–)", "3+4"]
)
def test_ordinary_texts_are_left_alone(text: str) -> None:
    assert read_csv(csv_file(["Text"], [[text]]))[1][0] == text


def test_excel_guards_a_text_also_when_it_is_edited() -> None:
    with zipfile.ZipFile(io.BytesIO(xlsx_file("T", ["H"], [["=1+1"], ["plain"]]))) as book:
        assert book.read("xl/styles.xml").count(b'quotePrefix="1"') == 1
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
    guarded, plain = (re.search(rf'<c r="A{n}"([^>]*)>', sheet) for n in (2, 3))
    assert guarded and plain and 's="' in guarded[1] and 's="' not in plain[1]


ROW: list[Cell] = [
    "Ünïcode, \"quoted\"\nline", 12, -5, Decimal("-1234.50"), Decimal("1E+3"), date(2026, 3, 2),
    datetime(2026, 3, 2, 7, 5, 9, 123, tzinfo=ZoneInfo("America/Guayaquil")), None,
]  # fmt: skip


def test_values_are_written_as_what_they_are() -> None:
    headings = [f"h{n}" for n in range(8)]
    assert read_csv(csv_file(headings, [ROW])) == [
        headings,
        ['Ünïcode, "quoted"\nline', "12", "-5", "-1234.50", "1000", "2026-03-02", "2026-03-02T07:05:09-05:00", ""],
    ]
    assert csv_file(["a"], [["b"]]) == b'\xef\xbb\xbf"a"\r\n"b"\r\n'
    row = read_xlsx(xlsx_file("Values", headings, [ROW]))[1]
    assert "H" not in row and row["A"] == ("inlineStr", 'Ünïcode, "quoted"\nline')
    assert {row[column][0] for column in "BCDE"} == {"n"}
    assert [Decimal(row[column][1]) for column in "BCDE"] == [12, -5, Decimal("-1234.5"), 1000]
    # Days since the end of 1899, as Excel counts them.
    assert row["F"] == ("n", "46083") and row["G"][1].startswith("46083.295")


@pytest.mark.parametrize(
    "value", [10**15, -(10**18), Decimal("1234567890123456.78"), Decimal("NaN"), Decimal("Infinity")]
)
def test_numbers_that_excel_would_round_stay_exact_as_texts(value: int | Decimal) -> None:
    kind, text = read_xlsx(xlsx_file("N", ["n"], [[value]]))[1]["A"]
    assert kind == "inlineStr" and text == (f"{value:f}" if isinstance(value, Decimal) else str(value))


@given(st.integers(-(10**14), 10**14), st.integers(0, 4))
def test_amounts_are_exact(whole: int, places: int) -> None:
    amount = Decimal(whole).scaleb(-places)
    assert Decimal(read_csv(csv_file(["a"], [[amount]]))[1][0]) == amount
    assert Decimal(read_xlsx(xlsx_file("A", ["a"], [[amount]]))[1]["A"][1]) == amount


def test_what_a_cell_cannot_hold() -> None:
    long = "x" * (MAX_CELL + 10)
    assert read_xlsx(xlsx_file("L", ["l"], [[long]]))[1]["A"][1] == "x" * (MAX_CELL - 1) + "…"
    assert read_csv(csv_file(["l"], [[long]]))[1] == [long]
    assert read_csv(csv_file(["l"], [["half \ud800"]]))[1] == ["half ?"]
    assert read_xlsx(xlsx_file("H", ["l"], [["half \ud800"]]))[1]["A"][1] == "half ?"
    assert read_xlsx(xlsx_file("D", ["d"], [[date(1899, 12, 31)]]))[1]["A"] == ("inlineStr", "1899-12-31")
    assert read_xlsx(xlsx_file("D", ["d"], [[datetime(1, 1, 1, tzinfo=UTC)]]))[1]["A"][0] == "inlineStr"


@pytest.mark.parametrize("title", ["", "'", "a/b:c*[d]?\\", "=1+1", "x" * 80, "History"])
def test_any_title_makes_a_file(title: str) -> None:
    assert read_xlsx(xlsx_file(title, ["a"], []))[0]["A"] == ("inlineStr", "a")
    assert read_csv(csv_file(["a"], [])) == [["a"]]
