"""Files that people hand in: streamed to the store first, then kept as a row, so that no transfer holds a database lock."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Any

from sqlalchemy import select

from lab.files import ByteSource, FileEmpty, FileStore, FileTooLarge, StoredFile
from lab.inspection import inspect
from lab.models import Award, BootCamp, Upload
from lab.queries.awards import definition_of, facts_of
from lab.queries.upload import get_upload, named_at
from lab.rules import review
from lab.rules.agreement import DUE_DILIGENCE, clearing_blockers
from lab.rules.diligence import PLACE as DILIGENCE
from lab.rules.errors import NotAllowed, NotFound, Refused
from lab.rules.facts import Actor, Scope, Stage
from lab.rules.inspection import refusal
from lab.rules.lab import publishing_blockers
from lab.rules.permissions import Action
from lab.rules.review import EDITABLE, REPORT_KINDS, DocumentKind, ReviewState
from lab.rules.security_events import SecurityEventKind
from lab.rules.text import N_, M
from lab.rules.uploads import (
    FileKind,
    Infected,
    UploadRefused,
    check_name,
    check_upload,
    empty,
    infected,
    may_take_away,
    not_scanned,
    safe_name,
    too_large,
    too_large_to_scan,
)  # fmt: skip
from lab.scanner import Scanner, ScannerUnwell, ScanTooLarge
from lab.services.documents import get_document
from lab.services.security_events import NOWHERE, Place, note_refusal
from lab.services.steps import allow, award_for, not_ended, record, session

_log = logging.getLogger(__name__)
# Seconds after which a file that no row names is nobody's: no upload takes that long.
_LEFT_FOR = 24 * 60 * 60
# As much of a file's beginning as tells its kind.
_HEAD = 8192
_REPORT = re.compile(r"([a-z_]+):([1-9][0-9]{0,5})")


@dataclass(frozen=True)
class Intake:
    """What takes files in: the store, the largest file (bytes), the virus scanner (None: none is set up).

    ``wall`` is the real instant (UTC) and ``origin`` where the request came from, for security events.
    """

    store: FileStore
    limit: int
    scanner: Scanner | None
    wall: datetime
    origin: Place = NOWHERE


def _nothing() -> None:
    """What comes first in the transaction that keeps a file, unless the caller has something."""


def keep_file(
    actor: Actor,
    now: datetime,
    award_code: str,
    place: str,
    name: str,
    stream: ByteSource,
    intake: Intake,
    begin: Callable[[], None] = _nothing,
) -> int:
    """Keep everything that ``stream`` gives, up to the intake's limit, as a file of the award. Returns the upload's id.

    ``place`` is ``boot_camp:ID``, ``prototype``, ``diligence:KEY`` or ``report:KIND:N`` (while the team writes it). ``begin`` runs first
    in the transaction that keeps the row. Raises UploadRefused (Invalid for ``file``, with a sentence that names it and
    the remedy; what looks like an attack leaves a security event), Refused, NotAllowed, NotFound, StoreUnwell; whatever
    is raised, no byte stays in the store.
    """
    _place_for(actor, award_code, place)
    session().rollback()
    stored = receive(actor, name, stream, intake)
    try:
        begin()
        award = _place_for(actor, award_code, place)
        upload = new_row(award, place, name, stored, intake, actor, now)
        _note(award, "file_uploaded", upload, actor, now)
        session().commit()
    except BaseException:
        # The row's end comes first: a store that is unwell must not keep the transaction open.
        session().rollback()
        intake.store.delete(stored.key)
        raise
    return upload.id


def receive(actor: Actor, name: str, stream: ByteSource, intake: Intake, kinds: Collection[str] = ()) -> StoredFile:
    """A step of services that keep files: everything that ``stream`` gives into the store, looked into whole; no row yet.

    ``kinds`` are those taken at this place (all, without any). Raises as :func:`keep_file` does; nothing stays then.
    """
    try:
        check_name(name)
        return _store(name, stream, intake, kinds)
    except UploadRefused as refused:
        if refused.sign:
            _note_refused(refused, name, actor, intake)
        raise


def _store(name: str, stream: ByteSource, intake: Intake, kinds: Collection[str]) -> StoredFile:
    def check(file: IO[bytes], arrived: StoredFile) -> None:
        _look_into(name, file, arrived.head, arrived.size, intake, kinds)

    try:
        return intake.store.put_stream(stream, limit=intake.limit, check=check)
    except FileTooLarge as error:
        raise too_large(name, intake.limit) from error
    except FileEmpty as error:
        raise empty(name) from error


def _look_into(
    name: str, file: IO[bytes], head: bytes, size: int, intake: Intake, kinds: Collection[str] = ()
) -> FileKind:
    """The kind of a file that may be taken, one of ``kinds`` where any are given. Raises UploadRefused."""
    kind = check_upload(name, head, size, intake.limit, kinds)
    if finding := inspect(file, size, kind.code):
        raise refusal(finding, name)
    if intake.scanner:
        _scan(name, file, intake.scanner)
    return kind


def look_into(actor: Actor, name: str, file: IO[bytes], intake: Intake) -> FileKind:
    """The kind of a file that is read and not kept: checked like one that is. Raises UploadRefused."""
    session().rollback()
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    head = file.read(_HEAD)
    try:
        check_name(name)
        return _look_into(name, file, head, size, intake)
    except UploadRefused as refused:
        if refused.sign:
            _note_refused(refused, name, actor, intake)
        raise


def _scan(name: str, file: IO[bytes], scanner: Scanner) -> None:
    """Ask the virus scanner. A file that it could not judge is not taken: nobody else would look at it."""
    try:
        signature = scanner.scan(file)
    except ScanTooLarge as error:
        _log.warning("the virus scanner takes no file this large, raise its StreamMaxLength: %s", error)
        raise too_large_to_scan(name) from error
    except ScannerUnwell as error:
        _log.error("the virus scanner is unwell: %s", error)
        raise not_scanned(name) from error
    if signature is not None:
        raise infected(name, signature)


def _note_refused(refused: UploadRefused, name: str, actor: Actor, intake: Intake) -> None:
    details: dict[str, Any] = {"signature": refused.signature} if isinstance(refused, Infected) else {}
    note_refusal(
        SecurityEventKind.UPLOAD_REFUSED, actor, intake.wall, intake.origin, Action.ADD_FILE,
        file=safe_name(name), reason=refused.sign, **details,
    )  # fmt: skip


def new_row(
    award: Award, place: str, name: str, stored: StoredFile, intake: Intake, actor: Actor, now: datetime
) -> Upload:
    """A step of services that keep files: the row of one that :func:`receive` has stored, flushed."""
    assert actor.person_id is not None
    kind = check_upload(name, stored.head, stored.size, intake.limit).code
    upload = Upload(
        award_id=award.id, place=place, name=safe_name(name), kind=kind, size=stored.size, sha256=stored.sha256,
        key=stored.key, uploaded_by=actor.person_id, uploaded_at=now, scanned_at=now if intake.scanner else None,
    )  # fmt: skip
    session().add(upload)
    session().flush()
    return upload


def _note(award: Award, kind: str, upload: Upload, actor: Actor, now: datetime) -> None:
    if upload.place.startswith(DILIGENCE):
        # Everybody on the award reads its timeline, and the name of a document of identity is nothing for everybody.
        kind = {"file_uploaded": "document_added", "file_removed": "document_removed"}[kind]
        record(award, kind, actor, now, item=upload.place.removeprefix(DILIGENCE))
        return
    record(award, kind, actor, now, name=upload.name, place=upload.place)


def _place_for(actor: Actor, award_code: str, place: str) -> Award:
    """The award, if ``actor`` may add to or take from ``place`` now. Raises NotFound, NotAllowed, Refused."""
    award = award_for(actor, Action.SEE_AWARD, award_code)
    head, _, rest = place.partition(":")
    if head == "report":
        allow(actor, Action.EDIT_REPORT, award)
        _check_report(award, rest)
    elif head == "boot_camp":
        allow(actor, Action.ADD_FILE, award)
        _check_camp(award, rest)
    elif place.startswith(DILIGENCE):
        allow(actor, Action.PROVIDE_DOCUMENT, award)
        if rest not in {item.key for item in definition_of(award).due_diligence}:
            raise NotFound("check")
        if found := clearing_blockers(DUE_DILIGENCE, facts_of(session(), award)):
            raise Refused(*found)
    elif place == "prototype":
        allow(actor, Action.PUBLISH_PROTOTYPE, award)
        if found := publishing_blockers(Stage(award.stage)):
            raise Refused(*found)
    else:
        raise NotFound("place")
    return award


def _check_report(award: Award, rest: str) -> None:
    # Written in one way only, as pages and versions look for it: report 1 is neither "01" nor "１".
    found = _REPORT.fullmatch(rest)
    kind, number = found.groups() if found else ("", "")
    if kind not in REPORT_KINDS:
        raise NotFound("report")
    document = get_document(award, DocumentKind(kind), int(number))
    not_ended(award)
    state = ReviewState(document.state)
    if state not in EDITABLE:
        raise Refused(*review.blockers("submit", state))


def _check_camp(award: Award, rest: str) -> None:
    camps = session().scalars(select(BootCamp.id).where(BootCamp.award_id == award.id)).all()
    if rest not in map(str, camps):
        raise NotFound("boot camp")
    not_ended(award)


def remove_file(actor: Actor, now: datetime, award_code: str, upload_id: int, store: FileStore) -> str:
    """Take a file away from its place, which must still take files. Returns the place.

    The bytes go too, unless a version that was handed in names the file: then it stays readable there. Raises
    NotFound, NotAllowed, Refused.
    """
    seen = award_for(actor, Action.SEE_AWARD, award_code)
    upload = get_upload(session(), seen.id, upload_id)
    award = _place_for(actor, award_code, upload.place)
    place, key = upload.place, upload.key
    roles = actor.roles_on(Scope(call_id=award.call_id, award_id=award.id))
    if not may_take_away(roles, place, own=upload.uploaded_by == actor.person_id):
        raise NotAllowed(Action.RUN_BOOT_CAMP)
    named = upload.id in named_at(session(), award.id, place)
    if upload.removed_at is None:
        if named and place.startswith(DILIGENCE):
            raise Refused(M(N_("An item was cleared on the strength of this document: it stays with it.")))
        if named and place == "prototype":
            raise Refused(M(N_("A published version names this file: it stays with that version.")))
        upload.removed_at = now
        _note(award, "file_removed", upload, actor, now)
    session().commit()
    if not named:
        store.delete(key)
    return place


def sweep_files(store: FileStore, now: datetime) -> int:
    """Remove what broken uploads left in the store more than a day ago, and return how many files that was.

    ``now`` is the wall clock's instant (UTC). A process that dies between the last byte and the row's commit leaves
    such a file. Raises StoreUnwell.
    """
    keys = frozenset(session().scalars(select(Upload.key)))
    session().rollback()
    return store.sweep(keys.__contains__, _LEFT_FOR, now)
