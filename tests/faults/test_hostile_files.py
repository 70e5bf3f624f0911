"""Files that are not what they say, names that want to be paths, archives that unpack to a thousand times their size."""

from __future__ import annotations

import http.client
import re
import struct
import time
import zipfile
import zlib
from collections.abc import Callable
from functools import cache
from io import BytesIO
from pathlib import Path
from uuid import uuid4

from sqlalchemy import select

from lab.config import ROOT
from lab.models import Upload
from tests.faults.client import Answer, Client
from tests.faults.people import BRAZIL, codes
from tests.faults.servers import Server
from tests.faults.table import Figure

MARK = "zq7mark"
TEXT = b"Plain words, nothing else.\n"
SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(1)</script></svg>'
HTML = b"<!doctype html><html><script>alert(1)</script></html>"
WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
TYPES = f'<Types><Override PartName="/word/document.xml" ContentType="{WORD}.main+xml"/></Types>'
MEGABYTE = 1024 * 1024


def _office(parts: dict[str, bytes], types: str = TYPES, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A text document with these parts."""
    out = BytesIO()
    with zipfile.ZipFile(out, "w", method, compresslevel=1) as archive:
        archive.writestr("[Content_Types].xml", types)
        archive.writestr("_rels/.rels", "<Relationships/>")
        for name, data in parts.items():
            archive.writestr(name, data)
    return out.getvalue()


@cache
def _bomb() -> bytes:
    """A document of one megabyte that unpacks to one gigabyte."""
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("[Content_Types].xml", TYPES)
        with archive.open("word/document.xml", "w", force_zip64=True) as part:
            for _piece in range(256):
                part.write(b"\0" * (4 * MEGABYTE))
    return out.getvalue()


def _lying() -> bytes:
    """The same, of 64 MB, whose directory and header say that it unpacks to ten bytes."""
    data = bytearray(_office({"word/document.xml": b"\0" * (64 * MEGABYTE)}))
    for sign, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = data.find(b"word/document.xml") if sign == b"PK\x03\x04" else data.rfind(b"word/document.xml")
        start = data.rfind(sign, 0, at)
        data[start + offset : start + offset + 4] = struct.pack("<I", 10)
    return bytes(data)


def _many() -> bytes:
    return _office({f"word/media/{n}.xml": b"" for n in range(30_000)}, method=zipfile.ZIP_STORED)


def _nested() -> bytes:
    inner = _office({"word/document.xml": b"\0" * (32 * MEGABYTE)})
    return _office(
        {f"word/embeddings/{n}.zip": inner for n in range(20)} | {"word/document.xml": b"\0" * (300 * MEGABYTE)}
    )


def _pixels(width: int, height: int) -> bytes:
    """A PNG of a few hundred bytes that says it has that many pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")
    )


def _macros() -> bytes:
    return _office(
        {"word/document.xml": b"<w/>", "word/vbaProject.bin": b"x"},
        TYPES.replace(WORD, "application/vnd.ms-word.document.macroEnabled"),
    )


# Not one of these is taken: what it is, the name that it comes under, its bytes.
REFUSED: tuple[tuple[str, str, Callable[[], bytes]], ...] = (
    ("nothing in it", "empty.pdf", lambda: b""),
    ("a page as text", "notes.txt", lambda: HTML),
    ("a page as a table", "table.csv", lambda: b"\n\n  " + HTML),
    ("a page as PDF", "report.pdf", lambda: HTML),
    ("a page as an image", "photo.png", lambda: HTML),
    ("a page by its own name", "page.html", lambda: HTML),
    ("a drawing as an image", "photo.jpg", lambda: SVG),
    ("a drawing as text", "drawing.txt", lambda: b"\xef\xbb\xbf" + SVG),
    ("a drawing by its own name", "drawing.svg", lambda: SVG),
    ("a program as PDF", "plan.pdf", lambda: b"MZ" + b"\0" * 600),
    ("a program as a document", "plan.docx", lambda: b"\x7fELF" + b"\0" * 600),
    ("a script as text", "run.txt", lambda: b"#!/bin/sh\nrm -rf /\n"),
    ("an archive as a document", "plan.docx", lambda: _zip_of("anything.exe")),
    ("an archive by its own name", "files.zip", lambda: _zip_of("anything.txt")),
    ("a document with paths that climb", "plan.docx", lambda: _office({"word/document.xml": b"<w/>", f"../../{MARK}.xml": b"x"})),
    ("a document with macros", "plan.docx", _macros),
    ("a zip bomb, 1 GB", "bomb.docx", _bomb),
    ("a zip bomb that lies", "bomb.docx", _lying),
    ("a zip bomb of 30,000 entries", "bomb.docx", _many),
    ("a zip bomb of bombs", "bomb.docx", _nested),
    ("an image of 50,000 × 50,000", "photo.png", lambda: _pixels(50_000, 50_000)),
    ("two kinds at once", "both.png", lambda: b"GIF89a" + b"\0" * 20 + HTML),
    ("PDF renamed", "photo.png", lambda: b"%PDF-1.7\n%%EOF\n"),
    ("text of another encoding", "notes.txt", lambda: "Añil".encode("utf-16")),
)  # fmt: skip

