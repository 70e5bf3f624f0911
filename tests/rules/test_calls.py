"""A call's file: what the real one says, that it survives the database, and how every mistake in it is refused."""

from __future__ import annotations

import copy
import json
import re
import tomllib
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.rules.call_parsing import parse_call
from lab.rules.calls import (
    ALLOWED_FIELDS,
    CLAUSE_KINDS,
    CallDefinitionError,
    from_json,
    render_clause,
    text,
    to_json,
)

ROOT = Path(__file__).parents[2]
REAL = tomllib.loads((ROOT / "lab" / "calls" / "e-formalisation-2021.toml").read_text(encoding="utf-8"))
OTHER = tomllib.loads((ROOT / "tests" / "rules" / "data" / "one-prize-clp.toml").read_text(encoding="utf-8"))
FILES = {"real": REAL, "other": OTHER}
FRENCH = (
    "Ceci ... a été produit/réalisé avec le soutien de l’Organisation internationale du travail par le biais de son "
    "Mécanisme d’innovation pour les compétences, organisé par le Service des compétences et de l’employabilité "
    "(SKILLS), et du Bureau régional de l’OIT pour l’Amérique latine et les Caraïbes"
)


def test_the_real_call_says_what_the_guide_says() -> None:
    call = parse_call(REAL)
    assert (call.code, call.time_zone) == ("e-formalisation-2021", "Europe/Zurich")
    assert set(call.languages) == {"es", "pt", "en", "fr"} == set(call.title)
    assert call.launched_on == date(2021, 5, 4)
    assert call.closes_at == datetime(2021, 6, 30, 22, tzinfo=UTC)
    assert (call.announced_on, call.lab_from, call.pilots_end_on) == (
        date(2021, 7, 30),
        date(2021, 8, 1),
        date(2022, 8, 31),
    )
    assert [(prize.key, prize.amount, prize.currency) for prize in call.prizes] == [
        ("first", Decimal(30000), "USD"),
        ("second", Decimal(20000), "USD"),
    ]
    stages = call.stages
    assert (stages.workplan_days, stages.prototyping_months, stages.pilot_months_max) == (21, 6, 12)
    assert call.reminders.rungs() == (-14, -7, -3, -1, 0, 1, 3, 7)
    assert (call.reminders.officer_after_days, call.reminders.committee_after_days) == (3, 14)
    assert call.acknowledgement["fr"] == FRENCH
    assert len(call.criteria) == 5
    assert len(call.questions) == 11, "section 2 of the guide has eleven points"


def test_the_real_call_pays_once_under_six_conditions() -> None:
    (tranche,) = parse_call(REAL).tranches
    assert tranche.share == 1
    assert {condition.kind for condition in tranche.conditions} == {
        "workplan_approved", "due_diligence_clear", "agreement_in_force", "account_verified", "account_holder_matches",
        "not_suspended",
    }  # fmt: skip


def test_the_real_call_names_the_lists_of_the_programme() -> None:
    call = parse_call(REAL)
    assert [item.key for item in call.groups.groups] == [
        "women", "youth", "migrants", "persons_with_disabilities", "indigenous_peoples",
    ]  # fmt: skip
    assert [item.key for item in call.closing] == [
        "presentation_held", "acknowledgement_checked", "network_invitation_sent",
    ]  # fmt: skip
    assert [item.key for item in call.budget_categories] == [
        "staff", "equipment", "software", "travel", "training", "services", "communication", "other",
    ]  # fmt: skip
    assert len(call.boot_camps) == 3
    assert tuple(clause.kind for clause in call.clauses) == CLAUSE_KINDS


def test_the_other_call_differs_in_everything_that_may_differ() -> None:
    call = parse_call(OTHER)
    (prize,) = call.prizes
    assert (prize.amount, prize.currency, call.languages) == (Decimal(25_000_000), "CLP", ("es", "en"))
    assert call.closes_at == datetime(2026, 2, 1, 3, tzinfo=UTC), "midnight in Santiago in summer"
    assert [tranche.share for tranche in call.tranches] == [Decimal("0.60"), Decimal("0.40")]
    assert call.tranches[1].conditions[1].params == {"key": "workshop"}
    assert call.tranches[0].conditions[0].params == {}
    assert call.reminders.rungs() == (-5, -1, 2)


@pytest.mark.parametrize("name", FILES)
def test_a_call_survives_the_database(name: str) -> None:
    call = parse_call(FILES[name])
    assert from_json(json.loads(json.dumps(to_json(call)))) == call


