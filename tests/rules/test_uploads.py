"""Files are taken by what they are; every refusal names the file and the remedy."""

from __future__ import annotations

import io
import random
import string
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.rules import uploads
from lab.rules.errors import Invalid

MEGABYTE = 1024 * 1024
HEAD = 8 * 1024


def zipped(*entries: tuple[str, bytes], packed: bool = True) -> bytes:
    """A ZIP with these entries in this order."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED) as archive:
        for name, data in entries:
            archive.writestr(name, data, zipfile.ZIP_STORED if name == "mimetype" else None)
    return buffer.getvalue()


def listing(kind: str) -> tuple[str, bytes]:
    return "[Content_Types].xml", f'<Types><Override ContentType="application/vnd.{kind}+xml"/></Types>'.encode()


def noise(size: int) -> bytes:
    return random.Random(2021).randbytes(size)


WORD = "openxmlformats-officedocument.wordprocessingml.document.main"
SHEET = "openxmlformats-officedocument.spreadsheetml.sheet.main"
SLIDES = "openxmlformats-officedocument.presentationml.presentation.main"
OPEN = b"application/vnd.oasis.opendocument."
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(60)
PDF = b"%PDF-1.7\n1 0 obj\n<< >>\nendobj\n"
MP4 = b"\0\0\0\x20ftypisom\0\0\x02\0isomiso2avc1mp41" + bytes(60)
DOCX = zipped(listing(WORD), ("_rels/.rels", b"<r/>"), ("word/document.xml", b"<w/>"))

TAKEN = {
    "pdf": ("plan.pdf", PDF, "application/pdf"),
    "PDF in capitals": ("PLAN.PDF", PDF, "application/pdf"),
    "png": ("photo.png", PNG, "image/png"),
    "jpg": ("photo.jpg", b"\xff\xd8\xff\xe0\0\x10JFIF" + bytes(60), "image/jpeg"),
    "jpeg": ("photo.jpeg", b"\xff\xd8\xff\xe1\0\x10Exif" + bytes(60), "image/jpeg"),
    "docx": ("report.docx", DOCX, "wordprocessingml"),
    "docx, other order": ("r.docx", zipped(("docProps/app.xml", b"<a/>"), ("word/document.xml", b"<w/>")), "wordproc"),
    "docx, late part": (
        "r.docx",
        zipped(listing(WORD), *((f"customXml/{n}.xml", b"<c/>") for n in range(9)), ("word/d.xml", b"<w/>")),
        "wordproc",
    ),
    "xlsx": ("budget.xlsx", zipped(listing(SHEET), ("xl/workbook.xml", b"<x/>")), "spreadsheetml"),
    "xlsx, unpacked": ("b.xlsx", zipped(listing(SHEET), ("docProps/a.xml", b"<a/>"), packed=False), "spreadsheetml"),
    "pptx": ("talk.pptx", zipped(listing(SLIDES), ("_rels/.rels", b"<r/>"), ("ppt/p.xml", b"<p/>")), "presentationml"),
    "pptx, big picture first": (
        "talk.pptx",
        zipped(listing(SLIDES), ("docProps/thumbnail.jpeg", noise(20_000)), ("ppt/p.xml", b"<p/>")),
        "presentationml",
    ),
    "odt": ("note.odt", zipped(("mimetype", OPEN + b"text"), ("content.xml", b"<o/>")), "opendocument.text"),
    "ods": ("sums.ods", zipped(("mimetype", OPEN + b"spreadsheet"), ("content.xml", b"<o/>")), "opendocument.spread"),
    "csv": ("values.csv", "indicador;año\nempleos;12\n".encode(), "text/csv"),
    "csv with a byte order mark": ("values.csv", "\ufeffname,value\n".encode(), "text/csv"),
    "csv that looks like a bitmap": ("values.csv", b"BMI,weight\n21,60\n", "text/csv"),
    "txt": ("notes.txt", "Reunião às 10h — ação\n".encode(), "text/plain"),
    "txt that looks like a program": ("notes.txt", b"MZ is the abbreviation of Mozambique\n", "text/plain"),
    "mp4": ("demo.mp4", MP4, "video/mp4"),
}


@pytest.mark.parametrize(("name", "data", "mime"), TAKEN.values(), ids=TAKEN)
def test_what_is_taken(name: str, data: bytes, mime: str) -> None:
    kind = uploads.check_upload(name, data[:HEAD], len(data), 200 * MEGABYTE)
    assert mime in kind.mime
    assert name.rpartition(".")[2].lower() in kind.extensions


def test_a_letter_cut_in_two_by_the_end_of_the_head_is_no_error() -> None:
    data = ("x" * (HEAD - 1) + "é and on").encode()
    assert uploads.check_upload("a.txt", data[:HEAD], len(data), MEGABYTE).code == "txt"
    with pytest.raises(uploads.WrongKind, match="UTF-8"):
        uploads.check_upload("a.txt", data[:HEAD], HEAD, MEGABYTE)


REFUSED = {
    "zip": ("all.zip", zipped(("a.txt", b"a")), uploads.WrongKind, "Save it as one of PDF, PNG, JPG, DOCX"),
    "program": ("setup.exe", b"MZ" + bytes(90), uploads.WrongKind, "not of a kind"),
    "page": ("page.html", b"<html>", uploads.WrongKind, "not of a kind"),
    "picture that can run": ("logo.svg", b"<svg/>", uploads.WrongKind, "not of a kind"),
    "no ending": ("report", PDF, uploads.WrongKind, "not of a kind"),
    "last ending counts": ("report.pdf.exe", PDF, uploads.WrongKind, "not of a kind"),
    "zip as docx": ("report.docx", zipped(("a.txt", b"a")), uploads.WrongKind, "ends in .docx, but its content"),
    "zip around a docx": ("r.docx", zipped(("r.docx", DOCX), packed=False), uploads.WrongKind, "ends in .docx"),
    "epub as odt": ("r.odt", zipped(("mimetype", b"application/epub+zip")), uploads.WrongKind, "ends in .odt"),
    "old word file": ("r.docx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), uploads.WrongKind, "save it again"),
    "page as pdf": ("r.pdf", b"<!doctype html><p>", uploads.WrongKind, "ends in .pdf, but its content is not such"),
    "noise as pdf": ("r.pdf", noise(500), uploads.WrongKind, "or is damaged"),
    "macros by listing": (
        "r.docx",
        zipped(listing("ms-word.document.macroEnabled.main"), ("word/document.xml", b"<w/>")),
        uploads.WrongKind,
        "contains macros",
    ),
    "macros by part": (
        "b.xlsx",
        zipped(("xl/workbook.xml", b"<x/>"), ("xl/vbaProject.bin", b"vba")),
        uploads.WrongKind,
        "contains macros",
    ),
    "png as pdf": ("scan.pdf", PNG, uploads.Renamed, "its content is PNG. Give it the ending .png"),
    "pdf as txt": ("scan.txt", PDF, uploads.Renamed, "its content is PDF. Give it the ending .pdf"),
    "docx as xlsx": ("sums.xlsx", DOCX, uploads.Renamed, "its content is DOCX"),
    "docx as csv": ("sums.csv", DOCX, uploads.Renamed, "its content is DOCX"),
    "text as pdf": ("plan.pdf", b"just words\n", uploads.Renamed, "its content is TXT"),
    "page as txt": ("a.txt", b" \n<HTML><script>alert(1)</script>", uploads.WrongKind, "web page or a program"),
    "page after a mark": ("a.txt", b"\xef\xbb\xbf<svg onload=x>", uploads.WrongKind, "web page or a program"),
    "script as csv": ("a.csv", b"#!/bin/sh\nrm\n", uploads.WrongKind, "web page or a program"),
    "rich text as txt": ("a.txt", b"{\\rtf1 hello}", uploads.WrongKind, "web page or a program"),
    "latin-1 csv": ("a.csv", "año;1\n".encode("latin-1"), uploads.WrongKind, "CSV UTF-8"),
    "utf-16 csv": ("a.csv", "name,value".encode("utf-16"), uploads.WrongKind, "CSV UTF-8"),
    "page within a pdf": ("r.pdf", PDF + b"<script>alert(1)</script>", uploads.WrongKind, "something else at once"),
    "pdf after a mark": ("r.pdf", b"\xef\xbb\xbf" + PDF, uploads.WrongKind, "ends in .pdf, but its content"),
    "pdf after a line": ("r.pdf", b"\n" + PDF, uploads.Renamed, "its content is TXT"),
    "page as png": ("r.png", b"<!doctype html><p>", uploads.WrongKind, "ends in .png, but its content is not such"),
    "drawing as png": ("r.png", b"<svg onload='alert(1)'/>", uploads.WrongKind, "ends in .png, but its content"),
    "program as jpg": ("r.jpg", b"MZ\x90\0" + bytes(90), uploads.WrongKind, "ends in .jpg, but its content"),
    "name turned around": ("photo\u202egnp.exe", b"MZ" + bytes(90), uploads.WrongKind, "not of a kind"),
    "text with NUL": ("a.txt", b"one\0two", uploads.WrongKind, "not plain text"),
}


@pytest.mark.parametrize(("name", "data", "kind", "says"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused_and_what_to_do_instead(
    name: str, data: bytes, kind: type[uploads.UploadRefused], says: str
) -> None:
    with pytest.raises(kind) as refused:
        uploads.check_upload(name, data[:HEAD], len(data), 200 * MEGABYTE)
    assert f"“{uploads.safe_name(name)}”" in str(refused.value)
    assert says in str(refused.value)


def test_a_refusal_is_invalid_input_of_the_field_file() -> None:
    refused = uploads.empty("a.pdf")
    assert isinstance(refused, Invalid)
    assert refused.problems == {"file": (refused.reason,)}


def test_no_bytes_and_too_many() -> None:
    with pytest.raises(uploads.EmptyUpload, match=r"“a\.pdf” is empty: it has 0 bytes"):
        uploads.check_upload("a.pdf", b"", 0, MEGABYTE)
    with pytest.raises(uploads.TooLarge, match=r"“a\.pdf” is larger than 200 MB"):
        uploads.check_upload("a.pdf", PDF, 200 * MEGABYTE + 1, 200 * MEGABYTE)
    assert uploads.check_upload("a.pdf", PDF, 200 * MEGABYTE, 200 * MEGABYTE).code == "pdf"
    assert "larger than 1.500 MB" in str(uploads.too_large("a.pdf", MEGABYTE * 3 // 2))


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("", "has no name"),
        (" . ", "has no name"),
        ("../../etc/passwd.pdf", "“passwd.pdf” contains a folder"),
        ("C:\\plans\\a.pdf", "“a.pdf” contains a folder"),
        ("a.exe\0.pdf", "“a.exe.pdf” contains characters that cannot be seen"),
        ("a\r\nSet-Cookie: x.pdf", "characters that cannot be seen"),
        ("a\ud800.pdf", "characters that cannot be seen"),
        ("a" * 296 + ".pdf", "more than 255 characters. Shorten it"),
    ],
)
def test_names_that_are_refused(name: str, says: str) -> None:
    with pytest.raises(uploads.BadName) as refused:
        uploads.check_upload(name, PDF, len(PDF), MEGABYTE)
    assert says in str(refused.value)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("plan.pdf", "plan.pdf"),
        ("Informe año 1.pdf", "Informe año 1.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\plans\\a.pdf", "a.pdf"),
        ("a\0b\n\u202ec.pdf", "abc.pdf"),
        ("<b>x</b>.pdf", "b>.pdf"),
        ("CON.pdf", "_CON.pdf"),
        ("lpt1.tar.pdf", "_lpt1.tar.pdf"),
        ("../nul", "_nul"),
        ("aux .pdf", "_aux .pdf"),
        ("com1" + "a" * 300 + ".pdf", "com1" + "a" * 192 + ".pdf"),
        ("com1." + "a" * 300 + ".pdf", "_com1." + "a" * 190 + ".pdf"),
        ("console.pdf", "console.pdf"),
        ("", "file"),
        ("..", "file"),
        ("a" * 300 + ".pdf", "a" * 196 + ".pdf"),
        ("a." + "b" * 300, "a." + "b" * 198),
    ],
)
def test_the_name_as_shown(name: str, shown: str) -> None:
    assert uploads.safe_name(name) == shown


@pytest.mark.parametrize(
    ("name", "data", "sign"),
    [
        ("a.png", PDF, "renamed"),
        ("a.png", b"<svg/>", "masked"),
        ("a.pdf", b"MZ\x90\0" + bytes(90), "masked"),
        ("a.txt", b"<script>", "masked"),
        ("a.docx", zipped(("word/vbaProject.bin", b"v")), "macros"),
        ("a.pdf", PDF + b"<html>", "mixed"),
        ("../a.pdf", PDF, "name"),
        ("a\0.pdf", PDF, "name"),
        # What happens to honest people.
        ("a.pdf", noise(500), ""),
        ("a.exe", b"MZ", ""),
        ("a.docx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), ""),
        ("a.csv", "año;1\n".encode("latin-1"), ""),
        ("a.pdf", b"", ""),
        ("x" * 300 + ".pdf", PDF, ""),
    ],
)
def test_what_a_security_event_tells(name: str, data: bytes, sign: str) -> None:
    with pytest.raises(uploads.UploadRefused) as refused:
        uploads.check_upload(name, data[:HEAD], len(data), MEGABYTE)
    assert refused.value.sign == sign


@given(st.text(max_size=400))
def test_a_shown_name_is_always_safe(name: str) -> None:
    shown = uploads.safe_name(name)
    assert 0 < len(shown) <= 200
    assert not set(shown) & set("/\\\0\r\n\t")
    assert uploads.safe_name(shown) == shown


@given(st.text(string.ascii_letters + "./\\\0", max_size=40), st.binary(max_size=300), st.sampled_from(["PK\3\4", ""]))
def test_any_bytes_get_a_kind_or_a_sentence(name: str, data: bytes, start: str) -> None:
    for ending in ("", *uploads.EXTENSIONS):
        head = start.encode() + data
        try:
            kind = uploads.check_upload(f"{name}.{ending}", head, len(head), MEGABYTE)
        except uploads.UploadRefused as refused:
            assert str(refused).endswith((".", "file."))
        else:
            assert ending in kind.extensions
