"""An amendment that is being written, as its form shows it: by kind, with what stands, what was typed and what speaks against it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property
from typing import Any

from flask import url_for
from flask_babel import gettext as _

from lab import clock
from lab.extensions import db
from lab.forms.amendment import Written, day_place, written_in
from lab.forms.workplan import Typed
from lab.queries.amendment import AmendmentPage, get_amendment, terms_of
from lab.rules import calls
from lab.rules.amendment import AMENDABLE, KIND_NAMES, AmendmentKind, Ground, Payment, Terms, beyond_ceiling
from lab.rules.amendment_effect import Outcome, amended
from lab.rules.amendment_payments import MILESTONE
from lab.rules.amendment_plan import frame_for
from lab.rules.amendment_rebase import Rebased, rebased
from lab.rules.bank_account import ACCOUNT_FIELDS, change_blockers
from lab.rules.disbursement import TRANCHE_NAMES, TrancheState
from lab.rules.errors import NotAllowed
from lab.rules.facts import Stage
from lab.rules.lifecycle import STAGE_NAMES
from lab.rules.money import MoneyError, parse_amount
from lab.rules.permissions import Action
from lab.rules.review import EDITABLE
from lab.rules.workplan import STAGES, Problem, Reading
from lab.rules.workplan_content import clean_content
from lab.web.access import allowed
from lab.web.amendment import HERE, my_side
from lab.web.amendment_views import ACCOUNT_NAMES
from lab.web.frame import Frame, load_frame
from lab.web.plan_reading import read_once
from lab.web.words import day, locale, money, say
from lab.web.workplan_views import Editor, editor_of, told


@dataclass(frozen=True)
class AmendmentDesk:
    """Everything that the pages of asking for an amendment are made of."""

    frame: Frame
    page: AmendmentPage
    terms: Terms
    ground: Ground
    categories: list[tuple[str, str]]

    @property
    def kind(self) -> AmendmentKind:
        """What it is about."""
        return AmendmentKind(self.page.kind)

    @property
    def number(self) -> int:
        """The amendment's number on the award."""
        return self.page.document.number

    @property
    def title(self) -> str:
        """What it is called."""
        return str(_("Amendment %(number)s: %(kind)s", number=self.number, kind=say(KIND_NAMES[self.kind])))

    @property
    def writing(self) -> bool:
        """Whether it is its side's turn to write."""
        return self.page.state in EDITABLE and self.frame.stage in AMENDABLE

    def read(self, content: dict[str, Any]) -> Reading:
        """A plan as the server judges it under the terms as they stand."""
        return read_once(content, frame_for(self.terms, self.ground))

    def outcome(self, content: dict[str, Any]) -> Outcome:
        """What was typed as the server judges it."""
        return amended(self.terms, self.ground, self.kind, content)

    @cached_property
    def rebased(self) -> Rebased:
        """The stored draft on the award as it is now."""
        return rebased(self.kind, self.page.document.draft, self.terms)

    def url(self, name: str, **values: Any) -> str:
        """The address of one of its pages."""
        return url_for(f"amendment_edit.{name}", award_code=self.frame.award.code, number=self.number, **values)

    @property
    def show_url(self) -> str:
        """The address of the page on which it is read."""
        return url_for("amendment.show", award_code=self.frame.award.code, number=self.number)


def load_desk(award_code: str, number: int) -> AmendmentDesk:
    """Load an amendment to write. Raises NotFound, and NotAllowed unless the reader's own side asks for it."""
    frame = load_frame(award_code, HERE)
    page = get_amendment(db.session(), frame.award.id, number)
    if page.side != my_side(frame):
        raise NotAllowed(Action.REQUEST_AMENDMENT)
    terms, ground = terms_of(db.session(), frame.award, clock.now())
    categories = [(item.key, calls.text(item.label, locale())) for item in frame.definition.budget_categories]
    return AmendmentDesk(frame, page, terms, ground, categories)


# What speaks against it ------------------------------------------------------------------------------------------


def problems_of(desk: AmendmentDesk, written: Written, outcome: Outcome) -> list[tuple[str, str]]:
    """(id of the field in the page or "", sentence that names the row) of everything that keeps it from being sent."""
    fresh = rebased(desk.kind, written.content, desk.terms).content
    if {**fresh, "stood": ""} != {**written.content, "stood": ""}:
        # Problems are told of the rows as they are with what was amended since.
        written = written_in(desk.kind, fresh, desk.terms.plan)
    if desk.kind is AmendmentKind.PAYMENTS:
        texts = [f"{_payment_of(problem, written)}{say(problem.message)}" for problem in outcome.problems]
    elif written.plan is not None or desk.kind is AmendmentKind.TIME:
        named = written.plan or Typed(clean_content(desk.terms.plan))
        # What was spent or accepted is named by the sentence itself.
        texts = [
            say(problem.message) if problem.message.params.keys() & {"line", "title"} else text
            for problem, (_where, text) in zip(outcome.problems, told(outcome.problems, named), strict=True)
        ]
    else:
        texts = [say(problem.message) for problem in outcome.problems]
    return [(_place(desk, problem, written), text) for problem, text in zip(outcome.problems, texts, strict=True)]


