"""The record of an award: every field that can be wrong, by name, with what to do about it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.rules.award import (
    MAX_NAME,
    MAX_SUMMARY,
    AwardRecord,
    Prizes,
    clean_email,
    problems_of,
    read_person,
    split_amount,
)
from lab.rules.money import minor_units, rounded

TODAY = date(2026, 3, 2)
PRIZES = Prizes(frozenset({"first", "second"}), frozenset({"second"}), frozenset({"en", "es"}))
GOOD = AwardRecord(
    organisation={"legal_name": "Cámara de Ejemplo", "kind": "employers", "country": "EC"},
    registered_on=date(2001, 5, 4),
    account={},
    project="Encadenamientos",
    summary="",
    prize="first",
    notice_on=TODAY,
    local_currency="USD",
    language="es",
    lead=("Lucía Lead", "lucia@camara.example"),
    mentors=(("Maya Mentor", "maya@ilo.example"),),
)
ACCOUNT = {"holder": "Cámara de Ejemplo", "bank": "Banco", "number": "EC1234", "swift": ""}


def test_a_whole_record_has_no_problem() -> None:
    assert problems_of(GOOD, PRIZES, TODAY) == {}
    assert problems_of(replace(GOOD, account=ACCOUNT), PRIZES, TODAY) == {}


@pytest.mark.parametrize(
    ("changed", "field", "words"),
    [
        ({"organisation": {**GOOD.organisation, "legal_name": "x" * (MAX_NAME + 1)}}, "legal_name", "300"),
        ({"organisation": {}}, "legal_name", "legal name"),
        ({"registered_on": TODAY + timedelta(days=1)}, "registered_on", "in the future"),
        ({"notice_on": TODAY + timedelta(days=1)}, "notice_on", "in the future"),
        ({"notice_on": None}, "notice_on", "counts from it"),
        ({"project": " "}, "project", "title"),
        ({"summary": "x" * (MAX_SUMMARY + 1)}, "summary", "4000"),
        ({"prize": "third"}, "prize", "one of the prizes"),
        ({"prize": "second"}, "prize", "its winner already"),
        ({"local_currency": "XXZ"}, "local_currency", "three letters"),
        ({"language": "pt"}, "language", "languages"),
        ({"lead": ("", "lucia@camara.example")}, "lead_name", "full name"),
        ({"lead": ("Lucía", "lucia")}, "lead_email", "such as ana@"),
        ({"mentors": (("Maya", "maya@ilo.example"), ("Maya", "MAYA@ilo.example"))}, "mentors-1-email", "named twice"),
        ({"mentors": (("", "maya@ilo.example"),)}, "mentors-0-name", "full name"),
        ({"account": {**ACCOUNT, "holder": ""}}, "holder", "holder"),
        ({"account": {**ACCOUNT, "bank": " "}}, "bank", "bank"),
        ({"account": {**ACCOUNT, "number": "x" * 81}}, "number", "4 to 80"),
        ({"account": {**ACCOUNT, "swift": "BICAECE"}}, "swift", "8 or 11"),
        ({"account": {"swift": "BICAECEG"}}, "number", "IBAN"),
    ],
)
def test_each_wrong_field_is_named_with_its_remedy(changed: dict[str, object], field: str, words: str) -> None:
    found = problems_of(replace(GOOD, **changed), PRIZES, TODAY)  # type: ignore[arg-type]
    assert field in found and words in str(found[field])


def test_everything_wrong_is_told_at_once() -> None:
    empty = AwardRecord(
        organisation={}, registered_on=None, account={}, project="", summary="", prize="", notice_on=None,
        local_currency="", language="", lead=("", ""), mentors=(),
    )  # fmt: skip
    assert set(problems_of(empty, PRIZES, TODAY)) == {
        "legal_name", "kind", "country", "registered_on", "project", "prize", "notice_on", "local_currency", "language",
        "lead_name", "lead_email",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("typed", "kept"), [(" Ana@Team.Example ", "ana@team.example"), ("josé@camara.example", "josé@camara.example")]
)
def test_an_address_is_kept_in_one_form(typed: str, kept: str) -> None:
    assert clean_email(typed) == kept


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "ana",
        "ana@",
        "@team.example",
        "ana@team.example, eve@evil.example",
        "ana@team.example\nBcc: x@y.example",
        "a b@c.example",
    ],
)
def test_what_is_no_address_is_refused(typed: str) -> None:
    assert "email" in read_person("Ana", typed, "")[2]


def test_a_name_is_one_line() -> None:
    assert read_person(" Ana \n María ", "ana@team.example", "") == ("Ana María", "ana@team.example", {})


@given(
    st.integers(1, 10**7),
    st.lists(st.integers(1, 20), min_size=1, max_size=6),
    st.sampled_from(["USD", "CLP", "KWD"]),
)
def test_shares_add_up_to_the_award_to_the_smallest_coin(units: int, weights: list[int], currency: str) -> None:
    amount = Decimal(units).scaleb(-minor_units(currency))
    whole = sum(weights)
    shares = [Decimal(weight) / whole for weight in weights]
    parts = split_amount(amount, shares, currency)
    assert sum(parts) == amount
    assert all(part >= 0 and part == rounded(part, currency) for part in parts)
