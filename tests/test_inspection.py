"""Whole files looked into: bombs, macros, programs, pictures, PDFs and texts; counted in bytes unpacked, not in seconds."""

from __future__ import annotations

import io
import random
import struct
import time
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable

import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from lab.inspection import Finding, Work, inspect
from lab.rules.inspection import MAX_ENTRIES, MAX_UNPACKED, MEGABYTE, RATIO_FROM
from tests.rules.test_uploads import OPEN, PDF, SHEET, SLIDES, WORD, listing, zipped

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500)


def looked(data: bytes, code: str, work: Work | None = None) -> Finding | None:
    return inspect(io.BytesIO(data), len(data), code, work)


def docx(*entries: tuple[str, bytes]) -> bytes:
    """A small document with these parts as well."""
    return zipped(listing(WORD), ("_rels/.rels", b"<r/>"), ("word/document.xml", b"<w/>"), *entries)


def odt(*entries: tuple[str, bytes]) -> bytes:
    return zipped(("mimetype", OPEN + b"text"), ("content.xml", b"<o/>"), *entries)


def workbook() -> bytes:
    """A real spreadsheet, with a chart and a picture, as a library writes it."""
    made = io.BytesIO()
    book = xlsxwriter.Workbook(made, {"in_memory": True})
    sheet = book.add_worksheet("Budget")
    for row in range(500):
        sheet.write_row(row, 0, ["Salaries", row, row * 1.5])
    chart = book.add_chart({"type": "line"})
    chart.add_series({"values": "=Budget!$B$1:$B$20"})
    sheet.insert_chart("E2", chart)
    sheet.insert_image("E20", "photo.png", {"image_data": io.BytesIO(picture("PNG"))})
    book.close()
    return made.getvalue()


def picture(kind: str, size: tuple[int, int] = (40, 30), **options: object) -> bytes:
    made = io.BytesIO()
    Image.new("RGB", size, "teal").save(made, kind, **options)
    return made.getvalue()


def animated(frames: int) -> bytes:
    each = [Image.new("RGB", (4, 4), (n % 256, 0, 0)) for n in range(frames)]
    made = io.BytesIO()
    each[0].save(made, "PNG", save_all=True, append_images=each[1:], duration=50)
    return made.getvalue()


