"""Payments (guide §5): conditions met or not and why, two pairs of eyes, and never more than the award."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from lab.rules.errors import NotAllowed, Refused
from lab.rules.facts import AwardFacts, Role, Stage
from lab.rules.obligations import Party
from lab.rules.text import M, Message, N_


class TrancheState(StrEnum):
    """The path of a payment: planned, proposed by an officer, authorised by finance, sent by the bank, received."""

    PLANNED = "planned"
    PROPOSED = "proposed"
    AUTHORISED = "authorised"
    SENT = "sent"
    RECEIVED = "received"


TRANCHE_NAMES: dict[TrancheState, str] = {
    TrancheState.PLANNED: N_("Planned"),
    TrancheState.PROPOSED: N_("Proposed"),
    TrancheState.AUTHORISED: N_("Authorised"),
    TrancheState.SENT: N_("Sent"),
    TrancheState.RECEIVED: N_("Received"),
}


@dataclass(frozen=True)
class ConditionFacts:
    """One condition of a tranche: its kind, its parameters, and whether an officer attested it."""

    kind: str
    params: dict[str, str]
    attested: bool = False


@dataclass(frozen=True)
class Unmet:
    """Why a condition is not met, and whose turn it is."""

    message: Message
    turn: Party


_CHECKS: dict[str, tuple[str, Party]] = {
    "agreement_in_force": (N_("The grant agreement is not in force: both sides sign it."), Party.OFFICER),
    "workplan_approved": (N_("The workplan and budget are not approved."), Party.TEAM),
    "due_diligence_clear": (N_("Due diligence is not clear."), Party.OFFICER),
    "account_verified": (N_("Finance has not verified the bank account."), Party.FINANCE),
    "account_holder_matches": (N_("The bank account is not in the organisation's name."), Party.TEAM),
    "not_suspended": (N_("The award is suspended."), Party.OFFICER),
    "prototype_report_accepted": (N_("The final report on the prototype is not accepted."), Party.TEAM),
    "report_accepted": (N_("The report “%(key)s” is not accepted."), Party.TEAM),
    "milestone_accepted": (N_("The milestone “%(key)s” is not accepted."), Party.TEAM),
    "boot_camp_attended": (N_("Nobody of the team has attended the boot camp “%(key)s”."), Party.TEAM),
    "attested": (N_("An officer has not attested this with evidence."), Party.OFFICER),
}


def is_met(condition: ConditionFacts, facts: AwardFacts) -> bool:
    """Whether the condition holds now: from the award's facts, or an officer's attestation where there is no fact."""
    key = condition.params.get("key", "")
    match condition.kind:
        case "agreement_in_force":
            return facts.agreement_in_force
        case "workplan_approved":
            return facts.workplan_accepted
        case "due_diligence_clear":
            return facts.due_diligence_clear
        case "account_verified":
            return facts.account_verified
        case "account_holder_matches":
            return facts.account_holder_matches
        case "not_suspended":
            return facts.stage is not Stage.SUSPENDED
        case "prototype_report_accepted":
            return facts.prototype_report_accepted
        case "report_accepted":
            return key in facts.reports_accepted
        case "milestone_accepted":
            return key in facts.milestones_accepted
        case "boot_camp_attended":
            return key in facts.boot_camps_attended
        case "attested":
            return condition.attested
        case unknown:
            raise ValueError(f"condition of an unknown kind: {unknown}")


def unmet(condition: ConditionFacts, facts: AwardFacts) -> Unmet | None:
    """Why the condition does not hold and whose turn it is; None when it holds."""
    if is_met(condition, facts):
        return None
    sentence, turn = _CHECKS[condition.kind]
    return Unmet(M(sentence, **condition.params) if "%(" in sentence else M(sentence), turn)


@dataclass(frozen=True)
class TrancheFacts:
    """One payment: its amount in the award's currency, where it stands, who proposed it, and the award's other money."""

    state: TrancheState
    amount: Decimal
    award_amount: Decimal
    other_tranches: Decimal
    proposed_by: int | None
    conditions: tuple[ConditionFacts, ...]


def release_blockers(tranche: TrancheFacts, facts: AwardFacts) -> tuple[Unmet, ...]:
    """Everything that keeps the payment from being released now: unmet conditions, an ended or suspended award, too much money."""
    found = [reason for condition in tranche.conditions if (reason := unmet(condition, facts)) is not None]
    if facts.stage in (Stage.LAPSED, Stage.TERMINATED, Stage.WITHDRAWN, Stage.CLOSED):
        found.append(Unmet(M(N_("The award has ended: nothing more is paid.")), Party.OFFICER))
    if facts.stage is Stage.SUSPENDED and not any(c.kind == "not_suspended" for c in tranche.conditions):
        found.append(Unmet(M(N_("The award is suspended.")), Party.OFFICER))
    if tranche.amount + tranche.other_tranches > tranche.award_amount:
        found.append(Unmet(M(N_("The payments would exceed the award.")), Party.OFFICER))
    return tuple(found)


_STEPS: dict[str, tuple[TrancheState, TrancheState, frozenset[Role]]] = {
    "propose": (TrancheState.PLANNED, TrancheState.PROPOSED, frozenset({Role.OFFICER})),
    "authorise": (TrancheState.PROPOSED, TrancheState.AUTHORISED, frozenset({Role.FINANCE})),
    "send_back": (TrancheState.PROPOSED, TrancheState.PLANNED, frozenset({Role.FINANCE, Role.OFFICER})),
    "record_sent": (TrancheState.AUTHORISED, TrancheState.SENT, frozenset({Role.FINANCE})),
    "confirm_receipt": (TrancheState.SENT, TrancheState.RECEIVED, frozenset({Role.LEAD})),
}
NEEDS_CONDITIONS = frozenset({"propose", "authorise", "record_sent"})


def step_blockers(step: str, tranche: TrancheFacts, facts: AwardFacts, person_id: int | None) -> tuple[Message, ...]:
    """Why ``step`` is not possible now for this person (roles apart); empty when it is."""
    before, _, _ = _STEPS[step]
    if tranche.state is not before:
        return (M(N_("This payment is already at another step: %(state)s."), state=TRANCHE_NAMES[tranche.state]),)
    found: tuple[Message, ...] = ()
    if step in NEEDS_CONDITIONS:
        found = tuple(reason.message for reason in release_blockers(tranche, facts))
    if step == "authorise" and person_id == tranche.proposed_by:
        found += (M(N_("Two people release a payment: whoever proposed it cannot authorise it.")),)
    return found


def next_state(
    step: str, tranche: TrancheFacts, facts: AwardFacts, roles: frozenset[Role], person_id: int | None
) -> TrancheState:
    """The payment's state after ``step``. Raises NotAllowed for the wrong role, Refused with every reason otherwise."""
    _, target, who = _STEPS[step]
    if not roles & who:
        raise NotAllowed(step)
    found = step_blockers(step, tranche, facts, person_id)
    if found:
        raise Refused(*found)
    return target
