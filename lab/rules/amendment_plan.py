"""An amended plan: read as strictly as at the gate, and held against what was spent, reported and accepted since."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal

from lab.rules.amendment import Ground, Line, Step, Terms
from lab.rules.amendment_payments import MILESTONE
from lab.rules.facts import Stage
from lab.rules.money import Money
from lab.rules.text import N_, M, Message
from lab.rules.workplan import Frame, Problem, Reading, read_plan
from lab.rules.workplan_content import Row, clean_content


def frame_for(terms: Terms, ground: Ground) -> Frame:
    """What a plan under these terms is held against: the days are those of the stages as they are now."""
    return Frame(
        amount=terms.amount,
        currency=terms.currency,
        categories=frozenset(item.key for item in ground.definition.budget_categories),
        earliest=ground.notice_on,
        latest=terms.pilot_ends,
        prototyping_until=terms.prototyping_ends,
        lines_need_activity=ground.definition.workplan.lines_need_activity,
    )


def same_plan(before: Mapping[str, object], after: Mapping[str, object]) -> bool:
    """Whether two plans hold the same, row by row."""
    return clean_content(before) == clean_content(after)


def replanned(
    before: Terms, moved: Terms, ground: Ground, plan: Mapping[str, object], *, all_milestones: bool = False
) -> tuple[Terms | None, tuple[Problem, ...]]:
    """``moved`` (``before``, with other ends perhaps) with another plan, and everything that speaks against it.

    A row that stays as it was is not held against rules that it broke before; with ``all_milestones`` each open one must
    lie in its stage all the same.
    """
    content = clean_content(plan)
    reading = read_plan(content, frame_for(moved, ground))
    known = _known(before, ground) if reading.problems else frozenset()
    accepted = {step.item for step in before.milestones if step.accepted}
    problems = []
    for problem in reading.problems:
        section, item, _, _ = name = _named(problem, content)
        stands = name in known or (section == "milestones" and item in accepted)
        if not (stands and _unchanged(problem, before.plan, content)):
            problems.append(problem)
    told = {problem.place for problem in problems}
    problems += _line_problems(before, reading, content)
    problems += [
        problem
        for problem in _milestone_problems(before, moved, ground, reading, content, all_milestones)
        if problem.place not in told
    ]
    if problems:
        return None, _once(problems)
    after = replace(
        moved,
        plan=content if not same_plan(before.plan, content) else before.plan,
        lines=_lines(before, reading, ground),
        milestones=_steps(before, reading, ground),
    )
    return after, ()


def _known(before: Terms, ground: Ground) -> frozenset[tuple[str, str, str, str]]:
    """What the plan that stands breaks already."""
    old = read_plan(before.plan, frame_for(before, ground))
    return frozenset(_named(problem, before.plan) for problem in old.problems)


def _once(problems: list[Problem]) -> tuple[Problem, ...]:
    return tuple({(problem.place, str(problem.message)): problem for problem in problems}.values())


def _row(place: str, content: Mapping[str, object]) -> tuple[str, str, Row] | None:
    """Section, field and row of a problem's place; None for a problem of a whole section."""
    section, _, rest = place.partition("-")
    number, _, name = rest.partition("-")
    rows = clean_content(content).get(section)
    if not number.isdecimal() or not isinstance(rows, list) or int(number) >= len(rows):
        return None
    return section, name, rows[int(number)]


def _named(problem: Problem, content: Mapping[str, object]) -> tuple[str, str, str, str]:
    """A problem by its row's id and not by its place, so that it is known again in another plan."""
    found = _row(problem.place, content)
    if found is None:
        return problem.place, "", "", problem.message.msgid
    return found[0], found[2]["id"], found[1], problem.message.msgid


def _unchanged(problem: Problem, before: Mapping[str, object], after: Mapping[str, object]) -> bool:
    found = _row(problem.place, after)
    if found is None:
        return same_plan(before, after)
    section, _, row = found
    rows = clean_content(before)[section]
    assert isinstance(rows, list)
    return row in rows


def _place(content: Mapping[str, object], section: str, item: str, name: str) -> str:
    rows = content[section]
    assert isinstance(rows, list)
    return next((f"{section}-{n}-{name}" for n, row in enumerate(rows) if row["id"] == item), section)


# Budget lines ----------------------------------------------------------------------------------------------------