@pytest.mark.parametrize("name", FILES)
def test_a_clause_uses_the_same_fields_in_every_language(name: str) -> None:
    for clause in parse_call(FILES[name]).clauses:
        fields = {frozenset(re.findall(r"\{(\w+)\}", template)) for template in clause.text.values()}
        assert len(fields) == 1, f"{clause.key}: a translation lost or gained a field"


@pytest.mark.parametrize("name", FILES)
def test_every_clause_can_be_rendered(name: str) -> None:
    facts = {field: f"<{field}>" for field in ALLOWED_FIELDS}
    for clause in parse_call(FILES[name]).clauses:
        for template in clause.text.values():
            assert not re.search(r"[{}]", render_clause(template, facts))


def test_a_clause_takes_facts_as_they_are() -> None:
    facts = {"organisation": "{amount} \\1 {organisation.__class__}", "amount": "5"}
    assert render_clause("{organisation}: {amount}", facts) == "{amount} \\1 {organisation.__class__}: 5"
    with pytest.raises(KeyError):
        render_clause("{project}", facts)


@pytest.mark.parametrize(
    ("texts", "language", "expected"),
    [
        ({"fr": "bonjour", "en": "hello"}, "fr", "bonjour"),
        ({"fr": "bonjour", "en": "hello"}, "pt", "hello"),
        ({"es": "hola", "fr": "bonjour"}, "pt", "hola"),
        ({"es": "hola", "fr": ""}, "fr", "hola"),
        ({}, "en", ""),
    ],
)
def test_a_text_falls_back(texts: dict[str, str], language: str, expected: str) -> None:
    assert text(texts, language) == expected


# --- refusals -------------------------------------------------------------------------------------------------------

Place = tuple[str | int, ...]
GONE = object()


def _at(data: Any, path: Place) -> Any:
    for step in path:
        data = data[step]
    return data


def _dotted(path: Place) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).lstrip(".")


def _with(data: dict[str, Any], path: Place, value: object) -> dict[str, Any]:
    """A copy of ``data`` with ``value`` at ``path``; ``GONE`` takes the key out."""
    changed = copy.deepcopy(data)
    place = _at(changed, path[:-1])
    if value is GONE:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return changed


def _refused(data: dict[str, Any]) -> CallDefinitionError:
    with pytest.raises(CallDefinitionError) as caught:
        parse_call(data)
    return caught.value


