"""Clauses as pages show them: how each was worded, word by word, what was said about it, and what it obliges to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from babel import Locale
from flask import url_for
from flask_babel import gettext as _

from lab import clock
from lab.forms.agreement import DoneForm, WordingForm
from lab.forms.base import options
from lab.queries.agreement import AgreementState
from lab.rules.clauses import OUTLIVES, OWED_AS, Obliges, Said, gone, in_words, obliges, turn
from lab.rules.facts import Role, Stage
from lab.rules.obligations import PARTY_NAMES, ObligationKind, ObligationState, Party, overdue_days, sentence
from lab.rules.permissions import Action
from lab.rules.wording import Piece, changes
from lab.web.access import actor, allowed
from lab.web.frame import Frame
from lab.web.task_links import href_of
from lab.web.words import due, instant, page_language, say

if TYPE_CHECKING:
    from lab.models import ClauseComment, ClauseRevision, Document, Obligation


@dataclass(frozen=True)
class ClauseView:
    """A clause of a text, with what it obliges to."""

    title: str
    text: str
    obliges: Obliges | None


@dataclass(frozen=True)
class DraftClause(ClauseView):
    """A clause in the list of a draft: reworded or not, talked about or settled, and whose turn it is."""

    href: str
    wording: str
    talk: str
    tone: str


@dataclass(frozen=True)
class Wording:
    """A wording that a clause has had, as the changes from the one before; ``gone`` and ``back`` are the obligations that
    went or came back with it, as sentences."""

    number: int
    by: str
    pieces: tuple[Piece, ...]
    gone: list[str]
    back: list[str]


@dataclass(frozen=True)
class Contribution:
    """What somebody said about a clause; ``proposal`` as the changes from the wording that it had then, number ``revision``."""

    author: str
    side: str
    when: str
    body: str
    revision: int
    proposal: tuple[Piece, ...]
    settles: bool


@dataclass(frozen=True)
class Proposal:
    """The wording that was proposed last: against the one that its author had before them, and against today's where that
    is another (else empty). ``taken``: it is today's, word by word."""

    author: str
    revision: int
    then: tuple[Piece, ...]
    now: tuple[Piece, ...]
    taken: bool


@dataclass(frozen=True)
class DutyView:
    """Something that the agreement obliges to: when, whom, under which clause, and how it stands."""

    id: int
    title: str
    clause: str
    owner: str
    when: str
    state: str
    state_label: str
    note: str
    href: str
    form: DoneForm | None


SIDE_NAMES = {"organisation": PARTY_NAMES[Party.TEAM], "ilo": PARTY_NAMES[Party.OFFICER]}


def language_name(language: str) -> str:
    """A language in the page's words."""
    return str(Locale.parse(page_language()).languages.get(language, language))


def draft_clauses(frame: Frame, state: AgreementState) -> list[DraftClause]:
    """The clauses of a draft that can be negotiated, in order; none without one."""
    if not state.facts.agreement_drafted or state.document is None:
        return []
    found = []
    for clause in state.document.draft["clauses"]:
        talk = state.negotiation.talks.get(clause["key"], [])
        number = state.negotiation.wordings.get(clause["key"], 1)
        label, tone = talk_label(talk)
        found.append(
            DraftClause(
                title=clause["title"],
                text=clause["text"],
                obliges=obliges(clause, state.document.draft["language"]),
                href=url_for("clause.show", award_code=frame.award.code, key=clause["key"]),
                wording=_("Wording %(number)s", number=number) if number > 1 else "",
                talk=label,
                tone=tone,
            )
        )
    return found


def clause_links(frame: Frame, state: AgreementState) -> list[tuple[str, str]]:
    """Title and page of each clause of a frozen text, where its wordings and the talk about it stay readable."""
    if state.version is None or state.document is None:
        return []
    return [
        (clause["title"], url_for("clause.show", award_code=frame.award.code, key=clause["key"]))
        for clause in state.document.draft["clauses"]
    ]


def talk_label(talk: Sequence[Said]) -> tuple[str, str]:
    """How the talk about a clause stands, and the tone of its badge; empty when nobody has spoken."""
    if not talk:
        return "", ""
    side = turn(talk)
    if side is None:
        return _("Settled"), "resolved"
    answers = _("The team answers") if side == "organisation" else _("The programme officer answers")
    return answers, "changes"


def said_of(talk: Sequence[ClauseComment]) -> list[Said]:
    """The talk as the rules read it."""
    return [Said(one.side, one.settles) for one in talk]


