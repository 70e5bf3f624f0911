"""Files that people hand in: streamed to the store first, then kept as a row, so that no transfer holds a database lock."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime

from sqlalchemy import select

from lab.files import ByteSource, FileEmpty, FileStore, FileTooLarge, StoredFile
from lab.models import Award, BootCamp, Upload
from lab.queries.upload import get_upload, named_at
from lab.rules import review
from lab.rules.errors import NotAllowed, NotFound, Refused
from lab.rules.facts import Actor, Scope, Stage
from lab.rules.lab import publishing_blockers
from lab.rules.permissions import Action
from lab.rules.review import EDITABLE, REPORT_KINDS, DocumentKind, ReviewState
from lab.rules.text import N_, M
from lab.rules.uploads import check_name, check_upload, empty, may_take_away, safe_name, too_large
from lab.services.documents import get_document
from lab.services.steps import allow, award_for, not_ended, record, session

# Seconds after which a file that no row names is nobody's: no upload takes that long.
_LEFT_FOR = 24 * 60 * 60
_REPORT = re.compile(r"([a-z_]+):([1-9][0-9]{0,5})")


def _nothing() -> None:
    """What comes first in the transaction that keeps a file, unless the caller has something."""


def keep_file(
    actor: Actor,
    now: datetime,
    award_code: str,
    place: str,
    name: str,
    stream: ByteSource,
    store: FileStore,
    limit: int,
    begin: Callable[[], None] = _nothing,
) -> int:
    """Keep everything that ``stream`` gives, up to ``limit`` bytes, as a file of the award. Returns the upload's id.

    ``place`` is ``boot_camp:ID``, ``prototype`` or ``report:KIND:N`` (while the team writes it). ``begin`` runs first
    in the transaction that keeps the row. Raises Invalid for ``file`` with a sentence that names it and the remedy,
    Refused, NotAllowed, NotFound, StoreUnwell; whatever is raised, no byte stays in the store.
    """
    _place_for(actor, award_code, place)
    session().rollback()
    check_name(name)
    stored = _receive(name, stream, store, limit)
    try:
        kind = check_upload(name, stored.head, stored.size, limit)
        begin()
        award = _place_for(actor, award_code, place)
        upload = _row(award, place, safe_name(name), kind.code, stored, actor, now)
        record(award, "file_uploaded", actor, now, name=upload.name, place=place)
        session().commit()
    except BaseException:
        # The row's end comes first: a store that is unwell must not keep the transaction open.
        session().rollback()
        store.delete(stored.key)
        raise
    return upload.id


def _receive(name: str, stream: ByteSource, store: FileStore, limit: int) -> StoredFile:
    try:
        return store.put_stream(stream, limit=limit)
    except FileTooLarge as error:
        raise too_large(name, limit) from error
    except FileEmpty as error:
        raise empty(name) from error


def _row(award: Award, place: str, name: str, kind: str, stored: StoredFile, actor: Actor, now: datetime) -> Upload:
    assert actor.person_id is not None
    upload = Upload(
        award_id=award.id, place=place, name=name, kind=kind, size=stored.size, sha256=stored.sha256, key=stored.key,
        uploaded_by=actor.person_id, uploaded_at=now,
    )  # fmt: skip
    session().add(upload)
    session().flush()
    return upload


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
        if named and place == "prototype":
            raise Refused(M(N_("A published version names this file: it stays with that version.")))
        upload.removed_at = now
        record(award, "file_removed", actor, now, name=upload.name, place=place)
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