NOT_A_DATE = "is not a date: write it without quotation marks"
# What is put where in the second call, the key that is then named (None: the same place), and what is said.
REFUSALS: dict[str, tuple[Place, object, str | None, str]] = {
    "missing date": (("launched_on",), GONE, None, "missing: add a date without quotation marks, such as 2021-06-30"),
    "missing length": (("stages", "review_days"), GONE, None, "missing: add a whole number"),
    "missing amount": (("prizes", 0, "amount"), GONE, None, "missing: add a number in quotation marks"),
    "missing list": (("tranches",), GONE, None, "missing: add a list"),
    "missing table": (("stages",), GONE, None, "missing: add a table of keys and values"),
    "prize without currency": (("prizes", 0, "currency"), GONE, None, "missing: add a text"),
    "missing flag": (("reminders", "on_day"), GONE, None, "missing: add true or false"),
    "missing texts": (("title",), GONE, None, "a text in each language of the call (es, en)"),
    "missing text": (("prizes", 0, "label", "en"), GONE, None, "needed in every language of the call"),
    "missing languages": (("languages",), GONE, None, "List the languages"),
    "no languages": (("languages",), [], None, "List the languages"),
    "unknown language": (("languages",), ["es", "de"], "languages[1]", "'de' is not a language here: use one of en, es, pt, fr"),
    "language of another type": (("languages",), ["es", ["en"]], "languages[1]", "is not a language here"),
    "language twice": (("languages",), ["es", "en", "es"], "languages[2]", "name each language once"),
    "text in another language": (("summary", "fr"), "Un appel", None, "take it out, or add it to languages"),
    "unknown key": (("stages", "colour"), 1, None, "There is no such key here: take it out, or use one of workplan_days"),
    "misspelt key": (("stages", "worplan_days"), 1, None, "did you mean 'workplan_days'?"),
    "unknown parameter": (("tranches", 1, "conditions", 1, "params", "code"), "x", None, "take it out, or use 'key'"),
    "blank text": (("title", "es"), "  ", None, "a text that is not empty"),
    "number for a text": (("title", "es"), 3, None, "a text that is not empty"),
    "control character": (("title", "es"), "a\x00b", None, "control character"),
    "text for texts": (("title",), "Talleres", None, "a text in each language of the call"),
    "table for a list": (("prizes",), {"key": "only"}, None, "This must be a list"),
    "list for a table": (("stages",), [1], None, "This must be a table"),
    "text for a table": (("prizes",), ["only"], "prizes[0]", "This must be a table"),
    "list for parameters": (("tranches", 1, "conditions", 1, "params"), [], None, "This must be a table"),
    "text for a flag": (("reminders", "on_day"), "yes", None, "true or false"),
    "text for a length": (("stages", "workplan_days"), "21", None, "a whole number"),
    "flag for a length": (("stages", "workplan_days"), True, None, "a whole number"),
    "fraction for a length": (("stages", "workplan_days"), 2.5, None, "a whole number"),
    "negative days": (("stages", "workplan_days"), -1, None, "This is -1: days and months cannot be negative"),
    "negative months": (("stages", "pilot_months_max"), -3, None, "cannot be negative"),
    "negative delay": (("reports", "days_after_period"), -7, None, "cannot be negative"),
    "no days": (("stages", "payment_days"), 0, None, "1 or more"),
    "too many days": (("stages", "review_days"), 99_999, None, "write 3650 at most"),
    "text for a date": (("launched_on",), "2026-01-05", None, NOT_A_DATE),
    "instant for a date": (("launched_on",), datetime(2026, 1, 5, tzinfo=UTC), None, NOT_A_DATE),
    "text for the closing": (("closes_on",), "midnight", None, NOT_A_DATE),
    "year of another age": (("pilots_end_on",), date(9999, 12, 31), None, "correct the year"),
    "closing before launch": (("closes_on",), date(2026, 1, 4), None, "lies before the launch (2026-01-05)"),
    "announced before closing": (("announced_on",), date(2026, 1, 30), None, "lies before submissions close"),
    "lab before winners": (("lab_from",), date(2026, 2, 15), None, "lies before the winners are announced"),
    "pilots end before lab": (("pilots_end_on",), date(2026, 3, 1), None, "lies before the lab begins"),
    "unknown zone": (("time_zone",), "Europe/Geneva", None, "is not a time zone: write one such as Europe/Zurich"),
    "list for a zone": (("time_zone",), ["Europe/Zurich"], None, "a text that is not empty"),
    "code with capitals": (("code",), "Talleres 2026", None, "small letters, digits and hyphens"),
    "no prizes": (("prizes",), [], None, "add at least one"),
    "unknown currency": (("prizes", 0, "currency"), "USX", None, "'USX' is not a currency: write its three letters"),
    "currency of the past": (("prizes", 0, "currency"), "DEM", None, "is not a currency"),
    "currency in small letters": (("prizes", 0, "currency"), "clp", None, "is not a currency"),
    "decimals without minor units": (("prizes", 0, "amount"), "25000000.50", None, "amounts in CLP have 0"),
    "binary fraction": (("prizes", 0, "amount"), 30000.5, None, "a number in quotation marks"),
    "words for an amount": (("prizes", 0, "amount"), "much", None, "write digits, as in 30000.00"),
    "infinite amount": (("prizes", 0, "amount"), "Infinity", None, "write digits"),
    "negative amount": (("prizes", 0, "amount"), "-5", None, "is not a number of zero or more"),
    "no amount": (("prizes", 0, "amount"), 0, None, "more than zero"),
    "key with a space": (("prizes", 0, "key"), "the only", None, "small letters, digits and underscores"),
    "clause of an unknown kind": (("clauses", 0, "kind"), "weather", None, "'weather' is not a kind of clause: use one of"),
    "clause of a kind twice": (("clauses", 1, "kind"), "intellectual_property", "clauses[0].kind", "2 clauses of the kind"),
    "clause lacking": (("clauses", 3), GONE, "clauses", "no clause of the kind disputes: add one"),
    "unknown field": (("clauses", 0, "text", "en"), "For {winner}.", None, "{winner} is not a field of a clause: use one of"),
    "field with an attribute": (("clauses", 0, "text", "es"), "{call.code}", None, "{call.code} is not a field"),
    "empty field": (("clauses", 0, "text", "es"), "a {} b", None, "{} is not a field"),
    "lone brace": (("clauses", 0, "text", "es"), "{project", None, "A brace stands alone"),
    "condition of an unknown kind": (("tranches", 0, "conditions", 0, "kind"), "luck", None, "use one of agreement_in_force"),
    "condition without a name": (("tranches", 1, "conditions", 1, "params"), GONE, "tranches[1].conditions[1].params.key", "say which one"),
    "condition with a needless name": (
        ("tranches", 0, "conditions", 0, "params"), {"key": "x"}, "tranches[0].conditions[0].params.key", "means nothing",
    ),
    "condition on no boot camp": (("tranches", 1, "conditions", 1, "params", "key"), "party", None, "use one of workshop"),
    "shares below one": (("tranches", 1, "share"), "0.30", "tranches", "add up to 0.90: make them add up to 1"),
    "shares above one": (("tranches", 1, "share"), "0.41", "tranches", "add up to 1.01"),
    "share of nothing": (("tranches", 1, "share"), "0", None, "more than zero"),
    "boot camp after prototyping": (("boot_camps", 0, "month"), 4, None, "month 4 and prototyping lasts 3"),
    "boot camp in month nought": (("boot_camps", 0, "month"), 0, None, "1 or more"),
    "reminder on the day": (("reminders", "before"), [5, 0], "reminders.before[1]", "1 or more"),
    "reminder twice": (("reminders", "after"), [2, 2], "reminders.after[1]", "name each day once"),
    "negative reminder": (("reminders", "before"), [-5], "reminders.before[0]", "cannot be negative"),
    "committee before officer": (("reminders", "committee_after_days"), 1, None, "the officer is told first"),
    "tolerance in per cent": (("tolerances", "amend_over"), "15", None, 'write a fraction, such as "0.10"'),
    "tolerances the wrong way": (("tolerances", "amend_over"), "0.01", None, "an amendment is needed later"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSALS)
def test_a_mistake_is_refused_with_its_key_and_the_remedy(case: str) -> None:
    path, value, key, reason = REFUSALS[case]
    error = _refused(_with(OTHER, path, value))
    assert error.key == (key or _dotted(path))
    assert reason in error.reason
    assert error.reason[-1] in ".?"
    assert str(error) == f"{error.key}: {error.reason}"


@pytest.mark.parametrize(
    ("kind", "right", "wrong"),
    [("report_accepted", "progress_report:2", "progress"), ("milestone_accepted", "1", "first")],
)
def test_a_condition_names_what_the_facts_know(kind: str, right: str, wrong: str) -> None:
    place: Place = ("tranches", 1, "conditions", 1)
    condition = _at(OTHER, place) | {"kind": kind}
    assert parse_call(_with(OTHER, place, condition | {"params": {"key": right}}))
    error = _refused(_with(OTHER, place, condition | {"params": {"key": wrong}}))
    assert error.key == "tranches[1].conditions[1].params.key"
    assert "names nothing: write it as" in error.reason


KEYED: tuple[Place, ...] = (
    ("prizes",), ("due_diligence",), ("closing",), ("clauses",), ("tranches",), ("boot_camps",), ("reports", "sections"),
    ("criteria",), ("questions",), ("groups", "sexes"), ("groups", "ages"), ("groups", "groups"), ("budget_categories",),
)  # fmt: skip


@pytest.mark.parametrize("path", KEYED, ids=_dotted)
def test_a_key_stands_once_in_its_list(path: Place) -> None:
    items = _at(OTHER, path)
    error = _refused(_with(OTHER, path, [*items, items[0]]))
    assert error.key == f"{_dotted(path)}[{len(items)}].key"
    assert "stands there twice" in error.reason


@pytest.mark.parametrize("late", [date(2026, 1, 31), date(2026, 2, 1)])
def test_winners_may_be_announced_from_the_day_of_closing(late: date) -> None:
    """Closing is an instant of the next day in UTC: the days are compared where the call is."""
    assert parse_call(_with(OTHER, ("announced_on",), late)).announced_on == late


def _walk(data: Any, path: Place = ()) -> Iterator[Place]:
    """The place of every table in the file."""
    if isinstance(data, dict):
        yield path
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for step, item in items:
        yield from _walk(item, (*path, step))


TABLES = [(name, path) for name, data in FILES.items() for path in _walk(data)]
# What a file may leave out: nothing expires, no document is needed, a clause obliges to nothing.
OPTIONAL = {"expires", "document", "obligations"}
KEYS = [(name, (*path, key)) for name, path in TABLES for key in _at(FILES[name], path) if key not in OPTIONAL]


@given(st.sampled_from(KEYS))
def test_no_key_can_be_left_out(where: tuple[str, Place]) -> None:
    name, path = where
    error = _refused(_with(FILES[name], path, GONE))
    # A condition's parameters are optional as such; what is missed is the name in them.
    assert error.key == _dotted(path) + (".key" if path[-1] == "params" else "")


@given(st.sampled_from(TABLES), st.text("abcdefghijklmnopqrstuvwxyz_", min_size=1, max_size=12))
def test_no_unknown_key_is_let_in(where: tuple[str, Place], added: str) -> None:
    name, path = where
    known: Callable[[str], bool] = _at(FILES[name], path).__contains__
    unknown = added if not known(added) and added not in ("params", "key") else f"{added}_not"
    error = _refused(_with(FILES[name], (*path, unknown), "x"))
    assert error.key == _dotted((*path, unknown))
