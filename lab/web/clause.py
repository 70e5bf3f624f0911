"""The agreement between draft and signature: its clauses one by one, and what they oblige to once it is in force."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from lab import clock
from lab.extensions import db
from lab.forms.agreement import DoneForm, ReasonForm, TalkForm, WordingForm
from lab.queries.awards import facts_with
from lab.queries.clauses import agreement_document, frozen_version, revisions_of, talk_of
from lab.rules.agreement import covers_obligations, text_hash
from lab.rules.clauses import gone, in_words, obliges, settling_blockers, wording_blockers
from lab.rules.errors import Conflict, NotFound
from lab.rules.permissions import Action
from lab.rules.wording import changes
from lab.services import clause_duties, clauses
from lab.web.access import actor, allowed, door
from lab.web.agreement import HERE, agreement_page
from lab.web.attempts import carry_out, press
from lab.web.clause_views import (
    clause_in,
    contributions_of,
    language_name,
    last_proposal,
    offered,
    said_of,
    talk_label,
    text_clauses,
    wordings_of,
)
from lab.web.frame import award_page, load_frame
from lab.web.words import instant, say

bp = Blueprint("clause", __name__)
_BASE = "/awards/<award_code>/agreement"
_CLAUSE = f"{_BASE}/clauses/<key>"


def _back(award_code: str, key: str, anchor: str) -> Response:
    return redirect(url_for("clause.show", award_code=award_code, key=key, _anchor=anchor), 303)


def _page(
    award_code: str,
    key: str,
    status: int = 200,
    wording: WordingForm | None = None,
    talk: TalkForm | None = None,
    differences: list[tuple[str, str, str]] | None = None,
) -> Any:
    frame = load_frame(award_code, HERE)
    document = agreement_document(db.session(), frame.award.id)
    clause = clause_in(document, key)
    if document is None or clause is None:
        raise NotFound("clause")
    revisions = revisions_of(db.session(), frame.award.id, key)
    said = talk_of(db.session(), frame.award.id, key)
    facts = facts_with(db.session(), frame.award, None)
    blocked = [say(reason) for reason in wording_blockers(facts)]
    newest, language = len(revisions), document.draft["language"]
    if not blocked and allowed(Action.CHANGE_CLAUSE) and wording is None:
        wording = WordingForm(formdata=None, text=clause["text"], revision=newest)
    if not blocked and allowed(Action.DISCUSS_CLAUSE) and talk is None:
        talk = TalkForm(formdata=None, proposal=clause["text"])
    label, tone = talk_label(said_of(said))
    context = {
        "clause": clause,
        "language": language,
        "language_name": language_name(language),
        "blocked": blocked,
        "against_template": changes(revisions[0].text, clause["text"]) if newest > 1 else (),
        "wordings": wordings_of(revisions, clause, language),
        "gone": [in_words(plan, language) for plan in gone(clause)],
        "talk": contributions_of(said, revisions),
        "talk_label": label,
        "talk_tone": tone,
        "can_settle": not blocked and allowed(Action.DISCUSS_CLAUSE) and not settling_blockers(said_of(said)),
        "wording_form": offered(wording, clause, language) if wording else None,
        "talk_form": talk,
        "differences": differences or [],
        "obliges": obliges(clause, language),
        "proposed": last_proposal(said, revisions, clause),
    }
    return award_page("agreement/clause.html", award_code, HERE, frame, status, **context)


@door(bp, _CLAUSE, Action.SEE_AGREEMENT)
def show(award_code: str, key: str) -> Any:
    """One clause: its text, how it came to be worded so, and the talk about it."""
    return _page(award_code, key)


@door(bp, f"{_BASE}/draft", Action.DRAFT_AGREEMENT, methods=("POST",))
def draft(award_code: str) -> Response:
    """Draft the agreement, for both sides to negotiate."""
    press(
        lambda: clauses.draft_agreement(actor(), clock.now(), award_code),
        _("The agreement is drafted. The team lead has been told to read it."),
    )
    return redirect(url_for(HERE, award_code=award_code, _anchor="draft"), 303)


@door(bp, f"{_CLAUSE}/change", Action.CHANGE_CLAUSE, methods=("POST",))
def change(award_code: str, key: str) -> Any:
    """Reword a clause."""
    form = WordingForm()
    try:
        done = carry_out(
            form,
            lambda: clauses.change_clause(
                actor(),
                clock.now(),
                award_code,
                key,
                form.text.data or "",
                form.revision.data or 0,
                form.standing.data or (),
                drop_rest=bool(form.drop_rest.data),
            ),  # fmt: skip
        )
    except Conflict as error:
        db.session.rollback()
        theirs = str(error.theirs["text"])
        form.form_errors.append(say(error.reasons[0]))
        # Sent again, it is meant for the wording that is shown now.
        form.revision.data, form.revision.raw_data = error.revision, None
        return _page(award_code, key, 409, wording=form, differences=[(_("Text"), form.text.data or "", theirs)])
    if not done:
        return _page(award_code, key, 422, wording=form)
    flash(_("The clause is reworded. The team lead has been told."), "success")
    return _back(award_code, key, "wordings")


@door(bp, f"{_CLAUSE}/talk", Action.DISCUSS_CLAUSE, methods=("POST",))
def discuss(award_code: str, key: str) -> Any:
    """Say something about a clause, or propose another wording."""
    form = TalkForm()
    if not carry_out(
        form,
        lambda: clauses.discuss_clause(
            actor(), clock.now(), award_code, key, form.body.data or "", form.proposal.data or ""
        ),
    ):
        return _page(award_code, key, 422, talk=form)
    flash(_("Your comment is there. The other side has been told."), "success")
    return _back(award_code, key, "talk")


@door(bp, f"{_CLAUSE}/settle", Action.DISCUSS_CLAUSE, methods=("POST",))
def settle(award_code: str, key: str) -> Response:
    """Settle the talk about a clause."""
    press(
        lambda: clauses.discuss_clause(actor(), clock.now(), award_code, key, "", settle_it=True),
        _("The talk about this clause is settled. Whoever writes again opens it."),
    )
    return _back(award_code, key, "talk")


@door(bp, f"{_BASE}/take-back", Action.OPEN_AGREEMENT, methods=("POST",))
def take_back(award_code: str) -> Any:
    """Take the frozen text back to be negotiated."""
    form = ReasonForm().called("back")
    if not carry_out(form, lambda: clauses.take_back(actor(), clock.now(), award_code, form.reason.data or "")):
        return agreement_page(award_code, 422, back=form)
    flash(_("The agreement is taken back. Its clauses can be negotiated again."), "success")
    return redirect(url_for(HERE, award_code=award_code, _anchor="draft"), 303)


@door(bp, f"{_BASE}/versions/<int:number>", Action.SEE_AGREEMENT)
def version(award_code: str, number: int) -> Any:
    """A text as it was frozen, also one that was taken back."""
    frame = load_frame(award_code, HERE)
    found = frozen_version(db.session(), frame.award.id, number)
    context = {
        "version": found,
        "clauses": text_clauses(found.content),
        "covers_obligations": covers_obligations(found.content),
        "language": found.content["language"],
        "language_name": language_name(found.content["language"]),
        "hash": text_hash(found.content),
        "opened": _(
            "Opened for signature by %(name)s, %(when)s.", name=found.submitter.name, when=instant(found.submitted_at)
        ),
        "taken_back": _("Taken back by %(name)s, %(when)s.", name=found.decider.name, when=instant(found.decided_at))
        if found.decision == "taken_back" and found.decider and found.decided_at
        else "",
    }
    return award_page("agreement/version.html", award_code, HERE, frame, **context)


@door(bp, f"{_BASE}/duties/<int:obligation_id>", Action.KEEP_CLAUSE, methods=("POST",))
def done(award_code: str, obligation_id: int) -> Any:
    """Something is done that the agreement obliges to."""
    form = DoneForm().about(obligation_id)
    if not carry_out(
        form,
        lambda: clause_duties.keep_duty(actor(), clock.now(), award_code, obligation_id, form.note.data or ""),
    ):
        return agreement_page(award_code, 422, done=(obligation_id, form))
    flash(_("It is noted as done."), "success")
    return redirect(url_for(HERE, award_code=award_code, _anchor="obliges"), 303)