def _place(desk: AmendmentDesk, problem: Problem, written: Written) -> str:
    if desk.kind is not AmendmentKind.TIME or "-" not in problem.place:
        return written.place(problem.place)
    section, number, name = problem.place.split("-")
    rows: Any = clean_content(desk.terms.plan)[section]
    return day_place(section, rows[int(number)]["id"], name)


def _payment_of(problem: Problem, written: Written) -> str:
    section, _dash, rest = problem.place.partition("-")
    if section != "payments" or not rest:
        return ""
    number = written.content["payments"][int(rest.split("-")[0])]["number"]
    return str(_("Payment %(number)s", number=number) if number else _("New payment")) + ": "


def ceiling_sentence(desk: AmendmentDesk, after: Terms | None) -> str:
    """That the steering committee decides, when the pilot would pass its ceiling; else empty."""
    ceiling = beyond_ceiling(desk.terms, after, desk.ground.definition) if after else None
    if after is None or ceiling is None:
        return ""
    sentence = _(
        "The pilot would end on %(until)s, after its ceiling of %(ceiling)s: the steering committee decides on that too,"
        " before the other side can approve.",
        until=day(after.pilot_ends),
        ceiling=day(ceiling),
    )
    return str(sentence)


# The form --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class DayRow:
    """An item of the plan with its days, as (id of the field, label, typed); ``fixed`` where they stay as they are."""

    title: str
    note: str
    fields: list[tuple[str, str, str]]
    fixed: str = ""


@dataclass(frozen=True)
class TimePart:
    """The stage's last day as typed, what should be known of it, and the days in the plan by section."""

    label: str
    now: str
    ceiling: str
    until: str
    groups: list[tuple[str, list[DayRow]]]


@dataclass(frozen=True)
class PaymentRow:
    """A payment as typed; ``number`` is empty for a new one, ``about`` says how it stands today."""

    n: int
    number: str
    title: str
    about: str
    amount: str
    like: str
    milestones: list[str]


@dataclass(frozen=True)
class PaymentPart:
    """The payments: those that stay as (title, state, amount in words, amount), those typed, and what they can wait for."""

    fixed: list[tuple[str, str, str, str]]
    rows: list[PaymentRow]
    payments: list[tuple[str, str]]
    milestones: list[tuple[str, str]]
    total: str


@dataclass(frozen=True)
class AmendmentView:
    """The form of an amendment: the part of its kind, the others None or empty."""

    reason: str
    problems: dict[str, list[str]]
    missing: list[tuple[str, str]]
    ceiling: str
    editor: Editor | None = None
    notes: dict[str, str] | None = None
    time: TimePart | None = None
    people: list[tuple[str, str, bool]] | None = None
    account: list[tuple[str, str, str]] | None = None
    present: list[tuple[str, str]] | None = None
    blockers: list[str] | None = None
    payments: PaymentPart | None = None


def view_of(desk: AmendmentDesk, written: Written, *, check: bool = False, add: str = "") -> AmendmentView:
    """What was typed in its form; ``check`` puts problems at their places, ``add`` an empty row into a section."""
    outcome = desk.outcome(written.content)
    missing = problems_of(desk, written, outcome)
    problems: dict[str, list[str]] = {}
    for problem, (place, _text) in zip(outcome.problems, missing, strict=True) if check else ():
        problems.setdefault(place, []).append(say(problem.message))
    view = AmendmentView(str(written.content["reason"]), problems, missing, ceiling_sentence(desk, outcome.after))
    match desk.kind:
        case AmendmentKind.BUDGET | AmendmentKind.SCOPE:
            return replace(view, editor=_editor(desk, written, problems, add), notes=_notes(desk))
        case AmendmentKind.TIME:
            return replace(view, time=_time(desk, written))
        case AmendmentKind.TEAM:
            return replace(view, people=_people(desk, str(written.content["lead"])))
        case AmendmentKind.ACCOUNT:
            return replace(
                view,
                account=[(n, say(ACCOUNT_NAMES[n]), written.content["account"][n]) for n in ACCOUNT_FIELDS],
                present=_present(desk),
                blockers=[say(reason) for reason in change_blockers(desk.ground.under_way)],
            )
        case AmendmentKind.PAYMENTS:
            return replace(view, payments=_payments(desk, written, add == "payments"))


def _editor(desk: AmendmentDesk, written: Written, problems: dict[str, list[str]], add: str) -> Editor:
    assert written.plan is not None
    editor = editor_of(desk, written.plan, add=add)
    # Sums by stage follow the plan's milestones, which are not in the page of an amendment of the budget.
    sums = editor.sums if desk.kind is AmendmentKind.SCOPE else editor.sums[:1]
    return replace(editor, problems=problems, sums=sums)