def _line_problems(before: Terms, reading: Reading, content: Mapping[str, object]) -> list[Problem]:
    lines = {line.id: line for line in reading.lines}
    # A row that could not be read has its own problem; it is not gone.
    rows = content["budget"]
    assert isinstance(rows, list)
    there = {row["id"] for row in rows}
    found: list[Problem] = []
    for old in before.lines:
        new = lines.get(old.item)
        spent = Money(old.spent, before.currency)
        if old.item not in there:
            if old.spent:
                message = N_("Reports say that %(spent)s were spent on “%(line)s”: the line stays, with at least that.")
                found.append(Problem("budget", M(message, spent=spent, line=old.description)))
            elif old.drafted:
                message = N_(
                    "A report that is being written has an amount on “%(line)s”: hand it in or empty it first."
                )
                found.append(Problem("budget", M(message, line=old.description)))
            continue
        if new is None or not old.spent:
            continue
        if new.amount < old.spent and not new.own and new.amount != old.amount:
            message = N_("Reports say that %(spent)s were spent on “%(line)s”: give it at least that.")
            place = _place(content, "budget", old.item, "unit_cost")
            found.append(Problem(place, M(message, spent=spent, line=old.description)))
        if new.own != old.own or new.category != old.category or new.description.strip() != old.description.strip():
            message = N_(
                "Reports say that %(spent)s were spent on “%(line)s”: its name, its category and who pays for it stay."
            )
            place = _place(content, "budget", old.item, "category")
            found.append(Problem(place, M(message, spent=spent, line=old.description)))
    return found


def _lines(before: Terms, reading: Reading, ground: Ground) -> tuple[Line, ...]:
    old = {line.item: line for line in before.lines}
    last = max([ground.last.get("line", 0), *(line.number for line in before.lines)])
    found = []
    for line in reading.lines:
        known = old.get(line.id)
        if known is None:
            last += 1
        found.append(
            Line(
                line.id, known.number if known else last, line.category, line.description, line.amount, line.own,
                known.spent if known else Decimal(0), known.drafted if known else False,
            )
        )  # fmt: skip
    return tuple(sorted(found, key=lambda line: line.number))


# Milestones ------------------------------------------------------------------------------------------------------


def _milestone_problems(
    before: Terms, moved: Terms, ground: Ground, reading: Reading, content: Mapping[str, object], all_of_them: bool
) -> list[Problem]:
    found: list[Problem] = []
    rows, old_rows = (
        {row["id"]: row for row in clean_content(plan)["milestones"]}  # type: ignore[attr-defined]
        for plan in (content, before.plan)
    )
    awaited = {
        about: payment.number for payment in before.payments for kind, about in payment.conditions if kind == MILESTONE
    }
    for step in before.milestones:
        row = rows.get(step.item)
        if step.accepted and row != old_rows.get(step.item):
            message = N_("The milestone “%(title)s” was accepted: it stays as it is.")
            place = _place(content, "milestones", step.item, "title")
            found.append(Problem(place, M(message, title=step.title)))
        elif row is None and str(step.number) in awaited:
            message = N_("Payment %(number)s waits for the milestone “%(title)s”: amend the payment plan first.")
            number = awaited[str(step.number)]
            found.append(Problem("milestones", M(message, number=number, title=step.title)))
    accepted = {step.item for step in before.milestones if step.accepted}
    for new in reading.milestones:
        changed = rows.get(new.id) != old_rows.get(new.id)
        if new.id in accepted or not (changed or all_of_them):
            continue
        place = _place(content, "milestones", new.id, "due_on")
        outside = _day_problem(new.stage, new.due_on, moved, ground)
        if outside is not None:
            found.append(Problem(place, outside))
        moved_there = old_rows.get(new.id, {}).get("due_on") != rows[new.id]["due_on"]
        if moved_there and new.due_on < ground.today:
            found.append(Problem(place, M(N_("%(day)s has passed: choose today or a later day."), day=new.due_on)))
    return found


def _day_problem(stage: str, due_on: date, moved: Terms, ground: Ground) -> Message | None:
    """Why a milestone of ``stage`` cannot be due on that day; days after the stage are told by the plan's own rules too."""
    if stage not in (Stage.PROTOTYPING, Stage.PILOT):
        return None
    first, last = moved.course.window(Stage(stage), ground.definition)
    if first <= due_on <= last:
        return None
    sentence = (
        N_("%(day)s is outside prototyping, from %(first)s to %(last)s: choose another day, or another stage.")
        if stage == Stage.PROTOTYPING
        else N_("%(day)s is outside the pilot, from %(first)s to %(last)s: choose another day, or another stage.")
    )
    return M(sentence, day=due_on, first=first, last=last)


def _steps(before: Terms, reading: Reading, ground: Ground) -> tuple[Step, ...]:
    old = {step.item: step for step in before.milestones}
    last = max([ground.last.get("milestone", 0), *(step.number for step in before.milestones)])
    found = []
    for new in reading.milestones:
        known = old.get(new.id)
        if known is None:
            last += 1
        found.append(
            Step(new.id, known.number if known else last, new.stage, new.title, new.due_on, bool(known and known.accepted))
        )  # fmt: skip
    return tuple(sorted(found, key=lambda step: step.number))
