"""What the pages show of signing: each side's signatory and signature, the form for whoever's turn it is, and what is next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask import url_for
from flask_babel import gettext as _

from lab import clock
from lab.extensions import db
from lab.forms.signature import SignForm
from lab.queries.agreement import AgreementState
from lab.queries.signature import signatories_of
from lab.rules.agreement import SIDES, text_hash
from lab.rules.facts import AwardFacts
from lab.rules.obligations import ObligationKind
from lab.rules.permissions import Action
from lab.rules.signature import (
    PAPER_KINDS,
    Method,
    Signatory,
    account_blockers,
    naming_blockers,
    paper_blockers,
    signing_blockers,
)
from lab.rules.uploads import endings
from lab.web.access import actor, allowed
from lab.web.files import size_text
from lab.web.frame import Frame
from lab.web.task_links import NextStep
from lab.web.words import day, due, instant, say

if TYPE_CHECKING:
    from lab.models import Signature, Version

SIGNING = {"organisation": Action.SIGN_FOR_ORGANISATION, "ilo": Action.SIGN_FOR_ILO}
ARRANGING = {"organisation": Action.ARRANGE_ORGANISATION_SIGNING, "ilo": Action.ARRANGE_ILO_SIGNING}
_DUTY = {"organisation": ObligationKind.SIGN_ORGANISATION, "ilo": ObligationKind.SIGN_ILO}


@dataclass(frozen=True)
class Scan:
    """A signed paper's scan."""

    name: str
    href: str
    size: str
    hash: str


@dataclass(frozen=True)
class SignatureView:
    """A side of the agreement: its signature if there is one, else who is to give it.

    ``genuine``: it was put under the text shown here. The two addresses are empty where this reader cannot go there.
    """

    side: str
    label: str
    signed: bool
    name: str
    function: str
    how: str
    address: str
    hash: str
    genuine: bool
    scan: Scan | None
    replaced: list[tuple[str, Scan]]
    name_href: str
    paper_href: str


@dataclass(frozen=True)
class Signing:
    """Both sides; the form for this reader and its side, if it is their turn; where to go for the document."""

    sides: list[SignatureView]
    side: str | None
    form: SignForm | None
    action: str
    in_force_since: str
    pdf_href: str
    verify_href: str
    signatories: dict[str, Signatory]


def signing_of(frame: Frame, state: AgreementState, refused: SignForm | None) -> Signing:
    """Everything of signing on the agreement's page, in one statement; ``refused`` is a form that was not taken."""
    code, version = frame.award.code, state.version
    signatories = signatories_of(db.session(), frame.award)
    side = _side_to_sign(state, signatories)
    form = None
    if version is not None and side is not None:
        form = refused or SignForm(formdata=None)
        # The page's text is whole and new: what is signed next is what is shown now.
        form.shown_hash.data = text_hash(version.content)
    return Signing(
        sides=[_side(frame, one, state, signatories.get(one)) for one in SIDES],
        side=side,
        form=form,
        action=url_for(f"signature.sign_for_{side}", award_code=code, _anchor="sign") if side else "",
        in_force_since=in_force_since(state),
        pdf_href=url_for("verification.document", award_code=code) if version is not None else "",
        verify_href=url_for("verification.verify", award_code=code) if version is not None else "",
        signatories=signatories,
    )


def in_force_since(state: AgreementState) -> str:
    """Since when the agreement is in force, for the reader; empty before."""
    if not state.facts.agreement_in_force or not state.signatures:
        return ""
    return instant(max(signature.at for signature in state.signatures.values()))


def _side_to_sign(state: AgreementState, signatories: dict[str, Signatory]) -> str | None:
    """The side that this reader can sign for now."""
    return next(
        (
            side
            for side, action in SIGNING.items()
            if allowed(action)
            and not signing_blockers(side, state.facts)
            and not account_blockers(signatories.get(side), actor().person_id)
        ),
        None,
    )


def _side(frame: Frame, side: str, state: AgreementState, signatory: Signatory | None) -> SignatureView:
    signature, code = state.signatures.get(side), frame.award.code
    may = allowed(ARRANGING[side]) and not frame.ended
    nameable = may and not naming_reasons(side, signatory, state.version, state.facts)
    recordable = may and not paper_blockers(side, Method(signature.method) if signature else None, state.facts)
    frozen = text_hash(state.version.content) if state.version else ""
    return SignatureView(
        side=side,
        label=say(SIDES[side]),
        signed=signature is not None,
        name=_signed_as(signature) if signature else signatory.name if signatory else "",
        function=signature.function if signature else signatory.function if signatory else "",
        how=_how(signature) if signature else _how_to(signatory),
        address=signature.address if signature else "",
        hash=signature.text_hash if signature else "",
        genuine=signature is not None and signature.text_hash == frozen,
        scan=_scan(signature, code) if signature else None,
        replaced=[(_how(one), scan) for one in state.replaced if one.side == side and (scan := _scan(one, code))],
        name_href=url_for(f"signature.name_for_{side}", award_code=code) if nameable else "",
        paper_href=url_for(f"signature.paper_for_{side}", award_code=code) if recordable else "",
    )


