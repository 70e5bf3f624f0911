"""The agreement's rules: what must be in order before it is opened, the two calendar years, its text, and who may sign."""

from __future__ import annotations

import copy
import dataclasses
import hashlib
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from lab.rules.agreement import (
    CLOSING,
    DUE_DILIGENCE,
    TWO_YEARS,
    Age,
    Parties,
    age_at_close,
    check_item,
    clause_fields,
    clearing_blockers,
    covers_obligations,
    draft_clauses,
    items_of,
    opening_blockers,
    reopening_blockers,
    text_hash,
    to_freeze,
)
from lab.rules.calls import ALLOWED_FIELDS, CLAUSE_KINDS
from lab.rules.diligence import read_note
from lab.rules.errors import Invalid, Refused
from lab.rules.facts import ACTIVE, AwardFacts, Stage
from tests.factories import definition

CLP_CALL = str(Path(__file__).parent / "data" / "one-prize-clp.toml")
OLD = Age(date(2001, 5, 4), date(2003, 5, 4), date(2021, 6, 30))
YOUNG = Age(date(2020, 5, 4), date(2022, 5, 4), date(2021, 6, 30))
ECUADOR = Parties(
    language="es",
    organisation="Cámara de Ejemplo",
    country="EC",
    project="Cadenas {amount}",
    prize="first",
    amount=Decimal("30000.00"),
    currency="USD",
    local_currency="BRL",
    signatory="Lucía Lead",
)
READY = AwardFacts(stage=Stage.AGREEMENT, workplan_accepted=True, due_diligence_clear=True)
OPEN = dataclasses.replace(READY, agreement_open=True)


def facts(base: AwardFacts = OPEN, **changes: object) -> AwardFacts:
    return dataclasses.replace(base, **changes)  # type: ignore[arg-type]


# The two calendar years


@pytest.mark.parametrize(
    ("registered_on", "closed_on", "enough"),
    [
        (date(2019, 6, 30), date(2021, 6, 30), True),
        (date(2019, 7, 1), date(2021, 6, 30), False),
        (date(2001, 5, 4), date(2021, 6, 30), True),
        # Registered on a leap day: the years are full on the last day of February, two years later.
        (date(2020, 2, 29), date(2022, 2, 28), True),
        (date(2020, 2, 29), date(2022, 2, 27), False),
        (date(2020, 3, 1), date(2022, 2, 28), False),
        # Closed on a leap day.
        (date(2022, 2, 28), date(2024, 2, 29), True),
        (date(2022, 3, 1), date(2024, 2, 29), False),
    ],
)
def test_two_calendar_years_to_the_day(registered_on: date, closed_on: date, enough: bool) -> None:
    midnight = datetime(closed_on.year, closed_on.month, closed_on.day, 23, 30, tzinfo=UTC)
    call = dataclasses.replace(definition(), closes_at=midnight, time_zone="UTC")
    age = age_at_close(registered_on, call)
    assert (age.closed_on, age.enough) == (closed_on, enough)
    sentence = str(age.sentence())
    assert str(registered_on) in sentence and str(closed_on) in sentence
    assert ("cannot be cleared" in sentence) is not enough


def test_the_closing_day_is_the_one_in_the_calls_time_zone() -> None:
    """23:00 UTC on 29 June is already 30 June in Geneva, and still 29 June in Santiago."""
    closes_at = datetime(2021, 6, 29, 23, tzinfo=UTC)
    geneva = dataclasses.replace(definition(), closes_at=closes_at, time_zone="Europe/Zurich")
    santiago = dataclasses.replace(definition(), closes_at=closes_at, time_zone="America/Santiago")
    assert age_at_close(date(2019, 6, 30), geneva).enough
    assert not age_at_close(date(2019, 6, 30), santiago).enough


def test_the_real_call_closed_at_the_end_of_june() -> None:
    assert age_at_close(date(2019, 6, 30), definition()).closed_on == date(2021, 6, 30)


# Checklists


def test_due_diligence_is_cleared_while_the_award_lives_and_closing_in_the_pilot() -> None:
    clearable = {
        checklist: {stage for stage in Stage if not clearing_blockers(checklist, AwardFacts(stage=stage))}
        for checklist in (DUE_DILIGENCE, CLOSING)
    }
    assert clearable == {DUE_DILIGENCE: set(ACTIVE), CLOSING: {Stage.PILOT}}
    reopenable = {
        checklist: {stage for stage in Stage if not reopening_blockers(checklist, AwardFacts(stage=stage))}
        for checklist in (DUE_DILIGENCE, CLOSING)
    }
    assert reopenable == {DUE_DILIGENCE: {Stage.WORKPLAN, Stage.AGREEMENT}, CLOSING: {Stage.PILOT}}


