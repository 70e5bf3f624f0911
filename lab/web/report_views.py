"""Reports and milestones as their pages show them: what is due, one report with its versions, and whose turn it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from flask import url_for
from flask_babel import gettext as _

from lab.extensions import db
from lab.forms.report import EvidenceForm, place
from lab.queries.awards import money_of
from lab.queries.report import ReportPage, ReportRow, find_report, frame_of, lines_of, milestones_of, reports_of
from lab.queries.upload import file_ids, uploads_of
from lab.rules.errors import NotFound
from lab.rules.permissions import Action
from lab.rules.reports import (
    OTHER_SECTIONS,
    ReportReading,
    SpendingLine,
    accept_blockers,
    milestone_blockers,
    read_report,
    report_title,
    sections_of,
    stage_blockers,
)
from lab.rules.review import EDITABLE, REPORT_KINDS, STATE_NAMES, DocumentKind, ReviewState
from lab.web.access import allowed
from lab.web.drafts import Talk, talks_on
from lab.web.files import FileCard, card
from lab.web.frame import Frame, load_frame
from lab.web.task_links import NextStep
from lab.web.words import Due, day, due, instant, locale, moment, percent, say, sentence

if TYPE_CHECKING:
    from lab.models import Milestone, Upload, Version

HERE = "report.index"


# The list --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ReportCard:
    """A report in the list. ``due`` is None once it is accepted, ``turn`` names whoever must act."""

    title: str
    href: str
    state: str
    state_label: str
    due: Due | None
    turn: str
    note: str


def report_cards(frame: Frame, rows: Iterable[ReportRow]) -> list[ReportCard]:
    """Reports that are due or were begun: open ones first, the soonest on top, then those that are accepted."""
    begun = {(row.kind, row.number): row for row in rows}
    dues: dict[tuple[DocumentKind, int], datetime] = {}
    for owed in frame.obligations:
        head, *rest = owed.key.split(":")
        if head in ("report", "review") and len(rest) == 2:
            dues[DocumentKind(rest[0]), int(rest[1])] = owed.due_at
    keys = [*sorted(dues, key=lambda key: (dues[key], key)), *(key for key in reversed(begun) if key not in dues)]
    return [_card(frame, kind, number, begun.get((kind, number)), dues.get((kind, number))) for kind, number in keys]


def _card(frame: Frame, kind: DocumentKind, number: int, row: ReportRow | None, due_at: datetime | None) -> ReportCard:
    state = row.state if row else None
    note = ""
    if row and row.versions:
        note = _("Version %(number)s, submitted %(when)s", number=row.versions, when=instant(row.submitted_at))
    turn = ""
    if state is ReviewState.SUBMITTED:
        turn = _("The programme officer reviews it")
    elif state is not ReviewState.ACCEPTED and not frame.ended:
        turn = _("The team writes it") if state is not ReviewState.CHANGES_REQUESTED else _("The team answers")
    return ReportCard(
        title=say(report_title(kind, number)),
        href=url_for("report.show", award_code=frame.award.code, kind=kind, number=number),
        state=state or "plain",
        state_label=say(STATE_NAMES[state]) if state else _("Not begun"),
        due=due(due_at, frame.definition.time_zone) if due_at else None,
        turn=turn,
        note=note,
    )


@dataclass(frozen=True)
class MilestoneCard:
    """A milestone of the approved plan; ``form`` is there for whoever may accept it now."""

    number: int
    title: str
    proof: str
    due: str
    state: str
    state_label: str
    evidence: str
    form: EvidenceForm | None


def milestone_cards(frame: Frame, failed: tuple[int, EvidenceForm] | None = None) -> list[MilestoneCard]:
    """The milestones in the plan's order, in one statement. ``failed`` is a form that was refused, by its milestone."""
    dues = {owed.key: owed.due_at for owed in frame.obligations}
    forms = dict([failed] if failed else [])
    return [
        _milestone_card(frame, one, dues.get(f"milestone:{one.number}"), forms.get(one.number))
        for one in milestones_of(db.session(), frame.award.id)
    ]


def _milestone_card(
    frame: Frame, milestone: Milestone, due_at: datetime | None, failed: EvidenceForm | None
) -> MilestoneCard:
    zone = frame.definition.time_zone
    left = due(due_at, zone) if due_at else None
    if milestone.accepted_at is not None:
        state, label = "accepted", _("Accepted %(when)s", when=instant(milestone.accepted_at))
    elif left is not None:
        state, label = left.tone, left.label
    else:
        state, label = "plain", _("Not accepted")
    form = failed
    closed = milestone_blockers(frame.stage, accepted=milestone.accepted_at is not None)
    if form is None and not closed and allowed(Action.ACCEPT_MILESTONE):
        form = EvidenceForm(formdata=None).about(milestone.number)
    return MilestoneCard(
        number=milestone.number,
        title=milestone.title,
        proof=milestone.proof,
        due=moment(due_at, zone) if due_at else day(milestone.due_on),
        state=state,
        state_label=label,
        evidence=milestone.evidence,
        form=form,
    )


