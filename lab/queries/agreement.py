"""What an award's agreement page shows: due diligence, the text and how far it is negotiated, and who signed it."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session, contains_eager, joinedload

from lab.models import Award, Check, Document, Obligation, Person, Signature, Version
from lab.queries.awards import facts_with
from lab.queries.clauses import Negotiation, duties_of_award, negotiation_of
from lab.queries.diligence import DiligenceState, diligence_of
from lab.rules.facts import AwardFacts
from lab.rules.review import DocumentKind, ReviewState


@dataclass(frozen=True)
class AgreementState:
    """The award's facts, its standing items of due diligence by key, the frozen version, the signatures by side, and the
    papers that another has replaced.

    ``document`` has the draft, ``former`` the texts that were frozen and taken back; ``negotiation`` is for a draft,
    ``duties`` for an agreement in force.
    """

    facts: AwardFacts
    checks: dict[str, Check]
    version: Version | None
    signatures: dict[str, Signature]
    replaced: tuple[Signature, ...] = ()
    diligence: DiligenceState = field(default_factory=DiligenceState)
    document: Document | None = None
    former: list[Version] = field(default_factory=list)
    negotiation: Negotiation = field(default_factory=Negotiation)
    duties: list[Obligation] = field(default_factory=list)


def agreement_of(session: Session, award: Award) -> AgreementState:
    """Everything that the page reads of the award, in four statements beside its facts."""
    rows = session.execute(
        select(Document, Version, Signature)
        .outerjoin(Version, Version.document_id == Document.id)
        .outerjoin(Signature, Signature.version_id == Version.id)
        .outerjoin(Person, Person.id == Signature.person_id)
        .where(Document.award_id == award.id, Document.kind == DocumentKind.AGREEMENT)
        .options(
            contains_eager(Signature.person),
            joinedload(Signature.upload),
            joinedload(Version.submitter),
            joinedload(Version.decider),
        )
        .order_by(Version.number, Signature.number, Signature.id)
    ).all()
    document = rows[0][0] if rows else None
    versions = list(dict.fromkeys(row[1] for row in rows if row[1] is not None))
    frozen = versions.pop() if versions and document is not None and document.state != ReviewState.DRAFT else None
    signed = [row[2] for row in rows if row[2] is not None and row[1] is frozen]
    # The organisation's account is none of this page's.
    facts = facts_with(session, award, None)
    diligence = diligence_of(session, award)
    standing = {key: diligence.standing(key) for key in diligence.checks}
    return AgreementState(
        facts,
        {key: check for key, check in standing.items() if check is not None},
        frozen,
        {signature.side: signature for signature in signed},
        tuple(one for n, one in enumerate(signed) if any(later.side == one.side for later in signed[n + 1 :])),
        diligence,
        document,
        versions,
        negotiation_of(session, award.id) if facts.agreement_drafted else Negotiation(),
        duties_of_award(session, award.id) if facts.agreement_in_force else [],
    )
