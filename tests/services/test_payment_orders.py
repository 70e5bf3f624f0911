"""Payments under any order of events, by anybody: the services against a plain model of the rules, written a second time.

Whatever is tried in whatever order: what is paid and planned never exceeds the award, a payment is in the ledger once, two
people stand behind each, none left while a condition was not met, and the totals of the page are those of the ledger.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from itertools import count
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from lab.models import BankAccount, Condition, Event, LedgerEntry, ProgrammeRole, TeamMember, Tranche
from lab.queries.audit import disagreements, read_chains
from lab.queries.disbursement import payments_of
from lab.rules.errors import Invalid, NotAllowed, NotFound, Refused
from lab.rules.facts import Stage
from lab.services import award as awards
from lab.services import disbursement as pay
from lab.services import payment_decisions as decisions
from tests.factories import START, World, add_account, bring_to, make_award
from tests.services.test_disbursement import DAY, NOW

WHO = ("officer", "finance", "both", "lead", "member", "committee")
EXAMPLES, STEPS = 25, 60
OFFICERS, FINANCES = {"officer", "both"}, {"finance", "both"}
BEFORE = {"planned", "proposed", "authorised"}
# Who may, and in which states of the payment.
PATH = {
    "propose": (OFFICERS, {"planned"}), "authorise": (FINANCES, {"proposed"}),
    "send_back": (OFFICERS | FINANCES, {"proposed", "authorised"}), "record_sent": (FINANCES, {"authorised"}),
    "confirm": ({"lead"}, {"sent"}), "withhold": (OFFICERS, BEFORE), "resume": (OFFICERS, {"withheld"}),
    "adjust": (OFFICERS, BEFORE | {"withheld"}), "cancel": (OFFICERS, BEFORE | {"withheld"}),
    "returned": (FINANCES, {"sent"}), "attest": (OFFICERS, BEFORE | {"withheld"}),
}  # fmt: skip
# On the way to the bank more often than beside it: otherwise most would be cancelled before anything happens.
WEIGHTS = {"propose": 6, "authorise": 6, "record_sent": 4, "attest": 2, "resume": 3, "cancel": 0.5, "confirm": 2}
AMOUNTS = (500, 1000, 2500, 10_000, 20_000)


@dataclass
class Money:
    """A payment as the model has it. ``attested`` is None where nobody is asked to attest anything."""

    state: str
    amount: int
    attested: bool | None
    proposed_by: str = ""
    account: int = 0


@dataclass
class Model:
    """The rules, once more and plainly: what is possible now, and what it does."""

    award: int = 30_000
    suspended: bool = False
    account: int = 1
    verified: bool = True
    account_by: str = "lead"
    payments: dict[int, Money] = field(default_factory=dict)

    def live(self) -> list[Money]:
        return [one for one in self.payments.values() if one.state not in ("cancelled", "returned")]

    def releasable(self, one: Money) -> bool:
        return (
            not self.suspended and self.verified and one.attested is not False
            and sum(other.amount for other in self.live()) <= self.award
        )  # fmt: skip

    def step(self, action: str, who: str, number: int, amount: int) -> bool:
        """Whether it is possible; the model goes on when it is."""
        if action in ("suspend", "go_on", "account", "verify"):
            return self._award_step(action, who)
        one = self.payments.get(number)
        if one is None or one.state in ("cancelled", "returned"):
            return False
        may, states = PATH[action]
        if who not in may or one.state not in states:
            return False
        if action in ("propose", "authorise", "record_sent") and not self.releasable(one):
            return False
        if action in ("authorise", "record_sent") and one.account != self.account:
            return False
        if action == "authorise" and who == one.proposed_by:
            return False
        if action == "attest":
            if one.attested is not False:
                return False
            one.attested = True
            return True
        if action == "adjust":
            rest = sum(other.amount for other in self.live() if other is not one)
            if amount == one.amount or amount + rest > self.award:
                return False
            one.amount = amount
        if action == "returned":
            self.payments[len(self.payments) + 1] = replace(one, state="planned", proposed_by="", account=0)
        one.state = {
            "propose": "proposed", "authorise": "authorised", "send_back": "planned", "record_sent": "sent",
            "confirm": "received", "withhold": "withheld", "resume": "planned", "cancel": "cancelled", "returned": "returned",
            "adjust": "withheld" if one.state == "withheld" else "planned",
        }[action]  # fmt: skip
        if action == "propose":
            one.proposed_by, one.account = who, self.account
        elif one.state in ("planned", "withheld"):
            one.proposed_by, one.account = "", 0
        return True

    def _award_step(self, action: str, who: str) -> bool:
        if action in ("suspend", "go_on"):
            if who not in OFFICERS or self.suspended == (action == "suspend"):
                return False
            self.suspended = action == "suspend"
            return True
        if action == "verify":
            if who not in FINANCES or self.verified or who == self.account_by:
                return False
            self.verified = True
            return True
        # Another account: not once one was verified under an agreement in force; that takes an amendment.
        return False


def _do(world: World, action: str, who: str, number: int, amount: int, tries: Any) -> None:
    person = world.both if who == "both" else getattr(world, who)  # type: ignore[attr-defined]
    actor, code = world.actor(person), world.code
    if action in ("propose", "authorise"):
        getattr(pay, action)(actor, NOW, code, number)
    elif action == "send_back":
        pay.send_back(actor, NOW, code, number, "Look again.")
    elif action == "record_sent":
        tranche = world.session.scalars(
            select(Tranche).where(Tranche.award_id == world.award.id, Tranche.number == number)
        ).one_or_none()
        local = f"{tranche.amount:.2f}" if tranche else "1"
        pay.record_sent(actor, NOW, code, number, f"{code}-{next(tries)}", "1", local, DAY)
    elif action == "confirm":
        pay.confirm_receipt(actor, NOW, code, number)
    elif action == "returned":
        decisions.record_returned(actor, NOW, code, number, f"{code}-back-{next(tries)}", DAY, "Closed.")
    elif action == "attest":
        found = world.session.scalars(
            select(Condition.id).join(Tranche).where(
                Tranche.award_id == world.award.id, Tranche.number == number, Condition.kind == "attested"
            )
        ).first()  # fmt: skip
        pay.attest(actor, NOW, code, number, found or 0, "A photograph.")
    elif action in ("suspend", "go_on"):
        awards.steer(actor, NOW, code, "suspend" if action == "suspend" else "resume", "So decided.")
    elif action == "account":
        holder = world.award.organisation.legal_name
        pay.enter_account(actor, NOW, code, holder, "Banco", f"EC{next(tries):08}", "")
    elif action == "verify":
        pay.verify_account(actor, NOW, code)
    else:
        decisions.decide(actor, NOW, code, number, action, "So decided.", str(amount))


def _check(world: World, model: Model) -> None:
    """What must hold after every step, whatever it was."""
    session = world.session
    rows = {row.number: row for row in session.scalars(select(Tranche).where(Tranche.award_id == world.award.id))}
    assert {number: (row.state, int(row.amount)) for number, row in rows.items()} == {
        number: (one.state, one.amount) for number, one in model.payments.items()
    }
    entries = session.scalars(select(LedgerEntry).where(LedgerEntry.award_id == world.award.id)).all()
    out = sum((entry.amount for entry in entries if entry.kind == "payment"), Decimal(0))
    back = sum((entry.amount for entry in entries if entry.kind == "return"), Decimal(0))
    planned = sum(
        one.amount for one in model.payments.values() if one.state in ("planned", "proposed", "authorised", "withheld")
    )
    assert out - back + planned <= world.award.amount
    paid = [entry.tranche_id for entry in entries if entry.kind == "payment"]
    assert len(paid) == len(set(paid))
    assert {rows[n].id for n, one in model.payments.items() if one.state in ("sent", "received", "returned")} == set(
        paid
    )
    for row in rows.values():
        if row.authorised_by is not None:
            assert row.proposed_by is not None and row.authorised_by != row.proposed_by
        if row.state in ("planned", "withheld"):
            assert (row.proposed_by, row.authorised_by, row.account_id) == (None, None, None)
    totals = payments_of(session, world.award).totals
    assert (totals.paid, totals.returned) == (out, back)


def _next(random: Random, model: Model) -> tuple[str, str, int, int]:
    """Something to try: mostly what the payment's state allows, mostly by somebody who may; never sure to be possible."""
    amount = random.choice(AMOUNTS)
    if model.suspended and random.random() < 0.25:
        return "go_on", "officer", 1, amount
    if random.random() < 0.1:
        action = random.choice(("suspend", "suspend", "suspend", "go_on", "account", "verify"))
        return action, random.choice(WHO if random.random() < 0.3 else ("officer", "both", "finance")), 1, amount
    number = random.randint(1, len(model.payments) + (random.random() < 0.05))
    state = model.payments[number].state if number in model.payments else ""
    known = [action for action, (_may, states) in PATH.items() if state in states and random.random() < 0.95]
    actions = known or list(PATH)
    action = random.choices(actions, [WEIGHTS.get(one, 1) for one in actions])[0]
    who = random.choice(sorted(PATH[action][0]) if random.random() < 0.8 else WHO)
    return action, who, number, amount


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=True,
    phases=[Phase.generate],
)
@given(seed=st.integers(0, 2**32 - 1))
def _any_order(build: Callable[[], World], tried: Counter[tuple[str, bool]], seed: int) -> None:
    world, tries, random = build(), count(1), Random(seed)
    model = Model(
        payments={
            1: Money("planned", 10_000, None),
            2: Money("planned", 10_000, False),
            3: Money("planned", 10_000, None),
        }
    )
    for _n in range(STEPS):
        action, who, number, amount = _next(random, model)
        before = len(world.session.scalars(select(Event.id).where(Event.award_id == world.award.id)).all())
        world.again()
        expected = model.step(action, who, number, amount)
        try:
            _do(world, action, who, number, amount, tries)
            done = True
        except (Refused, NotAllowed, NotFound, Invalid):
            world.session.rollback()
            done = False
        world.again()
        assert done == expected, f"{action} of {number} by {who}, {amount}: {done}"
        tried[action, done] += 1
        if not done:
            after = len(world.session.scalars(select(Event.id).where(Event.award_id == world.award.id)).all())
            assert after == before
        _check(world, model)
    assert not disagreements(world.session)
    assert not any(chains.broken for chains in read_chains(world.session))
    world.session.commit()


