"""Who signs for a side, in which of two ways, and what is no signature under the frozen text."""

from __future__ import annotations

import dataclasses
import unicodedata
from datetime import date

import pytest

from lab.rules.errors import Invalid, Refused
from lab.rules.facts import AwardFacts, Stage
from lab.rules.signature import (
    HASH_START,
    Method,
    Signatory,
    account_blockers,
    check_signature,
    naming_blockers,
    paper_blockers,
    read_paper,
    read_signatory,
    signing_blockers,
)

OPEN = AwardFacts(stage=Stage.AGREEMENT, workplan_accepted=True, due_diligence_clear=True, agreement_open=True)
LEAD = Signatory("Lucía Lead", "Team lead", 7)
DIRECTOR = Signatory("Dolores Director", "Executive director", None, named=True)
HASH = "0123456789abcdef" * 4
FROZEN_ON, TODAY = date(2026, 3, 2), date(2026, 3, 9)


def facts(**changes: object) -> AwardFacts:
    return dataclasses.replace(OPEN, **changes)  # type: ignore[arg-type]


SHUT = [
    ({"agreement_open": False}, "the officer opens it"),
    ({"stage": Stage.SUSPENDED}, "stage"),
    ({"stage": Stage.TERMINATED}, "stage"),
    ({"due_diligence_clear": False}, "open again"),
]


# Electronically


def sign(typed: str = "Lucía Lead", shown: str = HASH, frozen: str = HASH, **changes: object) -> None:
    check_signature("organisation", LEAD, 7, typed, shown, frozen, facts(**changes))


@pytest.mark.parametrize("typed", ["Lucía Lead", " lucía   LEAD ", unicodedata.normalize("NFD", "Lucía Lead")])
def test_a_name_is_the_same_however_it_is_typed(typed: str) -> None:
    sign(typed)


@pytest.mark.parametrize("typed", ["", "Lucia Lead", "Lead", "Lucía Lead Junior", "Dolores Director"])
def test_another_name_is_no_signature(typed: str) -> None:
    with pytest.raises(Invalid) as refused:
        sign(typed)
    assert set(refused.value.problems) == {"typed_name"} and "Lucía Lead" in str(refused.value)


@pytest.mark.parametrize(("shown", "frozen"), [("abd", "abc"), ("", "abc"), ("", ""), (HASH[:8], HASH)])
def test_another_text_is_not_signed(shown: str, frozen: str) -> None:
    with pytest.raises(Refused, match="not the one to be signed"):
        sign(shown=shown, frozen=frozen)


@pytest.mark.parametrize(("changes", "reason"), [*SHUT, ({"signed_by": frozenset({"organisation"})}, "signed already")])
def test_why_nothing_can_be_signed(changes: dict[str, object], reason: str) -> None:
    (found,) = signing_blockers("organisation", facts(**changes))
    assert reason in str(found)
    with pytest.raises(Refused, match=reason):
        sign(**changes)


def test_each_side_signs_once_and_apart_from_the_other() -> None:
    signed = facts(signed_by=frozenset({"organisation"}))
    assert signing_blockers("ilo", signed) == ()
    assert signing_blockers("organisation", signed) != ()


@pytest.mark.parametrize(
    ("signatory", "person", "reason"),
    [
        (LEAD, 8, "under their own account"),
        (LEAD, None, "under their own account"),
        (DIRECTOR, 7, "on paper"),
        (DIRECTOR, None, "on paper"),
        (None, 7, "Nobody is named"),
    ],
)
def test_only_the_named_account_signs(signatory: Signatory | None, person: int | None, reason: str) -> None:
    (found,) = account_blockers(signatory, person)
    assert reason in str(found)
    with pytest.raises(Refused, match=reason):
        check_signature("organisation", signatory, person, "Lucía Lead", HASH, HASH, OPEN)


# Naming


def test_who_is_named() -> None:
    assert read_signatory(" Dolores  Director ", " Executive director", None) == DIRECTOR
    assert read_signatory("ignored", "Chair", LEAD) == Signatory("Lucía Lead", "Chair", 7, named=True)


