"""What the page of the agreement shows to this reader: the items, the text, the signatures, and what is next for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from babel import Locale
from flask import url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from lab import clock
from lab.forms.agreement import DoneForm, EvidenceForm, OpeningForm, ReasonForm
from lab.forms.signature import SignForm
from lab.queries.agreement import AgreementState
from lab.rules.agreement import (
    DUE_DILIGENCE,
    covers_obligations,
    items_of,
    opening_blockers,
    reopening_blockers,
    text_hash,
    to_freeze,
)
from lab.rules.clauses import drafting_blockers, open_talks_reason, taking_back_blockers
from lab.rules.facts import Stage
from lab.rules.obligations import ObligationKind
from lab.rules.permissions import Action
from lab.rules.uploads import EXTENSIONS
from lab.web.access import allowed, config
from lab.web.clause_views import ClauseView, clause_links, draft_clauses, duty_views, text_clauses
from lab.web.diligence_views import is_staff, item_views
from lab.web.frame import Frame
from lab.web.signature_views import Signing, in_force_since, signing_of, step_of_signing
from lab.web.task_links import NextStep
from lab.web.words import due, instant, page_language, say, sentence


@dataclass(frozen=True)
class TextView:
    """The frozen text: its language, its clauses, its SHA-256 (whether that covers what they oblige to), who opened it when."""

    language: str
    language_name: str
    clauses: list[ClauseView]
    hash: str
    covers_obligations: bool
    opened: str


def page_context(
    frame: Frame, state: AgreementState, refused: Mapping[str, EvidenceForm], sign: SignForm | None
) -> dict[str, Any]:
    """The page for this reader; ``refused`` and ``sign`` are forms that were not taken, by item and for the signature."""
    shown, signing = _text(state), signing_of(frame, state, sign)
    return {
        "step": _next_step(frame, state, signing),
        "standing": _badge(state),
        "items": item_views(frame, state, refused),
        "reopening": sentence(reopening_blockers(DUE_DILIGENCE, state.facts)) if state.checks else "",
        "opening": [say(reason) for reason in opening_blockers(state.facts)],
        "text": shown,
        "signing": signing,
        # Refused where there is no form to sign any more: said on top of the page.
        "refusal": sign if signing.form is None else None,
        "is_staff": is_staff(),
    }


def draft_context(
    frame: Frame,
    state: AgreementState,
    opening: OpeningForm | None,
    back: ReasonForm | None,
    done: tuple[int, DoneForm] | None,
) -> dict[str, Any]:
    """What the page shows of the draft that is negotiated, of texts taken back, and of what the agreement obliges to."""
    clauses = draft_clauses(frame, state)
    talked = open_talks_reason([clause.title for clause in clauses if clause.tone == "changes"])
    may_take_back = allowed(Action.OPEN_AGREEMENT) and not taking_back_blockers(state.facts)
    number, form = done or (0, None)
    return {
        "draft": clauses,
        "draft_language": state.document.draft["language"] if clauses and state.document else "",
        "drafting_possible": not drafting_blockers(state.facts) and allowed(Action.DRAFT_AGREEMENT),
        "talked": [say(reason) for reason in talked],
        "opening_form": _opening_form(state, opening),
        "back_form": back or (ReasonForm(formdata=None).called("back") if may_take_back else None),
        "histories": clause_links(frame, state),
        "former": [
            (version.number, version.reason, instant(version.decided_at) if version.decided_at else "")
            for version in state.former
        ],
        "duties": duty_views(frame, state, form, number),
        "max_bytes": config().upload_limit,
        "extensions": EXTENSIONS,
    }


def _badge(state: AgreementState) -> tuple[str, str]:
    if state.facts.agreement_in_force:
        return "in_force", _("In force")
    if state.facts.agreement_drafted:
        return "submitted", _("Being negotiated")
    return ("open", _("Open for signature")) if state.version is not None else ("plain", _("Not open yet"))


# The text -------------------------------------------------------------------------------------------------------


def _text(state: AgreementState) -> TextView | None:
    version = state.version
    if version is None:
        return None
    language = version.content["language"]
    return TextView(
        language=language,
        language_name=Locale.parse(page_language()).languages.get(language, language),
        clauses=text_clauses(version.content),
        # Computed from the text that is shown here, not read from beside it.
        hash=text_hash(version.content),
        covers_obligations=covers_obligations(version.content),
        opened=_(
            "Opened for signature by %(name)s, %(when)s.",
            name=version.submitter.name,
            when=instant(version.submitted_at),
        ),
    )


# What is next ---------------------------------------------------------------------------------------------------


def _next_step(frame: Frame, state: AgreementState, signing: Signing) -> NextStep:
    facts = state.facts
    if frame.ended:
        return NextStep(
            _("The award has ended: %(stage)s", stage=frame.stage_label),
            _("What was checked and signed stays readable here. Nothing is left to do."),
            tone="done",
        )
    if facts.agreement_in_force:
        since = in_force_since(state)
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
    return step_of_signing(frame, state, signing)


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
    standing = len(state.checks) - len(state.facts.expired_documents)
    left = len(items_of(frame.definition, DUE_DILIGENCE)) - standing
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


def _opening_form(state: AgreementState, refused: OpeningForm | None) -> OpeningForm:
    form = refused or OpeningForm(formdata=None).called("opening")
    if state.facts.agreement_drafted and state.document is not None:
        # The text on the page is whole and new: what is opened next is what is shown now.
        form.shown_hash.data = to_freeze(state.document.draft)["hash"]
    return form


def _step_of_opening(frame: Frame) -> NextStep:
    kind = ObligationKind.OPEN_AGREEMENT
    if not allowed(Action.OPEN_AGREEMENT):
        return NextStep(_("The programme officer opens the agreement for signature"), _when(frame, kind), tone="wait")
    return NextStep(
        _("Open the agreement for signature"), _when(frame, kind), "#opening", _("Go to it"), _tone(frame, kind)
    )
