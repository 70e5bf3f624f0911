"""What an award's agreement page shows: the items checked, the frozen text, and who signed it."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session, contains_eager, joinedload

from lab.models import Award, Check, Document, Person, Signature, Version
from lab.queries.awards import facts_of
from lab.rules.agreement import DUE_DILIGENCE
from lab.rules.facts import AwardFacts
from lab.rules.review import DocumentKind


@dataclass(frozen=True)
class AgreementState:
    """The award's facts, its cleared items of due diligence by key, the frozen version, and the signatures by side."""

    facts: AwardFacts
    checks: dict[str, Check]
    version: Version | None
    signatures: dict[str, Signature]


def agreement_of(session: Session, award: Award) -> AgreementState:
    """Everything that the page reads of the award, in two statements beside its facts."""
    checks = session.scalars(
        select(Check)
        .where(Check.award_id == award.id, Check.checklist == DUE_DILIGENCE)
        .options(joinedload(Check.author))
    )
    rows = session.execute(
        select(Version, Signature)
        .join(Version.document)
        .outerjoin(Signature, Signature.version_id == Version.id)
        .outerjoin(Person, Person.id == Signature.person_id)
        .where(Document.award_id == award.id, Document.kind == DocumentKind.AGREEMENT)
        .options(contains_eager(Signature.person), joinedload(Version.submitter))
        .order_by(Version.number, Signature.at)
    ).all()
    version = rows[-1][0] if rows else None
    signed = [signature for found, signature in rows if signature is not None and found is version]
    return AgreementState(
        facts_of(session, award),
        {check.key: check for check in checks},
        version,
        {signature.side: signature for signature in signed},
    )
