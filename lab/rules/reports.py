"""Reports, narrative and financial: what the team typed, read strictly, and spending held against the approved budget."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from lab.rules.calendar import add_months
from lab.rules.calls import CheckItem
from lab.rules.calls import text as text_in
from lab.rules.facts import ACTIVE, Stage
from lab.rules.lifecycle import STAGE_NAMES
from lab.rules.money import MoneyError, parse_amount
from lab.rules.records import MAX_BODY
from lab.rules.review import DOCUMENT_NAMES, DocumentKind
from lab.rules.text import N_, M, Message
from lab.rules.workplan import Problem

# Calendar days: to answer the changes that were asked for, and to send back what was not spent (ours).
ANSWER_DAYS = 14
RETURN_DAYS = 30
# What the final report on the prototype has beyond the call's sections (guide §5).
PROTOTYPE_SECTIONS: dict[str, str] = {
    "prototype": N_("The prototype, and what its tests showed"),
    "action_plan": N_("Action plan for the pilot and after"),
}
# What a reviewer can comment on beside the written sections.
OTHER_SECTIONS: dict[str, str] = {"spending": N_("Spending"), "files": N_("Files")}
STAGES_OF: dict[DocumentKind, frozenset[Stage]] = {
    DocumentKind.PROGRESS_REPORT: frozenset({Stage.PROTOTYPING, Stage.PILOT}),
    DocumentKind.PROTOTYPE_REPORT: frozenset({Stage.PROTOTYPING}),
    DocumentKind.FINAL_REPORT: frozenset({Stage.PILOT}),
}


def report_title(kind: DocumentKind, number: int) -> Message:
    """What a report is called; there is one final report of each kind, so only progress reports carry their number."""
    if kind is DocumentKind.PROGRESS_REPORT:
        return M(N_("Progress report %(number)s"), number=number)
    return M(DOCUMENT_NAMES[kind])


def sections_of(kind: DocumentKind, shared: Sequence[CheckItem], language: str) -> dict[str, str]:
    """The sections that a report of this kind must have: key → label, the call's own in ``language``."""
    found = {item.key: text_in(item.label, language) for item in shared}
    return found | PROTOTYPE_SECTIONS if kind is DocumentKind.PROTOTYPE_REPORT else found


def stage_blockers(kind: DocumentKind, stage: Stage) -> tuple[Message, ...]:
    """Why a report of this kind cannot be begun or handed in at ``stage``; empty when it can."""
    if stage in STAGES_OF[kind]:
        return ()
    return _wrong_stage(stage)


def accept_blockers(kind: DocumentKind, stage: Stage) -> tuple[Message, ...]:
    """Why a report of this kind cannot be accepted at ``stage``: accepting the prototype's starts the pilot."""
    return stage_blockers(kind, stage) if kind is DocumentKind.PROTOTYPE_REPORT else ()


def milestone_blockers(stage: Stage, *, accepted: bool) -> tuple[Message, ...]:
    """Why a milestone cannot be accepted now; empty when it can."""
    if stage not in ACTIVE:
        return _wrong_stage(stage)
    return (M(N_("This milestone is accepted already.")),) if accepted else ()


def _wrong_stage(stage: Stage) -> tuple[Message, ...]:
    return (M(N_("This is not possible in the stage the award is in: %(stage)s."), stage=STAGE_NAMES[stage]),)


@dataclass(frozen=True)
class LineFacts:
    """An approved budget line: its amount and what accepted reports have spent on it before, in the award's currency."""

    id: int
    label: str
    amount: Decimal
    spent_before: Decimal


@dataclass(frozen=True)
class ReportFrame:
    """What a report is held against: the sections it must have, the budget, the call's tolerances (fractions of a line)."""

    sections: Mapping[str, str]
    lines: tuple[LineFacts, ...]
    currency: str
    explain_over: Decimal
    amend_over: Decimal


@dataclass(frozen=True)
class SpendingLine:
    """Spending of this report on one line; ``over`` is the overspent fraction of the line (0 when within)."""

    line_id: int
    label: str
    amount: Decimal
    total: Decimal
    budget: Decimal
    over: Decimal
    needs_explanation: bool
    needs_amendment: bool
    explanation: str

    @property
    def before(self) -> Decimal:
        """What accepted reports spent on the line before this one."""
        return self.total - self.amount

    @property
    def left(self) -> Decimal:
        """What remains of the line; negative once it is overspent."""
        return self.budget - self.total


