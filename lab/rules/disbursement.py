"""Payments (guide §5): conditions met or not and why, two pairs of eyes, and never more than the award."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from lab.rules.errors import NotAllowed, Refused
from lab.rules.facts import ENDED, AwardFacts, Role, Stage
from lab.rules.obligations import ObligationKind, Party
from lab.rules.text import N_, M, Message


class TrancheState(StrEnum):
    """The path of a payment: planned, proposed by an officer, authorised by finance, sent by the bank, received; or
    cancelled by an amendment while it was planned."""

    PLANNED = "planned"
    PROPOSED = "proposed"
    AUTHORISED = "authorised"
    SENT = "sent"
    RECEIVED = "received"
    CANCELLED = "cancelled"


TRANCHE_NAMES: dict[TrancheState, str] = {
    TrancheState.PLANNED: N_("Planned"),
    TrancheState.PROPOSED: N_("Proposed"),
    TrancheState.AUTHORISED: N_("Authorised"),
    TrancheState.SENT: N_("Sent"),
    TrancheState.RECEIVED: N_("Received"),
    TrancheState.CANCELLED: N_("Cancelled"),
}
# What each state makes due: what, by whom, to whom. A payment that has arrived makes nothing due.
DUTIES: dict[TrancheState, tuple[ObligationKind, Party, Party]] = {
    TrancheState.PLANNED: (ObligationKind.PROPOSE_PAYMENT, Party.OFFICER, Party.TEAM),
    TrancheState.PROPOSED: (ObligationKind.AUTHORISE_PAYMENT, Party.FINANCE, Party.TEAM),
    TrancheState.AUTHORISED: (ObligationKind.RECORD_PAYMENT, Party.FINANCE, Party.TEAM),
    TrancheState.SENT: (ObligationKind.CONFIRM_RECEIPT, Party.TEAM, Party.FINANCE),
}


def duty_key(number: int, kind: ObligationKind) -> str:
    """The key under which payment ``number`` makes ``kind`` due."""
    return f"payment:{number}:{kind}"


@dataclass(frozen=True)
class ConditionFacts:
    """One condition of a tranche: its kind, its parameters, and whether an officer attested it."""

    kind: str
    params: dict[str, str]
    attested: bool = False


@dataclass(frozen=True)
class Unmet:
    """Why a condition is not met, and whose turn it is; ``key`` is the kind of the condition, ``about`` what it names."""

    message: Message
    turn: Party
    key: str
    about: str = ""


# In the order in which the life of an award comes to them: the first unmet one is what a payment waits for.
_CHECKS: dict[str, tuple[str, Party]] = {
    "not_suspended": (N_("The award is suspended."), Party.OFFICER),
    "workplan_approved": (N_("The workplan and budget are not approved."), Party.TEAM),
    "due_diligence_clear": (N_("Due diligence is not clear."), Party.OFFICER),
    "agreement_in_force": (N_("The grant agreement is not in force: both sides sign it."), Party.OFFICER),
    "account_holder_matches": (N_("The bank account is not in the organisation's name."), Party.TEAM),
    "account_verified": (N_("Finance has not verified the bank account."), Party.FINANCE),
    "boot_camp_attended": (N_("Nobody of the team has attended the boot camp “%(key)s”."), Party.TEAM),
    "prototype_report_accepted": (N_("The final report on the prototype is not accepted."), Party.TEAM),
    "report_accepted": (N_("The report “%(key)s” is not accepted."), Party.TEAM),
    "milestone_accepted": (N_("The milestone “%(key)s” is not accepted."), Party.TEAM),
    "attested": (N_("An officer has not attested this with evidence."), Party.OFFICER),
}


# What each asks for, in a few words; ``about`` is what it names.
CONDITION_NAMES: dict[str, str] = {
    "not_suspended": N_("the award is not suspended"),
    "workplan_approved": N_("the workplan is approved"),
    "due_diligence_clear": N_("due diligence is clear"),
    "agreement_in_force": N_("the agreement is in force"),
    "account_holder_matches": N_("the account is in the organisation's name"),
    "account_verified": N_("the account is verified"),
    "boot_camp_attended": N_("the boot camp %(about)s is attended"),
    "prototype_report_accepted": N_("the final report on the prototype is accepted"),
    "report_accepted": N_("the report %(about)s is accepted"),
    "milestone_accepted": N_("the milestone %(about)s is accepted"),
    "attested": N_("an officer attests what the call asks"),
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
    about = condition.params.get("key", "")
    if condition.kind in ("account_verified", "account_holder_matches") and not facts.account_entered:
        return Unmet(M(N_("No bank account is entered yet: the team lead enters it.")), Party.TEAM, condition.kind)
    sentence, turn = _CHECKS[condition.kind]
    # A milestone that an amendment named has its title beside its number.
    called = condition.params.get("title", about)
    return Unmet(M(sentence, key=called) if "%(" in sentence else M(sentence), turn, condition.kind, about)


def still_unmet(state: TrancheState, condition: ConditionFacts, facts: AwardFacts) -> Unmet | None:
    """As :func:`unmet`, for a payment in ``state``: once it is sent, every condition held when it was, and stays met."""
    return None if state in (TrancheState.SENT, TrancheState.RECEIVED) else unmet(condition, facts)


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
        found.append(Unmet(M(_CHECKS["not_suspended"][0]), Party.OFFICER, "not_suspended"))
    if tranche.amount + tranche.other_tranches > tranche.award_amount:
        found.append(Unmet(M(N_("The payments would exceed the award.")), Party.OFFICER, "amount"))
    return tuple(found)


_STEPS: dict[str, tuple[frozenset[TrancheState], TrancheState, frozenset[Role]]] = {
    "propose": (frozenset({TrancheState.PLANNED}), TrancheState.PROPOSED, frozenset({Role.OFFICER})),
    "authorise": (frozenset({TrancheState.PROPOSED}), TrancheState.AUTHORISED, frozenset({Role.FINANCE})),
    # Until the bank has it, a payment can be taken back: otherwise a wrong account could not be mended any more.
    "send_back": (
        frozenset({TrancheState.PROPOSED, TrancheState.AUTHORISED}),
        TrancheState.PLANNED,
        frozenset({Role.FINANCE, Role.OFFICER}),
    ),
    "record_sent": (frozenset({TrancheState.AUTHORISED}), TrancheState.SENT, frozenset({Role.FINANCE})),
    "confirm_receipt": (frozenset({TrancheState.SENT}), TrancheState.RECEIVED, frozenset({Role.LEAD})),
}
NEEDS_CONDITIONS = frozenset({"propose", "authorise", "record_sent"})


def step_blockers(step: str, tranche: TrancheFacts, facts: AwardFacts, person_id: int | None) -> tuple[Message, ...]:
    """Why ``step`` is not possible now for this person (roles apart); empty when it is."""
    before, _, _ = _STEPS[step]
    if tranche.state not in before:
        return (M(N_("This payment is already at another step: %(state)s."), state=TRANCHE_NAMES[tranche.state]),)
    found: tuple[Message, ...] = ()
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
    _, target, who = _STEPS[step]
    if not roles & who:
        raise NotAllowed(step)
    found = step_blockers(step, tranche, facts, person_id)
    if found:
        raise Refused(*found)
    return target


@dataclass(frozen=True)
class Standing:
    """Why a payment is not paid yet, the same for every reader: what is missing, whose turn it is, since when (UTC).

    ``turn`` is None when nobody can do anything about it any more; ``more`` counts what else is missing.
    """

    missing: Message
    turn: Party | None
    since: datetime
    more: int = 0


_NEXT: dict[TrancheState, str] = {
    TrancheState.PLANNED: N_("Every condition is met, and the payment is to be proposed."),
    TrancheState.PROPOSED: N_("It is proposed, and another person is to authorise it."),
    TrancheState.AUTHORISED: N_("It is authorised, and the bank's transfer is to be made and recorded."),
    TrancheState.SENT: N_("It is sent, and its arrival is to be confirmed."),
}
# Keys of obligations that say who is at work on a condition, the most telling first; ``%s`` is what the condition names.
_AT_WORK: dict[str, tuple[str, ...]] = {
    "workplan_approved": ("review_workplan", "decide_expiry", "submit_workplan"),
    "due_diligence_clear": ("clear_due_diligence",),
    "agreement_in_force": ("sign_organisation", "sign_ilo", "open_agreement"),
    "account_holder_matches": ("enter_account",),
    "account_verified": ("enter_account", "verify_account"),
    "boot_camp_attended": ("boot_camp:%s",),
    "prototype_report_accepted": ("review:prototype_report:1", "report:prototype_report:1"),
    "report_accepted": ("review:%s", "report:%s"),
    "milestone_accepted": ("milestone:%s",),
}


def standing(
    number: int,
    tranche: TrancheFacts,
    facts: AwardFacts,
    owed: Mapping[str, tuple[Party, datetime]],
    since: datetime,
) -> Standing | None:
    """Why payment ``number`` is not paid yet; None once it has arrived.

    ``owed`` are the award's open obligations by key: who owes, since when. ``since`` (the award entered its stage) stands in
    where nobody owes anything by a date.
    """
    if tranche.state is TrancheState.RECEIVED:
        return None
    reasons = list(release_blockers(tranche, facts)) if tranche.state is not TrancheState.SENT else []
    if reasons:
        rank = {key: place for place, key in enumerate(_CHECKS)}
        first = min(reasons, key=lambda reason: rank.get(reason.key, -1))
        turn: Party | None
        turn, began = first.turn, since
        for pattern in _AT_WORK.get(first.key, ()):
            key = pattern.replace("%s", first.about)
            if key in owed:
                turn, began = owed[key]
                break
        return Standing(first.message, None if first.key == "ended" else turn, began, len(reasons) - 1)
    kind, debtor, _ = DUTIES[tranche.state]
    _, began = owed.get(duty_key(number, kind), (debtor, since))
    return Standing(M(_NEXT[tranche.state]), debtor, began)