@pytest.mark.parametrize(
    ("name", "function", "account", "places"),
    [
        ("", "", None, {"name", "function"}),
        ("Dolores", " ", None, {"function"}),
        (" ", "Director", None, {"name"}),
        ("x" * 301, "y" * 301, None, {"name", "function"}),
        ("", "", LEAD, {"function"}),
    ],
)
def test_what_is_missing_of_a_signatory(name: str, function: str, account: Signatory | None, places: set[str]) -> None:
    with pytest.raises(Invalid) as refused:
        read_signatory(name, function, account)
    assert set(refused.value.problems) == places


def test_when_nobody_else_can_be_named() -> None:
    assert naming_blockers("ilo", LEAD, ["Nothing of names."], OPEN) == ()
    assert naming_blockers("ilo", LEAD, [], facts(stage=Stage.WORKPLAN, agreement_open=False)) == ()
    assert naming_blockers("ilo", None, ["Lucía Lead signs."], OPEN) == ()
    for reason, found in (
        ("signed already", naming_blockers("ilo", LEAD, [], facts(signed_by=frozenset({"ilo"})))),
        ("stage", naming_blockers("ilo", LEAD, [], facts(stage=Stage.PILOT))),
        ("frozen text names Lucía Lead", naming_blockers("ilo", LEAD, ["Here signs Lucía Lead."], OPEN)),
    ):
        assert len(found) == 1 and reason in str(found[0])


# On paper


@pytest.mark.parametrize(("changes", "reason"), SHUT)
def test_why_no_paper_can_be_recorded(changes: dict[str, object], reason: str) -> None:
    (found,) = paper_blockers("ilo", None, facts(**changes))
    assert reason in str(found)


def test_a_paper_is_replaced_until_the_agreement_is_in_force_and_an_account_s_signature_never() -> None:
    one, both = frozenset({"ilo"}), frozenset({"ilo", "organisation"})
    assert paper_blockers("ilo", Method.PAPER, facts(signed_by=one)) == ()
    assert "electronically already" in str(paper_blockers("ilo", Method.ELECTRONIC, facts(signed_by=one))[0])
    assert "in force" in str(paper_blockers("ilo", Method.PAPER, facts(signed_by=both))[0])


def paper(**changes: object) -> object:
    typed = {"name": "dolores DIRECTOR", "function": " Executive  director ", "signed_on": FROZEN_ON, "start": HASH[:8]}
    typed |= changes
    return read_paper(
        typed["name"], typed["function"], typed["signed_on"], typed["start"], DIRECTOR, HASH, (FROZEN_ON, TODAY)
    )  # type: ignore[arg-type]  # fmt: skip


def test_what_stands_on_a_paper() -> None:
    found = paper()
    assert (found.name, found.function, found.signed_on) == ("dolores DIRECTOR", "Executive director", FROZEN_ON)  # type: ignore[attr-defined]
    paper(signed_on=TODAY, start=" 0123 4567 89AB")
    paper(start=HASH)


@pytest.mark.parametrize(
    ("changes", "place", "reason"),
    [
        ({"signed_on": date(2026, 3, 1)}, "signed_on", "frozen on"),
        ({"signed_on": date(2026, 3, 10)}, "signed_on", "still to come"),
        ({"signed_on": None}, "signed_on", "Give the day"),
        ({"start": HASH[: HASH_START - 1]}, "hash_start", "first 8 characters"),
        ({"start": ""}, "hash_start", "first 8 characters"),
        ({"start": "0123456f"}, "hash_start", "another text"),
        ({"start": HASH + "0"}, "hash_start", "another text"),
        ({"name": "Lucía Lead"}, "name", "Dolores Director"),
        ({"name": ""}, "name", "full name"),
        ({"function": ""}, "function", "what this person is"),
    ],
)
def test_what_a_paper_is_refused_for(changes: dict[str, object], place: str, reason: str) -> None:
    with pytest.raises(Invalid) as refused:
        paper(**changes)
    assert set(refused.value.problems) == {place} and reason in str(refused.value)


def test_a_paper_needs_somebody_who_signs() -> None:
    with pytest.raises(Refused, match="Nobody is named"):
        read_paper("Ana", "Chair", TODAY, HASH[:8], None, HASH, (FROZEN_ON, TODAY))
