"""The life of an award as a table of transitions. Nothing else sets a stage (domain: The life of an award)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from lab.rules.diligence import diligence_reasons
from lab.rules.errors import NotAllowed, Refused
from lab.rules.facts import ACTIVE, AwardFacts, Role, Stage
from lab.rules.text import N_, M, Message

Need = Callable[[AwardFacts, datetime], Message | None]


def _workplan_in_hand(facts: AwardFacts, now: datetime) -> Message | None:
    return None if facts.workplan_submitted else M(N_("The team has not submitted a workplan to decide on."))


def _deadline_passed(facts: AwardFacts, now: datetime) -> Message | None:
    if facts.workplan_submitted:
        return M(N_("The workplan is in review: decide on it instead of letting the award lapse."))
    if facts.workplan_deadline is None or now < facts.workplan_deadline:
        return M(N_("The team still has time: an award can lapse only after the workplan's deadline."))
    return None


def _both_signed(facts: AwardFacts, now: datetime) -> Message | None:
    if "organisation" not in facts.signed_by:
        return M(N_("The team lead has not signed the agreement yet."))
    return None if "ilo" in facts.signed_by else M(N_("The programme officer has not signed the agreement yet."))


def _diligence_clear(facts: AwardFacts, now: datetime) -> Message | None:
    return next(iter(diligence_reasons(facts)), None)


def _workplan_accepted(facts: AwardFacts, now: datetime) -> Message | None:
    return None if facts.workplan_accepted else M(N_("The workplan and budget are not approved yet."))


def _prototype_report(facts: AwardFacts, now: datetime) -> Message | None:
    if facts.prototype_report_accepted:
        return None
    return M(N_("The final report on the prototype, with its action plan, is not accepted yet."))


def _final_report(facts: AwardFacts, now: datetime) -> Message | None:
    return (
        None if facts.final_report_accepted else M(N_("The final narrative and financial report is not accepted yet."))
    )


def _nothing_unspent(facts: AwardFacts, now: datetime) -> Message | None:
    if facts.unspent <= 0:
        return None
    return M(N_("Unspent money has not come back yet: finance records its return."))


def _closing_checked(facts: AwardFacts, now: datetime) -> Message | None:
    if facts.closing_required <= facts.closing_checked:
        return None
    return M(N_("The closing checklist has open items: the officer ticks each with a note."))


def _lessons_written(facts: AwardFacts, now: datetime) -> Message | None:
    return None if facts.lessons else M(N_("No lesson learned is written yet: the team or the officer writes one."))


@dataclass(frozen=True)
class Transition:
    """One permitted change of stage: from where, to where (None: back to where a suspension began), by whom, on what terms."""

    name: str
    from_: frozenset[Stage]
    to: Stage | None
    who: frozenset[Role]
    needs: tuple[Need, ...] = ()
    needs_reason: bool = False


_OFFICER = frozenset({Role.OFFICER})

TRANSITIONS: tuple[Transition, ...] = (
    Transition("approve_workplan", frozenset({Stage.WORKPLAN}), Stage.AGREEMENT, _OFFICER, (_workplan_in_hand,)),
    Transition("reject_workplan", frozenset({Stage.WORKPLAN}), Stage.LAPSED, _OFFICER, (_workplan_in_hand,), True),
    Transition("let_lapse", frozenset({Stage.WORKPLAN}), Stage.LAPSED, _OFFICER, (_deadline_passed,), True),
    Transition(
        "bring_into_force",
        frozenset({Stage.AGREEMENT}),
        Stage.PROTOTYPING,
        # Whoever signs last: of the team's members the one who is named as signatory.
        frozenset({Role.LEAD, Role.MEMBER, Role.OFFICER}),
        (_workplan_accepted, _diligence_clear, _both_signed),
    ),
    Transition("start_pilot", frozenset({Stage.PROTOTYPING}), Stage.PILOT, _OFFICER, (_prototype_report,)),
    Transition(
        "close",
        frozenset({Stage.PILOT}),
        Stage.CLOSED,
        _OFFICER,
        (_final_report, _nothing_unspent, _closing_checked, _lessons_written),
    ),
    Transition("suspend", ACTIVE, Stage.SUSPENDED, _OFFICER, (), True),
    Transition("resume", frozenset({Stage.SUSPENDED}), None, _OFFICER, (), True),
    Transition("terminate", ACTIVE | {Stage.SUSPENDED}, Stage.TERMINATED, _OFFICER, (), True),
    Transition("withdraw", ACTIVE | {Stage.SUSPENDED}, Stage.WITHDRAWN, frozenset({Role.LEAD}), (), True),
)
BY_NAME = {transition.name: transition for transition in TRANSITIONS}

STAGE_NAMES: dict[Stage, str] = {
    Stage.WORKPLAN: N_("Workplan and budget"),
    Stage.AGREEMENT: N_("Grant agreement"),
    Stage.PROTOTYPING: N_("Prototyping"),
    Stage.PILOT: N_("Pilot"),
    Stage.CLOSED: N_("Closed"),
    Stage.SUSPENDED: N_("Suspended"),
    Stage.LAPSED: N_("Lapsed"),
    Stage.TERMINATED: N_("Terminated"),
    Stage.WITHDRAWN: N_("Withdrawn"),
}


def blockers(name: str, facts: AwardFacts, now: datetime) -> tuple[Message, ...]:
    """Why transition ``name`` cannot happen now, whoever asks; empty when it can."""
    transition = BY_NAME[name]
    if facts.stage not in transition.from_:
        return (M(N_("This is not possible in the stage the award is in: %(stage)s."), stage=STAGE_NAMES[facts.stage]),)
    return tuple(message for need in transition.needs if (message := need(facts, now)) is not None)


def next_stage(name: str, facts: AwardFacts, roles: frozenset[Role], reason: str, now: datetime) -> Stage:
    """The stage after transition ``name``.

    Raises NotAllowed when none of ``roles`` may make it, Refused with every reason when it cannot happen now
    or when it needs a reason in words and has none.
    """
    transition = BY_NAME[name]
    if not roles & transition.who:
        raise NotAllowed(name)
    found = blockers(name, facts, now)
    if transition.needs_reason and not reason.strip():
        found += (M(N_("Give the reason in a sentence: it is kept and shown to the team.")),)
    if found:
        raise Refused(*found)
    if transition.to is not None:
        return transition.to
    assert facts.suspended_from is not None, "a suspended award remembers where it was"
    return facts.suspended_from
