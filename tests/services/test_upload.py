"""Files: streamed to the store, kept as a row or not at all, read and taken away by those who may."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lab.files import FileStore, StoreUnwell, open_store
from lab.models import Document, Event, Person, SecurityEvent, Upload, Version
from lab.queries.lab import camps_of
from lab.queries.upload import file_ids, named_at, readable, uploads_of
from lab.rules.errors import NotAllowed, NotFound, Refused
from lab.rules.facts import Scope, Stage
from lab.rules.uploads import (
    BadName,
    EmptyUpload,
    Infected,
    NotScanned,
    Renamed,
    TooLarge,
    UploadRefused,
    WrongKind,
)  # fmt: skip
from lab.scanner import Scanner, ScannerUnwell, ScanTooLarge
from lab.services import lab
from lab.services import upload as service
from lab.services.security_events import Place
from tests.factories import START, World
from tests.rules.test_uploads import WORD, listing, noise, zipped

WorldAt = Callable[..., World]
NOW = START + timedelta(days=40)
PDF = b"%PDF-1.7\n1 0 obj\n<< >>\nendobj\n"
LIMIT = 3 * 1024 * 1024


@pytest.fixture
def files(tmp_path: Path) -> FileStore:
    return open_store(str(tmp_path / "files"))


@pytest.fixture
def stored(tmp_path: Path) -> Callable[[], int]:
    """How many files lie in the store, whole or in part."""
    return lambda: sum(path.is_file() for path in (tmp_path / "files").rglob("*"))


def _intake(files: FileStore, scanner: Scanner | None = None) -> service.Intake:
    return service.Intake(files, LIMIT, scanner, NOW, Place("203.0.113.7", "a browser", "/files"))


def _keep(
    world: World, files: FileStore, person: Person, place: str = "prototype", name: str = "plan.pdf", data: bytes = PDF,
    **given: object,
) -> int:  # fmt: skip
    return service.keep_file(
        world.actor(person), NOW, world.code, place, name, io.BytesIO(data), _intake(files), **given  # type: ignore[arg-type]
    )  # fmt: skip


def _camp(world: World) -> str:
    return f"boot_camp:{camps_of(world.session, world.award.id)[0].id}"


def _report(world: World, state: str = "draft", number: int = 1) -> str:
    world.session.add(Document(award_id=world.award.id, kind="progress_report", number=number, state=state, draft={}))
    world.session.commit()
    return f"report:progress_report:{number}"


def _rows(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(Upload)) or 0


def _events(session: Session, kind: str) -> int:
    return session.scalar(select(func.count()).where(Event.kind == kind)) or 0


def test_a_file_is_kept_with_its_bytes_and_its_event(session: Session, world_at: WorldAt, files: FileStore) -> None:
    world = world_at(Stage.PROTOTYPING)
    upload_id = _keep(world, files, world.member, name="Plan de trabajo ñ.pdf")
    upload = session.get_one(Upload, upload_id)
    assert (upload.name, upload.kind, upload.size, upload.place) == (
        "Plan de trabajo ñ.pdf", "pdf", len(PDF), "prototype",
    )  # fmt: skip
    assert (upload.uploaded_by, upload.uploaded_at, upload.award_id) == (world.member.id, NOW, world.award.id)
    assert b"".join(files.read_stream(upload.key)) == PDF
    assert _events(session, "file_uploaded") == 1


DOCX_WITH_MACROS = zipped(
    listing(WORD), *((f"word/{n}.xml", noise(500)) for n in range(40)), ("word/vbaProject.bin", b"program")
)
REFUSED: list[tuple[type[UploadRefused], str, bytes]] = [
    (EmptyUpload, "plan.pdf", b""),
    (WrongKind, "program.exe", b"MZ" + bytes(100)),
    (WrongKind, "page.html", b"<html><script>alert(1)</script>"),
    (WrongKind, "picture.svg", b"<svg onload='alert(1)'/>"),
    (WrongKind, "plan.pdf", b"nothing of a pdf \x00"),
    (Renamed, "plan.png", PDF),
    (TooLarge, "plan.pdf", PDF + bytes(LIMIT)),
    (BadName, "x" * 300 + ".pdf", PDF),
    (BadName, "../../etc/passwd.pdf", PDF),
    (BadName, "..\\plan.pdf", PDF),
    (BadName, "plan\x00.pdf", PDF),
    (BadName, " ", PDF),
    (WrongKind, "plan.docx", DOCX_WITH_MACROS),
    (WrongKind, "plan.pdf", PDF + b"<< /S /JavaScript /JS (app.alert(1)) >>"),
    (WrongKind, "photo.png", b"\x89PNG\r\n\x1a\n<html><script>alert(1)</script>"),
    (WrongKind, "plan.txt", b"plain words " * 2000 + b"\x00\x01"),
]


@pytest.mark.parametrize(("error", "name", "data"), REFUSED, ids=range(len(REFUSED)))
def test_a_refused_file_leaves_nothing(
    session: Session, world_at: WorldAt, files: FileStore, stored: Callable[[], int],
    error: type[UploadRefused], name: str, data: bytes,
) -> None:  # fmt: skip
    world = world_at(Stage.PROTOTYPING)
    with pytest.raises(error) as refused:
        _keep(world, files, world.lead, name=name, data=data)
    assert set(refused.value.problems) == {"file"}
    session.rollback()
    assert (_rows(session), stored(), _events(session, "file_uploaded")) == (0, 0, 0)


def test_what_looks_like_an_attack_is_noted_and_a_mistake_is_not(
    session: Session, world_at: WorldAt, files: FileStore
) -> None:
    world = world_at(Stage.PROTOTYPING)
    for error, name, data in REFUSED:
        with pytest.raises(error):
            _keep(world, files, world.member, name=name, data=data)
    session.rollback()
    events = session.scalars(select(SecurityEvent).order_by(SecurityEvent.id)).all()
    assert [(event.details["file"], event.details["reason"]) for event in events] == [
        ("plan.png", "renamed"), ("passwd.pdf", "name"), ("plan.pdf", "name"), ("plan.pdf", "name"),
        ("plan.docx", "macros"), ("plan.pdf", "actions"),
    ]  # fmt: skip
    assert {(e.kind, e.actor_id, e.at, e.address, e.action, e.path) for e in events} == {
        ("upload_refused", world.member.id, NOW, "203.0.113.7", "add_file", "/files")
    }


class _Asked(Scanner):
    """A scanner that says what it is told to."""

    def __init__(self, says: str | Exception | None) -> None:
        super().__init__("unix:/nowhere")
        self.says, self.read = says, b""

    def scan(self, file: IO[bytes]) -> str | None:
        file.seek(0)
        self.read = file.read()
        if isinstance(self.says, Exception):
            raise self.says
        return self.says


def test_the_scanner_sees_the_whole_file_and_leaves_its_time(
    session: Session, world_at: WorldAt, files: FileStore
) -> None:
    world, scanner = world_at(Stage.PROTOTYPING), _Asked(None)
    data = PDF + noise(2_000_000)
    kept = [
        service.keep_file(
            world.actor(world.lead), NOW, world.code, "prototype", "plan.pdf", io.BytesIO(data), _intake(files, one)
        )
        for one in (scanner, None)
    ]  # fmt: skip
    assert scanner.read == data
    assert [session.get_one(Upload, upload_id).scanned_at for upload_id in kept] == [NOW, None]


@pytest.mark.parametrize(
    ("says", "error", "reason"),
    [
        ("Some.Worm", Infected, "virus"),
        (ScannerUnwell("gone"), NotScanned, "not_scanned"),
        (ScanTooLarge("5 MB"), TooLarge, "too_large_to_scan"),
    ],
)
def test_what_the_scanner_does_not_pass_is_not_kept(
    session: Session, world_at: WorldAt, files: FileStore, stored: Callable[[], int],
    says: str | Exception, error: type[UploadRefused], reason: str,
) -> None:  # fmt: skip
    world = world_at(Stage.PROTOTYPING)
    with pytest.raises(error, match="“plan.pdf”"):
        service.keep_file(
            world.actor(world.lead), NOW, world.code, "prototype", "plan.pdf", io.BytesIO(PDF),
            _intake(files, _Asked(says)),
        )  # fmt: skip
    session.rollback()
    [event] = session.scalars(select(SecurityEvent))
    assert event.details == {"file": "plan.pdf", "reason": reason} | ({"signature": says} if reason == "virus" else {})
    assert (_rows(session), stored(), _events(session, "file_uploaded")) == (0, 0, 0)


def test_a_dangerous_file_is_not_even_shown_to_the_scanner(
    session: Session, world_at: WorldAt, files: FileStore
) -> None:
    world, scanner = world_at(Stage.PROTOTYPING), _Asked(None)
    with pytest.raises(WrongKind):
        service.keep_file(
            world.actor(world.lead), NOW, world.code, "prototype", "a.docx", io.BytesIO(DOCX_WITH_MACROS),
            _intake(files, scanner),
        )  # fmt: skip
    assert scanner.read == b""


def test_a_file_of_exactly_the_limit_is_taken(session: Session, world_at: WorldAt, files: FileStore) -> None:
    world = world_at(Stage.PROTOTYPING)
    _keep(world, files, world.lead, data=PDF + bytes(LIMIT - len(PDF)))
    assert session.scalar(select(Upload.size)) == LIMIT


def test_no_bytes_are_read_from_somebody_who_may_not(
    session: Session, world_at: WorldAt, files: FileStore, stored: Callable[[], int]
) -> None:
    world = world_at(Stage.PROTOTYPING)
    report, camp = _report(world), _camp(world)

    class Untouchable(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise AssertionError("read before permission was checked")

    def send(person: Person, place: str, code: str = world.code) -> None:
        service.keep_file(world.actor(person), NOW, code, place, "plan.pdf", Untouchable(), _intake(files))

    for person, place, error in (
        (world.mentor, "prototype", NotAllowed),
        (world.officer, report, NotAllowed),
        (world.mentor, report, NotAllowed),
        (world.committee, camp, NotAllowed),
        (world.finance, camp, NotAllowed),
        (world.other_lead, "prototype", NotFound),
        (world.admin, camp, NotFound),
        (world.lead, "", NotFound),
        (world.lead, "moon", NotFound),
        (world.lead, "boot_camp:999999", NotFound),
        (world.lead, f"boot_camp: {camp.partition(':')[2]}", NotFound),
        (world.lead, "report:workplan:1", NotFound),
        (world.lead, "report:progress_report:2", NotFound),
        # Files of report 1 are looked for at one place only: no other spelling of it may take any.
        (world.lead, "report:progress_report:01", NotFound),
        (world.lead, "report:progress_report:١", NotFound),
        (world.lead, "report:progress_report:" + "9" * 40, NotFound),
    ):
        with pytest.raises(error):
            send(person, place)
        session.rollback()
    with pytest.raises(NotFound):  # this award's boot camp under another award's code
        send(world.officer, camp, world.other_award.code)
    assert stored() == 0


@pytest.mark.parametrize("state", ["submitted", "accepted", "rejected"])
def test_a_report_that_is_not_being_written_takes_no_file(
    session: Session, world_at: WorldAt, files: FileStore, stored: Callable[[], int], state: str
) -> None:
    world = world_at(Stage.PILOT)
    place = _report(world, state)
    with pytest.raises(Refused):
        _keep(world, files, world.lead, place)
    session.rollback()
    assert (_rows(session), stored()) == (0, 0)


@pytest.mark.parametrize("state", ["draft", "changes_requested"])
def test_a_report_that_is_being_written_takes_files(
    session: Session, world_at: WorldAt, files: FileStore, state: str
) -> None:
    world = world_at(Stage.PILOT)
    place = _report(world, state)
    _keep(world, files, world.member, place)
    assert [upload.name for upload in uploads_of(session, world.award.id, place)] == ["plan.pdf"]


def test_prototypes_take_files_while_versions_can_be_published(
    session: Session, world_at: WorldAt, files: FileStore
) -> None:
    world = world_at(Stage.AGREEMENT)
    with pytest.raises(Refused):
        _keep(world, files, world.lead)
    session.rollback()
    assert _rows(session) == 0


def test_everybody_in_the_lab_adds_boot_camp_documents(session: Session, world_at: WorldAt, files: FileStore) -> None:
    world = world_at(Stage.PROTOTYPING)
    for person in (world.lead, world.member, world.mentor, world.officer):
        _keep(world, files, person, _camp(world))
    assert _rows(session) == 4
    world.award.stage, world.award.ended_at = Stage.CLOSED, NOW
    world.again()
    with pytest.raises(Refused):
        _keep(world, files, world.officer, _camp(world))


def test_what_is_raised_in_the_transaction_takes_the_bytes_along(
    session: Session, world_at: WorldAt, files: FileStore, stored: Callable[[], int]
) -> None:
    world = world_at(Stage.PROTOTYPING)

    def fail() -> None:
        raise RuntimeError("sent twice")

    with pytest.raises(RuntimeError):
        _keep(world, files, world.lead, begin=fail)
    assert (_rows(session), stored()) == (0, 0)


def test_permission_is_checked_again_after_the_transfer(
    session: Session, world_at: WorldAt, files: FileStore, stored: Callable[[], int]
) -> None:
    world = world_at(Stage.PROTOTYPING)

    def suspend() -> None:
        world.award.stage, world.award.suspended_from = Stage.SUSPENDED, Stage.PROTOTYPING
        session.flush()

    with pytest.raises(Refused):
        _keep(world, files, world.lead, begin=suspend)
    assert (_rows(session), stored()) == (0, 0)


def test_a_broken_line_and_a_full_disk_leave_nothing(
    session: Session, world_at: WorldAt, files: FileStore, stored: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    world = world_at(Stage.PROTOTYPING)

    class Broken(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell() > len(PDF) // 2:
                raise ConnectionResetError("the line went dead")
            return super().read(len(PDF) // 2 + 1)

    with pytest.raises(ConnectionResetError):
        service.keep_file(
            world.actor(world.lead), NOW, world.code, "prototype", "plan.pdf", Broken(PDF), _intake(files)
        )  # fmt: skip
    monkeypatch.setattr("lab.files._to_disk", _full)
    with pytest.raises(StoreUnwell):
        _keep(world, files, world.lead)
    session.rollback()
    assert (_rows(session), stored()) == (0, 0)


def _full(sink: object) -> None:
    raise StoreUnwell("files cannot be written: no space left on device")


# Reading and taking away -----------------------------------------------------------------------------------------


def _reads(world: World, person: Person, upload_id: int) -> bool:
    roles = world.actor(person).roles_on(Scope(call_id=world.call.id, award_id=world.award.id))
    try:
        return readable(world.session, world.award.id, upload_id, roles).id == upload_id
    except NotFound:
        return False


def test_a_draft_is_the_teams_own_until_it_is_handed_in(session: Session, world_at: WorldAt, files: FileStore) -> None:
    world = world_at(Stage.PROTOTYPING)
    upload_id = _keep(world, files, world.member)
    inside = [world.lead, world.member, world.officer]
    others = [world.mentor, world.committee, world.finance]
    assert [_reads(world, person, upload_id) for person in inside + others] == [True] * 3 + [False] * 3
    lab.publish_prototype(world.actor(world.lead), NOW, world.code, "It counts.", "", [upload_id])
    assert all(_reads(world, person, upload_id) for person in inside + others)
    assert not _reads(world, world.other_lead, upload_id) and not _reads(world, world.admin, upload_id)
    with pytest.raises(NotFound):
        readable(session, world.other_award.id, upload_id, world.actor(world.officer).programme)


def test_a_removed_draft_is_gone_with_its_bytes(
    session: Session, world_at: WorldAt, files: FileStore, stored: Callable[[], int]
) -> None:
    world = world_at(Stage.PROTOTYPING)
    upload_id = _keep(world, files, world.member)
    for _again in range(2):
        place = service.remove_file(world.actor(world.lead), NOW, world.code, upload_id, files)
        assert place == "prototype"
    assert stored() == 0
    assert not _reads(world, world.lead, upload_id)
    assert _events(session, "file_removed") == 1


def test_a_published_file_stays_with_its_version(
    session: Session, world_at: WorldAt, files: FileStore, stored: Callable[[], int]
) -> None:
    world = world_at(Stage.PROTOTYPING)
    upload_id = _keep(world, files, world.member)
    lab.publish_prototype(world.actor(world.lead), NOW, world.code, "It counts.", "", [upload_id])
    with pytest.raises(Refused, match="stays with that version"):
        service.remove_file(world.actor(world.lead), NOW, world.code, upload_id, files)
    session.rollback()
    assert stored() == 1 and session.get_one(Upload, upload_id).removed_at is None


def test_a_reports_file_can_leave_the_draft_and_stays_in_the_version(
    session: Session, world_at: WorldAt, files: FileStore, stored: Callable[[], int]
) -> None:
    world = world_at(Stage.PILOT)
    place = _report(world, "changes_requested")
    upload_id = _keep(world, files, world.member, place)
    document = session.scalars(select(Document).where(Document.kind == "progress_report")).one()
    session.add(
        Version(
            document_id=document.id, number=1, content={"files": [upload_id]}, content_hash="0" * 64,
            submitted_by=world.lead.id, submitted_at=NOW,
        )
    )  # fmt: skip
    session.commit()
    service.remove_file(world.actor(world.lead), NOW, world.code, upload_id, files)
    assert stored() == 1
    assert session.get_one(Upload, upload_id).removed_at == NOW
    assert _reads(world, world.committee, upload_id)
    assert named_at(session, world.award.id, place) == {upload_id}


def test_who_takes_files_away(session: Session, world_at: WorldAt, files: FileStore, stored: Callable[[], int]) -> None:
    world = world_at(Stage.PROTOTYPING)
    camp = _camp(world)
    theirs, ours = _keep(world, files, world.officer, camp), _keep(world, files, world.member, camp)
    for person, error in (
        (world.lead, NotAllowed), (world.committee, NotAllowed), (world.finance, NotAllowed), (world.other_lead, NotFound),
    ):  # fmt: skip
        with pytest.raises(error):
            service.remove_file(world.actor(person), NOW, world.code, theirs, files)
        session.rollback()
    with pytest.raises(NotFound):
        service.remove_file(world.actor(world.officer), NOW, world.other_award.code, theirs, files)
    session.rollback()
    assert stored() == 2
    service.remove_file(world.actor(world.member), NOW, world.code, ours, files)
    service.remove_file(world.actor(world.mentor), NOW, world.code, theirs, files)
    assert stored() == 0
    assert _events(session, "file_removed") == 2


def test_a_report_in_review_keeps_its_files(
    session: Session, world_at: WorldAt, files: FileStore, stored: Callable[[], int]
) -> None:
    world = world_at(Stage.PILOT)
    place = _report(world)
    upload_id = _keep(world, files, world.member, place)
    session.scalars(select(Document).where(Document.kind == "progress_report")).one().state = "submitted"
    session.commit()
    with pytest.raises(Refused):
        service.remove_file(world.actor(world.lead), NOW, world.code, upload_id, files)
    session.rollback()
    assert stored() == 1


def test_the_files_that_a_version_names_in_either_form() -> None:
    assert file_ids({"files": [3, 4]}) == [3, 4]
    assert file_ids({"files": [{"id": 5, "name": "a.pdf"}]}) == [5]
    assert file_ids({}) == file_ids(None) == []


def test_what_nobody_owns_is_swept_after_a_day(
    session: Session, world_at: WorldAt, files: FileStore, stored: Callable[[], int]
) -> None:
    world = world_at(Stage.PROTOTYPING)
    upload_id = _keep(world, files, world.lead)
    files.put_stream(io.BytesIO(PDF), limit=LIMIT)
    wall = datetime.now(UTC)
    assert service.sweep_files(files, wall + timedelta(hours=23)) == 0
    assert service.sweep_files(files, wall + timedelta(hours=25)) == 1
    assert stored() == 1 and files.exists(session.get_one(Upload, upload_id).key)
