"""The virus scanner for real: clamd finds, passes, dies, stands still and refuses; a file that it did not pass is not kept."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from lab.models import SecurityEvent, Upload
from lab.rules.facts import Stage
from lab.scanner import Scanner, ScannerUnwell, ScanTooLarge
from tests.conftest import Store
from tests.factories import World
from tests.faults.clamd import HARMLESS, SIGNATURE, Clamd
from tests.faults.test_uploads import MEGABYTE, Sender, Server
from tests.rules.test_uploads import WORD, listing, zipped
from tests.web.pages import PageClient

WorldAt = Callable[..., World]
ClientFor = Callable[..., PageClient]
CLEAN = b"%PDF-1.7\n1 0 obj\n<< >>\nendobj\n"
INFECTED = CLEAN + HARMLESS
IN_A_DOCUMENT = zipped(listing(WORD), ("word/document.xml", b"<w>" + HARMLESS + b"</w>"))


@pytest.fixture(params=["unix", "tcp"])
def clamd(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Clamd]:
    """A running daemon, reached by either kind of socket."""
    made = Clamd(tmp_path / "clamd", tcp=request.param == "tcp")
    try:
        yield made.start()
    finally:
        made.kill()


# The scanner alone ------------------------------------------------------------------------------------------------


def test_found_and_clean(clamd: Clamd) -> None:
    scanner = Scanner(clamd.address)
    assert scanner.scan(io.BytesIO(CLEAN)) is None
    assert SIGNATURE in (scanner.scan(io.BytesIO(INFECTED)) or "")
    assert SIGNATURE in (scanner.scan(io.BytesIO(IN_A_DOCUMENT)) or "")
    late = io.BytesIO(bytes(3 * MEGABYTE) + HARMLESS)
    late.seek(0, io.SEEK_END)
    assert SIGNATURE in (scanner.scan(late) or ""), "read from its first byte, wherever it stood"


def test_more_than_it_takes(clamd: Clamd) -> None:
    scanner = Scanner(clamd.address)
    for megabytes in (5, 8, 40):
        with pytest.raises(ScanTooLarge):
            scanner.scan(io.BytesIO(bytes(megabytes * MEGABYTE)))
    assert scanner.scan(io.BytesIO(CLEAN)) is None


def test_killed_and_started_again(clamd: Clamd) -> None:
    scanner = Scanner(clamd.address)
    assert scanner.answers() and scanner.scan(io.BytesIO(CLEAN)) is None
    clamd.kill()
    assert not scanner.answers()
    with pytest.raises(ScannerUnwell, match="clamd at"):
        scanner.scan(io.BytesIO(CLEAN))
    clamd.start()
    assert scanner.answers() and scanner.scan(io.BytesIO(CLEAN)) is None


def test_one_that_stands_still(clamd: Clamd) -> None:
    clamd.pause()
    scanner = Scanner(clamd.address, patience=1, reach=1)
    assert not scanner.answers()
    for data in (CLEAN, bytes(20 * MEGABYTE)):  # nothing to read an answer for, nobody to write to
        with pytest.raises(ScannerUnwell):
            scanner.scan(io.BytesIO(data))


# Over the web -----------------------------------------------------------------------------------------------------


@pytest.fixture
def ours(app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Clamd]:
    """A running daemon that the application asks."""
    made = Clamd(tmp_path / "clamd")
    monkeypatch.setitem(app.extensions, "lab_scanner", Scanner(made.address, patience=5, reach=1))
    try:
        yield made.start()
    finally:
        made.kill()


def _send(client: PageClient, world: World, data: bytes, name: str = "plan.pdf") -> tuple[int, str]:
    form = {"place": "prototype", "next": f"/awards/{world.code}/lab", "file": (io.BytesIO(data), name)}
    answer = client.submit(f"/awards/{world.code}/files", form)
    return answer.status_code, answer.text


def _uploads(session: Session) -> list[Upload]:
    session.rollback()
    return list(session.scalars(select(Upload).order_by(Upload.id)))


def _events(session: Session) -> list[tuple[int | None, str, str]]:
    session.rollback()
    found = session.scalars(select(SecurityEvent).where(SecurityEvent.kind == "upload_refused").order_by("id"))
    return [(event.actor_id, event.details["reason"], event.details["file"]) for event in found]


def _kept(app: Flask, session: Session) -> bool:
    """Whether the store holds what the rows name and nothing else."""
    folder = Path(app.extensions["lab_config"].files)
    held = {path.name for path in folder.rglob("*") if path.is_file()}
    return held == {upload.key for upload in _uploads(session)}


@pytest.fixture(autouse=True)
def _empty_store(app: Flask) -> None:
    for path in Path(app.extensions["lab_config"].files).rglob("*"):
        if path.is_file():
            path.unlink()


def test_over_the_web(
    app: Flask, session: Session, world_at: WorldAt, client_for: ClientFor, ours: Clamd, caplog: pytest.LogCaptureFixture
) -> None:  # fmt: skip
    world = world_at(Stage.PROTOTYPING)
    lead, client = world.lead.id, client_for(world.lead)
    assert _send(client, world, CLEAN)[0] == 303
    status, text = _send(client, world, INFECTED)
    assert status == 422
    assert "“plan.pdf” was not taken: the virus scanner found" in text and SIGNATURE in text
    assert _send(client, world, IN_A_DOCUMENT, "plan.docx")[0] == 422
    [event] = session.scalars(select(SecurityEvent).where(SecurityEvent.details["file"].as_string() == "plan.pdf"))
    assert SIGNATURE in event.details["signature"]
    assert (event.address, event.path) == ("127.0.0.1", f"/awards/{world.code}/files")
    ours.kill()
    with caplog.at_level(logging.ERROR):
        status, text = _send(client, world, CLEAN, "later.pdf")
    assert status == 503
    assert "“later.pdf” could not be checked for viruses" in text and "in a few minutes" in text
    assert "the virus scanner is unwell" in caplog.text
    assert [upload.scanned_at is not None for upload in _uploads(session)] == [True]
    ours.start()
    assert _send(client, world, CLEAN, "later.pdf")[0] == 303
    assert [upload.name for upload in _uploads(session)] == ["plan.pdf", "later.pdf"]
    assert _events(session) == [
        (lead, "virus", "plan.pdf"), (lead, "virus", "plan.docx"), (lead, "not_scanned", "later.pdf"),
    ]  # fmt: skip
    assert _kept(app, session)


def test_one_that_stands_still_over_the_web(
    app: Flask, session: Session, world_at: WorldAt, client_for: ClientFor, ours: Clamd, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    world = world_at(Stage.PROTOTYPING)
    monkeypatch.setitem(app.extensions, "lab_scanner", Scanner(ours.address, patience=1, reach=1))
    ours.pause()
    assert _send(client_for(world.lead), world, CLEAN)[0] == 503
    page = client_for(world.admin).page("/people")
    assert "The virus scanner does not answer" in page.find(class_="alert-danger").text
    assert _uploads(session) == [] and _kept(app, session)


def test_more_than_the_scanner_takes_over_the_web(
    app: Flask, session: Session, world_at: WorldAt, client_for: ClientFor, ours: Clamd
) -> None:
    world = world_at(Stage.PROTOTYPING)
    ours.kill()
    settings = ours.folder / "clamd.conf"
    settings.write_text(settings.read_text().replace("StreamMaxLength 4M", "StreamMaxLength 1M"))
    ours.start()
    status, text = _send(client_for(world.lead), world, CLEAN + bytes(2 * MEGABYTE))
    assert status == 413
    assert "“plan.pdf” is larger than the virus scanner takes" in text
    assert _uploads(session) == [] and _kept(app, session)


def test_a_report_keeps_its_words_when_the_scanner_is_gone(
    app: Flask, session: Session, world_at: WorldAt, client_for: ClientFor, ours: Clamd
) -> None:
    world = world_at(Stage.PROTOTYPING)
    ours.kill()
    answer = client_for(world.lead).submit(
        f"/awards/{world.code}/lab/versions/new",
        {"body": "It counts boxes.", "revision": "0", "do": "upload", "file": (io.BytesIO(CLEAN), "plan.pdf")},
    )
    assert answer.status_code == 422
    assert "It counts boxes." in answer.text and "could not be checked for viruses" in answer.text
    assert _uploads(session) == [] and _kept(app, session)


# In a real server -------------------------------------------------------------------------------------------------


def test_a_server_outlives_its_scanner(
    app: Flask, store: Store, session: Session, world_at: WorldAt, client_for: ClientFor, tmp_path: Path
) -> None:
    world = world_at(Stage.PROTOTYPING)
    clamd, server = Clamd(tmp_path / "clamd").start(), Server(app, store.url, tmp_path)
    server.environ["LAB_CLAMD"] = clamd.address
    sender = Sender(client_for(world.lead), world, server)
    session.rollback()

    def health() -> str:
        connection = HTTPConnection("127.0.0.1", server.port, timeout=60)
        connection.request("GET", "/healthz")
        said: str = json.loads(connection.getresponse().read())["checks"]["scanner"]
        connection.close()
        return said

    try:
        server.start()
        assert (sender.send(3), health()) == (303, "ok")
        assert sender.send(2, HARMLESS.ljust(MEGABYTE, b"\n")) == 422
        clamd.kill()
        assert (sender.send(3), health()) == (503, "does not answer")
        clamd.start()
        assert (sender.send(3), health()) == (303, "ok")
        assert sender.send(12) == 413
    finally:
        server.kill()
        clamd.kill()
    kept = _uploads(session)
    assert [(upload.size, upload.scanned_at is not None) for upload in kept] == [(3 * MEGABYTE, True)] * 2
    assert server.kept() == {upload.key for upload in kept}
    assert not list((server.files / "incoming").iterdir())
