"""What an award's archive has to hold a document against, with the hashes computed anew from what is stored."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from sqlalchemy.orm import Session

from lab.models import Award, Version
from lab.queries.printing import paper_of
from lab.queries.signature import frozen_version, noted_hashes, signatures_of, signed_pdf, standing
from lab.rules.agreement import text_hash
from lab.rules.agreement_paper import AgreementPaper
from lab.rules.verification import Archive

Draw = Callable[[AgreementPaper], bytes]


def document_of(session: Session, award: Award, version: Version, draw: Draw) -> tuple[bytes, bool]:
    """The PDF that is given out now, and whether it is the one that was kept when both sides had signed."""
    kept = signed_pdf(session, version.id)
    if kept is not None:
        return kept.body, True
    return draw(paper_of(session, award, version)), False


def archive_of(session: Session, award: Award, draw: Draw) -> Archive | None:
    """The archive of an award's agreement, in at most six statements; None before its text is frozen."""
    version = frozen_version(session, award.id)
    if version is None:
        return None
    signatures = signatures_of(session, version.id)
    last = standing(signatures)
    kept, noted = signed_pdf(session, version.id), noted_hashes(session, award.id)
    now = kept.body if kept else draw(paper_of(session, award, version))
    return Archive(
        text=text_hash(version.content),
        kept_text=version.content["hash"],
        opened=noted.opened or version.content["hash"],
        signed={side: signature.text_hash for side, signature in last.items()},
        pdf=hashlib.sha256(now).hexdigest() if kept else "",
        kept_pdf=kept.sha256 if kept else "",
        filed=noted.filed,
        current="" if kept else hashlib.sha256(now).hexdigest(),
        earlier=noted.earlier,
        scans={one.file_hash: side for side, one in last.items() if one.file_hash},
        replaced={one.file_hash: one.side for one in signatures if one.file_hash and one is not last[one.side]},
    )
