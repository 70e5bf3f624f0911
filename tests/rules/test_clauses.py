"""Clauses: when they can be negotiated, whose turn it is, what they oblige to and when; documents that run out."""

from __future__ import annotations

import copy
import dataclasses
import re
import tomllib
from datetime import UTC, date, datetime
from typing import Any

import pytest

from lab.rules.agreement_words import DUTY_WORDS
from lab.rules.call_parsing import parse_call
from lab.rules.calls import DUTY_KINDS, DUTY_OWNERS, DUTY_RULES, CallDefinitionError, from_json, render_clause, to_json
from lab.rules.clauses import (
    CITED_BY,
    OWED_AS,
    Days,
    Duty,
    Said,
    drafting_blockers,
    due_days,
    duties_of,
    gone,
    in_words,
    obliges,
    open_talks_reason,
    planned,
    read_contribution,
    read_wording,
    settling_blockers,
    still_obliged,
    taking_back_blockers,
    turn,
    wording_blockers,
)
from lab.rules.diligence import diligence_reasons, expired, may_read_document, read_evidence
from lab.rules.errors import Invalid
from lab.rules.facts import AwardFacts, Role, Stage
from lab.rules.obligations import ObligationKind, overdue_days, sentence
from tests.factories import CALL_FILE, definition

DRAFT = AwardFacts(stage=Stage.AGREEMENT, workplan_accepted=True, agreement_drafted=True)
CALL = definition()


def facts(**changes: object) -> AwardFacts:
    return dataclasses.replace(DRAFT, **changes)  # type: ignore[arg-type]


def test_when_it_can_be_drafted_reworded_and_taken_back() -> None:
    nothing = facts(agreement_drafted=False)
    opened = facts(agreement_drafted=False, agreement_open=True)
    assert not drafting_blockers(nothing) and drafting_blockers(DRAFT) and drafting_blockers(opened)
    assert "gate comes first" in str(drafting_blockers(facts(stage=Stage.WORKPLAN, agreement_drafted=False))[0])
    assert not wording_blockers(DRAFT) and wording_blockers(nothing)
    assert "take it back" in str(wording_blockers(opened)[0])
    assert "in force" in str(wording_blockers(facts(agreement_in_force=True))[0])
    assert wording_blockers(facts(stage=Stage.SUSPENDED))
    assert not taking_back_blockers(opened) and taking_back_blockers(DRAFT)
    assert "bears a signature" in str(taking_back_blockers(facts(agreement_open=True, signed_by=frozenset({"ilo"})))[0])


def test_whose_turn_it_is() -> None:
    team, ilo, settled = Said("organisation", False), Said("ilo", False), Said("ilo", True)
    assert turn([]) is None and turn([team]) == "ilo" and turn([team, ilo]) == "organisation"
    assert turn([team, settled]) is None and turn([team, settled, team]) == "ilo"
    assert settling_blockers([]) and settling_blockers([settled]) and not settling_blockers([ilo])
    assert not open_talks_reason([]) and "“Money”" in str(open_talks_reason(["Money"])[0])


def test_what_is_typed_about_a_clause() -> None:
    assert read_wording(" a\r\nb ", "") == "a\nb"
    assert read_contribution("Too long", "Five years", "Five years", "") == ("Too long", "")
    assert read_contribution("", "Three years", "Five years", "") == ("", "Three years")
    for body, proposal in (("", ""), ("", "Five years"), ("x" * 5001, ""), ("x", "y" * 8001)):
        with pytest.raises(Invalid):
            read_contribution(body, proposal, "Five years", "")
    for text in (" ", "x" * 8001):
        with pytest.raises(Invalid):
            read_wording(text, "")