def list_context(frame: Frame, failed: tuple[int, EvidenceForm] | None = None) -> dict[str, Any]:
    """Everything that the page of the list shows, in two statements beside the frame's."""
    return {
        "reports": report_cards(frame, reports_of(db.session(), frame.award.id)),
        "milestones": milestone_cards(frame, failed),
    }


# One report ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SpendingRow:
    """A budget line in a report: as read, what was typed, and whether it is over the call's tolerances."""

    id: int
    label: str
    budget: Decimal
    before: Decimal
    amount: Decimal
    total: Decimal
    left: Decimal
    typed: str
    explanation: str
    tone: str
    mark: str


@dataclass(frozen=True)
class ReportView:
    """A report's content for reading: (key, label, text) of its sections, spending per line, and its files."""

    sections: list[tuple[str, str, str]]
    spending: list[SpendingRow]
    reading: ReportReading
    files: list[FileCard]
    problems: list[tuple[str, str]]


@dataclass(frozen=True)
class Desk:
    """Everything that the pages of one report are made of. ``page`` is None until somebody begins the report."""

    frame: Frame
    kind: DocumentKind
    number: int
    page: ReportPage | None
    due_at: datetime | None
    title: str
    sections: dict[str, str]
    talks: dict[int, list[Talk]]
    uploads: list[Upload]

    @property
    def code(self) -> str:
        """The award's code."""
        return self.frame.award.code

    @property
    def state(self) -> ReviewState | None:
        """Where the report stands; None before it is begun."""
        return self.page.state if self.page else None

    @property
    def state_label(self) -> str:
        """The state in words."""
        return say(STATE_NAMES[self.state]) if self.state else _("Not begun")

    @property
    def due(self) -> Due | None:
        """By when whoever has the turn must act."""
        return due(self.due_at, self.frame.definition.time_zone) if self.due_at else None

    @property
    def newest(self) -> Version | None:
        """The version handed in last."""
        return self.page.newest if self.page else None

    @property
    def versions(self) -> list[Version]:
        """The versions handed in, oldest first."""
        return self.page.versions if self.page else []

    @property
    def writing(self) -> bool:
        """Whether it is the team's turn to write."""
        return self.state in EDITABLE and self.frame.award.ended_at is None

    @property
    def commentable(self) -> dict[str, str]:
        """What the reviewer can comment on: key → label."""
        return {**self.sections, **{key: say(label) for key, label in OTHER_SECTIONS.items()}}

    @property
    def blocked(self) -> str:
        """Why this report cannot be begun or handed in at the award's stage; empty when it can."""
        return sentence(stage_blockers(self.kind, self.frame.stage))

    def url(self, name: str, **values: Any) -> str:
        """The address of one of this report's pages, such as ``edit``."""
        return url_for(f"report.{name}", award_code=self.code, kind=self.kind, number=self.number, **values)

    def waiting(self) -> list[FileCard]:
        """The files that lie with the draft."""
        return [card(one, self.code) for one in self.uploads if one.removed_at is None]


def upload_place(kind: str, number: int) -> str:
    """Where the files of a report lie."""
    return f"report:{kind}:{number}"


def load_desk(award_code: str, kind: str, number: int) -> Desk:
    """Load a report's page: two statements for the frame, up to four for the report. Raises NotFound when none is due."""
    if kind not in REPORT_KINDS:
        raise NotFound("report")
    report = DocumentKind(kind)
    frame = load_frame(award_code, HERE)
    page = find_report(db.session(), frame.award.id, report, number)
    key = f"{report}:{number}"
    due_at = next((o.due_at for o in frame.obligations if o.key in (f"report:{key}", f"review:{key}")), None)
    if page is None and due_at is None:
        raise NotFound("report")
    sections = sections_of(report, frame.definition.reports.sections, locale())
    labels = {name: say(label) for name, label in sections.items()}
    uploads = uploads_of(db.session(), frame.award.id, upload_place(report, number)) if page else []
    named = {**labels, **OTHER_SECTIONS}
    talks = {version.number: talks_on(page, version, named) for version in page.versions} if page else {}
    return Desk(frame, report, number, page, due_at, say(report_title(report, number)), labels, talks, uploads)


def view_of(desk: Desk, content: Mapping[str, Any], before: datetime | None = None) -> ReportView:
    """``content`` held against the budget, in one statement; ``before`` (UTC) is when a version was decided on."""
    assert desk.page is not None
    award = desk.frame.award
    lines = lines_of(db.session(), award, desk.page.document.id, before)
    frame = frame_of(desk.kind, award, desk.frame.definition, lines, locale())
    reading = read_report(content, frame)
    texts, typed = content.get("sections", {}), content.get("spending", {})
    explained = content.get("explanations", {})
    rows = []
    for line in reading.spending:
        tone, mark = _mark(line)
        key = str(line.line_id)
        rows.append(
            SpendingRow(
                line.line_id, line.label, line.budget, line.before, line.amount, line.total, line.left,
                typed.get(key, ""), explained.get(key, ""), tone, mark,
            )
        )  # fmt: skip
    named = set(file_ids(content))
    return ReportView(
        sections=[(key, label, texts.get(key, "")) for key, label in desk.sections.items()],
        spending=rows,
        reading=reading,
        files=[card(one, desk.code) for one in desk.uploads if one.id in named],
        problems=[(place(problem.place), say(problem.message)) for problem in reading.problems],
    )


