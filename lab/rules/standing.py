"""Why a payment is not paid yet: one sentence for both sides, made of what forbids it and of who owes what (domain: Money)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from lab.rules.conditions import CHECKS
from lab.rules.disbursement import DUTIES, GONE, TrancheFacts, TrancheState, duty_key, release_blockers
from lab.rules.facts import ENDED, AwardFacts
from lab.rules.obligations import Party
from lab.rules.text import N_, M, Message


@dataclass(frozen=True)
class Standing:
    """Why a payment is not paid yet, the same for every reader: what is missing, whose turn it is, since when (UTC).

    ``turn`` is None when nobody can do anything about it; ``due`` is by when it is owed (UTC), None where no date is set;
    ``more`` counts what else is missing. ``key`` and ``about`` say where it is done: the kind of the condition and what it
    names, or a step; ``owed`` is the key of the obligation that it is, empty where there is none.
    """

    missing: Message
    turn: Party | None
    since: datetime
    due: datetime | None = None
    more: int = 0
    key: str = ""
    about: str = ""
    owed: str = ""


# An open obligation: who owes it, since when, by when (UTC).
Owed = tuple[Party, datetime, datetime]


_NEXT: dict[TrancheState, str] = {
    TrancheState.PLANNED: N_("Every condition is met, and the payment is to be proposed."),
    TrancheState.PROPOSED: N_("It is proposed, and another person is to authorise it."),
    TrancheState.AUTHORISED: N_("It is authorised, and the bank's transfer is to be made and recorded."),
    TrancheState.SENT: N_("It is sent, and its arrival is to be confirmed."),
}
# What comes before the lab, the most telling first: a boot camp that is not attended yet waits for a signature before.
_BEFORE_THE_LAB = (
    "sign_organisation", "sign_ilo", "open_agreement", "clear_due_diligence", "review_workplan", "decide_expiry", "submit_workplan",
)  # fmt: skip
# Keys of obligations that say who is at work on a condition, the most telling first; ``%s`` is what the condition names.
_AT_WORK: dict[str, tuple[str, ...]] = {
    "workplan_approved": ("review_workplan", "decide_expiry", "submit_workplan"),
    "due_diligence_clear": ("clear_due_diligence",),
    "agreement_in_force": _BEFORE_THE_LAB,
    "account_holder_matches": ("enter_account",),
    "account_verified": ("enter_account", "verify_account"),
    "boot_camp_attended": ("boot_camp:%s", *_BEFORE_THE_LAB),
    "prototype_report_accepted": ("review:prototype_report:1", "report:prototype_report:1", *_BEFORE_THE_LAB),
    "report_accepted": ("review:%s", "report:%s", *_BEFORE_THE_LAB),
    "milestone_accepted": ("milestone:%s", *_BEFORE_THE_LAB),
    "final_report_accepted": ("review:final_report:1", "report:final_report:1", *_BEFORE_THE_LAB),
    "obligation_discharged": ("%s", *_BEFORE_THE_LAB),
}


def standing(
    number: int,
    tranche: TrancheFacts,
    facts: AwardFacts,
    owed: Mapping[str, Owed],
    since: datetime,
    withheld: str = "",
) -> Standing | None:
    """Why payment ``number`` is not paid yet; None once it has arrived, or is gone.

    ``owed`` are the award's open obligations by key. ``since`` (the award entered its stage) stands in where nobody owes
    anything by a date; ``withheld`` is the reason of the decision that holds the payment back.
    """
    if tranche.state is TrancheState.RECEIVED or tranche.state in GONE:
        return None
    if tranche.state is TrancheState.WITHHELD and facts.stage not in ENDED:
        message = M(
            N_("The payment is withheld, until the ILO resumes, adjusts or cancels it: %(reason)s"), reason=withheld
        )
        return _of_step(number, tranche.state, message, owed, since)
    reasons = list(release_blockers(tranche, facts)) if tranche.state is not TrancheState.SENT else []
    if not reasons:
        return _of_step(number, tranche.state, M(_NEXT[tranche.state]), owed, since)
    rank = {key: place for place, key in enumerate(CHECKS)}
    first = min(reasons, key=lambda reason: rank.get(reason.key, -1))
    found = Standing(
        first.message, None if first.key == "ended" else first.turn, since,
        more=len(reasons) - 1 if first.key != "ended" else 0, key=first.key, about=first.about,
    )  # fmt: skip
    for pattern in _AT_WORK.get(first.key, ()):
        key = pattern.replace("%s", first.about)
        if key in owed:
            turn, began, due = owed[key]
            return replace(found, turn=turn, since=began, due=due, owed=key)
    return found


def _of_step(number: int, state: TrancheState, message: Message, owed: Mapping[str, Owed], since: datetime) -> Standing:
    """The payment's own next step is what is awaited."""
    kind, debtor, _ = DUTIES[state]
    key = duty_key(number, kind)
    if key not in owed:
        return Standing(message, debtor, since, key=kind)
    turn, began, due = owed[key]
    return Standing(message, turn, began, due, key=kind, owed=key)