def wordings_of(revisions: Sequence[ClauseRevision], clause: Mapping[str, Any], language: str) -> list[Wording]:
    """Every wording with what it changed, newest first; the first is the call's template."""
    before = {later.number: earlier.text for earlier, later in zip(revisions, revisions[1:], strict=False)}
    former = [(entry["gone"], entry["back"], in_words(entry["plan"], language)) for entry in clause.get("former", [])]
    return [
        Wording(
            one.number,
            f"{one.author.name}, {instant(one.at)}",
            changes(before.get(one.number, one.text), one.text),
            [said for went, _back, said in former if went == one.number],
            [said for _went, back, said in former if back == one.number],
        )
        for one in reversed(revisions)
    ]


def last_proposal(
    talk: Sequence[ClauseComment], revisions: Sequence[ClauseRevision], clause: Mapping[str, Any]
) -> Proposal | None:
    """The wording that was proposed last; None when nobody has proposed one."""
    one = next((one for one in reversed(talk) if one.proposal), None)
    if one is None:
        return None
    against = next((past.text for past in revisions if past.number == one.revision), "")
    now = str(clause["text"])
    return Proposal(
        author=one.author.name,
        revision=one.revision,
        then=changes(against, one.proposal),
        now=changes(now, one.proposal) if now not in (against, one.proposal) else (),
        taken=one.proposal == now,
    )


def contributions_of(talk: Sequence[ClauseComment], revisions: Sequence[ClauseRevision]) -> list[Contribution]:
    """What was said, oldest first."""
    texts = {one.number: one.text for one in revisions}
    return [
        Contribution(
            author=one.author.name,
            side=say(SIDE_NAMES[one.side]),
            when=instant(one.at),
            body=one.body,
            revision=one.revision,
            proposal=changes(texts.get(one.revision, ""), one.proposal) if one.proposal else (),
            settles=one.settles,
        )
        for one in talk
    ]


def text_clauses(content: Mapping[str, Any]) -> list[ClauseView]:
    """The clauses of a text that was frozen, in order."""
    return [
        ClauseView(clause["title"], clause["text"], obliges(clause, content["language"]))
        for clause in content["clauses"]
    ]


def offered(form: WordingForm, clause: Mapping[str, Any], language: str) -> WordingForm:
    """The form with a tick for everything that the clause obliges to, and for what it obliged to before."""
    pairs = [(plan["key"], in_words(plan, language)) for plan in clause.get("obligations", [])]
    pairs += [
        (plan["key"], _("%(obligation)s (no longer stands)", obligation=in_words(plan, language)))
        for plan in gone(clause)
    ]
    form.standing.choices = options(pairs)
    return form


def duty_views(frame: Frame, state: AgreementState, refused: DoneForm | None, refused_id: int) -> list[DutyView]:
    """What the agreement in force obliges to; ``refused`` is a form that was not taken, for ``refused_id``."""
    return [_duty(frame, owed, refused if owed.id == refused_id else None) for owed in state.duties]


def _duty(frame: Frame, owed: Obligation, refused: DoneForm | None) -> DutyView:
    kind, is_open = ObligationKind(owed.kind), owed.state == ObligationState.OPEN
    owed.award = frame.award
    when = due(owed.due_at, frame.definition.time_zone)
    shown, label = _standing(owed, when.label)
    return DutyView(
        id=owed.id,
        title=say(sentence(kind, owed.params, overdue_days(owed.due_at, clock.now()) if is_open else None)),
        clause=str(owed.params["clause_title"]),
        owner=say(PARTY_NAMES[Party(owed.debtor)]),
        when=f"{when.reader} ({when.geneva})" if when.geneva else when.reader,
        state=shown,
        state_label=label,
        note=_note(owed),
        href=href_of(owed) if kind not in OWED_AS.values() else "",
        form=refused or (DoneForm(formdata=None).about(owed.id) if is_open and _may(kind, frame) else None),
    )


def _may(kind: ObligationKind, frame: Frame) -> bool:
    if kind not in OWED_AS.values() or frame.stage is Stage.SUSPENDED or not allowed(Action.KEEP_CLAUSE):
        return False
    return kind is not OUTLIVES or Role.OFFICER in actor().programme


def _standing(owed: Obligation, label: str) -> tuple[str, str]:
    if owed.state == ObligationState.DISCHARGED:
        return "discharged", _("Done")
    if owed.state == ObligationState.WAIVED:
        return "plain", _("No longer owed")
    return ("late" if owed.due_at <= clock.now() else "due"), label


def _note(owed: Obligation) -> str:
    note, by = owed.params.get("note"), owed.params.get("by")
    if not note or owed.closed_at is None:
        return ""
    return str(_("%(note)s (%(name)s, %(when)s)", note=note, name=by, when=instant(owed.closed_at)))


def clause_in(document: Document | None, key: str) -> Mapping[str, Any] | None:
    """The clause of that key in the agreement's newest text."""
    return next((one for one in (document.draft["clauses"] if document else []) if one["key"] == key), None)