NAMES = (
    f"../../{MARK}.txt", f"../../../../../../../../tmp/{MARK}.txt", f"/tmp/{MARK}.txt", f"..\\..\\{MARK}.txt", f"C:\\Windows\\{MARK}.txt",
    f"....//....//{MARK}.txt", f"%2e%2e%2f{MARK}.txt", f"..%c0%af{MARK}.txt", f"{MARK}\x00.txt", f"{MARK}.txt\x00.exe", f"{MARK}" + "x" * 300 + ".txt",
    f"{MARK}" + "\u00e9" * 200 + ".txt", "CON.txt", "NUL", "aux.txt", ".htaccess", "..", ".", "", " ", "-rf.txt", "~root.txt", "$(id).txt", "`id`.txt",
    f"{MARK};rm -rf.txt", f"{MARK}|x.txt", f"{MARK}\r\nSet-Cookie: evil=1.txt", f'{MARK}"; filename="evil.html', f"{MARK}\u202etxt.exe",
    f"{MARK}\u2215..\u2215x.txt", f"{MARK}.php.txt", f"{MARK}.txt.html", f"file:///{MARK}.txt", f"\\\\evil\\{MARK}.txt", f"{MARK}:stream.txt",
    f"<script>alert(1)</script>{MARK}.txt", f"=HYPERLINK(1){MARK}.txt", f"{MARK}\ud800.txt", "files/kept/0.txt", "lab.db.txt",
)  # fmt: skip


def _zip_of(name: str) -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(name, "x")
    return out.getvalue()


def _send(browser: Client, code: str, name: str, data: bytes) -> Answer:
    back = f"/awards/{code}/lab"
    return browser.upload(f"/awards/{code}/files", {"place": "prototype", "next": back}, name, data)


def _rows(server: Server) -> dict[int, str]:
    with server.rows() as session:
        return {upload.id: upload.key for upload in session.scalars(select(Upload))}


def _strays(server: Server) -> set[str]:
    """Files with the mark's name anywhere that a path could have led."""
    places = {server.folder.parent, Path("/tmp"), ROOT, Path.home(), Path("/")}
    near = {str(path) for place in places for path in place.glob("*") if MARK in path.name}
    return near | {str(path) for path in server.folder.rglob("*") if MARK in path.name}


def test_what_is_not_as_it_says_is_refused_with_a_message(one_server: Server, figure: Figure) -> None:
    code, browser = codes(one_server)[BRAZIL], one_server.enter(BRAZIL)
    tree, rows, wrong, slowest = one_server.tree(), _rows(one_server), [], 0.0
    one_server.forget_peak()
    before = one_server.resident()
    for what, name, make in REFUSED:
        data = make()
        began = time.monotonic()
        answer = _send(browser, code, name, data)
        slowest = max(slowest, time.monotonic() - began)
        if answer.status not in (413, 422):
            wrong.append(f"{what}: {answer.status}")
        elif answer.kind != "text/html" or name.rpartition(".")[0] not in answer.text:
            wrong.append(f"{what}: the message does not name the file")
    assert _rows(one_server) == rows, "what was refused is written down nowhere"
    wrong += [f"left behind: {path}" for path in one_server.tree() ^ tree]
    grown = max(one_server.peak()[pid] - size for pid, size in before.items() if pid in one_server.peak())
    figure(
        "files: taken though not as they say", tried=len(REFUSED), got=f"{len(wrong)} (slowest {slowest:.1f} s, memory +{grown / MEGABYTE:.0f} MB)",
        bar="0, memory < +50 MB", wrong=wrong, passed=not wrong and grown < 50 * MEGABYTE,
    )  # fmt: skip


def test_a_name_is_never_a_path(one_server: Server, figure: Figure) -> None:
    """Whether a name is taken or refused: nothing lies outside the store, and the download's headers are one line each."""
    code, browser = codes(one_server)[BRAZIL], one_server.enter(BRAZIL)
    tree, wrong = one_server.tree(), []
    for name in NAMES:
        rows = _rows(one_server)
        answer = _send(browser, code, name, TEXT)
        if answer.status not in (303, 400, 413, 422) or (answer.status != 303 and answer.kind != "text/html"):
            wrong.append(f"{name!r}: {answer.status}")
        wrong += [f"{name!r}: a cookie was set"] if "evil" in str(answer.headers.get_all("Set-Cookie")) else []
        new = {number: key for number, key in _rows(one_server).items() if number not in rows}
        for number, key in new.items():
            wrong += _looked_at(one_server, browser, f"/awards/{code}/files/{number}", name, key)
            assert browser.submit(f"/awards/{code}/files/{number}/remove", {"next": "/"}).status == 303
    for path in one_server.tree() - tree:
        if not re.fullmatch(r"files/kept/[\w-]+", path):
            wrong.append(f"written outside the store: {path}")
    wrong += [f"written outside the store: {path}" for path in _strays(one_server)]
    figure(
        "files: written outside the store by their name",
        tried=len(NAMES),
        wrong=wrong,
    )