def png_header(width: int, height: int) -> bytes:
    """A PNG that says it is this large and holds hardly any data: the picture bomb."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")


def object_stream(body: bytes, how: Callable[[bytes], bytes] = zlib.compress) -> bytes:
    packed = how(body)
    head = f"5 0 obj\n<< /Type /ObjStm /N 1 /First 4 /Filter /FlateDecode /Length {len(packed)} >>\nstream\r\n"
    return PDF + head.encode() + packed + b"\nendstream\nendobj\n"


TAKEN: dict[str, tuple[bytes, str]] = {
    "docx": (docx(), "docx"),
    "xlsx of a library": (workbook(), "xlsx"),
    "pptx with a chart's spreadsheet": (
        zipped(listing(SLIDES), ("ppt/p.xml", b"<p/>"), ("ppt/embeddings/Sheet1.xlsx", workbook())), "pptx",
    ),
    "docx with an equation of old": (docx(("word/embeddings/oleObject1.bin", OLE)), "docx"),
    "docx with equal rows": (docx(("word/rows.xml", b"<row>12</row>" * 300_000)), "docx"),
    "odt": (odt(), "odt"),
    "odt with an empty library": (odt(("Basic/script-lc.xml", b"<l/>"), ("Basic/Standard/script-lb.xml", b"<l/>")), "odt"),
    "ods": (zipped(("mimetype", OPEN + b"spreadsheet"), ("content.xml", b"<o/>")), "ods"),
    "png": (picture("PNG"), "png"),
    "png with frames": (animated(5), "png"),
    "jpeg": (picture("JPEG", progressive=True), "jpeg"),
    "jpeg with a telephone's trailer": (picture("JPEG") + b"SEFH\x66\0\0\0SEFT", "jpeg"),
    "jpeg of a telephone of 64 megapixels": (picture("JPEG", (9248, 6936)), "jpeg"),
    "pdf": (PDF, "pdf"),
    "pdf of a library": (picture("PDF"), "pdf"),
    "pdf with objects packed": (object_stream(b"5 0 << /S /GoTo /D 3 >>"), "pdf"),
    "pdf with objects that are locked": (object_stream(b"/S /JavaScript", lambda body: body[::-1] * 9), "pdf"),
    "pdf with a form": (PDF + b"<< /S /URI /URI (https://example.org/JavaScript) >>\n/S /Launcher", "pdf"),
    "mp4": (b"\0\0\0\x20ftypisom" + bytes(60), "mp4"),
    "txt": ("Reunião às 10h — ação\n".encode() * 50_000, "txt"),
    "csv": ("\ufeffindicador;año\n".encode(), "csv"),
}  # fmt: skip


@pytest.mark.parametrize(("data", "code"), TAKEN.values(), ids=TAKEN)
def test_what_is_taken(data: bytes, code: str) -> None:
    assert looked(data, code) is None


def encrypted() -> bytes:
    """The flag of an entry that is locked, in its header and in the list."""
    data = bytearray(docx())
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.rfind(mark) + place] |= 1
    return bytes(data)


def with_method(method: int) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as archive:
        archive.writestr(*listing(WORD))
    return made.getvalue()


def twice() -> bytes:
    """The same name twice, which programs read differently."""
    with pytest.warns(UserWarning, match="Duplicate"):
        return docx(("word/document.xml", b"<other/>"))


MACRO_TYPES = listing("ms-word.document.macroEnabled.main")
UTF16_TYPES = '<?xml version="1.0" encoding="UTF-16"?><Types><O ContentType="a/macro&#69;nabled"/></Types>'
ENCRYPTED_ODT = b'<m:manifest xmlns:m="m"><m:file-entry><m:encryption-data/></m:file-entry></m:manifest>'
ENTITIES = b'<!DOCTYPE a [<!ENTITY b "c">]><Types><Override ContentType="&b;"/></Types>'

REFUSED: dict[str, tuple[bytes, str, Finding]] = {
    # Macros, in every place where a program looks for them.
    "vba late in the file": (docx(*((f"word/{n}.xml", bytes(99)) for n in range(300)), ("word/vbaProject.bin", b"v")), "docx", Finding.MACROS),
    "vba in other letters": (docx(("WORD\\VBAPROJECT.BIN", b"v")), "docx", Finding.MACROS),
    "vba under another name": (zipped(("word/document.xml", b"<w/>"), ("word/x.bin", b"v"), MACRO_TYPES), "docx", Finding.MACROS),
    "listing in UTF-16": (zipped(("[Content_Types].xml", UTF16_TYPES.encode("utf-16")), ("word/d.xml", b"")), "docx", Finding.MACROS),
    "macros of Excel 4": (zipped(listing(SHEET), ("xl/macrosheets/sheet1.xml", b"<x/>")), "xlsx", Finding.MACROS),
    "ActiveX": (docx(("word/activeX/activeX1.bin", b"a")), "docx", Finding.MACROS),
    "Basic": (odt(("Basic/Standard/Module1.xml", b"<m/>")), "odt", Finding.MACROS),
    "Python": (odt(("Scripts/python/run.py", b"import os")), "odt", Finding.MACROS),
    "Basic in an object": (odt(("Object 1/Basic/Standard/Module1.xml", b"<m/>")), "odt", Finding.MACROS),
    "macros in an object of old": (docx(("word/embeddings/o.bin", OLE + "_VBA_PROJECT".encode("utf-16-le"))), "docx", Finding.MACROS),
    "macros over the seam of two pieces": (
        docx(("word/embeddings/o.bin", OLE + bytes(256 * 1024 - len(OLE) - 7) + "_VBA_PROJECT".encode("utf-16-le"))), "docx", Finding.MACROS,
    ),
    "macros in a document inside": (docx(("word/embeddings/b.xlsx", zipped(listing(SHEET), ("xl/vbaProject.bin", b"v")))), "docx", Finding.MACROS),
    # Programs and other files inside.
    "program by name": (docx(("word/media/run.exe", b"anything")), "docx", Finding.PROGRAM),
    "program by content": (docx(("word/media/image1.png", b"MZ\x90\0")), "docx", Finding.PROGRAM),
    "package": (docx(("word/embeddings/o.bin", OLE + "\1Ole10Native".encode("utf-16-le"))), "docx", Finding.OBJECT),
    "zip inside": (docx(("word/media/a.png", zipped(("a.txt", b"a")))), "docx", Finding.NESTED),
    "rar inside": (docx(("word/media/a.png", b"Rar!\x1a\x07\x01\0")), "docx", Finding.NESTED),
    # Names, lists and bytes that do not agree.
    "name that leads out": (docx(("../../etc/cron.d/x", b"*")), "docx", Finding.PATHS),
    "name that leads out, other slashes": (docx(("word\\..\\..\\x", b"*")), "docx", Finding.PATHS),
    "name from the root": (docx(("/etc/x", b"*")), "docx", Finding.PATHS),
    "name on a drive": (docx(("C:/x", b"*")), "docx", Finding.PATHS),
    "locked": (encrypted(), "docx", Finding.LOCKED),
    "locked odt": (odt(("META-INF/manifest.xml", ENCRYPTED_ODT)), "odt", Finding.LOCKED),
    "two of a name": (docx(("WORD/document.xml", b"<other/>")), "docx", Finding.DAMAGED),
    "packed in another way": (with_method(zipfile.ZIP_LZMA), "docx", Finding.DAMAGED),
    "cut off": (docx()[:-40], "docx", Finding.DAMAGED),
    "something behind": (docx() + b"<script>", "docx", Finding.DAMAGED),
    "something before": (PDF + docx(), "docx", Finding.DAMAGED),
    "listing with entities": (zipped(("[Content_Types].xml", ENTITIES)), "docx", Finding.DAMAGED),
    "listing that is no XML": (zipped(("[Content_Types].xml", b"<Types")), "docx", Finding.DAMAGED),
    "no listing": (zipped(("word/document.xml", b"<w/>")), "docx", Finding.DAMAGED),
    "another document by its listing": (zipped(listing(SHEET), ("word/document.xml", b"<w/>")), "docx", Finding.DAMAGED),
    "template as odt": (zipped(("mimetype", OPEN + b"text-template")), "odt", Finding.DAMAGED),
    # Pictures.
    "picture bomb": (png_header(100_000, 100_000), "png", Finding.PIXELS),
    "picture a little too large": (png_header(9_000, 9_000), "png", Finding.PIXELS),
    "picture between the library's limits": (png_header(10_000, 10_000), "png", Finding.PIXELS),
    "picture without pixels": (png_header(0, 9), "png", Finding.DAMAGED),
    "too many frames": (animated(101), "png", Finding.FRAMES),
    "jpeg as png": (picture("JPEG"), "png", Finding.DAMAGED),
    "page as png": (b"\x89PNG\r\n\x1a\n<html><script>alert(1)</script>", "png", Finding.DAMAGED),
    "half a png": (picture("PNG", (900, 900))[:-50], "png", Finding.DAMAGED),
    "png and page": (picture("PNG") + b"<html><script>alert(1)</script>", "png", Finding.MIXED),
    "png and zip": (picture("PNG") + docx(), "png", Finding.MIXED),
    "jpeg and zip": (picture("JPEG") + zipped(("a.class", b"j")), "jpeg", Finding.MIXED),
    "head of a jpeg": (b"\xff\xd8\xff\xe0\0\x10JFIF" + bytes(60), "jpeg", Finding.DAMAGED),
    # Papers.
    "pdf and zip": (PDF + docx(), "pdf", Finding.MIXED),
    "pdf and zip and more": (PDF + docx() + b"\n%%EOF\n", "pdf", Finding.MIXED),
    "mp4 and zip": (b"\0\0\0\x20ftypisom" + bytes(60) + docx(), "mp4", Finding.MIXED),
    "pdf with a script": (PDF + b"<< /S /JavaScript /JS (app.alert(1)) >>", "pdf", Finding.ACTIONS),
    "pdf with a hidden name": (PDF + b"<</S/#4aava#53cript>>", "pdf", Finding.ACTIONS),
    "pdf with a remark between": (PDF + b"<< /S % a remark\n /JavaScript >>", "pdf", Finding.ACTIONS),
    "pdf that starts a program": (PDF + b"<< /S/Launch /F (cmd.exe) >>", "pdf", Finding.ACTIONS),
    "pdf with a script over the seam": (PDF.ljust(256 * 1024 - 6, b"\n") + b"/S /JavaScript", "pdf", Finding.ACTIONS),
    "pdf with a packed script": (object_stream(b"5 0 << /S /JavaScript /JS (x) >>"), "pdf", Finding.ACTIONS),
    "pdf to keep its readers busy": (PDF + b"stream\n" * 500_001, "pdf", Finding.DAMAGED),
    "pdf of countless objects": (PDF + b"/ObjStm stream\n" * 20_001, "pdf", Finding.DAMAGED),
    "txt with noise late": (b"word " * 3000 + b"\0\1\2", "txt", Finding.NOT_TEXT),
    "txt in Latin-1 late": (b"word " * 3000 + "año".encode("latin-1"), "txt", Finding.NOT_TEXT),
    "csv that ends within a letter": (b"a;b\n" * 3000 + b"\xc3", "csv", Finding.NOT_TEXT),
}  # fmt: skip


@pytest.mark.parametrize(("data", "code", "finding"), REFUSED.values(), ids=REFUSED)
def test_what_is_found(data: bytes, code: str, finding: Finding) -> None:
    assert looked(data, code) is finding


def test_the_same_name_twice() -> None:
    assert looked(twice(), "docx") is Finding.DAMAGED


# Bombs ------------------------------------------------------------------------------------------------------------


def raw_zip(entries: list[tuple[str, bytes, int, int]], shared: bool = False) -> bytes:
    """A ZIP made by hand: name, packed data, the unpacked size it claims, its CRC. With ``shared`` all entries name the
    first one's bytes."""
    body, index = bytearray(), bytearray()
    for number, (name, packed, size, crc) in enumerate(entries):
        raw, at = name.encode(), 0 if shared else len(body)
        fields = struct.pack("<HHHHHIIIHH", 20, 0, 8, 0, 33, crc, len(packed), size, len(raw), 0)
        if not (shared and number):
            body += b"PK\x03\x04" + fields + raw + packed
        index += b"PK\x01\x02" + struct.pack("<H", 20) + fields + struct.pack("<HHHII", 0, 0, 0, 0, at) + raw
    count = min(len(entries), 0xFFFF)
    end = struct.pack("<HHHHIIH", 0, 0, count, count, len(index), len(body), 0)
    return bytes(body) + bytes(index) + b"PK\x05\x06" + end