def _scan(signature: Signature, code: str) -> Scan | None:
    upload = signature.upload
    if upload is None:
        return None
    href = url_for("upload.download", award_code=code, upload_id=upload.id)
    return Scan(upload.name, href, size_text(upload.size), signature.file_hash)


def _signed_as(signature: Signature) -> str:
    """The name as it was typed, and whose account it was where that reads differently."""
    account = signature.person.name
    if signature.method == Method.PAPER or signature.typed_name == account:
        return signature.typed_name
    return f"{signature.typed_name} ({account})"


def _how(signature: Signature) -> str:
    at = instant(signature.at)
    if signature.method == Method.ELECTRONIC:
        return str(_("Signed electronically, %(when)s.", when=at))
    return str(
        _(
            "Signed on paper, dated %(day)s. Recorded by %(name)s, %(when)s.",
            day=day(signature.signed_on), name=signature.person.name, when=at,
        )
    )  # fmt: skip


def _how_to(signatory: Signatory | None) -> str:
    if signatory is None:
        return str(_("Nobody is named to sign for this side yet."))
    if signatory.person_id is None:
        return str(_("Signs on paper: the signed paper is recorded here."))
    return str(_("Signs under their own account, or on paper."))


def naming_reasons(side: str, signatory: Signatory | None, version: Version | None, facts: AwardFacts) -> list[str]:
    """Why nobody else can be named to sign for ``side`` now."""
    clauses = [clause["text"] for clause in version.content["clauses"]] if version is not None else []
    return [say(reason) for reason in naming_blockers(side, signatory, clauses, facts)]


def paper_context(side: str, state: AgreementState, award_code: str) -> dict[str, Any]:
    """For the page that records a signed paper: why it cannot be, what it would replace, and how it is posted."""
    standing = state.signatures.get(side)
    reasons = paper_blockers(side, Method(standing.method) if standing else None, state.facts)
    return {
        "reasons": [say(reason) for reason in reasons],
        "replaces": _how(standing) if standing is not None and not reasons else "",
        "extensions": endings(PAPER_KINDS),
        "action": url_for(f"signature.paper_for_{side}", award_code=award_code),
        "confirm": url_for(f"signature.confirm_for_{side}", award_code=award_code),
    }


# What is next ---------------------------------------------------------------------------------------------------


def _when(frame: Frame, side: str) -> str:
    """By when the side's signature is due, if it is owed."""
    for owed in frame.obligations:
        if owed.kind == _DUTY[side]:
            when = due(owed.due_at, frame.definition.time_zone)
            return str(_("Due %(when)s: %(left)s.", when=when.reader, left=when.label))
    return ""


def _tone(frame: Frame, side: str) -> str:
    return "late" if any(owed.kind == _DUTY[side] and owed.due_at <= clock.now() for owed in frame.obligations) else ""


def step_of_signing(frame: Frame, state: AgreementState, signing: Signing) -> NextStep:
    """What is next for this reader while the agreement is open for signature."""
    side = signing.side
    if side is not None:
        title = _("Read and sign for the organisation") if side == "organisation" else _("Read and sign for the ILO")
        return NextStep(title, _when(frame, side), "#text", _("Read the text"), _tone(frame, side))
    missing = [one for one in SIDES if one not in state.facts.signed_by]
    mine = next((one for one in signing.sides if one.side in missing and one.paper_href), None)
    if mine is not None:
        title = (
            _("Have %(name)s sign for the organisation", name=mine.name)
            if mine.side == "organisation"
            else _("Have %(name)s sign for the ILO", name=mine.name)
        )
        return NextStep(
            title, f"{mine.how} {_when(frame, mine.side)}", "#signatures", _("See how"), _tone(frame, mine.side)
        )
    if len(missing) > 1:
        who = {one: signing.signatories[one].name if one in signing.signatories else "–" for one in SIDES}
        return NextStep(
            _("Waiting for both signatures"),
            _("%(organisation)s signs for the organisation, %(ilo)s for the ILO.", **who),
            tone="wait",
        )
    title = (
        _("Waiting for the organisation’s signature")
        if missing == ["organisation"]
        else _("Waiting for the ILO’s signature")
    )
    return NextStep(title, _when(frame, missing[0]), tone="wait")
