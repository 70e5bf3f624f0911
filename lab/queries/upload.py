"""Files of an award: the rows; the bytes are in the file store."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from lab.models import Document, Upload, Version
from lab.queries.diligence import evidence_at, team_ids
from lab.rules.diligence import PLACE, may_read_document
from lab.rules.errors import NotFound
from lab.rules.facts import Role
from lab.rules.review import DocumentKind
from lab.rules.uploads import may_read


def get_upload(session: Session, award_id: int, upload_id: int) -> Upload:
    """The award's file with that id. Raises NotFound, also for another award's."""
    found = session.scalars(select(Upload).where(Upload.award_id == award_id, Upload.id == upload_id)).one_or_none()
    if found is None:
        raise NotFound("file")
    return found


def readable(session: Session, award_id: int, upload_id: int, roles: Collection[Role]) -> Upload:
    """The file, if somebody with ``roles`` on the award may read it, in two statements. Raises NotFound."""
    found = get_upload(session, award_id, upload_id)
    if found.place.startswith(PLACE):
        from_team = found.uploaded_by in team_ids(session, award_id)
        if found.removed_at is not None or not may_read_document(roles, from_team=from_team):
            raise NotFound("file")
        return found
    handed_in = found.id in named_at(session, award_id, found.place)
    if not may_read(roles, found.place, handed_in=handed_in, removed=found.removed_at is not None):
        raise NotFound("file")
    return found


def uploads_of(session: Session, award_id: int, *places: str) -> list[Upload]:
    """The award's files at these places (all, without any), oldest first, with who sent them, removed ones too."""
    query = select(Upload).where(Upload.award_id == award_id)
    if places:
        query = query.where(Upload.place.in_(places))
    return list(session.scalars(query.order_by(Upload.id).options(joinedload(Upload.uploader))))


def _owner_of(place: str) -> tuple[str, int] | None:
    """Kind and number of the document that files of this place go with; None for a boot camp's."""
    if place == "prototype":
        return DocumentKind.PROTOTYPE, 1
    head, _, rest = place.partition(":")
    kind, _, number = rest.partition(":")
    return (kind, int(number)) if head == "report" else None


def named_at(session: Session, award_id: int, place: str) -> frozenset[int]:
    """The files of ``place`` that a version which was handed in names, or a check rests on: these stay readable for good."""
    if place.startswith(PLACE):
        return evidence_at(session, award_id, place)
    owner = _owner_of(place)
    if owner is None:
        return frozenset()
    contents = session.scalars(
        select(Version.content)
        .join(Document)
        .where(Document.award_id == award_id, Document.kind == owner[0], Document.number == owner[1])
    )
    return frozenset(upload_id for content in contents for upload_id in file_ids(content))


def file_ids(content: object) -> list[int]:
    """The files that a version's content names: plain ids in reports, ids with names in prototypes."""
    files = content.get("files", []) if isinstance(content, dict) else []
    return [item["id"] if isinstance(item, dict) else item for item in files]