def deflated(data: bytes, times: int) -> bytes:
    """``data`` over and over, packed, without holding it unpacked."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    # Flushed whole, a piece stands on its own and can be repeated as it is.
    piece = packer.compress(data) + packer.flush(zlib.Z_FULL_FLUSH)
    return piece * times + packer.flush()


TEN_GIGABYTES = 10 * 1024
ZEROS = deflated(bytes(MEGABYTE), 200)
TYPES = listing(WORD)[1]
LISTED = ("[Content_Types].xml", deflated(TYPES, 1), len(TYPES), zlib.crc32(TYPES))


def quine() -> bytes:
    """A document within a document within a document …, deeper than anybody goes."""
    made = docx()
    for _depth in range(30):
        made = docx(("word/embeddings/d.docx", made))
    return made


def overlapping() -> bytes:
    return raw_zip([LISTED, *((f"word/{n}.xml", ZEROS, 50 * MEGABYTE, 0) for n in range(200))], shared=True)


def many() -> bytes:
    return raw_zip([LISTED, *((f"{n:x}", b"\x03\0", 0, 0) for n in range(1_000_000))])


def many_by_a_lying_count() -> bytes:
    data = bytearray(raw_zip([LISTED, *((f"{n:x}", b"\x03\0", 0, 0) for n in range(30_000))]))
    data[-14:-10] = struct.pack("<HH", 5, 5)
    return bytes(data)


def inside() -> bytes:
    return docx(("word/embeddings/d.docx", raw_zip([LISTED, ("word/x.xml", ZEROS, 200 * MEGABYTE, 0)])))


def objects() -> bytes:
    """A PDF of thirty streams of objects, each of which unpacks to twenty megabytes."""
    packed = zlib.compress(bytes(20 * MEGABYTE), 9)
    return b"".join([PDF, *(object_stream(b"", lambda _body: packed) for _n in range(30))])


def text_chunks() -> bytes:
    """A PNG whose remarks unpack to far more than the picture."""
    data = b"Comment\0\0" + zlib.compress(bytes(80 * MEGABYTE), 9)
    chunk = struct.pack(">I", len(data)) + b"zTXt" + data + struct.pack(">I", zlib.crc32(b"zTXt" + data))
    good = picture("PNG")
    return good[:33] + chunk + good[33:]


BOMBS: dict[str, tuple[Callable[[], bytes], str, Finding, int]] = {
    # What it is, and how many bytes may be unpacked until that is known.
    "ten gigabytes of zeros, as it says": (
        lambda: raw_zip([LISTED, ("word/x.xml", deflated(bytes(MEGABYTE), TEN_GIGABYTES), 2**32 - 1, 0)]), "docx", Finding.BOMB, 0,
    ),
    "zeros that claim to be a hundred bytes": (
        lambda: raw_zip([LISTED, ("word/x.xml", ZEROS, 100, 0)]), "docx", Finding.BOMB, MEGABYTE,
    ),
    "a hundredfold": (lambda: raw_zip([LISTED, ("word/x.xml", ZEROS, 200 * MEGABYTE, 0)]), "docx", Finding.BOMB, 0),
    "entries that share their bytes": (overlapping, "docx", Finding.BOMB, 0),
    "a million entries": (many, "docx", Finding.ENTRIES, 0),
    "entries behind a lying count": (many_by_a_lying_count, "docx", Finding.ENTRIES, 0),
    "documents without end": (quine, "docx", Finding.NESTED, MEGABYTE),
    "a bomb in a document inside": (inside, "docx", Finding.BOMB, 2 * MEGABYTE),
    "streams of objects": (objects, "pdf", Finding.BOMB, MAX_UNPACKED + MEGABYTE),
    "remarks of a picture": (text_chunks, "png", Finding.DAMAGED, 0),
}  # fmt: skip


@pytest.mark.parametrize(("make", "code", "finding", "budget"), BOMBS.values(), ids=BOMBS)
def test_bombs_are_found_within_their_budget(
    make: Callable[[], bytes], code: str, finding: Finding, budget: int
) -> None:
    data, work = make(), Work()
    file = io.BytesIO(data)
    tracemalloc.start()
    began = time.monotonic()
    found = inspect(file, len(data), code, work)
    took, peak = time.monotonic() - began, tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    said = f"{len(data)} bytes, {work.unpacked} unpacked, {peak} bytes of memory, {took:.2f} s"
    assert found is finding, said
    assert work.unpacked <= budget, said
    assert peak < 40 * MEGABYTE, said


def test_an_entry_of_every_permitted_number_is_taken() -> None:
    many_parts = [(f"word/{n}.xml", b"<x/>") for n in range(MAX_ENTRIES - 3)]
    assert looked(docx(*many_parts), "docx") is None
    assert looked(docx(*many_parts, ("word/one.xml", b"<x/>")), "docx") is Finding.ENTRIES


def test_the_budget_is_one_for_all_depths() -> None:
    work = Work(limit=3 * MEGABYTE)
    inner = docx(("word/noise.bin", random.Random(1).randbytes(MEGABYTE)))
    outer = docx(("word/embeddings/a.docx", inner), ("word/embeddings/b.docx", inner))
    assert looked(outer, "docx", work) is Finding.BOMB
    assert looked(outer, "docx", Work(limit=5 * MEGABYTE)) is None


def test_a_large_true_document_is_counted_to_its_last_byte() -> None:
    data = docx(("word/media/noise.bin", random.Random(2).randbytes(RATIO_FROM + MEGABYTE)))
    work = Work()
    assert looked(data, "docx", work) is None
    assert work.unpacked > RATIO_FROM + MEGABYTE


def test_an_archive_with_large_records_is_read() -> None:
    """Some programs write the records of archives over 4 GB into small ones too."""
    data = docx()
    end = data.rfind(b"PK\x05\x06")
    count, size, start = struct.unpack("<HII", data[end + 10 : end + 20])
    large = b"PK\x06\x06" + struct.pack("<QHHIIQQQQ", 44, 45, 45, 0, 0, count, count, size, start)
    locator = b"PK\x06\x07" + struct.pack("<IQI", 0, end, 1)
    last = b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 0xFFFF, 0xFFFF, 2**32 - 1, 2**32 - 1, 0)
    assert looked(data[:end] + large + locator + last, "docx") is None
    large = large[:24] + struct.pack("<QQ", 2**40, 2**40) + large[40:]
    assert looked(data[:end] + large + locator + last, "docx") is Finding.ENTRIES
    assert looked(data[:end] + locator + last, "docx") is Finding.DAMAGED


GOOD = {code: data for data, code in reversed(TAKEN.values()) if len(data) < 100_000}


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(sorted(GOOD)),
    st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=6),
    st.floats(0, 1),
)
def test_whatever_is_damaged_gets_an_answer(code: str, changes: list[tuple[float, int]], cut: float) -> None:
    data = bytearray(GOOD[code])
    for place, value in changes:
        data[int(place * len(data))] = value
    for damaged in (bytes(data), bytes(data[: int(cut * len(data))])):
        assert looked(damaged, code) in {None, *Finding}
