"""What the page of the agreement shows to this reader: the items, the text, the signatures, and what is next for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from babel import Locale
from flask import url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from lab import clock
from lab.forms.agreement import SignForm
from lab.forms.closing import CheckForm
from lab.queries.agreement import AgreementState
from lab.rules.agreement import (
    DUE_DILIGENCE,
    SIDES,
    TWO_YEARS,
    Age,
    age_at_close,
    clearing_blockers,
    items_of,
    opening_blockers,
    reopening_blockers,
    signing_blockers,
    text_hash,
)
from lab.rules.calls import text
from lab.rules.facts import STAFF, Stage
from lab.rules.obligations import ObligationKind
from lab.rules.permissions import Action
from lab.web.access import actor, allowed
from lab.web.frame import Frame
from lab.web.task_links import NextStep
from lab.web.words import due, instant, locale, page_language, say, sentence

if TYPE_CHECKING:
    from lab.models import Check, Signature

_SIGNING = {"organisation": Action.SIGN_FOR_ORGANISATION, "ilo": Action.SIGN_FOR_ILO}
_DUTY = {"organisation": ObligationKind.SIGN_ORGANISATION, "ilo": ObligationKind.SIGN_ILO}


@dataclass(frozen=True)
class ItemView:
    """An item of due diligence. ``note`` is for staff; ``finding`` is what the system computed; a form to clear it, or none."""

    key: str
    label: str
    clear: bool
    note: str
    by: str
    finding: str
    finding_is_met: bool
    form: CheckForm | None
    can_reopen: bool


@dataclass(frozen=True)
class ClauseView:
    """A clause of the frozen text."""

    title: str
    text: str


@dataclass(frozen=True)
class SignatureView:
    """A side of the agreement, and its signature if there is one. ``genuine``: it was put under the text shown here."""

    side: str
    label: str
    signed: bool
    name: str
    at: str
    hash: str
    genuine: bool


@dataclass(frozen=True)
class TextView:
    """The frozen text: its language, its clauses, its SHA-256, and who opened it when."""

    language: str
    language_name: str
    clauses: list[ClauseView]
    hash: str
    opened: str


def page_context(
    frame: Frame, state: AgreementState, refused: Mapping[str, CheckForm], sign: SignForm | None
) -> dict[str, Any]:
    """The page for this reader; ``refused`` and ``sign`` are forms that were not taken, by item and for the signature."""
    shown = _text(state)
    side = _side_to_sign(state)
    form = None
    if shown is not None and side is not None:
        form = sign or SignForm(formdata=None)
        # The text below is whole and new: what is signed next is what is shown now.
        form.shown_hash.data = shown.hash
    return {
        "step": _next_step(frame, state, side),
        "standing": _badge(state),
        "items": _items(frame, state, refused),
        "reopening": sentence(reopening_blockers(DUE_DILIGENCE, state.facts)) if state.checks else "",
        "opening": [say(reason) for reason in opening_blockers(state.facts)],
        "text": shown,
        "signatures": [_signature(one, state.signatures.get(one), shown) for one in SIDES],
        "in_force_since": _in_force_since(state),
        "side": side,
        "sign_form": form,
        # Refused where there is no form to sign any more: said on top of the page.
        "refusal": sign if form is None else None,
        "is_staff": _is_staff(),
    }


def _is_staff() -> bool:
    return bool(actor().programme & STAFF)


def _badge(state: AgreementState) -> tuple[str, str]:
    if state.facts.agreement_in_force:
        return "in_force", _("In force")
    return ("open", _("Open for signature")) if state.version is not None else ("plain", _("Not open yet"))


# Due diligence --------------------------------------------------------------------------------------------------


def _items(frame: Frame, state: AgreementState, refused: Mapping[str, CheckForm]) -> list[ItemView]:
    may = allowed(Action.CHECK_DUE_DILIGENCE)
    clearable = may and not clearing_blockers(DUE_DILIGENCE, state.facts)
    reopenable = may and not reopening_blockers(DUE_DILIGENCE, state.facts)
    age = age_at_close(frame.award.organisation.registered_on, frame.definition)
    return [
        _item(
            item.key,
            text(item.label, locale()),
            state.checks.get(item.key),
            age if item.key == TWO_YEARS else None,
            clearable,
            reopenable,
            refused,
        )
        for item in items_of(frame.definition, DUE_DILIGENCE)
    ]


def _item(
    key: str,
    label: str,
    check: Check | None,
    age: Age | None,
    clearable: bool,
    reopenable: bool,
    refused: Mapping[str, CheckForm],
) -> ItemView:
    fits = age is None or age.enough
    # A form that was refused stays with what was typed, even where somebody else has cleared the item meanwhile.
    form = refused.get(key) or (CheckForm(formdata=None).about(key) if clearable and check is None and fits else None)
    return ItemView(
        key=key,
        label=label,
        clear=check is not None,
        note=check.note if check is not None and _is_staff() else "",
        by=f"{check.author.name}, {instant(check.at)}" if check is not None else "",
        finding=say(age.sentence()) if age is not None else "",
        finding_is_met=fits,
        form=form,
        can_reopen=check is not None and reopenable,
    )


# Text and signatures --------------------------------------------------------------------------------------------


def _text(state: AgreementState) -> TextView | None:
    version = state.version
    if version is None:
        return None
    clauses = version.content["clauses"]
    language = version.content["language"]
    return TextView(
        language=language,
        language_name=Locale.parse(page_language()).languages.get(language, language),
        clauses=[ClauseView(clause["title"], clause["text"]) for clause in clauses],
        # Computed from the text that is shown here, not read from beside it.
        hash=text_hash(clauses),
        opened=_(
            "Opened for signature by %(name)s, %(when)s.",
            name=version.submitter.name,
            when=instant(version.submitted_at),
        ),
    )


def _signature(side: str, signature: Signature | None, shown: TextView | None) -> SignatureView:
    return SignatureView(
        side=side,
        label=say(SIDES[side]),
        signed=signature is not None,
        name=_signed_as(signature) if signature else "",
        at=instant(signature.at) if signature else "",
        hash=signature.text_hash if signature else "",
        genuine=signature is not None and shown is not None and signature.text_hash == shown.hash,
    )


def _signed_as(signature: Signature) -> str:
    """The name as it was typed, and whose account it was where that reads differently."""
    account = signature.person.name
    return signature.typed_name if signature.typed_name == account else f"{signature.typed_name} ({account})"


def _in_force_since(state: AgreementState) -> str:
    if not state.facts.agreement_in_force or not state.signatures:
        return ""
    return instant(max(signature.at for signature in state.signatures.values()))


def _side_to_sign(state: AgreementState) -> str | None:
    """The side that this reader can sign for now."""
    return next(
        (side for side, action in _SIGNING.items() if allowed(action) and not signing_blockers(side, state.facts)),
        None,
    )


# What is next ---------------------------------------------------------------------------------------------------


def _next_step(frame: Frame, state: AgreementState, side: str | None) -> NextStep:
    facts = state.facts
    if frame.ended:
        return NextStep(
            _("The award has ended: %(stage)s", stage=frame.stage_label),
            _("What was checked and signed stays readable here. Nothing is left to do."),
            tone="done",
        )
    if facts.agreement_in_force:
        since = _in_force_since(state)
        return NextStep(
            _("The agreement is in force since %(when)s", when=since),
            _("Both sides have signed it. Anybody on the team and at the ILO can read here what was signed."),
            tone="done",
        )
    if frame.stage is Stage.SUSPENDED:
        return NextStep(
            _("The award is suspended"),
            _("Nothing can be checked, opened or signed until the programme officer resumes it."),
            tone="wait",
        )
    if not facts.workplan_accepted:
        return NextStep(
            _("The workplan and budget come first"),
            _(
                "Nothing can be signed yet: the award is final only once its workplan and budget are approved. Then the agreement is opened for signature."
            ),
            url_for("workplan.show", award_code=frame.award.code),
            _("See the workplan"),
            "wait",
        )
    if not facts.due_diligence_clear:
        return _step_of_diligence(frame, state)
    if state.version is None:
        return _step_of_opening(frame)
    return _step_of_signing(frame, state, side)


def _when(frame: Frame, kind: ObligationKind) -> str:
    """By when it is due, if it is owed."""
    for owed in frame.obligations:
        if owed.kind == kind:
            when = due(owed.due_at, frame.definition.time_zone)
            return str(_("Due %(when)s: %(left)s.", when=when.reader, left=when.label))
    return ""


def _tone(frame: Frame, kind: ObligationKind) -> str:
    return "late" if any(owed.kind == kind and owed.due_at <= clock.now() for owed in frame.obligations) else ""


def _step_of_diligence(frame: Frame, state: AgreementState) -> NextStep:
    kind = ObligationKind.CLEAR_DUE_DILIGENCE
    left = len(items_of(frame.definition, DUE_DILIGENCE)) - len(state.checks)
    if not allowed(Action.CHECK_DUE_DILIGENCE):
        return NextStep(
            _("The programme officer is checking due diligence"),
            _("The agreement can be signed once every item is clear.") + " " + _when(frame, kind),
            tone="wait",
        )
    said = ngettext("%(num)d item is still open.", "%(num)d items are still open.", left)
    return NextStep(
        _("Clear due diligence"),
        f"{said} {_when(frame, kind)}",
        "#due-diligence",
        _("Go to the list"),
        _tone(frame, kind),
    )


def _step_of_opening(frame: Frame) -> NextStep:
    kind = ObligationKind.OPEN_AGREEMENT
    if not allowed(Action.OPEN_AGREEMENT):
        return NextStep(_("The programme officer opens the agreement for signature"), _when(frame, kind), tone="wait")
    return NextStep(
        _("Open the agreement for signature"), _when(frame, kind), "#opening", _("Go to it"), _tone(frame, kind)
    )


def _step_of_signing(frame: Frame, state: AgreementState, side: str | None) -> NextStep:
    if side is not None:
        title = _("Read and sign for the organisation") if side == "organisation" else _("Read and sign for the ILO")
        return NextStep(title, _when(frame, _DUTY[side]), "#text", _("Read the text"), _tone(frame, _DUTY[side]))
    missing = [one for one in SIDES if one not in state.facts.signed_by]
    if len(missing) > 1:
        return NextStep(
            _("Waiting for both signatures"),
            _("The team lead signs for the organisation, the programme officer for the ILO."),
            tone="wait",
        )
    lead = missing == ["organisation"]
    title = _("Waiting for the team lead’s signature") if lead else _("Waiting for the ILO’s signature")
    return NextStep(title, _when(frame, _DUTY[missing[0]]), tone="wait")