def _looked_at(server: Server, browser: Client, path: str, name: str, key: str) -> list[str]:
    if not re.fullmatch(r"[\w-]{16,}", key):
        return [f"{name!r}: kept under {key!r}"]
    answer = browser.get(path)
    wrong = _headers(answer)
    if answer.status != 200 or answer.body != TEXT:
        wrong.append(f"{answer.status}, {len(answer.body)} bytes")
    return [f"{name!r}: {what}" for what in wrong]


def _headers(answer: Answer) -> list[str]:
    disposition, policy = (
        answer.headers.get("Content-Disposition", ""),
        answer.headers.get("Content-Security-Policy", ""),
    )
    shown = re.findall(r'filename="([^"]*)"', disposition)
    problems = {
        "shown in the browser": not disposition.startswith("attachment"),
        "a path in its name": any(set("/\\") & set(part) for part in shown)
        or "%2F" in disposition.upper()
        or "%5C" in disposition.upper(),
        "two names": disposition.count("filename=") != 1,
        "sniffed": answer.headers.get("X-Content-Type-Options") != "nosniff",
        "not sandboxed": "sandbox" not in policy,
        "kept by caches": "no-store" not in answer.headers.get("Cache-Control", ""),
        "served as a page": answer.kind in ("text/html", "image/svg+xml", "application/xhtml+xml", "text/xml"),
        "a header that the name made": any(header.casefold() in ("evil", "x-evil") for header in answer.headers),
    }
    return [what for what, is_so in problems.items() if is_so]


def test_every_file_is_given_out_to_be_kept_and_not_opened(one_server: Server, figure: Figure) -> None:
    """Also those of the demonstration, with whatever a browser asks for."""
    code, browser = codes(one_server)["lead@example.org"], one_server.enter("lead@example.org")
    with one_server.rows() as session:
        paths = [
            f"/awards/{code}/files/{upload.id}"
            for upload in session.scalars(select(Upload).where(Upload.removed_at.is_(None)))
        ]
    wrong, tried = [], 0
    for path in paths:
        for asked in ({}, {"Accept": "text/html"}, {"Range": "bytes=0-3"}, {"Sec-Fetch-Dest": "iframe"}):
            answer = browser.get(path, asked)
            if answer.status == 404:
                continue
            tried += 1
            wrong += [f"{path}: {what}" for what in _headers(answer)]
    figure("files: given out to be opened here", tried=tried, wrong=wrong)


def test_forms_in_pieces_that_are_wrong_are_refused(one_server: Server, figure: Figure) -> None:
    """Bodies that are no form: cut off, without an end, with no boundary, or with the file's field under other names."""
    code, browser = codes(one_server)[BRAZIL], one_server.enter(BRAZIL)
    token, boundary = browser.token(), uuid4().hex
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="csrf_token"\r\n\r\n{token}\r\n'.encode()
    file = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{MARK}.txt"\r\n\r\nx'.encode()
    kind = f"multipart/form-data; boundary={boundary}"
    bodies: tuple[tuple[str, bytes], ...] = (
        (kind, head + file), (kind, head), (kind, b""), (kind, b"--"), ("multipart/form-data", head + file),
        (f"multipart/form-data; boundary={'x' * 5000}", head), ("multipart/mixed; boundary=x", head + file), ("text/plain", head + file),
        (kind, head + file.replace(b'name="file"', b'name="../file"') + f"\r\n--{boundary}--\r\n".encode()),
        (kind, head + file.replace(b"form-data;", b"form-data; name*=utf-8''%66ile;") + f"\r\n--{boundary}--\r\n".encode()),
    )  # fmt: skip
    tree, rows, wrong = one_server.tree(), _rows(one_server), []
    for sent, body in bodies:
        try:
            status = browser.request("POST", f"/awards/{code}/files", body, {"Content-Type": sent}).status
        except http.client.HTTPException as error:
            status = 500
            wrong.append(repr(error))
        if not 400 <= status < 500:
            wrong.append(f"{sent[:60]} {body[:60]!r}: {status}")
    assert _rows(one_server) == rows
    wrong += [f"left behind: {path}" for path in one_server.tree() - tree]
    figure("files: forms in wrong pieces", tried=len(bodies), wrong=wrong)