@pytest.mark.parametrize("place", ["{amount}", "{{amount}}", "{ moon }", "{}"])
def test_a_place_that_nothing_fills_is_named_and_refused(place: str) -> None:
    typed, first = f"The ILO pays {place}.", "«Cadenas {amount}» pays."
    with pytest.raises(Invalid, match=re.escape(place)) as refused:
        read_wording(typed, "The ILO pays 9 dollars.")
    assert set(refused.value.problems) == {"text"}
    with pytest.raises(Invalid, match=re.escape(place)) as refused:
        read_contribution("Better so", typed, "Now.", "The ILO pays 9 dollars.")
    assert set(refused.value.problems) == {"proposal"}
    # What a project is called may look like a place: it may stay as often as it was there, and no oftener.
    assert read_wording("«Cadenas {amount}» pays later.", first) == "«Cadenas {amount}» pays later."
    with pytest.raises(Invalid):
        read_wording("«Cadenas {amount}» pays {amount}.", first)
    assert read_contribution("About {this}", "", "Now.", "") == ("About {this}", ""), "a comment is no wording"


DAYS = Days(date(2022, 1, 31), date(2022, 7, 31), date(2023, 7, 31))


def duty(rule: str, months: int, kind: str = "visit_allowed") -> Duty:
    return Duty("visit", kind, "team", rule, months, "a day", "work", "Implementation")


def test_on_which_days_it_is_due() -> None:
    assert due_days(duty("after_in_force", 1), DAYS) == (date(2022, 2, 28),)
    assert due_days(duty("after_prototyping", 3), DAYS) == (date(2022, 10, 31),)
    assert due_days(duty("after_pilot", 60), DAYS) == (date(2028, 7, 31),)
    assert due_days(duty("every", 6), DAYS) == (date(2022, 7, 31), date(2023, 1, 31), date(2023, 7, 31))
    assert due_days(duty("every", 24), DAYS) == ()


def test_what_clauses_oblige_to_is_kept_beside_them_in_their_language() -> None:
    clauses = [{"key": c.key, "title": c.title["es"], "obligations": planned(c, "es")} for c in CALL.clauses]
    found = {one.key: one for one in duties_of(clauses)}
    assert found["vouchers"].title.startswith("facturas") and found["vouchers"].clause_title == "Informes financieros"
    assert {one.kind for one in found.values()} == {*OWED_AS, *CITED_BY}
    assert duties_of([{"key": "old", "title": "Old", "text": "From before."}]) == ()


def plan(kind: str, rule: str, months: int, owner: str = "team") -> dict[str, Any]:
    return {"key": "k", "kind": kind, "owner": owner, "rule": rule, "months": months, "title": "the papers."}


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (plan("records_kept", "after_pilot", 60), "Keep the records: the papers. Who: the organisation. Until: 60 months after the end of the pilot."),
        (plan("acknowledgement", "after_in_force", 1, "officer"), "Show the acknowledgement: the papers. Who: the ILO. Due: one month after the entry into force of this agreement."),
        (plan("visit_allowed", "after_prototyping", 0), "Receive the visit: the papers. Who: the organisation. Due: the end of prototyping."),
        (plan("visit_allowed", "after_pilot", 1, "officer"), "Make the visit: the papers. Who: the ILO. Due: one month after the end of the pilot."),
        (plan("visit_allowed", "every", 6), "Receive the visit: the papers. Who: the organisation. Due: every 6 months from the entry into force of this agreement to the end of the pilot."),
        (plan("financial_report", "every", 3), "the papers. Who: the organisation. Due: after every 3 months of prototyping and of the pilot."),
        (plan("final_report", "after_pilot", 0), "the papers. Who: the organisation. Due: the end of the pilot."),
        ({**plan("final_report", "after_pilot", 0), "words": "As it was frozen."}, "As it was frozen."),
    ],
)  # fmt: skip
def test_an_obligation_says_what_who_and_when(found: dict[str, Any], said: str) -> None:
    assert in_words(found, "en") == said


