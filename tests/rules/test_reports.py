"""A report is read strictly: sections written, amounts of the currency, overspent lines explained within the tolerances."""

from __future__ import annotations

import dataclasses
from datetime import date
from decimal import Decimal as D
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.rules.calendar import add_months
from lab.rules.calls import CheckItem
from lab.rules.facts import ACTIVE, ENDED, Stage
from lab.rules.records import MAX_BODY
from lab.rules.reports import (
    LineFacts,
    ReportFrame,
    ReportReading,
    accept_blockers,
    clean_report,
    empty_report,
    milestone_blockers,
    overspent,
    read_report,
    report_days,
    report_title,
    sections_of,
    stage_blockers,
)
from lab.rules.review import DocumentKind

FRAME = ReportFrame(
    sections={"done": "What was done", "next": "Next steps"},
    lines=(LineFacts(7, "Developers", D("1000.00"), D("0.00")), LineFacts(8, "Phones", D("500.00"), D("100.00"))),
    currency="USD",
    explain_over=D("0.10"),
    amend_over=D("0.25"),
)
WRITTEN = {"done": "Interviews.", "next": "The test version."}


def read(frame: ReportFrame = FRAME, sections: dict[str, str] = WRITTEN, **typed: str) -> ReportReading:
    """The report with amounts as ``s7="12.50"`` and explanations as ``e7="…"``."""
    content: dict[str, Any] = {"sections": sections, "spending": {}, "explanations": {}}
    for name, value in typed.items():
        content["spending" if name[0] == "s" else "explanations"][name[1:]] = value
    return read_report(clean_report(content), frame)


def told(reading: ReportReading) -> list[tuple[str, str]]:
    return [(problem.place, str(problem.message)) for problem in reading.problems]


def one_line(budget: str, before: str = "0", **changes: Any) -> ReportFrame:
    return dataclasses.replace(FRAME, lines=(LineFacts(7, "Developers", D(budget), D(before)),), **changes)


def test_a_whole_report_has_no_problem_and_its_totals_are_right() -> None:
    reading = read(s7="400", s8="50.5")
    assert reading.problems == ()
    assert [(line.before, line.amount, line.total, line.left) for line in reading.spending] == [
        (D(0), D(400), D(400), D(600)),
        (D(100), D("50.50"), D("150.50"), D("349.50")),
    ]
    assert (reading.spent, reading.total, reading.budget) == (D("450.50"), D("550.50"), D("1500.00"))


def test_every_section_is_needed_and_blanks_are_nothing() -> None:
    assert told(read(sections={"next": " \n "})) == [
        ("sections-done", "Write the section “What was done”."),
        ("sections-next", "Write the section “Next steps”."),
    ]
    assert told(read_report(empty_report(), FRAME)) == told(read(sections={}))
    assert read(sections={**WRITTEN, "unknown": "kept, not asked for"}).problems == ()


def test_a_line_that_is_left_empty_spends_nothing() -> None:
    assert [line.amount for line in read(s7="  ").spending] == [D(0), D(0)]


@pytest.mark.parametrize(
    ("currency", "typed", "amount"),
    [
        ("USD", "1250.50", "1250.50"),
        ("USD", "1250,50", "1250.50"),
        ("USD", "1 250,5", "1250.50"),
        ("USD", " 7 ", "7.00"),
        ("USD", "0", "0.00"),
        ("CLP", "1250", "1250"),
        ("KWD", "1.125", "1.125"),
        ("KWD", "1,1", "1.100"),
    ],
)
def test_amounts_are_read_in_their_currency(currency: str, typed: str, amount: str) -> None:
    reading = read(one_line("9999", currency=currency), s7=typed)
    assert reading.problems == ()
    assert str(reading.spending[0].amount) == amount


@pytest.mark.parametrize(
    ("currency", "typed", "words"),
    [
        ("USD", "1,250", "too many decimals"),
        ("USD", "1.250", "too many decimals"),
        ("USD", "12.505", "too many decimals"),
        ("USD", "-5", "is not an amount"),
        ("USD", "twelve", "is not an amount"),
        ("USD", "1.250,00", "is not an amount"),
        ("USD", "1e5", "is not an amount"),
        ("USD", "NaN", "is not an amount"),
        ("CLP", "12.5", "amounts in CLP have 0"),
        ("CLP", "1.250", "too many decimals"),
        ("KWD", "1.1255", "amounts in KWD have 3"),
    ],
)
def test_what_is_no_amount_is_a_problem_that_names_its_line(currency: str, typed: str, words: str) -> None:
    reading = read(one_line("9999", currency=currency), s7=typed)
    [(place, sentence)] = told(reading)
    assert place == "spending-7"
    assert "Developers" in sentence and words in sentence
    assert reading.spent == 0


@pytest.mark.parametrize(
    ("spent", "explain", "amend"),
    [
        ("999.99", False, False),
        ("1000", False, False),
        ("1100", False, False),
        ("1100.01", True, False),
        ("1250", True, False),
        ("1250.01", True, True),
    ],
)
def test_the_tolerances_to_the_cent(spent: str, explain: bool, amend: bool) -> None:
    line = read(s7=spent).spending[0]
    assert (line.needs_explanation, line.needs_amendment) == (explain, amend)
    problems = told(read(s7=spent))
    assert [place for place, _sentence in problems] == (["explanations-7"] if explain else [])
    assert read(s7=spent, e7="Prices rose.").problems == ()
    assert bool(read(s7=spent, e7="  ").problems) is explain


