"""Indicators: what is read from what people type, how values split, and how far the way is."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from lab.rules.errors import Invalid, Refused
from lab.rules.facts import Stage
from lab.rules.pilot import (
    Measured,
    attained,
    check_measured,
    check_measuring,
    measuring_blockers,
    read_indicator,
    read_measured,
    time_used,
)
from lab.rules.records import read_record

DIMENSIONS = {"sex": ["women", "men"], "age": ["15_24", "25_plus"], "group": ["women", "migrants"]}
BEGAN, TODAY = date(2026, 1, 10), date(2026, 3, 2)


@pytest.mark.parametrize(
    ("baseline", "target", "value", "share"),
    [
        ("0", "200", "50", "0.25"),
        ("10", "20", "10", "0"),
        ("10", "20", "5", "0"),
        ("10", "20", "25", "1.5"),
        ("40", "10", "25", "0.5"),
        ("40", "10", "50", "0"),
        ("5", "5", "5", "1"),
        ("5", "5", "4", "0"),
    ],
)
def test_way_to_the_target(baseline: str, target: str, value: str, share: str) -> None:
    assert attained(Decimal(baseline), Decimal(target), Decimal(value)) == Decimal(share)


@pytest.mark.parametrize(
    ("today", "share"),
    [(date(2025, 12, 1), "0"), (date(2026, 1, 1), "0"), (date(2026, 1, 6), "0.5"), (date(2026, 1, 21), "2")],
)
def test_time_used(today: date, share: str) -> None:
    assert time_used(date(2026, 1, 1), date(2026, 1, 11), today) == Decimal(share)


def test_a_stage_without_days_is_used_up() -> None:
    assert time_used(BEGAN, BEGAN, BEGAN) == 1


@pytest.mark.parametrize("stage", list(Stage))
def test_measured_in_the_lab_only(stage: Stage) -> None:
    free = stage in (Stage.PROTOTYPING, Stage.PILOT)
    assert bool(measuring_blockers(stage)) is not free
    if free:
        check_measuring(stage)
    else:
        with pytest.raises(Refused):
            check_measuring(stage)


def test_indicator_as_typed() -> None:
    terms = read_indicator("  Firms  on the platform ", "firms", "0", "1 200,5")
    assert (terms.name, terms.unit) == ("Firms on the platform", "firms")
    assert (terms.baseline, terms.target) == (Decimal(0), Decimal("1200.5"))


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        (("", "firms", "0", "1"), {"name"}),
        (("Firms", " ", "0", "1"), {"unit"}),
        (("Firms", "f" * 41, "0", "1"), {"unit"}),
        (("Firms", "firms", "", "1"), {"baseline"}),
        (("Firms", "firms", "none", "1"), {"baseline"}),
        (("Firms", "firms", "-1", "1"), {"baseline"}),
        (("Firms", "firms", "0.00001", "1"), {"baseline"}),
        (("Firms", "firms", "3", "3.0"), {"target"}),
        (("Firms", "firms", "0", "9" * 14), {"target"}),
        (("", "", "", ""), {"name", "unit", "baseline", "target"}),
    ],
)
def test_indicator_refused_by_field(fields: tuple[str, str, str, str], wrong: set[str]) -> None:
    with pytest.raises(Invalid) as refused:
        read_indicator(*fields)
    assert set(refused.value.problems) == wrong


def test_value_as_typed() -> None:
    measured = read_measured(
        TODAY, "12,5", {"sex": {"women": "7", "men": ""}, "age": {}, "group": {"migrants": "0"}}, DIMENSIONS
    )
    assert measured.total == Decimal("12.5")
    assert measured.split == {"sex": {"women": Decimal(7)}, "group": {"migrants": Decimal(0)}}


@pytest.mark.parametrize(
    ("total", "split", "place"),
    [
        ("", {}, "total"),
        ("twelve", {}, "total"),
        ("12", {"sex": {"women": "many"}}, "sex-women"),
        ("12", {"sex": {"others": "1"}}, "sex-others"),
        ("12", {"moon": {"full": "1"}}, "moon-full"),
        ("12", {"age": {"15_24": "0.12345"}}, "age-15_24"),
    ],
)
def test_value_refused_by_field(total: str, split: dict[str, dict[str, str]], place: str) -> None:
    with pytest.raises(Invalid) as refused:
        read_measured(TODAY, total, split, DIMENSIONS)
    assert set(refused.value.problems) == {place}


@pytest.mark.parametrize(
    ("on", "split", "place"),
    [
        (date(2026, 3, 3), {}, "on"),
        (date(2026, 1, 9), {}, "on"),
        (TODAY, {"sex": {"women": 7, "men": 4}}, "sex"),
        (TODAY, {"age": {"15_24": 10, "25_plus": 1}}, "age"),
        (TODAY, {"group": {"women": 11}}, "group-women"),
    ],
)
def test_a_split_exceeds_no_total_and_no_day_is_outside(on: date, split: dict[str, dict[str, int]], place: str) -> None:
    exact = {dimension: {key: Decimal(n) for key, n in cells.items()} for dimension, cells in split.items()}
    with pytest.raises(Invalid) as refused:
        check_measured(Measured(on, Decimal(10), exact), BEGAN, TODAY)
    assert set(refused.value.problems) == {place}


@pytest.mark.parametrize("on", [BEGAN, TODAY])
def test_groups_may_overlap_and_sexes_may_fall_short(on: date) -> None:
    split = {
        "sex": {"women": Decimal(6), "men": Decimal(3)},
        "group": {"women": Decimal(10), "migrants": Decimal(10)},
    }
    check_measured(Measured(on, Decimal(10), split), BEGAN, TODAY)


def test_record_as_typed() -> None:
    written = read_record("  Extend\nthe pilot ", " First line.\nSecond. ")
    assert (written.title, written.body) == ("Extend the pilot", "First line.\nSecond.")


@pytest.mark.parametrize(
    ("title", "body", "wrong"),
    [("", "b", {"title"}), ("t", "\n", {"body"}), ("t" * 301, "b", {"title"}), ("t", "b" * 20_001, {"body"})],
)
def test_record_refused_by_field(title: str, body: str, wrong: set[str]) -> None:
    with pytest.raises(Invalid) as refused:
        read_record(title, body)
    assert set(refused.value.problems) == wrong
