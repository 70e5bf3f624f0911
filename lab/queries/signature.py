"""Who is to sign an award's agreement, how each side has signed it, and the document that both have signed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Integer, Row, String, cast, func, literal, literal_column, null, select, union_all
from sqlalchemy.orm import Session, joinedload, undefer

from lab.models import Award, Document, Event, Person, ProgrammeRole, Signature, SignedPdf, TeamMember, Version
from lab.models import Signatory as Named
from lab.rules.clauses import TAKEN_BACK
from lab.rules.facts import Role
from lab.rules.review import DocumentKind
from lab.rules.signature import Signatory


def signatories_of(session: Session, award: Award) -> dict[str, Signatory]:
    """Who signs for each side, in one statement: who was named last, else the lead and the award's officer.

    A side is missing where nobody is named and nobody holds that place.
    """
    nobody = cast(null(), Integer)
    rows: Sequence[Row[Any]] = session.execute(
        union_all(
            select(
                Named.side,
                Named.id.label("seq"),
                Named.person_id,
                Named.name.label("name"),
                Named.function.label("function"),
            ).where(Named.award_id == award.id),
            select(
                literal("organisation", String), nobody, Person.id, Person.name, literal("", String)
            )
            .join(TeamMember, TeamMember.person_id == Person.id)
            .where(
                TeamMember.award_id == award.id, TeamMember.role == Role.LEAD, TeamMember.until.is_(None), Person.active
            ),
        )
    ).all()  # fmt: skip
    found = {"ilo": Signatory(award.officer.name, "", award.officer_id)}
    # Leads first, the lowest id last among them; then whoever was named, the last one last.
    for side, seq, person_id, name, function in sorted(rows, key=lambda row: (row[1] or 0, -(row[2] or 0))):
        found[side] = Signatory(name, function, person_id, named=seq is not None)
    return found


def accounts_for(session: Session, award: Award, side: str) -> list[Person]:
    """Whose accounts may sign for ``side``: the organisation's team, or the ILO's officers; by name."""
    query = select(Person).where(Person.active)
    if side == "organisation":
        query = query.join(TeamMember, TeamMember.person_id == Person.id).where(
            TeamMember.award_id == award.id,
            TeamMember.until.is_(None),
            TeamMember.role.in_((Role.LEAD, Role.MEMBER)),
        )
    else:
        query = query.join(ProgrammeRole, ProgrammeRole.person_id == Person.id).where(
            ProgrammeRole.role == Role.OFFICER
        )
    return list(session.scalars(query.order_by(Person.name, Person.id)))


def signatures_of(session: Session, version_id: int) -> list[Signature]:
    """Every record of a signature under a version, the first one first, with its person and its scan."""
    query = select(Signature).where(Signature.version_id == version_id).order_by(Signature.number, Signature.id)
    return list(session.scalars(query.options(joinedload(Signature.person), joinedload(Signature.upload))))


def standing(signatures: list[Signature]) -> dict[str, Signature]:
    """Of each side the signature that stands: its last record."""
    return {signature.side: signature for signature in signatures}


def frozen_version(session: Session, award_id: int) -> Version | None:
    """The agreement's frozen text with who opened it; None while it is negotiated, for the first time or again."""
    query = (
        select(Version)
        .join(Version.document)
        .where(
            Document.award_id == award_id,
            Document.kind == DocumentKind.AGREEMENT,
            func.coalesce(Version.decision, "") != TAKEN_BACK,
        )
        .order_by(Version.number.desc())
        .limit(1)
    )
    return session.scalars(query.options(joinedload(Version.submitter))).first()


def signed_pdf(session: Session, version_id: int) -> SignedPdf | None:
    """The document that both sides signed, with its bytes."""
    query = select(SignedPdf).where(SignedPdf.version_id == version_id)
    return session.scalars(query.options(undefer(SignedPdf.body))).one_or_none()


# Events of a signature, which note the PDF that was given out until then.
_SIGNED = ("agreement_signed", "agreement_signed_on_paper", "signed_paper_replaced")


@dataclass(frozen=True)
class Noted:
    """The hashes that the record of events has, which nobody can change: of the text as it was opened, of the document
    that both sides signed, and of the ``earlier`` PDFs, as they were given out before each signature."""

    opened: str
    filed: str
    earlier: frozenset[str]


def noted_hashes(session: Session, award_id: int) -> Noted:
    """What was noted when the text was frozen, when it was signed and when the signed document was filed; empty where
    nothing was."""
    kinds = ("agreement_opened", "agreement_filed", *_SIGNED)
    rows = session.execute(
        select(Event.kind, Event.details)
        .where(Event.award_id == award_id, Event.kind.in_(kinds))
        .order_by(literal_column("seq"))
    ).all()
    found = {kind: str(details.get("hash", "")) for kind, details in rows}
    earlier = frozenset(str(details["pdf"]) for kind, details in rows if kind in _SIGNED and "pdf" in details)
    return Noted(found.get("agreement_opened", ""), found.get("agreement_filed", ""), earlier)
