"""Amendments: what each kind makes of an award, what it refuses and why, and that all of it is shown before and after."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal as D
from typing import Any

import pytest

from lab.rules.amendment import (
    AmendmentKind,
    Terms,
    amending_blockers,
    beyond_ceiling,
    shown_hash,
    side_of,
    terms_from_json,
    terms_to_json,
)
from lab.rules.amendment_effect import Outcome, amended
from lab.rules.amendment_preview import preview
from lab.rules.amendment_rebase import rebased, stood
from lab.rules.disbursement import TrancheState
from lab.rules.facts import AwardFacts, Role, Stage
from tests.rules.amendments import CALL, CATEGORIES, GROUND, PLAN, ground, rows, terms
from tests.rules.amendments import PAYMENTS as PAYMENTS_NOW

BUDGET, TIME, SCOPE = AmendmentKind.BUDGET, AmendmentKind.TIME, AmendmentKind.SCOPE
TEAM, ACCOUNT, PAYMENTS = AmendmentKind.TEAM, AmendmentKind.ACCOUNT, AmendmentKind.PAYMENTS


def ask(kind: AmendmentKind, before: Terms | None = None, on: Any = GROUND, **content: object) -> Outcome:
    return amended(before or terms(), on, kind, {"reason": "Prices rose.", **content})


def made(outcome: Outcome) -> Terms:
    assert outcome.problems == () and outcome.after is not None
    return outcome.after


def said(outcome: Outcome) -> dict[str, str]:
    assert outcome.after is None or outcome.problems
    return {problem.place: str(problem.message) for problem in outcome.problems}


def test_when_and_by_whom() -> None:
    assert amending_blockers(AwardFacts(Stage.PILOT, agreement_in_force=True)) == ()
    assert "not in force" in str(amending_blockers(AwardFacts(Stage.AGREEMENT))[0])
    assert "Lapsed" in str(amending_blockers(AwardFacts(Stage.LAPSED))[0].params)
    assert "Suspended" in str(amending_blockers(AwardFacts(Stage.SUSPENDED, agreement_in_force=True))[0].params)
    assert side_of(frozenset({Role.OFFICER})) == "ilo" and side_of(frozenset({Role.LEAD})) == "organisation"


def test_a_reason_is_needed_and_something_must_change() -> None:
    missing = amended(terms(), GROUND, TEAM, {"lead": "7"})
    assert said(missing).keys() == {"reason"} and missing.after is not None, (
        "what it would change is shown all the same"
    )
    assert "Nothing would change" in said(ask(BUDGET, budget=rows("budget")))[""]
    assert "Nothing would change" in said(ask(TEAM, lead="5"))[""]


# Budget ----------------------------------------------------------------------------------------------------------


def test_money_moves_between_lines_and_the_sum_stays_the_award() -> None:
    budget = rows("budget", b2={"unit_cost": "7000"}, b9={"category": CATEGORIES[0], "description": "Licences",
                  "quantity": "1", "unit_cost": "1000", "activity": "a2"})  # fmt: skip
    before, after = terms(), made(ask(BUDGET, budget=budget))
    assert after.granted == after.amount and [line.number for line in after.lines] == [1, 2, 3, 4, 5]
    shown = preview(before, after)
    assert [(c.before and c.before.amount, c.after and c.after.amount) for c in shown.lines] == [
        (D("8000.00"), D("7000.00")), (None, D("1000.00")),
    ]  # fmt: skip
    assert shown.totals and not shown.owed and not shown.payments and not shown.ends
    short = said(ask(BUDGET, budget=rows("budget", b2={"unit_cost": "7000"})))
    assert "1000.00 USD below the award" in short["budget"]


@pytest.mark.parametrize(
    ("change", "place", "words"),
    [
        (
            {"b1": None, "b2": {"unit_cost": "26000"}},
            "budget",
            "6000.00 USD were spent on “Developers”: the line stays",
        ),
        ({"b1": {"quantity": "3"}, "b2": {"unit_cost": "20600"}}, "budget-0-unit_cost", "give it at least that"),
        ({"b1": {"category": CATEGORIES[1]}}, "budget-0-category", "its category and who"),
        ({"b1": {"description": "A car"}}, "budget-0-category", "its name, its category"),
        ({"b3": None, "b2": {"unit_cost": "12000"}}, "budget", "A report that is being written"),
        ({"b2": {"unit_cost": "x"}}, "budget-1-unit_cost", "is not an amount"),
    ],
)
def test_money_spent_or_reported_cannot_be_amended_away(change: dict[str, Any], place: str, words: str) -> None:
    assert words in said(ask(BUDGET, budget=rows("budget", **change)))[place]


def test_a_line_goes_down_to_what_was_spent_and_not_a_cent_below() -> None:
    for unit, possible in (("600.00", True), ("599.99", False)):
        rest = D(30000) - D(unit) * 10 - D(4000)
        budget = rows("budget", b1={"unit_cost": unit}, b2={"unit_cost": str(rest)})
        assert ask(BUDGET, budget=budget).possible is possible


def test_numbers_of_lines_are_never_given_twice() -> None:
    new = {"category": CATEGORIES[0], "description": "Licences", "quantity": "1", "unit_cost": "8000", "activity": "a2"}
    after = made(ask(BUDGET, on=ground(last={"line": 9}), budget=rows("budget", b2=None, b9=new)))
    assert [line.number for line in after.lines] == [1, 3, 4, 10]


# Scope -----------------------------------------------------------------------------------------------------------


def scope(**sections: object) -> dict[str, object]:
    return {"plan": {**PLAN, **sections}}


def test_milestones_and_activities_change_with_what_is_owed() -> None:
    milestones = rows("milestones", m2={"due_on": "2022-06-30"}, m9={"stage": "pilot", "title": "Handed over",
                      "proof": "Minutes", "due_on": "2023-02-01"})  # fmt: skip
    activity = dict(PLAN["activities"][2], id="a9", title="Hand over", milestone="m9")
    before, after = (
        terms(),
        made(ask(SCOPE, **scope(milestones=milestones, activities=[*PLAN["activities"], activity]))),
    )
    assert [(step.number, step.due_on) for step in after.milestones][1:] == [
        (2, date(2022, 6, 30)), (3, date(2022, 12, 15)), (4, date(2023, 2, 1)),
    ]  # fmt: skip
    owed = {c.due.key: (c.before and c.before.on, c.after and c.after.on) for c in preview(before, after).owed}
    assert owed == {
        "milestone:2": (date(2022, 6, 15), date(2022, 6, 30)),
        "milestone:4": (None, date(2023, 2, 1)),
    }


@pytest.mark.parametrize(
    ("change", "place", "words"),
    [
        ({"m1": {"title": "Needs guessed"}}, "milestones-0-title", "“Needs known” was accepted: it stays"),
        ({"m1": None}, "milestones", "“Needs known” was accepted"),
        ({"m2": None}, "milestones", "Payment 2 waits for the milestone “Version tested”"),
        ({"m2": {"due_on": "2022-07-04"}}, "milestones-1-due_on", "after prototyping"),
        ({"m2": {"due_on": "2022-04-19"}}, "milestones-1-due_on", "has passed"),
        ({"m3": {"due_on": "2022-07-02"}}, "milestones-2-due_on", "outside the pilot"),
        ({"m3": {"due_on": "2023-07-04"}}, "milestones-2-due_on", "outside the award"),
    ],
)
def test_milestones_stay_in_their_stage_and_accepted_ones_as_they_are(
    change: dict[str, Any], place: str, words: str
) -> None:
    assert words in said(ask(SCOPE, **scope(milestones=rows("milestones", **change))))[place]


def test_a_row_that_stays_is_not_held_against_what_it_broke_before() -> None:
    # At the gate a plan may reach further than the stage came to last.
    late = {**PLAN, "milestones": rows("milestones", m2={"due_on": "2022-08-30"})}
    steps = tuple(replace(step, due_on=date(2022, 8, 30)) if step.item == "m2" else step for step in terms().milestones)
    before = terms(plan=late, milestones=steps)
    assert made(ask(SCOPE, before, plan={**late, "summary": "A better one."}))
    touched = {**late, "milestones": rows("milestones", m2={"due_on": "2022-08-29"})}
    assert "after prototyping" in said(ask(SCOPE, before, plan=touched))["milestones-1-due_on"]


# Time ------------------------------------------------------------------------------------------------------------


def test_prototyping_lasts_longer_and_everything_that_hangs_on_it_moves() -> None:
    before = terms()
    after = made(ask(TIME, until="2022-10-03", days={"milestones:m3:due_on": "2022-12-15"}))
    shown = preview(before, after)
    assert [(end.stage, end.before, end.after) for end in shown.ends] == [
        (Stage.PROTOTYPING, date(2022, 7, 3), date(2022, 10, 3)), (Stage.PILOT, date(2023, 7, 3), date(2023, 10, 3)),
    ]  # fmt: skip
    owed = {c.due.key: (c.before and c.before.on, c.after and c.after.on) for c in shown.owed}
    assert owed["report:prototype_report:1"] == (date(2022, 7, 3), date(2022, 10, 3))
    assert owed["report:progress_report:2"][0] is None, "another period has room in it"
    assert not beyond_ceiling(before, after, CALL), "a later beginning is not a longer pilot"


@pytest.mark.parametrize(
    ("until", "days", "on", "place", "words"),
    [
        ("soon", {}, {}, "until", "is not a date"),
        ("", {}, {}, "until", "Give the last day"),
        ("2022-04-19", {}, {}, "until", "has passed"),
        ("2026-01-01", {}, {}, "until", "too far away"),
        ("2022-05-31", {}, {}, "milestones-1-due_on", "after prototyping"),
        ("2023-01-31", {}, {}, "milestones-2-due_on", "outside the pilot"),
        ("2022-06-20", {"milestones:m2:due_on": "2022-06-21"}, {}, "milestones-1-due_on", "after prototyping"),
        ("2022-07-20", {}, {"reported": frozenset({"report:prototype_report:1"})}, "until", "has been handed in"),
        ("2022-06-20", {}, {"camps": (("Build", date(2022, 6, 25)),)}, "until", "boot camp “Build”"),
    ],
)
def test_what_keeps_a_last_day_from_moving(
    until: str, days: dict[str, str], on: dict[str, Any], place: str, words: str
) -> None:
    assert words in said(ask(TIME, on=ground(**on), until=until, days=days))[place]


def test_a_period_that_was_reported_cannot_be_amended_away() -> None:
    on = ground(today=date(2022, 4, 1), camps=())
    found = said(ask(TIME, on=on, until="2022-04-03", days={"milestones:m2:due_on": "2022-04-03"}))
    assert "Progress report 1 has been handed in and tells of the time until 2022-04-03" in found["until"]


def test_only_a_decision_passes_the_pilot_s_ceiling() -> None:
    pilot = terms(Stage.PILOT)
    assert pilot.pilot_ends == date(2023, 7, 4)
    assert beyond_ceiling(pilot, made(ask(TIME, pilot, until="2023-07-01")), CALL) is None
    longer = made(ask(TIME, pilot, until="2023-09-30"))
    assert beyond_ceiling(pilot, longer, CALL) == date(2023, 7, 4)
    assert beyond_ceiling(longer, made(ask(TIME, longer, until="2023-08-31")), CALL) is None, "decided before"


# Team, account, payments -----------------------------------------------------------------------------------------


def test_another_lead_is_somebody_of_the_team() -> None:
    assert preview(terms(), made(ask(TEAM, lead="7"))).lead == ("Ana", "Eva")
    for typed in ("", "8", "x" * 30, "9" * 30):
        assert "Choose somebody of the team" in said(ask(TEAM, lead=typed))["lead"]


def test_another_account_in_the_organisation_s_name_while_no_money_is_on_its_way() -> None:
    account = {"holder": "Camara de Industrias ", "bank": "Otro", "number": "87654321", "swift": ""}
    after = made(ask(ACCOUNT, account=account))
    assert after.account == account | {"holder": "Camara de Industrias"} and preview(terms(), after).account
    assert "not of “Cámara" in said(ask(ACCOUNT, account=account | {"holder": "Ana"}))["account-holder"]
    assert "account-number" in said(ask(ACCOUNT, account=account | {"number": ""}))
    on_its_way = ground(under_way=(("Platform", 2, TrancheState.SENT),))
    assert "Payment 2 of “Platform” is on its way" in said(ask(ACCOUNT, on=on_its_way, account=account))[""]


def pay(*payments: tuple[str, str] | dict[str, object]) -> dict[str, object]:
    return {"payments": [p if isinstance(p, dict) else {"number": p[0], "amount": p[1]} for p in payments]}


def test_a_planned_payment_is_split_and_waits_for_another_milestone() -> None:
    new = {"number": "", "amount": "4000", "like": "2", "milestones": ["3"]}
    after = made(ask(PAYMENTS, **pay(("2", "5000"), ("3", "6000"), new)))
    assert [(p.number, p.amount, p.conditions[-1]) for p in after.payments][1:] == [
        (2, D("5000.00"), ("milestone_accepted", "2")), (3, D("6000.00"), ("not_suspended", "")),
        (4, D("4000.00"), ("milestone_accepted", "3")),
    ]  # fmt: skip
    shown = preview(terms(), after)
    assert [(c.before and c.before.number, c.after and c.after.number) for c in shown.payments] == [(2, 2), (None, 4)]
    joined = made(ask(PAYMENTS, **pay(("2", "15000"), ("3", ""))))
    assert [p.number for p in joined.payments] == [1, 2] and joined.planned == joined.amount
    less = made(ask(PAYMENTS, **pay(("3", ""))))
    assert preview(terms(), less).unplanned == (D(0), D("6000.00"))


@pytest.mark.parametrize(
    ("rows", "place", "words"),
    [
        ([("1", "14000")], "payments-0-amount", "Payment 1 of 15000.00 USD is no longer only planned (Received)"),
        ([("1", "")], "payments-0-amount", "no longer only planned"),
        ([("2", "9000.01")], "payments", "more than the award of 30000.00 USD: take 0.01 USD off"),
        ([("2", "0")], "payments-0-amount", "greater than zero"),
        ([("2", "9.123")], "payments-0-amount", "too many decimals"),
        ([("9", "1")], "payments-0-amount", "no longer planned"),
        ([("", "1")], "payments-0-like", "whose conditions"),
        ([{"number": "3", "amount": "6000", "milestones": ["8"]}], "payments-0-milestones", "milestones of the plan"),
    ],
)
def test_payments_that_cannot_be_amended(rows: list[Any], place: str, words: str) -> None:
    assert words in said(ask(PAYMENTS, **pay(*rows)))[place]


def test_a_plan_without_any_payment_is_none() -> None:
    nothing_paid = terms(payments=terms().payments[1:])
    assert "at least one payment" in said(ask(PAYMENTS, nothing_paid, **pay(("2", ""), ("3", ""))))["payments"]


# Begun before another was applied --------------------------------------------------------------------------------


def begun(kind: AmendmentKind, before: Terms, **content: object) -> dict[str, object]:
    return {"reason": "Prices rose.", "stood": stood(kind, before), **content}


def test_what_it_does_not_change_follows_what_was_amended_since() -> None:
    before = terms()
    budget = rows("budget", b2={"unit_cost": "7000"}, b3={"unit_cost": "250"})
    since = made(ask(BUDGET, budget=rows("budget", b1={"unit_cost": "1900"}, b2={"unit_cost": "7000"})))
    outcome = amended(since, GROUND, BUDGET, begun(BUDGET, before, budget=budget))
    # Developers stay at what they were given since; what was moved to the phones no longer fits.
    assert said(outcome) == {
        "budget": "The budget is 1000.00 USD above the award: the lines must add up to it exactly."
    }
    scope = {**PLAN, "summary": "A better one."}
    after = made(amended(since, GROUND, SCOPE, begun(SCOPE, before, plan=scope)))
    assert [line.amount for line in after.lines] == [line.amount for line in since.lines]
    assert [change.place for change in preview(since, after).plan] == ["summary"]


def test_what_both_change_differently_is_told() -> None:
    before = terms()
    since = made(ask(BUDGET, budget=rows("budget", b2={"unit_cost": "7000"}, b3={"unit_cost": "250"})))
    mine = rows("budget", b2={"unit_cost": "6000"}, b3={"unit_cost": "300"})
    found = said(amended(since, GROUND, BUDGET, begun(BUDGET, before, budget=mine)))
    assert "has made “Unit cost” of “Travel” “7000” since" in found["budget-1-unit_cost"]
    again = rebased(BUDGET, begun(BUDGET, before, budget=mine), since)
    assert amended(since, GROUND, BUDGET, again.content).possible, "once it was seen, what is saved counts"


def test_days_and_payments_follow_too() -> None:
    before = terms()
    since = made(ask(TIME, until="2022-09-01", days={"milestones:m3:due_on": "2023-01-15"}))
    days = {"milestones:m2:due_on": "2022-06-20", "milestones:m3:due_on": "2022-12-15"}
    after = made(amended(since, GROUND, TIME, begun(TIME, before, until="2022-07-03", days=days)))
    assert after.prototyping_ends == date(2022, 9, 1)
    assert [step.due_on for step in after.milestones][1:] == [date(2022, 6, 20), date(2023, 1, 15)]
    clash = amended(since, GROUND, TIME, begun(TIME, before, until="2022-08-01", days={}))
    assert "Another amendment has made it 2022-09-01" in said(clash)["until"]
    since = made(ask(PAYMENTS, **pay(("2", "8000"), ("3", "6000"))))
    rows_then = [
        {"number": "2", "amount": "9000.00", "milestones": ["2"]},
        {"number": "3", "amount": "5000", "milestones": []},
    ]
    after = made(amended(since, GROUND, PAYMENTS, begun(PAYMENTS, before, payments=rows_then)))
    assert [payment.amount for payment in after.payments] == [D("15000.00"), D("8000.00"), D("5000.00")]
    rows_then[0]["amount"] = "7000"
    clash = amended(since, GROUND, PAYMENTS, begun(PAYMENTS, before, payments=rows_then))
    assert "Payment 2 has changed since" in said(clash)["payments-0-amount"]


def test_a_day_that_no_calendar_has_room_for_is_refused() -> None:
    for until in ("9999-12-31", "0001-01-01"):
        assert said(ask(TIME, until=until)).keys() == {"until"}


def test_another_account_takes_proposals_back_and_says_so() -> None:
    before = terms(payments=(*PAYMENTS_NOW[:1], replace(PAYMENTS_NOW[1], state=TrancheState.PROPOSED), PAYMENTS_NOW[2]))
    account = {"holder": "Cámara de Industrias", "bank": "Otro", "number": "87654321", "swift": ""}
    shown = preview(before, made(ask(ACCOUNT, before, account=account)))
    assert [(c.before and c.before.state, c.after and c.after.state) for c in shown.payments] == [
        ("proposed", "planned")
    ]
    assert "Nothing would change" in said(ask(ACCOUNT, before, account=dict(before.account or {})))[""]


# Kept ------------------------------------------------------------------------------------------------------------


def test_terms_are_kept_as_they_were_and_what_was_shown_has_a_name() -> None:
    before = terms(Stage.PILOT)
    after = made(ask(TIME, before, until="2023-06-30"))
    for one in (before, after):
        assert terms_from_json(terms_to_json(one)) == one
    assert shown_hash(before, after) == shown_hash(before, after) != shown_hash(after, before)