def test_after_a_signature_no_item_is_reopened_and_the_reason_says_what_remains() -> None:
    assert reopening_blockers(DUE_DILIGENCE, OPEN) == ()
    (reason,) = reopening_blockers(DUE_DILIGENCE, facts(signed_by=frozenset({"ilo"})))
    assert "bears a signature" in str(reason) and "suspend or terminate" in str(reason)


def test_the_two_years_are_not_cleared_when_they_are_not_full() -> None:
    check_item(DUE_DILIGENCE, TWO_YEARS, OLD, READY)
    check_item(DUE_DILIGENCE, "references", YOUNG, READY)
    with pytest.raises(Refused, match="cannot be cleared"):
        check_item(DUE_DILIGENCE, TWO_YEARS, YOUNG, READY)
    with pytest.raises(Refused, match="stage"):
        check_item(CLOSING, "presentation_held", OLD, READY)


def test_the_real_call_asks_for_the_two_years() -> None:
    assert TWO_YEARS in {item.key for item in items_of(definition(), DUE_DILIGENCE)}
    assert items_of(definition(), "moon") == ()


@pytest.mark.parametrize("note", ["", " \n ", "x" * 5001])
def test_a_note_needs_words_and_an_end(note: str) -> None:
    with pytest.raises(Invalid) as refused:
        read_note(note)
    assert set(refused.value.problems) == {"note"}


def test_a_note_is_kept_without_the_space_around_it() -> None:
    assert read_note(" Seen\nin original ") == "Seen\nin original"


# Opening


def test_everything_that_keeps_the_agreement_closed_is_said_at_once() -> None:
    assert opening_blockers(READY) == ()
    both = opening_blockers(AwardFacts(stage=Stage.WORKPLAN))
    assert [str(reason)[:13] for reason in both] == ["The workplan ", "Due diligence"]
    (only,) = opening_blockers(facts(READY, due_diligence_clear=False))
    assert "Due diligence" in str(only)
    (again,) = opening_blockers(OPEN)
    assert "open already" in str(again)


@pytest.mark.parametrize("stage", sorted(set(Stage) - {Stage.WORKPLAN, Stage.AGREEMENT}))
def test_elsewhere_the_stage_is_the_only_reason(stage: Stage) -> None:
    (reason,) = opening_blockers(facts(READY, stage=stage))
    assert "stage the award is in" in str(reason)


# The text


@pytest.mark.parametrize("language", ["es", "pt", "en", "fr"])
@pytest.mark.parametrize("path", ["", CLP_CALL])
def test_every_clause_is_whole_in_every_language(language: str, path: str) -> None:
    call = definition(path) if path else definition()
    clauses = draft_clauses(call, dataclasses.replace(ECUADOR, language=language, project="Cadenas"))
    assert {clause["kind"] for clause in clauses} == set(CLAUSE_KINDS)
    for clause in clauses:
        assert clause["title"] and not re.search("[{}]", clause["text"])
        assert not re.search(r"(?<!\.)\.[»”\s]*\.(?!\.)", clause["text"]), "a full stop too many"


def test_there_is_a_fact_for_every_field_a_clause_may_name() -> None:
    assert set(clause_fields(definition(), ECUADOR)) == ALLOWED_FIELDS


def test_the_facts_are_written_out_in_the_agreements_language() -> None:
    fields = clause_fields(definition(), ECUADOR)
    assert fields["amount"] == "30.000,00 dólares estadounidenses (USD)"
    assert fields["local_currency"] == "reales brasileños (BRL)"
    assert (fields["country"], fields["prize"]) == ("Ecuador", "Primer premio")
    assert (fields["prototyping_months"], fields["pilot_months"], fields["workplan_days"]) == ("6", "12", "21")
    portuguese = clause_fields(definition(), dataclasses.replace(ECUADOR, language="pt", country="BR"))
    assert portuguese["amount"] == "30.000,00 dólares americanos (USD)"
    assert portuguese["country"] == "Brasil"
    english = clause_fields(definition(), dataclasses.replace(ECUADOR, language="en"))
    assert english["amount"] == "30,000.00 US dollars (USD)"


def test_a_currency_without_minor_units_is_written_without_decimals() -> None:
    pesos = dataclasses.replace(ECUADOR, amount=Decimal(12_000_000), currency="CLP")
    assert clause_fields(definition(), pesos)["amount"] == "12.000.000 pesos chilenos (CLP)"