# What is asked here are the rules; both databases under many at once are asked in tests/faults.
@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_any_order_of_anything_by_anybody(world_at: Callable[..., World]) -> None:
    first = world_at(Stage.PROTOTYPING)
    add_account(first)
    session = first.session
    both = first.finance.__class__(
        email="both@example.org", name="Both Roles", password="x", fs_uniquifier="both", language="en", time_zone="Europe/Zurich",
        created_at=START, active=True,
    )  # fmt: skip
    session.add(both)
    session.flush()
    session.add_all([ProgrammeRole(person_id=both.id, role=role) for role in ("officer", "finance")])
    session.commit()
    numbers = count(200)

    def build() -> World:
        number = next(numbers)
        award = make_award(session, first.call, first.officer, number=number, code=f"any-{number}")
        world = replace(first, award=award)
        for who, role in (("lead", "lead"), ("member", "member")):
            _join(world, getattr(first, who).id, role)
        bring_to(world, Stage.PROTOTYPING, START)
        object.__setattr__(world, "both", both)
        session.add(
            BankAccount(
                organisation_id=award.organisation_id, holder=award.organisation.legal_name, bank="Banco", number=f"EC{number:08}",
                currency="USD", entered_by=first.lead.id, entered_at=START, verified_by=first.finance.id, verified_at=START,
            )
        )  # fmt: skip
        for tranche in session.scalars(select(Tranche).where(Tranche.award_id == award.id)):
            tranche.amount = Decimal(10_000)
        for n in (2, 3):
            session.add(
                Tranche(award_id=award.id, number=n, key="", amount=Decimal(10_000), currency="USD", state="planned")
            )
        session.flush()
        second = session.scalars(select(Tranche.id).where(Tranche.award_id == award.id, Tranche.number == 2)).one()
        session.add(Condition(tranche_id=second, kind="attested", label={"en": "Seen"}, params={}, evidence=""))
        return world.again()

    tried: Counter[tuple[str, bool]] = Counter()
    _any_order(build, tried)
    # It would show nothing if most were refused at once, or never.
    assert all(tried[action, True] > 5 for action in PATH), tried
    assert all(tried[action, False] > 0 for action in PATH), tried


def _join(world: World, person_id: int, role: str) -> None:
    world.session.add(TeamMember(award_id=world.award.id, person_id=person_id, role=role, since=START))
    world.session.flush()
