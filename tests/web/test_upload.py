"""Files over the web: taken or refused with a sentence, downloaded as nothing but a file, taken away."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest
from flask import Flask
from PIL import Image
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lab.files import FileStore, StoreUnwell
from lab.models import Document, SecurityEvent, Upload, Version
from lab.queries.lab import camps_of
from lab.rules.facts import Stage
from lab.services.award import remove_member
from lab.web.files import size_text
from tests.conftest import NOON
from tests.factories import World
from tests.rules.test_uploads import SHEET, listing, zipped
from tests.test_inspection import docx, overlapping, png_header, quine
from tests.web.pages import PageClient

WorldAt = Callable[..., World]
ClientFor = Callable[..., PageClient]
PDF = b"%PDF-1.7\n1 0 obj\n<< >>\nendobj\n"
MEGABYTE = 1024 * 1024


def _files(world: World, rest: str = "") -> str:
    return f"/awards/{world.code}/files{rest}"


def _camp(world: World) -> str:
    return f"boot_camp:{camps_of(world.session, world.award.id)[0].id}"


def _send(
    client: PageClient, world: World, data: bytes = PDF, name: str = "plan.pdf", place: str = "", **fields: str
) -> object:
    form = {"place": place or _camp(world), "next": f"/awards/{world.code}/lab", "file": (io.BytesIO(data), name)}
    return client.submit(_files(world), {**form, **fields})


def _sent(client: PageClient, world: World, **given: object) -> int:
    """The id of a file that was taken."""
    answer = _send(client, world, **given)  # type: ignore[arg-type]
    assert answer.status_code == 303, answer.text  # type: ignore[attr-defined]
    return int(world.session.scalar(select(func.max(Upload.id))) or 0)


def _rows(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(Upload)) or 0


def _stored(app: Flask) -> int:
    folder = Path(app.extensions["lab_config"].files)
    return sum(path.is_file() for path in folder.rglob("*"))


@pytest.fixture(autouse=True)
def _empty_store(app: Flask) -> None:
    for path in Path(app.extensions["lab_config"].files).rglob("*"):
        if path.is_file():
            path.unlink()


# Taken -----------------------------------------------------------------------------------------------------------


def test_a_file_comes_back_as_it_went_in(app: Flask, world_at: WorldAt, client_for: ClientFor) -> None:
    world = world_at(Stage.PROTOTYPING)
    client = client_for(world.officer)
    answer = _send(client, world, name="Agenda día 1.pdf")
    assert (answer.status_code, answer.location) == (303, f"/awards/{world.code}/lab")
    page = client.page(f"/awards/{world.code}/lab")
    link = page.find("a", string="Agenda día 1.pdf")
    assert "30 bytes" in link.find_parent("li").text and "Olivia Officer" in link.find_parent("li").text
    assert "“Agenda día 1.pdf” is stored." in page.text
    got = client_for(world.committee).get(link["href"])
    assert (got.status_code, got.data, got.mimetype) == (200, PDF, "application/pdf")
    assert got.headers["Content-Disposition"] == (
        f"attachment; filename=\"Agenda d_a 1.pdf\"; filename*=UTF-8''{quote('Agenda día 1.pdf')}"
    )
    assert got.headers["X-Content-Type-Options"] == "nosniff"
    assert got.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert got.headers["Content-Length"] == str(len(PDF))
    assert "no-store" in got.headers["Cache-Control"]


@pytest.mark.parametrize("size", [3 * MEGABYTE, 600 * 1024])
def test_large_files_are_taken_and_text_is_not_repacked(
    app: Flask, world_at: WorldAt, client_for: ClientFor, size: int
) -> None:
    world = world_at(Stage.PROTOTYPING)
    client = client_for(world.lead)
    data = (b"indicador;valor\n" * (size // 16 + 1))[:size]
    upload_id = _sent(client, world, data=data, name="values.csv")
    got = client.get(_files(world, f"/{upload_id}"), headers={"Accept-Encoding": "gzip, br"})
    assert (got.data, got.mimetype, got.headers.get("Content-Encoding")) == (data, "text/csv", None)


def test_the_same_form_twice_keeps_one_file(
    app: Flask, session: Session, world_at: WorldAt, client_for: ClientFor
) -> None:
    world = world_at(Stage.PROTOTYPING)
    client = client_for(world.lead)
    answers = [_send(client, world, form_key="k" * 32) for _again in range(2)]
    assert [(a.status_code, a.location) for a in answers] == [(303, f"/awards/{world.code}/lab")] * 2
    assert (_rows(session), _stored(app)) == (1, 1)


def test_a_refused_form_can_be_sent_again_under_its_key(
    session: Session, world_at: WorldAt, client_for: ClientFor
) -> None:
    world = world_at(Stage.PROTOTYPING)
    client = client_for(world.lead)
    assert _send(client, world, b"", form_key="k" * 32).status_code == 422
    assert _send(client, world, form_key="k" * 32).status_code == 303
    assert _rows(session) == 1


# Refused ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "name", "status", "words"),
    [
        (b"", "plan.pdf", 422, "“plan.pdf” is empty: it has 0 bytes."),
        (b"MZ\x00" + bytes(99), "tool.exe", 422, "“tool.exe” is not of a kind that is taken here."),
        (b"<html><script>alert(1)</script>", "page.html", 422, "“page.html” is not of a kind"),
        (b"<svg onload='alert(1)'/>", "mark.svg", 422, "“mark.svg” is not of a kind"),
        (PDF, "plan.docx", 422, "but its content is PDF"),
        (PDF + bytes(3 * MEGABYTE), "plan.pdf", 413, "“plan.pdf” is larger than 3 MB."),
        (PDF, "x" * 300 + ".pdf", 422, "has more than 255 characters"),
        (PDF, "../../etc/cron.pdf", 422, "contains a folder"),
        (PDF, "a/b.pdf", 422, "contains a folder"),
        (PDF, "<script>alert(1)<", 422, "&lt;script&gt;alert(1)&lt;"),
    ],
)
def test_a_refused_file_is_named_and_leaves_nothing(
    app: Flask, session: Session, world_at: WorldAt, client_for: ClientFor, data: bytes, name: str, status: int, words: str
) -> None:  # fmt: skip
    world = world_at(Stage.PROTOTYPING)
    answer = _send(client_for(world.lead), world, data, name)
    assert answer.status_code == status
    assert words in answer.text
    assert f'href="/awards/{world.code}/lab"' in answer.text and "<form data-upload" not in answer.text
    assert (_rows(session), _stored(app)) == (0, 0)


def _made(kind: str) -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (20, 20), "teal").save(made, kind)
    return made.getvalue()


PAGE = b"<!doctype html><script>alert(1)</script>"
DRAWING = b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"
WORKBOOK = zipped(listing(SHEET), ("xl/workbook.xml", b"<x/>"))


@pytest.mark.parametrize(
    ("data", "name", "words", "reason"),
    [
        *((page, f"photo.{ending}", "but its content is not such a file", "masked")
          for page in (PAGE, DRAWING) for ending in ("png", "jpg", "pdf", "docx", "mp4")),
        *((page, "notes.txt", "a web page or a program", "masked") for page in (PAGE, b"\xef\xbb\xbf  " + DRAWING)),
        (PAGE, "table.csv", "a web page or a program", "masked"),
        (PDF + PAGE, "plan.pdf", "something else at once", "mixed"),
        (PDF + WORKBOOK, "plan.pdf", "something else at once", "mixed"),
        (_made("PNG") + WORKBOOK, "photo.png", "something else at once", "mixed"),
        (_made("PNG") + PAGE, "photo.png", "something else at once", "mixed"),
        (_made("JPEG") + WORKBOOK, "photo.jpg", "something else at once", "mixed"),
        (PDF + b"<</S/Launch/F(cmd.exe)>>", "plan.pdf", "Print it to a new PDF", "actions"),
        (png_header(60_000, 60_000), "photo.png", "more than 80 million pixels", "pixels"),
        (overlapping(), "plan.docx", "would unpack to far more", "bomb"),
        (quine(), "plan.docx", "contains an archive", "nested"),
        (docx(("word/vbaProject.bin", b"v")), "plan.docx", "contains macros", "macros"),
        (docx(("word/media/a.png", b"MZ\x90")), "plan.docx", "contains a program", "program"),
        (docx(("../../evil", b"x")), "plan.docx", "leads out of the file", "paths"),
        (WORKBOOK, "plan.docx", "its content is XLSX", "renamed"),
    ],
)  # fmt: skip
def test_a_file_in_disguise_is_refused_and_noted(
    app: Flask, session: Session, world_at: WorldAt, client_for: ClientFor, data: bytes, name: str, words: str, reason: str
) -> None:  # fmt: skip
    world = world_at(Stage.PROTOTYPING)
    answer = _send(client_for(world.lead), world, data, name)
    assert answer.status_code == 422
    assert f"“{name}”" in answer.text and words in answer.text
    assert (_rows(session), _stored(app)) == (0, 0)
    [event] = session.scalars(select(SecurityEvent).where(SecurityEvent.kind == "upload_refused"))
    assert (event.actor_id, event.details) == (world.lead.id, {"file": name, "reason": reason})


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("photo\u202efdp.pdf", "photofdp.pdf"),
        ("CON.pdf", "_CON.pdf"),
        ("nul.tar.pdf", "_nul.tar.pdf"),
        ("x" * 240 + ".pdf", "x" * 196 + ".pdf"),
        ("plan.exe;.pdf", "plan.exe;.pdf"),
        ("..pdf.pdf", "..pdf.pdf"),
        ("${jndi}{{7*7}}%00.pdf", "${jndi}{{7*7}}%00.pdf"),
        ("=cmd|'x'!A1.pdf", "=cmd|'x'!A1.pdf"),
    ],
)
def test_a_name_is_data_and_never_a_path(
    app: Flask, session: Session, world_at: WorldAt, client_for: ClientFor, name: str, shown: str
) -> None:
    world = world_at(Stage.PROTOTYPING)
    client = client_for(world.lead)
    upload = session.get_one(Upload, _sent(client, world, name=name))
    folder = Path(app.extensions["lab_config"].files)
    assert [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()] == [
        f"kept/{upload.key}"
    ]
    assert re.fullmatch("[0-9a-f]{32}", upload.key) and upload.name == shown
    header = client.get(_files(world, f"/{upload.id}")).headers["Content-Disposition"]
    assert header.startswith('attachment; filename="') and header.endswith("''" + quote(shown, safe=""))


def test_a_body_far_over_the_limit_is_not_read(
    app: Flask, session: Session, world_at: WorldAt, client_for: ClientFor
) -> None:
    world = world_at(Stage.PROTOTYPING)
    answer = _send(client_for(world.lead), world, PDF + bytes(5 * MEGABYTE))
    assert answer.status_code == 413 and "a file may have up to 3 MB" in answer.text
    assert (_rows(session), _stored(app)) == (0, 0)


def test_only_routes_for_files_take_large_bodies(world_at: WorldAt, client_for: ClientFor) -> None:
    world = world_at(Stage.PROTOTYPING)
    client, large = client_for(world.lead), {"file": (io.BytesIO(PDF + bytes(2 * MEGABYTE)), "plan.pdf")}
    assert client.submit(f"/awards/{world.code}/lab/versions/draft", large).status_code == 413
    # Nobody who may not enter gets the larger limit: refused before the body is looked at.
    assert _send(client_for(world.committee), world, PDF + bytes(2 * MEGABYTE)).status_code == 403
    assert _send(client_for(world.other_lead), world).status_code == 404


def test_no_file_and_no_place(app: Flask, session: Session, world_at: WorldAt, client_for: ClientFor) -> None:
    world = world_at(Stage.PROTOTYPING)
    client = client_for(world.lead)
    nothing = client.submit(_files(world), {"place": "prototype"})
    assert nothing.status_code == 422 and "Choose a file first" in nothing.text
    nameless = _send(client, world, b"", "")  # what a browser sends for an empty field
    assert nameless.status_code == 422 and "Choose a file first" in nameless.text
    for place in ("moon", "boot_camp:999999", "boot_camp:" + "9" * 40, "report:final_report:" + "9" * 40, "x" * 5000):
        assert _send(client, world, place=place).status_code == 404
    assert _send(client_for(world.mentor), world, place="prototype").status_code == 403
    world.award.stage, world.award.ended_at = Stage.CLOSED, NOON
    world.again()
    ended = _send(client, world)
    assert ended.status_code == 409 and "This is not possible in the stage" in ended.text
    assert (_rows(session), _stored(app)) == (0, 0)


def test_without_its_token_nothing_is_kept(
    app: Flask, session: Session, world_at: WorldAt, client_for: ClientFor
) -> None:
    world = world_at(Stage.PROTOTYPING)
    assert _send(client_for(world.lead), world, csrf_token="").status_code == 400
    assert (_rows(session), _stored(app)) == (0, 0)


def test_a_store_that_is_unwell_is_said_so(
    app: Flask, session: Session, world_at: WorldAt, client_for: ClientFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = world_at(Stage.PROTOTYPING)
    client = client_for(world.lead)
    upload_id = _sent(client, world)

    def full(*args: object) -> None:
        raise StoreUnwell("files cannot be written: no space left on device")

    monkeypatch.setattr("lab.files._to_disk", full)
    answer = _send(client, world)
    assert answer.status_code == 507 and "cannot be stored now" in answer.text
    assert "no space left" not in answer.text
    assert (_rows(session), _stored(app)) == (1, 1)
    monkeypatch.setattr(FileStore, "read_stream", full)
    assert client.get(_files(world, f"/{upload_id}")).status_code == 507


# Where it leads --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    [
        "//evil.example", "/\\evil.example", "\\\\evil.example", "https://evil.example/", "evil.example", "", "/\t/evil",
        "/%0d%0a", "javascript:alert(1)", "/a\r\nSet-Cookie: a=b", "/ /evil", "///evil", "/a\\b",
    ],
)  # fmt: skip
def test_the_way_back_never_leaves_the_site(world_at: WorldAt, client_for: ClientFor, address: str) -> None:
    world = world_at(Stage.PROTOTYPING)
    client = client_for(world.lead)
    good, bad = _send(client, world, next=address), _send(client, world, b"", next=address)
    home = f"/awards/{world.code}"
    assert good.location == home
    assert f'href="{home}"' in bad.text and "evil" not in bad.text


# Read ------------------------------------------------------------------------------------------------------------


def test_who_reads_what(session: Session, world_at: WorldAt, client_for: ClientFor) -> None:
    world = world_at(Stage.PILOT)
    report = Document(award_id=world.award.id, kind="progress_report", number=1, state="draft", draft={})
    session.add(report)
    session.commit()
    report_id = report.id
    draft = _sent(client_for(world.member), world, place="report:progress_report:1")
    camp = _sent(client_for(world.mentor), world)
    people = ("lead", "member", "officer", "mentor", "committee", "finance", "other_lead", "admin")

    def answers(upload_id: int) -> list[int]:
        return [client_for(getattr(world, who)).get(_files(world, f"/{upload_id}")).status_code for who in people]

    assert answers(draft) == [200, 200, 200, 404, 404, 404, 404, 404]
    assert answers(camp) == [200, 200, 200, 200, 200, 200, 404, 404]
    session.add(
        Version(
            document_id=report_id, number=1, content={"files": [draft]}, content_hash="0" * 64,
            submitted_by=world.lead.id, submitted_at=NOON,
        )
    )  # fmt: skip
    session.commit()
    assert answers(draft) == [200, 200, 200, 200, 200, 200, 404, 404]
    # The officer of both awards finds it under its own award only.
    other = f"/awards/{world.other_award.code}/files/{draft}"
    assert client_for(world.officer).get(other).status_code == 404
    signed_out = client_for(None).get(_files(world, f"/{draft}"))
    assert signed_out.status_code == 302 and "/login" in signed_out.location
    assert client_for(world.lead).get(_files(world, "/999999")).status_code == 404
    assert client_for(world.lead).get(_files(world, "/" + "9" * 30)).status_code == 404


@pytest.mark.parametrize(
    ("data", "name", "mime"),
    [
        (PDF, "a.pdf", "application/pdf"),
        (_made("PNG"), "a.png", "image/png"),
        (_made("JPEG"), "a.jpg", "image/jpeg"),
        (docx(), "a.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        (b"a;<script>alert(1)</script>\n", "a.csv", "text/csv"),
        (b"first <script>alert(1)</script>\n", "a.txt", "text/plain"),
    ],
)
def test_no_browser_opens_what_it_downloads(
    world_at: WorldAt, client_for: ClientFor, data: bytes, name: str, mime: str
) -> None:
    world = world_at(Stage.PROTOTYPING)
    client = client_for(world.lead)
    got = client.get(_files(world, f"/{_sent(client, world, data=data, name=name)}"))
    assert (got.data, got.mimetype) == (data, mime)
    assert got.headers["Content-Disposition"].startswith("attachment;")
    assert got.headers.getlist("X-Content-Type-Options") == ["nosniff"]
    assert got.headers.getlist("Content-Security-Policy") == ["sandbox; default-src 'none'"]
    assert got.headers.getlist("Cache-Control") == ["private, no-store"]


def test_who_leaves_the_team_reads_nothing_from_then_on(
    session: Session, world_at: WorldAt, client_for: ClientFor
) -> None:
    world = world_at(Stage.PROTOTYPING)
    member, lead = client_for(world.member), client_for(world.lead)
    own = _files(world, f"/{_sent(member, world, place='prototype')}")
    assert member.get(own).status_code == 200
    remove_member(world.actor(world.lead), NOON, world.code, world.member.id)
    assert member.get(own).status_code == 404
    assert member.submit(own + "/remove").status_code == 404
    assert _send(member, world).status_code == 404
    assert lead.get(own).status_code == 200


def test_a_name_with_markup_and_quotes_stays_a_name(world_at: WorldAt, client_for: ClientFor) -> None:
    world = world_at(Stage.PROTOTYPING)
    client = client_for(world.officer)
    name = "<img src=x onerror=alert(1)>;'é.pdf"
    upload_id = _sent(client, world, name=name)
    page = client.page(f"/awards/{world.code}/lab")  # linted: no handler on any tag
    assert page.find("a", string=name) and not page.find("main").find("img")
    header = client.get(_files(world, f"/{upload_id}")).headers["Content-Disposition"]
    assert header.endswith("filename*=UTF-8''" + quote(name, safe=""))
    assert header.count('"') == 2 and "\n" not in header


def test_a_row_without_its_bytes_is_not_found(app: Flask, world_at: WorldAt, client_for: ClientFor) -> None:
    world = world_at(Stage.PROTOTYPING)
    client = client_for(world.lead)
    upload_id = _sent(client, world)
    key = world.session.get_one(Upload, upload_id).key
    app.extensions["lab_files"].delete(key)
    client.page(_files(world, f"/{upload_id}"), 404)


# Taken away ------------------------------------------------------------------------------------------------------


def test_taking_a_file_away(app: Flask, session: Session, world_at: WorldAt, client_for: ClientFor) -> None:
    world = world_at(Stage.PROTOTYPING)
    lab = f"/awards/{world.code}/lab"
    officers, members = _sent(client_for(world.officer), world), _sent(client_for(world.member), world, name="mine.pdf")
    member = client_for(world.member)
    listed = member.page(lab).select(".files li")
    assert [bool(li.find("form")) for li in listed] == [False, True]
    assert member.submit(_files(world, f"/{officers}/remove"), {"next": lab}).status_code == 403
    assert client_for(world.committee).submit(_files(world, f"/{members}/remove")).status_code == 403
    assert client_for(world.other_lead).submit(_files(world, f"/{members}/remove")).status_code == 404
    form = listed[1].find("form")
    assert form.find("input", {"name": "next"})["value"] == lab
    gone = member.submit(form["action"], {"next": "//evil.example"})
    assert gone.location == f"/awards/{world.code}"
    assert member.get(_files(world, f"/{members}")).status_code == 404
    assert [a.text for a in member.page(lab).select(".files a")] == ["plan.pdf"]
    assert (_rows(session), _stored(app)) == (2, 1)


def test_a_published_file_cannot_be_taken_away(app: Flask, world_at: WorldAt, client_for: ClientFor) -> None:
    world = world_at(Stage.PROTOTYPING)
    client, new = client_for(world.lead), f"/awards/{world.code}/lab/versions/new"
    upload_id = _sent(client, world, place="prototype")
    client.submit(new, {"body": "It counts.", "revision": "0", "do": "publish", "files": [str(upload_id)]})
    answer = client.submit(_files(world, f"/{upload_id}/remove"), {"next": f"/awards/{world.code}/lab"})
    assert answer.status_code == 303
    assert "it stays with that version" in client.page(f"/awards/{world.code}/lab").text
    assert client.get(_files(world, f"/{upload_id}")).data == PDF


def test_sizes_as_people_read_them(app: Flask) -> None:
    with app.test_request_context():
        shown = [size_text(size) for size in (0, 1, 1023, 1024, 1536, 2_400_000, 200 * MEGABYTE, 3 * 1024**3)]
    assert shown == ["0 bytes", "1 byte", "1023 bytes", "1 kB", "1.5 kB", "2.3 MB", "200 MB", "3 GB"]
