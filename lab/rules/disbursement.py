"""Payments (guide §5): conditions met or not and why, two pairs of eyes, and never more than the award."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from lab.rules.conditions import CHECKS, ConditionFacts, Unmet, unmet
from lab.rules.errors import NotAllowed, Refused
from lab.rules.facts import ENDED, AwardFacts, Role, Stage
from lab.rules.obligations import ObligationKind, Party
from lab.rules.text import N_, M, Message


class TrancheState(StrEnum):
    """The path of a payment: planned, proposed by an officer, authorised by finance, sent by the bank, received. Beside it:
    withheld by a decision until another; cancelled by an amendment or a decision; returned by the bank, when another takes
    its place."""

    PLANNED = "planned"
    PROPOSED = "proposed"
    AUTHORISED = "authorised"
    SENT = "sent"
    RECEIVED = "received"
    WITHHELD = "withheld"
    CANCELLED = "cancelled"
    RETURNED = "returned"


# What is no longer paid, nor planned.
GONE = frozenset({TrancheState.CANCELLED, TrancheState.RETURNED})
# What the bank was told to pay, whatever became of it: once each, and in the ledger.
PAID = frozenset({TrancheState.SENT, TrancheState.RECEIVED, TrancheState.RETURNED})
# What is released only while every condition holds.
TO_RELEASE = frozenset({TrancheState.PLANNED, TrancheState.PROPOSED, TrancheState.AUTHORISED})
TRANCHE_NAMES: dict[TrancheState, str] = {
    TrancheState.PLANNED: N_("Planned"),
    TrancheState.PROPOSED: N_("Proposed"),
    TrancheState.AUTHORISED: N_("Authorised"),
    TrancheState.SENT: N_("Sent"),
    TrancheState.RECEIVED: N_("Received"),
    TrancheState.WITHHELD: N_("Withheld"),
    TrancheState.CANCELLED: N_("Cancelled"),
    TrancheState.RETURNED: N_("Returned by the bank"),
}
# What each state makes due: what, by whom, to whom. A payment that has arrived makes nothing due.
DUTIES: dict[TrancheState, tuple[ObligationKind, Party, Party]] = {
    TrancheState.PLANNED: (ObligationKind.PROPOSE_PAYMENT, Party.OFFICER, Party.TEAM),
    TrancheState.PROPOSED: (ObligationKind.AUTHORISE_PAYMENT, Party.FINANCE, Party.TEAM),
    TrancheState.AUTHORISED: (ObligationKind.RECORD_PAYMENT, Party.FINANCE, Party.TEAM),
    TrancheState.SENT: (ObligationKind.CONFIRM_RECEIPT, Party.TEAM, Party.FINANCE),
    # A team whose payment is withheld is not left without an answer.
    TrancheState.WITHHELD: (ObligationKind.DECIDE_WITHHELD, Party.OFFICER, Party.TEAM),
}


def duty_key(number: int, kind: ObligationKind) -> str:
    """The key under which payment ``number`` makes ``kind`` due."""
    return f"payment:{number}:{kind}"


def still_unmet(state: TrancheState, condition: ConditionFacts, facts: AwardFacts) -> Unmet | None:
    """As :func:`unmet`, for a payment in ``state``: once it is sent, every condition held when it was, and stays met; one that
    is cancelled waits for nothing."""
    return unmet(condition, facts) if state in TO_RELEASE or state is TrancheState.WITHHELD else None


@dataclass(frozen=True)
class TrancheFacts:
    """One payment: its amount in the award's currency, where it stands, who proposed it, and the award's other money.

    ``account_changed`` says that another account was entered since it was proposed.
    """

    state: TrancheState
    amount: Decimal
    award_amount: Decimal
    other_tranches: Decimal
    proposed_by: int | None
    conditions: tuple[ConditionFacts, ...]
    account_changed: bool = False


def release_blockers(tranche: TrancheFacts, facts: AwardFacts) -> tuple[Unmet, ...]:
    """Everything that keeps the payment from being released now: unmet conditions, an ended or suspended award, too much money."""
    found = [reason for condition in tranche.conditions if (reason := unmet(condition, facts)) is not None]
    if facts.stage in ENDED:
        found.insert(0, Unmet(M(N_("The award has ended: nothing more is paid.")), Party.OFFICER, "ended"))
    if facts.stage is Stage.SUSPENDED and not any(c.kind == "not_suspended" for c in tranche.conditions):
        found.append(Unmet(M(CHECKS["not_suspended"][0]), Party.OFFICER, "not_suspended"))
    if tranche.amount + tranche.other_tranches > tranche.award_amount:
        found.append(Unmet(M(N_("The payments would exceed the award.")), Party.OFFICER, "amount"))
    return tuple(found)


_BEFORE_THE_BANK = (TrancheState.PLANNED, TrancheState.PROPOSED, TrancheState.AUTHORISED)
# Step → from which state to which, and who takes it. Until the bank has it, a payment can be taken back: otherwise a wrong
# account could not be mended any more.
_STEPS: dict[str, tuple[Mapping[TrancheState, TrancheState], frozenset[Role]]] = {
    "propose": ({TrancheState.PLANNED: TrancheState.PROPOSED}, frozenset({Role.OFFICER})),
    "authorise": ({TrancheState.PROPOSED: TrancheState.AUTHORISED}, frozenset({Role.FINANCE})),
    "send_back": (dict.fromkeys(_BEFORE_THE_BANK[1:], TrancheState.PLANNED), frozenset({Role.FINANCE, Role.OFFICER})),
    "record_sent": ({TrancheState.AUTHORISED: TrancheState.SENT}, frozenset({Role.FINANCE})),
    "confirm_receipt": ({TrancheState.SENT: TrancheState.RECEIVED}, frozenset({Role.LEAD})),
    "record_returned": ({TrancheState.SENT: TrancheState.RETURNED}, frozenset({Role.FINANCE})),
    # Decisions at the ILO's discretion (guide §5), each with a reason. Another amount is proposed and authorised anew.
    "withhold": (dict.fromkeys(_BEFORE_THE_BANK, TrancheState.WITHHELD), frozenset({Role.OFFICER})),
    "resume": ({TrancheState.WITHHELD: TrancheState.PLANNED}, frozenset({Role.OFFICER})),
    "adjust": (
        dict.fromkeys(_BEFORE_THE_BANK, TrancheState.PLANNED) | {TrancheState.WITHHELD: TrancheState.WITHHELD},
        frozenset({Role.OFFICER}),
    ),
    "cancel": (
        dict.fromkeys((*_BEFORE_THE_BANK, TrancheState.WITHHELD), TrancheState.CANCELLED),
        frozenset({Role.OFFICER}),
    ),
}
NEEDS_CONDITIONS = frozenset({"propose", "authorise", "record_sent"})


def step_blockers(step: str, tranche: TrancheFacts, facts: AwardFacts, person_id: int | None) -> tuple[Message, ...]:
    """Why ``step`` is not possible now for this person (roles apart); empty when it is."""
    moves, _ = _STEPS[step]
    if tranche.state not in moves:
        return (M(N_("This payment is already at another step: %(state)s."), state=TRANCHE_NAMES[tranche.state]),)
    found: tuple[Message, ...] = ()
    if step in ("withhold", "resume", "adjust") and facts.stage in ENDED:
        found += (M(N_("The award has ended: nothing more is paid.")),)
    if step in NEEDS_CONDITIONS:
        found = tuple(reason.message for reason in release_blockers(tranche, facts))
    if step in ("authorise", "record_sent") and tranche.account_changed:
        found += (M(N_("The bank account was changed since this payment was proposed: send the payment back first.")),)
    if step == "authorise" and person_id == tranche.proposed_by:
        found += (M(N_("Two people release a payment: whoever proposed it cannot authorise it.")),)
    return found


def next_state(
    step: str, tranche: TrancheFacts, facts: AwardFacts, roles: frozenset[Role], person_id: int | None
) -> TrancheState:
    """The payment's state after ``step``. Raises NotAllowed for the wrong role, Refused with every reason otherwise."""
    moves, who = _STEPS[step]
    if not roles & who:
        raise NotAllowed(step)
    found = step_blockers(step, tranche, facts, person_id)
    if found:
        raise Refused(*found)
    return moves[tranche.state]