def test_the_acknowledgement_leaves_the_full_stop_to_its_clause() -> None:
    call = dataclasses.replace(definition(), acknowledgement={"es": "Con el apoyo de la OIT. "})
    assert clause_fields(call, ECUADOR)["acknowledgement"] == "Con el apoyo de la OIT"


def test_what_looks_like_a_field_in_a_fact_stays_as_it_is() -> None:
    assert "«Cadenas {amount}»" in draft_clauses(definition(), ECUADOR)[0]["text"]


FORMS = (1, 2)


def frozen_in(form: int, clauses: list[dict[str, Any]]) -> dict[str, Any]:
    content = to_freeze({"language": "es", "clauses": clauses})
    return content if form == 2 else {"language": "es", "clauses": clauses}


@pytest.mark.parametrize("form", FORMS)
def test_the_hash_is_of_the_words_in_their_order(form: int) -> None:
    content = frozen_in(form, draft_clauses(definition(), ECUADOR))
    clauses, frozen = content["clauses"], text_hash(content)
    assert re.fullmatch("[0-9a-f]{64}", frozen)

    def other(changed: list[dict[str, Any]]) -> str:
        return text_hash({**content, "clauses": changed})

    assert other([dict(reversed(clause.items())) for clause in clauses]) == frozen
    assert other(clauses[::-1]) != frozen
    assert other([*clauses[:-1], {**clauses[-1], "text": clauses[-1]["text"] + " "}]) != frozen


@pytest.mark.parametrize("form", FORMS)
def test_what_a_clause_obliges_to_is_covered_by_the_second_form_alone(form: int) -> None:
    content = frozen_in(form, draft_clauses(definition(), ECUADOR))
    plan = content["clauses"][1]["obligations"][2]
    assert covers_obligations(content) is (form == 2)
    for change in (
        {"months": 12},
        {"owner": "officer"},
        {"rule": "after_in_force"},
        {"title": "recibos"},
        {"words": "Nada."},
    ):
        changed = copy.deepcopy(content)
        changed["clauses"][1]["obligations"][2] = {**plan, **change}
        assert (text_hash(changed) != text_hash(content)) is (form == 2), change
    changed = copy.deepcopy(content)
    changed["clauses"][1]["obligations"].pop()
    assert (text_hash(changed) != text_hash(content)) is (form == 2)


def test_a_text_is_frozen_with_its_obligations_in_words_and_its_own_hash() -> None:
    draft = {"language": "es", "clauses": draft_clauses(definition(), ECUADOR), "hash": "of an earlier text"}
    content = to_freeze(draft)
    assert (content["form"], content["hash"]) == (2, text_hash(content))
    assert all(plan["words"] for clause in content["clauses"] for plan in clause["obligations"])
    assert to_freeze(content) == content, "the same again is the same text"
    assert "form" not in draft and "words" not in draft["clauses"][1]["obligations"][0], "the draft is left alone"


def test_the_hash_is_the_one_that_was_published() -> None:
    """Written out, so that nobody changes the recipe by accident: every signature there is stands on it."""
    written = '[{"text":"Acordado.","title":"Título"}]'
    frozen = "131ddfb1e679f5a8334943c516d627ffd87919da53ee693a6494ea5172b5dc5a"
    assert hashlib.sha256(written.encode()).hexdigest() == frozen
    clause: dict[str, Any] = {"title": "Título", "text": "Acordado."}
    assert text_hash({"clauses": [clause]}) == text_hash({"form": 1, "clauses": [clause]}) == frozen
    plan = {
        "key": "visit",
        "kind": "visit_allowed",
        "owner": "team",
        "rule": "after_prototyping",
        "months": 3,
        "title": "la OIT",
    }
    content = to_freeze({"language": "es", "clauses": [{**clause, "obligations": [plan]}]})
    written = (
        '[{"obligations":[{"key":"visit","kind":"visit_allowed","months":3,"owner":"team","rule":"after_prototyping",'
        '"title":"la OIT","words":"Recibir la visita: la OIT. Quién: la organización. Plazo: 3 meses tras el final del '
        'prototipado."}],"text":"Acordado.","title":"Título"}]'
    )
    second = "f6a7c2a5bfdfd899695a63683212784f8c25a6dfb154919117bdba860a1e24fb"
    assert hashlib.sha256(written.encode()).hexdigest() == second == content["hash"]