@pytest.mark.parametrize("language", ["en", "es", "fr", "pt"])
def test_every_obligation_has_its_sentence_in_every_language(language: str) -> None:
    assert set(DUTY_WORDS[language]) == set(DUTY_WORDS["en"])
    seen = set()
    for kind in DUTY_KINDS:
        for rule in DUTY_RULES:
            for owner in DUTY_OWNERS:
                for months in (0, 1, 12) if rule != "every" else (1, 12):
                    said = in_words({**plan(kind, rule, months, owner), "title": kind}, language)
                    assert not re.search("[{}]", said) and said.endswith(".") and kind in said
                    assert months < 2 or "12" in said
                    seen.add(said)
    assert len(seen) == len(DUTY_KINDS) * len(DUTY_OWNERS) * 11
    assert obliges({"obligations": []}, language) is None is obliges({"title": "Old"}, language)


def test_what_still_stands_under_a_new_wording() -> None:
    one, other = ({**plan("records_kept", "after_pilot", 12), "key": key} for key in ("one", "other"))
    clause = {"key": "money", "title": "Money", "text": "Words.", "obligations": [one, other]}
    assert still_obliged(clause, ("one", "other"), drop_rest=False, number=2) == clause
    for ticked in ((), ("one",), ("moon",)):
        with pytest.raises(Invalid) as refused:
            still_obliged(clause, ticked, drop_rest=False, number=2)
        assert set(refused.value.problems) == {"standing"}
    second = still_obliged(clause, ("one",), drop_rest=True, number=2)
    assert second["obligations"] == [one] and gone(second) == [other]
    third = still_obliged(second, ("one",), drop_rest=True, number=3)
    assert third == second, "what went goes but once"
    third = still_obliged(second, ("one", "other"), drop_rest=False, number=3)
    assert third["obligations"] == [one, other] and gone(third) == []
    assert third["former"] == [{"plan": other, "gone": 2, "back": 3}]
    fourth = still_obliged(third, (), drop_rest=True, number=4)
    assert fourth["obligations"] == [] and gone(fourth) == [one, other]
    assert [(entry["gone"], entry["back"]) for entry in fourth["former"]] == [(2, 3), (4, None), (4, None)]
    assert len(duties_of([fourth])) == 0


def test_what_is_overdue_cites_its_clause() -> None:
    params = {"title": "receipts", "clause": "money", "clause_title": "Financial reporting"}
    said = [str(sentence(ObligationKind.KEEP_RECORDS, params, days)) for days in (None, 0, 1, 3)]
    assert said[0] == "Keep the records: receipts"
    assert said[1].endswith("(overdue since today: clause “Financial reporting”)")
    assert said[2].endswith("(overdue by a day: clause “Financial reporting”)")
    assert said[3].endswith("(overdue by 3 days: clause “Financial reporting”)")
    assert str(sentence(ObligationKind.CLOSE_AWARD, {}, 3)) == "Complete the closing checklist and close the award"
    due = datetime(2026, 3, 1, 23, tzinfo=UTC)
    assert [overdue_days(due, due.replace(day=day)) for day in (1, 2, 4)] == [0, 1, 3]
    assert overdue_days(due, due.replace(hour=22)) is None


# Documents that run out


def test_a_document_is_valid_through_its_last_day_in_the_calls_zone() -> None:
    last = [("legal_registration", date(2022, 3, 26))]
    # Geneva is an hour ahead of UTC until the night that begins then.
    assert expired(CALL, last, datetime(2022, 3, 26, 22, 59, 59, tzinfo=UTC)) == ()
    found = expired(CALL, last, datetime(2022, 3, 26, 23, tzinfo=UTC))
    assert [(one.key, one.until) for one in found] == [("legal_registration", date(2022, 3, 26))]
    assert expired(
        CALL, [("references", date(2020, 1, 1)), ("unknown", date(2020, 1, 1))], datetime(2022, 1, 1, tzinfo=UTC)
    )
    reasons = diligence_reasons(facts(expired_documents=found))
    assert "“Legally recognised, with capacity to contract” was valid until 2022-03-26" in str(reasons[0])