def test_what_was_spent_before_counts_towards_the_line() -> None:
    reading = read(s8="450.01")
    assert (reading.spending[1].total, reading.spending[1].left) == (D("550.01"), D("-50.01"))
    [(place, sentence)] = told(reading)
    assert place == "explanations-8"
    assert "“Phones” is overspent by 10.0 %: explain why" in sentence


def test_a_line_overspent_by_an_earlier_report_is_explained_there() -> None:
    frame = one_line("1000.00", before="1500.00")
    assert read(frame).problems == ()
    assert read(frame).spending[0].needs_amendment
    assert [place for place, _sentence in told(read(frame, s7="0.01"))] == ["explanations-7"]


def test_all_that_goes_to_a_line_of_zero_is_over() -> None:
    frame = one_line("0.00")
    assert read(frame, s7="0").spending[0].over == 0
    line = read(frame, s7="0.01").spending[0]
    assert (line.over, line.needs_explanation, line.needs_amendment) == (D(1), True, True)
    assert told(read(frame, s7="0.01")) == [
        ("explanations-7", "“Developers” is overspent by 100.0 %: explain why, so that the officer can accept it.")
    ]


def test_too_long_a_text_is_a_problem_and_is_not_cut() -> None:
    long = "a" * (MAX_BODY + 1)
    assert told(read(sections={**WRITTEN, "done": long}))[0][0] == "sections-done"
    assert told(read(e7=long))[0] == ("explanations-7", "“Developers” is too long: keep it within 20000 characters.")
    assert clean_report({"sections": {"done": long}})["sections"] == {"done": long}
    breaks = "\r\n" * MAX_BODY
    assert not read(sections={**WRITTEN, "done": "a" + breaks[2:]}).problems, "a line break is one character"


@pytest.mark.parametrize("raw", [{}, {"sections": "x", "spending": [1], "explanations": None, "files": "12"}])
def test_what_is_no_report_becomes_an_empty_one(raw: dict[str, Any]) -> None:
    assert clean_report(raw) == empty_report()


def test_what_was_typed_is_kept_as_typed() -> None:
    raw = {"sections": {"done": " a\r\n"}, "spending": {"7": "1.250,00"}, "files": ["3", "x", 4], "more": "dropped"}
    assert clean_report(raw) == {
        "sections": {"done": " a\r\n"}, "spending": {"7": "1.250,00"}, "explanations": {}, "files": [3, 4],
    }  # fmt: skip


@given(st.dictionaries(st.sampled_from(["7", "8"]), st.text(max_size=30)))
def test_whatever_is_typed_is_read_or_named(spending: dict[str, str]) -> None:
    reading = read_report(clean_report({"sections": WRITTEN, "spending": spending}), FRAME)
    assert all(line.amount >= 0 for line in reading.spending)
    assert {problem.place.split("-")[0] for problem in reading.problems} <= {"spending", "explanations"}


@given(st.decimals(0, 10**9, places=2), st.decimals(0, 10**9, places=2))
def test_overspent_is_never_negative_and_zero_within_the_budget(total: D, budget: D) -> None:
    over = overspent(total, budget)
    assert over >= 0
    assert (over == 0) is (total <= budget)


SHARED = [CheckItem("done", {"en": "What was done", "es": "Lo realizado"})]


def test_sections_are_named_in_the_reader_s_language_and_the_prototype_has_its_own() -> None:
    assert sections_of(DocumentKind.PROGRESS_REPORT, SHARED, "es") == {"done": "Lo realizado"}
    assert sections_of(DocumentKind.FINAL_REPORT, SHARED, "fr") == {"done": "What was done"}
    assert list(sections_of(DocumentKind.PROTOTYPE_REPORT, SHARED, "en")) == ["done", "prototype", "action_plan"]


def test_only_progress_reports_carry_a_number() -> None:
    assert str(report_title(DocumentKind.PROGRESS_REPORT, 3)) == "Progress report 3"
    assert str(report_title(DocumentKind.FINAL_REPORT, 1)) == "Final narrative and financial report"


@pytest.mark.parametrize("stage", Stage)
def test_each_kind_has_its_stages(stage: Stage) -> None:
    open_at = {
        DocumentKind.PROGRESS_REPORT: {Stage.PROTOTYPING, Stage.PILOT},
        DocumentKind.PROTOTYPE_REPORT: {Stage.PROTOTYPING},
        DocumentKind.FINAL_REPORT: {Stage.PILOT},
    }
    for kind, stages in open_at.items():
        assert (stage_blockers(kind, stage) == ()) is (stage in stages)
        can_accept = kind is not DocumentKind.PROTOTYPE_REPORT or stage is Stage.PROTOTYPING
        assert (accept_blockers(kind, stage) == ()) is can_accept


@pytest.mark.parametrize("stage", Stage)
def test_milestones_are_accepted_once_and_while_the_award_runs(stage: Stage) -> None:
    assert (milestone_blockers(stage, accepted=False) == ()) is (stage in ACTIVE)
    assert milestone_blockers(stage, accepted=True)
    assert Stage.SUSPENDED not in ACTIVE and not ACTIVE & ENDED


@pytest.mark.parametrize(
    ("months", "every", "days"),
    [
        (6, 3, [date(2027, 2, 28)]),
        (12, 3, [date(2027, 2, 28), date(2027, 5, 30), date(2027, 8, 30)]),
        (6, 0, []),
        (3, 3, []),
    ],
)
def test_periods_end_within_the_stage(months: int, every: int, days: list[date]) -> None:
    began = date(2026, 11, 30)
    assert report_days(began, add_months(began, months), every) == tuple(days)
