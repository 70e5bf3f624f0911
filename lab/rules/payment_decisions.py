"""What the ILO decides about a payment at its discretion (guide §5): to withhold, resume, adjust or cancel it, with a reason."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

from lab.rules.disbursement import TrancheFacts, step_blockers
from lab.rules.errors import Invalid
from lab.rules.facts import AwardFacts
from lab.rules.money import Money, MoneyError, parse_amount, rounded
from lab.rules.text import N_, M


class DecisionKind(StrEnum):
    """A decision, named like the step that it is (:mod:`lab.rules.disbursement`)."""

    WITHHOLD = "withhold"
    RESUME = "resume"
    ADJUST = "adjust"
    CANCEL = "cancel"


DECISION_NAMES: dict[DecisionKind, str] = {
    DecisionKind.WITHHOLD: N_("Withheld"),
    DecisionKind.RESUME: N_("Resumed"),
    DecisionKind.ADJUST: N_("Adjusted"),
    DecisionKind.CANCEL: N_("Cancelled"),
}
# What each does, for whoever chooses.
DECISION_USES: dict[DecisionKind, str] = {
    DecisionKind.WITHHOLD: N_("Withhold it: nothing is proposed or sent until you resume it"),
    DecisionKind.RESUME: N_("Resume it: it is planned again, and paid once its conditions are met"),
    DecisionKind.ADJUST: N_("Adjust it: another amount, which is proposed and authorised anew"),
    DecisionKind.CANCEL: N_("Cancel it: it is not paid, and cannot come back"),
}
# The lead gets a letter of what is decided against the plan that was agreed.
LETTERS = frozenset({DecisionKind.WITHHOLD, DecisionKind.ADJUST, DecisionKind.CANCEL})


def possible(tranche: TrancheFacts, facts: AwardFacts) -> tuple[DecisionKind, ...]:
    """What can be decided of the payment now, in the order in which it is offered: what its steps do not forbid."""
    return tuple(kind for kind in DecisionKind if not step_blockers(kind, tranche, facts, None))


def read_adjusted(typed: str, tranche: TrancheFacts, currency: str) -> Decimal:
    """The new amount of a payment, in the award's currency. Raises Invalid when it cannot be read, is zero, changes nothing,
    or would pass the award with the other payments."""
    try:
        amount = parse_amount(typed, currency)
    except MoneyError as error:
        raise Invalid({"amount": error.message}) from None
    if amount <= 0:
        raise Invalid({"amount": M(N_("Give an amount greater than zero; to pay nothing, cancel the payment."))})
    if amount == tranche.amount:
        raise Invalid({"amount": M(N_("This is its amount already: give another, or decide something else."))})
    most = rounded(tranche.award_amount - tranche.other_tranches, currency)
    if amount > most:
        sentence = N_("%(typed)s would pass the award together with the other payments: give at most %(most)s.")
        raise Invalid({"amount": M(sentence, typed=Money(amount, currency), most=Money(most, currency))})
    return amount
