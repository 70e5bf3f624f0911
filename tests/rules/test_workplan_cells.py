"""Cells as people and their programs write them: numbers, days and choices are read, guessed at never."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.rules.workplan_cells import (
    Cell,
    CellError,
    Choices,
    Trouble,
    alike,
    fold,
    read_cell,
    read_reference,
    refer,
    typed_cell,
)
from lab.rules.workplan_headings import COLUMNS, HEADINGS, SHEETS, field_of, section_of

CHOICES = Choices(
    "USD", {"staff": {"en": "Staff", "es": "Personal", "fr": "Personnel salarié"}},
    {"activities": {"a1": "Interviews", "a2": "Twice", "a3": "twice"}, "milestones": {}}, {"activities": {"a1": "Old name"}},
)  # fmt: skip


@pytest.mark.parametrize(
    ("cell", "read"),
    [
        ("1.234,50", "1234.50"), ("1,234.50", "1234.50"), ("1 234,50", "1234.50"), ("1\u202f234,5", "1234.50"),
        ("1’234.50", "1234.50"), ("1234.5", "1234.50"), ("1234,5", "1234.50"), ("1.234.567", "1234567.00"),
        ("12.345.678,90", "12345678.90"), ("USD 1,234.50", "1234.50"), ("$5000", "5000.00"), ("0,5", "0.50"),
        (Decimal("1234.5"), "1234.50"), (Decimal("0.30000000000000004"), "0.30"), (Decimal(5000), "5000.00"),
        ("", ""), (None, ""), (" ", ""),
    ],
)  # fmt: skip
def test_amounts(cell: Cell, read: str) -> None:
    assert read_cell("unit_cost", cell, CHOICES) == read


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("abc", "“abc” is not a number"), ("1.234", "two ways: type 1234 if that is meant, or else 1.23."), ("1,234", "two ways"),
        ("1.2.3", "not a number"), ("12,34,56", "not a number"), ("1 2", "not a number"), ("1.23,456,7", "not a number"),
        ("٣", "not a number"), ("1e3", "not a number"), ("--5", "not a number"), (date(2026, 1, 1), "not a number"),
        ("-5", "below zero"), (Decimal(-5), "below zero"), (Decimal("333.333333333333"), "digits"),
        ("12.345678", "too many decimals"), (Decimal("1.005"), "amounts in USD have 2"), (Decimal("1e20"), "too many digits"),
        (Trouble.NO_RESULT, "no result in this file"), (Trouble.ERROR, "ends in an error"),
        (Decimal("1.234"), "If it is 1234, type it so"), (Decimal("0.125"), "amounts in USD have 2."),
    ],
)  # fmt: skip
def test_what_is_no_amount_is_said(cell: Cell, words: str) -> None:
    with pytest.raises(CellError) as error:
        read_cell("unit_cost", cell, CHOICES)
    assert words in str(error.value.message)


@given(st.decimals("0", "9999999", places=2), st.sampled_from([",", " ", "’", "\u00a0"]))
def test_a_grouped_number_is_read_to_the_cent(value: Decimal, mark: str) -> None:
    text = f"{value:,.2f}".replace(",", mark)
    assert read_cell("unit_cost", text, CHOICES) == f"{value:.2f}"
    continental = f"{value:,.2f}".replace(",", "|").replace(".", ",").replace("|", ".")
    assert read_cell("unit_cost", continental, CHOICES) == f"{value:.2f}"


@pytest.mark.parametrize(
    ("cell", "read"),
    [
        ("31/01/2026", "2026-01-31"), ("31.1.2026", "2026-01-31"), ("1-2-2026", "2026-02-01"), ("2026-01-31", "2026-01-31"),
        (date(2026, 1, 31), "2026-01-31"), (datetime(2026, 1, 31, 8), "2026-01-31"), (Decimal(46053), "2026-01-31"),
    ],
)  # fmt: skip
def test_days(cell: Cell, read: str) -> None:
    assert read_cell("due_on", cell, CHOICES) == read


def test_days_counted_from_1904() -> None:
    mac = Choices("USD", {}, epoch=date(1904, 1, 1))
    assert read_cell("due_on", Decimal(44591), mac) == "2026-01-31"


@pytest.mark.parametrize("cell", ["01/31/2026", "31/01/26", "soon", Decimal(5), Decimal(10**9), "2026-02-30"])
def test_what_is_no_day(cell: Cell) -> None:
    with pytest.raises(CellError, match="is not a date"):
        read_cell("due_on", cell, CHOICES)


def test_what_is_suggested_for_two_ways_can_be_typed() -> None:
    for name, currency, small in (
        ("quantity", "USD", "1.2340"),
        ("unit_cost", "KWD", "1.2340"),
        ("unit_cost", "CLP", "1"),
    ):
        choices = Choices(currency, {})
        with pytest.raises(CellError, match=rf"type 1234 if that is meant, or else {small}\."):
            read_cell(name, "1.234", choices)
        assert read_cell(name, "1234", choices) and read_cell(name, small, choices)


def test_a_number_that_is_shown_as_a_date_and_is_none() -> None:
    with pytest.raises(CellError, match="this number is not a date"):
        read_cell("due_on", Trouble.NO_DAY, CHOICES)


def test_choices_in_any_language() -> None:
    for word in ("staff", "Personal", "PERSONNEL SALARIE"):
        assert read_cell("category", word, CHOICES) == "staff"
    for word in ("Pilot", "piloto", "Pilote", "fase piloto"):
        assert read_cell("stage", word, CHOICES) == "pilot"
    assert [read_cell("own", word, CHOICES) for word in ("sí", "Sim", "oui", "x", True)] == ["1"] * 5
    assert [read_cell("own", word, CHOICES) for word in ("no", "não", "NON", False)] == [""] * 4
    for name in ("category", "stage", "own"):
        with pytest.raises(CellError, match="“perhaps”"):
            read_cell(name, "perhaps", CHOICES)


def test_rows_are_named_by_title_and_by_id_where_titles_would_not_do() -> None:
    titles = CHOICES.titles["activities"]
    assert [refer(key, titles) for key in ("a1", "a2", "gone", "")] == ["Interviews", "Twice [a2]", "[gone]", ""]
    for key in ("a1", "a2", "gone", ""):
        assert read_reference("activity", refer(key, titles), CHOICES) == key
    assert read_reference("activity", "INTERVIEWS", CHOICES) == "a1"
    assert read_reference("activity", "Old name", CHOICES) == "a1"
    assert read_reference("activity", "Twice", CHOICES) == "a2", "letter by letter it is the one"
    with pytest.raises(CellError, match="several rows"):
        read_reference("activity", "TWICE", CHOICES)
    with pytest.raises(CellError, match="none of the activities"):
        read_reference("activity", "Sing", CHOICES)


@given(st.sampled_from(["quantity", "unit_cost", "due_on", "title"]), st.text(max_size=20))
def test_what_a_sheet_was_given_it_says_again(name: str, text: str) -> None:
    cell = typed_cell(name, text)
    assert alike(cell, typed_cell(name, text))
    assert not alike(cell, Decimal(-1)) and not alike(cell, Trouble.ERROR)


def test_every_heading_is_known_in_its_section_and_means_one_thing() -> None:
    for language, sections in HEADINGS.items():
        for section, names in sections.items():
            assert section_of(SHEETS[language][section]) == section
            assert set(names) == set(COLUMNS[section])
            assert {name: field_of(section, word) for name, word in names.items()} == {name: name for name in names}
    assert field_of("budget", "Unit cost (USD)") == "unit_cost" and field_of("budget", "Remarks") is None
    assert fold("  Coût  unitaire (CLP) ") == "cout unitaire"
