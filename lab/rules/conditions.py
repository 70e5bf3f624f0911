"""What a payment waits for (guide §5): each condition met or not, in a sentence, and whose turn it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from lab.rules.facts import AwardFacts, Stage
from lab.rules.obligations import Party
from lab.rules.text import N_, M, Message


@dataclass(frozen=True)
class ConditionFacts:
    """One condition of a tranche: its kind, its parameters, whether an officer attested it, and the call's own sentence for it
    (language → text)."""

    kind: str
    params: Mapping[str, str]
    attested: bool = False
    label: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Unmet:
    """Why a condition is not met, and whose turn it is, None when only time is awaited; ``key`` is the kind of the condition,
    ``about`` what it names."""

    message: Message
    turn: Party | None
    key: str
    about: str = ""


# In the order in which the life of an award comes to them: the first unmet one is what a payment waits for.
CHECKS: dict[str, tuple[str, Party | None]] = {
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
    "final_report_accepted": (N_("The final narrative and financial report is not accepted."), Party.TEAM),
    "obligation_discharged": (N_("What the agreement obliges to is not done: %(what)s"), Party.TEAM),
    "attested": (N_("An officer has not attested this with evidence: %(what)s"), Party.OFFICER),
    "date_reached": (N_("It is paid from %(day)s on, not before."), None),
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
    "final_report_accepted": N_("the final report is accepted"),
    "obligation_discharged": N_("what the agreement obliges to is done (%(about)s)"),
    "attested": N_("an officer attests what the call asks"),
    "date_reached": N_("the day %(about)s is reached"),
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
        case "final_report_accepted":
            return facts.final_report_accepted
        case "obligation_discharged":
            return key in facts.obligations_done
        case "date_reached":
            return facts.today is not None and date.fromisoformat(key) <= facts.today
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
    sentence, turn = CHECKS[condition.kind]
    return Unmet(M(sentence, **_named(condition)), turn, condition.kind, about)


def _named(condition: ConditionFacts) -> dict[str, object]:
    """What the sentence of the condition's kind has places for."""
    about = condition.params.get("key", "")
    match condition.kind:
        case "date_reached":
            return {"day": date.fromisoformat(about)}
        case "attested" | "obligation_discharged":
            # Nothing but the call says what it is about.
            return {"what": condition.label or about}
        case "report_accepted" | "milestone_accepted" | "boot_camp_attended":
            # A milestone that an amendment named has its title beside its number.
            return {"key": condition.params.get("title", about)}
        case _:
            return {}
