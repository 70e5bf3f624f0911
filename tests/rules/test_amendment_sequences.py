"""Any sequence of amendments, sensible or not: what is accepted keeps the sums, and everything owed inside its stage."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal as D
from typing import Any

from hypothesis import event, given, settings
from hypothesis import strategies as st

from lab.rules.amendment import AmendmentKind, Terms
from lab.rules.amendment_effect import amended
from lab.rules.amendment_preview import preview
from lab.rules.disbursement import TrancheState
from lab.rules.facts import Stage
from lab.rules.obligations import ObligationKind
from tests.rules.amendments import CALL, CATEGORIES, GROUND, ground, terms

DAYS = st.dates(date(2022, 1, 1), date(2025, 3, 1)).map(date.isoformat)
CENTS = st.integers(0, 3_000_000).map(lambda cents: str(D(cents).scaleb(-2)))
# Owed by the signed clauses from days that lie outside any stage.
OF_CLAUSES = {ObligationKind.KEEP_RECORDS, ObligationKind.ALLOW_VISIT, ObligationKind.SHOW_ACKNOWLEDGEMENT}


def plan_rows(draw: st.DrawFn, now: Terms, section: str) -> list[dict[str, str]]:
    """The rows of a plan as somebody may have changed them: some moved, renamed, taken out, one new."""
    rows: Any = now.plan[section]
    kept = [dict(row) for row in rows if draw(st.integers(0, 19))]
    for row in kept:
        if section == "milestones" and draw(st.booleans()):
            row["stage"] = draw(st.sampled_from(["pilot", "prototyping"]))
            first, last = now.course.window(Stage(row["stage"]), CALL)
            inside = st.dates(first, max(first, last)).map(date.isoformat)
            row["due_on"] = draw(st.one_of(inside, inside, DAYS))
        if section == "budget" and draw(st.booleans()):
            row["unit_cost"] = draw(CENTS)
    if draw(st.integers(0, 3)) == 0:
        new = f"x{draw(st.integers(1, 99))}"
        kept.append(
            {"id": new, "stage": "pilot", "title": "New", "proof": "Seen", "due_on": draw(DAYS)}
            if section == "milestones"
            else {
                "id": new, "category": CATEGORIES[0], "description": "New", "quantity": "1", "unit_cost": draw(CENTS),
                "activity": "a1",
            }
        )  # fmt: skip
    return kept


def balanced(rows: list[dict[str, str]], amount: D) -> list[dict[str, str]]:
    """The same with the last line that the grant pays for set so that the sum fits: people do sums before they send."""
    paid = [row for row in rows if not row.get("own")]
    if paid:
        rest = amount - sum((D(row["quantity"]) * D(row["unit_cost"]) for row in paid[:-1]), D(0))
        paid[-1] |= {"quantity": "1", "unit_cost": str(max(rest, D(0)))}
    return rows


@st.composite
def asked(draw: st.DrawFn, now: Terms) -> tuple[AmendmentKind, dict[str, object]]:
    kind = draw(st.sampled_from(AmendmentKind))
    content: dict[str, object] = {"reason": "Because."}
    match kind:
        case AmendmentKind.BUDGET:
            rows = plan_rows(draw, now, "budget")
            content["budget"] = balanced(rows, now.amount) if draw(st.booleans()) else rows
        case AmendmentKind.SCOPE:
            content["plan"] = {**now.plan, "milestones": plan_rows(draw, now, "milestones")}
        case AmendmentKind.TIME:
            ends = now.prototyping_ends if now.stage is Stage.PROTOTYPING else now.pilot_ends
            near = ends + timedelta(days=draw(st.integers(-60, 120)))
            content["until"] = draw(st.one_of(st.just(near.isoformat()), DAYS))
            content["days"] = {
                f"milestones:m{n}:due_on": draw(DAYS) for n in draw(st.sets(st.integers(1, 3), max_size=2))
            }
        case AmendmentKind.PAYMENTS:
            numbers = [*(str(payment.number) for payment in now.payments), "", "77"]
            row = st.fixed_dictionaries(
                {
                    "number": st.sampled_from(numbers), "amount": st.one_of(st.just(""), CENTS),
                    "like": st.sampled_from(numbers), "milestones": st.lists(st.sampled_from("123"), max_size=2),
                }
            )  # fmt: skip
            content["payments"] = draw(st.lists(row, max_size=4))
        case AmendmentKind.TEAM:
            content["lead"] = draw(st.sampled_from(["5", "7", "8", ""]))
        case AmendmentKind.ACCOUNT:
            content["account"] = {
                "holder": draw(st.sampled_from(["Cámara de Industrias", "Ana"])),
                "bank": "B",
                "number": "98765",
            }
    return kind, content


def hold(now: Terms, start: Terms) -> None:
    """What must be true of an award whatever was amended."""
    assert now.granted == now.amount == start.amount
    assert now.planned <= now.amount
    before = {payment.number: payment for payment in start.payments}
    moved = [payment for payment in start.payments if payment.state is not TrancheState.PLANNED]
    assert all(payment in now.payments for payment in moved), "paid money was amended away"
    assert len({payment.number for payment in now.payments}) == len(now.payments)
    assert all(line.amount >= line.spent for line in now.lines if not line.own)
    assert {line.item for line in start.lines if line.spent} <= {line.item for line in now.lines}
    accepted = {step for step in start.milestones if step.accepted}
    assert accepted <= set(now.milestones)
    numbers = [step.number for step in now.milestones]
    assert len(set(numbers)) == len(numbers)
    for step in now.milestones:
        if not step.accepted:
            first, last = now.course.window(Stage(step.stage), CALL)
            assert first <= step.due_on <= last, (step, first, last)
    for due in now.owed:
        if due.kind in OF_CLAUSES or due.kind is ObligationKind.REACH_MILESTONE:
            continue
        first, last = now.course.window(now.stage, CALL)
        assert first <= due.about <= last, (due, first, last)
    assert before or now.payments


@settings(max_examples=150, deadline=None)
@given(st.data(), st.sampled_from([Stage.PROTOTYPING, Stage.PILOT]))
def test_whatever_is_accepted_keeps_the_sums_and_the_stages(data: st.DataObject, stage: Stage) -> None:
    now = start = terms(stage)
    on = (
        ground()
        if stage is Stage.PROTOTYPING
        else ground(today=date(2022, 8, 1), reported=frozenset(), done=frozenset())
    )
    if stage is Stage.PILOT:
        now = start = replace(terms(stage), owed=())
    last = {"line": 4, "milestone": 3, "payment": 3}
    for _ in range(data.draw(st.integers(1, 8))):
        kind, content = data.draw(asked(now))
        outcome = amended(now, replace(on, last=last), kind, content)
        if not outcome.possible:
            event(f"{kind}: refused")
            continue
        event(f"{kind}: accepted")
        assert outcome.after is not None
        shown = preview(now, outcome.after)
        assert not shown.empty, "what is accepted changes something, and it is shown"
        assert preview(outcome.after, outcome.after).empty
        now = outcome.after
        for name, found in (("line", now.lines), ("milestone", now.milestones), ("payment", now.payments)):
            last[name] = max([last[name], *(part.number for part in found)])  # type: ignore[attr-defined]
        hold(now, start)


def test_refused_ones_change_nothing() -> None:
    before = terms()
    outcome = amended(before, GROUND, AmendmentKind.BUDGET, {"reason": "x", "budget": []})
    assert outcome.after is None and before == terms()
