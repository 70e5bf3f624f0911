"""What stands on an award's printed agreement, read from its rows."""

from __future__ import annotations

from sqlalchemy.orm import Session

from lab.models import Award, Signature, Version
from lab.queries.awards import definition_of
from lab.queries.signature import signatories_of, signatures_of, standing
from lab.rules.agreement import Parties
from lab.rules.agreement_paper import AgreementPaper, Given, agreement_paper
from lab.rules.signature import Method


def paper_of(session: Session, award: Award, version: Version) -> AgreementPaper:
    """The paper of a frozen ``version`` with the signatures that it bears now, in two statements."""
    signatories = signatories_of(session, award)
    signatures = standing(signatures_of(session, version.id))
    lead = signatories.get("organisation")
    parties = Parties(
        language=version.content["language"],
        organisation=award.organisation.legal_name,
        country=award.organisation.country,
        project=award.project,
        prize=award.prize,
        amount=award.amount,
        currency=award.currency,
        local_currency=award.local_currency,
        signatory=lead.name if lead else award.organisation.legal_name,
    )
    return agreement_paper(
        definition_of(award),
        parties,
        (award.code, award.notice_on),
        (version.content, version.submitted_at),
        signatories,
        {side: _given(signature) for side, signature in signatures.items()},
    )


def _given(signature: Signature) -> Given:
    return Given(
        side=signature.side,
        method=Method(signature.method),
        name=signature.typed_name,
        function=signature.function,
        person=signature.person.name,
        at=signature.at,
        time_zone=signature.time_zone,
        address=signature.address,
        text_hash=signature.text_hash,
        signed_on=signature.signed_on,
        file_hash=signature.file_hash,
    )
