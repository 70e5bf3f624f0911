"""Due diligence of an award: what stands, what stood before, and the documents that show it."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import exists, select
from sqlalchemy.orm import Session, joinedload

from lab.models import Award, Check, CheckFile, TeamMember, Upload
from lab.rules.agreement import DUE_DILIGENCE
from lab.rules.diligence import PLACE
from lab.rules.facts import TEAM


@dataclass(frozen=True)
class DiligenceState:
    """Of an award: checks by item, oldest first, the documents by id, and which of them came from the team."""

    checks: dict[str, list[Check]] = field(default_factory=dict)
    uploads: dict[int, Upload] = field(default_factory=dict)
    from_team: frozenset[int] = frozenset()

    def standing(self, key: str) -> Check | None:
        """The check of an item that is not closed."""
        return next((check for check in self.checks.get(key, []) if check.closed_at is None), None)

    def waiting(self, key: str) -> list[Upload]:
        """The documents of an item that no check rests on yet."""
        used = {file.upload_id for check in self.checks.get(key, []) for file in check.files}
        return [one for one in self.uploads.values() if one.place == PLACE + key and one.id not in used]


def diligence_of(session: Session, award: Award) -> DiligenceState:
    """All of it, in two statements."""
    checks: dict[str, list[Check]] = {}
    rows = session.scalars(
        select(Check)
        .where(Check.award_id == award.id, Check.checklist == DUE_DILIGENCE)
        .options(joinedload(Check.author), joinedload(Check.closer), joinedload(Check.files))
        .order_by(Check.id)
    ).unique()
    for check in rows:
        checks.setdefault(check.key, []).append(check)
    from_team = exists().where(
        TeamMember.award_id == award.id, TeamMember.person_id == Upload.uploaded_by, TeamMember.role.in_(TEAM)
    )
    uploads = session.execute(
        select(Upload, from_team)
        .where(Upload.award_id == award.id, Upload.place.startswith(PLACE), Upload.removed_at.is_(None))
        .options(joinedload(Upload.uploader))
        .order_by(Upload.id)
    ).all()
    return DiligenceState(
        checks, {upload.id: upload for upload, _ in uploads}, frozenset(upload.id for upload, team in uploads if team)
    )


def team_ids(session: Session, award_id: int) -> frozenset[int]:
    """Everybody who is or was on the award's team."""
    query = select(TeamMember.person_id).where(TeamMember.award_id == award_id, TeamMember.role.in_(TEAM))
    return frozenset(session.scalars(query))


def waiting_documents(session: Session, award_id: int, key: str) -> list[int]:
    """The ids of an item's documents that no check rests on yet."""
    query = (
        select(Upload.id)
        .outerjoin(CheckFile, CheckFile.upload_id == Upload.id)
        .where(
            Upload.award_id == award_id,
            Upload.place == PLACE + key,
            Upload.removed_at.is_(None),
            CheckFile.check_id.is_(None),
        )
        .order_by(Upload.id)
    )
    return list(session.scalars(query))


def evidence_at(session: Session, award_id: int, place: str) -> frozenset[int]:
    """The documents of ``place`` that a check rests on, standing or closed: these stay readable for good."""
    query = (
        select(CheckFile.upload_id)
        .join(Check, Check.id == CheckFile.check_id)
        .where(Check.award_id == award_id, Check.checklist == DUE_DILIGENCE, Check.key == place.removeprefix(PLACE))
    )
    return frozenset(session.scalars(query))