@dataclass(frozen=True)
class ReportReading:
    """A report as read: spending per line, and every problem (none: it can be submitted)."""

    spending: tuple[SpendingLine, ...]
    problems: tuple[Problem, ...]

    @property
    def spent(self) -> Decimal:
        """What this report spends, over all lines."""
        return sum((line.amount for line in self.spending), Decimal(0))

    @property
    def total(self) -> Decimal:
        """What was spent over all lines, this report included."""
        return sum((line.total for line in self.spending), Decimal(0))

    @property
    def budget(self) -> Decimal:
        """What the grant pays for, over all lines."""
        return sum((line.budget for line in self.spending), Decimal(0))


def empty_report() -> dict[str, object]:
    """The content of a report nobody has written in yet."""
    return {"sections": {}, "spending": {}, "explanations": {}, "files": []}


def clean_report(raw: Mapping[str, object]) -> dict[str, object]:
    """``raw`` cut down to the known fields as text; nothing typed is changed or cut, too long a text is a problem later."""
    content: dict[str, object] = {}
    for part in ("sections", "spending", "explanations"):
        cells = raw.get(part)
        content[part] = {str(k): str(v or "") for k, v in cells.items()} if isinstance(cells, Mapping) else {}
    files = raw.get("files")
    content["files"] = [int(f) for f in files if str(f).isdecimal()] if isinstance(files, list | tuple) else []
    return content


def _texts(content: Mapping[str, object], part: str) -> Mapping[str, str]:
    cells = content.get(part)
    return cells if isinstance(cells, dict) else {}


def read_report(content: Mapping[str, object], frame: ReportFrame) -> ReportReading:
    """Read a report's content (see :func:`clean_report`) against its frame."""
    problems: list[Problem] = []
    sections = _texts(content, "sections")
    for key, label in frame.sections.items():
        if not sections.get(key, "").strip():
            problems.append(Problem(f"sections-{key}", M(N_("Write the section “%(label)s”."), label=label)))
        _check_length(sections.get(key, ""), f"sections-{key}", label, problems)
    spending = tuple(_read_line(content, line, frame, problems) for line in frame.lines)
    return ReportReading(spending, tuple(problems))


def _check_length(typed: str, place: str, label: str, problems: list[Problem]) -> None:
    # Browsers send two characters for the line break that they count as one.
    if len(typed.replace("\r\n", "\n")) > MAX_BODY:
        message = M(N_("“%(label)s” is too long: keep it within %(limit)s characters."), label=label, limit=MAX_BODY)
        problems.append(Problem(place, message))


def _read_line(
    content: Mapping[str, object], line: LineFacts, frame: ReportFrame, problems: list[Problem]
) -> SpendingLine:
    typed = _texts(content, "spending").get(str(line.id), "")
    explanation = _texts(content, "explanations").get(str(line.id), "").strip()
    amount = _read_amount(typed, line.label, frame.currency, f"spending-{line.id}", problems)
    total = line.spent_before + amount
    over = overspent(total, line.amount)
    # A line that this report does not touch was explained in the report that overspent it.
    explain = amount > 0 and over > frame.explain_over
    if explain and not explanation:
        message = M(
            N_("“%(label)s” is overspent by %(percent)s %%: explain why, so that the officer can accept it."),
            label=line.label,
            percent=(over * 100).quantize(Decimal("0.1")),
        )
        problems.append(Problem(f"explanations-{line.id}", message))
    _check_length(explanation, f"explanations-{line.id}", line.label, problems)
    return SpendingLine(
        line.id, line.label, amount, total, line.amount, over, explain, over > frame.amend_over, explanation
    )


def overspent(total: Decimal, budget: Decimal) -> Decimal:
    """By which fraction of ``budget`` the ``total`` is over it, 0 when it is not; all that goes to a line of zero is over."""
    if total <= budget:
        return Decimal(0)
    return (total - budget) / budget if budget else Decimal(1)


def _read_amount(typed: str, label: str, currency: str, place: str, problems: list[Problem]) -> Decimal:
    if not typed.strip():
        return Decimal(0)
    try:
        return parse_amount(typed, currency)
    except MoneyError as error:
        problems.append(Problem(place, M(N_("%(label)s: %(problem)s"), label=label, problem=error.message)))
        return Decimal(0)


def report_days(began_on: date, until: date, every: int) -> tuple[date, ...]:
    """Last days of the reporting periods before the end of a stage, ``until``: one every ``every`` months (0: none)."""
    if every <= 0:
        return ()
    found, n = [], every
    while (day := add_months(began_on, n)) < until:
        found.append(day)
        n += every
    return tuple(found)
