"""Payments by the rules alone: every condition, every step × state × role, two pairs of eyes, the sentence that says why not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import product

import pytest

from lab.rules.bank_account import (
    AccountFacts,
    account_problems,
    change_blockers,
    clean_account,
    in_name_of,
    last_characters,
    verify_blockers,
)
from lab.rules.calls import CONDITION_KINDS
from lab.rules.conditions import CHECKS, ConditionFacts, unmet
from lab.rules.disbursement import (
    TrancheFacts,
    TrancheState,
    duty_key,
    next_state,
    release_blockers,
    step_blockers,
    still_unmet,
)
from lab.rules.errors import Invalid, NotAllowed, Refused
from lab.rules.facts import AwardFacts, Role, Stage
from lab.rules.ledger import Books, read_return, read_sent
from lab.rules.obligations import ObligationKind, Party
from lab.rules.payment_decisions import DecisionKind, possible, read_adjusted
from lab.rules.standing import standing

SINCE = datetime(2026, 3, 2, tzinfo=UTC)
LATER = datetime(2026, 3, 9, tzinfo=UTC)
DUE = datetime(2026, 3, 19, tzinfo=UTC)
GOOD = AwardFacts(
    stage=Stage.PROTOTYPING,
    workplan_accepted=True,
    due_diligence_clear=True,
    agreement_in_force=True,
    prototype_report_accepted=True,
    account_entered=True,
    account_verified=True,
    account_holder_matches=True,
    reports_accepted=frozenset({"progress_report:1"}),
    milestones_accepted=frozenset({"1"}),
    boot_camps_attended=frozenset({"refine"}),
    final_report_accepted=True,
    obligations_done=frozenset({"duty:visit"}),
    today=date(2026, 3, 2),
)
KEYS = {
    "report_accepted": "progress_report:1", "milestone_accepted": "1", "boot_camp_attended": "refine",
    "obligation_discharged": "duty:visit", "date_reached": "2026-03-02",
}  # fmt: skip
# Kind of condition → what of a good award has to be otherwise for it to be unmet.
SPOILT: dict[str, dict[str, object]] = {
    "agreement_in_force": {"agreement_in_force": False},
    "workplan_approved": {"workplan_accepted": False},
    "due_diligence_clear": {"due_diligence_clear": False},
    "account_verified": {"account_verified": False},
    "account_holder_matches": {"account_holder_matches": False},
    "not_suspended": {"stage": Stage.SUSPENDED, "suspended_from": Stage.PROTOTYPING},
    "prototype_report_accepted": {"prototype_report_accepted": False},
    "report_accepted": {"reports_accepted": frozenset()},
    "milestone_accepted": {"milestones_accepted": frozenset()},
    "boot_camp_attended": {"boot_camps_attended": frozenset()},
    "final_report_accepted": {"final_report_accepted": False},
    "obligation_discharged": {"obligations_done": frozenset()},
    "date_reached": {"today": date(2026, 3, 1)},
    "attested": {},
}
# How the sentence calls what a condition names.
CALLED = KEYS | {
    "obligation_discharged": "not done: Visit",
    "attested": "evidence: Visit",
    "date_reached": "from 2026-03-02 on",
}


def condition(kind: str, attested: bool = True) -> ConditionFacts:
    return ConditionFacts(kind, {"key": KEYS[kind]} if kind in KEYS else {}, attested, {"en": "Visit"})


def tranche(state: TrancheState = TrancheState.PLANNED, *kinds: str, **fields: object) -> TrancheFacts:
    made = TrancheFacts(
        state=state,
        amount=Decimal("30000.00"),
        award_amount=Decimal("30000.00"),
        other_tranches=Decimal(0),
        proposed_by=7,
        conditions=tuple(condition(kind) for kind in kinds),
    )
    return replace(made, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", CONDITION_KINDS)
def test_every_kind_of_condition_is_met_or_says_why_not(kind: str) -> None:
    assert unmet(condition(kind), GOOD) is None
    facts = replace(GOOD, **SPOILT[kind])  # type: ignore[arg-type]
    reason = unmet(condition(kind, attested=False), facts)
    assert reason is not None and reason.key == kind
    assert CALLED.get(kind, ".") in str(reason.message)
    for step, state in (
        ("propose", TrancheState.PLANNED), ("authorise", TrancheState.PROPOSED), ("record_sent", TrancheState.AUTHORISED),
    ):  # fmt: skip
        held = tranche(state, conditions=(condition(kind, attested=False),))
        assert reason.message in step_blockers(step, held, facts, 1)


def test_an_unknown_condition_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="moon"):
        unmet(ConditionFacts("moon", {}), GOOD)


def test_without_an_account_both_conditions_ask_the_team_for_one() -> None:
    facts = replace(GOOD, account_entered=False, account_verified=False, account_holder_matches=False)
    for kind in ("account_verified", "account_holder_matches"):
        reason = unmet(condition(kind), facts)
        assert reason is not None and reason.turn is Party.TEAM
        assert str(reason.message) == "No bank account is entered yet: the team lead enters it."


@pytest.mark.parametrize("stage", [Stage.SUSPENDED, Stage.CLOSED, Stage.TERMINATED, Stage.WITHDRAWN, Stage.LAPSED])
@pytest.mark.parametrize("kinds", [(), ("not_suspended",)])
def test_a_stopped_award_releases_nothing_whatever_the_call_says(stage: Stage, kinds: tuple[str, ...]) -> None:
    facts = replace(GOOD, stage=stage, suspended_from=Stage.PROTOTYPING)
    assert len(release_blockers(tranche(TrancheState.PLANNED, *kinds), facts)) == 1


def test_the_payments_never_exceed_the_award() -> None:
    held = tranche(other_tranches=Decimal("0.01"))
    assert [reason.key for reason in release_blockers(held, GOOD)] == ["amount"]
    assert not release_blockers(tranche(), GOOD)


# step: (from which states, to, who may), by hand.
EXPECTED = {
    "propose": ({"planned"}, "proposed", {"officer"}),
    "authorise": ({"proposed"}, "authorised", {"finance"}),
    "send_back": ({"proposed", "authorised"}, "planned", {"officer", "finance"}),
    "record_sent": ({"authorised"}, "sent", {"finance"}),
    "confirm_receipt": ({"sent"}, "received", {"lead"}),
    "record_returned": ({"sent"}, "returned", {"finance"}),
    "withhold": ({"planned", "proposed", "authorised"}, "withheld", {"officer"}),
    "resume": ({"withheld"}, "planned", {"officer"}),
    "adjust": ({"planned", "proposed", "authorised", "withheld"}, "planned", {"officer"}),
    "cancel": ({"planned", "proposed", "authorised", "withheld"}, "cancelled", {"officer"}),
}


@pytest.mark.parametrize(("step", "state", "role"), list(product(EXPECTED, TrancheState, Role)))
def test_every_step_from_every_state_by_every_role(step: str, state: TrancheState, role: Role) -> None:
    before, after, who = EXPECTED[step]
    args = (step, tranche(state), GOOD, frozenset({role}), 1)
    if role not in who:
        with pytest.raises(NotAllowed):
            next_state(*args)
    elif state not in before:
        with pytest.raises(Refused, match="already at another step"):
            next_state(*args)
    else:
        # Another amount does not end a withholding.
        held = step == "adjust" and state is TrancheState.WITHHELD
        assert next_state(*args) == ("withheld" if held else after)


@pytest.mark.parametrize("state", TrancheState)
def test_what_can_be_decided(state: TrancheState) -> None:
    before = state in (TrancheState.PLANNED, TrancheState.PROPOSED, TrancheState.AUTHORISED)
    wanted = ["withhold", "adjust", "cancel"] if before else ["resume", "adjust", "cancel"]
    assert list(possible(tranche(state), GOOD)) == (wanted if before or state is TrancheState.WITHHELD else [])


@pytest.mark.parametrize("stage", [Stage.CLOSED, Stage.TERMINATED, Stage.WITHDRAWN, Stage.LAPSED])
def test_of_an_ended_award_a_payment_is_cancelled_and_not_brought_back(stage: Stage) -> None:
    facts = replace(GOOD, stage=stage)
    for state in (TrancheState.PLANNED, TrancheState.WITHHELD):
        held = tranche(state)
        assert possible(held, facts) == (DecisionKind.CANCEL,)
        found = standing(1, held, facts, {}, SINCE, "The accounts are looked into.")
        assert found is not None and (found.turn, found.more) == (None, 0) and "ended" in str(found.missing)


def test_another_amount_leaves_the_award_as_it_is() -> None:
    held = tranche(amount=Decimal("10000"), other_tranches=Decimal("15000"))
    assert read_adjusted("15 000", held, "USD") == 15000
    for typed, said in {
        "15000.01": "at most 15000.00 USD", "0": "greater than zero", "10000.00": "already", "a lot": "not an amount",
        "1.999": "decimals", "": "",
    }.items():  # fmt: skip
        with pytest.raises(Invalid) as refused:
            read_adjusted(typed, held, "USD")
        assert said in str(refused.value.problems["amount"][0])


def test_whoever_proposed_cannot_authorise_with_whatever_roles() -> None:
    both = frozenset({Role.OFFICER, Role.FINANCE})
    with pytest.raises(Refused, match="Two people release a payment"):
        next_state("authorise", tranche(TrancheState.PROPOSED), GOOD, both, 7)
    assert next_state("authorise", tranche(TrancheState.PROPOSED), GOOD, both, 8) is TrancheState.AUTHORISED


@pytest.mark.parametrize(
    ("step", "state"), [("authorise", TrancheState.PROPOSED), ("record_sent", TrancheState.AUTHORISED)]
)
def test_another_account_than_the_one_proposed_stops_the_payment(step: str, state: TrancheState) -> None:
    found = step_blockers(step, tranche(state, account_changed=True), GOOD, 1)
    assert "account was changed" in str(found[0])
    assert not step_blockers("send_back", tranche(state, account_changed=True), GOOD, 1)


def test_the_sentence_names_the_first_thing_missing_whose_turn_and_since_when() -> None:
    facts = replace(GOOD, workplan_accepted=False, agreement_in_force=False, due_diligence_clear=False)
    held = tranche(TrancheState.PLANNED, "agreement_in_force", "due_diligence_clear", "workplan_approved")
    found = standing(1, held, facts, {}, SINCE)
    assert found is not None
    assert (found.turn, found.since, found.more) == (Party.TEAM, SINCE, 2)
    assert "workplan" in str(found.missing)
    # Handed in, it is the officer's turn, since then.
    found = standing(1, held, facts, {"review_workplan": (Party.OFFICER, LATER, DUE)}, SINCE)
    assert found is not None and (found.turn, found.since, found.due) == (Party.OFFICER, LATER, DUE)
    assert (found.key, found.owed) == ("workplan_approved", "review_workplan")


@pytest.mark.parametrize(("one", "other"), list(product(CONDITION_KINDS, repeat=2)))
def test_of_several_reasons_the_sentence_says_what_comes_first_in_the_life_of_an_award(one: str, other: str) -> None:
    facts = GOOD
    for kind in (one, other):
        facts = replace(facts, **SPOILT[kind])  # type: ignore[arg-type]
    conditions = tuple(condition(kind, attested=False) for kind in {one, other})
    found = standing(1, tranche(conditions=conditions), facts, {}, SINCE)
    first = min((one, other), key=list(CHECKS).index)
    assert found is not None
    assert (found.key, found.more, found.since, found.turn) == (first, len({one, other}) - 1, SINCE, CHECKS[first][1])


def test_of_a_withheld_payment_the_reason_is_said_and_who_decides_next() -> None:
    key = duty_key(2, ObligationKind.DECIDE_WITHHELD)
    facts = replace(GOOD, agreement_in_force=False)
    held = tranche(TrancheState.WITHHELD, "agreement_in_force")
    found = standing(2, held, facts, {key: (Party.OFFICER, LATER, DUE)}, SINCE, "The accounts are looked into.")
    assert found is not None and (found.turn, found.since, found.due, found.owed) == (Party.OFFICER, LATER, DUE, key)
    assert "withheld" in str(found.missing) and "looked into" in str(found.missing)
    assert standing(2, held, facts, {}, SINCE, "x") is not None
    for state in (TrancheState.CANCELLED, TrancheState.RETURNED):
        assert standing(2, tranche(state), facts, {}, SINCE) is None


@pytest.mark.parametrize(
    "state", [TrancheState.PLANNED, TrancheState.PROPOSED, TrancheState.AUTHORISED, TrancheState.SENT]
)
def test_with_every_condition_met_the_sentence_names_the_next_step(state: TrancheState) -> None:
    kinds = {
        TrancheState.PLANNED: (ObligationKind.PROPOSE_PAYMENT, Party.OFFICER),
        TrancheState.PROPOSED: (ObligationKind.AUTHORISE_PAYMENT, Party.FINANCE),
        TrancheState.AUTHORISED: (ObligationKind.RECORD_PAYMENT, Party.FINANCE),
        TrancheState.SENT: (ObligationKind.CONFIRM_RECEIPT, Party.TEAM),
    }
    kind, party = kinds[state]
    owed = {duty_key(2, kind): (party, LATER, DUE), duty_key(1, kind): (party, SINCE, DUE)}
    found = standing(2, tranche(state), GOOD, owed, SINCE)
    assert found is not None and (found.turn, found.since, found.more) == (party, LATER, 0)


def test_of_an_ended_award_nobody_is_waited_for_and_a_received_payment_needs_no_sentence() -> None:
    facts = replace(GOOD, stage=Stage.TERMINATED, workplan_accepted=False)
    found = standing(1, tranche(TrancheState.PLANNED, "workplan_approved"), facts, {}, SINCE)
    assert found is not None and found.turn is None and "ended" in str(found.missing)
    assert standing(1, tranche(TrancheState.RECEIVED), GOOD, {}, SINCE) is None


def test_a_suspension_comes_before_every_other_reason() -> None:
    facts = replace(GOOD, stage=Stage.SUSPENDED, suspended_from=Stage.PROTOTYPING, workplan_accepted=False)
    for kinds in (("workplan_approved",), ("workplan_approved", "not_suspended")):
        found = standing(1, tranche(TrancheState.PLANNED, *kinds), facts, {}, SINCE)
        assert found is not None and "suspended" in str(found.missing) and found.turn is Party.OFFICER


def test_a_report_in_review_is_the_officers_turn() -> None:
    facts = replace(GOOD, reports_accepted=frozenset())
    owed = {
        "review:progress_report:1": (Party.OFFICER, LATER, DUE),
        "report:progress_report:2": (Party.TEAM, SINCE, DUE),
    }
    found = standing(1, tranche(TrancheState.PLANNED, "report_accepted"), facts, owed, SINCE)
    assert found is not None and (found.turn, found.since) == (Party.OFFICER, LATER)


def test_before_the_lab_everybody_waits_for_what_comes_first() -> None:
    facts = replace(GOOD, agreement_in_force=False, boot_camps_attended=frozenset())
    owed = {"submit_workplan": (Party.TEAM, LATER, DUE)}
    for kind in ("agreement_in_force", "boot_camp_attended"):
        found = standing(1, tranche(TrancheState.PLANNED, kind), facts, owed, SINCE)
        assert found is not None and (found.turn, found.owed) == (Party.TEAM, "submit_workplan")
    found = standing(
        1, tranche(TrancheState.PLANNED, "agreement_in_force"), facts,
        {"sign_ilo": (Party.OFFICER, LATER, DUE)} | owed, SINCE,
    )  # fmt: skip
    assert found is not None and (found.turn, found.owed) == (Party.OFFICER, "sign_ilo")


# The account.

ACCOUNT = {"holder": "Cámara de Ejemplo", "bank": "Banco", "number": "EC12 3456", "swift": ""}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("holder", " "), ("holder", "x" * 301), ("bank", ""), ("number", "123"), ("number", "1" * 81),
        ("swift", "BICA"), ("swift", "1ICAECEG"), ("swift", "BICAECEGXXXX"),
    ],
)  # fmt: skip
def test_an_account_that_cannot_be_paid_into_is_refused_by_field(field: str, value: str) -> None:
    assert set(account_problems(ACCOUNT | {field: value})) == {field}
    assert not account_problems(ACCOUNT) and not account_problems(ACCOUNT | {"swift": "bicaeceg"})


def test_an_account_is_kept_without_needless_spaces() -> None:
    kept = clean_account({"holder": "  Cámara   de Ejemplo ", "bank": "B", "number": " 1234 ", "swift": " bicaeceg "})
    assert kept == {"holder": "Cámara de Ejemplo", "bank": "B", "number": "1234", "swift": "BICAECEG"}


@pytest.mark.parametrize(
    ("holder", "same"),
    [
        ("CAMARA DE  EJEMPLO", True), ("cámara de ejemplo", True), ("Cámara de Ejemplos", False), ("", False),
        ("Lucía Lead", False),
    ],
)  # fmt: skip
def test_in_whose_name_it_is(holder: str, same: bool) -> None:
    assert in_name_of(holder, "Cámara de Ejemplo") is same


@pytest.mark.parametrize(
    ("number", "seen"), [("EC123456789012", "9012"), ("12345678", "5678"), ("1234", "34"), ("12345", "45")]
)
def test_a_short_number_is_not_given_away_by_its_end(number: str, seen: str) -> None:
    assert last_characters(number) == seen


@pytest.mark.parametrize("kind", SPOILT)
def test_conditions_of_a_payment_that_was_sent_stay_met(kind: str) -> None:
    spoilt = replace(GOOD, **SPOILT[kind])  # type: ignore[arg-type]
    for state in TrancheState:
        gone = state in (TrancheState.SENT, TrancheState.RECEIVED, TrancheState.CANCELLED, TrancheState.RETURNED)
        assert (still_unmet(state, condition(kind, attested=False), spoilt) is None) is gone


def test_nobody_verifies_what_they_entered_or_an_account_in_another_name() -> None:
    mine = AccountFacts("Cámara de Ejemplo", 1, False)
    assert not verify_blockers(mine, "Cámara de Ejemplo", 2)
    assert "whoever entered it" in str(verify_blockers(mine, "Cámara de Ejemplo", 1)[0])
    assert "not of “Otra”" in str(verify_blockers(mine, "Otra", 2)[0])
    assert "already" in str(verify_blockers(replace(mine, verified=True), "Cámara de Ejemplo", 2)[0])
    assert "entered yet" in str(verify_blockers(None, "Cámara de Ejemplo", 2)[0])


def test_money_on_its_way_keeps_the_account() -> None:
    states = [("A", n, state) for n, state in enumerate(TrancheState, start=1)]
    found = [str(message) for message in change_blockers(states)]
    assert len(found) == 2 and "Payment 3" in found[0] and "Payment 4" in found[1]


# What the bank did.

DAY = date(2026, 3, 10)
USD = Decimal("30000.00")


def books(local: str = "BRL", currency: str = "USD", used: tuple[str, ...] = ()) -> Books:
    return Books(currency, local, used, date(2026, 3, 5), DAY)


@pytest.mark.parametrize(
    ("amount", "currency", "local", "rate", "typed", "kept"),
    [
        ("30000.00", "USD", "BRL", "5.41153", "162345.90", "162345.90"),
        ("30000.00", "USD", "BRL", "5,41153", "162 345,90", "162345.90"),
        ("30000.00", "USD", "CLP", "912.345", "27370350", "27370350"),
        ("33.33", "USD", "CLP", "912.345", "30408", "30408"),
        ("30000.00", "USD", "KWD", "0.307512", "9225.360", "9225.360"),
        ("33.33", "USD", "KWD", "0.307512", "10.249", "10.249"),
        ("25000000", "CLP", "USD", "0.00109608", "27402.00", "27402.00"),
        ("30000.00", "USD", "USD", "1", "30000.00", "30000.00"),
        # Where the product is no sum of the currency, the bank rounds it up or down.
        ("33.33", "USD", "BRL", "5.41153", "180.36", "180.36"),
        ("33.33", "USD", "BRL", "5.41153", "180.37", "180.37"),
        ("33.33", "USD", "CLP", "912.345", "30409", "30409"),
        ("33.33", "USD", "KWD", "0.307512", "10.250", "10.250"),
    ],
)
def test_amounts_match_at_the_rate_in_the_currency_s_own_minor_units(
    amount: str, currency: str, local: str, rate: str, typed: str, kept: str
) -> None:
    found = read_sent(Decimal(amount), "REF 1", rate, typed, DAY, books(local, currency))
    assert (found.local_amount, found.amount) == (Decimal(kept), Decimal(amount))
    assert found.rate == Decimal(rate.replace(",", "."))


@pytest.mark.parametrize(
    ("local", "rate", "typed", "named"),
    [
        ("BRL", "5.41153", "162345.92", ("162345.92 BRL", "162345.90 BRL")),
        ("BRL", "5.41153", "162345.88", ("162345.88 BRL", "162345.90 BRL")),
        ("CLP", "912.3456", "27370370", ("27370370 CLP", "27370368 CLP")),
        ("KWD", "0.307512", "9225.361", ("9225.361 KWD", "9225.360 KWD")),
        # An exact product is the only sum that passes, to the cent.
        ("BRL", "5.41153", "162345.91", ("162345.91 BRL", "162345.90 BRL")),
        ("BRL", "5.41153", "162345.89", ("162345.89 BRL", "162345.90 BRL")),
        ("PEN", "3.75", "112500.01", ("112500.01 PEN", "112500.00 PEN")),
        # Of an inexact one (162345.9246 BRL) only the two neighbours pass.
        ("BRL", "5.41153082", "162345.91", ("162345.91 BRL", "162345.92 BRL")),
        ("BRL", "5.41153082", "162345.94", ("162345.94 BRL", "162345.92 BRL")),
        ("USD", "1", "30000.01", ("30000.01 USD", "30000.00 USD")),
    ],
)
def test_beyond_the_rounding_both_numbers_are_named(local: str, rate: str, typed: str, named: tuple[str, str]) -> None:
    with pytest.raises(Invalid) as refused:
        read_sent(USD, "REF 1", rate, typed, DAY, books(local))
    assert set(refused.value.problems) == {"local_amount"}
    assert all(number in str(refused.value) for number in named)


@pytest.mark.parametrize(
    ("local", "field", "change"),
    [
        ("BRL", "reference", {"reference": "  "}),
        ("BRL", "reference", {"reference": "x" * 121}),
        ("BRL", "reference", {"reference": "USED"}),
        ("BRL", "rate", {"rate": ""}),
        ("BRL", "rate", {"rate": "0"}),
        ("BRL", "rate", {"rate": "-5.4"}),
        ("BRL", "rate", {"rate": "4,123.50"}),
        ("BRL", "rate", {"rate": "NaN"}),
        ("USD", "rate", {"rate": "1.01"}),
        ("BRL", "local_amount", {"local_amount": ""}),
        ("BRL", "local_amount", {"local_amount": "162345.900"}),
        ("CLP", "local_amount", {"local_amount": "162345.9"}),
        ("KWD", "local_amount", {"local_amount": "9225.3601"}),
        ("BRL", "value_on", {"value_on": None}),
        ("BRL", "value_on", {"value_on": date(2026, 3, 11)}),
        ("BRL", "value_on", {"value_on": date(2026, 3, 4)}),
    ],
)
def test_each_wrong_field_of_a_transfer_is_named(local: str, field: str, change: dict[str, object]) -> None:
    right: dict[str, dict[str, object]] = {
        "BRL": {"rate": "5.41153", "local_amount": "162345.90"},
        "USD": {"rate": "1", "local_amount": "30000"},
        "CLP": {"rate": "912.345", "local_amount": "27370350"},
        "KWD": {"rate": "0.307512", "local_amount": "9225.360"},
    }
    typed = {"reference": "REF 1", "value_on": DAY} | right[local] | change
    with pytest.raises(Invalid) as refused:
        read_sent(USD, books=books(local, used=("USED",)), **typed)  # type: ignore[arg-type]
    assert set(refused.value.problems) == {field}


def test_a_return_is_what_the_bank_received() -> None:
    found = read_return("100.00", "R 1", DAY, "900.555", "90056", Decimal("100.00"), books("CLP"))
    assert (found.amount, found.local_amount, found.rate) == (Decimal(100), Decimal(90056), Decimal("900.555"))


@pytest.mark.parametrize(("rate", "local"), [("", ""), ("1", ""), ("", "100.00"), (" ", " ")])
def test_in_the_award_s_own_currency_a_return_needs_no_rate(rate: str, local: str) -> None:
    found = read_return("100.00", "R 1", DAY, rate, local, Decimal("100.00"), books("USD"))
    assert (found.amount, found.local_amount, found.rate) == (Decimal(100), Decimal(100), Decimal(1))


@pytest.mark.parametrize(
    ("local", "rate", "typed", "fields"),
    [
        ("BRL", "", "", {"rate", "local_amount"}),
        ("BRL", "5.41", "", {"local_amount"}),
        ("BRL", "", "541.00", {"rate"}),
        ("BRL", "5.41", "541.01", {"local_amount"}),
        ("USD", "1.1", "", {"rate"}),
        ("USD", "", "99.99", {"local_amount"}),
    ],
)
def test_a_return_is_held_against_its_rate(local: str, rate: str, typed: str, fields: set[str]) -> None:
    with pytest.raises(Invalid) as refused:
        read_return("100.00", "R 1", DAY, rate, typed, Decimal("100.00"), books(local))
    assert set(refused.value.problems) == fields and "“”" not in str(refused.value)


@pytest.mark.parametrize(
    ("project", "named"), [("Tambo solar", "a payment of “Tambo solar”"), ("", "another award's payment")]
)
def test_a_payment_s_reference_is_its_own_over_all_awards(project: str, named: str) -> None:
    with pytest.raises(Invalid) as refused:
        read_sent(USD, "REF 1", "1", "30000", DAY, replace(books("USD"), elsewhere=project))
    assert set(refused.value.problems) == {"reference"} and named in str(refused.value)


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        ("0", "more than zero"),
        ("100.01", "100.01 USD is more than is unspent, which is 100.00 USD"),
        ("1e3", "not an amount"),
        ("", "not an amount"),
    ],
)
def test_no_more_comes_back_than_is_unspent(amount: str, words: str) -> None:
    with pytest.raises(Invalid) as refused:
        read_return(amount, "R 1", DAY, "5.4", "540.00", Decimal("100.00"), books())
    assert set(refused.value.problems) == {"amount"} and words in str(refused.value)