def _notes(desk: AmendmentDesk) -> dict[str, str]:
    """What rows of the plan may not lose, by section and id."""
    found = {
        f"milestones:{step.item}": str(_("Accepted: it stays as it is."))
        for step in desk.terms.milestones
        if step.accepted
    }
    for line in desk.terms.lines:
        said = []
        if line.spent:
            said.append(_("Spent by reports: %(spent)s.", spent=money(line.spent, desk.terms.currency)))
        if line.drafted:
            said.append(_("A report that is being written has an amount on it."))
        if said:
            found[f"budget:{line.item}"] = " ".join(said)
    return found


def _time(desk: AmendmentDesk, written: Written) -> TimePart:
    terms = desk.terms
    pilot = terms.stage is not Stage.PROTOTYPING
    ceiling = terms.course.pilot_ceiling(desk.ground.definition)
    plan: Any = clean_content(terms.plan)
    typed = written.content["days"]

    def fields(section: str, row: dict[str, str], names: dict[str, str]) -> list[tuple[str, str, str]]:
        return [
            (day_place(section, row["id"], name), label, typed.get(f"{section}:{row['id']}:{name}", row[name]))
            for name, label in names.items()
        ]

    accepted = {step.item: step for step in terms.milestones if step.accepted}
    activities = [
        DayRow(row["title"], row["owner"], fields("activities", row, {"starts_on": _("From"), "ends_on": _("To")}))
        for row in plan["activities"]
    ]
    milestones = [
        DayRow(row["title"], stage, [], _("Accepted; it was due on %(day)s.", day=day(accepted[row["id"]].due_on)))
        if row["id"] in accepted
        else DayRow(row["title"], stage, fields("milestones", row, {"due_on": _("Due")}))
        for row in plan["milestones"]
        for stage in [say(STAGES.get(row["stage"], ""))]
    ]
    return TimePart(
        label=_("Last day of the stage: %(stage)s", stage=say(STAGE_NAMES[terms.stage])),
        now=day(terms.pilot_ends if pilot else terms.prototyping_ends),
        ceiling=day(ceiling) if pilot else "",
        until=str(written.content["until"]),
        groups=[(_("Activities"), activities), (_("Milestones"), milestones)],
    )


def _people(desk: AmendmentDesk, chosen: str) -> list[tuple[str, str, bool]]:
    number, name = desk.terms.lead
    found = [(str(number), str(_("%(name)s, who leads it now", name=name)))] if number else []
    found += [(str(person), name) for person, name in desk.ground.people.items()]
    return [(value, label, value == chosen) for value, label in found]


def _present(desk: AmendmentDesk) -> list[tuple[str, str]]:
    """The account that stands, for those who may see it."""
    if desk.terms.account is None or not allowed(Action.SEE_ACCOUNT):
        return []
    return [(say(ACCOUNT_NAMES[name]), value) for name, value in desk.terms.account.items() if value]


def _payments(desk: AmendmentDesk, written: Written, add: bool) -> PaymentPart:
    terms = desk.terms
    titles = {str(step.number): step.title for step in terms.milestones}
    for payment in terms.payments:
        # A milestone may have left the plan before payments were amended.
        titles |= {
            number: _("Milestone %(number)s", number=number) for number in _waits(payment) if number not in titles
        }
    by_number = {str(payment.number): payment for payment in terms.payments}
    typed: Sequence[dict[str, Any]] = written.content["payments"]
    if add:
        typed = [*typed, {"number": "", "amount": "", "like": "", "milestones": []}]
    rows = []
    for n, row in enumerate(typed):
        before = by_number.get(row["number"])
        title = _("Payment %(number)s", number=row["number"]) if row["number"] else _("New payment")
        rows.append(
            PaymentRow(n, row["number"], title, _stands(before, terms.currency, titles) if before else "",
                       row["amount"], row["like"], row["milestones"])
        )  # fmt: skip
    fixed = [payment for payment in terms.payments if payment.state is not TrancheState.PLANNED]
    total = sum((payment.amount for payment in fixed), Decimal(0)) + _sum(typed, terms.currency)
    return PaymentPart(
        fixed=[
            (_("Payment %(number)s", number=payment.number), say(TRANCHE_NAMES[payment.state]),
             money(payment.amount, terms.currency), f"{payment.amount:f}")
            for payment in fixed
        ],
        rows=rows,
        payments=[(number, _("Payment %(number)s", number=number)) for number in by_number],
        milestones=list(titles.items()),
        total=money(total, terms.currency),
    )  # fmt: skip


def _waits(payment: Payment) -> list[str]:
    return [about for kind, about in payment.conditions if kind == MILESTONE]


def _stands(payment: Payment, currency: str, titles: dict[str, str]) -> str:
    amount, names = money(payment.amount, currency), [titles[number] for number in _waits(payment)]
    if not names:
        return str(_("Planned today: %(amount)s.", amount=amount))
    return str(_("Planned today: %(amount)s, waits for %(milestones)s.", amount=amount, milestones=", ".join(names)))


def _sum(rows: Sequence[dict[str, Any]], currency: str) -> Decimal:
    """What the typed amounts come to; those that cannot be read count for nothing yet."""
    total = Decimal(0)
    for row in rows:
        try:
            total += parse_amount(row["amount"], currency)
        except MoneyError:
            continue
    return total