def test_evidence_is_read_strictly() -> None:
    registration = CALL.due_diligence[0]
    references = CALL.due_diligence[3]
    today = date(2022, 3, 1)
    assert read_evidence(" Seen ", today, 1, registration, today).expires_on == today
    wrong = [
        (" ", None, 1, registration, {"note"}),
        ("Seen", date(2022, 2, 28), 1, registration, {"expires_on"}),
        ("Seen", None, 0, registration, {"files"}),
        ("Called", today, 0, references, {"expires_on"}),
        ("", date(2022, 2, 28), 0, registration, {"note", "expires_on", "files"}),
    ]
    for note, day, files, item, places in wrong:
        with pytest.raises(Invalid) as refusal:
            read_evidence(note, day, files, item, today)
        assert set(refusal.value.problems) == places
    assert read_evidence("Called", None, 0, references, today).note == "Called"


@pytest.mark.parametrize("role", list(Role))
def test_who_reads_documents_of_due_diligence(role: Role) -> None:
    assert may_read_document([role], from_team=False) is (role in (Role.OFFICER, Role.FINANCE))
    assert may_read_document([role], from_team=True) is (role in (Role.OFFICER, Role.FINANCE, Role.LEAD))


# The call's file


@pytest.mark.parametrize(
    "template",
    ["{call.code}", "{organisation[0]}", "{amount:>10}", "{amount!r}", "{{amount}}", "{{{amount}}}", "{ amount }", "{}", "{0}",
     "{organisation.__class__}", "{Amount}", "%(amount)s {", "{% if amount %}", "}{"],
)  # fmt: skip
def test_only_plain_fields_are_taken_and_the_place_is_named(template: str) -> None:
    data = copy.deepcopy(tomllib.loads(CALL_FILE.read_text(encoding="utf-8")))
    data["clauses"][1]["text"]["es"] = template
    with pytest.raises(CallDefinitionError) as refusal:
        parse_call(data)
    assert refusal.value.key == "clauses[1].text.es"


def test_what_a_fact_says_is_never_read_as_a_field() -> None:
    assert (
        render_clause("{project}: {amount}", {"project": "{amount} %(x)s {{", "amount": "9"}) == "{amount} %(x)s {{: 9"
    )


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"kind": "weather"}, "kind"), ({"owner": "mentor"}, "owner"), ({"rule": "never"}, "rule"), ({"months": 0}, "months"),
        ({"months": 4}, "months"), ({"owner": "officer"}, "owner"), ({"rule": "after_pilot"}, "months"),
        ({"key": "vouchers"}, "key"), ({"kind": "final_report"}, "rule"),
    ],
)  # fmt: skip
def test_an_obligation_that_cannot_be_kept_is_refused(change: dict[str, object], place: str) -> None:
    data = tomllib.loads(CALL_FILE.read_text(encoding="utf-8"))
    data["clauses"][1]["obligations"][0] |= change
    with pytest.raises(CallDefinitionError) as refusal:
        parse_call(data)
    assert refusal.value.key.startswith("clauses[1].obligations[") and refusal.value.key.endswith(place)


def test_a_title_has_no_fields_and_keys_are_the_calls_own() -> None:
    data = tomllib.loads(CALL_FILE.read_text(encoding="utf-8"))
    data["clauses"][0]["title"]["fr"] = "Pour {organisation}"
    with pytest.raises(CallDefinitionError, match="clauses.0..title.fr"):
        parse_call(data)
    data = tomllib.loads(CALL_FILE.read_text(encoding="utf-8"))
    data["clauses"][4]["obligations"][0]["key"] = "vouchers"
    with pytest.raises(CallDefinitionError, match="another clause"):
        parse_call(data)


def test_a_call_from_before_there_were_obligations_is_read() -> None:
    body = to_json(CALL)
    assert from_json(body) == CALL
    for clause in body["clauses"]:
        del clause["obligations"]
    for item in body["due_diligence"]:
        del item["expires"], item["document"]
    old = from_json(body)
    assert not any(clause.obligations for clause in old.clauses) and not any(
        item.document for item in old.due_diligence
    )