def _mark(line: SpendingLine) -> tuple[str, str]:
    """Colour and words for a line that is overspent by more than the call lets pass."""
    if line.needs_amendment:
        return "bad", _("%(share)s over: amendment needed", share=percent(line.over))
    if line.needs_explanation:
        if line.explanation:
            return "warn", _("%(share)s over, explained", share=percent(line.over))
        return "warn", _("%(share)s over: explanation needed", share=percent(line.over))
    return "", ""


def version_view(desk: Desk, version: Version) -> ReportView:
    """A version as it was handed in, held against what had been spent when it was decided on."""
    return view_of(desk, version.content, version.decided_at)


def differences(view: ReportView, mine: Mapping[str, Any], theirs: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """(place, my text, their text) of what differs between two drafts of the report in ``view``."""
    labels = {str(row.id): row.label for row in view.spending}
    found = [(label, "sections", key) for key, label, _text in view.sections]
    found += [(_("Spending on “%(line)s”", line=label), "spending", key) for key, label in labels.items()]
    found += [(_("Explanation of “%(line)s”", line=label), "explanations", key) for key, label in labels.items()]
    pairs = [(label, mine.get(part, {}).get(key, ""), theirs.get(part, {}).get(key, "")) for label, part, key in found]
    return [(label, one, other) for label, one, other in pairs if one != other]


# Whose turn it is ------------------------------------------------------------------------------------------------


def step_of(desk: Desk) -> NextStep | None:
    """What this reader does next with the report, or whom everybody waits for."""
    if desk.state is ReviewState.ACCEPTED:
        return NextStep(
            _("This report is accepted"), _("Its spending counts, and it stays here as it is."), tone="done"
        )
    if desk.frame.ended:
        return None
    if desk.state is ReviewState.SUBMITTED:
        return _review_step(desk)
    team = allowed(Action.EDIT_REPORT)
    asked = desk.state is ReviewState.CHANGES_REQUESTED
    late = "late" if desk.due and desk.due.tone == "late" else ""
    if not team:
        title = _("The team answers what was asked") if asked else _("The team writes this report")
        return NextStep(title, _("You read each version here once it is submitted."), tone="wait")
    if desk.page is None:
        title = _("Begin the report")
        text = desk.blocked or _("It is your team’s own draft, saved as you type, until the lead submits it.")
        return NextStep(title, text, tone="wait" if desk.blocked else late)
    title = _("Answer what was asked for") if asked else _("Finish the report and submit it")
    text = desk.blocked or _("The draft is your team’s own until the lead submits it.")
    return NextStep(title, text, desk.url("edit"), _("Answer") if asked else _("Write"), late)


def _review_step(desk: Desk) -> NextStep:
    assert desk.newest is not None
    number = desk.newest.number
    if allowed(Action.REVIEW_REPORT):
        title = _("Review version %(number)s", number=number)
        return NextStep(
            title, _("The team waits for your answer."), desk.url("review"), _("Review it now"),
            "late" if desk.due and desk.due.tone == "late" else "",
        )  # fmt: skip
    return NextStep(_("The ILO is reviewing version %(number)s", number=number), tone="wait")


@dataclass(frozen=True)
class Consequence:
    """What accepting causes beyond the report itself, said before the button; ``blockers`` keep it from happening."""

    text: str
    unspent: Decimal | None
    blockers: list[str]


def consequence_of(desk: Desk, reading: ReportReading) -> Consequence:
    """What accepting the newest version causes, in one statement at most."""
    if desk.kind is DocumentKind.PROTOTYPE_REPORT:
        found = [say(reason) for reason in accept_blockers(desk.kind, desk.frame.stage)]
        months = desk.frame.definition.stages.pilot_months_max
        text = _("Accepting this report starts the pilot today. It may last %(months)s months at most.", months=months)
        return Consequence(text, None, found)
    if desk.kind is not DocumentKind.FINAL_REPORT:
        return Consequence(_("Accepting makes the report’s spending count."), None, [])
    paid, returned, spent = money_of(db.session(), desk.frame.award)
    unspent = max(Decimal(0), paid - returned - spent - reading.spent)
    if not unspent:
        return Consequence(_("Nothing is left unspent: the team has nothing to return."), None, [])
    return Consequence(_("Accepting makes the money that was not spent due back within 30 days:"), unspent, [])
