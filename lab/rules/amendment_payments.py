"""An amended payment plan: planned payments split, joined or changed, and what they wait for. What is under way stays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from lab.rules.amendment import Ground, Payment, Terms
from lab.rules.disbursement import TRANCHE_NAMES, TrancheState
from lab.rules.money import Money, MoneyError, parse_amount
from lab.rules.text import N_, M
from lab.rules.workplan import Problem

MAX_PAYMENTS = 24
MILESTONE = "milestone_accepted"

PaymentRow = Mapping[str, object]


def repaid(terms: Terms, ground: Ground, rows: Sequence[PaymentRow]) -> tuple[Terms | None, tuple[Problem, ...]]:
    """``terms`` with the payments of ``rows``: each has ``number`` ("" for a new one), ``amount`` as typed (empty: it is no
    longer paid), ``like`` (the payment whose conditions a new one shares) and ``milestones`` (numbers that it waits for).

    A payment without a row stays as it is. In places, rows are counted as they came: ``payments-0-amount``.
    """
    reader = _Rows(terms, ground)
    for n, row in enumerate(rows[:MAX_PAYMENTS]):
        reader.read(n, row)
    left = reader.kept
    if not reader.problems:
        total = sum((payment.amount for payment in left), Decimal(0))
        if total > terms.amount:
            reader.fail(
                "payments",
                N_(
                    "The payments add up to %(total)s, more than the award of %(award)s: take %(over)s off one of them."
                ),
                total=Money(total, terms.currency),
                award=Money(terms.amount, terms.currency),
                over=Money(total - terms.amount, terms.currency),
            )
        if not left:
            reader.fail("payments", N_("Keep at least one payment: the award is paid by them."))
        if len(left) > MAX_PAYMENTS:
            reader.fail("payments", N_("An award has at most %(limit)s payments: join some."), limit=MAX_PAYMENTS)
    return (None if reader.problems else replace(terms, payments=left)), tuple(reader.problems)


class _Rows:
    """Collects the payments and the problems while rows are read."""

    def __init__(self, terms: Terms, ground: Ground) -> None:
        self.terms = terms
        self.payments: dict[int, Payment | None] = {payment.number: payment for payment in terms.payments}
        self.next = max(ground.last.get("payment", 0), *(payment.number for payment in terms.payments), 0) + 1
        self.steps = {str(step.number) for step in terms.milestones}
        self.problems: list[Problem] = []

    @property
    def kept(self) -> tuple[Payment, ...]:
        """The payments that are left, in the order of their numbers."""
        return tuple(payment for _, payment in sorted(self.payments.items()) if payment is not None)

    def fail(self, place: str, message: str, **values: object) -> None:
        self.problems.append(Problem(place, M(message, **values)))

    def read(self, n: int, row: PaymentRow) -> None:
        number, place = str(row.get("number") or "").strip(), f"payments-{n}"
        amount = self._amount(str(row.get("amount") or "").strip(), place)
        if not number:
            self._add(row, place, amount)
            return
        before = self.payments.get(int(number)) if number.isdecimal() and len(number) < 6 else None
        if before is None:
            self.fail(f"{place}-amount", N_("This payment is no longer planned: reload the page."))
        elif before.state is not TrancheState.PLANNED:
            if amount is None or amount != before.amount or self._waits(before, row, place) != before.conditions:
                self.fail(
                    f"{place}-amount",
                    N_("Payment %(number)s of %(amount)s is no longer only planned (%(state)s): it cannot be amended."),
                    number=before.number,
                    amount=Money(before.amount, self.terms.currency),
                    state=TRANCHE_NAMES[before.state],
                )
        elif amount is None:
            self.payments[before.number] = None
        else:
            self.payments[before.number] = replace(before, amount=amount, conditions=self._waits(before, row, place))

    def _add(self, row: PaymentRow, place: str, amount: Decimal | None) -> None:
        if amount is None:
            return
        like = next(
            (payment for payment in self.terms.payments if str(payment.number) == str(row.get("like") or "")), None
        )
        if like is None:
            self.fail(f"{place}-like", N_("Choose the payment whose conditions this one shares."))
            return
        # Two payments of one plan that cannot be told apart are one typed twice.
        self.payments[self.next] = Payment(
            self.next, amount, TrancheState.PLANNED, self._waits(like, row, place)
        )  # fmt: skip
        self.next += 1

    def _waits(self, like: Payment, row: PaymentRow, place: str) -> tuple[tuple[str, str], ...]:
        """The conditions of ``like``, with the milestones that the row names in the place of its own."""
        typed = row.get("milestones")
        if typed is None:
            return like.conditions
        wanted = [str(number) for number in typed] if isinstance(typed, list) else []
        had = [about for kind, about in like.conditions if kind == MILESTONE]
        for number in wanted:
            if number not in self.steps and number not in had:
                self.fail(f"{place}-milestones", N_("Choose milestones of the plan."))
        if set(wanted) == set(had):
            return like.conditions
        rest = [condition for condition in like.conditions if condition[0] != MILESTONE]
        return (*rest, *((MILESTONE, number) for number in sorted(set(wanted), key=lambda one: (len(one), one))))

    def _amount(self, typed: str, place: str) -> Decimal | None:
        if not typed:
            return None
        try:
            amount = parse_amount(typed, self.terms.currency)
        except MoneyError as error:
            self.problems.append(Problem(f"{place}-amount", error.message))
            return None
        if amount <= 0:
            self.fail(
                f"{place}-amount", N_("Type an amount greater than zero, or leave it empty: it is then not paid.")
            )
            return None
        return amount
